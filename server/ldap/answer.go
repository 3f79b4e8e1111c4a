package ldap

import (
	"context"
	"errors"

	goldap "github.com/go-ldap/ldap/v3"

	"ringbook/directory/filter"
)

const (
	// flushAt is when entries go out: one TLS record, and few system calls.
	flushAt = 16 << 10
	// keepBuffer is the largest buffer that is used again; photos make larger ones.
	keepBuffer = 64 << 10
	// pollEvery is after how many leaves of its filter, each looked at for a contact, a
	// search looks whether it is still wanted, and whose turn it is. The dearest leaf
	// costs some ten microseconds.
	pollEvery = 64
)

// errUnwanted: nobody waits for an answer any more; none is sent.
var errUnwanted = errors.New("answer not wanted")

// An answer is the answer to one search on its way out.
type answer struct {
	printer
	op     *operation
	q      searchRequest
	ctl    controls
	work   *work
	out    []byte
	all    []member // that were found, if they are in a list
	best   []member // likewise
	sent   int
	weight int  // leaves of the filter
	asked  int  // leaves since it was last looked whether to go on
	over   bool // the search was given up: what it yields now means nothing
	// rearranged: the contacts are not in the order of names.
	rearranged bool
	// Of the response controls; nil = not asked for.
	sorted []byte
	listed []byte
	next   []byte // cookie of the next page
}

// newAnswer returns an answer that has to be released.
func (op *operation) newAnswer(q searchRequest, ctl controls) *answer {
	srv := op.c.srv
	a, _ := srv.answers.Get().(*answer)
	asked := srv.selections.find(q.wanted)
	a.printer = printer{
		srv: srv, id: op.id, selection: asked, columns: asked.columns, typesOnly: q.typesOnly, handOver: op.handOver,
		texts: a.texts,
	}
	a.op, a.q, a.ctl, a.weight = op, q, ctl, weigh(q.filter)
	return a
}

// weigh counts the leaves of a filter, the pieces of its substrings, and what it becomes
// where it names no attribute.
func weigh(f *filter.Filter) int {
	n := 1 + len(f.Any)
	if f.Op == filter.Extensible && f.Attribute == "" {
		n += len(attributesOf(f.Rule))
	}
	for _, child := range f.Children {
		n += weigh(child)
	}
	return n
}

// release leaves the room that the answer took to the next.
func (a *answer) release() {
	srv, room := a.srv, answer{out: a.out[:0], all: emptied(a.all), best: emptied(a.best)}
	room.texts = emptied(a.texts)
	if cap(a.out) > keepBuffer {
		room.out = nil
	}
	*a = room
	srv.answers.Put(a)
}

// emptied returns the room of a list that keeps nothing alive.
func emptied[T any](list []T) []T {
	clear(list[:cap(list)])
	return list[:0]
}

// stop reports whether to give up, now and then looking why one should, and waiting
// where it is another's turn. The filter asks it for each contact, so that a search
// that finds nobody ends, and waits, as well.
func (a *answer) stop(ctx context.Context) bool {
	if a.asked += a.weight; !a.over && a.asked >= pollEvery {
		a.asked = 0
		a.over = a.work.goOn(ctx) != nil || a.work.spent > a.srv.SearchTimeout
	}
	return a.over
}

// send sends the entries and says how the search ended.
func (a *answer) send(ctx context.Context, f found) (result, error) {
	if p := a.ctl.paging; p != nil && p.size == 0 {
		return success, nil // RFC 2696 §3: the client wants no more pages
	}
	var last item
	n := 0
	for it := range f.items() {
		n++
		switch {
		case a.stop(ctx):
			return interrupted(ctx)
		case a.q.after.covers(it, n):
			continue
		case a.full():
			return refuse(goldap.LDAPResultSizeLimitExceeded, ""), nil
		case a.pageFull():
			a.next = a.positionAfter(last).cookie()
			return success, nil
		}
		if err := a.add(ctx, it); err != nil {
			return failed(ctx, err)
		}
		last = it
	}
	if a.over {
		return interrupted(ctx)
	}
	return success, nil
}

// full reports whether a size limit is reached. The client's is for all pages
// together, as RFC 2696 §3 implies and OpenLDAP has it; ours is for what a client
// takes at once, as Active Directory has it, but for strangers: theirs ends it.
func (a *answer) full() bool {
	theirs := a.q.size > 0 && a.q.after.items+a.sent >= int(a.q.size)
	return theirs || a.ctl.paging == nil && a.overOurs() || a.capped() && a.q.after.items+a.sent >= a.device.Hits
}

// pageFull reports whether the page is. It may be shorter than the client wants.
func (a *answer) pageFull() bool {
	return a.ctl.paging != nil && (a.sent >= int(a.ctl.paging.size) || a.overOurs())
}

func (a *answer) overOurs() bool { most := a.ours(); return most > 0 && a.sent >= most }

// ours is the most entries that the server gives this device at once; 0 = no limit.
func (a *answer) ours() int { return least(a.srv.MaxEntries, a.device.Hits) }

// least returns the lower of two limits; 0 is none.
func least(a, b int) int {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

// add appends an entry, and writes what has come together.
func (a *answer) add(ctx context.Context, it item) (err error) {
	if it.object != nil {
		a.out = a.object(a.out, it.object)
	} else if a.out, err = a.contact(ctx, a.out, it.member); err != nil {
		return err
	}
	a.sent++
	switch {
	case len(a.out) < flushAt:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return a.work.aside(ctx, func() error {
		if a.op.c.write(a.out) != nil {
			return errUnwanted // the reader ends the connection
		}
		a.out = a.out[:0]
		return nil
	})
}

// failed says how a search ends that could not be carried on.
func failed(ctx context.Context, err error) (result, error) {
	switch {
	case errors.Is(err, errUnwanted):
		return result{}, err
	case ctx.Err() != nil:
		return interrupted(ctx)
	}
	return resultOf(err), nil
}

// interrupted says how a search ends that was given up: silently if the client
// did not want it any more, as canceled if it said so, else for the time it took.
func interrupted(ctx context.Context) (result, error) {
	if errors.Is(context.Cause(ctx), errCanceled) {
		return refuse(goldap.LDAPResultCanceled, ""), nil
	}
	if ctx.Err() != nil && !errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		return result{}, errUnwanted
	}
	return refuse(goldap.LDAPResultTimeLimitExceeded, ""), nil
}

// done sends the SearchResultDone behind the entries, unless it was abandoned.
func (a *answer) done(ctx context.Context, r result) (report, error) {
	if errors.Is(context.Cause(ctx), errAbandoned) {
		return a.silent(), nil
	}
	var ctl []byte
	if a.ctl.paging != nil {
		ctl = appendPaging(ctl, a.next)
	}
	ctl = append(append(ctl, a.sorted...), a.listed...)
	a.out, r = a.op.appendLast(a.out, r, ctl)
	return report{entries: a.sent, r: r}, a.op.c.write(a.out)
}

// silent is the report of a search that nobody wants answered any more.
func (a *answer) silent() report { return report{entries: a.sent, silent: true} }

package ldap

import (
	"context"
	"errors"

	goldap "github.com/go-ldap/ldap/v3"
)

const (
	// flushAt is when entries go out: one TLS record, and few system calls.
	flushAt = 16 << 10
	// keepBuffer is the largest buffer that is used again; photos make larger ones.
	keepBuffer = 64 << 10
	// pollEvery is after how many entries an operation looks whether it is still wanted.
	pollEvery = 64
)

// errUnwanted: nobody waits for an answer any more; none is sent.
var errUnwanted = errors.New("answer not wanted")

// An answer is the answer to one search on its way out.
type answer struct {
	printer
	op   *operation
	ctx  context.Context // of this one search; an answer does not outlive it
	q    searchRequest
	ctl  controls
	room *[]byte // of the pool
	out  []byte
	sent int
	// Of the response controls; nil = not asked for.
	sorted []byte
	next   []byte // cookie of the next page
}

func (op *operation) newAnswer(ctx context.Context, q searchRequest, ctl controls) *answer {
	srv := op.c.srv
	room, _ := srv.buffers.Get().(*[]byte)
	return &answer{
		printer: printer{srv: srv, id: op.id, selection: selectAttributes(q.wanted, q.typesOnly)},
		op:      op, ctx: ctx, q: q, ctl: ctl, room: room, out: (*room)[:0],
	}
}

func (a *answer) release() {
	if cap(a.out) <= keepBuffer {
		*a.room = a.out[:0]
	}
	a.srv.buffers.Put(a.room)
}

// send sends the entries and says how the search ended.
func (a *answer) send(f found) (result, error) {
	if p := a.ctl.paging; p != nil && p.size == 0 {
		return success, nil // RFC 2696 §3: the client wants no more pages
	}
	limit := a.limit()
	var last item
	n := 0
	for it := range f.items() {
		n++
		if n%pollEvery == 0 && a.ctx.Err() != nil {
			return a.interrupted()
		}
		switch {
		case a.q.after.covers(it, n):
			continue
		case limit > 0 && a.sent == limit:
			return refuse(goldap.LDAPResultSizeLimitExceeded, ""), nil
		case a.ctl.paging != nil && a.sent == int(a.ctl.paging.size):
			a.next = a.positionAfter(last, n-1).append(nil)
			return success, nil
		}
		if err := a.add(it); err != nil {
			return a.failed(err)
		}
		last = it
	}
	return success, nil
}

// limit returns the most entries of this answer; 0 = no limit.
func (a *answer) limit() int {
	ours, theirs := a.srv.MaxEntries, int(a.q.size)
	if ours == 0 || theirs != 0 && theirs < ours {
		return theirs
	}
	return ours
}

// add appends an entry, and writes what has come together.
func (a *answer) add(it item) (err error) {
	if it.object != nil {
		a.out = a.object(a.out, it.object)
	} else if a.out, err = a.contact(a.ctx, a.out, it.member); err != nil {
		return err
	}
	a.sent++
	switch {
	case len(a.out) < flushAt:
		return nil
	case a.ctx.Err() != nil:
		return a.ctx.Err()
	}
	if err := a.op.c.write(a.out); err != nil {
		return errUnwanted // the reader ends the connection
	}
	a.out = a.out[:0]
	return nil
}

// failed says how a search ends that could not be carried on.
func (a *answer) failed(err error) (result, error) {
	switch {
	case errors.Is(err, errUnwanted):
		return result{}, err
	case a.ctx.Err() != nil:
		return a.interrupted()
	}
	return resultOf(err), nil
}

func (a *answer) interrupted() (result, error) {
	if errors.Is(context.Cause(a.ctx), context.DeadlineExceeded) {
		return refuse(goldap.LDAPResultTimeLimitExceeded, ""), nil
	}
	return result{}, errUnwanted
}

// done sends the SearchResultDone behind the entries, unless nobody wants it.
func (a *answer) done(r result, err error) (report, error) {
	if err != nil || errors.Is(context.Cause(a.ctx), errAbandoned) {
		return report{entries: a.sent, silent: true}, nil
	}
	var ctl []byte
	if a.ctl.paging != nil {
		ctl = appendPaging(ctl, a.next)
	}
	ctl = append(ctl, a.sorted...)
	a.out = appendAnswer(a.out, a.id, opSearchDone, r, ctl)
	return report{entries: a.sent, r: r}, a.op.finish(a.out)
}

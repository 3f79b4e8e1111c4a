package index

import (
	"context"
	"iter"
	"slices"

	"ringbook/directory"
	"ringbook/directory/filter"
)

// Search yields the members for which f is true, in the order of names.
func (b *Book) Search(f *filter.Filter) iter.Seq[*Entry] { return b.Query(f).Hits("", "") }

// SearchContext is [Query.Hits] that ends, wherever it is, when ctx does: who
// reads it has to look at ctx.
func (b *Book) SearchContext(ctx context.Context, f *filter.Filter, sortKey string, id directory.ContactID) iter.Seq[*Entry] {
	q := b.Query(f)
	q.ended = enders(ctx)
	return q.Hits(sortKey, id)
}

// Search yields every contact, in a book or not, for which f is true, read at
// any site, in the order of names, but for those that are shown as part of another, and for those
// of mailboxes, which are their owners'. It ends early with ctx.
func (v *View) Search(ctx context.Context, f *filter.Filter) iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) {
		var x finder
		x.ask(v, f, v.index.everywhere)
		hit, ended := x.compile(f), enders(ctx)
		c, some := x.enough(f)
		for e := range v.inOrder(c, some, "", "") {
			if ended() || e.leader == "" && !e.Private() && hit(e) == filter.True && !yield(e) {
				return
			}
		}
	}
}

// Matcher returns a function that reports whether f is true for an entry of the
// book, as Search decides it. It is for one goroutine.
func (b *Book) Matcher(f *filter.Filter) func(*Entry) bool {
	q := b.Query(f)
	return q.hit
}

// A Query is a filter made ready to search a book, once for all that is asked of it.
// It evaluates the filter as far as somebody reads on, and for a few candidates behind
// that (maxAhead). It is for one goroutine.
type Query struct {
	book      *Book
	filter    *filter.Filter
	finder    finder
	test      test          // nil = not made yet
	ended     func() bool   // nil = it goes on
	looks     []typed       // for what the filter does; nil = not worked out yet
	kinds     [Kinds][]test // of better hits
	kindsMade bool
	// What postings say of the hits, once that is looked up.
	among  candidates
	some   bool
	looked bool
}

// Query makes f ready.
func (b *Book) Query(f *filter.Filter) *Query {
	q, _ := b.view.index.queries.Get().(*Query)
	q.book, q.filter = b, f
	q.finder.ask(b.view, f, b.plan)
	q.finder.mode.sees = b.sees
	return q
}

// Release leaves the room that a query took to the next. Neither the query nor what it
// yields may be read any more, but for the contacts. Not to call it is no mistake.
func (q *Query) Release() {
	x, queries := q.finder, &q.book.view.index.queries
	x.forget()
	*q = Query{finder: x}
	queries.Put(q)
}

func (q *Query) hit(e *Entry) bool {
	if q.test == nil {
		q.test = q.finder.compile(q.filter)
	}
	return q.test(e) == filter.True
}

// candidates returns what postings say; false = nothing.
func (q *Query) candidates() (candidates, bool) {
	if !q.looked {
		q.looked = true
		q.among, q.some = q.finder.enough(q.filter)
	}
	return q.among, q.some
}

// AtMost returns how many hits there are at most, without looking at anybody.
func (q *Query) AtMost() int {
	if q.book.drained {
		return 0
	}
	c, some := q.candidates()
	if !some {
		return q.book.view.contacts
	}
	return c.size()
}

// Hits yields the members for which the filter is true, behind a place in the order
// of names, which the sort key and the id of a contact name; the contact need not be
// there any more.
func (q *Query) Hits(sortKey string, id directory.ContactID) iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) { q.search().hits(sortKey, id)(yield) }
}

// search returns the search for the hits.
func (q *Query) search() search {
	c, some := q.candidates()
	return search{book: q.book, among: c, some: some, hit: q.hit, ended: q.ended}
}

// A search looks for hits among candidates or, if nothing is known of them, all.
type search struct {
	book  *Book
	among candidates
	some  bool
	hit   func(*Entry) bool
	ended func() bool // nil = it goes on
}

// hits yields the hits behind a place in the order of names.
func (s search) hits(sortKey string, id directory.ContactID) iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) {
		if s.book.drained {
			return
		}
		var room [maxAhead]*Entry
		next := room[:0]
		for e := range s.book.view.inOrder(s.among, s.some, sortKey, id) {
			if s.ended != nil && s.ended() {
				return
			}
			if next = append(next, e); len(next) < maxAhead {
				continue
			}
			if !s.yield(next, yield) {
				return
			}
			next = room[:0]
		}
		s.yield(next, yield)
	}
}

// maxAhead is how many candidates are looked at before the first of them is given out:
// as many as a processor can wait for at once.
const maxAhead = 16

// yield gives out those of some candidates that are hits. Where contacts lie in memory
// has nothing to do with their names, and to wait for each part of each is most of what
// it costs to read many in order, so the parts of some are fetched side by side.
func (s search) yield(some []*Entry, yield func(*Entry) bool) bool {
	for _, e := range s.those(some) {
		if !yield(e) {
			return false
		}
	}
	return true
}

// those returns those of some candidates that are hits, in the same room.
func (s search) those(some []*Entry) []*Entry {
	fetchEntries(some, s.book.own.stamps)
	hits := some[:0]
	for _, e := range some {
		if shown := s.book.show(e); shown != nil && s.hit(shown) {
			hits = append(hits, shown)
		}
	}
	fetchContacts(hits)
	return hits
}

// fetchEntries reads something of each entry, and of its texts. What it returns is of no
// use: a compiler that knows would leave the reading out, and so it must not look inside.
//
//go:noinline
func fetchEntries(some []*Entry, stamps pages[stamp]) (sum int) {
	for _, e := range some {
		sum += e.slot
	}
	for _, e := range some {
		sum += int(stamps.at(e.slot)) + firstByte(e.texts)
		if len(e.keys) > 0 {
			sum += int(e.keys[0].end)
		}
	}
	return sum
}

// fetchContacts reads what most answers have of each contact: the id, the name and the
// first number.
//
//go:noinline
func fetchContacts(some []*Entry) (sum int) {
	for _, e := range some {
		sum += len(e.contact.ID) + len(e.contact.Phones)
	}
	for _, e := range some {
		c := e.contact
		sum += firstByte(string(c.ID)) + firstByte(c.DisplayName)
		if len(c.Phones) > 0 {
			sum += len(c.Phones[0].E164)
		}
	}
	for _, e := range some {
		if c := e.contact; len(c.Phones) > 0 {
			sum += firstByte(c.Phones[0].E164) + len(c.Phones[len(c.Phones)-1].E164)
		}
	}
	return sum
}

func firstByte(s string) int {
	if s == "" {
		return 0
	}
	return int(s[0])
}

// AppendFew appends all hits, at most Few, in the order of names, if postings say that
// they are few; false = they may be many.
func (q *Query) AppendFew(dst []*Entry) ([]*Entry, bool) {
	if q.book.drained {
		return dst, true
	}
	s := q.search()
	if !s.some || s.among.size() > Few {
		return dst, false
	}
	var slots [Few]uint32
	var room [Few]*Entry
	few, among, n := s.among.appendSlots(slots[:0]), room[:0], len(dst)
	if o := q.book.view.order; o.made.Load() {
		return append(dst, s.those(o.appendThose(among, few, 0))...), true
	}
	slices.Sort(few)
	for _, slot := range slices.Compact(few) {
		if e := q.book.view.entries.at(int(slot)); e != nil {
			among = append(among, e)
		}
	}
	dst = append(dst, s.those(among)...)
	slices.SortFunc(dst[n:], byOrder)
	return dst, true
}

// enders returns a function that is asked at every contact whether ctx has
// ended, and looks at it every now and then.
func enders(ctx context.Context) func() bool {
	const every = 64 // contacts: some 50 µs
	n, done := 0, ctx.Done()
	return func() bool {
		if n++; n%every != 1 {
			return false
		}
		select {
		case <-done:
			return true
		default:
			return false
		}
	}
}

const (
	// Few is up to how many candidates are sorted, and so the most that [Query.AppendFew]
	// appends. For more it pays to know the order of all names, which has to be made anew
	// when somebody has changed.
	Few = 64
	// manyCandidates is one in so many contacts: of more, the first fifty hits, which is
	// what phones want, are found as soon among all.
	manyCandidates = 4
)

// inOrder yields the contacts behind a place for which a filter may be true, in the
// order of names: the candidates or, if nothing is known of them, all.
func (v *View) inOrder(c candidates, some bool, sortKey string, id directory.ContactID) iter.Seq[*Entry] {
	switch {
	case some && c.size() <= Few && v.order.made.Load():
		slots := c.appendSlots(make([]uint32, 0, Few))
		return slices.Values(v.order.appendThose(make([]*Entry, 0, Few), slots, v.order.place(sortKey, id)))
	case some && c.size() <= Few:
		return inOrder(v.behind(c, sortKey, id))
	case some:
		return v.ranked(c, sortKey, id)
	}
	all := v.ordered()
	return slices.Values(all[v.order.place(sortKey, id):])
}

// behind returns the candidates behind a place, in no order.
func (v *View) behind(c candidates, sortKey string, id directory.ContactID) (some []*Entry) {
	slots := c.sorted()
	some = make([]*Entry, 0, len(slots))
	for _, slot := range slots {
		if e := v.entries.at(int(slot)); e != nil && e.isAfter(sortKey, id) {
			some = append(some, e)
		}
	}
	return some
}

// ranked yields many candidates. They are put into order by marking their places in
// that of all, and nobody is sorted.
func (v *View) ranked(c candidates, sortKey string, id directory.ContactID) iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) {
		all := v.ordered()
		room, _ := v.index.markings.Get().(*marking)
		marked := blank(room, len(all))
		defer v.index.markings.Put(room)
		for _, piece := range c.postings {
			for i := range piece {
				marked.set(v.order.rank(piece[i].slot))
			}
		}
		for _, slot := range c.slots {
			marked.set(v.order.rank(slot))
		}
		for place := range marked.from(v.order.place(sortKey, id)) {
			if !yield(all[place]) {
				return
			}
		}
	}
}

package index

import (
	"context"
	"iter"
	"slices"

	"ringbook/directory"
	"ringbook/directory/filter"
)

// Search yields the members for which f is true, in the order of names.
func (b *Book) Search(f *filter.Filter) iter.Seq[*Entry] { return b.SearchAfter(f, "", "") }

// SearchAfter yields those that Search yields behind a place in the order of
// names, which the sort key and the id of a contact name; the contact need not
// be there any more.
func (b *Book) SearchAfter(f *filter.Filter, sortKey string, id directory.ContactID) iter.Seq[*Entry] {
	return b.SearchContext(context.Background(), f, sortKey, id)
}

// SearchContext is SearchAfter that ends, wherever it is, when ctx does: who
// reads it has to look at ctx. It evaluates f only as far as the reader goes on.
func (b *Book) SearchContext(ctx context.Context, f *filter.Filter, sortKey string, id directory.ContactID) iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) {
		if b.drained {
			return
		}
		s := newSearch(ctx, b, f)
		for e := range b.view.candidates(&finder{view: b.view, numbers: s.numbers, mode: s.mode}, f, sortKey, id) {
			if s.ended() {
				return
			}
			if shown := b.member(e.slot); shown != nil && s.hit(shown) && !yield(shown) {
				return
			}
		}
	}
}

// Search yields every contact, in a book or not, for which f is true, read at
// any site, in the order of names, but for those that are shown as part of another, and for those
// of mailboxes, which are their owners'. It ends early with ctx.
func (v *View) Search(ctx context.Context, f *filter.Filter) iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) {
		numbers := newNumberReader(v.index.everywhere)
		m := asked(f)
		hit, ended := compile(f, numbers, m), enders(ctx)
		for e := range v.candidates(&finder{view: v, numbers: numbers, mode: m}, f, "", "") {
			if ended() || e.leader == "" && !e.Private() && hit(e) == filter.True && !yield(e) {
				return
			}
		}
	}
}

// Matcher returns a function that reports whether f is true for an entry of the
// book, as Search decides it. It is for one goroutine.
func (b *Book) Matcher(f *filter.Filter) func(*Entry) bool {
	s := newSearch(context.Background(), b, f)
	return s.hit
}

// A search is one on its way through a book.
type search struct {
	book    *Book
	numbers numberReader
	mode    mode
	test    test
	ended   func() bool
}

func newSearch(ctx context.Context, b *Book, f *filter.Filter) search {
	numbers := newNumberReader(b.plan)
	m := asked(f)
	m.sees = b.sees
	return search{b, numbers, m, compile(f, numbers, m), enders(ctx)}
}

func (s *search) hit(e *Entry) bool { return s.test(e) == filter.True }

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
	// fewCandidates is up to how many are sorted: for more it pays to know the order
	// of all names, which has to be made anew when somebody has changed.
	fewCandidates = 64
	// manyCandidates is one in so many contacts: of more, the first fifty hits, which is
	// what phones want, are found as soon among all.
	manyCandidates = 4
)

// candidates yields the contacts behind a place for which f may be true, in the order
// of names.
func (v *View) candidates(x *finder, f *filter.Filter, sortKey string, id directory.ContactID) iter.Seq[*Entry] {
	x.most = max(v.contacts/manyCandidates, fewCandidates)
	c, found := x.find(f)
	switch {
	case found && c.size() <= fewCandidates:
		return inOrder(v.behind(c, sortKey, id))
	case found && c.size() <= x.most:
		return v.ranked(c, sortKey, id)
	}
	all := v.ordered()
	return slices.Values(all[v.order.place(sortKey, id):])
}

// behind returns the candidates behind a place, in no order.
func (v *View) behind(c candidates, sortKey string, id directory.ContactID) (some []*Entry) {
	for _, slot := range c.sorted() {
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
		marked := make(marking, len(all)/64+1)
		for slot := range c.all() {
			if v.entries.at(int(slot)) != nil { // else the contact is gone
				marked.set(v.order.ranks[slot])
			}
		}
		for place := range marked.from(v.order.place(sortKey, id)) {
			if !yield(all[place]) {
				return
			}
		}
	}
}

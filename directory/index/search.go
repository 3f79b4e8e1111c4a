package index

import (
	"context"
	"iter"

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
// reads it has to look at ctx. It evaluates f only as far as the reader goes on,
// unless f says too little about whom it may find, and those are few.
func (b *Book) SearchContext(ctx context.Context, f *filter.Filter, sortKey string, id directory.ContactID) iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) {
		if b.drained {
			return
		}
		s := newSearch(ctx, b, f)
		if some, few := s.few(f, sortKey, id); few {
			for e := range inOrder(some) {
				if s.ended() || s.hit(e) && !yield(e) {
					return
				}
			}
			return
		}
		all := b.view.ordered()
		for _, e := range all[b.view.order.place(sortKey, id):] {
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
		for e := range v.candidates(&finder{v, numbers, m}, f) {
			if ended() || e.leader == "" && !e.Private() && hit(e) == filter.True && !yield(e) {
				return
			}
		}
	}
}

// candidates yields the contacts for which f may be true, in the order of names.
func (v *View) candidates(x *finder, f *filter.Filter) iter.Seq[*Entry] {
	c, found := x.find(f)
	if !found || c.size() > max(v.contacts/manyHits, someHits) {
		return v.Ordered()
	}
	var some []*Entry
	for _, slot := range c.slots() {
		if e := v.entries.at(int(slot)); e != nil {
			some = append(some, e)
		}
	}
	return inOrder(some)
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

// From where on to sort is dearer than to go through all contacts in their
// order, of which phones want the first fifty: one in so many contacts, and so many.
const (
	manyHits = 32
	someHits = 1024
)

// few finds members behind a place that may be hit, in no order; false = they
// are too many to sort, so that it gave up.
func (s *search) few(f *filter.Filter, sortKey string, id directory.ContactID) (some []*Entry, ok bool) {
	most := max(s.book.own.members/manyHits, someHits)
	finder := finder{s.book.view, s.numbers, s.mode}
	c, found := finder.find(f)
	if !found {
		return s.scan(most, sortKey, id)
	}
	if c.size() > most {
		return nil, false
	}
	for _, slot := range c.slots() {
		if e := s.book.member(int(slot)); e != nil && e.isAfter(sortKey, id) {
			some = append(some, e)
		}
	}
	return some, true
}

// scan is few where nothing is known beforehand.
func (s *search) scan(most int, sortKey string, id directory.ContactID) (some []*Entry, ok bool) {
	for e := range s.book.All() {
		if s.ended() {
			return nil, true
		}
		if !s.hit(e) || !e.isAfter(sortKey, id) {
			continue
		}
		if len(some) == most {
			return nil, false
		}
		some = append(some, e)
	}
	return some, true
}

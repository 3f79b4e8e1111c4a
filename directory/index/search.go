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
// reads it has to look at ctx. It evaluates f only as far as the reader goes on,
// or for the few that it may find.
func (b *Book) SearchContext(ctx context.Context, f *filter.Filter, sortKey string, id directory.ContactID) iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) {
		if b.drained {
			return
		}
		numbers := newNumberReader(b.view.index.plan)
		hit := compile(f, numbers)
		s := search{book: b, ended: enders(ctx), hit: func(e *Entry) bool { return e.isAfter(sortKey, id) && hit(e) == filter.True }}
		finder := finder{b.view, numbers}
		if hits, few := s.few(finder.find(f)); few {
			slices.SortFunc(hits, byOrder)
			for _, e := range hits {
				if s.ended() || !yield(e) {
					return
				}
			}
			return
		}
		all := b.view.ordered()
		for _, e := range all[b.view.order.place(sortKey, id):] {
			if s.ended() || b.member(e.slot) != nil && s.hit(e) && !yield(e) {
				return
			}
		}
	}
}

// A search is one on its way through a book.
type search struct {
	book  *Book
	hit   func(*Entry) bool
	ended func() bool
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

// From where on looking at hits and sorting them is dearer than to go through
// all contacts in their order, of which phones want the first fifty: one in so
// many contacts, and so many.
const (
	manyHits = 64
	someHits = 512
)

// few finds the members that are hit, in no order; false = they are too many to
// sort, so that it gave up.
func (s *search) few(c candidates, some bool) (hits []*Entry, ok bool) {
	most := max(s.book.own.members/manyHits, someHits)
	if !some {
		return s.scan(most)
	}
	if c.size() > most {
		return nil, false
	}
	for _, slot := range c.slots() {
		if s.ended() {
			return nil, true
		}
		if e := s.book.member(int(slot)); e != nil && s.hit(e) {
			hits = append(hits, e)
		}
	}
	return hits, true
}

// scan is few where anybody may be hit.
func (s *search) scan(most int) (hits []*Entry, ok bool) {
	for e := range s.book.All() {
		if s.ended() {
			return nil, true
		}
		if !s.hit(e) {
			continue
		}
		if len(hits) == most {
			return nil, false
		}
		hits = append(hits, e)
	}
	return hits, true
}

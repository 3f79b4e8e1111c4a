package index

import "iter"

// A change copies a page of half a kilobyte, and a branch, for each value that it sets,
// and the table of branches: 200 bytes for 100,000 contacts.
const (
	pageSize   = 64 // values
	branchSize = 64 // pages: as many as a word has bits
)

type (
	page[T any]   [pageSize]T
	branch[T any] [branchSize]*page[T]
)

// pages is an array that is never changed: the next one shares the pages that
// are the same. What was never set is the zero value.
type pages[T any] []*branch[T]

func (p pages[T]) at(i int) (v T) {
	if page := p.page(i / pageSize); page != nil {
		return page[i%pageSize]
	}
	return v
}

// page returns the n-th page; nil = nothing in it was ever set.
func (p pages[T]) page(n int) *page[T] {
	if i := n / branchSize; i < len(p) && p[i] != nil {
		return p[i][n%branchSize]
	}
	return nil
}

// count returns how many pages there may be.
func (p pages[T]) count() int { return len(p) * branchSize }

// all yields the values of the pages that there are, and their places.
func (p pages[T]) all() iter.Seq2[int, T] {
	return func(yield func(int, T) bool) {
		for n := range p.count() {
			page := p.page(n)
			if page == nil {
				continue
			}
			for i, v := range page {
				if !yield(n*pageSize+i, v) {
					return
				}
			}
		}
	}
}

// edit begins the next array.
func (p pages[T]) edit() *draft[T] {
	return &draft[T]{append(pages[T](nil), p...), make([]uint64, len(p))}
}

// A draft is an array in the making; it copies a page, and a branch, before it first
// writes to it.
type draft[T any] struct {
	pages pages[T]
	own   []uint64 // by branch: a bit for each page
}

func (d *draft[T]) set(i int, v T) {
	n := i / pageSize
	b, bit := n/branchSize, uint64(1)<<(n%branchSize)
	for len(d.pages) <= b {
		d.pages = append(d.pages, nil)
		d.own = append(d.own, 0)
	}
	if d.own[b] == 0 {
		d.pages[b] = copyOf(d.pages[b])
	}
	at := &d.pages[b][n%branchSize]
	if d.own[b]&bit == 0 {
		*at = copyOf(*at)
		d.own[b] |= bit
	}
	(*at)[i%pageSize] = v
}

// copyOf returns a copy of what is there, if it is.
func copyOf[T any](p *T) *T {
	c := new(T)
	if p != nil {
		*c = *p
	}
	return c
}

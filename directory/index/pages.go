package index

// pageSize is how many values one page holds: a change copies 2 KB for each
// page that it touches, and the table of pages of 100,000 contacts is 3 KB.
const pageSize = 256

// pages is an array that is never changed: the next one shares the pages that
// are the same. What was never set is the zero value.
type pages[T any] []*[pageSize]T

func (p pages[T]) at(i int) (v T) {
	if n := i / pageSize; n < len(p) && p[n] != nil {
		return p[n][i%pageSize]
	}
	return v
}

// edit begins the next array.
func (p pages[T]) edit() *draft[T] {
	own := make([]bool, len(p))
	return &draft[T]{append(pages[T](nil), p...), own}
}

// A draft is an array in the making; it copies a page before it first writes to it.
type draft[T any] struct {
	pages pages[T]
	own   []bool // by page
}

func (d *draft[T]) set(i int, v T) {
	n := i / pageSize
	for len(d.pages) <= n {
		d.pages = append(d.pages, nil)
		d.own = append(d.own, false)
	}
	if !d.own[n] {
		page := new([pageSize]T)
		if d.pages[n] != nil {
			*page = *d.pages[n]
		}
		d.pages[n], d.own[n] = page, true
	}
	d.pages[n][i%pageSize] = v
}

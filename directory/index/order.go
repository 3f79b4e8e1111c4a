package index

import (
	"iter"
	"math/bits"
	"slices"
	"sort"
	"sync"
	"sync/atomic"

	"ringbook/directory"
)

// An order is the contacts of one view in the order of names. It is made when
// somebody first lists the view, out of the last one that was made: ten changes
// among 100,000 contacts cost a copy of 1.2 MB, and no sorting.
type order struct {
	once    sync.Once
	made    atomic.Bool // it need not be made any more
	entries pages[*Entry]
	list    []*Entry
	ranks   []uint32 // by slot: the place in the list, counted from 1; 0 = not in it
}

// ordered returns the view's contacts in the order of names.
func (v *View) ordered() []*Entry {
	o := v.order
	o.once.Do(func() {
		o.entries = v.entries
		if last := v.index.order.Load(); last == nil || !o.follow(last) {
			o.sort()
		}
		o.ranks = make([]uint32, o.entries.count()*pageSize)
		for i, e := range o.list {
			o.ranks[e.slot] = uint32(i) + 1
		}
		v.index.order.Store(o)
		o.made.Store(true)
	})
	return o.list
}

func (o *order) sort() {
	o.list = make([]*Entry, 0, o.entries.count()*pageSize)
	for _, e := range o.entries.all() {
		if e != nil {
			o.list = append(o.list, e)
		}
	}
	slices.SortFunc(o.list, byOrder)
}

// follow makes the order out of the last one; false = too much is different.
func (o *order) follow(last *order) bool {
	most := len(last.list) / 8
	var goners []int // places in last
	var comers []*Entry
	for n := range max(last.entries.count(), o.entries.count()) {
		if last.entries.page(n) == o.entries.page(n) {
			continue
		}
		for i := n * pageSize; i < (n+1)*pageSize; i++ {
			was, is := last.entries.at(i), o.entries.at(i)
			if was == is {
				continue
			}
			if was != nil {
				goners = append(goners, last.place(was.sortKey, was.contact.ID)-1)
			}
			if is != nil {
				comers = append(comers, is)
			}
		}
		if len(goners)+len(comers) > most {
			return false
		}
	}
	o.merge(last, goners, comers)
	return true
}

// merge copies the last order in stretches between what goes and what comes.
func (o *order) merge(last *order, goners []int, comers []*Entry) {
	slices.Sort(goners)
	slices.SortFunc(comers, byOrder)
	o.list = make([]*Entry, 0, len(last.list)+len(comers)-len(goners))
	done := 0
	upTo := func(place int) {
		for len(goners) > 0 && goners[0] < place {
			o.list = append(o.list, last.list[done:goners[0]]...)
			done, goners = goners[0]+1, goners[1:]
		}
		o.list = append(o.list, last.list[done:place]...)
		done = place
	}
	for _, e := range comers {
		upTo(max(done, last.place(e.sortKey, e.contact.ID)))
		o.list = append(o.list, e)
	}
	upTo(len(last.list))
}

// place returns how many contacts stand before or at a place in the order.
func (o *order) place(sortKey string, id directory.ContactID) int {
	if sortKey == "" && id == "" {
		return 0
	}
	return sort.Search(len(o.list), func(i int) bool {
		return o.list[i].isAfter(sortKey, id)
	})
}

// rank returns the place of a slot's contact, counted from 1; 0 = there is none any more.
func (o *order) rank(slot uint32) uint32 {
	if int(slot) >= len(o.ranks) {
		return 0
	}
	return o.ranks[slot]
}

// appendThose appends the contacts at some slots that stand behind a place, in the order of
// names and each once. No name is compared, and the slots become ranks.
func (o *order) appendThose(dst []*Entry, slots []uint32, behind int) []*Entry {
	for i, slot := range slots {
		slots[i] = o.rank(slot)
	}
	slices.Sort(slots)
	for _, rank := range slices.Compact(slots) {
		if int(rank) > behind {
			dst = append(dst, o.list[rank-1])
		}
	}
	return dst
}

// A marking is a set of places in an order, counted from 1; who marks 0 marks nothing.
type marking []uint64

// blank empties a marking for a list of n.
func blank(m *marking, n int) marking {
	*m = slices.Grow((*m)[:0], n/64+1)[:n/64+1]
	clear(*m)
	return *m
}

func (m marking) set(place uint32) { m[place/64] |= 1 << (place % 64) }

// from yields the places that are set, in their order, from one on, both counted from 0.
func (m marking) from(place int) iter.Seq[int] {
	return func(yield func(int) bool) {
		place++
		for n := place / 64; n < len(m); n++ {
			word := m[n]
			if n == place/64 {
				word &^= 1<<(place%64) - 1
			}
			for ; word != 0; word &= word - 1 {
				if !yield(n*64 + bits.TrailingZeros64(word) - 1) {
					return
				}
			}
		}
	}
}

// inOrder yields entries in the order of names. It is a heap, so that it sorts
// no more than is read, and it takes the slice for it.
func inOrder(heap []*Entry) iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) {
		for i := len(heap)/2 - 1; i >= 0; i-- {
			sift(heap, i)
		}
		for len(heap) > 0 {
			e, last := heap[0], len(heap)-1
			heap[0], heap = heap[last], heap[:last]
			sift(heap, 0)
			if !yield(e) {
				return
			}
		}
	}
}

// sift moves the entry at i down to where none below it comes before it.
func sift(heap []*Entry, i int) {
	for {
		first := 2*i + 1
		if first >= len(heap) {
			return
		}
		if other := first + 1; other < len(heap) && byOrder(heap[other], heap[first]) < 0 {
			first = other
		}
		if byOrder(heap[i], heap[first]) <= 0 {
			return
		}
		heap[i], heap[first] = heap[first], heap[i]
		i = first
	}
}

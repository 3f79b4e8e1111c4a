package index

import (
	"slices"
	"sort"
	"sync"

	"ringbook/directory"
)

// An order is the contacts of one view in the order of names. It is made when
// somebody first lists the view, out of the last one that was made: ten changes
// among 100,000 contacts cost a copy of 400 KB, and no sorting.
type order struct {
	once    sync.Once
	entries pages[*Entry]
	slots   []uint32
}

// ordered returns the view's contacts in the order of names.
func (v *View) ordered() []uint32 {
	o := v.order
	o.once.Do(func() {
		o.entries = v.entries
		if last := v.index.order.Load(); last == nil || !o.follow(last) {
			o.sort()
		}
		v.index.order.Store(o)
	})
	return o.slots
}

func (o *order) sort() {
	o.slots = make([]uint32, 0, len(o.entries)*pageSize)
	for n, page := range o.entries {
		if page == nil {
			continue
		}
		for i, e := range page {
			if e != nil {
				o.slots = append(o.slots, uint32(n*pageSize+i))
			}
		}
	}
	slices.SortFunc(o.slots, func(a, b uint32) int { return byOrder(o.entries.at(a), o.entries.at(b)) })
}

// follow makes the order out of the last one; false = too much is different.
func (o *order) follow(last *order) bool {
	most := len(last.slots) / 8
	var goners []int // places in last
	var comers []*Entry
	for n := range max(len(last.entries), len(o.entries)) {
		if n < len(last.entries) && n < len(o.entries) && last.entries[n] == o.entries[n] {
			continue
		}
		for i := uint32(n * pageSize); i < uint32((n+1)*pageSize); i++ {
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
	o.slots = make([]uint32, 0, len(last.slots)+len(comers)-len(goners))
	done := 0
	upTo := func(place int) {
		for len(goners) > 0 && goners[0] < place {
			o.slots = append(o.slots, last.slots[done:goners[0]]...)
			done, goners = goners[0]+1, goners[1:]
		}
		o.slots = append(o.slots, last.slots[done:place]...)
		done = place
	}
	for _, e := range comers {
		upTo(max(done, last.place(e.sortKey, e.contact.ID)))
		o.slots = append(o.slots, e.slot)
	}
	upTo(len(last.slots))
}

// place returns how many contacts stand before or at a place in the order.
func (o *order) place(sortKey string, id directory.ContactID) int {
	return sort.Search(len(o.slots), func(i int) bool {
		return o.entries.at(o.slots[i]).isAfter(sortKey, id)
	})
}

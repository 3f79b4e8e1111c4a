package index

import (
	"bytes"
	"encoding/binary"
	"math"
	"runtime"
	"slices"
	"sync"
)

// A gramRun has a list for each gram, of the slots of those who have it. What a contact
// has in it is stale if a newer run has the contact's slot.
type gramRun struct {
	slots []uint32 // of whom nothing that is older counts, sorted; the oldest run needs none
	size  int      // contacts
	parts [gramParts]gramPart
}

// gramParts is in how many parts the lists are, so that they are merged by several
// processors, each in little room.
const (
	gramParts = 16
	partSize  = allGrams / gramParts
)

// A gramPart is the lists of some grams, one behind the other.
type gramPart struct {
	starts [partSize + 1]uint32
	lists  []byte // differences of slots, as variable-length integers
}

func (r *gramRun) list(g gram) []byte { return r.parts[g/partSize].list(int(g % partSize)) }

func (p *gramPart) list(n int) []byte { return p.lists[p.starts[n]:p.starts[n+1]] }

// A gramRoom is what it takes to make lists.
type gramRoom struct {
	last  [allGrams]uint32 // slot, by gram
	place [allGrams]uint32 // where its list goes on, or how long it will be
}

// gramRooms are used again.
var gramRooms = sync.Pool{New: func() any { return new(gramRoom) }}

// newGramRun makes the lists of contacts in the order of their slots.
func newGramRun(all []grammed) *gramRun {
	room, _ := gramRooms.Get().(*gramRoom)
	defer gramRooms.Put(room)
	clear(room.last[:])
	clear(room.place[:])
	var b [binary.MaxVarintLen32]byte
	for _, c := range all {
		for _, g := range c.grams {
			room.place[g] += uint32(binary.PutUvarint(b[:], uint64(c.slot-room.last[g])))
			room.last[g] = c.slot
		}
	}
	r := &gramRun{slots: make([]uint32, len(all)), size: len(all)}
	for i := range r.parts {
		r.parts[i].measure(room.place[i*partSize:][:partSize])
	}
	clear(room.last[:])
	for i, c := range all {
		r.slots[i] = c.slot
		for _, g := range c.grams {
			list := r.parts[g/partSize].lists
			room.place[g] += uint32(binary.PutUvarint(list[room.place[g]:], uint64(c.slot-room.last[g])))
			room.last[g] = c.slot
		}
	}
	return r
}

// measure makes room for lists of some lengths, and puts their places instead.
func (p *gramPart) measure(lengths []uint32) {
	n := uint32(0)
	for i, length := range lengths {
		p.starts[i] = n
		lengths[i] = n
		n += length
	}
	p.starts[partSize] = n
	p.lists = make([]byte, n)
}

// mergeGrams makes one run of two, without what is stale.
func mergeGrams(older, newer *gramRun) *gramRun {
	r := &gramRun{slots: union(older.slots, newer.slots)}
	r.size = len(r.slots)
	stale := newSlotSet(newer.slots)
	defer stale.drop()
	share(gramParts, runtime.GOMAXPROCS(0), func(_, from, to int) {
		var room []byte
		for n := from; n < to; n++ {
			room = r.parts[n].merge(room[:0], &older.parts[n], &newer.parts[n], stale)
		}
	})
	return r
}

func (p *gramPart) merge(room []byte, older, newer *gramPart, stale *slotSet) []byte {
	for i := range partSize {
		p.starts[i] = uint32(len(room))
		room = appendMerged(room, older.list(i), newer.list(i), stale)
	}
	p.starts[partSize] = uint32(len(room))
	p.lists = bytes.Clone(room)
	return room
}

// appendMerged appends the list of the slots of two, without the stale ones of the older.
// Of a long list most stays as it is, and is copied in stretches.
func appendMerged(dst, older, newer []byte, stale *slotSet) []byte {
	a, b := slotList{list: older}, slotList{list: newer}
	last, from := uint32(0), 0 // the last slot that stays, and where the stretch begins in which it is
	b.next()
	for {
		before, at := a.slot, a.at
		if !a.next() {
			dst = append(dst, older[from:]...)
			break
		}
		isStale := stale.has(a.slot)
		if last == before && !isStale && a.slot < b.slot {
			last = a.slot
			continue
		}
		dst = append(dst, older[from:at]...)
		if from = a.at; isStale {
			continue
		}
		for ; b.slot < a.slot; b.next() {
			dst = binary.AppendUvarint(dst, uint64(b.slot-last))
			last = b.slot
		}
		dst = binary.AppendUvarint(dst, uint64(a.slot-last))
		last = a.slot
	}
	for ; b.slot != noSlot; b.next() {
		dst = binary.AppendUvarint(dst, uint64(b.slot-last))
		last = b.slot
	}
	return dst
}

// A slotList is a list on the way through it.
type slotList struct {
	list []byte
	at   int
	slot uint32
}

// noSlot is behind all slots.
const noSlot = math.MaxUint32

// next goes on to the next slot; false = there is none.
func (l *slotList) next() bool {
	if l.at == len(l.list) {
		l.slot = noSlot
		return false
	}
	if d := l.list[l.at]; d < 0x80 { // as nearly all are
		l.slot += uint32(d)
		l.at++
		return true
	}
	l.long()
	return true
}

func (l *slotList) long() {
	d, n := binary.Uvarint(l.list[l.at:])
	l.slot += uint32(d)
	l.at += n
}

// find appends the slots of contacts that may have all of some grams; false = they are
// surely more than most.
func (r *gramRun) find(dst []uint32, grams []gram, most int) (slots []uint32, ok bool) {
	lists := make([][]byte, 0, len(grams))
	for _, g := range grams {
		lists = append(lists, r.list(g))
	}
	slices.SortFunc(lists, func(a, b []byte) int { return len(a) - len(b) })
	lists = slices.CompactFunc(lists, func(a, b []byte) bool { return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0]) })
	if len(lists) == 1 && len(lists[0]) > 2*most { // there a slot takes but one byte
		return nil, false
	}
	begin := len(dst)
	for l := (slotList{list: lists[0]}); l.next(); {
		dst = append(dst, l.slot)
	}
	for _, list := range lists[1:min(len(lists), maxGrams)] {
		if len(dst)-begin <= shortList {
			break
		}
		dst = dst[:begin+intersect(dst[begin:], list)]
	}
	return dst, true
}

// intersect keeps the sorted slots that a list has too, and returns how many.
func intersect(slots []uint32, list []byte) int {
	kept, at := 0, 0
	for l := (slotList{list: list}); at < len(slots) && l.next(); {
		for at < len(slots) && slots[at] < l.slot {
			at++
		}
		if at < len(slots) && slots[at] == l.slot {
			slots[kept] = l.slot
			kept++
			at++
		}
	}
	return kept
}

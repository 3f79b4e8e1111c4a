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
	room = slices.Grow(room, len(older.lists)+len(newer.lists))
	for i := range partSize {
		p.starts[i] = uint32(len(room))
		if a, b := older.list(i), newer.list(i); len(a)+len(b) > 0 {
			room = appendMerged(room, a, b, stale)
		}
	}
	p.starts[partSize] = uint32(len(room))
	p.lists = bytes.Clone(room)
	return room
}

// appendMerged appends the list of the slots of two, without the stale ones of the older.
// Of a long list most stays as it is, and is copied in stretches.
func appendMerged(dst, older, newer []byte, stale *slotSet) []byte {
	last, from := uint32(0), 0 // the last slot that stays, and where the stretch begins in which it is
	next, rest := nextSlot(0, newer)
	for at, before := 0, uint32(0); at < len(older); {
		d, n := uint32(older[at]), at+1
		if d >= 0x80 {
			d, n = longDifference(older, at)
		}
		slot := before + d
		if last == before && slot < next && !stale.has(slot) {
			last, before, at = slot, slot, n
			continue
		}
		dst = append(dst, older[from:at]...)
		before, at, from = slot, n, n
		if stale.has(slot) {
			continue
		}
		for next < slot {
			dst = binary.AppendUvarint(dst, uint64(next-last))
			last = next
			next, rest = nextSlot(next, rest)
		}
		dst = binary.AppendUvarint(dst, uint64(slot-last))
		last = slot
	}
	dst = append(dst, older[from:]...)
	if next != noSlot { // what is left of the newer stays as it is behind its first
		dst = append(binary.AppendUvarint(dst, uint64(next-last)), rest...)
	}
	return dst
}

// noSlot is behind all slots.
const noSlot = math.MaxUint32

// nextSlot returns the first slot of a list, which follows another, and what is behind it.
func nextSlot(before uint32, list []byte) (slot uint32, rest []byte) {
	if len(list) == 0 {
		return noSlot, nil
	}
	d, n := binary.Uvarint(list)
	return before + uint32(d), list[n:]
}

// longDifference reads one that takes several bytes, at a place of a list, and returns
// the place behind it. Nearly all take one, and are read without a call.
func longDifference(list []byte, at int) (d uint32, behind int) {
	long, n := binary.Uvarint(list[at:])
	return uint32(long), at + n
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
	dst = appendSlots(slices.Grow(dst, len(lists[0])), lists[0]) // a slot takes a byte at least
	for _, list := range lists[1:min(len(lists), maxGrams)] {
		if len(dst)-begin <= shortList {
			break
		}
		dst = dst[:begin+intersect(dst[begin:], list)]
	}
	return dst, true
}

// appendSlots appends what a list says.
func appendSlots(dst []uint32, list []byte) []uint32 {
	for at, slot := 0, uint32(0); at < len(list); {
		d, n := uint32(list[at]), at+1
		if d >= 0x80 {
			d, n = longDifference(list, at)
		}
		slot, at = slot+d, n
		dst = append(dst, slot)
	}
	return dst
}

// intersect keeps the sorted slots that a list has too, and returns how many.
func intersect(slots []uint32, list []byte) int {
	kept, i := 0, 0
	for at, slot := 0, uint32(0); at < len(list) && i < len(slots); {
		d, n := uint32(list[at]), at+1
		if d >= 0x80 {
			d, n = longDifference(list, at)
		}
		slot, at = slot+d, n
		for i < len(slots) && slots[i] < slot {
			i++
		}
		if i < len(slots) && slots[i] == slot {
			slots[kept] = slot
			kept++
			i++
		}
	}
	return kept
}

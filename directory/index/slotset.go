package index

import (
	"slices"
	"sync"
)

// A slotSet is a set of slots, for one merge of runs: a bit for each slot of a view.
type slotSet struct {
	bits  []uint64
	slots []uint32
}

// slotSets are used again, empty.
var slotSets = sync.Pool{New: func() any { return new(slotSet) }}

// newSlotSet returns the set of sorted slots. Who has it drops it.
func newSlotSet(slots []uint32) *slotSet {
	s, _ := slotSets.Get().(*slotSet)
	s.slots = slots
	if n := len(slots); n > 0 {
		words := int(slots[n-1])/64 + 1
		s.bits = slices.Grow(s.bits, max(0, words-len(s.bits)))
		s.bits = s.bits[:cap(s.bits)]
	}
	for _, slot := range slots {
		s.bits[slot/64] |= 1 << (slot % 64)
	}
	return s
}

// drop empties the set, and gives it back.
func (s *slotSet) drop() {
	for _, slot := range s.slots {
		s.bits[slot/64] = 0
	}
	s.slots = nil
	slotSets.Put(s)
}

func (s *slotSet) has(slot uint32) bool {
	n := int(slot / 64)
	return n < len(s.bits) && s.bits[n]&(1<<(slot%64)) != 0
}

// union returns the slots of both, which are sorted, each once.
func union(a, b []uint32) []uint32 {
	all := make([]uint32, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] < b[0]:
			all, a = append(all, a[0]), a[1:]
		case a[0] > b[0]:
			all, b = append(all, b[0]), b[1:]
		default:
			a = a[1:]
		}
	}
	return append(append(all, a...), b...)
}

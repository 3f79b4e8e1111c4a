package index

import (
	"encoding/binary"
	"maps"
	"runtime"
	"slices"
	"sync"

	"ringbook/directory"
	"ringbook/directory/number"
)

// A gram is three bytes in a row of a text, or three digits of a number, hashed: two
// that fall together only make candidates more. By its rarest gram a piece in the
// middle of a text is found without looking at everybody.
type gram uint16

const (
	// gramSize is how many bytes one has: the shortest piece that can be looked for.
	gramSize = 3
	allGrams = 1 << 16
	// digitSeed keeps the grams of numbers apart from those of texts.
	digitSeed = 1 << 24
)

func gramOf(seed uint32, s string) gram {
	n := seed | uint32(s[0])<<16 | uint32(s[1])<<8 | uint32(s[2])
	return gram((n * 0x9e3779b1) >> 16) // Knuth's multiplicative hash
}

// A gramSet gathers the grams of one contact after the other, each once.
type gramSet struct {
	turn   uint32
	seen   [allGrams]uint32 // the turn that had it last
	grams  []gram
	places map[directory.Address][]string // forms of addresses: of a company's there are few
}

// maxPlaces bounds the addresses that are kept while an index is made.
const maxPlaces = 4096

func (s *gramSet) add(seed uint32, text string) {
	for i := range len(text) - gramSize + 1 {
		if g := gramOf(seed, text[i:]); s.seen[g] != s.turn {
			s.seen[g] = s.turn
			s.grams = append(s.grams, g)
		}
	}
}

// of returns the grams of a contact in every form in which a book shows it. They are
// overwritten by the next call.
func (s *gramSet) of(e *Entry) []gram {
	s.turn++
	s.grams = s.grams[:0]
	s.entry(e)
	if e.alone != nil {
		s.entry(e.alone)
	}
	for _, v := range e.shown {
		if v != nil && v != e {
			s.entry(v)
		}
	}
	return s.grams
}

func (s *gramSet) entry(e *Entry) {
	for _, k := range e.keys {
		s.add(0, k.text)
	}
	for _, form := range s.placeForms(e.contact) {
		s.add(0, form)
	}
	var texts [3]string
	for _, ph := range e.contact.Phones {
		for _, digits := range number.AppendDigits(texts[:0], ph) {
			s.add(digitSeed, digits)
		}
	}
}

// placeForms returns the forms of what is written on an envelope, of which only the
// city is keyed.
func (s *gramSet) placeForms(c *directory.Contact) []string {
	if c.Address == (directory.Address{}) {
		return nil
	}
	known, ok := s.places[c.Address]
	if ok {
		return known
	}
	for i := range table {
		row := &table[i]
		if row.place {
			for _, v := range row.appendValues(nil, c) {
				known = append(known, Attribute(i).forms(v)...)
			}
		}
	}
	if s.places == nil || len(s.places) >= maxPlaces {
		s.places = map[directory.Address][]string{}
	}
	s.places[c.Address] = known
	return known
}

// A gramRun says which contacts have a gram, of those that came in some generations.
type gramRun struct {
	made   uint32   // the generation of the newest entry
	size   int      // contacts, stale ones too
	starts []uint32 // of the lists, by gram; nil = there are none, as the run is too short
	lists  []byte   // of slots: their differences, as variable-length integers
	few    []uint32 // the slots of such a run, sorted
}

// maxFew is how many contacts that are new are looked at by every search, rather than
// listed: the table of the lists, of 256 KB, is worth while for more.
const maxFew = 256

func (r *gramRun) list(g gram) []byte { return r.lists[r.starts[g]:r.starts[int(g)+1]] }

// appendSlots appends what a list says.
func appendSlots(dst []uint32, list []byte) []uint32 {
	slot := uint32(0)
	for len(list) > 0 {
		d, n := binary.Uvarint(list)
		slot += uint32(d)
		dst = append(dst, slot)
		list = list[n:]
	}
	return dst
}

// appendList appends the list of sorted slots.
func appendList(dst []byte, slots []uint32) []byte {
	last := uint32(0)
	for _, slot := range slots {
		dst = binary.AppendUvarint(dst, uint64(slot-last))
		last = slot
	}
	return dst
}

// A gramRoom is what it takes to make lists: two megabytes, which is a hundred times
// what the lists of those take that come in a day.
type gramRoom struct {
	lists [allGrams][]byte
	last  [allGrams]uint32
	set   gramSet
}

// gramRooms are used again.
var gramRooms = sync.Pool{New: func() any { return new(gramRoom) }}

// newGramRun makes the lists of entries in the order of their slots.
func newGramRun(generation uint32, entries []*Entry) *gramRun {
	room, _ := gramRooms.Get().(*gramRoom)
	defer gramRooms.Put(room)
	for g := range room.lists {
		room.lists[g] = room.lists[g][:0]
	}
	clear(room.last[:])
	for _, e := range entries {
		for _, g := range room.set.of(e) {
			room.lists[g] = binary.AppendUvarint(room.lists[g], uint64(uint32(e.slot)-room.last[g]))
			room.last[g] = uint32(e.slot)
		}
	}
	return joinLists(generation, len(entries), room.lists[:])
}

func joinLists(generation uint32, size int, lists [][]byte) *gramRun {
	r := &gramRun{made: generation, size: size, starts: make([]uint32, allGrams+1)}
	n := 0
	for g, list := range lists {
		r.starts[g] = uint32(n)
		n += len(list)
	}
	r.starts[allGrams] = uint32(n)
	r.lists = make([]byte, 0, n)
	for _, list := range lists {
		r.lists = append(r.lists, list...)
	}
	return r
}

// mergeRooms are used again.
var mergeRooms = sync.Pool{New: func() any { return new([allGrams][]byte) }}

// mergeGrams makes one run of two that have lists, without what is stale.
func mergeGrams(older, newer *gramRun, generations pages[uint32]) *gramRun {
	lists, _ := mergeRooms.Get().(*[allGrams][]byte)
	defer func() { clear(lists[:]); mergeRooms.Put(lists) }() // they are parts of others
	share(allGrams, runtime.GOMAXPROCS(0), func(_, from, to int) {
		var slots, more, both []uint32
		var room []byte
		for g := from; g < to; g++ {
			slots = keepFresh(appendSlots(slots[:0], older.list(gram(g))), older.made, generations)
			more = keepFresh(appendSlots(more[:0], newer.list(gram(g))), newer.made, generations)
			both = appendUnion(both[:0], slots, more)
			begin := len(room)
			room = appendList(room, both)
			lists[g] = room[begin:]
		}
	})
	return joinLists(max(older.made, newer.made), older.size+newer.size, lists[:])
}

// appendUnion appends the slots of both, which are sorted, in order.
func appendUnion(dst, a, b []uint32) []uint32 {
	for len(a) > 0 && len(b) > 0 {
		if a[0] <= b[0] {
			dst, a = append(dst, a[0]), a[1:]
		} else {
			dst, b = append(dst, b[0]), b[1:]
		}
	}
	return append(append(dst, a...), b...)
}

// keepFresh drops the slots whose entry came after a run was made, or is gone.
func keepFresh(slots []uint32, made uint32, generations pages[uint32]) []uint32 {
	return slices.DeleteFunc(slots, func(slot uint32) bool {
		born := generations.at(int(slot))
		return born == 0 || born > made
	})
}

// A gramRuns is all runs of a view, from the oldest and longest to the newest and
// shortest, the last of which may have no lists. See [postings].
type gramRuns []*gramRun

// addGrams adds the entries that are new in a view's generation.
func (v *View) addGrams(entries []*Entry) {
	if len(entries) == 0 {
		return
	}
	older, slots := v.grams, map[uint32]struct{}{}
	for _, e := range entries {
		slots[uint32(e.slot)] = struct{}{}
	}
	if n := len(older); n > 0 && older[n-1].starts == nil {
		for _, slot := range older[n-1].few {
			slots[slot] = struct{}{}
		}
		older = older[:n-1]
	}
	newest := &gramRun{made: v.generation, size: len(slots), few: slices.Sorted(maps.Keys(slots))}
	if newest.size > maxFew {
		newest = newGramRun(v.generation, v.entriesAt(newest.few))
		for n := len(older); n > 0 && older[n-1].size < growth*newest.size; n-- {
			newest = mergeGrams(older[n-1], newest, v.generations)
			older = older[:n-1]
		}
	}
	v.grams = append(slices.Clip(older), newest)
}

// entriesAt returns the entries that there are at some slots.
func (v *View) entriesAt(slots []uint32) []*Entry {
	entries := make([]*Entry, 0, len(slots))
	for _, slot := range slots {
		if e := v.entries.at(int(slot)); e != nil {
			entries = append(entries, e)
		}
	}
	return entries
}

// fillGrams makes the first run of a view, of entries in the order of their slots.
func (v *View) fillGrams(entries []*Entry) {
	runs := make([]*gramRun, runtime.GOMAXPROCS(0))
	share(len(entries), len(runs), func(n, from, to int) { runs[n] = newGramRun(v.generation, entries[from:to]) })
	var all *gramRun
	for _, r := range runs {
		switch {
		case r == nil:
		case all == nil:
			all = r
		default:
			all = mergeGrams(all, r, v.generations)
		}
	}
	if all != nil {
		v.grams = gramRuns{all}
	}
}

// Of a piece so many grams are looked at together, the rarest: each leaves out most
// of whom the others have by chance. A list that short is not worth another.
const (
	maxGrams  = 3
	shortList = 64
)

// find returns the slots of contacts that may have a piece; false = they are more
// than most, or the piece is too short.
func (x gramRuns) find(seed uint32, piece string, most int) (slots []uint32, ok bool) {
	if len(piece) < gramSize {
		return nil, false
	}
	for _, r := range x {
		if r.starts == nil {
			slots = append(slots, r.few...)
		} else if slots, ok = r.find(slots, seed, piece, most); !ok {
			return nil, false
		}
		if len(slots) > most {
			return nil, false
		}
	}
	return slots, true
}

func (r *gramRun) find(dst []uint32, seed uint32, piece string, most int) (slots []uint32, ok bool) {
	var lists [][]byte
	for i := range len(piece) - gramSize + 1 {
		lists = append(lists, r.list(gramOf(seed, piece[i:])))
	}
	slices.SortFunc(lists, func(a, b []byte) int { return len(a) - len(b) })
	lists = slices.CompactFunc(lists, func(a, b []byte) bool { return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0]) })
	if len(lists) == 1 && len(lists[0]) > 2*most { // there a slot takes but one byte
		return nil, false
	}
	begin := len(dst)
	dst = appendSlots(dst, lists[0])
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
	kept, at, slot := 0, 0, uint32(0)
	for len(list) > 0 && at < len(slots) {
		d, n := binary.Uvarint(list)
		slot += uint32(d)
		list = list[n:]
		for at < len(slots) && slots[at] < slot {
			at++
		}
		if at < len(slots) && slots[at] == slot {
			slots[kept] = slot
			kept++
			at++
		}
	}
	return kept
}

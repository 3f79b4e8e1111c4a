package index

import (
	"cmp"
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

// A grammed is the grams of the contact at a slot, each once; none = it is gone.
type grammed struct {
	slot  uint32
	grams []gram
}

// A gramSet gathers the grams of one contact after the other.
type gramSet struct {
	turn   uint32
	seen   [allGrams]uint32 // the turn that had it last
	grams  []gram
	places map[directory.Address][]string // forms of addresses: of a company's there are few
}

// gramSets are used again: they are a quarter of a megabyte.
var gramSets = sync.Pool{New: func() any { return new(gramSet) }}

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

// of returns the grams of a contact in every guise in which a book shows it.
func (s *gramSet) of(e *Entry) grammed {
	s.turn++
	s.grams = s.grams[:0]
	for f := range e.guises() {
		s.entry(f)
	}
	return grammed{uint32(e.slot), slices.Clone(s.grams)}
}

func (s *gramSet) entry(e *Entry) {
	for i := range e.keys {
		s.add(0, e.text(i))
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

// A signature has a bit for each gram of a contact. There are fewer bits than grams, so
// that one may be another's.
type signature [signatureSize / 64]uint64

// signatureSize is in bits; the hundred grams of a sample person set 92 of them.
const signatureSize = 512

func signatureOf(grams []gram) (s signature) {
	for _, g := range grams {
		s[g%signatureSize/64] |= 1 << (g % 64)
	}
	return s
}

// mayHave reports whether the bits of all grams are there.
func (s *signature) mayHave(grams []gram) bool {
	for _, g := range grams {
		if s[g%signatureSize/64]&(1<<(g%64)) == 0 {
			return false
		}
	}
	return true
}

// A signed is a contact that is in no list yet.
type signed struct {
	grammed
	signature
}

// A gramRuns says of a view who has a gram: in runs, from the oldest and longest to the
// newest and shortest, and in signatures of those who changed last. See [postings].
type gramRuns struct {
	runs []*gramRun
	few  []signed // views share the array; only the newest one appends
}

// maxFew is how many signatures every search looks at: lists, whose table is a quarter
// of a megabyte, are worth while for more.
const maxFew = 1024

// addGrams adds what is new at some slots of a view.
func (v *View) addGrams(slots []uint32) {
	set, _ := gramSets.Get().(*gramSet)
	defer gramSets.Put(set)
	few := v.grams.few
	for _, slot := range slots {
		s := signed{grammed: grammed{slot: slot}}
		if e := v.entries.at(int(slot)); e != nil {
			s.grammed = set.of(e)
			s.signature = signatureOf(s.grams)
		}
		few = append(few, s)
	}
	if v.grams.few = few; len(few) > maxFew {
		v.grams = v.grams.listed(v.contacts)
	}
}

// listed makes a run of those that have none, and merges it with those before it that
// are not much longer.
func (x gramRuns) listed(contacts int) gramRuns {
	all := make([]grammed, 0, len(x.few))
	for _, s := range slices.Backward(x.few) {
		all = append(all, s.grammed)
	}
	slices.SortStableFunc(all, func(a, b grammed) int { return cmp.Compare(a.slot, b.slot) })
	all = slices.CompactFunc(all, func(a, b grammed) bool { return a.slot == b.slot }) // the newest stays
	r, n := newGramRun(all), len(x.runs)
	for ; n > 0 && isDue(n-1, x.runs[n-1].size, r.size); n-- {
		r = mergeGrams(x.runs[n-1], r)
	}
	if n == 0 {
		r.slots, r.size = nil, contacts
	}
	return gramRuns{runs: append(slices.Clip(x.runs[:n]), r)}
}

// fillGrams makes the first run of a view, of entries in the order of their slots.
func (v *View) fillGrams(entries []*Entry) {
	if len(entries) == 0 {
		return
	}
	all := make([]grammed, len(entries))
	share(len(entries), runtime.GOMAXPROCS(0), func(_, from, to int) {
		set, _ := gramSets.Get().(*gramSet)
		defer gramSets.Put(set)
		for i := from; i < to; i++ {
			all[i] = set.of(entries[i])
		}
	})
	r := newGramRun(all)
	r.slots = nil
	v.grams.runs = []*gramRun{r}
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
	grams := make([]gram, 0, len(piece)-gramSize+1)
	for i := range cap(grams) {
		grams = append(grams, gramOf(seed, piece[i:]))
	}
	for _, r := range x.runs {
		if slots, ok = r.find(slots, grams, most); !ok || len(slots) > most {
			return nil, false
		}
	}
	for i := range x.few {
		if x.few[i].mayHave(grams) {
			slots = append(slots, x.few[i].slot)
		}
	}
	return slots, len(slots) <= most
}

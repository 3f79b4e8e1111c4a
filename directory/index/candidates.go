package index

import (
	"slices"
	"strings"

	"ringbook/directory"
	"ringbook/directory/filter"
	"ringbook/directory/number"
)

// A finder finds candidates: postings of all contacts for which a filter can be
// true, and of others as well. Nothing but that a test may be true is ever
// concluded from them, so that a leaf need not be understood to its end.
type finder struct {
	view    *View
	numbers numberReader
	mode    mode
	read    []valueRead // by the mode
	most    int         // more are not worth telling from the others
	begun   []beginning
	ended   ending
	slab    [][]posting // room for the pieces of candidates
	blank   [][]posting // what is left of it
}

// An ending is what was found last for a number.
type ending struct {
	of    *number.Query
	found candidates
}

// ask makes a finder ready for a filter of a search by somebody who dials by a plan.
func (x *finder) ask(v *View, f *filter.Filter, p *number.Plan) {
	x.view, x.numbers.plan = v, p
	x.mode = asked(f, &x.read)
}

// forget makes a finder blank that keeps nothing alive but room.
func (x *finder) forget() {
	clear(x.slab)
	*x = finder{
		numbers: numberReader{read: emptied(x.numbers.read)},
		read:    emptied(x.read), begun: emptied(x.begun), slab: x.slab, blank: x.slab,
	}
}

// emptied returns the room of a list that keeps nothing alive.
func emptied[T any](list []T) []T {
	clear(list)
	return list[:0]
}

// usualPieces is in how many pieces candidates are, mostly: as many as a name has kinds
// of postings.
const usualPieces = 4

// room returns room for the pieces of candidates. That of a filter that takes much is
// kept for the next, if it is not too much.
func (x *finder) room() [][]posting {
	if len(x.blank) < usualPieces {
		const least, most = 16 * usualPieces, 64 * usualPieces
		x.slab = make([][]posting, min(max(least, 2*len(x.slab)), most))
		x.blank = x.slab
	}
	r := x.blank[:0:usualPieces]
	x.blank = x.blank[usualPieces:]
	return r
}

// A beginning is what was found for one: phones send the same text to all attributes,
// and those of one name are parts of those of another.
type beginning struct {
	of    posting
	found candidates
}

// A numberReader reads each number of a filter once: phones send the same to
// all attributes of numbers.
type numberReader struct {
	plan *number.Plan
	read []numberRead // few: a look at each is enough
}

type numberRead struct {
	written string
	query   *number.Query
}

func (r *numberReader) query(s string) *number.Query {
	for i := range r.read {
		if r.read[i].written == s {
			return r.read[i].query
		}
	}
	q := r.plan.Query(s)
	r.read = append(r.read, numberRead{s, &q})
	return &q
}

// has reports whether a number is a value of an attribute.
func (r *numberReader) has(row *attributeRow, p directory.Phone) bool {
	return row.has(p.Kind) && (!row.extension || r.plan.Extension(p) != "")
}

// A candidates is pieces of runs, and slots besides; false beside it = anybody may be
// one, or so many that they are not worth telling from the others.
type candidates struct {
	postings [][]posting
	slots    []uint32
}

func (c candidates) size() int {
	n := len(c.slots)
	for _, p := range c.postings {
		n += len(p)
	}
	return n
}

// maxCompared is up to how many pieces are compared for being the same: the
// attributes of a phone's filter often ask for the same text.
const maxCompared = 64

// with returns the union of both, in the room of c, which is nobody else's: who gathers
// begins with none.
func (x *finder) with(c, d candidates) candidates {
	if c.postings == nil && len(d.postings) > 0 { // of what is looked for, mostly nothing is found
		c.postings = x.room()
	}
	for _, p := range d.postings {
		same := func(q []posting) bool { return &q[0] == &p[0] && len(q) == len(p) }
		if len(c.postings) > maxCompared || !slices.ContainsFunc(c.postings, same) {
			c.postings = append(c.postings, p)
		}
	}
	if !slices.Equal(c.slots, d.slots) {
		c.slots = append(c.slots, d.slots...)
	}
	return c
}

// enough is find for who has no use for too many, and keeps none of them: a search may
// last for as long as its client reads.
func (x *finder) enough(f *filter.Filter) (candidates, bool) {
	x.most = enough(x.view)
	c, ok := x.find(f)
	if !ok || c.size() > x.most {
		return candidates{}, false
	}
	return c, true
}

func enough(v *View) int { return max(v.contacts/manyCandidates, Few) }

// sorted returns the slots, each once.
func (c candidates) sorted() []uint32 {
	slots := c.appendSlots(make([]uint32, 0, c.size()))
	slices.Sort(slots)
	return slices.Compact(slots)
}

// appendSlots appends the slots, in no order, and some more than once.
func (c candidates) appendSlots(slots []uint32) []uint32 {
	for _, piece := range c.postings {
		for i := range piece {
			slots = append(slots, piece[i].slot)
		}
	}
	return append(slots, c.slots...)
}

// find returns the candidates of f: of And those of the operand that has the
// fewest, of Or those of all.
func (x *finder) find(f *filter.Filter) (c candidates, ok bool) {
	switch f.Op {
	case filter.And:
		for _, child := range f.Children {
			if d, some := x.find(child); some && (!ok || d.size() < c.size()) {
				c, ok = d, true
			}
		}
		return c, ok
	case filter.Or:
		for _, child := range f.Children {
			d, some := x.find(child)
			if !some {
				return candidates{}, false
			}
			if c = x.with(c, d); c.size() > x.most {
				return candidates{}, false
			}
		}
		return c, true
	case filter.Equal, filter.Approx, filter.Substrings:
		return x.leaf(f)
	case filter.Not, filter.GreaterOrEqual, filter.LessOrEqual, filter.Present, filter.Extensible:
	}
	return candidates{}, false
}

func (x *finder) leaf(f *filter.Filter) (c candidates, ok bool) {
	a, known := ParseAttribute(f.Attribute)
	if !known {
		return candidates{}, true
	}
	return x.attribute(a, f)
}

// attribute returns the candidates of a leaf on an attribute.
func (x *finder) attribute(a Attribute, f *filter.Filter) (c candidates, ok bool) {
	switch {
	case a == attributeUID && f.Op == filter.Equal:
		return x.contact(f.Value), true
	case a.Numbers():
		return x.number(f)
	case table[a].syntax == syntaxSearch:
		return x.words(a, searchText(f), true)
	case table[a].place:
		return x.pieces(a, f)
	case !table[a].keyed:
		return candidates{}, false
	}
	value := f.Value
	if f.Op == filter.Substrings {
		value = f.Initial
	}
	switch table[a].syntax {
	case syntaxName:
		return x.name(a, f, value)
	case syntaxText:
		if value == "" {
			return x.pieces(a, f)
		}
		return x.anyOf(kindText, forms(a, value))
	case syntaxPlain:
		if f.Op == filter.Substrings && value == "" {
			return x.pieces(a, f)
		}
		if f.Op == filter.Substrings {
			return x.anyOf(kindMail, forms(a, value))
		}
		whole := forms(a, value)[0]
		c = x.with(c, x.begins(x.view.index.hashed(kindAddress, whole, 0)))
		return x.with(c, x.begins(x.view.index.hashed(kindPrivate, whole, 0))), true
	case syntaxNumber, syntaxFlag, syntaxConstant, syntaxSearch, syntaxTime:
	}
	return candidates{}, false
}

// pieces returns the candidates of texts that have the longest piece of a leaf
// anywhere.
func (x *finder) pieces(a Attribute, f *filter.Filter) (c candidates, ok bool) {
	longest := f.Value
	for _, s := range append(append([]string{f.Initial}, f.Any...), f.Final) {
		if len(s) > len(longest) {
			longest = s
		}
	}
	for _, s := range forms(a, longest) {
		d, some := x.piece(0, s)
		if !some {
			return candidates{}, false
		}
		c = x.with(c, d)
	}
	return c, true
}

// piece returns the candidates of texts, or numbers, that have a piece anywhere.
func (x *finder) piece(seed uint32, s string) (c candidates, ok bool) {
	c.slots, ok = x.view.grams.find(seed, s, x.most)
	return c, ok
}

func (x *finder) begins(p posting) (c candidates) {
	for i := range x.begun {
		if x.begun[i].of == p {
			return x.begun[i].found
		}
	}
	for _, r := range x.view.postings {
		found := r.begins(p)
		if len(found) == 0 {
			continue
		}
		if c.postings == nil {
			c.postings = x.room()
		}
		c.postings = append(c.postings, found)
	}
	if len(x.begun) < maxBegun {
		if x.begun == nil {
			x.begun = make([]beginning, 0, maxBegun)
		}
		x.begun = append(x.begun, beginning{p, c})
	}
	return c
}

// maxBegun is how many beginnings are remembered: what a filter of several attributes
// has, and not what a keypad's digits may mean.
const maxBegun = 16

// anyOf returns the candidates of texts that begin with any of some.
func (x *finder) anyOf(k kind, texts []string) (c candidates, ok bool) {
	for _, s := range texts {
		if s == "" {
			return candidates{}, false
		}
		c = x.with(c, x.begins(newPosting(k, s, 0)))
	}
	return c, true
}

// contact is the one contact that has an id: a client reads back an entry that
// it was given.
func (x *finder) contact(id string) candidates {
	slot, ok := x.view.find(directory.ContactID(strings.ToLower(id)))
	if !ok {
		return candidates{}
	}
	return candidates{slots: []uint32{uint32(slot)}}
}

// number returns the candidates of a number.
func (x *finder) number(f *filter.Filter) (c candidates, ok bool) {
	switch {
	case f.Op != filter.Substrings:
		return x.endings(f.Value), true
	case f.Initial != "":
		return x.anyOf(kindNumber, x.numbers.query(f.Initial).Prefixes())
	case f.Final != "":
		return x.endings(f.Final), true
	}
	longest := slices.MaxFunc(f.Any, func(a, b string) int { return len(a) - len(b) })
	q := x.numbers.query(longest)
	c, ok = x.piece(digitSeed, q.Digits())
	begin, too := x.anyOf(kindNumber, q.Prefixes())
	return x.with(x.with(c, begin), x.endings(longest)), ok && too
}

// endings returns the candidates of a whole number or its end.
func (x *finder) endings(s string) (c candidates) {
	q := x.numbers.query(s)
	if x.ended.of == q {
		return x.ended.found
	}
	var room [4]string
	for _, key := range q.AppendKeys(room[:0]) {
		c = x.with(c, x.begins(newPosting(kindEnding, key+endOfEnding, 0)))
	}
	x.ended = ending{q, c}
	return c
}

// name returns the candidates of a leaf on a name. A value of several words that
// are looked for in any order is words.
func (x *finder) name(a Attribute, f *filter.Filter, value string) (c candidates, ok bool) {
	onlyInitial := f.Op == filter.Substrings && len(f.Any) == 0 && f.Final == ""
	switch {
	case f.Op == filter.Approx || onlyInitial:
		return x.words(a, value, false)
	case f.Op == filter.Equal:
		return x.whole(a, x.mode.equalNames(value)), true
	case value != "":
		return x.beginnings(a, forms(attributeCN, value))
	}
	return x.pieces(a, f)
}

// whole returns the candidates of an attribute of names that is any of some.
func (x *finder) whole(a Attribute, names []string) (c candidates) {
	for _, s := range names {
		c = x.with(c, x.begins(x.view.index.wholeName(a, s, 0)))
	}
	return c
}

// beginnings returns the candidates of an attribute of names with a word that begins
// with any of some.
func (x *finder) beginnings(a Attribute, texts []string) (c candidates, ok bool) {
	for _, s := range texts {
		if s = firstWord(s); s == "" {
			return candidates{}, false
		}
		for _, k := range namesOf(a) {
			c = x.with(c, x.begins(newPosting(k, s, 0)))
		}
	}
	return c, true
}

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
}

// A numberReader reads each number of a filter once: phones send the same to
// all attributes of numbers.
type numberReader struct {
	plan *number.Plan
	read map[string]number.Query
}

func newNumberReader(p *number.Plan) numberReader {
	return numberReader{p, map[string]number.Query{}}
}

func (r numberReader) query(s string) number.Query {
	q, ok := r.read[s]
	if !ok {
		q = r.plan.Query(s)
		r.read[s] = q
	}
	return q
}

// has reports whether a number is a value of an attribute.
func (r numberReader) has(row *attributeRow, p directory.Phone) bool {
	return row.has(p.Kind) && (!row.extension || r.plan.Extension(p) != "")
}

// A candidates is pieces of runs; false beside it = anybody may be one.
type candidates [][]posting

func (c candidates) size() int {
	n := 0
	for _, p := range c {
		n += len(p)
	}
	return n
}

// maxCompared is up to how many pieces are compared for being the same: the
// attributes of a phone's filter often ask for the same text.
const maxCompared = 64

// with returns the union of both.
func (c candidates) with(d candidates) candidates {
	for _, p := range d {
		same := func(q []posting) bool { return &q[0] == &p[0] && len(q) == len(p) }
		if len(c) > maxCompared || !slices.ContainsFunc(c, same) {
			c = append(c, p)
		}
	}
	return c
}

// slots returns the slots, each once.
func (c candidates) slots() []uint32 {
	slots := make([]uint32, 0, c.size())
	for _, piece := range c {
		for _, p := range piece {
			slots = append(slots, p.slot)
		}
	}
	slices.Sort(slots)
	return slices.Compact(slots)
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
				return nil, false
			}
			c = c.with(d)
		}
		return c, true
	case filter.Equal, filter.Approx, filter.Substrings:
		return x.leaf(f)
	case filter.Not, filter.GreaterOrEqual, filter.LessOrEqual, filter.Present, filter.Extensible:
	}
	return nil, false
}

func (x *finder) leaf(f *filter.Filter) (c candidates, ok bool) {
	a, known := ParseAttribute(f.Attribute)
	switch {
	case !known:
		return nil, true
	case a == attributeUID && f.Op == filter.Equal:
		return x.contact(f.Value), true
	case a.Numbers():
		return x.number(f)
	case table[a].syntax == syntaxSearch:
		return x.words(searchText(f), true)
	case !table[a].keyed:
		return nil, false
	}
	value := f.Value
	if f.Op == filter.Substrings {
		value = f.Initial
	}
	switch table[a].syntax {
	case syntaxName:
		return x.name(f, value)
	case syntaxText:
		return x.anyOf(kindText, forms(a, value))
	case syntaxPlain:
		if f.Op == filter.Substrings {
			return x.anyOf(kindMail, forms(a, value))
		}
		whole := forms(a, value)[0]
		return x.begins(x.view.index.hashed(kindAddress, whole, 0)).with(x.begins(x.view.index.hashed(kindPrivate, whole, 0))), true
	case syntaxNumber, syntaxFlag, syntaxConstant, syntaxSearch, syntaxTime:
	}
	return nil, false
}

func (x *finder) begins(p posting) candidates { return x.view.begins(p) }

// begins returns the postings whose text begins with that of p.
func (v *View) begins(p posting) (c candidates) {
	for _, r := range v.postings {
		if found := r.begins(p); len(found) > 0 {
			c = append(c, found)
		}
	}
	return c
}

// anyOf returns the candidates of texts that begin with any of some.
func (x *finder) anyOf(k kind, texts []string) (c candidates, ok bool) {
	for _, s := range texts {
		if s == "" {
			return nil, false
		}
		c = c.with(x.begins(newPosting(k, s, 0)))
	}
	return c, true
}

// contact is the one contact that has an id: a client reads back an entry that
// it was given.
func (x *finder) contact(id string) candidates {
	slot, ok := x.view.find(directory.ContactID(strings.ToLower(id)))
	if !ok {
		return nil
	}
	return candidates{{newPosting(kindName, "", slot)}}
}

// number returns the candidates of a number. Pieces in the middle are not indexed.
func (x *finder) number(f *filter.Filter) (c candidates, ok bool) {
	switch {
	case f.Op != filter.Substrings:
		return x.endings(f.Value), true
	case f.Initial != "":
		return x.anyOf(kindNumber, x.numbers.query(f.Initial).Prefixes())
	case f.Final != "":
		return x.endings(f.Final), true
	}
	return nil, false
}

func (x *finder) endings(s string) candidates { return x.view.endings(x.numbers.query(s)) }

// endings returns the candidates of a whole number or its end.
func (v *View) endings(q number.Query) (c candidates) {
	for _, key := range q.Keys() {
		c = c.with(v.begins(newPosting(kindEnding, key+endOfEnding, 0)))
	}
	return c
}

// name returns the candidates of a leaf on a name. A value of several words that
// are looked for in any order is words.
func (x *finder) name(f *filter.Filter, value string) (c candidates, ok bool) {
	onlyInitial := f.Op == filter.Substrings && len(f.Any) == 0 && f.Final == ""
	switch {
	case f.Op == filter.Approx || onlyInitial:
		return x.words(value, false)
	case f.Op == filter.Equal:
		return x.whole(equalNames(value))
	case value != "":
		return x.beginnings(forms(attributeCN, value))
	}
	longest := f.Final
	for _, s := range f.Any {
		if len(s) > len(longest) {
			longest = s
		}
	}
	for _, s := range forms(attributeCN, longest) {
		d, some := x.piece(s)
		if !some {
			return nil, false
		}
		c = c.with(d)
	}
	return c, true
}

// whole returns the candidates of names that are any of some.
func (x *finder) whole(texts []string) (c candidates, ok bool) {
	for _, s := range texts {
		if s = firstWord(s); s == "" {
			return nil, false
		}
		for _, r := range x.view.postings {
			if found := r.whole(newPosting(kindName, s, 0)); len(found) > 0 {
				c = c.with(candidates{found})
			}
		}
	}
	return c, true
}

// beginnings returns the candidates of names with a word that begins with any
// of some.
func (x *finder) beginnings(texts []string) (c candidates, ok bool) {
	for _, s := range texts {
		if s = firstWord(s); s == "" {
			return nil, false
		}
		c = c.with(x.begins(newPosting(kindName, s, 0)))
	}
	return c, true
}

// piece returns the candidates of names with a piece anywhere.
func (x *finder) piece(s string) (c candidates, ok bool) {
	c, ok = x.beginnings([]string{s})
	switch at := strings.IndexFunc(s, inWord); {
	case at > 0: // only at the beginning of a word
		return c, ok
	case at < 0 || len(s) < minInner:
		return nil, false
	}
	return c.with(x.begins(newPosting(kindInner, s, 0))), true
}

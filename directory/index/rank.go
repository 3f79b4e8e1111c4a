package index

import (
	"cmp"
	"iter"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"ringbook/directory/filter"
)

// Which hits are the best, for an answer that has no room for all. Nothing is
// counted or weighed: a better hit is one that a narrower filter finds too. Of
// those who have the number that is asked for, [Book.ByNumber] says who is first.

// maxSought is how many texts of one filter are looked for again: a phone puts
// the same one to all attributes, or two of them.
const maxSought = 4

// minExact is the shortest name that is looked for as a whole, in letters: one
// letter is the first of many.
const minExact = 2

// Kinds is how many kinds of better hits there are: those who are called what the
// filter asks for, or have that number; then those whose surname or given name
// begins with it.
const Kinds = 2

// Better yields the hits of one kind, counted from 0, in the order of names; those of the
// first in that of [Query.Order] if there is one. A contact may be of several kinds.
func (q *Query) Better(kind int) iter.Seq[*Entry] {
	if kind == 0 {
		return q.rare(q.exact(), q.Order())
	}
	if alike(q.filter) {
		return func(func(*Entry) bool) {} // all are of that kind: the order of names is that of the filter
	}
	return q.narrowed(q.begins(), enough(q.book.view)).hits("", "")
}

// Kind returns of which kind a hit is, of the first if of several; Kinds = of none. It
// is for hits that are known already: as [Query.Better], but for their order.
func (q *Query) Kind(e *Entry) int {
	if !q.kindsMade {
		q.kinds, q.kindsMade = q.kindTests(), true
	}
	for kind, tests := range q.kinds {
		if passes(e, tests) {
			return kind
		}
	}
	return Kinds
}

func (q *Query) kindTests() (kinds [Kinds][]test) {
	exact := q.exact()
	q.finder.most = q.book.view.contacts
	if c, ok := q.finder.signed(exact); !ok || c.size() > 0 { // mostly nobody is called so
		kinds[0] = q.finder.tests(exact)
	}
	if !alike(q.filter) {
		kinds[1] = q.finder.tests(q.begins())
	}
	return kinds
}

// A sign is what tells a better hit: an attribute that is a text, or begins with it.
type sign struct {
	attribute Attribute
	text      string
	begins    bool
}

func (s sign) filter() filter.Filter {
	if s.begins {
		return filter.Filter{Op: filter.Substrings, Attribute: s.attribute.Name(), Initial: s.text}
	}
	return filter.Filter{Op: filter.Equal, Attribute: s.attribute.Name(), Value: s.text}
}

// exact returns the signs of who is called what is looked for, or has that number.
func (q *Query) exact() []sign {
	all := make([]sign, 0, len(namesLookedAt))
	for _, s := range q.sought() {
		switch {
		case s.number:
			for _, a := range q.book.seenNumbers() {
				all = append(all, sign{attribute: a, text: s.text})
			}
		case utf8.RuneCountInString(s.text) >= minExact:
			for _, a := range q.book.seenNames() {
				all = append(all, sign{attribute: a, text: s.text})
			}
		}
	}
	return all
}

// begins returns those of whose surname or given name begins with it.
func (q *Query) begins() []sign {
	all := make([]sign, 0, len(namesLookedAt))
	for _, s := range q.sought() {
		for _, a := range q.book.seenNames() {
			if !s.number && (a != attributeCN || q.book.sees != nil) { // who sees no other name has that
				all = append(all, sign{a, s.text, true})
			}
		}
	}
	return all
}

// alike reports whether a filter asks for nothing but how a surname or a given name
// begins, as many phones do.
func alike(f *filter.Filter) bool {
	switch f.Op {
	case filter.And:
		return len(f.Children) == 1 && alike(f.Children[0])
	case filter.Or:
		return !slices.ContainsFunc(f.Children, func(c *filter.Filter) bool { return !alike(c) })
	case filter.Substrings:
		a, ok := ParseAttribute(f.Attribute)
		return ok && (a == attributeSN || a == attributeGivenName) && len(f.Any) == 0 && f.Final == ""
	default:
		return false
	}
}

// Order returns the order in which the hits of a filter that asks for a whole
// number are best read: phones show the first; nil = that of names.
func (q *Query) Order() func(e, g *Entry) int {
	for _, s := range q.sought() {
		if !s.whole {
			continue
		}
		var by func(e, g *Entry) int // made when there are two to compare: mostly one has a number
		return func(e, g *Entry) int {
			if by == nil {
				by = q.book.ByNumber(s.text)
			}
			return by(e, g)
		}
	}
	return nil
}

// namesLookedAt is never changed.
var namesLookedAt = [...]Attribute{attributeSN, attributeGivenName, attributeCN}

// seenNames returns the names by which a hit may be a better one; see [Book.Seen].
func (b *Book) seenNames() []Attribute {
	if b.sees == nil {
		return namesLookedAt[:]
	}
	return slices.DeleteFunc(slices.Clone(namesLookedAt[:]), func(a Attribute) bool { return !b.sees(a) })
}

// seenNumbers returns the same of numbers.
func (b *Book) seenNumbers() (all []Attribute) {
	if b.sees == nil {
		return []Attribute{attributeSearchNumber}
	}
	for a := range Attributes() {
		if a.Numbers() && !a.Extension() && b.sees(a) {
			all = append(all, a)
		}
	}
	return all
}

// narrowed returns the search for those only who have any of some signs as well. It finds
// them among no more than most candidates.
func (q *Query) narrowed(to []sign, most int) search {
	s := q.search()
	q.finder.most = most
	if c, ok := q.finder.signed(to); ok && c.size() <= most && (!s.some || c.size() < s.among.size()) {
		s.among, s.some = c, true
	}
	var tests []test // made when there is somebody to ask them about
	s.hit = func(e *Entry) bool {
		if !q.hit(e) { // first, as this is where a search is stopped
			return false
		}
		if tests == nil {
			tests = q.finder.tests(to)
		}
		return passes(e, tests)
	}
	return s
}

// signed returns the candidates of who has any of some signs.
func (x *finder) signed(to []sign) (c candidates, ok bool) {
	for _, s := range to {
		f := s.filter()
		d, some := x.attribute(s.attribute, &f)
		if !some {
			return candidates{}, false
		}
		c = x.with(c, d)
	}
	return c, true
}

// tests returns what tells who has each of some signs.
func (x *finder) tests(of []sign) []test {
	all := make([]test, len(of))
	for i, s := range of {
		if s.begins {
			all[i] = x.mode.prefixTest(s.attribute, s.text)
			continue
		}
		f := s.filter()
		all[i] = compiler{x.mode, &x.numbers}.attribute(s.attribute, &f)
	}
	return all
}

// A typed is what somebody typed, as far as a filter tells.
type typed struct {
	text   string
	number bool
	whole  bool // a number, and not a part of one
}

// sought returns the texts that the filter looks for, each once.
func (q *Query) sought() []typed {
	if q.looks == nil {
		q.looks = sought(make([]typed, 0, 1), q.filter)
	}
	return q.looks
}

// sought appends the texts that a filter looks for, each once.
func sought(all []typed, f *filter.Filter) []typed {
	switch f.Op {
	case filter.And, filter.Or:
		for _, c := range f.Children {
			all = sought(all, c)
		}
		return all
	case filter.Equal, filter.Approx, filter.Substrings:
	case filter.Not, filter.GreaterOrEqual, filter.LessOrEqual, filter.Present, filter.Extensible:
		return all
	}
	a, ok := ParseAttribute(f.Attribute)
	if !ok || len(all) == maxSought {
		return all
	}
	s := typed{text: cmp.Or(f.Value, f.Initial, longest(f.Any), f.Final), number: a.Numbers()}
	s.whole = s.number && f.Op != filter.Substrings
	switch table[a].syntax {
	case syntaxSearch:
		s.text = strings.TrimSpace(searchText(f)) // a blank is no letter
	case syntaxConstant, syntaxFlag, syntaxTime:
		return all
	case syntaxName, syntaxText, syntaxPlain, syntaxNumber:
	}
	if s.text == "" || slices.Contains(all, s) {
		return all
	}
	return append(all, s)
}

func longest(list []string) (most string) {
	for _, s := range list {
		if len(s) > len(most) {
			most = s
		}
	}
	return most
}

// passes reports whether any of some tests is true for an entry.
func passes(e *Entry, tests []test) bool {
	return slices.ContainsFunc(tests, func(t test) bool { return t(e) == filter.True })
}

// rare yields the hits who have any of some signs as well, if those are few of those who
// may: all of them are looked at, and only hits are sorted. by an order or, if that is nil, by name.
func (q *Query) rare(to []sign, order func(e, g *Entry) int) iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) {
		if q.book.drained {
			return
		}
		narrow := q.narrowed(to, math.MaxInt) // of whole names and numbers all are known, and some more than once
		var hits []*Entry
		for _, slot := range narrow.among.sorted() {
			if e := q.book.member(int(slot)); e != nil && narrow.hit(e) {
				hits = append(hits, e)
			}
		}
		if order == nil {
			inOrder(hits)(yield)
			return
		}
		slices.SortFunc(hits, order)
		slices.Values(hits)(yield)
	}
}

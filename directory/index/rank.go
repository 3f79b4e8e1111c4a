package index

import (
	"cmp"
	"context"
	"iter"
	"slices"
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

// Better yields the hits of f of one kind, counted from 0, in the order of names.
// A contact may be of several kinds.
func (b *Book) Better(kind int, f *filter.Filter) iter.Seq[*Entry] {
	var exact, begins []*filter.Filter
	for _, s := range sought(nil, f) {
		if s.number {
			for _, a := range b.seenNumbers() {
				exact = append(exact, leafOf(a, s.text))
			}
			continue
		}
		for _, a := range b.seenNames() {
			if a != attributeCN || b.sees != nil { // who sees no other name has that
				begins = append(begins, beginning(a, s.text))
			}
			if utf8.RuneCountInString(s.text) >= minExact {
				exact = append(exact, leafOf(a, s.text))
			}
		}
	}
	if kind == 0 {
		return b.rare(narrowed(f, exact), b.Order(f))
	}
	if alike(f) {
		return func(func(*Entry) bool) {} // all are of that kind: the order of names is that of f
	}
	return b.Search(narrowed(f, begins))
}

// alike reports whether a filter asks for nothing but how a surname or a given name
// begins, as many phones do.
func alike(f *filter.Filter) bool {
	switch f.Op {
	case filter.And:
		return len(f.Children) == 1 && alike(f.Children[0]) // as who searches wraps it
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
func (b *Book) Order(f *filter.Filter) func(e, g *Entry) int {
	for _, s := range sought(nil, f) {
		if !s.whole {
			continue
		}
		var by func(e, g *Entry) int // made when there are two to compare: mostly one has a number
		return func(e, g *Entry) int {
			if by == nil {
				by = b.ByNumber(s.text)
			}
			return by(e, g)
		}
	}
	return nil
}

// seenNames returns the names by which a hit may be a better one; see [Book.Seen].
func (b *Book) seenNames() []Attribute {
	all := []Attribute{attributeSN, attributeGivenName, attributeCN}
	if b.sees == nil {
		return all
	}
	return slices.DeleteFunc(all, func(a Attribute) bool { return !b.sees(a) })
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

// narrowed returns f for those only for whom one of the leaves is true; for nobody
// if there are none.
func narrowed(f *filter.Filter, to []*filter.Filter) *filter.Filter {
	one := &filter.Filter{Op: filter.Or, Children: to}
	return &filter.Filter{Op: filter.And, Children: []*filter.Filter{one, f}, Stop: f.Stop}
}

func leafOf(a Attribute, value string) *filter.Filter {
	return &filter.Filter{Op: filter.Equal, Attribute: a.Name(), Value: value}
}

func beginning(a Attribute, value string) *filter.Filter {
	return &filter.Filter{Op: filter.Substrings, Attribute: a.Name(), Initial: value}
}

// A typed is what somebody typed, as far as a filter tells.
type typed struct {
	text   string
	number bool
	whole  bool // a number, and not a part of one
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
		s.text = searchText(f)
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

// rare is [Book.Search] for a filter that is true for few of those for whom it may
// be: all of them are looked at, and only hits are sorted. by an order or, if
// that is nil, by name.
func (b *Book) rare(f *filter.Filter, order func(e, g *Entry) int) iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) {
		if b.drained {
			return
		}
		s := newSearch(context.Background(), b, f)
		finder := finder{b.view, s.numbers, s.mode, b.view.contacts}
		c, _ := finder.find(f) // of names and numbers it knows
		var hits []*Entry
		for _, slot := range c.sorted() {
			if e := b.member(int(slot)); e != nil && s.hit(e) {
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

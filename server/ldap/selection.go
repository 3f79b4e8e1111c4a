package ldap

import (
	"iter"
	"slices"
	"strings"
	"sync"

	"ringbook/directory"
	"ringbook/directory/index"
)

// wanted is the attribute list of a request, as it was sent (RFC 4511 §4.5.1.8).
type wanted []byte

// maxWanted bounds the attributes that a request may name; together with their
// aliases ours are not half as many.
const maxWanted = 256

// What a client asks for (RFC 4511 §4.5.1.8, RFC 3673); see also [features].
const (
	wantAll         = "*"
	wantOperational = "+"
	wantNone        = "1.1"
)

// A selection is which attributes of an entry are answered, and how they are
// spelt.
type selection struct {
	all         bool
	operational bool
	names       []string // as asked for, none twice

	columns []column // of contacts
}

// A column is one attribute of contacts in the spelling of the answer.
type column struct {
	attribute index.Attribute
	name      string
	kind      columnKind
}

type columnKind int

const (
	columnText columnKind = iota
	columnName            // a text that is the contact's name, or may be for want of another
	columnID              // a text that is typed or sent back to the octet
	columnNumbers
	columnPhoto
	columnOperational
)

// photoAttribute is known to the index as an id; we answer with the bytes.
const photoAttribute = "jpegPhoto"

// check returns [directory.ErrTooLarge] or errFraming for a list that is none.
func (list wanted) check() error {
	for n := 0; len(list) > 0; n++ {
		if n == maxWanted {
			return directory.ErrTooLarge
		}
		_, rest, err := take(list, tagOctets)
		if err != nil {
			return err
		}
		list = rest
	}
	return nil
}

// names yields what a list that is checked names.
func (list wanted) names() iter.Seq[string] {
	return func(yield func(string) bool) {
		for len(list) > 0 {
			name, rest, err := takeString(list)
			if err != nil || !yield(name) {
				return
			}
			list = rest
		}
	}
}

// selections remembers what lists ask for: all phones of a make send the same.
type selections struct {
	mu sync.Mutex
	of map[string]*selection // nothing changes one
}

// Of selections, a megabyte at most is remembered; then it is begun anew.
const (
	maxSelections = 128
	maxRemembered = 512 // octets of a list
)

func (s *selections) find(list wanted) *selection {
	s.mu.Lock()
	found := s.of[string(list)]
	s.mu.Unlock()
	if found == nil {
		found = selectAttributes(list) // a long one takes ten times as long as a look-up, for which nobody else waits
		s.keep(list, found)
	}
	return found
}

func (s *selections) keep(list wanted, found *selection) {
	if len(list) > maxRemembered {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of == nil || len(s.of) == maxSelections {
		s.of = make(map[string]*selection)
	}
	s.of[string(list)] = found
}

// selectAttributes reads the attribute list of a request.
func selectAttributes(list wanted) *selection {
	s, special := &selection{all: len(list) == 0}, features()
	for w := range list.names() {
		switch {
		case w == wantAll:
			s.all = true
		case w == wantNone, w == "":
		case !slices.ContainsFunc(special[:], func(f feature) bool { return f.selects != nil && f.selects(s, w) }):
			s.selectName(shortName(w))
		}
	}
	s.columns = s.contactColumns()
	return s
}

// contactColumns resolves what is answered of contacts: what is named, then the
// rest of what "*" and "+" ask for.
func (s *selection) contactColumns() []column {
	var cols []column
	for _, n := range s.names {
		a, ok := index.ParseAttribute(n)
		if i := slices.IndexFunc(operationalNames[:], func(o string) bool { return strings.EqualFold(o, n) }); i >= 0 {
			cols = append(cols, column{attribute: index.Attribute(i), name: n, kind: columnOperational})
		} else if ok && !a.Operational() {
			cols = append(cols, column{attribute: a, name: n, kind: kindOf(a)})
		}
	}
	if s.all {
		for a := range index.Attributes() {
			taken := slices.ContainsFunc(cols, func(c column) bool { return c.attribute == a && c.kind != columnOperational })
			if !taken && !a.Operational() {
				cols = append(cols, column{attribute: a, name: a.Name(), kind: kindOf(a)})
			}
		}
	}
	if s.operational {
		for i, n := range operationalNames {
			taken := slices.ContainsFunc(cols, func(c column) bool { return c.attribute == index.Attribute(i) && c.kind == columnOperational })
			if !taken {
				cols = append(cols, column{attribute: index.Attribute(i), name: n, kind: columnOperational})
			}
		}
	}
	return cols
}

func kindOf(a index.Attribute) columnKind {
	switch {
	case a.Name() == photoAttribute:
		return columnPhoto
	case a.Numbers():
		return columnNumbers
	case a.Name() == "cn", a.Name() == "sn":
		return columnName
	case slices.Contains(identifiers[:], a.Name()):
		return columnID
	}
	return columnText
}

// identifiers are never written otherwise, whatever a display can show. Nothing
// changes them.
var identifiers = [...]string{"uid", "mail", "objectClass"}

// wants reports whether an object's attribute is answered, and in which spelling.
func (s *selection) wants(a *attribute) (string, bool) {
	for _, n := range s.names {
		if sameType(n, a.name) {
			return n, true
		}
	}
	return a.name, !a.unnumbered && (a.operational && s.operational || !a.operational && s.all)
}

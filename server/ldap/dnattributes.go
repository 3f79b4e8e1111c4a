package ldap

import (
	"slices"
	"strings"

	"ringbook/directory"
	"ringbook/directory/filter"
	"ringbook/directory/index"
)

// Extensible matches (RFC 4511 §4.5.1.7.7). Those on the attributes of contacts are
// the index's; it knows no DNs, so a match that asks for those of the DN as well
// (dnAttributes) is worked out here for each book. One that names no attribute is
// undefined for what is not in the DN: to try every attribute would make a small
// filter a large one.

// withDN returns f for the contacts of a book: a match that is true for what is in
// all their DNs is true. f itself is left as it is.
func (t tree) withDN(f *filter.Filter, b directory.BookName) *filter.Filter {
	if f.Op == filter.Extensible && f.DN {
		switch {
		case t.inDN(f, b):
			return &filter.Filter{Op: filter.And} // true (RFC 4526)
		case f.Attribute == "":
			uid := *f
			uid.Attribute = "uid"
			return &filter.Filter{Op: filter.Or, Children: []*filter.Filter{f, &uid}}
		}
		return f
	}
	changed := f
	for i, child := range f.Children {
		c := t.withDN(child, b)
		if c == child {
			continue
		}
		if changed == f {
			twin := *f
			twin.Children = slices.Clone(f.Children)
			changed = &twin
		}
		changed.Children[i] = c
	}
	return changed
}

// inDN reports whether an extensible match is true for the DN of a book.
func (t tree) inDN(f *filter.Filter, b directory.BookName) bool {
	return b != "" && extends(f, "ou", string(b)) || t.inBase(f)
}

func (t tree) inBase(f *filter.Filter) bool {
	for _, rdn := range t.parsed.RDNs {
		for _, a := range rdn.Attributes {
			if extends(f, a.Type, a.Value) {
				return true
			}
		}
	}
	return false
}

// extends reports whether an extensible match is true for a value of an attribute
// of a DN, or of an object: they are all texts.
func extends(f *filter.Filter, name, value string) bool {
	if f.Attribute != "" && !sameAttribute(f.Attribute, name) {
		return false
	}
	switch strings.ToLower(f.Rule) {
	case "", "caseignorematch", "2.5.13.2", "caseignoreia5match", "1.3.6.1.4.1.1466.109.114.2":
		return strings.EqualFold(f.Value, value)
	case "caseexactmatch", "2.5.13.5", "caseexactia5match", "1.3.6.1.4.1.1466.109.114.1":
		return f.Value == value
	}
	return false
}

func sameAttribute(a, b string) bool {
	x, known := index.ParseAttribute(a)
	y, too := index.ParseAttribute(b)
	return strings.EqualFold(a, b) || known && too && x == y
}

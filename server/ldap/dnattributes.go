package ldap

import (
	"slices"
	"strings"
	"sync"

	"ringbook/directory"
	"ringbook/directory/filter"
	"ringbook/directory/index"
)

// Extensible matches (RFC 4511 §4.5.1.7.7). Those on the attributes of contacts are
// the index's; it knows no DNs, so a match that asks for those of the DN as well
// (dnAttributes) is worked out here for each book, and one that names no attribute asks
// for all that its rule is for.

// anyAttribute makes of a match that names no attribute one of those whose rule it is, as
// far as its client knows them; with none it stays as it is, and undefined.
func (s sight) anyAttribute(f *filter.Filter) {
	either := &filter.Filter{Op: filter.Or}
	for _, name := range attributesOf(f.Rule) {
		if a, ok := index.ParseAttribute(name); ok && !s.sees(a) || !ok && s != nil {
			continue
		}
		one := &filter.Filter{Op: filter.Extensible, Rule: f.Rule, Attribute: name, Value: f.Value}
		prepare(one)
		either.Children = append(either.Children, one)
	}
	if r := ruleOf(f.Rule); f.DN && r != nil && (r.of == anyText || r.of == asciiText) { // DNs have no others
		dn := *f
		either.Children = append(either.Children, &dn)
	}
	if len(either.Children) > 0 {
		*f = *either
	}
}

// attributesOf returns the attributes that a rule is for.
func attributesOf(rule string) []string {
	r := ruleOf(rule)
	if r == nil {
		return nil
	}
	return ruled()[r.name]
}

// ruled are the attributes that each rule is for, by its name; of those that the index
// takes for one, the first.
var ruled = sync.OnceValue(func() map[string][]string {
	all := map[string][]string{}
	types := slices.Concat(contactTypes(), ofServer[:])
	for _, r := range matchingRules {
		for _, t := range types {
			name, _, _ := strings.Cut(t.names, " ")
			if r.suits(t.syntax) && !slices.ContainsFunc(all[r.name], func(other string) bool { return sameAttribute(name, other) }) {
				all[r.name] = append(all[r.name], name)
			}
		}
	}
	return all
})

// withDN returns f for the entries of a book: a match that is true for what is in
// all their DNs is true. f itself is left as it is.
func (t tree) withDN(f *filter.Filter, b directory.BookName) *filter.Filter {
	return rewrite(f, func(leaf *filter.Filter) *filter.Filter { return t.leafWithDN(leaf, b) })
}

// forContacts is the same for the contacts of a book alone: their operational
// attributes that are the same for all, or are the DN itself, are worked out too.
func (t tree) forContacts(f *filter.Filter, b directory.BookName) *filter.Filter {
	return rewrite(f, func(leaf *filter.Filter) *filter.Filter {
		if with := t.leafWithDN(leaf, b); with != leaf {
			return with
		}
		if decided := t.operational(leaf, b); decided != nil {
			return decided
		}
		return leaf
	})
}

func (t tree) leafWithDN(f *filter.Filter, b directory.BookName) *filter.Filter {
	switch {
	case f.Op != filter.Extensible || !f.DN:
		return f
	case t.inDN(f, b):
		return constant(true)
	case f.Attribute == "":
		uid := *f
		uid.Attribute = "uid"
		return &uid
	}
	return f
}

// rewrite returns f with its leaves replaced; what stays the same is shared.
func rewrite(f *filter.Filter, leaf func(*filter.Filter) *filter.Filter) *filter.Filter {
	if f.Op > filter.Not {
		return leaf(f)
	}
	changed := f
	for i, child := range f.Children {
		c := rewrite(child, leaf)
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
	value = squeezed(value)
	switch r := ruleOf(f.Rule); {
	case f.Rule == "", r != nil && (r.name == "caseIgnoreMatch" || r.name == "caseIgnoreIA5Match"):
		return strings.EqualFold(f.Value, value)
	}
	return isExact(f.Rule) && f.Value == value
}

// isExact reports whether a rule is one that minds the case.
func isExact(rule string) bool {
	r := ruleOf(rule)
	return r != nil && (r.name == "caseExactMatch" || r.name == "caseExactIA5Match")
}

func sameAttribute(a, b string) bool {
	x, known := index.ParseAttribute(a)
	y, too := index.ParseAttribute(b)
	return sameType(a, b) || known && too && x == y
}

// constant returns a filter that is true for all or for nobody (RFC 4526).
func constant(yes bool) *filter.Filter {
	if yes {
		return &filter.Filter{Op: filter.And}
	}
	return &filter.Filter{Op: filter.Or}
}

// undefined returns a filter that is undefined for all.
func undefined() *filter.Filter { return &filter.Filter{Op: filter.Equal} }

// operational returns what a leaf comes to for the contacts of a book if it is on an
// operational attribute, or one that no contact has; nil = the index knows. A leaf that
// makes no sense for its attribute asks for nothing, and so is undefined.
func (t tree) operational(f *filter.Filter, b directory.BookName) *filter.Filter {
	if a, ok := index.ParseAttribute(f.Attribute); ok {
		switch {
		case a.Name() == photoAttribute && !picture.compares(f):
			return undefined()
		case f.Op != filter.Present && strings.EqualFold(f.Attribute, "entryUUID") && !uuidText.compares(f):
			return undefined()
		}
		return nil
	}
	std := standard(f.Attribute)
	switch {
	case std == nil:
		return nil
	case !std.syntax.compares(f):
		return undefined()
	}
	var value string
	switch std.names {
	case "entryDN":
	case "structuralObjectClass":
		value = contactClass
	case "hasSubordinates":
		value = "FALSE"
	case "subschemaSubentry":
		value = schemaDN
	default:
		return constant(false)
	}
	switch {
	case f.Op == filter.Present:
		return constant(true)
	case value != "":
		return constant(strings.EqualFold(f.Value, value) || sameDN(value, f.Value))
	}
	at := t.locate(f.Value)
	if at.kind != placeContact || at.book != b {
		return constant(false)
	}
	return &filter.Filter{Op: filter.Equal, Attribute: "uid", Value: string(at.id)}
}

package ldap

import (
	"slices"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"ringbook/directory"
	"ringbook/directory/filter"
	"ringbook/directory/index"
)

// An object is an entry that is no contact: the root DSE, the base or a book.
type object struct {
	dn         string
	attributes []attribute
}

type attribute struct {
	name        string
	values      []string
	operational bool // answered only when asked for by name or by "+"
	// unnumbered: it is Active Directory's, which has given it no number, so that no schema
	// can have it, and clients that go by the schema give up where they see it. It is answered
	// only when asked for by name.
	unnumbered bool
}

func (o *object) find(name string) *attribute {
	std := standard(name) // looked up once: every search asks the base and the books
	i := slices.IndexFunc(o.attributes, func(a attribute) bool {
		return strings.EqualFold(a.name, name) || std != nil && std.called(a.name)
	})
	if i < 0 {
		return nil
	}
	return &o.attributes[i]
}

// matches evaluates one leaf: values are compared without case, which is right
// for all that objects have.
func (o *object) matches(f *filter.Filter) filter.Result {
	a := o.find(f.Attribute)
	if a == nil {
		return o.lacks(f)
	}
	switch f.Op {
	case filter.Present:
		return filter.True
	case filter.Equal, filter.Approx:
		if std := standard(a.name); std != nil && !std.syntax.reads(f.Value) {
			return filter.Undefined
		}
		return filter.Of(a.has(f.Value))
	case filter.Substrings:
		return filter.Of(slices.ContainsFunc(a.values, func(v string) bool { return hasPieces(v, f) }))
	case filter.Extensible:
		if slices.ContainsFunc(a.values, func(v string) bool { return extends(f, a.name, v) }) {
			return filter.True
		}
		if std := standard(a.name); std == nil || !std.syntax.compares(f) {
			return filter.Undefined
		}
		return filter.Of(a.has(f.Value) && !isExact(f.Rule))
	default: // no order is defined for what objects have
		return filter.Undefined
	}
}

// has reports whether the attribute has a value, compared without case.
func (a *attribute) has(value string) bool {
	return slices.ContainsFunc(a.values, func(v string) bool { return strings.EqualFold(squeezed(v), value) || sameDN(v, value) })
}

// lacks is matches for an attribute that an object does not have.
func (*object) lacks(f *filter.Filter) filter.Result {
	if _, ok := known(f.Attribute); ok {
		return filter.False
	}
	if std := standard(f.Attribute); std != nil && std.syntax.compares(f) {
		return filter.False
	}
	return filter.Undefined
}

// sameDN reports whether two values are one DN, however written. Only DNs have "=".
func sameDN(a, b string) bool {
	if !strings.Contains(a, "=") || len(b) > maxDN {
		return false
	}
	x, err := parseDN(a)
	y, too := parseDN(b)
	return err == nil && too == nil && x.EqualFold(y)
}

// hasPieces matches the pieces of a Substrings filter, in order and apart.
func hasPieces(v string, f *filter.Filter) bool {
	v, ok := strings.CutPrefix(strings.ToLower(v), strings.ToLower(f.Initial))
	for _, piece := range f.Any {
		if ok {
			_, v, ok = strings.Cut(v, strings.ToLower(piece))
		}
	}
	return ok && strings.HasSuffix(v, strings.ToLower(f.Final))
}

// rootDSE describes the server as this connection has it (RFC 4512 §5.1).
func (c *conn) rootDSE() object {
	var ctl, ext, more []string
	for _, row := range controlTable {
		if !slices.Contains(ctl, row.oid) {
			ctl = append(ctl, row.oid)
		}
	}
	for _, x := range extensions() {
		if x.offered(c) {
			ext = append(ext, x.oid)
		}
	}
	for _, row := range features() {
		more = append(more, row.oid)
	}
	return object{attributes: []attribute{
		{name: "objectClass", values: []string{"top"}},
		{name: "namingContexts", values: []string{c.srv.tree.base}, operational: true},
		{name: "defaultNamingContext", values: []string{c.srv.tree.base}, operational: true, unnumbered: true},
		{name: "supportedLDAPVersion", values: []string{"2", "3"}, operational: true},
		{name: "supportedControl", values: ctl, operational: true},
		{name: "supportedExtension", values: ext, operational: true},
		{name: "supportedFeatures", values: more, operational: true},
		{name: "subschemaSubentry", values: []string{schemaDN}, operational: true},
		{name: "vendorName", values: []string{"Ringbook"}, operational: true},
	}}
}

// baseObject describes the base. Its class follows from the first RDN.
func (t tree) baseObject() object {
	rdn := t.parsed.RDNs[0].Attributes[0]
	name := attribute{name: strings.ToLower(rdn.Type), values: []string{rdn.Value}}
	classes := []string{"top"}
	more := []attribute{name}
	structural := extensible
	switch name.name {
	case "dc": // not an organization: phones that ask for (o=*) would list it without a name
		structural = "domain"
	case "o":
		structural = "organization"
	case "ou":
		structural = "organizationalUnit"
	case "c":
		structural = "country"
	case "l":
		structural = "locality"
	}
	return t.object(t.base, structural, append(classes, structural), more)
}

// bookObject describes a book.
func (t tree) bookObject(b *index.Book) object { return t.bookOf(b.Name(), b.Title()) }

func (t tree) bookOf(name directory.BookName, title string) object {
	more := []attribute{{name: "ou", values: []string{string(name)}}}
	if title != "" {
		more = append(more, attribute{name: "description", values: []string{title}})
	}
	return t.object(t.bookDN(name), "organizationalUnit", []string{"top", "organizationalUnit"}, more)
}

func (t tree) object(dn, structural string, classes []string, more []attribute) object {
	return object{dn: dn, attributes: slices.Concat(
		[]attribute{{name: "objectClass", values: classes}}, more,
		[]attribute{
			{name: "entryDN", values: []string{dn}, operational: true},
			{name: "structuralObjectClass", values: []string{structural}, operational: true},
			{name: "hasSubordinates", values: []string{"TRUE"}, operational: true},
			{name: "subschemaSubentry", values: []string{schemaDN}, operational: true},
		},
	)}
}

// noSuchObject names the nearest entry above that there is.
func noSuchObject(matched string) result {
	return result{code: goldap.LDAPResultNoSuchObject, matched: matched, text: "no such entry"}
}

package ldap

import (
	"slices"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"ringbook/directory/filter"
)

// What a request says in one of several ways is made one where it is read, so that all else
// knows one. Attribute types and object classes have numbers, by which clients may name them
// (RFC 4512 §1.4): those become names, which answers have too (RFC 4511 §4.5.2).

// isNumeric reports whether s may be a numericoid. No name of ours begins so.
func isNumeric(s string) bool { return len(s) > 2 && '0' <= s[0] && s[0] <= '2' && s[1] == '.' }

// shortName returns the name of an attribute type that is given by its number. Any
// other description stays as it is.
func shortName(description string) string {
	if isNumeric(description) {
		return firstName(description)
	}
	return description
}

// firstName returns the name that we write of an attribute type; of one that nobody has
// defined, what it was called.
func firstName(name string) string {
	if std := standard(name); std != nil {
		name, _, _ = strings.Cut(std.names, " ")
	}
	return name
}

// prepare makes a leaf of a filter, or an assertion, ready: names are put for the numbers of
// its attribute and, as they are one value (objectIdentifierMatch, RFC 4517 §4.2.26), of
// classes; and blanks are left out that do not count.
func prepare(f *filter.Filter) {
	f.Attribute = shortName(f.Attribute)
	f.Value = squeezed(f.Value)
	if f.Op == filter.Substrings {
		preparePieces(f)
	}
	if !isNumeric(f.Value) {
		return
	}
	if std := standard(f.Attribute); std == nil || std.syntax != oidText {
		return
	}
	if i := slices.IndexFunc(objectClasses[:], func(c objectClass) bool { return c.oid == f.Value }); i >= 0 {
		f.Value = objectClasses[i].name
	}
}

// squeezed leaves out the blanks that do not count in a whole value: at the ends, and all
// but one of those between words (RFC 4518 §2.6.1).
func squeezed(value string) string {
	if strings.HasPrefix(value, " ") || strings.HasSuffix(value, " ") || strings.Contains(value, "  ") {
		return strings.Join(strings.Fields(value), " ")
	}
	return value
}

// preparePieces leaves out blanks at the ends of addresses. In names the index does, which
// knows what people type.
func preparePieces(f *filter.Filter) {
	first, last := strings.TrimLeft(f.Initial, " "), strings.TrimRight(f.Final, " ")
	if first == f.Initial && last == f.Final || first+last == "" {
		return
	}
	if std := standard(f.Attribute); std != nil && std.syntax == asciiText {
		f.Initial, f.Final = first, last
	}
}

// parseDN reads a DN in which a type has any of its names, or its number (RFC 4514 §2.3):
// they become one, so that what is the same compares as the same.
func parseDN(s string) (*goldap.DN, error) {
	dn, err := goldap.ParseDN(s)
	if err != nil {
		return nil, err
	}
	for _, rdn := range dn.RDNs {
		for _, a := range rdn.Attributes {
			a.Type = firstName(a.Type)
		}
	}
	return dn, nil
}

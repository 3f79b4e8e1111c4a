package ldap

import (
	"slices"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"ringbook/directory/filter"
)

// Attribute types and object classes have numbers, by which clients may name them
// (RFC 4512 §1.4). They are put into names where a request is read, so that all else
// knows names only, and answers have them too (RFC 4511 §4.5.2).

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

// nameLeaf puts names for the numbers in a leaf of a filter, or an assertion: of its
// attribute and, as they are one value (objectIdentifierMatch, RFC 4517 §4.2.26), of classes.
func nameLeaf(f *filter.Filter) {
	f.Attribute = shortName(f.Attribute)
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

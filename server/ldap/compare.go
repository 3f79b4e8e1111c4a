package ldap

import (
	goldap "github.com/go-ldap/ldap/v3"

	"ringbook/directory/filter"
	"ringbook/directory/index"
)

// compare answers whether an entry has a value (RFC 4511 §4.10). It sees what the
// same device's base-scope search would see. An error is the connection's end.
func (c *conn) compare(body []byte) (result, error) {
	dn, f, ok := decodeCompare(body)
	switch {
	case !ok:
		return refuse(goldap.LDAPResultProtocolError, "malformed compare"), nil
	case len(dn) > maxDN:
		return refuse(goldap.LDAPResultInvalidDNSyntax, "name too long"), nil
	}
	held := &filter.Filter{Op: filter.Present, Attribute: f.Attribute}
	if there, r, err := c.exists(dn, &filter.Filter{Op: filter.Present, Attribute: "objectClass"}); err != nil || r != success || !there {
		if r == success {
			r = noSuchObject("") // of a draining device
		}
		return r, err
	}
	if there, r, err := c.exists(dn, f); err != nil || r != success || there {
		if r == success {
			r.code = goldap.LDAPResultCompareTrue
		}
		return r, err
	}
	there, r, err := c.exists(dn, held)
	switch {
	case err != nil || r != success:
	case there:
		r.code = goldap.LDAPResultCompareFalse
	default:
		r = absent(f.Attribute)
	}
	return r, err
}

// absent says why an entry has no value to compare with.
func absent(name string) result {
	if _, known := index.ParseAttribute(name); known {
		return refuse(goldap.LDAPResultNoSuchAttribute, "the entry has no such attribute")
	}
	return refuse(goldap.LDAPResultUndefinedAttributeType, "no such attribute type")
}

// exists reports whether the entry is there and the filter is true for it.
func (c *conn) exists(dn string, f *filter.Filter) (bool, result, error) {
	_, found, r, err := c.lookUp(searchRequest{base: dn, scope: scopeBase, filter: f}, c.device)
	if err != nil || r != success {
		return false, r, err
	}
	for range found.items() {
		return true, success, nil
	}
	return false, success, nil
}

// decodeCompare reads a request as the equality filter that it is.
func decodeCompare(b []byte) (dn string, f *filter.Filter, ok bool) {
	dn, b, err := takeString(b)
	if err != nil {
		return dn, nil, false
	}
	b, rest, err := take(b, tagSequence)
	if err != nil || len(rest) > 0 {
		return dn, nil, false
	}
	f = &filter.Filter{Op: filter.Equal}
	if f.Attribute, b, err = takeString(b); err != nil {
		return dn, nil, false
	}
	if f.Value, b, err = takeString(b); err != nil || len(b) > 0 {
		return dn, nil, false
	}
	return dn, f, f.Attribute != ""
}

package ldap

import (
	goldap "github.com/go-ldap/ldap/v3"

	"ringbook/directory"
	"ringbook/directory/filter"
)

// compare answers whether an entry has a value (RFC 4511 §4.10). It sees what the
// same device's base-scope search would see. An error is the connection's end.
func (c *conn) compare(body []byte) (result, error) {
	dn, equal, ok := decodeCompare(body)
	switch {
	case !ok:
		return refuse(goldap.LDAPResultProtocolError, "malformed compare"), nil
	case !nameText.reads(dn):
		return refuse(goldap.LDAPResultInvalidDNSyntax, "too long, or no name at all"), nil
	}
	looks := c.sight(c.device)
	_, exists := looks.known(equal.Attribute)
	exists = exists || looks == nil && standard(equal.Attribute) != nil
	present := &filter.Filter{Op: filter.Present, Attribute: equal.Attribute}
	if there, r, err := c.holds(dn, equal); err != nil || r != success || there {
		return orCode(r, goldap.LDAPResultCompareTrue), err
	}
	if there, r, err := c.holds(dn, present); err != nil || r != success || there {
		return orCode(r, notEqual(equal)), err
	}
	if exists {
		return refuse(goldap.LDAPResultNoSuchAttribute, "the entry has no such attribute"), nil
	}
	return refuse(goldap.LDAPResultUndefinedAttributeType, "no such attribute type"), nil
}

// notEqual is why an attribute that is there has not a value: what is undefined is not
// false.
func notEqual(f *filter.Filter) uint16 {
	switch std := standard(f.Attribute); {
	case std == nil || std.syntax.compares(f):
		return goldap.LDAPResultCompareFalse
	case std.syntax.equality == "":
		return goldap.LDAPResultInappropriateMatching
	}
	return goldap.LDAPResultInvalidAttributeSyntax
}

// orCode is what a comparison comes to: r, unless that is success.
func orCode(r result, code uint16) result {
	if r == success {
		r.code = code
	}
	return r
}

// holds reports whether the filter is true for the entry dn. For a draining device there
// is none.
func (c *conn) holds(dn string, f *filter.Filter) (bool, result, error) {
	device, found, r, err := c.lookUp(searchRequest{base: dn, scope: scopeBase, filter: f}, c.device)
	if err != nil || r != success {
		return false, r, err
	}
	for range found.items() {
		return true, success, nil
	}
	if device.State == directory.DeviceDraining {
		return false, noSuchObject(""), nil
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
	if err != nil || !isLater(rest, -1) {
		return dn, nil, false
	}
	f = &filter.Filter{Op: filter.Equal}
	if f.Attribute, b, err = takeString(b); err != nil {
		return dn, nil, false
	}
	if f.Value, b, err = takeString(b); err != nil || !isLater(b, -1) {
		return dn, nil, false
	}
	prepare(f)
	return dn, f, f.Attribute != ""
}

package graph

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"ringbook/directory"
	"ringbook/directory/text"
)

// mappingVersion is part of the question that a cursor answers: raise it
// whenever the same Graph object makes another contact, and every mirror reads
// its tenant again.
const mappingVersion = 1

// maxText is the longest text of a contact, in bytes. Entra allows 1,024
// characters (streetAddress); more than this is no text for a phonebook.
const maxText = 4 << 10

// A setter lays one property over a contact.
type setter func(*directory.Contact)

// A property is one attribute of a Graph user and the way it is read.
type property struct {
	name   string
	decode func(raw json.RawMessage) (setter, error)
}

// A mapping reads Graph users.
//
// Of a user's addresses only mail is shown: otherMails is where Entra keeps
// private addresses for a lost password, and the aliases in proxyAddresses are
// old names and technical ones.
type mapping struct {
	properties []property
	phones     phones
}

func newMapping(o Options) (*mapping, error) {
	ph, err := newPhones(o)
	if err != nil {
		return nil, err
	}
	m := &mapping{phones: ph, properties: []property{
		{"displayName", line(func(c *directory.Contact) *string { return &c.DisplayName })},
		{"givenName", line(func(c *directory.Contact) *string { return &c.GivenName })},
		{"surname", line(func(c *directory.Contact) *string { return &c.Surname })},
		{"mail", mail},
		{"jobTitle", line(func(c *directory.Contact) *string { return &c.JobTitle })},
		{"department", line(func(c *directory.Contact) *string { return &c.Department })},
		{"companyName", line(func(c *directory.Contact) *string { return &c.Company })},
		{"officeLocation", line(func(c *directory.Contact) *string { return &c.Office })},
		{"streetAddress", lines(func(c *directory.Contact) *string { return &c.Address.Street })},
		{"city", line(func(c *directory.Contact) *string { return &c.Address.City })},
		{"state", line(func(c *directory.Contact) *string { return &c.Address.State })},
		{"postalCode", line(func(c *directory.Contact) *string { return &c.Address.PostalCode })},
		{"country", line(func(c *directory.Contact) *string { return &c.Address.Country })},
		{"userPrincipalName", line(func(c *directory.Contact) *string { return &c.UserPrincipalName })},
		{"userType", line(func(c *directory.Contact) *string { return &c.UserType })},
		{"employeeId", line(func(c *directory.Contact) *string { return &c.EmployeeID })},
		{"accountEnabled", flag(func(c *directory.Contact) *directory.Flag { return &c.AccountEnabled })},
		{"showInAddressList", flag(func(c *directory.Contact) *directory.Flag { return &c.ShowInAddressList })},
	}}
	m.properties = append(m.properties, ph.properties()...)
	return m, nil
}

// selected returns the $select list: id comes by itself.
func (m *mapping) selected() []string {
	names := make([]string, len(m.properties))
	for i, p := range m.properties {
		names[i] = p.name
	}
	return names
}

// change makes news of an object. The update holds decoded values, never the
// page. Properties that cannot be read are left as they are in the mirror and
// named in unread; an object without a usable id is an error.
func (m *mapping) change(o object) (ch directory.Change, unread error, err error) {
	id, err := o.id()
	if err != nil {
		return directory.Change{}, nil, err
	}
	if o.removed() {
		return directory.Change{ID: id, Removed: true}, nil, nil
	}
	set := make([]setter, 0, min(len(o), len(m.properties)))
	for _, p := range m.properties {
		raw, there := o[p.name]
		if !there {
			continue
		}
		s, err := p.decode(raw)
		if err != nil {
			unread = errors.Join(unread, fmt.Errorf("property %s: %w", p.name, err))
			continue
		}
		set = append(set, s)
	}
	return directory.Change{ID: id, Update: func(c *directory.Contact) {
		for _, s := range set {
			s(c)
		}
	}}, unread, nil
}

// line reads text of one line; null clears it.
func line(field func(*directory.Contact) *string) func(json.RawMessage) (setter, error) {
	return textOf(field, false)
}

// lines reads text that may have several.
func lines(field func(*directory.Contact) *string) func(json.RawMessage) (setter, error) {
	return textOf(field, true)
}

func textOf(field func(*directory.Contact) *string, keepLines bool) func(json.RawMessage) (setter, error) {
	return func(raw json.RawMessage) (setter, error) {
		s, err := decodeText(raw)
		if err != nil {
			return nil, err
		}
		s = clean(s, keepLines)
		return func(c *directory.Contact) { *field(c) = s }, nil
	}
}

func flag(field func(*directory.Contact) *directory.Flag) func(json.RawMessage) (setter, error) {
	return func(raw json.RawMessage) (setter, error) {
		var b *bool
		if err := json.Unmarshal(raw, &b); err != nil {
			return nil, errType
		}
		f := directory.Unset
		if b != nil {
			f = directory.FlagOf(*b)
		}
		return func(c *directory.Contact) { *field(c) = f }, nil
	}
}

func mail(raw json.RawMessage) (setter, error) {
	s, err := decodeText(raw)
	if err != nil {
		return nil, err
	}
	var emails []string
	if s = clean(s, false); s != "" {
		emails = []string{s}
	}
	return func(c *directory.Contact) { c.Emails = slices.Clone(emails) }, nil
}

// decodeText reads a JSON string; null is "".
func decodeText(raw json.RawMessage) (string, error) {
	if n := len(raw); n >= 2 && raw[0] == '"' && bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : n-1]), nil // nearly all of them; clean sees to UTF-8
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return "", errType
	}
	return s, nil
}

// errType: a property of a JSON type that it does not have. The value is a
// person's: it is not quoted.
var errType = errors.New("unexpected JSON type")

// clean returns s as a contact holds it, cut at maxText.
func clean(s string, keepLines bool) string {
	s = text.Clean(s, keepLines)
	if len(s) <= maxText {
		return s
	}
	n := maxText
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return text.Clean(s[:n], keepLines)
}

// question digests everything that shapes the answer of a users feed.
func (m *mapping) question(c *client, t Tenant, country string) string {
	parts := []string{fmt.Sprint(mappingVersion), portOf(c.base), strings.ToLower(c.base.Hostname()), t.ID, t.ClientID, country}
	parts = append(parts, m.selected()...)
	for _, a := range slices.Sorted(maps.Keys(m.phones.kinds)) {
		parts = append(parts, a, string(m.phones.kinds[a]))
	}
	return digest(parts)
}

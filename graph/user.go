package graph

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"ringbook/directory"
	"ringbook/directory/text"
)

// mappingVersion is part of the question that a cursor answers: raise it
// whenever the same Graph object makes another contact, and every mirror reads
// its tenant again.
const mappingVersion = 2

// maxText is the longest text of a contact, in bytes. Entra allows 1,024
// characters (streetAddress); more than this is no text for a phonebook.
const maxText = 4 << 10

// A setter lays one property over a contact.
type setter func(*directory.Contact)

// A property is one attribute of a Graph user and the way it is read: decode
// what is shown, extra what only rules ask about; one of them may be nil.
type property struct {
	name   string
	decode func(raw json.RawMessage) (setter, error)
	extra  func(raw json.RawMessage) ([]directory.Extra, error)
}

// optional reports whether nothing that is shown comes from the property.
func (p property) optional() bool { return p.decode == nil || p.name == manager }

// key is where an object holds the property. A relation comes as what was added
// to it and taken from it.
func (p property) key() string {
	if p.name == manager {
		return manager + "@delta"
	}
	return p.name
}

// A mapping reads Graph users.
//
// Of a user's addresses only mail is shown: otherMails is where Entra keeps
// private addresses for a lost password, and the aliases in proxyAddresses are
// old names and technical ones.
type mapping struct {
	properties []property
	phones     phones
	refused    map[string]bool // properties that this tenant's Graph does not let us select
}

func newMapping(o Options) (*mapping, error) {
	ph, err := newPhones(o)
	if err != nil {
		return nil, err
	}
	m := &mapping{phones: ph, refused: make(map[string]bool), properties: append(personProperties(), []property{
		{name: "officeLocation", decode: line(func(c *directory.Contact) *string { return &c.Office })},
		{name: "streetAddress", decode: lines(func(c *directory.Contact) *string { return &c.Address.Street })},
		{name: "city", decode: line(func(c *directory.Contact) *string { return &c.Address.City })},
		{name: "state", decode: line(func(c *directory.Contact) *string { return &c.Address.State })},
		{name: "postalCode", decode: line(func(c *directory.Contact) *string { return &c.Address.PostalCode })},
		{name: "country", decode: line(func(c *directory.Contact) *string { return &c.Address.Country })},
		{name: "userPrincipalName", decode: line(func(c *directory.Contact) *string { return &c.UserPrincipalName })},
		{name: "userType", decode: line(func(c *directory.Contact) *string { return &c.UserType })},
		{name: "employeeId", decode: line(func(c *directory.Contact) *string { return &c.EmployeeID })},
		{name: "accountEnabled", decode: flag(func(c *directory.Contact) *directory.Flag { return &c.AccountEnabled })},
		{name: "showInAddressList", decode: flag(func(c *directory.Contact) *directory.Flag { return &c.ShowInAddressList })},
		{name: manager, decode: managerChange},
	}...)}
	m.properties = append(m.properties, extraProperties()...)
	m.properties = append(m.properties, ph.properties()...)
	return m, nil
}

// personProperties are those that a user has and an organisational contact too.
func personProperties() []property {
	return []property{
		{name: "displayName", decode: line(func(c *directory.Contact) *string { return &c.DisplayName })},
		{name: "givenName", decode: line(func(c *directory.Contact) *string { return &c.GivenName })},
		{name: "surname", decode: line(func(c *directory.Contact) *string { return &c.Surname })},
		{name: "mail", decode: mail},
		{name: "jobTitle", decode: line(func(c *directory.Contact) *string { return &c.JobTitle })},
		{name: "department", decode: line(func(c *directory.Contact) *string { return &c.Department })},
		{name: "companyName", decode: line(func(c *directory.Contact) *string { return &c.Company })},
	}
}

// names returns what is asked for, if Graph lets us: id comes by itself.
func (m *mapping) names() []string {
	names := make([]string, len(m.properties))
	for i, p := range m.properties {
		names[i] = p.name
	}
	return names
}

// selected returns the $select list.
func (m *mapping) selected() []string {
	return slices.DeleteFunc(m.names(), func(name string) bool { return m.refused[name] })
}

// refuse notes the properties that Graph refuses to select by name, and returns
// them. Clouds differ in what a delta of users knows; a phonebook can do without
// what is not shown, and better than without everybody.
func (m *mapping) refuse(err error) []string {
	e, ok := errors.AsType[*responseError](err)
	if !ok || e.Status != http.StatusBadRequest {
		return nil
	}
	var names []string
	for word := range strings.FieldsFuncSeq(e.Message, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		i := slices.IndexFunc(m.properties, func(p property) bool { return p.name == word })
		if i >= 0 && m.properties[i].optional() && !m.refused[word] {
			m.refused[word] = true
			names = append(names, word)
		}
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
	var extras []directory.Extra
	for _, p := range m.properties {
		raw, there := o[p.key()]
		if !there {
			continue
		}
		if p.decode != nil {
			s, err := p.decode(raw)
			if err != nil {
				unread = errors.Join(unread, fmt.Errorf("property %s: %w", p.name, err))
				continue
			}
			set = append(set, s)
		}
		if p.extra != nil {
			x, err := p.extra(raw)
			if err != nil {
				unread = errors.Join(unread, fmt.Errorf("property %s: %w", p.name, err))
				continue
			}
			extras = append(extras, x...)
		}
	}
	return directory.Change{ID: id, Update: func(c *directory.Contact) {
		was := m.phones.site(c)
		for _, s := range set {
			s(c)
		}
		m.phones.move(c, was != nil)
		if len(extras) > 0 {
			c.Extras = c.Extras.Lay(extras)
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

// question digests everything that shapes the answer of a feed.
func (m *mapping) question(c *client, t Tenant, plans string) string {
	parts := []string{fmt.Sprint(mappingVersion), portOf(c.base), strings.ToLower(c.base.Hostname()), t.ID, t.ClientID, plans}
	parts = append(parts, m.names()...)
	for _, a := range slices.Sorted(maps.Keys(m.phones.kinds)) {
		parts = append(parts, a, string(m.phones.kinds[a]))
	}
	for _, k := range directory.PhoneKinds() {
		parts = append(parts, strconv.Itoa(m.phones.rank[k]))
	}
	return digest(parts)
}

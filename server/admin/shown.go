package admin

import (
	"slices"
	"strings"

	"ringbook/directory"
	"ringbook/directory/index"
)

// rulesOnly is why a field is not shown that no device ever gets.
const rulesOnly = "for rules only"

// A shownList is the fields of a contact in the making.
type shownList struct {
	view  *index.View
	parts []*directory.Contact
	list  []ShownField
}

// shownFields lists what a device is shown of a contact, field by field, and
// what not: each with the source that says it.
func shownFields(v *index.View, e *index.Entry, d directory.Device) []ShownField {
	s := &shownList{view: v, parts: e.Parts()}
	c := e.Contact()
	s.add(ShownField{Field: "name", Value: d.Names.Name(c)}, func(part *directory.Contact) bool { return part.Name() == c.Name() })
	s.text("given name", c.GivenName, func(c *directory.Contact) string { return c.GivenName })
	s.text("surname", c.Surname, func(c *directory.Contact) string { return c.Surname })
	s.text("job title", c.JobTitle, func(c *directory.Contact) string { return c.JobTitle })
	s.text("department", c.Department, func(c *directory.Contact) string { return c.Department })
	s.text("company", c.Company, func(c *directory.Contact) string { return c.Company })
	s.text("office", c.Office, func(c *directory.Contact) string { return c.Office })
	s.text("street", c.Address.Street, func(c *directory.Contact) string { return c.Address.Street })
	s.text("city", c.Address.City, func(c *directory.Contact) string { return c.Address.City })
	s.text("state", c.Address.State, func(c *directory.Contact) string { return c.Address.State })
	s.text("postal code", c.Address.PostalCode, func(c *directory.Contact) string { return c.Address.PostalCode })
	s.text("country", c.Address.Country, func(c *directory.Contact) string { return c.Address.Country })
	for _, m := range c.Emails {
		has := func(c *directory.Contact) bool {
			return slices.ContainsFunc(c.Emails, func(have string) bool { return strings.EqualFold(have, m) })
		}
		s.add(ShownField{Field: "e-mail", Value: m}, has)
	}
	s.phones(c, d)
	if c.Photo != "" {
		f := ShownField{Field: "photo", Value: string(d.Photos)}
		if d.Photos == directory.PhotoNone {
			f.Hidden = "the device gets no photos"
		}
		s.add(f, func(part *directory.Contact) bool { return part.Photo == c.Photo })
	}
	s.rules()
	return s.list
}

// text adds a field of one line, as far as it has a value.
func (s *shownList) text(field, value string, get func(*directory.Contact) string) {
	s.add(ShownField{Field: field, Value: value}, func(c *directory.Contact) bool { return get(c) == value })
}

// add adds a field that has a value, with the first part that says so.
func (s *shownList) add(f ShownField, says func(*directory.Contact) bool) {
	if f.Value == "" {
		return
	}
	from := s.parts[max(0, slices.IndexFunc(s.parts, says))]
	f.Source = string(from.Source)
	if e := s.view.Entry(from.ID); e != nil {
		f.Changed = e.OwnModified()
	}
	s.list = append(s.list, f)
}

// phones adds the numbers that are shown, then those that are not.
func (s *shownList) phones(c *directory.Contact, d directory.Device) {
	all, plan := slices.Clone(c.Phones), s.view.PlanOf(d)
	same := func(p directory.Phone) func(directory.Phone) bool {
		return func(q directory.Phone) bool { return q.Canonical() == p.Canonical() }
	}
	for _, part := range s.parts {
		for _, p := range part.Phones {
			if !slices.ContainsFunc(all, same(p)) {
				all = append(all, p)
			}
		}
	}
	for i, p := range all {
		f := ShownField{Field: string(p.Kind), Value: p.Canonical(), Attribute: p.Attribute}
		if i >= len(c.Phones) {
			f.Hidden = "beyond numbers.max_phones"
		}
		if plan != nil {
			f.Value = plan.Profile(d).Write(p)
		}
		s.add(f, func(part *directory.Contact) bool { return slices.ContainsFunc(part.Phones, same(p)) })
	}
}

// rules adds what only rules ask about: of the first part, whose word it is.
func (s *shownList) rules() {
	c := s.parts[0]
	first := func(part *directory.Contact) bool { return part == s.parts[0] }
	for _, f := range []struct{ name, value string }{
		{"sign-in name", c.UserPrincipalName},
		{"user type", c.UserType},
		{"employee id", c.EmployeeID},
		{"manager", string(c.Manager)},
		{"enabled", flagText(c.AccountEnabled)},
		{"in address lists", flagText(c.ShowInAddressList)},
	} {
		s.add(ShownField{Field: f.name, Value: f.value, Hidden: rulesOnly}, first)
	}
	for line := range strings.SplitSeq(string(s.parts[0].Extras), "\n") {
		name, value, _ := strings.Cut(line, "=")
		s.add(ShownField{Field: name, Value: value, Hidden: rulesOnly}, first)
	}
}

// flagText is what a source states; "" = it does not.
func flagText(f directory.Flag) string {
	return [...]string{directory.Unset: "", directory.False: "no", directory.True: "yes"}[f]
}

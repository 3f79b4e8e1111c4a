package directory

import (
	"cmp"
	"slices"
	"strings"
)

// A Field is a part of a contact that is shown, as far as one source may know it
// better than another.
type Field string

// The fields. Names go together, so that they fit each other, and so do the
// lines of an address.
const (
	FieldName       Field = "name"
	FieldEmails     Field = "emails"
	FieldPhones     Field = "phones"
	FieldTitle      Field = "title"
	FieldDepartment Field = "department"
	FieldCompany    Field = "company"
	FieldOffice     Field = "office"
	FieldAddress    Field = "address"
	FieldPhoto      Field = "photo"
)

// Fields lists the fields.
func Fields() []Field {
	return []Field{
		FieldName, FieldEmails, FieldPhones, FieldTitle, FieldDepartment,
		FieldCompany, FieldOffice, FieldAddress, FieldPhoto,
	}
}

// A Precedence says which sources know a field best, the best first. Sources
// that it does not name follow in the order of [Rank].
type Precedence map[Field][]Source

// Rank orders the contacts that one person has in several sources: the first
// lends the person its id, and whatever no field shows. Guests come last, since
// the company's own record of somebody outside is better than what they wrote
// into an invitation.
func Rank(a, b *Contact) int {
	return cmp.Or(cmp.Compare(a.rank(), b.rank()), cmp.Compare(a.ID, b.ID))
}

func (c *Contact) rank() int {
	switch {
	case c.Source == SourceUser && !strings.EqualFold(c.UserType, "Guest"):
		return 0
	case c.Source == SourceOrgContact:
		return 1
	case c.Source == SourceUser:
		return 3
	}
	return 2
}

// Joins reports whether a contact may be shown as part of another: both are of
// different sources, neither is private to a mailbox, and the other comes first.
func (c *Contact) Joins(other *Contact) bool {
	return c.Source != SourceMailbox && other.Source != SourceMailbox && c.Source != other.Source && other.rank() < c.rank()
}

// Merge returns the one contact that several of one person come to, given in the
// order of [Rank]. Of e-mail addresses and numbers all are shown, each once; of
// any other field the first that is not empty. Rules see the sources, imports
// and groups of all, and of the rest what the first says.
func Merge(parts []*Contact, p Precedence) *Contact {
	c := parts[0].Clone()
	c.Emails, c.Phones = nil, nil
	for _, f := range Fields() {
		order := p.order(f, parts)
		switch f {
		case FieldEmails:
			for _, part := range order {
				c.addEmails(part.Emails)
			}
		case FieldPhones:
			for _, part := range order {
				c.addPhones(part.Phones)
			}
		default:
			if i := slices.IndexFunc(order, func(part *Contact) bool { return part.has(f) }); i >= 0 {
				c.take(f, order[i])
			}
		}
	}
	c.Extras = mergeExtras(parts)
	return c
}

// order puts parts into the order of precedence.
func (p Precedence) order(f Field, parts []*Contact) []*Contact {
	sources := p[f]
	if len(sources) == 0 {
		return parts
	}
	place := func(c *Contact) int {
		if i := slices.Index(sources, c.Source); i >= 0 {
			return i
		}
		return len(sources)
	}
	return slices.SortedStableFunc(slices.Values(parts), func(a, b *Contact) int { return cmp.Compare(place(a), place(b)) })
}

// has reports whether a field that has one value, so neither the e-mail addresses
// nor the numbers, is not empty.
func (c *Contact) has(f Field) bool {
	switch f {
	case FieldName:
		return c.DisplayName != "" || c.GivenName != "" || c.Surname != ""
	case FieldAddress:
		return c.Address != (Address{})
	case FieldPhoto:
		return c.Photo != ""
	default:
		return *c.line(f) != ""
	}
}

// take takes a field from another contact.
func (c *Contact) take(f Field, from *Contact) {
	switch f {
	case FieldName:
		c.DisplayName, c.GivenName, c.Surname = from.DisplayName, from.GivenName, from.Surname
	case FieldAddress:
		c.Address = from.Address
	case FieldPhoto:
		c.Photo = from.Photo
	default:
		*c.line(f) = *from.line(f)
	}
}

// line returns the field of those that are one line.
func (c *Contact) line(f Field) *string {
	switch f {
	case FieldTitle:
		return &c.JobTitle
	case FieldDepartment:
		return &c.Department
	case FieldCompany:
		return &c.Company
	default:
		return &c.Office
	}
}

func (c *Contact) addEmails(more []string) {
	for _, m := range more {
		if !slices.ContainsFunc(c.Emails, func(have string) bool { return strings.EqualFold(have, m) }) {
			c.Emails = append(c.Emails, m)
		}
	}
}

func (c *Contact) addPhones(more []Phone) {
	for _, p := range more {
		if !slices.ContainsFunc(c.Phones, func(have Phone) bool { return have.Canonical() == p.Canonical() }) {
			c.Phones = append(c.Phones, p)
		}
	}
}

// mergeExtras notes the sources, imports and groups of all parts beside what the
// first one states.
func mergeExtras(parts []*Contact) Extras {
	var sources, sets []string
	groups := parts[0].Extras.Append(nil, "memberOf")
	for _, part := range parts[1:] {
		sources = append(sources, string(part.Source))
		sets = append(sets, part.Set)
		groups = part.Extras.Append(groups, "memberOf")
	}
	return parts[0].Extras.Lay([]Extra{{"source", sources}, {"importSet", sets}, {"memberOf", groups}})
}

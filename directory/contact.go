package directory

import (
	"fmt"
	"regexp"
	"slices"
)

// MaxContactID is the longest contact id, in bytes. Entra object ids have 36;
// the id is a path segment of every address object and part of every DN.
const MaxContactID = 64

// A ContactID names one contact for ever: it is the UID of its card, the last
// path segment of its href and the RDN of its entry. It consists of the
// characters a–z, 0–9 and "-" only, so that it needs no escaping anywhere
// (clients compare hrefs as strings).
type ContactID string

var objectID = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// IsObjectID reports whether s is written as Entra writes the ids of what it has
// (users, groups, applications, tenants): a GUID of 36 characters, in either case.
func IsObjectID(s string) bool { return objectID.MatchString(s) }

// ParseContactID checks s. Upper-case ASCII letters are folded to lower case;
// anything else outside the alphabet, an empty or an overlong s is [ErrInvalid].
func ParseContactID(s string) (ContactID, error) {
	if s == "" || len(s) > MaxContactID {
		return "", fmt.Errorf("contact id of %d bytes: %w", len(s), ErrInvalid)
	}
	b := []byte(s)
	for i, c := range b {
		switch {
		case 'A' <= c && c <= 'Z':
			b[i] = c + 'a' - 'A'
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-':
		default:
			return "", fmt.Errorf("contact id with character %q: %w", c, ErrInvalid)
		}
	}
	return ContactID(b), nil
}

// A Source says where a contact comes from.
type Source string

// The sources.
const (
	SourceUser       Source = "user"        // an Entra user
	SourceOrgContact Source = "org_contact" // an organisational contact
	SourceMailbox    Source = "mailbox"     // an Outlook contact of a chosen mailbox
	SourceLocal      Source = "local"       // entered or imported here
)

// Sources lists the sources.
func Sources() []Source {
	return []Source{SourceUser, SourceOrgContact, SourceMailbox, SourceLocal}
}

// A Flag is a truth value that its source may not have stated.
type Flag int8

// The values of a Flag. The zero value is Unset.
const (
	Unset Flag = iota
	False
	True
)

// FlagOf returns True or False.
func FlagOf(b bool) Flag {
	if b {
		return True
	}
	return False
}

// A Contact is one person or organisation in the mirror. Text is valid UTF-8 in
// NFC, trimmed, and free of control characters other than "\n" in
// Address.Street. Contacts are shared and must not be changed; see [Contact.Clone].
type Contact struct {
	ID     ContactID `json:"id"`
	Source Source    `json:"source"`

	DisplayName string   `json:"display_name,omitempty"`
	GivenName   string   `json:"given_name,omitempty"`
	Surname     string   `json:"surname,omitempty"`
	Emails      []string `json:"emails,omitempty"` // the primary address first, no two equal without case
	Phones      []Phone  `json:"phones,omitempty"` // in the order in which they are shown
	JobTitle    string   `json:"job_title,omitempty"`
	Department  string   `json:"department,omitempty"`
	Company     string   `json:"company,omitempty"`
	Office      string   `json:"office,omitempty"`
	Address     Address  `json:"address,omitzero"`
	Photo       PhotoID  `json:"photo,omitempty"` // "" = none

	// What rules ask about and no card shows.
	UserPrincipalName string    `json:"user_principal_name,omitempty"`
	UserType          string    `json:"user_type,omitempty"` // "Member", "Guest" or not stated
	EmployeeID        string    `json:"employee_id,omitempty"`
	Manager           ContactID `json:"manager,omitempty"` // "" = none
	Extras            Extras    `json:"extras,omitempty"`
	AccountEnabled    Flag      `json:"account_enabled,omitempty"`
	ShowInAddressList Flag      `json:"show_in_address_list,omitempty"`
	// Set names the import that a contact of SourceLocal came from; "" = entered
	// by hand, or of another source.
	Set string `json:"set,omitempty"`
	// Mailbox is the user in whose mailbox a contact of SourceMailbox stands: only
	// that user's devices see it, and books whose rules name the mailbox.
	Mailbox ContactID `json:"mailbox,omitempty"`
	// Same is the contact of another source that this one is about, as its own
	// source says; "" = not known. See [Merge].
	Same ContactID `json:"same,omitempty"`
}

// An Address is a postal address (Graph: streetAddress, city, state,
// postalCode, country). Street may hold several lines, separated by "\n".
type Address struct {
	Street     string `json:"street,omitempty"`
	City       string `json:"city,omitempty"`
	State      string `json:"state,omitempty"`
	PostalCode string `json:"postal_code,omitempty"`
	Country    string `json:"country,omitempty"`
}

// Clone returns a copy that shares nothing that can be changed.
func (c *Contact) Clone() *Contact {
	d := *c
	d.Emails = slices.Clone(c.Emails)
	d.Phones = slices.Clone(c.Phones)
	return &d
}

// Equal reports whether two contacts hold the same values.
func (c *Contact) Equal(d *Contact) bool {
	return c.ID == d.ID && c.Source == d.Source &&
		c.DisplayName == d.DisplayName && c.GivenName == d.GivenName && c.Surname == d.Surname &&
		slices.Equal(c.Emails, d.Emails) && slices.Equal(c.Phones, d.Phones) &&
		c.JobTitle == d.JobTitle && c.Department == d.Department && c.Company == d.Company &&
		c.Office == d.Office && c.Address == d.Address && c.Photo == d.Photo &&
		c.UserPrincipalName == d.UserPrincipalName && c.UserType == d.UserType &&
		c.EmployeeID == d.EmployeeID && c.Manager == d.Manager && c.Extras == d.Extras &&
		c.AccountEnabled == d.AccountEnabled && c.ShowInAddressList == d.ShowInAddressList &&
		c.Set == d.Set && c.Same == d.Same && c.Mailbox == d.Mailbox
}

// LooksLike reports whether nobody to whom two values of a contact are shown
// could tell them apart: they differ in nothing but what rules ask about.
func (c *Contact) LooksLike(d *Contact) bool {
	return c.ID == d.ID &&
		c.DisplayName == d.DisplayName && c.GivenName == d.GivenName && c.Surname == d.Surname &&
		slices.Equal(c.Emails, d.Emails) && slices.EqualFunc(c.Phones, d.Phones, Phone.looksLike) &&
		c.JobTitle == d.JobTitle && c.Department == d.Department && c.Company == d.Company &&
		c.Office == d.Office && c.Address == d.Address && c.Photo == d.Photo
}

// Name returns what a person would call the contact: the display name, else
// given name and surname, else company, first e-mail address, first number or,
// when there is nothing at all, the id. It is never empty for a contact with an id.
func (c *Contact) Name() string {
	switch {
	case c.DisplayName != "":
		return c.DisplayName
	case c.GivenName != "" && c.Surname != "":
		return c.GivenName + " " + c.Surname
	case c.GivenName != "":
		return c.GivenName
	case c.Surname != "":
		return c.Surname
	case c.Company != "":
		return c.Company
	case len(c.Emails) > 0:
		return c.Emails[0]
	case len(c.Phones) > 0:
		return c.Phones[0].Written
	}
	return string(c.ID)
}

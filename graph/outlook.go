package graph

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"ringbook/directory"
)

// outlookAddresses are where an Outlook contact's address stands, the one that is
// shown first: a contact of ours has one.
var outlookAddresses = []string{"businessAddress", "homeAddress", "otherAddress"}

// newOutlookMapping makes the mapping of Outlook contacts, which reads numbers by
// the same rules as that of users.
// https://learn.microsoft.com/graph/api/resources/contact
func newOutlookMapping(ph phones) *mapping {
	ph.kinds = map[string]directory.PhoneKind{
		"businessPhones": directory.PhoneWork, "mobilePhone": directory.PhoneMobile, "homePhones": directory.PhoneHome,
	}
	ph.order = []string{"businessPhones", "mobilePhone", "homePhones"}
	m := &mapping{phones: ph, refused: make(map[string]bool), properties: []property{
		{name: "displayName", decode: line(func(c *directory.Contact) *string { return &c.DisplayName })},
		{name: "givenName", decode: line(func(c *directory.Contact) *string { return &c.GivenName })},
		{name: "surname", decode: line(func(c *directory.Contact) *string { return &c.Surname })},
		{name: "jobTitle", decode: line(func(c *directory.Contact) *string { return &c.JobTitle })},
		{name: "department", decode: line(func(c *directory.Contact) *string { return &c.Department })},
		{name: "companyName", decode: line(func(c *directory.Contact) *string { return &c.Company })},
		{name: "officeLocation", decode: line(func(c *directory.Contact) *string { return &c.Office })},
		{name: "emailAddresses", decode: outlookEmails},
		{name: outlookAddresses[0], decode: outlookAddress},
		{name: outlookAddresses[1]},
		{name: outlookAddresses[2]}, // see adaptOutlook
		{name: "parentFolderId"},    // see folder
	}}
	for _, name := range ph.order {
		m.properties = append(m.properties, property{name: name, decode: func(raw json.RawMessage) (setter, error) { return ph.decode(name, raw) }})
	}
	return m
}

// someAddresses reports whether news tell some of a contact's addresses and not
// all: what did not change may be left out.
func someAddresses(o object) bool {
	told := 0
	for _, name := range outlookAddresses {
		if _, there := o[name]; there {
			told++
		}
	}
	return told > 0 && told < len(outlookAddresses)
}

// adaptOutlook makes of an Outlook contact an object that the mapping reads:
// with an id that is a contact's, and with the one address that is shown.
func adaptOutlook(o object, prefix string) {
	var id string
	if json.Unmarshal(o["id"], &id) == nil && id != "" {
		o["id"], _ = json.Marshal(prefix + hexOf(20, id)) // letters and digits
	}
	first := json.RawMessage("null")
	told := false
	for _, name := range outlookAddresses {
		raw, there := o[name]
		told = told || there
		if !there {
			continue
		}
		if a, err := readAddress(raw); err != nil || a != (directory.Address{}) {
			first = raw // also what cannot be read: the mapping says so, and leaves the address
			break
		}
	}
	if told {
		o[outlookAddresses[0]] = first
	}
}

// folderPrefix begins the ids of the contacts of a folder: those of another
// folder are others, so that a contact that is moved is not lost in between.
func folderPrefix(mailbox directory.ContactID, folder string) string {
	return "m-" + hexOf(12, string(mailbox), folder)
}

// hexOf returns n hexadecimal digits that stand for texts. Outlook's own ids are
// long and tell capitals from small letters, which an href and a DN may not.
func hexOf(n int, texts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(texts, "\n")))
	return hex.EncodeToString(sum[:])[:n]
}

func outlookEmails(raw json.RawMessage) (setter, error) {
	var items []struct {
		Address string `json:"address"` // null = ""
	}
	if json.Unmarshal(raw, &items) != nil {
		return nil, errType
	}
	var emails []string
	for _, i := range items[:min(len(items), maxNumbers)] {
		a := clean(i.Address, false)
		same := func(have string) bool { return strings.EqualFold(have, a) }
		if strings.Contains(a, "@") && !slices.ContainsFunc(emails, same) { // else it is Exchange's own form of an address
			emails = append(emails, a)
		}
	}
	return func(c *directory.Contact) { c.Emails = slices.Clone(emails) }, nil
}

func outlookAddress(raw json.RawMessage) (setter, error) {
	a, err := readAddress(raw)
	if err != nil {
		return nil, err
	}
	return func(c *directory.Contact) { c.Address = a }, nil
}

// readAddress reads, or null, https://learn.microsoft.com/graph/api/resources/physicaladdress.
func readAddress(raw json.RawMessage) (directory.Address, error) {
	var a struct {
		Street     string `json:"street"`
		City       string `json:"city"`
		State      string `json:"state"`
		PostalCode string `json:"postalCode"`
		Country    string `json:"countryOrRegion"`
	}
	if json.Unmarshal(raw, &a) != nil {
		return directory.Address{}, errType
	}
	return directory.Address{
		Street: clean(a.Street, true), City: clean(a.City, false), State: clean(a.State, false),
		PostalCode: clean(a.PostalCode, false), Country: clean(a.Country, false),
	}, nil
}

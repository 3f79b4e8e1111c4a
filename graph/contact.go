package graph

import (
	"encoding/json"
	"slices"
	"strings"

	"ringbook/directory"
)

// newContactMapping makes the mapping of organisational contacts, which reads
// numbers by the same rules as that of users.
// https://learn.microsoft.com/graph/api/resources/orgcontact
func newContactMapping(ph phones) *mapping {
	return &mapping{phones: ph, refused: make(map[string]bool), properties: append(
		personProperties(),
		property{name: "phones", decode: ph.decodeTyped},
		property{name: "addresses", decode: addresses},
	)}
}

// kindOf returns the kind of a number by Graph's phoneType.
// https://learn.microsoft.com/graph/api/resources/phone
func kindOf(phoneType string) directory.PhoneKind {
	switch strings.ToLower(phoneType) {
	case "business", "assistant":
		return directory.PhoneWork
	case "mobile":
		return directory.PhoneMobile
	case "home":
		return directory.PhoneHome
	case "businessfax", "homefax", "otherfax":
		return directory.PhoneFax
	case "pager":
		return directory.PhonePager
	}
	return directory.PhoneOther // other, radio, and what Graph will have tomorrow
}

// decodeTyped reads a list of numbers with their types. It is one property:
// news about it replace all numbers of the contact.
func (p phones) decodeTyped(raw json.RawMessage) (setter, error) {
	var items []struct {
		Type   string `json:"type"`
		Number string `json:"number"` // null = ""
	}
	if json.Unmarshal(raw, &items) != nil {
		return nil, errType
	}
	var all []directory.Phone
	for _, item := range items[:min(len(items), maxNumbers)] {
		for _, written := range split(clean(item.Number, false)) {
			if len(written) <= maxWritten && len(all) < maxNumbers {
				all = append(all, directory.Phone{Kind: kindOf(item.Type), Written: written, E164: p.e164(written), Attribute: "phones"})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b directory.Phone) int { return p.rank[a.Kind] - p.rank[b.Kind] })
	all = p.merge(all)
	return func(c *directory.Contact) { c.Phones = slices.Clone(all) }, nil
}

// addresses reads a list of offices: the first that says anything is shown.
// https://learn.microsoft.com/graph/api/resources/physicalofficeaddress
func addresses(raw json.RawMessage) (setter, error) {
	var items []struct {
		Street     string `json:"street"`
		City       string `json:"city"`
		State      string `json:"state"`
		PostalCode string `json:"postalCode"`
		Country    string `json:"countryOrRegion"`
		Office     string `json:"officeLocation"`
	}
	if json.Unmarshal(raw, &items) != nil {
		return nil, errType
	}
	var a directory.Address
	var office string
	for _, i := range items {
		a = directory.Address{
			Street: clean(i.Street, true), City: clean(i.City, false), State: clean(i.State, false),
			PostalCode: clean(i.PostalCode, false), Country: clean(i.Country, false),
		}
		office = clean(i.Office, false)
		if a != (directory.Address{}) || office != "" {
			break
		}
	}
	return func(c *directory.Contact) { c.Address, c.Office = a, office }, nil
}

package graphtest

import (
	"encoding/json"
	"strconv"
)

// suppliers draws sample organisational contacts: people and hot lines of other
// companies. They are the people of another seed, as far as they go.
type suppliers struct{ *samples }

func newSuppliers(o Options) suppliers {
	s := newSamples(^o.Seed, o.OrgContacts, 0)
	s.known = nil // they are of this company
	return suppliers{s}
}

// draw implements drawer.
func (s suppliers) draw(r *record, i int, id string) {
	p := s.person(i)
	company := []string{"Fabrikam AG", "Northwind Traders", "Wingtip Toys", "Litware GmbH"}[i%4]
	*r = record{arena: r.arena[:0]}
	keep := func(property int, text string) {
		if text != "" {
			r.keep(property, func(dst []byte) []byte { return quoteTo(dst, text) })
		}
	}
	keep(propID, id)
	keep(propDisplayName, p.DisplayName)
	keep(propGivenName, p.GivenName)
	keep(propSurname, p.Surname)
	keep(propJobTitle, p.JobTitle)
	keep(propDepartment, p.Department)
	keep(propCompanyName, company)
	keep(propMail, "kontakt"+strconv.Itoa(i)+"@fabrikam.example")
	r.values[propPhones] = encode(phonesOf(p))
	r.values[propAddresses] = encode([]address{{Street: p.Street, City: p.City, State: p.State, PostalCode: p.PostalCode, Country: p.Country, Office: p.OfficeLocation}})
}

// A phoneItem is https://learn.microsoft.com/graph/api/resources/phone.
type phoneItem struct {
	Type   string `json:"type"`
	Number string `json:"number"`
}

func phonesOf(p person) []phoneItem {
	list := []phoneItem{}
	for _, n := range []phoneItem{{"business", p.Business}, {"mobile", p.Mobile}, {"businessFax", p.Fax}} {
		if n.Number != "" {
			list = append(list, n)
		}
	}
	return list
}

// An address is https://learn.microsoft.com/graph/api/resources/physicalofficeaddress.
type address struct {
	Street     string `json:"street"`
	City       string `json:"city"`
	State      string `json:"state"`
	PostalCode string `json:"postalCode"`
	Country    string `json:"countryOrRegion"`
	Office     string `json:"officeLocation"`
}

func encode(v any) json.RawMessage {
	raw, _ := json.Marshal(v) // texts only
	return raw
}

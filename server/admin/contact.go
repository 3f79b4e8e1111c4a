package admin

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"ringbook/directory"
	"ringbook/directory/filter"
	"ringbook/directory/index"
)

const (
	maxQuestion = 256 // bytes of a search: more than a name or a number has
	defaultFind = 50  // contacts found, unless a number is given
)

// findContacts looks a name, an address or a number up in the whole mirror.
func (h handler) findContacts(r *http.Request) (any, error) {
	q := r.URL.Query()
	text := strings.TrimSpace(q.Get("find"))
	if err := oneLine("the search", text, maxQuestion); err != nil {
		return nil, err
	}
	if text == "" {
		return nil, refuse(http.StatusBadRequest, directory.ErrInvalid, "there is nothing to look for", "give a name, an e-mail address or a number")
	}
	limit := defaultFind
	if s := q.Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > maxShown {
			return nil, refuse(http.StatusBadRequest, directory.ErrInvalid, fmt.Sprintf("the limit is a number from 1 to %d", maxShown), "")
		}
		limit = n
	}
	v := h.Directory.View()
	found := ContactList{Contacts: []Contact{}}
	for e := range v.Search(r.Context(), question(text)) {
		if len(found.Contacts) == limit {
			found.More = true
			break
		}
		found.Contacts = append(found.Contacts, contactOf(v, e))
	}
	return found, r.Context().Err()
}

// question makes a filter of what a person types: a number if it looks like one.
func question(text string) *filter.Filter {
	if strings.ContainsAny(text, "0123456789") && strings.Trim(text, "+0123456789 ()/.-") == "" {
		return &filter.Filter{Op: filter.Equal, Attribute: "searchNumber", Value: text}
	}
	return &filter.Filter{Op: filter.Or, Children: []*filter.Filter{
		{Op: filter.Equal, Attribute: "anr", Value: text},
		{Op: filter.Substrings, Attribute: "mail", Initial: text},
		{Op: filter.Equal, Attribute: "uid", Value: text},
	}}
}

func (h handler) showContact(r *http.Request) (any, error) {
	v := h.Directory.View()
	e, err := findContact(v, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return contactOf(v, e), nil
}

// findContact returns the contact of an id, or the one that has an e-mail
// address or sign-in name.
func findContact(v *index.View, given string) (*index.Entry, error) {
	given = strings.TrimSpace(given)
	if err := oneLine("the contact", given, maxQuestion); err != nil {
		return nil, err
	}
	if e := v.Entry(directory.ContactID(strings.ToLower(given))); e != nil {
		return e, nil
	}
	var found []*index.Entry
	if strings.Contains(given, "@") {
		for e := range v.All() {
			c := e.Stored()
			if strings.EqualFold(c.UserPrincipalName, given) || len(c.Emails) > 0 && strings.EqualFold(c.Emails[0], given) {
				found = append(found, e)
			}
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return nil, refuse(http.StatusNotFound, directory.ErrNotFound, fmt.Sprintf("there is no contact %q", given),
			"`ringbook contact find` looks for names, addresses and numbers, and shows the ids")
	}
	return nil, refuse(http.StatusConflict, directory.ErrInvalid, fmt.Sprintf("%d contacts have the address %q", len(found), given),
		"`ringbook contact find` shows their ids")
}

// contactOf draws a contact as operators see it: all that is stored.
func contactOf(v *index.View, e *index.Entry) Contact {
	c := Contact{Contact: e.Stored(), Name: e.Contact().Name(), Modified: e.Modified(), Books: []directory.BookName{}, Extras: map[string][]string{}}
	for _, b := range v.Books() {
		if b.Entry(e.Contact().ID) != nil {
			c.Books = append(c.Books, b.Name())
		}
	}
	for line := range strings.SplitSeq(string(c.Contact.Extras), "\n") {
		if name, value, ok := strings.Cut(line, "="); ok {
			c.Extras[name] = append(c.Extras[name], value)
		}
	}
	return c
}

func (h handler) explainContact(r *http.Request) (any, error) {
	v := h.Directory.View()
	e, err := findContact(v, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	x := ContactExplanation{Contact: contactOf(v, e), Books: []BookExplanation{}, Shown: []ShownField{}}
	var names []directory.BookName
	device := directory.Device{Numbers: directory.NumbersE164, Photos: directory.PhotoLarge, State: directory.DeviceActive}
	if id := r.URL.Query().Get("device"); id != "" {
		if device, err = h.findDevice(id); err != nil {
			return nil, err
		}
		x.Device, x.State, names = device.ID, device.State, device.Books
	} else {
		names = h.books()
	}
	taken := false
	for _, b := range v.Shelf(names, false) {
		be := BookExplanation{Name: b.Name(), Title: b.Title(), Nodes: []RuleNode{}, TakenBefore: taken}
		nodes, err := v.Explain(b.Rule(), e)
		if err != nil {
			return nil, err
		}
		for _, n := range nodes {
			be.Nodes = append(be.Nodes, RuleNode{Depth: n.Depth, Filter: n.Filter, Result: resultText(n.Result)})
		}
		be.Member = b.Entry(e.Contact().ID) != nil || taken && be.Nodes[0].Result == resultText(filter.True)
		taken = taken || be.Member
		x.Books = append(x.Books, be)
	}
	x.Visible = taken && (device.State == directory.DeviceActive)
	x.Shown = h.shown(e, device)
	return x, nil
}

// flagText is what a source states; "" = it does not.
func flagText(f directory.Flag) string {
	return [...]string{directory.Unset: "", directory.False: "no", directory.True: "yes"}[f]
}

// shown lists what a device is shown of a contact, field by field, and what not.
func (h handler) shown(e *index.Entry, d directory.Device) []ShownField {
	c, stored := e.Contact(), e.Stored()
	var list []ShownField
	add := func(field, value, from, why string) {
		if value != "" {
			list = append(list, ShownField{Field: field, Value: value, Source: string(c.Source), Attribute: from, Changed: e.Modified().UTC().Truncate(time.Second), Hidden: why})
		}
	}
	add("name", c.Name(), "", "")
	for _, f := range []struct{ name, value string }{
		{"given name", c.GivenName},
		{"surname", c.Surname},
		{"job title", c.JobTitle},
		{"department", c.Department},
		{"company", c.Company},
		{"office", c.Office},
		{"street", c.Address.Street},
		{"city", c.Address.City},
		{"state", c.Address.State},
		{"postal code", c.Address.PostalCode},
		{"country", c.Address.Country},
	} {
		add(f.name, f.value, "", "")
	}
	for _, m := range c.Emails {
		add("e-mail", m, "", "")
	}
	for i, p := range stored.Phones {
		why := ""
		if i >= len(c.Phones) {
			why = "beyond numbers.max_phones"
		}
		value := p.Canonical()
		if h.Format != nil {
			value = h.Format(p, d.Numbers)
		}
		add(string(p.Kind), value, p.Attribute, why)
	}
	if c.Photo != "" {
		why := ""
		if d.Photos == directory.PhotoNone {
			why = "the device gets no photos"
		}
		add("photo", string(d.Photos), "", why)
	}
	const rules = "for rules only"
	add("sign-in name", c.UserPrincipalName, "", rules)
	add("user type", c.UserType, "", rules)
	add("employee id", c.EmployeeID, "", rules)
	add("manager", string(c.Manager), "", rules)
	add("enabled", flagText(c.AccountEnabled), "", rules)
	add("in address lists", flagText(c.ShowInAddressList), "", rules)
	for line := range strings.SplitSeq(string(c.Extras), "\n") {
		name, value, _ := strings.Cut(line, "=")
		add(name, value, "", rules)
	}
	return list
}

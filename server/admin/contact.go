package admin

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

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
	for _, f := range questions(text) {
		for e := range v.Search(r.Context(), f) {
			if len(found.Contacts) == limit {
				found.More = true
				break
			}
			c := contactOf(v, e)
			c.Contact = e.Contact()
			found.Contacts = append(found.Contacts, c)
		}
		if len(found.Contacts) > 0 {
			break
		}
	}
	return found, r.Context().Err()
}

// questions makes filters of what a person types, of which the first counts that
// finds somebody: what has digits may be a number in any spelling, or else a name
// that was typed on a keypad, an address or an id.
func questions(text string) []*filter.Filter {
	other := &filter.Filter{Op: filter.Or, Children: []*filter.Filter{
		{Op: filter.Equal, Attribute: "anr", Value: text},
		{Op: filter.Substrings, Attribute: "mail", Initial: text},
		{Op: filter.Equal, Attribute: "uid", Value: text},
	}}
	if strings.ContainsAny(text, "0123456789") {
		return []*filter.Filter{{Op: filter.Equal, Attribute: "searchNumber", Value: text}, other}
	}
	return []*filter.Filter{other}
}

func (h handler) showContact(r *http.Request) (any, error) {
	v := h.Directory.View()
	e, err := findContact(v, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return contactOf(v, e), nil
}

// findContact returns the contact of an id, or the one that is shown with an
// e-mail address or sign-in name.
func findContact(v *index.View, given string) (*index.Entry, error) {
	given = strings.TrimSpace(given)
	if err := oneLine("the contact", given, maxQuestion); err != nil {
		return nil, err
	}
	if e := v.Entry(directory.ContactID(strings.ToLower(given))); e != nil && (!e.Private() || inAnyBook(v, e)) {
		return e, nil
	}
	var found []*index.Entry
	if strings.Contains(given, "@") {
		for e := range v.All() {
			if e.Leader() != "" || e.Private() {
				continue // found as part of that one, or nobody's business
			}
			if slices.ContainsFunc(e.Parts(), func(c *directory.Contact) bool { return called(c, given) }) {
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

// called reports whether a contact has an e-mail address or sign-in name.
func called(c *directory.Contact, name string) bool {
	return strings.EqualFold(c.UserPrincipalName, name) || slices.ContainsFunc(c.Emails, func(m string) bool { return strings.EqualFold(m, name) })
}

// inAnyBook reports whether a configured book shows a contact.
func inAnyBook(v *index.View, e *index.Entry) bool {
	return slices.ContainsFunc(v.Books(), func(b *index.Book) bool { return b.Entry(e.Contact().ID) != nil })
}

// contactOf draws a contact as operators see it: all that is stored.
func contactOf(v *index.View, e *index.Entry) Contact {
	c := Contact{Contact: e.Stored(), Name: e.Contact().Name(), Modified: e.Modified(), Books: []directory.BookName{}, Extras: map[string][]string{}}
	for _, b := range v.Books() {
		if b.Entry(e.Contact().ID) != nil {
			c.Books = append(c.Books, b.Name())
		}
	}
	c.MergedInto = e.Leader()
	for _, p := range e.Parts()[1:] {
		c.Parts = append(c.Parts, Part{p.ID, p.Source, p.Set})
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
	asked := e.Stored().ID
	if leader := v.Entry(e.Leader()); leader != nil {
		e = leader
	}
	x := ContactExplanation{Contact: contactOf(v, e), Books: []BookExplanation{}, Shown: []ShownField{}}
	if asked != e.Stored().ID {
		x.Asked = asked
	}
	device := directory.Device{Books: h.books(), Numbers: directory.NumbersE164, Photos: directory.PhotoLarge, State: directory.DeviceActive}
	if id := r.URL.Query().Get("device"); id != "" {
		if device, err = h.findDevice(id); err != nil {
			return nil, err
		}
		x.Device, x.State = device.ID, device.State
	}
	active := device // a draining one too is told why a contact was in its books
	active.State = directory.DeviceActive
	taken, shown := false, e
	for _, b := range v.ShelfOf(active) {
		be, entry, err := explainBook(v, b, e, taken)
		if err != nil {
			return nil, err
		}
		if be.Member && !taken {
			taken, shown = true, entry
		}
		x.Books = append(x.Books, be)
	}
	x.Visible = taken && device.State == directory.DeviceActive
	x.Shown = shownFields(v, shown, device)
	return x, nil
}

// explainBook says why a contact is in a book, or not, and what that shows of it;
// taken = it is shown in a book before. Of a person of several sources the rule is
// told of the first part that it lets in, else of the first.
func explainBook(v *index.View, b *index.Book, e *index.Entry, taken bool) (BookExplanation, *index.Entry, error) {
	be := BookExplanation{Name: b.Name(), Title: b.Title(), Nodes: []RuleNode{}, TakenBefore: taken}
	shown := b.Shows(e)
	asked := e.Alone()
	if shown != nil {
		parts := shown.Parts()
		if first := v.Entry(parts[0].ID); first != nil {
			asked = first.Alone()
		}
		for _, p := range parts {
			be.Parts = append(be.Parts, p.ID)
		}
	}
	nodes, err := v.Explain(b.Rule(), asked)
	if err != nil {
		return be, nil, err
	}
	for _, n := range nodes {
		be.Nodes = append(be.Nodes, RuleNode{Depth: n.Depth, Filter: n.Filter, Result: resultText(n.Result)})
	}
	be.Member = shown != nil
	return be, shown, nil
}

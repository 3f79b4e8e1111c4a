package lookup

import (
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"

	"ringbook/directory"
	"ringbook/directory/filter"
	"ringbook/directory/index"
	"ringbook/directory/text"
)

// maxHolders is how many contacts an answer names: a number that more people have
// is that of the house, and nobody reads on.
const maxHolders = 20

// find returns those whom a device may see, best first; more = there are more
// than an answer names. A question of no digits, such as "anonymous", finds nobody.
func (x *exchange) find(q question) (found []*index.Entry, more bool, err error) {
	shelf := x.view.ShelfOf(x.device)
	if q.attribute == attributeNumbers {
		found = holders(shelf, q.value)
	} else {
		found = x.called(shelf, q.value)
	}
	if len(found) > maxHolders {
		found, more = found[:maxHolders], true
	}
	return found, more, x.r.Context().Err()
}

// holders returns those who have a number, as [index.Book.ByNumber] ranks them.
func holders(shelf []*index.Book, number string) (found []*index.Entry) {
	for i, b := range shelf {
		found = append(found, b.Holders(number)...)
		if i > 0 && i == len(shelf)-1 { // one book's are in order
			slices.SortStableFunc(found, b.ByNumber(number))
		}
	}
	return found
}

// called returns those who are called so, in the order of names; where there are
// more than an answer names, the best ones come first, as in LDAP's answers of
// limited size.
func (x *exchange) called(shelf []*index.Book, name string) (found []*index.Entry) {
	f := &filter.Filter{Op: filter.Equal, Attribute: attributeNames, Value: name}
	for _, b := range shelf {
		found = atMost(maxHolders+1, found, b.SearchContext(x.r.Context(), f, "", ""))
	}
	slices.SortStableFunc(found, func(a, b *index.Entry) int { return strings.Compare(a.SortKey(), b.SortKey()) })
	if len(found) <= maxHolders {
		return found
	}
	var best []*index.Entry
	for kind := range index.Kinds {
		for _, b := range shelf {
			best = atMost(maxHolders, best, b.Query(f).Better(kind))
		}
	}
	return atMost(maxHolders+1, best, slices.Values(found))
}

// atMost appends those who are not there yet, until there are so many.
func atMost(most int, list []*index.Entry, more iter.Seq[*index.Entry]) []*index.Entry {
	for e := range more {
		if len(list) == most {
			break
		}
		if !slices.Contains(list, e) {
			list = append(list, e)
		}
	}
	return list
}

// answer writes what was found.
func (x *exchange) answer(f format, found []*index.Entry, more bool) error {
	a := answer{Contacts: make([]holder, 0, len(found)), More: more}
	for _, e := range found {
		a.Contacts = append(a.Contacts, x.holder(e))
	}
	if len(found) > 0 {
		a.holder = a.Contacts[0]
	}
	var body []byte
	switch f {
	case formatJSON:
		body = encode(a)
	case formatLines:
		if len(found) > 0 {
			body = fmt.Appendf(nil, "%s\n%s\n%s\n%s\n", a.Name, a.Company, a.Department, a.Photo)
		}
	case formatText:
		body = []byte(a.Name)
	}
	x.send(http.StatusOK, body)
	return nil
}

// holder draws a contact for the device.
func (x *exchange) holder(e *index.Entry) holder {
	c := e.Contact()
	h := holder{ID: c.ID, Name: x.write(x.device.Names.Name(c)), Company: x.write(c.Company), Department: x.write(c.Department), Phones: []phone{}}
	profile := x.view.PlanOf(x.device).Profile(x.device)
	for _, ph := range c.Phones {
		p := phone{ph.Kind, profile.Write(ph)}
		if !slices.ContainsFunc(h.Phones, func(o phone) bool { return o.Number == p.Number }) {
			h.Phones = append(h.Phones, p)
		}
	}
	if c.Photo != "" && x.photoSize() != directory.PhotoNone {
		h.Photo = x.PublicURL + PhotoPath + string(c.ID)
	}
	return h
}

// write returns a text in the letters that the device has.
func (x *exchange) write(s string) string {
	if x.device.ASCII {
		return text.ASCII(s)
	}
	return s
}

// An answer is the JSON of one: the fields of the best holder, and all of them.
type answer struct {
	holder
	Contacts []holder `json:"contacts"`
	More     bool     `json:"more,omitempty"` // there are more than these
}

// A holder is a contact who has a number or name.
type holder struct {
	ID         directory.ContactID `json:"id,omitempty"`
	Name       string              `json:"name"`
	Company    string              `json:"company,omitempty"`
	Department string              `json:"department,omitempty"`
	Phones     []phone             `json:"phones,omitempty"` // in the device's number profile
	Photo      string              `json:"photo,omitempty"`  // URL of a JPEG, behind the same login
}

type phone struct {
	Kind   directory.PhoneKind `json:"kind"`
	Number string              `json:"number"`
}

type refusal struct {
	Error string `json:"error"`
}

// encode writes v, of strings and lists, as JSON on a line of its own.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return nil // there is nothing in it that cannot be written
	}
	return append(b, '\n')
}

func (x *exchange) photoSize() directory.PhotoSize {
	if x.device.Photos == "" {
		return directory.PhotoLarge
	}
	return x.device.Photos
}

// photo answers with the photo of a contact whom the device sees, in its size.
func (x *exchange) photo(id string) error {
	size := x.photoSize()
	contact, err := directory.ParseContactID(id)
	if err != nil || size == directory.PhotoNone {
		return directory.ErrNotFound
	}
	for _, b := range x.view.ShelfOf(x.device) {
		e := b.Entry(contact)
		if e == nil {
			continue
		}
		photo := e.Contact().Photo
		if photo == "" {
			return directory.ErrNotFound
		}
		jpeg, err := x.Directory.Photo(x.r.Context(), photo, size)
		if err != nil {
			return fmt.Errorf("photo %s: %w", photo, err)
		}
		x.hits = 1
		tag := `"` + string(photo) + "-" + string(size) + `"`
		h := x.w.Header()
		h.Set("Content-Type", "image/jpeg")
		h.Set("Cache-Control", "private, no-cache") // ask again, for it may be gone
		h.Set("ETag", tag)
		if slices.Contains(x.r.Header.Values("If-None-Match"), tag) {
			x.status = http.StatusNotModified
			x.w.WriteHeader(x.status)
			return nil
		}
		x.send(http.StatusOK, jpeg)
		return nil
	}
	return directory.ErrNotFound
}

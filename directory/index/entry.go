package index

import (
	"slices"
	"strings"
	"time"
	"unique"

	"ringbook/directory"
	"ringbook/directory/text"
)

// An Entry is one contact of a view. The same value of a contact is the same
// *Entry in every view, so that what is derived from it can be kept beside it.
type Entry struct {
	contact  *directory.Contact // as it is shown
	stored   *directory.Contact // with the numbers that are not
	modified int64              // Unix seconds
	sortKey  string
	keys     []key
	slot     int
}

// A key is one value of an attribute in a form in which it is compared. A name
// with umlauts has two (see [text.Variants]).
type key struct {
	attribute Attribute
	text      string
}

func newEntry(s Stored, maxPhones int) *Entry {
	c := s.Contact
	if maxPhones > 0 && len(c.Phones) > maxPhones {
		c = c.Clone()
		c.Phones = c.Phones[:maxPhones:maxPhones]
	}
	e := &Entry{contact: c, stored: s.Contact, modified: s.Modified.Unix(), sortKey: text.SortKey(c.Name())}
	e.keys = keysOf(c)
	return e
}

// keysOf makes the keys of all keyed attributes. What many contacts share, such
// as a department, is in memory once.
func keysOf(c *directory.Contact) []key {
	var room [16]key // most contacts have fewer
	var values [4]string
	keys := room[:0]
	for i := range table {
		row, a := &table[i], Attribute(i)
		if !row.keyed {
			continue
		}
		for _, v := range row.appendValues(values[:0], c) {
			for _, form := range a.forms(v) {
				if row.syntax == syntaxText {
					form = unique.Make(form).Value()
				}
				keys = append(keys, key{a, form})
			}
		}
	}
	return slices.Clone(keys)
}

// forms returns the forms of a value that are compared: one or, of names with
// umlauts, two. A value that nothing is left of has none.
func (a Attribute) forms(value string) []string {
	if table[a].syntax == syntaxPlain {
		return []string{strings.ToLower(value)}
	}
	switch folded, spelt := text.Variants(value); {
	case folded == "":
		return nil
	case spelt == "":
		return []string{folded}
	default:
		return []string{folded, spelt}
	}
}

// byOrder compares by name, and equal names by id.
func byOrder(e, f *Entry) int {
	if c := strings.Compare(e.sortKey, f.sortKey); c != 0 {
		return c
	}
	return strings.Compare(string(e.contact.ID), string(f.contact.ID))
}

// isAfter reports whether the entry stands behind a place in that order.
func (e *Entry) isAfter(sortKey string, id directory.ContactID) bool {
	if c := strings.Compare(e.sortKey, sortKey); c != 0 {
		return c > 0
	}
	return e.contact.ID > id
}

// Contact returns the value with as many numbers as are shown; it is shared and
// must not be changed.
func (e *Entry) Contact() *directory.Contact { return e.contact }

// Stored returns the whole value, which is what a store lays news over; it is
// shared and must not be changed.
func (e *Entry) Stored() *directory.Contact { return e.stored }

// Slot returns a small number that is the contact's own for the life of the process.
func (e *Entry) Slot() int { return e.slot }

// Modified returns when the value last changed.
func (e *Entry) Modified() time.Time { return time.Unix(e.modified, 0).UTC() }

// SortKey returns the key of the order of names.
func (e *Entry) SortKey() string { return e.sortKey }

// Values returns the contact's values; numbers as [directory.Phone] are in Phones.
// Of an attribute of numbers they are in [directory.Phone.Canonical] form.
func (e *Entry) Values(a Attribute) []string { return e.AppendValues(nil, a) }

// AppendValues appends what Values returns.
func (e *Entry) AppendValues(dst []string, a Attribute) []string {
	if !a.Numbers() {
		return table[a].appendValues(dst, e.contact)
	}
	for i := range e.contact.Phones {
		if p := &e.contact.Phones[i]; table[a].has(p.Kind) {
			dst = append(dst, p.Canonical())
		}
	}
	return dst
}

// Phones returns the values of an attribute of numbers.
func (e *Entry) Phones(a Attribute) []directory.Phone { return e.AppendPhones(nil, a) }

// AppendPhones appends what Phones returns.
func (e *Entry) AppendPhones(dst []directory.Phone, a Attribute) []directory.Phone {
	for _, p := range e.contact.Phones {
		if table[a].has(p.Kind) {
			dst = append(dst, p)
		}
	}
	return dst
}

package index

import (
	"strings"
	"time"

	"ringbook/directory"
	"ringbook/directory/text"
)

// An Entry is one contact of a view. The same value of a contact is the same
// *Entry in every view, so that what is derived from it can be kept beside it.
type Entry struct {
	contact  *directory.Contact
	modified int64 // Unix seconds
	sortKey  string
	keys     []key
	slot     uint32
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
	e := &Entry{contact: c, modified: s.Modified.Unix(), sortKey: text.SortKey(c.Name())}
	e.keys = keysOf(c)
	return e
}

// keysOf makes the keys of all attributes that are compared as text.
func keysOf(c *directory.Contact) []key {
	var room [24]key // most contacts have fewer
	keys := room[:0]
	for i := range table {
		a := Attribute(i)
		switch table[i].syntax {
		case syntaxName, syntaxText:
			for _, v := range table[i].values(c) {
				folded, spelt := text.Variants(v)
				if folded != "" {
					keys = append(keys, key{a, folded})
				}
				if spelt != "" {
					keys = append(keys, key{a, spelt})
				}
			}
		case syntaxPlain:
			for _, v := range table[i].values(c) {
				keys = append(keys, key{a, strings.ToLower(v)})
			}
		case syntaxFlag, syntaxNumber, syntaxConstant, syntaxSearch:
		}
	}
	return append([]key(nil), keys...)
}

// Contact returns the value; it is shared and must not be changed.
func (e *Entry) Contact() *directory.Contact { return e.contact }

// Slot returns a small number that is the contact's own for the life of the process.
func (e *Entry) Slot() int { return int(e.slot) }

// Modified returns when the value last changed.
func (e *Entry) Modified() time.Time { return time.Unix(e.modified, 0).UTC() }

// SortKey returns the key of the order of names.
func (e *Entry) SortKey() string { return e.sortKey }

// Values returns the contact's values; numbers as [directory.Phone] are in Phones.
// Of an attribute of numbers they are in [directory.Phone.Canonical] form.
func (e *Entry) Values(a Attribute) []string {
	if !a.Numbers() {
		if f := table[a].values; f != nil {
			return f(e.contact)
		}
		return nil
	}
	var values []string
	for _, p := range e.Phones(a) {
		values = append(values, p.Canonical())
	}
	return values
}

// Phones returns the values of an attribute of numbers.
func (e *Entry) Phones(a Attribute) []directory.Phone {
	var phones []directory.Phone
	for _, p := range e.contact.Phones {
		if table[a].has(p.Kind) {
			phones = append(phones, p)
		}
	}
	return phones
}

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
	stored   *directory.Contact // with the numbers that are not, and without its parts
	modified int64              // Unix seconds
	person
	sortKey string
	keys    []key
	slot    int
}

// A key is one value of an attribute in a form in which it is compared. A name
// with umlauts has two (see [text.Variants]).
type key struct {
	attribute Attribute
	text      string
}

// newEntry makes the entry of a contact that is shown together with nobody.
func (x *Index) newEntry(s Stored) *Entry {
	return x.show(&Entry{contact: s.Contact, stored: s.Contact, modified: s.Modified.Unix()})
}

// with returns the entry in another place among the contacts of one person.
func (x *Index) with(e *Entry, p person) *Entry {
	n := &Entry{contact: e.stored, stored: e.stored, modified: e.modified, person: p, slot: e.slot}
	if len(p.parts) > 0 {
		n.contact = directory.Merge(n.Parts(), x.precedence)
	}
	return x.show(n)
}

// show finishes an entry whose contact is all that there is to show.
func (x *Index) show(e *Entry) *Entry {
	if most := x.maxPhones; most > 0 && len(e.contact.Phones) > most {
		c := e.contact.Clone()
		c.Phones = c.Phones[:most:most]
		e.contact = c
	}
	e.sortKey = text.SortKey(e.contact.Name())
	e.keys = keysOf(e.contact)
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

// Contact returns the value as it is shown: with as many numbers as are, and
// merged with what other sources say. It is shared and must not be changed.
func (e *Entry) Contact() *directory.Contact { return e.contact }

// Stored returns the whole value of this source alone, which is what a store
// lays news over; it is shared and must not be changed.
func (e *Entry) Stored() *directory.Contact { return e.stored }

// Slot returns a small number that is the contact's own for the life of the process.
func (e *Entry) Slot() int { return e.slot }

// Leader returns the contact that this one is shown as part of, and in no book
// on its own; "" = it is shown itself.
func (e *Entry) Leader() directory.ContactID { return e.leader }

// Parts returns the stored contacts that are shown as this one, itself first and
// each in the order of [directory.Rank]. They are shared and must not be changed.
func (e *Entry) Parts() []*directory.Contact {
	parts := []*directory.Contact{e.stored}
	for _, p := range e.parts {
		parts = append(parts, p.stored)
	}
	return parts
}

// Modified returns when the value last changed, of any part.
func (e *Entry) Modified() time.Time {
	latest := e.modified
	for _, p := range e.parts {
		latest = max(latest, p.modified)
	}
	return time.Unix(latest, 0).UTC()
}

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

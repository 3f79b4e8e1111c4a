package index

import (
	"iter"
	"slices"
	"strings"

	"ringbook/directory"
	"ringbook/directory/number"
	"ringbook/directory/text"
)

// A View is the directory at one revision. It never changes.
type View struct {
	index     *Index
	epoch     directory.Epoch
	revision  directory.Revision
	loaded    bool
	contacts  int
	others    int                             // of them, those that may be part of a user or of each other
	ids       []directory.ContactID           // by slot; views share the array
	entries   pages[*Entry]                   // by slot; nil = gone
	order     *order                          // of the entries
	histories []*history                      // by book
	private   map[directory.BookName]*history // of mailboxes; views share it
	known     map[directory.Group]struct{}

	postings postings // of the entries, and stale ones
	grams    gramRuns // likewise
}

// Epoch returns the history that the revisions belong to.
func (v *View) Epoch() directory.Epoch { return v.epoch }

// Revision returns the store's revision.
func (v *View) Revision() directory.Revision { return v.revision }

// Loaded reports whether the mirror has been loaded once: until then every
// read is answered with [directory.ErrUnavailable].
func (v *View) Loaded() bool { return v.loaded }

// Collation returns the order of names, which is one for the whole directory.
func (v *View) Collation() *text.Collation { return v.index.collation }

// Len returns the number of contacts in the mirror, in a book or not.
func (v *View) Len() int { return v.contacts }

// Entry returns the contact, in a book or not; nil = there is none.
func (v *View) Entry(id directory.ContactID) *Entry {
	slot, ok := v.find(id)
	if !ok {
		return nil
	}
	return v.entries.at(slot)
}

// PlanOf returns the number plan that a device dials by; nil = there is none.
func (v *View) PlanOf(d directory.Device) *number.Plan {
	if v.index.plan == nil {
		return nil
	}
	var owner *directory.Contact
	if e := v.Entry(d.OwnerID); e != nil {
		owner = e.contact
	}
	return v.index.plan.For(d, owner)
}

// All yields every contact, in a book or not, in no order that means anything.
func (v *View) All() iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) {
		for _, e := range v.entries.all() {
			if e != nil && !yield(e) {
				return
			}
		}
	}
}

// Merged yields every contact that is shown together with others of its person.
func (v *View) Merged() iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) {
		if v.others == 0 {
			return
		}
		for e := range v.All() {
			if len(e.parts) > 0 && !yield(e) {
				return
			}
		}
	}
}

// Ordered yields every contact, in a book or not, in the order of names.
func (v *View) Ordered() iter.Seq[*Entry] { return slices.Values(v.ordered()) }

// find returns the slot of a contact that this view has, or had, an entry of.
func (v *View) find(id directory.ContactID) (int, bool) {
	slot, ok := v.index.slots.find(id)
	return slot, ok && slot < len(v.ids)
}

// Books returns every book whole, as an operator sees them.
func (v *View) Books() []*Book {
	books := make([]*Book, len(v.index.books))
	for i, b := range v.index.books {
		books[i] = &Book{view: v, book: b, own: v.histories[i], plan: v.index.plan}
	}
	return books
}

// Emptied returns a book as a device sees it that may not see it any more: without
// members, but with its history, so that a phone is told of each contact that it is
// gone. A book that there is no more has no history either; see [Book.Forgotten].
func (v *View) Emptied(name directory.BookName) *Book {
	b := &Book{view: v, book: &book{name: name, title: string(name)}, own: &history{}, drained: true, plan: v.index.plan}
	if directory.IsMailboxBook(name) {
		b.book.title = v.index.mailboxTitle
		if strings.Contains(b.book.title, ownerName) {
			b.book.title = formerMailbox
		}
	}
	if h := v.private[name]; h != nil {
		b.own = h
	}
	for i, one := range v.index.books {
		if one.name == name {
			b.book, b.own = one, v.histories[i]
		}
	}
	return b
}

// Shelf returns the books that a device sees, in its order, each contact in the
// first book that has it only. Names of books that are no more are left out.
// A drained shelf has the same books, all of them empty.
func (v *View) Shelf(names []directory.BookName, drained bool) []*Book {
	books := make([]*Book, 0, len(names))
	var before []*history
	for _, name := range names {
		for i, b := range v.index.books {
			h := v.histories[i]
			if b.name != name || slices.Contains(before, h) {
				continue
			}
			books = append(books, &Book{view: v, book: b, own: h, before: slices.Clip(before), drained: drained, plan: v.index.plan})
			before = append(before, h)
		}
	}
	return books
}

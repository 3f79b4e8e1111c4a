// Package index is the directory as every read sees it: an immutable [View],
// made anew from the one before it in proportion to what changed, and swapped
// atomically.
package index

import (
	"iter"
	"time"

	"ringbook/directory"
	"ringbook/directory/filter"
	"ringbook/directory/number"
)

// Options shape an index.
type Options struct {
	Books     []directory.Book // at least one
	Plan      *number.Plan
	MaxPhones int // further numbers of a contact are not shown; 0 = no limit
}

// A Stored is a contact as the store keeps it.
type Stored struct {
	Contact  *directory.Contact
	Modified time.Time // when the value last changed, in whole seconds UTC
}

// A Mark says at which revision a contact last changed in a book, or left it.
type Mark struct {
	Book     directory.BookName
	ID       directory.ContactID
	Revision directory.Revision
	Gone     bool
}

// An Index holds the newest view. Prepare, Publish and Reconcile are for the
// one writer; View is for everybody, at any time.
type Index struct{}

// New makes an index of what a store holds. Marks of books that are not in
// Options are ignored. A rule that cannot be read is [directory.ErrInvalid].
func New(o Options, epoch directory.Epoch, rev directory.Revision, contacts iter.Seq[Stored], marks iter.Seq[Mark]) (*Index, error) {
	panic("skeleton")
}

// View returns the newest view.
func (x *Index) View() *View { panic("skeleton") }

// SetLoaded says that the mirror has been loaded once.
func (x *Index) SetLoaded() { panic("skeleton") }

// Prepare works out what a batch does to the books, and changes nothing.
func (x *Index) Prepare(rev directory.Revision, put []Stored, removed []directory.ContactID) *Update {
	panic("skeleton")
}

// Reconcile works out what the rules say that the marks do not: the difference
// that a changed rule, or a new book, makes. nil = none.
func (x *Index) Reconcile(rev directory.Revision) *Update { panic("skeleton") }

// Touch works out an update that says that the given contacts' cards changed
// although their values did not (a new renderer). nil = none.
func (x *Index) Touch(rev directory.Revision, ids []directory.ContactID) *Update { panic("skeleton") }

// Publish makes the next view out of an update that has been committed.
func (x *Index) Publish(u *Update) { panic("skeleton") }

// An Update is a prepared difference between two views.
type Update struct {
	Revision directory.Revision
	Marks    []Mark // to be committed with the contacts
}

// Left returns how many members leave the book, and how many it has now.
func (u *Update) Left(b directory.BookName) (leaving, members int) { panic("skeleton") }

// A View is the directory at one revision. It never changes.
type View struct{}

// Epoch returns the history that the revisions belong to.
func (v *View) Epoch() directory.Epoch { panic("skeleton") }

// Revision returns the store's revision.
func (v *View) Revision() directory.Revision { panic("skeleton") }

// Loaded reports whether the mirror has been loaded once: until then every
// read is answered with [directory.ErrUnavailable].
func (v *View) Loaded() bool { panic("skeleton") }

// Len returns the number of contacts in the mirror, in a book or not.
func (v *View) Len() int { panic("skeleton") }

// Entry returns the contact, in a book or not; nil = there is none.
func (v *View) Entry(id directory.ContactID) *Entry { panic("skeleton") }

// Books returns every book whole, as an operator sees them.
func (v *View) Books() []*Book { panic("skeleton") }

// Shelf returns the books that a device sees, in its order, each contact in the
// first book that has it only. Names of books that are no more are left out.
// A drained shelf has the same books, all of them empty.
func (v *View) Shelf(names []directory.BookName, drained bool) []*Book { panic("skeleton") }

// A Position is how far a client has followed a book: everything before
// Revision, and of Revision itself everything up to After in the order of ids;
// After "" = all of it. The zero Position is the beginning.
type Position struct {
	Revision directory.Revision
	After    directory.ContactID
}

// A Changed is one step of a book's history.
type Changed struct {
	ID    directory.ContactID
	Entry *Entry // nil = not a member (any more)
	// Position is where a client stands that has seen this step and all before it.
	Position Position
}

// A Book is one book of a view, as one shelf sees it.
type Book struct{}

// Name returns the book's name.
func (b *Book) Name() directory.BookName { panic("skeleton") }

// Title returns the book's title.
func (b *Book) Title() string { panic("skeleton") }

// Revision returns the revision at which the book last changed; 0 = never.
func (b *Book) Revision() directory.Revision { panic("skeleton") }

// Len returns the number of members.
func (b *Book) Len() int { panic("skeleton") }

// Entry returns a member; nil = no member of that id.
func (b *Book) Entry(id directory.ContactID) *Entry { panic("skeleton") }

// All yields the members, in no order that means anything.
func (b *Book) All() iter.Seq[*Entry] { panic("skeleton") }

// Since yields what changed after p, each contact once, oldest first. From the
// zero Position it yields every member and every tombstone. It costs what it
// yields. A position after [Book.Revision] is [directory.ErrRevisionGone].
func (b *Book) Since(p Position) (iter.Seq[Changed], error) { panic("skeleton") }

// Search yields the members for which f is true, in the order of names.
func (b *Book) Search(f *filter.Filter) iter.Seq[*Entry] { panic("skeleton") }

// An Entry is one contact of a view. The same value of a contact is the same
// *Entry in every view, so that what is derived from it can be kept beside it.
type Entry struct{}

// Contact returns the value; it is shared and must not be changed.
func (e *Entry) Contact() *directory.Contact { panic("skeleton") }

// Slot returns a small number that is the contact's own for the life of the process.
func (e *Entry) Slot() int { panic("skeleton") }

// Modified returns when the value last changed.
func (e *Entry) Modified() time.Time { panic("skeleton") }

// SortKey returns the key of the order of names.
func (e *Entry) SortKey() string { panic("skeleton") }

// An Attribute is one attribute of a contact, by which rules and filters ask
// and LDAP answers. One table says its names, its values and how it is compared.
type Attribute int

// ParseAttribute finds an attribute by any of its names or aliases, in any case.
func ParseAttribute(name string) (Attribute, bool) { panic("skeleton") }

// Name returns the attribute's first name, such as "telephoneNumber".
func (a Attribute) Name() string { panic("skeleton") }

// Numbers reports whether the values are telephone numbers.
func (a Attribute) Numbers() bool { panic("skeleton") }

// Operational reports whether rules may ask for the attribute but LDAP never returns it.
func (a Attribute) Operational() bool { panic("skeleton") }

// Attributes yields the table.
func Attributes() iter.Seq[Attribute] { panic("skeleton") }

// Values returns the contact's values; numbers as [directory.Phone] are in Phones.
func (e *Entry) Values(a Attribute) []string { panic("skeleton") }

// Phones returns the values of an attribute of numbers.
func (e *Entry) Phones(a Attribute) []directory.Phone { panic("skeleton") }

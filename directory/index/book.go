package index

import (
	"fmt"
	"iter"

	"ringbook/directory"
	"ringbook/directory/number"
)

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
type Book struct {
	view    *View
	book    *book
	own     *history
	before  []*history // the books that come first: their members are not in this one
	drained bool
	plan    *number.Plan         // of whoever sees the shelf
	sees    func(Attribute) bool // see Seen; nil = all
}

// Seen returns the book for somebody who may know some attributes only: what a search
// does for its reader beyond the filter, such as looking for the words of a name in
// other names and the company, or putting the best hits first, it does by those alone.
// The filter itself is not looked at.
func (b *Book) Seen(sees func(Attribute) bool) *Book {
	twin := *b
	twin.sees = sees
	return &twin
}

// Name returns the book's name.
func (b *Book) Name() directory.BookName { return b.book.name }

// Title returns the book's title.
func (b *Book) Title() string { return b.book.title }

// Rule returns the book's rule as configured (RFC 4515).
func (b *Book) Rule() string { return b.book.filter }

// Revision returns the revision at which the book last changed; 0 = never.
// Behind other books on a shelf it is theirs if that is later: a contact that
// leaves them may come to light here.
func (b *Book) Revision() directory.Revision {
	r := b.own.revision()
	for _, h := range b.before {
		r = max(r, h.revision())
	}
	return r
}

// OwnRevision returns the revision at which the book last changed, whatever
// stands before it on its shelf.
func (b *Book) OwnRevision() directory.Revision { return b.own.revision() }

// Drained reports whether the book is shown empty so that phones empty themselves.
func (b *Book) Drained() bool { return b.drained }

// Forgotten reports whether nobody knows what was in the book: a client that has
// followed it can only be told to begin anew.
func (b *Book) Forgotten() bool { return b.drained && b.own.revision() == 0 }

// Len returns the number of members. Behind other books on a shelf it costs as
// much as the book is long.
func (b *Book) Len() int {
	switch {
	case b.drained:
		return 0
	case len(b.before) == 0:
		return b.own.members
	}
	n := 0
	for range b.All() {
		n++
	}
	return n
}

// Entry returns a member; nil = no member of that id.
func (b *Book) Entry(id directory.ContactID) *Entry {
	slot, ok := b.view.find(id)
	if !ok {
		return nil
	}
	return b.member(slot)
}

// Shows returns what the book shows of a contact, also if a book before it on the
// shelf shows it already; nil = nothing.
func (b *Book) Shows(e *Entry) *Entry { return b.shows(e.slot) }

func (b *Book) shows(slot int) *Entry {
	if b.drained || !b.own.stamps.at(slot).member() {
		return nil
	}
	return b.view.entries.at(slot).in(b.book)
}

// member returns the entry at slot if it is a member.
func (b *Book) member(slot int) *Entry {
	e := b.view.entries.at(slot)
	if e == nil {
		return nil
	}
	return b.show(e)
}

// show returns what the shelf shows of an entry of the view in this book; nil = nothing.
func (b *Book) show(e *Entry) *Entry {
	if b.drained || !b.own.stamps.at(e.slot).member() {
		return nil
	}
	for _, h := range b.before {
		if h.stamps.at(e.slot).member() {
			return nil
		}
	}
	return e.in(b.book)
}

// All yields the members, in no order that means anything.
func (b *Book) All() iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) {
		if b.drained {
			return
		}
		for slot := range b.own.slots() {
			if e := b.member(slot); e != nil && !yield(e) {
				return
			}
		}
	}
}

// Since yields what changed after p, each contact once, oldest first. From the
// zero Position it yields every member and every tombstone. It costs what it
// yields. A position after [Book.Revision] is [directory.ErrRevisionGone].
//
// A drained book goes through the same steps, all of them goners. A client that
// followed the book before it was drained has to begin at the zero Position.
func (b *Book) Since(p Position) (iter.Seq[Changed], error) {
	if r := b.Revision(); p.Revision > r {
		return nil, fmt.Errorf("revision %d of book %s, which is at %d: %w", p.Revision, b.Name(), r, directory.ErrRevisionGone)
	}
	return func(yield func(Changed) bool) {
		for s := range b.steps(p) {
			id := b.view.ids[s.slot]
			c := Changed{ID: id, Entry: b.member(s.slot), Position: Position{s.stamp.revision(), id}}
			if !yield(c) {
				return
			}
		}
	}, nil
}

// steps merges the logs of this book and those before it. Of the steps of one
// contact only the newest counts, and only that in the first log that has it,
// so that nothing must be remembered on the way. A contact that was never in
// this book has nothing to say here.
func (b *Book) steps(p Position) iter.Seq[step] {
	histories := append([]*history{b.own}, b.before...)
	return func(yield func(step) bool) {
		ids := b.view.ids
		logs := make([][]step, len(histories))
		for i, h := range histories {
			logs[i] = h.after(p, ids)
		}
		for {
			first := -1
			for i, log := range logs {
				if len(log) > 0 && (first < 0 || comesBefore(log[0], logs[first][0], ids)) {
					first = i
				}
			}
			if first < 0 {
				return
			}
			s := logs[first][0]
			logs[first] = logs[first][1:]
			if newest(histories, first, s) && !yield(s) {
				return
			}
		}
	}
}

func comesBefore(a, b step, ids []directory.ContactID) bool {
	if ra, rb := a.stamp.revision(), b.stamp.revision(); ra != rb {
		return ra < rb
	}
	return ids[a.slot] < ids[b.slot]
}

// newest reports whether s, of histories[i], is its contact's newest step in
// all histories, and the first of those at the same revision.
func newest(histories []*history, i int, s step) bool {
	if histories[i].stamps.at(s.slot) != s.stamp || histories[0].stamps.at(s.slot) == 0 {
		return false
	}
	for j, h := range histories {
		r := h.stamps.at(s.slot).revision()
		if r > s.stamp.revision() || j < i && r == s.stamp.revision() {
			return false
		}
	}
	return true
}

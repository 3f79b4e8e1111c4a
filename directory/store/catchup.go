package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"ringbook/directory"
	"ringbook/directory/index"
)

// slice is how many contacts or marks are brought up to date in one
// transaction when a store is opened: well below Badger's limit.
const slice = 1000

// A shelf names every book that was ever configured. The value is 0 for a book
// that is configured now, else the revision up to which its marks were kept.
type shelf map[directory.BookName]directory.Revision

func decodeShelf(b []byte) (shelf, error) {
	var sh shelf
	return sh, json.Unmarshal(b, &sh)
}

func (sh shelf) encode() []byte {
	b, _ := json.Marshal(sh) // strings and numbers
	return b
}

// returning says whether configured books were away, and since which revision
// at the longest.
func (sh shelf) returning(books []directory.Book) (since directory.Revision, ok bool) {
	for _, b := range books {
		if r := sh[b.Name]; r > 0 && (!ok || r < since) {
			since, ok = r, true
		}
	}
	return since, ok
}

// next is the shelf after a start with these books at revision rev.
func (sh shelf) next(books []directory.Book, rev directory.Revision) shelf {
	n := make(shelf)
	for name, since := range sh {
		if since == 0 {
			since = rev
		}
		n[name] = since
	}
	for _, b := range books {
		n[b.Name] = 0
	}
	return n
}

// catchUp brings the marks up to what the configuration and the renderer have
// become since the store was last open. It is done again from the beginning
// when it was interrupted; nobody has seen a view by then.
func (s *Store) catchUp(ctx context.Context, m meta, l *load) error {
	if err := s.guardBooks(ctx, m); err != nil {
		return err
	}
	if u := s.index.Reconcile(m.revision + 1); u != nil {
		if err := s.guardRules(u); err != nil {
			return err
		}
		if err := s.commitMarks(ctx, u); err != nil {
			return fmt.Errorf("apply changed rules: %w", err)
		}
	}
	missed := l.missed
	switch {
	case l.all:
		missed = missed[:0:0]
		for e := range s.index.View().All() {
			missed = append(missed, e.Stored().ID)
		}
	case l.merged:
		for e := range s.index.View().Merged() {
			missed = append(missed, e.Stored().ID)
		}
	}
	if err := s.touch(ctx, missed, nil); err != nil {
		return fmt.Errorf("bring contacts up to date: %w", err)
	}
	if err := s.touch(ctx, l.redrawn, s.redraw); err != nil {
		return fmt.Errorf("draw cards anew: %w", err)
	}
	books := m.books.next(s.o.Books, m.revision)
	if m.renderer == s.o.drawing() && string(books.encode()) == string(m.books.encode()) {
		return nil
	}
	return s.commit(func(t *tx) {
		t.set(keyRenderer, []byte(s.o.drawing()))
		t.set(keyBooks, books.encode())
	})
}

// commitMarks commits an update of any size. Each transaction says that the
// revision is used: whatever a crash leaves is completed under the next one.
func (s *Store) commitMarks(ctx context.Context, u *index.Update) error {
	for part := range slices.Chunk(u.Marks, slice) {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := s.commit(func(t *tx) { putUpdate(t, &index.Update{Revision: u.Revision, Marks: part}) })
		if err != nil {
			return err
		}
	}
	s.index.Publish(u)
	return nil
}

// touch gives contacts new marks in their books; also, if set, has its say in
// the same transaction, with the revision that they get.
func (s *Store) touch(ctx context.Context, ids []directory.ContactID, also func(*tx, directory.Revision, directory.ContactID)) error {
	// Every contact has a mark in every book at most.
	for part := range slices.Chunk(ids, max(1, slice/(1+len(s.o.Books)))) {
		if err := ctx.Err(); err != nil {
			return err
		}
		rev := s.index.View().Revision()
		u := s.index.Touch(rev+1, part)
		if u != nil {
			rev = u.Revision
		}
		err := s.commit(func(t *tx) {
			for _, id := range part {
				if also != nil {
					also(t, rev, id)
				}
			}
			putUpdate(t, u)
		})
		if err != nil {
			return err
		}
		if u != nil {
			s.index.Publish(u)
		}
	}
	return nil
}

// redraw stores the new print of a contact.
func (s *Store) redraw(t *tx, rev directory.Revision, id directory.ContactID) {
	e := s.index.View().Entry(id)
	c := e.Stored()
	r := record{revision: rev, modified: e.OwnModified(), print: s.o.print(c), contact: encodeContact(c)}
	t.set(contacts+string(id), r.encode())
}

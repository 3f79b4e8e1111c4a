package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"ringbook/directory"
	"ringbook/directory/index"
)

// Estimates of what one contact adds to a transaction beside its body, rounded
// up: keys, headers, the photo's state and trash, and a mark for each book.
const (
	stepEntries = 7
	stepBytes   = 512
	markBytes   = 160
)

// carryOut commits a plan in as few transactions as it takes, and publishes each.
func (s *Store) carryOut(ctx context.Context, p *plan) (directory.Applied, error) {
	a := p.settle()
	now := time.Now().UTC().Truncate(time.Second)
	whole := s.prepare(p.steps, now)
	if err := s.guard(p, whole); err != nil {
		return directory.Applied{Revision: a.Revision}, err
	}
	pieces := s.cut(p)
	for i, steps := range pieces {
		if err := ctx.Err(); err != nil {
			return directory.Applied{Revision: s.index.View().Revision()}, err
		}
		u, next := whole, p.next
		if len(pieces) > 1 {
			u = s.prepare(steps, now)
		}
		if i < len(pieces)-1 {
			next = nil
		}
		if err := s.carryPiece(p, steps, u, now, next); err != nil {
			return directory.Applied{Revision: s.index.View().Revision()}, err
		}
	}
	a.Revision = s.index.View().Revision()
	return a, nil
}

// prepare works out what steps do to the books; nil = nobody sees any of it.
func (s *Store) prepare(steps []*step, now time.Time) *index.Update {
	var put []index.Stored
	var removed []directory.ContactID
	for _, st := range steps {
		switch {
		case !st.changes():
		case st.new == nil:
			removed = append(removed, st.id)
		default:
			put = append(put, index.Stored{Contact: st.new, Modified: now})
		}
	}
	if len(put)+len(removed) == 0 {
		return nil
	}
	return s.index.Prepare(s.index.View().Revision()+1, put, removed)
}

// cut cuts the steps of a plan into what fits into one transaction each. A
// plan without steps is one piece.
func (s *Store) cut(p *plan) (pieces [][]*step) {
	entries := s.db.MaxBatchCount() * 9 / 10
	size := s.db.MaxBatchSize() * 9 / 10
	books := int64(len(s.o.Books)) + 1 // that of a mailbox
	from, n, bytes := 0, int64(0), int64(0)
	for i, st := range p.steps {
		e := stepEntries + books + int64(len(st.groups))
		b := stepBytes + markBytes*books + s.weight(len(st.body))
		if st.new != nil && p.jpegs[st.new.Photo] != nil {
			photo := p.jpegs[st.new.Photo]
			b += s.weight(len(photo.Large)) + s.weight(len(photo.Small))
		}
		if i > from && (n+e > entries || bytes+b > size) {
			pieces = append(pieces, p.steps[from:i])
			from, n, bytes = i, 0, 0
		}
		n, bytes = n+e, bytes+b
	}
	return append(pieces, p.steps[from:])
}

// weight is what a value counts in a transaction: photos go to the value log.
func (s *Store) weight(n int) int64 {
	if s.o.InMemory {
		return int64(n)
	}
	return int64(min(n, inLine))
}

// carryPiece commits one piece and then publishes it. u is nil when nobody
// sees a difference: then there is no new revision.
func (s *Store) carryPiece(p *plan, steps []*step, u *index.Update, now time.Time, next *directory.Cursor) error {
	rev := s.index.View().Revision()
	if u != nil {
		rev = u.Revision
	}
	if len(steps) == 0 && next == nil {
		return nil
	}
	ahead, err := s.marksAhead(steps, u)
	if err != nil {
		return err
	}
	use, lost := usage(steps), s.after(p, u, next != nil)
	read := next != nil && p.source == directory.SourceUser
	err = s.commit(func(t *tx) {
		for _, st := range steps {
			s.putStep(t, st, rev, now)
		}
		s.putPhotos(t, p, use, now)
		putUpdate(t, ahead)
		s.putRound(t, p.feed, lost)
		if next != nil {
			putCursor(t, p.feed, *next)
		}
		if read {
			s.putLoaded(t, s.missing())
		}
	})
	if err != nil {
		return fmt.Errorf("commit revision %d: %w", rev, err)
	}
	s.remember(steps, use)
	s.rounds[p.feed] = lost
	if u != nil {
		s.index.Publish(u)
	}
	if read {
		s.setLoaded(s.missing())
	}
	return nil
}

// marksAhead commits the marks that no step of the piece has been counted for: one
// contact may move any number of others that are, or were, the same person. It
// returns the update with those that are left. A crash leaves marks of a revision
// that nothing else has, and the next start sets right what they say.
func (s *Store) marksAhead(steps []*step, u *index.Update) (*index.Update, error) {
	most := (len(s.o.Books) + 1) * len(steps)
	if u == nil || len(u.Marks) <= most {
		return u, nil
	}
	for part := range slices.Chunk(u.Marks[most:], slice) {
		err := s.commit(func(t *tx) { putUpdate(t, &index.Update{Revision: u.Revision, Joined: u.Joined, Marks: part}) })
		if err != nil {
			return nil, fmt.Errorf("commit marks of revision %d: %w", u.Revision, err)
		}
	}
	return &index.Update{Revision: u.Revision, Joined: u.Joined, Marks: u.Marks[:most]}, nil
}

func (s *Store) putStep(t *tx, st *step, rev directory.Revision, now time.Time) {
	switch {
	case !st.changes():
	case st.new == nil:
		t.remove(contacts + string(st.id))
		t.remove(asked + string(st.id))
	default:
		r := record{revision: rev, modified: now, print: s.o.print(st.new), contact: st.body}
		t.set(contacts+string(st.id), r.encode())
	}
	for _, m := range st.groups {
		m.put(t, st.id)
	}
	if st.photo != nil && st.new != nil {
		t.set(asked+string(st.id), st.photo.encode())
	}
}

func putUpdate(t *tx, u *index.Update) {
	if u == nil {
		return
	}
	if u.Joined {
		t.set(keyJoined, encodeNumber(u.Revision))
	}
	for _, m := range u.Marks {
		t.set(markKey(m), encodeMark(m))
	}
	t.set(keyRevision, encodeNumber(u.Revision))
}

// remember brings what the writer keeps in memory up to what was committed.
func (s *Store) remember(steps []*step, use map[directory.PhotoID]int) {
	for id, n := range use {
		if s.photos[id] += n; s.photos[id] == 0 {
			delete(s.photos, id)
		}
	}
	for _, st := range steps {
		for _, m := range st.groups {
			s.groups.note(m, st.id)
		}
		switch {
		case st.new == nil:
			s.asks.remove(st.id)
		case st.photo != nil:
			s.asks.put(st.id, st.new.Source, st.photo.at)
		case st.old == nil || st.old.Source != st.new.Source:
			s.asks.put(st.id, st.new.Source, 0)
		}
	}
}

package store

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/dgraph-io/badger/v4"

	"ringbook/directory"
)

// PhotoGrace is how long a photo stays that no contact has any more: a client
// may still be streaming a view that has it.
const PhotoGrace = time.Hour

// A photoState is when a contact's photo was last asked for, and what the
// source called it.
type photoState struct {
	at  int64 // seconds since 1970
	tag directory.PhotoTag
}

func (p photoState) encode() []byte {
	return append(encodeNumber(p.at), p.tag...)
}

func decodePhotoState(b []byte) (photoState, error) {
	if len(b) < 8 {
		return photoState{}, fmt.Errorf("photo state of %d bytes", len(b))
	}
	return photoState{at: int64(binary.BigEndian.Uint64(b)), tag: directory.PhotoTag(b[8:])}, nil
}

// PhotosDue returns up to n contacts of source whose photo was never asked for,
// or last before the given time: new contacts first, then oldest first.
func (s *Store) PhotosDue(ctx context.Context, src directory.Source, before time.Time, n int) ([]directory.PhotoDue, error) {
	done, err := s.write(ctx) // the queues are the writer's
	if err != nil {
		return nil, err
	}
	defer done()
	var due []directory.PhotoDue
	err = s.db.View(func(txn *badger.Txn) error {
		for a := range s.asks.queue(src).all() {
			if len(due) >= n || a.at > 0 && a.at >= before.Unix() {
				return nil
			}
			b, err := get(txn, asked+string(a.id))
			if err != nil {
				return err
			}
			var p photoState
			if b != nil {
				if p, err = decodePhotoState(b); err != nil {
					return fmt.Errorf("contact %s: %w", a.id, err)
				}
			}
			due = append(due, directory.PhotoDue{ID: a.id, Tag: p.tag})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read photos that are due: %w", err)
	}
	return due, nil
}

// ApplyPhotos stores what a sweep learnt, as of at. Contacts that are gone by now are skipped.
func (s *Store) ApplyPhotos(ctx context.Context, at time.Time, ch []directory.PhotoChange) (directory.Applied, error) {
	done, err := s.write(ctx)
	if err != nil {
		return directory.Applied{}, err
	}
	defer done()
	p := s.newPlan()
	for _, c := range ch {
		if err := p.layPhoto(at, c); err != nil {
			return directory.Applied{}, fmt.Errorf("apply photos: %w", err)
		}
	}
	a, err := s.carryOut(ctx, p)
	if err != nil {
		return a, fmt.Errorf("apply photos: %w", err)
	}
	return a, nil
}

func (p *plan) layPhoto(at time.Time, ch directory.PhotoChange) error {
	if p.view.Entry(ch.ID) == nil {
		return nil
	}
	var id directory.PhotoID
	if ph := ch.Photo; ph != nil && !ch.Same {
		if ph.ID == "" || len(ph.Large) == 0 || len(ph.Large) > directory.MaxLargePhoto ||
			len(ph.Small) == 0 || len(ph.Small) > directory.MaxSmallPhoto {
			return fmt.Errorf("photo of %s with %d and %d bytes: %w", ch.ID, len(ph.Large), len(ph.Small), directory.ErrInvalid)
		}
		id = ph.ID
		p.jpegs[id] = ph
	}
	st := p.hear(ch.ID)
	if !ch.Same {
		c := st.new.Clone()
		c.Photo = id
		st.new = c
	}
	st.photo = &photoState{at: max(at.Unix(), 1), tag: ch.Tag}
	return nil
}

// Photo returns the JPEG of a photo. A photo of a view stays readable for as
// long as anybody may hold that view ([PhotoGrace]). One that is gone, or that
// the disk has spoilt, is [directory.ErrNotFound].
func (s *Store) Photo(ctx context.Context, id directory.PhotoID, size directory.PhotoSize) ([]byte, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	if size == directory.PhotoNone {
		return nil, fmt.Errorf("photo of size none: %w", directory.ErrNotFound)
	}
	key := largeKey(id) // also for a device that says nothing
	if size == directory.PhotoSmall {
		key = smallKey(id)
	}
	var jpeg []byte
	err = s.db.View(func(txn *badger.Txn) error {
		secret, err := get(txn, sealKey(id))
		if err != nil {
			return err
		}
		sealed, err := get(txn, key)
		if err != nil {
			return err
		}
		if secret == nil || sealed == nil {
			return directory.ErrNotFound
		}
		opener, err := newSeal(secret)
		if err != nil {
			return err
		}
		if jpeg, err = opener.open(size, sealed); err != nil {
			return fmt.Errorf("the disk has spoilt it: %w", directory.ErrNotFound) // a card without it is better than none
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read photo %s: %w", id, err)
	}
	return jpeg, nil
}

func sealKey(id directory.PhotoID) string  { return jpegs + string(id) + "/k" }
func largeKey(id directory.PhotoID) string { return jpegs + string(id) + "/l" }
func smallKey(id directory.PhotoID) string { return jpegs + string(id) + "/s" }

// usage counts how many contacts more or fewer have each photo after steps.
func usage(steps []*step) map[directory.PhotoID]int {
	use := make(map[directory.PhotoID]int)
	for _, st := range steps {
		if st.old != nil && st.old.Photo != "" {
			use[st.old.Photo]--
		}
		if st.new != nil && st.new.Photo != "" {
			use[st.new.Photo]++
		}
	}
	return use
}

// putPhotos writes photos that come into use, and the date on those that fall
// out of it.
func (s *Store) putPhotos(t *tx, p *plan, use map[directory.PhotoID]int, now time.Time) {
	for id, n := range use {
		before := s.photos[id]
		switch {
		case before == 0 && n > 0:
			if photo := p.jpegs[id]; photo != nil {
				putPhoto(t, photo)
			}
			t.remove(trash + string(id))
		case before > 0 && before+n == 0:
			t.set(trash+string(id), encodeNumber(now.Unix()))
		}
	}
}

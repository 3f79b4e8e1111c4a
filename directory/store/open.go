package store

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"

	"github.com/dgraph-io/badger/v4"

	"ringbook/directory"
	"ringbook/directory/index"
)

// schema is the number of the layout in the package comment.
const schema = 1

// Open opens or creates the store in dir. A store of a newer schema, or one that
// another process holds, is an error that says so.
func Open(ctx context.Context, dir string, o Options) (*Store, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	db, err := openBadger(dir, o)
	if err != nil {
		return nil, err
	}
	s := &Store{
		db: db, o: o,
		writer: make(chan struct{}, 1),
		photos: make(map[directory.PhotoID]int),
		asks:   newAsks(),
		rounds: make(map[directory.Feed]round),
		groups: newRoster(),
	}
	if err := s.open(ctx); err != nil {
		_ = db.Close() // the reason why is err
		return nil, fmt.Errorf("open store in %s: %w", dir, err)
	}
	s.writer <- struct{}{}
	ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	s.kept.Go(func() { s.keepHouse(ctx) })
	return s, nil
}

func (s *Store) open(ctx context.Context) error {
	m, err := s.readMeta()
	if err != nil {
		return err
	}
	s.read = m.read
	if s.asked, err = groupsOf(s.o.Books, s.o.Groups); err != nil {
		return err
	}
	l, err := s.load(ctx, m)
	if err := cmp.Or(err, s.loadRounds(ctx), s.loadGroups(ctx)); err != nil {
		return err
	}
	if s.index, err = s.newIndex(ctx, m, l); err != nil {
		return err
	}
	if m.loaded {
		s.index.SetLoaded()
	}
	return s.catchUp(ctx, m, l)
}

// meta is what the store knows about itself.
type meta struct {
	epoch    directory.Epoch
	revision directory.Revision
	joined   directory.Revision
	read     bool
	loaded   bool
	renderer string
	books    shelf
}

func (s *Store) readMeta() (meta, error) {
	var m meta
	fresh := false
	err := s.db.View(func(txn *badger.Txn) error {
		version, err := get(txn, keySchema)
		if err != nil {
			return err
		}
		if fresh = version == nil; fresh {
			return nil
		}
		if n, err := strconv.Atoi(string(version)); err != nil || n < 1 {
			return fmt.Errorf("the schema version %q cannot be read; restore a backup", version)
		} else if n > schema {
			return fmt.Errorf("the data has schema version %d, and this ringbook knows %d at most; "+
				"start the newer ringbook that wrote it, or restore a backup of before", n, schema)
		}
		return m.decode(txn)
	})
	if err != nil || !fresh {
		return m, err
	}
	return s.create()
}

func (m *meta) decode(txn *badger.Txn) error {
	values := make(map[string][]byte)
	for _, key := range []string{keyEpoch, keyRevision, keyJoined, keyRead, keyLoaded, keyRenderer, keyBooks} {
		v, err := get(txn, key)
		if err != nil {
			return fmt.Errorf("read %s: %w", key, err)
		}
		values[key] = v
	}
	var err error
	if m.revision, err = decodeNumber[directory.Revision](values[keyRevision]); err != nil {
		return fmt.Errorf("read %s: %w", keyRevision, err)
	}
	if b := values[keyJoined]; b != nil {
		if m.joined, err = decodeNumber[directory.Revision](b); err != nil {
			return fmt.Errorf("read %s: %w", keyJoined, err)
		}
	}
	if m.books, err = decodeShelf(values[keyBooks]); err != nil {
		return fmt.Errorf("read %s: %w", keyBooks, err)
	}
	if m.epoch = directory.Epoch(values[keyEpoch]); m.epoch == "" {
		return fmt.Errorf("there is no %s; restore a backup", keyEpoch)
	}
	m.loaded = values[keyLoaded] != nil
	m.read = m.loaded || values[keyRead] != nil
	m.renderer = string(values[keyRenderer])
	return nil
}

// create begins a new history.
func (s *Store) create() (meta, error) {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	m := meta{epoch: directory.Epoch(hex.EncodeToString(b[:])), renderer: s.o.drawing()}
	err := s.commit(func(t *tx) {
		t.set(keySchema, strconv.AppendInt(nil, schema, 10))
		t.set(keyEpoch, []byte(m.epoch))
		t.set(keyRevision, encodeNumber(m.revision))
		t.set(keyRenderer, []byte(m.renderer))
		t.set(keyBooks, m.books.encode())
	})
	if err != nil {
		return meta{}, fmt.Errorf("create: %w", err)
	}
	return m, nil
}

// A load is what the contacts on disk come to.
type load struct {
	stored  []index.Stored
	redrawn []directory.ContactID // those that this renderer draws differently
	missed  []directory.ContactID // those that changed while a book was away
	// merged says that any contact of several sources may have done either: what
	// it looks like is in no record. all says that any contact may have: some were
	// parted while a book was away.
	merged, all bool
}

func (s *Store) load(ctx context.Context, m meta) (*load, error) {
	l := new(load)
	redraw := m.renderer != s.o.drawing()
	away, returned := m.books.returning(s.o.Books)
	l.merged, l.all = redraw || returned, returned && m.joined > away
	v := make(vocabulary)
	err := s.db.View(func(txn *badger.Txn) error {
		return each(ctx, txn, contacts, func(key, value []byte) error {
			r, err := decodeRecord(value)
			if err != nil {
				return err
			}
			c, err := decodeContact(directory.ContactID(key), r.contact, v)
			if err != nil {
				return err
			}
			l.stored = append(l.stored, index.Stored{Contact: c, Modified: r.modified})
			if c.Photo != "" {
				s.photos[c.Photo]++
			}
			if redraw && s.o.print(c) != r.print {
				l.redrawn = append(l.redrawn, c.ID)
			}
			if returned && r.revision > away {
				l.missed = append(l.missed, c.ID)
			}
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return l, s.loadAsks(ctx, l.stored)
}

// loadAsks queues all contacts, oldest first, so that each finds its place at
// once. They come in the order of their ids, as what was asked does.
func (s *Store) loadAsks(ctx context.Context, stored []index.Stored) error {
	type turn struct {
		contact *directory.Contact
		at      int64
	}
	order := make([]turn, len(stored))
	for i, st := range stored {
		order[i].contact = st.Contact
	}
	i := 0
	err := s.db.View(func(txn *badger.Txn) error {
		return each(ctx, txn, asked, func(k, v []byte) error {
			for i < len(order) && string(order[i].contact.ID) < string(k) {
				i++
			}
			p, err := decodePhotoState(v)
			if i < len(order) && string(order[i].contact.ID) == string(k) {
				order[i].at = p.at
			}
			return err
		})
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(order, func(a, b turn) int { return cmp.Compare(a.at, b.at) })
	for _, t := range order {
		s.asks.put(t.contact.ID, t.contact.Source, t.at)
	}
	return nil
}

// newIndex feeds contacts and marks to an index. Marks of books that are not
// configured stay where they are: the books may come back, and with them the
// clients that remember their revisions.
func (s *Store) newIndex(ctx context.Context, m meta, l *load) (*index.Index, error) {
	var broken error
	all := func(yield func(index.Mark) bool) {
		for _, b := range s.o.Books {
			if err := s.loadMarks(ctx, b.Name, yield); err != nil {
				broken = err
				return
			}
		}
		broken = s.loadPrivateMarks(ctx, yield)
	}
	o := index.Options{Books: s.o.Books, Plan: s.o.Plan, MaxPhones: s.o.MaxPhones, Precedence: s.o.Precedence, Collation: s.o.Collation, MailboxTitle: s.o.MailboxTitle, Known: slices.Collect(maps.Keys(s.groups.known))}
	x, err := index.New(o, m.epoch, m.revision, slices.Values(l.stored), all)
	if err := cmp.Or(broken, err); err != nil {
		return nil, err
	}
	return x, nil
}

func (s *Store) loadMarks(ctx context.Context, b directory.BookName, yield func(index.Mark) bool) error {
	return s.db.View(func(txn *badger.Txn) error {
		return each(ctx, txn, marks+string(b)+"/", func(k, v []byte) error {
			m, err := s.readMark(b, k, v)
			if err == nil {
				yield(m)
			}
			return err
		})
	})
}

// loadPrivateMarks reads the marks of all mailboxes, also of those that are not
// mirrored any more: clients remember their revisions.
func (s *Store) loadPrivateMarks(ctx context.Context, yield func(index.Mark) bool) error {
	names := make(map[string]directory.BookName) // one copy of each
	return s.db.View(func(txn *badger.Txn) error {
		return each(ctx, txn, marks+directory.MailboxBookPrefix, func(k, v []byte) error {
			digits, id, ok := bytes.Cut(k, []byte("/"))
			if !ok {
				return errTorn
			}
			b, known := names[string(digits)]
			if !known {
				b = directory.BookName(directory.MailboxBookPrefix + string(digits))
				names[string(digits)] = b
			}
			if !directory.IsMailboxBook(b) {
				return nil // a configured book
			}
			m, err := s.readMark(b, id, v)
			if err == nil {
				yield(m)
			}
			return err
		})
	})
}

func (s *Store) readMark(b directory.BookName, key, value []byte) (index.Mark, error) {
	rev, gone, err := decodeMark(value)
	m := index.Mark{Book: b, Revision: rev, Gone: gone}
	if a := s.asks.places[directory.ContactID(key)]; a != nil {
		m.ID = a.id // one copy of each id is enough
	} else {
		m.ID = directory.ContactID(key)
	}
	return m, err
}

// Package store keeps the mirror, the devices and the cursors in Badger. One
// writer; every read of the directory goes to the [index.View] that the store
// publishes.
//
// # Keys
//
// Numbers are big-endian, times are seconds since 1970, names stand as they
// are: neither ids nor book names hold a "/".
//
//	m/schema              number of this layout, decimal text
//	m/epoch               text of the epoch
//	m/revision            revision, 8 bytes
//	m/read                present once all users have been read
//	m/loaded              present once that, and all groups that rules ask for, have been
//	m/joined              revision at which contacts of one person last changed, 8 bytes
//	m/renderer            version of the renderer whose prints are stored, and its settings
//	m/books               JSON: each book ever configured, and since which revision it is not
//	c/<contact>           revision 8 | modified 8 | print 16 | contact, see contact.go
//	k/<book>/<contact>    mark: revision 8 | 1 if the contact left the book, else 0
//	f/<feed>              cursor as JSON
//	r/<feed>              what the books lost since that cursor, as JSON
//	g/<group>/<contact>   there while the contact belongs to the group; the group in hexadecimal
//	g/<group>/            there once it is known who belongs to it
//	q/<contact>           photo last asked for 8 | the source's tag
//	p/<photo>/k           key of the photo, 32
//	p/<photo>/l, …/s      the large and the small JPEG, sealed with it, see seal.go
//	t/<photo>             since when no contact has the photo, 8
//	d/<device>            device as JSON
//	a/<device>            what it has done last, as JSON
//	x/                    there while forget is under way
//
// # What a crash leaves
//
// A batch is one transaction, so it is on disk whole or not at all, and its
// cursor with it. A batch beyond Badger's limit is cut into pieces. Each piece
// is a whole transaction with a revision of its own, and the cursor is in the
// last: a crash between pieces leaves a directory that was true for a part of
// the news, whose source brings the same batch again, and the pieces that are
// there already change nothing. Commits are synced to the disk, because a
// cursor that survives a power cut when its data does not loses people for ever.
//
// # Who left is gone
//
// Badger keeps what was deleted or replaced until it rewrites the file. The
// housekeeping makes it do so every [ForgetEvery]: then a leaver's contact, and the
// key to the photo, are in no file any more. One thing may stay longer: a
// contact of more than 2 KB is in the value log as it was, until half of its
// file is garbage.
//
// # Dependencies
//
//	for      we use                 why not something else
//	engine   dgraph-io/badger 4.9   transactions, photos apart from the keys, pure Go. bbolt's one file never gives
//	                                back what was deleted; SQLite needs C, or a translation of it
package store

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/dgraph-io/badger/v4"

	"ringbook/directory"
	"ringbook/directory/index"
	"ringbook/directory/number"
	"ringbook/directory/text"
)

// Options shape a store.
type Options struct {
	Books     []directory.Book
	Groups    []directory.Group // that are asked for by others than the rules of books
	Plan      *number.Plan
	MaxPhones int
	// MailboxTitle is the title of private books; "{name}" in it is the owner's name.
	MailboxTitle string
	// Precedence says which source is believed where a contact sits in several.
	Precedence directory.Precedence
	Collation  *text.Collation // the order of names; nothing of it is stored
	// ShrinkGuard is the share of a book (0…1) that a round may take away
	// before it stops and waits for a person; 0 = no guard.
	ShrinkGuard float64
	Renderer    Renderer
	InMemory    bool // for tests: nothing is written to dir
	Log         *slog.Logger
}

// A Renderer lets the store see that a new version draws cards differently.
type Renderer struct {
	Version string
	Print   func(*directory.Contact) [16]byte // a digest of the card without its photo
}

// drawing names everything that shapes cards beside their contacts.
func (o Options) drawing() string {
	return fmt.Sprintf("%s, %d numbers, %s, %v", o.Renderer.Version, o.MaxPhones, o.plans(), o.Precedence) // fmt sorts the keys
}

// plans names the number plans of all sites.
func (o Options) plans() string {
	if o.Plan == nil {
		return ""
	}
	return o.Plan.CompanyDigest()
}

// print digests what a contact looks like: the card, with as many numbers as are
// shown, and the number plans, which shape the numbers of some devices. A renderer
// without Print draws all cards alike.
func (o Options) print(c *directory.Contact) [16]byte {
	if o.Renderer.Print == nil {
		return [16]byte{}
	}
	if o.MaxPhones > 0 && len(c.Phones) > o.MaxPhones {
		c = c.Clone()
		c.Phones = c.Phones[:o.MaxPhones]
	}
	p := o.Renderer.Print(c)
	if len(c.Phones) == 0 {
		return p
	}
	sum := sha256.Sum256(append(p[:], o.plans()...))
	return [16]byte(sum[:16])
}

// A Store is one open database. Its methods may be called from any goroutine.
type Store struct {
	db    *badger.DB
	o     Options
	asked map[directory.Group]bool // by the rules of books
	index *index.Index

	// writer holds one token. Who has taken it is the writer, and may touch
	// what stands below it.
	writer chan struct{}
	photos map[directory.PhotoID]int // contacts that have the photo
	asks   asks
	rounds map[directory.Feed]round
	groups roster
	read   bool                         // all users have been read once
	logins map[directory.Login]struct{} // of all devices; nil = not read yet

	gate   sync.RWMutex // held for reading by every method that uses db
	closed bool
	stop   context.CancelFunc // ends the housekeeping
	kept   sync.WaitGroup     // the housekeeping
}

// Close waits for the writer and all reads, and closes the database. What is
// asked afterwards is [directory.ErrUnavailable]; the last view stays readable.
func (s *Store) Close() error {
	s.stop()
	s.kept.Wait()
	s.gate.Lock()
	defer s.gate.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close store: %w", err)
	}
	return nil
}

// View returns the newest view.
func (s *Store) View() *index.View { return s.index.View() }

// enter keeps the database open until the returned function is called.
func (s *Store) enter(ctx context.Context) (leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.gate.RLock()
	if s.closed {
		s.gate.RUnlock()
		return nil, fmt.Errorf("store is closed: %w", directory.ErrUnavailable)
	}
	return s.gate.RUnlock, nil
}

// write makes the caller the writer until it calls the returned function.
func (s *Store) write(ctx context.Context) (done func(), err error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	select {
	case <-s.writer:
		return func() { s.writer <- struct{}{}; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}

// get returns a copy of the value of key; nil = there is none.
func get(txn *badger.Txn, key string) ([]byte, error) {
	item, err := txn.Get([]byte(key))
	if errors.Is(err, badger.ErrKeyNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return item.ValueCopy([]byte{})
}

// each calls f with every key under prefix (without the prefix) and its value.
// Both are valid during the call only. It ends early with ctx.
func each(ctx context.Context, txn *badger.Txn, prefix string, f func(key, value []byte) error) error {
	o := badger.DefaultIteratorOptions
	o.Prefix = []byte(prefix)
	it := txn.NewIterator(o)
	defer it.Close()
	for it.Rewind(); it.Valid(); it.Next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		key := it.Item().Key()[len(prefix):]
		if err := it.Item().Value(func(v []byte) error { return f(key, v) }); err != nil {
			return fmt.Errorf("read %s%s: %w", prefix, key, err)
		}
	}
	return nil
}

// A tx is a transaction whose writes need no checks of their own: the first
// error is what commit returns.
type tx struct {
	txn *badger.Txn
	err error
}

func (t *tx) set(key string, value []byte) {
	if t.err == nil {
		t.err = t.txn.Set([]byte(key), value)
	}
}

func (t *tx) remove(key string) {
	if t.err == nil {
		t.err = t.txn.Delete([]byte(key))
	}
}

// commit runs f in a transaction and has it on disk when it returns nil.
func (s *Store) commit(f func(*tx)) error {
	txn := s.db.NewTransaction(true)
	defer txn.Discard()
	t := &tx{txn: txn}
	f(t)
	if t.err != nil {
		return t.err
	}
	return txn.Commit()
}

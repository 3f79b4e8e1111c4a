// Package store keeps the mirror, the devices and the cursors in Badger. One
// writer; every read goes to the [index.View] that the store publishes.
package store

import (
	"context"
	"log/slog"
	"time"

	"ringbook/directory"
	"ringbook/directory/index"
	"ringbook/directory/number"
)

// Options shape a store.
type Options struct {
	Books     []directory.Book
	Plan      *number.Plan
	MaxPhones int
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

// A Store is one open database. Its methods may be called from any goroutine.
type Store struct{}

// Open opens or creates the store in dir. A store of a newer schema, or one that
// another process holds, is an error that says so.
func Open(ctx context.Context, dir string, o Options) (*Store, error) { panic("skeleton") }

// Close waits for the writer and closes the database.
func (s *Store) Close() error { panic("skeleton") }

// View returns the newest view.
func (s *Store) View() *index.View { panic("skeleton") }

// Cursor returns where a feed goes on; the zero Cursor = from the beginning.
func (s *Store) Cursor(ctx context.Context, f directory.Feed) (directory.Cursor, error) {
	panic("skeleton")
}

// Apply applies a batch. When it returns, the batch is on disk and in the view.
// A batch with Next set marks the store as loaded. [directory.ErrShrink] = the
// guard stopped it and nothing was applied.
func (s *Store) Apply(ctx context.Context, b directory.Batch) (directory.Applied, error) {
	panic("skeleton")
}

// PhotosDue returns up to n contacts of source whose photo was never asked for,
// or last before the given time: new contacts first, then oldest first.
func (s *Store) PhotosDue(ctx context.Context, src directory.Source, before time.Time, n int) ([]directory.PhotoDue, error) {
	panic("skeleton")
}

// ApplyPhotos stores what a sweep learnt, as of at. Contacts that are gone by now are skipped.
func (s *Store) ApplyPhotos(ctx context.Context, at time.Time, ch []directory.PhotoChange) (directory.Applied, error) {
	panic("skeleton")
}

// Photo returns the JPEG of a photo. A photo of a view stays readable for as
// long as anybody may hold that view ([PhotoGrace]).
func (s *Store) Photo(ctx context.Context, id directory.PhotoID, size directory.PhotoSize) ([]byte, error) {
	panic("skeleton")
}

// Devices returns all devices, revoked ones too, in the order of their creation.
func (s *Store) Devices(ctx context.Context) ([]directory.Device, error) { panic("skeleton") }

// AddDevice stores a new device. A taken id or login is [directory.ErrExists].
func (s *Store) AddDevice(ctx context.Context, d directory.Device) error { panic("skeleton") }

// ChangeDevice reads, changes and stores a device in one transaction and
// returns what it stored. ID, Login and Created cannot be changed.
func (s *Store) ChangeDevice(ctx context.Context, id directory.DeviceID, change func(*directory.Device) error) (directory.Device, error) {
	panic("skeleton")
}

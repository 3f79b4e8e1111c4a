// Package storetest is the behaviour of a store as a suite of tests, through
// which any engine can be run.
package storetest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
	"ringbook/directory/index"
	"ringbook/directory/number"
	"ringbook/directory/store"
)

// An Engine is what the suite expects of a store; see the methods of [store.Store].
type Engine interface {
	Mirror
	Photos
	Enrolment
	View() *index.View
	Close() error
}

// Mirror is the part of an engine that takes news.
type Mirror interface {
	Cursor(ctx context.Context, f directory.Feed) (directory.Cursor, error)
	Apply(ctx context.Context, b directory.Batch) (directory.Applied, error)
	ApplyGroup(ctx context.Context, m directory.Membership) (directory.Applied, error)
	Feeds(ctx context.Context, prefix directory.Feed) ([]directory.Feed, error)
}

// Photos is the part of an engine that keeps photos.
type Photos interface {
	PhotosDue(ctx context.Context, src directory.Source, before time.Time, n int) ([]directory.PhotoDue, error)
	ApplyPhotos(ctx context.Context, at time.Time, ch []directory.PhotoChange) (directory.Applied, error)
	Photo(ctx context.Context, id directory.PhotoID, size directory.PhotoSize) ([]byte, error)
}

// Enrolment is the part of an engine that keeps devices.
type Enrolment interface {
	Devices(ctx context.Context) ([]directory.Device, error)
	AddDevice(ctx context.Context, d directory.Device) error
	ChangeDevice(ctx context.Context, id directory.DeviceID, change func(*directory.Device) error) (directory.Device, error)
	Activities(ctx context.Context) ([]directory.Activity, error)
	PutActivities(ctx context.Context, all []directory.Activity) error
}

// Open opens or creates the store that stands at place, a folder of its own
// for each test. It fails the test when it cannot.
type Open func(tb testing.TB, place string, o store.Options) Engine

// Run runs the suite.
func Run(t *testing.T, open Open) {
	for name, test := range map[string]func(*testing.T, Open){
		"Empty": testEmpty, "Apply": testApply, "Unchanged": testUnchanged, "Invalid": testInvalid,
		"Fresh": testFresh, "Restored": testRestored, "Twice": testTwice, "Sources": testSources,
		"Sweep": testSweep, "Cursor": testCursor, "Pieces": testPieces,
		"Shrink": testShrink, "ShrinkOverBatches": testShrinkOverBatches, "ShrinkSmall": testShrinkSmall,
		"ShrinkRestart": testShrinkRestart, "ShrinkAccepted": testShrinkAccepted, "ShrinkNobody": testShrinkNobody, "Local": testLocal,
		"Rules": testRules, "BookComesBack": testBookComesBack, "Renderer": testRenderer, "MaxPhones": testMaxPhones, "Drawing": testDrawing,
		"Photos": testPhotos, "PhotosDue": testPhotosDue, "SharedPhoto": testSharedPhoto,
		"Devices": testDevices, "Activities": testActivities, "Closed": testClosed, "Ended": testEnded, "Together": testTogether,
		"Groups": testGroups, "GroupToCome": testGroupToCome, "GroupsLoad": testGroupsLoad, "GroupsAtRandom": testGroupsAtRandom, "ManyMembers": testManyMembers,
		"Merged": testMerged, "ManyParts": testManyParts, "Mailboxes": testMailboxes, "Random": testRandom,
	} {
		t.Run(name, func(t *testing.T) { test(t, open) })
	}
}

// Feed is the feed of the suite's batches.
const Feed directory.Feed = "users"

// Options returns options with two books, [Books].
func Options(tb testing.TB) store.Options {
	tb.Helper()
	plan, err := number.NewPlan("DE")
	if err != nil {
		tb.Fatal(err)
	}
	return store.Options{
		Books:    Books(),
		Plan:     plan,
		Renderer: Renderer("1"),
	}
}

// Books returns two books: everybody who is enabled or not stated to be, and
// the enabled people of one department.
func Books() []directory.Book {
	return []directory.Book{
		{Name: "people", Title: "Everybody"},
		{Name: "sales", Title: "Sales", Filter: "(&(accountEnabled=TRUE)(department=Sales))"},
	}
}

// Renderer returns a renderer whose cards show the version before each name of
// an even length.
func Renderer(version string) store.Renderer {
	return store.Renderer{Version: version, Print: func(c *directory.Contact) (p [16]byte) {
		if len(c.DisplayName)%2 == 0 {
			copy(p[:], version)
		}
		copy(p[len(version):], c.DisplayName)
		return p
	}}
}

// A bench is one engine under test, which can be opened again.
type bench struct {
	*testing.T
	Engine
	open  Open
	place string
	o     store.Options
}

func newBench(t *testing.T, open Open, change ...func(*store.Options)) *bench {
	t.Helper()
	b := &bench{T: t, open: open, place: t.TempDir(), o: Options(t)}
	for _, f := range change {
		f(&b.o)
	}
	b.Engine = open(t, b.place, b.o)
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func (b *bench) reopen(change ...func(*store.Options)) {
	b.Helper()
	if err := b.Close(); err != nil {
		b.Fatal(err)
	}
	for _, f := range change {
		f(&b.o)
	}
	b.Engine = b.open(b.T, b.place, b.o)
}

// apply applies a batch that must succeed.
func (b *bench) apply(batch directory.Batch) directory.Applied {
	b.Helper()
	a, err := b.Apply(b.Context(), batch)
	if err != nil {
		b.Fatal(err)
	}
	return a
}

// put applies changes that make contacts as given.
func (b *bench) put(contacts ...*directory.Contact) directory.Applied {
	b.Helper()
	return b.apply(directory.Batch{Feed: Feed, Source: directory.SourceUser, Changes: Puts(contacts...)})
}

// Puts returns changes that make contacts as given, whatever they were.
func Puts(contacts ...*directory.Contact) []directory.Change {
	var ch []directory.Change
	for _, c := range contacts {
		ch = append(ch, directory.Change{ID: c.ID, Fresh: true, Update: func(d *directory.Contact) {
			id, src := d.ID, d.Source
			*d = *c.Clone()
			d.ID, d.Source = id, src
		}})
	}
	return ch
}

func removals(ids ...directory.ContactID) []directory.Change {
	var ch []directory.Change
	for _, id := range ids {
		ch = append(ch, directory.Change{ID: id, Removed: true})
	}
	return ch
}

// count compares what a batch did; the revision is compared apart.
func (b *bench) count(got directory.Applied, added, changed, removed, unchanged int) {
	b.Helper()
	want := directory.Applied{Revision: got.Revision, Added: added, Changed: changed, Removed: removed, Unchanged: unchanged}
	if diff := cmp.Diff(want, got); diff != "" {
		b.Errorf("applied (-want +got):\n%s", diff)
	}
}

// Person returns contact number n, enabled, in sales when n is even.
func Person(n int) *directory.Contact {
	c := &directory.Contact{
		ID: id(n), Source: directory.SourceUser,
		DisplayName: fmt.Sprintf("Person %d", n), Surname: fmt.Sprintf("No%d", n),
		Emails:         []string{fmt.Sprintf("p%d@contoso.com", n)},
		Phones:         []directory.Phone{{Kind: directory.PhoneWork, Written: fmt.Sprintf("030 %06d", n), E164: fmt.Sprintf("+4930%06d", n), Attribute: "businessPhones"}},
		Department:     "Works",
		Address:        directory.Address{Street: "Hauptstraße 1\nHof 2", City: "Köln"},
		AccountEnabled: directory.True,
	}
	if n%2 == 0 {
		c.Department = "Sales"
	}
	return c
}

func people(n int) []*directory.Contact {
	var all []*directory.Contact
	for i := range n {
		all = append(all, Person(i))
	}
	return all
}

func id(n int) directory.ContactID { return directory.ContactID(fmt.Sprintf("id-%06d", n)) }

// Members returns the members of each book of a view.
func Members(v *index.View) map[directory.BookName]map[directory.ContactID]*directory.Contact {
	all := make(map[directory.BookName]map[directory.ContactID]*directory.Contact)
	for _, b := range v.Books() {
		m := make(map[directory.ContactID]*directory.Contact)
		for e := range b.All() {
			m[e.Contact().ID] = e.Contact()
		}
		all[b.Name()] = m
	}
	return all
}

// A Snapshot is what a client has that has followed all books up to a revision.
type Snapshot struct {
	Epoch    directory.Epoch
	Revision map[directory.BookName]directory.Revision
	Members  map[directory.BookName]map[directory.ContactID]*directory.Contact
}

// Snap takes a snapshot.
func Snap(v *index.View) Snapshot {
	s := Snapshot{Epoch: v.Epoch(), Revision: make(map[directory.BookName]directory.Revision), Members: Members(v)}
	for _, b := range v.Books() {
		s.Revision[b.Name()] = b.Revision()
	}
	return s
}

// CatchUp fails the test unless a client that has the snapshot, and asks for
// what changed since, ends with what the view shows.
func CatchUp(tb testing.TB, v *index.View, s Snapshot) {
	tb.Helper()
	if v.Epoch() != s.Epoch {
		tb.Errorf("epoch %s became %s", s.Epoch, v.Epoch())
	}
	now := Members(v)
	for _, b := range v.Books() {
		have := maps.Clone(s.Members[b.Name()])
		if have == nil {
			have = make(map[directory.ContactID]*directory.Contact)
		}
		steps, err := b.Since(index.Position{Revision: s.Revision[b.Name()]})
		if err != nil {
			tb.Errorf("book %s since %d: %v", b.Name(), s.Revision[b.Name()], err)
			continue
		}
		for ch := range steps {
			if ch.Entry == nil {
				delete(have, ch.ID)
			} else {
				have[ch.ID] = ch.Entry.Contact()
			}
		}
		if diff := cmp.Diff(now[b.Name()], have, cmp.Comparer((*directory.Contact).LooksLike)); diff != "" {
			tb.Errorf("book %s from revision %d (-view +client):\n%s", b.Name(), s.Revision[b.Name()], diff)
		}
	}
}

// stored returns the contact of the newest view; nil = there is none.
func (b *bench) stored(id directory.ContactID) *directory.Contact {
	if e := b.View().Entry(id); e != nil {
		return e.Contact()
	}
	return nil
}

// book returns the ids of a book in their order.
func (b *bench) book(name directory.BookName) []directory.ContactID {
	return slices.Sorted(maps.Keys(Members(b.View())[name]))
}

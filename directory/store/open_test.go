package store_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dgraph-io/badger/v4"

	"ringbook/directory"
	"ringbook/directory/index"
	"ringbook/directory/store"
	"ringbook/directory/store/storetest"
)

func TestInMemory(t *testing.T) {
	s := openStore(t, "", inMemory(t))
	a, err := s.Apply(t.Context(), directory.Batch{Source: directory.SourceUser, Changes: storetest.Puts(storetest.Person(1))})
	if err != nil || a.Added != 1 || s.View().Len() != 1 {
		t.Errorf("%+v, %v", a, err)
	}
}

func inMemory(t *testing.T) store.Options {
	t.Helper()
	o := storetest.Options(t)
	o.InMemory = true
	return o
}

func TestLocked(t *testing.T) {
	dir := t.TempDir()
	openStore(t, dir, storetest.Options(t))
	_, err := store.Open(t.Context(), dir, storetest.Options(t))
	if err == nil || !strings.Contains(err.Error(), "another ringbook uses the folder "+dir) {
		t.Errorf("a folder in use: %v", err)
	}
}

func TestNewerSchema(t *testing.T) {
	for version, want := range map[string]string{"2": "start the newer ringbook", "x": "restore a backup"} {
		dir := t.TempDir()
		if err := openStore(t, dir, storetest.Options(t)).Close(); err != nil {
			t.Fatal(err)
		}
		db, err := badger.Open(badger.DefaultOptions(dir).WithLogger(nil))
		if err != nil {
			t.Fatal(err)
		}
		err = db.Update(func(txn *badger.Txn) error { return txn.Set([]byte("m/schema"), []byte(version)) })
		if err := errors.Join(err, db.Close()); err != nil {
			t.Fatal(err)
		}
		_, err = store.Open(t.Context(), dir, storetest.Options(t))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("schema %s: %v", version, err)
		}
	}
}

// TestDamaged spoils the files of a store: nobody is left out in silence.
func TestDamaged(t *testing.T) {
	const people = 300
	for pattern, want := range map[string]string{"*.sst": "restore a backup", "MANIFEST": "restore a backup", "*.vlog": ""} {
		dir := t.TempDir()
		fill(t, dir, people)
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("no %s: %v", pattern, err)
		}
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for i := min(len(b)-20, 1000); i < min(len(b), 1400); i++ { // in a photo, not in its header
				b[i] ^= 0xff
			}
			if err := os.WriteFile(file, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s, err := store.Open(t.Context(), dir, storetest.Options(t))
		if want != "" {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s spoilt: %v", pattern, err)
			}
			continue
		}
		if err != nil || s.View().Len() != people {
			t.Fatalf("%s spoilt: %v", pattern, err)
		}
		if _, err := s.Photo(t.Context(), noise(0).ID, directory.PhotoLarge); !errors.Is(err, directory.ErrNotFound) {
			t.Errorf("a spoilt photo: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWrongRule(t *testing.T) {
	o := storetest.Options(t)
	o.Books[0].Filter = "(nonsense"
	dir := t.TempDir()
	if _, err := store.Open(t.Context(), dir, o); !errors.Is(err, directory.ErrInvalid) {
		t.Errorf("a broken rule: %v", err)
	}
	if err := openStore(t, dir, storetest.Options(t)).Close(); err != nil {
		t.Errorf("after the rule was mended: %v", err)
	}
}

// TestRuleThatTurnsEverybodyOut opens a guarded store with a misspelt rule.
func TestRuleThatTurnsEverybodyOut(t *testing.T) {
	dir, o := t.TempDir(), storetest.Options(t)
	o.ShrinkGuard = 0.2
	s := openStore(t, dir, o)
	var all []*directory.Contact
	for i := range 20 {
		all = append(all, storetest.Person(i))
	}
	if _, err := s.Apply(t.Context(), directory.Batch{Feed: storetest.Feed, Source: directory.SourceUser, Changes: storetest.Puts(all...)}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	o.Books[1].Filter = "(department=Slaes)"
	if _, err := store.Open(t.Context(), dir, o); !errors.Is(err, directory.ErrShrink) || !strings.Contains(err.Error(), "book sales") {
		t.Errorf("a rule that lets nobody in: %v", err)
	}
	o.Books[1].Filter = "(department=Works)" // others than before
	if err := openStore(t, dir, o).Close(); err != nil {
		t.Fatal(err)
	}
	o.Books[1].Filter, o.ShrinkGuard = "(department=Slaes)", 0
	s = openStore(t, dir, o)
	if n := len(storetest.Members(s.View())["sales"]); n != 0 {
		t.Errorf("%d members of a book that was emptied on purpose", n)
	}
}

// TestBookThatDevicesHave opens a guarded store with a book less, or by another
// name, than devices have.
func TestBookThatDevicesHave(t *testing.T) {
	dir, o := t.TempDir(), storetest.Options(t)
	o.ShrinkGuard = 0.2
	reopen := func() error {
		s, err := store.Open(t.Context(), dir, o)
		if err != nil {
			return err
		}
		return s.Close()
	}
	if err := reopen(); err != nil { // the first start; the next ones know the books
		t.Fatal(err)
	}
	s := openStore(t, dir, o)
	for id, d := range map[directory.DeviceID]directory.Device{
		"both": {Books: []directory.BookName{"people", "sales"}, State: directory.DeviceActive},
		"gone": {Books: []directory.BookName{"sales"}, State: directory.DeviceRevoked},
		"one":  {Books: []directory.BookName{"people"}, State: directory.DeviceActive},
	} {
		d.ID, d.Login = id, directory.Login(id)
		if err := s.AddDevice(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Apply(t.Context(), directory.Batch{Source: directory.SourceUser, Changes: storetest.Puts(storetest.Person(1))}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	all := o.Books
	o.Books = slices.Clone(all)
	o.Books[1].Name = "Sales"
	if err := reopen(); !errors.Is(err, directory.ErrShrink) || !strings.Contains(err.Error(), "book sales") || !strings.Contains(err.Error(), "has it (1)") {
		t.Errorf("a book by another name: %v", err)
	}
	o.Books = all
	if err := reopen(); err != nil {
		t.Errorf("its name given back: %v", err)
	}
	o.Books, o.ShrinkGuard = all[:1], 0
	if err := reopen(); err != nil {
		t.Errorf("taken away on purpose: %v", err)
	}
	o.ShrinkGuard = 0.2
	if err := reopen(); err != nil {
		t.Errorf("the start after that: %v", err)
	}
}

// TestInterrupted ends a large batch between its pieces.
func TestInterrupted(t *testing.T) {
	const people = 8_000
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	o := storetest.Options(t)
	drawn := 0
	o.Renderer.Print = func(*directory.Contact) [16]byte {
		if drawn++; drawn == 10 {
			cancel()
		}
		return [16]byte{}
	}
	s := openStore(t, dir, o)
	var all []*directory.Contact
	for i := range people {
		all = append(all, storetest.Person(i))
	}
	batch := directory.Batch{
		Feed: storetest.Feed, Source: directory.SourceUser, Changes: storetest.Puts(all...), Next: &directory.Cursor{Link: "end"},
	}
	if _, err := s.Apply(ctx, batch); !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted: %v", err)
	}
	half := s.View().Len()
	if half == 0 || half == people {
		t.Fatalf("%d of %d contacts: not between pieces", half, people)
	}
	snap := storetest.Snap(s.View())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, dir, o)
	if c, _ := s.Cursor(t.Context(), storetest.Feed); c.Link != "" || s.View().Loaded() || s.View().Len() != half {
		t.Errorf("after a start: cursor %q, loaded %v, %d contacts, want %d", c.Link, s.View().Loaded(), s.View().Len(), half)
	}
	a, err := s.Apply(t.Context(), batch)
	if err != nil || a.Added != people-half || a.Unchanged != half || !s.View().Loaded() {
		t.Errorf("the same batch again: %+v, %v", a, err)
	}
	storetest.CatchUp(t, s.View(), snap)
}

// TestPhotoGrace lets the clock of a bubble run until a photo is deleted.
func TestPhotoGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t, "", inMemory(t))
		ann, bob, cat := storetest.Person(1), storetest.Person(2), storetest.Person(3)
		_, err := s.Apply(t.Context(), directory.Batch{Source: directory.SourceUser, Changes: storetest.Puts(ann, bob, cat)})
		if err != nil {
			t.Fatal(err)
		}
		gone, kept, back := storetest.Picture("gone"), storetest.Picture("kept"), storetest.Picture("back")
		set := func(c *directory.Contact, p *directory.Photo) {
			t.Helper()
			if _, err := s.ApplyPhotos(t.Context(), time.Now(), []directory.PhotoChange{{ID: c.ID, Photo: p}}); err != nil {
				t.Fatal(err)
			}
		}
		set(ann, gone)
		set(bob, kept)
		set(cat, back)
		set(cat, nil)
		remove := directory.Batch{Source: directory.SourceUser, Changes: []directory.Change{{ID: ann.ID, Removed: true}}}
		if _, err := s.Apply(t.Context(), remove); err != nil {
			t.Fatal(err)
		}
		has := func(p *directory.Photo) bool {
			t.Helper()
			_, err := s.Photo(t.Context(), p.ID, directory.PhotoLarge)
			if err != nil && !errors.Is(err, directory.ErrNotFound) {
				t.Fatal(err)
			}
			return err == nil
		}
		<-time.After(store.PhotoGrace - time.Minute)
		if !has(gone) || !has(kept) || !has(back) {
			t.Error("a photo went within its grace")
		}
		set(cat, back)
		<-time.After(time.Hour)
		if has(gone) {
			t.Error("a photo that nobody has is kept")
		}
		if !has(kept) || !has(back) {
			t.Error("a photo that somebody has is gone")
		}
	})
}

func TestLog(t *testing.T) {
	var out bytes.Buffer
	o := storetest.Options(t)
	o.Log = slog.New(slog.NewTextHandler(&out, nil))
	if err := openStore(t, t.TempDir(), o).Close(); err != nil {
		t.Fatal(err)
	}
	if out.Len() > 0 {
		t.Errorf("an ordinary start says:\n%s", out.String())
	}
}

// TestRedrawInterrupted ends a start while cards are drawn anew.
func TestRedrawInterrupted(t *testing.T) {
	const people, redrawn = 2000, 10 + 900 // names of an even length: see storetest.Renderer
	dir := t.TempDir()
	o := storetest.Options(t)
	s := openStore(t, dir, o)
	var all []*directory.Contact
	for i := range people {
		all = append(all, storetest.Person(i))
	}
	if _, err := s.Apply(t.Context(), directory.Batch{Source: directory.SourceUser, Changes: storetest.Puts(all...)}); err != nil {
		t.Fatal(err)
	}
	revision := s.View().Revision()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	o.Renderer = storetest.Renderer("2")
	drawn, draw := 0, o.Renderer.Print
	o.Renderer.Print = func(c *directory.Contact) [16]byte {
		if drawn++; drawn == people+redrawn/2 {
			cancel()
		}
		return draw(c)
	}
	if _, err := store.Open(ctx, dir, o); !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted: %v", err)
	}
	s = openStore(t, dir, o)
	for _, b := range s.View().Books() {
		if b.Name() != "people" {
			continue
		}
		steps, err := b.Since(index.Position{Revision: revision})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for range steps {
			n++
		}
		if n != redrawn || s.View().Revision() < revision+2 {
			t.Errorf("%d cards moved, want %d; revision %d", n, redrawn, s.View().Revision())
		}
	}
}

package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dgraph-io/badger/v4"

	"ringbook/directory"
	"ringbook/directory/store"
	"ringbook/directory/store/storetest"
)

// noise is a photo that no compression makes smaller.
func noise(n int) *directory.Photo {
	r := rand.NewChaCha8([32]byte{byte(n), byte(n >> 8)})
	p := &directory.Photo{ID: directory.PhotoID(fmt.Sprint("noise", n)), Large: make([]byte, 30<<10), Small: make([]byte, 4<<10)}
	_, _ = r.Read(p.Large)
	_, _ = r.Read(p.Small)
	return p
}

// fill gives a new store so many people with photos, and closes it.
func fill(t *testing.T, dir string, people int) {
	t.Helper()
	s := openStore(t, dir, storetest.Options(t))
	batch := directory.Batch{Feed: storetest.Feed, Source: directory.SourceUser}
	var photos []directory.PhotoChange
	for i := range people {
		batch.Changes = append(batch.Changes, storetest.Puts(storetest.Person(i))...)
		photos = append(photos, directory.PhotoChange{ID: storetest.Person(i).ID, Photo: noise(i)})
	}
	if _, err := s.Apply(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ApplyPhotos(t.Context(), time.Now(), photos); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// remove removes everybody but the people from some number on.
func remove(t *testing.T, s *store.Store, from int) {
	t.Helper()
	stay := storetest.Person(from).ID
	batch := directory.Batch{Feed: storetest.Feed, Source: directory.SourceUser, Sweep: func(id directory.ContactID) bool { return id >= stay }}
	if _, err := s.Apply(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
}

// TestGoneWithinADay looks in the files themselves for a leaver of a small
// tenant, whose store is never closed and whose photos fill no file.
func TestGoneWithinADay(t *testing.T) {
	const people = 20
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		fill(t, dir, people)
		leaver, stayer := photoKey(t, dir, 0), photoKey(t, dir, people-1)
		s := openStore(t, dir, storetest.Options(t))
		if s.View().Len() != people || !stands(t, dir, leaver) || !stands(t, dir, stayer) {
			t.Fatal("the keys are not where they are looked for")
		}
		if stands(t, dir, noise(0).Large[:64]) {
			t.Error("a photo is in the files unsealed")
		}
		mail := []byte(storetest.Person(0).Emails[0])
		if !stands(t, dir, mail) {
			t.Fatal("the contact is not where it is looked for")
		}
		remove(t, s, 1)
		<-time.After(store.ForgetEvery + time.Hour)
		if stands(t, dir, leaver) {
			t.Error("the key to a leaver's photo is in the files")
		}
		if stands(t, dir, mail) {
			t.Error("a leaver is in the files")
		}
		if !stands(t, dir, stayer) {
			t.Error("somebody else's key is gone")
		}
		got, err := s.Photo(t.Context(), noise(people-1).ID, directory.PhotoSmall)
		if err != nil || !bytes.Equal(got, noise(people-1).Small) {
			t.Errorf("the photo of somebody who stays: %d bytes, %v", len(got), err)
		}
		if _, err := s.Photo(t.Context(), noise(0).ID, directory.PhotoLarge); !errors.Is(err, directory.ErrNotFound) {
			t.Errorf("the photo of a leaver: %v", err)
		}
	})
}

// TestSpace has the space of removed photos given back.
func TestSpace(t *testing.T) {
	const people = 1000
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		fill(t, dir, people)
		before := size(t, dir)
		s := openStore(t, dir, storetest.Options(t))
		remove(t, s, people)
		<-time.After(store.ForgetEvery + time.Hour)
		if after := size(t, dir); after > before/4 {
			t.Errorf("%d of %d bytes are left", after, before)
		}
	})
}

// photoKey returns the key of a person's photo, in a store that is closed.
func photoKey(t *testing.T, dir string, person int) (key []byte) {
	t.Helper()
	db, err := badger.Open(badger.DefaultOptions(dir).WithLogger(nil))
	if err != nil {
		t.Fatal(err)
	}
	err = db.View(func(txn *badger.Txn) error {
		item, err := txn.Get([]byte("p/" + string(noise(person).ID) + "/k"))
		if err != nil {
			return err
		}
		key, err = item.ValueCopy(nil)
		return err
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	return key
}

// stands reports whether any file of a folder holds the text.
func stands(t *testing.T, dir string, text []byte) (found bool) {
	t.Helper()
	walk(t, dir, func(path string, _ fs.FileInfo) {
		if b, err := os.ReadFile(path); err == nil && bytes.Contains(b, text) {
			found = true
		}
	})
	return found
}

// size adds up what the value logs take; the newest is as long as it may become.
func size(t *testing.T, dir string) (sum int64) {
	t.Helper()
	walk(t, dir, func(path string, info fs.FileInfo) {
		if strings.HasSuffix(path, ".vlog") && info.Size() < 32<<20 {
			sum += info.Size()
		}
	})
	return sum
}

func walk(t *testing.T, dir string, f func(string, fs.FileInfo)) {
	t.Helper()
	err := filepath.Walk(dir, func(path string, info fs.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			f(path, info)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

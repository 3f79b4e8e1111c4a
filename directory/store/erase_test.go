package store_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

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

// TestErased looks for the photos of removed people in the files themselves.
// Photos go when their file is rewritten, which the newest file never is.
func TestErased(t *testing.T) {
	const people = 1000
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
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
		batch.Changes, batch.Sweep = nil, func(directory.ContactID) bool { return false }
		if _, err := s.Apply(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		if n := found(t, dir, people); n != people/sample {
			t.Errorf("%d photos in the files, want all %d", n, people/sample)
		}
		<-time.After(2 * store.PhotoGrace) // they are deleted
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = openStore(t, dir, storetest.Options(t))
		<-time.After(time.Hour) // and their files rewritten
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if n := found(t, dir, people); n > people/sample/2 {
			t.Errorf("%d photos of %d removed people are in the files", n, people/sample)
		}
	})
}

// sample: every so many photos are looked for.
const sample = 50

// found counts which of the first n photos stand in any file.
func found(t *testing.T, dir string, n int) int {
	t.Helper()
	var files [][]byte
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		files = append(files, b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for i := 0; i < n; i += sample {
		for _, b := range files {
			if bytes.Contains(b, noise(i).Large[:64]) {
				count++
				break
			}
		}
	}
	return count
}

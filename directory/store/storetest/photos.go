package storetest

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
	"ringbook/directory/index"
)

func index0(r directory.Revision) index.Position { return index.Position{Revision: r} }

// changedSince returns what changed in the book "people" since a snapshot.
func changedSince(t *testing.T, b *bench, s Snapshot) []directory.ContactID {
	t.Helper()
	var ids []directory.ContactID
	for _, book := range b.View().Books() {
		if book.Name() != "people" {
			continue
		}
		steps, err := book.Since(index0(s.Revision["people"]))
		if err != nil {
			t.Fatal(err)
		}
		for ch := range steps {
			ids = append(ids, ch.ID)
		}
	}
	return ids
}

// Picture returns a photo whose content is its name.
func Picture(name string) *directory.Photo {
	return &directory.Photo{
		ID:    directory.PhotoID(name),
		Large: bytes.Repeat([]byte(name+" large "), 3000/len(name)),
		Small: bytes.Repeat([]byte(name+" small "), 300/len(name)),
	}
}

func (b *bench) photos(at time.Time, ch ...directory.PhotoChange) directory.Applied {
	b.Helper()
	a, err := b.ApplyPhotos(b.Context(), at, ch)
	if err != nil {
		b.Fatal(err)
	}
	return a
}

// has fails the test unless the store has the photo in all sizes.
func (b *bench) has(p *directory.Photo) {
	b.Helper()
	for size, want := range map[directory.PhotoSize][]byte{directory.PhotoLarge: p.Large, directory.PhotoSmall: p.Small, "": p.Large} {
		if got, err := b.Photo(b.Context(), p.ID, size); err != nil || !bytes.Equal(got, want) {
			b.Errorf("photo %s of size %q: %d bytes, %v", p.ID, size, len(got), err)
		}
	}
}

func testPhotos(t *testing.T, open Open) {
	b := newBench(t, open)
	b.put(Person(1), Person(2))
	snap := Snap(b.View())
	at := time.Now()
	ann, bob := Picture("ann"), Picture("bob")
	b.count(b.photos(at,
		directory.PhotoChange{ID: id(1), Tag: "t1", Photo: ann},
		directory.PhotoChange{ID: id(2)},
		directory.PhotoChange{ID: id(3), Tag: "t3", Photo: bob},
	), 0, 1, 0, 1)
	if rev := b.View().Revision(); rev != 2 {
		t.Errorf("revision %d", rev)
	}
	if got := changedSince(t, b, snap); !slices.Equal(got, []directory.ContactID{id(1)}) {
		t.Errorf("changed: %v", got)
	}
	b.has(ann)
	b.count(b.photos(at, directory.PhotoChange{ID: id(1), Tag: "t2", Photo: ann}), 0, 0, 0, 1)
	b.put(Person(1)) // Fresh, and knows of no photo
	b.reopen()
	b.has(ann)
	if c := b.stored(id(1)); c.Photo != ann.ID {
		t.Errorf("photo %q", c.Photo)
	}
	b.count(b.photos(at, directory.PhotoChange{ID: id(1), Tag: "t2", Same: true}), 0, 0, 0, 1)
	if c := b.stored(id(1)); c.Photo != ann.ID {
		t.Errorf("a photo that was asked about and did not change became %q", c.Photo)
	}
	b.photos(at, directory.PhotoChange{ID: id(1), Tag: "t3", Photo: bob})
	b.has(bob)
	b.has(ann) // somebody may be reading an old view
	b.count(b.photos(at, directory.PhotoChange{ID: id(1), Tag: "broken"}), 0, 1, 0, 0)
	if c := b.stored(id(1)); c.Photo != "" {
		t.Errorf("photo %q", c.Photo)
	}
	for _, size := range []directory.PhotoSize{directory.PhotoNone, directory.PhotoLarge} {
		if _, err := b.Photo(t.Context(), "nobody", size); !errors.Is(err, directory.ErrNotFound) {
			t.Errorf("no photo: %v", err)
		}
	}
	fat := Picture("fat")
	fat.Large = make([]byte, directory.MaxLargePhoto+1)
	if _, err := b.ApplyPhotos(t.Context(), at, []directory.PhotoChange{{ID: id(1), Photo: fat}}); !errors.Is(err, directory.ErrInvalid) {
		t.Errorf("a photo over the limit: %v", err)
	}
}

// testSharedPhoto lets two contacts have one photo, as new people with the
// company's logo do.
func testSharedPhoto(t *testing.T, open Open) {
	b := newBench(t, open)
	b.put(Person(1), Person(2))
	logo := Picture("logo")
	b.photos(time.Now(), directory.PhotoChange{ID: id(1), Photo: logo}, directory.PhotoChange{ID: id(2), Photo: logo})
	b.apply(directory.Batch{Feed: Feed, Source: directory.SourceUser, Changes: removals(id(1))})
	b.reopen()
	b.has(logo)
	if c := b.stored(id(2)); c.Photo != logo.ID {
		t.Errorf("photo %q", c.Photo)
	}
}

func testPhotosDue(t *testing.T, open Open) {
	b := newBench(t, open)
	b.put(people(5)...)
	org := Person(7)
	b.apply(directory.Batch{Feed: "contacts", Source: directory.SourceOrgContact, Changes: Puts(org)})
	at := time.Unix(1_800_000_000, 0)
	due := func(before time.Time, n int) []directory.PhotoDue {
		t.Helper()
		d, err := b.PhotosDue(t.Context(), directory.SourceUser, before, n)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	if d := due(at, 100); len(d) != 5 {
		t.Errorf("nobody was asked for and %d are due", len(d))
	}
	b.photos(at.Add(2*time.Hour), directory.PhotoChange{ID: id(0), Tag: "zero", Photo: Picture("zero")})
	b.photos(at.Add(time.Hour), directory.PhotoChange{ID: id(1), Tag: "one", Photo: Picture("one")})
	b.photos(at.Add(3*time.Hour), directory.PhotoChange{ID: id(2)}, directory.PhotoChange{ID: id(3)})
	for range 2 {
		want := []directory.PhotoDue{{ID: id(4)}, {ID: id(1), Tag: "one"}, {ID: id(0), Tag: "zero"}}
		if diff := cmp.Diff(want, due(at.Add(3*time.Hour), 100)); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(want[:2], due(at.Add(3*time.Hour), 2)); diff != "" {
			t.Error(diff)
		}
		for _, early := range []time.Time{at, {}} {
			if diff := cmp.Diff(want[:1], due(early, 2)); diff != "" {
				t.Error(diff)
			}
		}
		b.reopen()
	}
	b.apply(directory.Batch{Feed: Feed, Source: directory.SourceUser, Changes: removals(id(4), id(1))})
	b.put(Person(1))
	want := []directory.PhotoDue{{ID: id(1)}, {ID: id(0), Tag: "zero"}}
	if diff := cmp.Diff(want, due(at.Add(3*time.Hour), 100)); diff != "" {
		t.Error(diff)
	}
}

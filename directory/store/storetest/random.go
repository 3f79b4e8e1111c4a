package storetest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
)

// A model is what a store should hold: the plainest thing that can.
type model map[directory.ContactID]*directory.Contact

// news draws one change at random and does it to the model.
func (m model) news(r *rand.Rand) directory.Change {
	c := id(r.IntN(40))
	if r.IntN(4) == 0 {
		delete(m, c)
		return directory.Change{ID: c, Removed: true}
	}
	word := fmt.Sprint(r.IntN(3))
	dept := []string{"Sales", "Works"}[r.IntN(2)]
	enabled := directory.Flag(r.IntN(3))
	update := func(c *directory.Contact) {
		switch word {
		case "0":
			c.DisplayName, c.Department = "Name "+dept, dept
		case "1":
			c.AccountEnabled = enabled
		default:
			c.Emails = append(c.Emails[:0:0], dept+"@contoso.com")
		}
	}
	next := &directory.Contact{ID: c, Source: directory.SourceUser}
	fresh := r.IntN(3) == 0
	if old := m[c]; old != nil {
		if next.Photo = old.Photo; !fresh {
			next = old.Clone()
		}
	}
	update(next)
	m[c] = next
	return directory.Change{ID: c, Fresh: fresh, Update: update}
}

// check compares everything that a store shows with the model.
func (b *bench) check(m model) {
	b.Helper()
	if n := b.View().Len(); n != len(m) {
		b.Errorf("%d contacts, want %d", n, len(m))
	}
	sets := map[directory.BookName]map[directory.ContactID]*directory.Contact{"people": {}, "sales": {}}
	for id, c := range m {
		if diff := cmp.Diff(c, b.stored(id)); diff != "" {
			b.Errorf("%s (-model +store):\n%s", id, diff)
		}
		if c.AccountEnabled != directory.False { // the default rule
			sets["people"][id] = c
		}
		if c.AccountEnabled == directory.True && c.Department == "Sales" {
			sets["sales"][id] = c
		}
	}
	if diff := cmp.Diff(sets, Members(b.View())); diff != "" {
		b.Errorf("books (-model +store):\n%s", diff)
	}
}

// testRandom applies batches at random, opening the store again at random, and
// compares it with a model, and every earlier client with the newest view.
func testRandom(t *testing.T, open Open) {
	const batches = 150
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // chance that can be repeated
	b := newBench(t, open)
	m := make(model)
	snaps := []Snapshot{Snap(b.View())}
	for i := range batches {
		before := maps.Clone(m)
		rev := b.View().Revision()
		b.randomBatch(r, m, i)
		if same := cmp.Equal(before, m); same != (b.View().Revision() == rev) {
			t.Fatalf("batch %d: no difference: %v; revision %d after %d", i, same, b.View().Revision(), rev)
		}
		if r.IntN(10) == 0 {
			b.reopen()
		}
		b.check(m)
		for _, s := range snaps {
			CatchUp(t, b.View(), s)
		}
		if t.Failed() {
			t.FailNow()
		}
		snaps = append(snaps, Snap(b.View()))
	}
}

func (b *bench) randomBatch(r *rand.Rand, m model, i int) {
	b.Helper()
	if r.IntN(5) == 0 {
		b.randomPhotos(r, m)
		return
	}
	batch := directory.Batch{Feed: Feed, Source: directory.SourceUser}
	// What a batch removes and brings back keeps its photo.
	photos := make(map[directory.ContactID]directory.PhotoID)
	for id, c := range m {
		photos[id] = c.Photo
	}
	for range r.IntN(8) {
		batch.Changes = append(batch.Changes, m.news(r))
	}
	for id, photo := range photos {
		if c := m[id]; c != nil && c.Photo != photo {
			c.Photo = photo
		}
	}
	if r.IntN(10) == 0 {
		limit := id(r.IntN(40))
		batch.Sweep = func(c directory.ContactID) bool { return c < limit }
		maps.DeleteFunc(m, func(c directory.ContactID, _ *directory.Contact) bool { return c >= limit })
	}
	if r.IntN(3) == 0 {
		batch.Next = &directory.Cursor{Link: fmt.Sprint(i)}
	}
	b.apply(batch)
}

func (b *bench) randomPhotos(r *rand.Rand, m model) {
	b.Helper()
	var ch []directory.PhotoChange
	for range r.IntN(4) {
		c := directory.PhotoChange{ID: id(r.IntN(40))}
		if r.IntN(3) > 0 {
			c.Photo = Picture(fmt.Sprintf("photo%d", r.IntN(6)))
		}
		ch = append(ch, c)
		if old := m[c.ID]; old != nil {
			m[c.ID] = old.Clone()
			m[c.ID].Photo = ""
			if c.Photo != nil {
				m[c.ID].Photo = c.Photo.ID
			}
		}
	}
	b.photos(time.Now(), ch...)
	for _, c := range m {
		if c.Photo != "" {
			b.has(Picture(string(c.Photo)))
		}
	}
}

package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
	"ringbook/directory/number"
	"ringbook/directory/store"
)

func rule(filter string) func(*store.Options) {
	return func(o *store.Options) {
		o.Books = slices.Clone(o.Books)
		o.Books[1].Filter = filter
	}
}

func testRules(t *testing.T, open Open) {
	b := newBench(t, open)
	b.put(people(3000)...)
	snap := Snap(b.View())
	b.reopen(rule("(department=Works)"), func(o *store.Options) {
		o.Books = append(o.Books, directory.Book{Name: "third", Title: "New"})
	})
	if rev := b.View().Revision(); rev != snap.Revision["people"]+1 {
		t.Errorf("revision %d after a changed rule", rev)
	}
	if n := len(b.book("sales")); n != 1500 || b.book("sales")[0] != id(1) {
		t.Errorf("%d members after the change", n)
	}
	CatchUp(t, b.View(), snap)
	if got := Snap(b.View()).Revision["people"]; got != snap.Revision["people"] {
		t.Error("another book moved")
	}
	rev := b.View().Revision()
	b.reopen()
	if b.View().Revision() != rev {
		t.Error("opening without a change made a revision")
	}
	CatchUp(t, b.View(), snap)
}

// testBookComesBack takes a book away, changes people meanwhile, and brings it back.
func testBookComesBack(t *testing.T, open Open) {
	b := newBench(t, open)
	b.put(people(20)...)
	snap := Snap(b.View())
	all := b.o.Books
	b.reopen(func(o *store.Options) { o.Books = all[:1] })
	changed := Person(2)
	changed.JobTitle = "Changed while the book was away"
	b.put(changed)
	b.apply(directory.Batch{Feed: Feed, Source: directory.SourceUser, Changes: removals(id(4))})
	b.reopen()
	b.reopen(func(o *store.Options) { o.Books = all })
	CatchUp(t, b.View(), snap)
	rev := b.View().Revision()
	b.reopen()
	if b.View().Revision() != rev {
		t.Error("a book that is back moves at every start")
	}
}

func testRenderer(t *testing.T, open Open) {
	b := newBench(t, open)
	b.put(people(2000)...) // "Person 7" is even, "Person 17" is odd
	before := b.View()
	snap := Snap(before)
	b.reopen(func(o *store.Options) { o.Renderer = Renderer("2") })
	if b.View().Revision() == before.Revision() {
		t.Fatal("another renderer made no revision")
	}
	for _, book := range b.View().Books() {
		steps, err := book.Since(index0(snap.Revision[book.Name()]))
		if err != nil {
			t.Fatal(err)
		}
		for ch := range steps {
			if name := ch.Entry.Contact().DisplayName; len(name)%2 != 0 {
				t.Fatalf("the card of %q is the same and moved", name)
			}
		}
	}
	if got, want := len(changedSince(t, b, snap)), 10+900; got != want {
		t.Errorf("%d cards moved, want %d", got, want)
	}
	if !b.View().Entry(id(1)).Modified().Equal(before.Entry(id(1)).Modified()) {
		t.Error("a new card of the same value has another date")
	}
	rev := b.View().Revision()
	b.reopen()
	if b.View().Revision() != rev {
		t.Error("the same renderer made a revision")
	}
	b.count(b.put(people(2000)...), 0, 0, 0, 2000)
}

// testMaxPhones keeps the numbers that are not shown.
func testMaxPhones(t *testing.T, open Open) {
	b := newBench(t, open, func(o *store.Options) { o.MaxPhones = 2 })
	ann := Person(1)
	ann.Phones = nil
	for i := range 4 {
		ann.Phones = append(ann.Phones, directory.Phone{Kind: directory.PhoneWork, Written: fmt.Sprint("030 12345", i), Attribute: fmt.Sprint("a", i)})
	}
	change := func(f func(*directory.Contact)) {
		t.Helper()
		b.count(b.apply(directory.Batch{Feed: Feed, Source: directory.SourceUser, Changes: []directory.Change{{ID: ann.ID, Update: f}}}), 0, 1, 0, 0)
	}
	shown := func(want ...string) {
		t.Helper()
		var got []string
		for _, p := range b.stored(ann.ID).Phones {
			got = append(got, p.Written)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("numbers (-want +got):\n%s", diff)
		}
	}
	b.put(ann)
	b.count(b.put(ann), 0, 0, 0, 1)
	shown("030 123450", "030 123451")
	snap := Snap(b.View())
	change(func(c *directory.Contact) { c.Phones = slices.Delete(c.Phones, 3, 4) })
	if steps := changedSince(t, b, snap); len(steps) != 0 {
		t.Errorf("a number that nobody sees moved %v", steps)
	}
	change(func(c *directory.Contact) { c.Phones = slices.Delete(c.Phones, 0, 1) })
	shown("030 123451", "030 123452")
	change(func(c *directory.Contact) { c.Phones = slices.Delete(c.Phones, 0, 1) })
	shown("030 123452")
	b.put(ann)
	b.reopen(func(o *store.Options) { o.Renderer = Renderer("2") })
	b.photos(time.Now(), directory.PhotoChange{ID: ann.ID, Photo: Picture("ann")})
	b.reopen(func(o *store.Options) { o.MaxPhones = 3 })
	shown("030 123450", "030 123451", "030 123452")
}

// testDrawing changes settings that change cards, and nothing else about them.
func testDrawing(t *testing.T, open Open) {
	numbers := func(c *directory.Contact) (p [16]byte) {
		copy(p[:], fmt.Sprint(len(c.Phones), c.DisplayName))
		return p
	}
	b := newBench(t, open, func(o *store.Options) { o.MaxPhones, o.Renderer.Print = 2, numbers })
	ann, bob, cat := Person(1), Person(2), Person(3)
	for i := range 2 {
		ann.Phones = append(ann.Phones, directory.Phone{Kind: directory.PhoneHome, Written: fmt.Sprint("030 12345", i)})
	}
	cat.Phones = nil
	b.put(ann, bob, cat)
	for _, tt := range []struct {
		change func(*store.Options)
		want   []directory.ContactID
	}{
		{func(o *store.Options) { o.MaxPhones = 3 }, []directory.ContactID{ann.ID}},
		{func(o *store.Options) {
			var err error
			if o.Plan, err = number.NewPlan("AT"); err != nil {
				t.Fatal(err)
			}
		}, []directory.ContactID{ann.ID, bob.ID}},
		{func(o *store.Options) {
			var err error
			if o.Plan, err = number.NewPlans(number.Site{Country: "AT"}, number.Site{Name: "graz", Country: "AT"}); err != nil {
				t.Fatal(err)
			}
		}, []directory.ContactID{ann.ID, bob.ID}},
	} {
		snap := Snap(b.View())
		b.reopen(tt.change)
		got := changedSince(t, b, snap)
		slices.Sort(got)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("cards that moved (-want +got):\n%s", diff)
		}
	}
}

package storetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
	"ringbook/directory/store"
)

// testMerged keeps apart what it shows as one: each source is told of, kept and
// swept on its own, and another order of precedence moves those contacts only
// that have several.
func testMerged(t *testing.T, open Open) {
	b := newBench(t, open, guarded)
	b.put(people(30)...)
	local := Person(100)
	local.Source, local.Set, local.Emails, local.JobTitle = directory.SourceLocal, "club", Person(1).Emails, "Goalkeeper"
	lone := Person(101)
	lone.Source, lone.Set = directory.SourceLocal, "club"
	batch := directory.Batch{Feed: "local", Source: directory.SourceLocal, Changes: Puts(local, lone)}
	before := Snap(b.View())
	b.count(b.apply(batch), 2, 0, 0, 0)
	if diff := cmp.Diff([]directory.ContactID{id(1), id(101)}, changedSince(t, b, before)); diff != "" {
		t.Errorf("moved (-want +got):\n%s", diff)
	}
	b.count(b.apply(batch), 0, 0, 0, 2)
	if c := b.View().Entry(id(100)); c.Leader() != id(1) || c.Stored().JobTitle != "Goalkeeper" {
		t.Errorf("the part is of %q, and a %s", c.Leader(), c.Stored().JobTitle)
	}

	snap := Snap(b.View())
	b.reopen(guarded)
	if moved := changedSince(t, b, snap); len(moved) > 0 {
		t.Errorf("a restart moved %v", moved)
	}
	believe := func(o *store.Options) {
		guarded(o)
		o.Precedence = directory.Precedence{directory.FieldTitle: {directory.SourceLocal}}
	}
	b.reopen(believe)
	if diff := cmp.Diff([]directory.ContactID{id(1)}, changedSince(t, b, snap)); diff != "" {
		t.Errorf("another precedence moved (-want +got):\n%s", diff)
	}
	if title := b.View().Entry(id(1)).Contact().JobTitle; title != "Goalkeeper" {
		t.Errorf("title %q", title)
	}
	CatchUp(t, b.View(), snap)
	snap = Snap(b.View())
	b.reopen(believe)
	if moved := changedSince(t, b, snap); len(moved) > 0 {
		t.Errorf("the same precedence moved %v", moved)
	}

	// What changes while a book is away is told when it comes back, also when only a
	// part of a person changed, or left.
	snap = Snap(b.View())
	b.reopen(func(o *store.Options) { believe(o); o.Books = o.Books[1:] })
	b.apply(directory.Batch{Feed: "local", Source: directory.SourceLocal, Changes: removals(local.ID), AcceptShrink: true})
	b.reopen(func(o *store.Options) { believe(o); o.Books = Books() })
	CatchUp(t, b.View(), snap)
	if title := b.View().Entry(id(1)).Contact().JobTitle; title == "Goalkeeper" {
		t.Error("a part that is gone is still shown")
	}
	b.apply(batch)
	snap = Snap(b.View())

	// The user leaves, and the local contact is one of its own again.
	b.apply(directory.Batch{Feed: Feed, Source: directory.SourceUser, Changes: removals(id(1))})
	if !slices.Contains(b.book("people"), id(100)) {
		t.Error("a part is lost with its leader")
	}
	CatchUp(t, b.View(), snap)
}

// testManyParts applies batches that move more contacts than they name, in many books.
func testManyParts(t *testing.T, open Open) {
	b := newBench(t, open, func(o *store.Options) {
		for i := range 10 {
			o.Books = append(o.Books, directory.Book{Name: directory.BookName(fmt.Sprint("b", i)), Filter: "(uid=*)"})
		}
	})
	const n = 1000
	set := func(name string, first int) directory.Batch {
		var all []*directory.Contact
		for i := range n {
			c := Person(first + i)
			c.Source, c.Set, c.Emails = directory.SourceLocal, name, Person(i).Emails
			all = append(all, c)
		}
		return directory.Batch{Feed: directory.Feed("local/" + name), Source: directory.SourceLocal, Changes: Puts(all...), AcceptShrink: true}
	}
	b.put(people(n)...)
	for i, name := range []string{"one", "two", "three"} {
		b.count(b.apply(set(name, 10_000*(i+1))), n, 0, 0, 0)
	}
	if got := len(b.book("b0")); got != n {
		t.Errorf("%d people are shown", got)
	}
	again := set("one", 50_000) // every address is twice in the set now
	b.count(b.apply(again), n, 0, 0, 0)
	if got := len(b.book("b0")); got != 5*n {
		t.Errorf("%d contacts are shown when no address says anything", got)
	}
	snap := Snap(b.View())
	b.reopen()
	CatchUp(t, b.View(), snap)
	if got := len(b.book("b0")); got != 5*n {
		t.Errorf("%d contacts are shown after a restart", got)
	}
}

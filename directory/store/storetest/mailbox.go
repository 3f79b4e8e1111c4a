package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"ringbook/directory"
)

// testMailboxes sweeps one mailbox at a time, keeps the marks of private books
// over a restart, and lets an owner tidy up.
func testMailboxes(t *testing.T, open Open) {
	b := newBench(t, open, guarded)
	fill := func(box directory.ContactID, from, to int) directory.Batch {
		var contacts []*directory.Contact
		for n := from; n < to; n++ {
			c := Person(n)
			c.Source, c.Mailbox = directory.SourceMailbox, box
			contacts = append(contacts, c)
		}
		return directory.Batch{
			Feed: directory.Feed("mailbox/" + string(box)), Source: directory.SourceMailbox, Mailbox: box, Changes: Puts(contacts...),
			Next: &directory.Cursor{Link: "l-" + string(box)},
		}
	}
	sweep := func(box directory.ContactID, keep ...directory.ContactID) directory.Batch {
		batch := fill(box, 0, 0)
		batch.Sweep = func(id directory.ContactID) bool { return slices.Contains(keep, id) }
		return batch
	}
	seen := func(owner directory.ContactID) (n int) {
		shelf := b.View().ShelfOf(directory.Device{Books: []directory.BookName{"people"}, State: directory.DeviceActive, OwnerID: owner})
		return shelf[len(shelf)-1].Len()
	}
	b.put(people(5)...)
	b.count(b.apply(fill("anna", 100, 120)), 20, 0, 0, 0)
	b.count(b.apply(fill("box", 200, 203)), 3, 0, 0, 0)
	if b.View().Loaded() {
		t.Error("mailboxes marked the mirror as loaded")
	}
	feeds, err := b.Feeds(t.Context(), "mailbox/")
	if want := []directory.Feed{"mailbox/anna", "mailbox/box"}; err != nil || !slices.Equal(feeds, want) {
		t.Errorf("feeds %v, %v", feeds, err)
	}

	// What the mailbox says is gone is gone; a sweep of much waits for a person.
	gone := fill("anna", 0, 0)
	gone.Changes = removals(ids(100, 110)...)
	b.count(b.apply(gone), 0, 0, 10, 0)
	if _, err := b.Apply(t.Context(), sweep("anna", ids(110, 115)...)); !errors.Is(err, directory.ErrShrink) {
		t.Errorf("half of a mailbox swept: %v", err)
	}
	if _, err := b.Apply(t.Context(), sweep("anna")); !errors.Is(err, directory.ErrShrink) {
		t.Errorf("all of a mailbox swept: %v", err)
	}
	b.count(b.apply(sweep("anna", ids(110, 119)...)), 0, 0, 1, 0)
	b.count(b.apply(sweep("box")), 0, 0, 3, 0)
	if n, m := seen("anna"), seen("box"); n != 9 || m != 0 {
		t.Errorf("%d and %d contacts are seen", n, m)
	}
	if len(b.book("people")) != 5 {
		t.Errorf("the company sees %v", b.book("people"))
	}

	state := func() (s string) {
		for _, owner := range []directory.ContactID{"anna", "box"} {
			for _, book := range b.View().ShelfOf(directory.Device{State: directory.DeviceActive, OwnerID: owner}) {
				steps, err := book.Since(index0(0))
				if err != nil {
					t.Fatal(err)
				}
				for ch := range steps {
					s += fmt.Sprintln(owner, book.Revision(), ch.ID, ch.Position, ch.Entry != nil)
				}
			}
		}
		return s
	}
	before := state()
	b.reopen(guarded)
	if after := state(); after != before || seen("anna") != 9 {
		t.Errorf("after a restart private books are\n%s\nand were\n%s", after, before)
	}

	leave := sweep("anna")
	leave.AcceptShrink, leave.Next = true, &directory.Cursor{}
	b.count(b.apply(leave), 0, 0, 9, 0)
	if feeds, err := b.Feeds(t.Context(), "mailbox/"); err != nil || len(feeds) != 1 {
		t.Errorf("after one left, feeds %v, %v", feeds, err)
	}
}

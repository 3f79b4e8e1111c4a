package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
	"ringbook/directory/store"
)

func testEmpty(t *testing.T, open Open) {
	b := newBench(t, open)
	v := b.View()
	if v.Revision() != 0 || v.Loaded() || v.Len() != 0 {
		t.Errorf("a new store has revision %d, loaded %v, %d contacts", v.Revision(), v.Loaded(), v.Len())
	}
	epoch := v.Epoch()
	if len(epoch) != 16 {
		t.Errorf("epoch %q", epoch)
	}
	b.reopen()
	if b.View().Epoch() != epoch {
		t.Errorf("epoch %s became %s", epoch, b.View().Epoch())
	}
	if other := newBench(t, open); other.View().Epoch() == epoch {
		t.Error("two stores have one epoch")
	}
	c, err := b.Cursor(t.Context(), Feed)
	if c != (directory.Cursor{}) || err != nil {
		t.Errorf("cursor %v, %v", c, err)
	}
}

func testApply(t *testing.T, open Open) {
	b := newBench(t, open)
	a := b.put(Person(1), Person(2), Person(3))
	b.count(a, 3, 0, 0, 0)
	if a.Revision != 1 || b.View().Revision() != 1 {
		t.Errorf("revision %d, view %d", a.Revision, b.View().Revision())
	}
	a = b.apply(directory.Batch{Feed: Feed, Source: directory.SourceUser, Changes: []directory.Change{
		{ID: id(1), Update: func(c *directory.Contact) { c.JobTitle = "Miller" }},
		{ID: id(2), Removed: true},
		{ID: id(9), Removed: true},
	}})
	b.count(a, 0, 1, 1, 1)
	for range 2 {
		want := Person(1)
		want.JobTitle = "Miller"
		if diff := cmp.Diff(want, b.stored(id(1))); diff != "" {
			t.Error(diff)
		}
		if c := b.stored(id(2)); c != nil {
			t.Errorf("a removed contact is there: %v", c)
		}
		if b.View().Revision() != 2 || b.View().Len() != 2 {
			t.Errorf("revision %d, %d contacts", b.View().Revision(), b.View().Len())
		}
		b.reopen()
	}
}

func testUnchanged(t *testing.T, open Open) {
	b := newBench(t, open)
	b.put(people(10)...)
	before := b.View()
	e := before.Entry(id(1))
	b.count(b.put(people(10)...), 0, 0, 0, 10)
	if b.View().Revision() != before.Revision() || b.View().Entry(id(1)) != e {
		t.Error("unchanged news moved the view")
	}
	modified := e.Modified()
	b.reopen()
	b.count(b.put(people(10)...), 0, 0, 0, 10)
	if b.View().Revision() != before.Revision() {
		t.Errorf("revision %d after unchanged news, %d before", b.View().Revision(), before.Revision())
	}
	if m := b.View().Entry(id(1)).Modified(); !m.Equal(modified) {
		t.Errorf("modified %v became %v", modified, m)
	}
}

func testInvalid(t *testing.T, open Open) {
	b := newBench(t, open)
	for _, bad := range []directory.Change{
		{ID: "", Removed: true},
		{ID: "a/b", Removed: true},
		{ID: "UPPER", Removed: true},
		{ID: "no-update"},
	} {
		batch := directory.Batch{Feed: Feed, Source: directory.SourceUser, Changes: append(Puts(Person(1)), bad)}
		if _, err := b.Apply(t.Context(), batch); !errors.Is(err, directory.ErrInvalid) {
			t.Errorf("change of %q: %v", bad.ID, err)
		}
	}
	if b.View().Len() != 0 {
		t.Error("a part of a refused batch was applied")
	}
}

func testFresh(t *testing.T, open Open) {
	b := newBench(t, open)
	b.put(Person(1))
	b.count(b.apply(directory.Batch{Feed: Feed, Source: directory.SourceUser, Changes: []directory.Change{
		{ID: id(1), Fresh: true, Update: func(c *directory.Contact) { c.Surname = "Only" }},
	}}), 0, 1, 0, 0)
	want := &directory.Contact{ID: id(1), Source: directory.SourceUser, Surname: "Only"}
	if diff := cmp.Diff(want, b.stored(id(1))); diff != "" {
		t.Error(diff)
	}
}

func testRestored(t *testing.T, open Open) {
	b := newBench(t, open)
	b.put(Person(1))
	snap := Snap(b.View())
	b.apply(directory.Batch{Feed: Feed, Source: directory.SourceUser, Changes: removals(id(1))})
	gone := Snap(b.View())
	b.count(b.put(Person(1)), 1, 0, 0, 0)
	b.reopen()
	CatchUp(t, b.View(), snap)
	CatchUp(t, b.View(), gone)
}

// testTwice lets one batch speak of a contact several times.
func testTwice(t *testing.T, open Open) {
	b := newBench(t, open)
	title := func(s string) directory.Change {
		return directory.Change{ID: id(1), Update: func(c *directory.Contact) { c.JobTitle += s }}
	}
	batch := func(ch ...directory.Change) directory.Applied {
		return b.apply(directory.Batch{Feed: Feed, Source: directory.SourceUser, Changes: ch})
	}
	b.count(batch(title("a"), title("b")), 1, 0, 0, 1)
	if c := b.stored(id(1)); c.JobTitle != "ab" {
		t.Errorf("title %q", c.JobTitle)
	}
	rev := b.View().Revision()
	b.count(batch(directory.Change{ID: id(1), Removed: true}, title("ab")), 0, 0, 0, 2)
	b.count(batch(directory.Change{ID: id(2), Update: func(*directory.Contact) {}}, directory.Change{ID: id(2), Removed: true}), 0, 0, 0, 2)
	if b.View().Revision() != rev {
		t.Error("there and back again made a revision")
	}
}

func testSources(t *testing.T, open Open) {
	b := newBench(t, open)
	b.put(Person(1))
	other := directory.Batch{Feed: "contacts", Source: directory.SourceOrgContact}
	other.Changes = removals(id(1))
	b.count(b.apply(other), 0, 0, 0, 1)
	other.Changes, other.Sweep = nil, func(directory.ContactID) bool { return false }
	b.count(b.apply(other), 0, 0, 0, 0)
	if b.stored(id(1)) == nil {
		t.Error("a source removed the contact of another")
	}
}

func testSweep(t *testing.T, open Open) {
	b := newBench(t, open)
	b.put(people(20)...)
	b.reopen()
	snap := Snap(b.View())
	b.count(b.apply(directory.Batch{
		Feed: Feed, Source: directory.SourceUser, Changes: Puts(Person(3)),
		Sweep: func(c directory.ContactID) bool { return c == id(3) || c == id(4) },
	}), 0, 0, 18, 1)
	if got, want := b.book("people"), []directory.ContactID{id(3), id(4)}; !slices.Equal(got, want) {
		t.Errorf("after the sweep: %v", got)
	}
	b.reopen()
	CatchUp(t, b.View(), snap)
}

func testCursor(t *testing.T, open Open) {
	b := newBench(t, open)
	b.put(Person(1))
	if b.View().Loaded() {
		t.Error("loaded before a round has ended")
	}
	next := directory.Cursor{Link: "https://graph.example/delta?token=1", Question: "q"}
	rev := b.View().Revision()
	b.apply(directory.Batch{Feed: Feed, Source: directory.SourceUser, Next: &next})
	if b.View().Revision() != rev {
		t.Error("a cursor alone made a revision")
	}
	for range 2 {
		c, err := b.Cursor(t.Context(), Feed)
		if c != next || err != nil {
			t.Errorf("cursor %v, %v", c, err)
		}
		if c, err := b.Cursor(t.Context(), "other"); c != (directory.Cursor{}) || err != nil {
			t.Errorf("cursor of another feed %v, %v", c, err)
		}
		if !b.View().Loaded() {
			t.Error("not loaded")
		}
		b.reopen()
	}
}

// testPieces applies what no transaction of an engine may hold at once.
func testPieces(t *testing.T, open Open) {
	const many = 8_000
	b := newBench(t, open)
	next := directory.Cursor{Link: "1"}
	b.count(b.apply(directory.Batch{Feed: Feed, Source: directory.SourceUser, Changes: Puts(people(many)...), Next: &next}), many, 0, 0, 0)
	snap := Snap(b.View())
	next.Link = "2"
	a := b.apply(directory.Batch{
		Feed: Feed, Source: directory.SourceUser, Next: &next,
		Sweep: func(c directory.ContactID) bool { return c < id(10) },
	})
	b.count(a, 0, 0, many-10, 0)
	if a.Revision != b.View().Revision() {
		t.Errorf("revision %d, view %d", a.Revision, b.View().Revision())
	}
	b.reopen()
	if c, _ := b.Cursor(t.Context(), Feed); c != next {
		t.Errorf("cursor %v", c)
	}
	if b.View().Len() != 10 {
		t.Errorf("%d contacts", b.View().Len())
	}
	CatchUp(t, b.View(), snap)
}

func guarded(o *store.Options) { o.ShrinkGuard = 0.2 }

func testShrink(t *testing.T, open Open) {
	b := newBench(t, open, guarded)
	b.put(people(100)...)
	before := b.View()
	batch := directory.Batch{
		Feed: Feed, Source: directory.SourceUser, Changes: Puts(Person(500)), Next: &directory.Cursor{Link: "x"},
		Sweep: func(c directory.ContactID) bool { return c >= id(21) },
	}
	_, err := b.Apply(t.Context(), batch)
	if !errors.Is(err, directory.ErrShrink) {
		t.Fatalf("21 of 100 removed: %v", err)
	}
	t.Log(err)
	if b.View() != before {
		t.Error("a stopped batch moved the view")
	}
	if c, _ := b.Cursor(t.Context(), Feed); c.Link != "" {
		t.Error("a stopped batch left its cursor")
	}
	batch.AcceptShrink = true
	b.count(b.apply(batch), 1, 0, 21, 0)
	batch = directory.Batch{Feed: Feed, Source: directory.SourceUser, Changes: removals(id(21), id(22))}
	b.count(b.apply(batch), 0, 0, 2, 0)

	leave := func(c *directory.Contact) { c.Department = "Works" }
	var ch []directory.Change
	for i := 24; i < 60; i += 2 {
		ch = append(ch, directory.Change{ID: id(i), Update: leave})
	}
	if _, err := b.Apply(t.Context(), directory.Batch{Feed: Feed, Source: directory.SourceUser, Changes: ch}); !errors.Is(err, directory.ErrShrink) {
		t.Errorf("18 of 40 leave one book and nobody is removed: %v", err)
	}
}

// testShrinkOverBatches takes people away a few at a time.
func testShrinkOverBatches(t *testing.T, open Open) {
	b := newBench(t, open, guarded)
	b.put(people(100)...)
	cursor := &directory.Cursor{Link: "x"}
	b.apply(directory.Batch{Feed: Feed, Source: directory.SourceUser, Next: cursor})
	remove := func(from, to int, next *directory.Cursor) error {
		batch := directory.Batch{Feed: Feed, Source: directory.SourceUser, Next: next}
		for i := from; i < to; i++ {
			batch.Changes = append(batch.Changes, directory.Change{ID: id(i), Removed: true})
		}
		_, err := b.Apply(t.Context(), batch)
		return err
	}
	if err := errors.Join(remove(0, 10, nil), remove(10, 18, nil)); err != nil {
		t.Fatal(err)
	}
	if err := remove(18, 26, nil); !errors.Is(err, directory.ErrShrink) {
		t.Errorf("26 of 100 in one round: %v", err)
	}
	if err := remove(0, 18, nil); err != nil {
		t.Errorf("the same again: %v", err)
	}
	if err := remove(18, 18, cursor); err != nil {
		t.Fatal(err)
	}
	if err := remove(18, 26, cursor); err != nil {
		t.Errorf("8 of 82 in the next round: %v", err)
	}
}

func testShrinkSmall(t *testing.T, open Open) {
	b := newBench(t, open, guarded)
	b.put(people(3)...)
	b.count(b.apply(directory.Batch{Feed: Feed, Source: directory.SourceUser, Changes: removals(id(0), id(1))}), 0, 0, 2, 0)
}

// testShrinkRestart takes a share away, restarts, and asks for another one.
func testShrinkRestart(t *testing.T, open Open) {
	b := newBench(t, open, guarded)
	b.put(people(100)...)
	b.apply(directory.Batch{Feed: Feed, Source: directory.SourceUser, Next: &directory.Cursor{Link: "x"}})
	for i := range 2 {
		b.apply(directory.Batch{Feed: Feed, Source: directory.SourceUser, Changes: removals(ids(10*i, 10*i+8)...)})
		b.reopen()
	}
	_, err := b.Apply(t.Context(), directory.Batch{Feed: Feed, Source: directory.SourceUser, Changes: removals(ids(50, 58)...)})
	var shrink *directory.ShrinkError
	if !errors.As(err, &shrink) || shrink.Book != "people" || shrink.Leaving != 24 || shrink.Members != 100 {
		t.Errorf("24 of 100 in one round with two restarts: %v", err)
	}
	b.apply(directory.Batch{Feed: Feed, Source: directory.SourceUser, Next: &directory.Cursor{Link: "y"}})
	b.reopen()
	b.apply(directory.Batch{Feed: Feed, Source: directory.SourceUser, Changes: removals(ids(50, 58)...)})
}

// testShrinkAccepted lets a round that a person has accepted fail on its way:
// the next one is not stopped by what was accepted.
func testShrinkAccepted(t *testing.T, open Open) {
	b := newBench(t, open, guarded)
	b.put(people(100)...)
	b.apply(directory.Batch{Feed: Feed, Source: directory.SourceUser, Changes: removals(ids(0, 50)...), AcceptShrink: true})
	b.apply(directory.Batch{Feed: Feed, Source: directory.SourceUser, Changes: removals(ids(50, 52)...), Next: &directory.Cursor{Link: "x"}})
}

// testShrinkNobody sweeps on the strength of an answer without anybody.
func testShrinkNobody(t *testing.T, open Open) {
	b := newBench(t, open, guarded)
	b.put(people(3)...)
	batch := directory.Batch{Feed: Feed, Source: directory.SourceUser, Next: &directory.Cursor{Link: "x"}, Sweep: func(directory.ContactID) bool { return false }}
	if _, err := b.Apply(t.Context(), batch); !errors.Is(err, directory.ErrShrink) || b.View().Len() != 3 {
		t.Errorf("nobody is left of 3: %v", err)
	}
	batch.AcceptShrink = true
	b.count(b.apply(batch), 0, 0, 3, 0)
	batch.AcceptShrink = false
	b.count(b.apply(batch), 0, 0, 0, 0)
}

func ids(from, to int) []directory.ContactID {
	var all []directory.ContactID
	for i := from; i < to; i++ {
		all = append(all, id(i))
	}
	return all
}

// testTogether reads while it writes.
func testTogether(t *testing.T, open Open) {
	b := newBench(t, open)
	ended := make(chan error, 4)
	for w := range 4 {
		go func() {
			var err error
			for i := range 25 {
				c := Person(w*1000 + i)
				_, e := b.Apply(t.Context(), directory.Batch{Feed: directory.Feed(fmt.Sprint(w)), Source: directory.SourceUser, Changes: Puts(c)})
				if b.View().Entry(c.ID) == nil {
					err = fmt.Errorf("%s is not in the view after Apply", c.ID)
				}
				_, f := b.Devices(t.Context())
				err = errors.Join(err, e, f)
			}
			ended <- err
		}()
	}
	for range 4 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if b.View().Len() != 100 || b.View().Revision() != 100 {
		t.Errorf("%d contacts at revision %d", b.View().Len(), b.View().Revision())
	}
}

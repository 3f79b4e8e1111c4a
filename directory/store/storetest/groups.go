package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
	"ringbook/directory/store"
)

// byGroup makes one book of a group, and one of those who are in neither.
func byGroup(o *store.Options) {
	o.Books = []directory.Book{
		{Name: "staff", Filter: "(memberOf=Staff)"},
		{Name: "rest", Filter: "(&(cn=*)(!(|(memberOf=staff)(memberOf=guests))))"},
	}
}

// group applies who belongs to a group.
func (b *bench) group(name directory.Group, members ...int) directory.Applied {
	b.Helper()
	m := directory.Membership{Group: name}
	for _, n := range members {
		m.Members = append(m.Members, id(n))
	}
	a, err := b.ApplyGroup(b.Context(), m)
	if err != nil {
		b.Fatal(err)
	}
	return a
}

// holds compares a book's members.
func (b *bench) holds(name directory.BookName, members ...int) {
	b.Helper()
	var want []directory.ContactID
	for _, n := range members {
		want = append(want, id(n))
	}
	if diff := cmp.Diff(want, b.book(name)); diff != "" {
		b.Errorf("book %s (-want +got):\n%s", name, diff)
	}
}

func testGroups(t *testing.T, open Open) {
	b := newBench(t, open, byGroup)
	b.put(people(3)...)
	b.holds("staff") // nobody knows yet
	b.holds("rest")
	b.group("staff", 1, 2, 7, 2)
	b.holds("staff", 1, 2)
	b.holds("rest") // of the guests nothing is known
	b.group("guests")
	b.holds("rest", 0)

	b.put(Person(7)) // was in the group before he came
	b.holds("staff", 1, 2, 7)
	b.put(Person(1)) // fresh: the source does not know groups
	b.reopen()
	b.holds("staff", 1, 2, 7)
	b.count(b.group("staff", 1, 2, 7), 0, 0, 0, 0)
	b.count(b.group("staff", 0, 2, 7), 0, 2, 0, 0)
	b.holds("staff", 0, 2, 7)
	b.holds("rest", 1)

	b.apply(directory.Batch{Feed: Feed, Source: directory.SourceUser, Changes: removals(id(2))})
	b.holds("staff", 0, 7)
	b.put(Person(2))
	b.holds("staff", 0, 2, 7)
	b.reopen()
	b.group("staff")
	b.holds("staff")
	b.holds("rest", 0, 1, 2, 7)

	if _, err := b.ApplyGroup(t.Context(), directory.Membership{Group: "others"}); !errors.Is(err, directory.ErrInvalid) {
		t.Errorf("a group that no rule asks for: %v", err)
	}
}

// testGroupToCome: a rule that begins to ask for a group leaves the book as it
// is until the group is known.
func testGroupToCome(t *testing.T, open Open) {
	b := newBench(t, open, func(o *store.Options) { o.ShrinkGuard = 0.2 })
	b.put(people(20)...)
	b.apply(directory.Batch{Feed: Feed, Source: directory.SourceUser, Next: &directory.Cursor{Link: "x"}})
	snap := Snap(b.View())
	b.reopen(func(o *store.Options) {
		o.Books = []directory.Book{{Name: "people", Title: "Everybody", Filter: "(memberOf=staff)"}, o.Books[1]}
	})
	everybody := slices.Collect(func(yield func(int) bool) {
		for i := range 20 {
			if !yield(i) {
				return
			}
		}
	})
	b.holds("people", everybody...)
	b.put(Person(20))
	b.holds("people", everybody...) // not known is not in

	half := directory.Membership{Group: "staff", Members: []directory.ContactID{id(1), id(2), id(20)}}
	if _, err := b.ApplyGroup(t.Context(), half); !errors.Is(err, directory.ErrShrink) {
		t.Fatalf("most of the book goes: %v", err)
	}
	b.holds("people", everybody...)
	b.reopen()
	b.holds("people", everybody...)
	half.AcceptShrink = true
	if _, err := b.ApplyGroup(t.Context(), half); err != nil {
		t.Fatal(err)
	}
	b.holds("people", 1, 2, 20)
	CatchUp(t, b.View(), snap)

	// The rule goes and comes back: who left meanwhile is not in it.
	b.reopen(func(o *store.Options) { o.Books, o.ShrinkGuard = Books(), 0 })
	b.reopen(func(o *store.Options) {
		o.Books = []directory.Book{{Name: "people", Title: "Everybody", Filter: "(memberOf=staff)"}, o.Books[1]}
	})
	b.group("staff", 2, 3)
	b.holds("people", 2, 3)
}

// testGroupsLoad: a mirror is loaded when all users and all groups have been
// read, in whatever order; and then stays so.
func testGroupsLoad(t *testing.T, open Open) {
	for _, usersFirst := range []bool{true, false} {
		b := newBench(t, open, byGroup)
		users := func() {
			b.apply(directory.Batch{Feed: Feed, Source: directory.SourceUser, Next: &directory.Cursor{Link: "x"}})
		}
		b.put(people(3)...)
		b.apply(directory.Batch{Feed: "others", Source: directory.SourceOrgContact, Next: &directory.Cursor{Link: "x"}})
		if usersFirst {
			users()
			b.reopen()
		}
		b.group("staff", 1)
		b.reopen()
		if b.View().Loaded() {
			t.Errorf("loaded without all groups, users first: %v", usersFirst)
		}
		b.group("guests")
		if !usersFirst {
			if b.View().Loaded() {
				t.Error("loaded without the users")
			}
			users()
		}
		if !b.View().Loaded() {
			t.Errorf("not loaded, users first: %v", usersFirst)
		}
		b.reopen(func(o *store.Options) { o.Books[0].Filter = "(memberOf=strangers)" })
		if !b.View().Loaded() {
			t.Error("not loaded any more, for a rule that was written today")
		}
		b.holds("staff", 1)
	}
}

// testGroupsAtRandom compares books of groups with a model, whatever comes first.
func testGroupsAtRandom(t *testing.T, open Open) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // chance that can be repeated
	b := newBench(t, open, byGroup)
	const most = 30
	mirrored, staff, guests := map[int]bool{}, map[int]bool{}, map[int]bool{}
	b.group("staff")
	b.group("guests")
	snaps := []Snapshot{Snap(b.View())}
	for range 120 {
		n := r.IntN(most)
		switch r.IntN(6) {
		case 0:
			delete(mirrored, n)
			b.apply(directory.Batch{Feed: Feed, Source: directory.SourceUser, Changes: removals(id(n))})
		case 1, 2:
			mirrored[n] = true
			b.put(Person(n))
		case 3, 4:
			g, members := directory.Group("staff"), staff
			if r.IntN(2) == 0 {
				g, members = "guests", guests
			}
			members[n] = !members[n]
			b.group(g, in(members, most)...)
		case 5:
			b.reopen()
		}
		b.holds("staff", in(and(mirrored, func(n int) bool { return staff[n] }), most)...)
		b.holds("rest", in(and(mirrored, func(n int) bool { return !staff[n] && !guests[n] }), most)...)
		for _, s := range snaps {
			CatchUp(t, b.View(), s)
		}
		if t.Failed() {
			t.FailNow()
		}
		snaps = append(snaps, Snap(b.View()))
	}
}

func in(set map[int]bool, most int) (list []int) {
	for n := range most {
		if set[n] {
			list = append(list, n)
		}
	}
	return list
}

func and(set map[int]bool, also func(int) bool) map[int]bool {
	both := map[int]bool{}
	for n, is := range set {
		both[n] = is && also(n)
	}
	return both
}

// testManyMembers: a group larger than a transaction.
func testManyMembers(t *testing.T, open Open) {
	b := newBench(t, open, byGroup)
	m := directory.Membership{Group: "staff"}
	for n := range 20_000 {
		m.Members = append(m.Members, directory.ContactID(fmt.Sprintf("member-%06d", n)))
	}
	if _, err := b.ApplyGroup(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	b.put(&directory.Contact{ID: "member-019999", DisplayName: "Last"})
	b.reopen()
	if got := b.book("staff"); len(got) != 1 {
		t.Errorf("staff = %v", got)
	}
	b.group("staff")
	if got := b.book("staff"); len(got) != 0 {
		t.Errorf("staff = %v", got)
	}
}

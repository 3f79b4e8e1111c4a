package index_test

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
	"ringbook/directory/filter"
	"ringbook/directory/index"
	"ringbook/directory/number"
)

func plan(tb testing.TB) *number.Plan {
	tb.Helper()
	p, err := number.NewPlan("DE")
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// none is a store that holds nothing.
func none[T any]() iter.Seq[T] { return slices.Values([]T(nil)) }

func newIndex(tb testing.TB, books ...directory.Book) *index.Index {
	tb.Helper()
	x, err := index.New(index.Options{Books: books, Plan: plan(tb)}, "e", 0, none[index.Stored](), none[index.Mark]())
	if err != nil {
		tb.Fatal(err)
	}
	return x
}

func stored(c directory.Contact) index.Stored {
	if c.Source == "" {
		c.Source = directory.SourceUser
	}
	return index.Stored{Contact: &c, Modified: time.Unix(1, 0)}
}

// publish applies contacts and removals as one revision.
func publish(x *index.Index, rev directory.Revision, put []index.Stored, removed ...directory.ContactID) *index.Update {
	u := x.Prepare(rev, put, removed)
	x.Publish(u)
	return u
}

// A mirror is what a store would hold: the contacts and the newest marks.
type mirror struct {
	contacts map[directory.ContactID]index.Stored
	marks    map[[2]string]index.Mark
	sources  bool // contacts come from several, and some are one person
}

func newMirror() *mirror {
	return &mirror{map[directory.ContactID]index.Stored{}, map[[2]string]index.Mark{}, false}
}

// share lets a contact be one that another source has as well.
func (m *mirror) share(r *rand.Rand, c *directory.Contact) {
	if !m.sources {
		return
	}
	c.Source = directory.Sources()[r.IntN(4)]
	if c.Source == directory.SourceMailbox {
		c.Mailbox = directory.ContactID(fmt.Sprint("box", r.IntN(3)))
	}
	if c.Source == directory.SourceLocal {
		c.Set = []string{"", "one", "two"}[r.IntN(3)]
		if r.IntN(3) == 0 {
			c.Same = directory.ContactID(fmt.Sprintf("c%02d", r.IntN(60)))
		}
	} else if r.IntN(4) == 0 {
		c.UserType = "Guest"
	}
	for range r.IntN(3) {
		c.Emails = append(c.Emails, fmt.Sprintf("m%d@x.example", min(r.IntN(50), r.IntN(50))))
	}
}

func (m *mirror) mark(marks []index.Mark) {
	for _, k := range marks {
		m.marks[[2]string{string(k.Book), string(k.ID)}] = k
	}
}

func (m *mirror) batch(r *rand.Rand) (put []index.Stored, removed []directory.ContactID) {
	for range 1 + r.IntN(12) {
		id := directory.ContactID(fmt.Sprintf("c%02d", r.IntN(60)))
		if slices.ContainsFunc(put, func(s index.Stored) bool { return s.Contact.ID == id }) || slices.Contains(removed, id) {
			continue
		}
		if _, ok := m.contacts[id]; ok && r.IntN(4) == 0 {
			removed = append(removed, id)
			delete(m.contacts, id)
			continue
		}
		s := stored(directory.Contact{
			ID: id, DisplayName: fmt.Sprint("Name ", r.IntN(1000)),
			Department: string(rune('a' + r.IntN(4))), Company: string(rune('a' + r.IntN(3))),
		})
		m.share(r, s.Contact)
		put = append(put, s)
		m.contacts[id] = s
	}
	return put, removed
}

// boxes returns a contact of each mailbox.
func (m *mirror) boxes() (put []index.Stored) {
	for i := range 3 {
		c := directory.Contact{ID: directory.ContactID(fmt.Sprint("b", i)), Source: directory.SourceMailbox, Mailbox: directory.ContactID(fmt.Sprint("box", i))}
		m.contacts[c.ID] = stored(c)
		put = append(put, m.contacts[c.ID])
	}
	return put
}

// A follower is a client of one shelf that syncs from where it was.
type follower struct {
	shelf    []directory.BookName
	owner    directory.ContactID
	drained  bool
	position index.Position
	has      map[directory.ContactID]*index.Entry
}

// follow brings the client's copy of one book up to a view, or n steps nearer to it.
func (f *follower) follow(t *testing.T, v *index.View, n int) {
	t.Helper()
	b := book(v, f)
	since, err := b.Since(f.position)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[directory.ContactID]bool{}
	for c := range since {
		p := c.Position
		if p.Revision < f.position.Revision || p.Revision == f.position.Revision && f.position.After != "" && p.After <= f.position.After {
			t.Fatalf("position %v after %v", p, f.position)
		}
		if seen[c.ID] {
			t.Fatalf("%s twice", c.ID)
		}
		seen[c.ID] = true
		f.position = p
		delete(f.has, c.ID)
		if c.Entry != nil {
			f.has[c.ID] = c.Entry
		}
		if n--; n == 0 {
			return
		}
	}
	f.position = index.Position{Revision: b.Revision()}
	looksLike := func(a, b *index.Entry) bool { return a.Contact().LooksLike(b.Contact()) }
	if want := listing(b); !maps.EqualFunc(f.has, want, looksLike) {
		t.Fatalf("shelf %v drained %v at %d: following gives %d members, listing %d", f.shelf, f.drained, v.Revision(), len(f.has), len(want))
	}
}

func (f *follower) clone() *follower {
	g := *f
	g.has = maps.Clone(f.has)
	return &g
}

// book returns the last book of the follower's shelf.
func book(v *index.View, f *follower) *index.Book {
	d := directory.Device{Books: f.shelf, State: directory.DeviceActive, OwnerID: f.owner}
	if f.drained {
		d.State = directory.DeviceDraining
	}
	books := v.ShelfOf(d)
	return books[len(books)-1]
}

func listing(b *index.Book) map[directory.ContactID]*index.Entry {
	all := map[directory.ContactID]*index.Entry{}
	for e := range b.All() {
		all[e.Contact().ID] = e
	}
	return all
}

var propertyBooks = []directory.Book{
	{Name: "x", Title: "X", Filter: "(|(department=a)(company=a))"},
	{Name: "y", Title: "Y", Filter: "(&(cn=*)(!(department=b))(!(importSet=one)))"},
	{Name: "z", Title: "Z", Filter: "(|(&(company=b)(!(source=org_contact)))(&(mailbox=box1)(department=a)))"},
}

var propertyShelves = [][]directory.BookName{{"x"}, {"y"}, {"x", "y"}, {"z", "x", "y"}, {"y", "gone", "y", "x"}}

// From every earlier position, also in the middle of a revision, replaying what
// changed since gives the set that a listing gives; and no view ever changes.
func TestReplayEqualsListing(t *testing.T) {
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 1))
		x, m := newIndex(t, propertyBooks...), newMirror()
		m.sources = seed%2 == 1
		merged := 0
		var followers []*follower
		for _, s := range propertyShelves {
			for _, drained := range []bool{false, true} {
				followers = append(followers, &follower{shelf: s, drained: drained, has: map[directory.ContactID]*index.Entry{}})
			}
		}
		if m.sources { // one of each mailbox, once there is something in it
			m.mark(publish(x, 1, m.boxes()).Marks)
			for i := range 3 {
				f := &follower{shelf: []directory.BookName{"x"}, owner: directory.ContactID(fmt.Sprint("box", i)), has: map[directory.ContactID]*index.Entry{}}
				followers = append(followers, f, f.clone())
			}
		}
		var views []*index.View
		var snapshots []string
		for rev := directory.Revision(2); rev <= 400; rev++ {
			put, removed := m.batch(r)
			m.mark(publish(x, rev, put, removed...).Marks)
			v := x.View()
			for range v.Merged() {
				merged++
			}
			if rev%20 == 0 {
				views, snapshots = append(views, v), append(snapshots, snapshot(t, v))
			}
			for i, f := range followers {
				switch r.IntN(12) {
				case 0:
					f.follow(t, v, 0)
				case 1:
					f.follow(t, v, 1+r.IntN(20))
				case 2:
					f.clone().follow(t, v, 0)
				case 3:
					if len(followers) < 60 {
						followers = append(followers, followers[i%10].clone())
					}
				}
			}
		}
		for _, f := range followers {
			f.follow(t, x.View(), 0)
		}
		for i, v := range views {
			if diff := cmp.Diff(snapshots[i], snapshot(t, v)); diff != "" {
				t.Fatalf("view %d changed: %s", v.Revision(), diff)
			}
		}
		again, err := index.New(index.Options{Books: propertyBooks, Plan: plan(t)}, "e", x.View().Revision(), maps.Values(m.contacts), maps.Values(m.marks))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(snapshot(t, x.View()), snapshot(t, again.View())); diff != "" {
			t.Fatalf("after a restart: %s", diff)
		}
		if u := again.Reconcile(1000); u != nil {
			t.Fatalf("a restart finds %d marks to set right", len(u.Marks))
		}
		if m.sources != (merged > 0) {
			t.Fatalf("%d contacts were shown as others' parts", merged)
		}
	}
}

// snapshot writes everything that can be seen of a view.
func snapshot(t *testing.T, v *index.View) string {
	t.Helper()
	t.Helper()
	var s strings.Builder
	fmt.Fprintln(&s, v.Epoch(), v.Revision(), v.Loaded(), v.Len())
	shelves := propertyShelves
	if mailboxes, contacts := v.Private(); mailboxes > 0 {
		fmt.Fprintln(&s, mailboxes, contacts)
		shelves = append(slices.Clone(shelves), []directory.BookName{"x", "y"})
	}
	for i, names := range shelves {
		owner := directory.ContactID(fmt.Sprint("box", i%3))
		for _, b := range v.ShelfOf(directory.Device{Books: names, State: directory.DeviceActive, OwnerID: owner}) {
			fmt.Fprintln(&s, b.Name(), b.Title(), b.Revision(), b.Len(), len(listing(b)))
			since, err := b.Since(index.Position{})
			if err != nil {
				t.Fatal(err)
			}
			for c := range since {
				fmt.Fprint(&s, c.ID, " ", c.Position)
				if c.Entry != nil {
					fmt.Fprintf(&s, " %+v %v", *c.Entry.Contact(), b.Entry(c.ID) == c.Entry && v.Entry(c.ID) == c.Entry)
				}
				fmt.Fprintln(&s)
			}
		}
	}
	return s.String()
}

// Members of a shelf's later books are those of no earlier one, and lengths say so.
func TestShelf(t *testing.T) {
	x := newIndex(t, propertyBooks...)
	publish(x, 1, []index.Stored{
		stored(directory.Contact{ID: "1", Department: "a"}),
		stored(directory.Contact{ID: "2", Department: "b", Company: "b"}),
		stored(directory.Contact{ID: "3", Department: "c", Company: "b"}),
	})
	got := func(drained bool, names ...directory.BookName) string {
		var s []string
		for _, b := range x.View().Shelf(names, drained) {
			ids := slices.Sorted(maps.Keys(listing(b)))
			if b.Len() != len(ids) {
				t.Errorf("book %s: Len %d, %d members", b.Name(), b.Len(), len(ids))
			}
			s = append(s, fmt.Sprint(b.Name(), ids))
		}
		return strings.Join(s, " ")
	}
	for want, got := range map[string]string{
		"x[1] y[3] z[2]": got(false, "x", "y", "z"),
		"z[2 3] y[1]":    got(false, "z", "nothing", "y", "z"),
		"y[] x[]":        got(true, "y", "x"),
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if n := len(x.View().Books()); n != 3 {
		t.Errorf("%d books", n)
	}
}

func TestPrepareChangesNothing(t *testing.T) {
	x := newIndex(t, propertyBooks...)
	publish(x, 1, []index.Stored{stored(directory.Contact{ID: "1", Company: "b"}), stored(directory.Contact{ID: "2", Company: "b"})})
	before := snapshot(t, x.View())
	u := x.Prepare(2, []index.Stored{stored(directory.Contact{ID: "1", Company: "c"}), stored(directory.Contact{ID: "3", Company: "b"})},
		[]directory.ContactID{"2", "2", "4"})
	if diff := cmp.Diff(before, snapshot(t, x.View())); diff != "" {
		t.Error(diff)
	}
	want := []index.Mark{
		{Book: "y", ID: "2", Revision: 2, Gone: true},
		{Book: "z", ID: "2", Revision: 2, Gone: true},
		{Book: "y", ID: "1", Revision: 2},
		{Book: "z", ID: "1", Revision: 2, Gone: true},
		{Book: "y", ID: "3", Revision: 2},
		{Book: "z", ID: "3", Revision: 2},
	}
	if diff := cmp.Diff(want, u.Marks); diff != "" {
		t.Error(diff)
	}
	for b, want := range map[directory.BookName][2]int{"x": {0, 0}, "y": {1, 2}, "z": {2, 2}, "none": {0, 0}} {
		if leaving, members := u.Left(b); [2]int{leaving, members} != want {
			t.Errorf("book %s: %d of %d leave, want %v", b, leaving, members, want)
		}
	}
	x.Publish(u)
	if n := x.View().Len(); n != 2 {
		t.Errorf("%d contacts", n)
	}
}

// A value that did not change keeps its entry. A change behind the last number
// that is shown makes no news, but is what later news is laid over.
func TestUnchangedMakesNoMark(t *testing.T) {
	x, err := index.New(index.Options{Books: []directory.Book{{Name: "p", Filter: "(cn=*)"}}, Plan: plan(t), MaxPhones: 1}, "e", 0, none[index.Stored](), none[index.Mark]())
	if err != nil {
		t.Fatal(err)
	}
	c := directory.Contact{ID: "1", Phones: []directory.Phone{{Kind: directory.PhoneWork, Written: "1"}, {Kind: directory.PhoneWork, Written: "2"}}}
	publish(x, 1, []index.Stored{stored(c)})
	e := x.View().Entry("1")
	if n := len(e.Contact().Phones); n != 1 || len(c.Phones) != 2 {
		t.Errorf("%d numbers are shown, of %d", n, len(c.Phones))
	}
	c.Phones = []directory.Phone{c.Phones[0], {Kind: directory.PhoneWork, Written: "3"}}
	u := publish(x, 2, []index.Stored{stored(c)})
	e = x.View().Entry("1")
	if len(u.Marks) != 0 || x.View().Revision() != 2 || len(e.Contact().Phones) != 1 || e.Stored().Phones[1].Written != "3" {
		t.Errorf("marks %v, revision %d, shown %v, stored %v", u.Marks, x.View().Revision(), e.Contact().Phones, e.Stored().Phones)
	}
	if publish(x, 3, []index.Stored{stored(*c.Clone())}); x.View().Entry("1") != e {
		t.Error("the same value made another entry")
	}
}

// What only rules ask about moves nothing but who is a member.
func TestHiddenChangeMovesOnlyMembership(t *testing.T) {
	x := newIndex(t,
		directory.Book{Name: "all", Filter: "(cn=*)"},
		directory.Book{Name: "staff", Filter: "(&(employeeType=Employee)(!(extensionAttribute3=hide)))"},
		directory.Book{Name: "team", Filter: "(manager=BOSS)"})
	c := directory.Contact{ID: "1", DisplayName: "Anna", Extras: "employeeType=employee"}
	publish(x, 1, []index.Stored{stored(c)})
	c.Manager, c.Extras = "boss", "employeeType=Employee\nextensionAttribute3=Hide"
	want := []index.Mark{{Book: "staff", ID: "1", Revision: 2, Gone: true}, {Book: "team", ID: "1", Revision: 2}}
	if diff := cmp.Diff(want, publish(x, 2, []index.Stored{stored(c)}).Marks); diff != "" {
		t.Error(diff)
	}
	if got := x.View().Entry("1").Contact().Manager; got != "boss" {
		t.Errorf("the view's manager is %q", got)
	}
	c.Extras = "employeeType=Employee\nextensionAttribute3=Hide\nusageLocation=DE"
	if marks := publish(x, 3, []index.Stored{stored(c)}).Marks; len(marks) > 0 {
		t.Errorf("marks %v for nothing to see", marks)
	}
}

func TestReconcile(t *testing.T) {
	x, m := newIndex(t, propertyBooks...), newMirror()
	r := rand.New(rand.NewPCG(1, 2))
	for rev := directory.Revision(1); rev < 20; rev++ {
		put, removed := m.batch(r)
		m.mark(publish(x, rev, put, removed...).Marks)
	}
	books := []directory.Book{{Name: "x", Filter: "(department=b)"}, {Name: "new", Filter: "(company=*)"}}
	y, err := index.New(index.Options{Books: books, Plan: plan(t)}, "e", 19, maps.Values(m.contacts), maps.Values(m.marks))
	if err != nil {
		t.Fatal(err)
	}
	u := y.Reconcile(20)
	if leaving, members := u.Left("x"); leaving == 0 || members == 0 {
		t.Errorf("%d of %d leave", leaving, members)
	}
	f := &follower{shelf: []directory.BookName{"x"}, has: map[directory.ContactID]*index.Entry{}}
	f.follow(t, y.View(), 0)
	y.Publish(u)
	f.follow(t, y.View(), 0)
	for id := range f.has {
		if m.contacts[id].Contact.Department != "b" {
			t.Errorf("%s should not be in the book", id)
		}
	}
	if n := y.View().Books()[1].Len(); n != len(m.contacts) {
		t.Errorf("the new book has %d of %d", n, len(m.contacts))
	}
	if u := y.Reconcile(21); u != nil {
		t.Error("reconciled twice")
	}
}

func TestTouch(t *testing.T) {
	x := newIndex(t, propertyBooks...)
	publish(x, 1, []index.Stored{stored(directory.Contact{ID: "1", Company: "b"}), stored(directory.Contact{ID: "2", Department: "b"})})
	e := x.View().Entry("1")
	u := x.Touch(2, []directory.ContactID{"1", "1", "2", "3"})
	want := []index.Mark{{Book: "y", ID: "1", Revision: 2}, {Book: "z", ID: "1", Revision: 2}}
	if diff := cmp.Diff(want, u.Marks); diff != "" {
		t.Error(diff)
	}
	// A second update at the same revision, as an opening store may make.
	x.Publish(x.Touch(2, []directory.ContactID{"1"}))
	x.Publish(u)
	b := x.View().Books()[2]
	since, err := b.Since(index.Position{Revision: 1})
	if err != nil {
		t.Fatal(err)
	}
	if got := slices.Collect(since); len(got) != 1 || got[0].Entry != e {
		t.Errorf("since 1: %v", got)
	}
	if x.Touch(3, []directory.ContactID{"2", "9"}) != nil {
		t.Error("touched contacts of no book")
	}
}

func TestSinceTheFuture(t *testing.T) {
	x := newIndex(t, propertyBooks...)
	publish(x, 7, []index.Stored{stored(directory.Contact{ID: "1", Company: "b"})})
	b := x.View().Books()[2]
	if _, err := b.Since(index.Position{Revision: 7}); err != nil {
		t.Error(err)
	}
	if _, err := b.Since(index.Position{Revision: 8}); !errors.Is(err, directory.ErrRevisionGone) {
		t.Error(err)
	}
}

func TestBadRules(t *testing.T) {
	for _, rule := range []string{"(acountEnabled=TRUE)", "cn=*", "(cn=*", "(&(cn=*)(!(userTyp=Guest)))"} {
		_, err := index.New(index.Options{Books: []directory.Book{{Name: "p", Filter: rule}}, Plan: plan(t)}, "e", 0, none[index.Stored](), none[index.Mark]())
		if !errors.Is(err, directory.ErrInvalid) {
			t.Errorf("rule %s: %v", rule, err)
		}
	}
}

// The default rule shows enabled members, and whoever does not say otherwise.
func TestGroups(t *testing.T) {
	rule, err := index.ParseRule("(&(memberOf=Sales)(|(memberof= SALES )(!(memberOf=2f6b8d14-93a7-4e58-8c1b-A99D1CA71000)))(department=memberOf))")
	if err != nil {
		t.Fatal(err)
	}
	want := []directory.Group{"sales", "2f6b8d14-93a7-4e58-8c1b-a99d1ca71000"}
	if diff := cmp.Diff(want, index.Groups(rule)); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"(memberOf=Sal*)", "(memberOf=*)", "(memberOf=)", "(memberOf>=a)", `(memberOf=a\00b)`, "(!(memberOf~=a))"} {
		if _, err := index.ParseRule(bad); !errors.Is(err, directory.ErrInvalid) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestDefaultRule(t *testing.T) {
	x := newIndex(t, directory.Book{Name: "people"})
	publish(x, 1, []index.Stored{
		stored(directory.Contact{ID: "silent"}),
		stored(directory.Contact{ID: "member", UserType: "Member", AccountEnabled: directory.True, ShowInAddressList: directory.True}),
		stored(directory.Contact{ID: "guest", UserType: "Guest", AccountEnabled: directory.True}),
		stored(directory.Contact{ID: "disabled", AccountEnabled: directory.False}),
		stored(directory.Contact{ID: "hidden", ShowInAddressList: directory.False}),
		stored(directory.Contact{ID: "hotline", Source: directory.SourceOrgContact, DisplayName: "Hotline"}),
	})
	got := slices.Sorted(maps.Keys(listing(x.View().Books()[0])))
	if diff := cmp.Diff([]directory.ContactID{"hotline", "member", "silent"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestLoaded(t *testing.T) {
	x := newIndex(t, propertyBooks...)
	before := x.View()
	x.SetLoaded()
	publish(x, 1, nil)
	if before.Loaded() || !x.View().Loaded() {
		t.Error("loaded", before.Loaded(), x.View().Loaded())
	}
	x.Publish(nil)
}

// Readers hold views, old and new, while the writer makes more.
func TestConcurrentReaders(t *testing.T) {
	x, m := newIndex(t, propertyBooks...), newMirror()
	everybody := &filter.Filter{Op: filter.Present, Attribute: "cn"}
	var crowd []index.Stored // enough of them that a listing keeps its order
	for i := range 200 {
		crowd = append(crowd, stored(directory.Contact{ID: directory.ContactID(fmt.Sprint("d", i)), Department: "a"}))
	}
	publish(x, 1, crowd)
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			f := &follower{shelf: []directory.BookName{"x", "y"}, has: map[directory.ContactID]*index.Entry{}}
			for {
				f.follow(t, x.View(), 0)
				v := x.View()
				v.Entry("c07")
				if b := v.Books()[1]; len(slices.Collect(b.Search(everybody))) != b.Len() {
					t.Errorf("a listing is not the book")
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	r := rand.New(rand.NewPCG(3, 3))
	for rev := directory.Revision(2); rev <= 300; rev++ {
		put, removed := m.batch(r)
		publish(x, rev, put, removed...)
	}
	close(done)
	readers.Wait()
}

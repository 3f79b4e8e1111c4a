package index_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"ringbook/directory"
	"ringbook/directory/index"
)

// joined writes who is shown in a view, each with its parts.
func joined(v *index.View) string {
	var all []string
	for e := range v.Books()[0].All() {
		var parts []string
		for _, c := range e.Parts() {
			parts = append(parts, string(c.ID))
		}
		all = append(all, strings.Join(parts, "+"))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// TestJoin: who is one person, and who is not.
func TestJoin(t *testing.T) {
	user := func(id string, emails ...string) directory.Contact {
		return directory.Contact{ID: directory.ContactID(id), Source: directory.SourceUser, Emails: emails}
	}
	org := func(id string, emails ...string) directory.Contact {
		return directory.Contact{ID: directory.ContactID(id), Source: directory.SourceOrgContact, Emails: emails}
	}
	local := func(id, set string, emails ...string) directory.Contact {
		return directory.Contact{ID: directory.ContactID(id), Source: directory.SourceLocal, Set: set, Emails: emails}
	}
	guest := user("guest", "a@x")
	guest.UserType = "Guest"
	same := local("l", "", "b@x")
	same.Same = "u"
	private := directory.Contact{ID: "m", Source: directory.SourceMailbox, Emails: []string{"a@x"}}
	var many []directory.Contact
	for i := range 9 {
		many = append(many, local(fmt.Sprint("l", i), fmt.Sprint("set", i), "a@x"))
	}
	for _, tt := range []struct {
		name, want string
		contacts   []directory.Contact
	}{
		{"nothing in common", "l u", []directory.Contact{user("u", "a@x"), local("l", "", "b@x")}},
		{"an address, in any case", "u+o+l", []directory.Contact{user("u", "A@x"), org("o", "a@X"), local("l", "", "a@x")}},
		{"one after the other", "u+o+l", []directory.Contact{user("u", "a@x"), org("o", "a@x", "b@x"), local("l", "", "b@x")}},
		{"the id", "u+l u2", []directory.Contact{user("u"), user("u2", "b@x"), same}},
		{"an id that is not there", "u2+l", []directory.Contact{user("u2", "b@x"), same}},
		{"users are never one", "u u2", []directory.Contact{user("u", "a@x"), user("u2", "a@x")}},
		{"an address of two says nothing", "l u u2", []directory.Contact{user("u", "a@x"), user("u2", "a@x"), local("l", "", "a@x")}},
		{"nor one of two rows", "l l2 u", []directory.Contact{user("u", "a@x"), local("l", "", "a@x"), local("l2", "", "a@x")}},
		{"two imports know the person", "u+l+l2", []directory.Contact{user("u", "a@x"), local("l", "one", "a@x"), local("l2", "two", "a@x")}},
		{"a second address decides", "l u u2+l2", []directory.Contact{user("u", "a@x"), user("u2", "b@x"), local("l", "", "a@x"), local("l2", "", "a@x", "b@x")}},
		{"a guest is part of our own record", "l+guest", []directory.Contact{guest, local("l", "", "a@x")}},
		{"capitals of other alphabets", "u+l", []directory.Contact{user("u", "info@x"), local("l", "", "İNFO@X")}},
		{"mailboxes are private", "u", []directory.Contact{user("u", "a@x"), private}},
		{"an address of a department", "l0 l1 l2 l3 l4 l5 l6 l7 l8 u", append(many, user("u", "a@x"))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			book := directory.Book{Name: "all", Filter: "(uid=*)"}
			for _, order := range [][]directory.Contact{tt.contacts, reversed(tt.contacts)} {
				x := newIndex(t, book)
				for i, c := range order {
					publish(x, directory.Revision(i+1), []index.Stored{stored(c)})
				}
				if got := joined(x.View()); got != tt.want {
					t.Errorf("one after the other: %s, want %s", got, tt.want)
				}
			}
			var all []index.Stored
			for _, c := range tt.contacts {
				all = append(all, stored(c))
			}
			x, err := index.New(index.Options{Books: []directory.Book{book}, Plan: plan(t)}, "e", 0, slices.Values(all), none[index.Mark]())
			if err != nil {
				t.Fatal(err)
			}
			x.Publish(x.Reconcile(1))
			if got := joined(x.View()); got != tt.want {
				t.Errorf("at a start: %s, want %s", got, tt.want)
			}
		})
	}
}

func reversed[T any](s []T) []T {
	s = slices.Clone(s)
	slices.Reverse(s)
	return s
}

// TestJoinedIsOne: the parts are in no book and in no answer on their own, what
// they say is found and asked for, and they come back when they are parted.
func TestJoinedIsOne(t *testing.T) {
	x := newIndex(t, directory.Book{Name: "all", Filter: "(uid=*)"}, directory.Book{Name: "mine", Filter: "(importSet=club)"})
	user := directory.Contact{ID: "u", DisplayName: "Anna Schmidt", Emails: []string{"anna@x.example"}}
	local := directory.Contact{
		ID: "l", Source: directory.SourceLocal, Set: "club", DisplayName: "Schmidt Annerl", Emails: []string{"anna@x.example"},
		Phones: []directory.Phone{{Kind: directory.PhoneMobile, Written: "+49 171 1", E164: "+491711"}},
	}
	publish(x, 1, []index.Stored{stored(user), stored(local)})
	if got := joined(x.View()); got != "u+l" {
		t.Fatalf("shown: %s", got)
	}
	all, mine := x.View().Books()[0], x.View().Books()[1]
	if all.Len() != 1 || mine.Len() != 1 || mine.Entry("u") == nil || x.View().Entry("l").Leader() != "u" {
		t.Errorf("%d and %d members", all.Len(), mine.Len())
	}
	for filter, want := range map[string]int{
		"(mobile=*)": 1, "(mobile=+491711)": 1, "(cn=schmidt annerl)": 0, "(cn=anna*)": 1, "(source=local)": 1, "(source=user)": 1,
	} {
		if got := len(slices.Collect(all.Search(parse(t, filter)))); got != want {
			t.Errorf("%s finds %d in the book", filter, got)
		}
		if got := len(slices.Collect(x.View().Search(t.Context(), parse(t, filter)))); got != want {
			t.Errorf("%s finds %d in the directory", filter, got)
		}
	}

	disabled := user
	disabled.Emails = nil
	u := publish(x, 2, []index.Stored{stored(disabled)})
	if got := joined(x.View()); got != "l u" {
		t.Errorf("parted: %s", got)
	}
	if left, of := u.Left("mine"); left != 1 || of != 1 {
		t.Errorf("%d of %d left", left, of)
	}
	u = publish(x, 3, []index.Stored{stored(user)})
	if left, _ := u.Left("all"); left != 0 {
		t.Errorf("%d left a book in which they are shown as others' parts", left)
	}
	publish(x, 4, nil, "u")
	if got := joined(x.View()); got != "l" {
		t.Errorf("after the user left: %s", got)
	}
}

// TestEachPartIsAsked: a book shows of a person what its rule lets in, part by part:
// a rule that keeps an import out keeps out what the import says and nobody whom it
// names; and whose account is disabled is shown by no list that still has the name.
func TestEachPartIsAsked(t *testing.T) {
	x := newIndex(t,
		directory.Book{Name: "all"},
		directory.Book{Name: "tenant", Filter: "(source=user)"},
		directory.Book{Name: "staff", Filter: "(!(importSet=board))"},
		directory.Book{Name: "board", Filter: "(importSet=board)"},
		directory.Book{Name: "sales", Filter: "(department=Sales)"},
	)
	user := directory.Contact{ID: "u", DisplayName: "Anna Schmidt", UserType: "Member", Emails: []string{"anna@x"}, Department: "Sales"}
	board := directory.Contact{
		ID: "l", Source: directory.SourceLocal, Set: "board", DisplayName: "Anna privately", Emails: []string{"anna@x"},
		Phones: []directory.Phone{{Kind: directory.PhoneHome, Written: "030 1", E164: "+49301"}},
	}
	shows := func(want string) {
		t.Helper()
		var got []string
		for _, b := range x.View().Books() {
			for e := range b.All() {
				got = append(got, fmt.Sprintf("%s: %s %s, %d numbers", b.Name(), e.Contact().ID, e.Contact().Name(), len(e.Contact().Phones)))
				if hits := len(slices.Collect(b.Search(parse(t, "(homePhone=030 1)")))); hits != len(e.Contact().Phones) {
					t.Errorf("book %s finds the number %d times", b.Name(), hits)
				}
				_, last, _ := strings.Cut(e.Contact().Name(), " ")
				for _, f := range []string{"(cn=%s*)", "(cn=anna %s)", "(cn=*%s*)"} {
					if hits := slices.Collect(b.Search(parse(t, fmt.Sprintf(f, last)))); !slices.Equal(hits, []*index.Entry{e}) {
						t.Errorf("book %s does not find %s by %s", b.Name(), e.Contact().Name(), f)
					}
				}
				if since, err := b.Since(index.Position{}); err != nil || b.Entry(e.Contact().ID) != e || b.Len() != 1 {
					t.Errorf("book %s has another entry: %v %v", b.Name(), since, err)
				}
			}
		}
		if s := strings.Join(got, "\n"); s != want {
			t.Errorf("books show\n%s\nwant\n%s", s, want)
		}
	}
	publish(x, 1, []index.Stored{stored(user), stored(board)})
	shows("all: u Anna Schmidt, 1 numbers\ntenant: u Anna Schmidt, 0 numbers\nstaff: u Anna Schmidt, 0 numbers\nboard: u Anna privately, 1 numbers\nsales: u Anna Schmidt, 0 numbers")

	// A change of the import is none for those who do not see it.
	changed := board
	changed.Phones = nil
	u := publish(x, 2, []index.Stored{stored(changed)})
	var books []string
	for _, m := range u.Marks {
		books = append(books, string(m.Book)+" "+string(m.ID))
	}
	if got := strings.Join(books, ", "); got != "all u, board u" {
		t.Errorf("marked in %s", got)
	}
	publish(x, 3, []index.Stored{stored(board)})

	user.AccountEnabled = directory.False
	publish(x, 4, []index.Stored{stored(user)})
	shows("tenant: u Anna Schmidt, 0 numbers\nstaff: u Anna Schmidt, 0 numbers\nsales: u Anna Schmidt, 0 numbers")
}

// TestOneIsTakenBack: a list whose rows all claim to be one person is a mistake, and
// the shrink guard hears of it.
func TestOneIsTakenBack(t *testing.T) {
	x := newIndex(t, directory.Book{Name: "all", Filter: "(uid=*)"})
	put := []index.Stored{stored(directory.Contact{ID: "u"})}
	var claim []index.Stored
	for i := range 50 {
		c := directory.Contact{ID: directory.ContactID(fmt.Sprint("l", i)), Source: directory.SourceLocal, Set: "one"}
		put = append(put, stored(c))
		c.Same = "u"
		claim = append(claim, stored(c))
	}
	publish(x, 1, put)
	if left, of := publish(x, 2, claim).Left("all"); left != 49 || of != 51 {
		t.Errorf("%d of %d left", left, of)
	}
}

// TestJoinUnderAnUnknownGroup: until a group is known, a book keeps its members, a
// person once, and shows nothing that is private.
func TestJoinUnderAnUnknownGroup(t *testing.T) {
	user := directory.Contact{ID: "u", Emails: []string{"a@x"}}
	local := directory.Contact{ID: "l", Source: directory.SourceLocal, Emails: []string{"b@x"}}
	private := directory.Contact{ID: "m", Source: directory.SourceMailbox, Mailbox: "anna"}
	x := newIndex(t, directory.Book{Name: "all", Filter: "(|(source=local)(mailbox=anna))"})
	marks := publish(x, 1, []index.Stored{stored(user), stored(local), stored(private)}).Marks
	all := []index.Stored{stored(user), stored(local), stored(private)}
	y, err := index.New(index.Options{Books: []directory.Book{{Name: "all", Filter: "(memberOf=sales)"}}, Plan: plan(t)}, "e", 1, slices.Values(all), slices.Values(marks))
	if err != nil {
		t.Fatal(err)
	}
	y.Publish(y.Reconcile(2))
	if got := joined(y.View()); got != "l" {
		t.Errorf("while the group is not known: %s", got)
	}
	local.Emails = []string{"a@x"}
	publish(y, 3, []index.Stored{stored(local)})
	if got := joined(y.View()); got != "u" { // what the parts say is not shown, since the rule was not asked
		t.Errorf("joined while the group is not known: %s", got)
	}
	y.SetKnown("sales", true)
	y.Publish(y.Reconcile(4))
	if got := joined(y.View()); got != "" {
		t.Errorf("nobody belongs to the group: %s", got)
	}
}

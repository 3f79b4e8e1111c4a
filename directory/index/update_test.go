package index_test

import (
	"fmt"
	"slices"
	"testing"

	"ringbook/directory"
	"ringbook/directory/index"
)

// asked are filters by every value that the contact of TestOneChangesAgainAndAgain has
// at any time, from their beginnings and their middles.
var asked = []string{
	"(cn=Anna*)", "(cn=*nna Sch*)", "(sn=Schmidt)", "(sn=Meier*)", "(cn=*eier-L*)", "(anr=anna wartung)",
	"(mail=anna.schmidt@x.example)", "(mail=anna.m*)", "(mail=*meier@*)", "(ou=Vertrieb*)", "(ou=*artung*)",
	"(telephoneNumber=030 123456)", "(telephoneNumber=*23456)", "(telephoneNumber=*9876*)", "(mobile=0170 98765*)",
	"(l=Köln)", "(l=*oesi*)", "(postalAddress=*Ringstr*)", "(title=Chief)", "(uid=anna)",
}

// A contact is found by what it is now, and in an older view by what it was then: while
// one thing changes after the other, and back, while it is away and when it is there
// again, and whatever changes beside it.
func TestOneChangesAgainAndAgain(t *testing.T) {
	work := directory.Phone{Kind: directory.PhoneWork, Written: "030 123456", E164: "+4930123456"}
	first := directory.Contact{
		ID: "anna", DisplayName: "Anna Schmidt", GivenName: "Anna", Surname: "Schmidt", Emails: []string{"anna.schmidt@x.example"},
		Phones: []directory.Phone{work}, Department: "Vertrieb", Address: directory.Address{Street: "Domplatz 1", City: "Köln"},
	}
	for _, others := range []int{3, 100, 700} {
		t.Run(fmt.Sprint(others), func(t *testing.T) {
			x := newIndex(t, directory.Book{Name: "all", Filter: "(uid=*)"})
			rev, stray := directory.Revision(1), 0
			next := func(s ...index.Stored) {
				for range others {
					stray++
					s = append(s, person(stray%2500, "Emil", fmt.Sprint("Kowalski", stray)))
				}
				rev++
				publish(x, rev, s)
			}
			var views []*index.View
			var answers []string
			note := func() {
				views = append(views, x.View())
				answers = append(answers, checkAsked(t, x.View()))
			}
			next()
			note()
			c := first
			for _, change := range []func(){
				func() {},
				func() { c.JobTitle = "Chief" },
				func() { c.Manager = "boss" },
				func() { c.Phones = []directory.Phone{work, {Kind: directory.PhoneMobile, Written: "0170 9876543"}} },
				func() { c.Emails = []string{"anna.meier@x.example"} },
				func() { c.DisplayName, c.Surname = "Anna Meier-Lüdenscheidt", "Meier-Lüdenscheidt" },
				func() { c.Department = "Wartung" },
				func() { c.Address.City = "Moesingen" },
				func() { c.Address.Street = "Ringstraße 1" },
				func() { c.Phones = []directory.Phone{work} },
				func() { c = first },
			} {
				change()
				twin := c // what is published is not changed any more
				next(stored(twin))
				note()
			}
			rev++
			publish(x, rev, nil, "anna")
			note()
			next()
			note()
			next(stored(first))
			note()
			for i, v := range views {
				if got := checkAsked(t, v); got != answers[i] {
					t.Errorf("view %d finds %s, and found %s", i, got, answers[i])
				}
			}
			if answers[1] != answers[len(answers)-1] || answers[1] == answers[0] {
				t.Errorf("found at first: %s, in the end: %s", answers[1], answers[len(answers)-1])
			}
		})
	}
}

// checkAsked checks every filter against a scan, and returns what finds Anna.
func checkAsked(t *testing.T, v *index.View) (hits string) {
	t.Helper()
	for _, s := range asked {
		f, b := parse(t, s), v.Books()[0]
		got, want := slices.Collect(b.Search(f)), slices.Collect(b.Search(scanned(f)))
		if !slices.Equal(got, want) {
			t.Errorf("%s at %d finds %d, a scan %d", s, v.Revision(), len(got), len(want))
		}
		if slices.ContainsFunc(want, func(e *index.Entry) bool { return e.Contact().ID == "anna" }) {
			hits += s
		}
	}
	return hits
}

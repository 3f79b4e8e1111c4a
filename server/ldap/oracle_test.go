package ldap_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"
	diff "github.com/google/go-cmp/cmp"

	"ringbook/directory"
	"ringbook/directory/filter"
	"ringbook/directory/index"
)

// A typist types one value into all attributes of a filter, as phones do, and some
// more that nothing is known of by postings.
type typist struct{ *rand.Rand }

func (r typist) one(of ...string) string { return of[r.IntN(len(of))] }

// alike makes people of whom many are called alike, or share a number.
func (r typist) alike(n int) []*directory.Contact {
	list := make([]*directory.Contact, n)
	for i := range list {
		c := &directory.Contact{ID: directory.ContactID(fmt.Sprintf("p%04d", i)), Source: directory.SourceUser, Company: r.one("Contoso", "Suppliers", "Lido")}
		if r.IntN(5) > 0 {
			c.GivenName, c.Surname = r.one("Li", "Lisa", "Anna", "Con", "Zoe"), r.one("Li", "Lindner", "Conrad", "Con", "Alt", "Anna Li", "L")
		}
		c.DisplayName = r.one(c.GivenName+" "+c.Surname, c.Surname+", "+c.GivenName, "Li", "Con", "Zentrale Lido")
		for range r.IntN(3) {
			c.Phones = append(c.Phones, directory.Phone{
				Kind:    directory.PhoneKind(r.one(string(directory.PhoneWork), string(directory.PhoneMobile))),
				Written: r.one("+49 30 123450", "+49 30 1234501", "+49 30 91234501", "4501", "+49 171 1234501", fmt.Sprint("+49 30 555", i)),
			})
		}
		list[i] = c
	}
	return list
}

// A question is a filter and what it looks for: a name, a number, or both.
type question struct {
	filter, name, number string
	whole                bool // the number
	limit                int
}

func (r typist) ask() (q question) {
	q.limit = []int{0, 1, 2, 3, 7, 50, 70, 1000, 1001}[r.IntN(9)]
	form := func() string { return r.one("%s", "%s*", "*%s*") }
	kind := r.IntN(5)
	var leaves []string
	if kind != 0 {
		q.name = r.one("li", "con", "l", "lindner", "anna", "li an", "alt")
		names, form := []string{"cn", "sn", "givenName", "o", "anr"}, form()
		if form == "%s" {
			names = names[:3]
		}
		for range 1 + r.IntN(3) {
			leaves = append(leaves, "("+r.one(names...)+"="+fmt.Sprintf(form, q.name)+")")
		}
	}
	if kind < 2 {
		form := form()
		q.number, q.whole = r.one("+4930123450", "03091234501", "4501", "030", "+491711234501"), form == "%s"
		for range 1 + r.IntN(2) {
			leaves = append(leaves, "("+r.one("telephoneNumber", "mobile", "searchNumber")+"="+fmt.Sprintf(form, q.number)+")")
		}
	}
	q.filter = "(|" + strings.Join(leaves, "") + ")"
	switch r.IntN(5) {
	case 0:
		q.filter = "(|" + q.filter + "(o=*))" // true for all
	case 1:
		q.filter = "(&(objectClass=person)" + q.filter + "(!(givenName=zoe)))"
	case 2:
		q.filter = "(&(objectClass=person)(|(!(mobile=*))" + q.filter + "))"
	}
	return q
}

func parsed(t *testing.T, s string) *filter.Filter {
	t.Helper()
	f, err := filter.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// anyAttribute is true for who has one of the attributes as a value, or beginning so.
func anyAttribute(form, value string, attributes ...string) string {
	var b strings.Builder
	for _, a := range attributes {
		b.WriteString("(" + a + "=" + fmt.Sprintf(form, value) + ")")
	}
	return "(|" + b.String() + ")"
}

// best works out by looking at everybody, some times over, who is in the answer, and in
// which order.
func best(t *testing.T, shelf []*index.Book, q question) []string {
	t.Helper()
	is := func(s string) func(*index.Entry) bool {
		tests := make([]func(*index.Entry) bool, len(shelf))
		for i, b := range shelf {
			tests[i] = b.Matcher(parsed(t, s))
		}
		return func(e *index.Entry) bool {
			return slices.ContainsFunc(shelf, func(b *index.Book) bool { return b.Entry(e.Contact().ID) == e && tests[slices.Index(shelf, b)](e) })
		}
	}
	var all []*index.Entry
	for _, b := range shelf {
		all = slices.AppendSeq(all, b.All())
	}
	byName := func(e, g *index.Entry) int {
		return cmp.Or(cmp.Compare(e.SortKey(), g.SortKey()), cmp.Compare(e.Contact().ID, g.Contact().ID))
	}
	slices.SortFunc(all, byName)
	order := byName
	if q.whole {
		order = shelf[0].ByNumber(q.number)
	}
	hit := is(q.filter)
	all = slices.DeleteFunc(all, func(e *index.Entry) bool { return !hit(e) })
	if q.limit == 0 || len(all) <= q.limit || q.limit > 1000 {
		if len(all) <= 1000 { // those who share a number are fewer
			slices.SortFunc(all, order)
		}
		if q.limit > 0 {
			all = all[:min(len(all), q.limit)]
		}
		return idsOf(all)
	}
	exacts, beginnings := "(|)", "(|)"
	if q.name != "" {
		beginnings = anyAttribute("%s*", q.name, "sn", "givenName")
	}
	if len(q.name) > 1 {
		exacts = anyAttribute("%s", q.name, "cn", "sn", "givenName")
	}
	if q.number != "" {
		exacts = "(|" + exacts + "(searchNumber=" + q.number + "))"
	}
	exact, begins := is(exacts), is(beginnings)
	kind := func(e *index.Entry) int {
		switch {
		case exact(e):
			return 0
		case begins(e):
			return 1
		}
		return 2
	}
	slices.SortStableFunc(all, func(e, g *index.Entry) int {
		c := cmp.Compare(kind(e), kind(g))
		if c == 0 && kind(e) == 0 {
			c = order(e, g)
		}
		return c
	})
	all = all[:q.limit]
	if q.whole {
		slices.SortStableFunc(all, order)
	}
	return idsOf(all)
}

func idsOf(all []*index.Entry) (list []string) {
	for _, e := range all {
		list = append(list, string(e.Contact().ID))
	}
	return list
}

// TestBestHitsAsByLookingAtAll: whatever is asked for, of however few, in one book or
// several, also after many have gone who were called so.
func TestBestHitsAsByLookingAtAll(t *testing.T) {
	for seed, people := range []int{5, 60, 400, 3000} {
		r := typist{rand.New(rand.NewPCG(uint64(seed), 5))}
		s := newSite(t, r.alike(people), nil)
		for i := people; i > people/2; i-- {
			s.remove(directory.ContactID(fmt.Sprintf("p%04d", i)))
		}
		for n, names := range [][]directory.BookName{{"people"}, {"suppliers", "people"}} {
			d, secret := s.add(t, directory.Device{Name: fmt.Sprint("d", n), Kind: directory.KindPBX, Books: names})
			c := s.dial(t)
			if err := c.Bind(string(d.Login), secret); err != nil {
				t.Fatal(err)
			}
			before := runtime.NumGoroutine()
			for range 150 {
				q := r.ask()
				want := best(t, s.View().ShelfOf(d), q)
				sent := request(q.filter, "1.1")
				sent.SizeLimit = q.limit
				res, err := c.Search(sent)
				if got := code(err); got != 0 && got != goldap.LDAPResultSizeLimitExceeded {
					t.Fatalf("%s: %v", q.filter, err)
				}
				if d := diff.Diff(want, uids(res)); d != "" {
					t.Errorf("%d people, books %v: %s, %d of them (-want +got)\n%s", people, names, q.filter, q.limit, d)
				}
			}
			if n := runtime.NumGoroutine(); n > before+20 { // one for each book of a search that was cut
				t.Errorf("%d goroutines, %d before", n, before)
			}
		}
	}
}

func uids(res *goldap.SearchResult) (list []string) {
	for _, e := range res.Entries {
		id, _, _ := strings.Cut(strings.TrimPrefix(e.DN, "uid="), ",")
		list = append(list, id)
	}
	return list
}

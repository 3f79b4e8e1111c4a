package index_test

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"ringbook/directory"
	"ringbook/directory/filter"
	"ringbook/directory/index"
)

// What random contacts are made of, and random filters ask for. There is enough
// of each to be found, and to be found in somebody else.
var (
	someNames = []string{
		"Anna", "Annabelle", "Müller", "Mueller", "Muller", "Meier", "Hans-Peter", "O'Brien", "(ext.)", "von Stein", "Öztürk", "Ångström",
		"Søren", "Łukasz", "Алексей", "山田太郎", "Jo", "A.", "-", "किताब", "Maximilian-Alexander", "x*y", "李", "007", "Straße", "Mc Donald", "Иванов",
	}
	someNumbers = []string{
		"+4930123456", "+49301234560", "+49301234567", "+491701234567", "+4930999990", "+493099999", "+43151234567", "+390612345678", "+12025550123", "+4917112345",
	}
	someWritten = []string{"110", "1234", "030 123456-0", "**621", "+49 (0)30 123456 ext. 12", "x", "12345", "00493099999", "0 30 / 99 99 9"}
	someTexts   = []string{"Contoso", "Contoso GmbH", "Vertrieb", "Vertrieb Nord", "Müller & Söhne", "& Co"}
	someMails   = []string{"anna.mueller", "anna", "annabelle.mueller", "A.B", "maximilian.alexander", "maximilian.alexandra", "müller"}
)

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

func randomName(r *rand.Rand) string {
	words := make([]string, r.IntN(4))
	for i := range words {
		words[i] = pick(r, someNames)
	}
	return strings.Join(words, " ")
}

func randomContact(r *rand.Rand, people int) index.Stored {
	c := directory.Contact{
		ID: directory.ContactID(fmt.Sprint("c", r.IntN(people))), DisplayName: randomName(r), GivenName: randomName(r), Surname: randomName(r),
		UserType: pick(r, []string{"Member", "Guest"}),
	}
	for range r.IntN(4) {
		ph := directory.Phone{Kind: pick(r, directory.PhoneKinds()), E164: pick(r, someNumbers)}
		if ph.Written = ph.E164; r.IntN(2) == 0 {
			ph.Written, ph.E164 = pick(r, someWritten), pick(r, []string{"", ph.E164})
		}
		c.Phones = append(c.Phones, ph)
	}
	for range r.IntN(3) {
		c.Emails = append(c.Emails, pick(r, someMails)+pick(r, []string{"@contoso.example", "@x.example"}))
	}
	for _, s := range []*string{&c.Company, &c.Department, &c.Office, &c.JobTitle, &c.Address.City, &c.Address.Street} {
		if r.IntN(2) == 0 {
			*s = pick(r, someTexts)
		}
	}
	return stored(c)
}

// randomValue is something that somebody types: a piece of what there is, or not.
func randomValue(r *rand.Rand) string {
	s := pick(r, [][]string{
		someNames, someNumbers, someWritten, someTexts, someMails, {"", "0", "00", "030", "0301234", "0170", "anna@contoso.example", "c7", "M\xfcller", "Mu\u0308", "an mü", "TRUE", "6375", "266", "63407", "66345", "meier, anna", "contoso an", "van stein", "mcdon", "ivan"},
	})[0:]
	v := pick(r, s)
	switch r.IntN(5) {
	case 0:
		return strings.ToUpper(v)
	case 1:
		return v + " " + pick(r, someNames)
	case 2:
		return v[r.IntN(len(v)+1):] // in the middle of a character as well
	case 3:
		return v[:r.IntN(len(v)+1)]
	}
	return v
}

func randomLeaf(r *rand.Rand, value string) *filter.Filter {
	names := strings.Fields("cn sn givenName displayName anr metaSearchText mail uid o ou title l office postalAddress street st postalCode co userType unknown accountEnabled objectClass telephoneNumber mobile homePhone ipPhone searchNumber fax")
	f := &filter.Filter{Op: pick(r, []filter.Op{filter.Equal, filter.Equal, filter.Substrings, filter.Substrings, filter.Substrings, filter.Approx, filter.Present, filter.GreaterOrEqual, filter.Extensible})}
	if f.Attribute = pick(r, names); f.Op != filter.Substrings {
		f.Value = value
		return f
	}
	if value == "" {
		value = "a"
	}
	switch r.IntN(5) {
	case 0:
		f.Any = []string{value}
	case 1:
		f.Final = value
	case 2:
		f.Initial, f.Final = value, pick(r, []string{"", "r", "0"})
		f.Any = pick(r, [][]string{nil, {"e"}, {"5", "6"}})
	default:
		f.Initial = value
	}
	return f
}

func randomFilter(r *rand.Rand, depth int) *filter.Filter {
	if depth == 0 || r.IntN(3) == 0 {
		return randomLeaf(r, randomValue(r))
	}
	f := &filter.Filter{Op: pick(r, []filter.Op{filter.And, filter.And, filter.Or, filter.Or, filter.Or, filter.Not})}
	n := 1
	if f.Op != filter.Not {
		n = r.IntN(4)
	}
	value := randomValue(r)
	for range n {
		if r.IntN(2) == 0 {
			f.Children = append(f.Children, randomLeaf(r, value)) // one value, several attributes
		} else {
			f.Children = append(f.Children, randomFilter(r, depth-1))
		}
	}
	return f
}

// scanned is what f finds without any help: a filter in two negations is true
// for the same contacts, and nothing can be concluded from it.
func scanned(f *filter.Filter) *filter.Filter {
	for range 2 {
		f = &filter.Filter{Op: filter.Not, Children: []*filter.Filter{f}}
	}
	return f
}

func checkSearch(t *testing.T, r *rand.Rand, b *index.Book, f *filter.Filter) {
	t.Helper()
	hit := b.Matcher(scanned(f))
	var want []*index.Entry
	for e := range b.All() {
		if hit(e) {
			want = append(want, e)
		}
	}
	slices.SortFunc(want, func(e, g *index.Entry) int {
		return cmp.Or(cmp.Compare(e.SortKey(), g.SortKey()), cmp.Compare(e.Contact().ID, g.Contact().ID))
	})
	if got := slices.Collect(b.Search(f)); !slices.Equal(got, want) {
		for _, e := range want {
			if !slices.Contains(got, e) {
				t.Logf("missing: %q %q %q %q %q", e.Contact().DisplayName, e.Contact().GivenName, e.Contact().Surname, e.Contact().Department, e.Contact().Company)
			}
		}
		t.Fatalf("%s at %d: finds %d, a scan %d", f, b.Revision(), len(got), len(want))
	}
	q := b.Query(f)
	before := []*index.Entry{nil} // nobody's business
	if got, ok := q.AppendFew(before); ok && !slices.Equal(got, slices.Concat(before, want)) {
		t.Fatalf("%s at %d: finds few, %d, a scan %d", f, b.Revision(), len(got)-1, len(want))
	}
	q.Release() // its room is the next one's
	if len(want) == 0 {
		return
	}
	i := r.IntN(len(want))
	if got := slices.Collect(b.Query(f).Hits(want[i].SortKey(), want[i].Contact().ID)); !slices.Equal(got, want[i+1:]) {
		t.Fatalf("%s at %d: finds %d after %d of %d", f, b.Revision(), len(got), i, len(want))
	}
}

// phoneFilters are those that phones and address books send, with % for what is typed.
const phoneFilters = `(|(cn=%)(sn=%)) (&(cn=*)(sn=%*)) (!(cn=%)) (|(telephoneNumber=%)(mobile=%)(ipPhone=%)) (&(telephoneNumber=*)(mobile=%))
(|(name=%*)(sn=%*)) (|(cn=%*)(sn=%*)(o=%*)) (&(cn=%)) (cn=%*) (|(sn=%)(cn=%)(givenName=%)(o=%)) (|(telephoneNumber=*%*)(mobile=*%*)(homePhone=*%*))
(|(telephoneNumber=%*)(mobile=%*)(homePhone=%*)) (&(telephoneNumber=*)(displayName=%*)) (&(telephoneNumber=%)(displayName=*)) (&(givenName=%*)(mail=%*))
(CallerIDName=%) (|(displayName=%)(telephoneNumber=%)) (&(objectClass=inetOrgPerson)(|(telephoneNumber=%)(mobile=%)(homePhone=%))) (&(sn=%*)(givenName=%*))
(|(o=%*)(cn=%*)(ou=%*)(sn=%*)(mail=%*)(IMHandle=%*)(givenname=%*)(telephoneNumber=%*)) (|(displayName=*%*)(sn=*%*)(givenName=*%*))
(|(telephoneNumber=*%)(mobile=*%)(homeTelephoneNumber=*%)) (anr=%) (&(objectClass=user)(|(anr=%))) (searchNumber=%) (metaSearchText=%*) (mail=%) (mail=%*)`

// A search finds the same as one that looks at every contact, in the same order:
// in several books, behind one another, drained, in views of any age, whatever
// is put and removed between.
func TestSearchFindsWhatAScanFinds(t *testing.T) {
	phones := strings.Fields(phoneFilters)
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 1))
		people := []int{40, 40, 300, 2500}[seed]
		var start []index.Stored
		var marks []index.Mark
		there := map[directory.ContactID]bool{}
		for range people {
			s := randomContact(r, people)
			if there[s.Contact.ID] {
				continue // a store has each once
			}
			there[s.Contact.ID] = true
			start = append(start, s)
			marks = append(marks, index.Mark{Book: "all", ID: s.Contact.ID, Revision: 1})
		}
		books := []directory.Book{{Name: "all", Filter: "(uid=*)"}, {Name: "some", Filter: "(userType=Member)"}}
		x, err := index.New(index.Options{Books: books, Plan: plan(t), MaxPhones: 2}, "e", 1, slices.Values(start), slices.Values(marks))
		if err != nil {
			t.Fatal(err)
		}
		x.Publish(x.Reconcile(2))
		views := []*index.View{x.View()}
		for rev := directory.Revision(3); rev < 60; rev++ {
			var put []index.Stored
			var removed []directory.ContactID
			most := pick(r, []int{20, 20, 20, 20, 20, 20, 1500}) // more than are found by their signatures
			for range 1 + r.IntN(most) {
				s := randomContact(r, people)
				if put = append(put, s); r.IntN(3) == 0 {
					removed = append(removed, s.Contact.ID)
				}
			}
			publish(x, rev, put, removed...)
			views = append(views, x.View())
			if r.IntN(2) == 0 { // of half of the views the order is known before anybody asks
				x.View().Ordered()
			}
			for range 25 {
				v := pick(r, views[max(0, len(views)-10):])
				shelf := append(v.Books(), v.Shelf([]directory.BookName{"some", "all"}, r.IntN(8) == 0)...)
				f := randomFilter(r, 3)
				if r.IntN(2) == 0 {
					var value strings.Builder // every octet escaped
					for _, c := range []byte(randomValue(r)) {
						fmt.Fprintf(&value, `\%02x`, c)
					}
					f = parse(t, strings.ReplaceAll(strings.ReplaceAll(pick(r, phones), "%", value.String()), "**", "*"))
				}
				checkSearch(t, r, pick(r, shelf), f)
			}
		}
	}
}

// A search ends with its context, also where it finds nothing.
func TestSearchContext(t *testing.T) {
	x := newIndex(t, directory.Book{Name: "all", Filter: "(uid=*)"})
	var put []index.Stored
	for i := range 5000 {
		put = append(put, person(i, "Anna", "Meier"))
	}
	publish(x, 1, put)
	b := x.View().Books()[0]
	for _, s := range []string{"(cn=*)", "(cn=Anna*)", "(telephoneNumber=*8888888*)", "(mail=person7@contoso.example)"} {
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		for range b.SearchContext(ctx, parse(t, s), "", "") {
			n++
			cancel()
		}
		if most := 64; n > most {
			t.Errorf("%s went on for %d contacts", s, n)
		}
		cancel()
		for range b.SearchContext(ctx, parse(t, s), "", "") {
			t.Errorf("%s began although it had ended", s)
		}
	}
}

// Many are put into order side by side in room that is used again: in books that are
// read in turns, left early, and in views that differ in who is there. Of whom only a
// mark is left nobody knows a place.
func TestManySideBySide(t *testing.T) {
	const people, goners = 2000, 6000 // more than there are places where there are people
	var all []index.Stored
	marks := make([]index.Mark, goners)
	for i := range people {
		all = append(all, person(i, pick(rand.New(rand.NewPCG(uint64(i), 1)), []string{"Anna", "Berta", "Carla", "Dora", "Emma", "Flora"}), fmt.Sprint("Meier", i)))
	}
	for i := range goners {
		marks[i] = index.Mark{Book: "all", ID: directory.ContactID(fmt.Sprint("gone", i)), Revision: 1, Gone: true}
	}
	x, err := index.New(index.Options{Books: []directory.Book{{Name: "all", Filter: "(uid=*)"}}, Plan: plan(t)}, "e", 1, slices.Values(all), slices.Values(marks))
	if err != nil {
		t.Fatal(err)
	}
	x.Publish(x.Reconcile(2))
	old := x.View()
	var more []index.Stored
	for i := range people {
		more = append(more, person(people+i, "Gerda", fmt.Sprint("Aal", i)))
	}
	publish(x, 3, more)
	type reading struct {
		next func() (*index.Entry, bool)
		stop func()
		want []*index.Entry
	}
	var readings []*reading
	for _, v := range []*index.View{x.View(), old, x.View(), old} {
		for _, name := range []string{"anna", "berta", "carla"} {
			b, f := v.Books()[0], parse(t, "(givenName="+name+")")
			r := &reading{want: slices.Collect(b.Search(scanned(f)))}
			if len(r.want) < 200 {
				t.Fatalf("%d are called %s", len(r.want), name)
			}
			r.next, r.stop = iter.Pull(b.Search(f))
			readings = append(readings, r)
		}
	}
	for n := 0; len(readings) > 0; n++ {
		i := n * 7 % len(readings)
		r := readings[i]
		e, ok := r.next()
		if ok != (len(r.want) > 0) || ok && e != r.want[0] {
			t.Fatalf("step %d: %v, %t", n, e, ok)
		}
		if !ok || n%500 == 499 {
			r.stop()
			readings = slices.Delete(readings, i, i+1)
			continue
		}
		r.want = r.want[1:]
	}
	gone := &filter.Filter{Op: filter.Or}
	for i := range 100 {
		gone.Children = append(gone.Children, &filter.Filter{Op: filter.Equal, Attribute: "uid", Value: fmt.Sprint("gone", goners-1-i)})
	}
	for _, f := range []*filter.Filter{gone, gone.Children[0]} {
		if got := slices.Collect(old.Books()[0].Search(f)); len(got) > 0 {
			t.Errorf("%d of whom only a mark is left are found", len(got))
		}
	}
}

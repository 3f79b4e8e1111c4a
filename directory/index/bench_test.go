package index_test

import (
	"fmt"
	"iter"
	"runtime"
	"testing"
	"time"

	"ringbook/directory"
	"ringbook/directory/filter"
	"ringbook/directory/index"
)

// people yields n made-up persons with three numbers each.
func people(n int) iter.Seq[index.Stored] {
	given := []string{"Anna", "Björn", "Céline", "Dörte", "Emil", "Françoise", "Günter", "Hélène", "İpek", "Jürgen"}
	family := []string{"Meier", "Müller", "Schröder", "Weiß", "Kowalski", "Łukasz", "Öztürk", "García", "Sørensen", "von Stein"}
	return func(yield func(index.Stored) bool) {
		for i := range n {
			if !yield(person(i, given[i%10], family[i/10%10])) {
				return
			}
		}
	}
}

func person(i int, given, family string) index.Stored {
	work := fmt.Sprintf("+4930%07d", i)
	mobile := fmt.Sprintf("+49170%07d", i)
	return index.Stored{Modified: time.Unix(int64(i), 0), Contact: &directory.Contact{
		ID:          directory.ContactID(fmt.Sprintf("%08x-0000-4000-8000-%012x", i, i)),
		Source:      directory.SourceUser,
		DisplayName: fmt.Sprintf("%s %s%d", given, family, i), GivenName: given, Surname: fmt.Sprint(family, i),
		Emails: []string{fmt.Sprintf("person%d@contoso.example", i)},
		Phones: []directory.Phone{
			{Kind: directory.PhoneWork, Written: work[:3] + " 30 " + work[5:], E164: work, Attribute: "businessPhones"},
			{Kind: directory.PhoneMobile, Written: mobile, E164: mobile, Attribute: "mobilePhone"},
			{Kind: directory.PhoneFax, Written: work + "9", Attribute: "faxNumber"},
		},
		JobTitle: "Engineer", Department: fmt.Sprint("Department ", i%50), Company: "Contoso", Office: fmt.Sprint("Room ", i%300),
		Address:           directory.Address{Street: "Hauptstraße 1", City: "Köln", PostalCode: "50667", Country: "Germany"},
		UserPrincipalName: fmt.Sprintf("person%d@contoso.example", i), UserType: "Member", AccountEnabled: directory.True,
	}}
}

// filled returns an index of n members of one book at revision 1.
func filled(b *testing.B, n int) *index.Index {
	b.Helper()
	marks := func(yield func(index.Mark) bool) {
		for s := range people(n) {
			if !yield(index.Mark{Book: "people", ID: s.Contact.ID, Revision: 1}) {
				return
			}
		}
	}
	x, err := index.New(index.Options{Books: []directory.Book{{Name: "people"}}, Plan: plan(b)}, "e", 1, people(n), marks)
	if err != nil {
		b.Fatal(err)
	}
	return x
}

// Ten contacts change: the cost must not depend on how many there are.
func BenchmarkPublish10(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprintf("of%d", n), func(b *testing.B) {
			x, rev := filled(b, n), directory.Revision(1)
			i := 0
			for b.Loop() {
				rev++
				var put []index.Stored
				for range 10 {
					i += 7919
					put = append(put, person(i%n, "Other", fmt.Sprint("Name", rev)))
				}
				x.Publish(x.Prepare(rev, put, nil))
			}
		})
	}
}

// A device catches up with ten changes.
func BenchmarkSince10(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprintf("of%d", n), func(b *testing.B) {
			x := filled(b, n)
			var put []index.Stored
			for i := range 10 {
				put = append(put, person(i*n/10, "Other", "Name"))
			}
			x.Publish(x.Prepare(2, put, nil))
			b.ReportAllocs()
			for b.Loop() {
				book := x.View().Shelf([]directory.BookName{"people"}, false)[0]
				since, err := book.Since(index.Position{Revision: 1})
				if err != nil {
					b.Fatal(err)
				}
				steps := 0
				for range since {
					steps++
				}
				if steps != 10 {
					b.Fatal(steps)
				}
			}
		})
	}
}

func BenchmarkSearch(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		x := filled(b, n)
		for _, q := range []struct{ name, filter string }{
			{"mail", "(mail=person7@contoso.example)"},
			{"number", "(|(telephoneNumber=0300000007)(mobile=0300000007)(homePhone=0300000007))"},
			{"suffix", "(telephoneNumber=*0000007)"},
			{"prefix", "(|(sn=Meier77*)(givenName=Meier77*)(cn=Meier77*))"},
			{"words", "(cn=mei77 an*)"},
			{"substring", "(cn=*eier77*)"},
			{"all", "(objectClass=*)"},
		} {
			f, err := filter.Parse(q.filter)
			if err != nil {
				b.Fatal(err)
			}
			b.Run(fmt.Sprintf("%s/of%d", q.name, n), func(b *testing.B) {
				b.ReportAllocs()
				hits := 0
				for b.Loop() {
					hits = 0
					for range x.View().Books()[0].Search(f) {
						hits++
					}
				}
				b.ReportMetric(float64(hits), "hits")
			})
		}
	}
}

// A start: what it costs, and what stays in memory for each contact.
func BenchmarkNew(b *testing.B) {
	const n = 100_000
	for b.Loop() {
		before := heap()
		x := filled(b, n)
		after := heap()
		b.ReportMetric(float64(after-before)/n, "B/contact")
		runtime.KeepAlive(x)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

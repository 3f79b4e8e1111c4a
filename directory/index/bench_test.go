package index_test

import (
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strings"
	"syscall"
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
func filled(b *testing.B, n int) *index.Index { b.Helper(); return filledWith(b, people(n)) }

func filledWith(b *testing.B, people iter.Seq[index.Stored]) *index.Index {
	b.Helper()
	marks := func(yield func(index.Mark) bool) {
		for s := range people {
			if !yield(index.Mark{Book: "people", ID: s.Contact.ID, Revision: 1}) {
				return
			}
		}
	}
	x, err := index.New(index.Options{Books: []directory.Book{{Name: "people"}}, Plan: plan(b)}, "e", 1, people, marks)
	if err != nil {
		b.Fatal(err)
	}
	return x
}

// renamed makes up some of n people, others each time, who have other names at a revision.
func renamed(rev directory.Revision, some, n int) (put []index.Stored) {
	for i := range some {
		put = append(put, person((int(rev)*some+i)*7919%n, "Other", fmt.Sprint("Name", rev)))
	}
	return put
}

// Ten contacts change: the cost must not depend on how many there are.
func BenchmarkPublish10(b *testing.B) { benchmarkPublish(b, 10) }

// One contact changes, as it mostly is between two rounds.
func BenchmarkPublish1(b *testing.B) { benchmarkPublish(b, 1) }

func benchmarkPublish(b *testing.B, some int) {
	b.Helper()
	for _, n := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprintf("of%d", n), func(b *testing.B) {
			x, rev := filled(b, n), directory.Revision(1)
			used, took := time.Duration(0), time.Duration(0)
			b.ReportAllocs()
			for b.Loop() {
				rev++
				put := renamed(rev, some, n)
				began, start := time.Now(), processorTime() // making them up is no part of it
				x.Publish(x.Prepare(rev, put, nil))
				used += processorTime() - start
				took += time.Since(began)
			}
			b.ReportMetric(float64(used)/float64(b.N*some), "cpu-ns/person")
			b.ReportMetric(float64(took)/float64(b.N*some), "ns/person")
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

// What phones ask: a caller's number in several attributes, or what was typed so
// far. "all" and "contains" go through the book.
func BenchmarkSearch(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		x := filled(b, n)
		for _, q := range []struct{ name, filter string }{
			{"mail", "(mail=person7@contoso.example)"},
			{"uid", "(uid=00000007-0000-4000-8000-000000000007)"},
			{"number", "(|(telephoneNumber=0300001234)(mobile=0300001234)(homePhone=0300001234))"},
			{"number_and_name", "(&(telephoneNumber=+49300001234)(cn=*))"},
			{"typed4", "(|(telephoneNumber=0300*)(mobile=0300*)(homePhone=0300*))"},
			{"typed7", "(|(telephoneNumber=0300004*)(mobile=0300004*)(homePhone=0300004*))"},
			{"suffix", "(|(telephoneNumber=*0004711)(mobile=*0004711))"},
			{"prefix", "(|(sn=Meier77*)(givenName=Meier77*)(cn=Meier77*))"},
			{"prefix50", "(|(cn=Meier4*)(sn=Meier4*)(o=Meier4*))"},
			{"words", "(cn=mei77 an*)"},
			{"anr", "(anr=meier77 contoso)"},
			{"keypad", "(cn=6343777*)"},
			{"keypad3", "(|(sn=634*)(givenName=634*)(cn=634*))"},
			{"letters81", lettersOf("6343")},
			{"substring", "(|(cn=*eier77*)(sn=*eier77*))"},
			{"letters", "(cn=*r77*)"},
			{"nobody", "(|(cn=xyz*)(sn=xyz*)(telephoneNumber=xyz*))"},
			{"contains", "(|(telephoneNumber=*0721*)(mobile=*0721*))"},
			{"all", "(objectClass=*)"},
		} {
			f, err := filter.Parse(q.filter)
			if err != nil {
				b.Fatal(err)
			}
			b.Run(fmt.Sprintf("%s/of%d", q.name, n), func(b *testing.B) {
				b.ReportAllocs()
				hits, start := 0, processorTime()
				for b.Loop() {
					hits = 0
					for range x.View().Books()[0].Search(f) {
						if hits++; hits == 50 && q.name != "all" {
							break // as many as phones ask for
						}
					}
				}
				b.ReportMetric(float64(hits), "hits")
				reportProcessorTime(b, start)
			})
		}
	}
}

// What is asked most, after some time in which people have changed, so that not all is
// in one run.
func BenchmarkSearchChanged(b *testing.B) {
	const n = 100_000
	x := filled(b, n)
	for rev := directory.Revision(2); rev < 3333; rev++ {
		x.Publish(x.Prepare(rev, renamed(rev, 10, n), nil))
	}
	for _, q := range []struct{ name, filter string }{
		{"number", "(|(telephoneNumber=0300001234)(mobile=0300001234)(homePhone=0300001234))"},
		{"prefix", "(|(sn=Meier77*)(givenName=Meier77*)(cn=Meier77*))"},
		{"substring", "(|(cn=*eier77*)(sn=*eier77*))"},
		{"letters", "(cn=*r77*)"},
		{"contains", "(|(telephoneNumber=*0721*)(mobile=*0721*))"},
	} {
		f, err := filter.Parse(q.filter)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(q.name, func(b *testing.B) {
			b.ReportAllocs()
			start := processorTime()
			for b.Loop() {
				hits := 0
				for range x.View().Books()[0].Search(f) {
					if hits++; hits == 50 {
						break
					}
				}
			}
			reportProcessorTime(b, start)
		})
	}
}

// What begins many names, as a title does, must not make it dear to look for the few
// surnames that begin so, nor for the best hits among all.
func BenchmarkTitled(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		titled := func(yield func(index.Stored) bool) {
			i := 0
			for s := range people(n) {
				c := s.Contact
				if c.DisplayName = "Dr. " + c.DisplayName; i%(n/50) == 0 {
					c.Surname = fmt.Sprint("Drexler", i)
					c.DisplayName = c.GivenName + " " + c.Surname
				} else if i%20 > 0 {
					c.DisplayName = c.DisplayName[4:]
				}
				if i++; !yield(s) {
					return
				}
			}
		}
		x := filledWith(b, titled)
		for _, q := range []string{"(sn=dr*)", "(|(cn=dr*)(sn=dr*)(givenName=dr*)(o=dr*))", "(cn=dr)"} {
			f, err := filter.Parse(q)
			if err != nil {
				b.Fatal(err)
			}
			b.Run(fmt.Sprintf("%s/of%d", q, n), func(b *testing.B) {
				start := processorTime()
				for b.Loop() {
					book := x.View().Books()[0]
					for kind := range index.Kinds {
						for range book.Query(f).Better(kind) {
							continue
						}
					}
					hits := 0
					for range book.Search(f) {
						if hits++; hits == 51 {
							break
						}
					}
				}
				reportProcessorTime(b, start)
			})
		}
	}
}

// lettersOf is how innovaphone looks for what was typed on a keypad: an Or of all
// the beginnings that the keys may mean.
func lettersOf(keys string) string {
	all := []string{""}
	for _, key := range keys {
		var longer []string
		for _, s := range all {
			for _, letter := range []string{"abc", "def", "ghi", "jkl", "mno", "pqrs", "tuv", "wxyz"}[key-'2'] {
				longer = append(longer, s+string(letter))
			}
		}
		all = longer
	}
	return "(|(cn=" + strings.Join(all, "*)(cn=") + "*))"
}

// processorTime is what the process has used: on a machine that does other
// things as well it is steadier than the clock.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func reportProcessorTime(b *testing.B, start time.Duration) {
	b.Helper()
	b.ReportMetric(float64(processorTime()-start)/float64(b.N), "cpu-ns/op")
}

// A start: what it costs, and what stays in memory for each contact.
func BenchmarkNew(b *testing.B) {
	const n = 100_000
	contacts := slices.Collect(people(n))
	marks := make([]index.Mark, n)
	for i, s := range contacts {
		marks[i] = index.Mark{Book: "people", ID: s.Contact.ID, Revision: 1}
	}
	options := index.Options{Books: []directory.Book{{Name: "people"}}, Plan: plan(b)}
	before, used := heap(), time.Duration(0)
	for b.Loop() {
		start := processorTime()
		x, err := index.New(options, "e", 1, slices.Values(contacts), slices.Values(marks))
		if err != nil {
			b.Fatal(err)
		}
		used += processorTime() - start
		b.ReportMetric(float64(heap()-before)/n, "B/contact") // without the contact itself
		runtime.KeepAlive(x)
	}
	b.ReportMetric(float64(used)/float64(b.N), "cpu-ns/op")
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

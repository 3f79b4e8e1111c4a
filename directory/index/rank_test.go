package index_test

import (
	"fmt"
	"iter"
	"slices"
	"testing"

	"ringbook/directory"
	"ringbook/directory/index"
)

func ids(s iter.Seq[*index.Entry]) (list []directory.ContactID) {
	for e := range s {
		list = append(list, e.Contact().ID)
	}
	return list
}

func TestBetter(t *testing.T) {
	x := newIndex(t, directory.Book{Name: "all", Filter: "(uid=*)"})
	var put []index.Stored
	for id, name := range map[string][2]string{
		"li": {"Xiaoming", "Li"}, "lili": {"Li", "Lindner"}, "lisa": {"Lisa", "Li-Peters"}, "jo": {"Jo", "Jonas"}, "jonas": {"Jonas", "Jo"},
		"linda": {"Linda", "Alt"}, "jürgen": {"Jürgen", "Müller"}, "ada": {"Ada", "Falconer"},
	} {
		put = append(put, index.Stored{Contact: &directory.Contact{
			ID: directory.ContactID(id), Source: directory.SourceUser, DisplayName: name[1] + ", " + name[0], GivenName: name[0], Surname: name[1], Company: "Lido",
		}})
	}
	publish(x, 1, put)
	b := x.View().Books()[0]
	for f, want := range map[string][2][]directory.ContactID{
		"(|(cn=li*)(o=li*))":       {{"li", "lili"}, {"linda", "lisa", "li", "lili"}},
		"(cn=*li*)":                {{"li", "lili"}, {"linda", "lisa", "li", "lili"}},
		"(cn=jo*)":                 {{"jonas", "jo"}, {"jonas", "jo"}},
		"(cn=l*)":                  {nil, {"linda", "lisa", "li", "lili"}},
		"(sn=mueller)":             {{"jürgen"}, {"jürgen"}},
		"(anr=Mül)":                {nil, {"jürgen"}},
		"(&(sn=li*)(!(cn=*ind*)))": {{"li"}, {"lisa", "li"}},
		"(o=*)":                    {nil, nil},
		"(objectClass=li)":         {nil, nil},
		"(unknown=li)":             {nil, nil},
	} {
		for kind := range index.Kinds {
			if got := ids(b.Query(parse(t, f)).Better(kind)); !slices.Equal(got, want[kind]) {
				t.Errorf("%s, kind %d: %q, want %q", f, kind, got, want[kind])
			}
		}
	}
}

// Who is called so is known also where nothing is known of the filter's other hits, and
// there are fewer people than places where the name stands.
func TestBetterOfFew(t *testing.T) {
	x := newIndex(t, directory.Book{Name: "all", Filter: "(uid=*)"})
	publish(x, 1, []index.Stored{
		stored(directory.Contact{ID: "li", DisplayName: "Li", GivenName: "Li", Surname: "Li", Company: "x"}),
		stored(directory.Contact{ID: "ada", DisplayName: "Ada", Company: "x"}),
	})
	b := x.View().Books()[0]
	if got := ids(b.Query(parse(t, "(|(cn=li)(o=*))")).Better(0)); !slices.Equal(got, []directory.ContactID{"li"}) {
		t.Errorf("%q", got)
	}
}

// Equality looks at few, also where the names of many begin with the value.
func BenchmarkEqualShort(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		book := filled(b, n).View().Books()[0]
		for _, f := range []string{"(sn=me)", "(|(cn=me)(sn=me)(givenName=me))"} {
			b.Run(fmt.Sprintf("of%d/%s", n, f), func(b *testing.B) {
				tree, start := parse(b, f), processorTime()
				b.ReportAllocs()
				for b.Loop() {
					for range book.Search(tree) {
						b.Fatal("somebody is called so")
					}
				}
				reportProcessorTime(b, start)
			})
		}
	}
}

// The best of those whose names begin with what was typed, and the first fifty of
// them in the order of names beside it.
func BenchmarkBetter(b *testing.B) {
	first := func(s iter.Seq[*index.Entry]) {
		n := 0
		for range s {
			if n++; n == 50 {
				return
			}
		}
	}
	for _, n := range []int{10_000, 100_000} {
		book := filled(b, n).View().Books()[0]
		for _, f := range []string{"(|(cn=m*)(sn=m*))", "(|(cn=an*)(sn=an*))", "(|(cn=*ann*)(sn=*ann*))", "(|(cn=con*)(sn=con*)(o=con*))"} {
			tree := parse(b, f)
			for name, seqs := range map[string][]iter.Seq[*index.Entry]{
				"order": {book.Search(tree)}, "exact": {book.Query(tree).Better(0)}, "begins": {book.Query(tree).Better(1)},
			} {
				b.Run(fmt.Sprintf("of%d/%s/%s", n, f, name), func(b *testing.B) {
					start := processorTime()
					for b.Loop() {
						for _, s := range seqs {
							first(s)
						}
					}
					reportProcessorTime(b, start)
				})
			}
		}
	}
}

// A name is equal to itself the other way round, in a search; a rule means what it says.
func TestNamesTheOtherWayRound(t *testing.T) {
	x := newIndex(t, directory.Book{Name: "all", Filter: "(uid=*)"}, directory.Book{Name: "one", Filter: "(displayName=Peter Meier)"})
	var put []index.Stored
	for id, name := range map[directory.ContactID]string{"listed": "Meier, Peter", "spoken": "Peter Meier", "long": "von Stein, Anna Maria", "other": "Meier Peter"} {
		put = append(put, index.Stored{Contact: &directory.Contact{ID: id, Source: directory.SourceUser, DisplayName: name}})
	}
	publish(x, 1, put)
	books := x.View().Books()
	for f, want := range map[string][]directory.ContactID{
		"(cn=Peter Meier)":           {"listed", "spoken"},
		"(displayName=MEIER, peter)": {"listed", "spoken"},
		"(cn=Meier Peter)":           {"other"},
		"(cn=Anna Maria von Stein)":  nil, // where a surname begins nobody can tell
		"(cn=von Stein, Anna Maria)": {"long"},
		"(cn:=Peter Meier)":          {"listed", "spoken"},
	} {
		got := ids(books[0].Search(parse(t, f)))
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", f, got, want)
		}
	}
	if got := ids(books[1].All()); !slices.Equal(got, []directory.ContactID{"spoken"}) {
		t.Errorf("the rule lets in %q", got)
	}
}

// Equality finds a short name that stands in the whole name as the beginning of a
// longer one only.
func TestEqualityOfShortNames(t *testing.T) {
	x := newIndex(t, directory.Book{Name: "all", Filter: "(uid=*)"})
	publish(x, 1, []index.Stored{
		{Contact: &directory.Contact{ID: "jo", Source: directory.SourceUser, DisplayName: "Jonas Berg", GivenName: "Jo", Surname: "Berg"}},
		{Contact: &directory.Contact{ID: "bergman", Source: directory.SourceUser, DisplayName: "Berg Bergmann", GivenName: "Bergmann", Surname: "Berg"}},
	})
	b := x.View().Books()[0]
	for f, want := range map[string][]directory.ContactID{
		"(givenName=jo)": {"jo"}, "(sn=berg)": {"bergman", "jo"}, "(givenName=berg)": nil, "(givenName=Bergmann)": {"bergman"}, "(givenName=jonas)": nil,
	} {
		if got := ids(b.Search(parse(t, f))); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", f, got, want)
		}
	}
}

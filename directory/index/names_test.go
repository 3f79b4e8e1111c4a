package index_test

import (
	"encoding/csv"
	"os"
	"slices"
	"strings"
	"testing"

	"ringbook/directory"
	"ringbook/directory/filter"
	"ringbook/directory/index"
)

// A nameRow is one of testdata/names.csv.
type nameRow struct{ person, query, found, why string }

func nameRows(t *testing.T) []nameRow {
	t.Helper()
	f, err := os.Open("testdata/names.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment = '#'
	all, err := r.ReadAll()
	if err != nil || len(all) < 100 {
		t.Fatalf("%d rows, %v", len(all), err)
	}
	var rows []nameRow
	for _, row := range all[1:] {
		rows = append(rows, nameRow{row[0], row[1], row[2], row[3]})
	}
	return rows
}

// called makes a contact of "name; company; department".
func called(id, person string) index.Stored {
	parts := append(strings.Split(person, ";"), "", "")
	return stored(directory.Contact{
		ID: directory.ContactID(id), DisplayName: parts[0], Company: strings.TrimSpace(parts[1]), Department: strings.TrimSpace(parts[2]),
	})
}

func idsOf(all []*index.Entry) []string {
	var s []string
	for _, e := range all {
		s = append(s, string(e.Contact().ID))
	}
	return s
}

// Names are found among all the others of the corpus, in whatever way they are
// written and typed; and through postings as without.
func TestNames(t *testing.T) {
	x := newIndex(t, directory.Book{Name: "all", Filter: "(uid=*)"})
	of := make(map[string]string)
	var put []index.Stored
	for _, row := range nameRows(t) {
		if of[row.person] == "" {
			of[row.person] = "p" + string(rune('a'+len(of)/26)) + string(rune('a'+len(of)%26))
			put = append(put, called(of[row.person], row.person))
		}
	}
	publish(x, 1, put)
	b := x.View().Books()[0]
	for _, row := range nameRows(t) {
		for _, f := range []*filter.Filter{
			{Op: filter.Substrings, Attribute: "cn", Initial: row.query},
			{Op: filter.Approx, Attribute: "cn", Value: row.query},
			{Op: filter.Equal, Attribute: "anr", Value: row.query},
		} {
			want := row.found == "yes" || row.found == "anr" && f.Attribute == "anr"
			found := slices.Collect(b.Search(f))
			if got := slices.Contains(idsOf(found), of[row.person]); got != want {
				t.Errorf("%s finds %q: %t, want %t (%s)", f, row.person, got, want, row.why)
			}
			if scan := slices.Collect(b.Search(scanned(f))); !slices.Equal(found, scan) {
				t.Errorf("%s finds %q, without postings %q", f, idsOf(found), idsOf(scan))
			}
			if all := slices.Collect(x.View().Search(t.Context(), f)); !slices.Equal(found, all) {
				t.Errorf("%s finds %q in the book, %q in the mirror", f, idsOf(found), idsOf(all))
			}
		}
	}
}

// Where digits are looked for among numbers as well they are numbers, and in a
// rule they are what they are.
func TestKeypadIsForNames(t *testing.T) {
	x := newIndex(t, directory.Book{Name: "all", Filter: "(uid=*)"}, directory.Book{Name: "rule", Filter: "(cn=634*)"})
	publish(x, 1, []index.Stored{
		called("name", "Peter Meier"), stored(directory.Contact{ID: "digits", DisplayName: "634 Rooms"}),
		stored(directory.Contact{ID: "number", DisplayName: "Zoe", Phones: []directory.Phone{{Kind: directory.PhoneWork, Written: "6341"}}}),
	})
	books := x.View().Books()
	for f, want := range map[string]string{
		"(cn=634*)":                                      "digits name",
		"(|(sn=634*)(givenName=634*))":                   "digits name",
		"(cn=634)":                                       "",
		"(cn=*634*)":                                     "digits",
		"(anr=634)":                                      "digits name",
		"(metaSearchText=634*)":                          "digits name",
		"(&(telephoneNumber=*)(cn=634*))":                "",
		"(|(cn=634*)(telephoneNumber=634*))":             "digits number",
		"(|(cn=634*)(searchNumber=6341))":                "digits number",
		"(|(cn=mei*)(cn=ndi*)(cn=meg*)(cn=neh*))":        "name",
		"(|(telephoneNumber=634*)(displayName=*)(o=6*))": "digits name number",
	} {
		if got := strings.Join(idsOf(slices.Collect(books[0].Search(parse(t, f)))), " "); got != want {
			t.Errorf("%s finds %q, want %q", f, got, want)
		}
	}
	if got := idsOf(slices.Collect(books[1].All())); !slices.Equal(got, []string{"digits"}) {
		t.Errorf("the rule lets in %q", got)
	}
}

// A value of a thousand words costs no more than one of a few, and finds nobody.
func TestManyWords(t *testing.T) {
	x := newIndex(t, directory.Book{Name: "all", Filter: "(uid=*)"})
	publish(x, 1, []index.Stored{called("a", "A B")})
	var words []string
	for r := 'a'; r < 'a'+1000; r++ {
		words = append(words, string(r))
	}
	for _, attribute := range []string{"cn", "anr"} {
		f := &filter.Filter{Op: filter.Approx, Attribute: attribute, Value: strings.Join(words, " ")}
		if got := idsOf(slices.Collect(x.View().Books()[0].Search(f))); got != nil {
			t.Errorf("%s finds %q", attribute, got)
		}
		f.Value = strings.Repeat("b a ", 1000)
		if got := idsOf(slices.Collect(x.View().Books()[0].Search(f))); len(got) != 1 {
			t.Errorf("%s of the same words again finds %q", attribute, got)
		}
	}
}

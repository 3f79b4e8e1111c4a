package ldap_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write the answers of this run into testdata")

// typed is what people type, and exchanges send, into the filters of phones.
var typed = []string{"ann", "Müll", "030123", "+4930", "(ext.)", "*", ""}

// TestTypedIntoFilters fills what is typed into the filters of vendors' manuals and
// templates. A file of testdata/typed.txtar is one filter, its name, with the token
// of its vendor as "%"; its lines say what was typed and who is found, in the order
// of names. Phones that append the star themselves have it here.
func TestTypedIntoFilters(t *testing.T) {
	const golden = "testdata/typed.txtar"
	archive, err := txtar.ParseFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if *update && os.Getenv("CI") != "" {
		t.Fatal("-update is for people, who look at the difference")
	}
	if len(archive.Files) < 40 {
		t.Fatalf("%d filters", len(archive.Files))
	}
	s := newSite(t, staff(), nil)
	c := s.bound(t)
	got := txtar.Archive{Comment: archive.Comment}
	for _, f := range archive.Files {
		_, filter, _ := strings.Cut(f.Name, " ")
		var answers strings.Builder
		for _, what := range typed {
			res, err := c.Search(request(strings.ReplaceAll(filter, "%", goldap.EscapeFilter(what)), "1.1"))
			if err != nil {
				t.Fatalf("%s with %q: %v", filter, what, err)
			}
			fmt.Fprintf(&answers, "%-7s %s\n", what+":", strings.Join(names(res), " "))
		}
		got.Files = append(got.Files, txtar.File{Name: f.Name, Data: []byte(strings.ReplaceAll(answers.String(), " \n", "\n"))})
	}
	if *update {
		if err := os.WriteFile(golden, txtar.Format(&got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(txtar.Format(archive)), string(txtar.Format(&got))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

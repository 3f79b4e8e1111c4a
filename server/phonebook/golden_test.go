package phonebook_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"ringbook/directory"
)

var update = flag.Bool("update", false, "write the documents of testdata anew")

// TestGolden: each file of testdata is what one form writes.
func TestGolden(t *testing.T) {
	if *update && os.Getenv("CI") != "" {
		t.Fatal("-update in CI would make every document right")
	}
	s := twoBooks(t)
	national, draining := desk(), desk()
	national.Numbers, national.ASCII = directory.NumbersNational, true
	draining.State = directory.DeviceDraining
	for _, name := range formNames {
		t.Run(name, func(t *testing.T) {
			got := txtar.Format(&txtar.Archive{Files: []txtar.File{
				{Name: "both books", Data: []byte(newRig(t, s).get(name))},
				{Name: "national numbers, in ASCII", Data: []byte(newRig(t, s, national).get(name))},
				{Name: "draining", Data: []byte(newRig(t, s, draining).get(name))},
				{Name: "?q=0171", Data: []byte(newRig(t, s).get(name + "?q=0171"))},
			}})
			file := filepath.Join("testdata", strings.TrimSuffix(name, ".xml")+".txtar")
			if *update {
				if err := os.WriteFile(file, got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) != len(formNames) {
		t.Errorf("%d files, %v", len(files), err)
	}
}

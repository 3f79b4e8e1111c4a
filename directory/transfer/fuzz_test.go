package transfer_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/rogpeppe/go-internal/txtar"

	"ringbook/directory"
	"ringbook/directory/text"
	"ringbook/directory/transfer"
)

// seeds adds the inputs of the golden files with an ending.
func seeds(f *testing.F, ending string) {
	f.Helper()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	n := 0
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, one := range txtar.Parse(b).Files {
			if strings.HasSuffix(one.Name, ending) {
				f.Add(one.Data)
				n++
			}
		}
	}
	if n < 2 {
		f.Fatalf("%d seeds", n)
	}
}

// check holds what every file that was read promises.
func check(t *testing.T, file *transfer.File, err error) {
	t.Helper()
	if err != nil {
		return
	}
	keys := map[string]bool{}
	for _, r := range file.Rows {
		if r.Key == "" || keys[r.Key] || r.Line < 1 {
			t.Errorf("row %+v", r)
		}
		keys[r.Key] = true
		if _, err := directory.ParseContactID(string(transfer.ID("x", r.Key))); err != nil {
			t.Error(err)
		}
		for _, s := range transfer.Texts(&r.Contact) {
			if *s.Value != text.Clean(*s.Value, s.Field == "street") || strings.IndexFunc(*s.Value, func(r rune) bool { return unicode.IsControl(r) && r != '\n' }) >= 0 {
				t.Errorf("%s is %q", s.Field, *s.Value)
			}
		}
		if transfer.Empty(&r.Contact) {
			t.Error("an empty contact")
		}
	}
	if file.Read < len(file.Rows) {
		t.Errorf("%d read, %d rows", file.Read, len(file.Rows))
	}
}

func FuzzReadCSV(f *testing.F) {
	seeds(f, ".csv")
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := transfer.ReadCSV(bytes.NewReader(b), transfer.CSVOptions{})
		check(t, file, err)
	})
}

func FuzzReadVCard(f *testing.F) {
	seeds(f, ".vcf")
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := transfer.ReadVCard(bytes.NewReader(b))
		check(t, file, err)
	})
}

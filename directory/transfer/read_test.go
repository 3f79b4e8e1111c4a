package transfer_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"ringbook/directory"
	"ringbook/directory/transfer"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestRead reads each file of testdata and compares what was read with "want".
func TestRead(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d golden files, %v", len(files), err)
	}
	if *update && os.Getenv("CI") != "" {
		t.Fatal("-update in CI")
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { golden(t, file) })
	}
}

func golden(t *testing.T, file string) {
	t.Helper()
	ar, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	for i, f := range ar.Files {
		var read *transfer.File
		switch {
		case strings.HasSuffix(f.Name, ".csv"):
			read, err = transfer.ReadCSV(bytes.NewReader(f.Data), transfer.CSVOptions{Key: "Kundennr", Map: map[string]string{"Zentrale": "other"}})
			if !bytes.Contains(f.Data, []byte("Zentrale")) {
				read, err = transfer.ReadCSV(bytes.NewReader(f.Data), transfer.CSVOptions{})
			}
		case strings.HasSuffix(f.Name, ".vcf"):
			read, err = transfer.ReadVCard(bytes.NewReader(f.Data))
		case f.Name == "want":
			if *update {
				ar.Files[i].Data = got.Bytes()
				if err := os.WriteFile(file, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(f.Data), got.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			return
		}
		outline(&got, f.Name, read, err)
	}
	t.Error("the file has no want")
}

// outline writes what was read, a line each.
func outline(w *bytes.Buffer, name string, f *transfer.File, err error) {
	fmt.Fprintf(w, "%s:\n", name)
	if err != nil {
		fmt.Fprintf(w, "  error: %v\n", err)
		return
	}
	for _, r := range f.Rows {
		c := r.Contact
		fmt.Fprintf(w, "  %d %q: %s|%s|%s %v %v %s|%s|%s %v\n", r.Line, r.Key, c.DisplayName, c.GivenName, c.Surname, c.Emails, phones(c), c.Company, c.Department, c.JobTitle, c.Address)
	}
	for _, s := range f.Skipped {
		fmt.Fprintf(w, "  %d skipped: %s\n", s.Line, s.Reason)
	}
	if len(f.Unknown) > 0 {
		fmt.Fprintf(w, "  unknown: %q\n", f.Unknown)
	}
	fmt.Fprintf(w, "  %d read\n", f.Read)
}

func phones(c directory.Contact) (list []string) {
	for _, p := range c.Phones {
		list = append(list, string(p.Kind)+"="+p.Written)
	}
	return list
}

const sheet = "Name;E-Mail;Telefon;Ort\r\nJürgen Groß;juergen@x.example;030 1234567;Köln\r\n"

// The same sheet in every encoding and with every delimiter is the same contact.
func TestEncodingsAndDelimiters(t *testing.T) {
	encoded := map[string]string{"utf-8": sheet, "with a mark": "\ufeff" + sheet, "sep=": "sep=;\r\n" + sheet}
	for name, enc := range map[string]interface{ String(string) (string, error) }{
		"windows-1252": charmap.Windows1252.NewEncoder(),
		"utf-16le":     unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder(),
		"utf-16be":     unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder(),
	} {
		s, err := enc.String(sheet)
		if err != nil {
			t.Fatal(err)
		}
		encoded[name] = s
	}
	for _, d := range []string{",", "\t", "|"} {
		encoded["delimited by "+d] = strings.ReplaceAll(sheet, ";", d)
	}
	for name, s := range encoded {
		f, err := transfer.ReadCSV(strings.NewReader(s), transfer.CSVOptions{})
		if err != nil || len(f.Rows) != 1 || len(f.Skipped)+len(f.Unknown) > 0 {
			t.Errorf("%s: %+v, %v", name, f, err)
			continue
		}
		c := f.Rows[0].Contact
		if c.DisplayName != "Jürgen Groß" || c.Address.City != "Köln" || c.Phones[0].Written != "030 1234567" {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	large := bytes.Repeat([]byte("a"), transfer.MaxFile+1)
	for name, read := range map[string]func() (*transfer.File, error){
		"nothing": func() (*transfer.File, error) { return transfer.ReadCSV(strings.NewReader(""), transfer.CSVOptions{}) },
		"no headers": func() (*transfer.File, error) {
			return transfer.ReadCSV(strings.NewReader("1;2;3\n"), transfer.CSVOptions{})
		},
		"no column of that name": func() (*transfer.File, error) {
			return transfer.ReadCSV(strings.NewReader(sheet), transfer.CSVOptions{Key: "Nr"})
		},
		"no such kind": func() (*transfer.File, error) {
			return transfer.ReadCSV(strings.NewReader(sheet), transfer.CSVOptions{Map: map[string]string{"Ort": "town"}})
		},
		"no such encoding": func() (*transfer.File, error) {
			return transfer.ReadCSV(strings.NewReader(sheet), transfer.CSVOptions{Encoding: "ebcdic"})
		},
		"no vCard":    func() (*transfer.File, error) { return transfer.ReadVCard(strings.NewReader(sheet)) },
		"large CSV":   func() (*transfer.File, error) { return transfer.ReadCSV(bytes.NewReader(large), transfer.CSVOptions{}) },
		"large vCard": func() (*transfer.File, error) { return transfer.ReadVCard(bytes.NewReader(large)) },
		"too many columns": func() (*transfer.File, error) {
			return transfer.ReadCSV(strings.NewReader("Name"+strings.Repeat(";x", 1000)+"\n"), transfer.CSVOptions{})
		},
	} {
		if _, err := read(); !errors.Is(err, directory.ErrInvalid) && !errors.Is(err, directory.ErrTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An id depends on the set and the key, and on nothing else.
func TestID(t *testing.T) {
	a := transfer.ID("suppliers", "42")
	if _, err := directory.ParseContactID(string(a)); err != nil || len(a) != 26 || a != transfer.ID("suppliers", "42") {
		t.Errorf("%s, %v", a, err)
	}
	if a == transfer.ID("suppliers", "43") || a == transfer.ID("others", "42") || transfer.ID("a\nb", "c") == transfer.ID("a", "b\nd") {
		t.Error("two contacts have one id")
	}
}

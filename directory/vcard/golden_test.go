package vcard_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"ringbook/directory"
	"ringbook/directory/vcard"
)

var update = flag.Bool("update", false, "write the cards of testdata anew")

// Each file of testdata is one contact (contact.json), perhaps with the octets
// of its photo, and its card to the byte.
func TestGolden(t *testing.T) {
	if *update && os.Getenv("CI") != "" {
		t.Fatal("-update in CI would make every card right")
	}
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { golden(t, file) })
	}
}

func golden(t *testing.T, file string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	archive := txtar.Parse(data)
	var c directory.Contact
	var style vcard.Style
	var want *txtar.File
	for i, f := range archive.Files {
		switch f.Name {
		case "contact.json":
			if err := json.Unmarshal(f.Data, &c); err != nil {
				t.Fatal(err)
			}
		case "photo":
			style.JPEG = f.Data
		case "card.vcf":
			want = &archive.Files[i]
		}
	}
	if c.ID == "" || want == nil {
		t.Fatal("contact.json or card.vcf is missing")
	}
	got := vcard.Append(nil, &c, style)
	readBack(t, got, &c, style)
	if bytes.Equal(got, want.Data) {
		return
	}
	if !*update {
		t.Fatalf("card (-want +got):\n%s", cmp.Diff(string(want.Data), string(got)))
	}
	want.Data = got
	if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

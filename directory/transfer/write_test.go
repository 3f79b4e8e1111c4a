package transfer_test

import (
	"bytes"
	"encoding/base64"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
	"ringbook/directory/transfer"
)

// awkward are texts that formats stumble over.
var awkward = []string{
	"", "Anna", "Müller; Söhne", `back\slash, "quotes"`, "=1+1", "+49 (0)30 1234567", "-", "@home", "'quoted", "'=quoted", " trailing", "王伟",
	": colon", "< less", "#hash", strings.Repeat("long ", 60), "dn: uid=root", "two\nlines", "a;b|c\td",
}

func randomContact(r *rand.Rand) *directory.Contact {
	pick := func() string { return awkward[r.IntN(len(awkward))] }
	c := &directory.Contact{
		Source: directory.SourceLocal, DisplayName: "N" + pick(), GivenName: pick(), Surname: pick(), Company: pick(), Department: pick(),
		JobTitle: pick(), Office: pick(), Address: directory.Address{Street: pick(), City: pick(), State: pick(), PostalCode: pick(), Country: pick()},
	}
	for i := range r.IntN(3) {
		c.Emails = append(c.Emails, []string{"a@x.example", "=b@x.example", "c'@x.example"}[i])
	}
	for range r.IntN(4) {
		kinds := directory.PhoneKinds()
		c.Phones = append(c.Phones, directory.Phone{Kind: kinds[r.IntN(len(kinds))], Written: []string{"+49 30 1234567", "030/1234", "-12", "0171 (7654321)", "555 1234 ext. 9"}[r.IntN(5)]})
	}
	transfer.Tidy(c, nil)
	c.ID = transfer.ID("test", c.DisplayName+c.Company)
	return c
}

func write(t *testing.T, format string, contacts ...*directory.Contact) string {
	t.Helper()
	var b bytes.Buffer
	w, err := transfer.NewWriter(&b, format)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range contacts {
		if err := w.Write(c); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// What is exported as CSV is imported as it was, whatever is in it; and no cell
// is a formula.
func TestCSVRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		c := randomContact(r)
		text := write(t, "csv", c)
		f, err := transfer.ReadCSV(strings.NewReader(text), transfer.CSVOptions{})
		if err != nil || len(f.Rows) != 1 || len(f.Unknown)+len(f.Skipped) > 0 {
			t.Fatalf("%+v, %v, of:\n%s", f, err, text)
		}
		got := f.Rows[0].Contact
		got.ID, got.Source = c.ID, c.Source
		if f.Rows[0].Key != string(c.ID) {
			t.Errorf("key %q", f.Rows[0].Key)
		}
		if diff := cmp.Diff(c, &got); diff != "" {
			t.Fatalf("(-written +read):\n%s\n%s", diff, text)
		}
	}
}

func TestCSVHasNoFormulas(t *testing.T) {
	text := write(t, "csv", &directory.Contact{ID: "a", DisplayName: "=cmd|' /C calc'!A0", Company: "@SUM(1)", Department: "-1+1", JobTitle: "+1+cmd", Phones: []directory.Phone{{Kind: directory.PhoneWork, Written: "+49 30 1"}}})
	for _, cell := range []string{"'=cmd|", "'@SUM(1)", "'-1+1", "'+1+cmd", ",+49 30 1"} {
		if !strings.Contains(text, cell) {
			t.Errorf("%q is not in:\n%s", cell, text)
		}
	}
}

func TestVCardRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 100 {
		c := randomContact(r)
		f, err := transfer.ReadVCard(strings.NewReader(write(t, "vcard", c)))
		if err != nil || len(f.Rows) != 1 {
			t.Fatalf("%+v, %v", f, err)
		}
		got := f.Rows[0].Contact
		if f.Rows[0].Key != string(c.ID) || got.DisplayName != c.Name() || !cmp.Equal(got.Emails, c.Emails) || got.Company != c.Company || len(got.Phones) != len(c.Phones) {
			t.Fatalf("%+v became %+v", c, got)
		}
	}
}

// TestLDIF reads what is written by the rules of RFC 2849, line by line.
func TestLDIF(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 300 {
		c := randomContact(r)
		text := write(t, "ldif", c)
		entry := readLDIF(t, text)
		if got := entry["dn"]; len(got) != 1 || got[0] != "uid="+string(c.ID)+",dc=ringbook" {
			t.Fatalf("dn %q in:\n%s", got, text)
		}
		for name, want := range map[string]string{"cn": c.Name(), "o": c.Company, "ou": c.Department, "street": c.Address.Street, "l": c.Address.City} {
			if got := strings.Join(entry[name], "|"); got != want {
				t.Fatalf("%s is %q, want %q in:\n%s", name, got, want, text)
			}
		}
		if !slices.Equal(entry["mail"], c.Emails) || len(entry["sn"]) != 1 {
			t.Fatalf("mail %q, sn %q", entry["mail"], entry["sn"])
		}
		if _, root := entry["root"]; root || len(entry["dn"]) > 1 {
			t.Fatalf("a value became a line of its own:\n%s", text)
		}
	}
}

func readLDIF(t *testing.T, text string) map[string][]string {
	t.Helper()
	entry := map[string][]string{}
	unfolded := strings.ReplaceAll(text, "\n ", "")
	for line := range strings.Lines(text) {
		if len(strings.TrimSuffix(line, "\n")) > 76 {
			t.Errorf("a line of %d bytes", len(line))
		}
	}
	for line := range strings.Lines(strings.TrimSuffix(unfolded, "\n\n") + "\n") {
		name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		if !ok {
			t.Fatalf("%q is no attribute", line)
		}
		if coded, is := strings.CutPrefix(value, ": "); is {
			b, err := base64.StdEncoding.DecodeString(coded)
			if err != nil {
				t.Fatal(err)
			}
			value = string(b)
		} else {
			value = strings.TrimPrefix(value, " ")
		}
		entry[name] = append(entry[name], value)
	}
	return entry
}

func TestNewWriterRefuses(t *testing.T) {
	if _, err := transfer.NewWriter(&bytes.Buffer{}, "xlsx"); err == nil || !strings.Contains(err.Error(), "csv, vcard, ldif") {
		t.Error(err)
	}
}

package graph

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/txtar"

	"ringbook/directory"
)

func fuzzMapping(tb testing.TB) *mapping {
	tb.Helper()
	m, err := newMapping(Options{
		Phones: map[string]directory.PhoneKind{"extensionAttribute1": "home", "extension_0123456789abcdef0123456789abcdef_homePhone": "home"},
		E164: func(s string) string {
			if digits(s) < 8 {
				return ""
			}
			return "+" + s
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// FuzzPage: whatever a page holds, a contact comes out of it as the contract
// has it, and laying news twice is laying them once.
func FuzzPage(f *testing.F) {
	files, err := filepath.Glob("testdata/[dm]*/*.txtar") // delta and mailbox
	if err != nil || len(files) < 6 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, page := range txtar.Parse(data).Files {
			if strings.Contains(page.Name, "/") {
				f.Add([]byte(`{"value":[` + string(page.Data) + `],"@odata.nextLink":"https://h/x"}`))
			}
		}
	}
	m := fuzzMapping(f)
	outlook := newOutlookMapping(m.phones)
	f.Fuzz(func(t *testing.T, data []byte) {
		var p, again page
		if json.Unmarshal(data, &p) != nil || json.Unmarshal(data, &again) != nil {
			return
		}
		for _, o := range again.Value {
			someAddresses(o)
			adaptOutlook(o, folderPrefix("box", "folder"))
			if ch, _, err := outlook.change(o); err == nil && !ch.Removed {
				c := &directory.Contact{ID: ch.ID, Source: directory.SourceMailbox}
				ch.Update(c)
				checkContact(t, c)
			}
		}
		stored := &directory.Contact{Phones: []directory.Phone{{Kind: "fax", Written: "1234", Attribute: "faxNumber,gone"}}}
		for _, o := range p.Value {
			ch, _, err := m.change(o)
			if err != nil || ch.Removed {
				continue
			}
			for _, c := range []*directory.Contact{{}, stored} {
				c = c.Clone()
				c.ID, c.Source = ch.ID, directory.SourceUser
				ch.Update(c)
				checkContact(t, c)
				again := c.Clone()
				ch.Update(again)
				if !again.Equal(c) {
					t.Errorf("twice is not once:\n%+v\n%+v", c, again)
				}
			}
		}
	})
}

func checkContact(t *testing.T, c *directory.Contact) {
	t.Helper()
	if id, err := directory.ParseContactID(string(c.ID)); err != nil || id != c.ID {
		t.Errorf("id %q: %v", c.ID, err)
	}
	texts := []string{
		c.DisplayName, c.GivenName, c.Surname, c.JobTitle, c.Department, c.Company, c.Office, c.UserPrincipalName, c.UserType,
		c.EmployeeID, c.Address.City, c.Address.State, c.Address.PostalCode, c.Address.Country,
		strings.ReplaceAll(c.Address.Street, "\n", " "),
	}
	texts = append(texts, c.Emails...)
	rank := fuzzMapping(t).phones.rank
	for i, p := range c.Phones {
		texts = append(texts, p.Written)
		if p.Written == "" || p.Attribute == "" || digits(p.Written) == 0 {
			t.Errorf("phone %+v", p)
		}
		if i > 0 && rank[p.Kind] < rank[c.Phones[i-1].Kind] {
			t.Errorf("%s after %s", p.Kind, c.Phones[i-1].Kind)
		}
	}
	for _, s := range texts {
		if !utf8.ValidString(s) || len(s) > maxText || s != strings.TrimSpace(s) || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			t.Errorf("text %q", s)
		}
	}
}

func digits(s string) (n int) {
	for _, r := range s {
		if unicode.IsDigit(r) {
			n++
		}
	}
	return n
}

func TestPlain(t *testing.T) {
	if got := plain("a\nb\x00\x1b[31mc\xff"+strings.Repeat("ä", 10), 12); got != "a b[31mcää…" {
		t.Errorf("plain = %q", got)
	}
}

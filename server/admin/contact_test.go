package admin_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
	"ringbook/server/admin"
)

// put mirrors one contact.
func (o *office) put(t *testing.T, id directory.ContactID, update func(*directory.Contact)) {
	t.Helper()
	_, err := o.store.Apply(t.Context(), directory.Batch{
		Feed: "users", Source: directory.SourceUser, Next: &directory.Cursor{Link: "x"},
		Changes: []directory.Change{{ID: id, Update: update}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestFindContacts(t *testing.T) {
	t.Parallel()
	o := open(t)
	if _, err := o.client.Preview(t.Context(), admin.PreviewRequest{Filter: "(cn=*)"}); !errors.Is(err, directory.ErrUnavailable) {
		t.Errorf("before the first round: %v", err)
	}
	o.put(t, "a-1", func(c *directory.Contact) {
		c.DisplayName, c.Emails, c.UserPrincipalName = "Ada Lovelace", []string{"ada@contoso.com"}, "a.lovelace@contoso.com"
		c.Phones = []directory.Phone{{Kind: directory.PhoneWork, Written: "030 1234567", E164: "+49301234567"}}
	})
	o.put(t, "b-1", func(c *directory.Contact) {
		c.DisplayName, c.Emails, c.AccountEnabled = "Bob Ada", []string{"ada@contoso.com"}, directory.False
	})
	for text, want := range map[string]string{
		"ada": "a-1 b-1", "lov ada": "a-1", "ada@": "a-1 b-1", "030/123 45-67": "a-1", "+49 (0)30 1234567": "a-1",
		"A-1": "a-1", "*": "", "999": "", "nobody)(cn=*": "", "lovelace, ada": "a-1", "5683": "a-1", "23205": "a-1",
	} {
		found, err := o.client.FindContacts(t.Context(), text, 50)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		var ids []string
		for _, c := range found.Contacts {
			ids = append(ids, string(c.ID))
		}
		if got := strings.Join(ids, " "); got != want || found.More {
			t.Errorf("%q finds %q, want %q", text, got, want)
		}
	}
	if found, err := o.client.FindContacts(t.Context(), "ada", 1); err != nil || len(found.Contacts) != 1 || !found.More {
		t.Errorf("with a limit: %+v, %v", found, err)
	}
	for _, bad := range []string{"", "  ", "a\nb", "\x1b[2J", strings.Repeat("a", 300)} {
		if _, err := o.client.FindContacts(t.Context(), bad, 50); !errors.Is(err, directory.ErrInvalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := o.client.FindContacts(t.Context(), "a", 1_000_000); !errors.Is(err, directory.ErrInvalid) {
		t.Errorf("a limit without limit: %v", err)
	}
	if c, err := o.client.Contact(t.Context(), "A.Lovelace@Contoso.com"); err != nil || c.ID != "a-1" || !cmp.Equal(c.Books, []directory.BookName{"people", "sales"}) {
		t.Errorf("by sign-in name: %+v, %v", c, err)
	}
	if _, err := o.client.Contact(t.Context(), "ada@contoso.com"); err == nil || !strings.Contains(err.Error(), "2 contacts") {
		t.Errorf("an address of two: %v", err)
	}
	if _, err := o.client.Contact(t.Context(), "../status"); !errors.Is(err, directory.ErrNotFound) {
		t.Errorf("a path: %v", err)
	}
}

func TestExplainContact(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.put(t, "a-1", func(c *directory.Contact) { c.DisplayName = "Ada" })
	o.put(t, "b-1", func(c *directory.Contact) { c.DisplayName, c.AccountEnabled = "Bob", directory.False })
	d, err := o.client.AddDevice(t.Context(), admin.NewDevice{Name: "phone", Books: []directory.BookName{"sales", "people"}})
	if err != nil {
		t.Fatal(err)
	}
	x, err := o.client.ExplainContact(t.Context(), "a-1", string(d.ID))
	if err != nil {
		t.Fatal(err)
	}
	if !x.Visible || len(x.Books) != 2 || x.Books[0].Name != "sales" || !x.Books[0].Member || x.Books[0].TakenBefore || !x.Books[1].Member || !x.Books[1].TakenBefore {
		t.Errorf("of two books: %+v", x)
	}
	o.put(t, "a-1", func(c *directory.Contact) { c.DisplayName, c.GivenName, c.Surname = "Lovelace, Ada", "Ada", "Lovelace" })
	for _, names := range directory.NameStyles() {
		if _, err := o.client.ChangeDevice(t.Context(), string(d.ID), admin.DeviceChange{Names: new(names)}); err != nil {
			t.Fatal(err)
		}
		want := map[directory.NameStyle]string{directory.NamesWritten: "Lovelace, Ada", directory.NamesPlain: "Ada Lovelace"}[names]
		if x, err = o.client.ExplainContact(t.Context(), "a-1", string(d.ID)); err != nil || x.Shown[0].Field != "name" || x.Shown[0].Value != want || x.Shown[0].Source != "user" {
			t.Errorf("%s: %+v, %v", names, x.Shown, err)
		}
	}
	if x, err = o.client.ExplainContact(t.Context(), "b-1", ""); err != nil || x.Visible || x.Books[0].Member || x.Books[1].TakenBefore {
		t.Errorf("in no book: %+v, %v", x, err)
	}
	if _, err := o.client.ExplainContact(t.Context(), "a-1", "nobody"); !errors.Is(err, directory.ErrNotFound) {
		t.Errorf("no device: %v", err)
	}
}

func TestPreviewRefuses(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.load(t)
	for what, req := range map[string]admin.PreviewRequest{
		"no rule": {Filter: "("}, "too long": {Filter: "(cn=" + strings.Repeat("a", 20<<10) + ")"}, "unknown attribute": {Filter: "(x=1)"},
	} {
		if _, err := o.client.Preview(t.Context(), req); !errors.Is(err, directory.ErrInvalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := o.client.Preview(t.Context(), admin.PreviewRequest{Filter: "(cn=*)", Book: "none"}); !errors.Is(err, directory.ErrNotFound) {
		t.Errorf("no book: %v", err)
	}
	if p, err := o.client.Preview(t.Context(), admin.PreviewRequest{Filter: "(!(cn=*))", Limit: -5}); err != nil || p.Leaving != 1 || len(p.Leavers) != 0 || p.Book != "people" {
		t.Errorf("%+v, %v", p, err)
	}
}

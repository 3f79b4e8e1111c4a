package ldap_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	goldap "github.com/go-ldap/ldap/v3"

	"ringbook/directory"
	"ringbook/directory/text"
)

// swedes are people whom Sweden lists in another order than Germany, by given name
// and by surname.
func swedes() (list []*directory.Contact) {
	for name := range strings.SplitSeq("Adam Ek, Örjan Falk, Zara Öst, Wilma Ahl, Åsa Berg, Olof Ås, Ärling Dahl", ", ") {
		given, sur, _ := strings.Cut(name, " ")
		list = append(list, &directory.Contact{
			ID: directory.ContactID(strings.ToLower(sur[len(sur)-1:]) + "-" + strings.ToLower(text.ASCII(given))), Source: directory.SourceUser,
			DisplayName: name, GivenName: given, Surname: sur, Company: "Contoso",
		})
	}
	return list
}

// The orders of swedes.
const (
	swedishNames    = "k-adam s-olof l-wilma t-zara g-aasa l-aerling k-oerjan"
	swedishSurnames = "l-wilma g-aasa l-aerling k-adam k-oerjan s-olof t-zara"
	rootNames       = "k-adam l-aerling g-aasa s-olof k-oerjan l-wilma t-zara"
	rootSurnames    = "l-wilma s-olof g-aasa l-aerling k-adam k-oerjan t-zara"
)

// siteIn serves the Swedes in the order of a language.
func siteIn(t *testing.T, tag string) *site {
	t.Helper()
	order, err := text.ParseCollation(tag)
	if err != nil {
		t.Fatal(err)
	}
	m, plan := newMirrorIn(t, order, swedes()...)
	return newSiteOf(t, m, plan, nil)
}

// inPages reads all pages, from a cookie on; by "" = unsorted.
func inPages(c *goldap.Conn, size uint32, by string, cookie []byte, most int) (got []string, next []byte, err error) {
	for range most {
		ctl := goldap.NewControlPaging(size)
		ctl.SetCookie(cookie)
		r := request("(sn=*)", "1.1")
		r.Controls = []goldap.Control{ctl}
		if by != "" {
			r.Controls = append(r.Controls, &goldap.ControlServerSideSorting{SortKeys: []*goldap.SortKey{{AttributeType: by}}})
		}
		res, err := c.Search(r)
		if err != nil {
			return got, nil, err
		}
		got = append(got, names(res)...)
		answer, ok := goldap.FindControl(res.Controls, goldap.ControlTypePaging).(*goldap.ControlPaging)
		if !ok || len(answer.Cookie) == 0 {
			return got, nil, nil
		}
		cookie = answer.Cookie
	}
	return got, cookie, nil
}

func TestOrderOfALanguage(t *testing.T) {
	for tag, want := range map[string]struct{ names, surnames string }{
		"sv":   {swedishNames, swedishSurnames},
		"root": {rootNames, rootSurnames},
	} {
		byName, bySurname := strings.Fields(want.names), strings.Fields(want.surnames)
		c := siteIn(t, tag).bound(t)
		backwards := func(list []string) []string { list = slices.Clone(list); slices.Reverse(list); return list }
		for by, want := range map[string][]string{"": byName, "cn": byName, "-cn": backwards(byName), "sn": bySurname, "-sn": backwards(bySurname)} {
			r := request("(sn=*)", "1.1")
			if by != "" {
				key := &goldap.SortKey{AttributeType: strings.TrimPrefix(by, "-"), Reverse: by[0] == '-'}
				r.Controls = []goldap.Control{&goldap.ControlServerSideSorting{SortKeys: []*goldap.SortKey{key}}}
			}
			res, err := c.Search(r)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, names(res)); diff != "" {
				t.Errorf("%s by %q (-want +got)\n%s", tag, by, diff)
			}
			if by == "" {
				continue
			}
			if v := view(t, c, "(sn=*)", by, offsetView(0, 99, 1, 0)); !slices.Equal(v.names, want) {
				t.Errorf("%s by %q: the list is %q, want %q", tag, by, v.names, want)
			}
		}
		for size := range uint32(8) {
			for by, want := range map[string][]string{"": byName, "cn": byName, "sn": bySurname} {
				if got, _, err := inPages(c, size+1, by, nil, 9); err != nil || !slices.Equal(got, want) {
					t.Errorf("%s by %q in pages of %d: %q, %v", tag, by, size+1, got, err)
				}
			}
		}
	}
}

// TestPlaceOfAValue: a list view that begins at what was typed begins where the
// language has it.
func TestPlaceOfAValue(t *testing.T) {
	for tag, want := range map[string]map[string]string{
		"sv":   {"cn=Å": "g-aasa", "cn=Ä": "l-aerling", "cn=Z": "t-zara", "sn=Å": "s-olof", "sn=B": "g-aasa"},
		"root": {"cn=Å": "k-adam", "cn=År": "l-aerling", "cn=Z": "t-zara", "sn=Å": "l-wilma", "sn=Aq": "s-olof"},
	} {
		c := siteIn(t, tag).bound(t)
		for at, first := range want {
			by, value, _ := strings.Cut(at, "=")
			if v := view(t, c, "(sn=*)", by, valueView(0, 0, value)); !slices.Equal(v.names, []string{first}) {
				t.Errorf("%s: behind %s comes %q, want %s", tag, at, v.names, first)
			}
		}
	}
}

// TestPagesOfAnotherOrder: a cookie goes on after a restart with the same order, and is
// refused with a word to the client if the order is another one: it would leave people out, or
// send them twice.
func TestPagesOfAnotherOrder(t *testing.T) {
	for _, by := range []string{"", "cn", "sn"} {
		want := strings.Fields(map[string]string{"": rootNames, "cn": rootNames, "sn": rootSurnames}[by])
		first, cookie, err := inPages(siteIn(t, "root").bound(t), 3, by, nil, 1)
		if err != nil || len(first) != 3 || len(cookie) == 0 {
			t.Fatalf("first page: %q, %x, %v", first, cookie, err)
		}
		rest, _, err := inPages(siteIn(t, "de").bound(t), 3, by, cookie, 9)
		if got := append(first, rest...); err != nil || !slices.Equal(got, want) {
			t.Errorf("by %q in the same order: %q, %v", by, got, err)
		}
		got, _, err := inPages(siteIn(t, "sv").bound(t), 3, by, cookie, 9)
		if code(err) != goldap.LDAPResultUnwillingToPerform || len(got) != 0 || !strings.Contains(err.Error(), "begin with the first page") {
			t.Errorf("by %q in another order: %q, %v", by, got, err)
		}
	}
}

package ldap_test

import (
	"testing"

	goldap "github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"ringbook/directory/text"
	"ringbook/server/ldap"
)

// sighted serves clients who see some attributes, without a login.
func sighted(t *testing.T, attributes ...string) *goldap.Conn {
	t.Helper()
	return newSiteAt(t, func(p *ldap.Port) { p.Anonymous = []ldap.Anonymous{printers(t, attributes...)} }).dial(t)
}

// people asks for a filter and returns whom it finds, in their order.
func people(t *testing.T, c *goldap.Conn, filter string, most int) []string {
	t.Helper()
	r := request(filter, "1.1")
	r.SizeLimit = most
	res, err := c.Search(r)
	if err != nil && code(err) != goldap.LDAPResultSizeLimitExceeded {
		t.Fatalf("%s: %v", filter, err)
	}
	return names(res)
}

// TestWordsOfWhatIsHidden: the words of a name are looked for in what may be seen
// alone, though for a device they may be in the company, too.
func TestWordsOfWhatIsHidden(t *testing.T) {
	c := sighted(t, "cn", "telephoneNumber")
	for filter, want := range map[string][]string{
		"(cn=ber ann*)":      {"anna"},
		"(cn=berg contoso*)": {},
		"(cn=berg sal*)":     {},
		"(cn~=berg sales)":   {},
	} {
		if diff := cmp.Diff(want, people(t, c, filter, 0)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", filter, diff)
		}
	}
	c = sighted(t, "sn", "o")
	for filter, want := range map[string][]string{
		"(sn=ber ann*)":      {},
		"(sn=berg contoso*)": {"anna"},
		"(sn=264 237*)":      {}, // Ann Ber on a keypad
		"(sn=2660237*)":      {},
	} {
		if diff := cmp.Diff(want, people(t, c, filter, 0)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", filter, diff)
		}
	}
}

// TestOrderOfWhatIsHidden: who is first tells nothing of what may not be seen, cut
// or not.
func TestOrderOfWhatIsHidden(t *testing.T) {
	c := sighted(t, "cn", "telephoneNumber")
	for _, most := range []int{0, 2} {
		want := people(t, c, "(cn=*)", most)
		for _, leaf := range []string{"(telephoneNumber=01719876543)", "(telephoneNumber=0307654321)", "(telephoneNumber=*19876543)"} {
			if diff := cmp.Diff(want, people(t, c, "(|(cn=*)"+leaf+")", most)); diff != "" {
				t.Errorf("%s, %d at most (-want +got)\n%s", leaf, most, diff)
			}
		}
	}
	if got := people(t, c, "(|(cn=*)(telephoneNumber=0301234503))", 1); len(got) != 1 || got[0] != "meier" {
		t.Errorf("by a number that may be seen: %v first", got)
	}
	if got := people(t, c, "(|(cn=*)(cn=zöll*))", 1); len(got) != 1 || got[0] != "annika" {
		t.Errorf("by a name that may be seen: %v first", got)
	}
	c = sighted(t, "telephoneNumber")
	want := people(t, c, "(telephoneNumber=*)", 1)
	if diff := cmp.Diff(want, people(t, c, "(|(telephoneNumber=*)(telephoneNumber=zöllner))", 1)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestListsOfWhatIsHidden: a list that was kept for a device is not shown to who may
// see less.
func TestListsOfWhatIsHidden(t *testing.T) {
	s := newPrinterSite(t)
	all := valueView(0, 9, "")
	if v := view(t, s.bound(t), "(cn=berg contoso*)", "cn", all); len(v.names) != 1 {
		t.Errorf("a device sees %+v", v)
	}
	if v := view(t, s.dial(t), "(cn=berg contoso*)", "cn", all); len(v.names) != 0 || v.count != 0 {
		t.Errorf("without a login there is %+v", v)
	}
}

// TestPlacesOfWhatIsHidden: neither a cookie nor the place in a list tells the names
// of those whose numbers alone may be seen.
func TestPlacesOfWhatIsHidden(t *testing.T) {
	c := sighted(t, "telephoneNumber")
	page := func(cookie []byte) (*goldap.SearchResult, []byte, error) {
		ctl := goldap.NewControlPaging(1)
		ctl.SetCookie(cookie)
		r := request("(telephoneNumber=*)", "1.1")
		r.Controls = []goldap.Control{ctl}
		res, err := c.Search(r)
		if err != nil {
			return res, nil, err
		}
		answer, ok := goldap.FindControl(res.Controls, goldap.ControlTypePaging).(*goldap.ControlPaging)
		if !ok {
			t.Fatal("no paging control in the answer")
		}
		return res, answer.Cookie, nil
	}
	var all []string
	for cookie := []byte(nil); ; {
		res, next, err := page(cookie)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, names(res)...)
		if len(next) == 0 {
			break
		}
		if len(next) > 1+text.DigestLen+4 {
			t.Fatalf("the cookie %q says more than a count", next)
		}
		cookie = next
	}
	if diff := cmp.Diff(people(t, c, "(telephoneNumber=*)", 0), all); diff != "" {
		t.Errorf("page by page (-want +got)\n%s", diff)
	}
	if res, _, err := page([]byte("c" + (*text.Collation)(nil).Digest() + "\x00\x00\x00\x01anna\x00m")); code(err) != goldap.LDAPResultProtocolError {
		t.Errorf("a cookie with a name goes on at %v, %v", names(res), err)
	}
	for _, order := range []string{"cn", "nonsense"} {
		if v := view(t, c, "(telephoneNumber=*)", order, valueView(0, 0, "m")); v.code == 0 {
			t.Errorf("a name has the place %d in the order of %s", v.target, order)
		}
		if v := view(t, c, "(telephoneNumber=*)", order, offsetView(0, 0, 2, 0)); v.code != 0 || v.target != 2 {
			t.Errorf("the second: %+v", v)
		}
	}
	if v := view(t, c, "(telephoneNumber=*)", "telephoneNumber", valueView(0, 0, "+4930")); v.code != 0 {
		t.Errorf("by what may be seen: %+v", v)
	}
}

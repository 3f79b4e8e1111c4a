package ldap_test

import (
	"testing"

	goldap "github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
)

// TestASCIIDevice: a display without umlauts gets them spelt out, in what is read and
// not in what is sent back.
func TestASCIIDevice(t *testing.T) {
	s := newSite(t, []*directory.Contact{{
		ID: "jg", Source: directory.SourceUser, DisplayName: "Jürgen Groß", GivenName: "Jürgen", Surname: "Groß", JobTitle: "Geschäftsführer",
		Emails: []string{"jürgen@contoso.com"}, Address: directory.Address{Street: "Königsallee 1", City: "Düsseldorf"},
		Phones: []directory.Phone{{Kind: directory.PhoneWork, Written: "+49 211 1234567"}},
	}}, nil)
	old, secret := s.add(t, directory.Device{Name: "old", Kind: directory.KindDeskphone, ASCII: true, Books: []directory.BookName{"people"}})
	c := s.dial(t)
	if err := c.Bind(string(old.Login), secret); err != nil {
		t.Fatal(err)
	}
	res, err := c.Search(request("(sn=Groß)", "cn", "gn", "sn", "title", "mail", "l", "postalAddress", "telephoneNumber", "uid"))
	if err != nil || len(res.Entries) != 1 {
		t.Fatalf("%v, %v", names(res), err)
	}
	got := map[string]string{}
	for _, a := range res.Entries[0].Attributes {
		got[a.Name] = a.Values[0]
	}
	want := map[string]string{
		"cn": "Juergen Gross", "gn": "Juergen", "sn": "Gross", "title": "Geschaeftsfuehrer", "mail": "jürgen@contoso.com", "l": "Duesseldorf",
		"postalAddress": "Koenigsallee 1$Duesseldorf", "telephoneNumber": "+492111234567", "uid": "jg",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, shown := range []string{"(cn=Juergen Gross)", "(sn=Gross*)", "(title=Geschaeftsfuehrer)"} { // it asks for what it shows
		if res, err := c.Search(request(shown, "1.1")); err != nil || len(res.Entries) != 1 {
			t.Errorf("%s: %v", shown, err)
		}
	}
	// Others get what is written, also from the same connection's neighbours.
	res, err = s.bound(t).Search(goldap.NewSearchRequest("uid=jg,ou=people,"+base, goldap.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", []string{"cn"}, nil))
	if err != nil || len(res.Entries) != 1 || res.Entries[0].GetAttributeValue("cn") != "Jürgen Groß" {
		t.Errorf("%v, %v", res, err)
	}
}

package ldap_test

import (
	"testing"

	goldap "github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
)

// TestPlainNames: a device that has names without commas reads them so, and finds and
// sorts by them as others do.
func TestPlainNames(t *testing.T) {
	s := newSite(t, []*directory.Contact{
		{ID: "ka", Source: directory.SourceUser, DisplayName: "Adler, Karen", GivenName: "Karen", Surname: "Adler", JobTitle: "Kasse, Tresor"},
		{ID: "bb", Source: directory.SourceUser, DisplayName: "Böhm, Lager‚ Süd", Emails: []string{"a,b@contoso.com"}},
		{ID: "ca", Source: directory.SourceUser, DisplayName: "Carl", Surname: "King, Jr."},
	}, nil)
	for _, c := range []struct {
		device directory.Device
		want   []map[string]string
	}{
		{directory.Device{Name: "written"}, []map[string]string{
			{"cn": "Adler, Karen", "displayName": "Adler, Karen", "sn": "Adler", "gn": "Karen", "title": "Kasse, Tresor", "uid": "ka"},
			{"cn": "Böhm, Lager‚ Süd", "displayName": "Böhm, Lager‚ Süd", "sn": "Böhm, Lager‚ Süd", "mail": "a,b@contoso.com", "uid": "bb"},
			{"cn": "Carl", "displayName": "Carl", "sn": "King, Jr.", "uid": "ca"},
		}},
		{directory.Device{Name: "plain", Names: directory.NamesPlain}, []map[string]string{
			{"cn": "Karen Adler", "displayName": "Karen Adler", "sn": "Adler", "gn": "Karen", "title": "Kasse, Tresor", "uid": "ka"},
			{"cn": "Böhm Lager Süd", "displayName": "Böhm Lager Süd", "sn": "Böhm Lager Süd", "mail": "a,b@contoso.com", "uid": "bb"},
			{"cn": "Carl", "displayName": "Carl", "sn": "King, Jr.", "uid": "ca"},
		}},
		{directory.Device{Name: "plain, in ASCII", Names: directory.NamesPlain, ASCII: true}, []map[string]string{
			{"cn": "Karen Adler", "displayName": "Karen Adler", "sn": "Adler", "gn": "Karen", "title": "Kasse, Tresor", "uid": "ka"},
			{"cn": "Boehm Lager Sued", "displayName": "Boehm Lager Sued", "sn": "Boehm Lager Sued", "mail": "a,b@contoso.com", "uid": "bb"},
			{"cn": "Carl", "displayName": "Carl", "sn": "King, Jr.", "uid": "ca"},
		}},
	} {
		t.Run(c.device.Name, func(t *testing.T) {
			c.device.Kind, c.device.Books = directory.KindPBX, []directory.BookName{"people"}
			d, secret := s.add(t, c.device)
			conn := s.dial(t)
			if err := conn.Bind(string(d.Login), secret); err != nil {
				t.Fatal(err)
			}
			res, err := conn.Search(request("(uid=*)", "cn", "displayName", "sn", "gn", "title", "mail", "uid"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, firstValues(res)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			for _, asked := range []string{"(cn=Adler, Karen)", "(cn=Karen Adler)", "(cn=adl*)", "(&(cn=*)(sn=adler))"} { // it asks for what it shows
				if res, err := conn.Search(request(asked, "1.1")); err != nil || len(res.Entries) != 1 {
					t.Errorf("%s: %v", asked, err)
				}
			}
		})
	}
}

// firstValues returns the first value of each attribute, entry by entry.
func firstValues(res *goldap.SearchResult) (all []map[string]string) {
	for _, e := range res.Entries {
		got := map[string]string{}
		for _, a := range e.Attributes {
			got[a.Name] = a.Values[0]
		}
		all = append(all, got)
	}
	return all
}

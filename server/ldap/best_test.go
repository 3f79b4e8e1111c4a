package ldap_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
	"ringbook/server/ldap"
)

// conrads is a company that has "con" in its own name, as every hit has.
func conrads() []*directory.Contact {
	person := func(id, given, sur, number string) *directory.Contact {
		return &directory.Contact{
			ID: directory.ContactID(id), Source: directory.SourceUser, DisplayName: given + " " + sur, GivenName: given, Surname: sur,
			Company: "Contoso", Phones: []directory.Phone{{Kind: directory.PhoneWork, Written: number}},
		}
	}
	return []*directory.Contact{
		person("aconcio", "Ada", "Falconer", "+49 30 1234501"),
		person("berta", "Berta", "Berg", "+49 30 1234502"),
		person("connie", "Connie", "Zwick", "+49 30 91234501"),
		person("li", "Xiaoming", "Li", "+49 30 1234504"),
		person("linda", "Linda", "Lindner", "+49 30 1234505"),
		person("lisa", "Lisa", "Alt", "+49 30 1234506"),
		person("wolf", "Wolf", "Conrad", "+49 30 1234507"),
		person("zora", "Zora", "Con", "+49 30 1234508"),
	}
}

// TestBestHitsFirstWhenCut: who is called so, then whose name begins so, then the
// others. With room for all, the order of names is the only one.
func TestBestHitsFirstWhenCut(t *testing.T) {
	s := newSite(t, conrads(), nil)
	c := s.bound(t)
	for _, q := range []struct {
		filter string
		limit  int
		want   string
	}{
		{"(|(cn=con*)(o=con*))", 0, "aconcio berta connie linda lisa wolf li zora"},
		{"(|(cn=con*)(o=con*))", 8, "aconcio berta connie linda lisa wolf li zora"},
		{"(|(cn=con*)(o=con*))", 7, "zora connie wolf aconcio berta linda lisa"},
		{"(|(cn=con*)(o=con*))", 3, "zora connie wolf"},
		{"(|(cn=con*)(o=con*))", 2, "zora connie"},
		{"(|(cn=con*)(o=con*))", 1, "zora"},
		{"(|(cn=*con*)(o=x))", 4, "aconcio connie wolf zora"},
		{"(|(cn=*con*)(o=x))", 3, "zora connie wolf"},
		{"(cn=li*)", 3, "linda lisa li"},
		{"(cn=li*)", 2, "li linda"},
		{"(sn~=li)", 1, "li"},
		{"(anr=li)", 1, "li"},
		{"(cn=l*)", 1, "linda"}, // one letter is nobody's whole name
		{"(&(objectClass=person)(!(cn=zora*)))", 2, "aconcio berta"},
		{"(telephoneNumber=*1234501)", 2, "aconcio connie"},
		{"(telephoneNumber=*91234501)", 1, "connie"},
		{"(|(telephoneNumber=*1234501)(telephoneNumber=*91234501))", 1, "aconcio"},
		{"(|(telephoneNumber=03091234501)(telephoneNumber=030*))", 1, "connie"},
		{"(|(cn=con*)(telephoneNumber=con*)(o=con*))", 1, "zora"},
	} {
		r := request(q.filter, "1.1")
		r.SizeLimit = q.limit
		res, err := c.Search(r)
		if diff := cmp.Diff(strings.Fields(q.want), names(res)); diff != "" {
			t.Errorf("%s, %d of them (-want +got)\n%s", q.filter, q.limit, diff)
		}
		if again, _ := c.Search(r); !slices.Equal(names(res), names(again)) {
			t.Errorf("%s: again %v", q.filter, names(again))
		}
		if got := code(err); got != 0 && got != goldap.LDAPResultSizeLimitExceeded {
			t.Errorf("%s: %v", q.filter, err)
		}
	}
	// Pages and sorted answers go on, so nothing comes first.
	r := request("(|(cn=con*)(o=con*))", "1.1")
	r.SizeLimit, r.Controls = 2, []goldap.Control{goldap.NewControlPaging(1)}
	if res, _ := c.Search(r); !slices.Equal(names(res), []string{"aconcio"}) {
		t.Errorf("a page of %v", names(res))
	}
	r.Controls = []goldap.Control{&goldap.ControlServerSideSorting{SortKeys: []*goldap.SortKey{{AttributeType: "sn"}}}}
	if res, _ := c.Search(r); !slices.Equal(names(res), []string{"lisa", "berta"}) {
		t.Errorf("sorted %v", names(res))
	}
}

// TestBestHitsTellNothing: who may not see names does not learn them from the order.
func TestBestHitsTellNothing(t *testing.T) {
	a := printers(t, "telephoneNumber", "o")
	a.Hits = 3
	s := newSiteAt(t, func(p *ldap.Port) { p.Anonymous = []ldap.Anonymous{a} })
	s.put(conrads()...)
	res, err := s.dial(t).Search(request("(o=con*)", "1.1"))
	if got := names(res); code(err) != goldap.LDAPResultSizeLimitExceeded || !slices.Equal(got, []string{"aconcio", "anna", "annika"}) {
		t.Errorf("%q, %v", got, err)
	}
}

// TestBestHitsAmongMany: the one who is called so is found behind thousands whose
// names begin so, and nobody comes twice.
func TestBestHitsAmongMany(t *testing.T) {
	people := crowd(20_000)
	people = append(people, &directory.Contact{ID: "we", Source: directory.SourceUser, DisplayName: "Zoe We", GivenName: "Zoe", Surname: "We"})
	s := newSite(t, people, nil)
	both, secret := s.add(t, directory.Device{Name: "both", Kind: directory.KindPBX, Books: []directory.BookName{"suppliers", "people"}})
	c := s.dial(t)
	if err := c.Bind(string(both.Login), secret); err != nil {
		t.Fatal(err)
	}
	for _, limit := range []int{1, 50, 1000} {
		r := request("(|(cn=we*)(sn=we*))", "1.1")
		r.SizeLimit = limit
		res, err := c.Search(r)
		if got := names(res); code(err) != goldap.LDAPResultSizeLimitExceeded || len(got) != limit || got[0] != "we" ||
			len(slices.Compact(slices.Sorted(slices.Values(got)))) != limit {
			t.Errorf("limit %d: %d hits, first %v, %v", limit, len(got), got[:1], err)
		}
	}
}

// TestHitsOfADevice: a device's own limit cuts an answer, shortens pages, and
// leaves the whole directory to be read page by page.
func TestHitsOfADevice(t *testing.T) {
	for _, q := range []struct{ hits, server, client, want int }{
		{3, 0, 0, 3}, {3, 2, 0, 2}, {2, 3, 0, 2}, {3, 0, 2, 2}, {3, 0, 5, 3}, {0, 3, 0, 3}, {7, 0, 0, 7}, {8, 0, 0, 7}, {0, 0, 0, 7},
	} {
		t.Run(fmt.Sprintf("hits=%d,server=%d,client=%d", q.hits, q.server, q.client), func(t *testing.T) {
			s := newSite(t, staff(), func(o *ldap.Options) { o.MaxEntries = q.server })
			d, secret := s.add(t, directory.Device{Name: "p", Kind: directory.KindDeskphone, Hits: q.hits, Books: []directory.BookName{"people"}})
			c := s.dial(t)
			if err := c.Bind(string(d.Login), secret); err != nil {
				t.Fatal(err)
			}
			r := request("(sn=*)", "1.1")
			r.SizeLimit = q.client
			res, err := c.Search(r)
			want := uint16(goldap.LDAPResultSizeLimitExceeded)
			if q.want == 7 {
				want = goldap.LDAPResultSuccess
			}
			if code(err) != want || len(res.Entries) != q.want {
				t.Errorf("%d entries, %v", len(res.Entries), err)
			}
			r.SizeLimit = 0
			first, _ := page(t, c, 100, nil)
			most := 7
			for _, limit := range []int{q.hits, q.server} {
				if limit > 0 {
					most = min(most, limit)
				}
			}
			if len(first) != most {
				t.Errorf("the first page has %v", first)
			}
			if all, err := c.SearchWithPaging(r, 100); err != nil || len(all.Entries) != 7 {
				t.Errorf("all pages: %v, %v", names(all), err)
			}
		})
	}
}

// BenchmarkCutSearch is what a phone asks for while the first letters are typed.
func BenchmarkCutSearch(b *testing.B) {
	begins := func(a, v string) []byte { return tlv(0xa4, str(a), tlv(0x30, tlv(0x80, []byte(v)))) }
	for _, n := range []int{10_000, 100_000} {
		_, c := rawBench(b, n)
		for _, typed := range []string{"w", "we", "web", "clara w"} {
			filter := tlv(0xa1, begins("cn", typed), begins("sn", typed), begins("o", typed))
			limits := []byte{10, 1, 2, 10, 1, 0, 2, 1, 50, 2, 1, 0, 1, 1, 0}
			m := tlv(0x30, number1(2), tlv(0x63, str(base), limits, filter, tlv(0x30, str("cn"), str("telephoneNumber"))))
			b.Run(fmt.Sprintf("people=%d/typed=%s", n, typed), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					c.ask(b, m)
				}
			})
		}
	}
}

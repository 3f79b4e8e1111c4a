package ldap_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
	"ringbook/server/ldap"
)

// offsetView is the value of a list view request by offset.
func offsetView(before, after, offset, count int) []byte {
	return tlv(0x30, integer(before), integer(after), tlv(0xa0, integer(offset), integer(count)))
}

func valueView(before, after int, value string) []byte {
	return tlv(0x30, integer(before), integer(after), tlv(0x81, []byte(value)))
}

func integer(n int) []byte { return []byte{2, 4, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)} }

// A viewed is what a list view request answers.
type viewed struct {
	names                []string
	target, count, inner int // inner: the result in the control
	code                 uint16
}

// view asks for a window on all who have a surname, in the order of the attribute; a
// "-" before it reverses it, "" sends no order.
func view(t *testing.T, c *goldap.Conn, filter, order string, value []byte) viewed {
	t.Helper()
	return viewOf(t, c, request(filter, "1.1"), order, value)
}

func viewOf(t *testing.T, c *goldap.Conn, r *goldap.SearchRequest, order string, value []byte) viewed {
	t.Helper()
	r.Controls = []goldap.Control{goldap.NewControlString(goldap.ControlTypeVLVRequest, true, string(value))}
	if order != "" {
		key := &goldap.SortKey{AttributeType: strings.TrimPrefix(order, "-"), Reverse: strings.HasPrefix(order, "-")}
		r.Controls = append(r.Controls, &goldap.ControlServerSideSorting{SortKeys: []*goldap.SortKey{key}})
	}
	res, err := c.Search(r)
	v := viewed{names: names(res), code: code(err)}
	if res == nil {
		t.Fatal(err)
	}
	if err != nil {
		return v // the library drops the controls
	}
	answer, ok := goldap.FindControl(res.Controls, goldap.ControlTypeVLVResponse).(*goldap.ControlString)
	if !ok {
		t.Fatalf("%q %x: no list view in the answer: %v", order, value, res.Controls)
	}
	p, err := ber.DecodePacketErr([]byte(answer.ControlValue))
	if err != nil || len(p.Children) != 3 {
		t.Fatalf("%x: %v", answer.ControlValue, err)
	}
	for i, n := range []*int{&v.target, &v.count, &v.inner} {
		value, _ := p.Children[i].Value.(int64)
		*n = int(value)
	}
	return v
}

func TestListView(t *testing.T) {
	s := newSite(t, staff(), nil)
	c := s.bound(t)
	// By name: anna annika kowalski mueller muller meier star.
	// By surname: star anna kowalski meier muller mueller annika.
	for _, q := range []struct {
		order string
		value []byte
		want  viewed
	}{
		{"cn", offsetView(0, 2, 1, 0), viewed{[]string{"anna", "annika", "kowalski"}, 1, 7, 0, 0}},
		{"cn", offsetView(1, 1, 4, 7), viewed{[]string{"kowalski", "mueller", "muller"}, 4, 7, 0, 0}},
		{"cn", offsetView(1, 1, 4, 0), viewed{[]string{"kowalski", "mueller", "muller"}, 4, 7, 0, 0}},
		{"cn", offsetView(9, 9, 4, 0), viewed{[]string{"anna", "annika", "kowalski", "mueller", "muller", "meier", "star"}, 4, 7, 0, 0}},
		{"cn", offsetView(1, 5, 70, 70), viewed{[]string{"meier", "star"}, 7, 7, 0, 0}},
		{"cn", offsetView(0, 0, 50, 100), viewed{[]string{"kowalski"}, 3, 7, 0, 0}}, // half of the list
		{"cn", offsetView(0, 0, 2, 1000), viewed{[]string{"anna"}, 1, 7, 0, 0}},
		{"-cn", offsetView(0, 1, 1, 0), viewed{[]string{"star", "meier"}, 1, 7, 0, 0}},
		{"displayName", offsetView(0, 0, 7, 7), viewed{[]string{"star"}, 7, 7, 0, 0}},
		{"sn", offsetView(0, 2, 1, 0), viewed{[]string{"star", "anna", "kowalski"}, 1, 7, 0, 0}},
		{"-sn", offsetView(0, 2, 1, 0), viewed{[]string{"annika", "mueller", "muller"}, 1, 7, 0, 0}},
		{"cn", valueView(0, 1, "m"), viewed{[]string{"muller", "meier"}, 5, 7, 0, 0}},
		{"cn", valueView(1, 0, "jürgen m"), viewed{[]string{"kowalski", "mueller"}, 4, 7, 0, 0}},
		{"cn", valueView(0, 0, ""), viewed{[]string{"anna"}, 1, 7, 0, 0}},
		{"cn", valueView(1, 5, "zz"), viewed{[]string{"star"}, 8, 7, 0, 0}},
		{"-cn", valueView(0, 1, "m"), viewed{[]string{"mueller", "kowalski"}, 4, 7, 0, 0}},
		{"sn", valueView(0, 1, "me"), viewed{[]string{"meier", "muller"}, 4, 7, 0, 0}},
		{"-sn", valueView(0, 1, "mf"), viewed{[]string{"meier", "kowalski"}, 4, 7, 0, 0}},
		{"sn", valueView(0, 0, "M\xfcller"), viewed{[]string{"muller"}, 5, 7, 0, 0}},
		{"mobile", valueView(0, 1, "+491712345678"), viewed{[]string{"anna", "mueller"}, 1, 7, 0, 0}},
		{"mobile", valueView(0, 9, "0171 9000000"), viewed{[]string{"mueller", "annika", "kowalski", "muller", "meier", "star"}, 2, 7, 0, 0}},
	} {
		for range 2 { // made, and kept
			got := view(t, c, "(sn=*)", q.order, q.value)
			if diff := cmp.Diff(q.want, got, cmp.AllowUnexported(viewed{})); diff != "" {
				t.Errorf("%q %x (-want +got)\n%s", q.order, q.value, diff)
			}
		}
	}
	if got := view(t, c, "(sn=nobody)", "cn", offsetView(0, 9, 1, 0)); len(got.names) != 0 || got.code != 0 || got.count != 0 {
		t.Errorf("an empty list: %+v", got)
	}
	// What has no key stands at the end: base and book.
	if got := view(t, c, "(objectClass=*)", "sn", offsetView(1, 9, 8, 0)); !slices.Equal(got.names, []string{"annika", "ringbook", "people"}) || got.count != 9 {
		t.Errorf("with base and book: %+v", got)
	}
}

// TestListViewRefusals: the result says that the list view failed, and the control
// in the answer says why.
func TestListViewRefusals(t *testing.T) {
	s := newSite(t, staff(), nil)
	c := s.rawBound(t)
	sorted := tlv(0x30, str(goldap.ControlTypeServerSideSorting), tlv(4, sortBy("cn")))
	paged := tlv(0x30, str(goldap.ControlTypePaging), tlv(4, tlv(0x30, number1(3), str(""))))
	for name, q := range map[string]struct {
		value  []byte
		others []byte
		code   byte
	}{
		"no order":                     {offsetView(0, 2, 1, 0), nil, 60},
		"place 0":                      {offsetView(0, 2, 0, 0), sorted, 61},
		"a place behind the end":       {offsetView(0, 2, 8, 0), sorted, 61},
		"a place behind their own end": {offsetView(0, 2, 9, 8), sorted, 61},
		"pages":                        {offsetView(0, 2, 1, 0), append(sorted, paged...), goldap.LDAPResultUnwillingToPerform},
	} {
		m := search1(2, "sn", "1.1")
		_, content, _ := bytes.Cut(m, number1(2))
		list := tlv(0x30, str(goldap.ControlTypeVLVRequest), tlv(4, q.value))
		c.send(tlv(0x30, number1(2), content, tlv(0xa0, list, q.others)))
		all := c.until(2)
		if last := all[len(all)-1]; len(all) != 1 || last.code != 76 || !bytes.Contains(last.controls, []byte(goldap.ControlTypeVLVResponse)) ||
			!bytes.Contains(last.controls, []byte{10, 1, q.code}) {
			t.Errorf("%s: %d messages, then %+v", name, len(all), last)
		}
	}
}

// TestListViewIsOfTheNewestDirectory: who comes and goes is seen with the next window.
func TestListViewIsOfTheNewestDirectory(t *testing.T) {
	s := newSite(t, staff(), nil)
	c := s.bound(t)
	if got := view(t, c, "(sn=*)", "cn", offsetView(0, 1, 1, 0)); !slices.Equal(got.names, []string{"anna", "annika"}) {
		t.Fatalf("%+v", got)
	}
	s.remove("anna")
	if got := view(t, c, "(sn=*)", "cn", offsetView(0, 1, 1, 7)); !slices.Equal(got.names, []string{"annika", "kowalski"}) || got.count != 6 {
		t.Errorf("after somebody left: %+v", got)
	}
	other, secret := s.add(t, directory.Device{Name: "other", Kind: directory.KindPBX, Books: []directory.BookName{"suppliers"}})
	d := s.dial(t)
	if err := d.Bind(string(other.Login), secret); err != nil {
		t.Fatal(err)
	}
	if got := view(t, d, "(sn=*)", "cn", offsetView(0, 9, 1, 0)); !slices.Equal(got.names, []string{"supplier"}) {
		t.Errorf("a device of another book sees %+v", got)
	}
	if _, err := s.auth.SetState(t.Context(), other.ID, directory.DeviceDraining); err != nil {
		t.Fatal(err)
	}
	if got := view(t, d, "(sn=*)", "cn", offsetView(0, 9, 1, 0)); len(got.names) != 0 || got.code != 0 {
		t.Errorf("a draining device sees %+v", got)
	}
}

// TestListViewsAreShared: a list is kept for all to whom it is the same, and for
// nobody else: each row is asked behind the others, and finds its own.
func TestListViewsAreShared(t *testing.T) {
	s := newSiteOfTwo(t, func(p *ldap.Port) { p.Anonymous = []ldap.Anonymous{printers(t, "cn", "telephoneNumber")} })
	s.put(&directory.Contact{ID: "supplier", DisplayName: "Zoe", Company: "Suppliers"})
	login := func(d directory.Device) (*goldap.Conn, directory.DeviceID) {
		d.Name, d.Kind = "p", directory.KindDeskphone
		d, secret := s.add(t, d)
		c := s.dial(t)
		if err := c.Bind(string(d.Login), secret); err != nil {
			t.Fatal(err)
		}
		return c, d.ID
	}
	people, both := []directory.BookName{"people"}, []directory.BookName{"people", "suppliers"}
	berlin, moving := login(directory.Device{Books: people})
	munich, _ := login(directory.Device{Books: people, Site: "munich"})
	owned, _ := login(directory.Device{Books: people, OwnerID: "max"})
	all, _ := login(directory.Device{Books: both})
	stranger := s.dial(t)
	check := func(name string, c *goldap.Conn, filter, order, want string) {
		t.Helper()
		if got := strings.Join(view(t, c, filter, order, valueView(0, 9, "")).names, " "); got != want {
			t.Errorf("%s: %s by %q is %q, want %q", name, filter, order, got, want)
		}
	}
	const anybody = "(cn=*)"
	for range 2 { // made, and kept
		for _, number := range []string{"(telephoneNumber=1234)", "(&(cn=*)(!(!(telephoneNumber=1234))))"} {
			check("berlin", berlin, number, "cn", "ada")
			check("munich", munich, number, "cn", "max")
			check("an owner in munich", owned, number, "cn", "max")
			check("a stranger", stranger, number, "cn", "ada")
		}
		check("people", berlin, anybody, "cn", "ada max")
		check("one", berlin, "(cn=ada)", "cn", "ada")
		check("people by surname", berlin, anybody, "sn", "max ada")
		check("in words", berlin, "(cn=ada sal*)", "cn", "ada")
		check("a stranger in words", stranger, "(cn=ada sal*)", "cn", "")
		check("all", all, anybody, "cn", "ada max supplier")
		check("people backwards", berlin, anybody, "-cn", "max ada")
		check("people by number", berlin, anybody, "telephoneNumber", "ada max")
		check("people by number backwards", berlin, anybody, "-telephoneNumber", "max ada")
		check("a stranger", stranger, anybody, "-telephoneNumber", "max ada")
	}
	if _, err := s.auth.Change(t.Context(), moving, func(d *directory.Device) error { d.Site = "munich"; return nil }); err != nil {
		t.Fatal(err)
	}
	check("moved to munich", berlin, "(telephoneNumber=1234)", "cn", "max")
}

// TestListViewsOfStrangers: those of two networks do not see the same.
func TestListViewsOfStrangers(t *testing.T) {
	s := newSiteAt(t, func(p *ldap.Port) {
		named, more := printers(t, "cn"), printers(t, "cn", "o")
		named.Networks = []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}
		p.Anonymous = []ldap.Anonymous{named, more}
	})
	all := valueView(0, 9, "")
	if v := view(t, s.dial(t), "(cn=berg contoso*)", "cn", all); !slices.Equal(v.names, []string{"anna"}) {
		t.Errorf("who sees the company: %+v", v)
	}
	if v := view(t, s.dialFrom(t, "127.0.0.2"), "(cn=berg contoso*)", "cn", all); len(v.names) != 0 || v.count != 0 {
		t.Errorf("who sees names alone: %+v", v)
	}
}

// TestListViewsOfPlaces: what is asked at one place is not shown at another.
func TestListViewsOfPlaces(t *testing.T) {
	s := newSite(t, staff(), nil)
	d, secret := s.add(t, directory.Device{Name: "all", Kind: directory.KindPBX, Books: []directory.BookName{"people", "suppliers"}})
	c := s.dial(t)
	if err := c.Bind(string(d.Login), secret); err != nil {
		t.Fatal(err)
	}
	for _, q := range []struct {
		base  string
		scope int
		want  string
	}{
		{base, goldap.ScopeWholeSubtree, "supplier anna annika people suppliers"},
		{base, goldap.ScopeSingleLevel, "people suppliers"},
		{"ou=people," + base, goldap.ScopeWholeSubtree, "anna annika people"},
		{"ou=suppliers," + base, goldap.ScopeWholeSubtree, "supplier suppliers"},
	} {
		r := request("(|(cn=an*)(title=*)(description=*))", "1.1")
		r.BaseDN, r.Scope = q.base, q.scope
		got := viewOf(t, c, r, "cn", valueView(0, 9, "")).names
		if strings.Join(got, " ") != q.want {
			t.Errorf("at %s, scope %d: %q, want %q", q.base, q.scope, got, q.want)
		}
	}
}

// TestListViewOfMany: the order of names has no limit, any other has; if it is not
// critical, the list is in the order of names.
func TestListViewOfMany(t *testing.T) {
	const many = 10_001
	s := newSite(t, crowd(many), nil)
	c := s.bound(t)
	var last []string
	for place := 1; place <= many; place += 2500 {
		got := view(t, c, "(sn=*)", "cn", offsetView(0, 0, place, many))
		if got.count != many || got.target != place || len(got.names) != 1 || slices.Equal(got.names, last) {
			t.Errorf("place %d: %+v", place, got)
		}
		last = got.names
	}
	byName := view(t, c, "(sn=*)", "cn", offsetView(0, 3, 1, 0)).names
	if got := view(t, c, "(sn=*)", "mail", offsetView(0, 3, 1, 0)); got.count != many || !slices.Equal(got.names, byName) {
		t.Errorf("too many to sort: %+v, not %q", got, byName)
	}
	if got := view(t, c, "(sn=*)", "mail", valueView(0, 0, "greta")); len(got.names) != 1 || got.code != 0 {
		t.Errorf("too many to sort, by value: %+v", got)
	}
	if got := view(t, c, "(sn=*)", "-cn", offsetView(0, 0, many, many)); !slices.Equal(got.names, byName[:1]) {
		t.Errorf("the other way round: %+v", got)
	}
	if got := view(t, c, "(sn=*)", "cn", offsetView(0, many, 1, 0)); got.code != 76 {
		t.Errorf("all in one window: %+v", got)
	}
	if got := view(t, c, "(sn=*)", "cn", offsetView(0, many-2, 1, 0)); got.code != 0 || len(got.names) != many-1 {
		t.Errorf("as many as are sorted in one window: %d, result %d", len(got.names), got.code)
	}
	r := request("(sn=*)", "1.1")
	r.Controls = []goldap.Control{
		goldap.NewControlString(goldap.ControlTypeServerSideSorting, true, string(sortBy("mail"))),
		goldap.NewControlString(goldap.ControlTypeVLVRequest, true, string(offsetView(0, 3, 1, 0))),
	}
	if _, err := c.Search(r); code(err) != goldap.LDAPResultUnavailableCriticalExtension {
		t.Errorf("critical: %v", err)
	}
}

func TestMalformedListViews(t *testing.T) {
	s := newSite(t, staff(), nil)
	c := s.bound(t)
	for name, value := range map[string][]byte{
		"nothing": {}, "rubbish": {0xff, 0xff}, "no target": tlv(0x30, integer(0), integer(1)), "another target": tlv(0x30, integer(0), integer(1), tlv(0x82)),
		"a negative count": offsetView(-1, 0, 1, 0), "a negative offset": offsetView(0, 0, -1, 0), "half an offset": tlv(0x30, integer(0), integer(1), tlv(0xa0, integer(1))),
		"something behind": append(offsetView(0, 1, 1, 0), 4, 0), "something behind the context": tlv(0x30, integer(0), integer(1), tlv(0x81), str("x"), str("y")),
	} {
		r := request("(sn=*)", "1.1")
		r.Controls = []goldap.Control{
			goldap.NewControlString(goldap.ControlTypeVLVRequest, false, string(value)),
			&goldap.ControlServerSideSorting{SortKeys: []*goldap.SortKey{{AttributeType: "cn"}}},
		}
		if _, err := c.Search(r); code(err) != goldap.LDAPResultProtocolError {
			t.Errorf("%s: %v", name, err)
		}
	}
	withContext := tlv(0x30, integer(0), integer(1), tlv(0x81), str("what another server gave"))
	if got := view(t, c, "(sn=*)", "cn", withContext); got.code != 0 || len(got.names) != 2 {
		t.Errorf("with a context: %+v", got)
	}
}

// TestSortByNameOfMany: the order of names is the index's own, and any number of
// people have it; backwards it is sorted as any other. Pages come through.
func TestSortByNameOfMany(t *testing.T) {
	const many = 10_001
	s := newSite(t, crowd(many), nil)
	c := s.bound(t)
	r := request("(sn=*)", "1.1")
	for _, q := range []struct {
		key  *goldap.SortKey
		want uint16 // if it is critical
	}{
		{&goldap.SortKey{AttributeType: "cn"}, 0},
		{&goldap.SortKey{AttributeType: "displayName"}, 0},
		{&goldap.SortKey{AttributeType: "cn", Reverse: true}, goldap.LDAPResultUnavailableCriticalExtension},
		{&goldap.SortKey{AttributeType: "mail"}, goldap.LDAPResultUnavailableCriticalExtension},
	} {
		sorting := &goldap.ControlServerSideSorting{SortKeys: []*goldap.SortKey{q.key}}
		r.Controls = []goldap.Control{sorting}
		res, err := c.SearchWithPaging(r, 4000)
		if err != nil || len(res.Entries) != many || len(slices.Compact(slices.Sorted(slices.Values(names(res))))) != many {
			t.Fatalf("by %s: %v", q.key.AttributeType, err)
		}
		value := sorting.Encode().Children[1].Bytes() // with its own head, which is an OCTET STRING's
		r.Controls = []goldap.Control{goldap.NewControlString(goldap.ControlTypeServerSideSorting, true, string(value[2:]))}
		if _, err := c.Search(r); code(err) != q.want {
			t.Errorf("by %s, reverse %v: %v", q.key.AttributeType, q.key.Reverse, err)
		}
	}
}

// BenchmarkListView is one window of a list that somebody scrolls.
func BenchmarkListView(b *testing.B) {
	for _, n := range []int{1000, 10_000, 100_000} {
		_, c := rawBench(b, n)
		m := search1(2, "sn", "cn", "telephoneNumber")
		_, content, _ := strings.Cut(string(m), string(number1(2)))
		b.Run(fmt.Sprintf("people=%d", n), func(b *testing.B) {
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				i++
				controls := tlv(0xa0, tlv(0x30, str(goldap.ControlTypeServerSideSorting), tlv(4, sortBy("cn"))),
					tlv(0x30, str(goldap.ControlTypeVLVRequest), tlv(4, offsetView(0, 19, 1+i%(n-20), n))))
				c.ask(b, tlv(0x30, number1(2), []byte(content), controls))
			}
		})
	}
}

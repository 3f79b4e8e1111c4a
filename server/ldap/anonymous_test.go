package ldap_test

import (
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	goldap "github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
	"ringbook/directory/index"
	"ringbook/server/ldap"
)

// printers lets the clients of this machine search people for names and work numbers.
func printers(tb testing.TB, attributes ...string) ldap.Anonymous {
	tb.Helper()
	a := ldap.Anonymous{
		Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Books: []directory.BookName{"people"},
		Hits: 50, Numbers: directory.NumbersNational,
	}
	for _, n := range attributes {
		x, ok := index.ParseAttribute(n)
		if !ok {
			tb.Fatalf("no attribute %s", n)
		}
		a.Attributes = append(a.Attributes, x)
	}
	return a
}

func newPrinterSite(t *testing.T) *site {
	t.Helper()
	return newSiteAt(t, func(p *ldap.Port) { p.Anonymous = []ldap.Anonymous{printers(t, "cn", "telephoneNumber")} })
}

func TestAnonymousSeesItsAttributesAlone(t *testing.T) {
	s := newPrinterSite(t)
	for name, c := range map[string]*goldap.Conn{"no bind": s.dial(t), "anonymous bind": anonymouslyBound(t, s)} {
		for _, ask := range [][]string{nil, {"*"}, {"*", "+"}, {"cn", "mail", "mobile", "displayName", "telephoneNumber", "modifyTimestamp", "jpegPhoto", "anr"}} {
			res, err := c.Search(request("(&(objectClass=person)(cn=anna berg))", ask...))
			if err != nil || len(res.Entries) != 1 {
				t.Fatalf("%s: %v, %v", name, names(res), err)
			}
			for _, a := range res.Entries[0].Attributes {
				switch a.Name {
				case "cn", "displayName", "objectClass", "entryDN", "structuralObjectClass", "hasSubordinates":
				case "telephoneNumber":
					if diff := cmp.Diff([]string{"0301234500"}, a.Values); diff != "" {
						t.Errorf("%s (-want +got)\n%s", name, diff)
					}
				default:
					t.Errorf("%s, asked for %q: sees %s %q", name, ask, a.Name, a.Values)
				}
			}
		}
	}
}

func anonymouslyBound(t *testing.T, s *site) *goldap.Conn {
	t.Helper()
	c := s.dial(t)
	if err := c.UnauthenticatedBind(""); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestAnonymousCannotProbe: what it may not see is undefined, so that neither the
// filter nor its negation finds anybody.
func TestAnonymousCannotProbe(t *testing.T) {
	s := newPrinterSite(t)
	c := s.dial(t)
	for _, leaf := range []string{
		"(mail=anna.berg@contoso.com)", "(mail=*)", "(mail=a*)", "(mobile=01712345678)", "(mobile=*)", "(o=contoso)",
		"(sn=Berg)", "(givenName=a*)", "(sn>=A)", "(mail~=anna)", "(mail:caseIgnoreMatch:=anna.berg@contoso.com)",
		"(mail:dn:=anna.berg@contoso.com)", "(:caseIgnoreIA5Match:=anna.berg@contoso.com)", "(:generalizedTimeMatch:=20261121100000Z)", "(anr=anna)", "(searchNumber=01712345678)", "(userType=Member)", "(source=user)",
		"(modifyTimestamp>=20000101000000Z)", "(modifyTimestamp=*)",
	} {
		for _, f := range []string{leaf, "(!" + leaf + ")", "(&(cn=anna*)" + leaf + ")", "(&(cn=anna*)(!" + leaf + "))"} {
			res, err := c.Search(request(f, "cn"))
			if err != nil {
				t.Fatalf("%s: %v", f, err)
			}
			people := slices.DeleteFunc(names(res), func(n string) bool { return n == "ringbook" || n == "people" })
			if len(people) > 0 {
				t.Errorf("%s finds %v", f, people)
			}
		}
	}
	if res, err := c.Search(request("(|(cn=anna*)(mail=annika*))", "cn")); err != nil || len(res.Entries) != 1 {
		t.Errorf("beside what it may ask for: %v, %v", names(res), err)
	}
	if res, err := c.Search(request("(telephoneNumber=+49301234500)", "cn")); err != nil || len(res.Entries) != 1 {
		t.Errorf("what it may ask for: %v, %v", names(res), err)
	}
	// Neither does the order tell.
	sorted := func(by string) []string {
		r := request("(cn=*)", "cn")
		r.Controls = []goldap.Control{&goldap.ControlServerSideSorting{SortKeys: []*goldap.SortKey{{AttributeType: by, Reverse: true}}}}
		res, err := c.Search(r)
		if err != nil {
			t.Fatal(err)
		}
		return names(res)
	}
	if diff := cmp.Diff(sorted("nonsense"), sorted("mail")); diff != "" {
		t.Errorf("sorted by what it may not see (-unsorted +got)\n%s", diff)
	}
	if cmp.Equal(sorted("nonsense"), sorted("cn")) {
		t.Error("not sorted by what it may see")
	}
	dn := "uid=anna,ou=people," + base
	for value, want := range map[string]uint16{"anna.berg@contoso.com": goldap.LDAPResultUndefinedAttributeType, "x": goldap.LDAPResultUndefinedAttributeType} {
		if _, err := c.Compare(dn, "mail", value); code(err) != want {
			t.Errorf("compare mail with %s: %v", value, err)
		}
	}
	if same, err := c.Compare(dn, "cn", "Anna Berg"); err != nil || !same {
		t.Errorf("compare cn: %v, %v", same, err)
	}
}

func TestAnonymousSeesItsBooksAlone(t *testing.T) {
	s := newPrinterSite(t)
	c := s.dial(t)
	if res, err := c.Search(request("(cn=ann supply)", "cn")); err != nil || len(res.Entries) != 0 {
		t.Errorf("another book: %v, %v", names(res), err)
	}
	r := request("(cn=*)", "cn")
	r.BaseDN = "ou=suppliers," + base
	if _, err := c.Search(r); code(err) != goldap.LDAPResultNoSuchObject {
		t.Errorf("another book by its name: %v", err)
	}
}

// TestAnonymousHasFewHits: an answer has as many as the setting says.
func TestAnonymousHasFewHits(t *testing.T) {
	s := newSiteAt(t, func(p *ldap.Port) {
		a := printers(t, "cn")
		a.Hits = 2
		p.Anonymous = []ldap.Anonymous{a}
	})
	c := s.raw(t)
	c.send(search1(2, "cn", "cn"))
	if all := c.until(2); len(all) != 3 || all[2].code != goldap.LDAPResultSizeLimitExceeded {
		t.Errorf("%+v", all)
	}
}

// TestAnonymousPagesAreCounted: who may see three entries of a search sees no more of
// it page by page, on however many connections, nor with a cookie that he made up.
func TestAnonymousPagesAreCounted(t *testing.T) {
	s := newSiteAt(t, func(p *ldap.Port) {
		a := printers(t, "cn")
		a.Hits = 3
		p.Anonymous = []ldap.Anonymous{a}
	})
	page := func(c *goldap.Conn, size uint32, cookie []byte, more ...goldap.Control) (found []string, next []byte, result uint16) {
		t.Helper()
		ctl := goldap.NewControlPaging(size)
		ctl.SetCookie(cookie)
		r := request("(cn=*)", "cn")
		r.Controls = append(more, ctl)
		res, err := c.Search(r)
		if p, ok := goldap.FindControl(res.Controls, goldap.ControlTypePaging).(*goldap.ControlPaging); ok {
			next = p.Cookie
		}
		return names(res), next, code(err)
	}
	pages := func(size uint32, more ...goldap.Control) (all []string) {
		t.Helper()
		for cookie := []byte(nil); ; {
			found, next, result := page(s.dial(t), size, cookie, more...)
			if all = append(all, found...); result == goldap.LDAPResultSizeLimitExceeded {
				return all
			}
			if result != 0 || len(next) == 0 {
				t.Fatalf("pages of %d end with %v and result %d", size, all, result)
			}
			cookie = next
		}
	}
	backwards := &goldap.ControlServerSideSorting{SortKeys: []*goldap.SortKey{{AttributeType: "cn", Reverse: true}}}
	for size := uint32(1); size <= 4; size++ {
		if got := pages(size); !slices.Equal(got, []string{"anna", "annika", "kowalski"}) {
			t.Errorf("pages of %d: %v", size, got)
		}
		if got := pages(size, backwards); !slices.Equal(got, []string{"star", "meier", "muller"}) {
			t.Errorf("pages of %d backwards: %v", size, got)
		}
	}
	c := s.dial(t)
	_, given, _ := page(c, 1, nil)
	order := string(given[1 : len(given)-4]) // digest of the order of names
	if found, _, result := page(c, 2, []byte("i"+order+"\x00\x00\x00\x03")); len(found) > 0 || result != goldap.LDAPResultSizeLimitExceeded {
		t.Errorf("behind the third: %v, result %d", found, result)
	}
	for _, forged := range []string{"c" + order + "\x00\x00\x00\x00annika\x00a", "c" + order + "\x00\x00\x00\x02meier\x00m", "i" + order + "\xff\xff\xff\xff"} {
		if found, _, result := page(c, 2, []byte(forged)); len(found) > 0 || result != goldap.LDAPResultProtocolError {
			t.Errorf("%q: %v, result %d", forged, found, result)
		}
	}
	if res, err := s.bound(t).SearchWithPaging(request("(cn=*)", "cn"), 2); err != nil || len(res.Entries) != 7 {
		t.Errorf("a device reads %v, %v", names(res), err)
	}
}

// TestAnonymousWindowsAreCounted: neither does he scroll through a list.
func TestAnonymousWindowsAreCounted(t *testing.T) {
	s := newSiteAt(t, func(p *ldap.Port) {
		a := printers(t, "cn")
		a.Hits = 3
		p.Anonymous = []ldap.Anonymous{a}
	})
	c := s.dial(t)
	for order, want := range map[string][]string{"cn": {"anna", "annika", "kowalski"}, "-cn": {"star", "meier", "muller"}} {
		if v := view(t, c, "(cn=*)", order, offsetView(0, 9, 1, 0)); !slices.Equal(v.names, want) || v.count != 3 {
			t.Errorf("by %s: %+v", order, v)
		}
	}
	if v := view(t, c, "(|(cn=star*)(cn=peter*)(cn=max*)(description=*))", "cn", offsetView(0, 9, 1, 0)); !slices.Equal(v.names, []string{"muller", "meier", "star"}) || v.count != 3 {
		t.Errorf("with the book behind them: %+v", v)
	}
	if v := view(t, c, "(cn=*)", "cn", offsetView(0, 9, 4, 0)); v.code == 0 {
		t.Errorf("the fourth: %+v", v)
	}
	if v := view(t, c, "(cn=*)", "cn", valueView(1, 9, "m")); !slices.Equal(v.names, []string{"kowalski"}) || v.target != 4 {
		t.Errorf("by value: %+v", v)
	}
	if v := view(t, s.bound(t), "(cn=*)", "cn", offsetView(0, 9, 1, 0)); v.count != 7 {
		t.Errorf("a device: %+v", v)
	}
}

// TestAnonymousIsBusyUntilLoaded: nothing is answered of what is not there yet.
func TestAnonymousIsBusyUntilLoaded(t *testing.T) {
	m, plan := newMirror(t)
	never, err := index.New(index.Options{Books: books(), Plan: plan}, "0123456789abcdef", 0,
		func(func(index.Stored) bool) {}, func(func(index.Mark) bool) {})
	if err != nil {
		t.Fatal(err)
	}
	s := prepare(t, m, plan, func(o *ldap.Options) { o.Directory = &mirror{Index: never} })
	s.port.Anonymous = []ldap.Anonymous{printers(t, "cn")}
	s.open(t)
	if _, err := s.dial(t).Search(request("(cn=*)", "cn")); code(err) != goldap.LDAPResultBusy {
		t.Errorf("%v", err)
	}
}

// TestAnonymousElsewhere: another network, and another port, are let see nothing.
func TestAnonymousElsewhere(t *testing.T) {
	s := newSiteAt(t, func(p *ldap.Port) {
		a := printers(t, "cn")
		a.Networks = []netip.Prefix{netip.MustParsePrefix("10.20.0.0/16"), netip.MustParsePrefix("::/8")}
		p.Anonymous = []ldap.Anonymous{a}
	})
	if _, err := s.dial(t).Search(request("(cn=*)", "cn")); code(err) != goldap.LDAPResultInsufficientAccessRights {
		t.Errorf("another network: %v", err)
	}
	s = newPrinterSite(t)
	c, err := goldap.DialURL("ldaps://"+s.tls, goldap.DialWithTLSConfig(s.client))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Search(request("(cn=*)", "cn")); code(err) != goldap.LDAPResultInsufficientAccessRights {
		t.Errorf("another port: %v", err)
	}
}

// TestADeviceIsNotAnonymous: who logs in sees what the device sees, and who fails to
// is nobody again.
func TestADeviceIsNotAnonymous(t *testing.T) {
	s := newPrinterSite(t)
	c := s.dial(t)
	mails := func() int {
		t.Helper()
		res, err := c.Search(request("(mail=anna.berg@contoso.com)", "mail"))
		if err != nil {
			t.Fatal(err)
		}
		return len(res.Entries)
	}
	if n := mails(); n != 0 {
		t.Errorf("before the login it finds %d", n)
	}
	if err := c.Bind(string(s.device.Login), s.secret); err != nil {
		t.Fatal(err)
	}
	if n := mails(); n != 1 {
		t.Errorf("logged in it finds %d", n)
	}
	if err := c.Bind(string(s.device.Login), "wrong"); code(err) != goldap.LDAPResultInvalidCredentials {
		t.Fatal(err)
	}
	if n := mails(); n != 0 {
		t.Errorf("after a failed login it finds %d", n)
	}
}

// TestAnonymousTakesTurns: who needs no login shares one turn with whoever has the
// same address.
func TestAnonymousTakesTurns(t *testing.T) {
	toilsomeAt(t, func(p *ldap.Port) {
		a := printers(t, "cn", "jpegPhoto")
		a.Networks = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
		p.Anonymous = []ldap.Anonymous{a}
	}, func(_ *site, d *toil, connect func(directory.Login, string) *raw) {
		one, other := connect("", ""), connect("", "")
		one.send(toiling(2))
		other.send(toiling(2))
		var reading sync.WaitGroup
		for _, c := range []*raw{one, other} {
			reading.Go(func() {
				if all := c.until(2); len(all) != 8 {
					t.Errorf("%d messages", len(all))
				}
			})
		}
		reading.Wait()
		if d.most != 1 {
			t.Errorf("%d searches worked at once", d.most)
		}
	})
}

// TestAnonymousMayStay: a printer that searches is as idle as a device may be.
func TestAnonymousMayStay(t *testing.T) {
	bubbleAt(t, func(p *ldap.Port) {
		a := printers(t, "cn")
		a.Networks = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
		p.Anonymous = []ldap.Anonymous{a}
	}, func(t *testing.T, _ *site, _ *pipeline, connect func() *raw) {
		t.Helper()
		if d := connect().lasts(); d != ldap.DefaultBindTimeout {
			t.Errorf("a silent one is closed after %v", d)
		}
		c := connect()
		c.send(search1(2, "cn", "cn"))
		c.until(2)
		if d := c.lasts(); d != ldap.DefaultIdleTimeout {
			t.Errorf("one that has searched is closed after %v", d)
		}
	})
}

// TestAnonymousMayReadSlowly: who takes a long answer for longer than it may be idle
// gets all of it.
func TestAnonymousMayReadSlowly(t *testing.T) {
	const many = 4000
	bubbleWith(t, crowd(many), nil, func(p *ldap.Port) {
		a := printers(t, "cn")
		a.Networks, a.Hits = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, many
		p.Anonymous = []ldap.Anonymous{a}
	}, func(t *testing.T, _ *site, _ *pipeline, connect func() *raw) {
		t.Helper()
		c, began := connect(), time.Now()
		c.send(search1(2, "cn", "cn"))
		for n := 0; ; n++ {
			r, err := c.read()
			if err != nil {
				t.Errorf("after %v and %d entries: %v", time.Since(began), n, err)
				return
			}
			if r.op == 0x65 {
				if n != many || time.Since(began) < ldap.DefaultIdleTimeout {
					t.Errorf("%d entries in %v", n, time.Since(began))
				}
				break
			}
			if n%50 == 0 {
				pass(ldap.DefaultWriteTimeout / 6)
			}
		}
	})
}

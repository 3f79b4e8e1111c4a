package ldap_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ringbook/directory"
	"ringbook/directory/index"
	"ringbook/server/ldap"
)

// request makes a search request of the whole tree.
func request(filter string, attributes ...string) *goldap.SearchRequest {
	return goldap.NewSearchRequest(base, goldap.ScopeWholeSubtree, goldap.NeverDerefAliases, 0, 0, false, filter, attributes, nil)
}

// code returns the result code of an operation.
func code(err error) uint16 {
	var e *goldap.Error
	switch {
	case err == nil:
		return goldap.LDAPResultSuccess
	case errors.As(err, &e):
		return e.ResultCode
	}
	return goldap.ErrorUnexpectedResponse
}

// names returns the first RDN values of entries.
func names(res *goldap.SearchResult) []string {
	list := []string{}
	if res == nil {
		return list
	}
	for _, e := range res.Entries {
		rdn, _, _ := strings.Cut(e.DN, ",")
		_, value, _ := strings.Cut(rdn, "=")
		list = append(list, value)
	}
	return list
}

func TestBind(t *testing.T) {
	s := newSite(t, staff(), nil)
	login := string(s.device.Login)
	gone, goneSecret := s.add(t, directory.Device{Name: "gone", Kind: directory.KindPhone, Books: []directory.BookName{"people"}})
	if _, err := s.auth.SetState(t.Context(), gone.ID, directory.DeviceRevoked); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, dn, secret string
		code             uint16
	}{
		{"its DN", s.server.BindDN(s.device.Login), s.secret, 0},
		{"in capitals with blanks", "CN=" + strings.ToUpper(login) + ", DC=RINGBOOK", s.secret, 0},
		{"below another base", "uid=" + login + ",ou=devices,dc=pbx", s.secret, 0},
		{"login only", login, s.secret, 0},
		{"login at a domain", login + "@pbx.example", s.secret, 0},
		{"anonymous", "", "", 0},
		{"wrong secret", login, "wrong", goldap.LDAPResultInvalidCredentials},
		{"unknown login", "nobody", s.secret, goldap.LDAPResultInvalidCredentials},
		{"no name but a secret", "", s.secret, goldap.LDAPResultInvalidCredentials},
		{"revoked", string(gone.Login), goneSecret, goldap.LDAPResultInvalidCredentials},
		{"a DN that is none", "cn=a,b", s.secret, goldap.LDAPResultInvalidDNSyntax},
		{"an endless name", strings.Repeat("x", 600), s.secret, goldap.LDAPResultInvalidDNSyntax},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := s.dial(t)
			_, err := conn.SimpleBind(&goldap.SimpleBindRequest{Username: c.dn, Password: c.secret, AllowEmptyPassword: true})
			if got := code(err); got != c.code {
				t.Errorf("result %d (%v), want %d", got, err, c.code)
			}
		})
	}
}

func TestBindRefusals(t *testing.T) {
	s := newSite(t, staff(), nil)
	c := s.dial(t)
	// RFC 4513 §5.1.2: a name without a password is no login.
	if err := c.UnauthenticatedBind(s.server.BindDN(s.device.Login)); code(err) != goldap.LDAPResultUnwillingToPerform {
		t.Errorf("empty password: %v", err)
	}
	if _, err := c.DigestMD5Bind(&goldap.DigestMD5BindRequest{Host: "h", Username: "u", Password: "p"}); code(err) != goldap.LDAPResultAuthMethodNotSupported {
		t.Errorf("SASL: %v", err)
	}
	// The connection has survived both.
	if err := c.Bind(string(s.device.Login), s.secret); err != nil {
		t.Error(err)
	}
}

func TestPlainBindNeedsPermission(t *testing.T) {
	s := newSiteAt(t, func(p *ldap.Port) { p.AllowPlain = false })
	c := s.dial(t)
	if err := c.Bind(string(s.device.Login), s.secret); code(err) != goldap.LDAPResultConfidentialityRequired {
		t.Errorf("plain bind: %v", err)
	}
	if err := c.StartTLS(s.client); err != nil {
		t.Fatal(err)
	}
	if err := c.Bind(string(s.device.Login), s.secret); err != nil {
		t.Errorf("bind behind StartTLS: %v", err)
	}
}

func TestTLS(t *testing.T) {
	s := newSite(t, staff(), nil)
	c, err := goldap.DialURL("ldaps://"+s.tls, goldap.DialWithTLSConfig(s.client))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Bind(string(s.device.Login), s.secret); err != nil {
		t.Fatal(err)
	}
	if res, err := c.Search(request("(sn=Berg)")); err != nil || len(res.Entries) != 1 {
		t.Errorf("search over LDAPS: %v, %v", names(res), err)
	}
}

func TestStartTLS(t *testing.T) {
	s := newSite(t, staff(), nil)
	c := s.bound(t)
	if err := c.StartTLS(s.client); err != nil {
		t.Fatal(err)
	}
	if res, err := c.Search(request("(sn=Berg)")); err != nil || len(res.Entries) != 1 {
		t.Errorf("search behind StartTLS: %v, %v", names(res), err)
	}
	res, err := c.Extended(goldap.NewExtendedRequest("1.3.6.1.4.1.1466.20037", nil))
	if code(err) != goldap.LDAPResultOperationsError {
		t.Errorf("second StartTLS: %v, %v", res, err)
	}
}

func TestNoTLS(t *testing.T) {
	s := newSiteAt(t, func(p *ldap.Port) { p.TLS = nil })
	c := s.dial(t)
	if _, err := c.Extended(goldap.NewExtendedRequest("1.3.6.1.4.1.1466.20037", nil)); code(err) != goldap.LDAPResultProtocolError {
		t.Errorf("StartTLS without a certificate: %v", err)
	}
	if err := s.server.Serve(t.Context(), nil, ldap.Port{Name: "ldaps", Opening: ldap.OpenTLS}); err == nil {
		t.Error("LDAPS without a certificate")
	}
}

func TestWhoAmI(t *testing.T) {
	s := newSite(t, staff(), nil)
	c := s.dial(t)
	if r, err := c.WhoAmI(nil); err != nil || r.AuthzID != "" {
		t.Errorf("anonymous is %v, %v", r, err)
	}
	if err := c.Bind(string(s.device.Login), s.secret); err != nil {
		t.Fatal(err)
	}
	if r, err := c.WhoAmI(nil); err != nil || r.AuthzID != "dn:"+s.server.BindDN(s.device.Login) {
		t.Errorf("device is %v, %v", r, err)
	}
	// RFC 4511 §4.2.1: a failed bind leaves nobody.
	if err := c.Bind(string(s.device.Login), "wrong"); code(err) != goldap.LDAPResultInvalidCredentials {
		t.Errorf("wrong secret: %v", err)
	}
	if r, err := c.WhoAmI(nil); err != nil || r.AuthzID != "" {
		t.Errorf("after a failed bind %v, %v", r, err)
	}
}

func TestAnonymousReadsTheRootDSEOnly(t *testing.T) {
	s := newSite(t, staff(), nil)
	c := s.dial(t)
	res, err := c.Search(goldap.NewSearchRequest("", goldap.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", []string{"+", "*"}, nil))
	if err != nil || len(res.Entries) != 1 {
		t.Fatalf("root DSE: %v", err)
	}
	dse := res.Entries[0]
	if dse.DN != "" || dse.GetAttributeValue("namingContexts") != base || dse.GetAttributeValue("objectClass") != "top" {
		t.Errorf("root DSE %v", dse)
	}
	for name, oid := range map[string]string{
		"supportedControl":     goldap.ControlTypePaging,
		"supportedExtension":   "1.3.6.1.4.1.1466.20037",
		"supportedFeatures":    "1.3.6.1.4.1.4203.1.5.1",
		"supportedLDAPVersion": "3",
	} {
		if !slices.Contains(dse.GetAttributeValues(name), oid) {
			t.Errorf("%s is %v, without %s", name, dse.GetAttributeValues(name), oid)
		}
	}
	if _, err := c.Search(request("(objectClass=*)")); code(err) != goldap.LDAPResultInsufficientAccessRights {
		t.Errorf("search: %v", err)
	}
	if _, err := c.Compare("uid=anna,ou=people,"+base, "sn", "Berg"); code(err) != goldap.LDAPResultInsufficientAccessRights {
		t.Errorf("compare: %v", err)
	}
	for _, oid := range []string{"supportedControl", "*", "defaultNamingContext"} {
		res, err := c.Search(goldap.NewSearchRequest("", goldap.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", []string{oid}, nil))
		if err != nil || len(res.Entries) != 1 || len(res.Entries[0].Attributes) != 1 {
			t.Errorf("asked for %s: %v, %v", oid, res, err)
		}
	}
}

func TestWritesAreRefused(t *testing.T) {
	s := newSite(t, staff(), nil)
	c := s.bound(t)
	dn := "uid=anna,ou=people," + base
	add := goldap.NewAddRequest("uid=x,ou=people,"+base, nil)
	add.Attribute("sn", []string{"X"})
	mod := goldap.NewModifyRequest(dn, nil)
	mod.Replace("sn", []string{"X"})
	for name, err := range map[string]error{
		"add": c.Add(add), "modify": c.Modify(mod), "delete": c.Del(goldap.NewDelRequest(dn, nil)),
		"rename": c.ModifyDN(goldap.NewModifyDNRequest(dn, "uid=y", true, "")),
	} {
		if code(err) != goldap.LDAPResultUnwillingToPerform {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := c.PasswordModify(goldap.NewPasswordModifyRequest("", "a", "b")); code(err) != goldap.LDAPResultProtocolError {
		t.Errorf("password: %v", err)
	}
	if res, err := c.Search(request("(sn=Berg)")); err != nil || len(res.Entries) != 1 {
		t.Errorf("search afterwards: %v, %v", names(res), err)
	}
}

// TestMatchedDN: who asks for what there is not is told the nearest that there is (RFC
// 4511 §4.1.9).
func TestMatchedDN(t *testing.T) {
	s := newSite(t, staff(), nil)
	const book = "ou=people,dc=ringbook"
	c := s.bound(t)
	for dn, want := range map[string]string{
		"uid=nobody," + book:                       book,
		"cn=x,uid=nobody," + book:                  book,
		"cn=anna," + book:                          book,
		"cn=x,uid=anna," + book:                    "uid=anna," + book,
		"cn=y,cn=x,UserID=Anna, OU=People," + base: "uid=anna," + book,
		"ou=nobody,dc=ringbook":                    "dc=ringbook",
		"cn=x,ou=nobody,dc=ringbook":               "dc=ringbook",
		"dc=x,dc=ringbook":                         "dc=ringbook",
		"dc=elsewhere":                             "",
		"no DN":                                    "",
	} {
		q := request("(objectClass=*)")
		q.BaseDN, q.Scope = dn, goldap.ScopeBaseObject
		_, err := c.Search(q)
		var e *goldap.Error
		if !errors.As(err, &e) || e.ResultCode != goldap.LDAPResultNoSuchObject || e.MatchedDN != want {
			t.Errorf("%s: %v, matched %q", dn, err, e.MatchedDN)
		}
	}
}

func TestCompare(t *testing.T) {
	eva := &directory.Contact{ID: "eva", Source: directory.SourceUser, DisplayName: "Eva Ernst", Photo: "p"}
	s := newSite(t, append(staff(), eva), nil)
	c := s.bound(t)
	dn := "uid=anna,ou=people," + base
	for _, q := range []struct {
		dn, attribute, value string
		code                 uint16
	}{
		{dn, "sn", "berg", goldap.LDAPResultCompareTrue},
		{dn, "telephoneNumber", "030 1234500", goldap.LDAPResultCompareTrue},
		{dn, "sn", "Meier", goldap.LDAPResultCompareFalse},
		{dn, "homePhone", "1", goldap.LDAPResultNoSuchAttribute},
		{dn, "shoeSize", "46", goldap.LDAPResultUndefinedAttributeType},
		{"uid=nobody,ou=people," + base, "sn", "x", goldap.LDAPResultNoSuchObject},
		{"no DN", "sn", "x", goldap.LDAPResultInvalidDNSyntax},
		{"dc=elsewhere", "sn", "x", goldap.LDAPResultNoSuchObject},
		// What is undefined is not false (RFC 4511 §4.10).
		{dn, "jpegPhoto", "x", goldap.LDAPResultNoSuchAttribute},
		{"uid=eva,ou=people," + base, "jpegPhoto", "p", goldap.LDAPResultInappropriateMatching},
		{dn, "hasSubordinates", "FALSE", goldap.LDAPResultCompareTrue},
		{dn, "hasSubordinates", "perhaps", goldap.LDAPResultInvalidAttributeSyntax},
		{dn, "entryDN", "rubbish", goldap.LDAPResultInvalidAttributeSyntax},
		{dn, "modifyTimestamp", "yesterday", goldap.LDAPResultInvalidAttributeSyntax},
		{dn, "modifyTimestamp", "2026112111Z", goldap.LDAPResultCompareFalse},
		{base, "hasSubordinates", "perhaps", goldap.LDAPResultInvalidAttributeSyntax},
		{"ou=people," + base, "ou", "PEOPLE", goldap.LDAPResultCompareTrue},
		{"", "supportedControl", goldap.ControlTypePaging, goldap.LDAPResultCompareTrue},
	} {
		held, err := c.Compare(q.dn, q.attribute, q.value)
		got := code(err)
		if err == nil {
			got = map[bool]uint16{true: goldap.LDAPResultCompareTrue, false: goldap.LDAPResultCompareFalse}[held]
		}
		if got != q.code {
			t.Errorf("%s %s=%s: result %d, want %d", q.dn, q.attribute, q.value, got, q.code)
		}
	}
}

func TestScopesAndBases(t *testing.T) {
	s := newSite(t, staff(), nil)
	both, secret := s.add(t, directory.Device{Name: "both", Kind: directory.KindPBX, Books: []directory.BookName{"people", "suppliers"}})
	c := s.dial(t)
	if err := c.Bind(string(both.Login), secret); err != nil {
		t.Fatal(err)
	}
	everybody := []string{"supplier", "anna", "annika", "kowalski", "mueller", "muller", "meier", "star"}
	withBooks := append([]string{"ringbook", "people", "suppliers"}, everybody...)
	const one, sub, obj, children = goldap.ScopeSingleLevel, goldap.ScopeWholeSubtree, goldap.ScopeBaseObject, goldap.ScopeChildren
	for _, q := range []struct {
		base   string
		scope  int
		filter string
		want   []string
		code   uint16
	}{
		{base, obj, "(objectClass=*)", []string{"ringbook"}, 0},
		{base, one, "(objectClass=*)", []string{"people", "suppliers"}, 0},
		{base, sub, "(objectClass=*)", withBooks, 0},
		{base, sub, "(sn=*)", everybody, 0},
		{base, children, "(objectClass=*)", withBooks[1:], 0},
		{base, one, "(ou=suppliers)", []string{"suppliers"}, 0},
		{base, one, "(cn=ann*)", []string{"supplier", "anna", "annika"}, 0}, // phones set to one level mean the people
		{base, sub, "(!(cn=*))", []string{"ringbook", "people", "suppliers"}, 0},
		{"ou=people," + base, obj, "(objectClass=*)", []string{"people"}, 0},
		{"ou=people," + base, one, "(cn=ann*)", []string{"anna", "annika"}, 0},
		{"OU=Suppliers, DC=ringbook", one, "(objectClass=*)", []string{"supplier"}, 0},
		{"ou=people," + base, sub, "(objectClass=organizationalUnit)", []string{"people"}, 0},
		{"uid=anna,ou=people," + base, obj, "(objectClass=*)", []string{"anna"}, 0},
		{"uid=ANNA, ou=people, " + base, sub, "(sn=berg)", []string{"anna"}, 0},
		{"uid=anna,ou=people," + base, obj, "(sn=meier)", []string{}, 0},
		{"uid=anna,ou=people," + base, one, "(objectClass=*)", []string{}, 0},
		{"uid=anna,ou=people," + base, children, "(objectClass=*)", []string{}, 0},
		{"ou=people," + base, children, "(objectClass=*)", everybody[1:], 0},
		{"uid=anna,ou=suppliers," + base, obj, "(objectClass=*)", []string{}, goldap.LDAPResultNoSuchObject},
		{"uid=nobody,ou=people," + base, sub, "(objectClass=*)", []string{}, goldap.LDAPResultNoSuchObject},
		{"ou=nothing," + base, sub, "(objectClass=*)", []string{}, goldap.LDAPResultNoSuchObject},
		{"cn=x," + base, sub, "(objectClass=*)", []string{}, goldap.LDAPResultNoSuchObject},
		{"", sub, "(cn=ann*)", []string{"supplier", "anna", "annika"}, 0},
		{"", one, "(objectClass=*)", []string{"people", "suppliers"}, 0},
		{"0", sub, "(cn=ann*)", []string{"supplier", "anna", "annika"}, 0}, // Gigaset's default base
		{"dc=pbx, dc=com", one, "(cn=ann*)", []string{"supplier", "anna", "annika"}, 0},
		{"dc=pbx,dc=com", obj, "(objectClass=*)", []string{}, goldap.LDAPResultNoSuchObject},
		{strings.Repeat("x", 600), sub, "(cn=ann*)", []string{}, goldap.LDAPResultInvalidDNSyntax},
	} {
		res, err := c.Search(goldap.NewSearchRequest(q.base, q.scope, 0, 0, 0, false, q.filter, []string{"1.1"}, nil))
		if code(err) != q.code {
			t.Errorf("%q scope %d %s: %v, want result %d", q.base, q.scope, q.filter, err, q.code)
		}
		if diff := cmp.Diff(q.want, names(res)); diff != "" {
			t.Errorf("%q scope %d %s (-want +got)\n%s", q.base, q.scope, q.filter, diff)
		}
	}
}

func TestAnswersCanBeReadBackByDN(t *testing.T) {
	s := newSite(t, staff(), nil)
	c := s.bound(t)
	res, err := c.Search(request("(objectClass=*)", "*"))
	if err != nil || len(res.Entries) != 9 {
		t.Fatalf("%v, %v", names(res), err)
	}
	for _, e := range res.Entries {
		again, err := c.Search(goldap.NewSearchRequest(e.DN, goldap.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", []string{"*"}, nil))
		if err != nil || len(again.Entries) != 1 {
			t.Errorf("%s: %v", e.DN, err)
			continue
		}
		if diff := cmp.Diff(e, again.Entries[0]); diff != "" {
			t.Errorf("%s reads back differently (-search +read)\n%s", e.DN, diff)
		}
	}
}

func TestADeviceSeesItsBooksOnly(t *testing.T) {
	s := newSite(t, staff(), nil)
	c := s.bound(t) // people only
	if res, err := c.Search(request("(cn=Ann Supply)")); err != nil || len(res.Entries) != 0 {
		t.Errorf("found %v, %v", names(res), err)
	}
	for _, dn := range []string{"ou=suppliers," + base, "uid=supplier,ou=suppliers," + base} {
		res, err := c.Search(goldap.NewSearchRequest(dn, goldap.ScopeWholeSubtree, 0, 0, 0, false, "(objectClass=*)", nil, nil))
		if code(err) != goldap.LDAPResultNoSuchObject {
			t.Errorf("%s: %v, %v", dn, names(res), err)
		}
	}
}

func TestDrainingDeviceFindsNothing(t *testing.T) {
	s := newSite(t, staff(), nil)
	c := s.bound(t)
	if _, err := s.auth.SetState(t.Context(), s.device.ID, directory.DeviceDraining); err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{"(objectClass=*)", "(cn=ann*)"} {
		if res, err := c.Search(request(f)); err != nil || len(res.Entries) != 0 {
			t.Errorf("%s: %v, %v", f, names(res), err)
		}
	}
	for _, attribute := range []string{"sn", "pager", "nosuch"} { // that somebody was there is nobody's business either
		if is, err := c.Compare("uid=anna,ou=people,"+base, attribute, "Berg"); is || code(err) != goldap.LDAPResultNoSuchObject {
			t.Errorf("%s: %v, %v", attribute, is, err)
		}
	}
}

func TestBusyUntilLoaded(t *testing.T) {
	m, plan := newMirror(t)
	never, err := index.New(index.Options{Books: books(), Plan: plan}, "0123456789abcdef", 0,
		func(func(index.Stored) bool) {}, func(func(index.Mark) bool) {})
	if err != nil {
		t.Fatal(err)
	}
	s := newSiteOf(t, m, plan, func(o *ldap.Options) { o.Directory = &mirror{Index: never} })
	c := s.bound(t)
	if _, err := c.Search(request("(objectClass=*)")); code(err) != goldap.LDAPResultBusy {
		t.Errorf("search: %v", err)
	}
}

func TestAttributeSelection(t *testing.T) {
	s := newSite(t, staff(), nil)
	c := s.bound(t)
	for _, q := range []struct {
		ask       []string
		typesOnly bool
		want      map[string][]string
	}{
		{[]string{"gn", "surname", "Mobile", "telephonenumber"}, false, map[string][]string{"gn": {"Anna"}, "surname": {"Berg"}, "Mobile": {"+491712345678"}, "telephonenumber": {"+49301234500"}}},
		{[]string{"displayName", "cn"}, false, map[string][]string{"displayName": {"Anna Berg"}, "cn": {"Anna Berg"}}},
		{[]string{"company"}, false, map[string][]string{"company": {"Contoso"}}},
		{[]string{"cn", "CN", "cn;lang-de"}, false, map[string][]string{"cn": {"Anna Berg"}}},
		{[]string{"1.1"}, false, map[string][]string{}},
		{[]string{"1.1", "cn"}, false, map[string][]string{"cn": {"Anna Berg"}}},
		{[]string{"shoeSize", "homePhone"}, false, map[string][]string{}},
		{[]string{"cn", "mail"}, true, map[string][]string{"cn": nil, "mail": nil}},
		{[]string{"accountEnabled", "source", "userPrincipalName"}, false, map[string][]string{}},
		{[]string{"+"}, false, map[string][]string{
			"entryDN": {"uid=anna,ou=people," + base}, "structuralObjectClass": {"inetOrgPerson"},
			"hasSubordinates": {"FALSE"}, "modifyTimestamp": {"20261121100000Z"}, "subschemaSubentry": {"cn=subschema"},
		}},
		{[]string{"cn;lang-de", "mail;x-foo", "cn;"}, false, map[string][]string{}}, // subtypes that nobody has
		{[]string{"@person"}, false, map[string][]string{
			"objectClass": {"top", "person", "organizationalPerson", "inetOrgPerson"}, "cn": {"Anna Berg"}, "sn": {"Berg"}, "telephoneNumber": {"+49301234500"},
		}},
		{[]string{"@2.5.6.5", "gn"}, false, map[string][]string{
			"objectClass": {"top", "person", "organizationalPerson", "inetOrgPerson"}, "ou": {"Sales"}, "gn": {"Anna"},
		}},
		{[]string{"@nonsense", "@"}, false, map[string][]string{}},
		{[]string{"modifytimestamp"}, false, map[string][]string{"modifytimestamp": {"20261121100000Z"}}},
	} {
		r := request("(cn=Anna Berg)", q.ask...)
		r.TypesOnly = q.typesOnly
		res, err := c.Search(r)
		if err != nil || len(res.Entries) != 1 {
			t.Fatalf("%v: %v", q.ask, err)
		}
		got := map[string][]string{}
		for _, a := range res.Entries[0].Attributes {
			if q.typesOnly && len(a.Values) > 0 {
				t.Errorf("%s has values", a.Name)
			}
			got[a.Name] = append([]string(nil), a.Values...)
		}
		if diff := cmp.Diff(q.want, got); diff != "" {
			t.Errorf("asked for %q (-want +got)\n%s", q.ask, diff)
		}
	}
	all, err := c.Search(request("(cn=Anna Berg)"))
	if err != nil {
		t.Fatal(err)
	}
	star, err := c.Search(request("(cn=Anna Berg)", "*"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(all.Entries, star.Entries); diff != "" {
		t.Errorf("no list and * differ\n%s", diff)
	}
	whole, err := c.Search(request("(cn=Anna Berg)", "*", "+"))
	if err != nil {
		t.Fatal(err)
	}
	for _, class := range []string{"@extensibleObject", "@1.3.6.1.4.1.1466.101.120.111"} { // RFC 4529 §2
		res, err := c.Search(request("(cn=Anna Berg)", class))
		if err != nil {
			t.Fatal(err)
		}
		byName := cmpopts.SortSlices(func(a, b *goldap.EntryAttribute) bool { return a.Name < b.Name })
		if diff := cmp.Diff(whole.Entries, res.Entries, byName); diff != "" {
			t.Errorf("%s is not all (-want +got)\n%s", class, diff)
		}
	}
	mixed, err := c.Search(request("(cn=Anna Berg)", "gn", "*"))
	if err != nil {
		t.Fatal(err)
	}
	if e := mixed.Entries[0]; len(e.Attributes) != len(star.Entries[0].Attributes) || e.GetAttributeValue("gn") != "Anna" {
		t.Errorf("gn and * answer %v", e.Attributes)
	}
}

func TestNumbersInTheDevicesProfile(t *testing.T) {
	twice := &directory.Contact{ID: "twice", Source: directory.SourceUser, DisplayName: "Twice", Phones: []directory.Phone{
		{Kind: directory.PhoneWork, Written: "+49 30 1234-500"},
		{Kind: directory.PhoneWork, Written: "030 1234500"},
		{Kind: directory.PhoneWork, Written: "+44 20 7946 0958"},
	}}
	s := newSite(t, []*directory.Contact{twice}, nil)
	for profile, want := range map[directory.NumberProfile][]string{
		"":                             {"+49301234500", "+442079460958"},
		directory.NumbersE164:          {"+49301234500", "+442079460958"},
		directory.NumbersInternational: {"0049301234500", "00442079460958"},
		directory.NumbersNational:      {"0301234500", "00442079460958"},
	} {
		d, secret := s.add(t, directory.Device{Name: "p", Kind: directory.KindDeskphone, Numbers: profile, Books: []directory.BookName{"people"}})
		c := s.dial(t)
		if err := c.Bind(string(d.Login), secret); err != nil {
			t.Fatal(err)
		}
		res, err := c.Search(request("(telephoneNumber=0301234500)", "telephoneNumber"))
		if err != nil || len(res.Entries) != 1 {
			t.Fatalf("%s: %v, %v", profile, names(res), err)
		}
		got := res.Entries[0].GetAttributeValues("telephoneNumber")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("profile %q (-want +got)\n%s", profile, diff)
		}
		// A phone that calls back asks for what we said.
		for _, n := range got {
			if res, err := c.Search(request("(telephoneNumber=" + n + ")")); err != nil || len(res.Entries) != 1 {
				t.Errorf("%s does not find its own spelling %s: %v", profile, n, err)
			}
		}
	}
}

func TestPhotos(t *testing.T) {
	with := &directory.Contact{ID: "with", Source: directory.SourceUser, DisplayName: "With", Photo: "p1"}
	lost := &directory.Contact{ID: "lost", Source: directory.SourceUser, DisplayName: "Lost", Photo: "gone"}
	s := newSite(t, []*directory.Contact{with, lost}, nil)
	big := strings.Repeat("J", directory.MaxLargePhoto)
	s.photos["p1"] = []byte(big)
	for size, want := range map[directory.PhotoSize]string{
		"": "large:" + big, directory.PhotoLarge: "large:" + big, directory.PhotoSmall: "small:" + big, directory.PhotoNone: "",
	} {
		d, secret := s.add(t, directory.Device{Name: "p", Kind: directory.KindPhone, Photos: size, Books: []directory.BookName{"people"}})
		c := s.dial(t)
		if err := c.Bind(string(d.Login), secret); err != nil {
			t.Fatal(err)
		}
		for _, ask := range []string{"jpegPhoto", "*"} {
			res, err := c.Search(request("(sn=*)", ask))
			if err != nil || len(res.Entries) != 2 {
				t.Fatalf("%v, %v", names(res), err)
			}
			if got := res.Entries[1].GetAttributeValue("jpegPhoto"); got != want {
				t.Errorf("size %q, asked for %s: %d octets, want %d", size, ask, len(got), len(want))
			}
			if got := res.Entries[0].GetAttributeValues("jpegPhoto"); len(got) != 0 {
				t.Errorf("a photo that is gone has %d values", len(got))
			}
		}
		res, err := c.Search(request("(sn=*)", "cn"))
		if err != nil || res.Entries[1].GetAttributeValue("jpegPhoto") != "" {
			t.Errorf("a photo nobody asked for: %v", err)
		}
	}
}

func TestSizeLimit(t *testing.T) {
	s := newSite(t, staff(), nil)
	c := s.bound(t)
	for limit, want := range map[int]struct {
		n    int
		code uint16
	}{
		0: {7, 0}, 1: {1, goldap.LDAPResultSizeLimitExceeded}, 6: {6, goldap.LDAPResultSizeLimitExceeded}, 7: {7, 0}, 8: {7, 0},
	} {
		r := request("(sn=*)", "cn")
		r.SizeLimit = limit
		res, err := c.Search(r)
		if code(err) != want.code || len(res.Entries) != want.n {
			t.Errorf("limit %d: %d entries, %v", limit, len(res.Entries), err)
		}
	}
}

func TestServersOwnLimit(t *testing.T) {
	s := newSite(t, staff(), func(o *ldap.Options) { o.MaxEntries = 3 })
	c := s.bound(t)
	for limit, want := range map[int]int{0: 3, 2: 2, 5: 3} {
		r := request("(sn=*)", "cn")
		r.SizeLimit = limit
		if res, err := c.Search(r); code(err) != goldap.LDAPResultSizeLimitExceeded || len(res.Entries) != want {
			t.Errorf("limit %d: %v, %v", limit, names(res), err)
		}
	}
}

func TestPaging(t *testing.T) {
	s := newSite(t, staff(), nil)
	c := s.bound(t)
	want := []string{"ringbook", "people", "anna", "annika", "kowalski", "mueller", "muller", "meier", "star"}
	for size := 1; size <= 10; size++ {
		res, err := c.SearchWithPaging(request("(objectClass=*)", "1.1"), uint32(size))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, names(res)); diff != "" {
			t.Errorf("pages of %d (-want +got)\n%s", size, diff)
		}
	}
}

// page asks for one page and returns the cookie of the next.
func page(t *testing.T, c *goldap.Conn, size uint32, cookie []byte) ([]string, []byte) {
	t.Helper()
	ctl := goldap.NewControlPaging(size)
	ctl.SetCookie(cookie)
	r := request("(sn=*)", "1.1")
	r.Controls = []goldap.Control{ctl}
	res, err := c.Search(r)
	if err != nil {
		t.Fatal(err)
	}
	answer, ok := goldap.FindControl(res.Controls, goldap.ControlTypePaging).(*goldap.ControlPaging)
	if !ok {
		t.Fatal("no paging control in the answer")
	}
	return names(res), answer.Cookie
}

func TestPagesGoOnElsewhereAndAfterASync(t *testing.T) {
	s := newSite(t, staff(), nil)
	first, cookie := page(t, s.bound(t), 2, nil)
	if diff := cmp.Diff([]string{"anna", "annika"}, first); diff != "" {
		t.Fatal(diff)
	}
	s.remove("annika", "muller") // the very one where we stand, and one ahead
	s.put(&directory.Contact{ID: "aaron", Source: directory.SourceUser, DisplayName: "Aaron"},
		&directory.Contact{ID: "zoe", Source: directory.SourceUser, DisplayName: "Zoe"})
	rest, cookie := page(t, s.bound(t), 100, cookie)
	if diff := cmp.Diff([]string{"kowalski", "mueller", "meier", "star", "zoe"}, rest); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if len(cookie) != 0 {
		t.Errorf("a cookie after the last page: %x", cookie)
	}
}

func TestPagingOddities(t *testing.T) {
	s := newSite(t, staff(), nil)
	c := s.bound(t)
	if got, cookie := page(t, c, 0, nil); len(got) != 0 || len(cookie) != 0 {
		t.Errorf("size 0 answers %v and cookie %x", got, cookie)
	}
	ctl := goldap.NewControlPaging(3)
	ctl.SetCookie([]byte("not ours"))
	r := request("(sn=*)")
	r.Controls = []goldap.Control{ctl}
	if _, err := c.Search(r); code(err) != goldap.LDAPResultProtocolError {
		t.Errorf("foreign cookie: %v", err)
	}
	ctl = goldap.NewControlPaging(5)
	r = request("(sn=*)", "1.1")
	r.Controls, r.SizeLimit = []goldap.Control{ctl}, 3
	if res, err := c.Search(r); code(err) != goldap.LDAPResultSizeLimitExceeded || len(res.Entries) != 3 {
		t.Errorf("limit below the page: %v, %v", names(res), err)
	}
}

// TestSizeLimitIsForAllPages: RFC 2696 has no limit of a page but its size.
func TestSizeLimitIsForAllPages(t *testing.T) {
	s := newSite(t, staff(), nil)
	c := s.bound(t)
	for _, controls := range [][]goldap.Control{nil, {&goldap.ControlServerSideSorting{SortKeys: []*goldap.SortKey{{AttributeType: "sn"}}}}} {
		for limit := 1; limit <= 10; limit++ { // of base, book and seven people
			paging := goldap.NewControlPaging(2)
			got := 0
			for {
				r := request("(objectClass=*)", "1.1")
				r.SizeLimit, r.Controls = limit, append([]goldap.Control{paging}, controls...)
				res, err := c.Search(r)
				got += len(res.Entries)
				answer, ok := goldap.FindControl(res.Controls, goldap.ControlTypePaging).(*goldap.ControlPaging)
				if ok && len(answer.Cookie) > 0 {
					paging.SetCookie(answer.Cookie)
					continue
				}
				want := uint16(goldap.LDAPResultSizeLimitExceeded)
				if limit >= 9 {
					want = goldap.LDAPResultSuccess
				}
				if got != min(limit, 9) || code(err) != want {
					t.Errorf("limit %d, sorted %v: %d entries, %v", limit, controls != nil, got, err)
				}
				break
			}
		}
	}
}

// TestServersOwnLimitShortensPages: a client that wants larger ones goes on all the same.
func TestServersOwnLimitShortensPages(t *testing.T) {
	s := newSite(t, staff(), func(o *ldap.Options) { o.MaxEntries = 3 })
	c := s.bound(t)
	if first, cookie := page(t, c, 100, nil); len(first) != 3 || len(cookie) == 0 {
		t.Errorf("a page of %v, then %x", first, cookie)
	}
	if res, err := c.SearchWithPaging(request("(sn=*)", "1.1"), 100); err != nil || len(res.Entries) != 7 {
		t.Errorf("all pages: %v", err)
	}
}

// TestDNAttributes: RFC 4511 §4.5.1.7.7.
func TestDNAttributes(t *testing.T) {
	s := newSite(t, staff(), nil)
	c := s.bound(t)
	all := []string{"anna", "annika", "kowalski", "mueller", "muller", "meier", "star"}
	for f, want := range map[string][]string{
		"(ou:dn:=People)":                                           all,
		"(organizationalUnitName:dn:=people)":                       all,
		"(dc:dn:=ringbook)":                                         all,
		"(:dn:caseIgnoreMatch:=RINGBOOK)":                           all,
		"(:dn:2.5.13.5:=people)":                                    all,
		"(ou:dn:caseExactMatch:=People)":                            nil,
		"(ou:dn:=suppliers)":                                        nil,
		"(cn:dn:=people)":                                           nil,
		"(ou:=people)":                                              nil, // not asked of the DN
		"(:caseIgnoreMatch:=people)":                                nil,
		"(!(:caseIgnoreMatch:=people))":                             all,
		"(:caseIgnoreMatch:=berg)":                                  {"anna"},
		"(:2.5.13.5:=Berg)":                                         {"anna"},
		"(:caseExactMatch:=berg)":                                   nil,
		"(:caseIgnoreIA5Match:=ANNA.BERG@contoso.com)":              {"anna"},
		"(:telephoneNumberMatch:=01712345678)":                      {"anna"},
		"(:objectIdentifierMatch:=person)":                          all,
		"(:objectIdentifierMatch:=2.5.6.6)":                         all,
		"(:generalizedTimeMatch:=20261121100000Z)":                  all,
		"(:booleanMatch:=FALSE)":                                    all,
		"(:distinguishedNameMatch:=uid=anna,ou=people,dc=ringbook)": {"anna"},
		"(!(:caseIgnoreMatch:=berg))":                               all[1:],
		"(!(:booleanMatch:=perhaps))":                               nil, // undefined
		"(:caseIgnoreMatch:=Member)":                                nil, // hidden
		"(:nosuchMatch:=berg)":                                      nil,
		"(!(:nosuchMatch:=berg))":                                   nil, // undefined
		"(!(:caseIgnoreSubstringsMatch:=berg))":                     nil, // no rule for whole values
		"(!(:dn:caseIgnoreMatch:=berg))":                            all[1:],
		"(ou:dn:=Sales)":                                            all, // of the entry itself
		"(uid:dn:=anna)":                                            {"anna"},
		"(:dn:caseIgnoreMatch:=anna)":                               {"anna"},
		"(&(sn=Berg)(ou:dn:=people))":                               {"anna"},
		"(&(cn=*)(!(ou:dn:=people)))":                               nil,
		"(|(ou:dn:=people)(sn=Berg)(ou:dn:=ringbook))":              all,
		"(userType:dn:=people)":                                     nil,
		"(userType:dn:caseIgnoreMatch:=people)":                     nil,
		"(!(userType:dn:caseIgnoreMatch:=people))":                  nil,
		"(ou:dn:numericStringMatch:=people)":                        nil,
	} {
		r := request("(&(|(uid=*)(uid=a))"+f+")", "1.1")
		res, err := c.Search(r)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, names(res), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got)\n%s", f, diff)
		}
	}
	for f, want := range map[string][]string{
		"(dc:dn:=ringbook)":                  append([]string{"ringbook", "people"}, all...),
		"(:caseIgnoreIA5Match:=RINGBOOK)":    {"ringbook"},
		"(:caseIgnoreMatch:=people)":         {"people"},
		"(:booleanMatch:=TRUE)":              {"ringbook", "people"},
		"(&(ou:dn:=people)(!(uid=*)))":       {"people"},
		"(&(description:=contoso)(ou=*))":    {"people"},
		"(&(dc:=ringbook)(objectClass=top))": {"ringbook"},
	} {
		res, err := c.Search(request(f, "1.1"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, names(res), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got)\n%s", f, diff)
		}
	}
}

func TestServerSideSort(t *testing.T) {
	s := newSite(t, staff(), nil)
	c := s.bound(t)
	for _, q := range []struct {
		keys []*goldap.SortKey
		want []string
	}{
		{[]*goldap.SortKey{{AttributeType: "sn"}}, []string{"star", "anna", "kowalski", "meier", "muller", "mueller", "annika"}},
		{[]*goldap.SortKey{{AttributeType: "sn", Reverse: true}}, []string{"annika", "mueller", "muller", "meier", "kowalski", "anna", "star"}},
		{[]*goldap.SortKey{{AttributeType: "o"}, {AttributeType: "gn", Reverse: true}}, []string{"star", "meier", "muller", "mueller", "kowalski", "annika", "anna"}},
		{[]*goldap.SortKey{{AttributeType: "mobile"}}, []string{"anna", "mueller", "annika", "kowalski", "muller", "meier", "star"}},
	} {
		r := request("(sn=*)", "1.1")
		r.Controls = []goldap.Control{&goldap.ControlServerSideSorting{SortKeys: q.keys}}
		res, err := c.Search(r)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(q.want, names(res)); diff != "" {
			t.Errorf("by %s (-want +got)\n%s", q.keys[0].AttributeType, diff)
		}
		if goldap.FindControl(res.Controls, goldap.ControlTypeServerSideSortingResult) == nil {
			t.Error("no sort control in the answer")
		}
		paged, err := c.SearchWithPaging(r, 2)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(q.want, names(paged)); diff != "" {
			t.Errorf("in pages by %s (-want +got)\n%s", q.keys[0].AttributeType, diff)
		}
	}
	r := request("(sn=*)", "1.1")
	r.Controls = []goldap.Control{&goldap.ControlServerSideSorting{SortKeys: []*goldap.SortKey{{AttributeType: "shoeSize"}}}}
	if res, err := c.Search(r); err != nil || len(res.Entries) != 7 {
		t.Errorf("by an unknown attribute, uncritically: %v, %v", names(res), err)
	}
}

func TestCriticalUnknownControl(t *testing.T) {
	s := newSite(t, staff(), nil)
	c := s.bound(t)
	r := request("(sn=*)")
	r.Controls = []goldap.Control{goldap.NewControlString("1.2.3.4", true, "")}
	if _, err := c.Search(r); code(err) != goldap.LDAPResultUnavailableCriticalExtension {
		t.Errorf("critical: %v", err)
	}
	r.Controls = []goldap.Control{goldap.NewControlString("1.2.3.4", false, ""), goldap.NewControlManageDsaIT(true)}
	if res, err := c.Search(r); err != nil || len(res.Entries) != 7 {
		t.Errorf("uncritical: %v", err)
	}
}

// TestHiddenAttributesCannotBeProbed: what the rules of books may ask and LDAP
// never returns is for a device as if it did not exist.
func TestHiddenAttributesCannotBeProbed(t *testing.T) {
	s := newSite(t, []*directory.Contact{{
		ID: "guest", Source: directory.SourceUser, DisplayName: "Gustav Gast", UserType: "Guest", EmployeeID: "4711",
		UserPrincipalName: "gustav@contoso.com", AccountEnabled: directory.False, ShowInAddressList: directory.False,
		Phones: []directory.Phone{{Kind: directory.PhoneWork, Written: "+49 30 1234567"}},
	}}, nil)
	c := s.bound(t)
	dn := "uid=guest,ou=people," + base
	for attribute, value := range map[string]string{
		"userType": "Guest", "employeeId": "4711", "employeeNumber": "4711", "userPrincipalName": "gustav@contoso.com",
		"accountEnabled": "FALSE", "showInAddressList": "FALSE", "source": "user",
	} {
		for _, f := range []string{
			"(A=V)", "(!(A=xV))", "(A=*)", "(A=V*)", "(A>=V)", "(A:=V)", "(&(cn=*)(|(A=V)))", "(!(!(A=V)))",
		} {
			f = strings.NewReplacer("A", attribute, "V", value).Replace(f)
			for _, at := range []string{base, dn} {
				r := request(f, "1.1")
				r.BaseDN = at
				if res, err := c.Search(r); err != nil || len(res.Entries) > 0 {
					t.Errorf("%s below %s finds %v, %v", f, at, names(res), err)
				}
			}
		}
		if _, err := c.Compare(dn, attribute, value); code(err) != goldap.LDAPResultUndefinedAttributeType {
			t.Errorf("compare with %s: %v", attribute, err)
		}
		r := request("(cn=*)", "1.1")
		r.Controls = []goldap.Control{goldap.NewControlString(goldap.ControlTypeServerSideSorting, true, string(sortBy(attribute)))}
		if _, err := c.Search(r); code(err) != goldap.LDAPResultUnavailableCriticalExtension {
			t.Errorf("sorting by %s: %v", attribute, err)
		}
	}
	// These are never returned either, but phones need them and they tell nothing new.
	for _, f := range []string{"(objectCategory=person)", "(anr=gus)", "(metaSearchText=gas*)", "(searchNumber=0301234567)"} {
		if res, err := c.Search(request(f)); err != nil || len(res.Entries) != 1 {
			t.Errorf("%s finds %v, %v", f, names(res), err)
		}
	}
}

// sortBy is the value of a sort control (RFC 2891 §1.1).
func sortBy(attribute string) []byte { return tlv(0x30, tlv(0x30, str(attribute))) }

// TestSortingIsLimited: sorting takes memory, which is not everybody's to have.
func TestSortingIsLimited(t *testing.T) {
	const most = 10_000
	s := newSite(t, crowd(most+1), nil)
	c := s.rawBound(t)
	sorted := func(critical byte) []byte {
		m := search1(2, "cn", "1.1")
		_, content, _ := bytes.Cut(m, number1(2))
		control := tlv(0x30, str(goldap.ControlTypeServerSideSorting), []byte{1, 1, critical}, tlv(4, sortBy("mail")))
		return tlv(0x30, number1(2), content, tlv(0xa0, control))
	}
	// The response control says adminLimitExceeded (11), and everybody comes in the order of names.
	c.send(sorted(0))
	all := c.until(2)
	if last := all[len(all)-1]; len(all) != most+2 || last.code != goldap.LDAPResultSuccess || !bytes.Contains(last.controls, []byte{10, 1, 11}) {
		t.Errorf("%d messages, then %+v", len(all), last)
	}
	c.send(sorted(0xff))
	c.expect(2, 0x65, goldap.LDAPResultUnavailableCriticalExtension)
	s.remove("00000000-0000-4000-8000-000000000000")
	c.send(sorted(0xff))
	all = c.until(2)
	if last := all[len(all)-1]; len(all) != most+1 || last.code != goldap.LDAPResultSuccess || !bytes.Contains(last.controls, []byte{10, 1, 0}) {
		t.Errorf("at the limit %d messages, then %+v", len(all), last)
	}
}

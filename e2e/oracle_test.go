package e2e_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"
)

// oracleFilters are what phones send (the token replaced), and what the letter of
// RFC 4511 says about values, pieces and unknown attributes: both answer alike.
var oracleFilters = strings.Fields(`
(objectClass=*) (objectClass=inetOrgPerson) (objectclass=PERSON) (objectClass=device) (&) (|) (!(&)) (!(|))
(|(cn=nobody)(sn=Meier)) (|(mobile=*))
(mail=juergen.gross@contoso.example) (mail=JUERGEN.GROSS@CONTOSO.EXAMPLE) (mail=juergen.*) (mail=*gross*) (mail=*@contoso.example) (mail=j*gross*example)
(sn=*) (!(title=*)) (!(nosuch=x)) (&(nosuch=x)(sn=*)) (|(nosuch=x)(sn=Gro\c3\9f)) (!(|(nosuch=x)(sn=nobody))) (!(&(nosuch=x)(sn=nobody))) (nosuch=*) (!(nosuch=*))
(cn=\2a) (cn=*\2a*) (cn=*\28*) (sn=*schm*dt) (sn=*mi*t*) (cn=*a*b*c*d) (sn=Kowalski\20\28ext.\29)
(telephoneNumber=+493023125042) (telephoneNumber=\2b49\2030\2023125-042) (telephoneNumber=+4930*) (telephoneNumber=*25042) (telephoneNumber=*23125*)
(|(telephoneNumber=+493023125042)(mobile=+493023125042)(homePhone=+493023125042)) (&(objectClass=inetOrgPerson)(|(telephoneNumber=+493023125042)(mobile=+493023125042)))
(&(telephoneNumber=*)(sn=Gro\c3\9f)) (&(sn=Gro\c3\9f)(givenName=J\c3\bcrgen)) (sn=Gro\c3\9f) (givenName=J\c3\9crgen) (givenName=Ju\cc\88rgen) (cn=*rgen*)
(ou=*) (ou=Sales) (o=*) (title=*e*) (l=*) (cn=\20\20J\c3\bcrgen\20\20\20Gro\c3\9f\20)
(mail=\20juergen.gross@contoso.example\20) (mail=\20juergen*) (mail=*gross@contoso.example\20) (uid=\2011111111-0000-4000-8000-000000000001\20) (cn:caseExactMatch:=\20J\c3\bcrgen\20\20Gro\c3\9f)
(cn:caseIgnoreMatch:=j\c3\bcrgen\20gro\c3\9f) (cn:caseExactMatch:=j\c3\bcrgen\20gro\c3\9f) (cn:caseExactMatch:=J\c3\bcrgen\20Gro\c3\9f) (cn:nosuchrule:=x) (!(cn:nosuchrule:=x)) (ou:dn:=people) (sn:dn:=people)
(name=J\c3\bcrgen\20Gro\c3\9f) (CallerIDName=x) (|(CallerIDName=x)(sn=Gro\c3\9f)) (sn=Me\c3\bcier) (uid=11111111-0000-4000-8000-000000000001) (entryDN=uid=11111111-0000-4000-8000-000000000001,ou=people,dc=ringbook)
(2.5.4.4=Gro\c3\9f) (!(2.5.4.4=*)) (objectClass=2.5.6.6) (2.5.4.11:dn:=people) (2.5.4.999=x) (!(2.5.4.999=x))
(:caseIgnoreMatch:=Gro\c3\9f) (!(:caseIgnoreMatch:=Gro\c3\9f)) (:caseIgnoreMatch:=nobody) (!(:nosuchMatch:=x)) (:telephoneNumberMatch:=+493023125042) (:dn:caseIgnoreMatch:=people)
(!(description=x)) (!(description=*)) (!(dc=*)) (!(dc:dn:=x)) (!(dc:dn:=ringbook)) (!(vendorName=x)) (!(jpegPhoto=x)) (!(hasSubordinates=perhaps)) (!(entryDN=rubbish)) (!(entryUUID=rubbish))
`)

// Where the answers are to differ, and why.
const (
	anyWord  = "a prefix begins any word of a name, as people look for Jürgen by his surname"
	spelling = "a number is found in any spelling"
	letters  = "umlauts and ß are found as people type them"
	ours     = "phones and Active Directory's clients ask for it; slapd does not know it"
	order    = "names have an order; RFC 4519 gives them none"
	digits   = "no digits are nobody's number: false, where slapd takes it for no value"
	sounds   = "approx is a prefix of any word, and not how a name sounds in English"
	subtype  = "an attribute with an option is a subtype that nobody has, and undefined where slapd has it for false"
	lenient  = "clients name the rule for any text with any text"
	hyphens  = "a hyphen is no letter: Hans-Peter is found as Hans Peter"
)

var oracleDifferences = map[string]string{
	"(&(cn=*)(sn=Me*))": anyWord, "(!(cn=An*))": anyWord, "(&(cn=An*))": anyWord, "(|(cn=An*)(o=An*))": anyWord, "(!(sn=Me*))": anyWord,
	`(cn=\28*)`: anyWord, `(cn=\4a*)`: anyWord, `(cn=J\c3\bcrgen*)`: anyWord, "(cn=Gr*)": anyWord, `(cn=Gro\c3\9f\20J*)`: anyWord,
	"(telephoneNumber=03023125042)": spelling, "(telephoneNumber=00493023125042)": spelling, "(telephoneNumber=0302312*)": spelling,
	"(telephoneNumber=*030\\2023125-042)": spelling, "(telephoneNumber=030/23125042)": spelling,
	"(givenName=Juergen)": letters, "(givenName=Jurgen)": letters, "(cn=*juerg*)": letters, "(sn=gross)": letters,
	"(anr=ju\\20gr)": ours, "(searchNumber=+493023125042)": ours, "(company=*)": ours, "(objectClass=user)": ours, "(!(objectClass=computer))": ours, "(!(telephoneNumber=))": digits,
	"(!(cn;lang-de=x))": subtype, "(!(cn;lang-de=*))": subtype, "(mail:caseIgnoreMatch:=juergen.gross@contoso.example)": lenient, "(title=*-A*)": hyphens,
	"(sn>=M)": order, "(!(sn<=M))": order, "(sn~=meyr)": sounds, "(sn~=gro)": sounds,
}

// oracleTree puts filters together that both answer alike.
func oracleTree(r *rand.Rand, depth int) string {
	switch kind := r.IntN(4); {
	case depth == 0 || kind == 0:
		return oracleFilters[r.IntN(len(oracleFilters))]
	case kind == 1:
		return "(!" + oracleTree(r, depth-1) + ")"
	default:
		var parts strings.Builder
		for range 1 + r.IntN(3) {
			parts.WriteString(oracleTree(r, depth-1))
		}
		return "(" + []string{"&", "|"}[kind-2] + parts.String() + ")"
	}
}

// oracleReads are of one entry or of where it stands.
var oracleReads = []struct {
	base  string
	scope int
	ask   []string
	types bool
	why   string // the answers are to differ; "" = they are to be the same
}{
	{grossDN, goldap.ScopeBaseObject, []string{"cn", "sn", "mail", "telephoneNumber", "objectClass"}, false, ""},
	{grossDN, goldap.ScopeBaseObject, []string{"cn", "sn", "mail"}, true, ""},
	{grossDN, goldap.ScopeBaseObject, []string{"1.1"}, false, ""},
	{grossDN, goldap.ScopeBaseObject, []string{"1.1", "cn"}, false, ""},
	{grossDN, goldap.ScopeBaseObject, []string{"nosuch", "sn"}, false, ""},
	{grossDN, goldap.ScopeBaseObject, []string{"cn;lang-de"}, false, ""},
	{grossDN, goldap.ScopeBaseObject, []string{"cn", "CN"}, false, ""},
	{grossDN, goldap.ScopeBaseObject, []string{"entryDN", "structuralObjectClass", "hasSubordinates"}, false, ""},
	{strings.ToUpper(grossDN), goldap.ScopeBaseObject, []string{"sn"}, false, ""},
	{"uid = " + gross + " , ou=people, dc=ringbook", goldap.ScopeBaseObject, []string{"sn"}, false, ""},
	{"userid=" + gross + ",organizationalUnitName=people,domainComponent=ringbook", goldap.ScopeBaseObject, []string{"2.5.4.4", "2.5.4.20"}, false, ""},
	{"0.9.2342.19200300.100.1.1=" + gross + ",2.5.4.11=people,dc=ringbook", goldap.ScopeBaseObject, []string{"2.5.18.9", "sn"}, false, ""},
	{grossDN, goldap.ScopeSingleLevel, []string{"sn"}, false, ""},
	{grossDN, goldap.ScopeWholeSubtree, []string{"sn"}, false, ""},
	{grossDN, goldap.ScopeChildren, []string{"sn"}, false, ""},
	{bookDN, goldap.ScopeBaseObject, []string{"ou", "objectClass", "hasSubordinates"}, false, ""},
	{bookDN, goldap.ScopeSingleLevel, []string{"1.1"}, false, ""},
	{bookDN, goldap.ScopeWholeSubtree, []string{"1.1"}, false, ""},
	{bookDN, goldap.ScopeChildren, []string{"1.1"}, false, ""},
	{"uid=nobody," + bookDN, goldap.ScopeBaseObject, []string{"sn"}, false, ""},
	{"uid=nobody," + bookDN, goldap.ScopeWholeSubtree, []string{"sn"}, false, ""},
	{"ou=nobody," + baseDN, goldap.ScopeBaseObject, []string{"sn"}, false, ""},
	{"cn=x," + grossDN, goldap.ScopeBaseObject, []string{"sn"}, false, ""},
	{"no DN", goldap.ScopeBaseObject, []string{"sn"}, false, "a base that is no DN names nothing, as people type bases"},
}

// oracleComparisons are of Jürgen.
var oracleComparisons = [][2]string{
	{"sn", "Groß"},
	{"sn", "GROß"},
	{"sn", "Klein"},
	{"telephoneNumber", "+49 30 23125-042"},
	{"mail", "juergen.gross@contoso.example"},
	{"objectClass", "person"},
	{"objectClass", "device"},
	{"pager", "1"},
	{"description", "1"},
	{"nosuch", "1"},
	{"uid", gross},
	{"2.5.4.4", "Groß"},
	{"2.5.4.0", "2.5.6.6"},
}

// result is the code of an error; 0 = there is none.
func result(t *testing.T, err error) uint16 {
	t.Helper()
	if err == nil {
		return goldap.LDAPResultSuccess
	}
	var e *goldap.Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	return e.ResultCode
}

// answerTo is what a server says to a search: its entries, sorted, and its result.
func answerTo(t *testing.T, c *goldap.Conn, q *goldap.SearchRequest) (entries []string, code uint16) {
	t.Helper()
	all, err := c.Search(q)
	if all == nil {
		return nil, result(t, err)
	}
	for _, e := range all.Entries {
		var line strings.Builder
		line.WriteString(strings.ToLower(e.DN))
		slices.SortFunc(e.Attributes, func(a, b *goldap.EntryAttribute) int { return strings.Compare(a.Name, b.Name) })
		for _, a := range e.Attributes {
			slices.Sort(a.Values)
			line.WriteString(" " + strings.ToLower(a.Name) + strings.ToLower(fmt.Sprint(a.Values)))
		}
		entries = append(entries, line.String())
	}
	slices.Sort(entries)
	return entries, result(t, err)
}

// TestSlapdOracle asks slapd, which holds the same people, what we are asked: the
// answers are the same but for what is in the table of differences.
func TestSlapdOracle(t *testing.T) {
	t.Parallel()
	slapdProgram(t)
	s := startTenant(t, 250, "--photos", "0")
	r := startRingbook(t, s)
	oracle, d := startSlapd(t, r), r.addDevice()
	theirs, ours := oracle.logIn(t), r.logIn(t, d)
	// check reports whether both answer alike.
	check := func(t *testing.T, q goldap.SearchRequest) (alike bool, said string) {
		t.Helper()
		q.DerefAliases = goldap.NeverDerefAliases
		want, wanted := answerTo(t, theirs, &q)
		got, code := answerTo(t, ours, &q)
		return slices.Equal(got, want) && code == wanted,
			fmt.Sprintf("%s: result %d, %d entries; slapd %d, %d\n%s\n%s", q.Filter, code, len(got), wanted, len(want), tail(fmt.Sprint(got), 300), tail(fmt.Sprint(want), 300))
	}
	t.Run("filters", func(t *testing.T) {
		for _, f := range oracleFilters {
			if alike, said := check(t, goldap.SearchRequest{BaseDN: bookDN, Scope: goldap.ScopeSingleLevel, Filter: f, Attributes: []string{"1.1"}}); !alike {
				t.Error(said)
			}
		}
		for f, why := range oracleDifferences {
			if alike, _ := check(t, goldap.SearchRequest{BaseDN: bookDN, Scope: goldap.ScopeSingleLevel, Filter: f, Attributes: []string{"1.1"}}); alike {
				t.Errorf("%s makes no difference, though %s", f, why)
			}
		}
	})
	t.Run("trees", func(t *testing.T) { // true, false and undefined, as they come together
		r := rand.New(rand.NewPCG(5, 5))
		for range 500 {
			f := oracleTree(r, 3)
			if alike, said := check(t, goldap.SearchRequest{BaseDN: bookDN, Scope: goldap.ScopeSingleLevel, Filter: f, Attributes: []string{"1.1"}}); !alike {
				t.Error(said)
			}
		}
	})
	t.Run("reads", func(t *testing.T) {
		for _, q := range oracleReads {
			if alike, said := check(t, goldap.SearchRequest{BaseDN: q.base, Scope: q.scope, Filter: "(objectClass=*)", Attributes: q.ask, TypesOnly: q.types}); alike != (q.why == "") {
				t.Errorf("%s scope %d %q: %s", q.base, q.scope, q.ask, said)
			}
		}
	})
	t.Run("comparisons", func(t *testing.T) {
		for _, q := range oracleComparisons {
			want, wantErr := theirs.Compare(grossDN, q[0], q[1])
			got, err := ours.Compare(grossDN, q[0], q[1])
			if got != want || result(t, err) != result(t, wantErr) {
				t.Errorf("%s: %v, %v; slapd %v, %v", q, got, err, want, wantErr)
			}
		}
	})
	t.Run("one level", func(t *testing.T) { // of the base: phones set to it mean the people, if no book is what they ask for
		q := goldap.SearchRequest{BaseDN: baseDN, Scope: goldap.ScopeSingleLevel, Filter: "(sn=Gro\\c3\\9f)", Attributes: []string{"1.1"}}
		if got, code := answerTo(t, ours, &q); len(got) == 0 || code != goldap.LDAPResultSuccess {
			t.Errorf("%q, %d", got, code)
		}
		if alike, said := check(t, q); alike {
			t.Error(said)
		}
	})
	t.Run("strangers", func(t *testing.T) { // are told to log in, where slapd says that there is nothing
		for address, want := range map[string]uint16{r.ldap: goldap.LDAPResultInsufficientAccessRights, oracle.plain: goldap.LDAPResultNoSuchObject} {
			c, err := goldap.DialURL("ldap://" + address)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			q := goldap.SearchRequest{BaseDN: bookDN, Scope: goldap.ScopeSingleLevel, Filter: "(sn=*)", Attributes: []string{"1.1"}}
			if got, code := answerTo(t, c, &q); len(got) > 0 || code != want {
				t.Errorf("%s: %q, %d", address, got, code)
			}
		}
	})
	t.Run("pages", func(t *testing.T) {
		for _, size := range []uint32{1, 7, 100, 1000} {
			all := func(c *goldap.Conn) (dns []string) {
				found, err := c.SearchWithPaging(goldap.NewSearchRequest(bookDN, goldap.ScopeSingleLevel, goldap.NeverDerefAliases, 0, 0, false, "(sn=*)", []string{"1.1"}, nil), size)
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range found.Entries {
					dns = append(dns, e.DN)
				}
				slices.Sort(dns)
				return dns
			}
			if got, want := all(ours), all(theirs); !slices.Equal(got, want) {
				t.Errorf("%d people in pages of %d, slapd has %d", len(got), size, len(want))
			}
		}
	})
	// slapd keeps what a connection has sorted, five times: each is asked once.
	fresh := func() *goldap.Conn { return oracle.logIn(t) }
	same := func() *goldap.Conn { return ours }
	t.Run("orders", func(t *testing.T) { compareOrders(t, fresh, same) })
	t.Run("list views", func(t *testing.T) { compareViews(t, fresh, same) })
}

// logIn connects go-ldap.
func (s *slapd) logIn(t *testing.T) *goldap.Conn {
	t.Helper()
	c, err := goldap.DialURL("ldap://" + s.plain)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.Bind(slapdReader, slapdSecret); err != nil {
		t.Fatal(err)
	}
	return c
}

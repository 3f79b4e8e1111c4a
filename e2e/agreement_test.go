package e2e_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"
)

// The surfaces look people up through one index and one matcher, so that whoever is
// found by one is found by all. What differs on purpose:
//
//   - LDAP's cn, sn and givenName find names (and a company or department beside
//     one); anr, lookup and contact find find these alone as well.
//   - contact find looks through the whole mirror, knows e-mail addresses and ids,
//     and reads digits as a number first and as a keypad's letters if nobody has it.
//   - lookup names twenty people at most.
//   - CardDAV's queries on FN and N are text matches, as RFC 6352 defines them: they
//     find pieces of what the card says, and no other spelling.
//   - CardDAV's queries on TEL read numbers of three digits and more, and not where
//     the collation is i;octet.
//   - Digits are letters of a keypad only where no number is looked for beside them.

// A panel is every surface of one server, asked by one device.
type panel struct {
	t     *testing.T
	r     *ringbook
	d     device
	ldap  *goldap.Conn
	dav   *dav
	admin *http.Client
}

func newPanel(t *testing.T, r *ringbook) *panel {
	t.Helper()
	d := r.addDevice("--kind", "pbx", "--numbers", "national")
	socket := filepath.Join(r.dir, "d", "admin.sock")
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &panel{t, r, d, r.logIn(t, d), r.dav(t, d), &http.Client{Transport: transport, Timeout: patience}}
}

// byLDAP returns the ids in the order of names.
func (p *panel) byLDAP(filter string) (ids []string) {
	p.t.Helper()
	found, err := p.ldap.Search(searchRequest("(&(objectClass=person)"+filter+")", "uid"))
	if err != nil {
		p.t.Fatalf("%s: %v", filter, err)
	}
	for _, e := range found.Entries {
		ids = append(ids, e.GetAttributeValue("uid"))
	}
	return ids
}

func (p *panel) byLookup(parameter, q string) (ids []string) {
	p.t.Helper()
	reply := p.dav.do("GET", "/lookup?format=json&"+parameter+"="+url.QueryEscape(q), "")
	var answer struct{ Contacts []struct{ ID string } }
	if err := json.Unmarshal([]byte(reply.body), &answer); err != nil || reply.status != http.StatusOK {
		p.t.Fatalf("lookup of %q: %d %s, %v", q, reply.status, reply.body, err)
	}
	for _, c := range answer.Contacts {
		ids = append(ids, c.ID)
	}
	return ids
}

// byFind returns those of the book, and beside them those found by an address.
func (p *panel) byFind(q string) (ids, byAddress []string) {
	p.t.Helper()
	res, err := p.admin.Get("http://admin/v1/contacts?limit=1000&find=" + url.QueryEscape(q))
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	var answer struct {
		Contacts []struct {
			ID     string   `json:"id"`
			Emails []string `json:"emails"`
			Books  []string `json:"books"`
		}
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || res.StatusCode != http.StatusOK {
		p.t.Fatalf("contact find %q: %d, %v", q, res.StatusCode, err)
	}
	for _, c := range answer.Contacts {
		if !slices.Contains(c.Books, "people") {
			continue
		}
		ids = append(ids, c.ID)
		if slices.ContainsFunc(c.Emails, func(s string) bool { return strings.HasPrefix(strings.ToLower(s), strings.ToLower(q)) }) {
			byAddress = append(byAddress, c.ID)
		}
	}
	return ids, byAddress
}

func (p *panel) byCardDAV(property, match, q string) (ids []string) {
	p.t.Helper()
	var text strings.Builder
	if err := xml.EscapeText(&text, []byte(q)); err != nil {
		p.t.Fatal(err)
	}
	body := `<c:addressbook-query xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav"><prop><getetag/></prop><c:filter><c:prop-filter name="` + property +
		`"><c:text-match match-type="` + match + `">` + text.String() + `</c:text-match></c:prop-filter></c:filter></c:addressbook-query>`
	for _, r := range parseMultistatus(p.t, p.dav.do("REPORT", p.d.book(), body).body).Responses {
		ids = append(ids, strings.TrimSuffix(path.Base(r.Href), ".vcf"))
	}
	slices.Sort(ids)
	return ids
}

func sorted(ids []string) []string { return slices.Sorted(slices.Values(ids)) }

// TestSurfacesAgreeOnNames asks what the corpus of names asks, of every surface.
func TestSurfacesAgreeOnNames(t *testing.T) {
	file, err := os.Open("../directory/index/testdata/names.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	corpus := csv.NewReader(file)
	corpus.Comment = '#'
	rows, err := corpus.ReadAll()
	if err != nil || len(rows) < 100 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	r := startRingbook(t, startTenant(t, 120, "--photos", "0"))
	var sheet strings.Builder
	people := csv.NewWriter(&sheet)
	written := make(map[string]bool)
	for i, row := range rows {
		if written[row[0]] {
			continue
		}
		written[row[0]] = true
		line := append([]string{fmt.Sprint(i)}, append(strings.Split(row[0], ";"), "", "")[:3]...)
		if i == 0 {
			line = []string{"Key", "Name", "Company", "Department"}
		}
		if err := people.Write(line); err != nil {
			t.Fatal(err)
		}
	}
	people.Flush()
	p := newPanel(t, r)
	ids := p.importPeople(sheet.String())
	for _, row := range rows[1:] {
		parts := append(strings.Split(row[0], ";"), "", "")
		p.agreeOnName(row[1], ids[parts[0]+strings.TrimSpace(parts[1])], row[2])
	}
}

// importPeople returns the ids of those who are imported, by name and company.
func (p *panel) importPeople(sheet string) map[string]string {
	p.t.Helper()
	name := filepath.Join(p.t.TempDir(), "people.csv")
	if err := os.WriteFile(name, []byte(sheet), 0o600); err != nil {
		p.t.Fatal(err)
	}
	p.r.do("contact", "import", name, "--set", "people", "--key", "Key")
	ids := make(map[string]string)
	found, err := p.ldap.Search(searchRequest("(objectClass=person)", "uid", "cn", "o"))
	if err != nil {
		p.t.Fatal(err)
	}
	for _, e := range found.Entries {
		if id := e.GetAttributeValue("uid"); strings.HasPrefix(id, "l-") {
			ids[e.GetAttributeValue("cn")+e.GetAttributeValue("o")] = id
		}
	}
	return ids
}

// agreeOnName compares what the surfaces find by a name, and with what is to be
// found: "yes", "no", or "anr" if only by a search over everything.
func (p *panel) agreeOnName(q, person, found string) {
	p.t.Helper()
	value := goldap.EscapeFilter(q)
	all := p.byLDAP("(anr=" + value + ")")
	if got := slices.Contains(all, person); got != (found != "no") {
		p.t.Errorf("%q finds %s by anr: %t, want %s", q, person, got, found)
	}
	if got := slices.Contains(p.byLDAP("(cn="+value+"*)"), person); got != (found == "yes") {
		p.t.Errorf("%q finds %s by cn: %t, want %s", q, person, got, found)
	}
	if got := p.byLookup("name", q); len(all) <= 20 && !slices.Equal(got, all) || len(all) > 20 && (len(got) != 20 || !allOf(got, all)) {
		p.t.Errorf("%q: lookup finds %q, LDAP %q", q, got, all)
	}
	listed, byAddress := p.byFind(q)
	for _, id := range listed {
		if !slices.Contains(all, id) && !slices.Contains(byAddress, id) {
			p.t.Errorf("%q: contact find finds %s, LDAP does not", q, id)
		}
	}
	for _, id := range all {
		if !slices.Contains(listed, id) {
			p.t.Errorf("%q: LDAP finds %s, contact find does not", q, id)
		}
	}
	pieces := p.byLDAP("(cn=*" + value + "*)")
	for _, id := range p.byCardDAV("FN", "contains", q) {
		if !slices.Contains(pieces, id) {
			p.t.Errorf("%q: CardDAV finds %s by a piece of the name, LDAP does not", q, id)
		}
	}
}

// TestSurfacesAgreeOnNumbers asks for numbers in many spellings.
func TestSurfacesAgreeOnNumbers(t *testing.T) {
	r := startRingbook(t, startTenant(t, 40, "--photos", "0"))
	p := newPanel(t, r)
	ids := p.importPeople(`Key;Name;Work;Mobile;Fax
1;Anna Agree;+49 30 5557 1234;0171 5550001;
2;Bert Agree;030 / 5557-1235;;+49 30 5557 99
3;Cara Agree;(030) 5557 0;;030 5557-99
4;Dora Agree;030 5557-0;0043 664 1234567;
5;Emil Agree;**621;;
`)
	whole := map[string]string{
		"+493055571234": "Anna", "00493055571234": "Anna", "03055571234": "Anna", "(030) 5557-1234": "Anna", "+49 (0)30 55571234": "Anna", "tel:+49-30-55571234": "Anna",
		"sip:03055571234@pbx": "Anna", "01715550001": "Anna", "+491715550001": "Anna", "030 5557 1235": "Bert", "0305557 99": "Bert Cara", "+49305557-0": "Cara Dora",
		"03055570": "Cara Dora", "+436641234567": "Dora", "00436641234567": "Dora", "06641234567": "", "**621": "Emil", "621": "Emil", "anonymous": "", "": "", "0305557": "", "55571234": "",
		"1&1": "", "+493055571236": "",
	}
	for q, names := range whole {
		var want []string
		for name := range strings.FieldsSeq(names) {
			want = append(want, ids[name+" Agree"])
		}
		want = sorted(want)
		p.agreeOnNumber(q, want)
	}
	for _, q := range []string{"030555712", "+4930555", "0049 171 5", "55571", "71234", "5550001", "4930", "0664", "5557 1"} {
		value := goldap.EscapeFilter(q)
		for match, pattern := range map[string]string{"starts-with": value + "*", "contains": "*" + value + "*", "ends-with": "*" + value} {
			want := sorted(p.byLDAP("(searchNumber=" + pattern + ")"))
			// It also finds a piece of the number as this device gets it.
			if got := p.byCardDAV("TEL", match, q); !allOf(want, got) {
				t.Errorf("%s %q: CardDAV finds %q, LDAP %q", match, q, got, want)
			}
		}
	}
}

// allOf reports whether all of a few are among many.
func allOf(few, many []string) bool {
	for _, id := range few {
		if !slices.Contains(many, id) {
			return false
		}
	}
	return true
}

func (p *panel) agreeOnNumber(q string, want []string) {
	p.t.Helper()
	value := goldap.EscapeFilter(q)
	var leaves []string
	for _, a := range []string{"telephoneNumber", "mobile", "homePhone", "facsimileTelephoneNumber", "pager", "otherTelephone"} {
		leaves = append(leaves, a+"="+value)
	}
	filter := "(|(" + strings.Join(leaves, ")(") + "))"
	got := map[string][]string{
		"LDAP": p.byLDAP(filter), "LDAP, all at once": p.byLDAP("(searchNumber=" + value + ")"), "lookup": p.byLookup("number", q),
	}
	if q != "" { // which contact find refuses, and a text match finds in every text
		if strings.Trim(q, "+0123456789 ()/.-") == "" { // else contact find takes it for a name
			got["contact find"], _ = p.byFind(q)
		}
		got["CardDAV"] = p.byCardDAV("TEL", "equals", q)
	}
	for surface, found := range got {
		if !slices.Equal(sorted(found), sorted(want)) {
			p.t.Errorf("%q: %s finds %q, want %q", q, surface, found, want)
		}
	}
}

package carddav_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ringbook/server/carddav/carddavtest"
)

// What the standards say with MUST, and suites ask for, as far as no client's test
// says it already.

// A rule is one request and what has to be, and not to be, in its answer.
type davRule struct {
	section string
	method  string
	path    string
	body    string
	header  string
	status  int
	has     []string
	lacks   []string
}

const (
	principalHref = "/dav/p/phone/"
	homeHref      = "/dav/ab/phone/"
	cardHref      = bookHref + "c-1.vcf"
	notFound      = "<d:status>HTTP/1.1 404 Not Found</d:status>"
)

func TestWebDAVRules(t *testing.T) {
	check(t, []davRule{
		{"4918 §9.1 propname has names and no values", "PROPFIND", bookHref, `<propfind xmlns="DAV:"><propname/></propfind>`, "Depth: 0", 207, []string{"<d:displayname/>", "<card:supported-address-data/>"}, []string{"Contoso", " 404 "}},
		{"4918 §9.1 allprop may include what is not there", "PROPFIND", bookHref, `<propfind xmlns="DAV:"><allprop/><include><x xmlns="urn:x"/></include></propfind>`, "Depth: 0", 207, []string{"<d:displayname>", `<x:x xmlns:x="urn:x"/></d:prop>` + notFound}, nil},
		{"4918 §9.1 no body is allprop", "PROPFIND", cardHref, "", "Depth: 0", 207, []string{"<d:getetag>"}, []string{" 404 "}},
		{"4918 §9.1.1 a member by itself has no members", "PROPFIND", cardHref, propfind("<getetag/>"), "Depth: 1", 207, []string{cardHref}, []string{"c-2"}},
		{"4918 §9.2 properties are protected, each", "PROPPATCH", bookHref, `<propertyupdate xmlns="DAV:"><set><prop><displayname>x</displayname></prop></set><remove><prop><y xmlns="urn:y"/></prop></remove></propertyupdate>`, "", 207, []string{"403 Forbidden", "<d:displayname/>", `<x:y xmlns:x="urn:y"/>`, "<d:cannot-modify-protected-property/>"}, []string{"200 OK"}},
		{"4918 §15.9 a book is a collection and a book", "PROPFIND", bookHref, propfind("<resourcetype/>"), "Depth: 0", 207, []string{"<d:resourcetype><d:collection/><card:addressbook/></d:resourcetype>"}, nil},
		{"4918 §15.9 a card is neither", "PROPFIND", cardHref, propfind("<resourcetype/>"), "Depth: 0", 207, []string{"<d:resourcetype></d:resourcetype>"}, nil},
		{"3744 §2 the principal is one", "PROPFIND", principalHref, propfind("<resourcetype/><principal-URL/>"), "Depth: 0", 207, []string{"<d:principal/>", "<d:principal-URL><d:href>" + principalHref}, nil},
		{"3744 §5.8 principals are where they are said to be", "PROPFIND", "/dav/p/", propfind("<resourcetype/>"), "Depth: 1", 207, []string{"<d:href>" + principalHref + "</d:href>"}, []string{"other"}},
		{"3744 §5.1 nobody owns a principal", "PROPFIND", principalHref, propfind("<owner/>"), "Depth: 0", 207, []string{"<d:owner/></d:prop>" + notFound}, nil},
		{"5397 §3 every resource names the current user", "PROPFIND", cardHref, propfind("<current-user-principal/>"), "Depth: 0", 207, []string{"<d:href>" + principalHref}, nil},
		{"3253 §3.6 an unknown report is not supported", "REPORT", bookHref, `<version-tree xmlns="DAV:"/>`, "", 403, []string{"<d:error", "<d:supported-report/>"}, nil},
		{"3253 §3.8 nothing to expand", "REPORT", bookHref, `<expand-property xmlns="DAV:"/>`, "", 207, []string{bookHref, "200 OK"}, nil},
		{"3253 §3.8 what does not point anywhere is told as it is", "REPORT", bookHref, `<expand-property xmlns="DAV:"><property name="displayname"><property name="owner"/></property></expand-property>`, "", 207, []string{"<d:displayname>Contoso &amp; Söhne</d:displayname>"}, nil},
		{"3253 §3.8 in circles, as far as it goes", "REPORT", principalHref, `<expand-property xmlns="DAV:">` + strings.Repeat(`<property name="current-user-principal">`, 30) + strings.Repeat("</property>", 30) + `</expand-property>`, "", 207, nil, nil},
		{"a limit of ours: and no further", "REPORT", principalHref, `<expand-property xmlns="DAV:">` + strings.Repeat(`<property name="current-user-principal">`, 40) + strings.Repeat("</property>", 40) + `</expand-property>`, "", 400, nil, nil},
		{"a limit of ours: nor wider", "REPORT", principalHref, `<expand-property xmlns="DAV:">` + strings.Repeat(`<property name="displayname"/>`, 65) + `</expand-property>`, "", 413, nil, nil},
		{"8144 §2.1 minimal, and nothing is there", "PROPFIND", bookHref, propfind("<nonsense/>"), "Prefer: return=minimal", 207, []string{"<d:prop></d:prop><d:status>HTTP/1.1 200 OK"}, []string{" 404 "}},
		{"7240 §2 a preference may be quoted", "PROPFIND", bookHref, propfind("<nonsense/>"), `Prefer: return="minimal"`, 207, nil, []string{" 404 "}},
		{"7240 §2 a preference may have parameters", "PROPFIND", bookHref, propfind("<nonsense/>"), `Prefer: respond-async, Return = minimal ; foo=1`, 207, nil, []string{" 404 "}},
		{"7240 §2 another preference is none of ours", "PROPFIND", bookHref, propfind("<nonsense/>"), `Prefer: return=representation`, 207, []string{" 404 "}, nil},
		{"9110 §9.3.2 HEAD of what is not there", "HEAD", bookHref + "c-3.vcf", "", "", 404, nil, nil},
		{"9110 §14.2 a range may be passed over", "GET", cardHref, "", "Range: bytes=0-9", 200, []string{"END:VCARD"}, nil},
		{"9110 §15.5.6 an unknown method is not allowed", "BREW", cardHref, "", "", 405, nil, nil},
	})
}

func TestCardDAVRules(t *testing.T) {
	filter := func(prop string) string { return bookQuery("<c:filter>"+prop+"</c:filter>", "") }
	check(t, []davRule{
		{"6352 §6.2 a book's own properties are not in allprop", "PROPFIND", bookHref, `<propfind xmlns="DAV:"><allprop/></propfind>`, "Depth: 0", 207, nil, []string{"supported-address-data", "addressbook-description", "max-resource-size"}},
		{"6352 §7.1.1 nor is the home", "PROPFIND", principalHref, `<propfind xmlns="DAV:"><allprop/></propfind>`, "Depth: 0", 207, nil, []string{"addressbook-home-set"}},
		{"6352 §8.3.1 collations are announced", "PROPFIND", bookHref, propfind("<c:supported-collation-set/>"), "Depth: 0", 207, []string{"<card:supported-collation>i;ascii-casemap<", "<card:supported-collation>i;unicode-casemap<"}, nil},
		{"6352 §8.3 and served", "REPORT", bookHref, filter(`<c:prop-filter name="FN"><c:text-match collation="i;octet">Ada</c:text-match></c:prop-filter>`), "", 207, []string{"c-1.vcf"}, []string{"c-2.vcf"}},
		{"6352 §8.6 a query of one card", "REPORT", cardHref, filter(`<c:prop-filter name="FN"/>`), "", 207, []string{"c-1.vcf"}, []string{"c-2.vcf"}},
		{"6352 §8.6 which it may not meet", "REPORT", cardHref, filter(`<c:prop-filter name="NICKNAME"/>`), "", 207, nil, []string{"<d:response>"}},
		{"6352 §8.6 of no other collection", "REPORT", homeHref, filter(""), "", 403, []string{"<d:supported-report/>"}, nil},
		{"6352 §8.6.2 what is cut says so of the book", "REPORT", bookHref, bookQuery("<c:filter/>", "<c:limit><c:nresults>1</c:nresults></c:limit>"), "", 207, []string{"<d:href>" + bookHref + "</d:href><d:status>HTTP/1.1 507", "<d:number-of-matches-within-limits/>"}, nil},
		{"6352 §8.7 a card not asked for is not told", "REPORT", bookHref, multiget("<getetag/>", cardHref), "", 207, []string{"c-1.vcf"}, []string{"c-2.vcf"}},
		{"6352 §8.7 of a card by itself", "REPORT", cardHref, multiget("<getetag/>", cardHref), "", 207, []string{"c-1.vcf", "200 OK"}, nil},
		{"6352 §8.7 propname", "REPORT", bookHref, `<c:addressbook-multiget xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav"><propname/><href>` + cardHref + `</href></c:addressbook-multiget>`, "", 207, []string{"<d:getetag/>"}, []string{"VCARD"}},
		{"6352 §8.7 allprop has no cards", "REPORT", bookHref, `<c:addressbook-multiget xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav"><allprop/><href>` + cardHref + `</href></c:addressbook-multiget>`, "", 207, []string{"<d:getetag>"}, []string{"VCARD"}},
		{"6352 §10.4 PROPFIND has none either", "PROPFIND", cardHref, propfind("<c:address-data/>"), "Depth: 0", 207, []string{"<card:address-data/></d:prop>" + notFound}, []string{"VCARD"}},
		{"6352 §10.4.2 a card always has its frame", "REPORT", bookHref, multiget(`<c:address-data><c:prop name="NICKNAME"/></c:address-data>`, cardHref), "", 207, []string{"BEGIN:VCARD", "VERSION:3.0", "END:VCARD"}, []string{"FN:", "UID:"}},
		// As RCMCardDAV's library tests it, which found each of these wrong somewhere.
		{"6352 §10.5.4 a negation is of any value", "REPORT", bookHref, filter(`<c:prop-filter name="EMAIL"><c:text-match negate-condition="yes">lovelace</c:text-match></c:prop-filter>`), "", 207, []string{"c-1.vcf", "c-2.vcf"}, []string{"c-4.vcf"}},
		{"6352 §10.5.1 of a property that is there", "REPORT", bookHref, filter(`<c:prop-filter name="NICKNAME"><c:text-match negate-condition="yes">x</c:text-match></c:prop-filter>`), "", 207, nil, []string{"<d:response>"}},
		{"6352 §10.5.2 and of a parameter that is there", "REPORT", bookHref, filter(`<c:prop-filter name="TEL"><c:param-filter name="X-P"><c:text-match negate-condition="yes">x</c:text-match></c:param-filter></c:prop-filter>`), "", 207, nil, []string{"<d:response>"}},
		{"6352 §10.5.2 a missing parameter of a missing property", "REPORT", bookHref, filter(`<c:prop-filter name="NICKNAME"><c:param-filter name="TYPE"><c:is-not-defined/></c:param-filter></c:prop-filter>`), "", 207, nil, []string{"<d:response>"}},
		{"6352 §10.5.2 a parameter that is there, whatever it says", "REPORT", bookHref, filter(`<c:prop-filter name="tel"><c:param-filter name="type"/></c:prop-filter>`), "", 207, []string{"c-1.vcf", "c-4.vcf"}, []string{"c-2.vcf"}},
		{"6352 §10.5.2 one of several values equals", "REPORT", bookHref, filter(`<c:prop-filter name="TEL"><c:param-filter name="TYPE"><c:text-match match-type="equals">voice</c:text-match></c:param-filter></c:prop-filter>`), "", 207, []string{"c-1.vcf"}, []string{"c-4.vcf"}},
		{"6352 §10.5.2 one of several values starts and ends", "REPORT", bookHref, filter(`<c:prop-filter name="TEL" test="allof"><c:param-filter name="TYPE"><c:text-match match-type="starts-with">wo</c:text-match></c:param-filter><c:param-filter name="TYPE"><c:text-match match-type="ends-with">ICE</c:text-match></c:param-filter></c:prop-filter>`), "", 207, []string{"c-1.vcf"}, []string{"c-4.vcf"}},
		{"6352 §10.5.1 all conditions are of one value", "REPORT", bookHref, filter(`<c:prop-filter name="EMAIL" test="allof"><c:text-match>ada</c:text-match><c:text-match>lovelace</c:text-match></c:prop-filter>`), "", 207, nil, []string{"<d:response>"}},
		{"6352 §10.5 but filters are of the card", "REPORT", bookHref, `<c:addressbook-query xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav"><prop><getetag/></prop><c:filter test="allof"><c:prop-filter name="EMAIL"><c:text-match>ada</c:text-match></c:prop-filter><c:prop-filter name="EMAIL"><c:text-match>lovelace</c:text-match></c:prop-filter></c:filter></c:addressbook-query>`, "", 207, []string{"c-1.vcf"}, []string{"c-2.vcf"}},
		{"6352 §10.5.1 a group's property is not the property", "REPORT", bookHref, filter(`<c:prop-filter name="item1.EMAIL"/>`), "", 207, nil, []string{"<d:response>"}},
		{"6350 §3.3 so that it is not defined", "REPORT", bookHref, filter(`<c:prop-filter name="item1.EMAIL"><c:is-not-defined/></c:prop-filter>`), "", 207, []string{"c-1.vcf", "c-2.vcf", "c-4.vcf"}, nil},
		{"6352 §10.5.3 is-not-defined stands alone", "REPORT", bookHref, filter(`<c:prop-filter name="FN"><c:is-not-defined/><c:text-match>x</c:text-match></c:prop-filter>`), "", 403, []string{"<card:supported-filter/>"}, nil},
		{"6352 §10.5.3 in a parameter, too", "REPORT", bookHref, filter(`<c:prop-filter name="FN"><c:param-filter name="TYPE"><c:text-match>x</c:text-match><c:is-not-defined/></c:param-filter></c:prop-filter>`), "", 403, []string{"<card:supported-filter/>"}, nil},
		{"6352 §10.5.2 a parameter has one text", "REPORT", bookHref, filter(`<c:prop-filter name="FN"><c:param-filter name="TYPE"><c:text-match>x</c:text-match><c:text-match>y</c:text-match></c:param-filter></c:prop-filter>`), "", 403, []string{"<card:supported-filter/>"}, nil},
		{"6352 §10.5.4 a negation is yes or no", "REPORT", bookHref, filter(`<c:prop-filter name="FN"><c:text-match negate-condition="maybe">x</c:text-match></c:prop-filter>`), "", 403, []string{"<card:supported-filter/>"}, nil},
	})
}

func TestSyncRules(t *testing.T) {
	s := newSite(t, people(t))
	now := tokenIn(t, multistatus(t, s.do("REPORT", bookHref, syncReport("", "<getetag/>", ""))))
	check(t, []davRule{
		{"6578 §3.2 of books only", "REPORT", homeHref, syncReport("", "<getetag/>", ""), "", 403, []string{"<d:supported-report/>"}, nil},
		{"6578 §3.2 nor of a card", "REPORT", cardHref, syncReport("", "<getetag/>", ""), "", 403, []string{"<d:supported-report/>"}, nil},
		{"6578 §3.2 Depth infinity is none", "REPORT", bookHref, syncReport("", "<getetag/>", ""), "Depth: infinity", 400, nil, nil},
		{"6578 §3.4 no token is the first sync", "REPORT", bookHref, `<sync-collection xmlns="DAV:"><sync-level>1</sync-level><prop><getetag/></prop></sync-collection>`, "", 207, []string{"c-1.vcf", "c-2.vcf", "c-4.vcf", "<d:sync-token>"}, []string{notFound}},
		{"6578 §3.5.1 a change has a propstat, also of nothing", "REPORT", bookHref, syncReport("", "", ""), "", 207, []string{"c-1.vcf</d:href><d:propstat><d:prop></d:prop>"}, nil},
		{"6578 §3.5.1 and of what is not there", "REPORT", bookHref, syncReport("", "<nonsense/>", ""), "", 207, []string{"c-1.vcf</d:href><d:propstat><d:prop><d:nonsense/></d:prop>" + notFound}, nil},
		{"6578 §3.6 what is cut says so of the book", "REPORT", bookHref, syncReport("", "<getetag/>", "<limit><nresults>1</nresults></limit>"), "", 207, []string{"<d:href>" + bookHref + "</d:href><d:status>HTTP/1.1 507", "<d:number-of-matches-within-limits/>", "<d:sync-token>"}, nil},
		{"6578 §3.10 an answer to nothing new", "REPORT", bookHref, syncReport(now, "<getetag/>", ""), "", 207, []string{"<d:sync-token>" + now}, []string{"<d:response>"}},
		{"6578 §4 the token is not in allprop", "PROPFIND", bookHref, "", "Depth: 0", 207, nil, []string{"sync-token"}},
		{"6578 §4 nor has anything else one", "PROPFIND", homeHref, propfind("<sync-token/>"), "Depth: 0", 207, []string{"<d:sync-token/></d:prop>" + notFound}, nil},
		{"6578 §4 a card neither", "PROPFIND", cardHref, propfind("<sync-token/><cs:getctag/>"), "Depth: 0", 207, []string{"<d:sync-token/><cs:getctag/></d:prop>" + notFound}, nil},
	})
}

func check(t *testing.T, rules []davRule) {
	t.Helper()
	s := newSite(t, people(t))
	for _, c := range rules {
		var headers []string
		if c.header != "" {
			headers = append(headers, c.header)
		}
		r := s.do(c.method, c.path, c.body, headers...)
		if r.status != c.status {
			t.Errorf("RFC %s: status %d, want %d: %s", c.section, r.status, c.status, r.body)
			continue
		}
		if r.status == http.StatusMultiStatus {
			multistatus(t, r)
		}
		for _, want := range c.has {
			if !strings.Contains(r.body, want) {
				t.Errorf("RFC %s: no %s in %s", c.section, want, r.body)
			}
		}
		for _, never := range c.lacks {
			if strings.Contains(r.body, never) {
				t.Errorf("RFC %s: %s in %s", c.section, never, r.body)
			}
		}
	}
}

// TestSyncAcrossWrites: RFC 6578 §3.5 across every short history of one member, on
// the book that clients may write. What was there and is not any more has to be told
// gone, what is there and is new or other has to be told with its ETag, each once.
func TestSyncAcrossWrites(t *testing.T) {
	const create, update, remove = "create", "update", "remove"
	for _, before := range [][]string{nil, {create}, {create, remove}} {
		for _, since := range [][]string{
			{},
			{create},
			{create, update},
			{create, remove},
			{create, remove, create},
			{update},
			{update, update},
			{remove},
			{remove, create},
			{update, remove},
			{remove, create, remove},
		} {
			there := len(before) == 1
			if len(since) > 0 && (since[0] == create) == there {
				continue // such a history there is not
			}
			t.Run(fmt.Sprint(before, since), func(t *testing.T) { syncAcross(t, before, since) })
		}
	}
}

func syncAcross(t *testing.T, before, since []string) {
	t.Helper()
	book, err := carddavtest.New("phone", "secret")
	if err != nil {
		t.Fatal(err)
	}
	s := &site{tb: t, Server: httptest.NewServer(book)}
	t.Cleanup(s.Close)
	n := 0
	write := func(names ...string) {
		t.Helper()
		for _, name := range names {
			n++
			method, want := "PUT", map[string]int{"create": 201, "update": 204, "remove": 204}[name]
			if name == "remove" {
				method = "DELETE"
			}
			card := fmt.Sprintf("BEGIN:VCARD\r\nVERSION:3.0\r\nUID:a\r\nFN:Name %d\r\nN:Name;;;;\r\nEND:VCARD\r\n", n)
			if r := s.do(method, bookHref+"a.vcf", card, "Content-Type: text/vcard"); r.status != want {
				t.Fatalf("%s: %d %s", name, r.status, r.body)
			}
		}
	}
	write(before...)
	f := &follower{site: s, login: "phone", book: "people", has: map[string]string{}}
	f.follow("before")
	old, was := f.token, maps.Clone(f.has)
	write(since...)
	body := f.ask("REPORT", syncReport(old, "<getetag/>", ""))
	f.follow("since")
	told := hrefs(body)
	changed := !cmp.Equal(was, f.has)
	if changed && !slices.Equal(told, []string{bookHref + "a.vcf"}) {
		t.Errorf("told of %q", told)
	}
	if gone := strings.Contains(body, " 404 "); gone && len(f.has) > 0 || !gone && len(was) > len(f.has) {
		t.Errorf("gone %t, in %s", gone, body)
	}
	if len(since) == 0 && (len(told) > 0 || f.token != old) {
		t.Errorf("nothing happened, and it is told %q, token %s then %s", told, old, f.token)
	}
}

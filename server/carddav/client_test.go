package carddav_test

import (
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
)

// One test for each rule that comes from a client, named after it.

func multistatus(t *testing.T, r reply) string {
	t.Helper()
	if r.status != http.StatusMultiStatus {
		t.Fatalf("status %d: %s", r.status, r.body)
	}
	for dec := xml.NewDecoder(strings.NewReader(r.body)); ; {
		if _, err := dec.Token(); errors.Is(err, io.EOF) {
			return r.body
		} else if err != nil {
			t.Fatalf("not well-formed: %v in %.2000q", err, r.body)
		}
	}
}

func propfind(props string) string {
	return `<propfind xmlns="DAV:" xmlns:cs="http://calendarserver.org/ns/" xmlns:c="urn:ietf:params:xml:ns:carddav"><prop>` + props + `</prop></propfind>`
}

func multiget(props string, hrefs ...string) string {
	var b strings.Builder
	for _, h := range hrefs {
		fmt.Fprintf(&b, "<href>%s</href>", h)
	}
	return `<c:addressbook-multiget xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav"><prop>` + props + `</prop>` + b.String() + `</c:addressbook-multiget>`
}

func syncReport(token, props, more string) string {
	return `<sync-collection xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav"><sync-token>` + token + `</sync-token><sync-level>1</sync-level>` + more + `<prop>` + props + `</prop></sync-collection>`
}

func hrefs(body string) []string {
	var list []string
	for _, m := range regexp.MustCompile(`<d:response><d:href>([^<]*)</d:href>`).FindAllStringSubmatch(body, -1) {
		list = append(list, m[1])
	}
	slices.Sort(list)
	return list
}

func tokenIn(t *testing.T, body string) string {
	t.Helper()
	m := regexp.MustCompile(`<d:sync-token>([^<]*)</d:sync-token>`).FindStringSubmatch(body)
	if m == nil {
		t.Fatalf("no token in %s", body)
	}
	return m[1]
}

func TestThunderbirdAndEvolutionCompareHrefsAsStrings(t *testing.T) {
	s := newSite(t, people(t))
	listed := hrefs(multistatus(t, s.do("PROPFIND", bookHref, propfind("<getetag/>"), "Depth: 1")))
	synced := hrefs(multistatus(t, s.do("REPORT", bookHref, syncReport("", "<getetag/>", ""))))
	if d := cmp.Diff(listed[1:], synced); d != "" {
		t.Errorf("(-PROPFIND +sync) %s", d)
	}
	got := hrefs(multistatus(t, s.do("REPORT", bookHref, multiget("<getetag/>",
		"/dav/ab/phone/people/c-1.vcf", "/dav/ab/phone/people/%63-2.vcf", "https://elsewhere:8443/dav/ab/phone/people/c-4.vcf"))))
	if d := cmp.Diff(listed[1:], got); d != "" {
		t.Errorf("(-PROPFIND +multiget) %s", d)
	}
}

func TestThunderbirdLooksAtTheFirstStatus(t *testing.T) {
	s := newSite(t, people(t))
	body := multistatus(t, s.do("PROPFIND", "/dav/", propfind("<nonsense/><current-user-principal/>"), "Depth: 0"))
	if i := strings.Index(body, "<d:status>"); !strings.HasPrefix(body[i:], "<d:status>HTTP/1.1 200 OK</d:status>") {
		t.Error(body)
	}
}

func TestIOSBriefLeavesMissingPropertiesOut(t *testing.T) {
	s := newSite(t, people(t))
	for header, want := range map[string]bool{
		"X-None: 1": true, "Brief: t": false, "Brief: f": true,
		"Prefer: return=minimal": false, "Prefer: wait=5, return=minimal": false, "Prefer: return-minimal": false,
	} {
		body := multistatus(t, s.do("PROPFIND", bookHref, propfind("<displayname/><quota-used-bytes/>"), "Depth: 0", header))
		if got := strings.Contains(body, " 404 "); got != want {
			t.Errorf("%s: 404 propstat %t, want %t", header, got, want)
		}
	}
}

func TestIOSAsksForEverUnlessEveryHrefIsAnswered(t *testing.T) {
	s := newSite(t, people(t))
	asked := []string{
		bookHref + "c-1.vcf", bookHref + "c-3.vcf", bookHref + "c-1.vcf", bookHref, "nonsense", "", "%zz",
		"/dav/ab/other/people/c-1.vcf", bookHref + "../people/c-1.vcf", bookHref + "c-1.vcf?x", "mailto:x",
		"/dav/ab/phone/people/%2563-1.vcf", bookHref + "C-1.VCF", "a&lt;b&amp;c",
	}
	body := multistatus(t, s.do("REPORT", bookHref, multiget("<getetag/>", asked...)))
	want := slices.Clone(asked)
	slices.Sort(want)
	if d := cmp.Diff(want, hrefs(body)); d != "" {
		t.Errorf("(-asked +answered) %s", d)
	}
	if n := strings.Count(body, "200 OK"); n != 2 {
		t.Errorf("%d found, want 2:\n%s", n, body)
	}
}

func TestDAVx5NeedsAnETagOnEveryChange(t *testing.T) {
	s := newSite(t, people(t))
	body := multistatus(t, s.do("REPORT", bookHref, syncReport("", "<getetag/><resourcetype/>", "")))
	if n, m := strings.Count(body, "<d:response>"), strings.Count(body, `<d:getetag>"`); n != 3 || n != m {
		t.Errorf("%d responses, %d etags", n, m)
	}
	if strings.Contains(body, "<d:href>"+bookHref+"</d:href>") {
		t.Error("the collection is in its own sync answer")
	}
}

func TestIOSNeverGetsANewTokenWithoutAResponse(t *testing.T) {
	shelf := people(t)
	s := newSite(t, shelf)
	first := tokenIn(t, multistatus(t, s.do("REPORT", bookHref, syncReport("", "<getetag/>", ""))))
	// News that no book shows, and news of another book, are revisions too.
	shelf.apply([]directory.Contact{{ID: "c-9", Source: directory.SourceUser, DisplayName: "Guest", UserType: "Guest"}})
	shelf.apply(nil, "c-9")
	body := multistatus(t, s.do("REPORT", bookHref, syncReport(first, "<getetag/>", "")))
	if n := len(hrefs(body)); n != 0 || tokenIn(t, body) != first {
		t.Errorf("%d responses, token %s became %s", n, first, tokenIn(t, body))
	}
}

func TestEvolutionAndDAVx5MixCTagAndToken(t *testing.T) {
	s := newSite(t, people(t))
	body := multistatus(t, s.do("PROPFIND", bookHref, propfind("<sync-token/><cs:getctag/>"), "Depth: 0"))
	token := tokenIn(t, body)
	if !strings.Contains(body, "<cs:getctag>"+token+"</cs:getctag>") {
		t.Error(body)
	}
	if !strings.HasPrefix(token, "https://") {
		t.Errorf("token %q is no URI", token)
	}
	report := tokenIn(t, multistatus(t, s.do("REPORT", bookHref, syncReport(token, "<getetag/>", ""))))
	if report != token {
		t.Errorf("PROPFIND says %s, REPORT %s", token, report)
	}
}

func TestMacOSBareUUIDIsNoToken(t *testing.T) {
	s := newSite(t, people(t))
	body := multistatus(t, s.do("REPORT", bookHref, syncReport("6E1D5A2C-0000-4000-8000-000000000000", "<getetag/>", "")))
	if n, gone := len(hrefs(body)), strings.Count(body, "404 Not Found"); n != 4 || gone != 1 {
		t.Errorf("%d responses, %d gone; want all 3 members and the tombstone", n, gone)
	}
}

func TestForeignEpochIs403AndThunderbird400(t *testing.T) {
	s := newSite(t, people(t))
	own := tokenIn(t, multistatus(t, s.do("REPORT", bookHref, syncReport("", "<getetag/>", ""))))
	foreign := strings.Replace(own, string(epoch), "fedcba9876543210", 1)
	future := regexp.MustCompile(`/[0-9]+/`).ReplaceAllString(own, "/999/")
	for _, token := range []string{foreign, future} {
		for agent, want := range map[string]int{"iOS/18": 403, "Evolution/3.58": 403, "X Thunderbird/140.1": 400} {
			r := s.do("REPORT", bookHref, syncReport(token, "<getetag/>", ""), "User-Agent: "+agent)
			if r.status != want || !strings.Contains(r.body, "<d:valid-sync-token/>") {
				t.Errorf("%s with %s: %d %s", agent, token, r.status, r.body)
			}
		}
	}
}

func TestDepthOfReportsVaries(t *testing.T) {
	s := newSite(t, people(t))
	for _, depth := range []string{"0", "1", ""} {
		multistatus(t, s.do("REPORT", bookHref, syncReport("", "<getetag/>", ""), "Depth: "+depth))
	}
	for _, depth := range []string{"0", "1", "", "infinity"} {
		if n := len(hrefs(multistatus(t, s.do("REPORT", bookHref, multiget("<getetag/>", bookHref+"c-1.vcf"), "Depth: "+depth)))); n != 1 {
			t.Errorf("depth %q: %d responses", depth, n)
		}
	}
	noLevel := strings.Replace(syncReport("", "<getetag/>", ""), "<sync-level>1</sync-level>", "", 1)
	multistatus(t, s.do("REPORT", bookHref, noLevel))
}

func TestWritesAreRefusedSoThatPhonesGoOn(t *testing.T) {
	s := newSite(t, people(t))
	for _, method := range []string{"PUT", "DELETE", "MKCOL", "MKCALENDAR", "COPY", "MOVE", "POST", "PATCH", "LOCK", "UNLOCK", "ACL"} {
		for _, path := range []string{bookHref + "c-1.vcf", bookHref + "A%20&B.vcf", bookHref, "/dav/ab/other/people/x.vcf", "/dav/"} {
			r := s.do(method, path, strings.Repeat("x", 3<<20))
			if r.status != http.StatusForbidden {
				t.Errorf("%s %s: %d", method, path, r.status)
			}
			href := "<d:href>" + strings.ReplaceAll(path, "&", "&amp;") + "</d:href>"
			if !strings.Contains(r.body, "<d:need-privileges>") || !strings.Contains(r.body, href) || !strings.Contains(r.body, "<d:write-content/>") {
				t.Errorf("%s %s: %s", method, path, r.body)
			}
		}
	}
	if n := len(s.shelf.View().Books()); n != 2 {
		t.Errorf("%d books", n)
	}
}

func TestThunderbirdAbortsWhenARedirectLeavesTheOrigin(t *testing.T) {
	s := newSite(t, people(t))
	for _, method := range []string{"GET", "HEAD", "PROPFIND", "OPTIONS", "PUT", "ODD"} {
		for _, path := range []string{"/", "/.well-known/carddav", "/.well-known/carddav/"} {
			r := s.do(method, path, "", "Authorization: ")
			if r.status != http.StatusMovedPermanently || r.header.Get("Location") != "/dav/" {
				t.Errorf("%s %s: %d to %q", method, path, r.status, r.header.Get("Location"))
			}
		}
	}
	if r := s.do("PROPFIND", "/.well-known/caldav", "", "Authorization: "); r.status != http.StatusNotFound {
		t.Errorf("well-known caldav: %d", r.status)
	}
}

func TestFirstRequestComesWithoutALogin(t *testing.T) {
	s := newSite(t, people(t))
	for _, path := range []string{"/dav", "/dav/", bookHref, "/dav/ab/nobody/"} {
		r := s.do("PROPFIND", path, "", "Authorization: ")
		if r.status != http.StatusUnauthorized || r.header.Get("WWW-Authenticate") != `Basic realm="Ringbook", charset="UTF-8"` {
			t.Errorf("%s: %d %q", path, r.status, r.header.Get("WWW-Authenticate"))
		}
	}
}

func TestAllowAndDAVSayWhatIsServed(t *testing.T) {
	s := newSite(t, people(t))
	for _, path := range []string{"/dav/", "/dav/p/phone/", "/dav/ab/phone/", bookHref, bookHref + "c-1.vcf"} {
		r := s.do("OPTIONS", path, "")
		if got := r.header.Get("DAV"); got != "1, 3, access-control, addressbook" {
			t.Errorf("%s: DAV: %s", path, got)
		}
		if got := r.header.Get("Allow"); got != "OPTIONS, GET, HEAD, PROPFIND, REPORT" {
			t.Errorf("%s: Allow: %s", path, got)
		}
	}
	r := s.do("BREW", bookHref, "")
	if r.status != http.StatusMethodNotAllowed || r.header.Get("Allow") == "" {
		t.Errorf("unknown method: %d %v", r.status, r.header)
	}
}

func TestKDEAndVdirsyncerPutAllHrefsIntoOneMultiget(t *testing.T) {
	s := newSite(t, people(t))
	list := make([]string, 50_000)
	for i := range list {
		list[i] = fmt.Sprintf("%s%08d-0000-4000-8000-000000000000.vcf", bookHref, i)
	}
	body := multistatus(t, s.do("REPORT", bookHref, multiget("<getetag/>", list...)))
	if n := strings.Count(body, "404 Not Found"); n != len(list) {
		t.Errorf("%d answers, want %d", n, len(list))
	}
	for len(list) <= 100_000 {
		list = append(list, "/x")
	}
	if r := s.do("REPORT", bookHref, multiget("<getetag/>", list...)); r.status != http.StatusRequestEntityTooLarge {
		t.Errorf("100,001 hrefs: %d", r.status)
	}
}

func TestVdirsyncerLooksForVCardInTheContentType(t *testing.T) {
	s := newSite(t, people(t))
	body := multistatus(t, s.do("PROPFIND", bookHref, propfind("<resourcetype/><getcontenttype/><getetag/>"), "Depth: 1"))
	if n := strings.Count(body, "<d:getcontenttype>text/vcard; charset=utf-8</d:getcontenttype>"); n != 3 {
		t.Error(body)
	}
}

// The phone itself deletes what it has, from whatever token.
func TestDrainingEmptiesThePhone(t *testing.T) {
	s := newSite(t, people(t))
	before := tokenIn(t, multistatus(t, s.do("REPORT", bookHref, syncReport("", "<getetag/>", ""))))
	d := phone()
	d.State = directory.DeviceDraining
	s.keys.set(d)
	home := multistatus(t, s.do("PROPFIND", "/dav/ab/phone/", propfind("<resourcetype/>"), "Depth: 1"))
	if !slices.Contains(hrefs(home), bookHref) {
		t.Error("the book itself is gone")
	}
	if n := len(hrefs(multistatus(t, s.do("PROPFIND", bookHref, propfind("<getetag/>"), "Depth: 1")))); n != 1 {
		t.Errorf("%d resources listed", n)
	}
	body := multistatus(t, s.do("REPORT", bookHref, syncReport(before, "<getetag/><c:address-data/>", "")))
	if n, gone := len(hrefs(body)), strings.Count(body, "404 Not Found"); n != 4 || gone != 4 || strings.Contains(body, "VCARD") {
		t.Errorf("sync: %d responses, %d gone", n, gone)
	}
	after := tokenIn(t, body)
	if body := multistatus(t, s.do("REPORT", bookHref, syncReport(after, "<getetag/>", ""))); len(hrefs(body)) != 0 || tokenIn(t, body) != after {
		t.Errorf("second sync of a drained book: %s", body)
	}
	got := multistatus(t, s.do("REPORT", bookHref, multiget("<c:address-data/>", bookHref+"c-1.vcf")))
	if strings.Contains(got, "VCARD") {
		t.Error("multiget of a drained book shows a card")
	}
	if r := s.do("GET", bookHref+"c-1.vcf", ""); r.status != http.StatusNotFound {
		t.Errorf("GET of a drained book: %d", r.status)
	}
}

// A draining phone may be a lost one: no method, and no report, tells it who is
// or who was in the book.
func TestDrainingTellsNobody(t *testing.T) {
	d := phone()
	d.State = directory.DeviceDraining
	s := newSite(t, people(t), d)
	names := regexp.MustCompile(`(?i)ada|bärbel|dot|VCARD|contoso\.com|getetag>"`)
	expand := `<expand-property xmlns="DAV:"><property name="displayname"/><property name="getetag"/></expand-property>`
	bodies := map[string][]string{
		"PROPFIND": {"", propfind("<displayname/><getetag/><getcontentlength/><c:address-data/>")},
		"REPORT": {
			multiget("<displayname/><getetag/><c:address-data/>", bookHref+"c-1.vcf", bookHref+"c-3.vcf"), expand,
			bookQuery("<c:filter/>", ""), bookQuery(`<c:filter><c:prop-filter name="FN"/></c:filter>`, ""),
			syncReport("", "<displayname/><getetag/><c:address-data/>", ""), syncReport("urn:uuid:1", "<displayname/><c:address-data/>", ""),
		},
	}
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT", "PROPPATCH", "PUT", "DELETE", "COPY", "POST"} {
		for _, path := range []string{"/dav/", "/dav/p/phone/", "/dav/ab/phone/", bookHref, bookHref + "c-1.vcf", bookHref + "c-3.vcf"} {
			for _, body := range append(bodies[method], "") {
				for _, depth := range []string{"0", "1", "infinity"} {
					r := s.do(method, path, body, "Depth: "+depth)
					r.body = strings.ReplaceAll(r.body, d.Name, "")
					if found := names.FindString(r.body); found != "" || r.header.Get("ETag") != "" || r.header.Get("Last-Modified") != "" {
						t.Errorf("%s %s Depth %s %.60s tells %q:\n%s", method, path, depth, body, found, r.body)
					}
				}
			}
		}
	}
}

func TestIOSPhotoClassIsAnOrdinaryChange(t *testing.T) {
	s := newSite(t, people(t))
	first := multistatus(t, s.do("REPORT", bookHref, syncReport("", "<getetag/>", "")))
	d := phone()
	d.Photos = directory.PhotoSmall
	s.keys.set(d)
	second := multistatus(t, s.do("REPORT", bookHref, syncReport(tokenIn(t, first), "<getetag/>", "")))
	if tokenIn(t, first) == tokenIn(t, second) {
		t.Error("the token stayed")
	}
	etags := func(body string) []string { return regexp.MustCompile(`"[0-9a-f]{32}"`).FindAllString(body, -1) }
	a, b := etags(first), etags(second)
	if len(a) != 3 || len(b) != 3 || a[0] != b[0] || a[1] == b[1] {
		t.Errorf("etags %v then %v; only the card with the photo changes", a, b)
	}
}

// Whose device is given plain names, and the names as they are written again, hears of
// every contact anew under the token that it has, and those with a comma have another
// ETag. A token from before there were styles is one of today.
func TestNameStyleIsAnOrdinaryChange(t *testing.T) {
	s := people(t)
	s.apply([]directory.Contact{{ID: "c-5", Source: directory.SourceUser, DisplayName: "Adler, Karen", GivenName: "Karen", Surname: "Adler"}})
	st := newSite(t, s)
	f := &follower{site: st, login: "phone", book: "people", has: map[string]string{}}
	report := func() (body string, etags map[string]string) {
		before := f.token
		body = multistatus(t, st.do("REPORT", bookHref, syncReport(before, "<getetag/><c:address-data/>", "")))
		f.page()
		return body, maps.Clone(f.has)
	}
	body, written := report()
	if len(written) != 4 || !strings.Contains(body, `FN:Adler\, Karen`) {
		t.Fatalf("%v in %s", written, body)
	}
	token := f.token
	d := phone()
	d.Names = directory.NamesPlain
	st.keys.set(d)
	body, plain := report()
	if f.token == token || strings.Count(body, "BEGIN:VCARD") != 4 || !strings.Contains(body, "FN:Karen Adler") || !strings.Contains(body, "N:Adler;Karen;;;") || strings.Contains(body, `FN:Adler`) {
		t.Errorf("plain, under the token of before: %s", body)
	}
	for href, etag := range written {
		if comma := strings.HasSuffix(href, "c-4.vcf") || strings.HasSuffix(href, "c-5.vcf"); (plain[href] != etag) != comma {
			t.Errorf("%s was %s and is %s", href, etag, plain[href])
		}
	}
	if name := multistatus(t, st.do("PROPFIND", bookHref+"c-5.vcf", propfind("<displayname/>"), "Depth: 0")); !strings.Contains(name, "<d:displayname>Karen Adler<") {
		t.Error(name)
	}
	for shown, card := range map[string]string{"karen adler": "c-5", `ltd \o`: "c-4"} {
		if got := st.found(t, condition("FN", "", shown)); len(got) != 1 || got[0] != bookHref+card+".vcf" {
			t.Errorf("%s, which a card shows, finds %q", shown, got)
		}
	}
	if got := st.found(t, condition("N", "", `ltd \o`)); len(got) != 1 {
		t.Errorf("a name that stands in for a surname finds %q", got)
	}
	if body, _ := report(); len(hrefs(body)) != 0 {
		t.Errorf("nothing new: %s", body)
	}
	for _, names := range []directory.NameStyle{directory.NamesWritten, "", "of a later version"} {
		d.Names = names
		st.keys.set(d)
		if _, back := report(); f.token != token || !maps.Equal(back, written) {
			t.Errorf("%q: %v, token %s", names, back, f.token)
		}
	}
}

// However an href is written in XML, its text is that which a reader of XML sees.
func TestTextOfAnHref(t *testing.T) {
	s := newSite(t, people(t))
	long := "/" + strings.Repeat("x", 10_000)
	for written, want := range map[string]string{
		"<href>/a b</href>": "/a b", "<href>\n\t/a\r\n</href>": "/a", "<href>/a&amp;b</href>": "/a&amp;b", "<href>/a&#x2F;b</href>": "/a/b",
		"<href>/ä</href>": "/ä", "<href><![CDATA[/a<b]]></href>": "/a&lt;b", "<href>/a<!-- c -->b</href>": "/ab",
		"<href>/a<x>y</x>b</href>": "/ab", "<href></href>": "", "<href/>": "", "<href />/not in it": "", "<href a='/'>/a</href>": "/a",
		"<href>" + long + "</href>": long, "<href>/a</href >": "/a",
	} {
		body := strings.Replace(multiget("<getetag/>", "HERE"), "<href>HERE</href>", written, 1)
		if got := hrefs(multistatus(t, s.do("REPORT", bookHref, body))); !slices.Equal(got, []string{want}) {
			t.Errorf("%.50s: %.50q, want %.50q", written, got, want)
		}
	}
	for _, broken := range []string{"<href>/a]]>b</href>", "<href>/a\x01</href>", "<href>/a&b</href>", "<href>/a</b>", "<href>/a", "<href>/a\xff</href>"} {
		body := strings.Replace(multiget("<getetag/>", "HERE"), "<href>HERE</href>", broken, 1)
		if r := s.do("REPORT", bookHref, body); r.status != 400 {
			t.Errorf("%q: %d", broken, r.status)
		}
	}
}

func TestOldMacOSShowsOneBook(t *testing.T) {
	s := newSite(t, people(t))
	body := multistatus(t, s.do("PROPFIND", "/dav/ab/phone/", propfind("<resourcetype/><cs:getctag/>"), "Depth: 1"))
	if n := strings.Count(body, "<card:addressbook/>"); n != 1 || strings.Count(body, "<cs:getctag>https://") != 1 {
		t.Errorf("%d books: %s", n, body)
	}
}

// Phones write into whatever book may be written, and the account's other one is
// then full of colleagues (nextcloud/contacts#4786): there is none, and none is made.
func TestPhonesFindNoBookToWrite(t *testing.T) {
	pair := phone()
	pair.Books = []directory.BookName{"people", "vips"}
	s := newSite(t, people(t), pair)
	if r := s.do("MKCOL", "/dav/ab/phone/mine/", ""); r.status != http.StatusForbidden {
		t.Errorf("MKCOL: %d", r.status)
	}
	body := multistatus(t, s.do("PROPFIND", "/dav/ab/phone/", propfind("<current-user-privilege-set/>"), "Depth: 1"))
	const readOnly = "<d:privilege><d:read/></d:privilege><d:privilege><d:read-current-user-privilege-set/></d:privilege></d:current-user-privilege-set>"
	if n := strings.Count(body, readOnly); n != 3 || regexp.MustCompile("write|bind|<d:all").MatchString(body) {
		t.Errorf("%d of 3 are for reading: %s", n, body)
	}
}

// Thunderbird shows a group card as a contact with no name; DAVx5 and Apple make
// groups of it that nobody asked for.
func TestThunderbirdAndDAVx5GetNoGroupCards(t *testing.T) {
	s := newSite(t, people(t))
	body := multistatus(t, s.do("REPORT", bookHref, syncReport("", "<getetag/><c:address-data/>", "")))
	if strings.Contains(body, "X-ADDRESSBOOKSERVER") || strings.Contains(body, "CATEGORIES") || !strings.Contains(body, "ORG:Contoso;Analytical Engines") {
		t.Error(body)
	}
}

// Android's provider takes less than 1 MB of a contact, and DAVx5 would fetch a
// photo that is only linked with the account's own login.
func TestAndroidGetsPhotosInline(t *testing.T) {
	s := newSite(t, people(t))
	card := s.do("GET", bookHref+"c-2.vcf", "").body
	if !strings.Contains(card, "PHOTO;ENCODING=b;TYPE=JPEG:/9g8Jv/YPCb") || strings.Contains(card, "VALUE=uri") {
		t.Error(card)
	}
}

// DAVx5 and Thunderbird find a server by the domain of an address (RFC 6764 §6), and
// then log in with the whole of it.
func TestDAVx5AndThunderbirdLogInWithAnAddress(t *testing.T) {
	s := newSite(t, people(t))
	for login, want := range map[string]int{
		"phone": 207, "phone@contoso.com": 207, "phone@": 207, "phone@a@b": 207, "@phone": 401, "@": 401, "other@contoso.com": 401, "phone contoso.com": 401,
	} {
		authorization := "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(login+":secret"))
		r := s.do("PROPFIND", "/dav/", propfind("<current-user-principal/>"), "Depth: 0", authorization)
		if r.status != want || want == 207 && !strings.Contains(r.body, "<d:href>/dav/p/phone/</d:href>") {
			t.Errorf("%s: %d %s", login, r.status, r.body)
		}
	}
}

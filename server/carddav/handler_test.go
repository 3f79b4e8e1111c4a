package carddav_test

import (
	"bytes"
	"compress/gzip"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"ringbook/directory"
)

func TestGet(t *testing.T) {
	s := newSite(t, people(t))
	path := bookHref + "c-2.vcf"
	r := s.do("GET", path, "")
	etag := r.header.Get("ETag")
	if r.status != http.StatusOK || r.header.Get("Content-Type") != "text/vcard; charset=utf-8" ||
		r.header.Get("Last-Modified") != "Sun, 01 Mar 2026 08:30:00 GMT" || len(etag) != 34 {
		t.Fatalf("%d %v", r.status, r.header)
	}
	if r.header.Get("Content-Length") != fmt.Sprint(len(r.body)) || !strings.HasPrefix(r.body, "BEGIN:VCARD\r\n") {
		t.Errorf("length %s: %q", r.header.Get("Content-Length"), r.body)
	}
	listed := s.do("PROPFIND", path, propfind("<getetag/><getcontentlength/>"), "Depth: 0").body
	if !strings.Contains(listed, etag) || !strings.Contains(listed, ">"+r.header.Get("Content-Length")+"<") {
		t.Errorf("PROPFIND says %s, GET %s", listed, etag)
	}
	head := s.do("HEAD", path, "")
	if head.status != 200 || head.body != "" || head.header.Get("ETag") != etag || head.header.Get("Content-Length") != r.header.Get("Content-Length") {
		t.Errorf("HEAD: %d %v", head.status, head.header)
	}
	for header, want := range map[string]int{
		"If-None-Match: " + etag:                             304,
		"If-None-Match: \"x\", W/" + etag:                    304,
		"If-None-Match: *":                                   304,
		"If-None-Match: \"x\"":                               200,
		"If-Match: " + etag:                                  200,
		"If-Match: \"x\"":                                    412,
		"If-Match: W/" + etag:                                412,
		"If-Modified-Since: Sun, 01 Mar 2026 08:30:00 GMT":   200,
		"If-Unmodified-Since: Sun, 01 Mar 2020 08:30:00 GMT": 200,
	} {
		if r := s.do("GET", path, "", header); r.status != want || want == 304 && (r.body != "" || r.header.Get("ETag") != etag) {
			t.Errorf("%s: %d, want %d", header, r.status, want)
		}
	}
	if r := s.do("GET", bookHref, ""); r.status != 200 || !strings.HasPrefix(r.header.Get("Content-Type"), "text/plain") {
		t.Errorf("GET of a book: %d %v", r.status, r.header)
	}
}

func TestPathsOutsideTheOwnTreeAreNotFound(t *testing.T) {
	other := phone()
	other.ID, other.Login, other.Books = "d2", "other", []directory.BookName{"vips"}
	s := newSite(t, people(t), phone(), other)
	for _, path := range []string{
		"/dav/ab/other/", "/dav/ab/other/vips/", "/dav/ab/other/vips/c-1.vcf", "/dav/p/other/", "/dav/ab/nobody/",
		"/dav/ab/phone/vips/", "/dav/ab/phone/vips/c-1.vcf", "/dav/ab/", "/dav/x/", "/dav/p/phone/x", "/dav/ab/phone/people/c-3.vcf",
		"/dav/ab/phone/people/c-1", "/dav/ab/phone/people/c-1.vcf/", "/dav/ab/phone/people//c-1.vcf", "/dav//", "/dav/p//", "/dav/p/phone//", "/dav/ab//", "/dav/ab/phone//", "/dav/ab/phone/people//", "/davx", "/x",
		"/dav/ab/phone/../other/vips/c-1.vcf", "/dav/ab/phone/%2e%2e/other/", "/dav/ab/phone/people/%252e.vcf", "/dav/ab/phone/people/%00.vcf",
	} {
		for _, method := range []string{"GET", "PROPFIND", "REPORT"} {
			if r := s.do(method, path, "", "Depth: 0"); r.status != http.StatusNotFound {
				t.Errorf("%s %s: %d", method, path, r.status)
			}
		}
	}
	for _, path := range []string{"/dav", "/dav/p", "/dav/p/phone", "/dav/ab/phone", "/dav/ab/phone/people"} {
		if r := s.do("PROPFIND", path, propfind("<resourcetype/>"), "Depth: 0"); r.status != http.StatusMultiStatus {
			t.Errorf("%s without its slash: %d", path, r.status)
		}
	}
}

func TestLogins(t *testing.T) {
	shelf := people(t)
	s := newSite(t, shelf)
	for _, header := range []string{"Authorization: ", "Authorization: Basic", "Authorization: Basic !!", "Authorization: Basic cGhvbmU6d3Jvbmc=", "Authorization: Bearer x"} {
		if r := s.do("PROPFIND", bookHref, "", header); r.status != http.StatusUnauthorized {
			t.Errorf("%s: %d", header, r.status)
		}
	}
	s.keys.throttled = true
	if r := s.do("PROPFIND", bookHref, ""); r.status != http.StatusTooManyRequests || r.header.Get("Retry-After") != "2" {
		t.Errorf("throttled: %d, %q", r.status, r.header.Get("Retry-After"))
	}
}

func TestNothingIsReadBeforeTheMirrorIsLoaded(t *testing.T) {
	s := newSite(t, newShelf(t, directory.Book{Name: "people", Title: "People"}))
	for _, method := range []string{"GET", "PROPFIND", "REPORT"} {
		r := s.do(method, bookHref, "", "Depth: 1")
		if r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") == "" {
			t.Errorf("%s: %d", method, r.status)
		}
	}
	if r := s.do("PUT", bookHref+"x.vcf", "x"); r.status != http.StatusForbidden {
		t.Errorf("PUT: %d", r.status)
	}
}

func TestDepth(t *testing.T) {
	s := newSite(t, people(t))
	for depth, want := range map[string]int{"0": 1, "1": 4, "": 4} {
		if n := len(hrefs(s.do("PROPFIND", bookHref, propfind("<getetag/>"), "Depth: "+depth).body)); n != want {
			t.Errorf("depth %q: %d responses, want %d", depth, n, want)
		}
	}
	r := s.do("PROPFIND", bookHref, propfind("<getetag/>"), "Depth: infinity")
	if r.status != http.StatusForbidden || !strings.Contains(r.body, "<d:propfind-finite-depth/>") {
		t.Errorf("infinity: %d %s", r.status, r.body)
	}
	if r := s.do("PROPFIND", bookHref, "", "Depth: 2"); r.status != http.StatusBadRequest {
		t.Errorf("depth 2: %d", r.status)
	}
}

func TestAllpropAndPropname(t *testing.T) {
	s := newSite(t, people(t))
	all := s.do("PROPFIND", bookHref+"c-1.vcf", "", "Depth: 0").body
	for _, name := range []string{"getetag", "getcontenttype", "getcontentlength", "getlastmodified", "resourcetype", "displayname"} {
		if !strings.Contains(all, "<d:"+name+">") {
			t.Errorf("allprop without %s", name)
		}
	}
	if strings.Contains(all, "owner") || strings.Contains(all, " 404 ") {
		t.Errorf("allprop: %s", all)
	}
	with := s.do("PROPFIND", bookHref, `<propfind xmlns="DAV:"><allprop/><include><sync-token/><displayname/></include></propfind>`, "Depth: 0").body
	if !strings.Contains(with, "<d:sync-token>") || strings.Count(with, "<d:displayname>") != 1 {
		t.Errorf("include: %s", with)
	}
	names := s.do("PROPFIND", bookHref, `<propfind xmlns="DAV:"><propname/></propfind>`, "Depth: 0").body
	if !strings.Contains(names, "<cs:getctag/>") || !strings.Contains(names, "<d:sync-token/>") || strings.Contains(names, " 404 ") {
		t.Errorf("propname: %s", names)
	}
}

func TestSupportedReportsAreThoseServed(t *testing.T) {
	s := newSite(t, people(t))
	body := s.do("PROPFIND", bookHref, propfind("<supported-report-set/>"), "Depth: 0").body
	for name, request := range map[string]string{
		"card:addressbook-multiget": multiget("<getetag/>", bookHref+"c-1.vcf"),
		"card:addressbook-query":    `<c:addressbook-query xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav"><prop><getetag/></prop></c:addressbook-query>`,
		"d:sync-collection":         syncReport("", "<getetag/>", ""),
		"d:expand-property":         `<expand-property xmlns="DAV:"><property name="owner"><property name="displayname"/></property></expand-property>`,
	} {
		if !strings.Contains(body, "<d:report><"+name+"/></d:report>") {
			t.Errorf("%s is not announced", name)
		}
		if r := s.do("REPORT", bookHref, request); r.status != http.StatusMultiStatus {
			t.Errorf("%s: %d", name, r.status)
		}
	}
	for _, path := range []string{bookHref, "/dav/p/"} {
		r := s.do("REPORT", path, `<principal-property-search xmlns="DAV:"/>`)
		if r.status != http.StatusForbidden || !strings.Contains(r.body, "<d:supported-report/>") {
			t.Errorf("unknown report: %d %s", r.status, r.body)
		}
	}
}

func TestExpandProperty(t *testing.T) {
	s := newSite(t, people(t))
	body := multistatus(t, s.do("REPORT", bookHref, `<expand-property xmlns="DAV:"><property name="owner"><property name="displayname"/>`+
		`<property name="addressbook-home-set" namespace="urn:ietf:params:xml:ns:carddav"><property name="nonsense"/></property></property><property name="sync-token"/></expand-property>`))
	for _, want := range []string{
		"<d:owner><d:response><d:href>/dav/p/phone/</d:href><d:propstat><d:prop><d:displayname>Ada's phone</d:displayname>",
		"<card:addressbook-home-set><d:response><d:href>/dav/ab/phone/</d:href><d:propstat><d:prop><d:nonsense/></d:prop><d:status>HTTP/1.1 404",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in %s", want, body)
		}
	}
}

func TestGzip(t *testing.T) {
	s := newSite(t, many(t, 2000, 0))
	request := syncReport("", "<getetag/>", "")
	plain := s.do("REPORT", bookHref, request, "Accept-Encoding: identity")
	zipped := s.do("REPORT", bookHref, request, "Accept-Encoding: br, gzip;q=0.5")
	if zipped.header.Get("Content-Encoding") != "gzip" || plain.header.Get("Content-Encoding") != "" {
		t.Fatalf("encodings %q and %q", zipped.header.Get("Content-Encoding"), plain.header.Get("Content-Encoding"))
	}
	zr, err := gzip.NewReader(strings.NewReader(zipped.body))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(zr)
	if err != nil || !bytes.Equal(b, []byte(plain.body)) {
		t.Errorf("%v: %d bytes, want %d", err, len(b), len(plain.body))
	}
	photos := syncReport("", "<getetag/><c:address-data/>", "<limit><nresults>100</nresults></limit>")
	if r := s.do("REPORT", bookHref, photos, "Accept-Encoding: gzip"); r.header.Get("Content-Encoding") != "" {
		t.Error("photos are compressed twice")
	}
	few := s.do("PROPFIND", bookHref, propfind("<getetag/>"), "Depth: 0", "Accept-Encoding: gzip")
	if few.header.Get("Content-Encoding") != "" || few.header.Get("Content-Length") == "" {
		t.Errorf("a short answer is compressed: %v", few.header)
	}
	for _, takes := range []string{"*", "*;q=0, gzip", "identity;q=0.5, *;q=0.1", "GZIP"} {
		if r := s.do("REPORT", bookHref, request, "Accept-Encoding: "+takes); r.header.Get("Content-Encoding") != "gzip" {
			t.Errorf("%q is not answered in gzip", takes)
		}
	}
	for _, refuses := range []string{"gzip;q=0", "br", "gzip;q=x", "*;q=0", "*, gzip;q=0"} {
		if r := s.do("REPORT", bookHref, request, "Accept-Encoding: "+refuses); r.header.Get("Content-Encoding") != "" {
			t.Errorf("%q is answered in gzip", refuses)
		}
	}
}

// A photo may go while a view that names it is being read.
func TestLostPhotoFailsNobody(t *testing.T) {
	shelf := people(t)
	s := newSite(t, shelf)
	shelf.drop("f0f0")
	body := multistatus(t, s.do("REPORT", bookHref, syncReport("", "<getetag/><c:address-data/>", "")))
	if n := strings.Count(body, "BEGIN:VCARD"); n != 3 || strings.Contains(body, "PHOTO") {
		t.Errorf("%d cards: %s", n, body)
	}
	shelf.photos["f0f0"] = []byte("back")
	if body := s.do("GET", bookHref+"c-2.vcf", "").body; !strings.Contains(body, "PHOTO") {
		t.Error("the card without its photo was kept")
	}
}

func TestLogLine(t *testing.T) {
	s := newSite(t, people(t))
	s.do("REPORT", bookHref, multiget("<getetag/><c:address-data/>", bookHref+"c-1.vcf"), "User-Agent: "+strings.Repeat("long ", 100))
	line := s.log.String()
	for _, want := range []string{"method=REPORT", "kind=book", "device=d1", "from=127.0.0.1", "status=207", "responses=1", "bytes=", "duration=", "user_agent="} {
		if !strings.Contains(line, want) {
			t.Errorf("no %s in %s", want, line)
		}
	}
	s.do(strings.Repeat("BREW", 1000), bookHref, "")
	line += s.log.String()
	for _, never := range []string{"Ada", "secret", "Basic", strings.Repeat("long ", 20), strings.Repeat("BREW", 20)} {
		if strings.Contains(line, never) {
			t.Errorf("%s in %s", never, line)
		}
	}
}

// many is a book of n people with photos of the given size.
func many(tb testing.TB, n, photo int) *shelf {
	tb.Helper()
	s := newShelf(tb, directory.Book{Name: "people", Title: "People"})
	s.apply(crowd(s, n, photo))
	s.SetLoaded()
	return s
}

// crowd makes n people, with their photos on s.
func crowd(s *shelf, n, photo int) []directory.Contact {
	list := make([]directory.Contact, n)
	for i := range list {
		list[i] = directory.Contact{
			ID: directory.ContactID(fmt.Sprintf("%08d-0000-4000-8000-000000000000", i)), Source: directory.SourceUser,
			DisplayName: fmt.Sprintf("Person Number %d", i), GivenName: "Person", Surname: fmt.Sprintf("Number %d", i),
			Emails:   []string{fmt.Sprintf("person.%d@contoso.example", i)},
			Phones:   []directory.Phone{{Kind: directory.PhoneWork, Written: fmt.Sprintf("+4930%07d", i), E164: fmt.Sprintf("+4930%07d", i)}, {Kind: directory.PhoneMobile, Written: fmt.Sprintf("+49171%07d", i), E164: fmt.Sprintf("+49171%07d", i)}},
			JobTitle: "Engineer", Department: fmt.Sprintf("Department %d", i%40), Company: "Contoso", Office: "Berlin",
			Address: directory.Address{Street: "Unter den Linden 1", City: "Berlin", PostalCode: "10117", Country: "Germany"},
		}
		if photo > 0 {
			id := directory.PhotoID(fmt.Sprintf("%032x", i))
			jpeg := make([]byte, photo)
			for k := range jpeg {
				jpeg[k] = byte((i + 7) * (k + 3) >> 3)
			}
			s.photos[id] = jpeg
			list[i].Photo = id
		}
	}
	return list
}

// Whatever stands in a name or a title, the answer is XML to its end.
func TestNamesDoNotSpoilTheXML(t *testing.T) {
	nasty := "\x00\x01\x1f\x7f\u0085\ufffe\uffff\ufffd\xff]]>&<\"'\r\n\t\U0010ffff end"
	shelf := newShelf(t, directory.Book{Name: "people", Title: nasty})
	shelf.apply([]directory.Contact{{ID: "c-1", DisplayName: nasty, Company: nasty, Phones: []directory.Phone{{Written: nasty}}}})
	shelf.SetLoaded()
	owner := phone()
	owner.Name = nasty
	s := newSite(t, shelf, owner)
	for _, path := range []string{"/dav/p/phone/", "/dav/ab/phone/", bookHref} {
		body := multistatus(t, s.do("PROPFIND", path, propfind("<displayname/><c:addressbook-description/>"), "Depth: 1"))
		if !strings.Contains(body, "end</d:displayname>") {
			t.Errorf("%s: %q", path, body)
		}
	}
	card := s.do("GET", bookHref+"c-1.vcf", "").body
	body := multistatus(t, s.do("REPORT", bookHref, multiget("<c:address-data/>", bookHref+"c-1.vcf")))
	var answer struct {
		Card string `xml:"response>propstat>prop>address-data"`
	}
	if err := xml.Unmarshal([]byte(body), &answer); err != nil || answer.Card != card || !strings.Contains(card, " end") {
		t.Errorf("%v: %q, by GET %q", err, answer.Card, card)
	}
}

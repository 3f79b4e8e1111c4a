package carddav_test

import (
	"net/http"
	"strings"
	"testing"

	"ringbook/directory"
	"ringbook/server/journal"
)

// TestABookIsTakenAway: a phone that may not see a book any more is told that all of
// it is gone, and when it has shown that it knows, there is no such book for it.
func TestABookIsTakenAway(t *testing.T) {
	d := phone()
	d.Books = []directory.BookName{"people", "vips"}
	s := newSite(t, people(t), d)
	s.shelf.apply([]directory.Contact{{ID: "c-9", Source: directory.SourceUser, DisplayName: "Cleo", JobTitle: "CEO"}})
	d.Books = []directory.BookName{"vips", "people"}
	s.keys.set(d)
	const vips = "/dav/ab/phone/vips/"
	sync := func(token string) (status int, body, next string) {
		t.Helper()
		r := s.do("REPORT", vips, syncReport(token, "<getetag/>", ""))
		_, next, _ = strings.Cut(r.body, "<d:sync-token>")
		next, _, _ = strings.Cut(next, "<")
		return r.status, r.body, next
	}
	_, body, token := sync("")
	if !strings.Contains(body, "c-1.vcf") || !strings.Contains(body, "c-9.vcf") {
		t.Fatalf("the book has not both: %s", body)
	}

	d.Books = []directory.BookName{"people"}
	s.keys.set(d)
	home := func() string { return s.do("PROPFIND", "/dav/ab/phone/", "", "Depth: 1").body }
	if !strings.Contains(home(), vips) {
		t.Error("the home has forgotten the book: most clients would keep its contacts")
	}
	if r := s.do("GET", vips+"c-1.vcf", ""); r.status != http.StatusNotFound {
		t.Errorf("a card of the book is answered with %d", r.status)
	}
	if r := s.do("PROPFIND", vips, "", "Depth: 1"); strings.Contains(r.body, ".vcf") {
		t.Errorf("the book has members: %s", r.body)
	}
	caller := bookQuery(`<c:filter><c:prop-filter name="TEL"><c:text-match>030 12345678</c:text-match></c:prop-filter></c:filter>`, "")
	if r := s.do("REPORT", vips, caller, "Depth: 1"); r.status != http.StatusMultiStatus || strings.Contains(r.body, ".vcf") {
		t.Errorf("a number is looked for in it: %d %s", r.status, r.body)
	}
	status, body, next := sync(token)
	if status != http.StatusMultiStatus || strings.Count(body, "404 Not Found") != 2 || next == token {
		t.Fatalf("%d %s", status, body)
	}
	if status, body, again := sync(next); status != http.StatusMultiStatus || strings.Contains(body, "<d:response>") || again != next {
		t.Errorf("the phone knows, and is told %d %s", status, body)
	}
	if status, _, _ := sync(next); status != http.StatusNotFound || strings.Contains(home(), vips) {
		t.Errorf("the phone has emptied it, and the book is still there: %d", status)
	}

	d.Books = []directory.BookName{"people", "vips"}
	s.keys.set(d)
	if status, _, _ := sync(next); status != http.StatusMultiStatus {
		t.Errorf("given back, the book is answered with %d", status)
	}
	if left := s.journal.Left("d1", func(n directory.BookName) bool { return n == "people" }); len(left) != 1 {
		t.Errorf("read again, and taken away again: %v is left to empty", left)
	}
}

// TestABookIsNoMore: of a book that the configuration has lost nobody knows what was
// in it, so a phone is made to begin anew, and finds it empty.
func TestABookIsNoMore(t *testing.T) {
	s := newSite(t, people(t))
	s.journal.Visited("d1", journal.Visit{Step: directory.StepSync, Book: "lost", Told: true, Revision: 3})
	const lost = "/dav/ab/phone/lost/"
	old := "https://ringbook.invalid/sync/0123456789abcdef/3/0123456789ab"
	for agent, want := range map[string]int{"DAVx5/4": http.StatusForbidden, "Thunderbird/153": http.StatusBadRequest} {
		r := s.do("REPORT", lost, syncReport(old, "<getetag/>", ""), "User-Agent: "+agent)
		if r.status != want || !strings.Contains(r.body, "valid-sync-token") {
			t.Errorf("%s is answered with %d %s", agent, r.status, r.body)
		}
	}
	if r := s.do("PROPFIND", lost, "", "Depth: 1"); r.status != http.StatusMultiStatus || strings.Contains(r.body, ".vcf") {
		t.Errorf("%d %s", r.status, r.body)
	}
	r := s.do("REPORT", lost, syncReport("", "<getetag/>", ""))
	_, token, _ := strings.Cut(r.body, "<d:sync-token>")
	token, _, _ = strings.Cut(token, "<")
	if r := s.do("REPORT", lost, syncReport(token, "<getetag/>", "")); r.status != http.StatusMultiStatus || !strings.Contains(r.body, token) {
		t.Errorf("its own token is answered with %d %s", r.status, r.body)
	}
	if r := s.do("PROPFIND", lost, "", "Depth: 0"); r.status != http.StatusNotFound {
		t.Errorf("the phone knows, and the book is answered with %d", r.status)
	}
}

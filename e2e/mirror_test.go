package e2e_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"
)

// A fault is a rule of the stand-in; see graphtest.Fault.
type fault map[string]any

// state is what a feed's state becomes: a tenant that refuses blocks it, and one
// that is down lets it fail.
func (f fault) state() string {
	code, _ := f["code"].(string)
	if f["status"] == 401 || f["status"] == 403 || strings.HasPrefix(code, "AADSTS") {
		return "blocked"
	}
	return "failing"
}

// every lets a fault hit every request.
const every = -1

const deltaPath = "/v1.0/users/delta"

func (s *tenant) fail(f ...fault) { s.t.Helper(); s.control("POST", "faults", f) }
func (s *tenant) mend()           { s.t.Helper(); s.control("DELETE", "faults", nil) }
func (s *tenant) purge(id string) { s.t.Helper(); s.control("DELETE", "users/"+id+"?purge=1", nil) }
func (s *tenant) expireTokens()   { s.t.Helper(); s.control("POST", "expire-tokens", nil) }

// etags lists a device's book: href → ETag.
func (c *dav) etags(book string) map[string]string {
	c.t.Helper()
	all := map[string]string{}
	for _, e := range c.multistatus("PROPFIND", book, propfind("<d:getetag/>"), "Depth: 1").Responses {
		if e.Href != book {
			all[e.Href] = e.found().ETag
		}
	}
	return all
}

// source is what status says about one feed.
func (r *ringbook) source(name string) (state, lastError string) {
	r.t.Helper()
	for _, source := range doJSON[status](r, "status").Sources {
		if source.Name == name {
			return source.State, source.LastError
		}
	}
	r.t.Fatalf("status knows no source %s", name)
	return "", ""
}

// mustListInBook says that a listing is exactly whom the default rule lets in.
func mustListInBook(t *testing.T, s *tenant, got map[string]string, book string) {
	t.Helper()
	var want []string
	for _, id := range s.inBook() {
		want = append(want, book+id+".vcf")
	}
	slices.Sort(want)
	if d := cmp.Diff(want, slices.Sorted(maps.Keys(got))); d != "" {
		t.Errorf("%d people are listed, %d are in the tenant (-tenant +listed) %s", len(got), len(want), tail(d, 2000))
	}
}

// TestMirrorFaults: whatever the tenant does, what was there is served on, status
// says what is wrong and what to do, and it is over when it is over.
func TestMirrorFaults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		fault   fault
		says    []string // of status, all of them
		restart bool     // so that it signs in again
		expire  bool     // the delta token too
		partial bool     // some of the news came through
	}{
		{
			name: "wrong secret", restart: true, fault: fault{"suffix": "/token", "times": every, "status": 401, "code": "AADSTS7000215"},
			says: []string{"client secret is wrong", "Create a new client secret", "AADSTS7000215"},
		},
		{
			name: "expired secret", restart: true, fault: fault{"suffix": "/token", "times": every, "status": 401, "code": "AADSTS7000222"},
			says: []string{"expired", "Create a new client secret"},
		},
		{
			name: "unknown tenant", restart: true, fault: fault{"suffix": "/token", "times": every, "status": 400, "code": "AADSTS90002"},
			says: []string{"does not know the tenant", "Check tenant.id"},
		},
		{
			name: "sign-in down", restart: true, fault: fault{"suffix": "/token", "times": every, "status": 503},
			says: []string{"sign-in service", "503"},
		},
		{
			name: "sign-in cut", restart: true, fault: fault{"suffix": "/token", "times": every, "break": "connection"},
			says: []string{"broke", "Check"},
		},
		{
			name: "asked to wait long", fault: fault{"path": deltaPath, "times": every, "status": 429, "retry_after": "3600"},
			says: []string{"asks for a pause"},
		},
		{
			name: "no permission", fault: fault{"path": deltaPath, "times": every, "status": 403},
			says: []string{"User.Read.All"},
		},
		{
			name: "server error", fault: fault{"path": deltaPath, "times": every, "status": 500},
			says: []string{"500", "tried again"},
		},
		{
			name: "gateway's page", fault: fault{"path": deltaPath, "times": every, "status": 502, "body": "<html>Bad Gateway</html>"},
			says: []string{"502", "gateway"},
		},
		{
			name: "captive portal", fault: fault{"path": deltaPath, "times": every, "status": 200, "body": "<html>Please log in</html>"},
			says: []string{"not as Graph does", "captive portal"},
		},
		{
			name: "redirect", fault: fault{"path": deltaPath, "times": every, "status": 302, "location": "https://example.org/", "body": "x"},
			says: []string{"redirect", "tenant.graph_url"},
		},
		{
			name: "link to elsewhere", fault: fault{
				"path": deltaPath, "times": every, "status": 200, "body_type": "application/json",
				"body": `{"value":[],"@odata.nextLink":"https://example.org/v1.0/users/delta?$skiptoken=x"}`,
			},
			says: []string{"another host", "no token is sent"},
		},
		{
			name: "broken JSON", fault: fault{"path": deltaPath, "times": every, "break": "json"},
			says: []string{"Check"},
		},
		{
			name: "half of the first page", fault: fault{"path": deltaPath, "times": every, "break": "middle"},
			says: []string{"broke", "Check"},
		},
		{
			name: "half of the second page", partial: true, fault: fault{"path": deltaPath, "after": 1, "times": every, "break": "middle"},
			says: []string{"broke", "Check"},
		},
		{
			name: "half of a full reading", partial: true, expire: true, fault: fault{"path": deltaPath, "after": 3, "times": every, "break": "json"},
			says: []string{"Check"},
		},
		{
			name: "no answers", fault: fault{"path": deltaPath, "times": every, "break": "connection"},
			says: []string{"broke", "Check"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := startTenant(t, 60, "--photos", "0", "--page-size", "10")
			r := startRingbook(t, s)
			d := r.addDevice()
			c := r.dav(t, d)
			r.do("sync") // the photo of the one who has one is here as well
			before := c.etags(d.book())
			mustListInBook(t, s, before, d.book())

			in := s.inBook()
			leaver := in[len(in)-1]
			for _, id := range in[:15] { // two pages of news
				s.patch(id, map[string]any{"jobTitle": "Neues Amt"})
			}
			s.remove(leaver)
			if tt.expire {
				s.expireTokens()
			}
			s.fail(tt.fault)
			if tt.restart {
				r.restart()
			}
			wantCode := 1
			if slices.Contains(tt.says, "broke") { // no answer, rather than a bad one
				wantCode = 3
			}
			if code, out := r.try("sync"); code != wantCode {
				t.Errorf("sync: exit code %d, want %d: %s", code, wantCode, out)
			}
			state, says := r.source("users")
			for _, words := range tt.says {
				if !strings.Contains(says, words) {
					t.Errorf("status says %q, without %q", says, words)
				}
			}
			if want := tt.fault.state(); state != want {
				t.Errorf("the state is %s, want %s", state, want)
			}
			meanwhile := c.etags(d.book())
			if tt.partial { // some know their new title already; nobody is gone
				if d := cmp.Diff(slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(meanwhile))); d != "" {
					t.Errorf("the book has changed (-before +after) %s", d)
				}
			} else if d := cmp.Diff(before, meanwhile); d != "" {
				t.Errorf("the book has changed (-before +after) %s", d)
			}

			s.mend()
			r.do("sync")
			if state, says := r.source("users"); state != "waiting" || says != "" {
				t.Errorf("mended, but %s: %q", state, says)
			}
			after := c.etags(d.book())
			mustListInBook(t, s, after, d.book())
			for href, etag := range after {
				changed := slices.Contains(in[:15], strings.TrimSuffix(strings.TrimPrefix(href, d.book()), ".vcf"))
				if (etag != before[href]) != changed {
					t.Errorf("%s changed in the tenant: %v; its ETag: %s, then %s", href, changed, before[href], etag)
				}
			}
		})
	}
}

// TestPhotosFail: photos are a feed of their own, and people do not wait for it.
func TestPhotosFail(t *testing.T) {
	t.Parallel()
	s := startTenant(t, 30)
	s.fail(fault{"path": "/v1.0/$batch", "times": every, "status": 403})
	r := startRingbook(t, s)
	d := r.addDevice()
	c := r.dav(t, d)
	if code, out := r.try("sync"); code != 1 || !strings.Contains(out, "photos: ") {
		t.Errorf("sync: exit code %d: %s", code, out)
	}
	if state, says := r.source("users"); state != "waiting" || says != "" {
		t.Errorf("users: %s, %q", state, says)
	}
	if state, says := r.source("photos"); state != "blocked" || !strings.Contains(says, "User.Read.All") {
		t.Errorf("photos: %s, %q", state, says)
	}
	href := d.book() + gross + ".vcf"
	if card := c.do("GET", href, "").body; !strings.Contains(card, grossName) || strings.Contains(card, "PHOTO") {
		t.Errorf("his card is %s", tail(card, 1000))
	}
	s.mend()
	r.do("sync")
	if card := c.do("GET", href, "").body; !strings.Contains(card, "PHOTO") {
		t.Errorf("his card is %s", tail(card, 1000))
	}
	mustListInBook(t, s, c.etags(d.book()), d.book())
}

// TestMirrorSitsItOut: what passes by itself fails no round.
func TestMirrorSitsItOut(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]fault{
		"short pause":    {"path": deltaPath, "status": 429, "retry_after": "1"},
		"one hiccup":     {"path": deltaPath, "status": 503},
		"one lost":       {"path": deltaPath, "break": "connection"},
		"one cut short":  {"path": deltaPath, "break": "middle"},
		"page link gone": {"path": deltaPath, "after": 1, "status": 410},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startTenant(t, 60, "--photos", "0", "--page-size", "10")
			r := startRingbook(t, s)
			d := r.addDevice()
			s.remove(s.inBook()[3])
			s.fail(f)
			r.do("sync", "--full")
			mustListInBook(t, s, r.dav(t, d).etags(d.book()), d.book())
		})
	}
}

// TestMirrorFollows: every kind of news, in every form that Graph may give it.
func TestMirrorFollows(t *testing.T) {
	t.Parallel()
	for _, flags := range [][]string{nil, {"--minimal"}, {"--empty-pages"}, {"--replay", "5"}, {"--page-size", "1"}} {
		t.Run(strings.Join(flags, " "), func(t *testing.T) {
			t.Parallel()
			s := startTenant(t, 30, append(flags, "--photos", "0")...)
			anna := s.add(person("Anna", "Sonderbar", map[string]any{
				"mobilePhone": "+49 171 3920001", "businessPhones": []string{"+49 30 23125001"}, "jobTitle": "Prokuristin",
			}))
			r := startRingbook(t, s)
			d := r.addDevice()
			c := r.dav(t, d)
			href := d.book() + anna + ".vcf"
			card := func() string {
				if a := c.do("GET", href, ""); a.status == http.StatusOK {
					return a.body
				}
				return ""
			}
			r.do("sync")
			before := c.etags(d.book())
			revision := doJSON[status](r, "status").Revision
			set := func(name string, value any) func() {
				return func() { s.patch(anna, map[string]any{name: value}) }
			}
			for _, step := range []struct {
				name    string
				do      func()
				has     string // "" = she is not in the book
				not     string
				nothing bool // nobody sees a difference
			}{
				{name: "nothing", do: func() {}, has: "Prokuristin", nothing: true},
				{name: "the same number again", do: set("mobilePhone", "+49 171 3920001"), has: "+491713920001", nothing: true},
				{name: "new number", do: set("mobilePhone", "+49 171 3920002"), has: "+491713920002", not: "+491713920001"},
				{name: "number cleared", do: set("mobilePhone", nil), has: "+493023125001", not: "3920002"},
				{name: "title cleared", do: set("jobTitle", nil), has: "Anna", not: "TITLE"},
				{name: "last number cleared", do: set("businessPhones", []string{}), has: "Anna", not: "TEL"},
				{name: "married", do: set("surname", "Neuber"), has: "Neuber"},
				{name: "disabled", do: set("accountEnabled", false)},
				{name: "enabled", do: set("accountEnabled", true), has: "Neuber"},
				{name: "guest", do: set("userType", "Guest")},
				{name: "type not stated", do: set("userType", nil), has: "Neuber"},
				{name: "hidden", do: set("showInAddressList", false)},
				{name: "hidden no more", do: set("showInAddressList", nil), has: "Neuber"},
				{name: "removed", do: func() { s.remove(anna) }},
				{name: "restored", do: func() { s.restore(anna) }, has: "Neuber"},
				{name: "purged", do: func() { s.purge(anna) }},
			} {
				step.do()
				r.do("sync")
				got := card()
				if (got == "") != (step.has == "") || !strings.Contains(got, step.has) || step.not != "" && strings.Contains(got, step.not) {
					t.Errorf("%s: her card is %q", step.name, got)
				}
				etags, now := c.etags(d.book()), doJSON[status](r, "status").Revision
				if (now == revision) != step.nothing {
					t.Errorf("%s: revision %d, then %d", step.name, revision, now)
				}
				for other, etag := range before {
					if other != href && etags[other] != etag {
						t.Errorf("%s: the ETag of %s moved", step.name, other)
					}
				}
				revision = now
			}
			r.do("sync", "--full")
			s.expireTokens()
			r.do("sync")
			if now := doJSON[status](r, "status").Revision; now != revision {
				t.Errorf("everything read again: revision %d, then %d", revision, now)
			}
			mustListInBook(t, s, c.etags(d.book()), d.book())
		})
	}
}

// TestShrinkGuard: a tenant that lost its people by mistake empties no phone.
func TestShrinkGuard(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"news", "sweep"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			s := startTenant(t, 100, "--photos", "0")
			r := startRingbook(t, s)
			d := r.addDevice()
			c := r.dav(t, d)
			r.do("sync")
			before := c.etags(d.book())
			in := s.inBook()
			for _, id := range in[:len(in)*2/5] {
				s.remove(id)
			}
			if how == "sweep" {
				s.expireTokens()
			}
			for range 2 { // asking again does not help
				if code, out := r.try("sync"); code != 1 || !strings.Contains(out, "ringbook sync --accept-shrink") {
					t.Errorf("sync: exit code %d: %s", code, out)
				}
			}
			if state, says := r.source("users"); state != "stopped" || !strings.Contains(says, "ringbook sync --accept-shrink") {
				t.Errorf("status: %s, %q", state, says)
			}
			r.restart()
			if d := cmp.Diff(before, c.etags(d.book())); d != "" {
				t.Errorf("the book has changed (-before +after) %s", d)
			}
			r.do("sync", "--accept-shrink")
			mustListInBook(t, s, c.etags(d.book()), d.book())
			if state, _ := r.source("users"); state != "waiting" {
				t.Errorf("accepted, but %s", state)
			}
		})
	}
}

// TestPolling: nobody has to type anything.
func TestPolling(t *testing.T) {
	t.Parallel()
	s := startTenant(t, 20, "--photos", "0")
	r := newRingbook(t, s)
	r.reconfigure(`interval = "1h"`, `interval = "10s"`)
	r.serve()
	r.waitReady()
	d := r.addDevice()
	anna := s.add(person("Anna", "Sonderbar", nil))
	eventually(t, "she is served", func() error {
		if a := r.dav(t, d).do("GET", d.book()+anna+".vcf", ""); a.status != http.StatusOK {
			return fmt.Errorf("status %d", a.status)
		}
		return nil
	})
}

// TestBusyUntilLoaded: an empty book would make phones forget everybody, so there
// is none before the first sync.
func TestBusyUntilLoaded(t *testing.T) {
	t.Parallel()
	s := startTenant(t, 20, "--photos", "0")
	s.fail(fault{"suffix": "/token", "times": every, "status": 401, "code": "AADSTS7000215"})
	r := newRingbook(t, s)
	r.serve()
	eventually(t, "status says what is wrong", func() error {
		if code, out := r.try("status"); code != 1 || !strings.Contains(out, "Create a new client secret") {
			return fmt.Errorf("exit code %d: %s", code, out)
		}
		return nil
	})
	d := r.addDevice()
	c := r.dav(t, d)
	for _, ask := range []davReply{
		c.do("PROPFIND", d.book(), propfind("<d:getetag/>"), "Depth: 1"),
		c.do("PROPFIND", d.book(), propfind("<d:sync-token/>"), "Depth: 0"),
		c.do("PROPFIND", "/dav/ab/"+d.Login+"/", propfind("<d:resourcetype/>"), "Depth: 1"),
		c.do("REPORT", d.book(), syncCollection("", "<d:getetag/>")),
		c.do("REPORT", d.book(), multiget("<d:getetag/>", d.book()+gross+".vcf")),
		c.do("GET", d.book()+gross+".vcf", ""),
	} {
		if ask.status != http.StatusServiceUnavailable || ask.header.Get("Retry-After") == "" {
			t.Errorf("status %d, Retry-After %q: %s", ask.status, ask.header.Get("Retry-After"), ask.body)
		}
	}
	conn := r.logIn(t, d)
	for _, scope := range []int{goldap.ScopeBaseObject, goldap.ScopeSingleLevel, goldap.ScopeWholeSubtree} {
		q := searchRequest("(objectClass=*)")
		q.Scope = scope
		if found, err := conn.Search(q); !goldap.IsErrorWithCode(err, goldap.LDAPResultBusy) {
			t.Errorf("scope %d: %v, %v", scope, found, err)
		}
	}
	s.mend()
	r.do("sync")
	r.waitReady()
	mustListInBook(t, s, c.etags(d.book()), d.book())
	if got, err := ldapPeople(conn, "(objectClass=person)"); err != nil || len(got) != r.served() {
		t.Errorf("%d people, %d served: %v", len(got), r.served(), err)
	}
}

// TestDeadTenant: a server that starts while Microsoft cannot be reached serves
// what it has.
func TestDeadTenant(t *testing.T) {
	t.Parallel()
	s := startTenant(t, 60, "--photos", "0")
	r := startRingbook(t, s)
	d := r.addDevice()
	c := r.dav(t, d)
	r.do("sync")
	before := c.etags(d.book())
	s.end(syscall.SIGKILL)
	r.restart()
	if d := cmp.Diff(before, c.etags(d.book())); d != "" {
		t.Errorf("the book has changed (-before +after) %s", d)
	}
	if code, out := r.try("sync"); code != 3 || !strings.Contains(out, "No connection to") {
		t.Errorf("sync: exit code %d: %s", code, out)
	}
	if state, says := r.source("users"); state != "failing" || !strings.Contains(says, "Check the network") {
		t.Errorf("status: %s, %q", state, says)
	}
	r.restart()
	if d := cmp.Diff(before, c.etags(d.book())); d != "" {
		t.Errorf("the book has changed (-before +after) %s", d)
	}
}

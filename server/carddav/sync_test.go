package carddav_test

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
	"ringbook/directory/number"
	"ringbook/server/carddav"
)

// A follower is a client of one book that keeps what sync-collection tells it.
type follower struct {
	site  *site
	login string
	book  string
	limit int // 0 = asks for no limit
	token string
	has   map[string]string // ETags by href
}

var responseParts = regexp.MustCompile(`<d:response><d:href>([^<]*)</d:href>(?:<d:propstat><d:prop><d:getetag>([^<]*)</d:getetag></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat>|<d:status>HTTP/1.1 (404|507) [^<]*</d:status>(?:<d:error><d:number-of-matches-within-limits/></d:error>)?)</d:response>`)

func (f *follower) href() string { return "/dav/ab/" + f.login + "/" + f.book + "/" }

func (f *follower) ask(method, body string, headers ...string) string {
	f.site.tb.Helper()
	r, err := f.site.try(method, f.href(), strings.NewReader(body), append(headers, "Authorization: "+basic(f.login))...)
	if err != nil || r.status != 207 {
		f.site.tb.Fatalf("%v: %d %s", err, r.status, r.body)
	}
	return r.body
}

// page asks once; more = the answer was cut at the limit.
func (f *follower) page() (more bool) {
	f.site.tb.Helper()
	limit := ""
	if f.limit > 0 {
		limit = fmt.Sprintf("<limit><nresults>%d</nresults></limit>", f.limit)
	}
	before := f.token
	body := f.ask("REPORT", syncReport(f.token, "<getetag/>", limit))
	n, seen := 0, map[string]bool{}
	for _, m := range responseParts.FindAllStringSubmatch(body, -1) {
		switch m[3] {
		case "507":
			if more = true; m[1] != f.href() {
				f.site.tb.Errorf("507 for %s", m[1])
			}
			continue
		case "404":
			if seen[m[1]] {
				f.site.tb.Errorf("%s twice in %s", m[1], body)
			}
			delete(f.has, m[1])
		default:
			if seen[m[1]] {
				f.site.tb.Errorf("%s twice in %s", m[1], body)
			}
			f.has[m[1]] = m[2]
		}
		seen[m[1]] = true
		n++
	}
	if n != strings.Count(body, "<d:response>")-strings.Count(body, " 507 ") {
		f.site.tb.Fatalf("responses of another form: %s", body)
	}
	if f.limit > 0 && n > f.limit {
		f.site.tb.Errorf("%d responses, limit %d", n, f.limit)
	}
	f.token = regexp.MustCompile(`<d:sync-token>([^<]*)<`).FindStringSubmatch(body)[1]
	if n == 0 && before != "" && f.token != before {
		f.site.tb.Errorf("token %s became %s without a response", before, f.token)
	}
	return more
}

// follow syncs to the end and compares with a full listing.
func (f *follower) follow(what string) {
	f.site.tb.Helper()
	for pages := 1; f.page(); pages++ {
		if pages == 1000 {
			f.site.tb.Fatalf("%s: after %d pages there are still more", what, pages)
		}
	}
	// Whoever is at the end polls until the token moves, and it moved for a reason.
	poll := f.ask("PROPFIND", propfind("<sync-token/><cs:getctag/>"), "Depth: 0")
	if !strings.Contains(poll, ">"+f.token+"</d:sync-token>") || !strings.Contains(poll, ">"+f.token+"</cs:getctag>") {
		f.site.tb.Errorf("%s: followed to %s, polled %s", what, f.token, poll)
	}
	want := map[string]string{}
	for _, m := range responseParts.FindAllStringSubmatch(f.ask("PROPFIND", propfind("<getetag/>"), "Depth: 1", "Brief: t"), -1) {
		if m[1] != f.href() {
			want[m[1]] = m[2]
		}
	}
	if d := cmp.Diff(want, f.has); d != "" {
		f.site.tb.Errorf("%s, limit %d: (-listing +followed)\n%s", what, f.limit, d)
	}
}

func (f *follower) clone() *follower {
	c := *f
	c.has = maps.Clone(f.has)
	return &c
}

func basic(login string) string {
	switch login {
	case "phone":
		return "Basic cGhvbmU6c2VjcmV0"
	case "pair":
		return "Basic cGFpcjpzZWNyZXQ="
	}
	return ""
}

// From every token that was ever given out, with and without limits, replaying
// sync-collection ends at a full listing: through changes, removals, people who
// move between books, changes of a device and a drain.
func TestEveryTokenLeadsToTheListing(t *testing.T) {
	shelf := newShelf(t,
		directory.Book{Name: "people", Title: "People", Filter: "(!(ou=c))"},
		directory.Book{Name: "vips", Title: "VIPs", Filter: "(ou=a)"})
	shelf.SetLoaded()
	pair := phone()
	pair.ID, pair.Login, pair.Books = "d2", "pair", []directory.BookName{"vips", "people"}
	one := phone()
	s := newSite(t, shelf, one, pair)
	r := rand.New(rand.NewPCG(4, 2))
	var old []*follower
	start := func(login, book string) {
		old = append(old, &follower{site: s, login: login, book: book, has: map[string]string{}})
	}
	start("phone", "people")
	start("pair", "people")
	start("pair", "vips")
	for round := range 15 {
		var put []directory.Contact
		var removed []directory.ContactID
		for id := range 12 {
			name := directory.ContactID(fmt.Sprintf("c-%02d", id))
			switch r.IntN(6) {
			case 0:
				put = append(put, directory.Contact{ID: name, Source: directory.SourceUser, DisplayName: fmt.Sprint(r.IntN(1000)), Department: string(rune('a' + r.IntN(3)))})
			case 1:
				if shelf.View().Entry(name) != nil {
					removed = append(removed, name)
				}
			}
		}
		shelf.apply(put, removed...)
		switch round {
		case 4:
			one.Numbers = directory.NumbersNational
		case 7:
			pair.Books = []directory.BookName{"people", "vips"}
		case 10:
			one.State, pair.State = directory.DeviceDraining, directory.DeviceDraining
		case 12:
			one.State, pair.State = directory.DeviceActive, directory.DeviceActive
		}
		s.keys.set(one)
		s.keys.set(pair)
		for range r.IntN(3) {
			old[r.IntN(len(old))].spoil(r)
		}
		if round == 9 {
			if err := s.journal.Heal(t.Context(), one.ID); err != nil {
				t.Fatal(err)
			}
		}
		for _, f := range old {
			for _, limit := range []int{0, 1, 3} {
				c := f.clone()
				c.limit = limit
				c.follow(fmt.Sprintf("round %d, %s from %q", round, f.href(), f.token))
				if t.Failed() {
					return
				}
			}
		}
		// What clients hold now, some of them in the middle of a page.
		for _, f := range old[max(0, len(old)-3):] {
			c := f.clone()
			if r.IntN(2) == 0 {
				c.limit = 2
			}
			c.page()
			c.limit = 0
			old = append(old, c)
		}
	}
}

// spoil lets the client's owner change, delete or make a card, which the server
// refuses and the client shows all the same.
func (f *follower) spoil(r *rand.Rand) {
	f.site.tb.Helper()
	name := fmt.Sprintf("c-%02d.vcf", r.IntN(14))
	if r.IntN(4) == 0 {
		name = fmt.Sprintf("made%%20up%%20%d.vcf", r.IntN(3))
	}
	href, method := f.href()+name, []string{"PUT", "DELETE"}[r.IntN(2)]
	reply, err := f.site.try(method, href, strings.NewReader("BEGIN:VCARD"), "Authorization: "+basic(f.login))
	if err != nil || reply.status != 403 {
		f.site.tb.Fatalf("%s %s: %d, %v", method, href, reply.status, err)
	}
	if f.token == "" {
		return // it has seen nothing yet, and reads everything
	}
	if delete(f.has, href); method == "PUT" {
		f.has[href] = "spoilt"
	}
}

// TestHealing: a refused write moves the token of that device's book, which then
// hears the truth once: with another ETag, so that whoever compares lists reads the
// card again; and nobody else hears anything.
func TestHealing(t *testing.T) {
	shelf := people(t)
	other := phone()
	other.ID, other.Login = "d2", "pair"
	s := newSite(t, shelf, phone(), other)
	f := &follower{site: s, login: "phone", book: "people", has: map[string]string{}}
	g := &follower{site: s, login: "pair", book: "people", has: map[string]string{}}
	f.follow("first")
	g.follow("first")
	first, quiet := f.token, g.token
	card := bookHref + "c-1.vcf"
	before := f.has[card]

	put := func() {
		t.Helper()
		if r := s.do("PUT", card, "BEGIN:VCARD"); r.status != 403 || !strings.Contains(r.body, "need-privileges") {
			t.Fatalf("%d %s", r.status, r.body)
		}
	}
	put()
	put() // a client that tries again and again is no news
	f.has[card] = "spoilt"
	if f.follow("a refused change"); f.token == first || f.has[card] == before {
		t.Errorf("token %s, ETag %s", f.token, f.has[card])
	}
	second := f.token
	if f.follow("nothing new"); f.token != second {
		t.Errorf("%s became %s", second, f.token)
	}
	put() // after it was healed it is
	f.has[card] = "spoilt"
	if f.follow("another refused change"); f.token == second {
		t.Error("a write after the healing is not healed")
	}
	if r := s.do("GET", card, "", "If-None-Match: "+f.has[card]); r.status != 304 {
		t.Errorf("GET with the ETag of the listing: %d", r.status)
	}
	if g.follow("somebody else's"); g.token != quiet {
		t.Errorf("another device's token %s became %s", quiet, g.token)
	}
	made := bookHref + "X-1%2B2.vcf"
	if r := s.do("PUT", made, "BEGIN:VCARD"); r.status != 403 {
		t.Fatal(r.status)
	}
	f.has[made] = "made up"
	f.follow("a card that was made up")
	if r := s.do("MOVE", card, "", "Destination: "+s.URL+bookHref+"moved.vcf"); r.status != 403 {
		t.Fatal(r.status)
	}
	delete(f.has, card)
	f.has[bookHref+"moved.vcf"] = "moved"
	f.follow("a card that was moved")

	// Too many to remember, and an order to heal everything, are a whole reading.
	for i := range directory.MaxHeals + 5 {
		if r := s.do("PUT", fmt.Sprintf("%smade-%d.vcf", bookHref, i), ""); r.status != 403 {
			t.Fatal(r.status)
		}
		f.has[fmt.Sprintf("%smade-%d.vcf", bookHref, i)] = "made up"
	}
	f.has[card] = "spoilt"
	for f.page() {
		continue
	}
	if f.has[card] == "spoilt" {
		t.Error("after too many refused writes the book is not read again")
	}
	a := s.journal.Of("d1")
	if want := 5 + directory.MaxHeals + 5; a.Refused != want || a.LastRefused.IsZero() {
		t.Errorf("%d refused writes, want %d", a.Refused, want)
	}
	if n := s.journal.Of("d2").Refused; n != 0 {
		t.Errorf("%d refused writes of another device", n)
	}
}

// A book behind another has a token that moves only with something to tell.
func TestTokenBehindAnotherBook(t *testing.T) {
	shelf := people(t)
	pair := phone()
	pair.ID, pair.Login, pair.Books = "d2", "pair", []directory.BookName{"people", "vips"}
	f := &follower{site: newSite(t, shelf, pair), login: "pair", book: "vips", has: map[string]string{}}
	f.follow("first")
	first := f.token
	shelf.apply([]directory.Contact{{ID: "c-4", DisplayName: "Dot, never a VIP"}})
	if f.follow("another's change"); f.token != first {
		t.Errorf("%s became %s", first, f.token)
	}
	shelf.apply([]directory.Contact{{ID: "c-1", DisplayName: "Ada, CEO no more"}})
	if f.follow("her own change"); f.token == first {
		t.Errorf("%s stayed", first)
	}
}

// Another number plan is told to those devices whose cards it changes: one of the
// configuration, of another site of the device's, or of where its owner sits.
func TestTokenOfANumberPlan(t *testing.T) {
	berlin := number.Site{Country: "DE", Stem: "+4930123456", Extensions: "10-99"}
	munich := number.Site{Name: "munich", Country: "DE", Locations: []string{"München"}}
	prefixed := number.Site{Country: "DE", ExternalPrefix: "0", ExternalFor: []directory.DeviceKind{directory.KindDeskphone}}
	const e164, national, extension = directory.NumbersE164, directory.NumbersNational, directory.NumbersExtension
	asked := func(d directory.Device, city string, first number.Site, further ...number.Site) (token, tel string) {
		p, err := number.NewPlans(first, further...)
		if err != nil {
			t.Fatal(err)
		}
		shelf := newShelfAt(t, p, directory.Book{Name: "people", Filter: "(cn=Ada*)"})
		ada := directory.Contact{ID: "c-1", DisplayName: "Ada", Phones: []directory.Phone{{Kind: directory.PhoneWork, Written: "x", E164: "+493012345678"}}}
		shelf.apply([]directory.Contact{ada, {ID: "o", DisplayName: "Owner", Address: directory.Address{City: city}}})
		shelf.SetLoaded()
		d.ID, d.Login, d.Books, d.OwnerID, d.State = "d1", "phone", []directory.BookName{"people"}, "o", directory.DeviceActive
		h := carddav.New(carddav.Options{Directory: shelf, Auth: newGatekeeper(d)})
		ask := func(method, href, body string) string {
			r := httptest.NewRequestWithContext(t.Context(), method, href, strings.NewReader(body))
			r.SetBasicAuth("phone", "secret")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			return w.Body.String()
		}
		token = regexp.MustCompile(`<d:sync-token>([^<]*)<`).FindString(ask("PROPFIND", bookHref, propfind("<sync-token/>")))
		tel = regexp.MustCompile(`TEL[^\r]*`).FindString(ask("GET", bookHref+"c-1.vcf", ""))
		return token, tel[strings.LastIndexByte(tel, ':')+1:]
	}
	for name, tt := range map[string]struct {
		device, after directory.Device
		city          string // where the owner is, after
		sites         []number.Site
		tel, telAfter string
		stays         bool
	}{
		"e164":     {device: directory.Device{Numbers: e164}, sites: []number.Site{berlin, {Country: "AT"}}, tel: "+493012345678", telAfter: "+493012345678", stays: true},
		"country":  {device: directory.Device{Numbers: national}, sites: []number.Site{{Country: "DE"}, {Country: "AT"}}, tel: "03012345678", telAfter: "00493012345678"},
		"stem":     {device: directory.Device{Numbers: extension}, sites: []number.Site{{Country: "DE"}, berlin}, tel: "03012345678", telAfter: "78"},
		"prefix":   {device: directory.Device{Numbers: national, Kind: directory.KindDeskphone}, sites: []number.Site{{Country: "DE"}, prefixed}, tel: "03012345678", telAfter: "003012345678"},
		"site":     {device: directory.Device{Numbers: extension}, after: directory.Device{Numbers: extension, Site: "munich"}, sites: []number.Site{berlin, berlin}, tel: "78", telAfter: "03012345678"},
		"location": {device: directory.Device{Numbers: extension}, city: "München", sites: []number.Site{berlin, berlin}, tel: "78", telAfter: "03012345678"},
	} {
		after := tt.device
		if tt.after.Site != "" {
			after = tt.after
		}
		was, tel := asked(tt.device, "", tt.sites[0], munich)
		is, telAfter := asked(after, tt.city, tt.sites[1], munich)
		if was == "" || (was == is) != tt.stays || tel != tt.tel || telAfter != tt.telAfter {
			t.Errorf("%s: %s with %s, then %s with %s", name, tel, was, telAfter, is)
		}
	}
}

// What a phone was told before numbers abroad were written as they are dialled there is
// told anew where that is not 00, and nowhere else: a token says how they were written.
func TestTokenOfAnEarlierSpelling(t *testing.T) {
	for country, anew := range map[string]bool{"DE": false, "US": true, "JP": true, "AU": true} {
		p, err := number.NewPlan(country)
		if err != nil {
			t.Fatal(err)
		}
		shelf := newShelfAt(t, p, directory.Book{Name: "people", Filter: "(cn=*)"})
		shelf.apply([]directory.Contact{{ID: "c-1", DisplayName: "Ada", Phones: []directory.Phone{{Kind: directory.PhoneWork, Written: "x", E164: "+46812345678"}}}})
		shelf.SetLoaded()
		for _, profile := range directory.NumberProfiles() {
			d := directory.Device{ID: "d1", Login: "phone", Books: []directory.BookName{"people"}, State: directory.DeviceActive, Numbers: profile}
			h := carddav.New(carddav.Options{Directory: shelf, Auth: newGatekeeper(d)})
			seen := "people/" + string(profile) + "/" + country + "/large/"
			if profile == directory.NumbersE164 {
				seen = "people/e164/large/"
			}
			scope := sha256.Sum256([]byte(seen))
			token := fmt.Sprintf("https://ringbook.invalid/sync/%s/1/%x", epoch, scope[:6])
			r := httptest.NewRequestWithContext(t.Context(), "REPORT", bookHref, strings.NewReader(syncReport(token, "<getetag/>", "")))
			r.SetBasicAuth("phone", "secret")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if told := strings.Contains(w.Body.String(), "c-1.vcf"); w.Code != 207 || told != (anew && profile != directory.NumbersE164) {
				t.Errorf("%s, %s: is told of the card: %v (status %d)", country, profile, told, w.Code)
			}
		}
	}
}

func TestLimits(t *testing.T) {
	s := newSite(t, people(t))
	for limit, want := range map[string]int{"1": 207, "0": 400, "-1": 400, "": 400, "x": 400, "99999999999999999999": 400} {
		r := s.do("REPORT", bookHref, syncReport("", "<getetag/>", "<limit><nresults>"+limit+"</nresults></limit>"))
		if r.status != want {
			t.Errorf("limit %q: %d", limit, r.status)
		}
	}
	// Exactly as many as there are is not cut.
	if body := s.do("REPORT", bookHref, syncReport("", "<getetag/>", "<limit><nresults>3</nresults></limit>")).body; strings.Contains(body, " 507 ") {
		t.Error(body)
	}
	for _, level := range []string{"1", "infinite", ""} {
		r := s.do("REPORT", bookHref, strings.Replace(syncReport("", "<getetag/>", ""), ">1<", ">"+level+"<", 1))
		if r.status != 207 {
			t.Errorf("level %q: %d", level, r.status)
		}
	}
	if r := s.do("REPORT", bookHref, strings.Replace(syncReport("", "<getetag/>", ""), ">1<", ">2<", 1)); r.status != 400 {
		t.Errorf("level 2: %d", r.status)
	}
}

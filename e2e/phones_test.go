package e2e_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A replay is a phone of which only the requests are real: what an iPhone and
// DAVx5 were seen to ask, request by request. What it holds in the end is what
// its owner would see.
type replay struct {
	*dav
	home, book string
	token      string
	cards      held
	fetched    int    // cards, since it was last looked at
	batch      int    // hrefs in one multiget
	props      string // of a multiget
}

// TestPhones replays set-up, first sync, a change, a removal and a poll without
// news, and compares what the phone holds with what is served.
func TestPhones(t *testing.T) {
	s := startTenant(t, 120)
	r := startRingbook(t, s)
	r.do("sync") // the photos are there too
	for name, phone := range map[string]struct {
		batch            int
		props            string
		setUp, firstSync func(*replay)
		sync             func(*replay)
	}{
		"iPhone": {50, "<d:getetag/><card:address-data/>", (*replay).iosSetUp, (*replay).iosFirstSync, (*replay).iosSync},
		"DAVx5":  {10, `<d:getcontenttype/><d:getetag/><card:address-data content-type="text/vcard"/>`, (*replay).davx5SetUp, (*replay).davx5Sync, (*replay).davx5Sync},
	} {
		t.Run(name, func(t *testing.T) {
			changed := s.add(person("Anna", "Sonderbar", map[string]any{"mobilePhone": "+49 171 3920001"}))
			gone := s.add(person("Bert", "Baldweg", nil))
			r.do("sync")
			d := r.addDevice()
			p := &replay{dav: r.dav(t, d), cards: held{}, batch: phone.batch, props: phone.props}
			phone.setUp(p)
			if p.book != d.book() {
				t.Fatalf("the phone found %q", p.book)
			}
			phone.firstSync(p)
			p.cards.mustBe(t, p.served(s, d.book()))

			s.patch(changed, map[string]any{"mobilePhone": "+49 171 3920002"})
			r.do("sync")
			p.fetched = 0
			phone.sync(p)
			p.cards.mustBe(t, p.served(s, d.book()))
			if p.fetched != 1 {
				t.Errorf("after one change the phone fetched %d cards", p.fetched)
			}
			if card := p.cards[p.book+changed+".vcf"].card; !strings.Contains(card, "+491713920002") || strings.Contains(card, "+491713920001") {
				t.Errorf("Anna's card after the change: %s", card)
			}

			s.remove(gone)
			r.do("sync")
			phone.sync(p)
			p.cards.mustBe(t, p.served(s, d.book()))
			if _, still := p.cards[p.book+gone+".vcf"]; still {
				t.Error("Bert is still there after he left")
			}

			before := p.token
			phone.sync(p)
			if p.token != before || p.fetched != 1 {
				t.Errorf("without news the phone fetched %d cards, and its token went from %s to %s", p.fetched-1, before, p.token)
			}
			s.remove(changed)
		})
	}
}

// iosSetUp is what accountsd asks.
func (p *replay) iosSetUp() {
	p.t.Helper()
	stranger := &dav{t: p.t, url: p.url, client: p.client}
	who := `<?xml version="1.0" encoding="UTF-8"?><A:propfind xmlns:A="DAV:"><A:prop><A:current-user-principal/><A:principal-URL/><A:resourcetype/></A:prop></A:propfind>`
	moved := stranger.do("PROPFIND", "/.well-known/carddav", who, "Depth: 0")
	root := moved.header.Get("Location")
	if moved.status != http.StatusMovedPermanently || root == "" {
		p.t.Fatalf("well-known: status %d, %v", moved.status, moved.header)
	}
	if a := stranger.do("PROPFIND", root, who, "Depth: 0"); a.status != http.StatusUnauthorized || !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Basic") {
		p.t.Fatalf("without a login: status %d, %v", a.status, a.header)
	}
	principal := p.multistatus("PROPFIND", root, who, "Depth: 0").one(p.t).Principal
	if a := stranger.do("OPTIONS", principal, ""); a.status != http.StatusUnauthorized {
		p.t.Errorf("OPTIONS without a login: status %d", a.status)
	}
	if a := p.do("OPTIONS", principal, ""); a.status != http.StatusOK || !strings.Contains(a.header.Get("DAV"), "addressbook") {
		p.t.Errorf("OPTIONS: status %d, %v", a.status, a.header)
	}
	p.home = p.multistatus("PROPFIND", principal, propfind("<card:addressbook-home-set/><card:directory-gateway/><d:displayname/>"+
		"<cs:email-address-set/><d:principal-collection-set/><d:principal-URL/><d:resource-id/><d:supported-report-set/>"), "Depth: 0").one(p.t).Home
	p.findBook("<d:add-member/><m:bulk-requests xmlns:m=\"http://me.com/_namespace/\"/><d:current-user-privilege-set/><d:displayname/>" +
		"<card:max-image-size/><card:max-resource-size/><cs:me-card/><d:owner/><cs:push-transports/><cs:pushkey/>" +
		"<d:quota-available-bytes/><d:quota-used-bytes/><d:resource-id/><d:resourcetype/><d:supported-report-set/><d:sync-token/>")
	// It tries to say which card is its owner's; a phone must live with a no.
	me := `<A:propertyupdate xmlns:A="DAV:"><A:set><A:prop><B:me-card xmlns:B="http://calendarserver.org/ns/"><A:href>` + p.book + gross + `.vcf</A:href></B:me-card></A:prop></A:set></A:propertyupdate>`
	for _, e := range p.multistatus("PROPPATCH", p.home, me).Responses {
		if len(e.Propstats) != 1 || e.Propstats[0].Status != "HTTP/1.1 403 Forbidden" {
			p.t.Errorf("PROPPATCH of me-card: %+v", e)
		}
	}
}

// findBook lists the home, and takes the one book, which must be read-only.
func (p *replay) findBook(props string) {
	p.t.Helper()
	for _, e := range p.multistatus("PROPFIND", p.home, propfind(props), "Depth: 1").Responses {
		found := e.found()
		if !strings.Contains(found.Type.Text, "addressbook") {
			continue
		}
		if p.book != "" {
			p.t.Errorf("two books: %s and %s", p.book, e.Href)
		}
		p.book = e.Href
		if x := found.Privileges.Text; !strings.Contains(x, "read") || strings.Contains(x, "write") || strings.Contains(x, ":all") {
			p.t.Errorf("privileges of a reader: %s", x)
		}
	}
}

// iosFirstSync lists and fetches everything.
func (p *replay) iosFirstSync() {
	p.t.Helper()
	p.token = p.multistatus("PROPFIND", p.book, propfind("<cs:getctag/><d:sync-token/>"), "Depth: 0").one(p.t).Token
	p.take(p.multistatus("PROPFIND", p.book, propfind("<d:getetag/>"), "Depth: 1"))
}

// iosSync is what dataaccessd asks at every later sync.
func (p *replay) iosSync() {
	p.t.Helper()
	p.multistatus("PROPFIND", "/dav/p/"+p.login+"/", propfind("<card:addressbook-home-set/>"), "Depth: 0")
	p.multistatus("PROPFIND", p.home, propfind("<d:resourcetype/><d:sync-token/>"), "Depth: 1")
	now := p.multistatus("PROPFIND", p.book, propfind("<cs:getctag/><d:sync-token/>"), "Depth: 0").one(p.t)
	if now.Token == p.token {
		return
	}
	m := p.multistatus("REPORT", p.book, `<A:sync-collection xmlns:A="DAV:"><A:sync-token>`+p.token+
		`</A:sync-token><A:sync-level>1</A:sync-level><A:prop><A:getetag/></A:prop></A:sync-collection>`, "Depth: 1", "Brief: t")
	p.takeNews(now.Token, m)
}

// davx5SetUp is its detection and its refresh.
func (p *replay) davx5SetUp() {
	p.t.Helper()
	who := propfind("<d:resourcetype/><d:displayname/><d:current-user-principal/><card:addressbook-home-set/><card:addressbook-description/>")
	if a := p.do("PROPFIND", "/.well-known/caldav", who, "Depth: 0"); a.status != http.StatusNotFound {
		p.t.Errorf("calendars: status %d", a.status)
	}
	base := p.do("PROPFIND", "/", who, "Depth: 0").header.Get("Location")
	principal := p.multistatus("PROPFIND", base, who, "Depth: 0").one(p.t).Principal
	a := p.do("OPTIONS", principal, "", "Accept-Encoding: identity")
	classes := regexp.MustCompile(`\s*,\s*`).Split(a.header.Get("DAV"), -1)
	if !slices.Contains(classes, "addressbook") || slices.Contains(classes, "calendar-access") {
		p.t.Errorf("OPTIONS: %q", classes)
	}
	p.home = p.multistatus("PROPFIND", principal, propfind("<d:displayname/><d:group-membership/><d:resourcetype/><card:addressbook-home-set/>"), "Depth: 0").one(p.t).Home
	p.findBook(`<d:current-user-privilege-set/><d:displayname/><d:owner/><d:resourcetype/><p:transports xmlns:p="https://bitfire.at/webdav-push"/>` +
		`<p:topic xmlns:p="https://bitfire.at/webdav-push"/><card:addressbook-description/>`)
}

// davx5Sync is its every sync; the first has no token.
func (p *replay) davx5Sync() {
	p.t.Helper()
	now := p.multistatus("PROPFIND", p.book, propfind("<d:supported-report-set/><d:sync-token/><cs:getctag/>"+
		`<c:max-resource-size xmlns:c="urn:ietf:params:xml:ns:caldav"/><card:max-resource-size/><card:supported-address-data/>`), "Depth: 0").one(p.t)
	if !strings.Contains(now.Reports.Text, "sync-collection") {
		p.t.Fatalf("reports: %s", now.Reports.Text)
	}
	if now.Token == p.token {
		return
	}
	p.takeNews(now.Token, p.multistatus("REPORT", p.book, syncCollection(p.token, "<d:getetag/><d:resourcetype/>"), "Depth: 0"))
}

// takeNews lays the answer of a sync-collection to what the phone holds; token
// is what the book had a moment ago.
func (p *replay) takeNews(token string, m multistatus) {
	p.t.Helper()
	if m.Token != token || len(m.Responses) == 0 {
		p.t.Errorf("token %q with %d responses; the book's is %q", m.Token, len(m.Responses), token)
	}
	p.take(m)
	p.token = m.Token
}

// take drops what is gone, and fetches what is new or has another ETag.
func (p *replay) take(m multistatus) {
	p.t.Helper()
	var want []string
	for _, e := range m.Responses {
		etag := e.found().ETag
		switch {
		case e.gone():
			delete(p.cards, e.Href)
		case e.Href == p.book:
		case etag == "":
			p.t.Errorf("%s has no ETag", e.Href)
		case p.cards[e.Href].etag != etag:
			want = append(want, e.Href)
		}
	}
	for hrefs := range slices.Chunk(want, p.batch) {
		for i, e := range p.multistatus("REPORT", p.book, multiget(p.props, hrefs...), "Depth: 0").Responses {
			found := e.found()
			if e.Href != hrefs[i] || found.Card == nil || found.ETag == "" {
				p.t.Fatalf("asked for %s: %+v", hrefs[i], e)
			}
			p.cards[e.Href] = heldCard{found.ETag, *found.Card}
			p.fetched++
		}
	}
}

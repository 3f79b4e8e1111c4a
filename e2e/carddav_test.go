package e2e_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	_ "image/jpeg"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/emersion/go-vcard"
	"github.com/emersion/go-webdav/carddav"
	"github.com/google/go-cmp/cmp"
)

func propfind(props string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><d:propfind xmlns:d="DAV:" xmlns:card="urn:ietf:params:xml:ns:carddav"` +
		` xmlns:cs="http://calendarserver.org/ns/"><d:prop>` + props + `</d:prop></d:propfind>`
}

func multiget(props string, hrefs ...string) string {
	return `<card:addressbook-multiget xmlns:d="DAV:" xmlns:card="urn:ietf:params:xml:ns:carddav"><d:prop>` + props +
		`</d:prop><d:href>` + strings.Join(hrefs, "</d:href><d:href>") + `</d:href></card:addressbook-multiget>`
}

func syncCollection(token, props string) string {
	return `<d:sync-collection xmlns:d="DAV:" xmlns:card="urn:ietf:params:xml:ns:carddav"><d:sync-token>` + token +
		`</d:sync-token><d:sync-level>1</d:sync-level><d:prop>` + props + `</d:prop></d:sync-collection>`
}

func query(filter string) string {
	return `<card:addressbook-query xmlns:d="DAV:" xmlns:card="urn:ietf:params:xml:ns:carddav"><d:prop><d:getetag/></d:prop>` +
		`<card:filter>` + filter + `</card:filter></card:addressbook-query>`
}

// TestCardDAV: everything that a client may ask of a book, and what it may not.
func TestCardDAV(t *testing.T) {
	s := startTenant(t, 120)
	r := startRingbook(t, s)
	r.do("sync") // the photos are there too
	d := r.addDevice()
	everybody := r.dav(t, d).served(s, d.book())
	someone := d.book() + gross + ".vcf"

	t.Run("discovery", func(t *testing.T) { discover(r.dav(t, d), d.book()) })
	t.Run("listing", func(t *testing.T) {
		c := r.dav(t, d)
		book := c.multistatus("PROPFIND", d.book(), propfind("<d:sync-token/><cs:getctag/><d:current-user-privilege-set/>"), "Depth: 0").one(t)
		if book.Token == "" || book.Token != book.CTag {
			t.Errorf("sync-token %q, getctag %q", book.Token, book.CTag)
		}
		if !strings.Contains(book.Privileges.Text, "read") || strings.Contains(book.Privileges.Text, "write") || strings.Contains(book.Privileges.Text, ":all") {
			t.Errorf("the privileges are not those of a reader: %s", book.Privileges.Text)
		}
		m := c.multistatus("PROPFIND", d.book(), propfind("<d:getetag/>"), "Depth: 1")
		if m.Responses[0].Href != d.book() {
			t.Errorf("the first response is %s", m.Responses[0].Href)
		}
		listed := held{}
		for _, e := range m.Responses[1:] {
			listed[e.Href] = heldCard{e.found().ETag, everybody[e.Href].card}
		}
		listed.mustBe(t, everybody)
		if a := c.do("PROPFIND", d.book(), propfind("<d:getetag/>"), "Depth: infinity"); a.status != http.StatusForbidden || !strings.Contains(a.body, "propfind-finite-depth") {
			t.Errorf("infinite depth: status %d: %s", a.status, a.body)
		}
	})
	t.Run("multiget", func(t *testing.T) {
		nobody := d.book() + "11111111-0000-4000-8000-00000000dead.vcf"
		hrefs := append(slices.Sorted(maps.Keys(everybody)), nobody)
		got := held{}
		m := r.dav(t, d).multistatus("REPORT", d.book(), multiget("<d:getetag/><card:address-data/>", hrefs...))
		for i, e := range m.Responses {
			if e.Href != hrefs[i] {
				t.Fatalf("response %d is of %s, asked for was %s", i, e.Href, hrefs[i])
			}
			if p := e.found(); p.Card != nil {
				got[e.Href] = heldCard{p.ETag, *p.Card}
			} else if !e.gone() || e.Href != nobody {
				t.Errorf("%s: %+v", e.Href, e)
			}
		}
		got.mustBe(t, everybody)
	})
	t.Run("query", func(t *testing.T) {
		for filter, want := range map[string]bool{
			`<card:prop-filter name="FN"><card:text-match match-type="contains">GROß</card:text-match></card:prop-filter>`:                                true,
			`<card:prop-filter name="TEL"><card:text-match match-type="ends-with">23125042</card:text-match></card:prop-filter>`:                          true,
			`<card:prop-filter name="EMAIL"><card:text-match match-type="equals">Juergen.Gross@contoso.example</card:text-match></card:prop-filter>`:      true,
			`<card:prop-filter name="FN"><card:text-match negate-condition="yes">groß</card:text-match></card:prop-filter>`:                               false,
			`<card:prop-filter name="TEL"><card:is-not-defined/></card:prop-filter>`:                                                                      false,
			`<card:prop-filter name="UID"><card:text-match match-type="equals">11111111-0000-4000-8000-00000000dead</card:text-match></card:prop-filter>`: false,
		} {
			m := r.dav(t, d).multistatus("REPORT", d.book(), query(filter), "Depth: 1")
			found := slices.ContainsFunc(m.Responses, func(e davResponse) bool { return e.Href == someone })
			if found != want || len(m.Responses) >= len(everybody) {
				t.Errorf("%s: %s found: %v; %d responses", filter, grossName, found, len(m.Responses))
			}
		}
	})
	t.Run("get", func(t *testing.T) { conditionalGet(r.dav(t, d), someone) })
	t.Run("writes", func(t *testing.T) {
		c := r.dav(t, d)
		changed := refuseWrites(c, d.book(), someone)
		after := c.served(s, d.book())
		// What the phone shows otherwise is told again, with another ETag.
		if after[someone].etag == everybody[someone].etag {
			t.Error("a card changed on the phone does not heal")
		}
		after[someone] = heldCard{everybody[someone].etag, after[someone].card}
		after.mustBe(t, everybody)
		slices.Sort(changed)
		if want := []string{someone, d.book() + "mallory.vcf", d.book() + "moved.vcf", d.book() + "photo.vcf"}; !slices.Equal(changed, want) {
			t.Errorf("told to heal %v, not %v", changed, want)
		}
	})
	t.Run("others", func(t *testing.T) { keepApart(r.dav(t, d), r.addDevice(), someone) })
	t.Run("strangers", func(t *testing.T) { refuseStrangers(r.on(t), d) })
}

// discover has curl find the book from the host's name alone.
func discover(c *dav, book string) {
	need(c.t, "curl")
	if got, want := must(c.t, "curl", "-sS", "-o", "/dev/null", "-w", "%{http_code} %{redirect_url}", c.url+"/.well-known/carddav"), "301 "+c.url+"/dav/"; got != want {
		c.t.Errorf("well-known: %s, not %s", got, want)
	}
	ask := func(path, depth, props string) multistatus {
		return parseMultistatus(c.t, must(c.t, "curl", "-sS", "--fail-with-body", "-L", "--post301", "-u", c.login+":"+c.secret, "-X", "PROPFIND",
			"-H", "Depth: "+depth, "-H", "Content-Type: application/xml", "--data-binary", propfind(props), c.url+path))
	}
	principal := ask("/.well-known/carddav", "0", "<d:current-user-principal/>").one(c.t).Principal
	home := ask(principal, "0", "<card:addressbook-home-set/>").one(c.t).Home
	var books []string
	for _, e := range ask(home, "1", "<d:resourcetype/>").Responses {
		if strings.Contains(e.found().Type.Text, "addressbook") {
			books = append(books, e.Href)
		}
	}
	if d := cmp.Diff([]string{book}, books); d != "" {
		c.t.Errorf("books (-want +got) %s", d)
	}
	dav := must(c.t, "curl", "-sS", "-u", c.login+":"+c.secret, "-X", "OPTIONS", "-D", "-", c.url+principal)
	if !strings.Contains(dav, "addressbook") || strings.Contains(dav, "PUT") {
		c.t.Errorf("OPTIONS of the principal: %s", dav)
	}
}

func conditionalGet(c *dav, href string) {
	get := c.do("GET", href, "")
	etag, length := get.header.Get("ETag"), get.header.Get("Content-Length")
	if get.status != http.StatusOK || !strings.HasPrefix(get.header.Get("Content-Type"), "text/vcard") || length != fmt.Sprint(len(get.body)) {
		c.t.Fatalf("GET: status %d, %v", get.status, get.header)
	}
	head := c.do("HEAD", href, "")
	if head.status != http.StatusOK || head.body != "" || head.header.Get("ETag") != etag || head.header.Get("Content-Length") != length {
		c.t.Errorf("HEAD: status %d, %v, %d bytes", head.status, head.header, len(head.body))
	}
	for header, want := range map[string]int{
		"If-None-Match: " + etag:      http.StatusNotModified,
		"If-None-Match: W/" + etag:    http.StatusNotModified,
		`If-None-Match: "another"`:    http.StatusOK,
		"If-Match: " + etag:           http.StatusOK,
		`If-Match: "another"`:         http.StatusPreconditionFailed,
		`If-None-Match: "a", ` + etag: http.StatusNotModified,
		// A card can change twice in a second, and with the device's own settings.
		"If-Modified-Since: " + get.header.Get("Last-Modified"): http.StatusOK,
	} {
		a := c.do("GET", href, "", header)
		if a.status != want || a.header.Get("ETag") != etag || (want == http.StatusOK) != (a.body == get.body) {
			c.t.Errorf("%s: status %d, %d bytes, %v", header, a.status, len(a.body), a.header)
		}
	}
}

// refuseWrites tries everything that could change something, and gives what the
// next sync tells the phone to set right.
func refuseWrites(c *dav, book, card string) (heal []string) {
	before := c.multistatus("PROPFIND", book, propfind("<d:sync-token/>"), "Depth: 0").one(c.t).Token
	vcf := "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Mallory\r\nN:;Mallory;;;\r\nUID:mallory\r\nEND:VCARD\r\n"
	lock := `<d:lockinfo xmlns:d="DAV:"><d:lockscope><d:exclusive/></d:lockscope><d:locktype><d:write/></d:locktype></d:lockinfo>`
	for _, w := range []struct {
		method, path, body string
		headers            []string
	}{
		{"PUT", card, vcf, []string{"Content-Type: text/vcard", "If-Match: *"}},
		{"PUT", book + "mallory.vcf", vcf, []string{"Content-Type: text/vcard", "If-None-Match: *"}},
		{"PUT", book + "photo.vcf", strings.Repeat("x", 900_000), nil},
		{"DELETE", card, "", nil},
		{"DELETE", book, "", nil},
		{"MKCOL", strings.TrimSuffix(book, "people/") + "mine/", "", nil},
		{"MKCALENDAR", strings.TrimSuffix(book, "people/") + "mine/", "", nil},
		{"COPY", card, "", []string{"Destination: " + c.url + book + "copy.vcf"}},
		{"MOVE", card, "", []string{"Destination: " + c.url + book + "moved.vcf"}},
		{"POST", book, vcf, []string{"Content-Type: text/vcard"}},
		{"PATCH", card, vcf, nil},
		{"LOCK", card, lock, nil},
		{"UNLOCK", card, "", []string{"Lock-Token: <urn:uuid:1>"}},
		{"ACL", book, `<d:acl xmlns:d="DAV:"/>`, nil},
	} {
		a := c.do(w.method, w.path, w.body, w.headers...)
		if a.status != http.StatusForbidden || !strings.Contains(a.body, "need-privileges") {
			c.t.Errorf("%s %s: status %d: %s", w.method, w.path, a.status, a.body)
		}
	}
	update := `<d:propertyupdate xmlns:d="DAV:"><d:set><d:prop><d:displayname>Mine</d:displayname></d:prop></d:set></d:propertyupdate>`
	for _, e := range c.multistatus("PROPPATCH", book, update).Responses {
		if len(e.Propstats) != 1 || e.Propstats[0].Status != "HTTP/1.1 403 Forbidden" {
			c.t.Errorf("PROPPATCH: %+v", e)
		}
	}
	for _, e := range c.multistatus("REPORT", book, syncCollection(before, "<d:getetag/>")).Responses {
		heal = append(heal, e.Href)
	}
	return heal
}

// keepApart has one device ask for the things of another: they are not there,
// just as those of a device that does not exist.
func keepApart(c *dav, other device, mine string) {
	theirs := strings.Replace(mine, "/"+c.login+"/", "/"+other.Login+"/", 1)
	for _, login := range []string{other.Login, "zzzzzzzz"} {
		for _, path := range []string{"/dav/p/" + login + "/", "/dav/ab/" + login + "/", "/dav/ab/" + login + "/people/", "/dav/ab/" + login + "/people/" + gross + ".vcf"} {
			for method, body := range map[string]string{
				"GET": "", "HEAD": "", "PROPFIND": propfind("<d:resourcetype/>"), "REPORT": syncCollection("", "<d:getetag/>"),
			} {
				if a := c.do(method, path, body, "Depth: 0"); a.status != http.StatusNotFound {
					c.t.Errorf("%s %s: status %d: %s", method, path, a.status, a.body)
				}
			}
		}
	}
	book, _, _ := strings.Cut(mine, gross)
	m := c.multistatus("REPORT", book, multiget("<card:address-data/>", theirs))
	if len(m.Responses) != 1 || !m.Responses[0].gone() {
		c.t.Errorf("a multiget of another device's card: %+v", m.Responses)
	}
}

// refuseStrangers: nobody can tell a login that there is from one that there is not.
func refuseStrangers(r *ringbook, d device) {
	var answers []davReply
	for _, login := range []string{d.Login, "zzzzzzzz"} {
		c := r.dav(r.t, device{Login: login, Secret: strings.Repeat("a", len(d.Secret))})
		a := c.do("PROPFIND", "/dav/", propfind("<d:current-user-principal/>"), "Depth: 0")
		if a.status != http.StatusUnauthorized || !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Basic realm=") {
			r.t.Errorf("login %s: status %d, %v", login, a.status, a.header)
		}
		a.header.Del("Date")
		answers = append(answers, a)
	}
	if d := cmp.Diff(answers[0], answers[1], cmp.AllowUnexported(davReply{})); d != "" {
		r.t.Errorf("(-wrong secret +unknown login) %s", d)
	}
	if a := r.dav(r.t, device{}).do("OPTIONS", "/dav/", ""); a.status != http.StatusUnauthorized {
		r.t.Errorf("without a login: status %d", a.status)
	}
}

// TestSyncOverRestart: a token from before a restart gives exactly what is new.
func TestSyncOverRestart(t *testing.T) {
	s := startTenant(t, 40)
	r := startRingbook(t, s)
	d := r.addDevice()
	changed := s.add(person("Anna", "Sonderbar", map[string]any{"mobilePhone": "+49 171 3920001"}))
	gone := s.add(person("Bert", "Baldweg", nil))
	r.do("sync")
	c := r.dav(t, d)
	first := c.multistatus("REPORT", d.book(), syncCollection("", "<d:getetag/>"))
	if len(first.Responses) != len(s.inBook()) {
		t.Errorf("first sync: %d responses, %d people", len(first.Responses), len(s.inBook()))
	}

	s.patch(changed, map[string]any{"mobilePhone": "+49 171 3920002"})
	s.remove(gone)
	added := s.add(person("Carla", "Neu", nil))
	r.do("sync")
	r.restart()
	c = r.dav(t, d)
	m := c.multistatus("REPORT", d.book(), syncCollection(first.Token, "<d:getetag/><card:address-data/>"))
	got := map[string]string{}
	for _, e := range m.Responses {
		switch p := e.found(); {
		case e.gone():
			got[e.Href] = "gone"
		case p.Card == nil || p.ETag == "":
			t.Errorf("%s: %+v", e.Href, e)
		case strings.Contains(*p.Card, "FN:Carla Neu"), strings.Contains(*p.Card, "+491713920002"):
			got[e.Href] = "there"
		default:
			got[e.Href] = *p.Card
		}
	}
	want := map[string]string{d.book() + changed + ".vcf": "there", d.book() + added + ".vcf": "there", d.book() + gone + ".vcf": "gone"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("news since before the restart (-want +got) %s", diff)
	}
	again := c.multistatus("REPORT", d.book(), syncCollection(m.Token, "<d:getetag/>"))
	if len(again.Responses) != 0 || again.Token != m.Token || m.Token == first.Token {
		t.Errorf("%d responses without news; tokens %s, %s, %s", len(again.Responses), first.Token, m.Token, again.Token)
	}
}

// TestWebDAVClient has an independent client (go-webdav) find and read the book
// and an independent decoder (go-vcard) read every card, and compares with what
// the tenant says of each person.
func TestWebDAVClient(t *testing.T) {
	s := startTenant(t, 120)
	r := startRingbook(t, s)
	r.do("sync")
	d := r.addDevice()
	ctx := t.Context()
	c, err := carddav.NewClient(basicAuth{r.dav(t, d)}, r.url+"/dav/")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.HasSupport(ctx); err != nil {
		t.Error(err)
	}
	principal, err := c.FindCurrentUserPrincipal(ctx)
	if err != nil {
		t.Fatal(err)
	}
	home, err := c.FindAddressBookHomeSet(ctx, principal)
	if err != nil {
		t.Fatal(err)
	}
	books, err := c.FindAddressBooks(ctx, home)
	if err != nil || len(books) != 1 || books[0].Path != d.book() {
		t.Fatalf("books: %+v, %v", books, err)
	}
	whole := carddav.AddressDataRequest{AllProp: true}
	all, err := c.QueryAddressBook(ctx, d.book(), &carddav.AddressBookQuery{DataRequest: whole})
	if err != nil {
		t.Fatal(err)
	}
	cards := map[string]vcard.Card{}
	for _, o := range all {
		cards[o.Path] = o.Card
	}
	compareWithTenant(t, s, d, cards)

	groß, err := c.QueryAddressBook(ctx, d.book(), &carddav.AddressBookQuery{
		DataRequest: whole,
		PropFilters: []carddav.PropFilter{{Name: "FN", TextMatches: []carddav.TextMatch{{Text: "groß"}}}},
	})
	if err != nil || !slices.ContainsFunc(groß, func(o carddav.AddressObject) bool { return o.Card.PreferredValue("FN") == grossName }) {
		t.Errorf("query for groß: %+v, %v", groß, err)
	}
	some, err := c.MultiGetAddressBook(ctx, d.book(), &carddav.AddressBookMultiGet{DataRequest: whole, Paths: []string{all[0].Path, all[1].Path}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(all[:2], some); diff != "" {
		t.Errorf("(-query +multiget) %s", diff)
	}

	first, err := c.SyncCollection(ctx, d.book(), &carddav.SyncQuery{})
	if err != nil || len(first.Updated) != len(all) || len(first.Deleted) != 0 {
		t.Fatalf("first sync: %+v, %v", first, err)
	}
	gone := first.Updated[0].Path
	s.remove(strings.TrimSuffix(strings.TrimPrefix(gone, d.book()), ".vcf"))
	added := d.book() + s.add(person("Carla", "Neu", nil)) + ".vcf"
	r.do("sync")
	news, err := c.SyncCollection(ctx, d.book(), &carddav.SyncQuery{SyncToken: first.SyncToken})
	if err != nil || len(news.Updated) != 1 || news.Updated[0].Path != added || len(news.Deleted) != 1 {
		t.Errorf("news: %+v, %v", news, err)
	}
}

// basicAuth is go-webdav's HTTP client.
type basicAuth struct{ *dav }

// Do sends req with the device's login.
func (b basicAuth) Do(req *http.Request) (*http.Response, error) {
	req.SetBasicAuth(b.login, b.secret)
	return b.client.Do(req)
}

// compareWithTenant compares each card with what the tenant says of its person.
func compareWithTenant(t *testing.T, s *tenant, d device, cards map[string]vcard.Card) {
	t.Helper()
	if n := len(s.inBook()); len(cards) != n {
		t.Errorf("%d cards, %d people", len(cards), n)
	}
	photos, scripts := 0, 0
	for _, u := range s.users() {
		card, served := cards[d.book()+text(u["id"])+".vcf"]
		if !served {
			continue
		}
		name := text(u["displayName"])
		if strings.ContainsFunc(name, func(r rune) bool { return r > 0x24f }) {
			scripts++
		}
		got := map[string]string{
			"FN": card.PreferredValue("FN"), "UID": card.Value("UID"), "EMAIL": card.PreferredValue("EMAIL"),
			// go-vcard leaves this escape of RFC 2426 §4 as it is.
			"TITLE": strings.ReplaceAll(card.Value("TITLE"), `\;`, ";"),
		}
		want := map[string]string{"FN": name, "UID": text(u["id"]), "TITLE": text(u["jobTitle"]), "EMAIL": text(u["mail"])}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-tenant +card) %s", name, diff)
		}
		if n := card.Name(); u["surname"] != nil && (n == nil || n.FamilyName != u["surname"] || n.GivenName != text(u["givenName"])) {
			t.Errorf("%s: N is %+v", name, n)
		}
		if p := card.Get("PHOTO"); p != nil {
			photos++
			isPhoto(t, name, p)
		}
	}
	if photos == 0 || scripts == 0 {
		t.Errorf("%d photos and %d names in other scripts among %d cards", photos, scripts, len(cards))
	}
	if card := cards[d.book()+gross+".vcf"]; !slices.Contains(card.Values("TEL"), "+493023125042") || card.Get("PHOTO") == nil {
		t.Errorf("%s: %v", grossName, card)
	}
}

func isPhoto(t *testing.T, name string, p *vcard.Field) {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(p.Value)
	if err != nil {
		t.Errorf("%s: photo: %v", name, err)
		return
	}
	if m, format, err := image.Decode(bytes.NewReader(b)); err != nil || format != "jpeg" || m.Bounds().Empty() {
		t.Errorf("%s: photo: %s, %v", name, format, err)
	}
}

package carddav_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"ringbook/directory"
	"ringbook/directory/number"
	"ringbook/directory/store"
	"ringbook/directory/vcard"
)

// A life is a server over the years: a store on disk that is closed and opened
// again with other rules, other number plans and other devices, and what clients have
// kept of it from every time.
type life struct {
	*testing.T
	*rand.Rand
	dir      string
	rule     rule // of the book "people"
	sites    []number.Site
	version  string // of the renderer
	shelf    *store.Store
	site     *site
	phones   []directory.Device
	old      []*follower
	cards    map[string]string // by href and ETag, as long as there is this life
	restarts int
	refused  int
}

// A rule is a filter, and what it says of a contact.
type rule struct {
	filter string
	lets   func(*directory.Contact) bool
}

var rules = []rule{
	{"(!(ou=c))", func(c *directory.Contact) bool { return c.Department != "c" }},
	{"(!(ou=a))", func(c *directory.Contact) bool { return c.Department != "a" }},
	{"(|(ou=b)(cn=*1*))", func(c *directory.Contact) bool {
		return c.Department == "b" || strings.Contains(c.DisplayName, "1")
	}},
}

// companies are the number plans there may be. They read the people's numbers
// alike, and write them differently.
var companies = [][]number.Site{
	{{Country: "DE"}},
	{{Country: "AT"}},
	{{Country: "DE", ExternalPrefix: "9", ExternalFor: []directory.DeviceKind{directory.KindDeskphone}}},
	{{Country: "DE", Stem: "+49301123", Extensions: "00-99"}, {Name: "munich", Country: "DE"}},
	{{Country: "DE"}, {Name: "munich", Country: "DE", Stem: "+49301123", Extensions: "00-99"}},
}

func (l *life) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

// open starts the server on what is on the disk.
func (l *life) open() {
	l.Helper()
	plan, err := number.NewPlans(l.sites[0], l.sites[1:]...)
	l.must(err)
	l.shelf, err = store.Open(l.Context(), l.dir, store.Options{
		Books: []directory.Book{{Name: "vips", Title: "VIPs", Filter: "(ou=a)"}, {Name: "people", Title: "People", Filter: l.rule.filter}},
		Plan:  plan, Log: slog.New(slog.DiscardHandler),
		Renderer: store.Renderer{Version: l.version, Print: func(c *directory.Contact) [16]byte {
			sum := sha256.Sum256(vcard.Append(nil, c, vcard.Style{JPEG: []byte{0}}))
			return [16]byte(sum[:16])
		}},
	})
	l.must(err)
	s := siteOf(l, l.shelf, l.shelf, newGatekeeper(l.phones...))
	if l.site == nil {
		l.site = s
	} else {
		*l.site = *s // followers go on
	}
}

// close ends the server; what a device did last is stored as it ends.
func (l *life) close() {
	l.Helper()
	l.site.Close()
	ended, end := context.WithCancel(l.Context())
	end()
	l.must(l.site.journal.Run(ended))
	l.must(l.shelf.Close())
}

// restart closes the server and opens it with something changed.
func (l *life) restart() {
	l.Helper()
	l.close()
	l.restarts++
	switch l.IntN(4) {
	case 0:
		l.rule = rules[l.IntN(len(rules))]
	case 1:
		l.sites = companies[l.IntN(len(companies))]
	case 2:
		l.version = fmt.Sprint(l.IntN(3))
	}
	l.open()
}

// news has some people change, come, leave, or get another photo.
func (l *life) news() {
	l.Helper()
	b := directory.Batch{Feed: "users", Source: directory.SourceUser, Next: &directory.Cursor{Link: "next"}}
	var photos []directory.PhotoChange
	for i := range 12 {
		id := directory.ContactID(fmt.Sprintf("c-%02d", i))
		switch l.IntN(8) {
		case 0, 1:
			name, unit, number := fmt.Sprintf("%d, %d", l.IntN(100), l.IntN(10)), string(rune('a'+l.IntN(3))), fmt.Sprintf("030 %d", l.IntN(3))
			b.Changes = append(b.Changes, directory.Change{ID: id, Fresh: true, Update: func(c *directory.Contact) {
				c.DisplayName, c.Department = name, unit
				c.Phones = []directory.Phone{{Kind: directory.PhoneWork, Written: number, E164: "+4930" + number[4:] + "12345"}}
			}})
		case 2:
			b.Changes = append(b.Changes, directory.Change{ID: id, Removed: true})
		case 3:
			if l.shelf.View().Entry(id) != nil {
				jpeg := []byte{0xff, 0xd8, byte(l.IntN(3))}
				photos = append(photos, directory.PhotoChange{ID: id, Tag: "t", Photo: &directory.Photo{
					ID: directory.PhotoID(fmt.Sprintf("%032x", jpeg)), Large: append(jpeg, jpeg...), Small: jpeg,
				}})
			}
		}
	}
	_, err := l.shelf.Apply(l.Context(), b)
	l.must(err)
	_, err = l.shelf.ApplyPhotos(l.Context(), time.Now(), photos)
	l.must(err)
}

// handOver changes what a device gets, or has it drain for a while.
func (l *life) handOver() {
	d := &l.phones[l.IntN(len(l.phones))]
	switch l.IntN(6) {
	case 5:
		d.Names = directory.NameStyles()[l.IntN(2)]
	case 4:
		if len(d.Books) > 1 { // a contact of both stands in the first
			d.Books = []directory.BookName{d.Books[1], d.Books[0]}
		}
	case 0:
		d.Photos = directory.PhotoSizes()[l.IntN(3)]
	case 1:
		d.Numbers = directory.NumberProfiles()[l.IntN(4)]
		d.Kind = directory.DeviceKinds()[l.IntN(3)]
		d.Site = []directory.SiteName{"", "munich"}[l.IntN(2)]
	case 2:
		d.State = []directory.DeviceState{directory.DeviceActive, directory.DeviceDraining}[l.IntN(2)]
	case 3:
		d.State = directory.DeviceActive
	}
	l.site.keys.set(*d)
}

// follow has everybody who ever had a token go on from it, one more of them
// with each state of a book, and holds every ETag against the card it stood for.
func (l *life) follow(round int) {
	for _, f := range l.old {
		for _, limit := range []int{0, 2} {
			c := f.clone()
			c.limit = limit
			if c.follow(fmt.Sprintf("round %d, %s from %q", round, f.href(), f.token)); l.Failed() {
				l.FailNow()
			}
		}
	}
	for _, f := range l.old[:3] { // one of each book
		c := f.clone()
		c.follow("the newest")
		l.old = append(l.old, c)
		l.read(c)
	}
	want := 0
	for e := range l.shelf.View().All() {
		if l.rule.lets(e.Contact()) {
			want++
		}
	}
	if got := len(l.old[len(l.old)-3].has); got != want && l.phones[0].State == directory.DeviceActive {
		l.Fatalf("round %d: %d contacts in the book, %d people for whom %s is true", round, got, want, l.rule.filter)
	}
}

var cardParts = regexp.MustCompile(`<d:href>([^<]*)</d:href><d:propstat><d:prop><d:getetag>([^<]*)</d:getetag><card:address-data>([^<]*)</card:address-data>`)

// read fetches all cards of a book.
func (l *life) read(f *follower) {
	l.Helper()
	fresh := f.clone()
	body := fresh.ask("REPORT", syncReport("", "<getetag/><c:address-data/>", ""))
	all := cardParts.FindAllStringSubmatch(body, -1)
	if len(all) != len(f.has) {
		l.Fatalf("%d cards of %d: %s", len(all), len(f.has), body)
	}
	for _, m := range all {
		key := m[1] + " " + m[2]
		if known, ok := l.cards[key]; ok && known != m[3] {
			l.Fatalf("%s stood for\n%s\nand now for\n%s", key, known, m[3])
		}
		l.cards[key] = m[3]
	}
}

// TestTokensOutliveTheServer: from every token that was ever given out, with and
// without limits, sync-collection ends at a full listing, through restarts on the
// same disk with other rules, other number plans and another renderer, through changes
// of a device's photos, numbers and site, drains and refused writes. And no ETag ever
// stands for two cards.
func TestTokensOutliveTheServer(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			pair := phone()
			pair.ID, pair.Login, pair.Books = "d2", "pair", []directory.BookName{"vips", "people"}
			pair.Numbers = directory.NumbersNational // as the country writes them
			l := &life{
				T: t, Rand: rand.New(rand.NewPCG(seed, 4)), dir: t.TempDir(), rule: rules[0], sites: companies[0], version: "1",
				phones: []directory.Device{phone(), pair}, cards: map[string]string{},
			}
			l.open()
			l.news()
			for _, of := range []struct{ login, book string }{{"phone", "people"}, {"pair", "people"}, {"pair", "vips"}} {
				l.old = append(l.old, &follower{site: l.site, login: of.login, book: of.book, has: map[string]string{}})
			}
			for round := range 15 {
				l.news()
				if l.IntN(2) == 0 {
					l.restart()
				}
				if l.IntN(2) == 0 {
					l.handOver()
				}
				if l.IntN(3) == 0 {
					l.refused++
					l.old[l.IntN(len(l.old))].spoil(l.Rand)
				}
				l.follow(round)
			}
			if l.restarts == 0 || l.refused == 0 || !strings.Contains(fmt.Sprint(l.cards), "PHOTO") {
				t.Errorf("%d restarts, %d refused writes, %d cards: this seed shows little", l.restarts, l.refused, len(l.cards))
			}
			l.close()
		})
	}
}

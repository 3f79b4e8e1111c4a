package phonebook_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ringbook/directory"
	"ringbook/directory/index"
	"ringbook/directory/number"
	"ringbook/directory/text"
	"ringbook/server/journal"
	"ringbook/server/phonebook"
)

const publicURL = "https://contacts.contoso.com"

// formNames are the documents that there are.
var formNames = []string{
	"yealink.xml", "yealink-book.xml", "snom.xml", "snom-tbook.xml", "grandstream.xml", "cisco.xml", "fanvil.xml",
}

// A shelf is a directory of real views.
type shelf struct {
	*index.Index
	revision directory.Revision
}

func newShelf(tb testing.TB, books ...directory.Book) *shelf {
	tb.Helper()
	return newShelfIn(tb, nil, books...)
}

// newShelfIn is a shelf with an order of names.
func newShelfIn(tb testing.TB, order *text.Collation, books ...directory.Book) *shelf {
	tb.Helper()
	x, err := index.New(index.Options{Books: books, Plan: plan(tb), Collation: order}, "0123456789abcdef", 0,
		slices.Values([]index.Stored(nil)), slices.Values([]index.Mark(nil)))
	if err != nil {
		tb.Fatal(err)
	}
	return &shelf{Index: x}
}

func plan(tb testing.TB) *number.Plan {
	tb.Helper()
	p, err := number.NewPlan("DE")
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// apply makes one revision.
func (s *shelf) apply(put []directory.Contact, removed ...directory.ContactID) {
	s.revision++
	var stored []index.Stored
	for _, c := range put {
		stored = append(stored, index.Stored{Contact: &c, Modified: time.Date(2026, 3, 1, 8, 30, 0, 0, time.UTC)})
	}
	s.Publish(s.Prepare(s.revision, stored, removed))
}

// twoBooks are the people of most tests. The CEO is in both books.
func twoBooks(tb testing.TB) *shelf {
	tb.Helper()
	s := newShelf(tb, directory.Book{Name: "people", Title: "Contoso & Söhne"}, directory.Book{Name: "vips", Title: "VIPs", Filter: "(title=CEO)"})
	s.apply([]directory.Contact{
		{
			ID: "c-1", Source: directory.SourceUser, DisplayName: "Zoë Lovelace", GivenName: "Zoë", Surname: "Lovelace", JobTitle: "CEO",
			Phones: []directory.Phone{
				{Kind: directory.PhoneWork, Written: "030 123456-78", E164: "+493012345678"},
				{Kind: directory.PhoneMobile, Written: "0171 1234567", E164: "+491711234567"},
				{Kind: directory.PhoneHome, Written: "+44 20 7946 0000", E164: "+442079460000"},
				{Kind: directory.PhoneOther, Written: "0171/1234567", E164: "+491711234567"}, // once is enough
				{Kind: directory.PhoneOther, Written: "4711"},
				{Kind: directory.PhoneFax, Written: "030 99", E164: "+493099"},
			},
		},
		{ID: "c-2", Source: directory.SourceUser, DisplayName: "Bärbel Größe", GivenName: "Bärbel", Surname: "Größe", Emails: []string{"b@contoso.com"}},
		{
			ID: "c-3", Source: directory.SourceUser, DisplayName: "Cy <b>&amp;</b> \"]]>\" \x00\x1b\u2028\ufffe'Co'",
			Phones: []directory.Phone{{Kind: directory.PhoneWork, Written: "\"><x>&\x01 12"}},
		},
		{
			ID: "c-4", Source: directory.SourceUser, DisplayName: "Änne Šimůnková 李", GivenName: "Änne", Surname: "Šimůnková",
			Phones: []directory.Phone{{Kind: directory.PhoneMobile, Written: "0172 7654321", E164: "+491727654321"}},
		},
		{ID: "c-5", Source: directory.SourceUser, DisplayName: "Fax only", Phones: []directory.Phone{{Kind: directory.PhoneFax, Written: "4712"}}},
	})
	s.SetLoaded()
	return s
}

// many is a book of n people with two numbers each.
func many(tb testing.TB, n int) *shelf {
	tb.Helper()
	s := newShelf(tb, directory.Book{Name: "people", Title: "Contoso"})
	all := make([]directory.Contact, n)
	for i := range all {
		all[i] = directory.Contact{
			ID: directory.ContactID(fmt.Sprintf("c-%05d", i)), Source: directory.SourceUser,
			DisplayName: fmt.Sprintf("Person %05d of Contoso", i*7919%n), GivenName: "Person", Surname: fmt.Sprintf("%05d", i*7919%n),
			Phones: []directory.Phone{
				{Kind: directory.PhoneWork, Written: fmt.Sprintf("030 1%05d", i), E164: fmt.Sprintf("+49301%05d", i)},
				{Kind: directory.PhoneMobile, Written: fmt.Sprintf("0171 20%05d", i), E164: fmt.Sprintf("+4917120%05d", i)},
			},
		}
	}
	s.apply(all)
	s.SetLoaded()
	return s
}

// A gatekeeper is an Authenticator of fixed devices, whose secrets are "secret".
type gatekeeper struct {
	mu        sync.Mutex
	devices   map[directory.DeviceID]directory.Device
	throttled bool
	ends      map[directory.DeviceID][]func()
}

func newGatekeeper(devices ...directory.Device) *gatekeeper {
	g := &gatekeeper{devices: make(map[directory.DeviceID]directory.Device), ends: make(map[directory.DeviceID][]func())}
	for _, d := range devices {
		g.set(d)
	}
	return g
}

func (g *gatekeeper) set(d directory.Device) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.devices[d.ID] = d
}

func (g *gatekeeper) Authenticate(_ context.Context, _ netip.Addr, login, secret string) (directory.Device, error) {
	if g.throttled {
		return directory.Device{}, &directory.ThrottledError{RetryAfter: 1500 * time.Millisecond}
	}
	d, err := g.Current(directory.DeviceID(login))
	if err != nil || secret != "secret" {
		return directory.Device{}, directory.ErrCredential
	}
	return d, nil
}

func (g *gatekeeper) Current(id directory.DeviceID) (directory.Device, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if d, ok := g.devices[id]; ok && d.State != directory.DeviceRevoked {
		return d, nil
	}
	return directory.Device{}, directory.ErrCredential
}

func (g *gatekeeper) Attach(id directory.DeviceID, end func()) (func(), error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ends[id] = append(g.ends[id], end)
	return func() {}, nil
}

func (g *gatekeeper) revoke(id directory.DeviceID) {
	g.mu.Lock()
	d := g.devices[id]
	d.State = directory.DeviceRevoked
	g.devices[id] = d
	ends := g.ends[id]
	g.mu.Unlock()
	for _, end := range ends {
		end()
	}
}

func desk() directory.Device {
	return directory.Device{
		ID: "desk", Login: "desk", Name: "Reception", Kind: directory.KindDeskphone, State: directory.DeviceActive,
		Books: []directory.BookName{"people", "vips"}, Numbers: directory.NumbersE164,
	}
}

// keeps is a journal's store that keeps nothing.
type keeps struct{}

func (keeps) Activities(context.Context) ([]directory.Activity, error)  { return nil, nil }
func (keeps) PutActivities(context.Context, []directory.Activity) error { return nil }

// A rig is a handler with what it is made of.
type rig struct {
	*phonebook.Handler
	tb      testing.TB
	shelf   *shelf
	devices *gatekeeper
	journal *journal.Journal
	log     *bytes.Buffer
}

func newRig(tb testing.TB, s *shelf, devices ...directory.Device) *rig {
	tb.Helper()
	if len(devices) == 0 {
		devices = []directory.Device{desk()}
	}
	r := &rig{tb: tb, shelf: s, devices: newGatekeeper(devices...), log: new(bytes.Buffer)}
	var err error
	if r.journal, err = journal.New(tb.Context(), keeps{}, slog.New(slog.DiscardHandler)); err != nil {
		tb.Fatal(err)
	}
	r.Handler = phonebook.New(phonebook.Options{
		Directory: s, Auth: r.devices, Journal: r.journal, PublicURL: publicURL + "/",
		Log:        slog.New(slog.NewTextHandler(r.log, nil)),
		RemoteAddr: func(*http.Request) netip.Addr { return netip.MustParseAddr("192.0.2.1") },
	})
	return r
}

// ask sends one request as "desk"; change may be nil.
func (r *rig) ask(path string, change func(*http.Request)) *httptest.ResponseRecorder {
	r.tb.Helper()
	req := httptest.NewRequest(http.MethodGet, phonebook.Root+path, nil)
	req.SetBasicAuth("desk", "secret")
	if change != nil {
		change(req)
	}
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	return w
}

// get is ask for what must be a document.
func (r *rig) get(path string) string {
	r.tb.Helper()
	w := r.ask(path, nil)
	if w.Code != http.StatusOK {
		r.tb.Fatalf("%s: status %d: %s", path, w.Code, w.Body)
	}
	if got, want := w.Header().Get("Content-Length"), fmt.Sprint(w.Body.Len()); got != want {
		r.tb.Errorf("%s: Content-Length %s of %s", path, got, want)
	}
	wellFormed(r.tb, w.Body.String())
	return w.Body.String()
}

// wellFormed fails the test unless s is one XML document, with no entity but the
// four that small parsers know.
func wellFormed(tb testing.TB, s string) {
	tb.Helper()
	d := xml.NewDecoder(strings.NewReader(s))
	roots, depth := 0, 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			tb.Fatalf("not well-formed: %v\n%s", err, s)
		}
		switch token.(type) {
		case xml.StartElement:
			if depth == 0 {
				roots++
			}
			depth++
		case xml.EndElement:
			depth--
		}
	}
	if roots != 1 {
		tb.Fatalf("%d root elements\n%s", roots, s)
	}
	for _, e := range strings.Split(s, "&")[1:] {
		name, _, _ := strings.Cut(e, ";")
		if !slices.Contains([]string{"amp", "lt", "gt", "quot"}, name) {
			tb.Errorf("entity &%s;", name)
		}
	}
}

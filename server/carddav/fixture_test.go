package carddav_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ringbook/directory"
	"ringbook/directory/index"
	"ringbook/directory/number"
	"ringbook/server/carddav"
	"ringbook/server/journal"
)

const epoch = directory.Epoch("0123456789abcdef")

// A shelf is a directory of real views, with photos beside them.
type shelf struct {
	*index.Index
	mu       sync.Mutex
	photos   map[directory.PhotoID][]byte
	revision directory.Revision
	fault    atomic.Bool // the last photo of many panics
}

func (s *shelf) Photo(_ context.Context, id directory.PhotoID, size directory.PhotoSize) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.photos[id]
	if s.fault.Load() && id == directory.PhotoID(fmt.Sprintf("%032x", len(s.photos)-1)) {
		panic("a fault")
	}
	if !ok {
		return nil, directory.ErrNotFound
	}
	if size == directory.PhotoSmall {
		return b[:len(b)/2], nil
	}
	return b, nil
}

func (s *shelf) drop(id directory.PhotoID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.photos, id)
}

// apply makes one revision.
func (s *shelf) apply(put []directory.Contact, removed ...directory.ContactID) {
	s.revision++
	var stored []index.Stored
	for _, c := range put {
		stored = append(stored, index.Stored{Contact: &c, Modified: modified})
	}
	s.Publish(s.Prepare(s.revision, stored, removed))
}

var modified = time.Date(2026, 3, 1, 8, 30, 0, 0, time.UTC)

func plan(tb testing.TB) *number.Plan {
	tb.Helper()
	p, err := number.NewPlan("DE")
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func newShelf(tb testing.TB, books ...directory.Book) *shelf {
	tb.Helper()
	return newShelfAt(tb, plan(tb), books...)
}

// newShelfAt is newShelf of a company of other sites.
func newShelfAt(tb testing.TB, p *number.Plan, books ...directory.Book) *shelf {
	tb.Helper()
	x, err := index.New(index.Options{Books: books, Plan: p}, epoch, 0,
		slices.Values([]index.Stored(nil)), slices.Values([]index.Mark(nil)))
	if err != nil {
		tb.Fatal(err)
	}
	return &shelf{Index: x, photos: make(map[directory.PhotoID][]byte)}
}

// The people of most tests, as they are at revision 4 of the book: Ada came
// first, Bärbel has a photo, the card of "c-4" needs escaping, "c-3" is gone.
func people(tb testing.TB) *shelf {
	tb.Helper()
	s := newShelf(tb, directory.Book{Name: "people", Title: "Contoso & Söhne"}, directory.Book{
		Name: "vips", Title: "VIPs", Filter: "(title=CEO)",
	})
	s.photos["f0f0"] = bytes.Repeat([]byte{0xff, 0xd8, 0x3c, 0x26}, 40)
	ada := directory.Contact{
		ID: "c-1", Source: directory.SourceUser, DisplayName: "Ada Lovelace", GivenName: "Ada", Surname: "Lovelace",
		Emails:   []string{"ada@contoso.com", "a.lovelace@contoso.com"},
		Phones:   []directory.Phone{{Kind: directory.PhoneWork, Written: "030 123456-78", E164: "+493012345678"}, {Kind: directory.PhoneMobile, Written: "0171 1234567", E164: "+491711234567"}},
		JobTitle: "CEO", Department: "Analytical Engines", Company: "Contoso",
	}
	s.apply([]directory.Contact{ada})
	s.apply([]directory.Contact{
		{ID: "c-2", Source: directory.SourceUser, DisplayName: "Bärbel Größe", GivenName: "Bärbel", Surname: "Größe", Emails: []string{"b@contoso.com"}, Photo: "f0f0"},
		{ID: "c-3", Source: directory.SourceUser, DisplayName: "Cy Gone"},
	})
	s.apply([]directory.Contact{{ID: "c-4", Source: directory.SourceUser, DisplayName: `Dot <dot> & "Co"; Ltd, \o/`, Phones: []directory.Phone{{Kind: directory.PhoneFax, Written: "4711"}}}})
	s.apply(nil, "c-3")
	s.SetLoaded()
	return s
}

// A gatekeeper is an Authenticator of fixed devices, whose secrets are "secret".
type gatekeeper struct {
	mu        sync.Mutex
	devices   map[string]directory.Device
	throttled bool
	revoked   map[directory.DeviceID]bool
	sessions  map[directory.DeviceID]map[int]func()
	attached  int
}

func newGatekeeper(devices ...directory.Device) *gatekeeper {
	g := &gatekeeper{
		devices:  make(map[string]directory.Device),
		revoked:  make(map[directory.DeviceID]bool),
		sessions: make(map[directory.DeviceID]map[int]func()),
	}
	for _, d := range devices {
		g.devices[string(d.Login)] = d
	}
	return g
}

func (g *gatekeeper) set(d directory.Device) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.devices[string(d.Login)] = d
}

func (g *gatekeeper) Authenticate(_ context.Context, _ netip.Addr, login, secret string) (directory.Device, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.throttled {
		return directory.Device{}, &directory.ThrottledError{RetryAfter: 1500 * time.Millisecond}
	}
	d, ok := g.devices[login]
	if !ok || secret != "secret" || g.revoked[d.ID] {
		return directory.Device{}, directory.ErrCredential
	}
	return d, nil
}

func (g *gatekeeper) Current(id directory.DeviceID) (directory.Device, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, d := range g.devices {
		if d.ID == id && !g.revoked[id] {
			return d, nil
		}
	}
	return directory.Device{}, directory.ErrCredential
}

func (g *gatekeeper) Attach(id directory.DeviceID, end func()) (func(), error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.revoked[id] {
		return nil, directory.ErrCredential
	}
	if g.sessions[id] == nil {
		g.sessions[id] = make(map[int]func())
	}
	g.attached++
	n := g.attached
	g.sessions[id][n] = end
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		delete(g.sessions[id], n)
	}, nil
}

func (g *gatekeeper) revoke(id directory.DeviceID) {
	g.mu.Lock()
	ends := g.sessions[id]
	g.sessions[id] = nil
	g.revoked[id] = true
	g.mu.Unlock()
	for _, end := range ends {
		end()
	}
}

func phone() directory.Device {
	return directory.Device{
		ID: "d1", Login: "phone", Name: "Ada's phone", Kind: directory.KindPhone, State: directory.DeviceActive,
		Books: []directory.BookName{"people"}, Numbers: directory.NumbersE164, Photos: directory.PhotoLarge,
	}
}

// A site is a handler on a socket, and how to talk to it.
type site struct {
	tb      testing.TB
	shelf   *shelf
	keys    *gatekeeper
	journal *journal.Journal
	log     *logBuffer
	*httptest.Server
}

// A notebook is a store of activities that keeps nothing.
type notebook struct{}

func (notebook) Activities(context.Context) ([]directory.Activity, error)  { return nil, nil }
func (notebook) PutActivities(context.Context, []directory.Activity) error { return nil }

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newSite(tb testing.TB, s *shelf, devices ...directory.Device) *site {
	tb.Helper()
	if len(devices) == 0 {
		devices = []directory.Device{phone()}
	}
	st := siteOf(tb, s, notebook{}, newGatekeeper(devices...))
	st.shelf = s
	return st
}

func siteOf(tb testing.TB, d carddav.Directory, kept journal.Store, keys *gatekeeper) *site {
	tb.Helper()
	st := &site{tb: tb, keys: keys, log: &logBuffer{}}
	var err error
	if st.journal, err = journal.New(tb.Context(), kept, slog.New(slog.DiscardHandler)); err != nil {
		tb.Fatal(err)
	}
	st.Server = httptest.NewServer(carddav.New(carddav.Options{
		Directory: d, Auth: st.keys, Journal: st.journal, Log: slog.New(slog.NewTextHandler(st.log, nil)),
	}))
	tb.Cleanup(st.Close)
	return st
}

// A reply is an answer read to its end.
type reply struct {
	status int
	header http.Header
	body   string
}

// do sends a request as the phone; headers are "Name: value".
func (s *site) do(method, path, body string, headers ...string) reply {
	s.tb.Helper()
	r, err := s.try(method, path, strings.NewReader(body), headers...)
	if err != nil {
		s.tb.Fatalf("%s %s: %v", method, path, err)
	}
	return r
}

func (s *site) try(method, path string, body io.Reader, headers ...string) (reply, error) {
	req, err := http.NewRequestWithContext(s.tb.Context(), method, s.URL+path, body)
	if err != nil {
		return reply{}, err
	}
	req.SetBasicAuth("phone", "secret")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if req.Header.Set(name, value); value == "" {
			req.Header.Del(name)
		}
	}
	resp, err := (&http.Client{Transport: s.Client().Transport, CheckRedirect: stay}).Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, string(b)}, err
}

func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

const bookHref = "/dav/ab/phone/people/"

// A drain is a ResponseWriter that only counts.
type drain struct {
	header http.Header
	status int
	n      int64
}

func (d *drain) Header() http.Header         { return d.header }
func (d *drain) WriteHeader(status int)      { d.status = status }
func (d *drain) Write(p []byte) (int, error) { d.n += int64(len(p)); return len(p), nil }

// A bench is a handler and requests to it.
type bench struct {
	*carddav.Handler
	shelf *shelf
}

func newBench(tb testing.TB, s *shelf) *bench {
	tb.Helper()
	return &bench{shelf: s, Handler: carddav.New(carddav.Options{
		Directory: s, Auth: newGatekeeper(phone()), Log: slog.New(slog.DiscardHandler),
	})}
}

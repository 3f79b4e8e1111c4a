package lookup_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"ringbook/directory"
	"ringbook/directory/index"
	"ringbook/directory/number"
	"ringbook/server/lookup"
)

var update = flag.Bool("update", false, "write the answers of this run into testdata")

// A mirror is a directory of a real view, with photos beside it.
type mirror struct{ *index.Index }

func (mirror) Photo(_ context.Context, id directory.PhotoID, size directory.PhotoSize) ([]byte, error) {
	if id != "f0f0" {
		return nil, directory.ErrNotFound
	}
	return []byte("JPEG of " + string(size)), nil
}

// A gate knows one device, whose secret is "secret", and counts its searches.
type gate struct {
	device   directory.Device
	err      error
	searches int
}

func (g *gate) Authenticate(_ context.Context, _ netip.Addr, login, secret string) (directory.Device, error) {
	if g.err == nil && (login != string(g.device.Login) || secret != "secret") {
		return directory.Device{}, directory.ErrCredential
	}
	return g.device, g.err
}

func (g *gate) Searched(directory.DeviceID) { g.searches++ }

func pbx() directory.Device {
	return directory.Device{
		ID: "d1", Login: "pbx", Kind: directory.KindPBX, State: directory.DeviceActive,
		Books: []directory.BookName{"people", "suppliers"}, Numbers: directory.NumbersNational, Photos: directory.PhotoSmall,
	}
}

func plan(tb testing.TB) *number.Plan {
	tb.Helper()
	p, err := number.NewPlan("DE")
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func work(e164 string) []directory.Phone {
	return []directory.Phone{{Kind: directory.PhoneWork, Written: e164, E164: e164}}
}

// people is a small company: Anna has a photo, Bärbel and Carl share a number, the
// board is in a book that the device does not see.
func people(tb testing.TB) mirror {
	tb.Helper()
	x, err := index.New(index.Options{
		Books: []directory.Book{{Name: "people", Filter: "(companyName=Contoso)"}, {Name: "suppliers", Filter: "(companyName=Fabrikam)"}, {Name: "board", Filter: "(uid=*)"}},
		Plan:  plan(tb),
	}, "e", 0, slices.Values([]index.Stored(nil)), slices.Values([]index.Mark(nil)))
	if err != nil {
		tb.Fatal(err)
	}
	var put []index.Stored
	for _, c := range []directory.Contact{
		{
			ID: "c-anna", DisplayName: "Anna Müller", Company: "Contoso", Department: "Vertrieb Süd", Photo: "f0f0",
			Phones: append(work("+493012345678"), directory.Phone{Kind: directory.PhoneMobile, Written: "0171 1234567", E164: "+491711234567"},
				directory.Phone{Kind: directory.PhoneOther, Written: "03012345678"}), // what the device gets for the first
		},
		{ID: "c-baerbel", DisplayName: "Bärbel Größe", Company: "Contoso", Phones: work("+4930123450")},
		{ID: "c-carl", DisplayName: `Carl "CC" <C&C>`, Company: "Contoso", Photo: "gone", Phones: work("+4930123450")},
		{ID: "c-ivan", DisplayName: "Иван Петров", Company: "Fabrikam", Phones: work("+43151234567")},
		{ID: "c-karen", DisplayName: "Adler, Karen", GivenName: "Karen", Surname: "Adler", Company: "Contoso", Department: "Kasse, Tresor", Phones: work("+4930999998")},
		{ID: "c-boss", DisplayName: "Boss", Phones: work("+4930999999")},
	} {
		put = append(put, index.Stored{Contact: &c})
	}
	x.Publish(x.Prepare(1, put, nil))
	x.SetLoaded()
	return mirror{x}
}

// A site is a handler on a socket.
type site struct {
	*httptest.Server
	tb   testing.TB
	gate *gate
	log  bytes.Buffer
}

func newSite(tb testing.TB, d lookup.Directory) *site {
	tb.Helper()
	s := &site{tb: tb, gate: &gate{device: pbx()}}
	s.Server = httptest.NewServer(lookup.New(lookup.Options{
		Directory: d, Auth: s.gate, Journal: s.gate, PublicURL: "https://contacts.contoso.com", Log: slog.New(slog.NewTextHandler(&s.log, nil)),
	}))
	tb.Cleanup(s.Close)
	return s
}

// do asks with the device's login; headers are "Name: value", and an empty
// Authorization takes the login away.
func (s *site) do(method, path string, headers ...string) (status int, header http.Header, body string) {
	s.tb.Helper()
	req, err := http.NewRequestWithContext(s.tb.Context(), method, s.URL+path, nil)
	if err != nil {
		s.tb.Fatal(err)
	}
	req.SetBasicAuth("pbx", "secret")
	req.Header.Set("User-Agent", "test")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if req.Header.Set(name, value); value == "" {
			req.Header.Del(name)
		}
	}
	resp, err := s.Client().Do(req)
	if err != nil {
		s.tb.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.tb.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}

func (s *site) get(path string) string {
	s.tb.Helper()
	status, _, body := s.do("GET", path)
	if status != http.StatusOK {
		s.tb.Errorf("GET %s: %d %s", path, status, body)
	}
	return body
}

// TestTranscripts replays what telephone systems send; see server/carddav's.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d transcripts, %v", len(files), err)
	}
	if *update && os.Getenv("CI") != "" {
		t.Fatal("-update is for people, who look at the difference")
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			s := newSite(t, people(t))
			var out []txtar.File
			for _, f := range archive.Files {
				if f.Name == "request" {
					out = append(out, f, txtar.File{Name: "response", Data: []byte(s.replay(string(f.Data)))})
				}
			}
			got := txtar.Format(&txtar.Archive{Comment: archive.Comment, Files: out})
			if *update {
				if err := os.WriteFile(name, got, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(string(txtar.Format(archive)), string(got)); d != "" {
				t.Errorf("(-file +answer)\n%s", d)
			}
		})
	}
}

func (s *site) replay(request string) string {
	s.tb.Helper()
	lines := strings.Split(strings.TrimSpace(request), "\n")
	method, path, _ := strings.Cut(lines[0], " ")
	status, header, body := s.do(method, path, lines[1:]...)
	var b strings.Builder
	fmt.Fprintln(&b, status)
	for _, k := range slices.Sorted(maps.Keys(header)) {
		if k != "Date" {
			fmt.Fprintf(&b, "%s: %s\n", k, strings.Join(header[k], ", "))
		}
	}
	fmt.Fprintf(&b, "\n%s", body)
	if body != "" && !strings.HasSuffix(body, "\n") {
		fmt.Fprint(&b, "(no newline)\n")
	}
	return b.String()
}

func TestEverySpelling(t *testing.T) {
	s := newSite(t, people(t))
	for _, number := range []string{
		"%2B493012345678", "+493012345678", "00493012345678", "03012345678", "030%20123%20456-78", "(030)12345678", "493012345678",
		"tel:+49-30-12345678", "sip:+493012345678@example.com", "%2B49%20(0)30%2012345678", "0171/1234567", "01711234567",
		"%20%2B493012345678%20", "sip%3A03012345678%40pbx%3Buser%3Dphone", "tel:+493012345678;phone-context=x",
	} {
		if got := s.get(lookup.Path + "?number=" + number); got != "Anna Müller" {
			t.Errorf("number=%s: %q", number, got)
		}
	}
	if s.gate.searches == 0 {
		t.Error("no search was noted")
	}
}

func TestNobody(t *testing.T) {
	s := newSite(t, people(t))
	for _, query := range []string{
		"number=", "number=anonymous", "number=Restricted", "number=%2B", "number=0", "number=%2B4930999999", "number=%00", "number=%ff%fe",
		"number=*", "number=(", "name=", "name=%20", "name=*", "name=xyz", "number=" + strings.Repeat("1", 256), "number=12345678&x=%zz",
	} {
		if got := s.get(lookup.Path + "?" + query); got != "" {
			t.Errorf("%s finds %q", query, got)
		}
	}
}

// What cannot be read is refused, and a refusal in plain text is no name.
func TestRefusals(t *testing.T) {
	for _, tt := range []struct {
		name, method, path string
		state              func(*site)
		status             int
	}{
		{"no parameter", "GET", "/lookup", nil, 400},
		{"another parameter", "GET", "/lookup?phone=1", nil, 400},
		{"both", "GET", "/lookup?number=1&name=a", nil, 400},
		{"not encoded", "GET", "/lookup?number=%zz", nil, 400},
		{"too long", "GET", "/lookup?number=" + strings.Repeat("1", 257), nil, 400},
		{"format", "GET", "/lookup?number=1&format=xml", nil, 400},
		{"below", "GET", "/lookup/", nil, 404},
		{"elsewhere", "GET", "/lookup/x?number=1", nil, 404},
		{"post", "POST", "/lookup?number=1", nil, 405},
		{"delete", "DELETE", "/lookup/photo/c-anna", nil, 405},
		{"options", "OPTIONS", "/lookup", nil, 405},
		{"wrong secret", "GET", "/lookup?number=1", func(s *site) { s.gate.err = directory.ErrCredential }, 401},
		{"throttled", "GET", "/lookup?number=1", func(s *site) { s.gate.err = &directory.ThrottledError{RetryAfter: 1500 * time.Millisecond} }, 429},
		{"a fault", "GET", "/lookup?number=1", func(s *site) { s.gate.err = errors.New("disk on fire") }, 500},
		{"no photo", "GET", "/lookup/photo/c-baerbel", nil, 404},
		{"photo gone", "GET", "/lookup/photo/c-carl", nil, 404},
		{"photo of another book", "GET", "/lookup/photo/c-boss", nil, 404},
		{"photo of nobody", "GET", "/lookup/photo/c-0", nil, 404},
		{"photo of nothing", "GET", "/lookup/photo/", nil, 404},
		{"photo elsewhere", "GET", "/lookup/photo/..%2f..%2fetc", nil, 404},
		{"photos are not for this device", "GET", "/lookup/photo/c-anna", func(s *site) { s.gate.device.Photos = directory.PhotoNone }, 404},
		{"photos of a drained device", "GET", "/lookup/photo/c-anna", func(s *site) { s.gate.device.State = directory.DeviceDraining }, 404},
	} {
		s := newSite(t, people(t))
		if tt.state != nil {
			tt.state(s)
		}
		status, header, body := s.do(tt.method, tt.path)
		if status != tt.status || body != "" {
			t.Errorf("%s: %d %q, want %d and nothing", tt.name, status, body, tt.status)
		}
		_, _, body = s.do(tt.method, tt.path, "Accept: application/json")
		var said struct{ Error string }
		if err := json.Unmarshal([]byte(body), &said); err != nil || said.Error == "" || strings.Contains(said.Error, "disk") {
			if tt.name != "format" { // of which the client's own word counts
				t.Errorf("%s as JSON: %q", tt.name, body)
			}
		}
		switch status {
		case http.StatusUnauthorized:
			if header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s: no challenge", tt.name)
			}
		case http.StatusMethodNotAllowed:
			if header.Get("Allow") != "GET, HEAD" {
				t.Errorf("%s: Allow %q", tt.name, header.Get("Allow"))
			}
		case http.StatusTooManyRequests:
			if header.Get("Retry-After") != "2" {
				t.Errorf("%s: Retry-After %q", tt.name, header.Get("Retry-After"))
			}
		}
		if s.gate.searches != 0 {
			t.Errorf("%s is noted as a search", tt.name)
		}
		s.Close()
		if out := s.log.String(); strings.Count(out, "msg=\"lookup request\"") != 2 || strings.Contains(out, "secret") || strings.Contains(out, "1711") {
			t.Errorf("%s: %s", tt.name, out)
		}
	}
}

// Until the mirror has been loaded nobody is told that nobody is there.
func TestNotLoaded(t *testing.T) {
	x, err := index.New(index.Options{Books: []directory.Book{{Name: "people"}}, Plan: plan(t)}, "e", 0,
		slices.Values([]index.Stored(nil)), slices.Values([]index.Mark(nil)))
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t, mirror{x})
	for _, path := range []string{"/lookup?number=1", "/lookup?name=a", "/lookup/photo/c-anna"} {
		if status, header, body := s.do("GET", path); status != 503 || header.Get("Retry-After") != "10" || body != "" {
			t.Errorf("%s: %d %v %q", path, status, header, body)
		}
	}
}

func TestDevices(t *testing.T) {
	s := newSite(t, people(t))
	s.gate.device.ASCII = true
	if got := s.get("/lookup?number=03012345678&format=lines"); got != "Anna Mueller\nContoso\nVertrieb Sued\nhttps://contacts.contoso.com/lookup/photo/c-anna\n" {
		t.Errorf("without fonts: %q", got)
	}
	if got := s.get("/lookup?name=petrov"); got != "Ivan Petrov" {
		t.Errorf("without fonts: %q", got)
	}
	s.gate.device = pbx()
	if got := s.get("/lookup?number=030999998"); got != "Adler, Karen" {
		t.Errorf("as written: %q", got)
	}
	s.gate.device.Names = directory.NamesPlain
	if got := s.get("/lookup?number=030999998&format=lines"); got != "Karen Adler\nContoso\nKasse, Tresor\n\n" {
		t.Errorf("plain: %q", got)
	}
	s.gate.device.Photos = directory.PhotoNone
	if got := s.get("/lookup?number=03012345678&format=json"); strings.Contains(got, "photo") {
		t.Errorf("without photos: %s", got)
	}
	s.gate.device.Books = []directory.BookName{"suppliers"}
	if got := s.get("/lookup?number=03012345678"); got != "" {
		t.Errorf("of another book: %q", got)
	}
	s.gate.device = pbx()
	s.gate.device.State = directory.DeviceDraining
	if got := s.get("/lookup?number=03012345678"); got != "" {
		t.Errorf("while it drains: %q", got)
	}
}

func TestPhoto(t *testing.T) {
	s := newSite(t, people(t))
	status, header, body := s.do("GET", "/lookup/photo/c-anna")
	if status != 200 || body != "JPEG of small" || header.Get("Content-Type") != "image/jpeg" {
		t.Errorf("%d %v %q", status, header, body)
	}
	if status, _, body := s.do("GET", "/lookup/photo/c-anna", "If-None-Match: "+header.Get("ETag")); status != 304 || body != "" {
		t.Errorf("again: %d %q", status, body)
	}
	s.gate.device.Photos = directory.PhotoLarge
	if status, _, body := s.do("GET", "/lookup/photo/c-anna", "If-None-Match: "+header.Get("ETag")); status != 200 || body != "JPEG of large" {
		t.Errorf("in another size: %d %q", status, body)
	}
}

// A number of many holders names a few.
func TestManyHolders(t *testing.T) {
	m := people(t)
	var put []index.Stored
	for i := range 50 {
		c := directory.Contact{ID: directory.ContactID(fmt.Sprint("x-", i)), DisplayName: fmt.Sprintf("Hotline %02d", i), Company: "Contoso", Phones: work("+498001234567")}
		put = append(put, index.Stored{Contact: &c})
	}
	m.Publish(m.Prepare(2, put, nil))
	s := newSite(t, m)
	var answer struct {
		Name     string
		Contacts []struct{ Name string }
		More     bool
	}
	if err := json.Unmarshal([]byte(s.get("/lookup?number=08001234567&format=json")), &answer); err != nil {
		t.Fatal(err)
	}
	if len(answer.Contacts) != 20 || !answer.More || answer.Name != "Hotline 00" || answer.Contacts[19].Name != "Hotline 19" {
		t.Errorf("%+v", answer)
	}
}

// Of many who are called alike the best are named, and first of all who is called
// just so.
func TestBestNames(t *testing.T) {
	m := people(t)
	var put []index.Stored
	add := func(id, given, surname string) {
		c := directory.Contact{ID: directory.ContactID(id), DisplayName: given + " " + surname, GivenName: given, Surname: surname, Company: "Contoso"}
		put = append(put, index.Stored{Contact: &c})
	}
	for i := range 30 {
		add(fmt.Sprint("x-", i), fmt.Sprintf("A%02d-Li", i), "Adler")
	}
	add("z-li", "Zoe", "Li")
	add("z-lindner", "Zoe", "Lindner")
	m.Publish(m.Prepare(2, put, nil))
	var answer struct {
		Contacts []struct{ Name string }
		More     bool
	}
	if err := json.Unmarshal([]byte(newSite(t, m).get("/lookup?name=li&format=json")), &answer); err != nil {
		t.Fatal(err)
	}
	if c := answer.Contacts; len(c) != 20 || !answer.More || c[0].Name != "Zoe Li" {
		t.Errorf("%+v", answer)
	}
}

func FuzzLookup(f *testing.F) {
	seeds := []string{
		"number=%2B493012345678", "number=+49 30", "name=Anna", "format=json", "number=%zz&number=1", "name=%00%ff&format=lines",
		"number=sip:x@y;z=1", "&&==&", strings.Repeat("number=1&", 100), "number=" + strings.Repeat("9", 300),
	}
	for _, s := range seeds {
		f.Add(s, "application/json")
		f.Add(s, "*/*;q=0.1, text/plain")
	}
	h := lookup.New(lookup.Options{Directory: people(f), Auth: &gate{device: pbx()}, Journal: &gate{}})
	f.Fuzz(func(t *testing.T, query, accept string) {
		r := httptest.NewRequest(http.MethodGet, "/lookup", nil)
		r.URL.RawQuery = query
		r.Header.Set("Accept", accept)
		r.SetBasicAuth("pbx", "secret")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		switch w.Code {
		case 200, 400:
		default:
			t.Errorf("%q: %d", query, w.Code)
		}
		if w.Header().Get("Content-Type") == "application/json" && !json.Valid(w.Body.Bytes()) {
			t.Errorf("%q: %q", query, w.Body)
		}
		if bytes.Contains(w.Body.Bytes(), []byte("Boss")) {
			t.Errorf("%q: %q", query, w.Body)
		}
	})
}

func BenchmarkLookup(b *testing.B) {
	h := lookup.New(lookup.Options{Directory: people(b), Auth: &gate{device: pbx()}, Journal: &gate{}})
	r := httptest.NewRequest(http.MethodGet, "/lookup?number=03012345678", nil)
	r.SetBasicAuth("pbx", "secret")
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Body.Len() == 0 {
			b.Fatal(w.Code)
		}
	}
}

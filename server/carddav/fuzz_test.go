package carddav

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"ringbook/directory"
	"ringbook/directory/index"
	"ringbook/directory/number"
)

// The fuzz targets look inside: what an attacker can reach is small functions.

// oneDevice lets everybody in as the same device, and has no photos.
type oneDevice struct{ *index.Index }

func (o oneDevice) Authenticate(context.Context, netip.Addr, string, string) (directory.Device, error) {
	return o.Current("d")
}

func (oneDevice) Current(id directory.DeviceID) (directory.Device, error) {
	return directory.Device{ID: id, Login: "phone", Books: []directory.BookName{"people"}, State: directory.DeviceActive}, nil
}

func (oneDevice) Attach(directory.DeviceID, func()) (func(), error) { return func() {}, nil }

func (oneDevice) Photo(context.Context, directory.PhotoID, directory.PhotoSize) ([]byte, error) {
	return nil, directory.ErrNotFound
}

func fuzzHandler(tb testing.TB) (*Handler, *index.Index) {
	tb.Helper()
	p, err := number.NewPlan("DE")
	if err != nil {
		tb.Fatal(err)
	}
	contacts := []index.Stored{
		{Contact: &directory.Contact{ID: "c-1", DisplayName: "Ada & <Co>", Emails: []string{"ada@contoso.com"}}},
		{Contact: &directory.Contact{ID: "c-2", DisplayName: "Bärbel", Photo: "lost"}},
	}
	marks := []index.Mark{{Book: "people", ID: "c-1", Revision: 1}, {Book: "people", ID: "c-2", Revision: 2}, {Book: "people", ID: "c-3", Revision: 3, Gone: true}}
	x, err := index.New(index.Options{Books: []directory.Book{{Name: "people", Title: "People"}}, Plan: p}, "0123456789abcdef", 3,
		slices.Values(contacts), slices.Values(marks))
	if err != nil {
		tb.Fatal(err)
	}
	x.SetLoaded()
	return New(Options{Directory: oneDevice{x}, Auth: oneDevice{x}, Log: slog.New(slog.DiscardHandler)}), x
}

// minSeeds is how many requests the transcripts have at least.
const minSeeds = 60

// seeds hands every request of the transcripts to add: its headers are lines
// "Name: value".
func seeds(tb testing.TB, add func(method, path, headers, body string)) {
	tb.Helper()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		tb.Fatal(err)
	}
	n := 0
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			tb.Fatal(err)
		}
		for _, f := range txtar.Parse(b).Files {
			head, body, _ := strings.Cut(string(f.Data), "\n\n")
			method, rest, _ := strings.Cut(head, " ")
			path, headers, _ := strings.Cut(rest, "\n")
			if f.Name == "request" {
				n++
				add(method, path, headers, body)
			}
		}
	}
	if n < minSeeds {
		tb.Fatalf("%d requests in the transcripts", n)
	}
}

// FuzzRequest: whatever the headers and the body, the answer is a status of ours,
// never 500, and if it is XML it is well-formed.
func FuzzRequest(f *testing.F) {
	seeds(f, func(method, path, headers, body string) { f.Add(method, path, headers, body) })
	f.Add("GET", "/dav/ab/phone/people/c-1.vcf", "If-Match: \"x\"\nIf-None-Match: W/\"y\", *\nRange: bytes=0-", "")
	f.Add("MOVE", "/dav/ab/phone/people/c-1.vcf", "Destination: http://[::1/%zz\nOverwrite: F\nDepth: 7", "")
	f.Add("PROPFIND", "/dav/ab/phone/people/", "Prefer: a;b=\"c,d\", return\nBrief: T\nDepth: 1,noroot\nAccept-Encoding: *;q=x\nContent-Type: a/b; charset=\"", "<a/>")
	h, _ := fuzzHandler(f)
	f.Fuzz(func(t *testing.T, method, path, headers, body string) {
		req, err := http.NewRequestWithContext(t.Context(), method, "http://x/", strings.NewReader(body))
		if err != nil {
			return // net/http would not have let it in either
		}
		req.URL.Path = path
		for line := range strings.Lines(headers) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
			req.Header.Add(name, strings.TrimSpace(value))
		}
		req.SetBasicAuth("phone", "x")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		switch w.Code {
		case 200, 207, 301, 304, 400, 403, 404, 405, 412, 413, 415:
		default:
			t.Errorf("status %d", w.Code)
		}
		if strings.HasPrefix(w.Header().Get("Content-Type"), "application/xml") {
			wellFormed(t, unzipped(t, w))
		}
	})
}

func unzipped(t *testing.T, w *httptest.ResponseRecorder) []byte {
	t.Helper()
	if w.Header().Get("Content-Encoding") == "" {
		return w.Body.Bytes()
	}
	zr, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(zr)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func wellFormed(t *testing.T, b []byte) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(b))
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("%v in %s", err, b)
		}
	}
}

// FuzzToken: what is taken for ours is exactly what we write.
func FuzzToken(f *testing.F) {
	f.Add("https://ringbook.invalid/sync/0123456789abcdef/7/0123456789ab")
	f.Add("https://ringbook.invalid/sync/0123456789abcdef/7.c-1/0123456789ab")
	f.Add("https://ringbook.invalid/sync/0123456789abcdef/007/0123456789ab")
	f.Add("https://ringbook.invalid/sync/0123456789abcdef/7.c-1/0123456789ab~12")
	f.Add("https://ringbook.invalid/sync/0123456789abcdef/7/0123456789ab~0")
	f.Add("6E1D5A2C-0000-4000-8000-000000000000")
	f.Fuzz(func(t *testing.T, s string) {
		if tok, ok := parseToken(s); ok && tok.String() != s {
			t.Errorf("%q is read as %q", s, tok.String())
		}
	})
}

// FuzzHref: an href finds a member of the device's own books or nothing.
func FuzzHref(f *testing.F) {
	f.Add("/dav/ab/phone/people/c-1.vcf")
	f.Add("https://host:8443/dav/ab/phone/people/%63-1.vcf")
	f.Add("/dav/ab/phone/people/../people/c-1.vcf")
	f.Add("/dav/ab/phone/people/%2563-1.vcf")
	f.Add("//host/dav/ab/phone/people/c-1.vcf")
	f.Add("http://phone:secret@host/dav/ab/phone/people/c-1.vcf;x?y#z")
	f.Add("/dav/ab/phone%2Fpeople/c-1.vcf")
	_, x := fuzzHandler(f)
	tr := tree{login: "phone", books: x.View().Shelf([]directory.BookName{"people"}, false)}
	f.Fuzz(func(t *testing.T, s string) {
		r, ok := tr.card(s)
		if !ok {
			return
		}
		if r.kind != kindCard || r.book.Entry(r.entry.Contact().ID) != r.entry {
			t.Errorf("%q finds %+v", s, r)
		}
		if again, ok := tr.card(tr.href(r)); !ok || again.entry != r.entry {
			t.Errorf("%q has an href that does not find it", s)
		}
	})
}

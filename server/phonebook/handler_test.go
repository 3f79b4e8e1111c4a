package phonebook_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"ringbook/directory"
	"ringbook/directory/text"
	"ringbook/server/phonebook"
)

// TestRefusals: what is not answered, and how a phone is told.
func TestRefusals(t *testing.T) {
	loaded, empty := twoBooks(t), newShelf(t, directory.Book{Name: "people", Title: "Contoso"})
	for _, tc := range []struct {
		name, path string
		shelf      *shelf
		throttled  bool
		change     func(*http.Request)
		status     int
		header     string // "Name: value"
	}{
		{name: "no login", path: "yealink.xml", change: func(r *http.Request) { r.Header.Del("Authorization") }, status: 401, header: `WWW-Authenticate: Basic realm="Ringbook", charset="UTF-8"`},
		{name: "wrong secret", path: "yealink.xml", change: func(r *http.Request) { r.SetBasicAuth("desk", "Secret") }, status: 401},
		{name: "not Basic", path: "yealink.xml", change: func(r *http.Request) { r.Header.Set("Authorization", "Bearer secret") }, status: 401},
		{name: "throttled", path: "yealink.xml", throttled: true, status: 429, header: "Retry-After: 2"},
		{name: "not loaded", path: "yealink.xml", shelf: empty, status: 503, header: "Retry-After: 10"},
		{name: "no such form", path: "siemens.xml", status: 404},
		{name: "no form", path: "", status: 404},
		{name: "below a form", path: "yealink.xml/x", status: 404},
		{name: "not below the root", path: "x", change: func(r *http.Request) { r.URL.Path = "/yealink.xml" }, status: 404},
		{name: "POST", path: "yealink.xml", change: func(r *http.Request) { r.Method = http.MethodPost }, status: 405, header: "Allow: GET, HEAD"},
		{name: "PUT", path: "snom-tbook.xml", change: func(r *http.Request) { r.Method = http.MethodPut }, status: 405, header: "Allow: GET, HEAD, POST"},
		{name: "a long search", path: "yealink.xml?q=" + strings.Repeat("x", 101), status: 414},
		{name: "a long page", path: "cisco.xml?after=" + strings.Repeat("x", 201), status: 414},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := loaded
			if tc.shelf != nil {
				s = tc.shelf
			}
			r := newRig(t, s)
			r.devices.throttled = tc.throttled
			w := r.ask(tc.path, tc.change)
			if w.Code != tc.status {
				t.Errorf("status %d: %s", w.Code, w.Body)
			}
			if name, want, _ := strings.Cut(tc.header, ": "); tc.header != "" && w.Header().Get(name) != want {
				t.Errorf("%s: %q", name, w.Header().Get(name))
			}
			if strings.Contains(w.Body.String(), "<") || w.Header().Get("ETag") != "" {
				t.Errorf("%v %s", w.Header(), w.Body)
			}
			if strings.Count(r.log.String(), "phone book request") != 1 || strings.Contains(r.log.String(), "secret") {
				t.Errorf("log: %s", r.log)
			}
			if got := r.journal.Of("desk"); !got.LastSeen.IsZero() {
				t.Errorf("journal: %+v", got)
			}
		})
	}
}

// TestEveryPath: what kits name is there, by each method that its phones use.
func TestEveryPath(t *testing.T) {
	r := newRig(t, twoBooks(t))
	for _, path := range append([]string{"grandstream/phonebook.xml", "grandstream/gs_phonebook.xml"}, formNames...) {
		body := r.get(path)
		head := r.ask(path, func(r *http.Request) { r.Method = http.MethodHead })
		if head.Code != http.StatusOK || head.Body.Len() != 0 || head.Header().Get("Content-Length") == "0" {
			t.Errorf("HEAD of %s: %d %v, %d bytes", path, head.Code, head.Header(), head.Body.Len())
		}
		if again := r.get(path + "?mac=00:15:65:aa:bb:cc&model=T46U"); again != body { // what phones add
			t.Errorf("%s: other with parameters of the phone's own", path)
		}
	}
	post := r.ask("snom-tbook.xml", func(r *http.Request) {
		r.Method = http.MethodPost
		r.Header.Set("If-None-Match", "*") // 304 is for GET and HEAD (RFC 9110 §13.1.2)
	})
	if post.Code != http.StatusOK || post.Body.Len() == 0 {
		t.Errorf("POST: %d, %d bytes", post.Code, post.Body.Len())
	}
}

// TestTag: a phone that knows the document is told so, until one of the things
// that decide it changes.
func TestTag(t *testing.T) {
	s := twoBooks(t)
	r := newRig(t, s)
	tag := func(path string) string { return r.ask(path, nil).Header().Get("ETag") }
	ask := func(known string) *httptest.ResponseRecorder {
		return r.ask("yealink.xml", func(r *http.Request) { r.Header.Set("If-None-Match", known) })
	}
	first := tag("yealink.xml")
	for _, known := range []string{first, "W/" + first, `"x", ` + first, "*"} {
		if w := ask(known); w.Code != http.StatusNotModified || w.Body.Len() != 0 || w.Header().Get("ETag") != first {
			t.Errorf("%s: %d, %d bytes, %v", known, w.Code, w.Body.Len(), w.Header())
		}
	}
	for _, known := range []string{"", `"x"`, "W/", strings.Trim(first, `"`)} {
		if w := ask(known); w.Code != http.StatusOK {
			t.Errorf("%q: %d", known, w.Code)
		}
	}
	seen := map[string]string{first: "the first"}
	moved := func(what, tag string) {
		t.Helper()
		if other, known := seen[tag]; known {
			t.Errorf("%s has the tag of %s", what, other)
		}
		seen[tag] = what
	}
	for _, name := range formNames[1:] {
		moved(name, tag(name))
	}
	moved("?q=", tag("yealink.xml?q=zoe"))
	moved("another ?q=", tag("yealink.xml?q=zoé"))
	moved("a caller", tag("cisco.xml?n=4711"))
	moved("no caller", tag("cisco.xml?n="))
	moved("a search form", tag("cisco.xml?input=1"))
	moved("another page", tag("cisco.xml?after=c-4&order="+(*text.Collation)(nil).Digest()))
	for what, change := range map[string]func(*directory.Device){
		"national numbers": func(d *directory.Device) { d.Numbers = directory.NumbersNational },
		"plain names":      func(d *directory.Device) { d.Names = directory.NamesPlain },
		"ASCII":            func(d *directory.Device) { d.ASCII = true },
		"one book":         func(d *directory.Device) { d.Books = d.Books[:1] },
		"the other order":  func(d *directory.Device) { d.Books = []directory.BookName{"vips", "people"} },
		"draining":         func(d *directory.Device) { d.State = directory.DeviceDraining },
	} {
		d := desk()
		d.Books = []directory.BookName{"people", "vips"}
		change(&d)
		r.devices.set(d)
		moved(what, tag("yealink.xml"))
	}
	r.devices.set(desk())
	s.apply(nil, "c-4")
	moved("a revision", tag("yealink.xml"))
}

// A device with plain names reads them in every form.
func TestPlainNames(t *testing.T) {
	s := newShelf(t, directory.Book{Name: "people", Title: "Contoso"})
	s.apply([]directory.Contact{
		{ID: "c-1", Source: directory.SourceUser, DisplayName: "Adler, Karen", GivenName: "Karen", Surname: "Adler", Phones: []directory.Phone{{Kind: directory.PhoneWork, Written: "+49301234567", E164: "+49301234567"}}},
		{ID: "c-2", Source: directory.SourceUser, DisplayName: "Lager, Süd", Phones: []directory.Phone{{Kind: directory.PhoneWork, Written: "+49301234568", E164: "+49301234568"}}},
	})
	s.SetLoaded()
	plain := desk()
	plain.Books, plain.Names = plain.Books[:1], directory.NamesPlain
	for _, name := range formNames {
		if got := newRig(t, s, plain).get(name); strings.Contains(got, ", ") || !strings.Contains(got, "Lager Süd") || !strings.Contains(got, "Karen") {
			t.Errorf("%s: %s", name, got)
		}
	}
	if got := newRig(t, s, plain).get("yealink.xml"); !strings.Contains(got, "Karen Adler") {
		t.Error(got)
	}
}

// TestInURL: phones that know no other place for credentials put them in the
// address, which their HTTP libraries send as Basic.
func TestInURL(t *testing.T) {
	server := httptest.NewServer(newRig(t, twoBooks(t)))
	defer server.Close()
	res, err := http.Get(strings.Replace(server.URL, "://", "://desk:secret@", 1) + phonebook.Root + "yealink.xml")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK || len(res.TransferEncoding) != 0 || res.ContentLength <= 0 {
		t.Errorf("%d %v %d", res.StatusCode, res.TransferEncoding, res.ContentLength)
	}
}

// TestJournal: what a phone has fetched is known to the operator, and a draining
// phone that shows that it is empty is known to be.
func TestJournal(t *testing.T) {
	r := newRig(t, twoBooks(t))
	agent := func(r *http.Request) { r.Header.Set("User-Agent", "Yealink SIP-T46U") }
	r.ask("yealink.xml", func(r *http.Request) { r.Method = http.MethodHead })
	r.ask("cisco.xml?input=1", nil)
	if got := r.journal.Of("desk"); !got.LastSeen.IsZero() {
		t.Errorf("it has seen nobody: %+v", got)
	}
	r.ask("yealink.xml?q=zoe", agent)
	r.ask("cisco.xml", agent)
	if got := r.journal.Of("desk"); got.Searches != 2 || len(got.Books) != 0 {
		t.Errorf("a search and a page: %+v", got)
	}
	tag := r.ask("yealink.xml", agent).Header().Get("ETag")
	got := r.journal.Of("desk")
	if b := got.Books["people"]; got.UserAgent != "Yealink SIP-T46U" || got.Step != directory.StepSync || b.Told != 3 || b.Cards != 3 || b.Revision != 1 {
		t.Errorf("%+v", got)
	}
	if b := got.Books["vips"]; b.Synced.IsZero() || b.Told != 0 { // the CEO is in people already
		t.Errorf("vips: %+v", b)
	}
	r.ask("yealink.xml", func(r *http.Request) { r.Header.Set("If-None-Match", tag) })
	if b := r.journal.Of("desk").Books["people"]; b.Cards != 3 || b.Told != 3 || !b.Emptied.IsZero() {
		t.Errorf("after 304: %+v", b)
	}
	d := desk()
	d.Books = d.Books[:1] // vips is dropped with the next document
	r.devices.set(d)
	tag = r.ask("yealink.xml", agent).Header().Get("ETag")
	r.ask("yealink.xml", func(r *http.Request) { r.Header.Set("If-None-Match", tag) })
	if got := r.journal.Of("desk"); got.Books["vips"].Confirmed.IsZero() || !got.Books["people"].Emptied.IsZero() {
		t.Errorf("a book less: %+v", got.Books)
	}
	d.State = directory.DeviceDraining
	r.devices.set(d)
	tag = r.ask("yealink.xml", agent).Header().Get("ETag")
	if b := r.journal.Of("desk").Books["people"]; b.Emptied.IsZero() || !b.Confirmed.IsZero() {
		t.Errorf("emptied: %+v", b)
	}
	r.ask("yealink.xml", func(r *http.Request) { r.Header.Set("If-None-Match", tag) })
	if b := r.journal.Of("desk").Books["people"]; b.Confirmed.IsZero() {
		t.Errorf("confirmed: %+v", b)
	}
}

// A stalling writer revokes the device while its document is on the way.
type stalling struct {
	*httptest.ResponseRecorder
	then func()
}

func (s *stalling) Write(p []byte) (int, error) {
	defer s.then()
	return s.ResponseRecorder.Write(p)
}

// TestRevoked: a document on its way to a device that is revoked is broken off,
// and the connection with it.
func TestRevoked(t *testing.T) {
	r := newRig(t, many(t, 2000))
	whole := r.ask("yealink.xml", nil)
	req := httptest.NewRequest(http.MethodGet, phonebook.Root+"yealink.xml", nil)
	req.SetBasicAuth("desk", "secret")
	w := &stalling{httptest.NewRecorder(), func() { r.devices.revoke("desk") }}
	func() {
		defer func() {
			if got, _ := recover().(error); !errors.Is(got, http.ErrAbortHandler) {
				t.Errorf("ended with %v", got)
			}
		}()
		r.ServeHTTP(w, req)
	}()
	if w.Body.Len() == 0 || w.Body.Len() >= whole.Body.Len()/2 {
		t.Errorf("%d of %d bytes", w.Body.Len(), whole.Body.Len())
	}
	if !strings.Contains(r.log.String(), "cut=true") {
		t.Errorf("log: %s", r.log)
	}
	if got := r.ask("yealink.xml", nil).Code; got != http.StatusUnauthorized {
		t.Errorf("afterwards: %d", got)
	}
}

// A waiting writer says that it was written to, and holds the document up.
type waiting struct {
	*httptest.ResponseRecorder
	begun, release chan struct{}
}

func (w *waiting) Write(p []byte) (int, error) {
	w.begun <- struct{}{}
	<-w.release
	return w.ResponseRecorder.Write(p)
}

// TestBusy: a device has two documents on the way and no more; knowing what it
// has already costs no place.
func TestBusy(t *testing.T) {
	r := newRig(t, twoBooks(t))
	tag := r.ask("yealink.xml", nil).Header().Get("ETag")
	slow := &waiting{httptest.NewRecorder(), make(chan struct{}), make(chan struct{})}
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			req := httptest.NewRequest(http.MethodGet, phonebook.Root+"yealink.xml", nil)
			req.SetBasicAuth("desk", "secret")
			w := *slow
			w.ResponseRecorder = httptest.NewRecorder()
			r.ServeHTTP(&w, req)
			if w.Code != http.StatusOK || w.Body.Len() == 0 {
				t.Errorf("%d, %d bytes", w.Code, w.Body.Len())
			}
		})
		<-slow.begun
	}
	if w := r.ask("yealink.xml", nil); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || w.Header().Get("ETag") != "" {
		t.Errorf("the third: %d %v", w.Code, w.Header())
	}
	if w := r.ask("yealink.xml", func(r *http.Request) { r.Header.Set("If-None-Match", tag) }); w.Code != http.StatusNotModified {
		t.Errorf("the third, which knows it: %d", w.Code)
	}
	close(slow.release)
	both.Wait()
	r.get("yealink.xml")
}

// TestFault: a fault of ours costs one answer, not its place at the gate.
func TestFault(t *testing.T) {
	r := newRig(t, twoBooks(t))
	for range 5 { // more than a device's places
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no fault")
				}
			}()
			req := httptest.NewRequest(http.MethodGet, phonebook.Root+"yealink.xml", nil)
			req.SetBasicAuth("desk", "secret")
			r.ServeHTTP(&stalling{httptest.NewRecorder(), func() { panic("a fault") }}, req)
		}()
	}
	r.get("yealink.xml")
}

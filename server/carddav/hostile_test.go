package carddav_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ringbook/directory"
	"ringbook/server/carddav"
)

func TestHostileBodies(t *testing.T) {
	s := newSite(t, people(t))
	lol := `<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">]><propfind xmlns="DAV:"><prop><a>&lol2;</a></prop></propfind>`
	for name, c := range map[string]struct {
		body string
		want int
	}{
		"billion laughs":        {lol, 400},
		"external entity":       {`<!DOCTYPE x SYSTEM "file:///etc/passwd"><propfind xmlns="DAV:"><prop>&x;</prop></propfind>`, 400},
		"100k nesting":          {strings.Repeat("<a>", 100_000), 400},
		"nesting in a prop":     {propfind(strings.Repeat("<a>", 40) + strings.Repeat("</a>", 40)), 400},
		"9 MB":                  {propfind("<a/>" + strings.Repeat(strings.Repeat(" ", 60<<10)+"<!-- -->", 155)), 413},
		"one tag of 1 MB":       {propfind("<a " + strings.Repeat(`b="" `, 200_000) + "/>"), 413},
		"one text of 1 MB":      {multiget("<getetag/>", strings.Repeat("x", 1<<20)), 413},
		"65 properties":         {propfind(strings.Repeat("<a/>", 65)), 413},
		"100 namespaces":        {propfind(manyNamespaces(100)), 413},
		"cut off":               {`<propfind xmlns="DAV:"><prop>`, 400},
		"cut in a tag":          {`<propfind xmlns="DA`, 400},
		"not XML":               {"hello", 400},
		"two documents":         {propfind("<a/>") + propfind("<a/>"), 400},
		"other root":            {`<propertyupdate xmlns="DAV:"/>`, 400},
		"nothing asked":         {`<propfind xmlns="DAV:"/>`, 400},
		"undeclared prefix":     {`<D:propfind><D:prop/></D:propfind>`, 400},
		"prefix of nothing":     {`<propfind xmlns="DAV:"><prop><b:a xmlns:b=""/></prop></propfind>`, 400},
		"Latin-1":               {`<?xml version="1.0" encoding="ISO-8859-1"?>` + propfind("<a/>"), 415},
		"not UTF-8":             {propfind("<a/>\xff"), 400},
		"UTF-16":                {"\xff\xfe<\x00a\x00", 400},
		"NUL":                   {propfind("<a/>\x00"), 400},
		"byte order mark":       {"\ufeff" + propfind("<getetag/>"), 207},
		"us-ascii":              {`<?xml version="1.0" encoding="us-ascii"?>` + propfind("<a/>"), 207},
		"a property of no name": {`<D:propfind xmlns:D="DAV:"><D:prop><a/></D:prop></D:propfind>`, 207},
	} {
		r := s.do("PROPFIND", bookHref, c.body, "Depth: 0")
		if strings.Contains(name, "1 MB") && name != "one tag of 1 MB" {
			r = s.do("REPORT", bookHref, c.body)
		}
		if r.status != c.want {
			t.Errorf("%s: %d, want %d: %.200s", name, r.status, c.want, r.body)
		}
	}
	for header, want := range map[string]int{
		"Content-Encoding: gzip": 415, "Content-Encoding: identity": 207, "Content-Type: text/xml; charset=utf-16": 415,
		"Content-Type: text/xml; charset=\"UTF-8\"": 207, "Content-Type: ;;;charset": 207, "Content-Type: image/png": 207,
		"Accept-Encoding: ;;,,gzip;q=": 207, "Depth: 0, 1": 400, "Prefer: ,,;=": 207, "If-None-Match: ,\"": 207,
		"X-Long: " + strings.Repeat("x", 500_000): 207,
	} {
		if r := s.do("PROPFIND", bookHref, propfind("<getetag/>"), "Depth: 0", header); r.status != want {
			t.Errorf("%.60s: %d, want %d", header, r.status, want)
		}
	}
	if r := s.do("REPORT", bookHref, `<expand-property xmlns="DAV:"><property name="a b=&quot;/&gt;"/></expand-property>`); r.status != 400 {
		t.Errorf("a name that is none: %d %s", r.status, r.body)
	}
	if r := s.do("REPORT", bookHref, ""); r.status != 400 {
		t.Errorf("report without a body: %d", r.status)
	}
	if r := s.do("PROPPATCH", bookHref, "junk"); r.status != 400 {
		t.Errorf("proppatch of junk: %d", r.status)
	}
}

// Of a refused write no more is read than lets a usual client see the answer.
func TestRefusedWritesAreReadSoFar(t *testing.T) {
	h := newBench(t, people(t))
	for _, method := range []string{"PUT", "POST", "COPY"} {
		body := strings.NewReader(strings.Repeat("x", 5<<20))
		r := httptest.NewRequestWithContext(t.Context(), method, bookHref+"c-1.vcf", body)
		r.SetBasicAuth("phone", "secret")
		w := &drain{header: make(http.Header)}
		h.ServeHTTP(w, r)
		if read := 5<<20 - body.Len(); w.status != http.StatusForbidden || read > 1<<20 {
			t.Errorf("%s: %d after %d octets", method, w.status, read)
		}
	}
}

func manyNamespaces(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `<x xmlns="u:%d"/>`, i%60)
		if i >= 60 {
			fmt.Fprintf(&b, `<!-- --><y:y xmlns:y="v:%d"/>`, i)
		}
	}
	return b.String()
}

// A body that is huge, deep or full of attributes costs next to nothing.
func TestHostileBodiesDoNotBloat(t *testing.T) {
	s := newSite(t, people(t))
	for _, body := range []string{
		strings.Repeat("<a>", 2_000_000),
		"<a " + strings.Repeat(`b="" `, 1_500_000) + "/>",
		`<propfind xmlns="DAV:"><prop>` + strings.Repeat(`<a b="" c=""/>`, 500_000),
	} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		s.do("PROPFIND", bookHref, body, "Depth: 0")
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 4<<20 {
			t.Errorf("%.20s…: %d KB allocated", body, grown>>10)
		}
	}
}

// A listing of a longer book takes no more memory.
func TestMemoryDoesNotGrowWithTheBook(t *testing.T) {
	for _, request := range []struct{ method, body string }{
		{"PROPFIND", propfind("<getetag/><getcontenttype/>")},
		{"REPORT", syncReport("", "<getetag/><c:address-data/>", "")},
		{"REPORT", bookQuery("<c:filter/>", "")},
	} {
		var cost [2]uint64
		for i, n := range []int{1000, 20_000} {
			h := newBench(t, many(t, n, 0))
			for range 2 { // the first time fills the caches
				r := httptest.NewRequestWithContext(t.Context(), request.method, bookHref, strings.NewReader(request.body))
				r.SetBasicAuth("phone", "secret")
				r.Header.Set("Depth", "1")
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				h.ServeHTTP(&drain{header: make(http.Header)}, r)
				runtime.ReadMemStats(&after)
				cost[i] = after.TotalAlloc - before.TotalAlloc
			}
		}
		if cost[1] > cost[0]+(256<<10) {
			t.Errorf("%s %.60s: %d KB for 1,000 people, %d KB for 20,000", request.method, request.body, cost[0]>>10, cost[1]>>10)
		}
	}
}

// inBubble runs a server on pipes, so that time is that of the test, sends it
// request, and hands the connection to do.
func inBubble(t *testing.T, s *shelf, request string, do func(c net.Conn, log *logBuffer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		log := &logBuffer{}
		l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
		server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: carddav.New(carddav.Options{
			Directory: s, Auth: newGatekeeper(phone()), Log: slog.New(slog.NewTextHandler(log, nil)),
		})}
		done := make(chan error)
		go func() { done <- server.Serve(l) }()
		c, peer := net.Pipe()
		l.conns <- peer
		if _, err := io.WriteString(c, request); err != nil {
			t.Error(err)
		}
		do(c, log)
		c.Close()
		server.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
}

type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

func head(method string, length int) string {
	return fmt.Sprintf("%s %s HTTP/1.1\r\nHost: x\r\nDepth: 1\r\nAuthorization: %s\r\nContent-Length: %d\r\n\r\n", method, bookHref, basic("phone"), length)
}

// A client that sends a body a byte at a time is not waited for.
func TestSlowBody(t *testing.T) {
	for method, want := range map[string]int{"PROPFIND": 408, "REPORT": 408, "PROPPATCH": 408, "PUT": 403, "OPTIONS": 200, "BREW": 405} {
		inBubble(t, people(t), head(method, 1000), func(c net.Conn, _ *logBuffer) {
			begun := time.Now()
			stop := make(chan struct{})
			var dripping sync.WaitGroup
			dripping.Go(func() {
				for {
					select {
					case <-stop:
						return
					case <-time.After(time.Second):
						if _, err := io.WriteString(c, " "); err != nil {
							return
						}
					}
				}
			})
			resp, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method}) //nolint:bodyclose // closed with c
			close(stop)
			c.Close()
			dripping.Wait()
			if err != nil || resp.StatusCode != want {
				t.Errorf("%s: %v %v", method, resp, err)
			}
			if d := time.Since(begun); d > 20*time.Second {
				t.Errorf("%s: answered after %v", method, d)
			}
		})
	}
}

// A client that does not read its answer is not waited for either.
func TestSlowReader(t *testing.T) {
	body := propfind("<getetag/>")
	inBubble(t, many(t, 2000, 0), head("PROPFIND", len(body))+body, func(c net.Conn, log *logBuffer) {
		begun := time.Now()
		for log.String() == "" && time.Since(begun) < 5*time.Minute {
			<-time.After(time.Second)
		}
		if d := time.Since(begun); d > 40*time.Second {
			t.Errorf("given up after %v", d)
		}
		if !strings.Contains(log.String(), "cut=true") {
			t.Error(log.String())
		}
	})
}

// A client that goes away in the middle of its request is no fault of ours.
func TestTruncatedBody(t *testing.T) {
	inBubble(t, people(t), head("PROPFIND", 1000)+"<propfind ", func(c net.Conn, log *logBuffer) {
		c.Close()
		synctest.Wait()
		if !strings.Contains(log.String(), "status=400") {
			t.Error(log.String())
		}
	})
	for _, chunks := range []string{"zz\r\n", "ffffffffffffffff\r\n", "5\r\n<a/>"} {
		request := strings.Replace(head("PROPFIND", 0), "Content-Length: 0", "Transfer-Encoding: chunked", 1)
		inBubble(t, people(t), request+chunks, func(c net.Conn, log *logBuffer) {
			go func() { _, _ = io.Copy(io.Discard, c) }()
			<-time.After(time.Minute)
			if !strings.Contains(log.String(), "status=40") {
				t.Errorf("%q: %s", chunks, log.String())
			}
		})
	}
}

// dial opens a connection and sends the head of a request.
func (s *site) dial(head string) (net.Conn, *bufio.Reader) {
	s.tb.Helper()
	var d net.Dialer
	c, err := d.DialContext(s.tb.Context(), "tcp", s.Listener.Addr().String())
	if err != nil {
		s.tb.Fatal(err)
	}
	s.tb.Cleanup(func() { c.Close() })
	if _, err := io.WriteString(c, head); err != nil {
		s.tb.Fatal(err)
	}
	return c, bufio.NewReader(c)
}

// A phone that is revoked in the middle of a long answer gets no more of it,
// even while the server waits for it to read.
func TestRevocationCutsAStream(t *testing.T) {
	s := newSite(t, many(t, 3000, 3000))
	body := syncReport("", "<getetag/><c:address-data/>", "")
	c, r := s.dial(fmt.Sprintf("REPORT %s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nContent-Length: %d\r\n\r\n%s", bookHref, basic("phone"), len(body), body))
	if err := c.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(r, &http.Request{Method: "REPORT"}) //nolint:bodyclose // closed with c
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(resp.Body, make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	// The server is writing now, and soon waits: nobody reads.
	s.keys.revoke("d1")
	begun := time.Now()
	rest, err := io.ReadAll(resp.Body)
	if err == nil || strings.HasSuffix(string(rest), "</d:multistatus>\n") {
		t.Errorf("the answer came whole after the revocation: %d bytes more", len(rest))
	}
	if d := time.Since(begun); d > time.Second {
		t.Errorf("cut after %v", d)
	}
	if r := s.do("PROPFIND", bookHref, "", "Depth: 0"); r.status != http.StatusUnauthorized {
		t.Errorf("next request: %d", r.status)
	}
	if n := len(s.keys.sessions["d1"]); n != 0 {
		t.Errorf("%d sessions still attached", n)
	}
}

// Nor does one that is drained in the middle of it, or given another secret.
func TestAChangedDeviceCutsAStream(t *testing.T) {
	for what, change := range map[string]func(*directory.Device){
		"drained": func(d *directory.Device) { d.State = directory.DeviceDraining },
		"rotated": func(d *directory.Device) { d.Rotated++ },
	} {
		t.Run(what, func(t *testing.T) {
			s := newSite(t, many(t, 3000, 3000))
			body := syncReport("", "<getetag/><c:address-data/>", "")
			c, r := s.dial(fmt.Sprintf("REPORT %s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nContent-Length: %d\r\n\r\n%s", bookHref, basic("phone"), len(body), body))
			if err := c.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
				t.Fatal(err)
			}
			resp, err := http.ReadResponse(r, &http.Request{Method: "REPORT"}) //nolint:bodyclose // closed with c
			if err != nil {
				t.Fatal(err)
			}
			d := phone()
			change(&d)
			s.keys.set(d)
			if rest, err := io.ReadAll(resp.Body); err == nil {
				t.Errorf("the answer came whole afterwards: %d bytes", len(rest))
			}
			if !strings.Contains(s.log.String(), "cut=true") {
				t.Error(s.log.String())
			}
		})
	}
}

// More long answers than one device may have at a time are put off, others are
// not touched, and the places come back.
func TestGate(t *testing.T) {
	s := newSite(t, many(t, 3000, 3000))
	body := syncReport("", "<getetag/><c:address-data/>", "")
	head := fmt.Sprintf("REPORT %s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nContent-Length: %d\r\n\r\n%s", bookHref, basic("phone"), len(body), body)
	var slow []net.Conn
	for range 8 {
		c, r := s.dial(head)
		if _, err := http.ReadResponse(r, &http.Request{Method: "REPORT"}); err != nil { //nolint:bodyclose // closed with c
			t.Fatal(err)
		}
		slow = append(slow, c)
	}
	r := s.do("REPORT", bookHref, body)
	if r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") == "" {
		t.Errorf("ninth long answer: %d", r.status)
	}
	if r := s.do("PROPFIND", bookHref, propfind("<sync-token/>"), "Depth: 0"); r.status != 207 {
		t.Errorf("a poll beside them: %d", r.status)
	}
	// What a long request has us keep counts as much as a long answer.
	text := "<c:prop-filter name=\"FN\"><c:text-match>" + strings.Repeat("x", 60_000) + "</c:text-match></c:prop-filter>"
	if r := s.do("REPORT", bookHref, bookQuery("<c:filter>"+text+text+"</c:filter>", "")); r.status != 207 {
		t.Errorf("a request of 120 KB beside them: %d", r.status)
	}
	if r := s.do("REPORT", bookHref, bookQuery("<c:filter>"+text+text+text+"</c:filter>", "")); r.status != http.StatusServiceUnavailable {
		t.Errorf("a request of 180 KB beside them: %d", r.status)
	}
	for _, c := range slow {
		c.Close()
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				r, err := s.try("REPORT", bookHref, strings.NewReader(body), "Accept-Encoding: identity")
				if err == nil && r.status == 207 {
					return
				}
				if t.Context().Err() != nil {
					return
				}
			}
		})
	}
	wg.Wait()
}

// Who sends one request after the other, and reads no answer, is not waited for,
// logged in or not.
func TestPipeliningWithoutReading(t *testing.T) {
	request := "GET /dav/ HTTP/1.1\r\nHost: x\r\n\r\n"
	inBubble(t, people(t), request, func(c net.Conn, _ *logBuffer) {
		begun := time.Now()
		if err := c.SetWriteDeadline(begun.Add(5 * time.Minute)); err != nil {
			t.Fatal(err)
		}
		for {
			if _, err := io.WriteString(c, request); err != nil {
				break
			}
		}
		if d := time.Since(begun); d > time.Minute {
			t.Errorf("held for %v", d)
		}
	})
}

// A fault of ours costs one answer, not its place at the gate.
func TestPanicGivesThePlaceBack(t *testing.T) {
	shelf := many(t, 1000, 3000)
	s := newSite(t, shelf)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	whole := func() (reply, error) {
		return s.try("REPORT", bookHref, strings.NewReader(syncReport("", "<getetag/><c:address-data/>", "")))
	}
	shelf.fault.Store(true)
	for range 20 {
		if r, err := whole(); err == nil {
			t.Fatalf("%d in spite of the fault", r.status)
		}
	}
	shelf.fault.Store(false)
	if r, err := whole(); err != nil || r.status != 207 {
		t.Errorf("after the faults: %d %v", r.status, err)
	}
}

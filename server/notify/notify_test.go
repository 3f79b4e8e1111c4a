package notify_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"ringbook/server/notify"
)

// A site is a handler and what it has heard.
type site struct {
	hints, renewals int
	log             bytes.Buffer
	handler         http.Handler
}

func newSite() *site {
	s := &site{}
	s.handler = notify.New(notify.Options{
		State: "the-state", Hint: func() { s.hints++ }, Renew: func() { s.renewals++ },
		Log: slog.New(slog.NewTextHandler(&s.log, nil)),
	})
	return s
}

func (s *site) send(method, query, kind, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, notify.Path+query, strings.NewReader(body))
	r.Header.Set("Content-Type", kind)
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w
}

func TestHandshake(t *testing.T) {
	s := newSite()
	const token = "Validation: Testing client application reachability <script>&+ ü"
	resp := s.send(http.MethodPost, "?validationToken="+url.QueryEscape(token), "text/plain; charset=utf-8", "")
	header := resp.Header()
	if resp.Code != http.StatusOK || resp.Body.String() != token || header.Get("Content-Type") != "text/plain" {
		t.Errorf("%d %q %v", resp.Code, resp.Body, header)
	}
	if header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(header.Get("Content-Security-Policy"), "'none'") {
		t.Errorf("headers %v", header)
	}
	if resp := s.send(http.MethodPost, "?validationToken="+strings.Repeat("x", 4<<10), "text/plain", ""); resp.Code != http.StatusBadRequest {
		t.Errorf("an endless token: %d", resp.Code)
	}
	if s.hints+s.renewals > 0 {
		t.Error("a handshake is no hint")
	}
}

func TestNotifications(t *testing.T) {
	change := func(state string) string {
		return fmt.Sprintf(`{"subscriptionId":"s","clientState":%q,"changeType":"updated","resource":"Users/anna","resourceData":{"id":"anna"}}`, state)
	}
	for _, tt := range []struct {
		name, method, kind, body string
		status, hints, renewals  int
	}{
		{"a change", http.MethodPost, "application/json; charset=utf-8", `{"value":[` + change("the-state") + `]}`, 202, 1, 0},
		{"many changes", http.MethodPost, "application/json", `{"value":[` + change("the-state") + "," + change("the-state") + `]}`, 202, 1, 0},
		{"another state", http.MethodPost, "application/json", `{"value":[` + change("the-statf") + "," + change("") + `]}`, 202, 0, 0},
		{"one of both", http.MethodPost, "application/json", `{"value":[` + change("x") + "," + change("the-state") + `]}`, 202, 1, 0},
		{"reauthorisation", http.MethodPost, "application/json", `{"value":[{"clientState":"the-state","lifecycleEvent":"reauthorizationRequired"}]}`, 202, 1, 1},
		{"a stranger's lifecycle", http.MethodPost, "application/json", `{"value":[{"clientState":"no","lifecycleEvent":"reauthorizationRequired"}]}`, 202, 0, 0},
		{"a thousand and one", http.MethodPost, "application/json", `{"more":{"x":[1]},"value":[` + strings.Repeat("{},", 1000) + change("the-state") + `]}`, 202, 0, 0},
		{"no list", http.MethodPost, "application/json", `{"value":{}}`, 400, 0, 0},
		{"a list of all", http.MethodPost, "application/json", `[]`, 400, 0, 0},
		{"nothing", http.MethodPost, "application/json", `{}`, 202, 0, 0},
		{"no JSON", http.MethodPost, "application/json", `{"value":`, 400, 0, 0},
		{"another type", http.MethodPost, "text/xml", `<x/>`, 415, 0, 0},
		{"too much", http.MethodPost, "application/json", `{"value":["` + strings.Repeat("x", 2<<20) + `"]}`, 413, 0, 0},
		{"a browser", http.MethodGet, "", "", 405, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite()
			resp := s.send(tt.method, "", tt.kind, tt.body)
			if resp.Code != tt.status || s.hints != tt.hints || s.renewals != tt.renewals {
				t.Errorf("%d, %d hints, %d renewals", resp.Code, s.hints, s.renewals)
			}
			if strings.Contains(s.log.String(), "state") || strings.Contains(s.log.String(), "anna") {
				t.Errorf("the log says %s", s.log.String())
			}
		})
	}
}

// A slow body says that it is being read, and ends when it may.
type slowBody struct{ reading, end chan struct{} }

func (b slowBody) Read([]byte) (int, error) {
	b.reading <- struct{}{}
	<-b.end
	return 0, io.EOF
}

// TestFewAtOnce: a few notifications are read at a time, and the others come again.
func TestFewAtOnce(t *testing.T) {
	s := newSite()
	body := slowBody{make(chan struct{}), make(chan struct{})}
	var slow sync.WaitGroup
	for range 4 {
		slow.Go(func() {
			r := httptest.NewRequest(http.MethodPost, notify.Path, body)
			r.Header.Set("Content-Type", "application/json")
			s.handler.ServeHTTP(httptest.NewRecorder(), r)
		})
		<-body.reading
	}
	if resp := s.send(http.MethodPost, "", "application/json", `{"value":[]}`); resp.Code != http.StatusServiceUnavailable || resp.Header().Get("Retry-After") == "" {
		t.Errorf("a fifth is answered with %d", resp.Code)
	}
	if resp := s.send(http.MethodPost, "?validationToken=x", "text/plain", ""); resp.Code != http.StatusOK {
		t.Errorf("a handshake is answered with %d", resp.Code)
	}
	close(body.end)
	slow.Wait()
	if resp := s.send(http.MethodPost, "", "application/json", `{"value":[]}`); resp.Code != http.StatusAccepted {
		t.Errorf("afterwards one is answered with %d", resp.Code)
	}
}

// TestSlowCaller: whoever sends nothing is let go.
func TestSlowCaller(t *testing.T) {
	srv := httptest.NewServer(newSite().handler)
	defer srv.Close()
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "POST "+notify.Path+" HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, c); err != nil { // until the server gives up
		t.Error(err)
	}
}

func TestState(t *testing.T) {
	a := notify.State([]byte("key"), "tenant")
	if len(a) != 64 || a != notify.State([]byte("key"), "tenant") || a == notify.State([]byte("key"), "other") || a == notify.State([]byte("kez"), "tenant") {
		t.Errorf("state %q", a)
	}
}

func FuzzNotification(f *testing.F) {
	for _, seed := range []string{
		`{"value":[{"clientState":"the-state"}]}`, `{"value":[{"clientState":"the-state","lifecycleEvent":"missed"}]}`, `{"value":null}`, `[]`, `{"value":[null]}`, "\xff",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		s := newSite()
		resp := s.send(http.MethodPost, "", "application/json", body)
		if s.hints > 0 && !strings.Contains(body, "the-") && !strings.Contains(body, `\u`) || resp.Code >= 500 {
			t.Errorf("%d, %d hints", resp.Code, s.hints)
		}
	})
}

package graph_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ringbook/directory"
	"ringbook/graph"
)

func TestExplainGraph(t *testing.T) {
	header := func(kv ...string) []string { return kv }
	for _, tt := range []struct {
		status int
		code   string
		header []string
		want   string
	}{
		{401, "InvalidAuthenticationToken", nil, "tenant.cloud"},
		{401, "InvalidAuthenticationToken", header("Date", "Sat, 01 Jan 2000 01:00:00 GMT"), "Set the clock"},
		{403, "Authorization_RequestDenied", nil, "User.Read.All with admin consent"},
		{403, "ErrorAccessDenied", nil, "up to two hours"},
		{404, "ResourceNotFound", nil, "tenant.graph_url"},
		{404, "MailboxNotEnabledForRESTAPI", nil, "not in Exchange Online"},
		{400, "Request_UnsupportedQuery", nil, "mirror.phones"},
		{429, "TooManyRequests", header("Retry-After", "300"), "a pause"},
		{503, "ServiceUnavailable", nil, "status 503; it will be tried again"},
		{302, "", nil, "redirect"},
		{418, "Teapot", nil, "refused the question. (status 418 Teapot: No.)"},
		{403, strings.Repeat("x", 1000), header("request-id", "r-1"), "x… : No. (request-id r-1)"},
	} {
		synctest.Test(t, func(t *testing.T) {
			tenant, stop := serve(t, fault(tt.status, tt.code, tt.header...))
			defer stop()
			got := graph.Explain(graph.Check(t.Context(), tenant))
			if !strings.Contains(strings.ReplaceAll(got, "…:", "… :"), tt.want) {
				t.Errorf("%d %.20s: %q does not say %q", tt.status, tt.code, got, tt.want)
			}
		})
	}
}

func TestExplainNetwork(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{&net.DNSError{Err: "no such host", Name: "graph.example"}, "The name graph.example cannot be resolved"},
		{&net.OpError{Op: "dial", Err: fmt.Errorf("connection refused")}, "No connection to"},
		{&net.OpError{Op: "proxyconnect", Err: fmt.Errorf("connection refused")}, "HTTPS_PROXY"},
		{x509.UnknownAuthorityError{}, "tenant.ca_file"},
		{x509.CertificateInvalidError{Reason: x509.Expired}, "clock"},
		{x509.HostnameError{Certificate: &x509.Certificate{}, Host: "h.example"}, "h.example is for another name"},
		{fmt.Errorf("remote error: tls: handshake failure"), "TLS with"},
		{context.DeadlineExceeded, "in time"},
		{io.ErrUnexpectedEOF, "broke"},
		{&fs.PathError{Op: "open", Path: "cert.pem", Err: fs.ErrNotExist}, "open cert.pem: file does not exist. Check [tenant]"},
		{directory.ErrInvalid, "Check [tenant]"},
		{&http.MaxBytesError{Limit: 1}, "larger than 64 MiB"},
		{directory.ErrShrink, "ringbook sync --accept-shrink"},
		{fmt.Errorf("apply: %w", &directory.ShrinkError{Book: "people", Leaving: 40, Members: 100, Guard: 0.2}), "guard: book people would lose 40 of its 100 contacts"},
		{fmt.Errorf("disk\nfull"), "disk full."},
	} {
		if got := graph.Explain(fmt.Errorf("GET /v1.0/users/delta: %w", tt.err)); !strings.Contains(got, tt.want) {
			t.Errorf("%v: %q does not say %q", tt.err, got, tt.want)
		}
	}
	if got := graph.Explain(nil); got != "" {
		t.Errorf("Explain(nil) = %q", got)
	}
}

// TestExplainBrokenStream: over HTTP/2 a broken connection is a broken stream,
// whose error is net/http's own.
func TestExplainBrokenStream(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			t.Errorf("asked over %s", r.Proto)
		}
		panic(http.ErrAbortHandler)
	}))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	resp, err := srv.Client().Get(srv.URL)
	if err == nil {
		resp.Body.Close()
		t.Fatal("there was an answer")
	}
	if got := graph.Explain(err); !strings.Contains(got, "broke") {
		t.Errorf("%v: %q", err, got)
	}
}

// TestErrorsTellNoLink: an http.Client's error quotes the whole URL.
func TestErrorsTellNoLink(t *testing.T) {
	refuse := &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		return nil, &net.OpError{Op: "dial", Err: fmt.Errorf("connection refused")}
	})}
	synctest.Test(t, func(t *testing.T) {
		sink := newMemory()
		tenant := graph.Tenant{GraphURL: base, Credential: token("t"), HTTP: refuse}
		m := mirror(t, tenant, sink, nil)
		sink.cursors["users"] = directory.Cursor{Link: base + "/v1.0/users/delta?$deltatoken=sesame"}
		for range 2 {
			got := syncUsers(t, m, directory.SyncRequest{})
			if got.Error == "" || strings.Contains(got.Error, "token") {
				t.Errorf("round = %+v", got)
			}
		}
		if err := graph.Check(t.Context(), tenant); err == nil || strings.Contains(err.Error(), "latest") {
			t.Errorf("Check = %v", err)
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant, stop := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("$deltatoken") != "latest" {
				t.Errorf("asked for %s", r.URL)
			}
			delta(w, "A", "")
		})
		defer stop()
		start := time.Now()
		if err := graph.Check(t.Context(), tenant); err != nil || time.Since(start) > 0 {
			t.Errorf("Check = %v", err)
		}
	})
}

package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ringbook/config"
	"ringbook/server/ldap"
)

func TestRemoteAddr(t *testing.T) {
	for _, c := range []struct {
		behindProxy bool
		forwarded   []string
		peer, want  string
	}{
		{false, nil, "192.0.2.1:5", "192.0.2.1"},
		{false, []string{"203.0.113.9"}, "192.0.2.1:5", "192.0.2.1"}, // anybody may write it
		{false, nil, "[::ffff:192.0.2.1]:5", "192.0.2.1"},
		{true, nil, "192.0.2.1:5", "192.0.2.1"},
		{true, []string{"198.51.100.7, 203.0.113.9"}, "192.0.2.1:5", "203.0.113.9"},
		{true, []string{"198.51.100.7", "203.0.113.9"}, "192.0.2.1:5", "203.0.113.9"},
		{true, []string{"203.0.113.9:51234"}, "192.0.2.1:5", "203.0.113.9"},
		{true, []string{"2001:db8::9"}, "192.0.2.1:5", "2001:db8::9"},
		{true, []string{"[2001:db8::9]"}, "192.0.2.1:5", "2001:db8::9"},
		{true, []string{"[2001:db8::9]:51234"}, "192.0.2.1:5", "2001:db8::9"},
		{true, []string{"unknown"}, "192.0.2.1:5", "192.0.2.1"},
		{true, []string{""}, "192.0.2.1:5", "192.0.2.1"},
		{true, nil, "@", "invalid IP"},
	} {
		r := &http.Request{RemoteAddr: c.peer, Header: http.Header{"X-Forwarded-For": c.forwarded}}
		if got := remoteAddr(c.behindProxy)(r).String(); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

// TestRouted: a path belongs to whoever has it or what is above it, by whole names.
func TestRouted(t *testing.T) {
	says := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(name)) })
	}
	h := routed(says("rest"), route{"/lookup", says("lookup")}, route{"/hooks/graph", says("hook")})
	for path, want := range map[string]string{
		"/": "rest", "/lookup": "lookup", "/lookup/photo/x": "lookup", "/lookups": "rest", "/dav/lookup": "rest", "/hooks": "rest", "/hooks/graph": "hook", "*": "rest",
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, &http.Request{URL: &url.URL{Path: path}})
		if got := w.Body.String(); got != want {
			t.Errorf("%s is answered by %s, not %s", path, got, want)
		}
	}
}

// TestLimitsOfLDAP: what the configuration says when nothing is set is what the
// server's own reasons are written for.
func TestLimitsOfLDAP(t *testing.T) {
	t.Setenv("RINGBOOK_PUBLIC_URL", "https://contacts.contoso.com")
	t.Setenv("RINGBOOK_TENANT_ID", "contoso.com")
	t.Setenv("RINGBOOK_TENANT_MANAGED_IDENTITY", "true")
	cfg, err := config.Load("")
	if err != nil {
		t.Fatal(err)
	}
	c := cfg.LDAP
	got := []any{c.MaxConnections, c.MaxUnboundPerAddress, c.MaxConnectionsPerDevice, c.MaxOperations, c.MaxMessage, c.MaxUnboundMessage, c.MaxHits, c.BindTimeout, c.IdleTimeout, c.WriteTimeout, c.SearchTimeout}
	want := []any{
		ldap.DefaultMaxConns, ldap.DefaultMaxUnbound, ldap.DefaultMaxDeviceConns, ldap.DefaultMaxOperations, ldap.DefaultMaxMessage, ldap.DefaultMaxUnboundMessage, 0,
		ldap.DefaultBindTimeout, ldap.DefaultIdleTimeout, ldap.DefaultWriteTimeout, ldap.DefaultSearchTimeout,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestOnlyOn: phones are told of an address if a listener is nowhere else.
func TestOnlyOn(t *testing.T) {
	for at, want := range map[string]string{
		"10.20.0.2:1636": "10.20.0.2", "[2001:db8::1]:1636": "2001:db8::1", "[::]:1636": "", "0.0.0.0:1636": "", "127.0.0.1:1636": "",
	} {
		if got := onlyOn(net.TCPAddrFromAddrPort(netip.MustParseAddrPort(at))); got != want {
			t.Errorf("%s: %q", at, got)
		}
	}
}

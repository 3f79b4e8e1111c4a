package server_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"ringbook/server"
)

// lines is a log whose lines are waited for.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

// TestHandshakesThatFail: a phone that fetches its book over HTTPS and cannot connect
// has a line in the log, with what to look at; who only looks at the port has none.
func TestHandshakesThatFail(t *testing.T) {
	t.Parallel()
	cert, pem, err := server.SelfSigned("localhost")
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	log := make(lines, 100)
	addr := run(t, server.HTTP{Log: slog.New(slog.NewTextHandler(log, nil)), TLS: server.Fixed(cert), Handler: http.HandlerFunc(hello)})
	dial(t, addr).Close()
	expect := func(why string) {
		t.Helper()
		select {
		case l := <-log:
			if !strings.Contains(l, "https connection failed") || !strings.Contains(l, "from=127.0.0.1:") || !strings.Contains(l, why) {
				t.Errorf("no %q in %s", why, l)
			}
		case <-time.After(within):
			t.Errorf("no line of %q", why)
		}
	}
	for why, config := range map[string]*tls.Config{
		"too old here: the listener for such phones speaks LDAP": {RootCAs: roots, ServerName: "localhost", MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10},
		"RSA only":       {RootCAs: roots, ServerName: "localhost", MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}},
		"does not trust": {RootCAs: roots, ServerName: "other.example"},
	} {
		c := dial(t, addr)
		if err := tls.Client(c, config).HandshakeContext(t.Context()); err == nil {
			t.Errorf("%s: it shakes hands", why)
		}
		_, _ = io.Copy(io.Discard, c) // closed sooner, what it said could be lost
		expect(why)
	}
	c := dial(t, addr)
	io.WriteString(c, "GET / HTTP/1.0\r\n\r\n")
	_, _ = io.Copy(io.Discard, c)
	expect("no TLS, on a port of TLS")
}

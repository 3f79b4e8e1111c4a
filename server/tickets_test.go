package server_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ringbook/server"
)

// A phone shakes hands with servers that have one certificate, and keeps its
// sessions.
type phone struct {
	cert   tls.Certificate
	client *tls.Config
}

func newPhone(t *testing.T, version uint16) phone {
	t.Helper()
	cert, text, err := server.SelfSigned("localhost")
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return phone{cert, &tls.Config{
		RootCAs: pool, ServerName: "localhost", MaxVersion: version, ClientSessionCache: tls.NewLRUClientSessionCache(4),
	}}
}

// start is a server as it comes up: with the keys of the file.
func (p phone) start(t *testing.T, file, realm string) *tls.Config {
	t.Helper()
	c := server.Fixed(p.cert)
	server.OpenTickets(file, slog.New(slog.DiscardHandler)).Keep(c, realm)
	return c
}

// resumes connects and reports whether a session was resumed.
func (p phone) resumes(t *testing.T, c *tls.Config) bool {
	t.Helper()
	ours, theirs := net.Pipe()
	served := make(chan struct{})
	go func() {
		s := tls.Server(theirs, c)
		_, _ = io.Copy(s, s) // until the client leaves
		_ = s.Close()
		close(served)
	}()
	conn := tls.Client(ours, p.client)
	if _, err := conn.Write([]byte("?")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil { // a ticket comes before the answer
		t.Fatal(err)
	}
	resumed := conn.ConnectionState().DidResume
	_ = ours.Close()
	<-served
	return resumed
}

func TestTicketsOutliveTheServer(t *testing.T) {
	for name, version := range map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "keys")
			p := newPhone(t, version)
			first := p.start(t, file, "ldap")
			if p.resumes(t, first) {
				t.Error("resumes what never was")
			}
			if !p.resumes(t, first.Clone()) { // as net/http does
				t.Error("a clone of the configuration knows no session")
			}
			if !p.resumes(t, p.start(t, file, "ldap")) {
				t.Error("no session after a restart")
			}
			if p.resumes(t, p.start(t, file, "legacy")) {
				t.Error("a session of another realm is resumed")
			}
			if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%v, %v", info.Mode(), err)
			}
		})
	}
}

// TestTicketKeysDie: each day has a key, and none is kept when no ticket can be of use
// any more.
func TestTicketKeysDie(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(dir, "keys")
		p := newPhone(t, tls.VersionTLS12)
		c := p.start(t, file, "ldap")
		p.resumes(t, c)
		first := read(t, file)
		for range 6 {
			<-time.After(24 * time.Hour)
			if !p.resumes(t, c) {
				t.Error("yesterday's session is lost")
			}
		}
		if text := read(t, file); strings.Count(text, "\n") != 7 || !strings.HasSuffix(text, first) {
			t.Errorf("after 6 days the file is\n%s", text)
		}
		<-time.After(8 * 24 * time.Hour)
		if p.resumes(t, p.start(t, file, "ldap")) {
			t.Error("a session of 8 days ago is resumed")
		}
		if text := read(t, file); strings.Contains(text, first) || strings.Count(text, "\n") != 1 {
			t.Errorf("after 14 days the file is\n%s", text)
		}
	})
}

// TestTicketsOfAWrongClock: keys of days to come are nobody's.
func TestTicketsOfAWrongClock(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(file, []byte("2999-01-01 "+strings.Repeat("00", 32)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := newPhone(t, tls.VersionTLS13)
	p.resumes(t, p.start(t, file, "ldap"))
	if text := read(t, file); strings.Contains(text, "2999") || strings.Count(text, "\n") != 1 {
		t.Errorf("the file is\n%s", text)
	}
}

// TestTicketsWithoutAFile: what cannot be read or written costs handshakes and nothing else.
func TestTicketsWithoutAFile(t *testing.T) {
	damaged := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(damaged, []byte("2026-01-01 abc\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, says := range map[string]string{
		damaged: "tls session keys not read",
		filepath.Join(t.TempDir(), "nowhere", "keys"): "tls session keys not written",
	} {
		var log bytes.Buffer
		p := newPhone(t, tls.VersionTLS13)
		c := server.Fixed(p.cert)
		server.OpenTickets(file, slog.New(slog.NewTextHandler(&log, nil))).Keep(c, "ldap")
		p.resumes(t, c)
		if !p.resumes(t, c) {
			t.Errorf("%s: no session while it runs", file)
		}
		if !strings.Contains(log.String(), says) {
			t.Errorf("the log says %q, not %q", log.String(), says)
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

package ldap_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	goldap "github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
	"ringbook/server/ldap"
)

// A line of the log.
type line struct {
	Msg, Port, From, Device, Error string
	Result, Omitted                int
}

// linesOf returns the lines of a JSON log that say msg.
func linesOf(t *testing.T, log io.Reader, msg string) (all []line) {
	t.Helper()
	for d := json.NewDecoder(log); ; {
		var l line
		if err := d.Decode(&l); err != nil {
			return all
		}
		if l.Msg == msg {
			all = append(all, l)
		}
	}
}

// TestComplaints: a phone whose connection comes to nothing shows an empty display, so
// the log says why, with what to look at.
func TestComplaints(t *testing.T) {
	var log bytes.Buffer
	m, plan := newMirror(t, staff()...)
	s := newSiteOf(t, m, plan, func(o *ldap.Options) { o.Log = slog.New(slog.NewJSONHandler(&log, nil)) })
	dial := func(address string) net.Conn {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	shake := func(address string, change func(*tls.Config)) {
		config := s.client.Clone()
		change(config)
		c := dial(address)
		if err := tls.Client(c, config).Handshake(); err == nil {
			t.Error("it shakes hands")
		}
		_, _ = io.ReadAll(c) // closed sooner, what it said could be lost
	}
	said := func(b []byte) {
		c := dial(s.tls)
		if _, err := c.Write(b); err != nil {
			t.Fatal(err)
		}
		_, _ = io.ReadAll(c)
	}
	var want []string
	expect := func(port, why string) { want = append(want, port+": "+why) }
	old := func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }
	shake(s.tls, old)
	expect("ldaps", "too old here: [ldap.legacy]")
	shake(s.tls, func(c *tls.Config) {
		c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}
	})
	expect("ldaps", "RSA only")
	shake(s.tls, func(c *tls.Config) { c.RootCAs = nil })
	expect("ldaps", "does not trust the certificate")
	shake(s.tls, func(c *tls.Config) { c.ServerName = "other.example" })
	expect("ldaps", "does not trust the certificate")
	said(bindMessage(1, 3, string(s.device.Login), s.secret))
	expect("ldaps", "no TLS, on a port of TLS")
	shake(s.plain, func(*tls.Config) {})
	expect("ldap", "set to LDAPS")
	c := s.raw(t)
	c.send(extendedMessage(1, "1.3.6.1.4.1.1466.20037"))
	c.expect(1, 0x78, goldap.LDAPResultSuccess)
	config := s.client.Clone()
	old(config)
	if tls.Client(c.Conn, config).Handshake() == nil {
		t.Error("old TLS after StartTLS")
	}
	expect("ldap", "too old here: [ldap.legacy]")
	c = s.raw(t)
	c.send([]byte("GET / HTTP/1.0\r\n\r\n"))
	c.expectNotice(goldap.LDAPResultProtocolError)
	expect("ldap", "malformed message")
	_ = dial(s.tls).Close() // a port that is only looked at
	_ = dial(s.plain).Close()
	s.rawBound(t)
	s.stop()
	got := linesOf(t, &log, "ldap connection failed")
	if len(got) != len(want) {
		t.Fatalf("%d lines, want %d: %+v", len(got), len(want), got)
	}
	for _, w := range want {
		port, why, _ := strings.Cut(w, ": ")
		i := slices.IndexFunc(got, func(l line) bool { return l.Port == port && strings.Contains(l.Error, why) && l.From == "127.0.0.1" })
		if i < 0 {
			t.Errorf("no %s in %+v", w, got)
			continue
		}
		got = slices.Delete(got, i, i+1)
	}
}

// TestComplaintsAreFew: who floods the server does not flood its log, and what was not
// said is counted.
func TestComplaintsAreFew(t *testing.T) {
	var log bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		m, plan := newMirror(t, staff()...)
		s := prepare(t, m, plan, func(o *ldap.Options) { o.Log = slog.New(slog.NewJSONHandler(&log, nil)) })
		l := newPipeline()
		ctx, cancel := context.WithCancel(context.Background())
		var served sync.WaitGroup
		served.Go(func() { _ = s.server.Serve(ctx, l, s.port) })
		for _, n := range []int{30, 1} {
			for range n {
				c := l.connect(t)
				c.send([]byte("GET / HTTP/1.0\r\n\r\n"))
				c.expectNotice(goldap.LDAPResultProtocolError)
			}
			pass(time.Second)
		}
		cancel()
		served.Wait()
	})
	got := linesOf(t, &log, "ldap connection failed")
	if len(got) != 11 || got[10].Omitted != 20 {
		t.Errorf("%d lines: %+v", len(got), got)
	}
}

// TestRefusedBinds: the log says in words why a login was refused.
func TestRefusedBinds(t *testing.T) {
	var log bytes.Buffer
	m, plan := newMirror(t, staff()...)
	s := newSiteOf(t, m, plan, func(o *ldap.Options) { o.Log, o.MaxDeviceConns = slog.New(slog.NewJSONHandler(&log, nil)), 1 })
	c := s.raw(t)
	c.send(bindMessage(1, 3, string(s.device.Login), "wrong"))
	c.expect(1, 0x61, goldap.LDAPResultInvalidCredentials)
	c.send(bindMessage(2, 3, string(s.device.Login), ""))
	c.expect(2, 0x61, goldap.LDAPResultUnwillingToPerform)
	c.send(bindMessage(3, 3, string(s.device.Login), s.secret))
	c.expect(3, 0x61, goldap.LDAPResultSuccess)
	c = s.raw(t)
	c.send(bindMessage(4, 3, string(s.device.Login), s.secret))
	c.expect(4, 0x61, goldap.LDAPResultBusy)
	s.stop()
	var got []string
	for _, l := range linesOf(t, &log, "ldap bind") {
		got = append(got, l.Device+":"+l.Error)
	}
	id := string(s.device.ID)
	want := []string{":login refused", ":a name without a password is refused", id + ":", id + ":too many connections of this device"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A diary is a journal that counts.
type diary struct{ seen, searched int }

func (d *diary) Seen(directory.DeviceID)     { d.seen++ }
func (d *diary) Searched(directory.DeviceID) { d.searched++ }

// TestLoginsAreNoted: a phone that logs in and asks nothing has been seen, and one that
// tries without TLS is known to its administrator.
func TestLoginsAreNoted(t *testing.T) {
	var d diary
	m, plan := newMirror(t, staff()...)
	s := prepare(t, m, plan, func(o *ldap.Options) { o.Journal = &d })
	s.port.AllowPlain = false
	s.open(t)
	c := s.raw(t)
	c.send(bindMessage(1, 3, "cn="+string(s.device.Login)+","+base, s.secret))
	c.expect(1, 0x61, goldap.LDAPResultConfidentialityRequired)
	c.send(bindMessage(2, 3, "", ""))
	c.expect(2, 0x61, goldap.LDAPResultSuccess)
	if got := s.auth.Refused(s.device.ID); got.Count != 1 || got.Why != directory.RefusedPlain || got.From.String() != "127.0.0.1" {
		t.Errorf("%+v", got)
	}
	c = s.raw(t)
	c.send(extendedMessage(1, "1.3.6.1.4.1.1466.20037"))
	c.expect(1, 0x78, goldap.LDAPResultSuccess)
	c = c.secured(s.client)
	c.send(bindMessage(1, 3, string(s.device.Login), s.secret))
	c.expect(1, 0x61, goldap.LDAPResultSuccess)
	s.stop()
	if d != (diary{seen: 1}) {
		t.Errorf("%+v", d)
	}
}

// TestAnsweredSearchesAreNoted: also those of which a phone wanted fewer than there are,
// and not those that were refused or that nobody waited for.
func TestAnsweredSearchesAreNoted(t *testing.T) {
	var d diary
	m, plan := newMirror(t, staff()...)
	s := prepare(t, m, plan, func(o *ldap.Options) { o.Journal = &d })
	s.open(t)
	c := s.rawBound(t)
	c.send(search1(2, "sn", "cn"))
	c.until(2)
	c.send(tlv(0x30, number1(3), tlv(0x63, str(base), []byte{10, 1, 2, 10, 1, 0, 2, 1, 2, 2, 1, 0, 1, 1, 0}, tlv(0x87, []byte("sn")), tlv(0x30))))
	if all := c.until(3); len(all) != 3 || all[2].code != goldap.LDAPResultSizeLimitExceeded {
		t.Fatalf("%+v", all)
	}
	c.send(tlv(0x30, number1(4), tlv(0x63, str("ou=nowhere,"+base), []byte{10, 1, 2, 10, 1, 0, 2, 1, 0, 2, 1, 0, 1, 1, 0}, tlv(0x87, []byte("sn")), tlv(0x30))))
	if all := c.until(4); all[0].code != goldap.LDAPResultNoSuchObject {
		t.Fatalf("%+v", all)
	}
	s.stop()
	if d.searched != 2 {
		t.Errorf("%d searches are noted", d.searched)
	}
}

package ldap_test

import (
	"crypto/tls"
	"io"
	"net"
	"testing"
	"time"

	goldap "github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
	"ringbook/server/ldap"
)

// secured puts TLS over a raw client.
func (c *raw) secured(config *tls.Config) *raw {
	c.t.Helper()
	t := tls.Client(c.Conn, config)
	if err := t.Handshake(); err != nil {
		c.t.Fatal(err)
	}
	return rawOf(c.t, t)
}

// TestEitherOpening: one port for LDAPS, plain LDAP and StartTLS, as old phones are
// set up in every way.
func TestEitherOpening(t *testing.T) {
	s := newSiteAt(t, func(p *ldap.Port) { p.Opening = ldap.OpenEither })
	login := func(c *raw) {
		t.Helper()
		c.send(bindMessage(1, 3, string(s.device.Login), s.secret))
		c.expect(1, 0x61, goldap.LDAPResultSuccess)
		c.send(search1(2, "sn", "1.1"))
		if all := c.until(2); len(all) != 8 {
			t.Errorf("%d messages", len(all))
		}
	}
	login(s.raw(t).secured(s.client))
	login(s.raw(t))
	c := s.raw(t)
	c.send(extendedMessage(1, "1.3.6.1.4.1.1466.20037"))
	c.expect(1, 0x78, goldap.LDAPResultSuccess)
	login(c.secured(s.client))
	if diff := cmp.Diff(map[string]int{"": 1, "TLS 1.3": 2}, s.server.Traffic("ldap").Logins); diff != "" {
		t.Errorf("logins (-want +got)\n%s", diff)
	}
	if n := s.server.Traffic("ldap").Open; n < 1 {
		t.Errorf("%d connections are open", n)
	}
	c = s.raw(t)
	c.send([]byte("GET / HTTP/1.0\r\n\r\n"))
	c.expectNotice(goldap.LDAPResultProtocolError)
}

// TestEitherOpeningKeepsPlainLoginsOut: the port is open to both, logins are not.
func TestEitherOpeningKeepsPlainLoginsOut(t *testing.T) {
	s := newSiteAt(t, func(p *ldap.Port) { p.Opening, p.AllowPlain = ldap.OpenEither, false })
	c := s.raw(t)
	c.send(bindMessage(1, 3, string(s.device.Login), s.secret))
	c.expect(1, 0x61, goldap.LDAPResultConfidentialityRequired)
	c = s.raw(t).secured(s.client)
	c.send(bindMessage(1, 3, string(s.device.Login), s.secret))
	c.expect(1, 0x61, goldap.LDAPResultSuccess)
}

// TestSilenceAtAnEitherOpening: who has said nothing may expect TLS, and is told
// nothing.
func TestSilenceAtAnEitherOpening(t *testing.T) {
	s := newSiteAt(t, func(p *ldap.Port) { p.Opening = ldap.OpenEither })
	c, err := net.Dial("tcp", s.plain)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s.rawBound(t) // the silent one has been accepted by now
	s.stop()
	if b, err := io.ReadAll(c); err != nil || len(b) > 0 {
		t.Errorf("%x, %v", b, err)
	}
}

// TestPlainLoginsAreAPortsOwn: what one listener allows another does not.
func TestPlainLoginsAreAPortsOwn(t *testing.T) {
	s := newSite(t, staff(), nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.server.Serve(t.Context(), l, ldap.Port{Name: "office", TLS: s.port.TLS}) }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	office := rawOf(t, c)
	office.send(bindMessage(1, 3, string(s.device.Login), s.secret))
	office.expect(1, 0x61, goldap.LDAPResultConfidentialityRequired)
	s.rawBound(t)
}

// TestRevocationOnALegacyPort: every connection ends, however it began.
func TestRevocationOnALegacyPort(t *testing.T) {
	s := newSiteAt(t, func(p *ldap.Port) { p.Opening = ldap.OpenEither })
	plain, secure := s.rawBound(t), s.raw(t).secured(s.client)
	secure.send(bindMessage(1, 3, string(s.device.Login), s.secret))
	secure.expect(1, 0x61, goldap.LDAPResultSuccess)
	if _, err := s.auth.SetState(t.Context(), s.device.ID, directory.DeviceRevoked); err != nil {
		t.Fatal(err)
	}
	plain.expectNotice(goldap.LDAPResultUnavailable)
	secure.expectNotice(goldap.LDAPResultUnavailable)
}

// TestAHandshakeIsPartOfTheBindTime: neither a late StartTLS nor a port that waits for
// the first octet gives a stranger more.
func TestAHandshakeIsPartOfTheBindTime(t *testing.T) {
	for name, begin := range map[string]func(c *raw){
		"StartTLS":     func(c *raw) { c.send(extendedMessage(1, "1.3.6.1.4.1.1466.20037")); c.expect(1, 0x78, 0) },
		"half a hello": func(c *raw) { c.send([]byte{0x16, 3, 1}) },
	} {
		t.Run(name, func(t *testing.T) {
			bubbleAt(t, func(p *ldap.Port) { p.Opening = ldap.OpenEither }, func(t *testing.T, _ *site, _ *pipeline, connect func() *raw) {
				t.Helper()
				c := connect()
				pass(20 * time.Second)
				begin(c)
				if d := c.lasts(); d != ldap.DefaultBindTimeout-20*time.Second {
					t.Errorf("closed after %v more", d)
				}
			})
		})
	}
}

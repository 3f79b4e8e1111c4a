package ldap_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"

	"ringbook/directory"
	"ringbook/server"
	"ringbook/server/ldap"
)

// behindProxy serves the site's plain port behind a proxy on this machine.
func (s *site) behindProxy(t *testing.T, p ldap.Port) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = l.Addr().String()
	l = server.Proxied(l, []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	var served sync.WaitGroup
	served.Go(func() {
		if err := s.server.Serve(ctx, l, p); err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	t.Cleanup(func() { cancel(); served.Wait() })
	return address
}

// from connects as the proxy does for a client at an address.
func from(t *testing.T, proxied, client string) *raw {
	t.Helper()
	c, err := net.Dial("tcp", proxied)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := io.WriteString(c, "PROXY TCP4 "+client+" 192.0.2.1 40000 389\r\n"); err != nil {
		t.Fatal(err)
	}
	return rawOf(t, c)
}

// guess sends wrong secrets until the server tells to wait.
func (c *raw) guess(name string) {
	c.t.Helper()
	for range 1000 {
		c.send(bindMessage(1, 3, name, "wrong"))
		r, err := c.read()
		if err != nil {
			c.t.Fatal(err)
		}
		if r.code == goldap.LDAPResultBusy {
			return
		}
	}
	c.t.Fatal("a thousand guesses and no throttle")
}

// TestGuessesThroughAProxy: who guesses is told to wait, and nobody else behind the
// same proxy.
func TestGuessesThroughAProxy(t *testing.T) {
	s := newSite(t, staff(), nil)
	proxied := s.behindProxy(t, s.port)
	login := string(s.device.Login)
	attacker := from(t, proxied, "203.0.113.66")
	attacker.guess(login)
	attacker.send(bindMessage(2, 3, login, s.secret))
	attacker.expect(2, 0x61, goldap.LDAPResultBusy) // a right guess tells nothing either
	phone := from(t, proxied, "203.0.113.7")
	phone.send(bindMessage(1, 3, login, s.secret))
	phone.expect(1, 0x61, goldap.LDAPResultSuccess)
}

// TestGuessesBehindNAT: one phone with an old secret uses up its own attempts, and a
// stranger who has used up those of the address does not lock out who worked there.
func TestGuessesBehindNAT(t *testing.T) {
	s := newSite(t, staff(), nil)
	other, secret := s.add(t, directory.Device{Name: "other", Kind: directory.KindPhone, Books: []directory.BookName{"people"}})
	s.raw(t).guess(string(other.Login))
	c := s.rawBound(t) // of another device, from the same address
	neighbour := s.raw(t)
	for i := range 200 {
		neighbour.send(bindMessage(1, 3, fmt.Sprintf("stranger%d", i), "guess"))
		if _, err := neighbour.read(); err != nil {
			t.Fatal(err)
		}
	}
	c.send(bindMessage(2, 3, string(s.device.Login), s.secret))
	c.expect(2, 0x61, goldap.LDAPResultSuccess)
	elsewhere := from(t, s.behindProxy(t, s.port), "198.51.100.9")
	elsewhere.send(bindMessage(1, 3, string(other.Login), secret))
	elsewhere.expect(1, 0x61, goldap.LDAPResultSuccess)
}

// TestStrangersThroughAProxy: the limits for strangers are for each client of the
// proxy, and revocation reaches through it.
func TestStrangersThroughAProxy(t *testing.T) {
	s := newSite(t, staff(), func(o *ldap.Options) { o.MaxUnbound = 1 })
	proxied := s.behindProxy(t, s.port)
	first := from(t, proxied, "203.0.113.7")
	first.send(bindMessage(1, 3, "", ""))
	first.expect(1, 0x61, goldap.LDAPResultSuccess)
	second := from(t, proxied, "203.0.113.7")
	if _, err := second.read(); err == nil {
		t.Error("one stranger too many")
	}
	device := from(t, proxied, "203.0.113.8")
	device.send(bindMessage(1, 3, string(s.device.Login), s.secret))
	device.expect(1, 0x61, goldap.LDAPResultSuccess)
	if _, err := s.auth.SetState(t.Context(), s.device.ID, directory.DeviceRevoked); err != nil {
		t.Fatal(err)
	}
	device.expectNotice(goldap.LDAPResultUnavailable)
}

// TestAnonymousThroughAProxy: the network that counts is the client's.
func TestAnonymousThroughAProxy(t *testing.T) {
	s := newSite(t, staff(), nil)
	a := printers(t, "cn")
	a.Networks = []netip.Prefix{netip.MustParsePrefix("10.20.0.0/16")}
	p := s.port
	p.Anonymous = []ldap.Anonymous{a}
	proxied := s.behindProxy(t, p)
	for client, code := range map[string]int64{"10.20.3.4": goldap.LDAPResultSuccess, "10.21.0.1": goldap.LDAPResultInsufficientAccessRights} {
		c := from(t, proxied, client)
		c.send(search1(2, "cn", "cn"))
		all := c.until(2)
		if last := all[len(all)-1]; last.code != code {
			t.Errorf("%s: %+v", client, last)
		}
	}
}

// TestARevokedDeviceResumesNothing: a TLS session outlives the server, access does not.
func TestARevokedDeviceResumesNothing(t *testing.T) {
	keys := filepath.Join(t.TempDir(), "keys")
	for name, version := range map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, staff(), nil)
			client := s.client.Clone()
			client.ClientSessionCache, client.MaxVersion = tls.NewLRUClientSessionCache(1), version
			keep := func() {
				c := s.port.TLS.Clone()
				server.OpenTickets(keys, slog.New(slog.DiscardHandler)).Keep(c, "ldap")
				s.port.TLS = c
				s.open(t)
			}
			keep()
			s.lookUp(t, s.tls, client)
			s.stop()
			keep() // a new server, with the keys of the file
			if state := s.lookUp(t, s.tls, client); !state.DidResume {
				t.Error("no session was resumed after a restart")
			}
			if _, err := s.auth.SetState(t.Context(), s.device.ID, directory.DeviceRevoked); err != nil {
				t.Fatal(err)
			}
			k, err := net.Dial("tcp", s.tls)
			if err != nil {
				t.Fatal(err)
			}
			defer k.Close()
			secure := tls.Client(k, client)
			c := rawOf(t, secure)
			c.send(bindMessage(1, 3, string(s.device.Login), s.secret))
			c.expect(1, 0x61, goldap.LDAPResultInvalidCredentials)
			if !secure.ConnectionState().DidResume {
				t.Error("the session was not resumed")
			}
			c.send(search1(2, "cn", "cn"))
			c.expect(2, 0x65, goldap.LDAPResultInsufficientAccessRights)
		})
	}
}

// TestRevocationRaces: devices that bind and search for all they are worth while they
// are revoked have no answer after it.
func TestRevocationRaces(t *testing.T) {
	s := newSiteAt(t, func(p *ldap.Port) { p.Opening = ldap.OpenEither })
	const devices, each = 8, 4
	var working sync.WaitGroup
	for i := range devices {
		d, secret := s.add(t, directory.Device{Name: fmt.Sprint(i), Kind: directory.KindPhone, Books: []directory.BookName{"people"}})
		revoked := make(chan struct{})
		var searched sync.WaitGroup
		for j := range each {
			searched.Add(1)
			c := s.raw(t)
			if j%2 == 0 {
				c = c.secured(s.client)
			}
			working.Go(func() {
				s.searchUntilGone(t, c, string(d.Login), secret, sync.OnceFunc(searched.Done), revoked)
			})
		}
		working.Go(func() {
			searched.Wait()
			if _, err := s.auth.SetState(t.Context(), d.ID, directory.DeviceRevoked); err != nil {
				t.Error(err)
			}
			close(revoked)
		})
	}
	working.Wait()
}

// searchUntilGone binds and searches until the connection ends, as it must. begun is
// called after the first answer; what is sent after revoked must find nobody.
func (s *site) searchUntilGone(t *testing.T, c *raw, login, secret string, begun func(), revoked <-chan struct{}) {
	t.Helper()
	defer begun()
	for {
		late := false
		select {
		case <-revoked:
			late = true
		default:
		}
		if _, err := c.Write(append(bindMessage(1, 3, login, secret), search1(2, "sn", "cn")...)); err != nil {
			return
		}
		for {
			r, err := c.read()
			if err != nil || r.id == 0 {
				return
			}
			if late && (r.op == 0x64 || r.op == 0x61 && r.code == goldap.LDAPResultSuccess) {
				t.Errorf("revoked, and answered: %+v", r)
			}
			if r.id == 2 && r.op == 0x65 {
				break
			}
		}
		begun()
		if late {
			return // it may stay, as nobody
		}
	}
}

// TestPhonesThatTryTheirWay: what phones try before a simple bind is refused, and the
// connection goes on.
func TestPhonesThatTryTheirWay(t *testing.T) {
	sasl := func(id byte, mechanism string) []byte {
		return tlv(0x30, number1(id), tlv(0x60, number1(3), str(""), tlv(0xa3, str(mechanism), str("x"))))
	}
	ntlm := func(id, choice byte) []byte { // [MS-ADTS] §5.1.1.1.3
		return tlv(0x30, number1(id), tlv(0x60, number1(3), str("NTLM"), tlv(choice, []byte("NTLMSSP\x00"))))
	}
	s := newSite(t, staff(), nil)
	for name, before := range map[string][][]byte{
		"Cisco: DIGEST-MD5":             {sasl(1, "DIGEST-MD5")},
		"anonymous, then DIGEST-MD5":    {bindMessage(1, 3, "", ""), sasl(2, "DIGEST-MD5")},
		"NTLM in three steps":           {ntlm(1, 0x89), ntlm(2, 0x8a), ntlm(3, 0x8b)},
		"GSSAPI, GSS-SPNEGO, CRAM-MD5":  {sasl(1, "GSSAPI"), sasl(2, "GSS-SPNEGO"), sasl(3, "CRAM-MD5")},
		"EXTERNAL and PLAIN":            {sasl(1, "EXTERNAL"), sasl(2, "PLAIN")},
		"anonymous with version 2 once": {bindMessage(1, 2, "", "")},
	} {
		t.Run(name, func(t *testing.T) {
			c := s.raw(t)
			for i, m := range before {
				c.send(m)
				want := int64(goldap.LDAPResultAuthMethodNotSupported)
				if name[0] == 'a' && i == 0 {
					want = goldap.LDAPResultSuccess
				}
				c.expect(int64(i+1), 0x61, want)
			}
			c.send(bindMessage(9, 3, string(s.device.Login), s.secret))
			c.expect(9, 0x61, goldap.LDAPResultSuccess)
			c.send(search1(10, "sn", "1.1"))
			if all := c.until(10); len(all) != 8 {
				t.Errorf("%d messages", len(all))
			}
		})
	}
}

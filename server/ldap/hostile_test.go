package ldap_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"

	"ringbook/directory"
	"ringbook/server/ldap"
)

// TestBrokenFraming sends what is no LDAP message: each client is told and
// closed, and everybody else goes on.
func TestBrokenFraming(t *testing.T) {
	s := newSite(t, staff(), nil)
	witness := s.bound(t)
	for _, c := range []struct {
		name string
		in   []byte
	}{
		{"child longer than parent", []byte{0x30, 2, 2, 5}},
		{"length of 8 octets, all ones", append([]byte{0x30, 0x88}, bytes.Repeat([]byte{0xff}, 8)...)},
		{"length of 8 octets, positive", append([]byte{0x30, 0x88, 0x7f}, bytes.Repeat([]byte{0xff}, 7)...)},
		{"2 GiB announced", []byte{0x30, 0x84, 0x7f, 0xff, 0xff, 0xff}},
		{"4 GiB announced", []byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff}},
		{"4 GiB announced inside", []byte{0x30, 6, 2, 0x84, 0xff, 0xff, 0xff, 0xff}},
		{"100 MB announced", []byte{0x30, 0x84, 0x06, 0, 0, 0}},
		{"indefinite length", []byte{0x30, 0x80, 2, 1, 1, 0x42, 0, 0, 0}},
		{"a TLS greeting", []byte{0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3}},
		{"an HTTP request", []byte("GET / HTTP/1.0\r\n\r\n")},
		{"nulls", make([]byte, 100)},
		{"an empty message", []byte{0x30, 0}},
		{"an answer", tlv(0x30, number1(1), tlv(0x65, []byte{10, 1, 0, 4, 0, 4, 0}))},
		{"an unknown operation", tlv(0x30, number1(1), tlv(0x7d))},
		{"message id 0", tlv(0x30, number1(0), tlv(0x63))},
		{"a negative message id", tlv(0x30, number1(0xff), tlv(0x63))},
		{"an abandon of nothing", tlv(0x30, number1(1), tlv(0x50))},
		{"100 nested filters", searchFor(2, nots(100), "cn")},
		{"10,000 nested filters", searchFor(2, nots(10_000), "cn")},
		{"100,000 nested filters", searchFor(2, nots(100_000), "cn")},
		{"10,000 attributes", searchFor(2, tlv(0x87, []byte("cn")), strings.Split(strings.Repeat("cn ", 10_000), " ")...)},
	} {
		t.Run(c.name, func(t *testing.T) {
			stranger := s.raw(t)
			_, _ = stranger.Write(c.in) // what is too long is not read to its end
			stranger.expectNotice(goldap.LDAPResultProtocolError)
			device := s.rawBound(t)
			_, _ = device.Write(c.in)
			device.expectNotice(goldap.LDAPResultProtocolError)
			if res, err := witness.Search(request("(sn=Berg)")); err != nil || len(res.Entries) != 1 {
				t.Fatalf("somebody else suffers: %v", err)
			}
		})
	}
}

// TestMalformedRequests sends messages whose framing is right and whose inside is
// not: they are answered, and the connection goes on.
func TestMalformedRequests(t *testing.T) {
	s := newSite(t, staff(), nil)
	control := func(c ...[]byte) []byte { return tlv(0xa0, tlv(0x30, c...)) }
	search := func(filter []byte, controls ...[]byte) []byte {
		m := searchFor(9, filter, "cn")
		return tlv(0x30, append([][]byte{m[2:]}, controls...)...)
	}
	cn := tlv(0x87, []byte("cn"))
	for _, c := range []struct {
		name   string
		in     []byte
		answer byte
		code   int64
	}{
		{"33 nested filters", searchFor(9, nots(32), "cn"), 0x65, goldap.LDAPResultAdminLimitExceeded},
		{"257 filters", searchFor(9, tlv(0xa1, bytes.Repeat(cn, 256)), "cn"), 0x65, goldap.LDAPResultAdminLimitExceeded},
		{"100 matches of any attribute", searchFor(9, tlv(0xa1, bytes.Repeat(tlv(0xa9, tlv(0x81, []byte("2.5.13.2")), tlv(0x83, []byte("x"))), 100)), "cn"), 0x65, goldap.LDAPResultAdminLimitExceeded},
		{"257 attributes", searchFor(9, cn, strings.Fields(strings.Repeat("cn ", 257))...), 0x65, goldap.LDAPResultAdminLimitExceeded},
		{"a filter of another class", searchFor(9, tlv(0x6f)), 0x65, goldap.LDAPResultProtocolError},
		{"a not of two", searchFor(9, tlv(0xa2, cn, cn)), 0x65, goldap.LDAPResultProtocolError},
		{"substrings that are none", searchFor(9, tlv(0xa4, str("cn"), tlv(4))), 0x65, goldap.LDAPResultProtocolError},
		{"an empty search", tlv(0x30, number1(9), tlv(0x63)), 0x65, goldap.LDAPResultProtocolError},
		{"scope 7", tlv(0x30, number1(9), tlv(0x63, str(base), []byte{10, 1, 7, 10, 1, 0, 2, 1, 0, 2, 1, 0, 1, 1, 0}, cn, tlv(0x30))), 0x65, goldap.LDAPResultProtocolError},
		{"a negative limit", tlv(0x30, number1(9), tlv(0x63, str(base), []byte{10, 1, 2, 10, 1, 0, 2, 1, 0xff, 2, 1, 0, 1, 1, 0}, cn, tlv(0x30))), 0x65, goldap.LDAPResultProtocolError},
		{"an empty control", search(cn, control()), 0x65, goldap.LDAPResultProtocolError},
		{"a garbage paging value", search(cn, control(str(goldap.ControlTypePaging), str("\xff\xff"))), 0x65, goldap.LDAPResultProtocolError},
		{"a critical paging control without value", search(cn, control(str(goldap.ControlTypePaging), []byte{1, 1, 0xff})), 0x65, goldap.LDAPResultProtocolError},
		{"a critical unknown control", search(cn, control(str("1.2.3"), []byte{1, 1, 0xff})), 0x65, goldap.LDAPResultUnavailableCriticalExtension},
		{"an empty compare", tlv(0x30, number1(9), tlv(0x6e)), 0x6f, goldap.LDAPResultProtocolError},
		{"an empty extended request", tlv(0x30, number1(9), tlv(0x77)), 0x78, goldap.LDAPResultProtocolError},
		{"an unknown extended request", extendedMessage(9, "1.2.3"), 0x78, goldap.LDAPResultProtocolError},
		{"an empty modify", tlv(0x30, number1(9), tlv(0x66)), 0x67, goldap.LDAPResultUnwillingToPerform},
		{"an empty add", tlv(0x30, number1(9), tlv(0x68)), 0x69, goldap.LDAPResultUnwillingToPerform},
		{"an empty delete", tlv(0x30, number1(9), tlv(0x4a)), 0x6b, goldap.LDAPResultUnwillingToPerform},
		{"an empty rename", tlv(0x30, number1(9), tlv(0x6c)), 0x6d, goldap.LDAPResultUnwillingToPerform},
		{"an empty bind", tlv(0x30, number1(9), tlv(0x60)), 0x61, goldap.LDAPResultProtocolError},
		{"a bind of version 4", bindMessage(9, 4, "x", "y"), 0x61, goldap.LDAPResultProtocolError},
		{"a bind of an unknown kind", tlv(0x30, number1(9), tlv(0x60, number1(3), str("x"), tlv(0x8a))), 0x61, goldap.LDAPResultAuthMethodNotSupported},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := s.rawBound(t)
			conn.send(c.in)
			conn.expect(9, c.answer, c.code)
			conn.send(bindMessage(10, 2, string(s.device.Login), s.secret))
			conn.expect(10, 0x61, goldap.LDAPResultSuccess)
			conn.send(search1(11, "sn", "1.1"))
			if all := conn.until(11); len(all) != 8 {
				t.Errorf("the next search answers with %d messages", len(all))
			}
		})
	}
}

func TestDeepestFilterAllowed(t *testing.T) {
	s := newSite(t, staff(), nil)
	c := s.rawBound(t)
	c.send(searchFor(2, nots(30), "cn")) // even: everybody has a name
	if all := c.until(2); len(all) != 8 || all[7].code != goldap.LDAPResultSuccess {
		t.Errorf("answers %+v", all)
	}
}

func TestStrangersMayNotSendMuch(t *testing.T) {
	s := newSite(t, staff(), nil)
	big := searchFor(2, tlv(0xa3, str("cn"), str(strings.Repeat("x", 10<<10))), "cn")
	stranger := s.raw(t)
	stranger.send(big)
	stranger.expectNotice(goldap.LDAPResultProtocolError)
	device := s.rawBound(t)
	device.send(big)
	device.expect(2, 0x65, goldap.LDAPResultSuccess)
	// Small, but decoding it takes a hundred times its size.
	many := searchFor(2, tlv(0xa1, bytes.Repeat(tlv(0x87), 300)), "cn")
	stranger = s.raw(t)
	stranger.send(many)
	stranger.expectNotice(goldap.LDAPResultProtocolError)
	device.send(many)
	device.expect(2, 0x65, goldap.LDAPResultAdminLimitExceeded)
}

func TestThousandHostileConnections(t *testing.T) {
	s := newSite(t, staff(), func(o *ldap.Options) { o.MaxUnbound = 2000 })
	before := heap()
	const n = 1000
	half := bytes.Repeat([]byte{0}, 200)
	for range n {
		c := s.raw(t)
		c.send([]byte{0x30, 0x82, 0x1f, 0xf0}, half) // 8 KiB announced
	}
	if res, err := s.bound(t).Search(request("(sn=Berg)")); err != nil || len(res.Entries) != 1 {
		t.Fatalf("nobody else is served: %v", err)
	}
	// The clients' own buffers are in the same process, some 5 KB each.
	if grown := heap() - before; grown > n*20<<10 {
		t.Errorf("%d idle connections took %d KB", n, grown>>10)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

func TestThrottledBindIsBusy(t *testing.T) {
	s := newSite(t, staff(), nil)
	c := s.raw(t)
	for range 1000 {
		c.send(bindMessage(1, 3, string(s.device.Login), "wrong"))
		r, err := c.read()
		if err != nil {
			t.Fatal(err)
		}
		if r.code == goldap.LDAPResultBusy && r.text == "too many attempts" {
			return
		}
		if r.code != goldap.LDAPResultInvalidCredentials || r.text != "login refused" {
			t.Fatalf("answer %+v", r)
		}
	}
	t.Error("a thousand guesses and no throttle")
}

// broken answers photos with what it is told.
type broken struct {
	*mirror
	photo func() ([]byte, error)
}

func (b *broken) Photo(context.Context, directory.PhotoID, directory.PhotoSize) ([]byte, error) {
	return b.photo()
}

func TestPanicIsAnsweredAndForgotten(t *testing.T) {
	m, plan := newMirror(t, &directory.Contact{ID: "x", Source: directory.SourceUser, DisplayName: "X", Photo: "p"})
	b := &broken{mirror: m}
	s := newSiteOf(t, m, plan, func(o *ldap.Options) { o.Directory = b })
	c := s.bound(t)
	for name, photo := range map[string]func() ([]byte, error){
		"panic": func() ([]byte, error) { panic("a bug with secret text") },
		"error": func() ([]byte, error) { return nil, errors.New("disk with secret text") },
	} {
		b.photo = photo
		_, err := c.Search(request("(sn=*)", "jpegPhoto"))
		if code(err) != goldap.LDAPResultOther || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
		if res, err := c.Search(request("(sn=*)", "cn")); err != nil || len(res.Entries) != 1 {
			t.Errorf("after the %s: %v", name, err)
		}
	}
}

func TestStartTLSRefusesWhatFollowsIt(t *testing.T) {
	s := newSite(t, staff(), nil)
	c := s.raw(t)
	c.send(extendedMessage(1, "1.3.6.1.4.1.1466.20037"), bindMessage(2, 3, "", ""))
	c.expect(1, 0x78, goldap.LDAPResultOperationsError)
	c.expect(2, 0x61, goldap.LDAPResultSuccess) // still in clear, and said so
}

func TestBrokenHandshake(t *testing.T) {
	s := newSite(t, staff(), nil)
	c := s.raw(t)
	c.send(extendedMessage(1, "1.3.6.1.4.1.1466.20037"))
	c.expect(1, 0x78, goldap.LDAPResultSuccess)
	c.send(bindMessage(2, 3, "", ""))
	for {
		if _, err := c.r.ReadByte(); err != nil {
			if errors.Is(err, context.DeadlineExceeded) || isTimeout(err) {
				t.Error("a broken handshake is left open")
			}
			return
		}
	}
}

// TestNothingIsSaidInAHandshake: octets of LDAP are no part of TLS.
func TestNothingIsSaidInAHandshake(t *testing.T) {
	s := newSite(t, staff(), nil)
	ldaps, err := net.Dial("tcp", s.tls)
	if err != nil {
		t.Fatal(err)
	}
	defer ldaps.Close()
	c := s.raw(t)
	c.send(extendedMessage(1, "1.3.6.1.4.1.1466.20037"))
	c.expect(1, 0x78, goldap.LDAPResultSuccess)
	s.stop()
	for name, r := range map[string]io.Reader{"ldaps": ldaps, "StartTLS": c.r} {
		if b, err := io.ReadAll(r); err != nil || len(b) > 0 {
			t.Errorf("%s: %x, %v", name, b, err)
		}
	}
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

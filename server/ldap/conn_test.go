package ldap_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"ringbook/directory"
	"ringbook/server/ldap"
)

// album is n people with a large photo each: more than the kernel buffers.
func album(tb testing.TB, n int, change func(*ldap.Options)) *site {
	tb.Helper()
	s := newSite(tb, pictured(n), change)
	s.photos["p"] = []byte(strings.Repeat("J", directory.MaxLargePhoto))
	return s
}

// pictured returns people who have the photo "p".
func pictured(n int) []*directory.Contact {
	people := crowd(n)
	for _, p := range people {
		p.Photo = "p"
	}
	return people
}

// TestAbandonWithACriticalControl: what nobody knows keeps an operation from being carried
// out, answered or not (RFC 4511 §4.1.11).
func TestAbandonWithACriticalControl(t *testing.T) {
	s := album(t, 500, nil)
	c := s.rawBound(t)
	c.send(search1(2, "sn", "jpegPhoto"))
	c.expect(2, 0x64, -1)
	c.send(tlv(0x30, number1(3), tlv(0x50, []byte{2}), tlv(0xa0, tlv(0x30, str("1.2.3"), []byte{1, 1, 0xff}))))
	if all := c.until(2); len(all) != 500 {
		t.Errorf("%d messages", len(all))
	}
}

func TestAbandonEndsASearchWithoutAnswer(t *testing.T) {
	s := album(t, 500, nil)
	c := s.rawBound(t)
	c.send(search1(2, "sn", "jpegPhoto"))
	c.expect(2, 0x64, -1)
	c.send(abandonMessage(3, 2), abandonMessage(4, 77), searchFor(5, tlv(0xa3, str("mail"), str("p7@contoso.com")), "cn"))
	entries := 0
	for _, r := range c.until(5) {
		switch {
		case r.id == 2 && r.op == 0x64:
			entries++
		case r.id == 2:
			t.Fatalf("an abandoned search is answered: %+v", r)
		}
	}
	if entries > 450 {
		t.Errorf("%d of 500 entries came in spite of abandon", entries)
	}
	c.send(search1(2, "none", "cn")) // the id is free again
	for _, r := range c.until(2) {
		if r.op == 0x65 && r.code != goldap.LDAPResultSuccess {
			t.Errorf("%+v", r)
		}
	}
}

func TestSearchesRunSideBySide(t *testing.T) {
	s := album(t, 500, nil)
	c := s.rawBound(t)
	c.send(search1(2, "sn", "jpegPhoto"), searchFor(3, tlv(0xa3, str("mail"), str("p7@contoso.com")), "cn"))
	for _, r := range c.until(3) {
		if r.id == 2 && r.op == 0x65 {
			t.Fatal("the short search waited for the long one")
		}
	}
	c.until(2)
}

func TestBindWaitsForSearches(t *testing.T) {
	s := album(t, 300, nil)
	c := s.rawBound(t)
	c.send(search1(2, "sn", "jpegPhoto"), bindMessage(3, 3, "", ""), search1(4, "sn", "cn"))
	if all := c.until(2); len(all) != 301 {
		t.Errorf("%d messages before the bind", len(all))
	}
	c.expect(3, 0x61, goldap.LDAPResultSuccess)
	c.expect(4, 0x65, goldap.LDAPResultInsufficientAccessRights)
}

func TestTooManyOperations(t *testing.T) {
	s := album(t, 300, func(o *ldap.Options) { o.MaxOperations = 2 })
	c := s.rawBound(t)
	c.send(search1(2, "sn", "jpegPhoto"))
	c.expect(2, 0x64, -1)
	c.send(search1(3, "sn", "jpegPhoto"), search1(4, "sn", "cn"), search1(2, "sn", "cn"))
	codes := map[int64]int64{}
	for len(codes) < 3 {
		r, err := c.read()
		if err != nil {
			t.Fatal(err)
		}
		if r.op == 0x65 && (r.id != 2 || r.code != goldap.LDAPResultProtocolError) {
			codes[r.id] = r.code
		}
	}
	if codes[2] != 0 || codes[3] != 0 || codes[4] != goldap.LDAPResultBusy {
		t.Errorf("results %v", codes)
	}
}

func TestAnIDMayBeUsedAgainAtOnce(t *testing.T) {
	s := newSite(t, staff(), nil)
	c := s.rawBound(t)
	for range 500 {
		c.send(search1(2, "sn", "1.1"))
		if all := c.until(2); all[len(all)-1].code != 0 {
			t.Fatalf("%+v", all[len(all)-1])
		}
	}
	c.send(extendedMessage(3, "1.3.6.1.4.1.1466.20037"))
	c.expect(3, 0x78, goldap.LDAPResultSuccess)
}

// TestOneAfterAnother: who waits for each answer never has too many under way, however
// long an answered search takes to end.
func TestOneAfterAnother(t *testing.T) {
	s := newSite(t, staff(), func(o *ldap.Options) { o.MaxOperations = 2 })
	c := s.rawBound(t)
	for i := range 2000 {
		c.send(search1(2, "sn", "1.1"))
		if all := c.until(2); all[len(all)-1].code != 0 {
			t.Fatalf("after %d: %+v", i, all[len(all)-1])
		}
	}
}

func TestTimeLimit(t *testing.T) {
	s := album(t, 500, nil)
	c := s.rawBound(t)
	// A second, and a client that reads nothing for longer.
	c.send(tlv(0x30, number1(2), tlv(0x63, str(base), []byte{10, 1, 2, 10, 1, 0, 2, 1, 0, 2, 1, 1, 1, 1, 0}, tlv(0x87, []byte("sn")), tlv(0x30, str("jpegPhoto")))))
	pause := time.NewTimer(1200 * time.Millisecond)
	<-pause.C
	all := c.until(2)
	if last := all[len(all)-1]; last.code != goldap.LDAPResultTimeLimitExceeded {
		t.Errorf("%d entries, then %+v", len(all)-1, last)
	}
}

func TestHalfClosedClientIsAnswered(t *testing.T) {
	s := newSite(t, crowd(1000), nil)
	c := s.raw(t)
	c.send(bindMessage(1, 3, string(s.device.Login), s.secret), search1(2, "sn", "cn"))
	tcp, ok := c.Conn.(*net.TCPConn)
	if !ok || tcp.CloseWrite() != nil {
		t.Fatal("cannot close half")
	}
	c.expect(1, 0x61, goldap.LDAPResultSuccess)
	if all := c.until(2); len(all) != 1001 {
		t.Errorf("%d messages", len(all))
	}
	c.expectEnd()
}

func TestRevocationEndsIdleConnections(t *testing.T) {
	s := newSite(t, staff(), nil)
	c, other := s.rawBound(t), s.rawBound(t)
	began := time.Now()
	if _, err := s.auth.SetState(t.Context(), s.device.ID, directory.DeviceRevoked); err != nil {
		t.Fatal(err)
	}
	c.expectNotice(goldap.LDAPResultUnavailable)
	other.expectNotice(goldap.LDAPResultUnavailable)
	if took := time.Since(began); took > time.Second {
		t.Errorf("it took %v", took)
	}
	c = s.raw(t)
	c.send(bindMessage(1, 3, string(s.device.Login), s.secret))
	c.expect(1, 0x61, goldap.LDAPResultInvalidCredentials)
}

func TestRevocationEndsAConnectionThatIsStuck(t *testing.T) {
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprintf("tls=%v", secure), func(t *testing.T) {
			s := album(t, 1000, nil)
			gone := make(chan struct{})
			s.onDetach = func() { close(gone) }
			c := s.raw(t)
			if secure {
				c.send(extendedMessage(9, "1.3.6.1.4.1.1466.20037"))
				c.expect(9, 0x78, goldap.LDAPResultSuccess)
				c = rawOf(t, tls.Client(c.Conn, s.client))
			}
			c.send(bindMessage(1, 3, string(s.device.Login), s.secret))
			c.expect(1, 0x61, goldap.LDAPResultSuccess)
			c.send(search1(2, "sn", "jpegPhoto"))
			c.expect(2, 0x64, -1) // and then the client reads no more
			began := time.Now()
			if _, err := s.auth.SetState(t.Context(), s.device.ID, directory.DeviceRevoked); err != nil {
				t.Fatal(err)
			}
			select {
			case <-gone:
			case <-time.After(patience):
				t.Fatal("still there")
			}
			if took := time.Since(began); took > time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

func TestRevocationIsSeenByEveryOperation(t *testing.T) {
	s := newSite(t, staff(), func(o *ldap.Options) { o.Auth = deaf{o.Auth} }) // nobody ends sessions
	for name, m := range map[string][]byte{
		"search":  search1(2, "sn", "cn"),
		"compare": tlv(0x30, number1(2), tlv(0x6e, str("uid=anna,ou=people,"+base), tlv(0x30, str("sn"), str("x")))),
		"whoami":  extendedMessage(2, "1.3.6.1.4.1.4203.1.11.3"),
	} {
		for what, end := range map[string]func(directory.DeviceID) error{
			"revoked": func(id directory.DeviceID) error {
				_, err := s.auth.SetState(t.Context(), id, directory.DeviceRevoked)
				return err
			},
			"rotated": func(id directory.DeviceID) error {
				_, _, err := s.auth.Rotate(t.Context(), id)
				return err
			},
		} {
			d, secret := s.add(t, directory.Device{Name: name + what, Kind: directory.KindPhone, Books: []directory.BookName{"people"}})
			c := s.raw(t)
			c.send(bindMessage(1, 3, string(d.Login), secret))
			c.expect(1, 0x61, goldap.LDAPResultSuccess)
			if err := end(d.ID); err != nil {
				t.Fatal(err)
			}
			c.send(m)
			c.expectNotice(goldap.LDAPResultUnavailable)
		}
	}
}

// deaf forgets the sessions that it is given.
type deaf struct{ ldap.Authenticator }

func (d deaf) Attach(id directory.DeviceID, _ func()) (func(), error) {
	return d.Authenticator.Attach(id, func() {})
}

func TestConnectionsPerDevice(t *testing.T) {
	s := newSite(t, staff(), func(o *ldap.Options) { o.MaxDeviceConns = 2 })
	a := s.rawBound(t)
	s.rawBound(t)
	c := s.raw(t)
	c.send(bindMessage(1, 3, string(s.device.Login), s.secret))
	c.expect(1, 0x61, goldap.LDAPResultBusy)
	// Binding again is not one more, and giving up is one less.
	a.send(bindMessage(2, 3, string(s.device.Login), s.secret))
	a.expect(2, 0x61, goldap.LDAPResultSuccess)
	a.send(bindMessage(3, 3, "", ""))
	a.expect(3, 0x61, goldap.LDAPResultSuccess)
	c.send(bindMessage(2, 3, string(s.device.Login), s.secret))
	c.expect(2, 0x61, goldap.LDAPResultSuccess)
}

func TestConnectionsOfStrangers(t *testing.T) {
	s := newSite(t, staff(), func(o *ldap.Options) { o.MaxUnbound = 2 })
	s.rawBound(t)
	s.rawBound(t) // bound ones do not count
	ask := func() *raw {
		c := s.raw(t)
		c.send(bindMessage(1, 3, "", ""))
		return c
	}
	ask().expect(1, 0x61, goldap.LDAPResultSuccess)
	second := ask()
	second.expect(1, 0x61, goldap.LDAPResultSuccess)
	if _, err := ask().read(); err == nil {
		t.Error("a third stranger is heard")
	}
	second.send(tlv(0x30, number1(2), tlv(0x42)))
	second.expectEnd()
	ask().expect(1, 0x61, goldap.LDAPResultSuccess)
}

func TestShutdownEndsEverything(t *testing.T) {
	s := album(t, 500, nil)
	idle, stuck, stranger := s.rawBound(t), s.rawBound(t), s.raw(t)
	stranger.send(bindMessage(1, 3, "", ""))
	stranger.expect(1, 0x61, goldap.LDAPResultSuccess)
	stuck.send(search1(2, "sn", "jpegPhoto"))
	stuck.expect(2, 0x64, -1)
	began := time.Now()
	s.stop()
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("it took %v", took)
	}
	idle.expectNotice(goldap.LDAPResultUnavailable)
	stranger.expectNotice(goldap.LDAPResultUnavailable)
	if _, err := net.Dial("tcp", s.plain); err == nil {
		t.Error("somebody still listens")
	}
}

func TestShutdownLetsASearchFinish(t *testing.T) {
	s := newSite(t, crowd(5000), nil)
	c := s.rawBound(t)
	c.send(search1(2, "sn", "*"))
	c.expect(2, 0x64, -1)
	stopped := make(chan struct{})
	go func() { s.stop(); close(stopped) }()
	if all := c.until(2); len(all) != 5000 {
		t.Errorf("%d messages", len(all))
	}
	c.expectNotice(goldap.LDAPResultUnavailable)
	<-stopped
}

// A pipeline is a listener inside a synctest bubble.
type pipeline struct {
	conns  chan net.Conn
	errs   chan error
	closed chan struct{}
	once   sync.Once
	hungUp chan struct{} // has one for each connection that the server has closed
}

func newPipeline() *pipeline {
	return &pipeline{conns: make(chan net.Conn), errs: make(chan error), closed: make(chan struct{}), hungUp: make(chan struct{}, 100)}
}

func (p *pipeline) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case err := <-p.errs:
		return nil, err
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// connect returns the client's end of a new connection, without deadlines.
func (p *pipeline) connect(t *testing.T) *raw {
	t.Helper()
	ours, theirs := net.Pipe()
	p.conns <- hangUp{theirs, p.hungUp}
	t.Cleanup(func() { _ = ours.Close() })
	c := rawOf(t, ours)
	_ = c.SetDeadline(time.Time{})
	c.untimed = true
	return c
}

// A hangUp tells when it is closed.
type hangUp struct {
	net.Conn
	told chan<- struct{}
}

func (h hangUp) Close() error {
	h.told <- struct{}{}
	return h.Conn.Close()
}

// RemoteAddr is of a network for examples (RFC 5737).
func (h hangUp) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1} }

func (p *pipeline) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipeline) Addr() net.Addr { return &net.TCPAddr{} }

// bubble runs a server and a pipe to it in a synctest bubble.
func bubble(t *testing.T, f func(t *testing.T, s *site, l *pipeline, connect func() *raw)) {
	t.Helper()
	bubbleOf(t, staff(), nil, f)
}

// bubbleAt is a bubble whose port is another one.
func bubbleAt(t *testing.T, change func(*ldap.Port), f func(t *testing.T, s *site, l *pipeline, connect func() *raw)) {
	t.Helper()
	bubbleWith(t, staff(), nil, change, f)
}

func bubbleOf(t *testing.T, people []*directory.Contact, change func(*ldap.Options), f func(t *testing.T, s *site, l *pipeline, connect func() *raw)) {
	t.Helper()
	bubbleWith(t, people, change, func(*ldap.Port) {}, f)
}

func bubbleWith(t *testing.T, people []*directory.Contact, change func(*ldap.Options), at func(*ldap.Port), f func(t *testing.T, s *site, l *pipeline, connect func() *raw)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m, plan := newMirror(t, people...)
		s := prepare(t, m, plan, change)
		at(&s.port)
		l := newPipeline()
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- s.server.Serve(ctx, l, s.port) }()
		f(t, s, l, func() *raw { return l.connect(t) })
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// pass lets time pass, that of the bubble.
func pass(d time.Duration) { <-time.After(d) }

// lasts returns after how long the server closes.
func (c *raw) lasts() time.Duration {
	began := time.Now()
	for {
		if _, err := c.r.ReadByte(); err != nil {
			return time.Since(began)
		}
	}
}

func TestStrangersMayNotWait(t *testing.T) {
	bubble(t, func(t *testing.T, _ *site, _ *pipeline, connect func() *raw) {
		t.Helper()
		if d := connect().lasts(); d != ldap.DefaultBindTimeout {
			t.Errorf("a silent one is closed after %v", d)
		}
		slow := connect()
		var writer sync.WaitGroup
		defer writer.Wait()
		writer.Go(func() { // one octet every 10 s
			for _, b := range bindMessage(1, 3, "", "") {
				if _, err := slow.Write([]byte{b}); err != nil {
					return
				}
				pass(10 * time.Second)
			}
		})
		if d := slow.lasts(); d != ldap.DefaultBindTimeout {
			t.Errorf("a slow one is closed after %v", d)
		}
	})
}

func TestIdleDevicesAreClosed(t *testing.T) {
	bubble(t, func(t *testing.T, s *site, _ *pipeline, connect func() *raw) {
		t.Helper()
		c := connect()
		c.send(bindMessage(1, 3, string(s.device.Login), s.secret))
		c.expect(1, 0x61, goldap.LDAPResultSuccess)
		pass(ldap.DefaultIdleTimeout - time.Second)
		c.send(search1(2, "none", "cn"))
		c.expect(2, 0x65, goldap.LDAPResultSuccess)
		if d := c.lasts(); d != ldap.DefaultIdleTimeout {
			t.Errorf("closed after %v", d)
		}
	})
}

func TestASlowMessageIsCutOff(t *testing.T) {
	bubble(t, func(t *testing.T, s *site, _ *pipeline, connect func() *raw) {
		t.Helper()
		search := search1(2, "none", "cn")
		long := search1(3, "none", strings.Repeat("x", 600)) // than the reader's buffer
		for what, begun := range map[string][]byte{
			"one octet": search[:1], "a length": search[:2], "half": search[:len(search)/2], "all but the last octet": search[:len(search)-1],
			"half of a length": long[:3], "half of a long one": long[:len(long)/2], "a whole one, and half of the next": slices.Concat(search, long[:10]),
		} {
			c := connect()
			c.send(bindMessage(1, 3, string(s.device.Login), s.secret))
			c.expect(1, 0x61, goldap.LDAPResultSuccess)
			c.send(begun)
			if d := c.lasts(); d != 30*time.Second {
				t.Errorf("%s: closed after %v", what, d)
			}
		}
	})
}

func TestAClientThatReadsNothingIsClosed(t *testing.T) {
	bubble(t, func(t *testing.T, s *site, _ *pipeline, connect func() *raw) {
		t.Helper()
		c := connect()
		c.send(bindMessage(1, 3, string(s.device.Login), s.secret))
		c.expect(1, 0x61, goldap.LDAPResultSuccess)
		c.send(search1(2, "sn", "cn"))
		pass(ldap.DefaultWriteTimeout + time.Second)
		if _, err := c.Write([]byte{0x30}); err == nil {
			t.Error("still open")
		}
	})
}

func TestAcceptErrorsAreSurvived(t *testing.T) {
	bubble(t, func(t *testing.T, _ *site, l *pipeline, connect func() *raw) {
		t.Helper()
		began := time.Now()
		for range 20 {
			l.errs <- &net.OpError{Op: "accept", Err: syscall.EMFILE}
		}
		c := connect()
		c.send(bindMessage(1, 3, "", ""))
		c.expect(1, 0x61, goldap.LDAPResultSuccess)
		if took := time.Since(began); took < 5*time.Second || took > 20*time.Second {
			t.Errorf("20 failures in %v: neither a busy loop nor a deaf one is wanted", took)
		}
	})
}

func TestABrokenListenerIsReported(t *testing.T) {
	s := newSite(t, nil, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	if err := s.server.Serve(t.Context(), l, s.port); !errors.Is(err, net.ErrClosed) {
		t.Errorf("error %v", err)
	}
}

// TestOneAfterTheOther: whoever waits for each answer asks but one thing at a time,
// however busy the machine is with what is left to do behind the answer. A stranger's
// searches have goroutines of their own.
func TestOneAfterTheOther(t *testing.T) {
	s := newSite(t, staff(), func(o *ldap.Options) { o.MaxOperations = 1 })
	c := s.raw(t)
	root := tlv(0x30, number1(2), tlv(0x63, str(""), []byte{10, 1, 0, 10, 1, 0, 2, 1, 0, 2, 1, 0, 1, 1, 0}, tlv(0x87, []byte("objectClass")), tlv(0x30)))
	for range 500 {
		c.send(root)
		c.expect(2, 0x64, -1)
		c.expect(2, 0x65, goldap.LDAPResultSuccess)
	}
}

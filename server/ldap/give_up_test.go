package ldap_test

import (
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"ringbook/directory"
	"ringbook/server/ldap"
)

// dear is a filter that finds nobody and takes long over it: everybody has its
// pieces, but not in that order, and streets are folded anew for each of its leaves.
func dear() []byte {
	leaf := tlv(0xa4, str("street"), tlv(0x30, tlv(0x81, []byte("straße")), tlv(0x81, []byte("müller"))))
	return tlv(0xa1, slices.Repeat([][]byte{leaf}, 80)...)
}

// dearTime is less than what the dear filter takes with the dear site's people,
// and much longer than anything else here.
const dearTime = 4 * time.Second

func dearSite(t *testing.T, change func(*ldap.Options)) *site {
	t.Helper()
	people := crowd(10_000)
	street := "Große Müllerstraße 17" + strings.Repeat(", Rückgebäude, über den Hof", 10) // so that it is dear on any machine
	for _, p := range people {
		p.Address.Street = street
	}
	return newSite(t, people, change)
}

// within fails the test if f takes as long as a dear search that is not given up.
func within(t *testing.T, what string, f func()) {
	t.Helper()
	began := time.Now()
	f()
	if took := time.Since(began); took > dearTime {
		t.Errorf("%s: it took %v", what, took)
	}
}

// TestSearchThatFindsNobodyIsGivenUp: nothing is sent, so nothing but the filter
// itself can notice that it is not wanted any more.
func TestSearchThatFindsNobodyIsGivenUp(t *testing.T) {
	s := dearSite(t, nil)
	c := s.rawBound(t)
	within(t, "its client abandons it", func() {
		c.send(searchFor(2, dear(), "cn"), abandonMessage(3, 2), bindMessage(4, 3, string(s.device.Login), s.secret))
		c.expect(4, 0x61, goldap.LDAPResultSuccess) // a bind waits for the operations
	})
	within(t, "its client has set a time limit", func() {
		limits := []byte{10, 1, 2, 10, 1, 0, 2, 1, 0, 2, 1, 1, 1, 1, 0} // one second
		c.send(tlv(0x30, number1(5), tlv(0x63, str(base), limits, dear(), tlv(0x30))))
		c.expect(5, 0x65, goldap.LDAPResultTimeLimitExceeded)
	})
	within(t, "its device is revoked, and the connection waits for it", func() {
		c.send(searchFor(6, dear(), "cn"), bindMessage(7, 3, "", ""))
		<-time.After(200 * time.Millisecond) // until the bind is read
		if _, err := s.auth.SetState(t.Context(), s.device.ID, directory.DeviceRevoked); err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, c.r)
	})
}

func TestShutdownEndsADearSearch(t *testing.T) {
	s := dearSite(t, nil)
	c := s.rawBound(t)
	c.send(searchFor(2, dear(), "cn"), bindMessage(3, 3, "", ""))
	<-time.After(200 * time.Millisecond) // until the bind is read, and waits
	within(t, "shutdown", s.stop)
}

func TestSearchTimeout(t *testing.T) {
	s := dearSite(t, func(o *ldap.Options) { o.SearchTimeout = 100 * time.Millisecond })
	c := s.rawBound(t)
	within(t, "an endless search", func() {
		c.send(searchFor(2, dear(), "cn"))
		c.expect(2, 0x65, goldap.LDAPResultTimeLimitExceeded)
	})
}

// TestWaitingForTheClientIsNoWork: a slow client gets its listing whole.
func TestWaitingForTheClientIsNoWork(t *testing.T) {
	brief := func(o *ldap.Options) { o.SearchTimeout = 500 * time.Millisecond }
	bubbleOf(t, pictured(200), brief, func(t *testing.T, s *site, _ *pipeline, connect func() *raw) {
		t.Helper()
		s.photos["p"] = []byte(strings.Repeat("J", directory.MaxLargePhoto))
		c := connect()
		c.send(bindMessage(1, 3, string(s.device.Login), s.secret))
		c.expect(1, 0x61, goldap.LDAPResultSuccess)
		c.send(search1(2, "sn", "jpegPhoto"))
		c.expect(2, 0x64, -1) // the search has begun, and waits
		pass(time.Second)
		if all := c.until(2); len(all) != 200 || all[199].code != goldap.LDAPResultSuccess {
			t.Errorf("%d messages, then %+v", len(all), all[len(all)-1])
		}
	})
}

// TestStrangerWhoReadsNothing: when a stranger's time is up, answers that he does
// not take are no reason to keep him, nor to ask for his next message all the time.
func TestStrangerWhoReadsNothing(t *testing.T) {
	m, plan := newMirror(t, staff()...)
	s := prepare(t, m, plan, func(o *ldap.Options) { o.BindTimeout, o.WriteTimeout = 200*time.Millisecond, 5*time.Second })
	l := newPipeline()
	var served sync.WaitGroup
	served.Go(func() { _ = s.server.Serve(t.Context(), l, s.port) })
	defer served.Wait()
	defer l.Close()
	c := l.connect(t)
	c.send(tlv(0x30, number1(2), tlv(0x63, str(""), []byte{10, 1, 0, 10, 1, 0, 2, 1, 0, 2, 1, 0, 1, 1, 0}, tlv(0x87, []byte("objectClass")), tlv(0x30))))
	began := time.Now()
	<-l.hungUp
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("closed after %v", took)
	}
}

// TestNothingFollowsHalfAMessage: a notice behind the beginning of an entry would
// be read as its end.
func TestNothingFollowsHalfAMessage(t *testing.T) {
	bubble(t, func(t *testing.T, s *site, _ *pipeline, connect func() *raw) {
		t.Helper()
		c := connect()
		c.send(bindMessage(1, 3, string(s.device.Login), s.secret))
		c.expect(1, 0x61, goldap.LDAPResultSuccess)
		c.r.Reset(c.Conn)
		c.send(search1(2, "sn", "cn"))
		if _, err := c.Read(make([]byte, 10)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.auth.SetState(t.Context(), s.device.ID, directory.DeviceRevoked); err != nil {
			t.Fatal(err)
		}
		pass(450 * time.Millisecond) // the answer is given up by now
		if rest, _ := io.ReadAll(c.Conn); len(rest) > 0 {
			t.Errorf("%d octets follow: %x", len(rest), rest)
		}
	})
}

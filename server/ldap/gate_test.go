package ldap_test

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"ringbook/directory"
	"ringbook/server/ldap"
)

// toil is a directory whose photos take a second each to fetch: for the gate that
// is work, and in a synctest bubble it takes no time.
type toil struct {
	*mirror
	began time.Time
	each  time.Duration // that a photo takes
	size  int           // octets of a photo
	mu    sync.Mutex
	now   int // photos being fetched
	most  int // at once, from settled on
}

// settled is by when every search has used up its free work.
const settled = 2500 * time.Millisecond

func (d *toil) Photo(ctx context.Context, _ directory.PhotoID, _ directory.PhotoSize) ([]byte, error) {
	d.mu.Lock()
	if d.now++; time.Since(d.began) > settled {
		d.most = max(d.most, d.now)
	}
	d.mu.Unlock()
	defer func() { d.mu.Lock(); d.now--; d.mu.Unlock() }()
	select {
	case <-time.After(d.each):
		return bytes.Repeat([]byte{'J'}, d.size), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// toilsome serves seven people whose photos are toil in a bubble.
func toilsome(t *testing.T, f func(s *site, d *toil, connect func(login directory.Login, secret string) *raw)) {
	t.Helper()
	toilsomeAt(t, func(*ldap.Port) {}, f)
}

// toilsomeAt is toilsome at another port.
func toilsomeAt(t *testing.T, change func(*ldap.Port), f func(s *site, d *toil, connect func(login directory.Login, secret string) *raw)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		people := staff()
		for _, p := range people {
			p.Photo = "p"
		}
		m, plan := newMirror(t, people...)
		d := &toil{mirror: m, began: time.Now(), each: time.Second, size: 1}
		s := prepare(t, m, plan, func(o *ldap.Options) { o.Directory = d })
		change(&s.port)
		l := newPipeline()
		ctx, cancel := context.WithCancel(context.Background())
		var served sync.WaitGroup
		served.Go(func() { _ = s.server.Serve(ctx, l, s.port) })
		defer served.Wait()
		defer cancel()
		f(s, d, func(login directory.Login, secret string) *raw {
			c := l.connect(t)
			c.send(bindMessage(1, 3, string(login), secret))
			c.expect(1, 0x61, goldap.LDAPResultSuccess)
			return c
		})
	})
}

// toiling is a search for everybody's photo, with a filter of so many leaves that
// the search looks for each contact whose turn it is.
func toiling(id byte) []byte {
	return searchFor(id, tlv(0xa0, bytes.Repeat(tlv(0x87, []byte("cn")), 64)), "jpegPhoto")
}

// TestADeviceHasOneLongSearch: a device that asks for much works on one thing at a
// time, and somebody else's look-up does not wait for it.
func TestADeviceHasOneLongSearch(t *testing.T) {
	toilsome(t, func(s *site, d *toil, connect func(directory.Login, string) *raw) {
		c := connect(s.device.Login, s.secret)
		c.send(toiling(2), toiling(3), toiling(4))
		other, secret := s.add(t, directory.Device{Name: "other", Kind: directory.KindDeskphone, Books: s.device.Books})
		quick := connect(other.Login, secret)
		pass(settled)
		began := time.Now()
		quick.send(search1(2, "sn", "cn"))
		if all := quick.until(2); len(all) != 8 || time.Since(began) > 0 {
			t.Errorf("a look-up has %d answers after %v", len(all), time.Since(began))
		}
		ends, entries := 0, 0
		for ends < 3 {
			switch r, err := c.read(); {
			case err != nil:
				t.Fatal(err)
			case r.op == 0x64:
				entries++
			case r.code != goldap.LDAPResultSuccess:
				t.Fatalf("%+v", r)
			default:
				ends++
			}
		}
		if entries != 3*7 || d.most != 1 {
			t.Errorf("%d entries, %d searches worked at once", entries, d.most)
		}
	})
}

// TestLongSearchesTakeTurns: those of many devices as well, and all come to their
// end although waiting takes longer than a search may work.
func TestLongSearchesTakeTurns(t *testing.T) {
	toilsome(t, func(s *site, d *toil, connect func(directory.Login, string) *raw) {
		places := max(1, runtime.GOMAXPROCS(0)-1)
		clients := make([]*raw, 3*places)
		for i := range clients {
			device, secret := s.add(t, directory.Device{Name: fmt.Sprint(i), Kind: directory.KindDeskphone, Books: s.device.Books})
			clients[i] = connect(device.Login, secret)
		}
		var reading sync.WaitGroup
		for _, c := range clients {
			c.send(toiling(2))
			reading.Go(func() {
				if all := c.until(2); len(all) != 8 || all[7].code != goldap.LDAPResultSuccess {
					t.Errorf("%d messages, then %+v", len(all), all[len(all)-1].code)
				}
			})
		}
		reading.Wait()
		if took := time.Since(d.began); d.most != places || took < ldap.DefaultSearchTimeout {
			t.Errorf("%d searches worked at once, all took %v", d.most, took)
		}
	})
}

// TestWaitingForATurnEnds: as every search does that is abandoned, overlong or
// revoked; and the place goes to the next.
func TestWaitingForATurnEnds(t *testing.T) {
	toilsome(t, func(s *site, d *toil, connect func(directory.Login, string) *raw) {
		d.each = 1400 * time.Millisecond // less than seven times this is a search's time
		c := connect(s.device.Login, s.secret)
		limits := []byte{10, 1, 2, 10, 1, 0, 2, 1, 0, 2, 1, 1, 1, 1, 0} // one second
		limited := tlv(0x30, number1(3), tlv(0x63, str(base), limits, tlv(0x87, []byte("cn")), tlv(0x30, str("cn"))))
		c.send(toiling(2))
		pass(1500 * time.Millisecond)
		c.send(toiling(5))
		pass(100 * time.Millisecond)
		began := time.Now()
		c.send(limited, abandonMessage(6, 5)) // a device that owes waits for its turn from the start
		var done []int64
		for len(done) < 2 {
			r, err := c.read()
			if err != nil {
				t.Fatal(err)
			}
			if r.op != 0x64 {
				done = append(done, r.id)
			}
			if r.id == 3 && (r.code != goldap.LDAPResultTimeLimitExceeded || time.Since(began) != time.Second) {
				t.Errorf("after %v: %+v", time.Since(began), r)
			}
		}
		if done[0] != 3 || done[1] != 2 {
			t.Errorf("searches %v are answered", done)
		}
		c.send(toiling(7), toiling(8))
		pass(time.Second / 2)
		if _, err := s.auth.SetState(t.Context(), s.device.ID, directory.DeviceRevoked); err != nil {
			t.Fatal(err)
		}
		c.expectNotice(goldap.LDAPResultUnavailable)
	})
}

// TestWhoReadsNothingKeepsNoPlace: nor does waiting for the client make a device owe.
func TestWhoReadsNothingKeepsNoPlace(t *testing.T) {
	toilsome(t, func(s *site, d *toil, connect func(directory.Login, string) *raw) {
		d.size = 20 << 10 // a flush each
		for i := range max(1, runtime.GOMAXPROCS(0)-1) {
			device, secret := s.add(t, directory.Device{Name: fmt.Sprint(i), Kind: directory.KindDeskphone, Books: s.device.Books})
			connect(device.Login, secret).send(toiling(2))
		}
		c := connect(s.device.Login, s.secret)
		began := time.Now()
		c.send(toiling(2))
		if all := c.until(2); len(all) != 8 || time.Since(began) >= ldap.DefaultWriteTimeout {
			t.Errorf("%d messages after %v", len(all), time.Since(began))
		}
	})
}

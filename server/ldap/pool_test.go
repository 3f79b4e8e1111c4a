package ldap_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
	"ringbook/server/ldap"
)

// TestAnswersAreNobodyElses: what one answer leaves to the next is room alone. Clients
// get what they got when they were alone, octet by octet, while others hang up in the
// middle, take their searches back, or run into a fault of ours, and contacts that
// none of them sees come and go.
func TestAnswersAreNobodyElses(t *testing.T) {
	people := hiding(0)
	for _, p := range people[20:] {
		p.Photo = ""
	}
	people = append(people, crowd(300)...)
	open := func() (*site, []func() *raw) {
		m, plan := newMirror(t, people...)
		faulty := &broken{mirror: m, photo: func() ([]byte, error) { panic("a bug") }}
		s := prepare(t, m, plan, func(o *ldap.Options) { o.Directory = faulty })
		s.port.Anonymous = []ldap.Anonymous{printers(t, "cn", "telephoneNumber")}
		s.open(t)
		both, secret := s.add(t, directory.Device{Name: "both", Kind: directory.KindPBX, Books: []directory.BookName{"suppliers", "people"}})
		bound := func() *raw {
			c := s.raw(t)
			c.send(bindMessage(1, 3, string(both.Login), secret))
			c.expect(1, 0x61, goldap.LDAPResultSuccess)
			return c
		}
		return s, []func() *raw{func() *raw { return s.raw(t) }, func() *raw { return s.rawBound(t) }, bound}
	}
	a := asker{rand.New(rand.NewPCG(3, 3))}
	var asks [][]byte
	for range 120 {
		if q := a.request(t); !bytes.Contains(q, []byte("jpegPhoto")) && !bytes.Contains(q, []byte("*")) {
			asks = append(asks, q)
		}
	}
	_, connect := open() // whose clients come one after the other, and ask in another order
	alone := make([][]string, len(connect))
	for i, connect := range connect {
		c := connect()
		alone[i] = make([]string, len(asks))
		for n := range slices.Backward(asks) {
			c.send(asks[n])
			alone[i][n] = c.answers()
		}
	}
	s, connect := open()
	var clients, disturbers sync.WaitGroup
	over := make(chan struct{})
	disturbers.Go(func() { comeAndGo(s.mirror, over) })
	d, secret := s.add(t, directory.Device{Name: "disturber", Kind: directory.KindDeskphone, Books: []directory.BookName{"people"}})
	login := bindMessage(1, 3, string(d.Login), secret)
	for n := range 2 {
		disturbers.Go(func() { disturb(t, s, login, rand.New(rand.NewPCG(9, uint64(n))), over) })
	}
	for i := range 2 * len(connect) {
		c, want := connect[i%len(connect)](), alone[i%len(connect)]
		clients.Go(func() {
			for n := range asks {
				n = (n*7 + i) % len(asks)
				c.send(asks[n])
				if got := c.answers(); got != want[n] {
					t.Errorf("client %d: %q is answered\n%q, alone\n%q", i, asks[n], got, want[n])
					return
				}
			}
		})
	}
	clients.Wait()
	close(over)
	disturbers.Wait()
}

// comeAndGo has contacts of somebody's mailbox come and go, more at a time than have room
// where there was enough for those before.
func comeAndGo(m *mirror, over chan struct{}) {
	var there []directory.ContactID
	for n := 0; ; n++ {
		select {
		case <-over:
			return
		default:
		}
		if len(there) > 1000 {
			m.remove(there...)
			there = there[:0]
		}
		var some []*directory.Contact
		for i := range 10 + 70*(n%3) {
			c := &directory.Contact{ID: directory.ContactID(fmt.Sprintf("m%d-%d", n%50, i)), Source: directory.SourceMailbox, Mailbox: "somebody", DisplayName: fmt.Sprint("Anna ", i, n)}
			some, there = append(some, c), append(there, c.ID)
		}
		m.put(some...)
	}
}

// disturb begins searches that come to no good end.
func disturb(t *testing.T, s *site, login []byte, r *rand.Rand, over chan struct{}) {
	t.Helper()
	for {
		select {
		case <-over:
			return
		default:
		}
		c, err := net.Dial("tcp", s.plain)
		if err != nil {
			t.Error(err)
			return
		}
		everybody := tlv(0x87, []byte("cn"))
		m := slices.Concat(login, searchFor(2, everybody, "*", "+"))
		switch r.IntN(4) {
		case 0: // nobody reads
		case 1:
			m = append(append(m, searchFor(3, tlv(0xa4, str("cn"), tlv(0x30, tlv(0x81, []byte("er")))), "cn")...), abandonMessage(4, 3)...)
		case 2:
			m = append(append(m, searchFor(3, everybody, "jpegPhoto")...), extendedMessage(4, "1.3.6.1.1.8")...)
		case 3:
			m = append(m, searchFor(3, everybody, "jpegPhoto", "mail")...)
		}
		_, _ = c.Write(m)
		_, _ = c.Read(make([]byte, r.IntN(4000)))
		_ = c.Close()
	}
}

// TestSearchIsLogged: one line for each says who asked for which attributes and what
// came of it, and nothing of what was looked for.
func TestSearchIsLogged(t *testing.T) {
	lines := make(logged, 10)
	s := newSite(t, staff(), func(o *ldap.Options) { o.Log = slog.New(slog.NewJSONHandler(lines, nil)) })
	c := s.rawBound(t)
	bind := <-lines
	if strings.Contains(bind, s.secret) || strings.Contains(bind, "source") {
		t.Errorf("a login is logged as %s", bind)
	}
	leaf := func(name, value string) []byte { return tlv(0xa3, str(name), str(value)) }
	c.send(searchFor(2, tlv(0xa1, leaf("surname", "Berg"), leaf("secretword", "x"), tlv(0xa2, leaf("TELEPHONENUMBER", "4711")))))
	c.until(2)
	line := <-lines
	var got map[string]any
	if err := json.Unmarshal([]byte(line), &got); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscan(fmt.Sprint(got["took"]), new(float64)); err != nil || got["time"] == nil {
		t.Errorf("took %v at %v", got["took"], got["time"])
	}
	delete(got, "took")
	delete(got, "time")
	want := map[string]any{
		"level": "INFO", "msg": "ldap search", "device": string(s.device.ID), "from": "127.0.0.1", "scope": 2.0,
		"asked": "sn unknown telephoneNumber", "entries": 9.0, "result": 0.0, "abandoned": false,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// logged are the lines of a log.
type logged chan string

func (l logged) Write(b []byte) (int, error) {
	l <- string(b)
	return len(b), nil
}

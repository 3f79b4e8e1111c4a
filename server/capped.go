package server

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"ringbook/server/site"
)

// complainEvery is how often the log says that connections were refused: an
// attacker must not write it.
const complainEvery = time.Minute

// A capped listener closes connections beyond its limits at once. It does not
// wait for room, as that would let a few clients stop everybody.
type capped struct {
	net.Listener
	log *slog.Logger

	refused seldom

	mu     sync.Mutex
	open   int
	bySite map[netip.Addr]int
}

// A seldom counts what is logged at most once in complainEvery.
type seldom struct {
	mu    sync.Mutex
	count int
	last  time.Time
}

// add counts one more; due = it is time to say so of all n since the last time.
func (s *seldom) add() (n int, due bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	now := time.Now()
	if now.Sub(s.last) < complainEvery {
		return 0, false
	}
	n, s.count, s.last = s.count, 0, now
	return n, true
}

func newCapped(l net.Listener, log *slog.Logger) *capped {
	return &capped{Listener: l, log: log, bySite: map[netip.Addr]int{}}
}

// Accept returns the next connection that there is room for.
func (c *capped) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := site.OfPeer(conn.RemoteAddr())
		if c.enter(from) {
			return &counted{Conn: conn, leave: sync.OnceFunc(func() { c.leave(from) })}, nil
		}
		_ = conn.Close() // nobody to tell
	}
}

// enter counts a connection in if there is room. A proxy on this machine stands
// for many clients and has no limit of its own.
func (c *capped) enter(from netip.Addr) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	own := from.IsValid() && !from.IsLoopback()
	if c.open >= maxConns || own && c.bySite[from] >= maxConnsPerSite {
		c.refuse(from)
		return false
	}
	c.open++
	c.bySite[from]++
	return true
}

func (c *capped) leave(from netip.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open--
	if c.bySite[from]--; c.bySite[from] == 0 {
		delete(c.bySite, from)
	}
}

// refuse counts a refused connection and says so now and then. c.mu is held.
func (c *capped) refuse(from netip.Addr) {
	if n, due := c.refused.add(); due {
		c.log.LogAttrs(context.Background(), slog.LevelWarn, "connections refused at the limit",
			slog.String("address", c.Addr().String()), slog.String("last_from", from.String()),
			slog.Int("refused", n), slog.Int("open", c.open))
	}
}

// A counted connection is counted out when it is closed.
type counted struct {
	net.Conn
	leave func()
}

func (c *counted) Close() error {
	c.leave()
	return c.Conn.Close()
}

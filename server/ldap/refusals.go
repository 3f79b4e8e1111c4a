package ldap

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"time"
)

// refusalPause is the least time between two lines about refused connections:
// who floods the server must not flood its log.
const refusalPause = time.Second

// refusals are the connections that the census had no room for. The first is
// logged at once, and those of the next second with the first one after it.
type refusals struct {
	log   *slog.Logger
	mu    sync.Mutex
	count int // not logged yet
	last  netip.Addr
	next  time.Time // when they may be
}

func (r *refusals) add(from netip.Addr) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count++
	r.last = from
	if now := time.Now(); !now.Before(r.next) {
		r.next = now.Add(refusalPause)
		r.write()
	}
}

// flush logs the rest when the server ends.
func (r *refusals) flush() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count > 0 {
		r.write()
	}
}

func (r *refusals) write() {
	r.log.LogAttrs(context.Background(), slog.LevelWarn, "ldap connections refused",
		slog.Int("count", r.count), slog.String("last_from", r.last.String()))
	r.count = 0
}

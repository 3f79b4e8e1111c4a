package auth

import (
	"net/netip"
	"strings"
	"sync"
	"time"

	"ringbook/directory"
	"ringbook/server/site"
)

// How many failures are looked at. A phone with an old secret tries two to five
// times and waits for its next sync; a person mistypes a few times.
const (
	loginBurst = 10              // from one address with one login
	loginEvery = 6 * time.Second // after which one more is looked at

	addressBurst = 100 // from one address: an office on the morning of a change
	addressEvery = 600 * time.Millisecond

	// maxTracked bounds each of the three tables, some 1.5 MB each when full.
	// The longest unused is forgotten first.
	maxTracked = 10_000
)

// A throttle judges attempts by what failed before. See the package comment
// for what it counts and why.
type throttle struct {
	mu        sync.Mutex
	addresses *lru[netip.Addr, bucket]
	logins    *lru[place, bucket]
	worked    *lru[place, struct{}] // only a right secret enters here
}

// A place is a login at an address.
type place struct {
	address netip.Addr
	login   directory.Login
}

func newThrottle() *throttle {
	return &throttle{
		addresses: newLRU[netip.Addr, bucket](maxTracked),
		logins:    newLRU[place, bucket](maxTracked),
		worked:    newLRU[place, struct{}](maxTracked),
	}
}

// judge counts an attempt whose secret was right or not, and returns how long
// the next one has to wait if this one must be refused unseen; 0 = it counts.
// A right secret uses up nothing, and neither does a refused attempt.
func (t *throttle) judge(now time.Time, from netip.Addr, login directory.Login, right bool) time.Duration {
	p := place{site.Of(from), login}
	t.mu.Lock()
	defer t.mu.Unlock()
	byLogin, _ := t.logins.get(p)
	if wait := byLogin.wait(now, loginBurst, loginEvery); wait > 0 {
		return wait
	}
	byAddress, _ := t.addresses.get(p.address)
	if wait := byAddress.wait(now, addressBurst, addressEvery); wait > 0 {
		if _, known := t.worked.get(p); !known || !right {
			return wait
		}
	}
	if right {
		if _, known := t.worked.get(p); known {
			return 0
		}
	}
	// The login may be part of a whole request, which the tables must not keep alive.
	p.login = directory.Login(strings.Clone(string(login)))
	if right {
		t.worked.put(p, struct{}{})
		return 0
	}
	t.logins.put(p, byLogin.take(now, loginEvery))
	t.addresses.put(p.address, byAddress.take(now, addressEvery))
	return 0
}

// A bucket of tokens, kept as the time at which it will be full again. The zero
// bucket is full.
type bucket struct{ full time.Time }

// wait returns how long it takes until there is a token; 0 = there is one.
func (b bucket) wait(now time.Time, burst int, every time.Duration) time.Duration {
	if !b.full.After(now) {
		return 0
	}
	return max(0, b.full.Sub(now)-time.Duration(burst-1)*every)
}

// take returns the bucket with a token less.
func (b bucket) take(now time.Time, every time.Duration) bucket {
	if b.full.Before(now) {
		b.full = now
	}
	return bucket{b.full.Add(every)}
}

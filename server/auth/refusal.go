package auth

import (
	"net/netip"
	"sync/atomic"
	"time"

	"ringbook/directory"
)

// refusals are the refused logins of a device since the start, or of no device: for
// an administrator who wonders why a phone shows nobody. Clients are told alike,
// whatever it was.
type refusals struct {
	last atomic.Pointer[directory.Refusal]
}

func (r *refusals) add(from netip.Addr, why directory.RefusalReason) {
	for {
		old := r.last.Load()
		next := &directory.Refusal{Count: 1, At: time.Now().UTC().Truncate(time.Second), From: from, Why: why}
		if old != nil {
			next.Count += old.Count
		}
		if r.last.CompareAndSwap(old, next) {
			return
		}
	}
}

// Refused returns the last login of a device that was refused, and how many were
// since the start; the zero Refusal = none.
func (a *Authority) Refused(id directory.DeviceID) directory.Refusal {
	a.mu.RLock()
	r := a.byID[id]
	a.mu.RUnlock()
	if r != nil {
		if last := r.refusals.last.Load(); last != nil {
			return *last
		}
	}
	return directory.Refusal{}
}

// Insecure notes a login without TLS that a surface refuses before it looks at the
// secret.
func (a *Authority) Insecure(from netip.Addr, login string) {
	a.refusalsOf(fold(login)).add(from, directory.RefusedPlain)
}

// refusalsOf are those of a login; strangers have some too, so that noting one takes
// as long whether there is such a login or not.
func (a *Authority) refusalsOf(login directory.Login) *refusals {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if r := a.byLogin[login]; r != nil {
		return &r.refusals
	}
	return &a.strangers
}

// reason says why a login was refused.
func reason(d directory.Device, throttled bool) directory.RefusalReason {
	switch {
	case d.State == directory.DeviceRevoked:
		return directory.RefusedRevoked
	case throttled:
		return directory.RefusedThrottled
	}
	return directory.RefusedSecret
}

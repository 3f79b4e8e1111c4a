// Package auth checks devices' logins, throttles those who guess, and ends the
// live sessions of a device that is revoked.
//
// # Why a fast hash
//
// Secrets are drawn here, 99 random bits each, so nothing can be guessed that a
// slow hash would have to protect; and phones send one login per request. A
// check is one HMAC-SHA-256 and a look into memory.
//
// # Why the throttle cannot be turned against a device
//
// Failures are counted by address and login together, and by address alone. No
// count is kept by login alone: whoever knows a login could otherwise lock its
// phone out from anywhere. A phone behind a shared address (an office, a proxy)
// that sends an old secret for ever uses up its own small count and stops
// costing the address anything; and a login that has worked from an address
// goes on working there when strangers have used that address up.
package auth

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"ringbook/directory"
)

// Devices is where devices are kept. *store.Store is one.
type Devices interface {
	Devices(ctx context.Context) ([]directory.Device, error)
	AddDevice(ctx context.Context, d directory.Device) error
	ChangeDevice(ctx context.Context, id directory.DeviceID, change func(*directory.Device) error) (directory.Device, error)
}

// An Authority knows every device. Its methods may be called from any goroutine.
// The devices that it returns have no Secret; their Books are shared and must
// not be changed.
type Authority struct {
	devices  Devices
	log      *slog.Logger
	hash     hasher
	throttle *throttle

	changing sync.Mutex     // held from the store to memory, so that both see one order of changes
	ending   sync.WaitGroup // calls of sessions' end

	mu      sync.RWMutex
	byID    map[directory.DeviceID]*record
	byLogin map[directory.Login]*record
	order   []*record

	strangers refusals // of logins that there are none of
}

// A record is a device in memory. The fields under Authority.mu change in place.
type record struct {
	device   directory.Device // without Secret
	secret   directory.SecretHash
	sessions map[*session]struct{}
	refusals refusals // has a lock of its own
}

// New loads the devices.
func New(ctx context.Context, key Key, d Devices, log *slog.Logger) (*Authority, error) {
	stored, err := d.Devices(ctx)
	if err != nil {
		return nil, fmt.Errorf("load the devices: %w", err)
	}
	a := &Authority{
		devices: d, log: log, hash: newHasher(key), throttle: newThrottle(),
		byID:    make(map[directory.DeviceID]*record, len(stored)),
		byLogin: make(map[directory.Login]*record, len(stored)),
	}
	for _, d := range stored {
		a.remember(d)
	}
	return a, nil
}

// Close waits until every session that was told to end has done so.
func (a *Authority) Close() { a.ending.Wait() }

// Authenticate checks a login and its secret, in microseconds and in constant
// time. Logins are compared without case, secrets exactly. It answers
// [directory.ErrCredential] for an unknown login, a wrong secret
// and a revoked device alike, and *[directory.ThrottledError] when this address or
// this login from it failed too often. The device returned may be draining.
func (a *Authority) Authenticate(_ context.Context, from netip.Addr, login, secret string) (directory.Device, error) {
	name := fold(login)
	d, ok := a.check(name, secret)
	// The check comes first, so that how long an answer takes tells nothing:
	// it costs less than the bookkeeping that a refusal would save it for.
	wait := a.throttle.judge(time.Now(), from, name, ok)
	if wait > 0 || !ok {
		a.refusalsOf(name).add(from, reason(d, wait > 0))
	}
	if wait > 0 {
		return directory.Device{}, &directory.ThrottledError{RetryAfter: wait}
	}
	if !ok {
		return directory.Device{}, directory.ErrCredential
	}
	return d, nil
}

// check compares secret with that of the login, or with nobody's.
func (a *Authority) check(login directory.Login, secret string) (directory.Device, bool) {
	given := a.hash.of(secret)
	var d directory.Device
	var want directory.SecretHash
	a.mu.RLock()
	r := a.byLogin[login]
	if r != nil {
		d, want = r.device, r.secret
	}
	a.mu.RUnlock()
	same := hmac.Equal(given[:], want[:])
	return d, same && r != nil && d.State != directory.DeviceRevoked
}

// Current returns the device as it is now; [directory.ErrCredential] once it is
// revoked. A surface with long connections asks before every operation.
func (a *Authority) Current(id directory.DeviceID) (directory.Device, error) {
	d, err := a.Device(id)
	if err != nil || d.State == directory.DeviceRevoked {
		return directory.Device{}, directory.ErrCredential
	}
	return d, nil
}

// Verify reports whether secret is the device's, without throttling: for the
// admin socket, whose users are trusted.
func (a *Authority) Verify(id directory.DeviceID, secret string) (bool, error) {
	given := a.hash.of(secret)
	a.mu.RLock()
	defer a.mu.RUnlock()
	r := a.byID[id]
	if r == nil {
		return false, unknown(id)
	}
	return hmac.Equal(given[:], r.secret[:]), nil
}

// Device returns one; [directory.ErrNotFound] = there is none.
func (a *Authority) Device(id directory.DeviceID) (directory.Device, error) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	r := a.byID[id]
	if r == nil {
		return directory.Device{}, unknown(id)
	}
	return r.device, nil
}

// List returns all devices in the order of their creation.
func (a *Authority) List() []directory.Device {
	a.mu.RLock()
	defer a.mu.RUnlock()
	list := make([]directory.Device, len(a.order))
	for i, r := range a.order {
		list[i] = r.device
	}
	return list
}

// maxDraws is how often Add draws a login: with 31⁸ logins one that is taken
// twice over means a broken source of randomness.
const maxDraws = 3

// Add makes a device with a fresh id, login and secret; all else is as d has it.
// The secret is returned this once.
func (a *Authority) Add(ctx context.Context, d directory.Device) (directory.Device, string, error) {
	a.changing.Lock()
	defer a.changing.Unlock()
	secret := draw(secretLength)
	d = d.Clone()
	d.State = directory.DeviceActive
	d.Secret = a.hash.of(secret)
	d.Created = time.Now().UTC().Truncate(time.Second)
	d.Changed = d.Created
	var err error
	for range maxDraws {
		d.Login = directory.Login(draw(loginLength))
		d.ID = directory.DeviceID(d.Login)
		if err = a.devices.AddDevice(ctx, d); !errors.Is(err, directory.ErrExists) {
			break
		}
	}
	if err != nil {
		return directory.Device{}, "", fmt.Errorf("add device %q: %w", d.Name, err)
	}
	a.mu.Lock()
	r := a.remember(d)
	a.mu.Unlock()
	a.log.LogAttrs(ctx, slog.LevelInfo, "device added",
		slog.String("device", string(d.ID)), slog.String("name", d.Name), slog.String("kind", string(d.Kind)))
	return r.device, secret, nil
}

// remember puts a stored device into memory.
func (a *Authority) remember(d directory.Device) *record {
	r := &record{secret: d.Secret, sessions: map[*session]struct{}{}}
	d.Secret = directory.SecretHash{}
	r.device = d
	a.byID[d.ID] = r
	a.byLogin[d.Login] = r
	a.order = append(a.order, r)
	return r
}

// Change changes how a device is set up. Its ID, login, secret and state stay as
// they are whatever change does; an error of change is returned as it is.
func (a *Authority) Change(ctx context.Context, id directory.DeviceID, change func(*directory.Device) error) (directory.Device, error) {
	d, err := a.change(ctx, id, func(d *directory.Device) error {
		before := *d
		err := change(d)
		d.ID, d.Login, d.Secret, d.Rotated = before.ID, before.Login, before.Secret, before.Rotated
		d.State, d.Created, d.Changed = before.State, before.Created, before.Changed
		return err
	})
	if err == nil {
		a.log.LogAttrs(ctx, slog.LevelInfo, "device changed", slog.String("device", string(id)))
	}
	return d, err
}

// change changes a device on disk and in memory.
func (a *Authority) change(ctx context.Context, id directory.DeviceID, change func(*directory.Device) error) (directory.Device, error) {
	a.changing.Lock()
	defer a.changing.Unlock()
	stored, err := a.devices.ChangeDevice(ctx, id, change)
	if err != nil {
		return directory.Device{}, err
	}
	hash := stored.Secret
	stored.Secret = directory.SecretHash{}
	a.mu.Lock()
	defer a.mu.Unlock()
	r := a.byID[id]
	r.device, r.secret = stored, hash
	return stored, nil
}

// Rotate gives a device a new secret, which is returned this once. When it returns,
// the old one is refused and the live sessions have been told to end. A surface
// knows by Rotated that a login was with an older secret. A revoked device is
// [directory.ErrInvalid].
func (a *Authority) Rotate(ctx context.Context, id directory.DeviceID) (directory.Device, string, error) {
	secret := draw(secretLength)
	d, ended, err := a.setSecret(ctx, id, a.hash.of(secret))
	if err != nil {
		return directory.Device{}, "", err
	}
	late := a.end(ended)
	a.log.LogAttrs(ctx, slog.LevelInfo, "device secret rotated", slog.String("device", string(id)),
		slog.Int("sessions_ended", len(ended)), slog.Int("sessions_late", late))
	return d, secret, nil
}

// setSecret returns the sessions that the new secret ends.
func (a *Authority) setSecret(ctx context.Context, id directory.DeviceID, hash directory.SecretHash) (directory.Device, []*session, error) {
	d, err := a.change(ctx, id, func(d *directory.Device) error {
		if d.State == directory.DeviceRevoked {
			return fmt.Errorf("device %s is revoked: %w", id, directory.ErrInvalid)
		}
		d.Secret = hash
		d.Rotated++
		return nil
	})
	if err != nil {
		return directory.Device{}, nil, err
	}
	return d, a.takeSessions(id), nil
}

// SetState moves a device on to draining or revoked; a state never goes back
// ([directory.ErrInvalid]). When it returns, the state is on disk and in force, and the
// live sessions of a revoked device have been told to end.
func (a *Authority) SetState(ctx context.Context, id directory.DeviceID, st directory.DeviceState) (directory.Device, error) {
	d, ended, err := a.setState(ctx, id, st)
	if err != nil {
		return directory.Device{}, err
	}
	late := a.end(ended)
	a.log.LogAttrs(ctx, slog.LevelInfo, "device state set",
		slog.String("device", string(id)), slog.String("state", string(d.State)),
		slog.Int("sessions_ended", len(ended)), slog.Int("sessions_late", late))
	return d, nil
}

// setState returns the sessions that the new state ends.
func (a *Authority) setState(ctx context.Context, id directory.DeviceID, st directory.DeviceState) (directory.Device, []*session, error) {
	if _, err := a.Device(id); err != nil {
		return directory.Device{}, nil, err
	}
	d, err := a.change(ctx, id, func(d *directory.Device) error {
		if rank(st) < rank(d.State) {
			return fmt.Errorf("a device that is %s cannot become %s: %w", d.State, st, directory.ErrInvalid)
		}
		if d.State != st {
			d.State = st
			d.Changed = time.Now().UTC().Truncate(time.Second)
		}
		return nil
	})
	switch {
	case err != nil:
		return directory.Device{}, nil, fmt.Errorf("set device %s to %s: %w", id, st, err)
	case st != directory.DeviceRevoked:
		return d, nil, nil
	}
	return d, a.takeSessions(id), nil
}

// rank orders the states; 0 = no state at all.
func rank(st directory.DeviceState) int {
	switch st {
	case directory.DeviceActive:
		return 1
	case directory.DeviceDraining:
		return 2
	case directory.DeviceRevoked:
		return 3
	}
	return 0
}

func unknown(id directory.DeviceID) error {
	return fmt.Errorf("device %q: %w", id, directory.ErrNotFound)
}

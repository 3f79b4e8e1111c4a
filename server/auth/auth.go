// Package auth checks devices' logins, throttles those who guess, and ends the
// live sessions of a device that is revoked.
package auth

import (
	"context"
	"log/slog"
	"net/netip"

	"ringbook/directory"
)

// Devices is where devices are kept. *store.Store is one.
type Devices interface {
	Devices(ctx context.Context) ([]directory.Device, error)
	AddDevice(ctx context.Context, d directory.Device) error
	ChangeDevice(ctx context.Context, id directory.DeviceID, change func(*directory.Device) error) (directory.Device, error)
}

// A Key keys the hashes of secrets. It is kept beside the store, not in it: a
// copy of the one without the other is worth nothing to a thief.
type Key [32]byte

// LoadKey reads the key in path, or creates it (mode 0600) when there is none.
func LoadKey(path string) (Key, error) { panic("skeleton") }

// An Authority knows every device. Its methods may be called from any goroutine.
type Authority struct{}

// New loads the devices.
func New(ctx context.Context, key Key, d Devices, log *slog.Logger) (*Authority, error) {
	panic("skeleton")
}

// Authenticate checks a login and its secret, in microseconds and in constant
// time. It answers [directory.ErrCredential] for an unknown login, a wrong secret
// and a revoked device alike, and *[directory.ThrottledError] when this address or
// this login failed too often. The device returned may be draining.
func (a *Authority) Authenticate(ctx context.Context, from netip.Addr, login, secret string) (directory.Device, error) {
	panic("skeleton")
}

// Current returns the device as it is now; [directory.ErrCredential] once it is
// revoked. A surface with long connections asks before every operation.
func (a *Authority) Current(id directory.DeviceID) (directory.Device, error) { panic("skeleton") }

// Attach registers a live session of a device: end is called, once and from
// another goroutine, when the device is revoked. detach forgets the session; it
// must be called. Attaching to a revoked device is [directory.ErrCredential].
func (a *Authority) Attach(id directory.DeviceID, end func()) (detach func(), err error) {
	panic("skeleton")
}

// Add makes a device with a fresh id, login and secret out of d's Name, Owner, Kind,
// Books, Numbers and Photos. The secret is returned this once.
func (a *Authority) Add(ctx context.Context, d directory.Device) (directory.Device, string, error) {
	panic("skeleton")
}

// List returns all devices in the order of their creation.
func (a *Authority) List() []directory.Device { panic("skeleton") }

// Device returns one; [directory.ErrNotFound] = there is none.
func (a *Authority) Device(id directory.DeviceID) (directory.Device, error) { panic("skeleton") }

// SetState moves a device on to draining or revoked; a state never goes back
// ([directory.ErrInvalid]). When it returns, the state is on disk and in force, and the
// live sessions of a revoked device have been told to end.
func (a *Authority) SetState(ctx context.Context, id directory.DeviceID, st directory.DeviceState) (directory.Device, error) {
	panic("skeleton")
}

// Verify reports whether secret is the device's, without throttling: for the
// admin socket, whose users are trusted.
func (a *Authority) Verify(id directory.DeviceID, secret string) (bool, error) { panic("skeleton") }

package directory

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// A DeviceID names one device for ever.
type DeviceID string

// A Login is what a device types as its user name: at most 24 characters of
// a–z and 2–9 without look-alikes, because people type it on keypads.
type Login string

// A DeviceKind says what a device is; it chooses defaults and hints only.
type DeviceKind string

// The kinds of devices.
const (
	KindPhone     DeviceKind = "phone"
	KindDeskphone DeviceKind = "deskphone"
	KindPBX       DeviceKind = "pbx"
)

// DeviceKinds lists the kinds that a device may have.
func DeviceKinds() []DeviceKind { return []DeviceKind{KindPhone, KindDeskphone, KindPBX} }

// MaxSiteName is the longest name of a site, in bytes.
const MaxSiteName = 24

// A SiteName names a site of the company, which has a number plan of its own.
type SiteName string

// ParseSiteName checks s: 1 to [MaxSiteName] characters of a–z, 0–9 and "-".
func ParseSiteName(s string) (SiteName, error) {
	if id, err := ParseContactID(s); err != nil || string(id) != s || len(s) > MaxSiteName {
		return "", fmt.Errorf("site name %q: only a–z, 0–9 and - are allowed, %d characters at most: %w", s, MaxSiteName, ErrInvalid)
	}
	return SiteName(s), nil
}

// A DeviceState says what a device may still do.
type DeviceState string

// The states, in the order in which a device passes through them.
const (
	DeviceActive   DeviceState = "active"
	DeviceDraining DeviceState = "draining" // may log in; every book is empty
	DeviceRevoked  DeviceState = "revoked"  // may not log in
)

// A SecretHash is HMAC-SHA-256 of a device's secret under the store's own key.
// Secrets are random and long, so a slow hash would add nothing but load:
// phones send one login per request.
type SecretHash [32]byte

// A RefusalReason is why a login was refused. It is for administrators alone: a client is
// told [ErrCredential] or [ThrottledError], whatever it was.
type RefusalReason string

// Why logins are refused.
const (
	RefusedSecret    RefusalReason = "secret"    // a wrong one
	RefusedRevoked   RefusalReason = "revoked"   // the device is
	RefusedThrottled RefusalReason = "throttled" // it failed too often from this address
	RefusedPlain     RefusalReason = "plain"     // without TLS, where that is not allowed
)

// A Refusal is the last login of a device that was refused.
type Refusal struct {
	Count int           `json:"count"` // since the server started
	At    time.Time     `json:"at"`
	From  netip.Addr    `json:"from"`
	Why   RefusalReason `json:"why"`
}

// A Device is one phone, desk phone, PBX or app with its own login.
type Device struct {
	ID      DeviceID      `json:"id"`
	Login   Login         `json:"login"`
	Name    string        `json:"name"`
	Owner   string        `json:"owner,omitempty"`    // user principal name, as it was typed
	OwnerID ContactID     `json:"owner_id,omitempty"` // "" = nobody of that name is known yet
	Kind    DeviceKind    `json:"kind"`
	Books   []BookName    `json:"books"` // at least one; a contact of several stands in the first
	Numbers NumberProfile `json:"numbers"`
	Names   NameStyle     `json:"names,omitempty"`
	Photos  PhotoSize     `json:"photos"`
	ASCII   bool          `json:"ascii,omitempty"` // its fonts have Latin letters without accents only (LDAP, phone books)
	Hits    int           `json:"hits,omitempty"`  // most entries of one LDAP answer; 0 = the server's own limit
	Site    SiteName      `json:"site,omitempty"`  // whose number plan it dials by; "" = its owner's, else the default
	State   DeviceState   `json:"state"`
	Secret  SecretHash    `json:"secret"`
	Rotated int           `json:"rotated,omitempty"` // how often Secret has been replaced
	Created time.Time     `json:"created"`
	Changed time.Time     `json:"changed"` // when State last changed
}

// Clone returns a copy that shares nothing that can be changed.
func (d Device) Clone() Device {
	d.Books = slices.Clone(d.Books)
	return d
}

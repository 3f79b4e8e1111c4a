package ldap

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"ringbook/directory"
)

// Choices of AuthenticationChoice (RFC 4511 §4.2).
const (
	authSimple = 0x80
	authSASL   = 0xa3
)

// errRevoked: the device may not go on.
var errRevoked = errors.New("device revoked")

var revoked = refuse(goldap.LDAPResultUnavailable, "access has been withdrawn")

// A bindRequest is RFC 4511 §4.2.
type bindRequest struct {
	version int32
	name    string
	method  byte // tag of the choice
	secret  string
}

func decodeBind(b []byte) (q bindRequest, ok bool) {
	var err error
	if q.version, b, err = takeInt(b, tagInteger); err != nil {
		return q, false
	}
	if q.name, b, err = takeString(b); err != nil {
		return q, false
	}
	e, rest, err := next(b)
	if err != nil || !isLater(rest, authSASL&longTag) {
		return q, false
	}
	q.method, q.secret = e.tag, string(e.content)
	return q, true
}

// bind makes the connection a device's. It runs alone: operations under way end
// first (RFC 4511 §4.2.1). Whatever goes wrong leaves the connection anonymous.
func (c *conn) bind(ctx context.Context, m message) error {
	began := time.Now()
	c.wait.Wait()
	c.become(directory.Device{}, nil)
	q, ok := decodeBind(m.body)
	r := refuse(goldap.LDAPResultProtocolError, "malformed bind")
	var who directory.DeviceID
	if ok {
		if _, r = decodeControls(m.op, m.controls); r == success {
			who, r = c.authenticate(ctx, q)
		}
	}
	level := slog.LevelInfo
	if r == success && c.device == "" {
		level = slog.LevelDebug // anonymous: clients that look around do so before each bind
	}
	attrs := []slog.Attr{
		slog.String("port", c.port.Name), slog.String("from", c.from.String()), slog.String("device", string(who)),
		slog.String("tls", c.tlsVersion()), slog.Int("result", int(r.code)), slog.Duration("took", time.Since(began)),
	}
	if r.text != "" {
		attrs = append(attrs, slog.String("error", r.text))
	}
	c.srv.say(ctx, level, "ldap bind", attrs...)
	return c.answer(m.id, opBindResponse, r)
}

// authenticate carries out a bind request. The device is there whenever its secret was
// right, also if it may not come in.
func (c *conn) authenticate(ctx context.Context, q bindRequest) (directory.DeviceID, result) {
	switch {
	case q.version != 3 && q.version != 2:
		return "", refuse(goldap.LDAPResultProtocolError, "only LDAP versions 3 and 2 are spoken here")
	case q.method != authSimple:
		return "", refuse(goldap.LDAPResultAuthMethodNotSupported, "only simple binds are supported")
	case q.name == "" && q.secret == "":
		return "", success
	case q.secret == "":
		// RFC 4513 §5.1.2: many clients take its success for a login.
		return "", refuse(goldap.LDAPResultUnwillingToPerform, "a name without a password is refused")
	case !c.secure && !c.port.AllowPlain:
		if login, ok := loginOf(q.name); ok && len(q.name) <= maxDN {
			c.srv.Auth.Insecure(c.from, login)
		}
		return "", refuse(goldap.LDAPResultConfidentialityRequired, "use LDAPS or StartTLS")
	case len(q.name) > maxDN:
		return "", refuse(goldap.LDAPResultInvalidDNSyntax, "name too long")
	}
	login, ok := loginOf(q.name)
	if !ok {
		return "", refuse(goldap.LDAPResultInvalidDNSyntax, "the name is neither a login nor a DN")
	}
	d, err := c.srv.Auth.Authenticate(ctx, c.from, login, q.secret)
	if err != nil {
		return "", resultOf(err)
	}
	return d.ID, c.admit(d)
}

// admit makes the connection d's.
func (c *conn) admit(d directory.Device) result {
	if !c.srv.census.bind(c.from, d.ID, c.srv.MaxDeviceConns) {
		return refuse(goldap.LDAPResultBusy, "too many connections of this device")
	}
	detach, err := c.srv.Auth.Attach(d.ID, func() { c.end(revoked, 0) })
	if err != nil {
		c.srv.census.unbind(c.from, d.ID)
		return resultOf(err)
	}
	c.become(d, detach)
	if c.srv.Journal != nil {
		c.srv.Journal.Seen(d.ID)
	}
	c.srv.traffic.count(c.port.Name, func(t *Traffic) { t.Logins[c.tlsVersion()]++ })
	return success
}

// current returns the device as it is now. errRevoked = it may not go on; asked
// before every operation, so that no race between bind and revocation survives.
func (c *conn) current(id directory.DeviceID) (directory.Device, error) {
	d, err := c.srv.Auth.Current(id)
	if err == nil && d.Rotated != c.rotated {
		err = directory.ErrCredential
	}
	if err != nil {
		return d, fmt.Errorf("device %s: %w", id, errRevoked)
	}
	return d, nil
}

// resultOf gives an error its meaning on the wire. The text of an error that has
// no kind is for the operator only.
func resultOf(err error) result {
	var throttled *directory.ThrottledError
	switch {
	case errors.As(err, &throttled):
		return refuse(goldap.LDAPResultBusy, "too many attempts")
	case errors.Is(err, directory.ErrCredential):
		return refuse(goldap.LDAPResultInvalidCredentials, "login refused")
	case errors.Is(err, directory.ErrUnavailable):
		return refuse(goldap.LDAPResultBusy, "the directory is not loaded yet")
	case errors.Is(err, directory.ErrTooLarge):
		return refuse(goldap.LDAPResultAdminLimitExceeded, "the request is over a limit")
	case errors.Is(err, directory.ErrInvalid):
		return refuse(goldap.LDAPResultProtocolError, "the request cannot be read")
	}
	return refuse(goldap.LDAPResultOther, "internal error")
}

package ldap

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"ringbook/server/handshake"
)

// Why a connection came to nothing.
var (
	errHandshake = errors.New("TLS handshake")
	errTLSHere   = errors.New("TLS where LDAP begins")
)

// complain logs why a connection ended, if there is something to mend.
func (c *conn) complain(ctx context.Context, cause error) {
	why := trouble(cause)
	if why == "" {
		return
	}
	omitted, ok := c.srv.complaints.Take(time.Now())
	if !ok {
		return
	}
	c.srv.say(ctx, slog.LevelInfo, "ldap connection failed", slog.String("port", c.port.Name), slog.String("from", c.from.String()),
		slog.String("device", string(c.device)), slog.String("error", why), slog.Int("omitted", omitted))
}

// trouble says what is wrong with the client's settings, or with ours; "" = nothing.
func trouble(cause error) string {
	switch {
	case errors.Is(cause, errTLSHere):
		return "TLS at once, on a port that begins without: the client is set to LDAPS, and this is the port of LDAP and StartTLS"
	case errors.Is(cause, errFraming), errors.Is(cause, errOversize):
		return cause.Error()
	case !errors.Is(cause, errHandshake):
		return ""
	}
	switch f := handshake.FaultOf(cause.Error()); f {
	case handshake.TooOld, handshake.NoCipher:
		return f.String() + ": [ldap.legacy] is for such phones"
	case handshake.NotTLS:
		return f.String() + ": the client is set to LDAP or StartTLS, and this is the port of LDAPS"
	case handshake.Untrusted:
		return f.String()
	case handshake.None:
	}
	if text := cause.Error(); strings.Contains(text, "tls: ") {
		return text
	}
	return "" // it went away
}

package ldap

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// complaintsASecond are as many as an administrator reads who sets a phone up: who
// floods the server must not flood its log.
const complaintsASecond = 10

// complaints are connections that came to nothing before a login, or ended in
// something that is no LDAP: their users see an empty display, and no client says why.
type complaints struct {
	mu      sync.Mutex
	until   time.Time // of this second
	said    int       // in it
	omitted int       // since the last that was said
}

// take reports whether one more may be said, and how many were not.
func (l *complaints) take(now time.Time) (omitted int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !now.Before(l.until) {
		l.until, l.said = now.Add(time.Second), 0
	}
	if l.said == complaintsASecond {
		l.omitted++
		return 0, false
	}
	l.said++
	omitted, l.omitted = l.omitted, 0
	return omitted, true
}

// remoteAlert is what a client's alert (RFC 8446 §6.2) begins with.
const remoteAlert = "remote error: tls: "

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
	omitted, ok := c.srv.complaints.take(time.Now())
	if !ok {
		return
	}
	c.srv.say(ctx, slog.LevelInfo, "ldap connection failed", slog.String("port", c.port.Name), slog.String("from", c.from.String()),
		slog.String("device", string(c.device)), slog.String("error", why), slog.Int("omitted", omitted))
}

// trouble says what is wrong with the client's settings, or with ours; "" = nothing.
func trouble(cause error) string {
	var notTLS tls.RecordHeaderError
	switch {
	case errors.Is(cause, errTLSHere):
		return "TLS at once, on a port that begins without: the client is set to LDAPS, and this is the port of LDAP and StartTLS"
	case errors.Is(cause, errFraming), errors.Is(cause, errOversize):
		return cause.Error()
	case !errors.Is(cause, errHandshake):
		return ""
	case errors.As(cause, &notTLS):
		return "no TLS, on a port of LDAPS: the client is set to LDAP or StartTLS"
	}
	// crypto/tls has no kinds of the others.
	switch text := cause.Error(); {
	case strings.Contains(text, remoteAlert) && strings.Contains(text, "certificate"):
		return "the client does not trust the certificate (" + text + "): look at the names in it, at its authority and at the client's clock"
	case strings.Contains(text, "unsupported versions"):
		return "the client knows only TLS that is too old here: [ldap.legacy] is for such phones"
	case strings.Contains(text, "no cipher suite supported"), strings.Contains(text, "certificate's signature algorithms"):
		return "the client knows no cipher of this certificate, such as one that knows RSA only: [ldap.legacy] is for such phones"
	case strings.Contains(text, "tls: "):
		return text
	}
	return "" // it went away
}

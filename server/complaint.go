package server

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"ringbook/server/handshake"
)

// complaints takes what the HTTP library has to say. Mostly that is of handshakes that
// scanners broke off; those of which a phone's user sees nothing but an empty display
// are lines of the log.
type complaints struct {
	log   *slog.Logger
	limit handshake.Limit
}

// Write implements io.Writer: it is given one message.
func (c *complaints) Write(p []byte) (int, error) {
	ctx, text := context.Background(), strings.TrimSpace(string(p))
	rest, shaking := strings.CutPrefix(text, "http: TLS handshake error from ")
	f := handshake.FaultOf(rest)
	if !shaking || f == handshake.None {
		c.log.LogAttrs(ctx, slog.LevelDebug, "http", slog.String("error", text))
		return len(p), nil
	}
	omitted, ok := c.limit.Take(time.Now())
	if !ok {
		return len(p), nil
	}
	why := f.String()
	switch f {
	case handshake.TooOld, handshake.NoCipher:
		why += ": the listener for such phones speaks LDAP, not HTTPS"
	case handshake.None, handshake.Untrusted, handshake.NotTLS:
	}
	from, _, _ := strings.Cut(rest, ": ")
	c.log.LogAttrs(ctx, slog.LevelInfo, "https connection failed", slog.String("from", from), slog.String("error", why), slog.Int("omitted", omitted))
	return len(p), nil
}

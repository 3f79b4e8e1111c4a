// Package handshake says what is wrong between a client's TLS and ours. A phone that
// cannot connect shows an empty display, so the log has to say why.
package handshake

import (
	"strings"
	"sync"
	"time"
)

// A Fault is why a handshake came to nothing.
type Fault int

// The faults that somebody can mend. None is all else: most are clients that went away.
const (
	None      Fault = iota
	TooOld          // the client knows older versions of TLS only
	NoCipher        // it knows no cipher that goes with the certificate
	Untrusted       // it does not trust the certificate
	NotTLS          // it does not speak TLS
)

// FaultOf reads the text of an error of crypto/tls or of net/http's log, which have
// no kinds for most of them.
func FaultOf(text string) Fault {
	has := func(s string) bool { return strings.Contains(text, s) }
	switch {
	case has("remote error: tls: ") && has("certificate"): // an alert of the client's (RFC 8446 §6.2)
		return Untrusted
	case has("unsupported versions"):
		return TooOld
	case has("no cipher suite supported"), has("certificate's signature algorithms"):
		return NoCipher
	case has("does not look like a TLS handshake"), has("HTTP request to an HTTPS server"):
		return NotTLS
	}
	return None
}

// String is what the log says.
func (f Fault) String() string {
	switch f {
	case None:
	case TooOld:
		return "the client knows only TLS that is too old here"
	case NoCipher:
		return "the client knows no cipher of this certificate, such as one that knows RSA only"
	case Untrusted:
		return "the client does not trust the certificate: look at the names in it, at its authority and at the client's clock"
	case NotTLS:
		return "no TLS, on a port of TLS"
	}
	return ""
}

// aSecond is as many lines as an administrator reads who sets a phone up: who floods
// the server must not flood its log.
const aSecond = 10

// A Limit keeps lines of the log few. The zero Limit is ready; its method may be called
// from any goroutine.
type Limit struct {
	mu      sync.Mutex
	until   time.Time // of this second
	said    int       // in it
	omitted int       // since the last that was said
}

// Take reports whether one more line may be said, and how many were not.
func (l *Limit) Take(now time.Time) (omitted int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !now.Before(l.until) {
		l.until, l.said = now.Add(time.Second), 0
	}
	if l.said == aSecond {
		l.omitted++
		return 0, false
	}
	l.said++
	omitted, l.omitted = l.omitted, 0
	return omitted, true
}

package handshake_test

import (
	"testing"
	"time"

	"ringbook/server/handshake"
)

// TestLimit: ten lines a second, and the first after them says how many there were.
func TestLimit(t *testing.T) {
	var l handshake.Limit
	now := time.Unix(1, 0)
	for i := range 30 {
		if omitted, ok := l.Take(now); ok != (i < 10) || omitted != 0 {
			t.Errorf("line %d: %d, %v", i, omitted, ok)
		}
	}
	for i, want := range []int{20, 0} {
		if omitted, ok := l.Take(now.Add(time.Second)); !ok || omitted != want {
			t.Errorf("line %d of the next second: %d, %v", i, omitted, ok)
		}
	}
}

// TestFaults: each has a sentence of its own, and what nobody can mend has none. That
// these are the texts of crypto/tls and net/http is for the listeners' tests to say.
func TestFaults(t *testing.T) {
	seen := map[string]bool{}
	for text, want := range map[string]handshake.Fault{
		"EOF": handshake.None, "read tcp 1:2->3:4: connection reset by peer": handshake.None, "remote error: tls: protocol version not supported": handshake.None,
		"tls: client offered only unsupported versions: [302 301]":                         handshake.TooOld,
		"tls: no cipher suite supported by both client and server; client offered: [c02f]": handshake.NoCipher,
		"tls: peer doesn't support any of the certificate's signature algorithms":          handshake.NoCipher,
		"remote error: tls: unknown certificate authority":                                 handshake.Untrusted,
		"client sent an HTTP request to an HTTPS server":                                   handshake.NotTLS,
		"tls: first record does not look like a TLS handshake":                             handshake.NotTLS,
	} {
		if got := handshake.FaultOf(text); got != want {
			t.Errorf("%s: %d", text, got)
		}
		seen[want.String()] = true
	}
	if len(seen) != 5 || !seen[""] {
		t.Errorf("%v", seen)
	}
}

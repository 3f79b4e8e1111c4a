package ldap

import (
	"context"
	"crypto/tls"
	"io"
	"net"
)

// An Opening is how the connections of a port begin.
type Opening int

// How connections begin.
const (
	OpenPlain  Opening = iota // with LDAP; StartTLS where the port has a certificate
	OpenTLS                   // with TLS (LDAPS)
	OpenEither                // with either, as each client likes
)

// tlsHandshake is the first octet of TLS (RFC 8446 §5.1). No LDAP message begins so.
const tlsHandshake = 0x16

// A Port is what holds on one listener.
type Port struct {
	Name    string // for the log and the metrics, such as "ldaps"
	Opening Opening
	TLS     *tls.Config // nil = there is none
	// AllowPlain lets devices bind without TLS, on loopback as elsewhere.
	AllowPlain bool
	Anonymous  []Anonymous // the first whose networks have the client counts; nil = nobody is let in without a login
}

// open begins the conversation as the port wants it.
func (c *conn) open(ctx context.Context) error {
	if c.port.Opening == OpenPlain {
		return nil
	}
	c.broken.Store(true) // to whom may expect TLS there are no words
	if c.port.Opening == OpenEither {
		first, err := c.first()
		if err != nil {
			return err
		}
		if first != tlsHandshake {
			c.broken.Store(false)
			return nil
		}
	}
	return c.startTLS(ctx)
}

// first waits for the first octet and leaves it to be read again.
func (c *conn) first() (byte, error) {
	var b [1]byte
	c.setReadDeadline(c.expires)
	if _, err := io.ReadFull(c.raw, b[:]); err != nil {
		return 0, err
	}
	c.stream = &begun{Conn: c.raw, first: b[:]}
	return b[0], nil
}

// A begun connection is one whose first octets were read already.
type begun struct {
	net.Conn
	first []byte
}

func (b *begun) Read(p []byte) (int, error) {
	if len(b.first) > 0 && len(p) > 0 {
		n := copy(p, b.first)
		b.first = b.first[n:]
		return n, nil
	}
	return b.Conn.Read(p)
}

// tlsVersion names the version of TLS for the log; "" = there is none.
func (c *conn) tlsVersion() string {
	if t, ok := c.stream.(*tls.Conn); ok {
		return tls.VersionName(t.ConnectionState().Version)
	}
	return ""
}

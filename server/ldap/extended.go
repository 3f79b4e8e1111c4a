package ldap

import (
	"bufio"
	"context"

	goldap "github.com/go-ldap/ldap/v3"
)

// Extended operations (RFC 4511 §4.12).
const (
	oidStartTLS = "1.3.6.1.4.1.1466.20037"  // RFC 4511 §4.14
	oidWhoAmI   = "1.3.6.1.4.1.4203.1.11.3" // RFC 4532
)

// An extension is one row of the table that both dispatches and is advertised.
type extension struct {
	oid     string
	offered func(*conn) bool
	do      func(*conn, context.Context, message) error
}

// extensions returns the table. It is never changed.
func extensions() [3]extension {
	return [...]extension{
		{oidStartTLS, func(c *conn) bool { return c.port.TLS != nil }, (*conn).upgrade},
		{oidWhoAmI, always, (*conn).whoAmI},
		{oidCancel, always, (*conn).cancelOperation},
	}
}

func always(*conn) bool { return true }

func (c *conn) extended(ctx context.Context, m message) error {
	oid, _, err := take(m.body, 0x80)
	if err != nil {
		return c.answer(m.id, opExtendedResponse, refuse(goldap.LDAPResultProtocolError, "malformed request"))
	}
	for _, x := range extensions() {
		if x.oid == string(oid) && x.offered(c) {
			return x.do(c, ctx, m)
		}
	}
	return c.answer(m.id, opExtendedResponse, refuse(goldap.LDAPResultProtocolError, "unknown extended operation"))
}

// whoAmI answers with the authorization identity, "" for anonymous.
func (c *conn) whoAmI(_ context.Context, m message) error {
	if c.device == "" {
		return c.write(appendExtended(nil, m.id, success, "", []byte{}))
	}
	if _, err := c.current(c.device); err != nil {
		return err
	}
	return c.write(appendExtended(nil, m.id, success, "", []byte("dn:"+c.srv.tree.bindDN(c.login))))
}

// upgrade carries out StartTLS. Octets that came before the handshake could have been
// slipped in by anybody, so they are refused.
func (c *conn) upgrade(ctx context.Context, m message) error {
	r := success
	switch {
	case c.secure:
		r = refuse(goldap.LDAPResultOperationsError, "TLS is established already")
	case c.unanswered():
		r = refuse(goldap.LDAPResultOperationsError, "operations are under way")
	case c.reader.Buffered() > 0:
		r = refuse(goldap.LDAPResultOperationsError, "nothing may follow the request before TLS")
	}
	if r == success {
		c.wait.Wait() // a last answer may be on its way, and must not go out behind ours
	}
	if err := c.write(appendExtended(nil, m.id, r, oidStartTLS, nil)); err != nil || r != success {
		return err
	}
	if err := c.startTLS(ctx); err != nil {
		return err
	}
	c.reader = bufio.NewReaderSize(c.stream, readBuffer)
	return nil
}

package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/go-ldap/ldap/v3"

	"ringbook/config"
	"ringbook/graph"
	"ringbook/server"
)

// An ldapConn is a connection to our LDAP server, with the certificate that it
// showed.
type ldapConn struct {
	*ldap.Conn
	address string
	shown   shown
}

// dial connects to a listener's port at the host that devices are told.
func (s *serverCheck) dial(ctx context.Context, listen string, atOnce bool) (*ldapConn, error) {
	_, port, err := net.SplitHostPort(listen)
	if err != nil {
		return nil, err
	}
	c := &ldapConn{address: net.JoinHostPort(s.host, port)}
	return c, s.dialTo(ctx, c, atOnce)
}

// dialTo connects to c.address, with c.shown as the client.
func (s *serverCheck) dialTo(ctx context.Context, c *ldapConn, atOnce bool) error {
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", c.address)
	if err != nil {
		return err
	}
	if end, ok := ctx.Deadline(); ok {
		if err := raw.SetDeadline(end); err != nil {
			return err
		}
	}
	if atOnce {
		secure := tls.Client(raw, c.shown.config(s.host))
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = raw.Close() // the handshake has failed already
			return c.shown.cause(err)
		}
		raw = secure
	}
	c.Conn = ldap.NewConn(raw, atOnce)
	c.Start()
	if atOnce || s.plainOnly() {
		return nil
	}
	if err := c.StartTLS(c.shown.config(s.host)); err != nil {
		_ = c.Close() // it has failed already
		return c.shown.cause(err)
	}
	return nil
}

// plainOnly: LDAP has no certificate, and ldap.allow_plain lets devices in
// without.
func (s *serverCheck) plainOnly() bool {
	return s.cfg.HTTP.TLS == config.TLSOff && s.cfg.LDAP.CertFile == ""
}

func (s *serverCheck) ldaps(ctx context.Context) part {
	c, err := s.dial(ctx, s.cfg.LDAP.LDAPSListen, true)
	return s.rootDSE(c, err, "answers over LDAPS")
}

func (s *serverCheck) startTLS(ctx context.Context) part {
	c, err := s.dial(ctx, s.cfg.LDAP.Listen, false)
	return s.rootDSE(c, err, "answers with StartTLS")
}

// legacy tries the listener for old phones as one of them: with the oldest TLS that it
// takes, at the address that it listens on.
func (s *serverCheck) legacy(ctx context.Context) part {
	l := s.cfg.LDAP.Legacy
	host, port, err := net.SplitHostPort(l.Listen)
	if err != nil {
		return serverFailure(err, l.Listen)
	}
	if a, err := netip.ParseAddr(host); err != nil || a.IsUnspecified() {
		host = s.host
	}
	file := cmp.Or(l.CertFile, filepath.Join(s.cfg.DataDir, legacyCertName))
	c := &ldapConn{address: net.JoinHostPort(host, port)}
	c.shown.legacy = server.Legacy(&tls.Config{MinVersion: tlsVersions[l.MinTLS], MaxVersion: tlsVersions[l.MinTLS]}, tlsVersions[l.MinTLS])
	if text, err := os.ReadFile(file); err == nil {
		if c.shown.roots, err = x509.SystemCertPool(); err != nil {
			c.shown.roots = x509.NewCertPool()
		}
		c.shown.roots.AppendCertsFromPEM(text) // phones are told to trust it
	}
	p := s.rootDSE(c, s.dialTo(ctx, c, true), "answers old phones with TLS "+l.MinTLS)
	if p.State == graph.CheckOK {
		p.State, p.Mend = graph.CheckWarning, "Switch ldap.legacy off when the last old phone is gone; the log's \"ldap bind\" lines with port=legacy say who still uses it."
	}
	return p
}

// rootDSE asks for what a server tells everybody.
func (s *serverCheck) rootDSE(c *ldapConn, err error, does string) part {
	if err != nil {
		return ldapFailure(c, err)
	}
	found, err := c.Search(ldap.NewSearchRequest("", ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", []string{"namingContexts"}, nil))
	_ = c.Close() // the answer is here
	if err != nil {
		return ldapFailure(c, err)
	}
	if len(found.Entries) != 1 || found.Entries[0].GetEqualFoldAttributeValue("namingContexts") == "" {
		return bad(c.address+" does not say which directory it has.", "Check that it is Ringbook that answers there.")
	}
	if c.shown.leaf == nil {
		return part{
			State: graph.CheckWarning, Detail: c.address + " answers without TLS: logins travel over it in the clear.",
			Mend: "Set ldap.cert_file and ldap.key_file.",
		}
	}
	return c.shown.lasts(c.address, does)
}

// ldapFailure is serverFailure; c may be nil.
func ldapFailure(c *ldapConn, err error) part {
	address := "the LDAP server"
	if c != nil {
		address = c.address
	}
	return serverFailure(err, address)
}

// bind logs in as the device and looks for anybody.
func (s *serverCheck) bind(ctx context.Context) part {
	listen, atOnce := s.cfg.LDAP.LDAPSListen, true
	if listen == "" {
		listen, atOnce = s.cfg.LDAP.Listen, false
	}
	c, err := s.dial(ctx, listen, atOnce)
	if err != nil {
		return ldapFailure(c, err)
	}
	defer func() { _ = c.Close() }() // the answers are here
	if err := c.Bind(s.login, s.secret); err != nil {
		if ldap.IsErrorWithCode(err, ldap.LDAPResultInvalidCredentials) {
			return bad("The LDAP server refuses the device "+s.login+".", "Check login and secret: `ringbook device list`, `ringbook device rotate`.")
		}
		return ldapFailure(c, err)
	}
	found, err := c.Search(ldap.NewSearchRequest(s.cfg.LDAP.BaseDN, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 1, 0, false, "(objectClass=person)", []string{"uid"}, nil))
	if err != nil && !ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded) {
		return bad(fmt.Sprintf("The device %s may not search: %v.", s.login, err), "Read the server's log.")
	}
	if found == nil || len(found.Entries) == 0 {
		return part{
			State: graph.CheckWarning, Detail: "The device " + s.login + " logs in over LDAP and finds nobody.",
			Mend: "Look at its books: `ringbook device show " + s.login + "`.",
		}
	}
	return ok("The device %s logs in over LDAP and finds people below %s.", s.login, s.cfg.LDAP.BaseDN)
}

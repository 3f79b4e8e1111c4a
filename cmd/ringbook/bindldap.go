package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"ringbook/config"
	"ringbook/directory/index"
	"ringbook/server"
	"ringbook/server/admin"
	"ringbook/server/ldap"
)

// bindLDAP opens the listeners of LDAP.
func (p *program) bindLDAP(ctx context.Context, cfg *config.Config, certs certificates) (*ldap.Server, error) {
	c := cfg.LDAP
	phones, err := ldap.New(ldap.Options{
		Directory: p.store, Auth: p.auth, Journal: p.journal, BaseDN: c.BaseDN, Log: p.log,
		MaxEntries: c.MaxHits, MaxConns: c.MaxConnections, MaxUnbound: c.MaxUnboundPerAddress,
		MaxDeviceConns: c.MaxConnectionsPerDevice, MaxOperations: c.MaxOperations,
		MaxMessage: c.MaxMessage, MaxUnboundMessage: c.MaxUnboundMessage,
		BindTimeout: c.BindTimeout, IdleTimeout: c.IdleTimeout, WriteTimeout: c.WriteTimeout, SearchTimeout: c.SearchTimeout,
	})
	if err != nil {
		return nil, &hintError{err: fmt.Errorf("ldap: %w", err), code: exitUsage}
	}
	for _, d := range []struct {
		address string
		proxies []netip.Prefix
		port    ldap.Port
	}{
		{c.Listen, c.ProxyProtocol, ldap.Port{Name: config.ListenerLDAP, TLS: certs.ldap, AllowPlain: c.AllowPlain}},
		{c.LDAPSListen, c.LDAPSProxyProtocol, ldap.Port{Name: config.ListenerLDAPS, Opening: ldap.OpenTLS, TLS: certs.ldap}},
		{c.Legacy.Listen, c.Legacy.ProxyProtocol, ldap.Port{Name: config.ListenerLegacy, Opening: ldap.OpenEither, TLS: certs.legacy, AllowPlain: c.Legacy.AllowPlain}},
	} {
		if d.address == "" {
			continue
		}
		d.port.Anonymous = anonymousOn(c.Anonymous, d.port.Name)
		l, err := p.listen(ctx, d.address, d.proxies)
		if err != nil {
			return nil, err
		}
		p.doors = append(p.doors, server.Door{Name: d.port.Name, Listener: l, Surface: surfaceFunc(func(ctx context.Context, l net.Listener) error {
			return phones.Serve(ctx, l, d.port)
		})})
	}
	return phones, nil
}

// listeners tells what goes on at the listeners of LDAP.
func (p *program) listeners(cfg *config.Config, phones *ldap.Server) func() []admin.ListenerStatus {
	var all []admin.ListenerStatus
	for _, d := range p.doors {
		switch d.Name {
		case config.ListenerLDAP, config.ListenerLDAPS, config.ListenerLegacy:
			all = append(all, admin.ListenerStatus{Name: d.Name, Address: d.Listener.Addr().String(), Note: noteOf(cfg.LDAP, d.Name)})
		}
	}
	return func() []admin.ListenerStatus {
		now := slices.Clone(all)
		for i := range now {
			t := phones.Traffic(now[i].Name)
			now[i].Open, now[i].Logins = t.Open, t.Logins
		}
		return now
	}
}

// noteOf says which protections a listener goes without.
func noteOf(c config.LDAP, listener string) string {
	var notes []string
	if listener == config.ListenerLegacy {
		notes = append(notes, fmt.Sprintf("For old phones: TLS %s and RSA key exchange. Switch it off when nobody logs in here any more.", c.Legacy.MinTLS))
	}
	if listener == config.ListenerLDAP && c.AllowPlain || listener == config.ListenerLegacy && c.Legacy.AllowPlain {
		notes = append(notes, "Logins without TLS are let in.")
	}
	if len(anonymousOn(c.Anonymous, listener)) > 0 {
		notes = append(notes, "Some networks may search without a login.")
	}
	return strings.Join(notes, " ")
}

// anonymousOn returns who is let in without a login on a listener.
func anonymousOn(all []config.AnonymousLDAP, listener string) (on []ldap.Anonymous) {
	for _, c := range all {
		if c.Listener != listener {
			continue
		}
		a := ldap.Anonymous{Networks: c.Networks, Books: c.Books, Hits: c.Hits, Numbers: c.Numbers}
		for _, name := range c.Attributes {
			if x, ok := index.ParseAttribute(name); ok { // config.Load has seen to it
				a.Attributes = append(a.Attributes, x)
			}
		}
		on = append(on, a)
	}
	return on
}

// The files of TLS in the data folder.
const (
	ticketsName    = "tls-sessions.key"
	legacyCertName = "legacy.crt"
	legacyKeyName  = "legacy.key"
)

// certificates are the TLS settings of each kind of listener; nil = none.
type certificates struct{ http, ldap, legacy *tls.Config }

// certificates makes them. web is where CardDAV listens.
func (p *program) certificates(ctx context.Context, cfg *config.Config, web net.Addr) (c certificates, err error) {
	if c.http, err = p.webCertificate(ctx, cfg, web); err != nil {
		return c, err
	}
	if cfg.LDAP.CertFile != "" {
		if c.ldap, err = server.Files(cfg.LDAP.CertFile, cfg.LDAP.KeyFile, p.log); err != nil {
			return c, &hintError{err: fmt.Errorf("ldap.cert_file: %w", err), code: exitUsage}
		}
	} else if c.http != nil {
		c.ldap = c.http.Clone()
		c.ldap.NextProtos = nil // LDAP has none to agree on
	}
	if cfg.LDAP.Legacy.Listen != "" {
		if c.legacy, err = p.legacyCertificate(ctx, cfg); err != nil {
			return c, err
		}
	}
	tickets := server.OpenTickets(filepath.Join(cfg.DataDir, ticketsName), p.log)
	for name, one := range map[string]*tls.Config{doorCardDAV: c.http, config.ListenerLDAP: c.ldap, config.ListenerLegacy: c.legacy} {
		if one != nil {
			tickets.Keep(one, name)
		}
	}
	return c, nil
}

// webCertificate makes the TLS settings of CardDAV.
func (p *program) webCertificate(ctx context.Context, cfg *config.Config, web net.Addr) (c *tls.Config, err error) {
	switch cfg.HTTP.TLS {
	case config.TLSACME:
		u, err := url.Parse(cfg.PublicURL)
		if err != nil {
			return nil, fmt.Errorf("public_url: %w", err)
		}
		c, p.stop, err = server.ACME(ctx, server.ACMEOptions{
			Host: u.Hostname(), Folder: filepath.Join(cfg.DataDir, acmeName), Listener: web, Log: p.log,
		})
		if err != nil {
			return nil, fmt.Errorf("certificate by ACME: %w", err)
		}
		return c, nil
	case config.TLSFiles:
		if c, err = server.Files(cfg.HTTP.CertFile, cfg.HTTP.KeyFile, p.log); err != nil {
			return nil, &hintError{err: fmt.Errorf("http.cert_file: %w", err), code: exitUsage}
		}
	}
	return c, nil
}

// legacyCertificate makes the TLS settings for old phones, and a certificate if
// none is named.
func (p *program) legacyCertificate(ctx context.Context, cfg *config.Config) (*tls.Config, error) {
	l := cfg.LDAP.Legacy
	cert, key := l.CertFile, l.KeyFile
	if cert == "" {
		u, err := url.Parse(cfg.PublicURL)
		if err != nil {
			return nil, fmt.Errorf("public_url: %w", err)
		}
		cert, key = filepath.Join(cfg.DataDir, legacyCertName), filepath.Join(cfg.DataDir, legacyKeyName)
		made, err := server.OwnRSA(cert, key, u.Hostname())
		if err != nil {
			return nil, fmt.Errorf("certificate for old phones: %w", err)
		}
		p.log.LogAttrs(ctx, slog.LevelInfo, "old phones need this certificate in their list of trusted ones",
			slog.String("file", cert), slog.Bool("made_now", made))
	}
	c, err := server.Files(cert, key, p.log)
	if err != nil {
		return nil, &hintError{err: fmt.Errorf("ldap.legacy.cert_file: %w", err), code: exitUsage}
	}
	return server.Legacy(c, tlsVersions[l.MinTLS]), nil
}

// tlsVersions are the values of ldap.legacy.min_tls. Nothing changes them.
var tlsVersions = map[string]uint16{"1.0": tls.VersionTLS10, "1.1": tls.VersionTLS11, "1.2": tls.VersionTLS12}

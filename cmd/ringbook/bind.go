package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"ringbook/config"
	"ringbook/directory/number"
	"ringbook/graph"
	"ringbook/server"
	"ringbook/server/admin"
	"ringbook/server/enroll/kit"
	"ringbook/server/ldap"
)

// A surfaceFunc is a function that serves.
type surfaceFunc func(context.Context, net.Listener) error

// Serve calls f.
func (f surfaceFunc) Serve(ctx context.Context, l net.Listener) error { return f(ctx, l) }

// bind opens every listener. CardDAV's is the first: a certificate authority
// may want to see it.
func (p *program) bind(ctx context.Context, cfg *config.Config, plan *number.Plan, told graph.Notify) error {
	web, err := p.listen(ctx, cfg.HTTP.Listen, cfg.HTTP.ProxyProtocol)
	if err != nil {
		return err
	}
	book := &server.HTTP{Log: p.log, Handler: p.web(cfg, told)}
	p.doors = append(p.doors, server.Door{Name: doorCardDAV, Listener: web, Surface: book})
	certs, err := p.certificates(ctx, cfg, web.Addr())
	if err != nil {
		return err
	}
	book.TLS = certs.http
	phones, err := p.bindLDAP(ctx, cfg, certs)
	if err != nil {
		return err
	}
	if cfg.Admin.Listen != "" {
		l, err := p.listen(ctx, cfg.Admin.Listen, nil)
		if err != nil {
			return err
		}
		p.doors = append(p.doors, server.Door{Name: "health", Listener: l, Surface: &server.HTTP{Log: p.log, Handler: admin.Health(admin.MetricsOptions{
			Directory: p.store, Mirror: p.mirror, Devices: p.auth, Credentials: p.credential, Listeners: p.listeners(cfg, phones), Version: version,
		})}})
	}
	return p.bindAdmin(ctx, cfg, plan, phones, certs.ldap != nil)
}

// doorCardDAV is the door of CardDAV; those of LDAP are called as their listeners.
const doorCardDAV = "carddav"

// listen opens a listener, behind proxies if there are any.
func (p *program) listen(ctx context.Context, address string, proxies []netip.Prefix) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, &hintError{err: err, code: exitFailed, hint: "Is another server using the address? Ports below 1024 need root or CAP_NET_BIND_SERVICE."}
	}
	return server.Proxied(l, proxies, p.log), nil
}

func (p *program) bindAdmin(ctx context.Context, cfg *config.Config, plan *number.Plan, phones *ldap.Server, startTLS bool) error {
	access, err := p.access(cfg, phones)
	if err != nil {
		return err
	}
	access.StartTLS, access.PlainLDAP = startTLS, cfg.LDAP.AllowPlain
	l, err := admin.Listen(ctx, filepath.Join(cfg.DataDir, socketName))
	if err != nil {
		return err
	}
	p.doors = append(p.doors, server.Door{Name: "admin", Listener: l, Surface: &server.HTTP{Log: p.log, Handler: admin.New(admin.Options{
		Directory: p.store, Mirror: p.mirror, Credentials: p.credential, Devices: p.auth, Owners: p.owners, Local: p.store, Read: plan.Read, Journal: p.journal, Access: access,
		Sites: cfg.Numbers.SiteNames(), Listeners: p.listeners(cfg, phones), Version: version, Started: time.Now(), Log: p.log,
	})}})
	return nil
}

// access says how devices reach us: the host of public_url with the ports that
// we really listen on.
func (p *program) access(cfg *config.Config, phones *ldap.Server) (admin.Access, error) {
	u, err := url.Parse(cfg.PublicURL)
	if err != nil {
		return admin.Access{}, fmt.Errorf("public_url: %w", err)
	}
	a := admin.Access{
		PublicURL: cfg.PublicURL, Organization: cfg.Books[0].Title, CardDAVURL: cfg.PublicURL + "/",
		BaseDN: cfg.LDAP.BaseDN, BindDN: phones.BindDN,
	}
	for _, d := range p.doors {
		_, port, err := net.SplitHostPort(d.Listener.Addr().String())
		if err != nil {
			return a, fmt.Errorf("address of %s: %w", d.Name, err)
		}
		switch d.Name {
		case config.ListenerLDAP:
			a.LDAPURI = "ldap://" + hostPort(u.Hostname(), port, "389")
		case config.ListenerLDAPS:
			a.LDAPSURI = "ldaps://" + hostPort(u.Hostname(), port, "636")
		case config.ListenerLegacy:
			a.Legacy = kit.Legacy{
				URI: "ldap://" + net.JoinHostPort(u.Hostname(), port), Address: onlyOn(d.Listener.Addr()),
				MinTLS: cfg.LDAP.Legacy.MinTLS, Plain: cfg.LDAP.Legacy.AllowPlain,
			}
		}
	}
	return a, nil
}

// onlyOn returns the address of this machine on which a listener is; "" = on all.
func onlyOn(at net.Addr) string {
	if a := addrOf(at.String()); a.IsValid() && !a.IsUnspecified() && !a.IsLoopback() {
		return a.String()
	}
	return ""
}

// hostPort leaves the port out where it is the usual one.
func hostPort(host, port, usual string) string {
	if port != usual {
		return net.JoinHostPort(host, port)
	}
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}

// remoteAddr tells who asks: the connection's peer, or, behind one trusted
// proxy, the last address that this proxy added to X-Forwarded-For.
func remoteAddr(behindProxy bool) func(*http.Request) netip.Addr {
	return func(r *http.Request) netip.Addr {
		if all := r.Header.Values("X-Forwarded-For"); behindProxy && len(all) > 0 {
			last := all[len(all)-1]
			if a := addrOf(strings.TrimSpace(last[strings.LastIndex(last, ",")+1:])); a.IsValid() {
				return a
			}
		}
		return addrOf(r.RemoteAddr)
	}
}

// addrOf reads an address with or without a port, which Azure's gateways add;
// the zero Addr = it is none.
func addrOf(s string) netip.Addr {
	if a, err := netip.ParseAddrPort(s); err == nil {
		return a.Addr().Unmap()
	}
	a, err := netip.ParseAddr(strings.Trim(s, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap()
}

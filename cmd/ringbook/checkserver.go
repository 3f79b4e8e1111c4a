package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/go-ldap/ldap/v3"

	"ringbook/graph"
)

const (
	// probeTime ends one part of the check of the server: a person waits.
	probeTime = 15 * time.Second
	// fewDays is when the end of a server's certificate is told: ACME renews a
	// month before, so less than this means that it does not.
	fewDays = 14
)

// A serverCheck looks at the server as a device does: by the host of
// public_url, directly (phones know no proxy of ours), trusting what the
// system trusts.
type serverCheck struct {
	*check
	host   string // of public_url
	web    string // its host:port
	broken map[string]bool
}

// A probe is one part of the check of the server.
type probe struct {
	name  string
	needs []string
	off   string // why it is not asked; "" = it is
	run   func(context.Context) part

	listen  string         // of the listener; "" = that of public_url
	proxies []netip.Prefix // who have to send a PROXY header there
	key     string         // that says so
}

func newServerCheck(c *check) *serverCheck {
	s := &serverCheck{check: c, broken: make(map[string]bool)}
	if u, err := url.Parse(c.cfg.PublicURL); err == nil { // config.Load has seen to it
		s.host = u.Hostname()
		port := u.Port()
		switch {
		case port != "":
		case u.Scheme == "http":
			port = "80"
		default:
			port = "443"
		}
		s.web = net.JoinHostPort(s.host, port)
	}
	return s
}

func (s *serverCheck) probes() []probe {
	noTLS, noLogin, noLDAPS, noLDAP := "", "", "", ""
	c, web := s.cfg.LDAP, s.cfg.HTTP.ProxyProtocol
	if strings.HasPrefix(s.cfg.PublicURL, "http://") {
		noTLS = "Not asked: public_url is plain http on this machine."
	}
	if c.LDAPSListen == "" {
		noLDAPS = "Not asked: ldap.ldaps_listen is empty."
	}
	if c.Listen == "" {
		noLDAP = "Not asked: ldap.listen is empty."
	}
	if s.login == "" {
		noLogin = "Not asked: give --login and --secret-file of a device."
	}
	noBind := noLogin
	if noLDAPS != "" && noLDAP != "" {
		noBind = noLDAPS
	}
	bindNeeds := []string{"ldaps"}
	if noLDAPS != "" {
		bindNeeds = []string{"ldap"}
	}
	probes := []probe{
		{name: "public name", run: s.resolve},
		{name: "public certificate", needs: []string{"public name"}, off: noTLS, run: s.certificate, proxies: web, key: "http.proxy_protocol"},
		{name: "carddav", needs: []string{"public name", "public certificate"}, run: s.discovery, proxies: web, key: "http.proxy_protocol"},
		{name: "carddav login", needs: []string{"carddav"}, off: noLogin, run: s.books},
		{name: "phone book", needs: []string{"carddav"}, run: s.phoneBook},
		{name: "look-up", needs: []string{"carddav"}, run: s.lookUp},
		{name: "ldaps", needs: []string{"public name"}, off: noLDAPS, run: s.ldaps, listen: c.LDAPSListen, proxies: c.LDAPSProxyProtocol, key: "ldap.ldaps_proxy_protocol"},
		{name: "ldap", needs: []string{"public name"}, off: noLDAP, run: s.startTLS, listen: c.Listen, proxies: c.ProxyProtocol, key: "ldap.proxy_protocol"},
		{name: "ldap login", needs: bindNeeds, off: noBind, run: s.bind},
	}
	if l := c.Legacy; l.Listen != "" {
		probes = append(probes, probe{
			name: "ldap legacy", needs: []string{"public name"}, run: s.legacy,
			listen: l.Listen, proxies: l.ProxyProtocol, key: "ldap.legacy.proxy_protocol",
		})
	}
	return probes
}

func (s *serverCheck) run(ctx context.Context) {
	for _, p := range s.probes() {
		r := s.try(ctx, p)
		r.Name = p.name
		s.broken[p.name] = r.State == graph.CheckFailed || r.State == graph.CheckSkipped && p.off == ""
		s.add(r)
	}
}

func (s *serverCheck) try(ctx context.Context, p probe) part {
	if p.off != "" {
		return part{State: graph.CheckSkipped, Detail: p.off}
	}
	if ctx.Err() != nil {
		return part{State: graph.CheckSkipped, Detail: "Not asked: the check has run out of time."}
	}
	for _, n := range p.needs {
		if s.broken[n] {
			return part{State: graph.CheckSkipped, Detail: "Not asked: needs " + n + "."}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	r := p.run(ctx)
	if r.cut && s.isProxy(ctx, p) {
		r.Detail = fmt.Sprintf("This machine is in %s, so that the server waits for a PROXY header of it.", p.key)
		r.Mend, r.unreachable = "Run the check on another machine, or take this one off the list if no proxy is on it.", false
	}
	return r
}

// isProxy reports whether a listener that hung up takes this machine for a proxy. We
// pass nobody on, and so send no header.
func (s *serverCheck) isProxy(ctx context.Context, p probe) bool {
	if len(p.proxies) == 0 {
		return false
	}
	at := s.web
	if _, port, err := net.SplitHostPort(p.listen); err == nil {
		at = net.JoinHostPort(s.host, port)
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", at) // it says from where we come
	if err != nil {
		return false
	}
	from := addrOf(conn.LocalAddr().String())
	_ = conn.Close() // nothing was said
	return slices.ContainsFunc(p.proxies, func(n netip.Prefix) bool { return n.Contains(from) })
}

func ok(format string, args ...any) part {
	return part{State: graph.CheckOK, Detail: fmt.Sprintf(format, args...)}
}

func bad(detail, mend string) part {
	return part{State: graph.CheckFailed, Detail: detail, Mend: mend}
}

func (s *serverCheck) resolve(ctx context.Context) part {
	if net.ParseIP(s.host) != nil {
		return ok("%s is an address.", s.host)
	}
	if _, err := net.DefaultResolver.LookupHost(ctx, s.host); err != nil {
		return serverFailure(err, s.host)
	}
	return ok("The name %s resolves.", s.host)
}

// certificate looks at the certificate that phones are shown.
func (s *serverCheck) certificate(ctx context.Context) part {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.web)
	if err != nil {
		return serverFailure(err, s.web)
	}
	var seen shown
	err = tls.Client(conn, seen.config(s.host)).HandshakeContext(ctx)
	_ = conn.Close() // nothing was asked
	if err != nil {
		return serverFailure(seen.cause(err), s.web)
	}
	return seen.lasts(s.web, "answers")
}

// A shown is the certificate that a server showed, and what is wrong with it.
// It verifies as crypto/tls would; but go-ldap's StartTLS forgets of what type
// an error was, and here it decides what the operator reads.
type shown struct {
	leaf *x509.Certificate
	err  error

	roots  *x509.CertPool // nil = the system's
	legacy *tls.Config    // of an old phone; nil = a client of today
}

func (c *shown) config(host string) *tls.Config {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.legacy != nil {
		config = c.legacy.Clone()
	}
	config.ServerName = host
	config.InsecureSkipVerify = true // VerifyConnection does it
	config.VerifyConnection = func(state tls.ConnectionState) error {
		c.leaf = state.PeerCertificates[0]
		between := x509.NewCertPool()
		for _, cert := range state.PeerCertificates[1:] {
			between.AddCert(cert)
		}
		_, c.err = c.leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: c.roots, Intermediates: between})
		return c.err
	}
	return config
}

// cause is what is wrong with the certificate, or else err.
func (c *shown) cause(err error) error {
	if c.err != nil {
		return c.err
	}
	return err
}

// lasts says that all is well, and for how long.
func (c *shown) lasts(address, does string) part {
	days := int(time.Until(c.leaf.NotAfter).Hours() / 24)
	p := ok("%s %s; its certificate is trusted and lasts %d more days.", address, does, days)
	if days < fewDays {
		p.State, p.Mend = graph.CheckWarning, "Renew it; Ringbook takes a changed file by itself. With ACME, read the server's log."
	}
	return p
}

// serverFailure says what an error on the way to our own server means.
func serverFailure(err error, address string) part {
	p := explain(err, address)
	p.cut = isCut(err)
	return p
}

// isCut reports whether the other side hung up. go-ldap hands on the text of such
// errors alone.
func isCut(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		ldap.IsErrorWithCode(err, ldap.ErrorNetwork) || strings.HasSuffix(err.Error(), io.EOF.Error()) || strings.HasSuffix(err.Error(), syscall.ECONNRESET.Error())
}

func explain(err error, address string) part {
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		p := bad(fmt.Sprintf("The name %s cannot be resolved.", e.Name), "Make a DNS record for it that phones can see, or correct public_url.")
		p.unreachable = true
		return p
	}
	if e, ok := errors.AsType[x509.HostnameError](err); ok {
		return bad(fmt.Sprintf("The certificate of %s is for other names (%s).", address, strings.Join(e.Certificate.DNSNames, ", ")),
			"Get a certificate for the host of public_url.")
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok && e.Reason == x509.Expired {
		return bad(fmt.Sprintf("The certificate of %s is not valid today: it ran until %s.", address, e.Cert.NotAfter.UTC().Format(time.DateOnly)),
			"Renew it; Ringbook takes a changed file by itself. With ACME, read the server's log.")
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return bad(fmt.Sprintf("The certificate of %s is signed by an authority that is not trusted here.", address),
			"Check that cert_file holds the whole chain. An authority of your own must be trusted on every phone, and here (SSL_CERT_FILE).")
	}
	if _, plain := errors.AsType[tls.RecordHeaderError](err); plain || isAlert(err) {
		return bad(fmt.Sprintf("%s answers, but TLS with it does not come about: %v.", address, err),
			"Read the server's log: with ACME, the certificate may not be there yet. Check which server listens at that port.")
	}
	if _, ok := errors.AsType[net.Error](err); ok || errors.Is(err, context.DeadlineExceeded) {
		p := bad(fmt.Sprintf("Nobody answers at %s.", address), "Is `ringbook serve` running? If it is, check public_url, the listen addresses and the firewall.")
		p.unreachable = true
		return p
	}
	return bad(fmt.Sprintf("Talking to %s did not work: %v.", address, err), "Check that it is Ringbook that answers there, and read its log.")
}

// isAlert reports whether the other side refused the handshake: crypto/tls
// gives an alert a type of its own over QUIC only.
func isAlert(err error) bool {
	e, ok := errors.AsType[*net.OpError](err)
	return ok && e.Op == "remote error"
}

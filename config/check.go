package config

import (
	"cmp"
	"crypto/rsa"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/go-ldap/ldap/v3"

	"ringbook/directory"
)

// maxSecretFile is the largest secret file: a client secret has 40 characters.
const maxSecretFile = 64 << 10

// secretFile reads a secret's value out of a file, and keeps the path too.
func secretFile(key string, to *Secret, file *string) setting {
	return setting{key, func(v any) error {
		path, ok := v.(string)
		if !ok {
			return wrongType(v, "a path", `"/etc/ringbook/client_secret"`)
		}
		if path == "" {
			return nil
		}
		if *to != "" {
			return &valueError{"the secret itself is set as well", "Keep one of the two."}
		}
		b, err := readFile(path, maxSecretFile)
		if errors.Is(err, errLong) {
			return &valueError{path + " is too large for a secret", "Put the secret's value alone into the file."}
		}
		if err != nil {
			return fileProblem(path, err)
		}
		s := strings.TrimSpace(string(b))
		if s == "" {
			return &valueError{path + " is empty", "Put the secret's value into it, alone."}
		}
		*to, *file = Secret(s), path
		return nil
	}}
}

// errLong: a file has more bytes than it may.
var errLong = errors.New("file too long")

// readFile reads a file, or a pipe, of at most limit bytes: a mistyped path may
// name a device without an end.
func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if int64(len(b)) > limit {
		return nil, errLong
	}
	return b, nil
}

func fileProblem(path string, err error) *valueError {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &valueError{"there is no file " + path, "Create it, or correct the path."}
	case errors.Is(err, fs.ErrPermission):
		return &valueError{"this user may not read " + path, "Give the user that runs ringbook the right to read it."}
	}
	return &valueError{fmt.Sprintf("cannot read %s: %v", path, err), ""}
}

// check finds what no single value shows.
func (r *reader) check() {
	r.checkPublicURL()
	r.checkTenant()
	r.checkCredential()
	r.checkListeners()
	r.checkLegacy()
	r.checkMailboxes()
	r.checkRisks()
	r.checkSites()
	if r.cfg.DataDir == "" {
		r.add("data_dir", "it is empty", `Name a folder that ringbook may write, such as "/var/lib/ringbook".`)
	}
}

var domain = regexp.MustCompile(`^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$`)

func (r *reader) checkPublicURL() {
	c := &r.cfg
	if c.PublicURL == "" {
		r.add("public_url", "it is not set", `Write the address that phones use, such as "https://contacts.contoso.com".`)
		return
	}
	u, err := url.Parse(c.PublicURL)
	if err != nil || !isServer(u) {
		r.add("public_url", fmt.Sprintf("%q is no address of a server", c.PublicURL), `Write scheme and host only, such as "https://contacts.contoso.com".`)
		return
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		r.add("public_url", "phones refuse to send a login over plain http", "Write https://…")
	}
	c.PublicURL = u.Scheme + "://" + strings.TrimSuffix(u.Host, ":")
	if c.HTTP.TLS == TLSACME && (net.ParseIP(u.Hostname()) != nil || !strings.Contains(u.Hostname(), ".")) {
		r.add("http.tls", "a certificate by ACME needs a public host name in public_url", `Use a name that the internet resolves, or tls = "files".`)
	}
}

// isServer reports whether u is the address of a server and nothing more.
func isServer(u *url.URL) bool {
	_, err := strconv.ParseUint(cmp.Or(u.Port(), "0"), 10, 16)
	return err == nil && u.Hostname() != "" && (u.Scheme == "https" || u.Scheme == "http") &&
		strings.Trim(u.Path, "/") == "" && u.RawQuery == "" && u.Fragment == "" && u.User == nil
}

func (r *reader) checkTenant() {
	t := &r.cfg.Tenant
	switch {
	case t.ID == "":
		r.add("tenant.id", "it is not set", "Copy the Directory (tenant) ID from the app's overview page in the Entra admin centre.")
	case !directory.IsObjectID(t.ID) && !domain.MatchString(t.ID):
		r.add("tenant.id", fmt.Sprintf("%q is neither an id nor a domain", t.ID), "Copy the Directory (tenant) ID: 8-4-4-4-12 hexadecimal digits.")
	}
	if !t.ManagedIdentity && t.ClientID == "" {
		r.add("tenant.client_id", "it is not set", "Copy the Application (client) ID from the app's overview page.")
	} else if t.ClientID != "" && !directory.IsObjectID(t.ClientID) {
		r.add("tenant.client_id", fmt.Sprintf("%q is no application id", t.ClientID), "Copy the Application (client) ID: 8-4-4-4-12 hexadecimal digits.")
	}
	r.checkEndpoint("tenant.authority_url", t.AuthorityURL, false)
	r.checkEndpoint("tenant.graph_url", t.GraphURL, true)
	if t.CAFile != "" {
		r.checkFile("tenant.ca_file", t.CAFile)
	}
}

func (r *reader) checkEndpoint(key, value string, httpOnLoopback bool) {
	if value == "" {
		return
	}
	u, err := url.Parse(value)
	switch {
	case err != nil || u.Hostname() == "" || u.User != nil:
		r.add(key, fmt.Sprintf("%q is no address", value), "Write it like https://host[:port].")
	case u.Scheme == "https":
	case u.Scheme == "http" && httpOnLoopback && loopback(u.Hostname()):
	default:
		r.add(key, "only https is allowed here", "Tokens travel over this connection: write https://…")
	}
}

func (r *reader) checkCredential() {
	t := r.cfg.Tenant
	kinds := 0
	for _, set := range []bool{t.ClientSecret != "", t.CertificateFile != "", t.ManagedIdentity, t.WorkloadIdentity} {
		if set {
			kinds++
		}
	}
	switch {
	case kinds == 0 && !r.reported("tenant.client_secret"):
		r.add("tenant", "there is no credential", "Set one of client_secret_file, certificate_file, managed_identity = true, workload_identity = true.")
	case kinds > 1:
		r.add("tenant", "there is more than one credential", "Keep one of client_secret, certificate_file, managed_identity, workload_identity.")
	}
	r.checkKey("tenant", t.Credential)
	r.checkKey("tenant.next", t.Next)
	switch next := t.Next; {
	case next.ClientSecret != "" && next.CertificateFile != "":
		r.add("tenant.next.client_secret_file", "there is more than one next credential", "Keep one of client_secret_file, certificate_file.")
	case (next.ClientSecret != "" || next.CertificateFile != "") && (t.ManagedIdentity || t.WorkloadIdentity):
		r.add("tenant.next", "a managed or workload identity has no next credential", "Remove the table [tenant.next].")
	}
}

// checkKey checks one credential.
func (r *reader) checkKey(table string, c Credential) {
	if c.CertificateFile != "" {
		r.checkFile(table+".certificate_file", c.CertificateFile)
	}
	if c.CertificatePassword != "" && c.CertificateFile == "" {
		r.add(table+".certificate_password_file", "there is no certificate that it opens", "Set certificate_file, or remove it.")
	}
	if !c.ClientSecretExpires.IsZero() && c.ClientSecret == "" && !r.reported(table+".client_secret") {
		r.add(table+".client_secret_expires", "there is no client secret that expires", "A certificate says itself until when it is valid: remove it.")
	}
	if directory.IsObjectID(string(c.ClientSecret)) {
		key := table + ".client_secret"
		if _, ok := os.LookupEnv(envName(key)); !ok && c.ClientSecretFile != "" {
			key += "_file"
		}
		r.add(key, "this is the secret's ID, not its value", "Paste the Value column; it is shown only right after the secret was made.")
	}
}

// reported tells whether a problem of a key with this prefix was found already.
func (r *reader) reported(prefix string) bool {
	for _, p := range r.problems {
		if strings.HasPrefix(p.Key, prefix) || strings.HasPrefix(p.File, envName(prefix)) {
			return true
		}
	}
	return false
}

func (r *reader) checkListeners() {
	h, l := r.cfg.HTTP, r.cfg.LDAP
	r.checkListen("http.listen", h.Listen, false)
	r.checkListen("ldap.listen", l.Listen, true)
	r.checkListen("ldap.ldaps_listen", l.LDAPSListen, true)
	r.checkListen("admin.listen", r.cfg.Admin.Listen, true)
	r.checkPair("http", h.CertFile, h.KeyFile)
	r.checkPair("ldap", l.CertFile, l.KeyFile)
	if h.BehindProxy && len(h.ProxyProtocol) > 0 {
		r.add("http.proxy_protocol", "behind_proxy names the client in another way", "Keep one: proxy_protocol for a proxy that passes connections on, behind_proxy for one that passes requests on.")
	}
	if h.TLS == TLSFiles && h.CertFile == "" {
		r.add("http.cert_file", `it is not set, but tls = "files"`, "Name the certificate chain (PEM) and key_file.")
	}
	if host, _, err := net.SplitHostPort(h.Listen); err == nil && h.TLS == TLSOff && !h.BehindProxy && !loopback(host) {
		r.add("http.tls", "off would send secrets over the network in the clear", "Listen on 127.0.0.1, or set behind_proxy = true when a proxy in front does TLS.")
	}
	if h.TLS == TLSOff && l.CertFile == "" && l.LDAPSListen != "" {
		r.add("ldap.cert_file", "LDAPS needs a certificate, and the http listener has none", `Set ldap.cert_file and ldap.key_file, or ldaps_listen = "".`)
	}
	unlocked := slices.ContainsFunc(l.Anonymous, func(a AnonymousLDAP) bool { return a.Listener == ListenerLDAP })
	if h.TLS == TLSOff && l.CertFile == "" && l.Listen != "" && !l.AllowPlain && !unlocked {
		r.add("ldap.allow_plain", "without a certificate no device could log in on the plain port", `Set ldap.cert_file and ldap.key_file, or ldap.listen = "", or allow_plain = true on a network of your own.`)
	}
	if dn, err := ldap.ParseDN(l.BaseDN); err != nil || len(dn.RDNs) == 0 || dn.RDNs[0].Attributes[0].Value == "" {
		r.add("ldap.base_dn", fmt.Sprintf("%q is no distinguished name", l.BaseDN), `Use a short one, such as "dc=ringbook".`)
	}
}

func (r *reader) checkListen(key, value string, mayBeEmpty bool) {
	if value == "" && mayBeEmpty {
		return
	}
	_, port, err := net.SplitHostPort(value)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		r.add(key, fmt.Sprintf("%q is no address to listen on", value), `Write it like ":443" or "127.0.0.1:8080".`)
	}
}

func (r *reader) checkPair(table, cert, key string) {
	if (cert == "") != (key == "") {
		r.add(table+".cert_file", "cert_file and key_file belong together", "Set both or none.")
		return
	}
	if cert == "" {
		return
	}
	before := len(r.problems)
	r.checkFile(table+".cert_file", cert)
	r.checkFile(table+".key_file", key)
	if len(r.problems) > before {
		return
	}
	if _, err := tls.LoadX509KeyPair(cert, key); err != nil {
		r.add(table+".cert_file", "the certificate and its key cannot be used: "+err.Error(), "Name a PEM file with the whole chain, the server's own certificate first, and one with its key.")
	}
}

func (r *reader) checkFile(key, path string) {
	f, err := os.Open(path)
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		p := fileProblem(path, err)
		r.add(key, p.what, p.mend)
	}
}

// checkLegacy checks the listener for old phones.
func (r *reader) checkLegacy() {
	l := r.cfg.LDAP.Legacy
	r.checkListen("ldap.legacy.listen", l.Listen, true)
	r.checkPair("ldap.legacy", l.CertFile, l.KeyFile)
	if l.Listen == "" {
		if l.CertFile != "" || l.AllowPlain || len(l.ProxyProtocol) > 0 {
			r.add("ldap.legacy.listen", "it is not set, so the rest of [ldap.legacy] does nothing", `Write listen = ":1636", or remove the table.`)
		}
		return
	}
	pair, err := tls.LoadX509KeyPair(l.CertFile, l.KeyFile)
	if l.CertFile == "" || err != nil { // checkPair has said so
		return
	}
	if _, ok := pair.PrivateKey.(*rsa.PrivateKey); !ok {
		r.add("ldap.legacy.cert_file", "old firmware knows RSA only, and this key is another", "Name a certificate with an RSA key, or none: then Ringbook makes one of its own.")
	}
}

// warn notes a setting that works, and that somebody should have thought about.
func (r *reader) warn(key, what, mend string) {
	p := r.at(key)
	p.What, p.Mend = what, mend
	r.cfg.Warnings = append(r.cfg.Warnings, p)
}

// checkRisks warns of settings that take a protection away.
func (r *reader) checkRisks() {
	r.checkLegacyRisks()
	host, _, _ := net.SplitHostPort(r.cfg.LDAP.Listen)
	if r.cfg.LDAP.AllowPlain && r.cfg.LDAP.Listen != "" && !loopback(host) {
		r.warn("ldap.allow_plain", "logins and numbers travel readable for everybody on the way", "Use LDAPS or StartTLS, or keep the port on a voice network of its own.")
	}
	if r.cfg.Mirror.ShrinkGuard == 0 {
		r.warn("mirror.shrink_guard", "nothing keeps a mistake in the tenant from emptying every phone", `Write "20%" again when the start that needed it is over.`)
	}
}

// checkLegacyRisks warns of what lets old phones in, and strangers.
func (r *reader) checkLegacyRisks() {
	l := r.cfg.LDAP
	if l.Legacy.Listen != "" {
		r.warn("ldap.legacy.listen", "TLS "+l.Legacy.MinTLS+" and RSA key exchange can be read by who records and keeps it",
			"Bind it to an address in the phones' own network, and switch it off when the last old phone is gone.")
	}
	host, _, _ := net.SplitHostPort(l.Legacy.Listen)
	if l.Legacy.AllowPlain && !loopback(host) {
		r.warn("ldap.legacy.allow_plain", "logins and numbers travel readable for everybody on the way", "Bind it to an address in a voice network of its own.")
	}
	for i, a := range l.Anonymous {
		r.cfg.Warnings = append(r.cfg.Warnings, Problem{
			File: r.file, Line: lineOf(r.text, listAnonymous, i), Key: listAnonymous,
			What: fmt.Sprintf("everybody in %s reads %s without a login", join(a.Networks), strings.Join(a.Attributes, ", ")),
			Mend: "Keep networks, books and attributes as few as the printers need.",
		})
	}
}

func join(networks []netip.Prefix) string {
	all := make([]string, len(networks))
	for i, p := range networks {
		all[i] = p.String()
	}
	return strings.Join(all, ", ")
}

// checkMailboxes checks the title that every private book gets.
func (r *reader) checkMailboxes() {
	switch title := r.cfg.Mirror.MailboxTitle; {
	case title == "":
		r.add("mirror.mailbox_title", "private books need a title", `Write one such as "Outlook", or "{name}: Outlook" with the owner's name.`)
	case strings.ContainsFunc(title, unicode.IsControl):
		r.add("mirror.mailbox_title", "phones cannot show control characters", "Write one line of text.")
	}
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && a.IsLoopback()
}

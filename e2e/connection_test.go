package e2e_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"
)

// TestOldPhones: OpenLDAP's client with the TLS of old firmware, at the listener that
// is for it, and at no other.
func TestOldPhones(t *testing.T) {
	need(t, "ldapsearch")
	s := startTenant(t, 30)
	legacy := freePort(t)
	t.Setenv("RINGBOOK_LDAP_LEGACY_LISTEN", legacy)
	t.Setenv("RINGBOOK_LDAP_LEGACY_ALLOW_PLAIN", "true")
	r := startRingbook(t, s, `[[ldap.anonymous]]
listener = "legacy"
networks = ["127.0.0.0/8"]
books = ["people"]
attributes = ["cn"]`)
	d := r.addDevice()
	crt, err := os.ReadFile(filepath.Join(r.dir, "d", "legacy.crt"))
	if err != nil {
		t.Fatal(err)
	}
	both := filepath.Join(r.dir, "both.pem")
	ordinary, err := os.ReadFile(r.ca)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(both, append(crt, ordinary...), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("LDAPTLS_CACERT", both)
	t.Setenv("LDAPTLS_REQCERT", "allow") // the certificate is for 127.0.0.1, as public_url is
	const (
		old   = "NONE:+VERS-TLS1.0:+RSA:+AES-128-CBC:+SHA1:+COMP-NULL:+SIGN-ALL:%COMPAT"
		today = "NORMAL"
	)
	device := []string{"-D", d.LDAP.BindDN, "-w", d.Secret}
	for _, c := range []struct {
		name, uri, ciphers string
		args               []string
		found              bool
	}{
		{"TLS 1.0", "ldaps://" + legacy, old, device, true},
		{"TLS 1.0 elsewhere", "ldaps://" + r.ldaps, old, device, false},
		{"today's TLS", "ldaps://" + legacy, today, device, true},
		{"today's TLS elsewhere", "ldaps://" + r.ldaps, today, device, true},
		{"StartTLS", "ldap://" + legacy, old, append([]string{"-ZZ"}, device...), true},
		{"plain", "ldap://" + legacy, today, device, true},
		{"plain elsewhere", "ldap://" + r.ldap, today, device, false},
		{"no login", "ldap://" + legacy, today, nil, true},
		{"no login elsewhere", "ldap://" + r.ldap, today, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("LDAPTLS_CIPHER_SUITE", c.ciphers)
			code, out, errs := run(t, nil, "ldapsearch", append([]string{"-x", "-LLL", "-H", c.uri, "-b", baseDN, "(cn=" + grossName + ")", "cn", "mail"}, c.args...)...)
			if found := code == 0 && strings.Contains(out, "dn: "+grossDN); found != c.found {
				t.Errorf("exit code %d\n%s%s", code, out, errs)
			}
			if c.args == nil && strings.Contains(out, "mail") {
				t.Errorf("without a login it is told\n%s", out)
			}
		})
	}
}

// TestThroughHAProxy: a load balancer in front of LDAPS and CardDAV says whose each
// connection is.
func TestThroughHAProxy(t *testing.T) {
	need(t, "haproxy")
	s := startTenant(t, 30)
	for _, key := range []string{"HTTP_PROXY_PROTOCOL", "LDAP_LDAPS_PROXY_PROTOCOL"} {
		t.Setenv("RINGBOOK_"+key, "127.0.0.1")
	}
	r := startRingbook(t, s)
	d := r.addDevice()
	front := map[string]string{"ldaps": freePort(t), "web": freePort(t)}
	config := filepath.Join(r.dir, "haproxy.cfg")
	text := fmt.Sprintf(`defaults
 mode tcp
 timeout connect 5s
 timeout client 1m
 timeout server 1m
listen ldaps
 bind %s
 server ringbook %s send-proxy-v2
listen web
 bind %s
 server ringbook %s send-proxy
`, front["ldaps"], r.ldaps, front["web"], strings.TrimPrefix(r.url, "http://"))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, "haproxy", "-db", "-f", config)
	client := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 9)}}
	eventually(t, "haproxy passes LDAPS on", func() error {
		c, err := goldap.DialURL("ldaps://"+front["ldaps"], goldap.DialWithDialer(&client), goldap.DialWithTLSConfig(trusting(t, r.ca)))
		if err != nil {
			return err
		}
		defer c.Close()
		if err := c.Bind(d.Login, d.Secret); err != nil {
			return err
		}
		_, err = ldapPeople(c, "(cn="+grossName+")")
		return err
	})
	want := "port=ldaps from=127.0.0.9 device=" + d.ID
	eventually(t, "the log names the client", func() error {
		if !strings.Contains(r.log.String(), want) {
			return fmt.Errorf("no line with %q", want)
		}
		return nil
	})
	c, err := client.DialContext(t.Context(), "tcp", front["web"])
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "PROPFIND /dav/ HTTP/1.1\r\nHost: x\r\nAuthorization: Basic "+basic(d)+"\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(c); err != nil || !strings.HasPrefix(string(b), "HTTP/1.1 207 ") {
		t.Errorf("CardDAV: %.100s, %v", b, err)
	}
	// Who goes round the proxy, from its machine, is refused: nobody knows who that is.
	direct, err := tls.Dial("tcp", r.ldaps, trusting(t, r.ca))
	if err == nil {
		_ = direct.Close()
		t.Error("the proxy's machine gets in without a PROXY header")
	}
}

// TestSessionsOutliveTheServer: a phone that connects for each look-up resumes its TLS
// session with a server that was restarted.
func TestSessionsOutliveTheServer(t *testing.T) {
	s := startTenant(t, 30)
	r := startRingbook(t, s)
	client := trusting(t, r.ca)
	client.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	d := r.addDevice()
	visit := func() bool {
		t.Helper()
		c, err := tls.Dial("tcp", r.ldaps, client)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		login(t, c, d)
		return c.ConnectionState().DidResume
	}
	if visit() {
		t.Error("the first visit resumes a session")
	}
	r.restart()
	if !visit() {
		t.Error("the session is lost")
	}
	if info, err := os.Stat(filepath.Join(r.dir, "d", "tls-sessions.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

// TestOutOfFiles: a server that may open no more files serves on as soon as others
// leave.
func TestOutOfFiles(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	s := startTenant(t, 30)
	r := newRingbook(t, s)
	const files = 200
	r.process = start(t, sh, "-c", fmt.Sprintf(`ulimit -n %d && exec "$0" "$@"`, files), ringbookBinary, "serve", "--config", r.config)
	r.waitReady()
	d := r.addDevice()
	open := make([]net.Conn, files)
	for i := range open {
		open[i] = connected(t, r.ldaps)
	}
	eventually(t, "there are no files left", func() error {
		if !strings.Contains(r.log.String(), "too many open files") {
			return fmt.Errorf("%d are open", openFiles(t, r))
		}
		return nil
	})
	for _, c := range open {
		_ = c.Close()
	}
	login(t, tls.Client(connected(t, r.ldaps), trusting(t, r.ca)), d)
	if got := r.served(); got == 0 {
		t.Error("it serves nobody")
	}
}

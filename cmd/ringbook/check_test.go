package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"ringbook/config"
	"ringbook/graph"
	"ringbook/graph/graphtest"
	"ringbook/server/admin"
)

// tenant starts a Graph stand-in of 30 people until the script ends, whose
// application was granted some permissions (none named = User.Read.All), and
// points the configuration at it: tenant [PERMISSION…].
func tenant(ts *testscript.TestScript, _ bool, args []string) {
	o := graphtest.Options{People: 30, Seed: 1, Photos: 0.5}
	if len(args) > 0 {
		o.Roles = args
	}
	s := startTenant(ts, o)
	ts.Setenv("RINGBOOK_TENANT_ID", s.TenantID())
	ts.Setenv("RINGBOOK_TENANT_CLIENT_ID", s.ClientID())
	ts.Setenv("RINGBOOK_TENANT_CLIENT_SECRET", s.Secret())
	ts.Setenv("RINGBOOK_TENANT_AUTHORITY_URL", s.URL())
	ts.Setenv("RINGBOOK_TENANT_GRAPH_URL", s.URL())
	ts.Setenv("TENANT", s.URL()[len("https://"):])
	ts.Check(os.WriteFile(ts.MkAbs("tenant-ca.pem"), s.CAPEM(), 0o600))
}

func startTenant(ts *testscript.TestScript, o graphtest.Options) *graphtest.Server {
	s, err := graphtest.New(o).Start(context.Background(), "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { ts.Check(s.Close()) })
	return s
}

// certificate writes a server's certificate and key, which is its own
// authority and ends in so many days: certificate CERT KEY DAYS NAME….
func certificate(ts *testscript.TestScript, _ bool, args []string) {
	days, err := strconv.Atoi(args[2])
	ts.Check(err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	now := time.Now()
	t := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: args[0]},
		NotBefore: now.Add(-100 * 24 * time.Hour), NotAfter: now.Add(time.Duration(days)*24*time.Hour + 12*time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IsCA: true, BasicConstraintsValid: true,
	}
	for _, n := range args[3:] {
		if ip := net.ParseIP(n); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, n)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	ts.Check(err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), 0o600))
}

// states writes "name state" of every part in a document of check --json:
// states DOCUMENT FILE.
func states(ts *testscript.TestScript, _ bool, args []string) {
	var doc struct {
		OK    *bool
		Parts []struct{ Name, State, Detail, Mend *string }
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &doc))
	var text strings.Builder
	text.WriteString("ok " + strconv.FormatBool(*doc.OK) + "\n")
	for _, p := range doc.Parts {
		if *p.Detail == "" || *p.State == "failed" && *p.Mend == "" {
			ts.Fatalf("%s tells too little", *p.Name)
		}
		text.WriteString(*p.Name + ": " + *p.State + "\n")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text.String()), 0o600))
}

// ready waits until the server in the data folder has loaded its directory:
// ready DIR.
func ready(ts *testscript.TestScript, _ bool, args []string) {
	c := admin.NewClient(filepath.Join(ts.MkAbs(args[0]), socketName))
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(scriptPatience); ; {
		if st, err := c.Status(context.Background()); err == nil && st.Ready {
			return
		}
		select {
		case <-end:
			ts.Fatalf("the server in %s was never ready", args[0])
		case <-tick.C:
		}
	}
}

// ports names the addresses in $RINGBOOK_…_LISTEN as a device is told them.
func ports(ts *testscript.TestScript, _ bool, _ []string) {
	for name, listen := range map[string]string{"HTTP": "HTTP_LISTEN", "LDAP": "LDAP_LISTEN", "LDAPS": "LDAP_LDAPS_LISTEN"} {
		_, port, err := net.SplitHostPort(ts.Getenv("RINGBOOK_" + listen))
		ts.Check(err)
		ts.Setenv(name, "localhost:"+port)
	}
	ts.Setenv("RINGBOOK_PUBLIC_URL", "https://"+ts.Getenv("HTTP"))
}

// code runs ringbook and wants an exit code: code CODE ARG….
func code(ts *testscript.TestScript, _ bool, args []string) {
	got := exitDone
	if err := ts.Exec("ringbook", args[1:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit code %d", got)
	}
}

// A server whose certificate is not there yet does answer.
func TestCertificateNotThereYet(t *testing.T) {
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		return nil, errors.New("not yet")
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		if c, err := l.Accept(); err == nil {
			_, _ = io.Copy(io.Discard, c) // shakes hands
			c.Close()
		}
	}()
	s := newServerCheck(&check{cfg: &config.Config{PublicURL: "https://" + l.Addr().String()}})
	if p := s.certificate(t.Context()); p.State != graph.CheckFailed || p.unreachable || !strings.Contains(p.Mend, "ACME") {
		t.Errorf("%+v", p)
	}
}

// TestPhoneBookBehindProxy: what stands in front of the server, and does not hand on
// what phones need, is found.
func TestPhoneBookBehindProxy(t *testing.T) {
	asks := func(w http.ResponseWriter, r *http.Request) bool {
		_, _, ok := r.BasicAuth()
		if !ok {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
		}
		return !ok
	}
	for name, c := range map[string]struct {
		front        http.HandlerFunc
		login        string
		book, lookUp graph.CheckState
		says         string // of the phone book
	}{
		"paths are left out": {http.NotFound, "", graph.CheckFailed, graph.CheckFailed, "status 404"},
		"a login of its own": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) }, "", graph.CheckFailed, graph.CheckFailed, "status 302"},
		"the login is kept": {func(w http.ResponseWriter, r *http.Request) {
			r.Header.Del("Authorization")
			asks(w, r)
		}, "d", graph.CheckFailed, graph.CheckFailed, "refuses the device d"},
		"not loaded": {func(w http.ResponseWriter, r *http.Request) {
			if !asks(w, r) {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		}, "d", graph.CheckFailed, graph.CheckFailed, "no directory"},
		"too many failed": {func(w http.ResponseWriter, r *http.Request) {
			if !asks(w, r) {
				w.WriteHeader(http.StatusTooManyRequests)
			}
		}, "d", graph.CheckFailed, graph.CheckFailed, "too many logins"},
		"another page": {func(w http.ResponseWriter, r *http.Request) {
			if !asks(w, r) {
				_, _ = io.WriteString(w, "<html>welcome</html>")
			}
		}, "d", graph.CheckFailed, graph.CheckOK, "no phone book"},
		"nobody in it": {func(w http.ResponseWriter, r *http.Request) {
			if !asks(w, r) {
				_, _ = io.WriteString(w, "<CiscoIPPhoneDirectory/>")
			}
		}, "d", graph.CheckWarning, graph.CheckOK, "shows nobody"},
	} {
		t.Run(name, func(t *testing.T) {
			front := httptest.NewServer(c.front)
			defer front.Close()
			s := newServerCheck(&check{cfg: &config.Config{PublicURL: front.URL}, login: c.login, secret: "s"})
			if p := s.phoneBook(t.Context()); p.State != c.book || !strings.Contains(p.Detail, c.says) || p.Mend == "" {
				t.Errorf("phone book: %+v", p)
			}
			if p := s.lookUp(t.Context()); p.State != c.lookUp || p.State != graph.CheckOK && p.Mend == "" {
				t.Errorf("look-up: %+v", p)
			}
		})
	}
}

// TestTakenForAProxy: a server that hangs up on this machine because it is on the list
// of proxies is told from one that is not there, and from one that is wrong itself.
func TestTakenForAProxy(t *testing.T) {
	hangUp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			c, err := hangUp.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	defer hangUp.Close()
	wrong := httptest.NewTLSServer(http.NotFoundHandler()) // nobody trusts it
	defer wrong.Close()
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	for name, c := range map[string]struct {
		address, proxy string
		want           bool
	}{
		"hangs up":                      {hangUp.Addr().String(), "127.0.0.0/8", true},
		"hangs up, on us as on anybody": {hangUp.Addr().String(), "10.0.0.0/8", false},
		"has a certificate of its own":  {wrong.Listener.Addr().String(), "127.0.0.0/8", false},
		"is not there":                  {gone.Addr().String(), "127.0.0.0/8", false},
	} {
		cfg := &config.Config{PublicURL: "https://" + c.address}
		cfg.HTTP.ProxyProtocol = []netip.Prefix{netip.MustParsePrefix(c.proxy)}
		_, port, _ := net.SplitHostPort(c.address)
		cfg.LDAP.LDAPSListen, cfg.LDAP.LDAPSProxyProtocol = ":"+port, cfg.HTTP.ProxyProtocol
		cfg.LDAP.Listen, cfg.LDAP.ProxyProtocol, cfg.LDAP.CertFile = ":"+port, cfg.HTTP.ProxyProtocol, "x"
		s := newServerCheck(&check{cfg: cfg})
		for _, p := range s.probes() {
			if len(p.proxies) == 0 || p.name == "ldap" && name == "has a certificate of its own" {
				continue
			}
			p.needs = nil
			r := s.try(t.Context(), p)
			if said := strings.Contains(r.Detail, p.key); r.State != graph.CheckFailed || said != c.want || name == "is not there" && !r.unreachable {
				t.Errorf("%s, which %s: %+v", p.name, name, r)
			}
		}
	}
}

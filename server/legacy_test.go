package server_test

import (
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ringbook/server"
)

// ownRSA makes the certificate for old phones.
func ownRSA(t *testing.T) *tls.Config {
	t.Helper()
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "legacy.crt"), filepath.Join(dir, "legacy.key")
	made, err := server.OwnRSA(cert, key, "phones.contoso.com")
	if err != nil || !made {
		t.Fatal(made, err)
	}
	before := read(t, cert)
	if made, err := server.OwnRSA(cert, key, "elsewhere"); err != nil || made || read(t, cert) != before {
		t.Errorf("it is made anew: %v, %v", made, err)
	}
	if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	c, err := server.Files(cert, key, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestOwnRSA(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "crt")
	if _, err := server.OwnRSA(file, filepath.Join(dir, "key"), "192.0.2.1"); err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(read(t, file)))
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	key, isRSA := c.PublicKey.(*rsa.PublicKey)
	if !isRSA || key.N.BitLen() != 2048 || c.SignatureAlgorithm != x509.SHA256WithRSA || c.KeyUsage&x509.KeyUsageKeyEncipherment == 0 ||
		c.Subject.CommonName != "192.0.2.1" || len(c.IPAddresses) != 1 || time.Until(c.NotAfter) < 9*365*24*time.Hour {
		t.Errorf("%+v", c)
	}
	if _, err := server.OwnRSA(filepath.Join(dir, "nowhere", "crt"), filepath.Join(dir, "nowhere", "key"), "a"); err == nil {
		t.Error("made in a folder that is not there")
	}
}

// TestLegacy: what OpenSSL can still be made to speak, on the listener for old phones
// and on the others.
func TestLegacy(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("openssl is not installed: e2e/clients.sh should have done it")
		}
		t.Skip("openssl is not installed")
	}
	modern := ownRSA(t)
	for _, c := range []struct {
		name   string
		args   string
		min    uint16 // of the legacy listener
		legacy bool   // it is let in there
		others bool   // and elsewhere
	}{
		{"TLS 1.0", "-tls1 -cipher AES128-SHA:@SECLEVEL=0", tls.VersionTLS10, true, false},
		{"TLS 1.0 with ephemeral keys", "-tls1 -cipher ECDHE-RSA-AES256-SHA:@SECLEVEL=0", tls.VersionTLS10, true, false},
		{"TLS 1.0 where 1.1 is the least", "-tls1 -cipher AES128-SHA:@SECLEVEL=0", tls.VersionTLS11, false, false},
		{"TLS 1.1", "-tls1_1 -cipher AES256-SHA:@SECLEVEL=0", tls.VersionTLS11, true, false},
		{"TLS 1.1 where 1.2 is the least", "-tls1_1 -cipher AES256-SHA:@SECLEVEL=0", tls.VersionTLS12, false, false},
		{"TLS 1.2 with RSA key exchange", "-tls1_2 -cipher AES128-SHA", tls.VersionTLS12, true, false},
		{"TLS 1.2 with RSA and SHA-1 alone", "-tls1_2 -cipher AES128-SHA:@SECLEVEL=0 -sigalgs RSA+SHA1", tls.VersionTLS10, true, false},
		{"TLS 1.2 with RSA and GCM", "-tls1_2 -cipher AES128-GCM-SHA256", tls.VersionTLS10, true, false},
		{"TLS 1.2 of today", "-tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256", tls.VersionTLS10, true, true},
		{"TLS 1.3", "-tls1_3", tls.VersionTLS10, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := openssl(t, server.Legacy(modern, c.min), c.args); got != c.legacy {
				t.Errorf("on the listener for old phones: %v", got)
			}
			if got := openssl(t, modern, c.args); got != c.others {
				t.Errorf("elsewhere: %v", got)
			}
		})
	}
	for _, id := range server.Legacy(modern, tls.VersionTLS10).CipherSuites {
		if name := tls.CipherSuiteName(id); strings.Contains(name, "RC4") {
			t.Errorf("%s is offered", name)
		}
	}
}

// openssl reports whether its client shakes hands with c.
func openssl(t *testing.T, c *tls.Config, args string) bool {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		s := tls.Server(conn, c)
		_, _ = io.WriteString(s, "welcome\n")
		_ = s.Close()
	}()
	cmd := exec.CommandContext(t.Context(), "openssl", append([]string{"s_client", "-quiet", "-connect", l.Addr().String()}, strings.Fields(args)...)...)
	out, _ := cmd.Output() // how it ends is not what is asked
	return strings.Contains(string(out), "welcome")
}

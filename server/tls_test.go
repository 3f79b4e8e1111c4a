package server_test

import (
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ringbook/server"
)

// pair writes a new certificate for host to dir and returns its DER.
func pair(t *testing.T, dir, host string) []byte {
	t.Helper()
	cert, chain, err := server.SelfSigned(host)
	if err != nil {
		t.Fatal(err)
	}
	private, ok := cert.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		t.Fatalf("key is a %T", cert.PrivateKey)
	}
	key, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "cert.pem"), chain)
	put(t, filepath.Join(dir, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: key}))
	return cert.Certificate[0]
}

func put(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFilesAreReloaded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
		first := pair(t, dir, "a.example")
		var logged record
		config, err := server.Files(certFile, keyFile, logged.log())
		if err != nil {
			t.Fatal(err)
		}
		if config.MinVersion < tls.VersionTLS12 {
			t.Errorf("minimum version %x", config.MinVersion)
		}
		served := func() string {
			t.Helper()
			<-time.After(10 * time.Second) // of the bubble's clock
			c, err := config.GetCertificate(&tls.ClientHelloInfo{})
			if err != nil {
				t.Fatal(err)
			}
			return string(c.Certificate[0])
		}
		if served() != string(first) {
			t.Error("another certificate is served")
		}
		put(t, certFile, []byte("half writ"))
		for range 3 {
			if served() != string(first) {
				t.Error("a broken file ended the old certificate")
			}
		}
		if n := strings.Count(logged.String(), "not reloaded"); n != 1 {
			t.Errorf("said %d times that the file is broken:\n%s", n, logged.String())
		}
		if err := os.Remove(keyFile); err != nil {
			t.Fatal(err)
		}
		if served() != string(first) {
			t.Error("a missing file ended the old certificate")
		}
		second := pair(t, dir, "b.example")
		if served() != string(second) {
			t.Error("the new certificate is not served")
		}
		if err := os.Remove(certFile); err != nil {
			t.Fatal(err)
		}
		if served() != string(second) {
			t.Error("a missing file ended the newer certificate")
		}
	})
}

func TestFilesAreCheckedAtTheStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if _, err := server.Files(certFile, keyFile, quiet()); err == nil || !strings.Contains(err.Error(), "cert.pem") {
		t.Errorf("missing: %v", err)
	}
	pair(t, dir, "a.example")
	old, err := os.ReadFile(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	pair(t, dir, "a.example")
	put(t, keyFile, old)
	if _, err := server.Files(certFile, keyFile, quiet()); err == nil || !strings.Contains(err.Error(), "key.pem") {
		t.Errorf("a key of another certificate: %v", err)
	}
}

func TestACMEConfiguration(t *testing.T) {
	t.Parallel()
	l := listen(t)
	t.Cleanup(func() { l.Close() })
	// Not t.TempDir: the library may write a last lock file after it was stopped.
	folder, err := os.MkdirTemp("", "acme") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	config, stop, err := server.ACME(t.Context(), server.ACMEOptions{
		Host: "contacts.example", Folder: folder, Listener: l.Addr(), Log: quiet(),
		Directory: "https://127.0.0.1:1/directory", // nobody is there
	})
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if config.MinVersion < tls.VersionTLS12 {
		t.Errorf("minimum version %x", config.MinVersion)
	}
	if len(config.NextProtos) != 1 || config.NextProtos[0] != "acme-tls/1" {
		t.Errorf("protocols %q", config.NextProtos)
	}
	ours, theirs := net.Pipe()
	defer ours.Close()
	go func() {
		c := tls.Client(theirs, &tls.Config{ServerName: "contacts.example"})
		_ = c.HandshakeContext(t.Context()) // what it is told, the other side says
		theirs.Close()
	}()
	if err := tls.Server(ours, config).HandshakeContext(t.Context()); err == nil {
		t.Error("a certificate out of nothing")
	}
}

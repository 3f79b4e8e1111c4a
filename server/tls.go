package server

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"os"
	"sync"
	"time"
)

// minTLS is what every phone of the last ten years speaks.
const minTLS = tls.VersionTLS12

// checkEvery is how often a handshake looks whether the files have changed.
const checkEvery = 5 * time.Second

// Files serves the certificate chain and key in two PEM files, and newer ones
// as soon as the files change. While a changed pair cannot be read, or does not
// belong together, the one before it is served and the log says why.
// The configuration may be used for any protocol.
func Files(certFile, keyFile string, log *slog.Logger) (*tls.Config, error) {
	f := &files{cert: certFile, key: keyFile, log: log}
	s, err := f.stat()
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("certificate %s with key %s: %w", certFile, keyFile, err)
	}
	f.stamp, f.pair, f.checked = s, &pair, time.Now()
	return &tls.Config{MinVersion: minTLS, GetCertificate: f.get}, nil
}

// files is a pair of files and what they held last.
type files struct {
	cert, key string
	log       *slog.Logger

	mu      sync.Mutex
	pair    *tls.Certificate
	stamp   stamp // of what was read last, readable or not
	checked time.Time
}

// A stamp tells two versions of the files apart.
type stamp struct{ cert, key version }

type version struct {
	changed time.Time
	size    int64
}

func (f *files) stat() (stamp, error) {
	cert, err := os.Stat(f.cert)
	if err != nil {
		return stamp{}, err
	}
	key, err := os.Stat(f.key)
	if err != nil {
		return stamp{}, err
	}
	return stamp{versionOf(cert), versionOf(key)}, nil
}

func versionOf(i fs.FileInfo) version { return version{i.ModTime(), i.Size()} }

func (f *files) get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now := time.Now(); now.Sub(f.checked) >= checkEvery {
		f.checked = now
		f.reload(hello.Context())
	}
	return f.pair, nil
}

// reload reads the files if they have changed. f.mu is held.
func (f *files) reload(ctx context.Context) {
	s, err := f.stat()
	if err == nil && s == f.stamp {
		return
	}
	var pair tls.Certificate
	if err == nil {
		pair, err = tls.LoadX509KeyPair(f.cert, f.key)
	}
	switch {
	case err == nil:
		f.pair = &pair
		f.log.LogAttrs(ctx, slog.LevelInfo, "certificate reloaded", slog.String("file", f.cert),
			slog.Time("not_after", pair.Leaf.NotAfter))
	case s != f.stamp: // once for each broken version
		f.log.LogAttrs(ctx, slog.LevelError, "certificate not reloaded, the old one is served on",
			slog.String("file", f.cert), slog.String("error", err.Error()))
	}
	f.stamp = s
}

// selfSignedLife is within what phones accept from a certificate that was
// installed by hand (Apple: 825 days).
const selfSignedLife = 397 * 24 * time.Hour

// SelfSigned makes a certificate for the given names and addresses that nobody
// trusts yet, and its PEM for those who shall. It is for demos and tests.
func SelfSigned(hosts ...string) (tls.Certificate, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("make a key: %w", err)
	}
	der, err := signItself(key, "Ringbook demo", selfSignedLife, 0, hosts)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("read the certificate back: %w", err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, text, nil
}

// signItself makes a certificate that its own key has signed, in DER.
func signItself(key crypto.Signer, name string, life time.Duration, usage x509.KeyUsage, hosts []string) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("draw a serial number: %w", err)
	}
	now := time.Now()
	t := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    now.Add(-time.Hour), // for clocks that are behind
		NotAfter:     now.Add(life),
		KeyUsage:     x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign | usage,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IsCA:         true, BasicConstraintsValid: true, // so that it can be its own root
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("sign the certificate: %w", err)
	}
	return der, nil
}

// Fixed serves one certificate that does not change.
func Fixed(c tls.Certificate) *tls.Config {
	return &tls.Config{MinVersion: minTLS, Certificates: []tls.Certificate{c}}
}

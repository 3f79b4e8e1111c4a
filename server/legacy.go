package server

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
)

const (
	// legacyKeyBits is what the oldest firmware that knows TLS takes, and still sound.
	legacyKeyBits = 2048
	// legacyLife: the certificate is installed by hand on each phone, and outlives them.
	legacyLife = 10 * 365 * 24 * time.Hour
)

// Legacy returns c as a listener for old firmware needs it: from the version least
// on, with RSA key exchange and CBC, and with 3DES for who has nothing else. RC4 stays
// out: what it hides can be read. c must have an RSA certificate.
func Legacy(c *tls.Config, least uint16) *tls.Config {
	c = c.Clone()
	c.MinVersion = least
	c.CipherSuites = nil
	for _, s := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		if !strings.Contains(s.Name, "RC4") {
			c.CipherSuites = append(c.CipherSuites, s.ID)
		}
	}
	return c
}

// OwnRSA makes an RSA certificate for the host, which signs itself, and its key, in
// two PEM files, unless they are there. made = it did. It is for phones that are told
// to trust this one certificate, or none.
func OwnRSA(certFile, keyFile, host string) (made bool, err error) {
	_, err = os.Stat(certFile)
	if err == nil {
		_, err = os.Stat(keyFile)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	key, err := rsa.GenerateKey(rand.Reader, legacyKeyBits)
	if err != nil {
		return false, fmt.Errorf("make a key: %w", err)
	}
	der, err := signItself(key, host, legacyLife, x509.KeyUsageKeyEncipherment, []string{host})
	if err != nil {
		return false, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return false, fmt.Errorf("write the key: %w", err)
	}
	var b bytes.Buffer
	if err := pem.Encode(&b, &pem.Block{Type: "PRIVATE KEY", Bytes: secret}); err != nil {
		return false, fmt.Errorf("write the key: %w", err)
	}
	// The key first: a certificate that is there is one that can be used.
	if err := replaceFile(keyFile, b.Bytes()); err != nil {
		return false, fmt.Errorf("write the key: %w", err)
	}
	if err := replaceFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})); err != nil {
		return false, fmt.Errorf("write the certificate: %w", err)
	}
	return true, nil
}

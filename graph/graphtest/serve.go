package graphtest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"time"
)

const (
	// headerTime bounds a client that never ends its header.
	headerTime = 10 * time.Second
	// drainTime is how long Close waits for requests under way. HTTP/2 would
	// take a second over its farewell, and a demo ends within two of Ctrl-C.
	drainTime = 100 * time.Millisecond
	// certLife outlives every test and demo.
	certLife = 90 * 24 * time.Hour
)

// A Server is a tenant on a socket, behind TLS: azidentity speaks to nothing less.
type Server struct {
	*Tenant
	url  string
	ca   []byte
	http *http.Server
	done chan error
}

// URL returns "https://127.0.0.1:port", the address of sign-in and Graph alike.
func (s *Server) URL() string { return s.url }

// CAPEM returns the certificate of the authority that vouches for the server.
// It was made in memory, for this server alone.
func (s *Server) CAPEM() []byte { return s.ca }

// Start serves t on address, such as "127.0.0.1:0", until Close.
func (t *Tenant) Start(ctx context.Context, address string) (*Server, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("graph stand-in: %w", err)
	}
	ca, cert, err := certificates()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("graph stand-in: %w", err), listener.Close())
	}
	s := &Server{
		Tenant: t,
		url:    "https://" + listener.Addr().String(),
		ca:     ca,
		http: &http.Server{
			Handler:           t,
			ReadHeaderTimeout: headerTime,
			TLSConfig:         &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12},
			ErrorLog:          log.New(io.Discard, "", 0), // broken connections are its trade
		},
		done: make(chan error, 1),
	}
	go func() { s.done <- s.http.ServeTLS(listener, "", "") }()
	return s, nil
}

// Close ends the server. It waits a moment for requests under way, then drops them.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.http.Close()
	}
	if served := <-s.done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// certificates makes an authority and a certificate for this machine.
func certificates() (caPEM []byte, cert tls.Certificate, err error) {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, cert, fmt.Errorf("key: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, cert, fmt.Errorf("key: %w", err)
	}
	now := time.Now()
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Graph stand-in authority"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certLife),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "Graph stand-in"},
		NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	if err != nil {
		return nil, cert, fmt.Errorf("authority: %w", err)
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, ca, &key.PublicKey, caKey)
	if err != nil {
		return nil, cert, fmt.Errorf("certificate: %w", err)
	}
	caPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER})
	return caPEM, tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

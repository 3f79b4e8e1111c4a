package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// ACMEOptions say how certificates are got from a certificate authority.
type ACMEOptions struct {
	Host     string   // the one name to be certified
	Email    string   // where the authority writes to; "" = nowhere
	Folder   string   // keeps the account, keys and certificates
	Listener net.Addr // where the returned configuration will serve; open already
	Log      *slog.Logger

	Directory string         // URL of the authority; "" = Let's Encrypt
	Roots     *x509.CertPool // that the authority's own certificate is checked by; nil = the system's
}

// ACME gets a certificate for o.Host and renews it, in the background, until ctx
// ends. It proves the host by TLS-ALPN-01 (RFC 8737): the authority connects to
// port 443 of the host, which must lead to o.Listener, and nothing else needs to
// be open. Until the first certificate is there, handshakes fail.
// stop ends the renewals and must be called; an exchange with the authority that
// is under way then breaks off by itself.
//
// The configuration answers the authority on whatever listener serves it. A
// protocol other than HTTP takes a clone without NextProtos.
func ACME(ctx context.Context, o ACMEOptions) (config *tls.Config, stop func(), err error) {
	host, port, err := split(o.Listener)
	if err != nil {
		return nil, nil, fmt.Errorf("acme: %w", err)
	}
	log := zap.New(bridge{log: o.Log})
	var magic *certmagic.Config
	cache := certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) { return magic, nil },
		Logger:           log,
	})
	magic = certmagic.New(cache, certmagic.Config{
		Storage: &certmagic.FileStorage{Path: o.Folder},
		// Its signatures cost the server a fraction of RSA's, and every phone of the last
		// ten years knows it.
		KeySource: certmagic.StandardKeyGenerator{KeyType: certmagic.P256},
		// Desk phones name no server, or the one they were given by its address.
		DefaultServerName: o.Host, FallbackServerName: o.Host,
		Logger: log,
	})
	directory := o.Directory
	if directory == "" {
		directory = certmagic.LetsEncryptProductionCA
	}
	magic.Issuers = []certmagic.Issuer{certmagic.NewACMEIssuer(magic, certmagic.ACMEIssuer{
		CA: directory, TrustedRoots: o.Roots, Email: o.Email, Agreed: true,
		DisableHTTPChallenge: true,
		// If the listener serves already, the library sees that and uses it.
		ListenHost: host, AltTLSALPNPort: port,
		Logger: log,
	})}
	ctx, cancel := context.WithCancel(ctx)
	stop = func() { cancel(); cache.Stop() }
	if err := magic.ManageAsync(ctx, []string{o.Host}); err != nil {
		stop()
		return nil, nil, fmt.Errorf("acme for %s: %w", o.Host, err)
	}
	config = magic.TLSConfig()
	config.MinVersion = minTLS
	return config, stop, nil
}

// split returns the host, "" for any, and the port of a listener.
func split(a net.Addr) (string, int, error) {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return "", 0, fmt.Errorf("listener %v is not one of TCP", a)
	}
	if t.IP.IsUnspecified() {
		return "", t.Port, nil
	}
	return t.IP.String(), t.Port, nil
}

// A bridge writes what certmagic logs with zap to slog. Debug stays out: it has
// whole exchanges with the authority.
type bridge struct {
	log  *slog.Logger
	with []zapcore.Field
}

func (b bridge) Enabled(l zapcore.Level) bool { return l >= zapcore.InfoLevel }

func (b bridge) With(f []zapcore.Field) zapcore.Core {
	return bridge{b.log, append(slices.Clip(b.with), f...)}
}

func (b bridge) Check(e zapcore.Entry, c *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if b.Enabled(e.Level) {
		return c.AddCore(e, b)
	}
	return c
}

func (b bridge) Write(e zapcore.Entry, f []zapcore.Field) error {
	level := slog.LevelInfo
	switch {
	case e.Level >= zapcore.ErrorLevel:
		level = slog.LevelError
	case e.Level == zapcore.WarnLevel:
		level = slog.LevelWarn
	}
	fields := zapcore.NewMapObjectEncoder()
	for _, f := range append(slices.Clip(b.with), f...) {
		f.AddTo(fields)
	}
	b.log.LogAttrs(context.Background(), level, "acme",
		slog.String("event", strings.ToLower(e.Message)), slog.Any("fields", fields.Fields))
	return nil
}

func (b bridge) Sync() error { return nil }

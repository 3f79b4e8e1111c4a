package graph_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"ringbook/directory"
	"ringbook/graph"
	"ringbook/graph/graphtest"
)

// standIn starts a tenant behind TLS and returns how to reach it with a secret.
func standIn(tb testing.TB, tenant *graphtest.Tenant) (graph.Tenant, graph.CredentialOptions) {
	tb.Helper()
	srv, err := tenant.Start(tb.Context(), "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := srv.Close(); err != nil {
			tb.Error(err)
		}
	})
	ca := filepath.Join(tb.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, srv.CAPEM(), 0o600); err != nil {
		tb.Fatal(err)
	}
	client, err := graph.NewHTTPClient(ca)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(client.CloseIdleConnections)
	o := graph.CredentialOptions{
		TenantID: tenant.TenantID(), ClientID: tenant.ClientID(), CredentialKey: graph.CredentialKey{Secret: tenant.Secret()}, AuthorityURL: srv.URL(), HTTP: client,
	}
	return graph.Tenant{
		ID: o.TenantID, ClientID: o.ClientID, GraphURL: srv.URL(), Credential: credential(tb, o), HTTP: client,
	}, o
}

func credential(tb testing.TB, o graph.CredentialOptions) azcore.TokenCredential {
	tb.Helper()
	c, err := graph.NewCredential(o)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func TestClientSecret(t *testing.T) {
	tenant := graphtest.New(graphtest.Options{People: 30})
	reach, _ := standIn(t, tenant)
	for range 2 {
		if err := graph.Check(t.Context(), reach); err != nil {
			t.Fatal(graph.Explain(err))
		}
	}
	if n := tenant.Requests()["token"]; n != 1 {
		t.Errorf("%d tokens for two checks, want 1: tokens are cached", n)
	}
	sink := newMemory()
	if got := syncUsers(t, mirror(t, reach, sink, nil), directory.SyncRequest{}); got.Error != "" || len(sink.all()) != 30 {
		t.Errorf("round = %+v, %d contacts", got, len(sink.all()))
	}
}

// A consent shows in a new token only: who was refused signs in again.
func TestRefusedSignsInAgain(t *testing.T) {
	tenant := graphtest.New(graphtest.Options{People: 3})
	reach, _ := standIn(t, tenant)
	m := mirror(t, reach, newMemory(), nil)
	tenant.Fault(graphtest.Fault{Path: "/v1.0/users/delta", Status: 403})
	if got := syncUsers(t, m, directory.SyncRequest{}); got.Error == "" {
		t.Fatal("it was not refused")
	}
	if got := syncUsers(t, m, directory.SyncRequest{}); got.Error != "" {
		t.Fatal(got.Error)
	}
	if n := tenant.Requests()["token"]; n != 2 {
		t.Errorf("%d tokens, want 2", n)
	}
}

func TestCertificate(t *testing.T) {
	cert, file := certificate(t)
	tenant := graphtest.New(graphtest.Options{Trusted: []*x509.Certificate{cert}})
	reach, o := standIn(t, tenant)
	o.Secret, o.CertificateFile = "", file
	reach.Credential = credential(t, o)
	if err := graph.Check(t.Context(), reach); err != nil {
		t.Error(graph.Explain(err))
	}
	_, o.CertificateFile = certificate(t) // another one
	reach.Credential = credential(t, o)
	if got := graph.Explain(graph.Check(t.Context(), reach)); !strings.Contains(got, "AADSTS700027") {
		t.Errorf("a strange certificate: %q", got)
	}
}

// certificate makes a self-signed certificate, and a PEM file of it and its key.
func certificate(t *testing.T) (*x509.Certificate, string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ringbook"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	for _, block := range []*pem.Block{{Type: "CERTIFICATE", Bytes: der}, {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := pem.Encode(&b, block); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "cert.pem")
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return cert, file
}

func TestSignInErrors(t *testing.T) {
	tenant := graphtest.New(graphtest.Options{})
	reach, good := standIn(t, tenant)
	for name, tt := range map[string]struct {
		change func(*graph.CredentialOptions)
		fault  graphtest.Fault
		want   string
	}{
		"secret":       {func(o *graph.CredentialOptions) { o.Secret = "wrong-sesame" }, graphtest.Fault{}, "secret's value, not its ID"},
		"client":       {func(o *graph.CredentialOptions) { o.ClientID = "11111111-1111-1111-1111-111111111111" }, graphtest.Fault{}, "tenant.client_id"},
		"tenant":       {func(o *graph.CredentialOptions) { o.TenantID = "11111111-1111-1111-1111-111111111111" }, graphtest.Fault{}, "tenant.id"},
		"expired":      {nil, graphtest.Fault{Suffix: "/token", Status: 401, Code: "AADSTS7000222", Times: -1}, "expired"},
		"unknown code": {nil, graphtest.Fault{Suffix: "/token", Status: 400, Code: "AADSTS424242", Times: -1}, "https://login.microsoftonline.com/error?code=424242"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reach, o := reach, good
			if tt.fault.Status != 0 {
				own := graphtest.New(graphtest.Options{})
				own.Fault(tt.fault)
				reach, o = standIn(t, own)
			}
			if tt.change != nil {
				tt.change(&o)
			}
			reach.Credential = credential(t, o)
			err := graph.Check(t.Context(), reach)
			got := graph.Explain(err)
			if !strings.Contains(got, tt.want) {
				t.Errorf("%q (of %v) does not say %q", got, err, tt.want)
			}
			for _, secret := range []string{"sesame", o.Secret, "Trace ID"} {
				if strings.Contains(got+err.Error(), secret) {
					t.Errorf("%q of %q tells %q", got, err, secret)
				}
			}
		})
	}
}

func TestSignInNetwork(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{&net.OpError{Op: "dial", Err: errors.New("connection refused")}, "No connection to login.example"},
		{x509.UnknownAuthorityError{}, "The certificate of login.example is signed by"},
		{&net.DNSError{Err: "no such host", Name: "login.example", IsNotFound: true}, "The name login.example"},
	} {
		synctest.Test(t, func(t *testing.T) {
			client := &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) { return nil, tt.err })}
			o := graph.CredentialOptions{TenantID: "t", ClientID: "c", CredentialKey: graph.CredentialKey{Secret: "sesame"}, AuthorityURL: "https://login.example", HTTP: client}
			err := graph.Check(t.Context(), graph.Tenant{GraphURL: base, Credential: credential(t, o), HTTP: client})
			if got := graph.Explain(err); !strings.Contains(got, tt.want) {
				t.Errorf("%q (of %v) does not say %q", got, err, tt.want)
			}
		})
	}
}

func TestNewCredentialRefuses(t *testing.T) {
	good := graph.CredentialOptions{TenantID: "t", ClientID: "c", AuthorityURL: "https://login.microsoftonline.com", HTTP: http.DefaultClient, CredentialKey: graph.CredentialKey{Secret: "s"}}
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*graph.CredentialOptions){
		"http authority":      func(o *graph.CredentialOptions) { o.AuthorityURL = "http://127.0.0.1" },
		"no authority":        func(o *graph.CredentialOptions) { o.AuthorityURL = "" },
		"no client":           func(o *graph.CredentialOptions) { o.HTTP = nil },
		"nothing":             func(o *graph.CredentialOptions) { o.Secret = "" },
		"two":                 func(o *graph.CredentialOptions) { o.ManagedIdentity = true },
		"missing certificate": func(o *graph.CredentialOptions) { o.Secret, o.CertificateFile = "", empty+"?" },
		"empty certificate":   func(o *graph.CredentialOptions) { o.Secret, o.CertificateFile = "", empty },
		"bad tenant":          func(o *graph.CredentialOptions) { o.TenantID = "a/b" },
	} {
		o := good
		change(&o)
		if c, err := graph.NewCredential(o); err == nil || c != nil {
			t.Errorf("%s: NewCredential = %v, %v", name, c, err)
		}
	}
	for _, o := range []graph.CredentialOptions{good, {HTTP: http.DefaultClient, ManagedIdentity: true}, {HTTP: http.DefaultClient, ManagedIdentity: true, ClientID: "c"}} {
		if _, err := graph.NewCredential(o); err != nil {
			t.Errorf("NewCredential(%+v) = %v", o, err)
		}
	}
	if _, err := graph.NewHTTPClient(empty); !errors.Is(err, directory.ErrInvalid) {
		t.Errorf("NewHTTPClient = %v", err)
	}
}

func TestClouds(t *testing.T) {
	for name, want := range map[string]graph.Cloud{
		"global":    {Login: "https://login.microsoftonline.com", Graph: "https://graph.microsoft.com"},
		"usgov":     {Login: "https://login.microsoftonline.us", Graph: "https://graph.microsoft.us"},
		"usgov_dod": {Login: "https://login.microsoftonline.us", Graph: "https://dod-graph.microsoft.us"},
		"china":     {Login: "https://login.chinacloudapi.cn", Graph: "https://microsoftgraph.chinacloudapi.cn"},
	} {
		if got, err := graph.CloudByName(name); err != nil || got != want {
			t.Errorf("CloudByName(%s) = %v, %v", name, got, err)
		}
	}
	if _, err := graph.CloudByName("Global"); !errors.Is(err, directory.ErrInvalid) {
		t.Errorf("CloudByName = %v", err)
	}
}

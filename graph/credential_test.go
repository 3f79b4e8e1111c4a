package graph_test

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
	"ringbook/graph"
	"ringbook/graph/graphtest"
)

// ask gets a new token: it forgets those that were given.
func ask(t *testing.T, c *graph.Credential) error {
	t.Helper()
	c.Renew()
	_, err := c.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{"https://graph.microsoft.com/.default"}})
	return err
}

func newCredential(t *testing.T, o graph.CredentialOptions) *graph.Credential {
	t.Helper()
	c, err := graph.NewCredential(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// put writes a file as an operator replaces it, with a time of its own.
func put(t *testing.T, file, text string, version int) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 1, 1, 0, 0, version, 0, time.UTC)
	if err := os.Chtimes(file, at, at); err != nil {
		t.Fatal(err)
	}
}

// TestRotation exchanges one secret for another: there is no moment at which
// neither works, nothing is restarted, and status says which one does.
func TestRotation(t *testing.T) {
	tenant := graphtest.New(graphtest.Options{})
	_, o := standIn(t, tenant)
	dir := t.TempDir()
	first, second := filepath.Join(dir, "first"), filepath.Join(dir, "second")
	put(t, first, tenant.Secret()+"\n", 1)
	put(t, second, "not valid yet", 1)
	end := time.Date(2027, 5, 1, 0, 0, 0, 0, time.UTC)
	o.CredentialKey = graph.CredentialKey{SecretFile: first, Expires: end}
	o.Next = graph.CredentialKey{SecretFile: second}
	c := newCredential(t, o)
	used := func(step, name string) {
		t.Helper()
		if err := ask(t, c); err != nil {
			t.Fatalf("%s: %v", step, graph.Explain(err))
		}
		for _, st := range c.Status() {
			if st.InUse != (st.Name == name) {
				t.Errorf("%s: %+v, want %s in use", step, c.Status(), name)
			}
			if text := st.LastError; strings.Contains(text, tenant.Secret()) {
				t.Errorf("%s: the secret is told: %s", step, text)
			}
		}
	}
	used("the first works", "client_secret")
	before := tenant.Requests()["token"]
	used("the first works on", "client_secret")
	if n := tenant.Requests()["token"] - before; n != 1 {
		t.Errorf("%d requests for a token, want 1: the other key is tried only when the first is refused", n)
	}
	put(t, first, "retired", 2)
	if err := ask(t, c); err == nil || !strings.Contains(graph.Explain(err), "AADSTS7000215") {
		t.Errorf("neither works: %v", err)
	}
	put(t, second, tenant.Secret(), 2)
	used("the second works", "next.client_secret")
	if st := c.Status()[0]; !strings.Contains(st.LastError, "AADSTS7000215") || !st.Expires.Equal(end) {
		t.Errorf("the first: %+v", st)
	}
	if err := os.Remove(second); err != nil {
		t.Fatal(err)
	}
	used("its file is gone, what was read is used on", "next.client_secret")
	if st := c.Status()[1]; !strings.Contains(st.LastError, "used on") {
		t.Errorf("the second: %+v", st)
	}
	put(t, second, "  \n", 3)
	used("its file is empty", "next.client_secret")
	put(t, second, "retired", 4)
	put(t, first, tenant.Secret(), 3)
	used("the first works again", "client_secret")
}

// A tenant that cannot be reached is no reason to try the other key.
func TestOnlyARefusedKeyIsExchanged(t *testing.T) {
	tenant := graphtest.New(graphtest.Options{})
	_, o := standIn(t, tenant)
	o.Next = graph.CredentialKey{Secret: "other"}
	c := newCredential(t, o)
	tenant.Fault(graphtest.Fault{Suffix: "/token", Status: 400, Code: "AADSTS90002"})
	if err := ask(t, c); err == nil || tenant.Requests()["token"] != 1 {
		t.Errorf("%v after %d requests", err, tenant.Requests()["token"])
	}
	o.ManagedIdentity, o.Secret = true, ""
	if _, err := graph.NewCredential(o); !errors.Is(err, directory.ErrInvalid) {
		t.Errorf("a managed identity with a next secret: %v", err)
	}
}

// A certificate from a PFX signs in, and says until when and by which thumbprint.
func TestPFX(t *testing.T) {
	raw, err := os.ReadFile("testdata/client.pem")
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(raw)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	tenant := graphtest.New(graphtest.Options{Trusted: []*x509.Certificate{cert}})
	_, o := standIn(t, tenant)
	o.CredentialKey = graph.CredentialKey{CertificateFile: "testdata/client.pfx", CertificatePassword: "sesame"}
	c := newCredential(t, o)
	if err := ask(t, c); err != nil {
		t.Fatal(graph.Explain(err))
	}
	want := []directory.CredentialStatus{{
		Name: "certificate", Expires: cert.NotAfter, InUse: true, Thumbprint: "0CD4EE3BFCD7BB890D114E485B1BFD706F38C401",
	}}
	if diff := cmp.Diff(want, c.Status()); diff != "" {
		t.Error(diff)
	}
	o.CertificatePassword = "wrong"
	if _, err := graph.NewCredential(o); !errors.Is(err, directory.ErrInvalid) || strings.Contains(err.Error(), "wrong") {
		t.Errorf("a wrong password: %v", err)
	}
}

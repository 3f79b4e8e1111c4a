package graph

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azcloud "github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"ringbook/directory"
)

// A Cloud is one of Microsoft's, each with a login and a Graph of its own
// whose tokens the others refuse.
type Cloud struct {
	Login string // authority URL
	Graph string // Graph URL
}

// CloudByName returns a cloud by its configured name: global (GCC too), usgov
// (GCC High), usgov_dod or china. Any other name is [directory.ErrInvalid].
// Source: learn.microsoft.com/graph/deployments.
func CloudByName(name string) (Cloud, error) {
	switch name {
	case "global":
		return Cloud{"https://login.microsoftonline.com", "https://graph.microsoft.com"}, nil
	case "usgov":
		return Cloud{"https://login.microsoftonline.us", "https://graph.microsoft.us"}, nil
	case "usgov_dod":
		return Cloud{"https://login.microsoftonline.us", "https://dod-graph.microsoft.us"}, nil
	case "china":
		return Cloud{"https://login.chinacloudapi.cn", "https://microsoftgraph.chinacloudapi.cn"}, nil
	}
	return Cloud{}, fmt.Errorf("cloud %q is none of global, usgov, usgov_dod, china: %w", name, directory.ErrInvalid)
}

// CredentialOptions say how to sign in. Exactly one of Secret, CertificateFile,
// ManagedIdentity and WorkloadIdentity is set.
type CredentialOptions struct {
	CredentialKey
	// Next is tried when Entra refuses the key, and the key when it refuses Next:
	// so one is exchanged for the other without a gap. Zero = there is none.
	Next CredentialKey

	TenantID string
	ClientID string // for a managed identity: "" = the machine's own
	// AuthorityURL is the cloud's login, or one of your own; https always. One
	// that is no cloud's is not looked up at Microsoft.
	AuthorityURL string
	HTTP         *http.Client

	ManagedIdentity  bool
	WorkloadIdentity bool // token file as the Azure workload identity webhook sets it
}

// NewCredential makes the credential. Its errors name codes and hosts only:
// see [Explain] for the operator's sentence.
func NewCredential(o CredentialOptions) (*Credential, error) {
	if o.HTTP == nil {
		return nil, fmt.Errorf("credential without http client: %w", directory.ErrInvalid)
	}
	common := azcore.ClientOptions{Transport: newTransport(o.HTTP), Retry: retryOptions()}
	private := false
	if !o.ManagedIdentity {
		authority, err := parseEndpoint(o.AuthorityURL)
		if err != nil || authority.Scheme != "https" {
			return nil, fmt.Errorf("authority url %q is not https: %w", o.AuthorityURL, directory.ErrInvalid)
		}
		common.Cloud = azcloud.Configuration{ActiveDirectoryAuthorityHost: strings.TrimSuffix(o.AuthorityURL, "/") + "/"}
		private = !isMicrosoftLogin(o.AuthorityURL)
	}
	c := &Credential{managed: o.ManagedIdentity}
	for i, k := range []CredentialKey{o.CredentialKey, o.Next} {
		if i > 0 && k == (CredentialKey{}) {
			break
		}
		own := o
		own.CredentialKey = k
		if i > 0 && (o.ManagedIdentity || o.WorkloadIdentity) {
			return nil, fmt.Errorf("a next credential goes with a client secret or a certificate only: %w", directory.ErrInvalid)
		}
		one := &key{name: own.keyName(i > 0), options: own, make: func(k CredentialKey) (azcore.TokenCredential, error) {
			own := own
			own.CredentialKey = k
			return own.credential(common, private)
		}}
		if err := one.read(); err != nil {
			return nil, err
		}
		c.keys = append(c.keys, one)
	}
	return c, nil
}

func isMicrosoftLogin(authority string) bool {
	for _, name := range []string{"global", "usgov", "usgov_dod", "china"} {
		if c, err := CloudByName(name); err == nil && c.Login == strings.TrimSuffix(authority, "/") {
			return true
		}
	}
	return false
}

func (o CredentialOptions) credential(common azcore.ClientOptions, private bool) (azcore.TokenCredential, error) {
	kinds := 0
	for _, set := range []bool{o.Secret != "", o.CertificateFile != "", o.ManagedIdentity, o.WorkloadIdentity} {
		if set {
			kinds++
		}
	}
	switch {
	case kinds != 1:
		return nil, fmt.Errorf("exactly one of client secret, certificate, managed identity and workload identity is needed, not %d: %w", kinds, directory.ErrInvalid)
	case o.Secret != "":
		return azidentity.NewClientSecretCredential(o.TenantID, o.ClientID, o.Secret,
			&azidentity.ClientSecretCredentialOptions{ClientOptions: common, DisableInstanceDiscovery: private})
	case o.CertificateFile != "":
		data, err := os.ReadFile(o.CertificateFile)
		if err != nil {
			return nil, fmt.Errorf("certificate: %w", err)
		}
		certs, key, err := azidentity.ParseCertificates(data, []byte(o.CertificatePassword))
		if err != nil {
			return nil, fmt.Errorf("certificate %s: %w: %w", o.CertificateFile, err, directory.ErrInvalid)
		}
		return azidentity.NewClientCertificateCredential(o.TenantID, o.ClientID, certs, key,
			&azidentity.ClientCertificateCredentialOptions{ClientOptions: common, DisableInstanceDiscovery: private})
	case o.ManagedIdentity:
		mi := &azidentity.ManagedIdentityCredentialOptions{ClientOptions: common}
		if o.ClientID != "" {
			mi.ID = azidentity.ClientID(o.ClientID)
		}
		return azidentity.NewManagedIdentityCredential(mi)
	}
	return azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
		ClientOptions: common, DisableInstanceDiscovery: private, ClientID: o.ClientID, TenantID: o.TenantID,
	})
}

// A signInError is a token that was not given.
type signInError struct {
	managed bool
	status  int   // of the answer; 0 = there was none
	codes   []int // AADSTS numbers
	host    string
	cause   error // on the wire, or before it; nil = Entra refused
}

func (e *signInError) Error() string {
	switch {
	case len(e.codes) > 0:
		return fmt.Sprintf("sign-in refused: AADSTS%d", e.codes[0])
	case e.status != 0:
		return fmt.Sprintf("sign-in refused: status %d", e.status)
	}
	return fmt.Sprintf("sign-in: %v", e.cause)
}

func (e *signInError) Unwrap() error { return e.cause }

// NonRetriable tells azcore that azidentity has tried again already.
func (e *signInError) NonRetriable() {}

func (e *signInError) readAnswer(resp *http.Response) {
	e.status, e.cause = resp.StatusCode, nil
	data, err := runtime.Payload(resp)
	if err != nil {
		return
	}
	var b struct {
		Codes []int `json:"error_codes"`
	}
	if json.Unmarshal(data, &b) == nil {
		e.codes = b.Codes
	}
}

// Time-outs of the http client. They are for a peer that is dead, not for one
// that is slow: what a whole try may take is tryTimeout.
const (
	dialTimeout   = 10 * time.Second
	tlsTimeout    = 10 * time.Second
	headerTimeout = 100 * time.Second // Graph's own gateway gives up after 100 s
)

// NewHTTPClient returns the client for Graph and tokens. HTTPS_PROXY and
// SSL_CERT_FILE are honoured; caFile ("" = none) names a PEM file of
// certificates that are trusted beside the system's.
func NewHTTPClient(caFile string) (*http.Client, error) {
	base, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return nil, errors.New("the default http transport was replaced")
	}
	t := base.Clone()
	t.DialContext = (&net.Dialer{Timeout: dialTimeout}).DialContext
	t.TLSHandshakeTimeout = tlsTimeout
	t.ResponseHeaderTimeout = headerTimeout
	t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile != "" {
		data, err := os.ReadFile(caFile)
		if err != nil {
			return nil, fmt.Errorf("ca file: %w", err)
		}
		pool, err := x509.SystemCertPool()
		if err != nil {
			return nil, fmt.Errorf("system certificates: %w", err)
		}
		if !pool.AppendCertsFromPEM(data) {
			return nil, fmt.Errorf("ca file %s holds no certificate in PEM: %w", caFile, directory.ErrInvalid)
		}
		t.TLSClientConfig.RootCAs = pool
	}
	return &http.Client{Transport: t}, nil
}

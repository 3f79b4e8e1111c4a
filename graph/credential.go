package graph

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // Entra names certificates by it; it protects nothing
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"ringbook/directory"
)

// maxKeyFile is the largest file of a secret or a certificate with its chain.
const maxKeyFile = 1 << 20

// A CredentialKey is what the application proves with who it is. Its file is read
// again when it changes.
type CredentialKey struct {
	Secret     string    // the value, not the id
	SecretFile string    // where Secret comes from; "" = it never changes
	Expires    time.Time // of Secret, as the operator typed it; zero = not known

	CertificateFile     string // PEM (certificate and key) or PFX
	CertificatePassword string // of a PFX
}

// A Credential signs in to Entra. Its errors can be told to people: azidentity's
// quote the whole answer, and lose the type of what went wrong on the wire. Its
// methods may be called from any goroutine.
type Credential struct {
	managed bool

	mu      sync.Mutex // guards the keys and what they hold
	keys    []*key
	current int // the key that was accepted last
}

// A key is one CredentialKey in use.
type key struct {
	name    string
	options CredentialOptions
	make    func(CredentialKey) (azcore.TokenCredential, error)

	inner   azcore.TokenCredential
	stamp   stamp // of the file that inner was made of
	trouble error // with the file as it is now
	status  directory.CredentialStatus
}

// A stamp tells whether a file has changed.
type stamp struct {
	at   time.Time
	size int64
}

func (o CredentialOptions) keyName(next bool) string {
	name := "client_secret"
	switch {
	case o.ManagedIdentity:
		return "managed_identity"
	case o.WorkloadIdentity:
		return "workload_identity"
	case o.CertificateFile != "":
		name = "certificate"
	}
	if next {
		return "next." + name
	}
	return name
}

func (k *key) file() string {
	if k.options.CertificateFile != "" {
		return k.options.CertificateFile
	}
	return k.options.SecretFile
}

// read makes the credential of what the file holds now.
func (k *key) read() error {
	now, err := stampOf(k.file())
	if err != nil {
		return fmt.Errorf("%s: %w", k.name, err)
	}
	st := directory.CredentialStatus{Name: k.name, Expires: k.options.Expires}
	fresh := k.options.CredentialKey
	switch {
	case fresh.CertificateFile != "":
		data, err := os.ReadFile(fresh.CertificateFile)
		if err != nil {
			return fmt.Errorf("certificate: %w", err)
		}
		certs, _, err := azidentity.ParseCertificates(data, []byte(fresh.CertificatePassword))
		if err != nil {
			return fmt.Errorf("certificate %s: %w: %w", fresh.CertificateFile, directory.ErrInvalid, err)
		}
		sum := sha1.Sum(certs[0].Raw) //nolint:gosec // see the import
		st.Expires, st.Thumbprint = certs[0].NotAfter, strings.ToUpper(hex.EncodeToString(sum[:]))
	case fresh.SecretFile != "":
		data, err := os.ReadFile(fresh.SecretFile)
		if err != nil {
			return fmt.Errorf("client secret: %w", err)
		}
		if data = bytes.TrimSpace(data); len(data) == 0 || len(data) > maxKeyFile {
			return fmt.Errorf("client secret: %s holds none: %w", fresh.SecretFile, directory.ErrInvalid)
		}
		fresh.Secret = string(data)
	}
	inner, err := k.make(fresh)
	if err != nil {
		return err
	}
	k.inner, k.stamp, k.status = inner, now, st
	return nil
}

func stampOf(file string) (stamp, error) {
	if file == "" {
		return stamp{}, nil
	}
	info, err := os.Stat(file)
	if err != nil {
		return stamp{}, err
	}
	return stamp{info.ModTime(), info.Size()}, nil
}

// refresh reads a file that has changed. One that cannot be used, because it is
// just being written, leaves what there is in use, and is looked at again.
func (k *key) refresh() {
	now, err := stampOf(k.file())
	if err == nil && now != k.stamp {
		err = k.read()
	}
	k.trouble = err
}

// Renew forgets the tokens that were given.
func (c *Credential) Renew() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range c.keys {
		k.trouble = k.read()
	}
}

// Status returns what is known of each key, without any of them.
func (c *Credential) Status() []directory.CredentialStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]directory.CredentialStatus, len(c.keys))
	for i, k := range c.keys {
		all[i] = k.status
		all[i].InUse = i == c.current
		if k.trouble != nil {
			all[i].LastError = "The file as it is now cannot be used, and what was read before is used on: " + plain(k.trouble.Error(), 300) + "."
		}
	}
	return all
}

// GetToken implements azcore.TokenCredential.
func (c *Credential) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	var first error
	for _, k := range c.turns() {
		tk, err := c.ask(ctx, k.inner, o)
		c.note(k.at, err)
		if err == nil {
			return tk, nil
		}
		if first == nil {
			first = err
		}
		if !keyRefused(err) {
			break
		}
	}
	return azcore.AccessToken{}, first
}

// An attempt is one key that is to be tried.
type attempt struct {
	at    int
	inner azcore.TokenCredential
}

// turns returns the keys as they are now, the one that worked last before the other.
func (c *Credential) turns() []attempt {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []attempt
	for i, k := range c.keys {
		k.refresh()
		all = append(all, attempt{i, k.inner})
	}
	return slices.Concat(all[c.current:], all[:c.current])
}

// note remembers how a key did.
func (c *Credential) note(at int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	st := &c.keys[at].status
	switch {
	case err == nil:
		c.current, st.LastError = at, ""
	case keyRefused(err):
		st.LastError = Explain(err)
	}
}

// keyRefused reports whether Entra refuses the key itself: another may do.
func keyRefused(err error) bool {
	e, ok := errors.AsType[*signInError](err)
	return ok && slices.ContainsFunc(e.codes, func(code int) bool {
		return code == 7000215 || code == 7000222 || code == 700027
	})
}

type causeKey struct{}

// A cause is what went wrong on the wire while a token was asked for.
type cause struct {
	host string
	err  error
}

func (c *Credential) ask(ctx context.Context, inner azcore.TokenCredential, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	var slot cause
	tk, err := inner.GetToken(context.WithValue(ctx, causeKey{}, &slot), o)
	if err == nil {
		return tk, nil
	}
	if ctx.Err() != nil {
		return azcore.AccessToken{}, ctx.Err()
	}
	e := &signInError{managed: c.managed, host: slot.host, cause: slot.err}
	if failed, ok := errors.AsType[*azidentity.AuthenticationFailedError](err); ok && failed.RawResponse != nil {
		e.readAnswer(failed.RawResponse)
	}
	if e.cause == nil && e.status == 0 {
		e.cause = errors.New(plain(err.Error(), 300)) // no answer to leak: a wrong id, a missing token file
	}
	return azcore.AccessToken{}, e
}

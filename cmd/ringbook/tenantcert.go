package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // Entra names certificates by it; it protects nothing
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

const (
	// keyBits is what Entra takes and what lasts longer than any certificate here:
	// Entra signs in with RSA only.
	keyBits = 3072
	// maxCertificateDays: Entra's policies forbid more in most tenants.
	maxCertificateDays = 730
)

// A clientCertificate is what `tenant certificate` made, as it prints it.
type clientCertificate struct {
	PEM        string    `json:"pem"`           // certificate and key: tenant.certificate_file
	CER        string    `json:"cer,omitempty"` // the certificate alone: to upload
	CSR        string    `json:"csr,omitempty"` // for a certificate authority of the company
	Thumbprint string    `json:"thumbprint,omitempty"`
	Expires    time.Time `json:"expires,omitzero"`
}

func newTenantCertificate(o *options) *cobra.Command {
	var out, name string
	var days int
	var request bool
	cmd := &cobra.Command{
		Use:   "certificate --out DIR",
		Short: "Make a key and a certificate to sign in with",
		Long: "Makes an RSA key and a certificate for it, which no network ever sees before you upload the certificate to the app registration.\n" +
			"DIR gets ringbook-client.pem (certificate and key, for tenant.certificate_file; only its owner may read it) and ringbook-client.cer\n" +
			"(the certificate alone, to upload). With --csr it gets ringbook-client.csr instead of a certificate, for a certificate authority\n" +
			"of your own: put what that answers before the key in ringbook-client.pem. Nothing that is there is overwritten.",
		Example: "  ringbook tenant certificate --out /etc/ringbook\n  ringbook tenant certificate --out /etc/ringbook --days 180 --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if out == "" {
				return usage("say where the files go: --out DIR")
			}
			if days < 1 || days > maxCertificateDays {
				return usage("--days %d: use 1 to %d", days, maxCertificateDays)
			}
			if strings.TrimSpace(name) == "" {
				return usage("the certificate needs a name: --name Ringbook")
			}
			made, err := makeCertificate(out, pkix.Name{CommonName: name}, time.Now(), days, request)
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(cmd.OutOrStdout(), made)
			}
			return writeCertificate(cmd.OutOrStdout(), made)
		},
	}
	f := cmd.Flags()
	f.StringVar(&out, "out", "", "the `DIR` that gets the files")
	f.StringVar(&name, "name", "Ringbook", "the certificate's common `NAME`")
	f.IntVar(&days, "days", 365, "how many `DAYS` it is valid")
	f.BoolVar(&request, "csr", false, "make a request for a certificate authority instead of a certificate")
	return o.withJSON(cmd)
}

// makeCertificate writes the key with a certificate, or with a request for one.
func makeCertificate(dir string, subject pkix.Name, now time.Time, days int, request bool) (clientCertificate, error) {
	made := clientCertificate{PEM: filepath.Join(dir, "ringbook-client.pem")}
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return made, fmt.Errorf("make a key: %w", err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return made, fmt.Errorf("make a key: %w", err)
	}
	private := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
	if request {
		der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: subject}, key)
		if err != nil {
			return made, fmt.Errorf("make a request: %w", err)
		}
		made.CSR = filepath.Join(dir, "ringbook-client.csr")
		return made, writeNew(
			newFile{made.PEM, private, 0o600},
			newFile{made.CSR, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}), 0o644},
		)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return made, fmt.Errorf("make a certificate: %w", err)
	}
	made.Expires = now.AddDate(0, 0, days).UTC().Truncate(time.Second)
	template := &x509.Certificate{
		SerialNumber: serial, Subject: subject, NotBefore: now.Add(-time.Hour), NotAfter: made.Expires, // clocks differ
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return made, fmt.Errorf("make a certificate: %w", err)
	}
	sum := sha1.Sum(der) //nolint:gosec // see the import
	made.Thumbprint = strings.ToUpper(hex.EncodeToString(sum[:]))
	made.CER = filepath.Join(dir, "ringbook-client.cer")
	public := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return made, writeNew(newFile{made.PEM, slices.Concat(public, private), 0o600}, newFile{made.CER, public, 0o644})
}

// A newFile is one that must not be there yet.
type newFile struct {
	name string
	data []byte
	mode fs.FileMode
}

// writeNew writes all of the files, or none.
func writeNew(files ...newFile) error {
	for i, f := range files {
		err := f.write()
		if err == nil {
			continue
		}
		for _, made := range files[:i] {
			err = errors.Join(err, os.Remove(made.name))
		}
		return err
	}
	return nil
}

func (f newFile) write() error {
	w, err := os.OpenFile(f.name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, f.mode)
	switch {
	case errors.Is(err, fs.ErrExist):
		return &hintError{err: fmt.Errorf("%s is there already", f.name), code: exitFailed, hint: "Move it away, or name another folder: a key in use is never overwritten."}
	case err != nil:
		return &hintError{err: fmt.Errorf("write the certificate: %w", err), code: exitUsage, hint: "Name a folder that this user may write."}
	}
	_, err = w.Write(f.data)
	if err = errors.Join(err, w.Close()); err != nil {
		return fmt.Errorf("write %s: %w", f.name, errors.Join(err, os.Remove(f.name)))
	}
	return nil
}

func writeCertificate(w io.Writer, c clientCertificate) error {
	if c.CSR != "" {
		_, err := fmt.Fprintf(w, "Request     %s\nKey         %s\n\n"+
			"Have the request signed, put the certificate and its chain before the key in the second file,\n"+
			"upload the certificate to the app registration (Certificates & secrets), and set\n"+
			"  certificate_file = %q\nunder [tenant].\n", c.CSR, c.PEM, c.PEM)
		return err
	}
	_, err := fmt.Fprintf(w, "Certificate %s\nWith key    %s\nThumbprint  %s\nValid until %s\n\n"+
		"Upload the first file to the app registration (Certificates & secrets › Certificates), compare the thumbprint, and set\n"+
		"  certificate_file = %q\nunder [tenant], in place of the client secret.\n", c.CER, c.PEM, c.Thumbprint, c.Expires.Format(time.DateOnly), c.PEM)
	return err
}

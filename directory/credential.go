package directory

import "time"

// A CredentialStatus is what an operator reads about one way to sign in to the
// tenant. It holds no secret.
type CredentialStatus struct {
	Name       string    `json:"name"`                 // "client_secret", "certificate", "next.certificate", …
	Expires    time.Time `json:"expires,omitzero"`     // zero = not known
	Thumbprint string    `json:"thumbprint,omitempty"` // of a certificate: SHA-1 in hexadecimal, as Entra shows it
	InUse      bool      `json:"in_use"`               // it was accepted last
	LastError  string    `json:"last_error"`           // a sentence with a next step; "" = none
}

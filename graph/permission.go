package graph

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// certificateDays is how early the end of a client certificate is told: a
// change of it goes through people.
const certificateDays = 30

// The application permissions that Ringbook asks for.
// https://learn.microsoft.com/graph/permissions-reference
const (
	readUsers       = "User.Read.All"
	readOrgContacts = "OrgContact.Read.All"
	readMembers     = "GroupMember.Read.All"
)

// wider lists what includes a permission.
func wider(permission string) []string {
	both := []string{"Directory.Read.All", "Directory.ReadWrite.All"}
	switch permission {
	case readUsers:
		return append(both, "User.ReadWrite.All")
	case readMembers:
		return append(both, "GroupMember.ReadWrite.All", "Group.Read.All", "Group.ReadWrite.All")
	}
	return both
}

// credential makes the credential and says which it is.
func (c *checker) credential(context.Context) []CheckResult {
	made, err := NewCredential(c.o.SignIn)
	if err != nil {
		return failure(err)
	}
	c.tenant.Credential = made
	if c.client, err = newClient(c.tenant); err != nil {
		return failure(err)
	}
	switch o := c.o.SignIn; {
	case o.CertificateFile != "":
		return o.certificateEnd()
	case o.ManagedIdentity:
		return fine("Signs in with this machine's managed identity.")
	case o.WorkloadIdentity:
		return fine("Signs in with workload identity.")
	}
	return fine("Signs in with a client secret. Only the app registration shows when it expires.")
}

// certificateEnd says how long the certificate lasts.
func (o CredentialOptions) certificateEnd() []CheckResult {
	data, err := os.ReadFile(o.CertificateFile)
	if err != nil {
		return failure(err)
	}
	certs, _, err := azidentity.ParseCertificates(data, []byte(o.CertificatePassword))
	if err != nil {
		return failure(fmt.Errorf("certificate %s: %w", o.CertificateFile, err))
	}
	left := time.Until(certs[0].NotAfter)
	r := CheckResult{
		State: CheckOK, Detail: fmt.Sprintf("Signs in with a certificate that lasts %d more days.", int(left.Hours()/24)),
	}
	if left < certificateDays*24*time.Hour {
		r.State, r.Mend = CheckWarning, "Make a new certificate, upload it to the app registration, then name it in tenant.certificate_file."
	}
	if left <= 0 {
		r.State, r.Detail = CheckFailed, "The certificate to sign in with has expired."
	}
	return []CheckResult{r}
}

func (c *checker) token(ctx context.Context) []CheckResult {
	scope := c.client.base.Scheme + "://" + c.client.base.Host + "/.default"
	tk, err := c.tenant.Credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{scope}})
	if err != nil {
		return failure(err)
	}
	c.roles, c.opaque = rolesOf(tk.Token)
	return fine("Entra signs the application in.")
}

// rolesOf reads the permissions out of a token that is a JWT (RFC 7519). It is
// not verified: Graph does that, and nothing is allowed by what it says here.
func rolesOf(token string) (roles []string, opaque bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, true
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil, true
	}
	var claims struct {
		Roles []string `json:"roles"`
	}
	if json.Unmarshal(raw, &claims) != nil {
		return nil, true
	}
	for _, r := range claims.Roles {
		roles = append(roles, plain(r, 100))
	}
	return roles, false
}

// Permissions lists the application permissions that are needed: for people and
// photos, for organisational contacts, and to read who belongs to groups.
func Permissions(orgContacts, groups bool) []string {
	list := []string{readUsers}
	if orgContacts {
		list = append(list, readOrgContacts)
	}
	if groups {
		list = append(list, readMembers)
	}
	return list
}

// permissions compares what was granted with what is needed.
func (c *checker) permissions(context.Context) []CheckResult {
	if c.opaque {
		return []CheckResult{{State: CheckSkipped, Detail: "Not asked: the token does not show its permissions."}}
	}
	var list []CheckResult
	need := Permissions(c.o.OrgContacts, len(c.o.Groups) > 0)
	for _, p := range need {
		if slices.Contains(c.roles, p) || slices.ContainsFunc(wider(p), func(w string) bool { return slices.Contains(c.roles, w) }) {
			continue
		}
		list = append(list, CheckResult{
			State: CheckFailed, Detail: "The application lacks the application permission " + p + ".",
			Mend: "Add it in the app registration and grant admin consent; it takes effect within an hour.",
		})
	}
	if len(list) == 0 {
		list = fine("The application has what it needs: " + strings.Join(need, ", ") + ".")
	}
	allowed := slices.Concat(need, []string{"ProfilePhoto.Read.All"})
	if len(c.o.Groups) > 0 {
		allowed = append(allowed, "Member.Read.Hidden")
	}
	for _, r := range c.roles {
		if !slices.Contains(allowed, r) {
			list = append(list, CheckResult{
				State: CheckWarning, Detail: "The application has " + r + ", " + excess(r) + ".",
				Mend: "Remove it in the app registration: Ringbook needs " + strings.Join(need, ", ") + ".",
			})
		}
	}
	return list
}

// excess says what a permission is too much for.
func excess(permission string) string {
	for _, part := range []string{"Write", "Send", "full_access", "Manage", "AccessAsUser"} {
		if strings.Contains(permission, part) {
			return "which can change things in the tenant"
		}
	}
	object, _, _ := strings.Cut(permission, ".")
	switch object {
	case "Contacts", "Mail", "MailboxSettings", "Calendars":
		return "which opens every mailbox of the tenant"
	case "Directory":
		return "which opens the whole directory"
	}
	return "which the configuration does not need"
}

// A needError is an error of a question that needs another permission than that for users.
type needError struct {
	permission string
	err        error
}

func (e *needError) Error() string { return e.err.Error() }
func (e *needError) Unwrap() error { return e.err }

package graph

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"time"

	"ringbook/directory"
)

// maxSkew is how far the clocks may be apart before a refused token is blamed
// on them: Entra allows five minutes.
const maxSkew = 5 * time.Minute

// Explain returns the operator's sentence for an error of a round, of
// [NewCredential], of [Check] or of [Checks]: what is wrong and what to do. It holds no
// secret and no link. "" for nil.
func Explain(err error) string {
	if err == nil {
		return ""
	}
	if s, ok := explainSignIn(err); ok {
		return s
	}
	if s, ok := explainGraph(err); ok {
		return s
	}
	if s, ok := explainNetwork(err, ""); ok {
		return s
	}
	switch {
	case errors.Is(err, errNoGroup), errors.Is(err, errManyGroups):
		return "A group that the configuration asks for cannot be told: " + plain(err.Error(), 300) + "; everything stays as it is. Write the group's object ID instead, or correct its name."
	case errors.Is(err, errPartMembers):
		return "Graph lists members of a group without saying who they are: " + plain(err.Error(), 300) + "; everything stays as it is. Check that the application has " + readMembers + " and " + readUsers + " with admin consent."
	case errors.Is(err, directory.ErrShrink):
		return "Stopped by the shrink guard: " + plain(shrinkage(err), 300) + "; the old data is served. Look at the tenant, and run `ringbook sync --accept-shrink` if that is right."
	case errors.Is(err, errForeignLink):
		return "Graph's answer links to another host, and no token is sent there: " + plain(err.Error(), 300) + ". Check tenant.graph_url and any proxy in between."
	case errors.Is(err, errNotJSON):
		return "Graph's address answers, but not as Graph does; a proxy or a captive portal may stand in between. Check tenant.graph_url and HTTPS_PROXY. (" + plain(err.Error(), 300) + ")"
	}
	if _, ok := errors.AsType[*fs.PathError](err); ok || errors.Is(err, directory.ErrInvalid) {
		return "The settings cannot work: " + plain(err.Error(), 300) + ". Check [tenant] and [mirror]."
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return fmt.Sprintf("Graph's answer is larger than %d MiB and was dropped. Check tenant.graph_url and any proxy in between.", maxPage>>20)
	}
	return "The round failed and will be tried again: " + plain(err.Error(), 300) + "."
}

// shrinkage says what the shrink guard keeps.
func shrinkage(err error) string {
	if e, ok := errors.AsType[*directory.ShrinkError](err); ok {
		return e.Error()
	}
	return err.Error()
}

// signInHelp says what the numbers of Entra's error_codes ask for.
// https://learn.microsoft.com/entra/identity-platform/reference-error-codes
func signInHelp(code int) string {
	switch code {
	case 7000215:
		return "The client secret is wrong: Entra wants the secret's value, not its ID. Create a new client secret in the app registration and configure its value."
	case 7000222:
		return "The client secret has expired. Create a new client secret in the app registration and configure its value."
	case 700027:
		return "Entra does not accept the certificate. Upload it to the app registration, check its dates, and check this machine's clock."
	case 700024:
		return "Entra finds the sign-in out of date. Set this machine's clock."
	case 90002:
		return "Entra does not know the tenant. Check tenant.id for a typing error, and tenant.cloud."
	case 700016:
		return "The tenant has no such application. Check tenant.client_id, and that tenant.id is the tenant in which it is registered."
	case 7000112:
		return "The application is disabled in the tenant. Enable it under Enterprise applications."
	case 7000229:
		return "The application has no service principal in the tenant. Grant it admin consent there."
	case 900382, 90038:
		return "The tenant lives in another cloud. Check tenant.cloud."
	case 500011:
		return "Entra does not know the Graph that is asked for. Check tenant.cloud and tenant.graph_url: both must be of the same cloud."
	case 53003:
		return "A Conditional Access policy blocks the sign-in. Exempt the application, or allow this machine's location."
	case 65001, 650056:
		return "The application lacks consent. Grant admin consent for User.Read.All (application permission) in the app registration."
	}
	return ""
}

func explainSignIn(err error) (string, bool) {
	e, ok := errors.AsType[*signInError](err)
	if !ok {
		return "", false
	}
	for _, code := range e.codes {
		if s := signInHelp(code); s != "" {
			return fmt.Sprintf("%s (AADSTS%d)", s, code), true
		}
	}
	switch {
	case len(e.codes) > 0:
		return fmt.Sprintf("Entra refused the sign-in with AADSTS%d. Read https://login.microsoftonline.com/error?code=%d", e.codes[0], e.codes[0]), true
	case e.managed:
		return "The managed identity gave no token. Check that this machine has one and that it was granted User.Read.All. (" + e.Error() + ")", true
	case e.status >= http.StatusInternalServerError || e.status == http.StatusTooManyRequests:
		return fmt.Sprintf("The sign-in service answers with status %d; it will be tried again. Check tenant.authority_url if this lasts.", e.status), true
	case e.status != 0:
		return fmt.Sprintf("The sign-in service answers with status %d. Check tenant.id and tenant.authority_url.", e.status), true
	}
	if s, ok := explainNetwork(e.cause, e.host); ok {
		return s, true
	}
	return "Signing in did not work: " + plain(e.cause.Error(), 300) + ". Check the [tenant] settings.", true
}

func explainGraph(err error) (string, bool) {
	e, ok := errors.AsType[*responseError](err)
	if !ok {
		return "", false
	}
	said := " (" + e.Error() + ")"
	permission := readUsers
	if n, ok := errors.AsType[*needError](err); ok {
		permission = n.permission
	}
	if permission == readContacts {
		said = " (" + withoutMessage(e) + ")" // it may hold somebody's address
	}
	if s, ok := errors.AsType[*subscribeError](err); ok && s.unvalidated() {
		return "Microsoft cannot reach the address for notifications. Check that public_url can be reached from the internet with a certificate that everybody trusts, or set mirror.notifications = false; the tenant is asked at its interval meanwhile." + said, true
	}
	if _, ok := errors.AsType[*subscribeError](err); ok && e.Status == http.StatusBadRequest {
		return "Graph does not take the subscription to changes. Check public_url, or set mirror.notifications = false; the tenant is asked at its interval meanwhile." + said, true
	}
	skewed := e.Skew.Abs() > maxSkew
	switch {
	case e.Status == http.StatusUnauthorized && skewed:
		return fmt.Sprintf("Graph refused the token, and this machine's clock is %v off. Set the clock.%s", e.Skew.Abs(), said), true
	case e.Status == http.StatusUnauthorized:
		return "Graph refused the token. Check that tenant.cloud and tenant.graph_url are of the tenant's cloud, and this machine's clock." + said, true
	case e.Status == http.StatusForbidden && e.Code == "ErrorAccessDenied":
		return "Exchange refused access to a mailbox. Check the scope of the application's Exchange role (`ringbook tenant register --shell exchange` prints how to make it); a change takes up to two hours." + said, true
	case e.Status == http.StatusForbidden:
		return "The application may not read this. Grant it the application permission " + permission + " with admin consent; it takes effect within an hour." + instead(permission) + said, true
	case e.Status == http.StatusNotFound && e.Code == "MailboxNotEnabledForRESTAPI":
		return "The mailbox is not in Exchange Online." + said, true
	case e.Status == http.StatusNotFound:
		return "Graph has nothing at this address. Check tenant.graph_url." + said, true
	case e.Status == http.StatusTooManyRequests:
		return "Graph asks for a pause; the next round comes after it. Nothing needs to be done." + said, true
	case e.Status == http.StatusBadRequest:
		return "Graph does not accept the question. Check the attributes in mirror.phones." + said, true
	case e.Status/100 == 3:
		return "Graph's address answers with a redirect, which is not followed. Check tenant.graph_url." + said, true
	case e.Status >= http.StatusInternalServerError:
		return fmt.Sprintf("Graph, or a gateway before it, answers with status %d; it will be tried again.", e.Status) + said, true
	}
	return "Graph refused the question." + said, true
}

// instead says what else can be done than to grant a permission.
func instead(permission string) string {
	if permission == readOrgContacts {
		return " Or do without: mirror.org_contacts = false."
	}
	return ""
}

// explainNetwork tells what never got an answer. host is "" when the error says it.
func explainNetwork(err error, host string) (string, bool) {
	if err == nil {
		return "", false
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return fmt.Sprintf("The name %s cannot be resolved. Check the DNS of this machine, tenant.cloud and the URLs in [tenant].", plain(dns.Name, 100)), true
	}
	if host == "" {
		host = "the tenant"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "proxyconnect" {
		return "The proxy of HTTPS_PROXY cannot be reached. Check its address and that it is up. (" + plain(err.Error(), 200) + ")", true
	}
	if s, ok := explainTLS(err, host); ok {
		return s, true
	}
	timeout, ok := errors.AsType[net.Error](err)
	_, cut := errors.AsType[streamError](err)
	switch {
	case cut, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Sprintf("The connection to %s broke; it will be tried again. Check the network and any proxy in between if this lasts.", host), true
	case errors.Is(err, context.DeadlineExceeded), ok && timeout.Timeout():
		return fmt.Sprintf("No answer from %s in time; it will be tried again. Check the firewall and HTTPS_PROXY if this lasts.", host), true
	case ok:
		return fmt.Sprintf("No connection to %s; it will be tried again. Check the network, the firewall and HTTPS_PROXY if this lasts. (%s)", host, plain(err.Error(), 200)), true
	}
	return "", false
}

// unreachable reports whether err came about without an answer of the tenant.
func unreachable(err error) bool {
	if _, answered := errors.AsType[*responseError](err); answered {
		return false
	}
	_, ok := explainNetwork(err, "")
	return ok
}

// A streamError is what net/http says when the other side ends a stream of
// HTTP/2 before its answer. Its own type is private, but turns into any struct
// with these fields.
type streamError struct {
	StreamID uint32
	Code     uint32 // RFC 9113 section 7
	Cause    error
}

func (e streamError) Error() string {
	return fmt.Sprintf("stream %d ended with code %d", e.StreamID, e.Code)
}

func explainTLS(err error, host string) (string, bool) {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return fmt.Sprintf("The certificate of %s is signed by an authority that is not trusted here. If a proxy of yours opens TLS, name its CA in tenant.ca_file.", host), true
	}
	if e, ok := errors.AsType[x509.HostnameError](err); ok {
		return fmt.Sprintf("The certificate shown for %s is for another name. Check the URLs in [tenant] and the proxy.", plain(e.Host, 100)), true
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok && e.Reason == x509.Expired {
		return fmt.Sprintf("The certificate of %s is not valid today. Check this machine's clock first.", host), true
	}
	_, verify := errors.AsType[*tls.CertificateVerificationError](err)
	_, record := errors.AsType[tls.RecordHeaderError](err)
	if verify || record || strings.HasPrefix(err.Error(), "tls: ") || strings.Contains(err.Error(), ": tls: ") {
		return fmt.Sprintf("TLS with %s did not come about. Check the URLs in [tenant] and the proxy. (%s)", host, plain(err.Error(), 200)), true
	}
	return "", false
}

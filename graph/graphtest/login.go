package graphtest

import (
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// tokenLife is how long an access token lasts, as Entra has it.
const tokenLife = time.Hour

// assertionType is the client_assertion_type of RFC 7523.
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// login answers the sign-in part of the origin.
func (t *Tenant) login(c call) reply {
	p := strings.Split(strings.Trim(c.URL.Path, "/"), "/")
	switch {
	case len(p) == 4 && p[1] == "v2.0" && p[2] == ".well-known" && p[3] == "openid-configuration":
		return t.discovery(c, p[0])
	case len(p) == 4 && p[1] == "oauth2" && p[2] == "v2.0" && p[3] == "token" && c.Method == http.MethodPost:
		return t.token(c, p[0])
	}
	return noSegment(p[0])
}

func (t *Tenant) discovery(c call, tenant string) reply {
	if tenant != t.id {
		return loginFailure(http.StatusBadRequest, "invalid_tenant", 90002, "Tenant '"+tenant+"' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.")
	}
	origin := strings.TrimSuffix(c.base, "/v1.0") + "/" + t.id
	return jsonReply(http.StatusOK, map[string]any{
		"issuer":                                origin + "/v2.0",
		"authorization_endpoint":                origin + "/oauth2/v2.0/authorize",
		"token_endpoint":                        origin + "/oauth2/v2.0/token",
		"device_authorization_endpoint":         origin + "/oauth2/v2.0/devicecode",
		"jwks_uri":                              origin + "/discovery/v2.0/keys",
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "private_key_jwt"},
		"response_types_supported":              []string{"code"},
		"subject_types_supported":               []string{"pairwise"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"scopes_supported":                      []string{"openid"},
	})
}

// token answers the client credentials grant (RFC 6749 section 4.4).
func (t *Tenant) token(c call, tenant string) reply {
	body, err := readBody(c.Request)
	if err != nil {
		return loginFailure(http.StatusBadRequest, "invalid_request", 9002013, err.Error())
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return loginFailure(http.StatusBadRequest, "invalid_request", 900144, "The request body is not a form.")
	}
	switch {
	case tenant != t.id:
		return loginFailure(http.StatusBadRequest, "invalid_request", 90002, "Tenant '"+tenant+"' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.")
	case form.Get("client_id") != t.client:
		return loginFailure(http.StatusBadRequest, "unauthorized_client", 700016, "Application with identifier '"+form.Get("client_id")+"' was not found in the directory 'Contoso'.")
	case form.Get("grant_type") != "client_credentials":
		return loginFailure(http.StatusBadRequest, "unsupported_grant_type", 70003, "The app requested an unsupported grant type '"+form.Get("grant_type")+"'.")
	case !strings.Contains(form.Get("scope"), "/.default"):
		return loginFailure(http.StatusBadRequest, "invalid_scope", 1002012, "The provided value for scope "+form.Get("scope")+" is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).")
	}
	if form.Get("client_assertion_type") == assertionType {
		if err := t.checkAssertion(form.Get("client_assertion")); err != nil {
			return loginFailure(http.StatusUnauthorized, "invalid_client", 700027, "The certificate with identifier used to sign the client assertion is not registered on application. "+err.Error())
		}
	} else if subtle.ConstantTimeCompare([]byte(form.Get("client_secret")), []byte(t.secret)) != 1 {
		return loginFailure(http.StatusUnauthorized, "invalid_client", 7000215, "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '"+t.client+"'.")
	}
	return jsonReply(http.StatusOK, map[string]any{
		"token_type":     "Bearer",
		"expires_in":     int(tokenLife/time.Second) - 1,
		"ext_expires_in": int(tokenLife/time.Second) - 1,
		"access_token":   t.accessToken(time.Now().Add(tokenLife)),
	})
}

// loginFailure answers as Entra does: a code in the text, and again as a number.
func loginFailure(status int, kind string, code int, text string) reply {
	trace := newID()
	now := time.Now().UTC().Format("2006-01-02 15:04:05Z")
	return jsonReply(status, map[string]any{
		"error":             kind,
		"error_description": fmt.Sprintf("AADSTS%d: %s Trace ID: %s Correlation ID: %s Timestamp: %s", code, text, trace, trace, now),
		"error_codes":       []int{code},
		"timestamp":         now,
		"trace_id":          trace,
		"correlation_id":    trace,
		"error_uri":         fmt.Sprintf("https://login.microsoftonline.com/error?code=%d", code),
	})
}

// jwtHeader begins every access token. Clients must not verify one (the key is
// Graph's own affair), so the algorithm is not one that they could.
const jwtHeader = `{"typ":"JWT","alg":"HS256"}`

// claims are what an access token says.
type claims struct {
	Tenant string   `json:"tid"`
	App    string   `json:"appid"`
	Roles  []string `json:"roles,omitempty"` // Entra leaves it out when nothing was granted
	End    int64    `json:"exp"`
}

// accessToken is a signed JWT, as Entra's are: it tells the permissions.
func (t *Tenant) accessToken(end time.Time) string {
	payload, err := json.Marshal(claims{Tenant: t.id, App: t.client, Roles: t.options.Roles, End: end.Unix()})
	if err != nil {
		return "" // strings and a number always marshal
	}
	signed := base64.RawURLEncoding.EncodeToString([]byte(jwtHeader)) + "." + base64.RawURLEncoding.EncodeToString(payload)
	return signed + "." + base64.RawURLEncoding.EncodeToString(t.mac("access", []byte(signed)))
}

func (t *Tenant) admitted(authorization string) bool {
	token, ok := strings.CutPrefix(authorization, "Bearer ")
	at := strings.LastIndexByte(token, '.')
	if !ok || at < 0 {
		return false
	}
	mac, err := base64.RawURLEncoding.DecodeString(token[at+1:])
	if err != nil || !hmac.Equal(mac, t.mac("access", []byte(token[:at]))) {
		return false
	}
	var c claims
	_, payload, _ := strings.Cut(token[:at], ".")
	return decodePart(payload, &c) == nil && time.Now().Unix() < c.End
}

// granted reports whether the application has one of the permissions.
func (t *Tenant) granted(permissions ...string) bool {
	return slices.ContainsFunc(t.options.Roles, func(r string) bool { return slices.Contains(permissions, r) })
}

var errToken = errors.New("token not known")

// seal makes a token of a purpose that [Tenant.open] accepts and nobody forges.
func (k *keys) seal(purpose string, text []byte) string {
	return base64.RawURLEncoding.EncodeToString(append(k.mac(purpose, text), text...))
}

func (k *keys) open(purpose, token string) ([]byte, error) {
	sealed, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(sealed) < sha256.Size {
		return nil, errToken
	}
	mac, text := sealed[:sha256.Size], sealed[sha256.Size:]
	if !hmac.Equal(mac, k.mac(purpose, text)) {
		return nil, errToken
	}
	return text, nil
}

func (k *keys) mac(purpose string, text []byte) []byte {
	m := hmac.New(sha256.New, k.key[:])
	m.Write([]byte(purpose + "\x00"))
	m.Write(text)
	return m.Sum(nil)
}

// checkAssertion checks a client assertion (RFC 7523 section 3): its form, and
// its signature when the tenant trusts any certificate.
func (t *Tenant) checkAssertion(assertion string) error {
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 {
		return errors.New("the assertion has not three parts")
	}
	var head struct {
		Alg string `json:"alg"`
	}
	var said struct {
		Issuer  string      `json:"iss"`
		Subject string      `json:"sub"`
		Expires json.Number `json:"exp"`
	}
	if err := errors.Join(decodePart(parts[0], &head), decodePart(parts[1], &said)); err != nil {
		return err
	}
	end, err := said.Expires.Float64()
	switch {
	case err != nil || float64(time.Now().Unix()) > end:
		return errors.New("the assertion has expired")
	case said.Issuer != t.client || said.Subject != t.client:
		return errors.New("the assertion is of another application")
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return fmt.Errorf("the signature: %w", err)
	}
	return t.checkSignature(head.Alg, parts[0]+"."+parts[1], signature)
}

func (t *Tenant) checkSignature(alg, signed string, signature []byte) error {
	digest := sha256.Sum256([]byte(signed))
	for _, cert := range t.options.Trusted {
		key, ok := cert.PublicKey.(*rsa.PublicKey)
		if !ok {
			continue
		}
		var err error
		switch alg {
		case "RS256":
			err = rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature)
		case "PS256":
			err = rsa.VerifyPSS(key, crypto.SHA256, digest[:], signature, nil)
		default:
			return fmt.Errorf("algorithm %q", alg)
		}
		if err == nil {
			return nil
		}
	}
	if len(t.options.Trusted) > 0 {
		return errors.New("no registered certificate made the signature")
	}
	return nil
}

func decodePart(part string, v any) error {
	raw, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return fmt.Errorf("the assertion: %w", err)
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("the assertion: %w", err)
	}
	return nil
}

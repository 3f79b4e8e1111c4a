package graphtest_test

import (
	"bytes"
	"compress/gzip"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image/jpeg"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ringbook/graph/graphtest"
)

func TestSignIn(t *testing.T) {
	c := start(t, graphtest.Options{})
	for _, test := range []struct {
		tenant string
		change url.Values
		status int
		code   int
	}{
		{"", url.Values{"client_secret": {"wrong"}}, http.StatusUnauthorized, 7000215},
		{"", url.Values{"client_id": {"wrong"}}, http.StatusBadRequest, 700016},
		{"", url.Values{"grant_type": {"password"}}, http.StatusBadRequest, 70003},
		{"", url.Values{"scope": {"User.Read.All"}}, http.StatusBadRequest, 1002012},
		{"no-such-tenant", nil, http.StatusBadRequest, 90002},
		{"", url.Values{"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {"x.y"}}, http.StatusUnauthorized, 700027},
	} {
		tenant := test.tenant
		if tenant == "" {
			tenant = c.server.TenantID()
		}
		a := c.signIn(tenant, test.change)
		var e struct {
			Description string `json:"error_description"`
			Codes       []int  `json:"error_codes"`
		}
		must(t, json.Unmarshal(a.body, &e))
		if a.status != test.status || len(e.Codes) != 1 || e.Codes[0] != test.code || !strings.HasPrefix(e.Description, fmt.Sprintf("AADSTS%d: ", test.code)) {
			t.Errorf("%v: %d %s", test.change, a.status, a.body)
		}
	}
	var about struct {
		Issuer string `json:"issuer"`
		Token  string `json:"token_endpoint"`
	}
	must(t, json.Unmarshal(c.get(c.server.URL()+"/"+c.server.TenantID()+"/v2.0/.well-known/openid-configuration").body, &about))
	if !strings.HasPrefix(about.Issuer, c.server.URL()) || !strings.HasPrefix(about.Token, c.server.URL()) {
		t.Errorf("discovery: %+v", about)
	}
}

func TestSignInByCertificate(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	c := start(t, graphtest.Options{Trusted: []*x509.Certificate{{PublicKey: key.Public()}}})
	signIn := func(alg string, end time.Time, sign func(digest []byte) []byte) int {
		part := func(v any) string {
			raw, err := json.Marshal(v)
			must(t, err)
			return base64.RawURLEncoding.EncodeToString(raw)
		}
		text := part(object{"alg": alg, "typ": "JWT"}) + "." + part(object{"iss": c.server.ClientID(), "sub": c.server.ClientID(), "exp": end.Unix()})
		digest := sha256.Sum256([]byte(text))
		return c.signIn(c.server.TenantID(), url.Values{
			"client_secret": nil, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
			"client_assertion": {text + "." + base64.RawURLEncoding.EncodeToString(sign(digest[:]))},
		}).status
	}
	pss := func(digest []byte) []byte {
		s, err := rsa.SignPSS(rand.Reader, key, crypto.SHA256, digest, nil)
		must(t, err)
		return s
	}
	pkcs := func(digest []byte) []byte {
		s, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest)
		must(t, err)
		return s
	}
	soon := time.Now().Add(time.Minute)
	if s := signIn("PS256", soon, pss); s != http.StatusOK {
		t.Errorf("PS256: %d", s)
	}
	if s := signIn("RS256", soon, pkcs); s != http.StatusOK {
		t.Errorf("RS256: %d", s)
	}
	if s := signIn("RS256", soon, func([]byte) []byte { return []byte("forged") }); s != http.StatusUnauthorized {
		t.Errorf("a forged signature: %d", s)
	}
	if s := signIn("RS256", time.Now().Add(-time.Minute), pkcs); s != http.StatusUnauthorized {
		t.Errorf("an old assertion: %d", s)
	}
}

func TestGraphNeedsAToken(t *testing.T) {
	c := start(t, graphtest.Options{People: 3})
	other := start(t, graphtest.Options{People: 3})
	for _, token := range []string{"", "Bearer x", "Bearer " + other.token, "Basic eDp5"} {
		if a := c.get("/users/delta", "Authorization", token); a.status != http.StatusUnauthorized || a.code() != "InvalidAuthenticationToken" {
			t.Errorf("%q: %d %s", token, a.status, a.code())
		}
	}
	for _, path := range []string{"/contacts/delta", "/groups", "/groups/x/members"} {
		if a := c.get(path); a.status != http.StatusForbidden || a.code() != "Authorization_RequestDenied" {
			t.Errorf("%s: %d %s", path, a.status, a.code())
		}
	}
	for _, path := range []string{"/", "/me", "/users/x/y/z/1/2", "/users/" + id(0) + "/manager"} {
		if a := c.get(path); a.status != http.StatusNotFound || a.header.Get("Request-Id") == "" {
			t.Errorf("%s: %d", path, a.status)
		}
	}
}

func TestUsers(t *testing.T) {
	c := start(t, graphtest.Options{People: 250})
	var listed []object
	for p := c.page("/users?$top=99&$select=displayName,faxNumber,businessPhones"); ; p = c.page(p.Next) {
		listed = append(listed, p.Value...)
		if p.Next == "" {
			break
		}
	}
	if len(listed) != 250 || len(listed[0]) != 4 {
		t.Errorf("%d people listed, the first is %v", len(listed), listed[0])
	}
	for _, name := range []string{id(graphtest.WangWei), strings.ToUpper(id(graphtest.WangWei)), "wei.wang@contoso.example"} {
		var one object
		must(t, json.Unmarshal(c.get("/users/"+name+"?$select=surname,faxNumber,proxyAddresses,businessPhones").body, &one))
		delete(one, "@odata.context")
		delete(one, "proxyAddresses")
		if diff := cmp.Diff(object{"id": id(graphtest.WangWei), "surname": "王", "faxNumber": nil, "businessPhones": []any{}}, one); diff != "" {
			t.Error(diff)
		}
	}
	if a := c.get("/users/nobody"); a.status != http.StatusNotFound || a.code() != "Request_ResourceNotFound" {
		t.Errorf("nobody: %d %s", a.status, a.code())
	}
	if a := c.get("/users?$top=1000"); a.status != http.StatusBadRequest {
		t.Errorf("$top=1000: %d", a.status)
	}
}

func TestPhotos(t *testing.T) {
	c := start(t, graphtest.Options{People: 40, Photos: 0.5})
	who := "/users/" + id(graphtest.JuergenGross)
	metadata := func() (m struct {
		ID, Tag string
		Width   int
	},
	) {
		var raw object
		must(t, json.Unmarshal(c.get(who+"/photo").body, &raw))
		m.ID, _ = raw["id"].(string)
		m.Tag, _ = raw["@odata.mediaEtag"].(string)
		return m
	}
	before := metadata()
	if before.ID != "240x240" || before.Tag == "" {
		t.Errorf("metadata: %+v", before)
	}
	for path, edge := range map[string]int{"/photo/$value": 240, "/photos/48x48/$value": 48, "/photos/120x120/$value": 120} {
		a := c.get(who + path)
		picture, err := jpeg.Decode(bytes.NewReader(a.body))
		must(t, err)
		if picture.Bounds().Dx() != edge || a.header.Get("Content-Type") != "image/jpeg" || len(a.body) > 12<<10 {
			t.Errorf("%s: %v, %d bytes of %s", path, picture.Bounds(), len(a.body), a.header.Get("Content-Type"))
		}
	}
	must(t, c.server.SetPhoto(id(graphtest.JuergenGross), c.get(who+"/photos/96x96/$value").body))
	if after := metadata(); after.ID != "96x96" || after.Tag == before.Tag {
		t.Errorf("metadata of the new photo: %+v", after)
	}
	must(t, c.server.SetPhoto(id(graphtest.JuergenGross), nil))
	for _, path := range []string{"/photo/$value", "/photos/48x48/$value", "/photos/1x1/$value", "/photos/x/$value"} {
		if a := c.get(who + path); a.status != http.StatusNotFound || a.code() != "ImageNotFound" {
			t.Errorf("%s: %d %s", path, a.status, a.code())
		}
	}
	if err := c.server.SetPhoto(id(graphtest.JuergenGross), []byte("GIF89a")); err == nil {
		t.Error("a photo that is no JPEG was taken")
	}
	has, none, tiny := 0, 0, 0
	for _, u := range c.server.Users() {
		a := c.get("/users/" + u.ID + "/photo")
		switch {
		case a.status == http.StatusNotFound:
			none++
		case strings.Contains(string(a.body), `"1x1"`):
			tiny++
		default:
			has++
		}
	}
	if has < 10 || none < 3 || tiny < 3 {
		t.Errorf("%d photos, %d times 404, %d times 1x1", has, none, tiny)
	}
}

func TestBatch(t *testing.T) {
	c := start(t, graphtest.Options{People: 12})
	link := c.server.URL() + "/v1.0/$batch"
	who := id(graphtest.JuergenGross)
	body := `{"requests": [
		{"id": "1", "method": "GET", "url": "/users/` + who + `?$select=displayName"},
		{"id": "2", "method": "GET", "url": "users/` + who + `/photo/$value"},
		{"id": "3", "method": "GET", "url": "/users/nobody"},
		{"id": "4", "method": "GET", "url": "/users/` + who + `", "dependsOn": ["3"]},
		{"id": "5", "method": "GET", "url": "/users/` + who + `/photo"},
		{"id": "6", "method": "GET", "url": "/$batch"},
		{"id": "7", "method": "DELETE", "url": "/users/` + who + `"},
		{"id": "8", "method": "GET", "url": "http://elsewhere/ "}]}`
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := z.Write([]byte(body))
	must(t, err)
	must(t, z.Close())
	c.server.Fault(graphtest.Fault{Suffix: "/photo", Status: http.StatusTooManyRequests, RetryAfter: "7"})
	a := c.do(http.MethodPost, link, packed.String(), "Content-Encoding", "gzip", "Content-Type", "application/json")
	var answer struct {
		Responses []struct {
			ID      string
			Status  int
			Headers map[string]string
			Body    json.RawMessage
		}
	}
	must(t, json.Unmarshal(a.body, &answer))
	status := map[string]int{}
	for _, r := range answer.Responses {
		status[r.ID] = r.Status
		switch r.ID {
		case "2":
			var photo []byte // encoding/json reads base64
			must(t, json.Unmarshal(r.Body, &photo))
			if _, err := jpeg.Decode(bytes.NewReader(photo)); err != nil {
				t.Error(err)
			}
		case "5":
			if r.Headers["Retry-After"] != "7" {
				t.Errorf("headers of a throttled item: %v", r.Headers)
			}
		}
	}
	want := map[string]int{"1": 200, "2": 200, "3": 404, "4": 424, "5": 429, "6": 400, "7": 403, "8": 404}
	if diff := cmp.Diff(want, status); diff != "" {
		t.Error(diff)
	}
	var many []string
	for i := range 21 {
		many = append(many, fmt.Sprintf(`{"id":"%d","method":"GET","url":"/users"}`, i))
	}
	for _, body := range []string{
		`{"requests":[` + strings.Join(many, ",") + `]}`, `{"requests":[]}`, `{`, `[]`,
		`{"requests":[{"id":"a","method":"GET","url":"/users"},{"id":"A","method":"GET","url":"/users"}]}`,
	} {
		if a := c.do(http.MethodPost, link, body); a.status != http.StatusBadRequest {
			t.Errorf("%.60s: %d", body, a.status)
		}
	}
	if got := c.server.Requests(); got["$batch"] != 7 || got["photo"] != 1 || got["photo/$value"] != 1 {
		t.Errorf("requests: %v", got)
	}
}

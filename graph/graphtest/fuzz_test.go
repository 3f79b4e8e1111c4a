package graphtest_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"ringbook/graph/graphtest"
)

// FuzzGraph asks Graph anything: every answer is JSON or a photo, never a 5xx.
func FuzzGraph(f *testing.F) {
	for _, seed := range []string{
		"users/delta?$select=displayName,mail", "users/delta()?$deltatoken=latest", "users/delta?$skiptoken=x", "users/delta?$filter=id%20eq%20'a'",
		"users?$top=5", "users/11111111-0000-4000-8000-000000000001/photo/$value", "users/11111111-0000-4000-8000-000000000001/photos/48x48", "$batch", "//", "users/%00/photo",
	} {
		f.Add("GET", seed, "")
	}
	f.Add("POST", "$batch", `{"requests":[{"id":"1","method":"GET","url":"/users/x/photo","dependsOn":["1"]},{"id":"2","url":"/users/delta"}]}`)
	tenant := graphtest.New(graphtest.Options{People: 12})
	token := signInDirectly(f, tenant)
	f.Fuzz(func(t *testing.T, method, target, body string) {
		u, err := url.Parse("https://graph.test/v1.0/" + target)
		if err != nil {
			return // net/http would not let it in either
		}
		r := httptest.NewRequest(http.MethodGet, "https://graph.test/", strings.NewReader(body))
		r.Method, r.URL = method, u
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		tenant.ServeHTTP(w, r)
		if w.Code >= http.StatusInternalServerError {
			t.Errorf("%s %s: %d %s", method, target, w.Code, w.Body)
		}
		if w.Header().Get("Content-Type") != "image/jpeg" && !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s %s: not JSON: %s", method, target, w.Body)
		}
	})
}

// FuzzLogin: nothing but the secret opens.
func FuzzLogin(f *testing.F) {
	f.Add("client_id=" + graphtest.ClientID + "&grant_type=client_credentials&scope=x/.default&client_secret=x")
	f.Add("client_id=" + graphtest.ClientID + "&grant_type=client_credentials&scope=x/.default&client_assertion=e30.e30.e30&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	key := &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 2047), E: 65537} // nobody has the other half
	tenant := graphtest.New(graphtest.Options{Trusted: []*x509.Certificate{{PublicKey: key}}})
	f.Fuzz(func(t *testing.T, form string) {
		w := httptest.NewRecorder()
		tenant.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/"+graphtest.TenantID+"/oauth2/v2.0/token", strings.NewReader(form)))
		if w.Code/100 != 4 || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%q: %d %s", form, w.Code, w.Body)
		}
	})
}

func signInDirectly(tb testing.TB, tenant *graphtest.Tenant) string {
	tb.Helper()
	form := url.Values{"client_id": {tenant.ClientID()}, "client_secret": {tenant.Secret()}, "grant_type": {"client_credentials"}, "scope": {"x/.default"}}
	w := httptest.NewRecorder()
	tenant.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/"+tenant.TenantID()+"/oauth2/v2.0/token", strings.NewReader(form.Encode())))
	var token struct {
		AccessToken string `json:"access_token"`
	}
	must(tb, json.Unmarshal(w.Body.Bytes(), &token))
	return token.AccessToken
}

// One page of 999 people; the mirror's own work should dwarf it.
func BenchmarkDeltaPage(b *testing.B) {
	tenant := graphtest.New(graphtest.Options{People: 100000, PageSize: 999})
	token := signInDirectly(b, tenant)
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(http.MethodGet, "https://graph.test/v1.0/users/delta", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		tenant.ServeHTTP(w, r)
		b.SetBytes(int64(w.Body.Len()))
	}
}

func BenchmarkNew100000(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		graphtest.New(graphtest.Options{People: 100000, Photos: 0.5})
	}
}

func BenchmarkPhoto(b *testing.B) {
	tenant := graphtest.New(graphtest.Options{People: 100000, Photos: 1})
	token := signInDirectly(b, tenant)
	users := tenant.Users()
	n := 0
	for b.Loop() {
		r := httptest.NewRequest(http.MethodGet, "https://graph.test/v1.0/users/"+users[n%len(users)].ID+"/photo/$value", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		tenant.ServeHTTP(httptest.NewRecorder(), r)
		n++
	}
}

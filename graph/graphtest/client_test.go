package graphtest_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"ringbook/graph/graphtest"
)

// A client speaks to a stand-in over its socket, signed in.
type client struct {
	t      testing.TB
	server *graphtest.Server
	http   *http.Client
	token  string
}

// An answer is one answer, read.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func start(tb testing.TB, o graphtest.Options) *client {
	tb.Helper()
	server, err := graphtest.New(o).Start(tb.Context(), "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(server.CAPEM()) {
		tb.Fatal("CAPEM has no certificate")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	c := &client{t: tb, server: server, http: &http.Client{Transport: transport}}
	tb.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := server.Close(); err != nil {
			tb.Error(err)
		}
	})
	var token struct {
		AccessToken string `json:"access_token"`
	}
	a := c.signIn(server.TenantID(), url.Values{})
	if err := json.Unmarshal(a.body, &token); err != nil || token.AccessToken == "" {
		tb.Fatalf("sign-in: %d %s", a.status, a.body)
	}
	c.token = token.AccessToken
	return c
}

// signIn asks for a token; change overrides the right values.
func (c *client) signIn(tenant string, change url.Values) answer {
	form := url.Values{
		"client_id": {c.server.ClientID()}, "client_secret": {c.server.Secret()},
		"grant_type": {"client_credentials"}, "scope": {"https://graph.microsoft.com/.default"},
	}
	maps.Copy(form, change)
	return c.do(http.MethodPost, c.server.URL()+"/"+tenant+"/oauth2/v2.0/token", form.Encode(),
		"Content-Type", "application/x-www-form-urlencoded")
}

// get asks Graph for a path below /v1.0, or for a whole URL.
func (c *client) get(path string, header ...string) answer {
	c.t.Helper()
	if !strings.HasPrefix(path, "https://") {
		path = c.server.URL() + "/v1.0" + path
	}
	return c.do(http.MethodGet, path, "", header...)
}

func (c *client) do(method, link, body string, header ...string) answer {
	c.t.Helper()
	a, err := c.try(method, link, body, header...)
	if err != nil {
		c.t.Fatal(err)
	}
	return a
}

func (c *client) try(method, link, body string, header ...string) (answer, error) {
	r, err := http.NewRequestWithContext(c.t.Context(), method, link, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := c.http.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	return answer{status: response.StatusCode, header: response.Header, body: data}, err
}

// code returns the code of an error in Graph's shape.
func (a answer) code() string {
	var e struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	_ = json.Unmarshal(a.body, &e)
	return e.Error.Code
}

type object = map[string]any

// A page is one page of people.
type page struct {
	Next  string   `json:"@odata.nextLink"`
	Delta string   `json:"@odata.deltaLink"`
	Value []object `json:"value"`
}

func (c *client) page(path string, header ...string) page {
	c.t.Helper()
	a := c.get(path, header...)
	var p page
	if err := json.Unmarshal(a.body, &p); err != nil || a.status != http.StatusOK {
		c.t.Fatalf("GET %s: %d %s", path, a.status, a.body)
	}
	return p
}

// round reads a whole round and returns its objects, its delta link and how
// many pages it took.
func (c *client) round(path string, header ...string) (objects []object, link string, pages int) {
	c.t.Helper()
	for p := c.page(path, header...); ; p = c.page(p.Next, header...) {
		objects, pages = append(objects, p.Value...), pages+1
		if p.Delta != "" {
			return objects, p.Delta, pages
		}
		if p.Next == "" {
			c.t.Fatal("a page without any link")
		}
	}
}

// id returns the id of one of the known people.
func id(known int) string { return graphtest.Known()[known].ID }

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

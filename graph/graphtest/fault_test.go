package graphtest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"ringbook/graph/graphtest"
)

func TestFaultsStandInLine(t *testing.T) {
	c := start(t, graphtest.Options{People: 3})
	c.server.Fault(
		graphtest.Fault{Path: "/v1.0/users/delta", Status: http.StatusTooManyRequests, RetryAfter: "3", After: 1, Times: 2},
		graphtest.Fault{Path: "/v1.0/users/delta", Status: http.StatusBadGateway, Body: "<html>Bad Gateway</html>"},
		graphtest.Fault{Path: "/v1.0/users/delta", Status: http.StatusBadRequest, Code: "syncStateNotFound"},
	)
	if a := c.get("/users"); a.status != http.StatusOK {
		t.Errorf("another path: %d", a.status)
	}
	var got []int
	for range 6 {
		a := c.get("/users/delta")
		got = append(got, a.status)
		switch a.status {
		case http.StatusTooManyRequests:
			if a.header.Get("Retry-After") != "3" || a.code() != "TooManyRequests" {
				t.Errorf("429: %v %s", a.header, a.body)
			}
		case http.StatusBadGateway:
			if a.header.Get("Content-Type") != "text/html" {
				t.Errorf("502: %v", a.header)
			}
		case http.StatusBadRequest:
			if a.code() != "syncStateNotFound" {
				t.Errorf("400: %s", a.body)
			}
		}
	}
	// The second rule is reached while the first lets its first request pass.
	if want := []int{502, 429, 429, 400, 200, 200}; !equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	c.server.Fault(graphtest.Fault{Status: http.StatusServiceUnavailable, Times: -1})
	for range 3 {
		if a := c.get("/users"); a.status != http.StatusServiceUnavailable {
			t.Errorf("for ever: %d", a.status)
		}
	}
	c.server.ClearFaults()
	if a := c.get("/users"); a.status != http.StatusOK {
		t.Errorf("cleared: %d", a.status)
	}
	if n := c.server.Requests()["users/delta"]; n != 6 {
		t.Errorf("%d requests counted, want 6", n)
	}
}

func TestFaultsAtSignIn(t *testing.T) {
	c := start(t, graphtest.Options{})
	c.server.Fault(graphtest.Fault{Suffix: "/token", Status: http.StatusUnauthorized, Code: "AADSTS7000222"})
	var e struct {
		Codes []int `json:"error_codes"`
	}
	must(t, json.Unmarshal(c.signIn(c.server.TenantID(), nil).body, &e))
	if len(e.Codes) != 1 || e.Codes[0] != 7000222 {
		t.Errorf("codes %v", e.Codes)
	}
}

func TestFaultsBreakAnswers(t *testing.T) {
	c := start(t, graphtest.Options{People: 100})
	whole := c.get("/users/delta").body
	c.server.Fault(
		graphtest.Fault{Break: graphtest.BreakConnection},
		graphtest.Fault{Break: graphtest.BreakMiddle},
		graphtest.Fault{Break: graphtest.BreakJSON},
	)
	link := c.server.URL() + "/v1.0/users/delta"
	// A POST, which net/http does not try again by itself.
	if _, err := c.try(http.MethodPost, link, "x"); err == nil {
		t.Error("the connection was not broken")
	}
	a, err := c.try(http.MethodGet, link, "")
	if !errors.Is(err, io.ErrUnexpectedEOF) || a.status != http.StatusOK || len(a.body) == 0 || len(a.body) >= len(whole) {
		t.Errorf("broken in the middle: %v, %d bytes of %d", err, len(a.body), len(whole))
	}
	if a := c.get("/users/delta"); a.status != http.StatusOK || json.Valid(a.body) {
		t.Errorf("broken JSON: %d, %d bytes", a.status, len(a.body))
	}
	if a := c.get("/users/delta"); a.status != http.StatusOK || len(a.body) < len(whole)-200 {
		t.Errorf("afterwards: %d", a.status)
	}
}

func TestFaultsDelay(t *testing.T) {
	c := start(t, graphtest.Options{People: 1})
	const delay = 30 * time.Millisecond
	c.server.Fault(graphtest.Fault{DelayMS: int(delay / time.Millisecond)})
	begin := time.Now()
	if a := c.get("/users"); a.status != http.StatusOK || time.Since(begin) < delay {
		t.Errorf("%d after %v", a.status, time.Since(begin))
	}
}

func TestControl(t *testing.T) {
	c := start(t, graphtest.Options{People: 12})
	_, link, _ := c.round("/users/delta?$select=displayName")
	do := func(method, path, body string, want int) []byte {
		t.Helper()
		a := c.do(method, c.server.URL()+"/_control/"+path, body)
		if a.status != want {
			t.Errorf("%s %s: %d %s, want %d", method, path, a.status, a.body, want)
		}
		return a.body
	}
	var users []graphtest.User
	must(t, json.Unmarshal(do(http.MethodGet, "users", "", http.StatusOK), &users))
	if len(users) != 12 || users[0].DisplayName != "Jürgen Groß" {
		t.Errorf("users: %+v", users)
	}
	var added struct{ ID string }
	must(t, json.Unmarshal(do(http.MethodPost, "users", `{"displayName": "Neue, Nina"}`, http.StatusOK), &added))
	do(http.MethodPatch, "users/"+added.ID, `{"mobilePhone": null, "extension_0123456789abcdef0123456789abcdef_homePhone": "030"}`, http.StatusNoContent)
	do(http.MethodDelete, "users/"+users[1].ID, "", http.StatusNoContent)
	do(http.MethodPost, "users/"+users[1].ID+"/restore", "", http.StatusNoContent)
	do(http.MethodDelete, "users/"+users[2].ID+"?purge=1", "", http.StatusNoContent)
	photo := c.get("/users/" + users[0].ID + "/photos/48x48/$value").body
	do(http.MethodPut, "users/"+added.ID+"/photo", string(photo), http.StatusNoContent)
	if a := c.get("/users/" + added.ID + "/photo/$value"); !bytes.Equal(a.body, photo) {
		t.Error("another photo came back")
	}
	var one object
	must(t, json.Unmarshal(do(http.MethodGet, "users/"+added.ID, "", http.StatusOK), &one))
	if v, there := one["mobilePhone"]; !there || v != nil || one["extension_0123456789abcdef0123456789abcdef_homePhone"] != "030" {
		t.Errorf("the added user: %v", one)
	}
	if news, _, _ := c.round(link); len(news) != 3 {
		t.Errorf("%d changes, want 3", len(news))
	}

	do(http.MethodPost, "faults", `[{"path": "/v1.0/users", "status": 503}, {"path": "/v1.0/users", "status": 500}]`, http.StatusNoContent)
	do(http.MethodPost, "faults", `{"path": "/v1.0/users", "status": 504}`, http.StatusNoContent)
	if a := c.get("/users"); a.status != http.StatusServiceUnavailable {
		t.Errorf("faulty: %d", a.status)
	}
	do(http.MethodDelete, "faults", "", http.StatusNoContent)
	do(http.MethodPost, "expire-tokens", "", http.StatusNoContent)
	if a := c.get(link); a.status != http.StatusGone {
		t.Errorf("expired: %d", a.status)
	}
	var counts map[string]int
	must(t, json.Unmarshal(do(http.MethodGet, "requests", "", http.StatusOK), &counts))
	if counts["users"] != 1 || counts["token"] != 1 {
		t.Errorf("requests: %v", counts)
	}

	do(http.MethodPatch, "users/nobody", `{}`, http.StatusNotFound)
	do(http.MethodPatch, "users/"+added.ID, `{"noSuchProperty": 1}`, http.StatusBadRequest)
	do(http.MethodPatch, "users/"+added.ID, `{`, http.StatusBadRequest)
	do(http.MethodPost, "users", `{"id": "with/slash"}`, http.StatusBadRequest)
	do(http.MethodGet, "nothing", "", http.StatusNotFound)

	remote := httptest.NewRequest(http.MethodGet, "/_control/users", nil) // comes from 192.0.2.1
	refused := httptest.NewRecorder()
	c.server.ServeHTTP(refused, remote)
	if refused.Code != http.StatusForbidden {
		t.Errorf("from another machine: %d", refused.Code)
	}
}

func equal(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

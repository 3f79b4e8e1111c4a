package carddavtest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"ringbook/server/carddav/carddavtest"
)

func vcard(uid, name string) string {
	return "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:" + uid + "\r\nFN:" + name + "\r\nN:" + name + ";;;;\r\nEND:VCARD\r\n"
}

// TestPreconditions: every answer of RFC 6352 §6.3.2 and RFC 9110 §13 that a
// suite may ask for, in one history.
func TestPreconditions(t *testing.T) {
	b, err := carddavtest.New("writer", "secret")
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(b)
	t.Cleanup(s.Close)
	do := func(method, path, body string, headers ...string) (int, http.Header, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth("writer", "secret")
		for _, h := range headers {
			name, value, _ := strings.Cut(h, ": ")
			if req.Header.Set(name, value); value == "" {
				req.Header.Del(name)
			}
		}
		resp, err := s.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, resp.Header, string(answer)
	}
	ada := b.Href() + "ada.vcf"
	etag := func() string { _, h, _ := do("GET", ada, ""); return h.Get("ETag") }
	for i, c := range []struct {
		method, path, body string
		header             string
		status             int
		says               string
	}{
		{"PUT", ada, vcard("ada", "Ada"), "Authorization: ", 401, ""},
		{"PUT", ada, vcard("ada", "Ada"), `If-Match: "x"`, 412, ""},
		{"PUT", ada, "nothing", "", 403, "valid-address-data"},
		{"PUT", ada, vcard("ada", "Ada") + vcard("bob", "Bob"), "", 403, "valid-address-data"},
		{"PUT", ada, vcard("ada", "Ada"), "Content-Type: application/json", 403, "supported-address-data"},
		{"PUT", ada, vcard("ada", strings.Repeat("A", 200<<10)), "", 403, "max-resource-size"},
		{"GET", ada, "", "", 404, ""},
		{"PUT", ada, vcard("ada", "Ada"), "If-None-Match: *", 201, ""},
		{"GET", ada, "", "", 200, "FN:Ada\r\n"},
		{"PUT", ada, vcard("ada", "Ada"), "If-None-Match: *", 412, ""},
		{"PUT", ada, vcard("ada", "Ada B"), `If-Match: "x"`, 412, ""},
		{"PUT", ada, vcard("ada", "Ada B"), "If-Match: now", 204, ""},
		{"GET", ada, "", "", 200, "FN:Ada B\r\n"},
		{"PUT", b.Href() + "other.vcf", vcard("ada", "Ada"), "", 403, "no-uid-conflict><d:href>" + ada},
		{"PUT", b.Href() + "No Card", vcard("x", "X"), "", 403, "need-privileges"},
		{"PUT", "/dav/ab/other/people/x.vcf", vcard("x", "X"), "", 403, "need-privileges"},
		{"MKCOL", b.Href() + "x.vcf", "", "", 403, "need-privileges"},
		{"DELETE", ada, "", `If-Match: "x"`, 412, ""},
		{"DELETE", b.Href(), "", "", 403, "need-privileges"},
		{"DELETE", ada, "", "If-Match: now", 204, ""},
		{"DELETE", ada, "", "", 404, ""},
		{"GET", ada, "", "", 404, ""},
	} {
		if c.header == "If-Match: now" {
			c.header = "If-Match: " + etag()
		}
		var headers []string
		if c.header != "" {
			headers = append(headers, c.header)
		}
		status, h, body := do(c.method, c.path, c.body, headers...)
		if status != c.status || !strings.Contains(body, c.says) {
			t.Errorf("step %d, %s %s with %q: %d, want %d: %s", i, c.method, c.path, c.header, status, c.status, body)
		}
		if c.method != "GET" && h.Get("ETag") != "" {
			t.Errorf("step %d: an ETag for what the server did not store as it came", i)
		}
	}
	if _, h, _ := do("OPTIONS", b.Href(), ""); h.Get("Allow") != "OPTIONS, GET, HEAD, PROPFIND, REPORT, PUT, DELETE" {
		t.Errorf("Allow: %s", h.Get("Allow"))
	}
}

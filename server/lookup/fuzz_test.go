package lookup_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"ringbook/directory"
	"ringbook/server/lookup"
)

// fuzzSeeds is how many requests the target begins with.
const fuzzSeeds = 60

// FuzzRequest: whatever is asked, the answer is a status of ours, never 500; a text is
// the name of somebody in the device's books, on one line, or nothing, and JSON is
// JSON.
func FuzzRequest(f *testing.F) {
	seeds := 0
	for _, query := range []string{
		"", "number=030123450", "number=+4930123450", "number=tel:+4930123450", "number=sip:%2B4930123450@x;user=phone", "number=%00", "number=%ff%fe",
		"number=*)(cn=*", "number=12;ext=3&format=lines", "name=anna", "name=gr%C3%B6%C3%9Fe&format=json", "name=%E2%80%AE", "name=22&format=text",
		"name=&number=", "name=a&name=b", "number=%zz", "format=xml&number=1", "number=" + strings.Repeat("9", 257), "&&=&number", "name=a&format=lines",
	} {
		for _, path := range []string{"", "/photo/c-anna", "/photo/../c-boss"} {
			f.Add(path, query, []string{"", "application/json", "text/*;q=0, application/json;q=1"}[seeds%3])
			seeds++
		}
	}
	if seeds != fuzzSeeds {
		f.Fatalf("%d seeds", seeds)
	}
	device := pbx()
	device.Photos = directory.PhotoLarge
	h := lookup.New(lookup.Options{Directory: people(f), Auth: &gate{device: device}, Journal: &gate{}, PublicURL: "https://contacts.contoso.com"})
	names := []string{"", "Adler, Karen", "Anna Müller", "Bärbel Größe", `Carl "CC" <C&C>`, "Иван Петров"}
	f.Fuzz(func(t *testing.T, path, query, accept string) {
		r := httptest.NewRequest(http.MethodGet, lookup.Path, nil)
		r.URL.Path, r.URL.RawQuery = lookup.Path+path, query
		r.Header.Set("Accept", accept)
		r.SetBasicAuth("pbx", "secret")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		body := w.Body.String()
		switch w.Code {
		case http.StatusOK, http.StatusBadRequest, http.StatusNotFound:
		default:
			t.Fatalf("status %d", w.Code)
		}
		switch w.Header().Get("Content-Type") {
		case "application/json":
			if !json.Valid(w.Body.Bytes()) {
				t.Errorf("%q is no JSON", body)
			}
		case "image/jpeg":
			if !strings.EqualFold(path, "/photo/c-anna") { // the one of these people who has one
				t.Errorf("a photo for %q", path)
			}
		default:
			name, _, lines := strings.Cut(body, "\n")
			if !slices.Contains(names, name) || w.Code != http.StatusOK && body != "" || lines && strings.Count(body, "\n") != 4 {
				t.Errorf("%d %q", w.Code, body)
			}
			if !utf8.ValidString(body) || strings.ContainsFunc(body, func(r rune) bool { return r != '\n' && unicode.IsControl(r) }) {
				t.Errorf("%q is no text", body)
			}
		}
	})
}

package kit

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"ringbook/server/phonebook"
)

// inKit is an address of a phone book as it stands in a kit, with the scheme or
// without, with credentials or without.
var inKit = regexp.MustCompile(`(https://)?(\w+:\w+@)?contacts\.contoso\.com[\w./-]*`)

// TestBooksAreServed: where a kit sends a phone for its book, there is one.
func TestBooksAreServed(t *testing.T) {
	h := phonebook.New(phonebook.Options{RemoteAddr: func(*http.Request) netip.Addr { return netip.Addr{} }})
	asked := 0
	for i := range rows {
		r := &rows[i]
		if r.book == "" {
			continue
		}
		text := string(mustMake(t, r.vendor, contoso(), desk(), "abcdefghjkmnpqrstuvw").Text)
		found := inKit.FindAllString(text, -1)
		if len(found) != 1 {
			t.Errorf("%s: addresses %q", r.vendor, found)
			continue
		}
		u, err := url.Parse("https://" + strings.TrimPrefix(found[0], "https://"))
		if err != nil {
			t.Fatal(err)
		}
		paths := []string{u.Path}
		if r.form == &itemForm { // a Grandstream adds the name of the file
			paths = []string{u.Path + "/phonebook.xml", u.Path + "/gs_phonebook.xml"}
		}
		for _, p := range paths {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, p, nil))
			if w.Code != http.StatusUnauthorized {
				t.Errorf("%s: %s is answered %d", r.vendor, p, w.Code)
			}
			asked++
		}
	}
	if asked < 6 {
		t.Errorf("only %d paths", asked)
	}
}

package phonebook_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"ringbook/directory"
	"ringbook/directory/text"
	"ringbook/server/phonebook"
)

// FuzzRequest: whatever the path, the parameters and the tags, the answer is a
// status of ours, never 500, and if it is a document it is well-formed.
func FuzzRequest(f *testing.F) {
	queries := []string{
		"", "q=zoe", "q=%2B4930", "q=%00", "q=%ff%fe", "q=*)(cn=*", "q=%E2%80%AE", "q=&q=b", "n=4711", "n=+491711234567&q=zoe", "n=", "input=1", "input=1&after=c-1",
		"after=c-1", "after=c-1&q=0", "after=c-1&order=" + (*text.Collation)(nil).Digest(), "after=%3Cx%3E", "%zz=%zz", "q;after", "mac=$mac&model=$model",
	}
	for _, name := range append([]string{"grandstream/phonebook.xml", "x.xml"}, formNames...) {
		for _, q := range queries {
			f.Add(name, q, `W/"x", *`)
			f.Add(name, q, "")
		}
	}
	d := desk()
	d.ASCII = true
	rigs := []*rig{newRig(f, twoBooks(f)), newRig(f, twoBooks(f), d)}
	f.Fuzz(func(t *testing.T, path, query, tags string) {
		for _, r := range rigs {
			req := httptest.NewRequest(http.MethodGet, phonebook.Root, nil)
			req.URL.Path, req.URL.RawQuery = phonebook.Root+path, query
			req.SetBasicAuth("desk", "secret")
			req.Header.Set("If-None-Match", tags)
			w := httptest.NewRecorder()
			r.ServeHTTP(w, req)
			switch w.Code {
			case http.StatusOK:
				wellFormed(t, w.Body.String())
			case http.StatusNotModified, http.StatusNotFound, http.StatusRequestURITooLong:
			default:
				t.Errorf("status %d", w.Code)
			}
			r.log.Reset()
		}
	})
}

// FuzzContact: whatever a contact holds, every document is well-formed and has it
// once, if it has a number.
func FuzzContact(f *testing.F) {
	for _, name := range []string{"Ada", "", "<&>\"'", "]]>", "<!--", "<?x?>", "\x00\x07\x1b", "\u2028\ufeff\ufffe\uffff", "\xff\xfe", "&#0;", "李"} {
		f.Add(name, name, name, "030 1")
		f.Add("Ada", "", name, name)
	}
	f.Fuzz(func(t *testing.T, name, given, surname, written string) {
		s := newShelf(t, directory.Book{Name: "people", Title: name})
		s.apply([]directory.Contact{{
			ID: "c-1", Source: directory.SourceUser, DisplayName: name, GivenName: given, Surname: surname,
			Phones: []directory.Phone{{Kind: directory.PhoneWork, Written: written}, {Kind: directory.PhoneKind(name), Written: "030 2"}},
		}})
		s.SetLoaded()
		r := newRig(t, s)
		for _, form := range formNames {
			if got := r.get(form); !strings.Contains(got, "030 2") && !strings.Contains(got, "0302") {
				t.Errorf("%s: %s", form, got)
			}
			if o := r.object("yealink.xml"); len(o.Entries) != 1 || o.Entries[0].Name == "" {
				t.Errorf("%+v", o)
			}
		}
	})
}

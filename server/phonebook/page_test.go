package phonebook_test

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"ringbook/directory"
	"ringbook/directory/text"
)

// An object is any document of the …IPPhoneDirectory kind.
type object struct {
	Entries []struct {
		Name      string
		Telephone []string
	} `xml:"DirectoryEntry"`
	Keys []struct{ Name, URL string }      `xml:"SoftKeyItem"`
	URL  string                            // of a search form
	Item struct{ QueryStringParam string } `xml:"InputItem"`
}

func (r *rig) object(path string) (o object) {
	r.tb.Helper()
	if err := xml.Unmarshal([]byte(r.get(path)), &o); err != nil {
		r.tb.Fatal(err)
	}
	return o
}

// key is the path behind a soft key; "" = there is none.
func (o *object) key(tb testing.TB, name string) string {
	tb.Helper()
	for _, k := range o.Keys {
		if k.Name == name {
			path, ours := strings.CutPrefix(k.URL, publicURL+"/phonebook/")
			if !ours {
				tb.Errorf("key %s: %s", name, k.URL)
			}
			return path
		}
	}
	return ""
}

// pages turns pages until there are no more.
func (r *rig) pages(path string) (names []string) {
	r.tb.Helper()
	for path != "" {
		o := r.object(path)
		if len(o.Entries) == 0 || len(o.Entries) > 32 {
			r.tb.Fatalf("%s: %d entries", path, len(o.Entries))
		}
		for _, e := range o.Entries {
			names = append(names, e.Name+" "+e.Telephone[0])
		}
		path = o.key(r.tb, "Next")
	}
	return names
}

// TestPages: who turns all the pages has seen every number once, in the order of
// names, also where a page ends with the last of them.
func TestPages(t *testing.T) {
	for _, n := range []int{1, 15, 16, 17, 32, 48, 333} {
		r := newRig(t, many(t, n))
		got := r.pages("cisco.xml")
		if len(got) != 2*n || !slices.IsSorted(clip(got)) {
			t.Errorf("%d people: %d lines, in order: %v", n, len(got), slices.IsSorted(clip(got)))
		}
		slices.Sort(got)
		if len(slices.Compact(got)) != 2*n {
			t.Errorf("%d people: some twice", n)
		}
	}
}

// clip leaves the numbers away.
func clip(lines []string) (names []string) {
	for _, l := range lines {
		name, _, _ := strings.Cut(l, " (")
		names = append(names, name)
	}
	return names
}

// TestCrowd: whoever has more numbers than a page has lines is shown with as many
// as fit, alone, and what comes behind is still reached.
func TestCrowd(t *testing.T) {
	s := newShelf(t, directory.Book{Name: "people", Title: "Contoso"})
	crowd := directory.Contact{ID: "c-2", Source: directory.SourceUser, DisplayName: "B Crowd"}
	for i := range 40 {
		crowd.Phones = append(crowd.Phones, directory.Phone{Kind: directory.PhoneWork, Written: fmt.Sprintf("030 10%02d", i), E164: fmt.Sprintf("+493010%02d", i)})
	}
	s.apply([]directory.Contact{
		crowd,
		{ID: "c-1", Source: directory.SourceUser, DisplayName: "A", Phones: crowd.Phones[:1]},
		{ID: "c-3", Source: directory.SourceUser, DisplayName: "C", Phones: crowd.Phones[:1]},
	})
	s.SetLoaded()
	if got := newRig(t, s).pages("cisco.xml"); len(got) != 1+32+1 {
		t.Errorf("%d lines: %q", len(got), got)
	}
}

// TestGone: a page behind somebody who has left begins at the first again.
func TestGone(t *testing.T) {
	r := newRig(t, many(t, 100))
	second := r.object("cisco.xml")
	next := second.key(t, "Next")
	r.shelf.apply(nil, directory.ContactID(mustQuery(t, next).Get("after")))
	if got := r.object(next).Entries[0].Name; !strings.HasPrefix(got, "Person 00000") {
		t.Errorf("it begins with %s", got)
	}
}

func mustQuery(t *testing.T, path string) url.Values {
	t.Helper()
	u, err := url.Parse(path)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

// TestSearchForm walks a Cisco phone's way: the key, the form, the answer, and
// the next page of it.
func TestSearchForm(t *testing.T) {
	r := newRig(t, many(t, 333))
	first := r.object("cisco.xml")
	form := r.object(first.key(t, "Search"))
	path, ours := strings.CutPrefix(form.URL, publicURL+"/phonebook/")
	if !ours || form.Item.QueryStringParam != "q" {
		t.Fatalf("%+v", form)
	}
	if got := r.pages(path + "?q=001"); len(got) != 2*100 { // 00100 to 00199
		t.Errorf("%d lines", len(got))
	}
}

// TestSearch: a part of a name and a beginning of a number find who has it.
func TestSearch(t *testing.T) {
	r := newRig(t, twoBooks(t))
	for q, want := range map[string]string{
		"love": "Zoë Lovelace", "zoe love": "Zoë Lovelace", "Zoë": "Zoë Lovelace", "0171 123": "Zoë Lovelace",
		"+49171": "Zoë Lovelace", "4711": "Zoë Lovelace", "simun": "Änne Šimůnková 李", " änne ": "Änne Šimůnková 李",
		"groesse": "", "nobody": "", "*": "", ")(cn=*": "",
	} {
		o := r.object("yealink.xml?q=" + url.QueryEscape(q))
		got := ""
		if len(o.Entries) > 0 {
			got = o.Entries[0].Name
		}
		if got != want || len(o.Entries) > 1 {
			t.Errorf("%q: %+v", q, o.Entries)
		}
	}
	if o := r.object("yealink.xml?q=+"); len(o.Entries) != 3 { // nothing was typed
		t.Errorf("a blank: %+v", o.Entries)
	}
}

// TestCaller: a Cisco phone asks for the name of who calls by the number alone, and is
// told of its holders and of nobody else: the first of a whole book would be a wrong name.
func TestCaller(t *testing.T) {
	r := newRig(t, twoBooks(t))
	for n, want := range map[string]string{
		"01711234567": "Zoë Lovelace", "+491711234567": "Zoë Lovelace", "%2B491711234567": "Zoë Lovelace", "sip:03012345678@pbx": "Zoë Lovelace",
		"4711": "Zoë Lovelace", "00491727654321": "Änne Šimůnková 李", "017112345": "", "anonymous": "", "03077777": "",
	} {
		o := r.object("cisco.xml?n=" + n)
		got := ""
		if len(o.Entries) > 0 {
			got = o.Entries[0].Name
		}
		if got != want || len(o.Entries) > 1 {
			t.Errorf("%q: %+v", n, o.Entries)
		}
	}
	if got := r.object("cisco.xml?n=01711234567").Entries[0].Telephone; !slices.Equal(got, []string{"01711234567"}) {
		t.Errorf("not the number that was asked for: %q", got)
	}
	if o := r.object("cisco.xml?n="); len(o.Entries) != 0 {
		t.Errorf("a caller who shows no number is %+v", o.Entries[0])
	}
	if o := r.object("yealink.xml?n=4711"); len(o.Entries) != 3 {
		t.Errorf("that is no parameter of this form: %+v", o.Entries)
	}
	if w := r.ask("cisco.xml?n="+strings.Repeat("1", 101), nil); w.Code != http.StatusRequestURITooLong {
		t.Errorf("status %d", w.Code)
	}
	if got := r.log.String(); strings.Count(got, "search=true") != 12 || strings.Contains(got, "171123") {
		t.Errorf("log: %s", got)
	}
	d := desk()
	d.State = directory.DeviceDraining
	if o := newRig(t, twoBooks(t), d).object("cisco.xml?n=4711"); len(o.Entries) != 0 {
		t.Errorf("a draining device is told %+v", o.Entries)
	}
	shared := newShelf(t, directory.Book{Name: "people", Title: "Contoso"})
	var all []directory.Contact
	for i := range 40 {
		phone := directory.Phone{Kind: directory.PhoneWork, Written: "030 555-0", E164: "+49305550"}
		all = append(all, directory.Contact{ID: directory.ContactID(fmt.Sprintf("c-%03d", i)), Source: directory.SourceUser, DisplayName: fmt.Sprintf("P%02d", i), Phones: []directory.Phone{phone}})
	}
	shared.apply(all)
	shared.SetLoaded()
	if o := newRig(t, shared).object("cisco.xml?n=0305550"); len(o.Entries) != 32 || o.key(t, "Next") != "" {
		t.Errorf("of a number that all have: %d entries, next %q", len(o.Entries), o.key(t, "Next"))
	}
}

// TestOnce: the CEO is in both books and once in the document; the order of books
// does not change the order of names.
func TestOnce(t *testing.T) {
	s := twoBooks(t)
	d := desk()
	d.Books = []directory.BookName{"vips", "people"}
	a, b := newRig(t, s).get("yealink.xml"), newRig(t, s, d).get("yealink.xml")
	if a != b || strings.Count(a, "Lovelace") != 1 {
		t.Errorf("%s\n%s", a, b)
	}
	only := newRig(t, s, func() directory.Device { d := desk(); d.Books = d.Books[1:]; return d }())
	if o := only.object("yealink.xml"); len(o.Entries) != 1 || o.Entries[0].Name != "Zoë Lovelace" {
		t.Errorf("%+v", o)
	}
}

// TestLimit: a document that is too long ends in time, whole as XML, and says so
// in the log.
func TestLimit(t *testing.T) {
	r := newRig(t, many(t, 10_500))
	if n := strings.Count(r.get("snom.xml"), "<DirectoryEntry>"); n != 20_000 {
		t.Errorf("%d lines", n)
	}
	if !strings.Contains(r.log.String(), "more=true") {
		t.Errorf("log: %s", r.log)
	}
	if n := strings.Count(r.get("yealink.xml"), "<DirectoryEntry>"); n != 10_500 {
		t.Errorf("%d people", n)
	}
	if w := r.ask("snom.xml", func(r *http.Request) { r.Method = http.MethodHead }); w.Code != http.StatusOK {
		t.Errorf("HEAD: %d", w.Code)
	}
}

// TestOrderOfALanguage: the book is in the order of the configured language, a phone is told
// that it has changed, and a page behind somebody in another order begins at the first again.
func TestOrderOfALanguage(t *testing.T) {
	people := func(tag string) *rig {
		order, err := text.ParseCollation(tag)
		if err != nil {
			t.Fatal(err)
		}
		s := newShelfIn(t, order, directory.Book{Name: "people", Title: "Contoso"})
		var all []directory.Contact
		for i, name := range append([]string{"Öberg", "Zorn", "Åberg", "Ärlig"}, slices.Repeat([]string{"Ek"}, 40)...) {
			phone := directory.Phone{Kind: directory.PhoneWork, Written: fmt.Sprintf("030 1%04d", i), E164: fmt.Sprintf("+49301%04d", i)}
			all = append(all, directory.Contact{ID: directory.ContactID(fmt.Sprintf("c-%03d", i)), Source: directory.SourceUser, DisplayName: name, Phones: []directory.Phone{phone}})
		}
		s.apply(all)
		s.SetLoaded()
		return newRig(t, s)
	}
	swedish, root := people("sv"), people("root")
	for r, want := range map[*rig]string{swedish: "Zorn Åberg Ärlig Öberg", root: "Åberg Ärlig Öberg Zorn"} {
		var got []string
		for _, line := range r.pages("cisco.xml") {
			if name, _, _ := strings.Cut(line, " "); name != "Ek" {
				got = append(got, name)
			}
		}
		if !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("the order is %q, want %s", got, want)
		}
	}
	if a, b := swedish.ask("yealink.xml", nil).Header().Get("ETag"), root.ask("yealink.xml", nil).Header().Get("ETag"); a == b {
		t.Errorf("both orders have the tag %s", a)
	}
	first := swedish.object("cisco.xml")
	next := first.key(t, "Next")
	if got := swedish.object(next).Entries[0].Name; got != "Ek" {
		t.Errorf("the second page begins with %s", got)
	}
	if got := root.object(next).Entries[0].Name; got != "Åberg" {
		t.Errorf("in another order the second page begins with %s", got)
	}
}

package carddav_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func bookQuery(filter, more string) string {
	return `<c:addressbook-query xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav"><prop><getetag/></prop>` + filter + more + `</c:addressbook-query>`
}

func TestQuery(t *testing.T) {
	s := newSite(t, people(t))
	match := func(prop, attrs, text string) string {
		return fmt.Sprintf(`<c:prop-filter name="%s"><c:text-match %s>%s</c:text-match></c:prop-filter>`, prop, attrs, text)
	}
	all := []string{"c-1", "c-2", "c-4"}
	for _, c := range []struct {
		filter string
		want   []string
	}{
		{`<c:filter/>`, all},
		{``, all},
		{`<c:filter>` + match("FN", "", "LOVE") + `</c:filter>`, []string{"c-1"}},
		{`<c:filter>` + match("fn", "", "größe") + `</c:filter>`, []string{"c-2"}},
		{`<c:filter>` + match("FN", "", "BÄRBEL") + `</c:filter>`, []string{"c-2"}},
		{`<c:filter>` + match("FN", `collation="i;ascii-casemap"`, "BÄRBEL") + `</c:filter>`, nil},
		{`<c:filter>` + match("FN", `collation="i;ascii-casemap"`, "BäRBEL") + `</c:filter>`, []string{"c-2"}},
		{`<c:filter>` + match("FN", `collation="i;octet"`, "ada") + `</c:filter>`, nil},
		{`<c:filter>` + match("FN", `match-type="starts-with"`, "ada") + `</c:filter>`, []string{"c-1"}},
		{`<c:filter>` + match("FN", `match-type="ends-with"`, "ada") + `</c:filter>`, nil},
		{`<c:filter>` + match("FN", `match-type="equals"`, "ada lovelace") + `</c:filter>`, []string{"c-1"}},
		{`<c:filter>` + match("FN", ``, `"Co"; Ltd, \o/`) + `</c:filter>`, []string{"c-4"}},
		{`<c:filter>` + match("FN", `negate-condition="yes"`, "ada") + `</c:filter>`, []string{"c-2", "c-4"}},
		// Every value of a property is looked at.
		{`<c:filter>` + match("EMAIL", ``, "a.lovelace@") + `</c:filter>`, []string{"c-1"}},
		{`<c:filter>` + match("TEL", ``, "1711234567") + `</c:filter>`, []string{"c-1"}},
		{`<c:filter><c:prop-filter name="EMAIL"/></c:filter>`, []string{"c-1", "c-2"}},
		{`<c:filter><c:prop-filter name="EMAIL"><c:is-not-defined/></c:prop-filter></c:filter>`, []string{"c-4"}},
		{`<c:filter><c:prop-filter name="PHOTO"/></c:filter>`, []string{"c-2"}},
		{`<c:filter>` + match("FN", "", "ada") + match("FN", "", "dot") + `</c:filter>`, []string{"c-1", "c-4"}},
		{`<c:filter test="allof">` + match("FN", "", "ada") + match("FN", "", "dot") + `</c:filter>`, nil},
		{`<c:filter test="allof">` + match("FN", "", "ada") + match("EMAIL", "", "contoso") + `</c:filter>`, []string{"c-1"}},
		{`<c:filter><c:prop-filter name="TEL"><c:param-filter name="TYPE"><c:text-match match-type="equals">fax</c:text-match></c:param-filter></c:prop-filter></c:filter>`, []string{"c-4"}},
		{`<c:filter><c:prop-filter name="TEL" test="allof"><c:text-match>4711</c:text-match><c:param-filter name="TYPE"><c:text-match>cell</c:text-match></c:param-filter></c:prop-filter></c:filter>`, nil},
		{`<c:filter><c:prop-filter name="TEL" test="anyof"><c:text-match>4711</c:text-match><c:param-filter name="TYPE"><c:text-match>cell</c:text-match></c:param-filter></c:prop-filter></c:filter>`, []string{"c-1", "c-4"}},
		{`<c:filter><c:prop-filter name="TEL"><c:param-filter name="X"><c:is-not-defined/></c:param-filter></c:prop-filter></c:filter>`, []string{"c-1", "c-4"}},
		{`<c:filter><c:prop-filter name="TEL"><c:param-filter name="TYPE"><c:is-not-defined/></c:param-filter></c:prop-filter></c:filter>`, nil},
	} {
		var want []string
		for _, id := range c.want {
			want = append(want, bookHref+id+".vcf")
		}
		if d := cmp.Diff(want, hrefs(multistatus(t, s.do("REPORT", bookHref, bookQuery(c.filter, ""))))); d != "" {
			t.Errorf("%s: %s", c.filter, d)
		}
	}
}

func TestQueryLimit(t *testing.T) {
	s := newSite(t, people(t))
	for limit, want := range map[int]int{2: 3, 3: 3, 4: 3} {
		body := multistatus(t, s.do("REPORT", bookHref, bookQuery("<c:filter/>", fmt.Sprintf("<c:limit><c:nresults>%d</c:nresults></c:limit>", limit))))
		if n, cut := len(hrefs(body)), strings.Contains(body, "507 Insufficient"); n != want || cut != (limit == 2) {
			t.Errorf("limit %d: %d responses, cut %t", limit, n, cut)
		}
	}
}

func TestQueryRefusals(t *testing.T) {
	s := newSite(t, people(t))
	for filter, want := range map[string]string{
		`<c:filter><c:prop-filter name="FN"><c:text-match collation="i;klingon">x</c:text-match></c:prop-filter></c:filter>`: "card:supported-collation",
		`<c:filter><c:prop-filter name="FN"><c:text-match match-type="like">x</c:text-match></c:prop-filter></c:filter>`:     "card:supported-filter",
		`<c:filter test="some"/>`:                        "card:supported-filter",
		`<c:filter><c:prop-filter/></c:filter>`:          "card:supported-filter",
		`<c:filter><c:comp-filter name="x"/></c:filter>`: "card:supported-filter",
	} {
		if r := s.do("REPORT", bookHref, bookQuery(filter, "")); r.status != 403 || !strings.Contains(r.body, want) {
			t.Errorf("%s: %d %s", filter, r.status, r.body)
		}
	}
}

func TestPartialCards(t *testing.T) {
	s := newSite(t, people(t))
	data := `<c:address-data><c:prop name="fn"/><c:prop name="TEL"/><c:prop name="EMAIL" novalue="yes"/></c:address-data>`
	want := "<card:address-data>BEGIN:VCARD&#13;\nVERSION:3.0&#13;\nFN:Ada Lovelace&#13;\nEMAIL:&#13;\nEMAIL:&#13;\n" +
		"TEL;TYPE=WORK;TYPE=VOICE:+493012345678&#13;\nTEL;TYPE=CELL:+491711234567&#13;\nEND:VCARD&#13;\n</card:address-data>"
	body := multistatus(t, s.do("REPORT", bookHref, multiget("<getetag/>"+data, bookHref+"c-1.vcf")))
	if !strings.Contains(body, want) {
		t.Error(body)
	}
	whole := s.do("GET", bookHref+"c-1.vcf", "")
	if !strings.Contains(body, whole.header.Get("ETag")) {
		t.Error("a partial card has another ETag than the card")
	}
	// Whoever asks for 4.0 unasked gets what we announce; another type is refused.
	if body := multistatus(t, s.do("REPORT", bookHref, multiget(`<c:address-data content-type="text/vcard" version="4.0"/>`, bookHref+"c-1.vcf"))); !strings.Contains(body, "VERSION:3.0") {
		t.Error(body)
	}
	r := s.do("REPORT", bookHref, multiget(`<c:address-data content-type="application/vcard+xml"/>`, bookHref+"c-1.vcf"))
	if r.status != 403 || !strings.Contains(r.body, "card:supported-address-data") {
		t.Errorf("xCard: %d %s", r.status, r.body)
	}
}

package carddav_test

import (
	"encoding/xml"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
	"ringbook/directory/text"
)

// Numbers are found by TEL in any spelling, as on every other surface.
func TestQueryNumbers(t *testing.T) {
	s := newSite(t, people(t))
	for _, c := range []struct {
		attrs, text string
		want        []string
	}{
		{"", "030 123456-78", []string{"c-1"}},
		{"", "0049 30 1234", []string{"c-1"}},
		{"", "(0171) 12", []string{"c-1"}},
		{"", "٠١٧١ ١٢٣", []string{"c-1"}},
		{`collation="i;ascii-casemap"`, "030123", []string{"c-1"}},
		{`collation="i;octet"`, "030123", nil},
		{`match-type="equals"`, "0171/1234567", []string{"c-1"}},
		{`match-type="equals"`, "tel:+49-171-1234567", []string{"c-1"}},
		{`match-type="equals"`, "0171/123456", nil},
		{`match-type="starts-with"`, "00 49 171", []string{"c-1"}},
		{`match-type="starts-with"`, "171", nil},
		{`match-type="ends-with"`, "345-67", []string{"c-1"}},
		{`match-type="equals"`, "4711", []string{"c-4"}},
		{"", "47", []string{"c-4"}},
		{"", "03", nil},
		{"", "voice", nil},
		{`negate-condition="yes"`, "0171/1234567", []string{"c-1", "c-4"}},
	} {
		var want []string
		for _, id := range c.want {
			want = append(want, bookHref+id+".vcf")
		}
		f := fmt.Sprintf(`<c:filter><c:prop-filter name="TEL"><c:text-match %s>%s</c:text-match></c:prop-filter></c:filter>`, c.attrs, c.text)
		if d := cmp.Diff(want, hrefs(multistatus(t, s.do("REPORT", bookHref, bookQuery(f, ""))))); d != "" {
			t.Errorf("%s %s: %s", c.attrs, c.text, d)
		}
	}
	both := `<c:filter><c:prop-filter name="TEL" test="allof"><c:text-match>0171 12</c:text-match><c:text-match>1234567</c:text-match></c:prop-filter></c:filter>`
	if got := hrefs(multistatus(t, s.do("REPORT", bookHref, bookQuery(both, "")))); len(got) != 1 {
		t.Errorf("both of two: %q", got)
	}
	fax := `<c:filter><c:prop-filter name="TEL" test="allof"><c:text-match>0171 12</c:text-match><c:param-filter name="TYPE"/></c:prop-filter></c:filter>`
	if got := hrefs(multistatus(t, s.do("REPORT", bookHref, bookQuery(fax, "")))); got != nil {
		t.Errorf("with a parameter: %q", got)
	}
}

// What cards are made of, and asked for: letters that fold in one collation and
// not in the other, and signs that cards escape.
var someTexts = []string{
	"Anna", "anna", "MÜLLER", "Mu\u0308ller", "Strauß", "STRAUSS", "Ærø", "İlker", "ışık", "ﬁsch", "O’Neil", "O´Neil", "o'neil", "김민수", "Иванов", "ΟΔΥΣΣΕΥΣ", "ς",
	"Mc Donald", "a  b", "x;y", `x,y\z`, "Adler, Karen", "Adler Karen", "Karen Adler", "van der Berg", "\u212bngström", "ǅ", "Ŀ", "山田", "-", "a\u00adb", "№ 5", "a´b", "a \u0301b", "\u0301", "\u00a8", "e\u0323\u0301", "Contoso GmbH", "@", "1&1", "4711", "+49", "030", "49301234567",
}

func someText(r *rand.Rand) string {
	s := []rune(someTexts[r.IntN(len(someTexts))])
	switch r.IntN(4) {
	case 0:
		s = s[r.IntN(len(s)):]
	case 1:
		s = s[:1+r.IntN(len(s))]
	case 2:
		s = append(append(s, ' '), []rune(someTexts[r.IntN(len(someTexts))])...)
	}
	return string(s)
}

func someCard(r *rand.Rand, n int) directory.Contact {
	c := directory.Contact{ID: directory.ContactID(fmt.Sprint("r-", n)), Source: directory.SourceUser, DisplayName: text.Clean(someText(r), false)}
	for _, s := range []*string{&c.GivenName, &c.Surname, &c.Company, &c.Department, &c.JobTitle} {
		if r.IntN(2) == 0 {
			*s = text.Clean(someText(r), false)
		}
	}
	for range r.IntN(3) {
		c.Emails = append(c.Emails, text.Clean(someText(r), false)+"@contoso.example")
	}
	for range r.IntN(3) {
		e164 := fmt.Sprintf("+4930%d", 1000000+r.IntN(9000000))
		c.Phones = append(c.Phones, directory.Phone{Kind: directory.PhoneWork, Written: e164, E164: e164})
	}
	if r.IntN(3) == 0 {
		c.Phones = append(c.Phones, directory.Phone{Kind: directory.PhoneFax, Written: text.Clean(someText(r), false)})
	}
	return c
}

func someCondition(r *rand.Rand) string {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	var b strings.Builder
	fmt.Fprintf(&b, `<c:prop-filter name="%s" test="%s">`, pick("FN", "N", "TEL", "EMAIL", "ORG", "TITLE", "UID", "NICKNAME", "PHOTO", "ADR"), pick("anyof", "allof"))
	switch r.IntN(8) {
	case 0:
		b.WriteString("<c:is-not-defined/>")
	case 1:
		fmt.Fprintf(&b, `<c:text-match>%s</c:text-match><c:param-filter name="TYPE"><c:text-match>%s</c:text-match></c:param-filter>`, "a", pick("fax", "work"))
	default:
		for range 1 + r.IntN(2) {
			fmt.Fprintf(&b, `<c:text-match collation="%s" match-type="%s" negate-condition="%s">`,
				pick("i;unicode-casemap", "i;ascii-casemap", "i;octet"), pick("contains", "equals", "starts-with", "ends-with"), pick("no", "no", "no", "yes"))
			if err := xml.EscapeText(&b, []byte(someText(r))); err != nil {
				panic(err)
			}
			b.WriteString("</c:text-match>")
		}
	}
	b.WriteString("</c:prop-filter>")
	return b.String()
}

// To ask the index first changes nothing of what is found.
func TestQueryIsNarrowedToNothingLess(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 1))
	s := newShelf(t, directory.Book{Name: "people", Filter: "(uid=*)"})
	var all []directory.Contact
	for n := range 150 {
		all = append(all, someCard(r, n))
	}
	s.apply(all)
	s.SetLoaded()
	for _, names := range directory.NameStyles() {
		d := phone()
		d.Names = names
		isNarrowedToNothingLess(t, r, newSite(t, s, d), len(all))
	}
}

func isNarrowedToNothingLess(t *testing.T, r *rand.Rand, st *site, all int) {
	t.Helper()
	ask := func(test, conditions string) []string {
		return hrefs(multistatus(t, st.do("REPORT", bookHref, bookQuery(`<c:filter test="`+test+`">`+conditions+`</c:filter>`, ""))))
	}
	// No card has it, which only the card tells: nobody is left out beforehand.
	const wide = `<c:prop-filter name="UID"><c:text-match>nobody</c:text-match></c:prop-filter>`
	found := 0
	for range 500 {
		a, b := someCondition(r), someCondition(r)
		wantA, wantB := ask("anyof", a+wide), ask("anyof", b+wide)
		if got := ask("anyof", a); !slices.Equal(got, wantA) {
			t.Fatalf("%s finds %q, without the index %q", a, got, wantA)
		}
		or := slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(wantA), wantB...))))
		if got := ask("anyof", a+b); !slices.Equal(got, or) {
			t.Fatalf("any of %s %s finds %q, without the index %q", a, b, got, or)
		}
		and := slices.DeleteFunc(slices.Clone(wantA), func(h string) bool { return !slices.Contains(wantB, h) })
		if got := ask("allof", a+b); !slices.Equal(got, and) {
			t.Fatalf("all of %s %s finds %q, without the index %q", a, b, got, and)
		}
		if len(wantA) > 0 && len(wantA) < all/4 {
			found++
		}
	}
	if found < 50 {
		t.Errorf("only %d conditions found somebody", found)
	}
}

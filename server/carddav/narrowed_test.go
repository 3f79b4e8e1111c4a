package carddav_test

import (
	"encoding/xml"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"ringbook/directory"
	"ringbook/directory/number"
)

// wide is a condition that is on no card, which only the card tells: where it is one of
// several, nobody is left out beforehand.
const wide = `<c:prop-filter name="UID"><c:text-match>nobody</c:text-match></c:prop-filter>`

// found asks for contacts whose cards meet any of some conditions.
func (s *site) found(t *testing.T, conditions string) []string {
	t.Helper()
	return hrefs(multistatus(t, s.do("REPORT", bookHref, bookQuery(`<c:filter test="anyof">`+conditions+`</c:filter>`, ""))))
}

func condition(property, attributes, value string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(value)); err != nil {
		panic(err)
	}
	return fmt.Sprintf(`<c:prop-filter name="%s"><c:text-match %s>%s</c:text-match></c:prop-filter>`, property, attributes, &b)
}

// TestQueryOfLettersThatACollationTakesForOthers: i;unicode-casemap has S for ſ, I for ı, Ι for
// a Greek iota subscript, and A with its marks for all kinds of A.
func TestQueryOfLettersThatACollationTakesForOthers(t *testing.T) {
	for _, c := range []struct{ value, asked string }{
		{"ſabine", "SAB"},
		{"Sabine", "ſab"},
		{"ışık", "I"},
		{"ışın", "IS"},
		{"ilker", "ılk"},
		{"\u212airk", "kirk"},
		{"kirk", "\u212aIRK"},
		{"müller", "MU"},
		{"mu\u0308ller", "MÜLL"},
		{"josé", "jose"},
		{"ａnna", "ANN"},
		{"τ\u0345μη", "τιμη"},
		{"τιμη", "τ\u0345μη"},
		{"Δημητρίου", "ημητρι"},
		{"ι", "\u0345"},
		{"x\u0345", "ι"},
	} {
		s := newShelf(t, directory.Book{Name: "people", Filter: "(uid=*)"})
		s.apply([]directory.Contact{
			{ID: "fn", Source: directory.SourceUser, DisplayName: c.value},
			{ID: "n", Source: directory.SourceUser, DisplayName: "-", Surname: c.value},
			{ID: "org", Source: directory.SourceUser, DisplayName: "-", Company: c.value},
			{ID: "email", Source: directory.SourceUser, DisplayName: "-", Emails: []string{c.value + "@contoso.example"}},
			{ID: "tel", Source: directory.SourceUser, DisplayName: "-", Phones: []directory.Phone{{Kind: directory.PhoneWork, Written: c.value}}},
		})
		s.SetLoaded()
		st := newSite(t, s)
		for _, property := range []string{"FN", "N", "ORG", "EMAIL", "TEL"} {
			for _, collation := range []string{"i;unicode-casemap", "i;ascii-casemap", "i;octet"} {
				f := condition(property, `collation="`+collation+`"`, c.asked)
				if got, want := st.found(t, f), st.found(t, f+wide); !slices.Equal(got, want) {
					t.Errorf("%s: %q in %q finds %q, without the index %q", property, c.asked, c.value, got, want)
				}
			}
			if got := st.found(t, condition(property, "", c.asked)); len(got) == 0 {
				t.Errorf("%s: %q is not found in %q", property, c.asked, c.value)
			}
		}
	}
}

// someNumbers are numbers as people write them: valid ones, extensions, short ones, two in one, and none.
var someNumbers = []string{
	"+49 30 5557 1234", "030 5557-1000", "0171 2345678", "+43 1 58858-0", "+1 212 555 0123", "1234", "1000", "117", "*31#030 123", "+49 (0)89 55561999",
	"030/123456 oder 0171/99", "DW 12", "Kl. 7", "x", "-", "0800 GOFEDEX", "²12", "٠١٧١ ٢٣٤٥٦", "１２３４", "12-34 / 56", "+", "00 49 30", "110", "anonymous", "tel:+49301", "0",
}

func somePhone(r *rand.Rand, p *number.Plan) directory.Phone {
	s := someNumbers[r.IntN(len(someNumbers))]
	if r.IntN(3) == 0 {
		s = fmt.Sprint([]string{"+4930555", "+49172", "030", "0", "", "+43", "+33"}[r.IntN(7)], r.IntN(10_000_000))
	}
	return directory.Phone{Kind: directory.PhoneKinds()[r.IntN(len(directory.PhoneKinds()))], Written: s, E164: p.E164(s)}
}

// TestNumbersAreNarrowedToNothingLess: whoever is found by a number when every card is looked
// at is found by way of the index, as each kind of device gets the numbers.
func TestNumbersAreNarrowedToNothingLess(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 2))
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	for _, site := range []number.Site{
		{Country: "DE"},
		{Country: "DE", AreaCode: "30", ExternalPrefix: "0", ExternalFor: directory.DeviceKinds(), Stem: "+49305557", Extensions: "1000-4999"},
		{Country: "US", AreaCode: "212", ExternalPrefix: "9", ExternalFor: directory.DeviceKinds(), Stem: "+1212555", Extensions: "0100-0199"},
	} {
		p, err := number.NewPlans(site)
		if err != nil {
			t.Fatal(err)
		}
		s := newShelfAt(t, p, directory.Book{Name: "people", Filter: "(uid=*)"})
		var all []directory.Contact
		for n := range 120 {
			c := directory.Contact{ID: directory.ContactID(fmt.Sprint("r-", n)), Source: directory.SourceUser, DisplayName: fmt.Sprint("Person ", n)}
			for range r.IntN(4) {
				c.Phones = append(c.Phones, somePhone(r, p))
			}
			all = append(all, c)
		}
		s.apply(all)
		s.SetLoaded()
		some := 0
		for _, profile := range directory.NumberProfiles() {
			d := phone()
			d.Numbers = profile
			st := newSite(t, s, d)
			for range 60 {
				ph := somePhone(r, p)
				asked := []rune(pick(ph.Written, p.Profile(d).Write(ph), ph.Canonical()))
				from := r.IntN(len(asked))
				asked = asked[from : from+1+r.IntN(len(asked)-from)]
				f := condition("TEL", fmt.Sprintf(`collation="%s" match-type="%s" negate-condition="%s"`,
					pick("i;unicode-casemap", "i;ascii-casemap", "i;octet"), pick("contains", "equals", "starts-with", "ends-with"), pick("no", "no", "no", "no", "yes")), string(asked))
				want := st.found(t, f+wide)
				if got := st.found(t, f); !slices.Equal(got, want) {
					t.Fatalf("%s, %s: %s finds %d, without the index %d", site.Country, profile, f, len(got), len(want))
				}
				if len(want) > 0 && len(want) < len(all)/4 {
					some++
				}
			}
		}
		if some < 30 {
			t.Errorf("only %d conditions found somebody", some)
		}
	}
}

package carddav

import (
	"slices"
	"strings"
	"testing"

	"ringbook/directory"
	"ringbook/directory/index"
	"ringbook/directory/number"
	"ringbook/directory/text"
)

// sieveSeeds are texts of contacts, and what is looked for.
var sieveSeeds = [][2]string{
	{"ſabine", "SAB"},
	{"ışık", "I"},
	{"müller", "MU"},
	{"τ\u0345μη", "τιμη"},
	{"τιμη", "τ\u0345μη"},
	{"O´Neil", "o'n"},
	{"a  b", " b"},
	{"x;y", "x;"},
	{"ﬁsch", "fi"},
	{"김민수", "기"},
	{"+49 30 5557 1234", "00305557"},
	{"030 5557-1000", "1000"},
	{"²12", "212"},
	{"٠١٧١", "0171"},
	{"12-34 / 56", "34"},
	{"0800 GOFEDEX", "gof"},
	{"tel:+49301", "+4930"},
	{"Adler, Karen", "r k"},
	{"-", "-"},
}

func TestSieveSeeds(t *testing.T) {
	if len(sieveSeeds) != 19 {
		t.Errorf("%d seeds", len(sieveSeeds))
	}
	p := sievePlan(t)
	for _, s := range sieveSeeds {
		for kind := range uint8(12) {
			sieveLetsThrough(t, p, s[0], s[1], kind)
		}
	}
}

func sievePlan(tb testing.TB) *number.Plan {
	tb.Helper()
	p, err := number.NewPlans(number.Site{Country: "DE", AreaCode: "30", ExternalPrefix: "0", ExternalFor: directory.DeviceKinds(), Stem: "+49305557", Extensions: "1000-4999"})
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// FuzzSieve: whoever's card a condition is true for is let through, whatever is
// written on it and looked for.
func FuzzSieve(f *testing.F) {
	for i, s := range sieveSeeds {
		f.Add(s[0], s[1], uint8(i))
	}
	p := sievePlan(f)
	f.Fuzz(func(t *testing.T, value, asked string, kind uint8) {
		if asked = strings.ToValidUTF8(asked, ""); len(value) < 1000 && len(asked) < 1000 {
			sieveLetsThrough(t, p, text.Clean(value, false), asked, kind)
		}
	})
}

// sieveLetsThrough asks one person's card; kind is of comparison, collation and device.
func sieveLetsThrough(t *testing.T, p *number.Plan, value, asked string, kind uint8) {
	t.Helper()
	c := &directory.Contact{
		ID: "c", DisplayName: value, Surname: value, Company: value, JobTitle: value, Emails: []string{value + "@contoso.example"},
		Phones: []directory.Phone{{Kind: directory.PhoneWork, Written: value, E164: p.E164(value)}},
	}
	contacts, marks := []index.Stored{{Contact: c}}, []index.Mark{{Book: "people", ID: "c", Revision: 1}}
	x, err := index.New(index.Options{Books: []directory.Book{{Name: "people", Filter: "(uid=*)"}}, Plan: p}, "0123456789abcdef", 1, slices.Values(contacts), slices.Values(marks))
	if err != nil {
		t.Fatal(err)
	}
	b := x.View().Shelf([]directory.BookName{"people"}, false)[0]
	e := b.Entry("c")
	profiles, styles := directory.NumberProfiles(), directory.NameStyles()
	device := directory.Device{Kind: directory.KindDeskphone, Numbers: profiles[int(kind)%len(profiles)], Names: styles[int(kind)/len(profiles)%len(styles)]}
	cards := newCards(nil)
	ex := &exchange{style: cards.style(device, p)}
	m := textMatch{raw: asked, fold: foldUnicode, is: strings.Contains, matchType: "contains"}
	if kind&1 != 0 {
		m.fold = foldASCII
	}
	m.text = m.fold(asked)
	card := cards.sketch(nil, ex.style, e)
	for _, property := range []string{"FN", "N", "ORG", "TITLE", "EMAIL", "TEL"} {
		g := group{props: []propFilter{{name: property, texts: []textMatch{m}}}}
		g.readNumbers(b)
		if !g.match(card, e) {
			continue
		}
		v := ex.sieve(&g, b)
		found := v.filter == nil
		if !found {
			for range b.SearchContext(t.Context(), v.filter, "", "") {
				found = true
			}
		}
		if !v.passes(e) || !found {
			t.Errorf("%s %q is on the card of %q (%s, %s), and is not let through", property, asked, value, device.Numbers, device.Names)
		}
	}
}

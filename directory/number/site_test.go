package number_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"ringbook/directory"
	"ringbook/directory/number"
)

// A company of two sites in one country, which have an extension in common, and
// one in another.
var (
	berlinSite = number.Site{
		Country: "DE", AreaCode: "030", ExternalPrefix: "0", ExternalFor: []directory.DeviceKind{directory.KindDeskphone},
		Stem: "+49 30 5557", Extensions: "1000-4999, 10",
	}
	munichSite = number.Site{
		Name: "munich", Country: "DE", AreaCode: "89", Stem: "+49895556", Extensions: "1000-1999, 6000-6999",
		Locations: []string{"Munich", "München"},
	}
	bostonSite = number.Site{
		Name: "boston", Country: "US", AreaCode: "617", ExternalPrefix: "9", Stem: "+1617555", Extensions: "0100-0199",
		Locations: []string{"Boston"},
	}
)

func company(tb testing.TB, first number.Site, further ...number.Site) *number.Plan {
	tb.Helper()
	p, err := number.NewPlans(first, further...)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func TestE164AtASite(t *testing.T) {
	long := number.Site{Name: "long", Country: "DE", AreaCode: "30", Stem: "+49305558", Extensions: "10000-19999"}
	p := company(t, berlinSite, munichSite, bostonSite, long)
	for _, tt := range []struct{ site, written, want, reason string }{
		{"", "1234", "+493055571234", "an extension"},
		{"", "DW 1234", "+493055571234", "and its name"},
		{"", "Nebenstelle: 12-34", "+493055571234", "and separators"},
		{"", "-1234", "+493055571234", "the end of a number"},
		{"", "10", "+4930555710", "of another length"},
		{"", "999", "", "no extension of the site"},
		{"", "5000", "", "beyond the range"},
		{"", "6000", "", "another site's: somebody in Berlin meant something else"},
		{"", "1234 Contoso", "", "junk is kept"},
		{"", "Raum 1234", "", "junk is kept"},
		{"", "+1234", "", "no extension has a plus"},
		{"", "**1234", "", "a code for the exchange"},
		{"", "030 5557-1234", "+493055571234", "from outside"},
		{"", "030 5557 DW 1234", "+493055571234", "behind the main number"},
		{"", "+49 (0)30 5557 / App. 1234", "+493055571234", "the same from abroad"},
		{"", "5557 ext. 1234", "+493055571234", "the same without area code"},
		{"", "0-030 5557 1234", "+493055571234", "with the external prefix"},
		{"", "030 7654321 DW 1234", "+49307654321", "an extension of somebody else"},
		{"", "030 5557 DW 999", "+49305557", "an extension that there is not: the main line"},
		{"", "55571234", "+493055571234", "without area code"},
		{"long", "5558 12345", "+4930555812345", "and longer than numbers in town are"},
		{"", "765 43 21", "+49307654321", "somebody else in town"},
		{"", "12345", "", "too short for a number in town"},
		{"", "116117", "", "a service"},
		{"", "112", "", "emergency"},
		{"", "089 5556 1234", "+4989555612 34", "another site from outside"},
		{"munich", "1234", "+498955561234", "the same extension elsewhere"},
		{"munich", "55571234", "+498955571234", "without area code elsewhere"},
		{"munich", "4000", "", "Berlin's"},
		{"boston", "0123", "+16175550123", "leading zero"},
		{"boston", "555-0123", "+16175550123", "seven digits"},
		{"boston", "9 1 617 555 0123", "+16175550123", "with the external prefix"},
		{"boston", "911", "", "emergency"},
		{"boston", "011 49 30 5557 1234", "+493055571234", "exit code"},
	} {
		if got, want := p.Site(directory.SiteName(tt.site)).E164(tt.written), strings.ReplaceAll(tt.want, " ", ""); got != want {
			t.Errorf("%q: %q is %q, want %q (%s)", tt.site, tt.written, got, want, tt.reason)
		}
	}
}

func TestPrefixesOfAnOperator(t *testing.T) {
	p := company(t, number.Site{Country: "DE", NationalPrefix: "5", InternationalPrefix: "55"})
	if q := p.Query("+495301234567"); q.Equal(directory.Phone{E164: "+49301234567"}) || !q.Equal(directory.Phone{E164: "+495301234567"}) {
		t.Error("the operator's prefix is looked for behind the country's code")
	}
	for written, want := range map[string]string{"+49 030 1234567": "+49301234567", "530 1234567": "+49301234567", "55 43 1 58858": "+43158858", "0049301234567": "+49301234567"} {
		if got := p.E164(written); got != want {
			t.Errorf("%q is %q, want %q", written, got, want)
		}
		if !p.Query(written).Equal(directory.Phone{E164: want}) {
			t.Errorf("%q does not find %s", written, want)
		}
	}
}

// An international prefix may begin with 00, which is read as one as well.
func TestInternationalPrefix(t *testing.T) {
	p := company(t, number.Site{Country: "SG", InternationalPrefix: "001"})
	berlin := directory.Phone{E164: "+49301234567"}
	for _, written := range []string{"001 49 30 1234567", "0049 30 1234567"} {
		q := p.Query(written)
		if !q.Equal(berlin) || !q.Prefix(berlin) || !q.Suffix(berlin) || p.E164(written) != berlin.E164 {
			t.Errorf("%q does not find %s", written, berlin.E164)
		}
	}
	if q := p.Query("00149"); !q.Prefix(berlin) {
		t.Error("what is typed of it does not find it")
	}
	if got := p.Format(berlin, directory.NumbersNational); got != "00149301234567" {
		t.Errorf("written as %s", got)
	}
}

// An operator's trunk prefix, in a country that has none: people leave it out.
func TestNationalPrefix(t *testing.T) {
	p := company(t, number.Site{Country: "US", NationalPrefix: "1", ExternalPrefix: "9"})
	newYork := directory.Phone{E164: "+12125550123"}
	for _, typed := range []string{"212", "2125550123", "1212", "12125550123", "9212", "91212555"} {
		if !p.Query(typed).Prefix(newYork) {
			t.Errorf("%q does not begin %s", typed, newYork.E164)
		}
		checkIndex(t, p.Query(typed), newYork)
	}
}

// The spellings that a phone at the site dials, sends or lets people type, and
// whom they find.
func TestEqualAtASite(t *testing.T) {
	p := company(t, berlinSite, munichSite, bostonSite)
	ada := directory.Phone{Written: "1234", E164: "+493055571234"}
	mona := directory.Phone{Written: "1234", E164: "+498955561234"}
	zoe := directory.Phone{Written: "6000", E164: "+498955566000"}
	bob := directory.Phone{Written: "x0123", E164: "+16175550123"}
	emergency := directory.Phone{E164: "+4930555110"}
	everybody := map[string]directory.Phone{"ada": ada, "mona": mona, "zoe": zoe, "bob": bob, "emergency": emergency}
	for _, tt := range []struct{ site, query, want string }{
		{"", "1234", "ada"},
		{"", "5557-1234", "ada"},
		{"", "030 5557 1234", "ada"},
		{"", "0030 5557 1234", "ada"}, // external prefix
		{"", "000493055571234", "ada"},
		{"", "+493055571234", "ada"},
		{"", "030 5557 DW 1234", "ada"},
		{"", "tel:1234;phone-context=+49305557", "ada"},
		{"", "tel:1234;phone-context=pbx.contoso.com", "ada"},
		{"", "sip:1234@10.0.0.1", "ada"},
		{"", "sip:1234:5678@10.0.0.1", "ada"},
		{"", `"Hotline: Berlin" <sip:1234@pbx.contoso.com>`, "ada"},
		{"", `"Ada" <sip:%2B493055571234@pbx.contoso.com;user=phone>;tag=77`, "ada"},
		{"", "sip:03055571234;cpc=ordinary@pbx;user=phone", "ada"},
		{"", "*31#03055571234", "ada"},
		{"", "*21*1234#", "ada"},
		{"", "6000", "zoe"}, // no extension here begins so
		{"", "089 5556 1234", "mona"},
		{"", "234", ""},
		{"munich", "1234", "mona"},
		{"munich", "55571234", ""},
		{"munich", "55561234", "mona"},
		{"munich", "03055571234", "ada"},
		{"boston", "1234", "ada"},
		{"boston", "0123", "bob"},
		{"boston", "5550123", "bob"},
		{"boston", "916175550123", "bob"},
		{"boston", "901149 30 5557 1234", "ada"},
	} {
		for name, ph := range everybody {
			q := p.Site(directory.SiteName(tt.site)).Query(tt.query)
			// Of Boston, both sites that have 1234 are meant.
			want := name == tt.want || tt.site == "boston" && tt.query == "1234" && name == "mona"
			if got := q.Equal(ph); got != want {
				t.Errorf("%q: %q is %s: %v, want %v", tt.site, tt.query, name, got, want)
			}
			checkIndex(t, q, ph)
		}
	}
	q := p.Everywhere().Query("1234")
	if !q.Equal(ada) || !q.Equal(mona) || q.Equal(zoe) {
		t.Error("1234 does not find those of all sites")
	}
}

func TestPrefixAtASite(t *testing.T) {
	p := company(t, berlinSite, munichSite, bostonSite)
	ada := directory.Phone{E164: "+493055571234"}
	for query, want := range map[string]bool{
		"1": true, "12": true, "123": true, "1234": true, "13": false, "2": false, "5557": true, "5557 12": true,
		"0": true, "00": true, "0030": true, "003055": true, "003155": false, "12345": false, "030 5557 DW 12": true,
	} {
		if got := p.Query(query).Prefix(ada); got != want {
			t.Errorf("%q begins it: %v", query, got)
		}
		checkIndex(t, p.Query(query), ada)
	}
}

func TestWrite(t *testing.T) {
	p := company(t, berlinSite, munichSite, bostonSite)
	ada, mona, raw := directory.Phone{E164: "+493055571234"}, directory.Phone{E164: "+498955561234"}, directory.Phone{Written: "1234"}
	desk, cell := directory.KindDeskphone, directory.KindPhone
	for _, tt := range []struct {
		site    string
		kind    directory.DeviceKind
		profile directory.NumberProfile
		ph      directory.Phone
		want    string
	}{
		{"", desk, directory.NumbersE164, ada, "+493055571234"},
		{"", desk, directory.NumbersInternational, ada, "000493055571234"},
		{"", desk, directory.NumbersNational, ada, "003055571234"},
		{"", desk, directory.NumbersExtension, ada, "1234"},
		{"", desk, directory.NumbersExtension, mona, "008955561234"},
		{"", desk, directory.NumbersNational, raw, "1234"},
		{"", cell, directory.NumbersNational, ada, "03055571234"},
		{"", cell, directory.NumbersExtension, mona, "08955561234"},
		{"munich", desk, directory.NumbersExtension, mona, "1234"},
		{"munich", desk, directory.NumbersExtension, ada, "03055571234"},
		{"boston", desk, directory.NumbersNational, ada, "011493055571234"},
	} {
		d := directory.Device{Kind: tt.kind, Numbers: tt.profile}
		if got := p.Site(directory.SiteName(tt.site)).Profile(d).Write(tt.ph); got != tt.want {
			t.Errorf("%q: %s %s: %s, want %s", tt.site, tt.kind, tt.profile, got, tt.want)
		}
	}
}

func TestExtension(t *testing.T) {
	p := company(t, berlinSite, munichSite, bostonSite)
	ada, mona, zoe := directory.Phone{E164: "+493055571234"}, directory.Phone{E164: "+498955561234"}, directory.Phone{E164: "+498955566000"}
	for site, want := range map[directory.SiteName][3]string{
		"":       {"1234", "", "6000"}, // Munich's 1234 is somebody else here
		"munich": {"", "1234", "6000"},
		"boston": {"", "", "6000"}, // two sites have 1234
	} {
		s := p.Site(site)
		if got := [3]string{s.Extension(ada), s.Extension(mona), s.Extension(zoe)}; got != want {
			t.Errorf("%q: %q, want %q", site, got, want)
		}
	}
	if s := p.Extension(directory.Phone{Written: "1234"}) + p.Extension(directory.Phone{E164: "+4930"}); s != "" {
		t.Errorf("what is no number of a site has extension %s", s)
	}
}

// An emergency number of the country that one stands in is nobody's extension,
// even if it is one at another site.
func TestEmergenciesOfTheCountry(t *testing.T) {
	p := company(t, number.Site{Country: "DE", Stem: "+4930555", Extensions: "200-299"}, number.Site{Name: "boston", Country: "US", Stem: "+16175550", Extensions: "100-199"})
	ph := directory.Phone{E164: "+16175550110"}
	for site, want := range map[directory.SiteName]bool{"": false, "boston": true} {
		s := p.Site(site)
		if q := s.Query("110"); q.Equal(ph) != want || s.Extension(ph) == "110" != want || q.Prefix(ph) != want {
			t.Errorf("%q: 110 is somebody in Boston: %v", site, q.Equal(ph))
		}
	}
	if all := p.Emergencies(); len(all) != 0 {
		t.Errorf("%q in the ranges", all)
	}
}

// Emergency numbers are nobody's, whatever the ranges say.
func TestEmergencies(t *testing.T) {
	p := company(t, number.Site{Country: "DE", Stem: "+4930555", Extensions: "100-199"})
	if got := p.Emergencies(); !slices.Equal(got, []string{"110", "112"}) {
		t.Errorf("emergencies %q", got)
	}
	for _, s := range []string{"110", "112"} {
		if e := p.E164(s); e != "" {
			t.Errorf("%s is %s", s, e)
		}
		q := p.Query(s)
		if ph := (directory.Phone{E164: "+4930555" + s}); q.Equal(ph) || q.Prefix(ph) || p.Extension(ph) != "" {
			t.Errorf("%s is somebody's", s)
		}
	}
}

func TestWhosePlan(t *testing.T) {
	p := company(t, berlinSite, munichSite, bostonSite)
	at := func(office, city string) *directory.Contact {
		return &directory.Contact{Office: office, Address: directory.Address{City: city}}
	}
	for _, tt := range []struct {
		c    *directory.Contact
		want directory.SiteName
	}{
		{at("", ""), ""},
		{at("", "MÜNCHEN"), "munich"},
		{at("Boston", "Munich"), "boston"},
		{at("3. OG", "munich"), "munich"},
		{at("München-Ost", ""), ""},
	} {
		if got := p.Of(tt.c).Name(); got != tt.want {
			t.Errorf("%q, %q: %q, want %q", tt.c.Office, tt.c.Address.City, got, tt.want)
		}
	}
	if got := p.For(directory.Device{Site: "boston"}, at("", "Munich")).Name(); got != "boston" {
		t.Errorf("a device of Boston whose owner is in Munich dials as in %q", got)
	}
	if got := p.For(directory.Device{}, at("", "Munich")).Name(); got != "munich" {
		t.Errorf("a device of somebody in Munich dials as in %q", got)
	}
	for city, want := range map[string]directory.SiteName{"": "", "Munich": "munich"} {
		if got := p.For(directory.Device{Site: "gone"}, at("", city)).Name(); got != want {
			t.Errorf("a device of a site that is no more, whose owner is in %q, dials as in %q", city, got)
		}
	}
	if got := p.For(directory.Device{}, nil).Name(); got != "" {
		t.Errorf("nobody's device dials as in %q", got)
	}
	apart := munichSite
	apart.Locations = []string{" Mu\u0308nchen"} // as a Mac names it
	if got := company(t, berlinSite, apart).Of(at("", "München")).Name(); got != "munich" {
		t.Errorf("who sits in München dials as in %q", got)
	}
	if got := p.Read(at("", "Munich"), "1234"); got != "+498955561234" {
		t.Errorf("1234 in Munich is %s", got)
	}
}

func TestDigests(t *testing.T) {
	de := plan(t, "de")
	if de.Digest() != "DE" || de.CompanyDigest() != "DE" { // stores and tokens of before sites know it so
		t.Errorf("a country is %s, %s", de.Digest(), de.CompanyDigest())
	}
	for country, stays := range map[string]bool{"AT": true, "FR": true, "US": false, "JP": false, "IT": false} {
		// Who has numbers in an earlier spelling is told; the tenant need not be read again.
		if q := plan(t, country); q.CompanyDigest() != country || (q.Digest() == country) != stays {
			t.Errorf("%s is %s, %s", country, q.Digest(), q.CompanyDigest())
		}
	}
	p := company(t, berlinSite, munichSite)
	seen := map[string]bool{}
	for _, q := range []*number.Plan{
		de, p, p.Site("munich"), company(t, munichSite, number.Site{Name: "x", Country: "AT"}), plan(t, "AT"),
		company(t, number.Site{Country: "DE", ExternalPrefix: "0"}),
		company(t, number.Site{Country: "DE", ExternalPrefix: "0", ExternalFor: []directory.DeviceKind{directory.KindPBX}}),
	} {
		both := q.Digest() + " " + q.CompanyDigest()
		if seen[both] {
			t.Errorf("%s twice", both)
		}
		seen[both] = true
	}
	if p.Site("munich").CompanyDigest() != p.CompanyDigest() {
		t.Error("one company has two digests")
	}
}

func TestMistakesInSites(t *testing.T) {
	ranges := func(s string) number.Site {
		return number.Site{Country: "DE", Stem: "+49305557", Extensions: s}
	}
	munich := func(change func(*number.Site)) number.Site {
		s := munichSite
		change(&s)
		return s
	}
	for name, tt := range map[string]struct {
		sites []number.Site
		site  int
		key   string
	}{
		"country":              {[]number.Site{{Country: "Germany"}}, 0, number.KeyCountry},
		"prefix":               {[]number.Site{{Country: "DE", ExternalPrefix: "zero"}}, 0, number.KeyExternalPrefix},
		"long prefix":          {[]number.Site{{Country: "DE", NationalPrefix: "123456"}}, 0, number.KeyNationalPrefix},
		"exit":                 {[]number.Site{{Country: "DE", InternationalPrefix: "+"}}, 0, number.KeyInternationalPrefix},
		"area code":            {[]number.Site{{Country: "DE", AreaCode: "Berlin"}}, 0, number.KeyAreaCode},
		"name":                 {[]number.Site{{Country: "DE", Name: "Haus A"}}, 0, number.KeyName},
		"no name":              {[]number.Site{berlinSite, munich(func(s *number.Site) { s.Name = "" })}, 1, number.KeyName},
		"same name":            {[]number.Site{munichSite, {Country: "AT", Name: "munich"}}, 1, number.KeyName},
		"no stem":              {[]number.Site{{Country: "DE", Extensions: "10-99"}}, 0, number.KeyStem},
		"no extensions":        {[]number.Site{{Country: "DE", Stem: "+49305557"}}, 0, number.KeyExtensions},
		"stem without +":       {[]number.Site{{Country: "DE", Stem: "0305557", Extensions: "10-99"}}, 0, number.KeyStem},
		"stem abroad":          {[]number.Site{{Country: "DE", Stem: "+4315557", Extensions: "10-99"}}, 0, number.KeyStem},
		"stem of nobody":       {[]number.Site{{Country: "US", Stem: "+1111555", Extensions: "1000-1999"}}, 0, number.KeyStem},
		"stem with trunk":      {[]number.Site{{Country: "DE", Stem: "+490305557", Extensions: "1000-1999"}}, 0, number.KeyStem},
		"too long":             {[]number.Site{{Country: "US", Stem: "+1617555", Extensions: "10000-19999"}}, 0, number.KeyStem},
		"words":                {[]number.Site{ranges("all")}, 0, number.KeyExtensions},
		"backwards":            {[]number.Site{ranges("4999-1000")}, 0, number.KeyExtensions},
		"of two lengths":       {[]number.Site{ranges("100-1999")}, 0, number.KeyExtensions},
		"overlap":              {[]number.Site{ranges("1000-1999, 1500-1600")}, 0, number.KeyExtensions},
		"endless":              {[]number.Site{ranges("10000000-19999999")}, 0, number.KeyExtensions},
		"many":                 {[]number.Site{ranges(strings.Repeat("1,", 65))}, 0, number.KeyExtensions},
		"behind the prefix":    {[]number.Site{{Country: "DE", ExternalPrefix: "0", Stem: "+49305557", Extensions: "0000-9999"}}, 0, number.KeyExtensions},
		"one range, two stems": {[]number.Site{berlinSite, munich(func(s *number.Site) { s.Stem, s.Extensions = "+493055571", "000-099" })}, 1, number.KeyExtensions},
		"one stem, one range":  {[]number.Site{berlinSite, munich(func(s *number.Site) { s.Stem, s.Extensions = berlinSite.Stem, "4999" })}, 1, number.KeyExtensions},
		"one place":            {[]number.Site{berlinSite, munichSite, {Country: "AT", Name: "vienna", Locations: []string{"münchen"}}}, 2, number.KeyLocations},
	} {
		_, err := number.NewPlans(tt.sites[0], tt.sites[1:]...)
		e, ok := errors.AsType[*number.SiteError](err)
		if !ok || !errors.Is(err, directory.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if e.Site != tt.site || e.Key != tt.key || e.What == "" || e.Mend == "" {
			t.Errorf("%s: %+v, want key %s of site %d", name, *e, tt.key, tt.site)
		}
	}
	_, err := number.NewPlans(number.Site{Country: "DE", AreaCode: "x", Stem: "y", Extensions: "z"}, number.Site{Country: "??"})
	if n := strings.Count(err.Error(), "\n") + 1; n != 4 {
		t.Errorf("%d mistakes told, want 4: %v", n, err)
	}
}

func TestRank(t *testing.T) {
	p := company(t, berlinSite, munichSite)
	for _, tt := range []struct {
		query string
		ph    directory.Phone
		want  number.Rank
	}{
		{"1234", directory.Phone{Written: "1234", E164: "+493055571234"}, number.RankWhole},
		{"1234", directory.Phone{Written: "1234"}, number.RankWritten},
		{"1234", directory.Phone{Written: "1234", E164: "+498955561234"}, number.RankPart}, // its digits, and another number
		{"+493055571234", directory.Phone{E164: "+493055571234"}, number.RankWhole},
		{"030 1234567", berlin, number.RankWhole},
		{"030 1234567", desk, number.RankMain},
		{"030 1234567 ext. 12", desk, number.RankWhole},
		{"030 1234567 ext. 12", berlin, number.RankMain},
		{"34567", berlin, number.RankPart},
		{"03012", berlin, number.RankPart},
		{"", berlin, number.RankNone},
		{"0301234568", berlin, number.RankNone},
	} {
		if got := p.Query(tt.query).Rank(tt.ph); got != tt.want {
			t.Errorf("%q ranks %v as %d, want %d", tt.query, tt.ph, got, tt.want)
		}
	}
}

// Whatever is written for a device is found by it again, at every site and in
// every profile, and nobody else is found.
func TestWrittenIsFoundAgain(t *testing.T) {
	p := company(t, berlinSite, munichSite, bostonSite)
	phones := []directory.Phone{
		berlin, desk, vienna, rome, newYork, internal, fritzBox,
		{Written: "1234", E164: "+493055571234"},
		{Written: "1234", E164: "+498955561234"},
		{Written: "6000", E164: "+498955566000"},
		{Written: "0123", E164: "+16175550123"},
	}
	for _, site := range []directory.SiteName{"", "munich", "boston"} {
		for _, kind := range directory.DeviceKinds() {
			for _, profile := range directory.NumberProfiles() {
				s, d := p.Site(site), directory.Device{Kind: kind, Numbers: profile}
				for _, ph := range phones {
					written := s.Profile(d).Write(ph)
					q := s.Query(written)
					for _, other := range phones {
						same := other == ph || ph.E164 != "" && other.E164 == ph.E164
						// What is no valid number may be anybody's digits.
						if got := q.Equal(other); got != same && ph.E164 != "" && other.E164 != "" || same && !got {
							t.Errorf("%q %s %s: %s of %v is %v: %v", site, kind, profile, written, ph, other, got)
						}
					}
					if short := s.Extension(ph); short != "" && !s.Query(short).Equal(ph) {
						t.Errorf("%q: extension %s of %v is not found again", site, short, ph)
					}
				}
			}
		}
	}
}

// The seeds of FuzzSite: what the corpus of the index has in its nine countries.
const siteSeeds = 600

// Whatever is written at a site and looked for at another: E.164 is valid or
// none, an index finds what comparing finds, and what we write of a valid number,
// for any device of any site, finds it again.
func FuzzSite(f *testing.F) {
	rows, err := os.ReadFile("testdata/corpus.csv")
	if err != nil {
		f.Fatal(err)
	}
	all, err := csv.NewReader(bytes.NewReader(rows)).ReadAll()
	if err != nil || len(all) != siteSeeds+1 {
		f.Fatalf("%d rows, %v: want %d", len(all), err, siteSeeds+1)
	}
	for i, r := range all[1:] {
		f.Add(byte(i), r[1], "1234")
		f.Add(byte(i), "1234", r[1])
	}
	p := company(f, berlinSite, munichSite, bostonSite)
	sites := []*number.Plan{p, p.Site("munich"), p.Site("boston")}
	f.Fuzz(func(t *testing.T, at byte, w, looked string) {
		home := sites[int(at)%len(sites)]
		ph := directory.Phone{Written: w, E164: home.E164(w)}
		if !e164.MatchString(ph.E164) {
			t.Errorf("E164(%q) = %q", w, ph.E164)
		}
		for _, s := range append(sites, p.Everywhere()) {
			checkIndex(t, s.Query(looked), ph)
			checkIndex(t, s.Query(w), ph)
		}
		if ph.E164 == "" || !codes.MatchString(ph.E164) {
			return
		}
		for _, s := range sites {
			for _, kind := range directory.DeviceKinds() {
				for _, profile := range directory.NumberProfiles() {
					written := s.Profile(directory.Device{Kind: kind, Numbers: profile}).Write(ph)
					if q := s.Query(written); !q.Equal(ph) || !q.Prefix(ph) || !q.Suffix(ph) && len(written) >= number.MinSuffix {
						t.Errorf("%s %s %s: %q of %+v is not found again", s.Name(), kind, profile, written, ph)
					}
				}
			}
			if short := s.Extension(ph); short != "" && !s.Query(short).Equal(ph) {
				t.Errorf("%s: extension %s of %+v is not found again", s.Name(), short, ph)
			}
		}
	})
}

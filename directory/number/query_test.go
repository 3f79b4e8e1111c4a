package number_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"ringbook/directory"
	"ringbook/directory/number"
)

var (
	berlin   = directory.Phone{Written: "030 1234567", E164: "+49301234567"}
	desk     = directory.Phone{Written: "030 1234567 DW 12", E164: "+49301234567"}
	vienna   = directory.Phone{Written: "+43 (0)1 58858-0", E164: "+431588580"}
	rome     = directory.Phone{Written: "+39 06 12345678", E164: "+390612345678"}
	newYork  = directory.Phone{Written: "+1 (212) 555-0123", E164: "+12125550123"}
	internal = directory.Phone{Written: "1234"}
	fritzBox = directory.Phone{Written: "**621"}
	remark   = directory.Phone{Written: "auf Anfrage"}
	short    = directory.Phone{Written: "*55*001"}
	doctor   = directory.Phone{Written: "116117"}
)

func TestEqual(t *testing.T) {
	for _, tt := range []struct {
		country, query string
		ph             directory.Phone
		want           bool
	}{
		{"DE", "+49301234567", berlin, true},
		{"DE", "0049301234567", berlin, true},
		{"DE", "0301234567", berlin, true},
		{"DE", "49301234567", berlin, true},
		{"DE", "301234567", berlin, true}, // an exchange that strips the trunk prefix
		{"DE", "+49 (0)30 / 123 45-67", berlin, true},
		{"DE", "490301234567", berlin, true},
		{"DE", "+490301234567", berlin, true},
		{"DE", "tel:+49-30-1234567", berlin, true},
		{"DE", "sip:+49301234567@pbx.contoso.com;user=phone", berlin, true},
		{"DE", "+493012345678", berlin, false},
		{"DE", "+4930123456", berlin, false},
		{"DE", "030123", berlin, false},
		{"DE", "+4401301234567", berlin, false},
		{"DE", "00301234567", berlin, false},                                // Greece
		{"AT", "0301234567", berlin, false},                                 // what is written in Berlin is another number in Austria
		{"AT", "0301234567", directory.Phone{Written: "030 1234567"}, true}, // no valid number: as written
		{"AT", "030 1234567", directory.Phone{Written: "+49 30 1234567", E164: "+49301234567"}, false},
		{"AT", "0049301234567", berlin, true},
		{"US", "011 49 30 1234567", berlin, true},
		{"US", "0049301234567", berlin, true},

		{"DE", "+49301234567", desk, true}, // the main line calls
		{"DE", "+4930123456712", desk, true},
		{"DE", "030123456712", desk, true},
		{"DE", "030 1234567 ext. 12", desk, true},
		{"DE", "030 1234567 ext. 13", desk, false},
		{"DE", "030 1234567 ext. 12", berlin, true},
		{"DE", "030 1234567 ext. 12", directory.Phone{Written: "030 1234567-12", E164: "+4930123456712"}, true},

		{"DE", "00431588580", vienna, true},
		{"DE", "+43015 88580", vienna, true},
		{"DE", "+43 (0)1 58858-0", vienna, true},
		{"AT", "01588580", vienna, true},
		{"DE", "01588580", vienna, false},
		{"DE", "+390612345678", rome, true},
		{"DE", "+39612345678", rome, false},
		{"IT", "0612345678", rome, true},
		{"US", "2125550123", newYork, true},
		{"US", "12125550123", newYork, true},
		{"DE", "0012125550123", newYork, true},

		{"DE", "1234", internal, true},
		{"DE", "12 34", internal, true},
		{"DE", "ext. 1234", internal, true},
		{"DE", "234", internal, false},
		{"DE", "**621", fritzBox, true},
		{"DE", "621", fritzBox, true},
		{"DE", "*55*001", short, true}, // as it is answered
		{"DE", "55001", short, true},
		{"DE", "*55*002", short, false},
		{"DE", "*31#1234", internal, true},
		{"DE", "*55*001", directory.Phone{Written: "55001"}, false}, // somebody's extension
		{"DE", "0116117", doctor, false},                            // without an external prefix it is another number

		{"DE", "", berlin, false},
		{"DE", "", remark, false},
		{"DE", "()", remark, false},
		{"DE", "ext.", remark, false},
		{"DE", "1234 Contoso", internal, false},
		{"DE", "1234 & Co", internal, false},
		{"DE", strings.Repeat("1", 1000), internal, false},
	} {
		if got := plan(t, tt.country).Query(tt.query).Equal(tt.ph); got != tt.want {
			t.Errorf("%s: %q is %q: %v, want %v", tt.country, tt.query, tt.ph.Written, got, tt.want)
		}
	}
}

func TestPrefix(t *testing.T) {
	for _, tt := range []struct {
		country, query string
		ph             directory.Phone
		want           bool
	}{
		{"DE", "030123", berlin, true},
		{"DE", "+4930", berlin, true},
		{"DE", "004930", berlin, true},
		{"DE", "4930", berlin, true},
		{"DE", "0", berlin, true},
		{"DE", "00", berlin, true},
		{"DE", "0049", berlin, true},
		{"DE", "+49 (0)30", berlin, true},
		{"DE", "+49 030", berlin, true},
		{"DE", "+4", berlin, true},
		{"DE", "03012345678", berlin, false},
		{"DE", "031", berlin, false},
		{"DE", "123", berlin, false},
		{"DE", "+", berlin, false},
		{"DE", "00", vienna, true},
		{"DE", "0", vienna, true}, // 0043…
		{"DE", "01", vienna, false},
		{"AT", "01", vienna, true},
		{"IT", "06", rome, true},
		{"US", "212", newYork, true},
		{"US", "1212", newYork, true},
		{"DE", "12", internal, true},
		{"DE", "0", internal, false},
		{"DE", "030 1234567 ext. 1", desk, true},
		{"DE", "0301234567 12", desk, true},
		{"DE", "foo", berlin, false},
		{"DE", "A4 Druck", berlin, false}, // openradar 16590: a name is no prefix of numbers
		{"DE", "", berlin, false},
	} {
		if got := plan(t, tt.country).Query(tt.query).Prefix(tt.ph); got != tt.want {
			t.Errorf("%s: %q begins %q: %v, want %v", tt.country, tt.query, tt.ph.Written, got, tt.want)
		}
	}
}

func TestSuffixAndContains(t *testing.T) {
	for _, tt := range []struct {
		query            string
		ph               directory.Phone
		suffix, contains bool
	}{
		{"34567", berlin, true, true},
		{"4567", berlin, false, true}, // less than MinSuffix
		{"0301234567", berlin, true, true},
		{"+49301234567", berlin, true, true},
		{"0049301234567", berlin, true, true},
		{"12345", berlin, false, true},
		{"+1234567", berlin, false, true}, // a whole number, if a short one
		{"0301", berlin, false, true},
		{"0049301", berlin, false, true},
		{"123 45-67", berlin, true, true},
		{"99999", berlin, false, false},
		{"456712", desk, true, true},
		{"234567", desk, true, true},
		{"234", internal, false, true},
		{"*55*001", short, true, true}, // five digits, if not behind the code
		{"55*001", short, true, true},
		{"*001", short, false, true},
		{"*5*001", short, false, true},
		{"*31#1234", internal, false, true},
		{"", berlin, false, false},
		{"abc", berlin, false, false},
	} {
		q := plan(t, "DE").Query(tt.query)
		if got := q.Suffix(tt.ph); got != tt.suffix {
			t.Errorf("%q ends %q: %v, want %v", tt.query, tt.ph.Written, got, tt.suffix)
		}
		if got := q.Contains(tt.ph); got != tt.contains {
			t.Errorf("%q stands in %q: %v, want %v", tt.query, tt.ph.Written, got, tt.contains)
		}
	}
}

func TestZeroQuery(t *testing.T) {
	var q number.Query
	for _, ph := range []directory.Phone{{}, berlin, internal, remark} {
		if q.Equal(ph) || q.Prefix(ph) || q.Suffix(ph) || q.Contains(ph) {
			t.Errorf("the zero query matches %q", ph.Written)
		}
	}
	if q.AppendKeys(nil) != nil || q.Prefixes() != nil {
		t.Error("the zero query has keys")
	}
}

func TestComparingAllocatesNothing(t *testing.T) {
	q := plan(t, "DE").Query("0301234568")
	n := testing.AllocsPerRun(100, func() {
		q.Equal(desk)
		q.Prefix(desk)
		q.Suffix(desk)
		q.Contains(desk)
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// An index that looks up keys and spellings finds what comparing finds.
func checkIndex(t *testing.T, q number.Query, ph directory.Phone) {
	t.Helper()
	has := func(list []string) func(string) bool {
		return func(s string) bool { return slices.Contains(list, s) }
	}
	keys := number.AppendKeys(nil, ph)
	if (q.Equal(ph) || q.Suffix(ph)) && !slices.ContainsFunc(q.AppendKeys(nil), has(keys)) {
		t.Errorf("keys %q of the query, %q of %+v", q.AppendKeys(nil), keys, ph)
	}
	spellings := number.AppendSpellings(nil, ph)
	begins := slices.ContainsFunc(spellings, func(s string) bool {
		return slices.ContainsFunc(q.Prefixes(), func(p string) bool { return strings.HasPrefix(s, p) })
	})
	if q.Prefix(ph) && !begins {
		t.Errorf("beginnings %q of the query, spellings %q of %+v", q.Prefixes(), spellings, ph)
	}
	if q.Equal(ph) && (!q.Prefix(ph) || !q.Contains(ph)) {
		t.Errorf("%+v is equal, but does not begin or stand in it", ph)
	}
}

func TestIndexKeys(t *testing.T) {
	phones := []directory.Phone{berlin, desk, vienna, rome, newYork, internal, fritzBox, remark, short, doctor}
	queries := []string{"0116117", "*31#0116117", "*55*0", "*55*00", "0", "00", "1", "12", "34567", "456712", "01588580", "+4930", "0612345678", "2125550123", "030 1234567 ext. 12"}
	behind, err := number.NewPlans(number.Site{Country: "DE", ExternalPrefix: "0"})
	if err != nil {
		t.Fatal(err)
	}
	plans := []*number.Plan{behind, behind.Everywhere()}
	for _, country := range []string{"DE", "AT", "IT", "US", "HU"} {
		plans = append(plans, plan(t, country))
	}
	for _, p := range plans {
		for _, ph := range phones {
			for _, s := range append(queries, ph.Written, ph.E164) {
				checkIndex(t, p.Query(s), ph)
			}
		}
	}
}

// The countries of the corpus, and what their numbers begin with.
var countries, codes = []string{"DE", "AT", "CH", "FR", "IT", "GB", "US"}, regexp.MustCompile(`^\+(49|43|41|33|39|44|1)`)

var e164 = regexp.MustCompile(`^(\+[1-9][0-9]{4,14})?$`)

// Whatever is written: its E.164 form is one, or none; comparing never fails;
// and what we show of a valid number finds it again.
func FuzzNumber(f *testing.F) {
	for _, tt := range spellings {
		f.Add(tt.country, tt.written, "030123")
		f.Add(tt.country, "0301234567", tt.written)
	}
	f.Add("DE", "+4(0)3012000", "0")
	f.Add("DE", "sip:@;phone-context=+", "tel:;phone-context=+;")
	f.Fuzz(func(t *testing.T, country, w, looked string) {
		p, err := number.NewPlan(country)
		if err != nil {
			return
		}
		ph := directory.Phone{Written: w, E164: p.E164(w)}
		if !e164.MatchString(ph.E164) {
			t.Errorf("%s: E164(%q) = %q", country, w, ph.E164)
		}
		checkIndex(t, p.Query(looked), ph)
		checkIndex(t, p.Query(w), ph)
		if ph.E164 == "" {
			return
		}
		// Read as a query, a text is the number that it is as a contact's, in
		// and of the countries whose ways of writing the corpus has: of others a
		// query does not know the trunk prefix (Hungary's is 06).
		q := p.Query(w)
		if q.AppendKeys(nil) != nil && slices.Contains(countries, country) && codes.MatchString(ph.E164) && !q.Equal(directory.Phone{E164: ph.E164}) {
			t.Errorf("%s: %q does not find %s", country, w, ph.E164)
		}
		for _, profile := range directory.NumberProfiles() {
			if s := p.Format(ph, profile); !p.Query(s).Equal(directory.Phone{E164: ph.E164}) {
				t.Errorf("%s: %q of %+v is not found again", country, s, ph)
			}
		}
	})
}

func BenchmarkE164(b *testing.B) {
	p := plan(b, "DE")
	b.ReportAllocs()
	for b.Loop() {
		p.E164("+49 (0)30 1234567")
	}
}

func BenchmarkQuery(b *testing.B) {
	p := plan(b, "DE")
	b.ReportAllocs()
	for b.Loop() {
		p.Query("0301234567")
	}
}

func BenchmarkCompare(b *testing.B) {
	q := plan(b, "DE").Query("0301234568")
	for _, bb := range []struct {
		name string
		f    func(directory.Phone) bool
	}{{"equal", q.Equal}, {"prefix", q.Prefix}, {"suffix", q.Suffix}, {"contains", q.Contains}} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				bb.f(berlin)
			}
		})
	}
}

func BenchmarkFormat(b *testing.B) {
	p := plan(b, "DE")
	b.ReportAllocs()
	for b.Loop() {
		p.Format(berlin, directory.NumbersNational)
	}
}

// TestFromQuery: a plus that was not encoded arrives as a blank.
func TestFromQuery(t *testing.T) {
	for in, want := range map[string]string{
		"+4930": "+4930", " 4930": "+4930", "  4930 ": "+4930", " 030": "030", "030 ": "030", " sip:1@x": "sip:1@x", " ": "", "": "",
	} {
		if got := number.FromQuery(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

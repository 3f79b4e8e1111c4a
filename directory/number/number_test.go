package number_test

import (
	"errors"
	"strings"
	"testing"

	"ringbook/directory"
	"ringbook/directory/number"
)

func plan(tb testing.TB, country string) *number.Plan {
	tb.Helper()
	p, err := number.NewPlan(country)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func TestNewPlan(t *testing.T) {
	for _, bad := range []string{"", "XX", "Germany", "ZZ", "001", "49"} {
		if _, err := number.NewPlan(bad); !errors.Is(err, directory.ErrInvalid) {
			t.Errorf("NewPlan(%q): %v, want ErrInvalid", bad, err)
		}
	}
	plan(t, "de") // in any case
}

// The spellings that a plan must read, each with the reason why it is here.
var spellings = []struct {
	country, written, want, reason string
}{
	{"DE", "+49301234567", "+49301234567", "E.164"},
	{"DE", "+49 30 1234567", "+49301234567", "ITU-T E.123, international"},
	{"DE", "(030) 1234567", "+49301234567", "ITU-T E.123, national"},
	{"DE", "030 1234567", "+49301234567", "DIN 5008"},
	{"DE", "030 1234567-12", "+4930123456712", "DIN 5008: direct dial"},
	{"DE", "030 1234567-0", "+493012345670", "DIN 5008: the exchange"},
	{"DE", "030/1234567", "+49301234567", "older letterheads"},
	{"DE", "030 / 123 45-67", "+49301234567", "ldap.md §3"},
	{"DE", "030.123.45.67", "+49301234567", "designers"},
	{"DE", "+49 (0)30 1234567", "+49301234567", "ldap.md §3: trunk zero in parentheses"},
	{"DE", "+49(0)30/1234567", "+49301234567", "the same without blanks"},
	{"DE", "+49 ( 0 ) 30 1234567", "+49301234567", "the same with more of them"},
	{"DE", "+49 030 1234567", "+49301234567", "ldap.md §3: trunk zero left in"},
	{"DE", "(0)30 1234567", "+49301234567", "ldap.md §3"},
	{"DE", "0049 30 1234567", "+49301234567", "ldap.md §3: international prefix"},
	{"DE", "0049 (0) 30 1234567", "+49301234567", "both"},
	{"DE", "+0049 30 1234567", "+49301234567", "both prefixes"},
	{"DE", "4930 1234567", "+49301234567", "a spreadsheet has eaten the +; ldap.md §2.1, Unify"},
	{"DE", "tel:+49-30-1234567", "+49301234567", "RFC 3966 §3"},
	{"DE", "TEL:030-1234567;phone-context=+49", "+49301234567", "RFC 3966 §5.1.5, with a trunk zero that does not belong there"},
	{"DE", "tel:1234567;phone-context=+49-30", "+49301234567", "RFC 3966 §5.1.5"},
	{"DE", "tel:1234;phone-context=example.com", "", "RFC 3966 §5.1.5: a private number"},
	{"DE", "+49 30 1234567;ext=12", "+49301234567", "RFC 3966 §5.3"},
	{"DE", "030 1234567 ext. 12", "+49301234567", "ldap.md §3"},
	{"DE", "030 1234567,,12#", "+49301234567", "ldap.md §3: pauses"},
	{"DE", "030 1234567 DW 12", "+49301234567", "ldap.md §3: letters are no keypad digits"},
	{"DE", "030 1234567 Dw. 12", "+49301234567", "ldap.md §3"},
	{"DE", "030 1234567 App. 12", "+49301234567", "ldap.md §3"},
	{"DE", "030 1234567 NSt 12", "+49301234567", "ldap.md §3"},
	{"DE", "030 1234567 (Durchwahl 12)", "+49301234567", "written out"},
	{"DE", "030 1234567 x12", "+49301234567", "ldap.md §3"},
	{"DE", "030 1234567 Frau Meier", "+49301234567", "a remark in the field"},
	{"DE", "Tel.: 030 1234567", "+49301234567", "a label in the field"},
	{"DE", "030 1234567 / 0171 2345678", "+49301234567", "two numbers in the field"},
	{"DE", "+49 30 1234567, +49 171 2345678", "+49301234567", "two numbers in the field"},
	{"DE", "030 1234567 oder 0171 2345678", "+49301234567", "two numbers in the field"},
	{"DE", "\u202a+49 30 1234567\u202c", "+49301234567", "copied from a Windows contact"},
	{"DE", "030\u00a01234567", "+49301234567", "no-break space"},
	{"DE", "030‑123‑45‑67", "+49301234567", "RFC 4518 §2.6.3: U+2011 is a hyphen"},
	{"DE", "０３０　１２３４５６７", "+49301234567", "full-width keyboard"},
	{"DE", "0171 2345678", "+491712345678", "mobile"},
	{"DE", "1712345678", "+491712345678", "a spreadsheet has eaten the 0 of a mobile number"},
	{"DE", "0800 3301000", "+498003301000", "freephone is a valid number"},
	{"DE", "0800 REIMANN", "", "letters are never dialled"},
	{"DE", "7654321", "", "a local number of an unknown area"},
	{"DE", "1234", "", "ldap.md §3: internal"},
	{"DE", "12", "", "ldap.md §3: internal"},
	{"DE", "110", "", "ldap.md §3: emergency"},
	{"DE", "112", "", "emergency"},
	{"DE", "115", "", "service of the authorities"},
	{"DE", "116117", "", "medical service"},
	{"DE", "**621", "", "ldap.md §3: FRITZ!Box internal"},
	{"DE", "#31#0301234567", "", "a code for the exchange"},
	{"DE", "", "", "nothing"},
	{"DE", "n/a", "", "no number"},
	{"DE", "+", "", "no number"},
	{"DE", "+49", "", "country only"},
	{"DE", "+49 89 416171234567890123", "", "longer than E.164"},
	{"DE", "+43 (0)1 58858-0", "+431588580", "ldap.md §3: abroad with trunk zero"},
	{"DE", "+41 (0)44 668 18 00", "+41446681800", "ldap.md §3"},
	{"DE", "+390612345678", "+390612345678", "ldap.md §3: Italy keeps its zero"},
	{"DE", "+39 (0)6 12345678", "+390612345678", "Italy keeps it in parentheses too"},
	{"DE", "+45 (0)32 12 34 56", "+4532123456", "no trunk prefix in Denmark: the (0) is a habit"},
	{"DE", "+34 (0)91 123 45 67", "+34911234567", "nor in Spain"},
	{"DE", "+1 (212) 555-0123", "+12125550123", "North America"},
	{"DE", "+1 212 555 0123 x45", "+12125550123", "with extension"},

	{"AT", "01 58858-0", "+431588580", "Vienna"},
	{"AT", "+43 1 58858 Kl. 12", "+43158858", "ldap.md §3: Klappe"},
	{"AT", "0664 1234567", "+436641234567", "mobile"},
	{"AT", "0043 664 1234567", "+436641234567", "international prefix"},
	{"AT", "144", "", "emergency"},
	{"AT", "030 1234567", "", "another country's area code"},

	{"CH", "044 668 18 00", "+41446681800", "national"},
	{"CH", "0041446681800", "+41446681800", "international prefix"},
	{"CH", "446681800", "+41446681800", "the zero is lost; a closed plan, so there is no local number"},
	{"CH", "079 123 45 67", "+41791234567", "mobile"},
	{"CH", "0170 1234567", "", "ldap.md §3: a German mobile in Switzerland is junk"},

	{"FR", "01 23 45 67 89", "+33123456789", "national"},
	{"FR", "+33 (0)1 23 45 67 89", "+33123456789", "trunk zero"},
	{"FR", "06.12.34.56.78", "+33612345678", "mobile with dots"},
	{"FR", "01 23 45 67 89 poste 12", "+33123456789", "extension"},
	{"FR", "15", "", "emergency"},

	{"IT", "06 12345678", "+390612345678", "Rome, zero kept"},
	{"IT", "+39 06 1234 5678", "+390612345678", "the same from abroad"},
	{"IT", "347 123 4567", "+393471234567", "mobile, no zero"},
	{"IT", "06 12345678 int. 12", "+390612345678", "extension"},

	{"GB", "020 7946 0958", "+442079460958", "London"},
	{"GB", "(020) 7946 0958", "+442079460958", "area code in parentheses"},
	{"GB", "+44 (0)20 7946 0958", "+442079460958", "trunk zero"},
	{"GB", "07400 123456", "+447400123456", "mobile"},
	{"GB", "7946 0958", "", "local number"},
	{"GB", "020 7946 0958 extn 12", "+442079460958", "extension"},

	{"US", "(212) 555-0123", "+12125550123", "national"},
	{"US", "1-212-555-0123", "+12125550123", "with trunk prefix"},
	{"US", "212.555.0123 ext 45", "+12125550123", "extension"},
	{"US", "011 49 30 1234567", "+49301234567", "exit code"},
	{"US", "0049 30 1234567", "+49301234567", "our own international profile"},
	{"AU", "0011 49 30 1234567", "+49301234567", "exit code that begins with 00"},
	{"AU", "0011 46 8 765 4321", "+4687654321", "the same, and no +1 146"},
	{"AU", "0049 30 1234567", "+49301234567", "our own international profile"},
	{"US", "555-0123", "", "local number"},
	{"US", "1-800-FLOWERS", "", "letters are never dialled"},
	{"US", "911", "", "emergency"},
	{"DE", "sip:+49301234567:99@pbx.contoso.com", "+49301234567", "RFC 3261 §19.1.1: a password"},
	{"DE", `"Hotline: Berlin" <sip:+49301234567@pbx.contoso.com>`, "+49301234567", "RFC 3261 §20.10: a name with a colon"},
}

func TestE164(t *testing.T) {
	plans := map[string]*number.Plan{}
	for _, tt := range spellings {
		if plans[tt.country] == nil {
			plans[tt.country] = plan(t, tt.country)
		}
		if got := plans[tt.country].E164(tt.written); got != tt.want {
			t.Errorf("%s: E164(%q) = %q, want %q (%s)", tt.country, tt.written, got, tt.want, tt.reason)
		}
	}
}

// Whatever a number was read from finds it, although a query is read in
// another way (package comment).
func TestQueryFindsEverySpelling(t *testing.T) {
	for _, tt := range spellings {
		if tt.want == "" || strings.HasSuffix(tt.reason, "in the field") {
			continue
		}
		q := plan(t, tt.country).Query(tt.written)
		ph := directory.Phone{E164: tt.want}
		if !q.Equal(ph) || !q.Prefix(ph) || !q.Suffix(ph) || !q.Contains(ph) {
			t.Errorf("%s: %q does not find %s (%s)", tt.country, tt.written, tt.want, tt.reason)
		}
	}
}

func TestPlanIsForEveryGoroutine(t *testing.T) {
	p := plan(t, "DE")
	got := make(chan string, 8)
	for range cap(got) {
		go func() { got <- p.E164("030 1234567") }()
	}
	for range cap(got) {
		if e := <-got; e != "+49301234567" {
			t.Errorf("E164 = %q", e)
		}
	}
}

func TestFormat(t *testing.T) {
	for _, tt := range []struct {
		country string
		ph      directory.Phone
		profile directory.NumberProfile
		want    string
	}{
		{"DE", directory.Phone{E164: "+49301234567"}, directory.NumbersE164, "+49301234567"},
		{"DE", directory.Phone{E164: "+49301234567"}, "", "+49301234567"},
		{"DE", directory.Phone{E164: "+49301234567"}, directory.NumbersInternational, "0049301234567"},
		{"DE", directory.Phone{E164: "+49301234567"}, directory.NumbersNational, "0301234567"},
		{"DE", directory.Phone{E164: "+431588580"}, directory.NumbersNational, "00431588580"},
		{"AT", directory.Phone{E164: "+431588580"}, directory.NumbersNational, "01588580"},
		{"CH", directory.Phone{E164: "+41446681800"}, directory.NumbersNational, "0446681800"},
		{"FR", directory.Phone{E164: "+33123456789"}, directory.NumbersNational, "0123456789"},
		{"GB", directory.Phone{E164: "+442079460958"}, directory.NumbersNational, "02079460958"},
		{"IT", directory.Phone{E164: "+390612345678"}, directory.NumbersNational, "0612345678"},
		{"IT", directory.Phone{E164: "+393471234567"}, directory.NumbersNational, "3471234567"},
		{"US", directory.Phone{E164: "+12125550123"}, directory.NumbersNational, "2125550123"},
		{"US", directory.Phone{E164: "+49301234567"}, directory.NumbersNational, "01149301234567"},
		{"US", directory.Phone{E164: "+49301234567"}, directory.NumbersExtension, "01149301234567"},
		{"US", directory.Phone{E164: "+49301234567"}, directory.NumbersInternational, "0049301234567"},
		{"AU", directory.Phone{E164: "+49301234567"}, directory.NumbersNational, "001149301234567"},
		{"HU", directory.Phone{E164: "+3612345678"}, directory.NumbersNational, "0612345678"},
		{"DE", directory.Phone{Written: "**621"}, directory.NumbersNational, "**621"},
	} {
		if got := plan(t, tt.country).Format(tt.ph, tt.profile); got != tt.want {
			t.Errorf("%s: Format(%v, %q) = %q, want %q", tt.country, tt.ph, tt.profile, got, tt.want)
		}
	}
}

// A phone looks up what we have shown it.
func TestFormatIsFoundAgain(t *testing.T) {
	for _, tt := range spellings {
		p := plan(t, tt.country)
		ph := directory.Phone{Written: tt.written, E164: p.E164(tt.written)}
		for _, profile := range directory.NumberProfiles() {
			shown := p.Format(ph, profile)
			q := p.Query(shown)
			if ph.E164 != "" && (!q.Equal(ph) || !q.Prefix(ph) || !q.Suffix(ph) || !q.Contains(ph)) {
				t.Errorf("%s: %q, shown as %q, is not found again", tt.country, tt.written, shown)
			}
		}
	}
}

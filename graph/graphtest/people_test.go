package graphtest_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers"

	"ringbook/directory"
	"ringbook/graph/graphtest"
)

// peopleDigest is of the first 1,000 people of seed 1. Whoever changes it
// changes what the README and the demo show.
const peopleDigest = "06a936f59aa979e3"

func TestPeopleAreTheSameEverywhere(t *testing.T) {
	digest := func(seed uint64) string {
		tenant := graphtest.New(graphtest.Options{People: 1000, Seed: seed})
		h := sha256.New()
		for _, u := range tenant.Users() {
			p, err := tenant.User(u.ID)
			must(t, err)
			raw, err := json.Marshal(p)
			must(t, err)
			h.Write(raw)
		}
		return fmt.Sprintf("%x", h.Sum(nil)[:8])
	}
	if got := digest(1); got != peopleDigest {
		t.Errorf("the people of seed 1 are %s, were %s", got, peopleDigest)
	}
	if digest(2) == peopleDigest {
		t.Error("seed 2 gives the same people")
	}
}

func TestKnownPeople(t *testing.T) {
	tenant := graphtest.New(graphtest.Options{People: 1000, Seed: 77})
	owners := map[string][]string{}
	for _, u := range tenant.Users() {
		p, err := tenant.User(u.ID)
		must(t, err)
		for _, n := range numbers(p) {
			owners[n] = append(owners[n], u.ID)
		}
	}
	for _, k := range graphtest.Known() {
		p, err := tenant.User(k.ID)
		must(t, err)
		if p["displayName"] != k.DisplayName || p["userPrincipalName"] != k.UserPrincipalName {
			t.Errorf("%+v is %v", k, p)
		}
		if has := owners[k.Number]; k.Number != "" && (len(has) != 1 || has[0] != k.ID) {
			t.Errorf("%s of %s belongs to %v", k.Number, k.DisplayName, has)
		}
	}
	if few := graphtest.New(graphtest.Options{People: 2}).Users(); len(few) != 2 || few[0].DisplayName != "Jürgen Groß" {
		t.Errorf("two people: %v", few)
	}
}

// numbers returns somebody's numbers for work and mobile in E.164, however they
// are written.
func numbers(p map[string]any) (all []string) {
	written, _ := p["mobilePhone"].(string)
	business, _ := p["businessPhones"].([]any)
	if len(business) > 0 {
		written += fmt.Sprint(";", business[0])
	}
	for w := range strings.SplitSeq(written, ";") {
		if n, err := phonenumbers.Parse(strings.ReplaceAll(w, "(0)", ""), "DE"); err == nil {
			all = append(all, phonenumbers.Format(n, phonenumbers.E164))
		}
	}
	return all
}

// The sample people hold, in about the right numbers, what address books
// stumble over.
func TestPeopleAreAsPeopleAre(t *testing.T) {
	const n = 5000
	tenant := graphtest.New(graphtest.Options{People: n, Seed: 3})
	count := map[string]int{}
	logins, lines := map[string]bool{}, map[string]string{}
	german := regexp.MustCompile(`^(Berlin|Hamburg|Köln|München|Frankfurt am Main)$`)
	for _, u := range tenant.Users() {
		p, err := tenant.User(u.ID)
		must(t, err)
		if _, err := directory.ParseContactID(u.ID); err != nil {
			t.Error(err)
		}
		if logins[u.UserPrincipalName] {
			t.Fatalf("two people are %s", u.UserPrincipalName)
		}
		logins[u.UserPrincipalName] = true
		for name, v := range p {
			if s, ok := v.(string); ok && (s == "" || !utf8.ValidString(s) || utf8.RuneCountInString(s) > 1024) {
				t.Errorf("%s of %s is %q", name, u.ID, s)
			}
		}
		business, _ := p["businessPhones"].([]any)
		mobile, _ := p["mobilePhone"].(string)
		tally(count, p, business, mobile)
		if office, _ := p["officeLocation"].(string); german.MatchString(office) && len(business) > 0 {
			number, _ := business[0].(string)
			line := office + digitsOf(number)
			if other := lines[line]; other != "" {
				t.Errorf("%s and %s share the line %s", other, u.ID, line)
			}
			lines[line] = u.ID
		}
	}
	for what, share := range map[string][2]float64{
		"guest": {3, 5}, "disabled": {3, 5}, "without phone": {4, 8}, "business": {75, 85}, "mobile": {50, 70}, "home": {5, 12}, "fax": {8, 15},
		"userType null": {1, 3}, "no surname": {1.5, 4}, "not Latin": {5, 12}, "umlaut": {20, 60}, "several lines": {5, 20}, "long": {0.5, 2}, "no-break space": {1, 10}, "joined": {1, 5},
	} {
		if got := 100 * float64(count[what]) / n; got < share[0] || got > share[1] {
			t.Errorf("%s: %.1f %%, want %v", what, got, share)
		}
	}
}

func tally(count map[string]int, p map[string]any, business []any, mobile string) {
	text := func(name string) string { s, _ := p[name].(string); return s }
	first := ""
	if len(business) > 0 {
		first, _ = business[0].(string)
	}
	for what, is := range map[string]bool{
		"guest":          text("userType") == "Guest" && strings.Contains(text("userPrincipalName"), "#EXT#") && p["showInAddressList"] == false,
		"disabled":       p["accountEnabled"] == false,
		"without phone":  first == "" && mobile == "" && text("faxNumber") == "" && p["onPremisesExtensionAttributes"] == nil,
		"business":       first != "",
		"mobile":         mobile != "",
		"home":           p["onPremisesExtensionAttributes"] != nil,
		"fax":            text("faxNumber") != "",
		"userType null":  p["userType"] == nil,
		"no surname":     text("surname") == "",
		"not Latin":      strings.ContainsFunc(text("displayName"), func(c rune) bool { return unicode.IsLetter(c) && !unicode.Is(unicode.Latin, c) }),
		"umlaut":         strings.ContainsAny(text("displayName"), "äöüÄÖÜßÅøæ"),
		"several lines":  strings.Contains(text("streetAddress"), "\n"),
		"long":           utf8.RuneCountInString(text("displayName")) == 256,
		"no-break space": strings.Contains(first, "\u00a0"),
		"joined":         strings.Contains(first, ";"),
	} {
		if is {
			count[what]++
		}
	}
}

// digitsOf returns the digits of the first number, in the form of DE.
func digitsOf(s string) string {
	s, _, _ = strings.Cut(s, ";")
	n, err := phonenumbers.Parse(strings.ReplaceAll(s, "(0)", ""), "DE")
	if err != nil {
		return s
	}
	digits := phonenumbers.GetNationalSignificantNumber(n)
	if len(digits) > 5 { // not an extension alone
		return digits
	}
	return "ext" + digits
}

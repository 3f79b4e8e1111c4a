// Package number reads telephone numbers as people type them, compares them in
// any spelling, and writes them as a device needs them.
//
// # How numbers meet
//
// A number is read by the metadata of libphonenumber once, when its contact is
// mirrored: [Plan.E164]. That costs some 40 µs. A number that somebody looks
// for is never read so: what may stand before its last digits (+, 00, the trunk
// prefix, the country) is a matter of a few strings, and a wrong reading does
// no harm, because it is compared with numbers that are valid already. That
// costs less than 1 µs, and each comparison a tenth of it.
//
// An extension ("ext. 12", "DW 12") is no part of E.164. A query finds the
// number with it and without it; two that name different extensions of one
// number do not find each other.
//
// # Sites
//
// A [Site] with a stem and extensions makes E.164 of an extension, and so they
// meet as any other spellings do: "1234", "DW 1234" behind the main number, and
// what is dialled from outside are one number, which says itself which extension
// of which site it is. An extension means who has it at the site of whoever asks;
// one that this site does not have means the sites that do. Emergency numbers are
// never extensions.
//
// What is written down at one site means nothing at another. So a number that is
// valid is found by its readings only, and as it is written only one that is not.
//
// # Dependencies
//
//	for                 we use                     why not something else
//	every country's     nyaruka/phonenumbers 1.8   Google's libphonenumber metadata in Go, released every few weeks;
//	numbers                                        ttacon/libphonenumber, from which it was made, has stood still for years
package number

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"ringbook/directory"
)

// maxE164 is the longest number in digits (ITU-T E.164 §6.2.1).
const maxE164 = 15

// A Plan says how a number without "+" is read and written at one site. The plans
// of a company know each other. Its methods may be called from any goroutine.
type Plan struct {
	country string // "DE"
	code    string // country calling code, "49"
	calling int32  // the same
	trunk   string // before a national number, "0"; "" = nothing
	zero    string // the country's trunk prefix, which is left behind its code: "+49 030…"
	exit    string // before a country calling code, beside "00"
	// open: a call within an area leaves the area code out, and nearly any
	// length is a number. Then digits without trunk prefix are a local number
	// of who knows which area, unless they are a mobile one.
	open bool

	// What only a site has; see Site.
	name        directory.SiteName
	area        string
	external    string
	externalFor []directory.DeviceKind
	stem        string // without "+"
	ranges      []extensions
	emergencies []string // of the country
	locations   []string

	special bool // the site says more than its country
	digest  string
	company *company
	all     bool // reads as all sites do; of use for queries only
}

// NewPlan makes the plan of a country (ISO 3166-1 alpha-2, such as "DE").
// An unknown country is [directory.ErrInvalid].
func NewPlan(country string) (*Plan, error) { return NewPlans(Site{Country: country}) }

// setCountry reads from the metadata what is dialled in a country.
func (p *Plan) setCountry(country string) error {
	p.country = strings.ToUpper(country)
	code := phonenumbers.GetCountryCodeForRegion(p.country)
	example := phonenumbers.GetExampleNumber(p.country)
	if code == 0 || example == nil {
		return fmt.Errorf("country %q: no such number plan: %w", country, directory.ErrInvalid)
	}
	national := phonenumbers.NormalizeDigitsOnly(phonenumbers.Format(example, phonenumbers.NATIONAL))
	p.code, p.calling = strconv.Itoa(code), int32(code)
	p.zero = strings.TrimSuffix(national, phonenumbers.GetNationalSignificantNumber(example))
	p.trunk = p.zero
	p.exit = exitCode(code)
	p.open = p.country == "DE" || p.country == "AT"
	return nil
}

// Country returns the plan's country (ISO 3166-1 alpha-2), in upper case.
func (p *Plan) Country() string { return p.country }

// Name returns the name of the plan's site; "" = the default has none.
func (p *Plan) Name() directory.SiteName { return p.name }

// Site returns the plan of the company's site of that name, or the default.
func (p *Plan) Site(name directory.SiteName) *Plan {
	if site := p.company.named(name); site != nil {
		return site
	}
	return p.company.plans[0]
}

// named returns the plan of the site of a name; nil = there is none.
func (c *company) named(name directory.SiteName) *Plan {
	for _, p := range c.plans {
		if name != "" && p.name == name {
			return p
		}
	}
	return nil
}

// Of returns the plan of the site where a contact sits: that which names the
// office among its locations, else that which names the city, else the default.
func (p *Plan) Of(c *directory.Contact) *Plan {
	for _, place := range [...]string{c.Office, c.Address.City} {
		for _, other := range p.company.plans {
			if place != "" && other.at(place) {
				return other
			}
		}
	}
	return p.company.plans[0]
}

// Read is [Plan.E164] at the site where a contact sits.
func (p *Plan) Read(c *directory.Contact, text string) string { return p.Of(c).E164(text) }

// For returns the plan that a device dials by: that of its site, else of where
// its owner sits, else the default. owner nil = nobody is known.
func (p *Plan) For(d directory.Device, owner *directory.Contact) *Plan {
	if site := p.company.named(d.Site); site != nil {
		return site
	}
	if owner != nil {
		return p.Of(owner)
	}
	return p.company.plans[0]
}

// Everywhere returns a plan whose queries find what those of any site find: for
// somebody who asks for all of them.
func (p *Plan) Everywhere() *Plan { return p.company.everywhere }

// Emergencies returns the emergency numbers that are no extensions although the
// ranges of the site have them.
func (p *Plan) Emergencies() (all []string) {
	for _, s := range p.emergencies {
		if slices.ContainsFunc(p.ranges, func(r extensions) bool { return r.has(s) }) {
			all = append(all, s)
		}
	}
	return all
}

// Digest tells the plans of different sites apart, and how numbers are written by
// them: the country where nothing else is known of a site. Where other prefixes are
// written than "0" and "00", it changes with them, so that who has a number in an
// earlier spelling can see that.
func (p *Plan) Digest() string { return p.digest }

// CompanyDigest tells the plans of all sites together apart from others, as far as
// numbers are read by them: the country where there is one plan, of which nothing else is known.
func (p *Plan) CompanyDigest() string { return p.company.digest }

// seal works out the digests, when all plans are made.
func (c *company) seal() {
	h := sha256.New()
	for _, p := range c.plans {
		laid := fmt.Sprintf("%q", []any{p.country, p.trunk, p.exit, p.name, p.area, p.external, p.externalFor, p.stem, p.ranges, p.locations})
		fmt.Fprintln(h, laid)
		p.digest = p.country
		if p.special {
			sum := sha256.Sum256([]byte(laid))
			p.digest += "-" + hex.EncodeToString(sum[:8])
		}
	}
	c.digest = c.plans[0].digest
	if len(c.plans) > 1 {
		c.digest = c.plans[0].country + "-" + hex.EncodeToString(h.Sum(nil)[:8])
	}
	for _, p := range c.plans {
		p.digest += p.writing()
	}
}

// writing shows how the plan writes numbers: one at home and one abroad; "" = as most
// countries do.
func (p *Plan) writing() string {
	const nowhere, usual = "999", " 00999 00999 0" // a country calling code that nobody has
	home, abroad := directory.Phone{E164: "+" + p.code}, directory.Phone{E164: "+" + nowhere}
	s := fmt.Sprintf(" %s %s %s", p.Format(abroad, directory.NumbersNational), p.Format(abroad, directory.NumbersInternational), p.Format(home, directory.NumbersNational))
	if s == usual {
		return ""
	}
	return s
}

// exitCode returns what is dialled before a country calling code where that is
// not "00" (ITU-T E.164 list of dialling procedures).
func exitCode(country int) string {
	switch country {
	case 1: // North America
		return "011"
	case 7: // Russia, Kazakhstan
		return "810"
	case 61: // Australia
		return "0011"
	case 81: // Japan
		return "010"
	}
	return "00"
}

// E164 returns text in E.164 ("+4930123456"), or "" when it is not a valid
// number of this plan or of the country it names. An extension of the site is
// its stem with it. Service numbers (110, 116117), internal ones that the plan
// does not know (1234, **621), and, where area codes may be left out and the plan
// has none, local numbers are not valid. Extensions behind other numbers are left
// out; of several numbers in one text the first counts.
func (p *Plan) E164(text string) string {
	var r written
	scan(text, &r)
	digits := r.main()
	if r.code || r.long || digits == "" {
		return ""
	}
	if e := p.inside(&r); e != "" {
		return e
	}
	if e := p.outside(digits, &r); e != "" {
		return e // Italy keeps the (0)
	}
	if r.zero >= 0 && (r.plus || strings.HasPrefix(digits, "00")) {
		return p.valid("+" + strings.TrimPrefix(digits[:r.zero]+digits[r.zero+1:], "00"))
	}
	if rest, ok := strings.CutPrefix(digits, p.external); ok && p.external != "" && rest != "" && !r.plus {
		return p.outside(rest, &r)
	}
	return ""
}

// inside reads an extension of the site, alone or behind its stem.
func (p *Plan) inside(r *written) string {
	if p.stem == "" {
		return ""
	}
	alone, behind := r.main(), r.extension()
	if behind == "" && !r.plus && !r.stray {
		if p.has(alone) {
			return "+" + p.stem + alone
		}
		if short, ours := strings.CutPrefix(p.code+p.area+alone, p.stem); ours && p.area != "" && p.has(short) {
			return "+" + p.stem + short // without area code
		}
	}
	if behind == "" || !p.has(behind) {
		return ""
	}
	q := Query{extension: behind}
	if p.readings(&q, r); slices.Contains(q.full, p.stem) {
		return "+" + p.stem + behind
	}
	return ""
}

// has reports whether digits are an extension of the site.
func (p *Plan) has(digits string) bool {
	return slices.ContainsFunc(p.ranges, func(r extensions) bool { return r.has(digits) }) && !slices.Contains(p.emergencies, digits)
}

// begins reports whether an extension of the site begins with digits.
func (p *Plan) begins(digits string) bool {
	return slices.ContainsFunc(p.ranges, func(r extensions) bool { return r.begins(digits) })
}

// outside reads digits as they are dialled on a line to the outside.
func (p *Plan) outside(digits string, r *written) string {
	if !r.plus {
		if e := p.dialled(digits, !r.stray); e != "" {
			return e
		}
		if !strings.HasPrefix(digits, "00") {
			return ""
		}
	}
	return p.valid("+" + strings.TrimPrefix(digits, "00"))
}

// dialled reads digits without "+"; alone = nothing else stands beside them.
func (p *Plan) dialled(digits string, alone bool) string {
	// Abroad, also where another prefix than 00 is dialled for it: nothing else
	// begins so, and it is what our own profile writes.
	for _, exit := range [...]string{p.exit, "00"} { // "0011 46…" is no "+1 146…"
		if abroad, ok := strings.CutPrefix(digits, exit); ok {
			if e := p.valid("+" + abroad); e != "" {
				return e
			}
		}
	}
	if strings.HasPrefix(digits, "00") {
		return p.valid(digits)
	}
	if national, ok := strings.CutPrefix(digits, p.trunk); ok && p.trunk != p.zero {
		return p.valid("+" + p.code + national)
	}
	if p.trunk == "" || strings.HasPrefix(digits, p.trunk) || strings.HasPrefix(digits, p.exit) {
		if e := p.valid(digits); e != "" || p.trunk != "" {
			return e
		}
	}
	if e := p.local(digits); alone && e != "" {
		return e
	}
	if strings.HasPrefix(digits, p.code) {
		if e := p.valid("+" + digits); e != "" {
			return e // a spreadsheet has eaten the "+"
		}
	}
	if !p.open {
		return p.valid(digits)
	}
	n, err := phonenumbers.Parse(digits, p.country)
	if err != nil || phonenumbers.GetNumberType(n) != phonenumbers.MOBILE {
		return ""
	}
	return p.valid(digits) // a spreadsheet has eaten the "0"
}

// The lengths of what is read as a number without its area code. What is shorter
// is rather an extension that nobody has told us of, and what is longer has one.
const (
	minLocal = 6
	maxLocal = 8
)

// local reads a number without its area code.
func (p *Plan) local(digits string) string {
	if p.area == "" || len(digits) < minLocal || len(digits) > maxLocal || p.trunk != "" && strings.HasPrefix(digits, p.trunk) {
		return ""
	}
	n, err := phonenumbers.Parse(digits, p.country)
	if err != nil || phonenumbers.IsValidShortNumberForRegion(n, p.country) {
		return "" // 116117
	}
	return p.valid("+" + p.code + p.area + digits)
}

func (p *Plan) valid(number string) string {
	n, err := phonenumbers.Parse(number, p.country)
	if err != nil || !phonenumbers.IsValidNumber(n) {
		return ""
	}
	e := phonenumbers.Format(n, phonenumbers.E164)
	if len(e) > len("+")+maxE164 {
		return "" // the metadata of Germany are generous
	}
	return e
}

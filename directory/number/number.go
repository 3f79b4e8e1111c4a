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
// # Dependencies
//
//	for                 we use                     why not something else
//	every country's     nyaruka/phonenumbers 1.8   Google's libphonenumber metadata in Go, released every few weeks;
//	numbers                                        ttacon/libphonenumber, from which it was made, has stood still for years
package number

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"ringbook/directory"
)

// maxE164 is the longest number in digits (ITU-T E.164 §6.2.1).
const maxE164 = 15

// A Plan says how a number without "+" is read. Its methods may be called from
// any goroutine.
type Plan struct {
	region string // "DE"
	code   string // country calling code, "49"
	trunk  string // before a national number, "0"; "" = nothing
	exit   string // before a country calling code, beside "00"
	// open: a call within an area leaves the area code out, and nearly any
	// length is a number. Then digits without trunk prefix are a local number
	// of who knows which area, unless they are a mobile one.
	open bool
}

// NewPlan makes the plan of a country (ISO 3166-1 alpha-2, such as "DE").
// An unknown country is [directory.ErrInvalid].
func NewPlan(country string) (*Plan, error) {
	region := strings.ToUpper(country)
	code := phonenumbers.GetCountryCodeForRegion(region)
	example := phonenumbers.GetExampleNumber(region)
	if code == 0 || example == nil {
		return nil, fmt.Errorf("country %q: no such number plan: %w", country, directory.ErrInvalid)
	}
	national := phonenumbers.NormalizeDigitsOnly(phonenumbers.Format(example, phonenumbers.NATIONAL))
	return &Plan{
		region: region,
		code:   strconv.Itoa(code),
		trunk:  strings.TrimSuffix(national, phonenumbers.GetNationalSignificantNumber(example)),
		exit:   exitCode(code),
		open:   region == "DE" || region == "AT",
	}, nil
}

// Country returns the plan's country (ISO 3166-1 alpha-2), in upper case.
func (p *Plan) Country() string { return p.region }

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
// number of this plan or of the country it names. Service numbers (110, 116117),
// internal ones (1234, **621), and, where area codes may be left out, local
// numbers are not valid. Extensions are left out; of several numbers in one text
// the first counts.
func (p *Plan) E164(text string) string {
	var r written
	scan(text, &r)
	if r.code || r.long || r.main() == "" {
		return ""
	}
	digits := r.main()
	if !r.plus {
		if e := p.dialled(digits); e != "" {
			return e
		}
		if !strings.HasPrefix(digits, "00") {
			return ""
		}
	}
	digits = strings.TrimPrefix(digits, "00")
	if e := p.valid("+" + digits); e != "" {
		return e // Italy keeps the (0)
	}
	if r.zero < 0 {
		return ""
	}
	all := r.main()
	return p.valid("+" + strings.TrimPrefix(all[:r.zero]+all[r.zero+1:], "00"))
}

// dialled reads digits without "+".
func (p *Plan) dialled(digits string) string {
	if strings.HasPrefix(digits, "00") {
		// Abroad, also where another prefix is dialled for it: nothing else
		// begins so, and it is what our own profile writes.
		if e := p.valid("+" + digits[2:]); e != "" {
			return e
		}
		return p.valid(digits)
	}
	if p.trunk == "" || strings.HasPrefix(digits, p.trunk) || strings.HasPrefix(digits, p.exit) {
		return p.valid(digits)
	}
	if strings.HasPrefix(digits, p.code) {
		if e := p.valid("+" + digits); e != "" {
			return e // a spreadsheet has eaten the "+"
		}
	}
	if !p.open {
		return p.valid(digits)
	}
	n, err := phonenumbers.Parse(digits, p.region)
	if err != nil || phonenumbers.GetNumberType(n) != phonenumbers.MOBILE {
		return ""
	}
	return p.valid(digits) // a spreadsheet has eaten the "0"
}

func (p *Plan) valid(number string) string {
	n, err := phonenumbers.Parse(number, p.region)
	if err != nil || !phonenumbers.IsValidNumber(n) {
		return ""
	}
	e := phonenumbers.Format(n, phonenumbers.E164)
	if len(e) > len("+")+maxE164 {
		return "" // the metadata of Germany are generous
	}
	return e
}

// Format writes a number in a device's profile; one without E.164 as it is
// written. An unknown profile is read as [directory.NumbersE164].
func (p *Plan) Format(ph directory.Phone, profile directory.NumberProfile) string {
	if ph.E164 == "" {
		return ph.Written
	}
	switch digits := ph.E164[1:]; profile {
	case directory.NumbersInternational:
		return "00" + digits
	case directory.NumbersNational:
		if national, home := strings.CutPrefix(digits, p.code); home {
			return p.trunk + national
		}
		return "00" + digits
	default:
		return ph.E164
	}
}

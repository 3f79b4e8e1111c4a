package number

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"ringbook/directory"
	"ringbook/directory/text"
)

// A Site is a site of the company as its telephone system has it. All but the
// country may be empty.
type Site struct {
	Name                directory.SiteName
	Country             string // ISO 3166-1 alpha-2, "DE"
	AreaCode            string // "30"; a trunk prefix before it is dropped
	NationalPrefix      string // before an area code, "0"; "" = the country's
	InternationalPrefix string // before a country calling code, "00"; "" = the country's
	// ExternalPrefix is dialled for a line to the outside, "0", and written before
	// the numbers of the kinds of devices in ExternalFor.
	ExternalPrefix string
	ExternalFor    []directory.DeviceKind
	// Stem is what all extensions stand behind, "+49305557", and Extensions says
	// which there are: ranges of one length each, "1000-4999, 70-79".
	Stem       string
	Extensions string
	Locations  []string // offices and cities of the people who sit there
}

// The keys of a site, as a SiteError names them.
const (
	KeyName                = "name"
	KeyCountry             = "country"
	KeyAreaCode            = "area_code"
	KeyNationalPrefix      = "national_prefix"
	KeyInternationalPrefix = "international_prefix"
	KeyExternalPrefix      = "external_prefix"
	KeyStem                = "stem"
	KeyExtensions          = "extensions"
	KeyLocations           = "locations"
)

// A SiteError is one mistake in one site: what is wrong, and how to mend it.
type SiteError struct {
	Site       int // 0 = the default, else its place among the further ones, from 1
	Key        string
	What, Mend string
}

func (e *SiteError) Error() string { return fmt.Sprintf("%s of site %d: %s", e.Key, e.Site, e.What) }

// Is makes it [directory.ErrInvalid].
func (e *SiteError) Is(target error) bool { return target == directory.ErrInvalid }

const (
	maxPrefix = 5  // digits of a prefix: the longest in use has four ("0011")
	minStem   = 3  // digits of a stem: a country calling code and something more
	maxRanges = 64 // ranges of a site
)

// NewPlans makes the number plan of a company of several sites, which is that of
// the first site, and knows the others. The error joins every [SiteError].
func NewPlans(first Site, further ...Site) (*Plan, error) {
	c := &company{}
	var found []error
	for i, s := range append([]Site{first}, further...) {
		p, errs := newSite(i, s)
		c.plans = append(c.plans, p)
		p.company = c
		for _, e := range errs {
			found = append(found, e)
		}
	}
	for i := range c.plans {
		for _, e := range c.clashes(i) {
			found = append(found, e)
		}
	}
	if len(found) > 0 {
		return nil, errors.Join(found...)
	}
	c.setEmergencies()
	c.seal()
	c.everywhere = &Plan{company: c, country: c.plans[0].country, all: true}
	return c.plans[0], nil
}

// newSite makes the plan of one site, which does not know the others yet.
func newSite(place int, s Site) (p *Plan, found []*SiteError) {
	wrong := func(key, mend, what string, args ...any) {
		found = append(found, &SiteError{place, key, fmt.Sprintf(what, args...), mend})
	}
	p = &Plan{name: s.Name, externalFor: s.ExternalFor}
	for _, l := range s.Locations {
		p.locations = append(p.locations, text.Clean(l, false)) // as those of contacts are
	}
	p.special = fmt.Sprint(s) != fmt.Sprint(Site{Country: s.Country})
	if s.Name == "" && place > 0 {
		wrong(KeyName, `Give it one, such as "munich": devices are given their site by it.`, "the site has no name")
	} else if _, err := directory.ParseSiteName(string(s.Name)); err != nil && s.Name != "" {
		wrong(KeyName, fmt.Sprintf("Use 1 to %d characters of a–z, 0–9 and -.", directory.MaxSiteName), "%q is no name of a site", s.Name)
	}
	if err := p.setCountry(s.Country); err != nil {
		wrong(KeyCountry, `Use the two letters of ISO 3166-1, such as "DE".`, "%q is no country code", s.Country)
		return p, found
	}
	for _, prefix := range []struct {
		key, value string
		to         *string
	}{
		{KeyNationalPrefix, s.NationalPrefix, &p.trunk},
		{KeyInternationalPrefix, s.InternationalPrefix, &p.exit},
		{KeyExternalPrefix, s.ExternalPrefix, &p.external},
	} {
		if !isDigits(prefix.value) || len(prefix.value) > maxPrefix {
			wrong(prefix.key, `Write the digits that are dialled, such as "0".`, "%q is no prefix", prefix.value)
		} else {
			*prefix.to = cmp.Or(prefix.value, *prefix.to)
		}
	}
	if p.area = strings.TrimPrefix(s.AreaCode, p.trunk); !isDigits(p.area) || len(p.area) > maxPrefix {
		wrong(KeyAreaCode, `Write its digits, such as "30".`, "%q is no area code", s.AreaCode)
	}
	return p, append(found, p.setExtensions(place, s)...)
}

// setExtensions reads the stem and the extensions behind it.
func (p *Plan) setExtensions(place int, s Site) (found []*SiteError) {
	wrong := func(key, mend, what string, args ...any) {
		found = append(found, &SiteError{place, key, fmt.Sprintf(what, args...), mend})
	}
	const stemLike = `Write what stands before every extension, from outside: "+49305557".`
	stem, plus := strings.CutPrefix(strings.NewReplacer(" ", "", "-", "").Replace(s.Stem), "+")
	switch {
	case s.Stem == "" && s.Extensions == "":
		return nil
	case s.Stem == "":
		wrong(KeyStem, stemLike, "there are extensions, and no stem")
		return found
	case !plus || !isDigits(stem) || len(stem) < minStem:
		wrong(KeyStem, stemLike, "%q is no beginning of a number", s.Stem)
		return found
	case !strings.HasPrefix(stem, p.code):
		wrong(KeyStem, "Correct the stem or the country.", "%s is no number of %s, which begin with +%s", s.Stem, p.country, p.code)
		return found
	case s.Extensions == "":
		wrong(KeyExtensions, `Say which there are: "1000-4999, 7000".`, "there is a stem, and no extensions")
		return found
	}
	ranges, bad := readRanges(s.Extensions)
	if bad != "" {
		wrong(KeyExtensions, `Write ranges of one length each, such as "1000-4999, 70-79".`, "%s", bad)
	}
	for _, r := range ranges {
		switch low, high := p.valid("+"+stem+r.from), p.valid("+"+stem+r.to); {
		case low == "" || high == "":
			wrong(KeyStem, "Correct the stem, or the length of the extensions.", "+%s %s is no valid number of %s", stem, r, p.country)
		case low[1:] != stem+r.from || high[1:] != stem+r.to:
			wrong(KeyStem, "Leave the national prefix behind the country calling code out.", "+%s %s is dialled as %s", stem, r, low)
		case p.external != "" && r.begins(p.external):
			wrong(KeyExtensions, "Leave those out that begin with external_prefix.", "who dials %s gets a line to the outside", r)
		}
	}
	p.stem, p.ranges = stem, ranges
	return found
}

// setEmergencies notes the emergency numbers of each site's country that are as
// long as extensions of any site: they stay what they are.
func (c *company) setEmergencies() {
	known := make(map[string][]string)
	for _, p := range c.plans {
		all, done := known[p.country]
		if !done {
			all = c.emergencies(p.country)
			known[p.country] = all
		}
		p.emergencies = all
	}
}

func (c *company) emergencies(country string) (all []string) {
	const longest = 4 // digits
	for length, most := 1, 10; length <= longest; length, most = length+1, 10*most {
		asLong := func(r extensions) bool { return len(r.from) == length }
		if !slices.ContainsFunc(c.plans, func(p *Plan) bool { return slices.ContainsFunc(p.ranges, asLong) }) {
			continue
		}
		for n := range most {
			if s := fmt.Sprintf("%0*d", length, n); phonenumbers.IsEmergencyNumber(s, country) {
				all = append(all, s)
			}
		}
	}
	return all
}

// An extensions is a range of extensions of one length.
type extensions struct{ from, to string }

func (r extensions) String() string {
	if r.from == r.to {
		return r.from
	}
	return r.from + "-" + r.to
}

func (r extensions) has(s string) bool { return len(s) == len(r.from) && r.from <= s && s <= r.to }

// begins reports whether s is the beginning of an extension, or all of it.
func (r extensions) begins(s string) bool {
	return len(s) <= len(r.from) && r.from[:len(s)] <= s && s <= r.to[:len(s)]
}

// readRanges reads "1000-4999, 70"; bad says what cannot be read.
func readRanges(s string) (all []extensions, bad string) {
	for one := range strings.SplitSeq(s, ",") {
		from, to, is := strings.Cut(strings.TrimSpace(one), "-")
		from, to = strings.TrimSpace(from), strings.TrimSpace(to)
		if !is {
			to = from
		}
		r := extensions{from, to}
		switch {
		case from == "" || !isDigits(from) || !isDigits(to):
			return nil, fmt.Sprintf("%q is no range of extensions", one)
		case len(from) != len(to):
			return nil, fmt.Sprintf("%s and %s are not of one length", from, to)
		case from > to:
			return nil, fmt.Sprintf("%s comes after %s", from, to)
		case len(from) > maxExtension:
			return nil, fmt.Sprintf("%s is longer than %d digits", from, maxExtension)
		case len(all) == maxRanges:
			return nil, fmt.Sprintf("there are more than %d ranges", maxRanges)
		}
		if i := slices.IndexFunc(all, func(o extensions) bool { return len(o.from) == len(from) && o.from <= to && from <= o.to }); i >= 0 {
			return nil, fmt.Sprintf("%s and %s overlap", all[i], r)
		}
		all = append(all, r)
	}
	return all, ""
}

func isDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// A company is the plans of all its sites.
type company struct {
	plans      []*Plan // the default first
	digest     string
	everywhere *Plan
}

// clashes finds what a site has in common with those before it, and may not.
func (c *company) clashes(i int) (found []*SiteError) {
	p := c.plans[i]
	for j, other := range c.plans[:i] {
		if p.name != "" && p.name == other.name {
			found = append(found, &SiteError{i, KeyName, fmt.Sprintf("there are two sites named %q", p.name), "Give each site a name of its own."})
		}
		for _, l := range p.locations {
			if other.at(l) {
				found = append(found, &SiteError{i, KeyLocations, fmt.Sprintf("%q is a location of two sites", l), "Name each office or city at one site."})
			}
		}
		if r, s, clash := p.overlap(other); clash {
			what := fmt.Sprintf("+%s %s are numbers of site %s as well (+%s %s)", p.stem, r, cmp.Or(string(other.name), strconv.Itoa(j)), other.stem, s)
			if j == 0 && other.name == "" {
				what = fmt.Sprintf("+%s %s are numbers of the default site as well (+%s %s)", p.stem, r, other.stem, s)
			}
			found = append(found, &SiteError{i, KeyExtensions, what, "Give each number to one site."})
		}
	}
	return found
}

// overlap finds ranges of two plans that are the same numbers from outside.
func (p *Plan) overlap(other *Plan) (r, s extensions, overlap bool) {
	for _, r := range p.ranges {
		for _, s := range other.ranges {
			if len(p.stem)+len(r.from) == len(other.stem)+len(s.from) &&
				p.stem+r.from <= other.stem+s.to && other.stem+s.from <= p.stem+r.to {
				return r, s, true
			}
		}
	}
	return r, s, false
}

// at reports whether a place is one of the site's locations, in any case.
func (p *Plan) at(place string) bool {
	return slices.ContainsFunc(p.locations, func(l string) bool { return strings.EqualFold(l, place) })
}

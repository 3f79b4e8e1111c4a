package number

import (
	"slices"
	"strings"

	"ringbook/directory"
)

// Format writes a number in a profile, without an external prefix; one without
// E.164 as it is written. An unknown profile is read as [directory.NumbersE164].
func (p *Plan) Format(ph directory.Phone, profile directory.NumberProfile) string {
	if ph.E164 == "" {
		return ph.Written
	}
	switch digits := ph.E164[1:]; profile {
	case directory.NumbersInternational:
		return "00" + digits
	case directory.NumbersExtension:
		if short := p.extension(digits); short != "" {
			return short
		}
		return p.national(digits)
	case directory.NumbersNational:
		return p.national(digits)
	default:
		return ph.E164
	}
}

func (p *Plan) national(digits string) string {
	if national, home := strings.CutPrefix(digits, p.code); home {
		return p.trunk + national
	}
	return p.exit + digits
}

// A Profile is how numbers are written for one device: in its number profile and, if a
// device of that kind has to dial the external prefix itself, with it.
type Profile struct {
	plan     *Plan
	numbers  directory.NumberProfile
	external string // "" = none
}

// Profile returns that of a device.
func (p *Plan) Profile(d directory.Device) *Profile {
	r := &Profile{plan: p, numbers: d.Numbers}
	if p.Prefixed(d) {
		r.external = p.external
	}
	return r
}

// Write writes a number. What has a "+", is an extension or is no valid number never
// gets an external prefix.
func (r *Profile) Write(ph directory.Phone) string {
	s := r.plan.Format(ph, r.numbers)
	if r.external == "" || ph.E164 == "" || s == ph.E164 {
		return s
	}
	if r.numbers == directory.NumbersExtension && r.plan.extension(ph.E164[1:]) != "" {
		return s
	}
	return r.external + s
}

// Before returns what may stand in [Profile.Write] before digits of E.164, which are the
// rest of every number that is a valid one.
func (p *Plan) Before(d directory.Device) []string {
	all := []string{"", "+", "00", p.trunk, p.exit}
	if p.Prefixed(d) {
		for _, s := range all {
			all = append(all, p.external+s)
		}
	}
	return all
}

// Prefixed reports whether numbers are written with the external prefix for a device.
func (p *Plan) Prefixed(d directory.Device) bool {
	return p.external != "" && slices.Contains(p.externalFor, d.Kind)
}

// Extension returns the extension by which a phone of the site reaches a number,
// of its own site or, if only one other site has that extension, of that one;
// "" = there is none.
func (p *Plan) Extension(ph directory.Phone) string {
	if ph.E164 == "" {
		return ""
	}
	if short := p.extension(ph.E164[1:]); short != "" {
		return short
	}
	for _, other := range p.company.plans {
		short := other.extension(ph.E164[1:])
		if short != "" && (p.all || !p.has(short) && !slices.Contains(p.emergencies, short) && len(p.company.having(short)) == 1) {
			return short
		}
	}
	return ""
}

// extension returns the extension of the digits of an E.164 number of the site.
func (p *Plan) extension(digits string) string {
	if short, ours := strings.CutPrefix(digits, p.stem); ours && p.has(short) {
		return short
	}
	return ""
}

// having returns the plans of the sites that have an extension.
func (c *company) having(digits string) (plans []*Plan) {
	for _, p := range c.plans {
		if p.has(digits) {
			plans = append(plans, p)
		}
	}
	return plans
}

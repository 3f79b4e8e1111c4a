package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"ringbook/directory"
	"ringbook/directory/number"
)

// keyExternalFor is the one key of a site that package number does not check.
const keyExternalFor = "external_prefix_for"

// siteSettings are the keys of a site; prefix is "numbers." of the default one.
func siteSettings(prefix string, s *number.Site) []setting {
	return []setting{
		text(prefix+number.KeyName, (*string)(&s.Name)),
		text(prefix+number.KeyCountry, &s.Country),
		text(prefix+number.KeyAreaCode, &s.AreaCode),
		text(prefix+number.KeyNationalPrefix, &s.NationalPrefix),
		text(prefix+number.KeyInternationalPrefix, &s.InternationalPrefix),
		text(prefix+number.KeyExternalPrefix, &s.ExternalPrefix),
		deviceKinds(prefix+keyExternalFor, &s.ExternalFor),
		text(prefix+number.KeyStem, &s.Stem),
		text(prefix+number.KeyExtensions, &s.Extensions),
	}
}

// sites reads the [[numbers.site]] tables. A site that names no country is in that
// of the default one.
func (r *reader) sites() {
	n := &r.cfg.Numbers
	setExternalFor(&n.Site)
	for i, table := range r.lists[listSite] {
		s := number.Site{Country: n.Country}
		r.table(listSite, i, table, append(siteSettings("", &s), texts(number.KeyLocations, &s.Locations)))
		setExternalFor(&s)
		n.Sites = append(n.Sites, s)
	}
}

// setExternalFor gives the kinds that dial a prefix their default: a desk phone
// does, and an exchange or a mobile phone does not.
func setExternalFor(s *number.Site) {
	if s.ExternalPrefix != "" && s.ExternalFor == nil {
		s.ExternalFor = []directory.DeviceKind{directory.KindDeskphone}
	}
}

// checkSites has the number plans made, and reports what is wrong with each site.
func (r *reader) checkSites() {
	plan, err := r.cfg.Numbers.Plan()
	for _, e := range siteErrors(err) {
		if e.Site == 0 {
			r.add("numbers."+e.Key, e.What, e.Mend)
		} else {
			r.addTo(listSite, e.Site-1, e.Key, e.What, e.Mend)
		}
	}
	if err != nil {
		return
	}
	warn := func(p Problem, all []string) {
		if len(all) == 0 {
			return
		}
		p.What = fmt.Sprintf("%s in it: numbers that call for help are nobody's extension", strings.Join(all, ", "))
		p.Mend = "Leave them out of the ranges."
		r.cfg.Warnings = append(r.cfg.Warnings, p)
	}
	key := "numbers." + number.KeyExtensions
	warn(r.at(key), plan.Emergencies())
	for i, s := range r.cfg.Numbers.Sites {
		warn(r.in(listSite, i, number.KeyExtensions), plan.Site(s.Name).Emergencies())
	}
}

// siteErrors takes the errors of [number.NewPlans] apart.
func siteErrors(err error) (all []*number.SiteError) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			all = append(all, siteErrors(one)...)
		}
		return all
	}
	if e, ok := errors.AsType[*number.SiteError](err); ok {
		all = append(all, e)
	}
	return all
}

// deviceKinds reads a list of kinds of devices, or "deskphone,pbx" from the environment.
func deviceKinds(key string, to *[]directory.DeviceKind) setting {
	return setting{key, func(v any) error {
		var words []string
		if err := texts(key, &words).set(v); err != nil {
			return err
		}
		*to = []directory.DeviceKind{} // not nil: no kind at all is an answer
		for _, s := range words {
			kind := directory.DeviceKind(s)
			if !slices.Contains(directory.DeviceKinds(), kind) {
				return &valueError{fmt.Sprintf("%q is no kind of device", s), "Use phone, deskphone, pbx."}
			}
			*to = append(*to, kind)
		}
		return nil
	}}
}

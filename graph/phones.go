package graph

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"ringbook/directory"
	"ringbook/directory/number"
)

const (
	// maxWritten is the longest spelling of a number, in bytes. Graph allows 64
	// characters; an extension attribute may hold anything.
	maxWritten = 128
	// maxNumbers bounds the numbers of one attribute, and the fields that are
	// looked at for them: Graph's businessPhones holds one.
	maxNumbers = 16
	// maxField is the longest field that is taken apart, in bytes.
	maxField = 1 << 10
)

// onPremises is the property that holds extensionAttribute1 to 15: they cannot
// be selected one by one.
const onPremises = "onPremisesExtensionAttributes"

var (
	onPremisesName = regexp.MustCompile(`^extensionAttribute([1-9]|1[0-5])$`)
	extensionName  = regexp.MustCompile(`^extension_[0-9a-fA-F]{32}_[0-9A-Za-z_]{1,200}$`)
)

// A phones reads numbers. Attributes that everybody has come first, then the
// configured ones by name; that is also the order of numbers of one kind.
type phones struct {
	kinds map[string]directory.PhoneKind
	order []string
	rank  map[directory.PhoneKind]int
	e164  func(string) string
	site  func(*directory.Contact) func(string) string // nil returned = e164
}

func newPhones(o Options) (phones, error) {
	p := phones{
		kinds: map[string]directory.PhoneKind{
			"businessPhones": directory.PhoneWork, "mobilePhone": directory.PhoneMobile, "faxNumber": directory.PhoneFax,
		},
		order: []string{"businessPhones", "mobilePhone", "faxNumber"},
		rank:  make(map[directory.PhoneKind]int),
		e164:  o.E164,
		site:  o.Site,
	}
	if p.e164 == nil {
		p.e164 = func(string) string { return "" }
	}
	if p.site == nil {
		p.site = func(*directory.Contact) func(string) string { return nil }
	}
	for _, k := range slices.Concat(o.Order, directory.PhoneKinds()) {
		if _, named := p.rank[k]; !named {
			p.rank[k] = len(p.rank)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o.Phones)) {
		if _, ok := p.rank[o.Phones[name]]; !ok {
			return phones{}, fmt.Errorf("phone attribute %s: unknown kind %q: %w", name, o.Phones[name], directory.ErrInvalid)
		}
		_, known := p.kinds[name]
		if !known && !onPremisesName.MatchString(name) && !extensionName.MatchString(name) {
			return phones{}, fmt.Errorf("phone attribute %q is none of extensionAttribute1 to 15, extension_<application id>_<name>, businessPhones, mobilePhone, faxNumber: %w", name, directory.ErrInvalid)
		}
		if !known {
			p.order = append(p.order, name)
		}
		p.kinds[name] = o.Phones[name]
	}
	return p, nil
}

// properties returns what to select for the numbers. The attributes of
// [onPremises] are mirrored in any case: rules of books ask about them.
func (p phones) properties() []property {
	var ps []property
	for _, name := range p.order {
		if onPremisesName.MatchString(name) {
			continue
		}
		ps = append(ps, property{name: name, decode: func(raw json.RawMessage) (setter, error) { return p.decode(name, raw) }})
	}
	return append(ps, property{name: onPremises, decode: p.decodeNested, extra: onPremisesExtras})
}

// decode reads one attribute: null, a text, or a list of texts.
func (p phones) decode(attribute string, raw json.RawMessage) (setter, error) {
	var fields []string
	if one, err := decodeText(raw); err == nil {
		fields = []string{one}
	} else if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, errType
	}
	var ph []directory.Phone
	for _, f := range fields[:min(len(fields), maxNumbers)] {
		for _, written := range split(clean(f, false)) {
			if len(written) <= maxWritten && len(ph) < maxNumbers {
				ph = append(ph, directory.Phone{
					Kind: p.kinds[attribute], Written: written, E164: p.e164(written), Attribute: attribute,
				})
			}
		}
	}
	return func(c *directory.Contact) { c.Phones = p.lay(c.Phones, attribute, ph) }, nil
}

// decodeNested reads the configured extensionAttributes.
func (p phones) decodeNested(raw json.RawMessage) (setter, error) {
	var o object // null = all of them are cleared
	if err := json.Unmarshal(raw, &o); err != nil {
		return nil, errType
	}
	var set []setter
	for _, name := range p.order {
		if !onPremisesName.MatchString(name) {
			continue
		}
		value, there := o[name]
		if o == nil {
			value, there = json.RawMessage("null"), true
		}
		if !there {
			continue
		}
		s, err := p.decode(name, value)
		if err != nil {
			return nil, err
		}
		set = append(set, s)
	}
	return func(c *directory.Contact) {
		for _, s := range set {
			s(c)
		}
	}, nil
}

// lay replaces the numbers of one attribute and returns all of them in order.
//
// A number that several attributes hold is kept once, and its Attribute names
// them all, separated by commas: when one attribute loses it, the others still
// have it, although the news does not repeat them.
func (p phones) lay(old []directory.Phone, attribute string, news []directory.Phone) []directory.Phone {
	var all []directory.Phone // one attribute each
	for _, ph := range old {
		for a := range strings.SplitSeq(ph.Attribute, ",") {
			if kind, known := p.kinds[a]; known && a != attribute {
				one := ph
				one.Attribute, one.Kind = a, kind
				all = append(all, one)
			}
		}
	}
	all = append(all, news...)
	slices.SortStableFunc(all, func(a, b directory.Phone) int {
		if d := p.rank[a.Kind] - p.rank[b.Kind]; d != 0 {
			return d
		}
		return slices.Index(p.order, a.Attribute) - slices.Index(p.order, b.Attribute)
	})
	return p.merge(all)
}

// move reads all numbers of a contact again that sits, or sat, at another site
// than the default: the news may tell of the place alone, or of the numbers alone.
func (p phones) move(c *directory.Contact, sat bool) {
	read := p.site(c)
	if read == nil && !sat {
		return
	}
	if read == nil {
		read = p.e164
	}
	all := slices.Clone(c.Phones)
	for i := range all {
		all[i].E164 = read(all[i].Written)
	}
	c.Phones = p.merge(all)
}

// merge drops the second and later spellings of a number.
func (p phones) merge(all []directory.Phone) []directory.Phone {
	var out []directory.Phone
	at := make(map[string]int, len(all))
	for _, ph := range all {
		key := ph.E164
		if key == "" {
			key = "as written:" + ph.Written
		}
		i, twice := at[key]
		if !twice {
			at[key] = len(out)
			out = append(out, ph)
			continue
		}
		if !slices.Contains(strings.Split(out[i].Attribute, ","), ph.Attribute) {
			out[i].Attribute += "," + ph.Attribute
		}
	}
	return out
}

// split returns the numbers of one field; a long text is none.
func split(s string) []string {
	if len(s) > maxField {
		return nil
	}
	return number.Split(s)
}

// digest returns a digest of texts that no other list of texts has.
func digest(parts []string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s,", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

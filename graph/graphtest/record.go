package graphtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"ringbook/directory"
)

// The user properties that the stand-in knows. More can be had as directory
// extensions, whose names begin with "extension_".
const (
	propID = iota
	propDisplayName
	propGivenName
	propSurname
	propMail
	propUserPrincipalName
	propJobTitle
	propOfficeLocation
	propBusinessPhones
	propMobilePhone
	propPreferredLanguage // the last of Graph's default set
	propFaxNumber
	propDepartment
	propCompanyName
	propEmployeeID
	propStreetAddress
	propCity
	propState
	propPostalCode
	propCountry
	propUsageLocation
	propAccountEnabled
	propUserType
	propShowInAddressList
	propProxyAddresses
	propOtherMails
	propMailNickname
	propImAddresses
	propCreatedDateTime
	propOnPremisesSyncEnabled
	propOnPremisesExtensionAttributes
	propExternalUserState
	propEmployeeType
	propEmployeeHireDate
	propEmployeeOrgData
	propAssignedLicenses
	propPhones         // of organisational contacts
	propAddresses      // likewise
	propEmailAddresses // of Outlook contacts, and so on
	propHomePhones
	propBusinessAddress
	propHomeAddress
	propOtherAddress
	propParentFolderID
	propManager // as the relation's last change, which a delta shows only
	propCount
)

// defaultSet is what a plain GET gives without $select.
const defaultSet = 1<<(propPreferredLanguage+1) - 1

// properties are the names, in the order in which they are written.
var properties = [propCount]string{
	"id", "displayName", "givenName", "surname", "mail", "userPrincipalName", "jobTitle",
	"officeLocation", "businessPhones", "mobilePhone", "preferredLanguage",
	"faxNumber", "department", "companyName", "employeeId", "streetAddress", "city", "state",
	"postalCode", "country", "usageLocation", "accountEnabled", "userType", "showInAddressList",
	"proxyAddresses", "otherMails", "mailNickname", "imAddresses", "createdDateTime",
	"onPremisesSyncEnabled", "onPremisesExtensionAttributes", "externalUserState", "employeeType",
	"employeeHireDate", "employeeOrgData", "assignedLicenses", "phones", "addresses",
	"emailAddresses", "homePhones", "businessAddress", "homeAddress", "otherAddress", "parentFolderId", "manager",
}

// extension is the form of a directory extension's name: the application's id
// without dashes stands in the middle.
var extension = regexp.MustCompile(`^extension_[0-9a-f]{32}_[A-Za-z0-9_]{1,64}$`)

// A selection is a set of properties.
type selection struct {
	mask uint64   // bit i: properties[i]
	more []string // directory extensions, sorted
	all  bool     // the extensions too, whatever they are called
}

func everything() selection { return selection{mask: 1<<propCount - 1, all: true} }

// parseSelect reads the value of $select. "" is none.
func parseSelect(s string) (sel selection, err error) {
	sel.mask = 1 << propID
	for name := range strings.SplitSeq(s, ",") {
		name = strings.TrimSpace(name)
		if i := slices.Index(properties[:], name); i >= 0 {
			sel.mask |= 1 << i
		} else if extension.MatchString(name) {
			sel.more = append(sel.more, name)
		} else {
			return sel, fmt.Errorf("%w: %q", errProperty, name)
		}
	}
	slices.Sort(sel.more)
	sel.more = slices.Compact(sel.more)
	return sel, nil
}

func (s selection) has(name string) bool {
	return s.all || slices.Contains(s.more, name)
}

// and returns the properties of both.
func (s selection) and(o selection) selection {
	if s.all {
		s.more, s.all = o.more, o.all
	} else {
		s.more = slices.DeleteFunc(slices.Clone(s.more), func(n string) bool { return !o.has(n) })
	}
	s.mask &= o.mask
	return s
}

// without leaves a property out that news do not speak of.
func (s selection) without(news selection, property int) selection {
	if news.mask&(1<<property) == 0 {
		s.mask &^= 1 << property
	}
	return s
}

// empty reports that there is nothing in it but, maybe, the id.
func (s selection) empty() bool {
	return s.mask&^(1<<propID) == 0 && len(s.more) == 0 && !s.all
}

// or returns the properties of either.
func (s selection) or(o selection) selection {
	s.mask |= o.mask
	s.all = s.all || o.all
	s.more = slices.Concat(s.more, o.more)
	return s
}

// A record holds one person's properties as JSON. A property that was never
// set is nil, one that was cleared is null.
type record struct {
	values [propCount]json.RawMessage
	more   map[string]json.RawMessage // directory extensions
	arena  []byte                     // what the values of a drawn person lie in
}

// keep sets a property to what write appends.
func (r *record) keep(property int, write func(dst []byte) []byte) {
	start := len(r.arena)
	r.arena = write(r.arena)
	r.values[property] = r.arena[start:len(r.arena):len(r.arena)]
}

func (r *record) clone() *record {
	c := *r
	c.more = maps.Clone(r.more)
	c.arena = nil // nobody writes there any more
	return &c
}

// set lays values over the record and returns which they were.
func (r *record) set(values map[string]any) (set selection, err error) {
	for name, v := range values {
		raw, err := json.Marshal(v)
		if err != nil {
			return set, fmt.Errorf("property %q: %w: %w", name, directory.ErrInvalid, err)
		}
		i := slices.Index(properties[:], name)
		switch {
		case i == propManager:
			id, isText := v.(string)
			if !isText && v != nil {
				return set, fmt.Errorf("property %q is an id or null: %w", name, directory.ErrInvalid)
			}
			r.values[i] = managerDelta(r.managerID(), id)
			set.mask |= 1 << i
		case i == propID:
			return set, fmt.Errorf("property %q cannot be set: %w", name, directory.ErrInvalid)
		case i >= 0:
			r.values[i] = raw
			set.mask |= 1 << i
		case extension.MatchString(name):
			if r.more == nil {
				r.more = map[string]json.RawMessage{}
			}
			r.more[name] = raw
			set.more = append(set.more, name)
		default:
			return set, fmt.Errorf("property %q: %w: %w", name, directory.ErrInvalid, errProperty)
		}
	}
	return set, nil
}

// A related is one change of a relation in a delta.
type related struct {
	Type    string   `json:"@odata.type"`
	ID      string   `json:"id"`
	Removed *removal `json:"@removed,omitempty"`
}

type removal struct {
	Reason string `json:"reason"`
}

// managerDelta is manager@delta when one manager follows another; "" = none.
func managerDelta(from, to string) json.RawMessage {
	const user = "#microsoft.graph.user"
	news := []related{}
	if to != "" {
		news = append(news, related{Type: user, ID: to})
	}
	if from != "" && from != to {
		news = append(news, related{Type: user, ID: from, Removed: &removal{"deleted"}})
	}
	raw, _ := json.Marshal(news) // texts only
	return raw
}

// managerID returns who the manager is now; "" = nobody.
func (r *record) managerID() string {
	var news []related
	if json.Unmarshal(r.values[propManager], &news) == nil && len(news) > 0 && news[0].Removed == nil {
		return news[0].ID
	}
	return ""
}

// text returns a string property, "" if it is none.
func (r *record) text(property int) string {
	var s string
	if json.Unmarshal(r.values[property], &s) != nil {
		return ""
	}
	return s
}

// appendObject appends the selected properties as a JSON object. A property
// that was never set is left out if missing is "", else written as missing.
func (r *record) appendObject(dst []byte, sel selection, missing string) []byte {
	dst = append(dst, '{')
	for i, raw := range r.values {
		if sel.mask&(1<<i) == 0 {
			continue
		}
		if raw == nil && (missing == "" || i == propManager) {
			continue
		}
		if i == propManager && missing != "" {
			continue // a list shows relations only when they are expanded
		}
		dst = append(dst, '"')
		dst = append(dst, properties[i]...)
		if i == propManager {
			dst = append(dst, "@delta"...)
		}
		dst = append(dst, '"', ':')
		switch {
		case raw != nil:
			dst = append(dst, raw...)
		case i == propBusinessPhones || i == propProxyAddresses || i == propOtherMails || i == propImAddresses || i == propAssignedLicenses || i == propPhones || i == propAddresses ||
			i == propEmailAddresses || i == propHomePhones:
			dst = append(dst, "[]"...) // a collection is never null
		default:
			dst = append(dst, missing...)
		}
		dst = append(dst, ',')
	}
	for _, name := range slices.Sorted(maps.Keys(r.more)) {
		if sel.has(name) {
			dst = append(quoteTo(dst, name), ':')
			dst = append(append(dst, r.more[name]...), ',')
		}
	}
	if dst[len(dst)-1] == ',' {
		dst = dst[:len(dst)-1]
	}
	return append(dst, '}')
}

func quote(s string) json.RawMessage { return quoteTo(make([]byte, 0, len(s)+2), s) }

// quoteTo appends s as a JSON string. It is json.Marshal without the
// allocations and without HTML escapes: a page quotes some 25,000 strings.
func quoteTo(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', byte(c))
		case c < 0x20:
			dst = append(dst, `\u00`...)
			dst = append(dst, hex[c>>4], hex[c&15])
		default:
			dst = utf8.AppendRune(dst, c)
		}
	}
	return append(dst, '"')
}

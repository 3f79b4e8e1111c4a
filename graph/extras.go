package graph

import (
	"encoding/json"
	"fmt"
	"strings"

	"ringbook/directory"
)

const (
	// maxExtras is how many values of one attribute are kept. Entra has some ten
	// addresses and licences of a person.
	maxExtras = 64
	// maxExtra is the longest value of one, in bytes: extension attributes have
	// 1,024 characters.
	maxExtra = 1 << 10
)

// manager is the relation to a user's manager.
const manager = "manager"

// extraProperties are what a rule may ask about and nothing shows
// (https://learn.microsoft.com/graph/api/resources/user). What many people have
// in common is kept once. That is why no address is among them: aliases are each
// person's own, no rule that was asked for needs them, and in otherMails Entra
// keeps private addresses for a lost password.
func extraProperties() []property {
	var ps []property
	for _, name := range []string{"employeeType", "usageLocation", "preferredLanguage", "externalUserState"} {
		ps = append(ps, property{name: name, extra: func(raw json.RawMessage) ([]directory.Extra, error) {
			s, err := decodeText(raw)
			return extra(name, s), err
		}})
	}
	for _, name := range []string{"createdDateTime", "employeeHireDate"} {
		ps = append(ps, property{name: name, extra: func(raw json.RawMessage) ([]directory.Extra, error) {
			s, err := decodeText(raw)
			day, _, _ := strings.Cut(s, "T") // no rule asks for the minute
			return extra(name, day), err
		}})
	}
	return append(
		ps,
		property{name: "onPremisesSyncEnabled", extra: syncedExtra},
		property{name: "assignedLicenses", extra: licenceExtras},
		property{name: "employeeOrgData", extra: orgDataExtras},
	)
}

// extra is the news about one attribute; values that no rule could want are cut off.
func extra(name string, values ...string) []directory.Extra {
	var kept []string
	for _, v := range values[:min(len(values), maxExtras)] {
		if v = clean(v, false); len(v) <= maxExtra {
			kept = append(kept, v)
		}
	}
	return []directory.Extra{{Name: name, Values: kept}}
}

func syncedExtra(raw json.RawMessage) ([]directory.Extra, error) {
	var b *bool
	if json.Unmarshal(raw, &b) != nil {
		return nil, errType
	}
	if b == nil {
		return extra("onPremisesSyncEnabled"), nil
	}
	return extra("onPremisesSyncEnabled", strings.ToUpper(fmt.Sprint(*b))), nil
}

// licenceExtras keeps which products a user has: a mailbox that nobody pays for
// belongs to no person.
func licenceExtras(raw json.RawMessage) ([]directory.Extra, error) {
	var licences []struct {
		SKU string `json:"skuId"`
	}
	if json.Unmarshal(raw, &licences) != nil {
		return nil, errType
	}
	ids := make([]string, len(licences))
	for i, l := range licences {
		ids[i] = l.SKU
	}
	return extra("assignedLicenses", ids...), nil
}

func orgDataExtras(raw json.RawMessage) ([]directory.Extra, error) {
	var d struct {
		Division   string `json:"division"`
		CostCenter string `json:"costCenter"`
	}
	if json.Unmarshal(raw, &d) != nil {
		return nil, errType
	}
	return append(extra("division", d.Division), extra("costCenter", d.CostCenter)...), nil
}

// onPremisesExtras reads extensionAttribute1 to 15. Null clears them all; one
// that is absent is left as it is.
func onPremisesExtras(raw json.RawMessage) ([]directory.Extra, error) {
	var o object
	if json.Unmarshal(raw, &o) != nil {
		return nil, errType
	}
	var news []directory.Extra
	for i := 1; i <= 15; i++ {
		name := fmt.Sprintf("extensionAttribute%d", i)
		value, there := o[name]
		switch {
		case o == nil:
			news = append(news, directory.Extra{Name: name})
		case there:
			s, err := decodeText(value)
			if err != nil {
				return nil, err
			}
			news = append(news, extra(name, s)...)
		}
	}
	return news, nil
}

// managerChange reads what was added to the relation and taken from it: a
// manager that is taken away clears only itself, in whatever order the two come.
// https://learn.microsoft.com/graph/delta-query-users
func managerChange(raw json.RawMessage) (setter, error) {
	var list []object
	if json.Unmarshal(raw, &list) != nil {
		return nil, errType
	}
	var added directory.ContactID
	removed := make(map[directory.ContactID]bool)
	for _, o := range list[:min(len(list), maxExtras)] {
		id, err := o.id()
		switch {
		case err != nil:
			return nil, errType
		case o.removed():
			removed[id] = true
		default:
			added = id
		}
	}
	return func(c *directory.Contact) {
		if removed[c.Manager] {
			c.Manager = ""
		}
		if added != "" {
			c.Manager = added
		}
	}, nil
}

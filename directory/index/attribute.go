package index

import (
	"iter"
	"slices"
	"strings"

	"ringbook/directory"
)

// An Attribute is one attribute of a contact, by which rules and filters ask
// and LDAP answers. One table says its names, its values and how it is compared.
type Attribute int

// The attributes that something else than the table speaks of.
const (
	attributeCN Attribute = iota
	attributeSN
	attributeGivenName
	attributeObjectClass
	attributeObjectCategory
	attributeANR
)

// A syntax says how the values of an attribute are compared.
type syntax int

const (
	syntaxName     syntax = iota // folded; the beginning of any word counts as a prefix
	syntaxText                   // folded
	syntaxPlain                  // without case: addresses and ids
	syntaxFlag                   // TRUE or FALSE
	syntaxNumber                 // telephone numbers, in any spelling
	syntaxConstant               // the same for every contact
	syntaxSearch                 // has no values: a search over the names
)

// attributeRow is one row of the table.
type attributeRow struct {
	names  []string // the first is the one we write
	syntax syntax
	// operational attributes are for rules and filters only.
	operational bool
	values      func(*directory.Contact) []string // nil = phones, or none
	phones      []directory.PhoneKind
}

func (r *attributeRow) has(k directory.PhoneKind) bool { return slices.Contains(r.phones, k) }

// table holds the attributes of inetOrgPerson (RFC 2798, RFC 4519) that
// contacts have, under the names that phones, Active Directory and Microsoft
// Graph know them by. Nothing changes it.
var table = [...]attributeRow{
	attributeCN: {
		names:  []string{"cn", "commonName", "displayName", "name"},
		values: func(c *directory.Contact) []string { return one(c.Name()) },
	},
	// Schemas demand a surname, and phones ask for (sn=*): who has none is
	// listed by the name.
	attributeSN: {
		names: []string{"sn", "surname"},
		values: func(c *directory.Contact) []string {
			if c.Surname == "" {
				return one(c.Name())
			}
			return one(c.Surname)
		},
	},
	attributeGivenName: {
		names:  []string{"givenName", "gn"},
		values: func(c *directory.Contact) []string { return one(c.GivenName) },
	},
	attributeObjectClass: {
		names:  []string{"objectClass"},
		syntax: syntaxConstant,
		values: func(*directory.Contact) []string {
			return []string{"top", "person", "organizationalPerson", "inetOrgPerson"}
		},
	},
	attributeObjectCategory: {
		names:       []string{"objectCategory"},
		syntax:      syntaxConstant,
		operational: true,
		values:      func(*directory.Contact) []string { return one("person") },
	},
	// Active Directory's search by any part of a name; estos calls it metaSearchText.
	attributeANR: {names: []string{"anr", "metaSearchText"}, syntax: syntaxSearch, operational: true},

	{names: []string{"uid", "userid", "id", "entryUUID"}, syntax: syntaxPlain, values: func(c *directory.Contact) []string { return one(string(c.ID)) }},
	{names: []string{"mail", "email", "emailAddress", "rfc822Mailbox"}, syntax: syntaxPlain, values: func(c *directory.Contact) []string { return c.Emails }},

	numbers("telephoneNumber businessPhones businessPhone workPhone", directory.PhoneWork),
	numbers("mobile mobileTelephoneNumber mobilePhone cellPhone", directory.PhoneMobile),
	numbers("homePhone homeTelephoneNumber", directory.PhoneHome),
	numbers("facsimileTelephoneNumber fax faxNumber", directory.PhoneFax),
	numbers("pager pagerTelephoneNumber", directory.PhonePager),
	numbers("otherTelephone otherPhone", directory.PhoneOther),
	// Known and empty until a number plan knows of extensions.
	numbers("ipPhone"),
	// estos phones search all numbers at once.
	searchNumber(),

	line("title", "jobTitle")(func(c *directory.Contact) string { return c.JobTitle }),
	line("ou", "department", "departmentNumber", "organizationalUnitName")(func(c *directory.Contact) string { return c.Department }),
	line("o", "company", "companyName", "organizationName")(func(c *directory.Contact) string { return c.Company }),
	line("physicalDeliveryOfficeName", "officeLocation", "office", "roomNumber")(func(c *directory.Contact) string { return c.Office }),
	line("street", "streetAddress")(func(c *directory.Contact) string { return c.Address.Street }),
	line("l", "localityName", "city")(func(c *directory.Contact) string { return c.Address.City }),
	line("st", "stateOrProvinceName", "state")(func(c *directory.Contact) string { return c.Address.State }),
	line("postalCode", "zip")(func(c *directory.Contact) string { return c.Address.PostalCode }),
	line("co", "c", "country", "countryName", "friendlyCountryName", "countryOrRegion")(func(c *directory.Contact) string { return c.Address.Country }),
	line("postalAddress")(postalAddress),
	{names: []string{"employeeNumber", "employeeId"}, syntax: syntaxPlain, operational: true, values: func(c *directory.Contact) []string { return one(c.EmployeeID) }},
	{names: []string{"userPrincipalName"}, syntax: syntaxPlain, operational: true, values: func(c *directory.Contact) []string { return one(c.UserPrincipalName) }},
	{names: []string{"userType"}, syntax: syntaxPlain, operational: true, values: func(c *directory.Contact) []string { return one(c.UserType) }},
	{names: []string{"source"}, syntax: syntaxPlain, operational: true, values: func(c *directory.Contact) []string { return one(string(c.Source)) }},
	flag("accountEnabled", func(c *directory.Contact) directory.Flag { return c.AccountEnabled }),
	flag("showInAddressList", func(c *directory.Contact) directory.Flag { return c.ShowInAddressList }),
	// The value is the photo's id: whether there is one can be asked, and which
	// bytes it has is up to who answers.
	{names: []string{"jpegPhoto", "thumbnailPhoto"}, syntax: syntaxPlain, values: func(c *directory.Contact) []string { return one(string(c.Photo)) }},
}

func one(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

func line(names ...string) func(func(*directory.Contact) string) attributeRow {
	return func(get func(*directory.Contact) string) attributeRow {
		return attributeRow{
			names: names, syntax: syntaxText,
			values: func(c *directory.Contact) []string { return one(get(c)) },
		}
	}
}

func numbers(names string, kinds ...directory.PhoneKind) attributeRow {
	return attributeRow{names: strings.Fields(names), syntax: syntaxNumber, phones: kinds}
}

func searchNumber() attributeRow {
	r := numbers("searchNumber metaSearchNumber", directory.PhoneKinds()...)
	r.operational = true
	return r
}

func flag(name string, get func(*directory.Contact) directory.Flag) attributeRow {
	values := func(c *directory.Contact) []string {
		switch get(c) {
		case directory.True:
			return []string{"TRUE"}
		case directory.False:
			return []string{"FALSE"}
		}
		return nil
	}
	return attributeRow{names: []string{name}, syntax: syntaxFlag, operational: true, values: values}
}

// postalAddress composes the lines of RFC 4517 §3.3.28.
func postalAddress(c *directory.Contact) string {
	a := c.Address
	lines := append(strings.Split(a.Street, "\n"), strings.TrimSpace(a.PostalCode+" "+a.City), a.State, a.Country)
	lines = slices.DeleteFunc(lines, func(s string) bool { return s == "" })
	for i := range lines {
		lines[i] = strings.NewReplacer(`\`, `\5C`, "$", `\24`).Replace(lines[i])
	}
	return strings.Join(lines, "$")
}

// byName finds an attribute by its names in lower case. Nothing changes it.
var byName = func() map[string]Attribute {
	m := map[string]Attribute{}
	for i := range table {
		for _, name := range table[i].names {
			m[strings.ToLower(name)] = Attribute(i)
		}
	}
	return m
}()

// ParseAttribute finds an attribute by any of its names or aliases, in any case.
func ParseAttribute(name string) (Attribute, bool) {
	a, ok := byName[strings.ToLower(name)]
	return a, ok
}

// Name returns the attribute's first name, such as "telephoneNumber".
func (a Attribute) Name() string { return table[a].names[0] }

// Numbers reports whether the values are telephone numbers.
func (a Attribute) Numbers() bool { return table[a].syntax == syntaxNumber }

// Operational reports whether rules may ask for the attribute but LDAP never returns it.
func (a Attribute) Operational() bool { return table[a].operational }

// Attributes yields the table.
func Attributes() iter.Seq[Attribute] {
	return func(yield func(Attribute) bool) {
		for i := range table {
			if !yield(Attribute(i)) {
				return
			}
		}
	}
}

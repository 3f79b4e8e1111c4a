package index

import (
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"ringbook/directory"
	"ringbook/directory/number"
)

// An Attribute is one attribute of a contact, by which rules and filters ask
// and LDAP answers. One table says its names, its values and how it is compared.
type Attribute uint8

// The attributes that something else than the table speaks of.
const (
	attributeCN Attribute = iota
	attributeSN
	attributeGivenName
	attributeObjectClass
	attributeObjectCategory
	attributeANR
	attributeUID
	attributeSearchNumber
)

// A syntax says how the values of an attribute are compared.
type syntax int

const (
	syntaxName     syntax = iota // keyed and folded; the beginning of any word counts as a prefix
	syntaxText                   // folded
	syntaxPlain                  // without case: addresses and ids
	syntaxFlag                   // TRUE or FALSE
	syntaxNumber                 // telephone numbers, in any spelling
	syntaxConstant               // the same for every contact
	syntaxSearch                 // has no values: a search over the names
	syntaxTime                   // when the contact changed; for requests only
)

// attributeRow is one row of the table. Its values are the constants, the lines,
// the line, the flag, the phones or, of the rest, the values of a contact.
type attributeRow struct {
	names  []string // the first is the one we write
	syntax syntax
	// operational attributes are for rules and filters only.
	operational bool
	// keyed attributes are folded once for each contact, since phones search
	// them; the others whenever a filter asks.
	keyed bool
	// worded texts are looked for by each of their words, beside names.
	worded bool
	// place attributes are of an address: they are not keyed, but pieces of their
	// folded values are looked for, as Apple's clients ask for postalAddress.
	place bool

	constants []string
	lines     func(*directory.Contact) []string
	line      func(*directory.Contact) string
	flag      func(*directory.Contact) directory.Flag
	phones    []directory.PhoneKind
	extension bool // of numbers: only those that are extensions at the site of whoever asks
	values    func(dst []string, c *directory.Contact) []string
}

func (r *attributeRow) has(k directory.PhoneKind) bool {
	if len(r.phones) == 1 { // as most have, and each is asked for each number of each answer
		return r.phones[0] == k
	}
	return slices.Contains(r.phones, k)
}

// appendValues appends the values of all attributes but those of numbers.
func (r *attributeRow) appendValues(dst []string, c *directory.Contact) []string {
	switch {
	case r.constants != nil:
		return append(dst, r.constants...)
	case r.lines != nil:
		return append(dst, r.lines(c)...)
	case r.values != nil:
		return r.values(dst, c)
	case r.line != nil:
		if s := r.line(c); s != "" {
			return append(dst, s)
		}
	case r.flag != nil:
		if f := r.flag(c); f != directory.Unset {
			return append(dst, flagText(f))
		}
	}
	return dst
}

// hasValues reports whether appendValues appends any.
func (r *attributeRow) hasValues(c *directory.Contact) bool {
	switch {
	case r.line != nil: // most, and looked at without making room for what is only counted
		return r.line(c) != ""
	case r.lines != nil:
		return len(r.lines(c)) > 0
	}
	return len(r.appendValues(nil, c)) > 0
}

// flagText writes a flag as RFC 4517 §3.3.3 has it.
func flagText(f directory.Flag) string {
	if f == directory.True {
		return "TRUE"
	}
	return "FALSE"
}

// table holds the attributes of inetOrgPerson (RFC 2798, RFC 4519) that
// contacts have, under the names that phones, Active Directory and Microsoft
// Graph know them by. Nothing changes it.
var table = [...]attributeRow{
	attributeCN:        name("cn commonName displayName name", (*directory.Contact).Name),
	attributeSN:        name("sn surname", surname),
	attributeGivenName: name("givenName gn", func(c *directory.Contact) string { return c.GivenName }),
	attributeObjectClass: {
		names: []string{"objectClass"}, syntax: syntaxConstant,
		constants: []string{"top", "person", "organizationalPerson", "inetOrgPerson"},
	},
	attributeObjectCategory: {
		names: []string{"objectCategory"}, syntax: syntaxConstant, operational: true,
		constants: []string{"person"},
	},
	// Active Directory's search by any part of a name; estos calls it metaSearchText.
	attributeANR: {names: []string{"anr", "metaSearchText"}, syntax: syntaxSearch, operational: true},

	attributeUID:          plain("uid userid id entryUUID", func(c *directory.Contact) string { return string(c.ID) }),
	attributeSearchNumber: hidden(numbers("searchNumber metaSearchNumber", directory.PhoneKinds()...)), // estos phones search all at once
	{
		names:  []string{"mail", "email", "emailAddress", "rfc822Mailbox"},
		syntax: syntaxPlain, keyed: true,
		lines: func(c *directory.Contact) []string { return c.Emails },
	},
	// What is looked for as it is written, and is found by no other key as such: see [asWritten].
	{names: []string{"asWritten"}, syntax: syntaxText, keyed: true, operational: true, values: asWritten},

	numbers("telephoneNumber businessPhones businessPhone workPhone", directory.PhoneWork),
	numbers("mobile mobileTelephoneNumber mobilePhone cellPhone", directory.PhoneMobile),
	numbers("homePhone homeTelephoneNumber", directory.PhoneHome),
	numbers("facsimileTelephoneNumber fax faxNumber", directory.PhoneFax),
	numbers("pager pagerTelephoneNumber", directory.PhonePager),
	numbers("otherTelephone otherPhone", directory.PhoneOther),
	{names: []string{"ipPhone"}, syntax: syntaxNumber, phones: directory.PhoneKinds(), extension: true},

	keyed(line("title jobTitle", func(c *directory.Contact) string { return c.JobTitle })),
	worded(line("ou department departmentNumber organizationalUnitName", func(c *directory.Contact) string { return c.Department })),
	worded(line("o company companyName organizationName", func(c *directory.Contact) string { return c.Company })),
	keyed(line("physicalDeliveryOfficeName officeLocation office roomNumber", func(c *directory.Contact) string { return c.Office })),
	keyed(line("l localityName city", func(c *directory.Contact) string { return c.Address.City })),
	place(line("street streetAddress", func(c *directory.Contact) string { return c.Address.Street })),
	place(line("st stateOrProvinceName state", func(c *directory.Contact) string { return c.Address.State })),
	place(line("postalCode zip", func(c *directory.Contact) string { return c.Address.PostalCode })),
	place(line("co c country countryName friendlyCountryName countryOrRegion", func(c *directory.Contact) string { return c.Address.Country })),
	place(line("postalAddress", postalAddress)),
	// The value is the photo's id: whether there is one can be asked, and which
	// bytes it has is up to who answers.
	plain("jpegPhoto thumbnailPhoto", func(c *directory.Contact) string { return string(c.Photo) }),

	hidden(plain("employeeNumber employeeId", func(c *directory.Contact) string { return c.EmployeeID })),
	also("importSet", func(c *directory.Contact) string { return c.Set }),
	hidden(plain("userPrincipalName", func(c *directory.Contact) string { return c.UserPrincipalName })),
	hidden(plain("userType", func(c *directory.Contact) string { return c.UserType })),
	also("source", func(c *directory.Contact) string { return string(c.Source) }),
	extra(memberOf),
	also(mailbox, func(c *directory.Contact) string { return string(c.Mailbox) }),
	extra("folder"),
	hidden(plain("manager", func(c *directory.Contact) string { return string(c.Manager) })),
	extra("employeeType"), extra("division"), extra("costCenter"), extra("employeeHireDate"),
	extra("usageLocation"), extra("preferredLanguage"), extra("externalUserState"), extra("createdDateTime"),
	extra("assignedLicenses"), extra("onPremisesSyncEnabled"),
	extra("extensionAttribute1"), extra("extensionAttribute2"), extra("extensionAttribute3"), extra("extensionAttribute4"),
	extra("extensionAttribute5"), extra("extensionAttribute6"), extra("extensionAttribute7"), extra("extensionAttribute8"),
	extra("extensionAttribute9"), extra("extensionAttribute10"), extra("extensionAttribute11"), extra("extensionAttribute12"),
	extra("extensionAttribute13"), extra("extensionAttribute14"), extra("extensionAttribute15"),
	{names: []string{"modifyTimestamp", "whenChanged"}, syntax: syntaxTime, operational: true},
	hidden(flag("accountEnabled", func(c *directory.Contact) directory.Flag { return c.AccountEnabled })),
	hidden(flag("showInAddressList", func(c *directory.Contact) directory.Flag { return c.ShowInAddressList })),
}

func name(names string, get func(*directory.Contact) string) attributeRow {
	return attributeRow{names: strings.Fields(names), syntax: syntaxName, keyed: true, line: get}
}

func line(names string, get func(*directory.Contact) string) attributeRow {
	return attributeRow{names: strings.Fields(names), syntax: syntaxText, line: get}
}

func plain(names string, get func(*directory.Contact) string) attributeRow {
	return attributeRow{names: strings.Fields(names), syntax: syntaxPlain, line: get}
}

// extra is an attribute of [directory.Extras].
func extra(name string) attributeRow {
	return attributeRow{
		names: []string{name}, syntax: syntaxPlain, operational: true,
		values: func(dst []string, c *directory.Contact) []string { return c.Extras.Append(dst, name) },
	}
}

// also is a hidden attribute of which the parts of a contact have values as well;
// see [directory.Merge].
func also(name string, get func(*directory.Contact) string) attributeRow {
	return attributeRow{
		names: []string{name}, syntax: syntaxPlain, operational: true,
		values: func(dst []string, c *directory.Contact) []string {
			if s := get(c); s != "" {
				dst = append(dst, s)
			}
			return c.Extras.Append(dst, name)
		},
	}
}

func numbers(names string, kinds ...directory.PhoneKind) attributeRow {
	return attributeRow{names: strings.Fields(names), syntax: syntaxNumber, phones: kinds}
}

func flag(names string, get func(*directory.Contact) directory.Flag) attributeRow {
	return attributeRow{names: strings.Fields(names), syntax: syntaxFlag, flag: get}
}

func keyed(r attributeRow) attributeRow {
	r.keyed = true
	return r
}

func worded(r attributeRow) attributeRow {
	r.keyed, r.worded = true, true
	return r
}

func place(r attributeRow) attributeRow {
	r.place = true
	return r
}

func hidden(r attributeRow) attributeRow {
	r.operational = true
	return r
}

// asWritten appends the addresses and numbers that clients find which compare texts as
// they are written, but not by the keys of those: addresses with other letters than ASCII,
// which are keyed without case only, and numbers that are not keyed with all their digits.
func asWritten(dst []string, c *directory.Contact) []string {
	for _, s := range c.Emails {
		if strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) {
			dst = append(dst, s)
		}
	}
	for i := range c.Phones {
		if ph := &c.Phones[i]; ph.E164 == "" && !isDigits(ph) {
			dst = append(dst, ph.Written)
		}
	}
	return dst
}

// isDigits reports whether a number is written in digits and what may stand between
// them, and all of the digits are keyed.
func isDigits(ph *directory.Phone) bool {
	var written []byte
	for _, c := range []byte(ph.Written) {
		switch {
		case '0' <= c && c <= '9':
			written = append(written, c)
		case strings.IndexByte(" +-./()", c) < 0:
			return false
		}
	}
	var room [2]string
	return slices.Equal(number.AppendDigits(room[:0], *ph), []string{string(written)})
}

// surname is never empty: schemas demand one, and phones ask for (sn=*). Who
// has none is listed by the name.
func surname(c *directory.Contact) string {
	if c.Surname == "" {
		return c.Name()
	}
	return c.Surname
}

// postalAddress composes the lines of RFC 4517 §3.3.28.
func postalAddress(c *directory.Contact) string {
	a := c.Address
	lines := append(strings.Split(a.Street, "\n"), strings.TrimSpace(a.PostalCode+" "+a.City), a.State, a.Country)
	lines = slices.DeleteFunc(lines, func(s string) bool { return s == "" })
	for i, s := range lines {
		lines[i] = strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\5C`), "$", `\24`)
	}
	return strings.Join(lines, "$")
}

// byName finds an attribute by its names, as we write them, which is how most phones do,
// and in lower case. Nothing changes it.
var byName = func() map[string]Attribute {
	m := map[string]Attribute{}
	for i := range table {
		for _, name := range table[i].names {
			m[name], m[strings.ToLower(name)] = Attribute(i), Attribute(i)
		}
	}
	return m
}()

// ParseAttribute finds an attribute by any of its names or aliases, in any case.
func ParseAttribute(name string) (Attribute, bool) {
	a, ok := byName[name]
	if !ok {
		a, ok = byName[strings.ToLower(name)]
	}
	return a, ok
}

// Name returns the attribute's first name, such as "telephoneNumber".
func (a Attribute) Name() string { return table[a].names[0] }

// Names returns all names, the first that we write and those by which others know
// the attribute. They are shared and must not be changed.
func (a Attribute) Names() []string { return table[a].names }

// Numbers reports whether the values are telephone numbers.
func (a Attribute) Numbers() bool { return table[a].syntax == syntaxNumber }

// Has reports whether numbers of a kind may be values of the attribute.
func (a Attribute) Has(k directory.PhoneKind) bool { return table[a].has(k) }

// Extension reports whether the attribute has, of all numbers, those that have
// an extension, which is its value (see [number.Plan.Extension]).
func (a Attribute) Extension() bool { return table[a].extension }

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

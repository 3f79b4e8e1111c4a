package ldap

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"ringbook/directory/filter"
	"ringbook/directory/index"
)

// The schema that clients read (RFC 4512 §4.2): what contacts have is worked out
// from the index's own table, so that it says what is answered and asked for.

// schemaDN names the entry of the schema, beside the tree as in other servers.
const schemaDN = "cn=subschema"

// A ldapSyntax is one row of the syntaxes (RFC 4517 §3.3), with the rules by which
// values of it are compared.
type ldapSyntax struct {
	oid, about                     string
	equality, ordering, substrings string
}

// syntaxArc is that of RFC 4517.
const syntaxArc = "1.3.6.1.4.1.1466.115.121.1."

// The syntaxes of attributes. Nothing changes them.
var (
	anyText     = ldapSyntax{syntaxArc + "15", "Directory String", "caseIgnoreMatch", "caseIgnoreOrderingMatch", "caseIgnoreSubstringsMatch"}
	asciiText   = ldapSyntax{syntaxArc + "26", "IA5 String", "caseIgnoreIA5Match", "", "caseIgnoreIA5SubstringsMatch"}
	addressText = ldapSyntax{syntaxArc + "41", "Postal Address", "caseIgnoreListMatch", "", "caseIgnoreListSubstringsMatch"}
	phoneText   = ldapSyntax{syntaxArc + "50", "Telephone Number", "telephoneNumberMatch", "", "telephoneNumberSubstringsMatch"}
	picture     = ldapSyntax{oid: syntaxArc + "28", about: "JPEG"}
	oidText     = ldapSyntax{oid: syntaxArc + "38", about: "OID", equality: "objectIdentifierMatch"}
	nameText    = ldapSyntax{oid: syntaxArc + "12", about: "DN", equality: "distinguishedNameMatch"}
	truth       = ldapSyntax{oid: syntaxArc + "7", about: "Boolean", equality: "booleanMatch"}
	moment      = ldapSyntax{oid: syntaxArc + "24", about: "Generalized Time", equality: "generalizedTimeMatch", ordering: "generalizedTimeOrderingMatch"}
	uuidText    = ldapSyntax{oid: "1.3.6.1.1.16.1", about: "UUID", equality: "uuidMatch", ordering: "uuidOrderingMatch"}
	integer     = ldapSyntax{oid: syntaxArc + "27", about: "INTEGER"}
	treeText    = ldapSyntax{oid: syntaxArc + "45", about: "Subtree Specification"}
	typeText    = ldapSyntax{oid: syntaxArc + "3", about: "Attribute Type Description"}
	classText   = ldapSyntax{oid: syntaxArc + "37", about: "Object Class Description"}
	ruleText    = ldapSyntax{oid: syntaxArc + "30", about: "Matching Rule Description"}
	useText     = ldapSyntax{oid: syntaxArc + "31", about: "Matching Rule Use Description"}
	syntaxText  = ldapSyntax{oid: syntaxArc + "54", about: "LDAP Syntax Description"}
	piecesText  = ldapSyntax{oid: syntaxArc + "58", about: "Substring Assertion"}
)

// A matchingRule is one row of the matching rules.
type matchingRule struct {
	oid, name string
	of        ldapSyntax // of its assertions
}

// matchingRules are those of RFC 4517 §4.2 and RFC 4530. Nothing changes them.
var matchingRules = [...]matchingRule{
	{"2.5.13.0", "objectIdentifierMatch", oidText},
	{"2.5.13.1", "distinguishedNameMatch", nameText},
	{"2.5.13.2", "caseIgnoreMatch", anyText},
	{"2.5.13.3", "caseIgnoreOrderingMatch", anyText},
	{"2.5.13.4", "caseIgnoreSubstringsMatch", piecesText},
	{"2.5.13.5", "caseExactMatch", anyText},
	{"2.5.13.11", "caseIgnoreListMatch", addressText},
	{"2.5.13.12", "caseIgnoreListSubstringsMatch", piecesText},
	{"2.5.13.13", "booleanMatch", truth},
	{"2.5.13.20", "telephoneNumberMatch", phoneText},
	{"2.5.13.21", "telephoneNumberSubstringsMatch", piecesText},
	{"2.5.13.27", "generalizedTimeMatch", moment},
	{"2.5.13.28", "generalizedTimeOrderingMatch", moment},
	{"1.3.6.1.1.16.2", "uuidMatch", uuidText},
	{"1.3.6.1.1.16.3", "uuidOrderingMatch", uuidText},
	{"1.3.6.1.4.1.1466.109.114.1", "caseExactIA5Match", asciiText},
	{"1.3.6.1.4.1.1466.109.114.2", "caseIgnoreIA5Match", asciiText},
	{"1.3.6.1.4.1.1466.109.114.3", "caseIgnoreIA5SubstringsMatch", piecesText},
}

// ruleOf finds a rule by its name or number; nil = we have none.
func ruleOf(name string) *matchingRule {
	i := slices.IndexFunc(matchingRules[:], func(r matchingRule) bool { return r.oid == name || strings.EqualFold(r.name, name) })
	if i < 0 {
		return nil
	}
	return &matchingRules[i]
}

// suits reports whether values of a syntax can be compared by the rule alone, as an
// extensible match does.
func (r matchingRule) suits(s ldapSyntax) bool {
	switch r.name {
	case "caseExactMatch":
		return s == anyText
	case "caseExactIA5Match":
		return s == asciiText
	}
	return s.equality == r.name
}

// compares reports whether values of the syntax can be compared as a leaf of a filter asks.
// If not, the leaf is undefined (RFC 4511 §4.5.1.7).
func (s ldapSyntax) compares(f *filter.Filter) bool {
	switch f.Op {
	case filter.Equal, filter.Approx:
		return s.equality != "" && s.reads(f.Value)
	case filter.Substrings:
		return s.substrings != ""
	case filter.GreaterOrEqual, filter.LessOrEqual:
		return s.ordering != "" && s.reads(f.Value)
	case filter.Extensible:
		r := ruleOf(f.Rule)
		return s.reads(f.Value) && (f.Rule == "" && s.equality != "" || r != nil && r.suits(s))
	default:
		return true
	}
}

// reads reports whether a text can be a value of the syntax.
func (s ldapSyntax) reads(value string) bool {
	switch s {
	case truth:
		return strings.EqualFold(value, "TRUE") || strings.EqualFold(value, "FALSE")
	case uuidText:
		return isUUID(value)
	case moment:
		_, ok := index.ParseTime(value)
		return ok
	case nameText:
		if len(value) > maxDN {
			return false
		}
		_, err := parseDN(value)
		return err == nil
	}
	return true
}

// An attributeType is one row of the attribute types.
type attributeType struct {
	oid    string
	names  string // separated by blanks, the first is the one that is written
	syntax ldapSyntax
	one    bool   // it has one value at most
	usage  string // "" = userApplications
}

const (
	ofDirectory = "directoryOperation"
	ofDSA       = "dSAOperation"
)

// standards are the attributes that others have defined (RFC 4519, RFC 4524, RFC 2798,
// MS-ADA1 to 3) and contacts have. Other names of ours are further names of the
// first name of their row in the index. Nothing changes them.
var standards = [...]attributeType{
	{"2.5.4.0", "objectClass", oidText, false, ""},
	{"2.5.4.41", "name", anyText, false, ""},
	{"2.5.4.3", "cn commonName", anyText, false, ""},
	{"2.16.840.1.113730.3.1.241", "displayName", anyText, true, ""},
	{"2.5.4.4", "sn surname", anyText, false, ""},
	{"2.5.4.42", "givenName gn", anyText, false, ""},
	{"0.9.2342.19200300.100.1.1", "uid userid", anyText, false, ""},
	{"0.9.2342.19200300.100.1.3", "mail rfc822Mailbox", asciiText, false, ""},
	{"2.5.4.20", "telephoneNumber", phoneText, false, ""},
	{"0.9.2342.19200300.100.1.41", "mobile mobileTelephoneNumber", phoneText, false, ""},
	{"0.9.2342.19200300.100.1.20", "homePhone homeTelephoneNumber", phoneText, false, ""},
	{"2.5.4.23", "facsimileTelephoneNumber fax", phoneText, false, ""},
	{"0.9.2342.19200300.100.1.42", "pager pagerTelephoneNumber", phoneText, false, ""},
	{"1.2.840.113556.1.2.18", "otherTelephone", phoneText, false, ""},
	{"1.2.840.113556.1.4.721", "ipPhone", phoneText, false, ""},
	{"2.5.4.12", "title", anyText, false, ""},
	{"2.5.4.11", "ou organizationalUnitName", anyText, false, ""},
	{"2.16.840.1.113730.3.1.2", "departmentNumber", anyText, false, ""},
	{"1.2.840.113556.1.2.141", "department", anyText, true, ""},
	{"2.5.4.10", "o organizationName", anyText, false, ""},
	{"1.2.840.113556.1.2.146", "company", anyText, true, ""},
	{"2.5.4.19", "physicalDeliveryOfficeName", anyText, false, ""},
	{"0.9.2342.19200300.100.1.6", "roomNumber", anyText, false, ""},
	{"2.5.4.7", "l localityName", anyText, false, ""},
	{"2.5.4.9", "street streetAddress", anyText, false, ""},
	{"2.5.4.8", "st stateOrProvinceName", anyText, false, ""},
	{"2.5.4.17", "postalCode", anyText, false, ""},
	{"0.9.2342.19200300.100.1.43", "co friendlyCountryName", anyText, false, ""},
	{"2.5.4.6", "c countryName", anyText, true, ""},
	{"2.5.4.16", "postalAddress", addressText, false, ""},
	{"0.9.2342.19200300.100.1.60", "jpegPhoto", picture, false, ""},
	{"1.2.840.113556.1.4.35", "thumbnailPhoto", picture, true, ""},
}

// ofServer are the attributes of objects, and the operational ones (RFC 4512 §3.4,
// §4.2 and §5.1, RFC 4530, RFC 5020). Who created and changed a contact, and when it was
// created, is not known: clients ask, and ldap3 gives up where the schema has no such attribute.
var ofServer = [...]attributeType{
	{"0.9.2342.19200300.100.1.25", "dc domainComponent", asciiText, true, ""},
	{"2.5.4.13", "description", anyText, false, ""},
	{"2.5.18.1", "createTimestamp", moment, true, ofDirectory},
	{"2.5.18.2", "modifyTimestamp", moment, true, ofDirectory},
	{"2.5.18.3", "creatorsName", nameText, true, ofDirectory},
	{"2.5.18.4", "modifiersName", nameText, true, ofDirectory},
	{"2.5.18.6", "subtreeSpecification", treeText, true, ofDirectory},
	{"2.5.18.9", "hasSubordinates", truth, true, ofDirectory},
	{"2.5.18.10", "subschemaSubentry", nameText, true, ofDirectory},
	{"2.5.21.4", "matchingRules", ruleText, false, ofDirectory},
	{"2.5.21.5", "attributeTypes", typeText, false, ofDirectory},
	{"2.5.21.6", "objectClasses", classText, false, ofDirectory},
	{"2.5.21.8", "matchingRuleUse", useText, false, ofDirectory},
	{"2.5.21.9", "structuralObjectClass", oidText, true, ofDirectory},
	{"1.3.6.1.1.16.4", "entryUUID", uuidText, true, ofDirectory},
	{"1.3.6.1.1.20", "entryDN", nameText, true, ofDirectory},
	{"1.3.6.1.4.1.1466.101.120.16", "ldapSyntaxes", syntaxText, false, ofDirectory},
	{"1.3.6.1.4.1.1466.101.120.5", "namingContexts", nameText, false, ofDSA},
	{"1.3.6.1.4.1.1466.101.120.7", "supportedExtension", oidText, false, ofDSA},
	{"1.3.6.1.4.1.1466.101.120.13", "supportedControl", oidText, false, ofDSA},
	{"1.3.6.1.4.1.1466.101.120.15", "supportedLDAPVersion", integer, false, ofDSA},
	{"1.3.6.1.4.1.4203.1.3.5", "supportedFeatures", oidText, false, ofDSA},
	{"1.3.6.1.1.4", "vendorName", anyText, true, ofDSA},
}

// An objectClass is one row of the object classes. What contacts have beyond the
// standard is allowed in inetOrgPerson, as in Active Directory.
type objectClass struct {
	oid, name, above, kind string
	must, may              string // separated by blanks
}

var objectClasses = [...]objectClass{
	{"2.5.6.0", "top", "", "ABSTRACT", "objectClass", ""},
	{"2.5.6.6", "person", "top", "STRUCTURAL", "sn cn", "telephoneNumber"},
	{"2.5.6.7", "organizationalPerson", "person", "STRUCTURAL", "", "title facsimileTelephoneNumber street postalCode postalAddress physicalDeliveryOfficeName ou st l"},
	{"2.16.840.1.113730.3.2.2", "inetOrgPerson", "organizationalPerson", "STRUCTURAL", "", restOfContacts},
	{"2.5.6.5", "organizationalUnit", "top", "STRUCTURAL", "ou", "description"},
	{"2.5.6.4", "organization", "top", "STRUCTURAL", "o", "description"},
	{"2.5.6.2", "country", "top", "STRUCTURAL", "c", "description"},
	{"2.5.6.3", "locality", "top", "STRUCTURAL", "", "l description"},
	{"0.9.2342.19200300.100.4.13", "domain", "top", "STRUCTURAL", "dc", "description"},
	{"1.3.6.1.4.1.1466.101.120.111", extensible, "top", "AUXILIARY", "", ""},
	{"2.5.17.0", "subentry", "top", "STRUCTURAL", "cn subtreeSpecification", ""},
	{"2.5.20.1", "subschema", "top", "AUXILIARY", "", "matchingRules attributeTypes objectClasses matchingRuleUse ldapSyntaxes"},
}

// extensible is the class that allows every attribute.
const extensible = "extensibleObject"

// restOfContacts stands for all that contacts have and the classes above do not allow.
const restOfContacts = "*"

// contactTypes returns the types of what is answered of contacts: for each row of the
// index those that others have defined, the first with our further names.
func contactTypes() []attributeType {
	var types []attributeType
	for a := range index.Attributes() {
		if a.Operational() {
			continue
		}
		first := len(types)
		var ours []string
		for _, name := range a.Names() {
			switch std := standard(name); {
			case std != nil && std.usage != "": // see operationalNames
			case std == nil:
				ours = append(ours, name)
			case !slices.ContainsFunc(types[first:], func(t attributeType) bool { return t.oid == std.oid }):
				types = append(types, *std)
			}
		}
		if len(types) > first && len(ours) > 0 {
			types[first].names += " " + strings.Join(ours, " ")
		}
	}
	return types
}

// standard finds the definition of a name or a number; nil = there is none but ours.
func standard(name string) *attributeType { return standardNames()[strings.ToLower(name)] }

// standardNames are all names of the standard's attributes, in lower case, and their numbers.
// The first definition of a name counts.
var standardNames = sync.OnceValue(func() map[string]*attributeType {
	names := map[string]*attributeType{}
	for _, table := range [][]attributeType{standards[:], ofServer[:]} {
		for i := range table {
			names[table[i].oid] = &table[i]
			for name := range strings.FieldsSeq(strings.ToLower(table[i].names)) {
				if names[name] == nil {
					names[name] = &table[i]
				}
			}
		}
	}
	return names
})

// called reports whether a name is one of the attribute's.
func (t attributeType) called(name string) bool {
	for n := range strings.FieldsSeq(t.names) {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

// sameType reports whether two names are those of one attribute.
func sameType(a, b string) bool {
	if strings.EqualFold(a, b) {
		return true
	}
	std := standard(a)
	return std != nil && std.called(b)
}

// subschema is the entry of the schema (RFC 4512 §4.2). It is the same at all times.
var subschema = sync.OnceValue(func() object {
	types := slices.Concat(contactTypes(), ofServer[:])
	return object{dn: schemaDN, attributes: []attribute{
		{name: "objectClass", values: []string{"top", "subentry", "subschema"}},
		{name: "cn", values: []string{"subschema"}},
		{name: "subtreeSpecification", values: []string{"{}"}, operational: true},
		{name: "ldapSyntaxes", values: describeSyntaxes(types), operational: true},
		{name: "matchingRules", values: describeRules(), operational: true},
		{name: "matchingRuleUse", values: describeUses(types), operational: true},
		{name: "attributeTypes", values: describeAll(types), operational: true},
		{name: "objectClasses", values: describeAll(classes()), operational: true},
		{name: "entryDN", values: []string{schemaDN}, operational: true},
		{name: "structuralObjectClass", values: []string{"subentry"}, operational: true},
		{name: "hasSubordinates", values: []string{"FALSE"}, operational: true},
		{name: "subschemaSubentry", values: []string{schemaDN}, operational: true},
	}}
})

// classes are the object classes with all that they allow spelt out.
var classes = sync.OnceValue(func() []objectClass {
	list := slices.Clone(objectClasses[:])
	var allowed []string
	for _, c := range list {
		allowed = append(append(allowed, strings.Fields(c.must)...), strings.Fields(c.may)...)
		if c.may == restOfContacts {
			break
		}
	}
	var rest []string
	for _, t := range contactTypes() {
		if name, _, _ := strings.Cut(t.names, " "); !slices.Contains(allowed, name) {
			rest = append(rest, name)
		}
	}
	for i := range list {
		if list[i].may == restOfContacts {
			list[i].may = strings.Join(rest, " ")
		}
	}
	return list
})

func describeAll[T interface{ describe() string }](rows []T) []string {
	list := make([]string, len(rows))
	for i, r := range rows {
		list[i] = r.describe()
	}
	return list
}

// describe writes an AttributeTypeDescription (RFC 4512 §4.1.2).
func (t attributeType) describe() string {
	var b strings.Builder
	b.WriteString("( " + t.oid + " NAME " + quoted(strings.Fields(t.names)))
	for _, rule := range [][2]string{{"EQUALITY", t.syntax.equality}, {"ORDERING", t.syntax.ordering}, {"SUBSTR", t.syntax.substrings}} {
		if rule[1] != "" {
			b.WriteString(" " + rule[0] + " " + rule[1])
		}
	}
	b.WriteString(" SYNTAX " + t.syntax.oid)
	if t.one {
		b.WriteString(" SINGLE-VALUE")
	}
	if t.usage != "" {
		b.WriteString(" NO-USER-MODIFICATION USAGE " + t.usage)
	}
	return b.String() + " )"
}

// describe writes an ObjectClassDescription (RFC 4512 §4.1.1).
func (c objectClass) describe() string {
	var b strings.Builder
	b.WriteString("( " + c.oid + " NAME '" + c.name + "'")
	if c.above != "" {
		b.WriteString(" SUP " + c.above)
	}
	b.WriteString(" " + c.kind)
	for _, list := range [][2]string{{"MUST", c.must}, {"MAY", c.may}} {
		if names := strings.Fields(list[1]); len(names) > 0 {
			b.WriteString(" " + list[0] + " ( " + strings.Join(names, " $ ") + " )")
		}
	}
	return b.String() + " )"
}

// describeRules writes MatchingRuleDescriptions (RFC 4512 §4.1.3).
func describeRules() []string {
	list := make([]string, len(matchingRules))
	for i, r := range matchingRules {
		list[i] = "( " + r.oid + " NAME '" + r.name + "' SYNTAX " + r.of.oid + " )"
	}
	return list
}

// describeUses writes MatchingRuleUseDescriptions (RFC 4512 §4.1.4): to which
// attributes an extensible match may apply a rule.
func describeUses(types []attributeType) []string {
	var list []string
	for _, r := range matchingRules {
		var names []string
		for _, t := range types {
			if name, _, _ := strings.Cut(t.names, " "); t.usage == "" && r.suits(t.syntax) {
				names = append(names, name)
			}
		}
		if len(names) > 0 {
			list = append(list, "( "+r.oid+" NAME '"+r.name+"' APPLIES ( "+strings.Join(names, " $ ")+" ) )")
		}
	}
	return list
}

// describeSyntaxes writes SyntaxDescriptions (RFC 4512 §4.1.5) of all that are in use.
func describeSyntaxes(types []attributeType) []string {
	var all []ldapSyntax
	for _, t := range types {
		all = append(all, t.syntax)
	}
	for _, r := range matchingRules {
		all = append(all, r.of)
	}
	slices.SortFunc(all, func(a, b ldapSyntax) int { return cmp.Compare(a.oid, b.oid) })
	var list []string
	for _, s := range slices.Compact(all) {
		list = append(list, "( "+s.oid+" DESC '"+s.about+"' )")
	}
	return list
}

// quoted writes qdescrs (RFC 4512 §4.1).
func quoted(names []string) string {
	if len(names) == 1 {
		return "'" + names[0] + "'"
	}
	return "( '" + strings.Join(names, "' '") + "' )"
}

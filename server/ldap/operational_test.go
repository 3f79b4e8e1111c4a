package ldap_test

import (
	"slices"
	"strings"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ringbook/directory"
)

// TestOperationalAttributesInFilters: what "+" answers can be asked for as well.
func TestOperationalAttributesInFilters(t *testing.T) {
	s := newSite(t, append(staff(), everything()), nil)
	c := s.bound(t)
	const eva = "11111111-2222-4333-8444-555555555555"
	all := []string{"anna", "annika", eva, "kowalski", "mueller", "muller", "meier", "star"}
	others := slices.DeleteFunc(slices.Clone(all), func(id string) bool { return id == eva })
	for f, want := range map[string][]string{
		"(entryDN=UID=Anna, OU=people, DC=ringbook)":                       {"anna"},
		"(entryDN:distinguishedNameMatch:=uid=anna,ou=people,dc=ringbook)": {"anna"},
		"(entryDN=uid=anna,ou=suppliers,dc=ringbook)":                      nil,
		"(entryDN=uid=nobody,ou=people,dc=ringbook)":                       nil,
		"(entryDN=rubbish)":                                       nil,
		"(entryDN=" + strings.Repeat("x", 600) + ")":              nil,
		"(entryDN=*)":                                             all,
		"(entryDN=uid=a*)":                                        nil, // no rule for it: undefined
		"(!(entryDN=uid=a*))":                                     nil,
		"(!(entryDN=uid=anna,ou=people,dc=ringbook))":             all[1:],
		"(structuralObjectClass=INETORGPERSON)":                   all,
		"(structuralObjectClass=person)":                          nil,
		"(hasSubordinates=FALSE)":                                 all,
		"(hasSubordinates=TRUE)":                                  nil,
		"(hasSubordinates:booleanMatch:=false)":                   all,
		"(hasSubordinates:caseIgnoreMatch:=false)":                nil,
		"(!(hasSubordinates:caseIgnoreMatch:=x))":                 nil, // undefined
		"(subschemaSubentry=CN=Subschema)":                        all,
		"(entryUUID=" + eva + ")":                                 {eva},
		"(entryUUID:uuidMatch:=" + eva + ")":                      {eva},
		"(modifyTimestamp=20261121100000Z)":                       all,
		"(modifyTimestamp>=20261121100000Z)":                      all,
		"(modifyTimestamp>=20261121100001Z)":                      nil,
		"(modifyTimestamp<=2026112110Z)":                          all,
		"(modifyTimestamp<=20261121095959.9Z)":                    nil,
		"(modifyTimestamp>=202611211200+0200)":                    all,
		"(modifyTimestamp>=202611211201+0200)":                    nil,
		"(!(modifyTimestamp>=20270101000000Z))":                   all,
		"(modifyTimestamp=*)":                                     all,
		"(modifyTimestamp>=yesterday)":                            nil, // undefined
		"(!(modifyTimestamp>=yesterday))":                         nil,
		"(modifyTimestamp=2026*)":                                 nil,
		"(modifyTimestamp:generalizedTimeMatch:=20261121100000Z)": all,
		"(&(modifyTimestamp>=20260101000000Z)(sn=Berg))":          {"anna"},
		// What no contact has is false, as of all that the schema knows.
		"(description=*)":                              nil,
		"(!(description=*))":                           all,
		"(!(description=x))":                           all,
		"(!(description>=x))":                          all,
		"(!(description=*x*))":                         all,
		"(!(description:caseExactMatch:=x))":           all,
		"(!(description:booleanMatch:=TRUE))":          nil, // undefined
		"(!(vendorName=x))":                            all,
		"(!(namingContexts=dc=ringbook))":              all,
		"(!(namingContexts=dc=*))":                     nil, // no rule for it: undefined
		"(!(dc>=a))":                                   nil,
		"(!(dc:dn:=x))":                                all,
		"(!(dc:dn:=ringbook))":                         nil,
		"(!(supportedLDAPVersion=*))":                  all,
		"(!(supportedLDAPVersion=3))":                  nil,
		"(!(createTimestamp=*))":                       all,
		"(!(creatorsName=cn=x))":                       all,
		"(!(modifiersName=cn=x))":                      all,
		"(!(shoeSize=*))":                              nil, // nobody has heard of it
		"(!(entryDN=rubbish))":                         nil, // no such value: undefined
		"(!(hasSubordinates=perhaps))":                 nil,
		"(!(hasSubordinates=true))":                    all,
		"(!(subschemaSubentry=rubbish))":               nil,
		"(entryUUID<=" + eva + ")":                     {eva},
		"(&(uid=" + eva + ")(entryUUID>=" + eva + "))": {eva},
		"(!(entryUUID>=rubbish))":                      nil,
		"(!(entryUUID=rubbish))":                       nil,
		"(!(entryUUID=" + strings.ToUpper(eva) + "))":  others,
		"(!(jpegPhoto=*))":                             others,
		"(!(jpegPhoto=x))":                             nil, // pictures are not compared
		"(!(jpegPhoto=*x))":                            nil,
		"(!(thumbnailPhoto:caseExactMatch:=x))":        nil,
	} {
		res, err := c.Search(request("(&(uid=*)"+f+")", "1.1"))
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		if diff := cmp.Diff(want, names(res), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got)\n%s", f, diff)
		}
	}
	for f, want := range map[string][]string{
		"(entryDN=OU = people, dc=RINGBOOK)":              {"people"},
		"(hasSubordinates=TRUE)":                          {"ringbook", "people"},
		"(organizationalUnitName=people)":                 {"people"},
		"(&(ou=  People )(!(uid=*)))":                     {"people"},
		"(&(!(uid=*))(!(vendorName=x)))":                  {"ringbook", "people"},
		"(&(!(uid=*))(!(description=x)))":                 {"ringbook", "people"},
		"(&(!(uid=*))(!(dc=*)))":                          {"people"},
		"(&(!(uid=*))(!(dc:booleanMatch:=TRUE)))":         nil,
		"(&(!(uid=*))(!(entryDN=rubbish)))":               nil, // undefined
		"(&(!(uid=*))(!(hasSubordinates=perhaps)))":       nil,
		"(&(!(uid=*))(!(entryDN=ou=people,dc=ringbook)))": {"ringbook"},
	} {
		res, err := c.Search(request(f, "1.1"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, names(res), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got)\n%s", f, diff)
		}
	}
	if held, err := c.Compare("uid=anna,ou=people,"+base, "modifyTimestamp", "20261121100000Z"); err != nil || !held {
		t.Errorf("compare: %v, %v", held, err)
	}
	for attribute, want := range map[string]int64{
		"description": goldap.LDAPResultNoSuchAttribute, "vendorName": goldap.LDAPResultNoSuchAttribute,
		"createTimestamp": goldap.LDAPResultNoSuchAttribute, "shoeSize": goldap.LDAPResultUndefinedAttributeType, "hasSubordinates": goldap.LDAPResultCompareFalse,
	} {
		r := s.rawBound(t)
		r.send(tlv(0x30, number1(2), tlv(0x6e, str("uid=anna,ou=people,"+base), tlv(0x30, str(attribute), str("TRUE")))))
		r.expect(2, 0x6f, want)
	}
	r := request("(sn=*)", "1.1")
	r.Controls = []goldap.Control{&goldap.ControlServerSideSorting{SortKeys: []*goldap.SortKey{{AttributeType: "modifyTimestamp"}}}}
	if res, err := c.Search(r); err != nil || len(res.Entries) != len(all) {
		t.Errorf("sorted: %v", err)
	}
}

// TestInsignificantBlanks: how many there are between words does not count, and none counts
// at the ends (RFC 4518 §2.6.1).
func TestInsignificantBlanks(t *testing.T) {
	s := newSite(t, staff(), nil)
	c := s.bound(t)
	for f, want := range map[string][]string{
		"(mail= anna.berg@contoso.com )":             {"anna"},
		"(mail~=anna.berg@contoso.com )":             {"anna"},
		"(mail:= ANNA.berg@contoso.com)":             {"anna"},
		"(mail= anna.b*)":                            {"anna"},
		"(mail=anna*@contoso.com )":                  {"anna"},
		"(mail=anna.berg @contoso.com)":              nil,
		"(mail=* *)":                                 nil,
		"(mail=anna.berg *)":                         nil,
		"(uid= anna )":                               {"anna"},
		"(uid<= anna )":                              {"anna"},
		"(sn= Berg  )":                               {"anna"},
		"(cn= anna   berg )":                         {"anna"},
		"(cn:caseExactMatch:=  Anna  Berg )":         {"anna"},
		"(cn:caseExactMatch:=AnnaBerg)":              nil,
		"(telephoneNumber= 030 1234500 )":            {"anna"},
		"(objectClass= organizationalUnit )":         {"people"},
		"(description=  )":                           nil,
		"(entryDN= uid=anna,ou=people,dc=ringbook )": {"anna"},
	} {
		res, err := c.Search(request(f, "1.1"))
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		if diff := cmp.Diff(want, names(res), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got)\n%s", f, diff)
		}
	}
	// Nor do they count in what is stored.
	s.put(&directory.Contact{ID: "eva", Source: directory.SourceUser, DisplayName: "Eva  Ernst", JobTitle: "Head  of Sales"})
	for _, f := range []string{
		"(title=Head  of Sales)", "(title=head of  sales)", "(title:caseExactMatch:=Head  of Sales)", "(title:caseExactMatch:=Head of Sales)", "(cn:2.5.13.5:=Eva  Ernst)", "(cn=eva  ernst)",
	} {
		if res, err := c.Search(request(f, "1.1")); err != nil || !slices.Equal(names(res), []string{"eva"}) {
			t.Errorf("%s: %v, %v", f, names(res), err)
		}
	}
	if held, err := c.Compare("uid=anna,ou=people,"+base, "mail", " anna.berg@contoso.com "); err != nil || !held {
		t.Errorf("compare: %v, %v", held, err)
	}
}

// TestOrderingByAttribute: >= and <= by the rule of the attribute, and undefined
// where it has none.
func TestOrderingByAttribute(t *testing.T) {
	s := newSite(t, staff(), nil)
	c := s.bound(t)
	all := []string{"anna", "annika", "kowalski", "mueller", "muller", "meier", "star"}
	for f, want := range map[string][]string{
		"(sn>=muller)":                  {"annika", "mueller", "muller"},
		"(sn>=MULLER)":                  {"annika", "mueller", "muller"},
		"(sn<=berg)":                    {"anna", "star"},
		"(&(sn>=k)(sn<=l))":             {"kowalski"},
		"(givenName>=Star)":             {"star"},
		"(cn<=annika z)":                {"anna"},
		"(mail>=m)":                     {"muller", "meier"},
		"(mail<=ANNA.BERG@CONTOSO.COM)": {"anna"},
		"(uid>=star)":                   {"star"},
		"(o>=d)":                        nil,
		"(!(o>=d))":                     all,
		"(telephoneNumber>=0)":          nil, // numbers have no order
		"(!(telephoneNumber>=0))":       nil,
		"(objectClass>=a)":              nil,
		"(!(objectClass>=a))":           nil,
		"(!(jpegPhoto>=a))":             nil, // pictures have none
		"(sn~=MÜLLER)":                  {"mueller", "muller"},
		"(!(sn~=nobody))":               all,
		"(!(shoeSize~=1))":              nil,
		"(cn;lang-de=anna*)":            nil,
		"(!(cn;lang-de=anna*))":         nil, // undefined: nobody has the subtype
		"(|(cn;lang-de=x)(sn=berg))":    {"anna"},
	} {
		res, err := c.Search(request("(&(uid=*)"+f+")", "1.1"))
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		if diff := cmp.Diff(want, names(res), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got)\n%s", f, diff)
		}
	}
}

package ldap_test

import (
	"strings"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestOperationalAttributesInFilters: what "+" answers can be asked for as well.
func TestOperationalAttributesInFilters(t *testing.T) {
	s := newSite(t, append(staff(), everything()), nil)
	c := s.bound(t)
	const eva = "11111111-2222-4333-8444-555555555555"
	all := []string{"anna", "annika", eva, "kowalski", "mueller", "muller", "meier", "star"}
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
		"(entryDN=OU = people, dc=RINGBOOK)": {"people"},
		"(hasSubordinates=TRUE)":             {"ringbook", "people"},
		"(organizationalUnitName=people)":    {"people"},
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
	r := request("(sn=*)", "1.1")
	r.Controls = []goldap.Control{&goldap.ControlServerSideSorting{SortKeys: []*goldap.SortKey{{AttributeType: "modifyTimestamp"}}}}
	if res, err := c.Search(r); err != nil || len(res.Entries) != len(all) {
		t.Errorf("sorted: %v", err)
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
		"(!(jpegPhoto>=a))":             all, // nobody has one: false
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

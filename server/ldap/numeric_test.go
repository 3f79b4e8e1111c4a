package ldap_test

import (
	"testing"

	goldap "github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ringbook/server/ldap"
)

// TestTypesByNumber: an attribute type, and an object class, may be named by its number
// wherever it may be named (RFC 4512 §1.4, RFC 4517 §4.2.26).
func TestTypesByNumber(t *testing.T) {
	s := newSite(t, staff(), nil)
	c := s.bound(t)
	people := []string{"anna", "annika", "kowalski", "mueller", "muller", "meier", "star"}
	for f, want := range map[string][]string{
		"(2.5.4.4=berg)":                                    {"anna"},
		"(2.5.4.4=ber*)":                                    {"anna"},
		"(!(2.5.4.4=*))":                                    {"ringbook", "people"},
		"(2.5.18.9=TRUE)":                                   {"ringbook", "people"},
		"(2.5.4.0=2.5.6.5)":                                 {"people"},
		"(!(2.5.4.999=berg))":                               nil,
		"(objectClass=2.5.6.6)":                             people,
		"(objectClass=2.5.6.14)":                            nil,
		"(2.5.4.4;lang-de=berg)":                            nil,
		"(2.5.4.4:2.5.13.5:=Berg)":                          {"anna"},
		"(!(2.5.4.4;lang-de=berg))":                         nil, // undefined, as of a name
		"(telephoneNumber=2.5.6.6)":                         nil,
		"(0.9.2342.19200300.100.1.25=ringbook)":             {"ringbook"},
		"(&(uid=anna)(domainComponent:dn:=ringbook))":       {"anna"},
		"(&(objectClass=person)(2.5.4.11:dn:=people))":      people,
		"(objectClass:objectIdentifierMatch:=2.5.6.6)":      people,
		"(1.3.6.1.1.20=uid=anna,ou=people,dc=ringbook)":     {"anna"},
		"(structuralObjectClass=2.16.840.1.113730.3.2.2)":   people,
		"(entryDN=userid=anna,2.5.4.11=people,dc=ringbook)": {"anna"},
	} {
		res, err := c.Search(request(f, "1.1"))
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		if diff := cmp.Diff(want, names(res), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got)\n%s", f, diff)
		}
	}
	res, err := c.Search(request("(sn=berg)", "2.5.4.4", "SN", "2.5.18.9", "2.5.4.999"))
	if err != nil || len(res.Entries) != 1 {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, a := range res.Entries[0].Attributes {
		got[a.Name] = a.Values
	}
	if diff := cmp.Diff(map[string][]string{"sn": {"Berg"}, "hasSubordinates": {"FALSE"}}, got); diff != "" {
		t.Errorf("answered by number, with short names (-want +got)\n%s", diff)
	}
	for attribute, want := range map[[2]string]uint16{
		{"2.5.4.4", "BERG"}:        goldap.LDAPResultCompareTrue,
		{"2.5.4.4", "x"}:           goldap.LDAPResultCompareFalse,
		{"2.5.4.0", "2.5.6.6"}:     goldap.LDAPResultCompareTrue,
		{"objectClass", "2.5.6.5"}: goldap.LDAPResultCompareFalse,
		{"2.5.4.999", "x"}:         goldap.LDAPResultUndefinedAttributeType,
	} {
		r := s.rawBound(t)
		r.send(tlv(0x30, number1(2), tlv(0x6e, str("uid=anna,ou=people,"+base), tlv(0x30, str(attribute[0]), str(attribute[1])))))
		r.expect(2, 0x6f, int64(want))
	}
	r := request("(&(sn=*)(objectClass=person))", "1.1")
	r.Controls = []goldap.Control{&goldap.ControlServerSideSorting{SortKeys: []*goldap.SortKey{{AttributeType: "2.5.4.4"}}}}
	if res, err := c.Search(r); err != nil || names(res)[0] != "star" {
		t.Errorf("sorted: %v, %v", names(res), err)
	}
}

// TestTypesInDNs: in a DN a type may have any of its names, or its number (RFC 4514 §2.3).
func TestTypesInDNs(t *testing.T) {
	s := newSite(t, staff(), nil)
	c := s.bound(t)
	const anna = "uid=anna,ou=people,dc=ringbook"
	for dn, want := range map[string]string{
		"UserID=anna,organizationalUnitName=people,domainComponent=ringbook":                 anna,
		"0.9.2342.19200300.100.1.1=anna,2.5.4.11=people,0.9.2342.19200300.100.1.25=ringbook": anna,
		"uid=#0404616e6e61,ou=people,dc=ringbook":                                            anna,
		`uid=\61nna , ou=p\65ople , dc=RingBook`:                                             anna,
		"2.5.4.11=people,dc=ringbook":                                                        "ou=people,dc=ringbook",
		"domainComponent=ringbook":                                                           "dc=ringbook",
		"commonName=subschema":                                                               "cn=subschema",
		"2.5.4.3=anna,2.5.4.11=people,0.9.2342.19200300.100.1.25=ringbook":                   "",
		"2.5.4.11=anna,2.5.4.11=people,dc=ringbook":                                          "",
		"uid=anna+2.5.4.3=anna,2.5.4.11=people,dc=ringbook":                                  "",
	} {
		q := request("(objectClass=*)", "1.1")
		q.BaseDN, q.Scope = dn, goldap.ScopeBaseObject
		res, err := c.Search(q)
		if want == "" {
			if code(err) != goldap.LDAPResultNoSuchObject {
				t.Errorf("%s: %v", dn, err)
			}
			continue
		}
		if err != nil || len(res.Entries) != 1 || res.Entries[0].DN != want {
			t.Errorf("%s: %v, %v", dn, names(res), err)
		}
	}
	spelt, err := ldap.New(ldap.Options{Directory: s.mirror, Auth: s.auth, BaseDN: "domainComponent=contoso"})
	if err != nil || spelt.BindDN("x") != "cn=x,domainComponent=contoso" {
		t.Errorf("a base of another spelling: %v", err)
	}
}

package index_test

import (
	"testing"

	"github.com/go-ldap/ldap/v3"

	"ringbook/directory/filter"
	"ringbook/directory/index"
)

// Whatever filter comes from the network, a search ends without a panic, nobody is
// found by a filter and by its opposite, and the better hits are hits.
func FuzzSearch(f *testing.F) {
	seeds := []string{
		"(objectClass=*)", "(sn=mül*)", "(cn=mei p*)", "(anr=mei p)", "(cn=a*b*c)", "(sn>=M)", "(cn~=x)", "(uid=meier)", "(mail=*@*)",
		"(telephoneNumber=0301234560)", "(telephoneNumber=+49*0*60)", "(searchNumber=*1*)", "(accountEnabled=TRUE)", "(postalAddress=*K*)",
		"(sn:dn:caseExactMatch:=Meier)", "(&(objectCategory=person)(!(userType=Guest)))", "(|(IMHandle=x)(ipPhone=*))", `(cn=\fc*\00*)`,
		"(modifyTimestamp>=20260101000000Z)", "(cn=Meier, Peter)",
	}
	if len(seeds) != 20 {
		f.Fatalf("%d seeds", len(seeds))
	}
	for _, s := range seeds {
		p, err := ldap.CompileFilter(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(p.Bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		tree, err := filter.Decode(b)
		if err != nil {
			return
		}
		book := searched(t)
		found := map[string]bool{}
		for e := range book.Search(tree) {
			found[string(e.Contact().ID)] = true
		}
		for kind := range index.Kinds {
			for e := range book.Query(tree).Better(kind) {
				if !found[string(e.Contact().ID)] {
					t.Fatalf("%s finds %s only where it is better than others", tree, e.Contact().ID)
				}
			}
		}
		for e := range book.Search(&filter.Filter{Op: filter.Not, Children: []*filter.Filter{tree}}) {
			if found[string(e.Contact().ID)] {
				t.Fatalf("%s and its opposite find %s", tree, e.Contact().ID)
			}
		}
	})
}

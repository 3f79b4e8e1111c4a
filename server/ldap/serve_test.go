package ldap_test

import (
	"testing"

	goldap "github.com/go-ldap/ldap/v3"
)

func TestSearchOverEverything(t *testing.T) {
	s := newSite(t, staff(), nil)
	c := s.bound(t)
	res, err := c.Search(goldap.NewSearchRequest(base, goldap.ScopeWholeSubtree, goldap.NeverDerefAliases, 0, 0, false, "(cn=ann*)", []string{"cn", "telephoneNumber"}, nil))
	if err != nil {
		t.Fatal(err)
	}
	res.PrettyPrint(2)
}

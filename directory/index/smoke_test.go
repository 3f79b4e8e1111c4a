package index_test

import (
	"slices"
	"testing"
	"time"

	"ringbook/directory"
	"ringbook/directory/filter"
	"ringbook/directory/index"
	"ringbook/directory/number"
)

func TestSearchUmlauts(t *testing.T) {
	p := index.Stored{Contact: &directory.Contact{ID: "a", Source: directory.SourceUser, DisplayName: "Peter Müller", GivenName: "Peter", Surname: "Müller", Emails: []string{"P.M@x.de"}}, Modified: time.Unix(5, 0)}
	x, err := index.New(index.Options{Books: []directory.Book{{Name: "people"}}, Plan: &number.Plan{}}, "e", 0, slices.Values([]index.Stored{}), slices.Values([]index.Mark{}))
	if err != nil {
		t.Fatal(err)
	}
	x.Publish(x.Prepare(1, []index.Stored{p}, nil))
	b := x.View().Books()[0]
	if b.Len() != 1 {
		t.Fatal(b.Len())
	}
	for _, q := range []string{"(sn=mul*)", "(sn=Muel*)", "(cn=peter mueller)", "(cn=mul p*)", "(anr=p mu)", "(mail=p.m@X.DE)", "(sn=M\\fcller)", "(&(objectClass=user)(uid=A))"} {
		f, err := filter.Parse(q)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(slices.Collect(b.Search(f))); n != 1 {
			t.Error(q, n)
		}
	}
}

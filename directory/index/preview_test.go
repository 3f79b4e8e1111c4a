package index_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
	"ringbook/directory/filter"
	"ringbook/directory/index"
)

func names(entries []*index.Entry) (list []string) {
	for _, e := range entries {
		list = append(list, e.Contact().DisplayName)
	}
	return list
}

func TestPreview(t *testing.T) {
	x := newIndex(t, directory.Book{Name: "all", Filter: "(cn=*)"}, directory.Book{Name: "works", Filter: "(department=Works)"})
	var put []index.Stored
	for i := range 12 {
		c := directory.Contact{ID: directory.ContactID(fmt.Sprintf("c%02d", i)), DisplayName: fmt.Sprintf("Person %02d", i), Department: "Sales"}
		switch {
		case i < 5:
			c.UserType = "Guest"
		case i < 7:
			c.Department, c.Extras = "Works", "memberOf=staff"
		case i < 8:
			c.AccountEnabled = directory.False
		}
		put = append(put, stored(c))
	}
	publish(x, 1, put)
	p, err := x.View().Preview(t.Context(), "(&(!(accountEnabled=FALSE))(!(userType=Guest))(|(department=Sales)(memberOf=others)))", "works")
	if err != nil {
		t.Fatal(err)
	}
	type reason struct {
		Filter string
		Result filter.Result
		Count  int
		Names  []string
	}
	var got []reason
	for _, r := range p.Reasons {
		got = append(got, reason{r.Filter, r.Result, r.Count, names(r.Examples)})
	}
	want := []reason{
		{"(!(userType=Guest))", filter.False, 5, []string{"Person 00", "Person 01", "Person 02"}},
		{"(|(department=Sales)(memberOf=others))", filter.False, 2, []string{"Person 05", "Person 06"}},
		{"(!(accountEnabled=FALSE))", filter.False, 1, []string{"Person 07"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	if p.In != 4 || p.Out != 8 || p.Members != 2 {
		t.Errorf("%d in, %d out, %d members", p.In, p.Out, p.Members)
	}
	if diff := cmp.Diff([][]string{{"Person 08", "Person 09", "Person 10", "Person 11"}, {"Person 05", "Person 06"}}, [][]string{names(p.Joining), names(p.Leaving)}); diff != "" {
		t.Errorf("joining and leaving (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]directory.Group{"others"}, p.Unknown); diff != "" {
		t.Error(diff)
	}
	if p, err := x.View().Preview(t.Context(), "(telephoneNumber>=1)", "all"); err != nil || p.Out != 12 || p.Reasons[0].Result != filter.Undefined {
		t.Errorf("undefined for everybody: %+v, %v", p, err)
	}
	if _, err := x.View().Preview(t.Context(), "(nothing=1)", "all"); !errors.Is(err, directory.ErrInvalid) {
		t.Error(err)
	}
	if _, err := x.View().Preview(t.Context(), "(cn=*)", "none"); !errors.Is(err, directory.ErrNotFound) {
		t.Error(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := x.View().Preview(ended, "(cn=*)", "all"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestExplain(t *testing.T) {
	x := newIndex(t, directory.Book{Name: "all"})
	publish(x, 1, []index.Stored{stored(directory.Contact{ID: "a", DisplayName: "Anna", UserType: "Member"})})
	got, err := x.View().Explain("(&(cn=Anna)(!(userType=Guest))(telephoneNumber>=1)(l=Köln))", x.View().Entry("a"))
	if err != nil {
		t.Fatal(err)
	}
	want := []index.Explanation{
		{Depth: 0, Filter: "&", Result: filter.False},
		{Depth: 1, Filter: "(cn=Anna)", Result: filter.True},
		{Depth: 1, Filter: "!", Result: filter.True},
		{Depth: 2, Filter: "(userType=Guest)", Result: filter.False},
		{Depth: 1, Filter: "(telephoneNumber>=1)", Result: filter.Undefined},
		{Depth: 1, Filter: "(l=Köln)", Result: filter.False},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

package ldap

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
)

func listOfNames(names ...string) (list wanted) {
	for _, n := range names {
		list = appendString(list, tagOctets, n)
	}
	return list
}

// What is remembered of attribute lists is bounded, and what a list asks for never
// depends on which came before it.
func TestSelectionsAreRemembered(t *testing.T) {
	var s selections
	first := s.find(listOfNames("cn", "mail"))
	if s.find(listOfNames("cn", "mail")) != first {
		t.Error("a list is read twice")
	}
	if s.find(listOfNames("mail", "cn")) == first {
		t.Error("another list is taken for the same")
	}
	for i := range 3 * maxSelections {
		s.find(listOfNames("cn", fmt.Sprint("x", i)))
		if len(s.of) > maxSelections {
			t.Fatalf("%d lists are remembered", len(s.of))
		}
	}
	if again := s.find(listOfNames("cn", "mail")); !slices.Equal(again.names, first.names) || len(again.columns) != 2 {
		t.Errorf("a list that was forgotten asks for %q", again.names)
	}
	long := listOfNames(slices.Repeat([]string{"cn"}, maxRemembered)...)[:maxRemembered+4]
	s = selections{}
	if got := s.find(long); len(got.columns) != 1 || len(s.of) != 0 {
		t.Errorf("of a long list %d columns are answered and %d remembered", len(got.columns), len(s.of))
	}
}

// The DN of a book is read alike in the form that takes it apart and in the other.
func TestPlainDNsOfBooks(t *testing.T) {
	tr, err := newTree("dc=contoso,dc=com")
	if err != nil {
		t.Fatal(err)
	}
	for dn, plain := range map[string]bool{
		"ou=people,dc=contoso,dc=com":            true,
		"OU=people,DC=Contoso,dc=COM":            true,
		"ou=m-0,dc=contoso,dc=com":               true,
		"ou=People,dc=contoso,dc=com":            false,
		"ou= people,dc=contoso,dc=com":           false,
		"ou=people, dc=contoso,dc=com":           false,
		"ou=a\\,b,dc=contoso,dc=com":             false,
		"ou=a,ou=people,dc=contoso,dc=com":       false,
		"uid=a,ou=people,dc=contoso,dc=com":      false,
		"uid=ou=people,ou=a,dc=contoso,dc=com":   false,
		"ou=a+uid=b,dc=contoso,dc=com":           false,
		"ou=,dc=contoso,dc=com":                  false,
		"ou,dc=contoso,dc=com":                   false,
		",dc=contoso,dc=com":                     false,
		"ou=peoplexdc=contoso,dc=com":            false,
		"ou=people,dc=contoso,dc=org":            false,
		"ou=people,dc=contoso,dc=com,dc=contoso": false,
	} {
		book, ok := tr.plainBook(dn)
		if ok != plain {
			t.Errorf("%s: plain %t", dn, ok)
		}
		if ok && tr.locate("ou=\\"+fmt.Sprintf("%x", book[0])+string(book[1:])+","+tr.base) != tr.locate(dn) {
			t.Errorf("%s is another place, read octet by octet", dn)
		}
	}
}

// What an answer leaves to the next keeps nobody alive, and is no more than is usual.
func TestReleasedAnswersAreEmpty(t *testing.T) {
	srv := &Server{}
	a := &answer{over: true, rearranged: true, out: make([]byte, 10, keepBuffer), all: []member{{book: "b"}}, best: []member{{book: "b"}}, next: []byte("x")}
	a.printer = printer{srv: srv, texts: []string{"x"}}
	a.texts = a.texts[:0] // what stands behind the end is kept alive as well
	a.release()
	if a.all[:1][0] != (member{}) || a.best[:1][0] != (member{}) || a.texts[:1][0] != "" {
		t.Errorf("%+v %+v %q are kept", a.all[:1], a.best[:1], a.texts[:1])
	}
	if len(a.out)+len(a.all)+len(a.best)+len(a.texts) > 0 || cap(a.out) != keepBuffer {
		t.Errorf("%+v, room for %d octets", *a, cap(a.out))
	}
	a.out, a.all, a.best, a.texts = nil, nil, nil, nil
	if !reflect.ValueOf(*a).IsZero() {
		t.Errorf("%+v", *a)
	}
	a.srv, a.out = srv, make([]byte, 0, keepBuffer+1)
	if a.release(); a.out != nil {
		t.Errorf("room for %d octets is kept", cap(a.out))
	}
}

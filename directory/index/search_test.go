package index_test

import (
	order "cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
	"ringbook/directory/filter"
	"ringbook/directory/index"
)

// searched is the book that the search tests ask: by name Ängström, García,
// Kowalski, Meier, Mueller, Müller.
func searched(t *testing.T) *index.Book {
	t.Helper()
	phone := func(k directory.PhoneKind, written, e164 string) directory.Phone {
		return directory.Phone{Kind: k, Written: written, E164: e164}
	}
	x := newIndex(t, directory.Book{Name: "all", Filter: "(cn=*)"})
	publish(x, 1, []index.Stored{
		stored(directory.Contact{
			ID: "mueller", DisplayName: "Anna Müller", GivenName: "Anna", Surname: "Müller", Company: "Contoso GmbH",
			Emails: []string{"Anna.Mueller@Contoso.example", "am@contoso.example"}, UserType: "Member", AccountEnabled: directory.True,
			Phones: []directory.Phone{phone(directory.PhoneWork, "+49 (0)30 123456-0", "+49301234560"), phone(directory.PhoneMobile, "0170 1234567", "+491701234567"), phone(directory.PhoneWork, "030/99999", "+493099999")},
			Photo:  "0123", Department: "Vertrieb",
			Address: directory.Address{Street: "Weg $1\nHinterhaus", City: "Köln", PostalCode: "50667", Country: "Germany"},
		}),
		stored(directory.Contact{ID: "meier", DisplayName: "Peter Meier", GivenName: "Peter", Surname: "Meier", AccountEnabled: directory.False}),
		stored(directory.Contact{ID: "mueller2", DisplayName: "Mueller, Jörg", GivenName: "Jörg", Surname: "Mueller", Source: directory.SourceOrgContact}),
		stored(directory.Contact{ID: "kowalski", DisplayName: "Hans-Peter Kowalski (ext.)", GivenName: "Hans-Peter", Surname: "Kowalski (ext.)"}),
		stored(directory.Contact{ID: "garcia", DisplayName: "José García", GivenName: "José", Surname: "García", Department: "Sales"}),
		stored(directory.Contact{ID: "star", Company: "Ängström * Söhne", Phones: []directory.Phone{phone(directory.PhoneFax, "110", "")}}),
	})
	return x.View().Books()[0]
}

func TestSearch(t *testing.T) {
	const all = "star mueller kowalski garcia mueller2 meier" // by name: Ängström, Anna, Hans-Peter, José, Mueller, Peter
	b := searched(t)
	for _, row := range []struct{ filter, want string }{
		// presence, and what there is of everybody
		{"(objectClass=*)", all},
		{"(&)", all},
		{"(|)", ""},
		{"(!(&))", ""},
		{"(sn=*)", all},
		{"(givenName=*)", "mueller kowalski garcia mueller2 meier"},
		{"(mail=*)", "mueller"},
		{"(jpegPhoto=*)", "mueller"},
		{"(telephoneNumber=*)", "mueller"},
		{"(fax=*)", "star"},
		{"(ipPhone=*)", ""},
		{"(!(ipPhone=*))", all},
		{"(objectclass=PERSON)", all},
		{"(&(objectCategory=person)(objectClass=user))", all},
		{"(objectClass=device)", ""},
		{"(objectCategory=CN=Person,CN=Schema,DC=x)", all},
		{"(!(objectClass=inetOrgPerson))", ""},
		// names, folded, in either spelling
		{"(cn=anna müller)", "mueller"},
		{"(cn=ANNA MUELLER)", "mueller"},
		{"(cn=anna  muller)", "mueller"},
		{`(sn=Mu\cc\88ller)`, "mueller mueller2"},
		{"(sn=Müller)", "mueller mueller2"},
		{"(sn=mueller)", "mueller mueller2"},
		{"(sn=muller)", "mueller"},
		{`(sn=M\fcller)`, "mueller mueller2"},
		{"(sn=mül*)", "mueller mueller2"},
		{"(sn=mul*)", "mueller"},
		{"(surname=muel*)", "mueller mueller2"},
		{"(cn=*ülle*)", "mueller mueller2"},
		{"(cn=*ller)", "mueller"},
		{"(cn=garcia)", ""},
		{"(cn=jose garcia)", "garcia"},
		{"(displayName=Anna M*)", "mueller"},
		{"(cn=a*l*r)", "mueller"},
		{"(cn=a*r*l)", ""},
		{"(cn=ann*nna*)", ""},
		// the beginning of any word, and several words in any order
		{"(cn=mei*)", "meier"},
		{"(cn=pet*)", "kowalski meier"},
		{"(cn=mei p*)", "meier"},
		{"(sn=p mei*)", "meier"},
		{"(cn=p mei x*)", ""},
		{"(anr=mei p)", "meier"},
		{"(anr=joerg mueller)", "mueller2"},
		{"(anr=jorg mull)", ""},
		{"(anr=an mul)", "mueller"},
		{"(anr=)", ""},
		{"(metaSearchText=mei*)", "meier"},
		{"(cn~=peter)", "kowalski meier"},
		{"(cn=eter*)", ""},
		// what would be special if it were not escaped
		{`(cn=\2a)`, ""},
		{`(cn=*\2a*)`, "star"},
		{`(sn=Kowalski \28ext.\29)`, "kowalski"},
		{"(sn=)", ""},
		{`(cn=\20*)`, all},
		{"(cn=foo.*)", ""},
		// order
		{"(&(sn>=M)(sn<=Mez))", "meier"},
		{"(sn>=mu)", "mueller mueller2"},
		{"(!(sn>=b))", "star"},
		// other texts
		{"(o=contoso gmbh)", "mueller"},
		{"(company=CON*)", "mueller"},
		{"(|(cn=gmbh*)(o=gmbh*))", ""},
		{"(ou=Sales)", "garcia"},
		{"(department=vert*)", "mueller"},
		{"(l=koeln)", "mueller"},
		{"(postalCode=506*)", "mueller"},
		{"(co=germany)", "mueller"},
		{"(street=*hinter*)", "mueller"},
		{"(postalAddress=*50667*)", "mueller"},
		// addresses, ids, what only rules ask
		{"(mail=anna.mueller@CONTOSO.example)", "mueller"},
		{"(rfc822Mailbox=AM@*)", "mueller"},
		{"(mail=*@contoso.example)", "mueller"},
		{"(mail=mueller)", ""},
		{"(uid=MEIER)", "meier"},
		{"(uid=mei*)", "meier"},
		{"(userType=member)", "mueller"},
		{"(source=org_contact)", "mueller2"},
		{"(accountEnabled=true)", "mueller"},
		{"(accountEnabled=FALSE)", "meier"},
		{"(!(accountEnabled=FALSE))", "star mueller kowalski garcia mueller2"},
		{"(accountEnabled=1)", ""},
		{"(!(accountEnabled=1))", ""},
		{"(!(accountEnabled=T*))", ""},
		{"(!(accountEnabled>=TRUE))", ""},
		// numbers, in any spelling
		{"(telephoneNumber=0301234560)", "mueller"},
		{"(telephonenumber=+49 30 123456-0)", "mueller"},
		{"(telephoneNumber=00493099999)", "mueller"},
		{"(Mobile=01701234567)", "mueller"},
		{"(telephoneNumber=01701234567)", ""},
		{"(searchNumber=01701234567)", "mueller"},
		{"(telephoneNumber=03012*)", "mueller"},
		{"(telephoneNumber=*34560)", "mueller"},
		{"(telephoneNumber=*12345*)", "mueller"},
		{"(telephoneNumber=foo*)", ""},
		{"(telephoneNumber=foo)", ""},
		{"(!(telephoneNumber=foo))", all},
		{"(telephoneNumber=*foo*)", ""},
		{"(telephoneNumber=)", ""},
		{"(!(telephoneNumber>=0))", ""},
		{"(fax=110)", "star"},
		{"(telephoneNumber=0301*999)", ""},
		// what nobody knows is undefined: neither it nor its opposite finds anybody
		{"(IMHandle=foo*)", ""},
		{"(!(IMHandle=foo*))", ""},
		{"(|(IMHandle=x)(sn=meier))", "meier"},
		{"(!(CallerIDName=*))", ""},
		{"(=x)", ""},
		// extensible
		{"(sn:=meier)", "meier"},
		{"(sn:caseIgnoreMatch:=MEIER)", "meier"},
		{"(sn:dn:2.5.13.2:=meier)", "meier"},
		{"(sn:dn:=meier)", "meier"},
		{"(sn:caseExactMatch:=Meier)", "meier"},
		{"(sn:2.5.13.5:=meier)", ""},
		{"(mobile:telephoneNumberMatch:=01701234567)", "mueller"},
		{"(!(sn:telephoneNumberMatch:=1))", ""},
		{"(!(:caseExactMatch:=x))", ""},
		{"(!(sn:1.2.3:=x))", ""},
		{"(objectClass:objectIdentifierMatch:=person)", all},
		{"(accountEnabled:booleanMatch:=TRUE)", "mueller"},
		{"(!(mobile:caseExactMatch:=x))", ""},
		// one operand
		{"(&(sn=meier))", "meier"},
		{"(|(sn=meier))", "meier"},
		{"(|(telephoneNumber=*)(mobile=*)(homePhone=*))", "mueller"},
		{"(&(sn=mei*)(givenName=P*))", "meier"},
		// several values, each read once
		{"(&(sn=mei*)(givenName=pet*))", "meier"},
		{"(|(sn=mei*)(givenName=jos*))", "garcia meier"},
		{"(&(telephoneNumber=+49301234560)(mobile=0049170123456*))", "mueller"},
		{"(|(telephoneNumber=030123456099)(mobile=+49170123456*))", "mueller"},
		{"(&(telephoneNumber=030123456*)(mobile=017012345*))", "mueller"},
	} {
		var ids []string
		for e := range b.Search(parse(t, row.filter)) {
			ids = append(ids, string(e.Contact().ID))
		}
		if diff := cmp.Diff(strings.Fields(row.want), ids, cmpEmpty); diff != "" {
			t.Errorf("%s: %s", row.filter, diff)
		}
	}
}

var cmpEmpty = cmp.Transformer("join", func(s []string) string { return strings.Join(s, " ") })

// parse reads a filter as it comes from the wire, where names need not be names.
func parse(tb testing.TB, s string) *filter.Filter {
	tb.Helper()
	if s == "(=x)" {
		return &filter.Filter{Op: filter.Equal, Value: "x"}
	}
	f, err := filter.Parse(s)
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

// A search is ended when its reader has enough.
func TestSearchStops(t *testing.T) {
	n := 0
	for range searched(t).Search(parse(t, "(objectClass=*)")) {
		if n++; n == 2 {
			break
		}
	}
	if n != 2 {
		t.Error(n)
	}
}

// It looks no more than a few contacts ahead of its reader, asks at each whether to
// stop, and finds nobody from then on, nor anybody better.
func TestSearchLooksAFewAhead(t *testing.T) {
	x := newIndex(t, directory.Book{Name: "all", Filter: "(uid=*)"})
	var put []index.Stored
	for i := range 3000 {
		put = append(put, person(i, []string{"Anna", "Anna", "Berta", "Carla", "Dora", "Emma", "Flora", "Gerda", "Hanna"}[i%9], "Meier"))
	}
	publish(x, 1, put)
	const read, ahead = 300, 16
	for _, s := range []string{"(cn=*)", "(givenName=anna)", "(givenName=ann*)", "(!(givenName=berta))", "(|(givenName=anna)(o=*))"} {
		asked, stopped := 0, false
		f := parse(t, s)
		f.Stop = func() bool { asked++; return stopped }
		n := 0
		for range x.View().Books()[0].Search(f) {
			if n++; n == read {
				break
			}
		}
		if n != read || asked < read || asked > read*9/7+ahead {
			t.Errorf("%s: asked %d times for %d hits", s, asked, n)
		}
		stopped = true
		q := x.View().Books()[0].Query(f)
		for range q.Hits("", "") {
			t.Fatalf("%s finds somebody when it is stopped", s)
		}
		for kind := range index.Kinds {
			for range q.Better(kind) {
				t.Fatalf("%s finds somebody better when it is stopped", s)
			}
		}
	}
}

func TestAttributes(t *testing.T) {
	e := searched(t).Entry("mueller")
	got := map[string][]string{}
	for a := range index.Attributes() {
		if again, ok := index.ParseAttribute(strings.ToUpper(a.Name())); !ok || again != a {
			t.Errorf("%s is read as %v, %v", a.Name(), again, ok)
		}
		if values := e.Values(a); len(values) > 0 && !a.Operational() {
			got[a.Name()] = values
		}
		if two := e.AppendValues([]string{"x"}, a); two[0] != "x" || !slices.Equal(two[1:], e.Values(a)) {
			t.Errorf("%s: appends %v", a.Name(), two)
		}
		if a.Numbers() && !a.Extension() && len(e.Phones(a)) != len(e.Values(a)) || !a.Numbers() && e.Phones(a) != nil {
			t.Errorf("%s: numbers %v", a.Name(), e.Phones(a))
		}
	}
	want := map[string][]string{
		"cn": {"Anna Müller"}, "sn": {"Müller"}, "givenName": {"Anna"}, "uid": {"mueller"},
		"mail": {"Anna.Mueller@Contoso.example", "am@contoso.example"}, "o": {"Contoso GmbH"}, "ou": {"Vertrieb"},
		"telephoneNumber": {"+49301234560", "+493099999"}, "mobile": {"+491701234567"},
		"street": {"Weg $1\nHinterhaus"}, "l": {"Köln"}, "postalCode": {"50667"}, "co": {"Germany"},
		"postalAddress": {`Weg \241$Hinterhaus$50667 Köln$Germany`}, "jpegPhoto": {"0123"},
		"objectClass": {"top", "person", "organizationalPerson", "inetOrgPerson"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, name := range []string{"userPrincipalName", "accountEnabled", "source", "employeeId", "showInAddressList", "userType", "anr"} {
		if a, ok := index.ParseAttribute(name); !ok || !a.Operational() {
			t.Errorf("%s should be known and operational", name)
		}
	}
	if _, ok := index.ParseAttribute("CallerIDName"); ok {
		t.Error("knows CallerIDName")
	}
	if e.Modified().Unix() != 1 || e.Slot() != 0 || e.SortKey() == "" {
		t.Error(e.Modified(), e.Slot(), e.SortKey())
	}
}

// Every name stands for one attribute only.
func TestNamesAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for a := range index.Attributes() {
		if seen[a.Name()] {
			t.Error(a.Name())
		}
		seen[a.Name()] = true
	}
}

// Sorted orders equal names by id, so that pages of a listing never overlap.
func TestEqualNamesAreOrdered(t *testing.T) {
	x := newIndex(t, directory.Book{Name: "all", Filter: "(cn=*)"})
	publish(x, 1, []index.Stored{
		stored(directory.Contact{ID: "b", DisplayName: "X"}), stored(directory.Contact{ID: "a", DisplayName: "X"}), stored(directory.Contact{ID: "c", DisplayName: "x"}),
	})
	var ids []string
	for e := range x.View().Books()[0].Search(parse(t, "(cn=x)")) {
		ids = append(ids, string(e.Contact().ID))
	}
	if !slices.Equal(ids, []string{"c", "a", "b"}) {
		t.Error(ids)
	}
}

// A listing is in the order of names after every batch, whole and from any place.
func TestListingIsOrdered(t *testing.T) {
	x, m := newIndex(t, directory.Book{Name: "all", Filter: "(cn=*)"}, directory.Book{Name: "a", Filter: "(company=a)"}), newMirror()
	r := rand.New(rand.NewPCG(7, 7))
	var all []index.Stored
	for i := range 3000 {
		s := stored(directory.Contact{ID: directory.ContactID(fmt.Sprint("d", i)), DisplayName: fmt.Sprint("Name ", r.IntN(500))})
		all = append(all, s)
	}
	publish(x, 1, all)
	everybody := parse(t, "(objectClass=*)")
	for rev := directory.Revision(2); rev < 60; rev++ {
		if r.IntN(3) > 0 {
			put, removed := m.batch(r)
			if rev == 30 {
				put = nil
				for _, s := range all[:2000] { // more than is worth merging
					c := s.Contact.Clone()
					c.DisplayName = fmt.Sprint("Other ", r.IntN(100))
					put = append(put, stored(*c))
				}
				removed = nil
			}
			publish(x, rev, put, removed...)
		}
		b := x.View().Books()[r.IntN(2)]
		want := slices.SortedFunc(b.All(), func(e, f *index.Entry) int {
			return order.Or(strings.Compare(e.SortKey(), f.SortKey()), strings.Compare(string(e.Contact().ID), string(f.Contact().ID)))
		})
		if got := slices.Collect(b.Search(everybody)); !slices.Equal(got, want) {
			t.Fatalf("revision %d: %d entries in another order than the %d wanted", rev, len(got), len(want))
		}
		if len(want) == 0 {
			continue
		}
		i := r.IntN(len(want))
		if got := slices.Collect(b.Query(everybody).Hits(want[i].SortKey(), want[i].Contact().ID)); !slices.Equal(got, want[i+1:]) {
			t.Fatalf("revision %d: %d entries after %d of %d", rev, len(got), i, len(want))
		}
	}
}

// Reading back one contact looks at no other.
func TestSearchByID(t *testing.T) {
	b := searched(t)
	for filter, want := range map[string]int{
		"(&(objectClass=*)(uid=MEIER))": 1, "(&(uid=meier)(sn=x))": 0, "(&(uid=meier)(uid=garcia))": 0, "(uid=nobody)": 0, "(|(uid=meier)(uid=garcia))": 2, "(!(uid=meier))": 5,
	} {
		if n := len(slices.Collect(b.Search(parse(t, filter)))); n != want {
			t.Errorf("%s finds %d, want %d", filter, n, want)
		}
	}
}

// TestFewAreFoundAfterAStart: a directory of fewer contacts than processors could
// read finds them all, also when the next has come.
func TestFewAreFoundAfterAStart(t *testing.T) {
	for n := range 12 {
		var all []index.Stored
		for i := range n {
			all = append(all, stored(directory.Contact{ID: directory.ContactID(fmt.Sprint("c", i)), Emails: []string{fmt.Sprintf("m%d@x.example", i)}}))
		}
		x, err := index.New(index.Options{Books: []directory.Book{{Name: "all", Filter: "(uid=*)"}}, Plan: plan(t)}, "e", 0, slices.Values(all), none[index.Mark]())
		if err != nil {
			t.Fatal(err)
		}
		x.Publish(x.Reconcile(1))
		publish(x, 2, []index.Stored{stored(directory.Contact{ID: "next"})})
		for i := range n {
			f := parse(t, fmt.Sprintf("(mail=m%d@x.example)", i))
			if got := len(slices.Collect(x.View().Books()[0].Search(f))); got != 1 {
				t.Errorf("of %d contacts, %s finds %d", n, f, got)
			}
		}
	}
}

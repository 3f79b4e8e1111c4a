package index

import (
	"fmt"
	"iter"
	"reflect"
	"slices"
	"testing"

	"ringbook/directory"
	"ringbook/directory/filter"
	"ringbook/directory/number"
)

// What is stale goes when runs are merged: an index in which everybody has changed many
// times is not much longer than one that is new.
func TestStaleGoes(t *testing.T) {
	const people, changes = 500, 4000
	contact := func(i, n int) Stored {
		id := directory.ContactID(fmt.Sprintf("c%03d", i))
		return Stored{Contact: &directory.Contact{ID: id, DisplayName: fmt.Sprintf("Anna %d Schmidt", n), Emails: []string{fmt.Sprintf("%d@x.example", n)}}}
	}
	none := func(func(Mark) bool) {}
	fresh := func(contacts iter.Seq[Stored]) *View {
		x, err := New(Options{Books: []directory.Book{{Name: "all", Filter: "(uid=*)"}}}, "e", 1, contacts, none)
		if err != nil {
			t.Fatal(err)
		}
		return x.View()
	}
	var all []Stored
	for i := range people {
		all = append(all, contact(i, i))
	}
	v := fresh(slices.Values(all))
	x := v.index
	for n := range changes {
		i := n * 7 % people
		all[i] = contact(i, n)
		x.Publish(x.Prepare(directory.Revision(n+2), []Stored{all[i]}, nil))
	}
	is, want := x.View(), fresh(slices.Values(all))
	if has, best := is.postings.len(), want.postings.len(); has > best*5/4 {
		t.Errorf("%d postings, of a new index %d", has, best)
	}
	if has, best := is.grams.len(), want.grams.len(); has > best*4 { // of a thousand changes nothing is merged
		t.Errorf("%d slots in lists and signatures, of a new index %d", has, best)
	}
	for _, s := range all {
		x.Publish(x.Prepare(changes+2, nil, []directory.ContactID{s.Contact.ID}))
	}
	if n := x.View().postings.len(); n > 0 {
		t.Errorf("%d postings of nobody", n)
	}
}

// Candidates that are too many to be of use are not kept, nor gathered to the end: a
// filter may have 256 leaves, each for a quarter of all, and its client may be slow.
func TestTooManyCandidatesAreNotKept(t *testing.T) {
	const people = 2000
	var all []Stored
	for i := range people {
		all = append(all, Stored{Contact: &directory.Contact{ID: directory.ContactID(fmt.Sprint("c", i)), DisplayName: fmt.Sprintf("Anna of group%dx", i%8)}})
	}
	x, err := New(Options{Books: []directory.Book{{Name: "all", Filter: "(uid=*)"}}}, "e", 1, slices.Values(all), func(func(Mark) bool) {})
	if err != nil {
		t.Fatal(err)
	}
	or := &filter.Filter{Op: filter.Or}
	for i := range 256 {
		or.Children = append(or.Children, &filter.Filter{Op: filter.Substrings, Attribute: "cn", Any: []string{fmt.Sprintf("group%dx", i%8)}})
	}
	b := x.View().Books()[0]
	q := b.Query(or)
	if n := q.AtMost(); n != people || q.some || q.among.size() > 0 {
		t.Errorf("at most %d hits, %d candidates", n, q.among.size())
	}
	q.finder.most = people / manyCandidates
	if c, ok := q.finder.find(or); ok || c.size() > 0 {
		t.Errorf("%d candidates are gathered", c.size())
	}
	narrow := q.narrowed([]sign{{attributeCN, "anna", true}, {attributeCN, "group1x", true}}, enough(b.view))
	if narrow.some || narrow.among.size() > 0 {
		t.Errorf("%d candidates are gathered again", narrow.among.size())
	}
}

func (p postings) len() (n int) {
	for _, r := range p {
		n += len(r.postings)
	}
	return n
}

func (x gramRuns) len() (n int) {
	for _, r := range x.runs {
		for g := range allGrams {
			n += len(appendSlots(nil, r.list(gram(g))))
		}
	}
	for _, s := range x.few {
		n += len(s.grams)
	}
	return n
}

// What a query leaves to the next is room, and keeps nobody's views and requests alive.
func TestReleasedQueriesAreEmpty(t *testing.T) {
	numbers, err := number.NewPlan("DE")
	if err != nil {
		t.Fatal(err)
	}
	x, err := New(Options{Plan: numbers, Books: []directory.Book{{Name: "all", Filter: "(uid=*)"}}}, "e", 1, slices.Values([]Stored{
		{Contact: &directory.Contact{ID: "anna", DisplayName: "Anna Meier", Surname: "Meier", GivenName: "Anna", Phones: []directory.Phone{{Kind: directory.PhoneWork, Written: "110"}}}},
	}), func(func(Mark) bool) {})
	if err != nil {
		t.Fatal(err)
	}
	x.Publish(x.Reconcile(2))
	f, err := filter.Parse("(|(cn=an*)(sn=Meier)(givenName=*nna*)(telephoneNumber=110)(mobile=*110))")
	if err != nil {
		t.Fatal(err)
	}
	q := x.View().Books()[0].Query(f)
	few, ok := q.AppendFew(nil)
	if !ok || len(few) != 1 || q.Kind(few[0]) != 0 || q.Order() == nil {
		t.Fatalf("%v, %v", few, ok)
	}
	room := q.finder
	if len(room.read) == 0 || len(room.begun) == 0 || len(room.numbers.read) == 0 || len(room.blank) == len(room.slab) {
		t.Errorf("a query that takes no room proves nothing: %+v", room)
	}
	q.Release()
	if isKept(room.read) || isKept(room.begun) || isKept(room.numbers.read) || isKept(room.slab) {
		t.Errorf("kept: %+v", room)
	}
	left := q.finder
	if len(left.read)+len(left.begun)+len(left.numbers.read) > 0 || len(left.blank) != len(left.slab) {
		t.Errorf("room that is taken: %+v", left)
	}
	left.read, left.begun, left.numbers.read, left.slab, left.blank, q.finder = nil, nil, nil, nil, nil, finder{}
	if !reflect.ValueOf(left).IsZero() || !reflect.ValueOf(*q).IsZero() {
		t.Errorf("%+v %+v", left, *q)
	}
}

// isKept reports whether there is anything in the room of a list.
func isKept[T any](list []T) bool {
	return slices.ContainsFunc(list[:cap(list)], func(v T) bool { return !reflect.ValueOf(v).IsZero() })
}

// What finds nobody takes no room for candidates, as most of what a keypad's digits may
// mean; and what takes much leaves little to the next.
func TestRoomForCandidates(t *testing.T) {
	const many = 200
	name := func(i int) string { return "x" + string([]byte{'a' + byte(i/26), 'a' + byte(i%26)}) }
	var people []Stored
	or := &filter.Filter{Op: filter.Or}
	for i := range many {
		people = append(people, Stored{Contact: &directory.Contact{ID: directory.ContactID(name(i)), DisplayName: name(i)}})
		or.Children = append(or.Children, &filter.Filter{Op: filter.Substrings, Attribute: "cn", Initial: name(i)})
	}
	x, err := New(Options{Books: []directory.Book{{Name: "all", Filter: "(uid=*)"}}}, "e", 1, slices.Values(people), func(func(Mark) bool) {})
	if err != nil {
		t.Fatal(err)
	}
	b := x.View().Books()[0]
	for _, nobody := range []string{"(cn=6343777*)", "(|(cn=anna)(sn=anna*)(givenName=an me))", "(mail=a@b.example)"} {
		f, err := filter.Parse(nobody)
		if err != nil {
			t.Fatal(err)
		}
		q := b.Query(f)
		if n := q.AtMost(); n > 0 || len(q.finder.slab) > 0 {
			t.Errorf("%s: %d candidates, room for %d pieces", nobody, n, len(q.finder.slab))
		}
	}
	q := b.Query(or)
	q.finder.most = many
	if c, ok := q.finder.find(or); !ok || c.size() != many || len(q.finder.slab) > 64*usualPieces {
		t.Errorf("%d candidates, room for %d pieces is kept", c.size(), len(q.finder.slab))
	}
}

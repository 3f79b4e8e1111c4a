package index_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"ringbook/directory"
	"ringbook/directory/index"
	"ringbook/directory/number"
)

// A restart changes no answer: an index that was made of what a store holds finds
// the same as one that has followed every change, in the same order, best hits and
// holders of numbers too.
func TestARestartAnswersTheSame(t *testing.T) {
	sites := []number.Site{
		{Name: "berlin", Country: "DE", AreaCode: "30", ExternalPrefix: "0", Stem: "+4930999", Extensions: "90-99"},
		{Name: "vienna", Country: "AT", AreaCode: "1", Stem: "+4315123", Extensions: "4000-4999"},
	}
	books := []directory.Book{{Name: "all", Filter: "(uid=*)"}, {Name: "some", Filter: "(userType=Member)"}}
	options := index.Options{Books: books, Plan: companyOf(t, sites), MaxPhones: 2}
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 9))
		people := []int{60, 300, 1200}[seed]
		x, err := index.New(options, "e", 1, none[index.Stored](), none[index.Mark]())
		if err != nil {
			t.Fatal(err)
		}
		m := newMirror()
		m.sources = seed > 0
		for rev := directory.Revision(2); rev < 60; rev++ {
			news := map[directory.ContactID]index.Stored{}
			for range 1 + r.IntN(people/4) {
				s := randomContact(r, people)
				m.share(r, s.Contact)
				news[s.Contact.ID] = s
			}
			var removed []directory.ContactID
			for _, id := range slices.Sorted(maps.Keys(news)) {
				if m.contacts[id] = news[id]; r.IntN(4) == 0 {
					removed = append(removed, id)
					delete(m.contacts, id)
					delete(news, id)
				}
			}
			m.mark(publish(x, rev, slices.Collect(maps.Values(news)), removed...).Marks)
		}
		again, err := index.New(options, "e", x.View().Revision(), maps.Values(m.contacts), maps.Values(m.marks))
		if err != nil {
			t.Fatal(err)
		}
		for range 300 {
			d := directory.Device{State: directory.DeviceActive, OwnerID: pick(r, []directory.ContactID{"", "box1"}), Site: pick(r, sites).Name, Books: []directory.BookName{"some", "all"}}
			n, f, value := r.IntN(2), randomFilter(r, 3), randomValue(r)
			answers := func(v *index.View) string {
				b := v.ShelfOf(d)[n]
				return fmt.Sprint(ids(b.Search(f)), ids(b.Query(f).Better(0)), ids(b.Query(f).Better(1)), ids(slices.Values(b.Holders(value))), ids(v.Search(t.Context(), f)))
			}
			if was, is := answers(x.View()), answers(again.View()); was != is {
				t.Fatalf("%s, %q at %s: finds %s, after a restart %s", f, value, d.Site, was, is)
			}
		}
	}
}

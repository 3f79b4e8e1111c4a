package index

import (
	"cmp"
	"slices"

	"ringbook/directory"
	"ringbook/directory/number"
)

// Holders returns the members who have a number, given in any spelling that is
// dialled at the site of whoever sees the book, in the order of [Book.ByNumber].
func (b *Book) Holders(written string) (holders []*Entry) {
	if b.drained {
		return nil
	}
	x := finder{view: b.view, numbers: numberReader{plan: b.plan}}
	among, q := x.endings(written), x.numbers.query(written)
	for _, slot := range among.sorted() {
		e := b.member(int(slot))
		if e != nil && slices.ContainsFunc(e.contact.Phones, q.Equal) {
			holders = append(holders, e)
		}
	}
	if len(holders) > 1 {
		slices.SortFunc(holders, b.byNumber(*q))
	}
	return holders
}

// ByNumber returns the order in which the members who have a number answer a look
// for it, best first: whose own number or extension it is, then who shares it
// but for an extension, then who has the same digits as no valid number; of
// those a company before its people; of those by name. It is for one goroutine.
func (b *Book) ByNumber(written string) func(e, f *Entry) int {
	return b.byNumber(b.plan.Query(written))
}

func (b *Book) byNumber(q number.Query) func(e, f *Entry) int {
	seen := b.seenNumbers()
	known := map[*Entry]number.Rank{} // ranking reads numbers, and a whole company may share one
	rank := func(e *Entry) number.Rank {
		best, ok := known[e]
		if ok {
			return best
		}
		best = number.RankNone
		for _, ph := range e.contact.Phones {
			if slices.ContainsFunc(seen, func(a Attribute) bool { return a.Has(ph.Kind) }) {
				best = min(best, q.Rank(ph))
			}
		}
		known[e] = best
		return best
	}
	return func(e, f *Entry) int {
		return cmp.Or(cmp.Compare(rank(e), rank(f)), count1(!isCompany(e.contact))-count1(!isCompany(f.contact)), byOrder(e, f))
	}
}

// isCompany reports whether a contact is a company, an office or a hot line: it
// has no names as people have.
func isCompany(c *directory.Contact) bool { return c.GivenName == "" && c.Surname == "" }

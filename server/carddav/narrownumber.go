package carddav

import (
	"slices"
	"strings"

	"ringbook/directory/filter"
	"ringbook/directory/index"
)

// sieveNumbers is the sieve of a condition on TEL. A number stands on a card as the device
// gets it, and what is asked for may begin in the middle of a prefix.
func (p *propFilter) sieveNumbers(s style) sieve {
	v := sieve{may: func(e *index.Entry) bool { return p.mayBeNumber(e, s) }}
	if len(p.texts)+len(p.params) == 0 {
		return v
	}
	var each []sieve
	for i := range p.texts {
		each = append(each, sieve{filter: p.texts[i].sieveNumber(s.before)})
	}
	for range p.params {
		each = append(each, sieve{})
	}
	v.filter = join(each, p.all).filter
	if v.filter != nil && p.asks != nil {
		v.filter = &filter.Filter{Op: filter.Or, Children: []*filter.Filter{v.filter, p.asks}}
	}
	return v
}

// sieveNumber returns a filter that is true for all who have a number that the text may
// match, as it is written; nil = the index cannot tell. Of a number that is a valid one
// the text has digits, behind a part of what may stand before them; of another that is in
// digits it has some of these; and what is neither is asked for as a text.
func (m *textMatch) sieveNumber(before []string) *filter.Filter {
	or := m.sieve([]string{asWritten})
	if or == nil {
		return nil
	}
	digits := strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, foldUnicode(m.raw))
	for n := range len(digits) + 1 {
		if n > 0 && !slices.ContainsFunc(before, func(s string) bool { return strings.HasSuffix(s, digits[:n]) }) {
			continue
		}
		if n == len(digits) {
			return nil // all of it may be such a part, or there are no digits
		}
		or.Children = append(or.Children, contains("searchNumber", digits[n:]))
	}
	return or
}

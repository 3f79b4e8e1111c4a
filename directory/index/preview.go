package index

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"ringbook/directory"
	"ringbook/directory/filter"
)

// examples is how many contacts a reason shows.
const examples = 3

// A Preview says what a rule would make of a book.
type Preview struct {
	In, Out int
	Merged  int      // contacts that are shown as part of others, and counted with them
	Reasons []Reason // why the others are out, the commonest first
	// Joining and Leaving count the difference to the book that it was compared with.
	Joining, Leaving []*Entry
	Members          int // of that book now
	// Unknown are the groups that the rule asks for and of which it is not known
	// who belongs to them: they are read only once the rule of a book asks.
	Unknown []directory.Group
}

// A Reason is a part of a rule that keeps contacts out.
type Reason struct {
	Filter   string // RFC 4515
	Result   filter.Result
	Count    int
	Examples []*Entry // a few of them
}

// Preview works out what a rule would make of a book. It looks at every contact
// but those of mailboxes that the rule does not name,
// 100,000 in some tenths of a second, and ends with ctx's error when ctx does. A
// rule that cannot be read is [directory.ErrInvalid], a book that there is not
// [directory.ErrNotFound].
func (v *View) Preview(ctx context.Context, rule string, name directory.BookName) (Preview, error) {
	var p Preview
	f, err := ParseRule(rule)
	if err != nil {
		return p, err
	}
	shelf := v.Shelf([]directory.BookName{name}, false)
	if len(shelf) == 0 {
		return p, fmt.Errorf("book %q: %w", name, directory.ErrNotFound)
	}
	shown := shelf[0]
	p.Members = shown.Len()
	leaf, rules := leafTests(f, &numberReader{plan: v.index.plan}, rules()), &book{mailboxes: mailboxesOf(f)}
	decide := func(e *Entry) (filter.Result, *filter.Filter) {
		return f.Decide(func(l *filter.Filter) filter.Result { return leaf[l](e) })
	}
	reasons := make(map[*filter.Filter]map[filter.Result]*Reason)
	for e := range v.All() {
		if err := ctx.Err(); err != nil {
			return p, err
		}
		was := shown.member(e.slot) != nil
		if !rules.mayShow(e) {
			if was {
				p.Out++
				p.Leaving = append(p.Leaving, e)
			}
			continue
		}
		if e.leader != "" && !was {
			p.Merged++
			continue
		}
		r, node := e.decide(decide)
		if r == filter.True {
			p.In++
			if !was {
				p.Joining = append(p.Joining, e)
			}
			continue
		}
		p.Out++
		if was {
			p.Leaving = append(p.Leaving, e)
		}
		if reasons[node] == nil {
			reasons[node] = make(map[filter.Result]*Reason)
		}
		if reasons[node][r] == nil {
			reasons[node][r] = &Reason{Filter: node.String(), Result: r}
		}
		reasons[node][r].add(e)
	}
	p.finish(reasons)
	for _, g := range Groups(f) {
		if !v.Knows(g) {
			p.Unknown = append(p.Unknown, g)
		}
	}
	return p, nil
}

// decide asks a rule about each part of a person, as [Index.shownIn] does. If none
// is let in, what is said is about the first.
func (e *Entry) decide(rule func(*Entry) (filter.Result, *filter.Filter)) (filter.Result, *filter.Filter) {
	all := e.partEntries()
	first, node := rule(all[0])
	if first == filter.True || e.stored.AccountEnabled == directory.False {
		return first, node
	}
	for _, part := range all[1:] {
		if r, n := rule(part); r == filter.True {
			return r, n
		}
	}
	return first, node
}

func (r *Reason) add(e *Entry) {
	r.Count++
	r.Examples = append(r.Examples, e)
	if len(r.Examples) > 2*examples {
		r.trim()
	}
}

// trim keeps the first examples in the order of names, so that the same mirror
// gives the same answer.
func (r *Reason) trim() {
	slices.SortFunc(r.Examples, byOrder)
	r.Examples = r.Examples[:min(len(r.Examples), examples)]
}

// finish puts everything into an order.
func (p *Preview) finish(reasons map[*filter.Filter]map[filter.Result]*Reason) {
	for _, of := range reasons {
		for _, r := range of {
			r.trim()
			p.Reasons = append(p.Reasons, *r)
		}
	}
	slices.SortFunc(p.Reasons, func(a, b Reason) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Filter, b.Filter), cmp.Compare(a.Result, b.Result))
	})
	slices.SortFunc(p.Joining, byOrder)
	slices.SortFunc(p.Leaving, byOrder)
}

// An Explanation is one node of a rule and how it came out for a contact.
type Explanation struct {
	Depth  int    // of the node in the tree; 0 = the rule
	Filter string // RFC 4515; of And, Or and Not "&", "|" and "!"
	Result filter.Result
}

// Explain evaluates a rule for a contact, node by node, parents first. A rule
// that cannot be read is [directory.ErrInvalid].
func (v *View) Explain(rule string, e *Entry) ([]Explanation, error) {
	f, err := ParseRule(rule)
	if err != nil {
		return nil, err
	}
	leaf := leafTests(f, &numberReader{plan: v.index.plan}, rules())
	var all []Explanation
	var walk func(f *filter.Filter, depth int)
	walk = func(f *filter.Filter, depth int) {
		x := Explanation{Depth: depth, Filter: f.String(), Result: f.Eval(func(l *filter.Filter) filter.Result { return leaf[l](e) })}
		if f.Op <= filter.Not {
			x.Filter = string("&|!"[f.Op])
		}
		all = append(all, x)
		for _, c := range f.Children {
			walk(c, depth+1)
		}
	}
	walk(f, 0)
	return all, nil
}

// leafTests makes the tests of a filter's leaves.
func leafTests(f *filter.Filter, numbers *numberReader, m mode) map[*filter.Filter]test {
	tests := make(map[*filter.Filter]test)
	for leaf := range leaves(f) {
		tests[leaf] = compiler{m, numbers}.leaf(leaf)
	}
	return tests
}

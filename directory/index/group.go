package index

import (
	"fmt"
	"maps"
	"slices"

	"ringbook/directory"
	"ringbook/directory/filter"
)

// memberOf is the attribute by which a rule asks for a group, as the rule names
// it: there is no DN in Entra.
const memberOf = "memberOf"

// Groups returns the groups that a rule asks for, each once.
func Groups(rule *filter.Filter) []directory.Group {
	var groups []directory.Group
	for f := range leaves(rule) {
		if a, ok := ParseAttribute(f.Attribute); !ok || a.Name() != memberOf || f.Op != filter.Equal {
			continue
		}
		if g, err := directory.ParseGroup(f.Value); err == nil && !slices.Contains(groups, g) {
			groups = append(groups, g)
		}
	}
	return groups
}

// checkGroup refuses what cannot be looked up in a tenant: half a name of a group.
func checkGroup(f *filter.Filter) error {
	_, err := directory.ParseGroup(f.Value)
	if f.Op != filter.Equal || err != nil {
		return fmt.Errorf("filter %s: a group is asked for whole, by its name or object id, as in (memberOf=Sales): %w", f, directory.ErrInvalid)
	}
	return nil
}

// leaves yields the nodes of a filter that have no children.
func leaves(f *filter.Filter) func(yield func(*filter.Filter) bool) {
	return func(yield func(*filter.Filter) bool) { eachLeaf(f, yield) }
}

func eachLeaf(f *filter.Filter, yield func(*filter.Filter) bool) bool {
	if f.Op > filter.Not {
		return yield(f)
	}
	for _, c := range f.Children {
		if !eachLeaf(c, yield) {
			return false
		}
	}
	return true
}

// SetKnown says whether it is known who belongs to a group. Until it is, a book
// whose rule asks for the group keeps the members that it has: nobody comes in,
// and nobody leaves but those who are gone altogether. [Index.Reconcile] then
// works out the difference. It is for the one writer.
func (x *Index) SetKnown(g directory.Group, known bool) {
	if known {
		x.known[g] = struct{}{}
	} else {
		delete(x.known, g)
	}
	x.writing.Lock()
	defer x.writing.Unlock()
	if last := x.view.Load(); last != nil {
		v := *last
		v.known = maps.Clone(x.known)
		x.view.Store(&v)
	}
}

// Knows reports whether it is known who belongs to a group.
func (v *View) Knows(g directory.Group) bool {
	_, ok := v.known[g]
	return ok
}

// Belongs reports whether the contact is known to belong to a group.
func (e *Entry) Belongs(g directory.Group) bool {
	return slices.Contains(e.stored.Extras.Append(nil, memberOf), string(g))
}

// admits reports whether a contact belongs to a book in which it was or was not,
// according to a view.
func (x *Index) admits(v *View, b *book, e *Entry, was bool) bool {
	if e == nil || e.leader != "" || !b.mayShow(e) {
		return false
	}
	for _, g := range b.groups {
		if _, ok := x.known[g]; !ok {
			return was || e.hadPart(v, b)
		}
	}
	if e.shown != nil {
		return e.shown[b.place] != nil
	}
	return b.rule(e) == filter.True
}

// hadPart reports whether a part of the contact was a member of a book on its own.
func (e *Entry) hadPart(v *View, b *book) bool {
	return slices.ContainsFunc(e.parts, func(part *Entry) bool { return v.had(b, part.stored.ID) })
}

package ldap

import (
	"context"
	"iter"
	"slices"

	"ringbook/directory/index"
)

// maxRanked is up to which limit the best hits are looked for: phones show 50 of
// them, and none more than a thousand. Who takes more takes them in the order of
// names, and reads them all.
const maxRanked = 1000

// rank puts the best hits first where a size limit cuts the answer, so that they
// are in it: who is called exactly what was typed, then whose surname or given name
// begins with it, then the others, each in the order of names. Who shares a number
// stands in the order of [index.Book.ByNumber], cut or not: phones show the first. All
// else, where there is room for all, and in pages and lists that go on, the order of
// names is the only one.
func (a *answer) rank(ctx context.Context, f *found) (result, error) {
	limit := least(int(a.q.size), a.ours()) // 0 = none
	room := limit - len(f.objects)
	if a.ctl.paging != nil || len(a.ctl.sort) > 0 || f.queries == nil || limit > 0 && room <= 0 {
		return success, nil
	}
	ranked := limit > 0 && room <= maxRanked
	if ranked {
		if _, ok := a.sight.known("cn"); !ok { // the order would tell of names
			return success, nil
		}
	}
	var few bool
	a.all, few = f.few(a.all[:0])
	switch {
	case few && (limit == 0 || len(f.list) <= room):
	case ranked:
		f.have(a.pick(f, room))
	default:
		if order := f.order(); order != nil {
			f.contacts = fewInOrder(f.contacts, order)
		}
		return success, nil
	}
	if a.over {
		return interrupted(ctx)
	}
	shown := f.list
	if limit > 0 {
		shown = shown[:min(room, len(shown))] // one more says no more than that there are more
	}
	if len(shown) > 1 {
		if order := f.order(); order != nil {
			sortMembers(shown, order)
		}
	}
	return success, nil
}

func sortMembers(all []member, order func(a, b *index.Entry) int) {
	slices.SortStableFunc(all, func(m, n member) int { return order(m.entry, n.entry) })
}

// fewInOrder yields contacts in an order if they are few, as those who share a
// number are; more come as they are.
func fewInOrder(contacts iter.Seq[member], order func(a, b *index.Entry) int) iter.Seq[member] {
	return func(yield func(member) bool) {
		few, many := make([]member, 0, 1), false
		for m := range contacts {
			if few = append(few, m); len(few) <= maxRanked && !many {
				continue
			}
			many = true
			for _, one := range few {
				if !yield(one) {
					return
				}
			}
			few = few[:0]
		}
		sortMembers(few, order)
		slices.Values(few)(yield)
	}
}

// pick returns all contacts, in the order of names, if there is room for so many; else
// one more than there is room for, the best ones first.
func (a *answer) pick(f *found, room int) []member {
	a.best = a.best[:0]
	if f.contacts == nil {
		a.best = f.byKind(a.best)
		return a.best[:room+1]
	}
	if f.atMost() > room {
		for kind := range index.Kinds {
			a.best = a.take(a.best, room+1, f.better(kind))
		}
		if len(a.best) > room {
			return a.best
		}
	}
	a.all = a.take(a.all[:0], room+1, f.contacts)
	if len(a.all) > room && len(a.best) > 0 {
		a.best = a.take(a.best, room+1, slices.Values(a.all))
		return a.best
	}
	return a.all
}

// byKind appends the contacts, that are more than there is room for and in a list, the
// best ones first.
func (f *found) byKind(dst []member) []member {
	var room [index.Few]int
	kinds := room[:0]
	for _, m := range f.list {
		kinds = append(kinds, f.queries[0].Kind(m.entry))
	}
	for kind := range index.Kinds + 1 {
		from := len(dst)
		for i, m := range f.list {
			if kinds[i] == kind {
				dst = append(dst, m)
			}
		}
		if order := f.order(); order != nil && kind == 0 {
			sortMembers(dst[from:], order)
		}
	}
	return dst
}

// take appends those contacts that are not there yet, up to so many in all: no more than
// maxRanked and one, so that each may be looked for among the others.
func (a *answer) take(list []member, most int, contacts iter.Seq[member]) []member {
	there := len(list)
	if there >= most {
		return list
	}
	for m := range contacts {
		if !slices.Contains(list[:there], m) {
			list = append(list, m)
		}
		if len(list) >= most || a.over { // the filter has asked whether to stop
			break
		}
	}
	return list
}

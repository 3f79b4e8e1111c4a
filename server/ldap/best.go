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

// best puts the best hits first where a size limit cuts the answer, so that they
// are in it: who is called exactly what was typed, then whose surname or given name
// begins with it, then the others, each in the order of names. Who shares a number
// stands in the order of [index.Book.ByNumber], cut or not: phones show the first. All
// else, where there is room for all, and in pages and lists that go on, the order of
// names is the only one.
func (a *answer) best(ctx context.Context, f *found) (result, error) {
	limit := least(int(a.q.size), a.ours()) // 0 = none
	room := limit - len(f.objects)
	if a.ctl.paging != nil || len(a.ctl.sort) > 0 || f.better == nil || limit > 0 && room <= 0 {
		return success, nil
	}
	order := f.order()
	if limit == 0 || room > maxRanked {
		if order != nil {
			f.contacts = fewInOrder(f.contacts, order)
		}
		return success, nil
	}
	if _, ok := a.sight.known("cn"); !ok { // the order would tell of names
		return success, nil
	}
	all := make([]member, 0, min(room+1, 64))
	for m := range f.contacts {
		if all = append(all, m); a.stop(ctx) || len(all) > room {
			break
		}
	}
	if len(all) > room {
		all = a.pick(ctx, f, all)
	}
	if a.over {
		return interrupted(ctx)
	}
	if order != nil {
		sortMembers(all, order)
	}
	f.contacts = slices.Values(all)
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

// pick returns as many contacts as all has, the best ones first; all are the first
// in the order of names.
func (a *answer) pick(ctx context.Context, f *found, all []member) []member {
	picked := make([]member, 0, len(all))
	chosen := make(map[member]struct{}, len(all))
	choose := func(m member) (more bool) {
		if _, again := chosen[m]; !again {
			chosen[m] = struct{}{}
			picked = append(picked, m)
		}
		return len(picked) < cap(picked) && !a.stop(ctx)
	}
	for _, better := range append(f.better(), slices.Values(all)) {
		for m := range better {
			if !choose(m) {
				return picked
			}
		}
	}
	return picked
}

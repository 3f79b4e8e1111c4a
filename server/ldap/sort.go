package ldap

import (
	"cmp"
	"context"
	"errors"
	"slices"

	goldap "github.com/go-ldap/ldap/v3"

	"ringbook/directory/index"
	"ringbook/directory/text"
)

// Sorting is for people: its memory must not be an attacker's to use up.
const (
	// maxSorted is as many contacts as Active Directory sorts (MaxTempTableSize), and as
	// many as are held for one client while it reads. The order of names is there
	// already, and has no limit.
	maxSorted = 10_000
	// maxSorting is how many searches collect contacts at once; those of one take some
	// 5 MB with their keys, or 2.4 MB for each 100,000 of a list view without.
	maxSorting = 4
)

// errUnsorted: there was no room to sort while anybody wanted it.
var errUnsorted = errors.New("not sorted")

// An arranged is the contacts that a search finds, in the order that its client
// wants, or else in that of names.
type arranged struct {
	members []member
	by      []index.Attribute // as the keys of the request; nil = in the order of names
	code    uint16            // of the sort result (RFC 2891 §1.2)
	unknown string            // attribute that cannot be sorted by
}

// sort puts the contacts in the order that a sort control asks for (RFC 2891).
// The keys order as our phonebook does, not by the rule of the attribute. What
// cannot be sorted is answered in the order of names, unless the control is critical.
func (a *answer) sort(ctx context.Context, f *found) (result, error) {
	if len(a.ctl.sort) == 0 || a.ctl.view != nil { // a list view has its order already
		return success, nil
	}
	switch _, unknown, ok := a.ctl.sortAttributes(a.sight); {
	case !ok:
		return a.sortedAs(arranged{code: goldap.LDAPResultNoSuchAttribute, unknown: unknown}), nil
	case a.ctl.byName() && !a.ctl.sort[0].reverse && len(f.objects) == 0: // as it is
		return a.sortedAs(arranged{}), nil
	}
	all, r, err := a.arrange(ctx, f)
	if err != nil || r != success {
		return r, err
	}
	a.rearranged = true // its pages are counted
	if all.code == goldap.LDAPResultSuccess {
		f.have(all.members)
		f.objectsLast = true
	}
	return a.sortedAs(all), nil
}

// sortedAs says in the response control how it was sorted, or why not.
func (a *answer) sortedAs(all arranged) result {
	a.sorted = appendSorted(nil, all.code, all.unknown)
	if all.code != goldap.LDAPResultSuccess && a.ctl.sortCritical {
		return refuse(goldap.LDAPResultUnavailableCriticalExtension, "cannot sort so")
	}
	return success
}

// byName reports whether the order of names is what is asked for, or its reverse.
func (c *controls) byName() bool {
	if len(c.sort) != 1 {
		return false
	}
	name, ok := index.ParseAttribute("cn")
	a, too := index.ParseAttribute(c.sort[0].attribute)
	return ok && too && a == name
}

// arrange collects the contacts and sorts them; those of a list view, which is kept
// for all, in the order of names if they are too many.
func (a *answer) arrange(ctx context.Context, f *found) (all arranged, r result, err error) {
	leave, err := a.enterSorting(ctx)
	defer leave()
	if err != nil {
		r, err = interrupted(ctx)
		return all, r, err
	}
	for m := range f.members() {
		if all.members = append(all.members, m); a.stop(ctx) || a.ctl.view == nil && len(all.members) > maxSorted {
			break
		}
	}
	if a.over {
		r, err = interrupted(ctx)
		return all, r, err
	}
	switch by, unknown, ok := a.ctl.sortAttributes(a.sight); {
	case !ok:
		all.code, all.unknown = goldap.LDAPResultNoSuchAttribute, unknown
	case len(all.members) > maxSorted && (a.ctl.view == nil || !a.ctl.byName()):
		all.code = goldap.LDAPResultAdminLimitExceeded
	case a.ctl.byName():
		if a.ctl.sort[0].reverse {
			slices.Reverse(all.members)
		}
	default:
		all.by = by
		all.sort(a.ctl.sort, a.srv.collation())
	}
	return all, success, nil
}

// enterSorting waits for room to sort. Who sorts waits for its turn, so nobody may
// keep a turn and wait to sort. leave is to be called in any case.
func (a *answer) enterSorting(ctx context.Context) (leave func(), err error) {
	err = a.work.aside(ctx, func() error {
		select {
		case a.srv.sorting <- struct{}{}:
			return nil
		case <-ctx.Done():
			return errUnsorted
		}
	})
	if errors.Is(err, errUnsorted) {
		return func() {}, err
	}
	return func() { <-a.srv.sorting }, err
}

// A keyed is a contact with the keys by which a client wants it sorted.
type keyed struct {
	member
	keys []string // "" = no value: last, as RFC 2891 §2.2 has it
}

func (all *arranged) sort(by []sortKey, c *text.Collation) {
	list := make([]keyed, len(all.members))
	for i, m := range all.members {
		list[i] = keyed{m, make([]string, len(all.by))}
		for n, attribute := range all.by {
			list[i].keys[n] = sortKeyOf(m.entry, attribute, c)
		}
	}
	slices.SortStableFunc(list, func(x, y keyed) int { return compareKeyed(x, y, by) })
	for i, k := range list {
		all.members[i] = k.member
	}
}

// sortAttributes returns the attributes to sort by; false = the client does not know all,
// and the first unknown one, which may be no name at all.
func (c *controls) sortAttributes(s sight) (list []index.Attribute, unknown string, ok bool) {
	for _, k := range c.sort {
		a, ok := s.known(k.attribute)
		if !ok {
			return nil, k.attribute, false
		}
		list = append(list, a)
	}
	return list, "", true
}

func compareKeyed(x, y keyed, by []sortKey) int {
	for i, k := range by {
		if order := k.compare(x.keys[i], y.keys[i]); order != 0 {
			return order
		}
	}
	return 0
}

// compare compares two values by one key.
func (k sortKey) compare(a, b string) int {
	order := compareValues(a, b)
	if k.reverse {
		return -order
	}
	return order
}

func compareValues(a, b string) int {
	switch {
	case a == b:
		return 0
	case a == "":
		return 1
	case b == "":
		return -1
	}
	return cmp.Compare(a, b)
}

func sortKeyOf(e *index.Entry, a index.Attribute, c *text.Collation) string {
	if a.Numbers() {
		if ph := e.Phones(a); len(ph) > 0 {
			return ph[0].Canonical()
		}
		return ""
	}
	if v := e.Values(a); len(v) > 0 {
		return c.Key(v[0])
	}
	return ""
}

package ldap

import (
	"context"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"

	goldap "github.com/go-ldap/ldap/v3"

	"ringbook/directory/filter"
	"ringbook/directory/index"
	"ringbook/directory/number"
)

// Virtual list views (draft-ietf-ldapext-ldapv3-vlv-09): a window on a sorted list,
// at a place or at a value, for clients that scroll. The list is made once for all
// who look at it, and kept as long as the directory stays as it is; nothing of it is
// a client's own, so that there is no context for clients to send back.

// Result codes of the draft (§4.2, §7) that go-ldap has no name for.
const (
	resultSortControlMissing   = 60
	resultOffsetRangeError     = 61
	resultVirtualListViewError = 76
)

// A listView is the value of a list view request (§4.1).
type listView struct {
	before, after int32
	offset, count int32  // of the target, as the client knows the list; unless byValue
	value         string // the target is the first entry that is not before it
	byValue       bool
}

func (c *controls) readListView(value []byte) bool {
	b, rest, err := take(value, tagSequence)
	if err != nil || len(rest) > 0 {
		return false
	}
	var v listView
	if v.before, b, err = takeInt(b, tagInteger); err != nil || v.before < 0 {
		return false
	}
	if v.after, b, err = takeInt(b, tagInteger); err != nil || v.after < 0 {
		return false
	}
	target, b, err := next(b)
	if err != nil || !v.readTarget(target) {
		return false
	}
	if len(b) > 0 { // a contextID, of which we never gave one
		if _, b, err = take(b, tagOctets); err != nil || len(b) > 0 {
			return false
		}
	}
	c.view = &v
	return true
}

func (v *listView) readTarget(e element) bool {
	switch e.tag {
	case 0xa0:
		var b []byte
		var err error
		if v.offset, b, err = takeInt(e.content, tagInteger); err != nil || v.offset < 0 {
			return false
		}
		v.count, b, err = takeInt(b, tagInteger)
		return err == nil && len(b) == 0 && v.count >= 0
	case 0x81:
		v.value, v.byValue = string(e.content), true
		return true
	}
	return false
}

// listViewControl is the control that answers a list view request (§4.2).
func listViewControl(target, count int, code uint16) []byte {
	v, mark := begin(nil, tagSequence)
	v = appendInt(v, tagInteger, int32(target))
	v = appendInt(v, tagInteger, int32(count))
	v = appendInt(v, tagEnumerated, int32(code))
	return appendControl(nil, goldap.ControlTypeVLVResponse, finish(v, mark))
}

// window leaves of what was found what a list view request wants to see.
func (a *answer) window(ctx context.Context, f *found) (result, error) {
	switch {
	case a.ctl.view == nil:
		return success, nil
	case a.ctl.paging != nil:
		return a.noView(goldap.LDAPResultUnwillingToPerform, "a list view has no pages"), nil
	case len(a.ctl.sort) == 0:
		return a.noView(resultSortControlMissing, "a list view needs an order"), nil
	}
	all, r, err := a.list(ctx, f)
	if err != nil || r != success {
		return r, err
	}
	if r := a.sortedAs(all); r != success {
		return r, nil
	}
	if a.capped() { // of the list a stranger has its beginning
		all.members = all.members[:min(len(all.members), a.device.Hits)]
		f.objects = f.objects[:min(len(f.objects), a.device.Hits-len(all.members))]
	}
	if a.ctl.view.byValue && all.code == goldap.LDAPResultNoSuchAttribute && !a.sight.names() {
		return a.noView(resultSortControlMissing, "no value has a place in an order that is not known"), nil
	}
	count := len(all.members) + len(f.objects)
	target, ok := a.ctl.view.target(count, func(value string) int { return a.placeOf(value, all) })
	if !ok {
		a.listed = listViewControl(0, count, resultOffsetRangeError)
		return refuse(resultVirtualListViewError, "there is no such place in the list"), nil
	}
	from := max(0, target-1-int(a.ctl.view.before))
	to := min(count, target+int(a.ctl.view.after))
	if to-from > maxSorted {
		a.listed = listViewControl(target, count, goldap.LDAPResultAdminLimitExceeded)
		return refuse(resultVirtualListViewError, "the window is too large"), nil
	}
	a.listed = listViewControl(target, count, goldap.LDAPResultSuccess)
	// A client that reads slowly must not hold a whole list that nobody else looks at.
	f.have(slices.Clone(all.members[min(from, len(all.members)):min(to, len(all.members))]))
	f.objects = f.objects[max(0, from-len(all.members)):max(0, to-len(all.members))]
	f.objectsLast = true
	return success, nil
}

// noView says that there is no list view for such a request.
func (a *answer) noView(code uint16, why string) result {
	a.listed = listViewControl(0, 0, code)
	return refuse(resultVirtualListViewError, why)
}

// target returns the place of the target in a list, counted from 1 (§5.2); one more
// than there are = behind them all. false = the list has no such place.
func (v *listView) target(count int, placeOf func(value string) int) (int, bool) {
	offset, theirs := int(v.offset), int(v.count)
	switch {
	case v.byValue && v.value == "":
		return 1, true
	case v.byValue:
		return placeOf(v.value), true
	case offset == 0:
		return 0, false
	case count == 0:
		return 0, true
	case offset == 1:
		return 1, true
	case offset == theirs:
		return count, true
	case theirs == 0 || theirs == count:
		return offset, offset <= count
	case offset > theirs:
		return 0, false
	}
	return max(1, int(int64(count)*int64(offset)/int64(theirs))), true
}

// placeOf returns the place of the first contact that is not before a value, by
// the first key of the order.
func (a *answer) placeOf(value string, all arranged) int {
	value = strings.ToValidUTF8(value, "")
	key := sortKey{reverse: all.by == nil && a.ctl.byName() && a.ctl.sort[0].reverse}
	keyOf := func(m member) string { return m.entry.SortKey() }
	want := a.srv.collation().Key(value)
	if all.by != nil {
		key = a.ctl.sort[0]
		keyOf = func(m member) string { return sortKeyOf(m.entry, all.by[0], a.srv.collation()) }
		if all.by[0].Numbers() {
			want = a.plan.E164(value)
		}
	}
	return 1 + sort.Search(len(all.members), func(i int) bool { return key.compare(keyOf(all.members[i]), want) >= 0 })
}

// maxLists is how many lists are kept, of the newest view asked for: one is 2.4 MB
// at 100,000 contacts, and who scrolls looks at one or two.
const maxLists = 4

// lists are those that were looked at last, the newest first.
type lists struct {
	mu   sync.Mutex
	kept []list
}

type list struct {
	of listOf
	arranged
}

// A listOf says of what a list is. Lists of different devices with the same books
// are the same, unless they ask for numbers, which a device reads by the plan of the
// site that it is at now. Who searches without a login finds less by the same filter.
type listOf struct {
	view   *index.View
	books  string
	plan   *number.Plan // nil = it asks for no numbers
	seen   *Anonymous   // nil = by a device
	base   string
	scope  int32
	filter string
	order  string
}

func (a *answer) listOf(f *found) listOf {
	var books, order strings.Builder
	for _, b := range f.books {
		books.WriteString(string(b.Name()) + " ")
	}
	for _, k := range a.ctl.sort {
		order.WriteString(strconv.Quote(k.attribute) + strconv.FormatBool(k.reverse))
	}
	of := listOf{view: f.view, books: books.String(), base: a.q.base, scope: a.q.scope, filter: a.q.filter.String(), order: order.String()}
	if a.sight != nil {
		of.seen = a.op.c.anonymous
	}
	if asksNumbers(a.q.filter) {
		of.plan = f.plan
	}
	return of
}

func asksNumbers(f *filter.Filter) bool {
	a, ok := index.ParseAttribute(f.Attribute)
	return ok && a.Numbers() || slices.ContainsFunc(f.Children, asksNumbers)
}

// list returns the whole list, made now or before.
func (a *answer) list(ctx context.Context, f *found) (arranged, result, error) {
	if _, _, ok := a.ctl.sortAttributes(a.sight); !ok || f.view == nil {
		return a.arrange(ctx, f) // of nothing, or in no order
	}
	of := a.listOf(f)
	if all, ok := a.srv.lists.get(of); ok {
		return all, success, nil
	}
	all, r, err := a.arrange(ctx, f)
	if err == nil && r == success {
		a.srv.lists.put(list{of, all})
	}
	return all, r, err
}

func (l *lists) get(of listOf) (arranged, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.IndexFunc(l.kept, func(one list) bool { return one.of == of })
	if i < 0 {
		return arranged{}, false
	}
	one := l.kept[i]
	l.kept = slices.Insert(slices.Delete(l.kept, i, i+1), 0, one)
	return one.arranged, true
}

// put keeps a list, and forgets those of other views: who scrolled them is told of
// the new count with the next window.
func (l *lists) put(one list) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept = slices.DeleteFunc(l.kept, func(other list) bool { return other.of.view != one.of.view || other.of == one.of })
	l.kept = slices.Insert(l.kept, 0, one)
	if len(l.kept) > maxLists {
		clear(l.kept[maxLists:])
		l.kept = l.kept[:maxLists]
	}
}

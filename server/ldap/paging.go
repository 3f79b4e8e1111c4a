package ldap

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"iter"
	"slices"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"ringbook/directory"
	"ringbook/directory/index"
	"ringbook/directory/text"
)

// An item is one entry of an answer: an object or, if that is nil, a contact.
type item struct {
	object *object
	member
}

func (f found) items() iter.Seq[item] {
	return func(yield func(item) bool) {
		for i := range f.objects {
			if !yield(item{object: &f.objects[i]}) {
				return
			}
		}
		for m := range f.contacts {
			if !yield(item{member: m}) {
				return
			}
		}
	}
}

// A position is how far the pages of a search have come. Its octets are the
// cookie of RFC 2696. Nothing of a paged search is kept on the server, so a search
// may be continued on another connection and after a sync: in the order of names the
// position is a place between two names, whoever came or left.
type position struct {
	items int // so many are done, the first of all unless there is an id
	key   string
	id    directory.ContactID // "" = no contact is done yet, or the search is sorted
}

// First octets of a cookie.
const (
	cookieItems   = 'i' // then 4 octets: items
	cookieContact = 'c' // then 4 octets: items; then the id, a zero octet and the sort key
)

func (p position) append(dst []byte) []byte {
	if p.id == "" {
		return binary.BigEndian.AppendUint32(append(dst, cookieItems), uint32(p.items))
	}
	dst = binary.BigEndian.AppendUint32(append(dst, cookieContact), uint32(p.items))
	return append(append(append(dst, p.id...), 0), p.key...)
}

func readPosition(b []byte) (p position, ok bool) {
	const head = 1 + 4
	if len(b) == 0 {
		return p, true
	}
	if len(b) < head || binary.BigEndian.Uint32(b[1:]) > 1<<30 {
		return p, false
	}
	p.items = int(binary.BigEndian.Uint32(b[1:]))
	switch rest := b[head:]; b[0] {
	case cookieItems:
		return p, len(rest) == 0
	case cookieContact:
		id, key, ok := strings.Cut(string(rest), "\x00")
		var err error
		p.id, err = directory.ParseContactID(id)
		p.key = key
		return p, ok && err == nil
	}
	return p, false
}

// start returns where a request's page begins; false = the cookie is not ours.
func (c *controls) start() (position, bool) {
	if c.paging == nil {
		return position{}, true
	}
	return readPosition(c.paging.cookie)
}

// covers reports whether the n-th item, counted from 1, was in an earlier page.
func (p position) covers(it item, n int) bool {
	if p.id == "" {
		return n <= p.items
	}
	if it.object != nil {
		return true
	}
	return cmp.Or(cmp.Compare(it.entry.SortKey(), p.key), cmp.Compare(it.entry.Contact().ID, p.id)) <= 0
}

// positionAfter returns the position behind what was sent, it being the last.
func (a *answer) positionAfter(it item) position {
	p := position{items: a.q.after.items + a.sent}
	if it.object == nil && a.sorted == nil {
		p.key, p.id = it.entry.SortKey(), it.entry.Contact().ID
	}
	return p
}

// Sorting is for people: its memory must not be an attacker's to use up.
const (
	// maxSorted is as many contacts as Active Directory sorts (MaxTempTableSize).
	maxSorted = 10_000
	// maxSorting is how many searches make keys at once; those of one take some 5 MB.
	maxSorting = 4
)

// errUnsorted: there was no room to sort while anybody wanted it.
var errUnsorted = errors.New("not sorted")

// A keyed is a contact with the keys by which a client wants it sorted.
type keyed struct {
	member
	keys []string // "" = no value: last, as RFC 2891 §2.2 has it
}

// sort puts the contacts in the order that a sort control asks for (RFC 2891).
// The keys order as our phonebook does, not by the rule of the attribute. What
// cannot be sorted is answered in the order of names, unless the control is critical.
func (a *answer) sort(ctx context.Context, f *found) (result, error) {
	if len(a.ctl.sort) == 0 {
		return success, nil
	}
	attributes, unknown := a.ctl.sortAttributes(a.sight)
	if unknown != "" {
		return a.unsorted(goldap.LDAPResultNoSuchAttribute, unknown), nil
	}
	// Who sorts waits for its turn, so nobody may keep a turn and wait to sort.
	err := a.work.aside(ctx, func() error {
		select {
		case a.srv.sorting <- struct{}{}:
			return nil
		case <-ctx.Done():
			return errUnsorted
		}
	})
	if !errors.Is(err, errUnsorted) {
		defer func() { <-a.srv.sorting }()
	}
	if err != nil {
		return interrupted(ctx)
	}
	var all []keyed
	for m := range f.contacts {
		switch {
		case a.stop(ctx):
			return interrupted(ctx)
		case len(all) == maxSorted:
			return a.unsorted(goldap.LDAPResultAdminLimitExceeded, ""), nil
		}
		all = append(all, keyedBy(m, attributes))
	}
	slices.SortStableFunc(all, func(x, y keyed) int { return compareKeyed(x, y, a.ctl.sort) })
	sorted := make([]member, len(all))
	for i, k := range all {
		sorted[i] = k.member
	}
	f.contacts = slices.Values(sorted)
	a.sorted = appendSorted(nil, goldap.LDAPResultSuccess, "")
	return success, nil
}

// unsorted says in the response control why there is no order.
func (a *answer) unsorted(code uint16, attribute string) result {
	a.sorted = appendSorted(nil, code, attribute)
	if a.ctl.sortCritical {
		return refuse(goldap.LDAPResultUnavailableCriticalExtension, "cannot sort so")
	}
	return success
}

// sortAttributes returns the attributes to sort by, or the first that the client does not know.
func (c *controls) sortAttributes(s sight) (list []index.Attribute, unknown string) {
	for _, k := range c.sort {
		a, ok := s.known(k.attribute)
		if !ok {
			return nil, k.attribute
		}
		list = append(list, a)
	}
	return list, ""
}

func keyedBy(m member, attributes []index.Attribute) keyed {
	k := keyed{member: m, keys: make([]string, len(attributes))}
	for i, a := range attributes {
		k.keys[i] = sortKeyOf(m.entry, a)
	}
	return k
}

func compareKeyed(x, y keyed, by []sortKey) int {
	for i, k := range by {
		order := compareValues(x.keys[i], y.keys[i])
		if k.reverse {
			order = -order
		}
		if order != 0 {
			return order
		}
	}
	return 0
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

func sortKeyOf(e *index.Entry, a index.Attribute) string {
	if a.Numbers() {
		if ph := e.Phones(a); len(ph) > 0 {
			return ph[0].Canonical()
		}
		return ""
	}
	if v := e.Values(a); len(v) > 0 {
		return text.SortKey(v[0])
	}
	return ""
}

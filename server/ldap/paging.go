package ldap

import (
	"cmp"
	"encoding/binary"
	"iter"
	"slices"

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
	items int // the first so many are done: objects, or anything in a sorted search
	key   string
	id    directory.ContactID // "" = no contact is done yet
}

// First octets of a cookie.
const (
	cookieItems   = 'i' // then 4 octets
	cookieContact = 'c' // then the id, a zero octet and the sort key
)

func (p position) append(dst []byte) []byte {
	if p.id == "" {
		return binary.BigEndian.AppendUint32(append(dst, cookieItems), uint32(p.items))
	}
	dst = append(append(dst, cookieContact), p.id...)
	return append(append(dst, 0), p.key...)
}

func readPosition(b []byte) (p position, ok bool) {
	switch {
	case len(b) == 0:
		return p, true
	case b[0] == cookieItems && len(b) == 5:
		n := binary.BigEndian.Uint32(b[1:])
		p.items = int(n)
		return p, n <= 1<<30
	case b[0] == cookieContact:
		i := slices.Index(b, 0)
		if i < 0 {
			return p, false
		}
		id, err := directory.ParseContactID(string(b[1:i]))
		return position{id: id, key: string(b[i+1:])}, err == nil
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

// positionAfter returns the position behind the n-th item.
func (a *answer) positionAfter(it item, n int) position {
	if it.object != nil || a.sorted != nil {
		return position{items: n}
	}
	return position{key: it.entry.SortKey(), id: it.entry.Contact().ID}
}

// A keyed is a contact with the keys by which a client wants it sorted.
type keyed struct {
	member
	keys []string // "" = no value: last, as RFC 2891 §2.2 has it
}

// sort puts the contacts in the order that a sort control asks for (RFC 2891).
// The keys order as our phonebook does, not by the rule of the attribute.
func (a *answer) sort(f *found) result {
	if len(a.ctl.sort) == 0 {
		return success
	}
	attributes := make([]index.Attribute, len(a.ctl.sort))
	for i, k := range a.ctl.sort {
		at, ok := index.ParseAttribute(k.attribute)
		if !ok {
			a.sorted = appendSorted(nil, goldap.LDAPResultNoSuchAttribute, k.attribute)
			if a.ctl.sortCritical {
				return refuse(goldap.LDAPResultUnavailableCriticalExtension, "cannot sort by this attribute")
			}
			return success
		}
		attributes[i] = at
	}
	a.sorted = appendSorted(nil, goldap.LDAPResultSuccess, "")
	var all []keyed
	for m := range f.contacts {
		k := keyed{member: m, keys: make([]string, len(attributes))}
		for i, at := range attributes {
			k.keys[i] = sortKeyOf(m.entry, at)
		}
		all = append(all, k)
	}
	slices.SortStableFunc(all, func(x, y keyed) int { return compareKeyed(x, y, a.ctl.sort) })
	f.contacts = func(yield func(member) bool) {
		for _, k := range all {
			if !yield(k.member) {
				return
			}
		}
	}
	return success
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

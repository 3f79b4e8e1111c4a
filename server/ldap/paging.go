package ldap

import (
	"cmp"
	"encoding/binary"
	"iter"
	"strings"

	"ringbook/directory"
)

// An item is one entry of an answer: an object or, if that is nil, a contact.
type item struct {
	object *object
	member
}

func (f found) items() iter.Seq[item] {
	return func(yield func(item) bool) {
		goOn := true
		objects := func() {
			for i := range f.objects {
				goOn = goOn && yield(item{object: &f.objects[i]})
			}
		}
		if !f.objectsLast {
			objects()
		}
		for m := range f.contacts {
			if goOn = goOn && yield(item{member: m}); !goOn {
				return
			}
		}
		if f.objectsLast {
			objects()
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
	id    directory.ContactID // "" = no contact is done yet, the search is sorted, or names are not seen
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

// start returns where a request's page begins; false = the cookie is not one that we
// gave to who asks.
func (c *controls) start(who sight) (position, bool) {
	if c.paging == nil {
		return position{}, true
	}
	p, ok := readPosition(c.paging.cookie)
	return p, ok && (p.id == "" || who.names())
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
	if it.object == nil && !a.rearranged && a.sight.names() {
		p.key, p.id = it.entry.SortKey(), it.entry.Contact().ID
	}
	return p
}

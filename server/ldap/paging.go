package ldap

import (
	"encoding/binary"
	"iter"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"ringbook/directory"
	"ringbook/directory/text"
)

// An item is one entry of an answer: an object or, if that is nil, a contact.
type item struct {
	object *object
	member
}

func (f *found) items() iter.Seq[item] {
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
		for _, m := range f.list {
			goOn = goOn && yield(item{member: m})
		}
		if f.contacts != nil {
			for m := range f.contacts {
				if goOn = goOn && yield(item{member: m}); !goOn {
					return
				}
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
	order string // [text.Collation.Digest] of the order of names; places in another mean nothing
	items int    // so many are done, the first of all unless there is an id
	key   string
	id    directory.ContactID // "" = no contact is done yet, the search is sorted, or its client keeps no places
}

// First octets of a cookie. The digest of the order follows, and 4 octets: items.
const (
	cookieItems   = 'i'
	cookieContact = 'c' // then the id, a zero octet and the sort key
)

func (p position) cookie() []byte {
	kind := byte(cookieItems)
	if p.id != "" {
		kind = cookieContact
	}
	b := binary.BigEndian.AppendUint32(append([]byte{kind}, p.order...), uint32(p.items))
	if p.id == "" {
		return b
	}
	return append(append(append(b, p.id...), 0), p.key...)
}

func readPosition(b []byte) (p position, ok bool) {
	const order, items = 1, 1 + text.DigestLen
	if len(b) == 0 {
		return p, true
	}
	if len(b) < items+4 || binary.BigEndian.Uint32(b[items:]) > 1<<30 {
		return p, false
	}
	p.order, p.items = string(b[order:items]), int(binary.BigEndian.Uint32(b[items:]))
	switch rest := b[items+4:]; b[0] {
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

// start returns where a request's page begins. A cookie that we did not give to who
// asks is refused, and one of another order: it says who came first there, and not who
// has been sent already of those who come next here. (RFC 2696 names no code for either;
// OpenLDAP answers with these two.) places: it may be a place in the order of names.
func (c *controls) start(places bool, order string) (position, result) {
	if c.paging == nil || len(c.paging.cookie) == 0 {
		return position{}, success
	}
	switch p, ok := readPosition(c.paging.cookie); {
	case !ok || p.id != "" && !places:
		return position{}, refuse(goldap.LDAPResultProtocolError, "unknown paging cookie")
	case p.order != order:
		return position{}, refuse(goldap.LDAPResultUnwillingToPerform, "the order of names is another one now, begin with the first page")
	default:
		return p, success
	}
}

// covers reports whether the n-th item, counted from 1, was in an earlier page. Of the
// contacts none was, where the position is behind one: only those behind it are found.
func (p position) covers(it item, n int) bool {
	if p.id == "" {
		return n <= p.items
	}
	return it.object != nil
}

// positionAfter returns the position behind what was sent, it being the last.
func (a *answer) positionAfter(it item) position {
	p := position{order: a.srv.collation().Digest(), items: a.q.after.items + a.sent}
	if it.object == nil && !a.rearranged && a.sight.names() && !a.capped() {
		p.key, p.id = it.entry.SortKey(), it.entry.Contact().ID
	}
	return p
}

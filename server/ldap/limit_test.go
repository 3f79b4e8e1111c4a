package ldap_test

import (
	"bytes"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"

	"ringbook/server/ldap"
)

// TestLengthOfMessages: how long a message may be is a setting, of its own for clients
// that have not logged in. Whoever sends a longer one is told so, and left.
func TestLengthOfMessages(t *testing.T) {
	asking := func(octets int) []byte {
		return searchFor(2, tlv(0xa3, str("sn"), tlv(4, bytes.Repeat([]byte("x"), octets))), "cn")
	}
	for _, tt := range []struct{ own, stranger int }{{0, 0}, {100_000, 20_000}} {
		s := newSite(t, staff(), func(o *ldap.Options) { o.MaxMessage, o.MaxUnboundMessage = tt.own, tt.stranger })
		limits := [2]int{ldap.DefaultMaxUnboundMessage, ldap.DefaultMaxMessage}
		if tt.own > 0 {
			limits = [2]int{tt.stranger, tt.own}
		}
		for i, c := range []*raw{s.raw(t), s.rawBound(t)} {
			want := goldap.LDAPResultInsufficientAccessRights
			if i > 0 {
				want = goldap.LDAPResultSuccess
			}
			c.send(asking(limits[i] - 100))
			c.expect(2, 0x65, int64(want))
			c.send(asking(limits[i]))
			c.expectNotice(goldap.LDAPResultProtocolError)
			c.expectEnd()
		}
	}
}

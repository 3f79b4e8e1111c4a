package ldap_test

import (
	"bytes"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"
)

// conversationSeeds are operations with their controls, behind the id of a message.
func conversationSeeds(s *site) [][]byte {
	var seeds [][]byte
	for _, m := range [][]byte{
		search1(9, "sn", "cn", "+"), searchFor(9, nots(33), "cn"), searchFor(9, tlv(0xa2), "cn"),
		bindMessage(9, 3, string(s.device.Login), s.secret), bindMessage(9, 3, string(s.device.Login), "wrong"), bindMessage(9, 2, "", ""),
		tlv(0x30, number1(9), tlv(0x60)), abandonMessage(9, 8), cancelMessage(9, 8), extendedMessage(9, "1.3.6.1.4.1.1466.20037"),
		extendedMessage(9, "1.3.6.1.4.1.4203.1.11.3"), tlv(0x30, number1(9), tlv(0x42)), tlv(0x30, number1(9), tlv(0x66)),
		tlv(0x30, number1(9), tlv(0x63), tlv(0xa0, tlv(0x30))), tlv(0x30, number1(9), tlv(0x6e, str("uid=anna,ou=people,"+base), tlv(0x30, str("sn"), str("Berg")))),
	} {
		_, content, _ := bytes.Cut(m, number1(9))
		seeds = append(seeds, content)
	}
	return seeds
}

const seedsOfConversations = 15

// FuzzConversation: whatever a bound client sends, the connection says goodbye or
// goes on; who it is changes with a successful bind only, and with one that fails it
// is nobody; and the directory is what it was.
func FuzzConversation(f *testing.F) {
	s := newSite(f, staff(), nil)
	seeds := conversationSeeds(s)
	if len(seeds) != seedsOfConversations {
		f.Fatalf("%d seeds", len(seeds))
	}
	for _, b := range seeds {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) > 32<<10 {
			return
		}
		c := s.rawBound(t)
		defer func() { _ = c.Close() }()
		c.send(tlv(0x30, number1(9), in), extendedMessage(127, "1.3.6.1.4.1.4203.1.11.3"), search1(126, "sn", "1.1"))
		failed, rebound, people := false, false, 0
		for {
			r, err := c.read()
			switch {
			case err != nil: // unbound, upgraded, or told why
				return
			case r.id == 0 && r.code != goldap.LDAPResultProtocolError:
				t.Fatalf("goodbye: %+v", r)
			case r.op == 0x61:
				failed, rebound = r.code != 0, r.code == 0 // as the device, or as nobody
			case r.id == 126 && r.op == 0x64:
				people++
			case r.id == 126:
				device := r.code == 0 && people == 7
				nobody := r.code == goldap.LDAPResultInsufficientAccessRights && people == 0
				if !device && !nobody || failed && device || !failed && !rebound && nobody {
					t.Fatalf("%x: bind failed %v, succeeded %v, then %d people, %+v", in, failed, rebound, people, r)
				}
				return
			}
		}
	})
}

package ldap_test

import (
	"bytes"
	"slices"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"
)

// TestWhatEndsOtherServers sends, over a raw socket, what was seen to end, confuse or
// exhaust other LDAP servers, or to be answered wrongly. Each row is answered as it
// should be, and the connection answers the next request. What breaks the framing is
// in TestBrokenFraming; what takes time in TestTimeLimit, TestSearchesRunSideBySide;
// a process without descriptors in TestAcceptErrorsAreSurvived; a fault of ours in
// TestPanicIsAnsweredAndForgotten.
func TestWhatEndsOtherServers(t *testing.T) {
	s := newSite(t, crowd(300), nil)
	control := func(oid string, critical bool, value []byte) []byte {
		c := [][]byte{str(oid)}
		if critical {
			c = append(c, []byte{1, 1, 0xff})
		}
		if value != nil {
			c = append(c, tlv(4, value))
		}
		return tlv(0x30, c...)
	}
	with := func(m []byte, controls ...[]byte) []byte {
		_, content, _ := bytes.Cut(m, number1(9))
		return tlv(0x30, number1(9), content, tlv(0xa0, controls...))
	}
	extensible := func(parts ...[]byte) []byte { return searchFor(9, tlv(0xa9, parts...), "1.1") }
	leaf := func(tag byte, attribute, value string) []byte {
		return searchFor(9, tlv(tag, str(attribute), str(value)), "1.1")
	}
	pieces := func(attribute string, p ...[]byte) []byte {
		return searchFor(9, tlv(0xa4, str(attribute), tlv(0x30, p...)), "1.1")
	}
	limits := func(dn string, scope, size byte, types byte, wanted ...string) []byte {
		var list [][]byte
		for _, w := range wanted {
			list = append(list, str(w))
		}
		return tlv(0x30, number1(9), tlv(0x63, str(dn), []byte{10, 1, scope, 10, 1, 0, 2, 1, size, 2, 1, 0, 1, 1, types}, tlv(0x87, []byte("objectClass")), tlv(0x30, list...)))
	}
	everybody := search1(9, "sn", "1.1")
	dn := "uid=00000000-0000-4000-8000-000000000007,ou=people," + base
	const found, done = 300, 0x65
	for _, q := range []struct {
		name    string
		in      []byte
		entries int
		op      byte
		code    int64
		inside  string // the last message's controls
	}{
		{"a critical control without value", with(everybody, control(goldap.ControlTypeManageDsaIT, true, nil)), found, done, 0, ""},
		{"an empty control", with(everybody, tlv(0x30)), 0, done, goldap.LDAPResultProtocolError, ""},
		{"a garbage paging value", with(everybody, control(goldap.ControlTypePaging, false, []byte("\xff\xfe\xfd"))), 0, done, goldap.LDAPResultProtocolError, ""},
		{"an abandon, then a search", append(tlv(0x30, number1(8), tlv(0x50, []byte{7})), everybody...), found, done, 0, ""},
		{"a compare", tlv(0x30, number1(9), tlv(0x6e, str(dn), tlv(0x30, str("mail"), str("P7@contoso.com")))), 0, 0x6f, goldap.LDAPResultCompareTrue, ""},
		{"a compare that fails", tlv(0x30, number1(9), tlv(0x6e, str(dn), tlv(0x30, str("mail"), str("x")))), 0, 0x6f, goldap.LDAPResultCompareFalse, ""},
		{"who am I", extendedMessage(9, "1.3.6.1.4.1.4203.1.11.3"), 0, 0x78, 0, ""},
		{"pages of 100", with(everybody, control(goldap.ControlTypePaging, true, tlv(0x30, number1(100), str("")))), 100, done, 0, goldap.ControlTypePaging},
		{"a critical order", with(everybody, control(goldap.ControlTypeServerSideSorting, true, sortBy("sn"))), found, done, 0, goldap.ControlTypeServerSideSortingResult},
		{
			"a critical list view", with(everybody, control(goldap.ControlTypeServerSideSorting, true, sortBy("sn")), control(goldap.ControlTypeVLVRequest, true, offsetView(0, 19, 5, 0))),
			20, done, 0, goldap.ControlTypeVLVResponse,
		},
		{"an order by nothing's name", with(everybody, control(goldap.ControlTypeServerSideSorting, false, sortBy(""))), found, done, 0, "\x0a\x01\x10"},
		{"a critical order by nothing's name", with(everybody, control(goldap.ControlTypeServerSideSorting, true, sortBy(""))), 0, done, goldap.LDAPResultUnavailableCriticalExtension, "\x0a\x01\x10"},
		{
			"a list view by nothing's name", with(everybody, control(goldap.ControlTypeServerSideSorting, false, sortBy("")), control(goldap.ControlTypeVLVRequest, true, offsetView(0, 19, 5, 0))),
			20, done, 0, goldap.ControlTypeVLVResponse,
		},
		{"a critical control that nobody knows", with(everybody, control("1.2.3.4", true, nil)), 0, done, goldap.LDAPResultUnavailableCriticalExtension, ""},
		{"five at most", limits(base, 2, 5, 0, "cn"), 5, done, goldap.LDAPResultSizeLimitExceeded, ""},
		{"no limit", limits(base, 2, 0, 0, "cn"), found + 2, done, 0, ""},
		{"types only", limits(dn, 0, 0, 0xff, "*"), 1, done, 0, ""},
		{"the root DSE", limits("", 0, 0, 0, "*", "+"), 1, done, 0, ""},
		{"an umlaut", leaf(0xa3, "sn", "Müller200"), 1, done, 0, ""},
		{"the beginning of an umlaut", pieces("sn", tlv(0x80, []byte("mül"))), 30, done, 0, ""},
		{"half a character", pieces("sn", tlv(0x80, []byte("m\xc3"))), 0, done, 0, ""},
		{"several pieces", pieces("cn", tlv(0x80, []byte("Anna")), tlv(0x81, []byte("2")), tlv(0x81, []byte("0"))), 12, done, 0, ""},
		{"brackets", leaf(0xa3, "sn", "Kowalski (ext.)"), 0, done, 0, ""},
		{"a literal star", leaf(0xa3, "cn", "*"), 0, done, 0, ""},
		{"at least", leaf(0xa5, "uid", "00000000-0000-4000-8000-000000000290"), 10, done, 0, ""},
		{"at most", leaf(0xa6, "uid", "00000000-0000-4000-8000-000000000009"), 10, done, 0, ""},
		{"nearly", leaf(0xa8, "sn", "mueller200"), 1, done, 0, ""},
		{"extensible", extensible(tlv(0x81, []byte("2.5.13.2")), tlv(0x82, []byte("cn")), tlv(0x83, []byte("anna müller0"))), 1, done, 0, ""},
		{"extensible with :dn", extensible(tlv(0x82, []byte("ou")), tlv(0x83, []byte("people")), []byte{0x84, 1, 0xff}), found + 1, done, 0, ""},
		{"no piece at all", pieces("sn"), found, done, 0, ""},
		{"empty pieces", pieces("sn", tlv(0x80), tlv(0x82)), found, done, 0, ""},
		{"an empty and", searchFor(9, tlv(0xa0), "1.1"), found + 2, done, 0, ""},
		{"an empty or", searchFor(9, tlv(0xa1), "1.1"), 0, done, 0, ""},
		{"an attribute without a name", searchFor(9, tlv(0x87), "1.1"), 0, done, 0, ""},
		{"a search of a later version", tlv(0x30, number1(9), tlv(0x63, str(dn), []byte{10, 1, 0, 10, 1, 3, 2, 1, 0, 2, 1, 0, 1, 1, 0}, tlv(0x87, []byte("sn")), tlv(0x30), tlv(0x89, []byte("x"))), tlv(0x89)), 1, done, 0, ""},
		{"a filter of a later version", searchFor(9, tlv(0xa2, tlv(0xaa, str("sn"))), "1.1"), 0, done, 0, ""},
		{"a compare of a later version", tlv(0x30, number1(9), tlv(0x6e, str(dn), tlv(0x30, str("uid"), str("x"), tlv(0x80)), tlv(0x80))), 0, 0x6f, goldap.LDAPResultCompareFalse, ""},
		{"a bind of a later version", tlv(0x30, number1(9), tlv(0x60, number1(3), str(string(s.device.Login)), tlv(0x80, []byte(s.secret)), tlv(0x84))), 0, 0x61, 0, ""},
		{"a bind with two secrets", tlv(0x30, number1(9), tlv(0x60, number1(3), str(string(s.device.Login)), tlv(0x80, []byte(s.secret)), tlv(0x80))), 0, 0x61, goldap.LDAPResultProtocolError, ""},
		{"who am I of a later version", tlv(0x30, number1(9), tlv(0x77, tlv(0x80, []byte("1.3.6.1.4.1.4203.1.11.3")), tlv(0x82))), 0, 0x78, 0, ""},
		{"aliases in a way that there is none", tlv(0x30, number1(9), tlv(0x63, str(dn), []byte{10, 1, 0, 10, 1, 4, 2, 1, 0, 2, 1, 0, 1, 1, 0}, tlv(0x87, []byte("sn")), tlv(0x30))), 0, done, goldap.LDAPResultProtocolError, ""},
		{"a write", tlv(0x30, number1(9), tlv(0x66, str(dn), tlv(0x30))), 0, 0x67, goldap.LDAPResultUnwillingToPerform, ""},
		{"an unknown extended operation", extendedMessage(9, "1.2.3"), 0, 0x78, goldap.LDAPResultProtocolError, ""},
		{"a SASL bind", tlv(0x30, number1(9), tlv(0x60, number1(3), str(""), tlv(0xa3, str("DIGEST-MD5")))), 0, 0x61, goldap.LDAPResultAuthMethodNotSupported, ""},
		{"a bind of version 2", bindMessage(9, 2, string(s.device.Login), s.secret), 0, 0x61, 0, ""},
		{"a name without a password", bindMessage(9, 3, string(s.device.Login), ""), 0, 0x61, goldap.LDAPResultUnwillingToPerform, ""},
	} {
		t.Run(q.name, func(t *testing.T) {
			c := s.rawBound(t)
			c.send(q.in)
			entries := 0
			last, err := c.read()
			for ; err == nil && last.op == 0x64; last, err = c.read() {
				entries++
			}
			if err != nil || entries != q.entries || last.id != 9 || last.op != q.op || last.code != q.code || !bytes.Contains(last.controls, []byte(q.inside)) {
				t.Errorf("%d entries, then %+v, %v", entries, last, err)
			}
			c.send(bindMessage(10, 3, string(s.device.Login), s.secret))
			c.expect(10, 0x61, 0)
			c.send(search1(11, "sn", "1.1"))
			if all := c.until(11); len(all) != found+1 {
				t.Errorf("the next search answers with %d messages", len(all))
			}
		})
	}
}

// TestRebindWithAWrongPassword: RFC 4511 §4.2.1, what was bound before is forgotten.
func TestRebindWithAWrongPassword(t *testing.T) {
	s := newSite(t, staff(), nil)
	for name, m := range map[string][]byte{
		"wrong":     bindMessage(2, 3, string(s.device.Login), "wrong"),
		"malformed": tlv(0x30, number1(2), tlv(0x60, number1(3))),
		"SASL":      tlv(0x30, number1(2), tlv(0x60, number1(3), str(""), tlv(0xa3, str("PLAIN")))),
		"version 9": bindMessage(2, 9, string(s.device.Login), s.secret),
	} {
		c := s.rawBound(t)
		c.send(m)
		if r, err := c.read(); err != nil || r.op != 0x61 || r.code == 0 {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
		c.send(search1(3, "sn", "cn"))
		c.expect(3, 0x65, goldap.LDAPResultInsufficientAccessRights)
	}
}

// TestStartTLSWhileSearching: RFC 4511 §4.14.1.
func TestStartTLSWhileSearching(t *testing.T) {
	s := album(t, 300, nil)
	c := s.rawBound(t)
	c.send(search1(2, "sn", "jpegPhoto"))
	c.expect(2, 0x64, -1)
	c.send(extendedMessage(3, "1.3.6.1.4.1.1466.20037"))
	all := c.until(2)
	if i := slices.IndexFunc(all, func(r reply) bool { return r.id == 3 }); i >= 0 {
		if all[i].code != goldap.LDAPResultOperationsError {
			t.Errorf("%+v", all[i])
		}
		return
	}
	c.expect(3, 0x78, goldap.LDAPResultOperationsError)
}

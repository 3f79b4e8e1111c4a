package ldap_test

import (
	"slices"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"

	"ringbook/directory"
	"ringbook/server/ldap"
)

const oidCancel = "1.3.6.1.1.8"

func cancelMessage(id, what byte) []byte {
	return tlv(0x30, number1(id), tlv(0x77, tlv(0x80, []byte(oidCancel)), tlv(0x81, tlv(0x30, number1(what)))))
}

// TestCancelAnswersBoth: RFC 3909 §2, the operation first and then the Cancel.
func TestCancelAnswersBoth(t *testing.T) {
	s := album(t, 500, nil)
	c := s.rawBound(t)
	c.send(search1(2, "sn", "jpegPhoto"))
	c.expect(2, 0x64, -1)
	c.send(cancelMessage(3, 2), cancelMessage(4, 2), abandonMessage(5, 2))
	entries := 1
	var ended []reply
	for len(ended) < 3 {
		r, err := c.read()
		if err != nil {
			t.Fatal(err)
		}
		if r.op == 0x64 {
			entries++
			continue
		}
		ended = append(ended, r)
	}
	// The second Cancel comes too late, and may be told so at any time.
	second := slices.IndexFunc(ended, func(r reply) bool { return r.id == 4 })
	if second < 0 || ended[second].code != goldap.LDAPResultTooLate && ended[second].code != goldap.LDAPResultNoSuchOperation {
		t.Fatalf("answers %+v", ended)
	}
	ended = slices.Delete(ended, second, second+1)
	if r := ended[0]; r.id != 2 || r.op != 0x65 || r.code != goldap.LDAPResultCanceled {
		t.Errorf("the search ends with %+v", r)
	}
	if r := ended[1]; r.id != 3 || r.op != 0x78 || r.code != goldap.LDAPResultSuccess {
		t.Errorf("the cancel is answered with %+v", r)
	}
	if entries > 450 {
		t.Errorf("%d of 500 entries came in spite of cancel", entries)
	}
	c.send(search1(2, "none", "cn")) // the id is free again
	c.expect(2, 0x65, goldap.LDAPResultSuccess)
}

// TestCancelEndsADearSearch: one that sends nothing is canceled as well.
func TestCancelEndsADearSearch(t *testing.T) {
	s := dearSite(t, nil)
	c := s.rawBound(t)
	within(t, "canceled", func() {
		c.send(searchFor(2, dear(), "cn"), cancelMessage(3, 2))
		c.expect(2, 0x65, goldap.LDAPResultCanceled)
		c.expect(3, 0x78, goldap.LDAPResultSuccess)
	})
}

func TestCancelRefusals(t *testing.T) {
	s := newSite(t, staff(), nil)
	c := s.rawBound(t)
	request := func(value []byte) []byte {
		return tlv(0x30, number1(9), tlv(0x77, tlv(0x80, []byte(oidCancel)), value))
	}
	for name, q := range map[string]struct {
		in   []byte
		code int64
	}{
		"nothing under way": {cancelMessage(9, 2), goldap.LDAPResultNoSuchOperation},
		"itself":            {cancelMessage(9, 9), goldap.LDAPResultCannotCancel},
		"no value":          {extendedMessage(9, oidCancel), goldap.LDAPResultProtocolError},
		"an empty value":    {request(tlv(0x81)), goldap.LDAPResultProtocolError},
		"no id":             {request(tlv(0x81, tlv(0x30))), goldap.LDAPResultProtocolError},
		"a negative id":     {request(tlv(0x81, tlv(0x30, number1(0xff)))), goldap.LDAPResultProtocolError},
		"two ids":           {request(tlv(0x81, tlv(0x30, number1(2), number1(3)))), goldap.LDAPResultProtocolError},
		"rubbish":           {request(tlv(0x81, []byte{0xff, 0xff})), goldap.LDAPResultProtocolError},
	} {
		c.send(q.in)
		r, err := c.read()
		if err != nil || r.id != 9 || r.op != 0x78 || r.code != q.code {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	c.send(search1(2, "sn", "1.1"))
	if all := c.until(2); len(all) != 8 {
		t.Errorf("the next search answers with %d messages", len(all))
	}
}

// TestCancelOfOneThatFails: the Cancel is answered all the same.
func TestCancelOfOneThatFails(t *testing.T) {
	m, plan := newMirror(t, &directory.Contact{ID: "x", Source: directory.SourceUser, DisplayName: "X", Photo: "p"})
	asked, goOn := make(chan bool), make(chan bool)
	b := &broken{mirror: m, photo: func() ([]byte, error) { asked <- true; <-goOn; panic("a bug") }}
	s := newSiteOf(t, m, plan, func(o *ldap.Options) { o.Directory = b })
	c := s.rawBound(t)
	c.send(search1(2, "sn", "jpegPhoto"))
	<-asked
	c.send(cancelMessage(3, 2), extendedMessage(4, "1.2.3"))
	c.expect(4, 0x78, goldap.LDAPResultProtocolError) // so the Cancel has been read
	close(goOn)
	c.expect(2, 0x65, goldap.LDAPResultCanceled)
	c.expect(3, 0x78, goldap.LDAPResultSuccess)
}

package ldap

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"
)

// What is read from the network is written again by the encoders below, and must be
// read as the same: so nothing of it is lost or taken for something else.

// messageSeeds are what clients send, and what nobody should.
func messageSeeds() [][]byte {
	bind := appendString(nil, tagSequence, []byte{2, 1, 1, opBindRequest, 12, 2, 1, 3, 4, 3, 'a', 'b', 'c', authSimple, 2, 'x', 'y'})
	return [][]byte{
		searchMessage(1, "dc=ringbook", 2, bigFilter(3), "cn", "*", "+", "@person", "cn;lang-de"),
		searchMessage(2, "", 0, appendString(nil, 0x87, "objectClass")),
		searchMessage(3, "dc=ringbook", 2, bigFilter(33), "cn"),
		bind,
		appendString(nil, tagSequence, []byte{2, 1, 3, opUnbindRequest, 0}),
		appendString(nil, tagSequence, []byte{2, 1, 3, opAbandonRequest, 1, 2}),
		appendString(nil, tagSequence, []byte{2, 1, 3, opBindRequest, 7, 2, 1, 3, 4, 0, authSASL, 0}),
		appendString(nil, tagSequence, []byte{2, 1, 4, opCompareRequest, 12, 4, 1, 'x', 0x30, 7, 4, 2, 'c', 'n', 4, 1, 'v'}),
		appendString(nil, tagSequence, appendString([]byte{2, 1, 5}, opExtendedRequest, encodeCancel(2))),
		appendString(nil, tagSequence, appendString([]byte{2, 1, 6, opSearchRequest, 0}, tagControls, encodeControl("1.2", true, nil))),
		{0x30, 2, 2, 5},
		{0x30, 0x84, 0, 0, 0, 5, 2, 1, 3, 0x42, 0},
	}
}

const seedsOfMessages = 12

func TestSeedsOfMessages(t *testing.T) {
	if n := len(messageSeeds()); n != seedsOfMessages {
		t.Errorf("%d seeds", n)
	}
	passed := 0
	for _, m := range messageSeeds() {
		if b, err := frame(m, DefaultMaxMessage); err == nil {
			if _, err := decodeMessage(b); err == nil {
				passed++
			}
		}
	}
	if passed < seedsOfMessages-2 { // but those whose length is wrong
		t.Errorf("%d of them are messages", passed)
	}
}

func FuzzReadFrame(f *testing.F) {
	for _, m := range messageSeeds() {
		f.Add(m)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		b, err := frame(in, DefaultMaxUnboundMessage)
		if err != nil {
			return
		}
		if len(b) > DefaultMaxUnboundMessage {
			t.Fatalf("%d octets pass", len(b))
		}
		again, err := frame(appendString(nil, tagSequence, b), DefaultMaxUnboundMessage)
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%x reads back as %x, %v", b, again, err)
		}
		// What passes is what the library reads too, and nothing of it is lost.
		p, err := ber.DecodePacketErr(appendString(nil, tagSequence, b))
		if err == nil && len(p.Children) > DefaultMaxUnboundMessage/octetsAnElement {
			t.Fatalf("%d elements pass", len(p.Children))
		}
		depth(t, b, 0)
	})
}

func depth(t *testing.T, b []byte, n int) {
	t.Helper()
	if n > maxNesting {
		t.Fatal("too deep")
	}
	for len(b) > 0 {
		e, rest, err := next(b)
		if err != nil {
			t.Fatalf("malformed inside: %v", err)
		}
		if len(e.raw)+len(rest) != len(b) {
			t.Fatal("octets lost")
		}
		if e.tag&constructed != 0 {
			depth(t, e.content, n+1)
		}
		b = rest
	}
}

func FuzzDecodeMessage(f *testing.F) {
	for _, m := range messageSeeds() {
		if content, err := frame(m, DefaultMaxMessage); err == nil {
			f.Add(content)
		}
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if wellFormed(in, DefaultMaxMessage/octetsAnElement) != nil {
			return
		}
		m, err := decodeMessage(in)
		if err != nil {
			return
		}
		if m.id < 0 {
			t.Fatalf("id %d", m.id)
		}
		readsBack(t, m, encodeMessage, decodeMessage)
		if q, ok := decodeBind(m.body); ok {
			readsBack(t, q, encodeBind, func(b []byte) (bindRequest, error) { q, _ := decodeBind(b); return q, nil })
		}
		if id, ok := decodeCancel(m.body); ok {
			if again, ok := decodeCancel(encodeCancel(id)); !ok || again != id {
				t.Fatalf("cancel of %d reads back as %d", id, again)
			}
		}
		_, _, _ = decodeCompare(m.body)
		checkSearch(t, m.body)
	})
}

// readsBack fails the test if what was read is written and then read as something else.
func readsBack[T any](t *testing.T, v T, encode func(T) []byte, decode func([]byte) (T, error)) {
	t.Helper()
	again, err := decode(encode(v))
	if err != nil || !reflect.DeepEqual(v, again) {
		t.Fatalf("%+v reads back as %+v, %v", v, again, err)
	}
}

func checkSearch(t *testing.T, body []byte) {
	t.Helper()
	q, err := decodeSearch(body)
	if err != nil {
		return
	}
	if q.filter == nil || q.size < 0 || q.seconds < 0 || q.wanted.check() != nil {
		t.Fatalf("read as %+v", q)
	}
	selectAttributes(q.wanted)
	asked(q.filter)
	again, err := decodeSearch(encodeSearch(q))
	again.filter = q.filter // package filter's own test has its encoder
	if err != nil || !reflect.DeepEqual(q, again) {
		t.Fatalf("%+v reads back as %+v, %v", q, again, err)
	}
}

func encodeMessage(m message) []byte {
	b := appendString(appendInt(nil, tagInteger, m.id), m.op, m.body)
	if m.controls != nil {
		b = appendString(b, tagControls, m.controls)
	}
	return b
}

func encodeBind(q bindRequest) []byte {
	return appendString(appendString(appendInt(nil, tagInteger, q.version), tagOctets, q.name), q.method, q.secret)
}

func encodeCancel(id int32) []byte {
	value := appendString(nil, tagSequence, appendInt(nil, tagInteger, id))
	return appendString(appendString(nil, 0x80, oidCancel), 0x81, value)
}

// encodeSearch writes a search for everybody.
func encodeSearch(q searchRequest) []byte {
	b := appendString(nil, tagOctets, q.base)
	b = appendInt(appendInt(b, tagEnumerated, q.scope), tagEnumerated, 0)
	b = appendBool(appendInt(appendInt(b, tagInteger, q.size), tagInteger, q.seconds), q.typesOnly)
	b = appendString(b, 0xa0, "")
	return appendString(b, tagSequence, q.wanted)
}

// controlSeeds are the controls of requests.
func controlSeeds() [][]byte {
	return [][]byte{
		goldap.NewControlPaging(7).Encode().Bytes(),
		encodeControl(goldap.ControlTypePaging, true, append([]byte{0x30, 18, 2, 1, 9, 4, 13}, position{order: "12345678", items: 7}.cookie()...)),
		encodeControl(goldap.ControlTypeServerSideSorting, true, []byte{0x30, 6, 0x30, 4, 4, 2, 's', 'n'}),
		encodeControl(goldap.ControlTypeServerSideSorting, false, []byte{0x30, 9, 0x30, 7, 4, 2, 's', 'n', 0x81, 1, 0xff}),
		encodeControl(goldap.ControlTypeVLVRequest, true, []byte{0x30, 14, 2, 1, 1, 2, 1, 9, 0xa0, 6, 2, 1, 7, 2, 1, 20}),
		encodeControl(goldap.ControlTypeVLVRequest, false, []byte{0x30, 12, 2, 1, 1, 2, 1, 9, 0x81, 1, 'm', 4, 1, 'x'}),
		encodeControl(goldap.ControlTypeManageDsaIT, true, nil),
		encodeControl("1.2.3", true, nil),
		{0x30, 0},
	}
}

const seedsOfControls = 9

func TestSeedsOfControls(t *testing.T) {
	passed := 0
	for _, c := range controlSeeds() {
		if _, r := decodeControls(opSearchRequest, c); r == success {
			passed++
		}
	}
	if len(controlSeeds()) != seedsOfControls || passed != seedsOfControls-2 {
		t.Errorf("%d seeds, %d of them are controls that we play", len(controlSeeds()), passed)
	}
}

func FuzzDecodeControls(f *testing.F) {
	for _, c := range controlSeeds() {
		f.Add(c)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		c, r := decodeControls(opSearchRequest, in)
		if r != success {
			return
		}
		if len(c.sort) > maxSortKeys {
			t.Fatalf("%d sort keys", len(c.sort))
		}
		again, r := decodeControls(opSearchRequest, encodeControls(c))
		c.seen, again.seen = nil, nil
		if diff := cmp.Diff(c, again, cmp.AllowUnexported(controls{}, paging{}, sortKey{}, listView{})); r != success || diff != "" {
			t.Fatalf("%x: %v\n%s", in, r, diff)
		}
		if c.paging == nil || len(c.paging.cookie) == 0 {
			return
		}
		if p, ok := readPosition(c.paging.cookie); ok {
			if q, ok := readPosition(p.cookie()); !ok || q != p {
				t.Fatalf("cookie %x is read as %+v, and that as %+v", c.paging.cookie, p, q)
			}
		}
	})
}

// encodeControls writes what was read of controls.
func encodeControls(c controls) (b []byte) {
	if p := c.paging; p != nil {
		v := appendString(appendInt(nil, tagInteger, p.size), tagOctets, p.cookie)
		b = append(b, encodeControl(goldap.ControlTypePaging, false, appendString(nil, tagSequence, v))...)
	}
	var keys []byte
	for _, k := range c.sort {
		key := appendString(nil, tagOctets, k.attribute)
		if k.reverse {
			key = append(key, 0x81, 1, 0xff)
		}
		keys = appendString(keys, tagSequence, key)
	}
	if keys != nil {
		b = append(b, encodeControl(goldap.ControlTypeServerSideSorting, c.sortCritical, appendString(nil, tagSequence, keys))...)
	}
	if v := c.view; v != nil {
		list := appendInt(appendInt(nil, tagInteger, v.before), tagInteger, v.after)
		if v.byValue {
			list = appendString(list, 0x81, v.value)
		} else {
			list = appendString(list, 0xa0, appendInt(appendInt(nil, tagInteger, v.offset), tagInteger, v.count))
		}
		b = append(b, encodeControl(goldap.ControlTypeVLVRequest, false, appendString(nil, tagSequence, list))...)
	}
	return b
}

// nameSeeds are DNs and names of binds.
func nameSeeds() []string {
	return []string{
		"uid=anna,ou=people,dc=ringbook", " OU = people , dc=ringbook", "cn=abc@x,dc=ringbook", `cn=#04024869,dc=\C4\8D`, "cn=Subschema",
		"", "0", "=", "cn=a+cn=b,dc=ringbook", `uid=\61nna,ou=people,dc=ringbook`,
	}
}

const seedsOfNames = 10

func FuzzLocate(f *testing.F) {
	if n := len(nameSeeds()); n != seedsOfNames {
		f.Fatalf("%d seeds", n)
	}
	for _, dn := range nameSeeds() {
		f.Add(dn)
	}
	tr, err := newTree("dc=ringbook")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, dn string) {
		if len(dn) > maxDN {
			return
		}
		if login, ok := loginOf(dn); ok {
			if strings.Contains(login, "@") || login != strings.ToLower(strings.TrimSpace(login)) {
				t.Errorf("%q is the login %q", dn, login)
			}
		}
		p := tr.locate(dn)
		var name string // its own, which leads back to it
		switch p.kind {
		case placeContact:
			name = string(tr.appendContactDN(nil, p.book, p.id))
		case placeBook:
			name = tr.bookDN(p.book)
		case placeBase:
			name = tr.base
		case placeSchema:
			name = schemaDN
		case placeRoot, placeNothing, placeElsewhere:
			return
		}
		if again := tr.locate(name); again != p {
			t.Errorf("%q is %+v, its name %+v", dn, p, again)
		}
	})
}

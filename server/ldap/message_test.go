package ldap

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
	"ringbook/directory/filter"
)

func frame(b []byte, limit int) ([]byte, error) {
	return readFrame(bufio.NewReaderSize(bytes.NewReader(b), readBuffer), limit)
}

// nested wraps core in n elements of the given tag.
func nested(tag byte, n int, core []byte) []byte {
	b := core
	for range n {
		b = appendString(nil, tag, b)
	}
	return b
}

// bigFilter is a SearchRequest with n nested NOTs, built from the inside at the
// price of one copy.
func bigFilter(n int) []byte {
	out := make([]byte, 0, 8*n)
	core := appendString(nil, 0x87, "cn")
	var heads [][]byte
	size := len(core)
	for range n {
		h := appendHead(nil, 0xa2, size)
		heads = append(heads, h)
		size += len(h)
	}
	for _, h := range slices.Backward(heads) {
		out = append(out, h...)
	}
	return append(out, core...)
}

// searchMessage wraps an encoded filter in a whole SearchRequest.
func searchMessage(id int32, base string, scope int32, filter []byte, wanted ...string) []byte {
	b, outer := begin(nil, tagSequence)
	b = appendInt(b, tagInteger, id)
	b, inner := begin(b, opSearchRequest)
	b = appendString(b, tagOctets, base)
	b = appendInt(b, tagEnumerated, scope)
	b = appendInt(b, tagEnumerated, 0)
	b = appendInt(b, tagInteger, 0)
	b = appendInt(b, tagInteger, 0)
	b = appendBool(b, false)
	b = append(b, filter...)
	b, list := begin(b, tagSequence)
	for _, w := range wanted {
		b = appendString(b, tagOctets, w)
	}
	return finish(finish(finish(b, list), inner), outer)
}

func TestReadFrame(t *testing.T) {
	good := searchMessage(2, "dc=x", 2, appendString(nil, 0x87, "cn"))
	long := appendString(nil, tagSequence, appendString(nil, tagOctets, strings.Repeat("x", 3000)))
	for _, c := range []struct {
		name string
		in   []byte
		want error
	}{
		{"a search", good, nil},
		{"3,000 octets", long, nil},
		{"empty", nil, io.EOF},
		{"cut off", good[:10], io.ErrUnexpectedEOF},
		{"not a sequence", []byte{0x16, 3, 1}, errFraming},
		{"empty sequence", []byte{0x30, 0}, nil},
		{"child longer than parent", []byte{0x30, 2, 2, 5}, errFraming},
		{"grandchild longer than child", []byte{0x30, 6, 0x63, 2, 4, 2, 'a', 'b'}, errFraming},
		{"indefinite", []byte{0x30, 0x80, 2, 1, 1, 0, 0}, errFraming},
		{"indefinite inside", []byte{0x30, 4, 0x63, 0x80, 0, 0}, errFraming},
		{"reserved length", []byte{0x30, 0xff, 1}, errFraming},
		{"length of 8 octets", append([]byte{0x30, 0x88}, bytes.Repeat([]byte{0xff}, 8)...), errOversize},
		{"length of 8 octets, positive", append([]byte{0x30, 0x88, 0x7f}, bytes.Repeat([]byte{0xff}, 7)...), errOversize},
		{"2 GiB", []byte{0x30, 0x84, 0x7f, 0xff, 0xff, 0xff}, errOversize},
		{"100 MB", []byte{0x30, 0x84, 0x06, 0, 0, 0}, errOversize},
		{"one over the limit", binary.BigEndian.AppendUint16([]byte{0x30, 0x82}, DefaultMaxUnboundMessage+1), errOversize},
		{"long tag", []byte{0x30, 3, 0x1f, 1, 0}, errFraming},
		{"half an element", []byte{0x30, 1, 2}, errFraming},
		{"nesting at the limit", nested(tagSequence, maxNesting, []byte{5, 0}), nil},
		{"nesting over the limit", nested(tagSequence, maxNesting+1, []byte{5, 0}), errOversize},
		{"too many elements", appendString(nil, tagSequence, bytes.Repeat([]byte{5, 0}, DefaultMaxUnboundMessage/octetsAnElement+1)), errOversize},
		{"elements at the limit", appendString(nil, tagSequence, bytes.Repeat([]byte{5, 0}, DefaultMaxUnboundMessage/octetsAnElement)), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			limit := DefaultMaxUnboundMessage
			if len(c.in) > limit {
				limit = DefaultMaxMessage
			}
			got, err := frame(c.in, limit)
			if !errors.Is(err, c.want) || c.want == nil && err != nil {
				t.Fatalf("error %v, want %v", err, c.want)
			}
			if err == nil {
				if again := appendString(nil, tagSequence, got); !bytes.Equal(again, c.in) {
					t.Errorf("content of %x reads back as %x", c.in, again)
				}
			}
		})
	}
}

// A greedy reader remembers the largest piece that was asked of it.
type greedy struct {
	from io.Reader
	most int
}

func (g *greedy) Read(b []byte) (int, error) {
	g.most = max(g.most, len(b))
	return g.from.Read(b)
}

func TestReadFrameTakesMemoryAsItArrives(t *testing.T) {
	for sent, most := range map[int]int{0: firstRead, 900: firstRead, 1 << 10: 4 << 10, 5 << 10: 16 << 10} {
		g := &greedy{from: bytes.NewReader(append([]byte{0x30, 0x84, 0, 0, 0xff, 0xf0}, make([]byte, sent)...))}
		if _, err := readFrame(bufio.NewReaderSize(g, readBuffer), DefaultMaxMessage); err == nil {
			t.Error("read what was not sent")
		}
		if g.most > most {
			t.Errorf("%d octets were set aside after %d of 64 KiB", g.most, sent)
		}
	}
}

func TestAppendIntReadsBack(t *testing.T) {
	for _, n := range []int32{0, 1, 127, 128, 255, 256, 32767, 32768, 1 << 23, math.MaxInt32, -1, -128, -129, math.MinInt32} {
		b := appendInt(nil, tagInteger, n)
		got, rest, err := takeInt(b, tagInteger)
		if err != nil || len(rest) > 0 || got != n {
			t.Errorf("%d is written %x and read %d, %v", n, b, got, err)
		}
		if p := ber.DecodePacket(b); p == nil || p.Value != int64(n) {
			t.Errorf("%d is written %x, which the library reads as %v", n, b, p)
		}
	}
}

func TestFinishWritesShortestLengths(t *testing.T) {
	for _, n := range []int{0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000, 0x1000000} {
		want := appendHead([]byte("before"), tagOctets, n)
		want = append(want, bytes.Repeat([]byte{'x'}, n)...)
		got, mark := begin([]byte("before"), tagOctets)
		got = finish(append(got, bytes.Repeat([]byte{'x'}, n)...), mark)
		if !bytes.Equal(got, want) {
			t.Errorf("%d octets: head %x, want %x", n, got[:min(len(got), 16)], want[:min(len(want), 16)])
		}
		if len(want)-6 != n+1+lengthSize(n) {
			t.Errorf("%d octets take %d", n, len(want)-6)
		}
	}
}

func lengthSize(n int) int {
	if n < 0x80 {
		return 1
	}
	return 1 + lengthOctets(n)
}

func TestDecodeMessage(t *testing.T) {
	for _, c := range []struct {
		name string
		in   []byte
		ok   bool
	}{
		{"unbind", []byte{2, 1, 3, 0x42, 0}, true},
		{"with controls", []byte{2, 1, 3, 0x42, 0, 0xa0, 0}, true},
		{"no operation", []byte{2, 1, 3}, false},
		{"no id", []byte{0x42, 0}, false},
		{"negative id", []byte{2, 1, 0xff, 0x42, 0}, false},
		{"id of 5 octets", []byte{2, 5, 0, 0, 0, 0, 1, 0x42, 0}, false},
		{"empty id", []byte{2, 0, 0x42, 0}, false},
		{"something behind", []byte{2, 1, 3, 0x42, 0, 4, 0}, false},
		{"something behind the controls", []byte{2, 1, 3, 0x42, 0, 0xa0, 0, 4, 0}, false},
		{"controls twice", []byte{2, 1, 3, 0x42, 0, 0xa0, 0, 0xa0, 0}, false},
		{"something of a later version", []byte{2, 1, 3, 0x42, 0, 0x81, 1, 9}, true},
		{"and behind the controls", []byte{2, 1, 3, 0x42, 0, 0xa0, 0, 0x81, 1, 9, 0xa5, 0}, true},
	} {
		if _, err := decodeMessage(c.in); (err == nil) != c.ok {
			t.Errorf("%s: error %v", c.name, err)
		}
	}
}

// control encodes one control of a request.
func encodeControl(oid string, critical bool, value []byte) []byte {
	b, mark := begin(nil, tagSequence)
	b = appendString(b, tagOctets, oid)
	if critical {
		b = appendBool(b, true)
	}
	if value != nil {
		b = appendString(b, tagOctets, value)
	}
	return finish(b, mark)
}

func TestDecodeControls(t *testing.T) {
	paged := goldap.NewControlPaging(100)
	paged.SetCookie(position{order: "12345678", items: 7}.cookie())
	sorted := &goldap.ControlServerSideSorting{SortKeys: []*goldap.SortKey{{AttributeType: "sn", MatchingRule: "2.5.13.3", Reverse: true}, {AttributeType: "givenName"}}}
	for _, c := range []struct {
		name string
		op   byte
		in   []byte
		want controls
		code uint16
	}{
		{"none", opSearchRequest, nil, controls{}, 0},
		{"paging by the library", opSearchRequest, paged.Encode().Bytes(), controls{paging: &paging{100, paged.Cookie}}, 0},
		{"sorting by the library", opSearchRequest, sorted.Encode().Bytes(), controls{sort: []sortKey{{"sn", true}, {"givenName", false}}}, 0},
		{"critical sorting", opSearchRequest, encodeControl(goldap.ControlTypeServerSideSorting, true, []byte{0x30, 6, 0x30, 4, 4, 2, 's', 'n'}), controls{sort: []sortKey{{"sn", false}}, sortCritical: true}, 0},
		{"ManageDsaIT as -MM sends it", opSearchRequest, encodeControl(goldap.ControlTypeManageDsaIT, true, nil), controls{}, 0},
		{"unknown", opSearchRequest, encodeControl("1.2.3", false, []byte("?")), controls{}, 0},
		{"unknown and critical", opSearchRequest, encodeControl("1.2.3", true, nil), controls{}, goldap.LDAPResultUnavailableCriticalExtension},
		{"paging a compare", opCompareRequest, encodeControl(goldap.ControlTypePaging, true, []byte{0x30, 5, 2, 1, 9, 4, 0}), controls{}, goldap.LDAPResultUnavailableCriticalExtension},
		{"list view without value", opSearchRequest, encodeControl(goldap.ControlTypeVLVRequest, true, nil), controls{}, goldap.LDAPResultProtocolError},
		{"list view at a place", opSearchRequest, encodeControl(goldap.ControlTypeVLVRequest, true, []byte{0x30, 14, 2, 1, 1, 2, 1, 9, 0xa0, 6, 2, 1, 7, 2, 1, 20}), controls{view: &listView{before: 1, after: 9, offset: 7, count: 20}}, 0},
		{"list view at a value, in a context", opSearchRequest, encodeControl(goldap.ControlTypeVLVRequest, false, []byte{0x30, 12, 2, 1, 1, 2, 1, 9, 0x81, 1, 'm', 4, 1, 'x'}), controls{view: &listView{before: 1, after: 9, value: "m", byValue: true}}, 0},
		{"empty", opSearchRequest, []byte{0x30, 0}, controls{}, goldap.LDAPResultProtocolError},
		{"no sequence", opSearchRequest, []byte{4, 0}, controls{}, goldap.LDAPResultProtocolError},
		{"something behind", opSearchRequest, []byte{0x30, 7, 4, 1, '1', 4, 0, 4, 0}, controls{}, goldap.LDAPResultProtocolError},
		{"something of a later version", opSearchRequest, []byte{0x30, 7, 4, 1, '1', 4, 0, 0x80, 0}, controls{}, 0},
		{"the same without a value", opSearchRequest, []byte{0x30, 8, 4, 1, '1', 1, 1, 0, 0x80, 0}, controls{}, 0},
		{"paging without value", opSearchRequest, encodeControl(goldap.ControlTypePaging, false, nil), controls{}, goldap.LDAPResultProtocolError},
		{"paging with rubbish", opSearchRequest, encodeControl(goldap.ControlTypePaging, false, []byte{0xff, 0xff, 0xff}), controls{}, goldap.LDAPResultProtocolError},
		{"paging of negative size", opSearchRequest, encodeControl(goldap.ControlTypePaging, false, []byte{0x30, 5, 2, 1, 0xff, 4, 0}), controls{}, goldap.LDAPResultProtocolError},
		{"sorting by nothing", opSearchRequest, encodeControl(goldap.ControlTypeServerSideSorting, false, []byte{0x30, 0}), controls{}, goldap.LDAPResultProtocolError},
		{"sorting with rubbish", opSearchRequest, encodeControl(goldap.ControlTypeServerSideSorting, false, []byte{0x30, 2, 4, 9}), controls{}, goldap.LDAPResultProtocolError},
		{"twice", opSearchRequest, append(paged.Encode().Bytes(), paged.Encode().Bytes()...), controls{}, goldap.LDAPResultProtocolError},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, r := decodeControls(c.op, c.in)
			if r.code != c.code {
				t.Fatalf("result %d, want %d", r.code, c.code)
			}
			got.seen = nil
			if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(controls{}, paging{}, sortKey{}, listView{})); r == success && diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestPositionReadsBack(t *testing.T) {
	const order = "12345678"
	for _, p := range []position{{}, {items: 7}, {items: 1 << 20}, {id: "a", key: ""}, {items: 9, id: "anna-1", key: "k\x00\x01\xff"}} {
		p.order = order
		got, ok := readPosition(p.cookie())
		if !ok || got != p {
			t.Errorf("%+v reads back as %+v, %v", p, got, ok)
		}
	}
	for _, b := range []string{
		"x", "i", "i12345", "i" + order, "i" + order + "12345", "i" + order + "\xff\xff\xff\xff", "c", "canna", "c" + order + "\x00\x00\x00",
		"c" + order + "\x00\x00\x00\x01anna", "c" + order + "\x00\x00\x00\x01A B\x00k", "c" + order + "\x00\x00\x00\x01\x00k", "c" + order + "\xff\xff\xff\xffanna\x00k",
		"i\x00\x00\x00\x07", "c\x00\x00\x00\x01anna\x00k", // as it was before there was an order to choose
	} {
		if p, ok := readPosition([]byte(b)); ok {
			t.Errorf("%q is read as %+v", b, p)
		}
	}
}

func TestLocate(t *testing.T) {
	for _, c := range []struct {
		base, dn string
		want     place
	}{
		{"dc=ringbook", "", place{kind: placeRoot}},
		{"dc=ringbook", "  ", place{kind: placeRoot}},
		{"dc=ringbook", "dc=ringbook", place{kind: placeBase}},
		{"dc=ringbook", "DC=RingBook", place{kind: placeBase}},
		{"dc=grandstream,dc=com", " dc=grandstream , DC=com ", place{kind: placeBase}},
		{"dc=grandstream, dc=com", "dc=grandstream,dc=com", place{kind: placeBase}},
		{"dc=ringbook", "ou=people,dc=ringbook", place{kind: placeBook, book: "people"}},
		{"dc=ringbook", "OU = People , dc = ringbook", place{kind: placeBook, book: "people"}},
		{"dc=ringbook", "uid=anna,ou=people,dc=ringbook", place{kind: placeContact, book: "people", id: "anna"}},
		{"dc=ringbook", "UID=ANNA, ou=people, dc=ringbook", place{kind: placeContact, book: "people", id: "anna"}},
		{"dc=ringbook", `uid=\61nna,ou=people,dc=ringbook`, place{kind: placeContact, book: "people", id: "anna"}},
		{"dc=ringbook", "uid=x,uid=anna,ou=people,dc=ringbook", place{kind: placeNothing, book: "people", id: "anna"}},
		{"dc=ringbook", "cn=anna,ou=people,dc=ringbook", place{kind: placeNothing, book: "people"}},
		{"dc=ringbook", "uid=a+cn=b,ou=people,dc=ringbook", place{kind: placeNothing, book: "people"}},
		{"dc=ringbook", "cn=x,dc=ringbook", place{kind: placeNothing}},
		{"dc=ringbook", "ou=../etc,dc=ringbook", place{kind: placeNothing}},
		{"dc=ringbook", "dc=pbx,dc=com", place{kind: placeElsewhere}},
		{"dc=a,dc=ringbook", "dc=ringbook", place{kind: placeElsewhere}},
		{"dc=ringbook", "0", place{kind: placeElsewhere}},
		{"dc=ringbook", "=", place{kind: placeElsewhere}},
		{"dc=ringbook", `dc=\`, place{kind: placeElsewhere}},
	} {
		tr, err := newTree(c.base)
		if err != nil {
			t.Fatal(err)
		}
		if got := tr.locate(c.dn); got != c.want {
			t.Errorf("%q in %q is %+v, want %+v", c.dn, c.base, got, c.want)
		}
	}
}

func TestOurDNsAreLocated(t *testing.T) {
	tr, err := newTree("o=Müller & Söhne, c=DE")
	if err != nil {
		t.Fatal(err)
	}
	if got := tr.locate(string(tr.appendContactDN(nil, "people", "anna-1"))); got != (place{placeContact, "people", "anna-1"}) {
		t.Errorf("contact is located at %+v", got)
	}
	if got := tr.locate(tr.bookDN("people")); got != (place{kind: placeBook, book: "people"}) {
		t.Errorf("book is located at %+v", got)
	}
}

func TestNewTreeRefuses(t *testing.T) {
	for _, b := range []string{"", "  ", "ringbook", "dc=", "=x", "dc=" + strings.Repeat("x", maxDN)} {
		if _, err := newTree(b); !errors.Is(err, directory.ErrInvalid) {
			t.Errorf("base %q: error %v", b[:min(len(b), 20)], err)
		}
	}
}

func TestLoginOf(t *testing.T) {
	for name, want := range map[string]string{
		"cn=abc23,dc=ringbook":                "abc23",
		"CN = ABC23 , DC = RingBook":          "abc23",
		"uid=abc23,ou=devices,dc=pbx":         "abc23",
		"abc23":                               "abc23",
		" abc23 ":                             "abc23",
		"abc23@pbx.example":                   "abc23",
		"cn=abc23@pbx.example,dc=ringbook":    "abc23",
		"cn=abc23+ou=phones,dc=ringbook":      "abc23",
		`cn=\61bc23,dc=ringbook`:              "abc23",
		"cn=abc23":                            "abc23",
		"cn=abc23,dc=ringbook,dc=x;dc=nobody": "abc23",
	} {
		if got, ok := loginOf(name); !ok || got != want {
			t.Errorf("%q is the login %q, %v; want %q", name, got, ok, want)
		}
	}
	for _, name := range []string{"=", "cn=a,b", `cn=\`, ",=,"} {
		if got, ok := loginOf(name); ok {
			t.Errorf("%q is the login %q", name, got)
		}
	}
}

func appendBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, tagBoolean, 1, 0xff)
	}
	return append(dst, tagBoolean, 1, 0)
}

// TestBlanksOfObjects: the title of a book, and the base, may have been written with more
// blanks than count.
func TestBlanksOfObjects(t *testing.T) {
	o := object{attributes: []attribute{{name: "description", values: []string{"Two  words "}}}}
	for _, f := range []filter.Filter{
		{Op: filter.Equal, Attribute: "description", Value: "two  Words"},
		{Op: filter.Extensible, Attribute: "description", Value: " Two words"},
		{Op: filter.Extensible, Attribute: "description", Rule: "caseExactMatch", Value: "Two words "},
	} {
		prepare(&f)
		if o.matches(&f) != filter.True {
			t.Errorf("%s is not true", f.String())
		}
		f.Attribute, f.DN = "o", true
		if f.Op == filter.Extensible && !extends(&f, "o", "Two  words") {
			t.Errorf("%s is not true", f.String())
		}
	}
}

package ldap_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"
)

// patience is how long a test waits for what should come at once.
const patience = 20 * time.Second

// tlv encodes one element out of its content, with a length of 4 octets when it
// is long.
func tlv(tag byte, content ...[]byte) []byte {
	body := slices.Concat(content...)
	return append(head(tag, len(body)), body...)
}

func head(tag byte, n int) []byte {
	if n < 0x80 {
		return []byte{tag, byte(n)}
	}
	return []byte{tag, 0x84, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}
}

func str(s string) []byte { return tlv(4, []byte(s)) }

func number1(n byte) []byte { return []byte{2, 1, n} }

// Requests as octets.
func bindMessage(id, version byte, name, secret string) []byte {
	return tlv(0x30, number1(id), tlv(0x60, number1(version), str(name), tlv(0x80, []byte(secret))))
}

// search1 searches the whole tree for what a present filter of attr finds.
func search1(id byte, attr string, wanted ...string) []byte {
	return searchFor(id, tlv(0x87, []byte(attr)), wanted...)
}

func searchFor(id byte, filter []byte, wanted ...string) []byte {
	var list [][]byte
	for _, w := range wanted {
		list = append(list, str(w))
	}
	return tlv(0x30, number1(id), tlv(0x63, str(base), []byte{10, 1, 2, 10, 1, 0, 2, 1, 0, 2, 1, 0, 1, 1, 0}, filter, tlv(0x30, list...)))
}

func abandonMessage(id, what byte) []byte { return tlv(0x30, number1(id), tlv(0x50, []byte{what})) }

func extendedMessage(id byte, oid string) []byte {
	return tlv(0x30, number1(id), tlv(0x77, tlv(0x80, []byte(oid))))
}

// nots nests a filter in n NOTs.
func nots(n int) []byte {
	var heads [][]byte
	core := tlv(0x87, []byte("cn"))
	size := len(core)
	for range n {
		h := head(0xa2, size)
		heads = append(heads, h)
		size += len(h)
	}
	slices.Reverse(heads)
	return append(slices.Concat(heads...), core...)
}

// A raw client speaks octets.
type raw struct {
	net.Conn
	r *bufio.Reader
	t testing.TB
	// untimed: what is read is waited for without an end.
	untimed bool
}

func (s *site) raw(tb testing.TB) *raw {
	tb.Helper()
	c, err := net.Dial("tcp", s.plain)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = c.Close() })
	return rawOf(tb, c)
}

func rawOf(tb testing.TB, c net.Conn) *raw {
	tb.Helper()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		tb.Fatal(err)
	}
	return &raw{Conn: c, r: bufio.NewReader(c), t: tb}
}

func (s *site) rawBound(tb testing.TB) *raw {
	tb.Helper()
	c := s.raw(tb)
	c.send(bindMessage(1, 3, string(s.device.Login), s.secret))
	c.expect(1, 0x61, goldap.LDAPResultSuccess)
	return c
}

func (c *raw) send(b ...[]byte) {
	c.t.Helper()
	if _, err := c.Write(slices.Concat(b...)); err != nil {
		c.t.Fatalf("send: %v", err)
	}
}

// A reply is one message of the server.
type reply struct {
	id   int64
	op   byte
	code int64 // of a result
	text string

	controls []byte
}

// read reads one message. Each may take its time: a machine that is busy is slow
// at many of them.
func (c *raw) read() (reply, error) {
	if !c.untimed {
		if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
			return reply{}, err
		}
	}
	p, err := ber.ReadPacket(c.r)
	if err != nil {
		return reply{}, err
	}
	if len(p.Children) < 2 {
		return reply{}, errors.New("message without operation")
	}
	op := p.Children[1]
	r := reply{op: byte(op.ClassType) | byte(op.TagType) | byte(op.Tag), code: -1}
	r.id, _ = p.Children[0].Value.(int64)
	if len(p.Children) > 2 {
		r.controls = p.Children[2].Bytes()
	}
	if r.op != 0x64 && len(op.Children) >= 3 {
		r.code, _ = op.Children[0].Value.(int64)
		r.text = op.Children[2].Data.String()
	}
	return r, nil
}

// expect reads one message.
func (c *raw) expect(id int64, op byte, code int64) {
	c.t.Helper()
	r, err := c.read()
	if err != nil {
		c.t.Fatalf("no answer to message %d: %v", id, err)
	}
	if r.id != id || r.op != op || r.code != code {
		c.t.Fatalf("message %d, operation %#x, result %d %q; want %d, %#x, %d", r.id, r.op, r.code, r.text, id, op, code)
	}
}

// until reads messages up to the search result of id and returns them all.
func (c *raw) until(id int64) []reply {
	c.t.Helper()
	var all []reply
	for {
		r, err := c.read()
		if err != nil {
			c.t.Fatalf("waiting for the end of search %d after %d messages: %v", id, len(all), err)
		}
		all = append(all, r)
		if r.id == id && r.op == 0x65 {
			return all
		}
	}
}

// expectNotice expects a notice of disconnection, and the end.
func (c *raw) expectNotice(code int64) {
	c.t.Helper()
	c.expect(0, 0x78, code)
	c.expectEnd()
}

func (c *raw) expectEnd() {
	c.t.Helper()
	if r, err := c.read(); !errors.Is(err, io.EOF) {
		c.t.Fatalf("connection goes on: %+v, %v", r, err)
	}
}

package ldap_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"testing"

	"ringbook/server/ldap"
)

// The benchmarks are the rows of DESIGN §9. The client sends octets made
// beforehand and only counts what comes back, so that little but the server is measured.

// ask sends m and reads on until the answer's last message.
func (c *raw) ask(b *testing.B, m []byte) (octets int) {
	b.Helper()
	if _, err := c.Write(m); err != nil {
		b.Fatal(err)
	}
	for {
		head, err := c.r.Peek(6)
		if err != nil {
			b.Fatal(err)
		}
		n, at := int(head[1]), 2
		if n >= 0x80 {
			at += n - 0x80
			n = 0
			for _, o := range head[2:at] {
				n = n<<8 | int(o)
			}
		}
		msg, err := c.r.Peek(at + 4)
		if err != nil {
			b.Fatal(err)
		}
		op := msg[at+3]
		if _, err := c.r.Discard(at + n); err != nil {
			b.Fatal(err)
		}
		octets += at + n
		if op != 0x64 {
			return octets
		}
	}
}

// rawBench binds a device of a company of n people.
func rawBench(b *testing.B, n int) (*site, *raw) {
	b.Helper()
	s := newSite(b, crowd(n), nil)
	c := s.raw(b)
	c.r = bufio.NewReaderSize(c.Conn, 64<<10)
	c.ask(b, bindMessage(1, 3, string(s.device.Login), s.secret))
	return s, c
}

func BenchmarkBind(b *testing.B) {
	s, c := rawBench(b, 10)
	m := bindMessage(1, 3, s.server.BindDN(s.device.Login), s.secret)
	b.ReportAllocs()
	for b.Loop() {
		c.ask(b, m)
	}
}

func BenchmarkSearch(b *testing.B) {
	equal := func(a, v string) []byte { return tlv(0xa3, str(a), str(v)) }
	begins := func(a, v string) []byte { return tlv(0xa4, str(a), tlv(0x30, tlv(0x80, []byte(v)))) }
	ask := []string{"cn", "telephoneNumber", "mobile"}
	for _, n := range []int{1000, 10_000, 100_000} {
		b.Run(fmt.Sprintf("people=%d", n), func(b *testing.B) {
			_, c := rawBench(b, n)
			for _, q := range []struct {
				name string
				m    []byte
			}{
				{"mail", searchFor(2, equal("mail", "p777@contoso.com"), ask...)},
				{"number", searchFor(2, tlv(0xa1, equal("telephoneNumber", "0305000777"), equal("mobile", "0305000777")), ask...)},
				{"prefix", limited(50, begins("cn", "an"), ask...)},
				{"substring", limited(50, tlv(0xa4, str("sn"), tlv(0x30, tlv(0x81, []byte("chmid")))), ask...)},
				{"none", searchFor(2, begins("cn", "xyz"), ask...)},
				{"all", searchFor(2, tlv(0x87, []byte("cn")), ask...)},
			} {
				b.Run(q.name, func(b *testing.B) {
					b.ReportAllocs()
					octets := 0
					for b.Loop() {
						octets = c.ask(b, q.m)
					}
					b.ReportMetric(float64(octets), "octets/op")
				})
			}
		})
	}
}

// limited is a search with a size limit.
func limited(limit byte, filter []byte, wanted ...string) []byte {
	var list [][]byte
	for _, w := range wanted {
		list = append(list, str(w))
	}
	return tlv(0x30, number1(2), tlv(0x63, str(base), []byte{10, 1, 2, 10, 1, 0, 2, 1, limit, 2, 1, 0, 1, 1, 0}, filter, tlv(0x30, list...)))
}

// BenchmarkPaged lists 10,000 people in pages of 500.
func BenchmarkPaged(b *testing.B) {
	s := newSite(b, crowd(10_000), nil)
	c := s.bound(b)
	for b.Loop() {
		res, err := c.SearchWithPaging(request("(sn=*)", "cn", "telephoneNumber"), 500)
		if err != nil || len(res.Entries) != 10_000 {
			b.Fatal(err)
		}
	}
}

// BenchmarkConnect is a phone that connects anew for each look-up.
func BenchmarkConnect(b *testing.B) {
	s := newSite(b, crowd(10_000), func(o *ldap.Options) { o.MaxDeviceConns = 1 << 20 })
	bind := bindMessage(1, 3, string(s.device.Login), s.secret)
	look := searchFor(2, tlv(0xa3, str("telephoneNumber"), str("0305000777")), "cn")
	bye := tlv(0x30, number1(3), tlv(0x42))
	b.ReportAllocs()
	for b.Loop() {
		conn, err := tls.Dial("tcp", s.tls, s.client)
		if err != nil {
			b.Fatal(err)
		}
		c := rawOf(b, conn)
		c.ask(b, bind)
		c.ask(b, look)
		c.send(bye)
		_, _ = io.Copy(io.Discard, c.r)
		_ = conn.Close()
	}
}

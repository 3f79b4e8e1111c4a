package ldap_test

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"

	"ringbook/server/ldap"
)

// The benchmarks are the rows of DESIGN §9. The client sends octets made
// beforehand and only counts what comes back, so that little but the server is measured.

// ask sends m and reads on until the answer's last message.
func (c *raw) ask(tb testing.TB, m []byte) (octets int) {
	tb.Helper()
	octets, _ = c.askAll(tb, m)
	return octets
}

// askAll also returns the last message, which is valid until the next.
func (c *raw) askAll(tb testing.TB, m []byte) (octets int, last []byte) {
	tb.Helper()
	if _, err := c.Write(m); err != nil {
		tb.Fatal(err)
	}
	for {
		head, err := c.r.Peek(6)
		if err != nil {
			tb.Fatal(err)
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
			tb.Fatal(err)
		}
		op := msg[at+3]
		octets += at + n
		if op != 0x64 {
			if last, err = c.r.Peek(at + n); err != nil {
				tb.Fatal(err)
			}
		}
		if _, err := c.r.Discard(at + n); err != nil {
			tb.Fatal(err)
		}
		if op != 0x64 {
			return octets, last
		}
	}
}

// rawBench binds a device of a company of n people.
func rawBench(b *testing.B, n int) (*site, *raw) {
	b.Helper()
	s := newSite(b, crowd(n), nil)
	c := s.raw(b)
	c.r = bufio.NewReaderSize(c.Conn, 64<<10)
	if err := c.SetDeadline(time.Time{}); err != nil { // a benchmark takes as long as it is told to
		b.Fatal(err)
	}
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
				{"or4", limited(50, tlv(0xa1, begins("sn", "an"), begins("givenName", "an"), begins("cn", "an"), begins("mail", "an")), ask...)},
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

// BenchmarkPaged lists everybody in pages of 500.
func BenchmarkPaged(b *testing.B) {
	const size = 500
	for _, n := range []int{1000, 10_000, 100_000} {
		b.Run(fmt.Sprintf("people=%d", n), func(b *testing.B) {
			_, c := rawBench(b, n)
			_, content, _ := bytes.Cut(searchFor(2, tlv(0x87, []byte("sn")), "cn", "telephoneNumber"), number1(2))
			b.ReportAllocs()
			octets, pages := 0, 0
			for b.Loop() {
				octets, pages = 0, 0
				for cookie := []byte(nil); pages == 0 || len(cookie) > 0; pages++ {
					value := tlv(0x30, integer(size), tlv(4, cookie))
					more, last := c.askAll(b, tlv(0x30, number1(2), content, tlv(0xa0, tlv(0x30, str(goldap.ControlTypePaging), tlv(4, value)))))
					octets += more
					cookie = cookieOf(b, last)
				}
			}
			if pages != n/size {
				b.Fatalf("%d pages", pages)
			}
			b.ReportMetric(float64(octets), "octets/op")
		})
	}
}

// cookieOf returns the cookie in the last message of a page.
func cookieOf(tb testing.TB, last []byte) []byte {
	tb.Helper()
	p, err := ber.DecodePacketErr(last)
	if err != nil || len(p.Children) < 3 {
		tb.Fatalf("no controls: %v", err)
	}
	ctl, err := goldap.DecodeControl(p.Children[2].Children[0])
	paging, ok := ctl.(*goldap.ControlPaging)
	if !ok {
		tb.Fatalf("no paging control: %v", err)
	}
	return paging.Cookie
}

// BenchmarkConnect is a phone that connects anew for each look-up: with a full
// handshake or a resumed one, and without TLS.
func BenchmarkConnect(b *testing.B) {
	for _, k := range []struct {
		name    string
		rsa     bool
		resumes bool
		version uint16 // 0 = without TLS
	}{
		{"plain", false, false, 0},
		{"TLS1.3", false, false, tls.VersionTLS13},
		{"TLS1.3-resumed", false, true, tls.VersionTLS13},
		{"TLS1.2", false, false, tls.VersionTLS12},
		{"TLS1.2-resumed", false, true, tls.VersionTLS12},
		{"TLS1.2-RSA", true, false, tls.VersionTLS12},
	} {
		b.Run(k.name, func(b *testing.B) {
			s := newSite(b, crowd(10_000), func(o *ldap.Options) { o.MaxDeviceConns = 1 << 20 })
			address, client := s.plain, s.client.Clone()
			if k.version != 0 {
				address, client.MaxVersion = s.tls, k.version
			}
			if k.rsa {
				key, err := rsa.GenerateKey(rand.Reader, 2048)
				if err != nil {
					b.Fatal(err)
				}
				s.port.TLS, client.RootCAs = certificateOf(b, key)
				s.open(b)
				address = s.tls
			}
			if k.resumes {
				client.ClientSessionCache = tls.NewLRUClientSessionCache(1)
				s.lookUp(b, address, client)
			}
			b.ReportAllocs()
			before := processorTime(b)
			for b.Loop() {
				if c := s.lookUp(b, address, client); k.version != 0 && c.DidResume != k.resumes {
					b.Fatalf("resumed: %v", c.DidResume)
				}
			}
			b.ReportMetric(float64(processorTime(b)-before)/float64(b.N), "cpu-ns/op")
		})
	}
}

// processorTime is what this process has used, client and server alike: steadier than
// the time on a busy machine.
func processorTime(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// lookUp is a whole visit: connect, bind, search, unbind.
func (s *site) lookUp(tb testing.TB, address string, client *tls.Config) (state tls.ConnectionState) {
	tb.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		tb.Fatal(err)
	}
	defer conn.Close()
	c := rawOf(tb, conn)
	if address != s.plain {
		secure := tls.Client(conn, client)
		defer func() { state = secure.ConnectionState() }()
		c = rawOf(tb, secure)
	}
	c.ask(tb, bindMessage(1, 3, string(s.device.Login), s.secret))
	c.ask(tb, searchFor(2, tlv(0xa3, str("telephoneNumber"), str("0305000777")), "cn"))
	c.send(tlv(0x30, number1(3), tlv(0x42)))
	_, _ = io.Copy(io.Discard, c.r)
	return state
}

package server_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ringbook/server"
)

// A relay is a listener of pipes, whose far ends come from where the test says.
type relay struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newRelay() relay { return relay{make(chan net.Conn), make(chan struct{})} }

func (r relay) Accept() (net.Conn, error) {
	select {
	case c := <-r.conns:
		return c, nil
	case <-r.closed:
		return nil, net.ErrClosed
	}
}

func (r relay) Close() error   { close(r.closed); return nil }
func (r relay) Addr() net.Addr { return &net.TCPAddr{Port: 636} }

// connect opens a connection from an address.
func (r relay) connect(from string) net.Conn {
	ours, theirs := net.Pipe()
	r.conns <- farEnd{theirs, net.TCPAddrFromAddrPort(netip.MustParseAddrPort(from))}
	return ours
}

type farEnd struct {
	net.Conn
	from net.Addr
}

func (f farEnd) RemoteAddr() net.Addr { return f.from }

const proxy, stranger = "10.0.0.5:40000", "192.0.2.9:1234"

// The headers of the tests: the client is 203.0.113.7, or 2001:db8::7, port 4711.
var (
	v1      = "PROXY TCP4 203.0.113.7 198.51.100.1 4711 636\r\n"
	v1six   = "PROXY TCP6 2001:db8::7 2001:db8::1 4711 636\r\n"
	v1local = "PROXY UNKNOWN\r\n"
	v2      = v2header(0x21, 0x11, []byte{203, 0, 113, 7, 198, 51, 100, 1, 0x12, 0x67, 2, 0x7c})
	v2tlv   = v2header(0x21, 0x11, []byte{203, 0, 113, 7, 198, 51, 100, 1, 0x12, 0x67, 2, 0x7c, 4, 0, 3, 'a', 'b', 'c'})
	v2six   = v2header(0x21, 0x21, slices.Concat(sixteen("2001:db8::7"), sixteen("2001:db8::1"), []byte{0x12, 0x67, 2, 0x7c}))
	v2local = v2header(0x20, 0, nil)
	v2udp   = v2header(0x21, 0x12, []byte{203, 0, 113, 7, 198, 51, 100, 1, 0x12, 0x67, 2, 0x7c})
	v2unix  = v2header(0x21, 0x31, make([]byte, 216))
	v2long  = v2header(0x21, 0x11, append([]byte{203, 0, 113, 7, 198, 51, 100, 1, 0x12, 0x67, 2, 0x7c}, make([]byte, 60_000)...))
)

func v2header(command, family byte, rest []byte) string {
	return "\r\n\r\n\x00\r\nQUIT\n" + string([]byte{command, family, byte(len(rest) >> 8), byte(len(rest))}) + string(rest)
}

func sixteen(a string) []byte { b := netip.MustParseAddr(a).As16(); return b[:] }

// TestProxied: who is behind a trusted proxy is whom it names, and nobody else can
// name anybody.
func TestProxied(t *testing.T) {
	for _, c := range []struct {
		name, from, sent string
		want             string // where the connection is from; "" = it is refused
		rest             string // of what was sent
	}{
		{"version 1", proxy, v1 + "hello", "203.0.113.7:4711", "hello"},
		{"version 1 over IPv6", proxy, v1six + "hello", "[2001:db8::7]:4711", "hello"},
		{"version 1, the proxy itself", proxy, v1local + "hello", proxy, "hello"},
		{"version 2", proxy, v2 + "hello", "203.0.113.7:4711", "hello"},
		{"version 2 with more than addresses", proxy, v2tlv + "hello", "203.0.113.7:4711", "hello"},
		{"version 2 over IPv6", proxy, v2six + "hello", "[2001:db8::7]:4711", "hello"},
		{"version 2, the proxy itself", proxy, v2local + "hello", proxy, "hello"},
		{"a mapped address of the proxy", "[::ffff:10.0.0.5]:40000", v1 + "hello", "203.0.113.7:4711", "hello"},
		{"another header behind the first", proxy, v1 + v1, "203.0.113.7:4711", v1},
		{"no header", proxy, "\x16\x03\x01 hello, this is TLS", "", ""},
		{"no header of LDAP", proxy, "0\x0c\x02\x01\x01`\x07\x02\x01\x03\x04\x00\x80\x00", "", ""},
		{"nothing", proxy, "", "", ""},
		{"half a header", proxy, v1[:20], "", ""},
		{"half a header of version 2", proxy, v2[:20], "", ""},
		{"an endless line", proxy, "PROXY TCP4 " + strings.Repeat("1", 500) + "\r\n", "", ""},
		{"no addresses", proxy, "PROXY TCP4 a b c d\r\n", "", ""},
		{"a client of UDP", proxy, v2udp, "", ""},
		{"a client of a Unix socket", proxy, v2unix, "", ""},
		{"60 KB", proxy, v2long, "", ""},
		{"an unknown command", proxy, v2header(0x2f, 0x11, make([]byte, 12)), "", ""},
		{"a stranger", stranger, "hello", stranger, "hello"},
		{"a stranger with a header", stranger, v1 + "hello", stranger, v1 + "hello"},
		{"a stranger with one of version 2", stranger, v2 + "hello", stranger, v2 + "hello"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				r := newRelay()
				l := server.Proxied(r, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")}, slog.New(slog.NewTextHandler(&log, nil)))
				client := r.connect(c.from)
				go func() {
					_, _ = io.WriteString(client, c.sent)
					if c.want != "" {
						_ = client.Close()
					}
				}()
				var from, rest string
				done := make(chan struct{})
				go func() {
					defer close(done)
					conn, err := l.Accept()
					if err != nil {
						return
					}
					b, _ := io.ReadAll(conn)
					from, rest = conn.RemoteAddr().String(), string(b)
				}()
				<-time.After(6 * time.Second) // longer than a header may take
				synctest.Wait()
				if c.want == "" {
					if _, err := client.Write([]byte("?")); err == nil {
						t.Error("it is still open")
					}
					if !strings.Contains(log.String(), "connections of a proxy refused") {
						t.Errorf("the log says %q", log.String())
					}
				}
				_ = l.Close()
				<-done
				if from != c.want || rest != c.rest {
					t.Errorf("from %q with %q, want %q with %q", from, rest, c.want, c.rest)
				}
			})
		})
	}
}

// TestProxiedDoesNotWait: a proxy that says nothing keeps nobody else waiting, and an
// end waits for nobody.
func TestProxiedDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRelay()
		l := server.Proxied(r, []netip.Prefix{netip.MustParsePrefix("10.0.0.5/32")}, slog.New(slog.DiscardHandler))
		for range 100 {
			defer r.connect(proxy).Close()
		}
		go func() { _, _ = io.WriteString(r.connect(proxy), v2) }()
		c, err := l.Accept()
		if err != nil || c.RemoteAddr().String() != "203.0.113.7:4711" {
			t.Fatalf("%v, %v", c, err)
		}
		began := time.Now()
		if err := l.Close(); err != nil || time.Since(began) > 0 {
			t.Errorf("closed after %v: %v", time.Since(began), err)
		}
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a closed listener: %v", err)
		}
	})
}

// TestProxiedIsBounded: who may name others may not open without end either.
func TestProxiedIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRelay()
		l := server.Proxied(r, []netip.Prefix{netip.MustParsePrefix("10.0.0.5/32")}, slog.New(slog.DiscardHandler))
		defer l.Close()
		for range 1024 {
			defer r.connect(proxy).Close()
		}
		late := r.connect(proxy)
		if b, err := io.ReadAll(late); err != nil || len(b) > 0 {
			t.Errorf("%q, %v", b, err)
		}
		<-time.After(6 * time.Second)
		go func() { _, _ = io.WriteString(r.connect(proxy), v1) }()
		if _, err := l.Accept(); err != nil {
			t.Errorf("when the silent ones are gone: %v", err)
		}
	})
}

// TestNoProxies: a listener without any is itself.
func TestNoProxies(t *testing.T) {
	r := newRelay()
	if l := server.Proxied(r, nil, nil); l != net.Listener(r) {
		t.Errorf("%T", l)
	}
}

// FuzzProxied: whatever a proxy sends, the connection is refused, or what follows a
// header arrives whole.
func FuzzProxied(f *testing.F) {
	seeds := []string{v1, v1six, v1local, v2, v2tlv, v2six, v2local, v2udp, v2unix, v2long, "", "PROXY", "\r\n\r\n"}
	for _, s := range seeds {
		f.Add([]byte(s), []byte("hello"))
	}
	f.Fuzz(func(t *testing.T, header, rest []byte) {
		r := newRelay()
		l := server.Proxied(r, []netip.Prefix{netip.MustParsePrefix("10.0.0.5/32")}, slog.New(slog.DiscardHandler))
		client := r.connect(proxy)
		sent := slices.Concat(header, rest)
		go func() {
			_, _ = client.Write(sent)
			_ = client.Close()
			// Nobody else comes: Accept has the connection, or this one.
			r.conns <- farEnd{nothing{}, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 9)}}
		}()
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(c)
		if _, ok := c.(farEnd); !ok && !bytes.HasSuffix(sent, got) {
			t.Errorf("sent %q, and %q arrived", sent, got)
		}
		if !ok(c) {
			t.Errorf("from %v", c.RemoteAddr())
		}
		_ = c.Close()
		_ = l.Close()
	})
}

func ok(c net.Conn) bool {
	a, isTCP := c.RemoteAddr().(*net.TCPAddr)
	return isTCP && a.AddrPort().Addr().IsValid()
}

// nothing is a connection that has ended.
type nothing struct{ net.Conn }

func (nothing) Read([]byte) (int, error) { return 0, io.EOF }
func (nothing) Close() error             { return nil }

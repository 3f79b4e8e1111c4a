package server

import (
	"bytes"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// visitors is a listener whose connections come from where the test says.
type visitors struct {
	net.Listener
	next chan net.Addr
}

func (v visitors) Accept() (net.Conn, error) {
	a, ok := <-v.next
	if !ok {
		return nil, net.ErrClosed
	}
	return &visit{from: a}, nil
}

func (v visitors) Addr() net.Addr { return &net.TCPAddr{} }

type visit struct {
	net.Conn
	from net.Addr
}

func (v *visit) RemoteAddr() net.Addr { return v.from }
func (v *visit) Close() error         { return nil }

func at(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 1} }

func TestCappedListener(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		v := visitors{next: make(chan net.Addr, 1)}
		c := newCapped(v, slog.New(slog.NewTextHandler(&logged, nil)))
		// come reports whether a connection from ip gets in, by who comes after it.
		come := func(ip string) net.Conn {
			t.Helper()
			v.next <- at(ip)
			accepted := make(chan net.Conn, 1)
			go func() {
				conn, err := c.Accept()
				if err != nil {
					close(accepted)
					return
				}
				accepted <- conn
			}()
			synctest.Wait()
			select {
			case conn := <-accepted:
				return conn
			default:
				// Refused: Accept waits for the next one, which is let in.
				v.next <- at("127.0.0.1")
				(<-accepted).Close()
				return nil
			}
		}
		var open []net.Conn
		for i := range maxConnsPerSite {
			conn := come("2001:db8::" + []string{"1", "2", "3"}[i%3])
			if conn == nil {
				t.Fatalf("refused after %d", i)
			}
			open = append(open, conn)
		}
		for range 3 {
			if come("2001:db8::4") != nil {
				t.Fatal("one site has more than its share")
			}
		}
		if n := strings.Count(logged.String(), "refused at the limit"); n != 1 {
			t.Errorf("said so %d times:\n%s", n, logged.String())
		}
		for _, other := range []string{"2001:db8:0:1::1", "192.0.2.1", "127.0.0.1"} {
			if conn := come(other); conn == nil {
				t.Errorf("%s is refused for another's sake", other)
			} else {
				conn.Close()
			}
		}
		open[0].Close()
		open[0].Close() // counts once
		if conn := come("2001:db8::4"); conn == nil {
			t.Error("no room although one left")
		}
		if come("2001:db8::4") != nil {
			t.Error("a connection that was closed twice counts twice")
		}
		for range maxConns - maxConnsPerSite { // a proxy on this machine
			if come("::1") == nil {
				t.Fatal("loopback has a limit of its own")
			}
		}
		<-time.After(2 * complainEvery)
		logged.Reset()
		v.next <- at("192.0.2.1")
		go c.Accept()
		synctest.Wait()
		if !strings.Contains(logged.String(), "refused at the limit") {
			t.Error("more connections than the limit")
		}
		close(v.next)
	})
}

package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/pires/go-proxyproto"
)

const (
	// headerTime is for a PROXY header, which a proxy sends at once, before it passes
	// anything on.
	headerTime = 5 * time.Second
	// maxHeaders is how many connections wait for theirs at the same time, with some
	// 5 KB each at the most.
	maxHeaders = 1024
	// headerBuffer holds every header of version 1, and what proxies write in version 2.
	headerBuffer = 256
)

// errNoHeader: a proxy said nothing of who is behind it.
var errNoHeader = errors.New("no PROXY header")

// Proxied returns a listener that gives a connection from one of the trusted
// networks the address that the proxy there names in its PROXY header, of version 1
// or 2 (https://www.haproxy.org/download/3.4/doc/proxy-protocol.txt). A trusted
// proxy that sends none, or a broken one, is closed, and so is who takes longer than
// 5 s: an address that is not known must not be taken for the proxy's. Everybody else
// is left as he is, and a PROXY header of his is not what he should have begun with.
// The proxy's own connections (LOCAL, UNKNOWN) keep its address.
//
// The listener takes l over. Without networks it is l.
func Proxied(l net.Listener, trusted []netip.Prefix, log *slog.Logger) net.Listener {
	if len(trusted) == 0 {
		return l
	}
	ctx, cancel := context.WithCancel(context.Background())
	p := &proxied{
		Listener: l, trusted: trusted, log: log,
		ready: make(chan net.Conn), broken: make(chan error), room: make(chan struct{}, maxHeaders),
		end: cancel, ended: ctx.Done(),
	}
	p.running.Go(func() { p.run(ctx) })
	return p
}

type proxied struct {
	net.Listener
	trusted []netip.Prefix
	log     *slog.Logger
	refused seldom

	ready   chan net.Conn // whose client is known
	broken  chan error    // of the listener below
	room    chan struct{}
	end     func()
	ended   <-chan struct{}
	running sync.WaitGroup
}

// Accept returns the next connection whose client is known.
func (p *proxied) Accept() (net.Conn, error) {
	select {
	case c := <-p.ready:
		return c, nil
	case err := <-p.broken:
		return nil, err
	case <-p.ended:
		return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: p.Addr(), Err: net.ErrClosed}
	}
}

// Close waits for everything that was started.
func (p *proxied) Close() error {
	p.end()
	err := p.Listener.Close()
	p.running.Wait()
	return err
}

// run accepts until ctx ends. An error waits until somebody hears of it, so that the
// pause which follows is the caller's.
func (p *proxied) run(ctx context.Context) {
	for {
		c, err := p.Listener.Accept()
		if err != nil {
			select {
			case p.broken <- err:
				continue
			case <-ctx.Done():
				return
			}
		}
		if !p.trusts(c.RemoteAddr()) {
			p.hand(ctx, c)
			continue
		}
		select {
		case p.room <- struct{}{}:
			p.running.Go(func() {
				defer func() { <-p.room }()
				p.greet(ctx, c)
			})
		default:
			p.refuse(c, errors.New("too many connections wait for a PROXY header"))
		}
	}
}

func (p *proxied) trusts(a net.Addr) bool {
	t, ok := a.(*net.TCPAddr)
	return ok && slices.ContainsFunc(p.trusted, func(n netip.Prefix) bool {
		return n.Contains(t.AddrPort().Addr().Unmap().WithZone(""))
	})
}

// hand gives a connection to Accept.
func (p *proxied) hand(ctx context.Context, c net.Conn) {
	select {
	case p.ready <- c:
	case <-ctx.Done():
		_ = c.Close() // nobody wants it any more
	}
}

// greet reads what the proxy says of its client.
func (p *proxied) greet(ctx context.Context, c net.Conn) {
	_ = c.SetReadDeadline(time.Now().Add(headerTime))
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	b, err := behind(c)
	if !stop() {
		return
	}
	if err != nil {
		p.refuse(c, err)
		return
	}
	_ = c.SetReadDeadline(time.Time{})
	p.hand(ctx, b)
}

// refuse closes a connection and says so now and then.
func (p *proxied) refuse(c net.Conn, why error) {
	_ = c.Close() // it was told nothing, and is not now
	if n, due := p.refused.add(); due {
		p.log.LogAttrs(context.Background(), slog.LevelWarn, "connections of a proxy refused",
			slog.String("address", p.Addr().String()), slog.String("proxy", c.RemoteAddr().String()),
			slog.Int("refused", n), slog.String("error", why.Error()))
	}
}

// behind reads the header and returns the connection of who is behind the proxy.
func behind(c net.Conn) (net.Conn, error) {
	r := bufio.NewReaderSize(c, headerBuffer)
	h, err := proxyproto.Read(r)
	if errors.Is(err, proxyproto.ErrNoProxyProtocol) {
		return nil, errNoHeader
	}
	if err != nil {
		return nil, fmt.Errorf("read the PROXY header: %w", err)
	}
	from := c.RemoteAddr()
	if h.Command.IsProxy() && !h.TransportProtocol.IsUnspec() {
		client, _, ok := h.TCPAddrs()
		if !ok || !client.AddrPort().Addr().IsValid() {
			return nil, errors.New("the PROXY header names no client of TCP")
		}
		from = client
	}
	return &relayed{Conn: c, rest: r, from: from}, nil
}

// A relayed connection is a client's, through a proxy.
type relayed struct {
	net.Conn
	from net.Addr
	rest *bufio.Reader // what came with the header; nil = it is read
}

// RemoteAddr returns the client's address.
func (r *relayed) RemoteAddr() net.Addr { return r.from }

func (r *relayed) Read(p []byte) (int, error) {
	if r.rest != nil && r.rest.Buffered() > 0 {
		return r.rest.Read(p)
	}
	r.rest = nil
	return r.Conn.Read(p)
}

// CloseWrite ends our side of the conversation.
func (r *relayed) CloseWrite() error {
	if t, ok := r.Conn.(*net.TCPConn); ok {
		return t.CloseWrite()
	}
	return errors.ErrUnsupported
}

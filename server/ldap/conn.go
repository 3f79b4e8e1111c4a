package ldap

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"ringbook/directory"
)

// readBuffer holds a usual request whole; each idle connection keeps one.
const readBuffer = 512

// A conn is one client's connection. Its reading goroutine, which at times hands
// that work to another, owns everything but what is marked otherwise.
type conn struct {
	srv  *Server
	port *Port
	raw  net.Conn
	from netip.Addr
	// anonymous is what the client may do without a login; nil = nothing.
	anonymous *Anonymous
	stream    net.Conn // raw, or what stands over it; changes only while no operation runs
	reader    *bufio.Reader
	secure    bool               // stream is TLS
	cancel    context.CancelFunc // ends the operations under way
	spawn     func(func())       // starts a goroutine that the server waits for
	unhook    func() bool        // of the server's end

	device  directory.DeviceID // "" = anonymous
	login   directory.Login
	rotated int       // of the device at the bind: a secret that was replaced since ends the session
	detach  func()    // forgets the device's session
	expires time.Time // of a connection that no device has bound
	tried   bool      // there was a bind

	writing sync.Mutex                // one writer at a time
	ending  atomic.Pointer[departure] // set once, by whoever ends the connection
	wait    sync.WaitGroup            // operations under way
	broken  atomic.Bool               // a write failed, or TLS is being set up: nothing can be said
	mu      sync.Mutex
	running map[int32]*operation // guarded by mu; by message id
	count   int                  // guarded by mu; operations that have not ended
	closing int                  // guarded by mu; of them, those whose last answer is being sent
	freed   sync.Cond            // of mu: count has become less
}

// A departure is why the server ends a connection.
type departure struct {
	why   result
	grace time.Duration // for operations under way
}

// errAbandoned is why an operation ends that nobody waits for any more.
var errAbandoned = errors.New("abandoned")

// errPanic: a fault of ours outside of any operation.
var errPanic = errors.New("panic")

// errHandedOver: another goroutine reads on.
var errHandedOver = errors.New("handed over")

// errEnding refuses to write to a connection that is being ended.
var errEnding = errors.New("connection is ending")

func newConn(s *Server, p *Port, raw net.Conn, from netip.Addr, spawn func(func())) *conn {
	c := &conn{srv: s, port: p, raw: raw, from: from, anonymous: p.anonymous(from), stream: raw, spawn: spawn, running: map[int32]*operation{}}
	c.freed.L = &c.mu
	return c
}

// serve reads and answers until the client leaves, breaks the rules or is told to
// go, or until another goroutine does. ctx ends with the server.
func (c *conn) serve(ctx context.Context) {
	var own context.Context
	own, c.cancel = context.WithCancel(context.WithoutCancel(ctx))
	c.unhook = context.AfterFunc(ctx, func() {
		c.end(refuse(goldap.LDAPResultUnavailable, "server is going down"), shutdownGrace)
	})
	c.expires = time.Now().Add(c.srv.BindTimeout)
	c.read(own)
}

// read is what the reading goroutine does: it sees the connection to its end, unless
// it hands the reading over.
func (c *conn) read(ctx context.Context) {
	if err := c.converse(ctx); !errors.Is(err, errHandedOver) {
		c.complain(ctx, err)
		c.leave(err)
	}
}

// converse reads and answers requests; the error says why it stopped.
func (c *conn) converse(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			c.logPanic(ctx, p)
			err = errPanic
		}
	}()
	if c.reader == nil {
		if err := c.open(ctx); err != nil {
			return err
		}
		c.reader = bufio.NewReaderSize(c.stream, readBuffer)
	}
	for {
		b, err := c.next()
		if err != nil {
			return err
		}
		m, err := decodeMessage(b)
		if err != nil {
			return err
		}
		if m.op == opBindRequest && !c.tried {
			c.tried = true
			err = c.elsewhere(ctx, func() error { return c.handle(ctx, m) })
		} else {
			err = c.handle(ctx, m)
		}
		if err != nil {
			return err
		}
	}
}

// elsewhere runs f on another stack and waits for it. A stack does not shrink to what
// it needs, and that of the reader is kept for as long as the client is idle: most
// shake hands, bind, and are.
func (c *conn) elsewhere(ctx context.Context, f func() error) error {
	done := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				c.logPanic(ctx, p)
				done <- errPanic
			}
		}()
		done <- f()
	}()
	return <-done
}

// startTLS puts TLS over the connection.
func (c *conn) startTLS(ctx context.Context) error {
	c.broken.Store(true) // in the middle of a handshake there are no words
	deadline := time.Now().Add(c.srv.BindTimeout)
	if c.device == "" && c.expires.Before(deadline) {
		deadline = c.expires // it is for handshake and bind together
	}
	_ = c.raw.SetWriteDeadline(deadline)
	c.setReadDeadline(deadline)
	if c.ending.Load() != nil {
		return errEnding
	}
	t := tls.Server(c.stream, c.port.TLS)
	if err := c.elsewhere(ctx, func() error { return t.HandshakeContext(ctx) }); err != nil {
		return fmt.Errorf("%w: %w", errHandshake, err)
	}
	c.broken.Store(false)
	c.stream, c.secure = t, true
	return nil
}

// next waits for the next message, as long as this client may keep us waiting.
func (c *conn) next() ([]byte, error) {
	for {
		deadline := c.expires
		if c.device != "" {
			deadline = time.Now().Add(c.srv.IdleTimeout)
		}
		c.setReadDeadline(deadline)
		first, err := c.reader.Peek(1)
		if err == nil && first[0] == tlsHandshake && !c.secure {
			return nil, fmt.Errorf("%w: %w", errTLSHere, errFraming)
		}
		if err == nil {
			break
		}
		// A stranger's time is up for good, and a deadline that is past would only
		// come again and again.
		home := c.device != "" || c.anonymous != nil
		if !errors.Is(err, os.ErrDeadlineExceeded) || !home || !c.busy() || c.ending.Load() != nil {
			return nil, err
		}
		if c.device == "" {
			c.expires = time.Now().Add(c.srv.IdleTimeout)
		}
	}
	if c.device == "" {
		return readFrame(c.reader, c.srv.MaxUnboundMessage)
	}
	if !hasFrame(c.reader) {
		c.setReadDeadline(time.Now().Add(messageTimeout))
	}
	return readFrame(c.reader, c.srv.MaxMessage)
}

// busy reports whether an operation is under way: such a client is not idle.
func (c *conn) busy() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.count > 0
}

// end ends the connection from any goroutine and at once: the reader wakes up,
// writers have until grace and a little more. Only the first call counts.
func (c *conn) end(why result, grace time.Duration) {
	if !c.ending.CompareAndSwap(nil, &departure{why: why, grace: grace}) {
		return
	}
	now := time.Now()
	_ = c.raw.SetReadDeadline(now)
	_ = c.raw.SetWriteDeadline(now.Add(grace + cutTimeout))
	if grace == 0 {
		c.cancel() // the reader may be waiting for the operations itself
	} else {
		time.AfterFunc(grace, c.cancel)
	}
}

// setReadDeadline sets a deadline that end may have overtaken.
func (c *conn) setReadDeadline(t time.Time) {
	_ = c.raw.SetReadDeadline(t)
	if c.ending.Load() != nil {
		_ = c.raw.SetReadDeadline(time.Now())
	}
}

// write writes whole messages, all or none of them before anybody else's.
func (c *conn) write(b []byte) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	_ = c.raw.SetWriteDeadline(time.Now().Add(c.srv.WriteTimeout))
	if d := c.ending.Load(); d != nil {
		if d.grace == 0 {
			return errEnding
		}
		_ = c.raw.SetWriteDeadline(time.Now().Add(cutTimeout))
	}
	_, err := c.stream.Write(b)
	if err != nil {
		c.broken.Store(true)
		c.end(success, 0)
	}
	return err
}

// leave is the end of every connection: operations end, the client is told why
// where the protocol has words for it, and all is closed. cause is what ended the
// reading.
func (c *conn) leave(cause error) {
	defer c.cancel()
	defer c.unhook()
	c.ending.CompareAndSwap(nil, departed(cause))
	d := c.ending.Load()
	if d.grace > 0 {
		c.await(d.grace)
		c.ending.Store(&departure{why: d.why})
	}
	c.cancel()
	_ = c.raw.SetWriteDeadline(time.Now().Add(cutTimeout))
	c.wait.Wait()
	c.become(directory.Device{}, nil)
	c.srv.census.leave(c.from)
	c.srv.traffic.count(c.port.Name, func(t *Traffic) { t.Open-- })
	if d.why != success && !c.broken.Load() { // nothing can follow half a message
		c.farewell(d.why)
	}
	if c.secure && !c.broken.Load() {
		_ = c.stream.Close() // tells the client; it may not hear it
	}
	_ = c.raw.Close()
}

// departed says what follows from an error of reading or handling.
func departed(cause error) *departure {
	switch {
	case errors.Is(cause, errFraming):
		return &departure{why: refuse(goldap.LDAPResultProtocolError, "malformed message")}
	case errors.Is(cause, errOversize):
		return &departure{why: refuse(goldap.LDAPResultProtocolError, "message too large")}
	case errors.Is(cause, errRevoked):
		return &departure{why: revoked}
	case errors.Is(cause, errPanic):
		return &departure{why: refuse(goldap.LDAPResultOther, "internal error")}
	case errors.Is(cause, io.EOF):
		return &departure{grace: shutdownGrace} // it may still listen
	}
	return &departure{}
}

// await waits for the operations under way, but not for ever.
func (c *conn) await(d time.Duration) {
	done := make(chan struct{})
	go func() { c.wait.Wait(); close(done) }() // leave waits for the same
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-done:
	case <-t.C:
	}
}

// farewell sends a notice of disconnection and makes sure that a client that is
// still sending can read it: closing with octets unread would reset the
// connection.
func (c *conn) farewell(why result) {
	_ = c.raw.SetWriteDeadline(time.Now().Add(cutTimeout))
	if _, err := c.stream.Write(appendNotice(nil, why)); err != nil {
		c.broken.Store(true)
		return
	}
	if t, ok := c.raw.(interface{ CloseWrite() error }); ok && !c.secure {
		if t.CloseWrite() == nil {
			_ = c.raw.SetReadDeadline(time.Now().Add(cutTimeout))
			_, _ = io.CopyN(io.Discard, c.raw, int64(c.srv.MaxMessage))
		}
	}
}

// become makes the connection the device's; the zero Device = anonymous.
func (c *conn) become(d directory.Device, detach func()) {
	if c.device != "" {
		c.detach()
		c.srv.census.unbind(c.from, c.device)
		c.expires = time.Now().Add(c.srv.BindTimeout)
	}
	c.device, c.login, c.rotated, c.detach = d.ID, d.Login, d.Rotated, detach
}

// handle carries out a request, or sets it going. An error ends the connection.
func (c *conn) handle(ctx context.Context, m message) (err error) {
	answer, answered := responseTo(m.op)
	defer c.rescue(ctx, m.id, answer, &err)
	switch {
	case m.op == opUnbindRequest:
		return errUnbound
	case m.op == opAbandonRequest:
		if _, r := decodeControls(m.op, m.controls); r != success {
			return nil // not to be carried out, and nobody is told
		}
		return c.abandon(m.body)
	case !answered || m.id == 0:
		return errFraming
	case m.op == opSearchRequest:
		return c.start(ctx, m)
	case m.op == opBindRequest:
		return c.bind(ctx, m)
	}
	_, r := decodeControls(m.op, m.controls)
	switch {
	case r != success:
	case m.op == opExtendedRequest:
		return c.extended(ctx, m)
	case m.op == opCompareRequest:
		if r, err = c.compare(m.body); err != nil {
			return err
		}
	default:
		r = refuse(goldap.LDAPResultUnwillingToPerform, "this directory is read-only")
	}
	return c.answer(m.id, answer, r)
}

// errUnbound: the client said goodbye.
var errUnbound = errors.New("unbind")

func (c *conn) answer(id int32, op byte, r result) error {
	return c.write(appendAnswer(nil, id, op, r, nil))
}

// rescue turns a panic while a request was carried out into an answer: the others
// on this connection, and everybody else, go on.
func (c *conn) rescue(ctx context.Context, id int32, answer byte, err *error) {
	p := recover()
	if p == nil {
		return
	}
	c.logPanic(ctx, p)
	if answer == 0 {
		return // nobody waits for one
	}
	*err = c.answer(id, answer, refuse(goldap.LDAPResultOther, "internal error"))
}

// rescue is the same for a search.
func (op *operation) rescue(ctx context.Context) {
	if p := recover(); p != nil {
		op.c.logPanic(ctx, p)
		b, _ := op.appendLast(nil, refuse(goldap.LDAPResultOther, "internal error"), nil)
		_ = op.c.write(b) // tells the reader itself
	}
}

func (c *conn) logPanic(ctx context.Context, p any) {
	c.srv.Log.LogAttrs(ctx, slog.LevelError, "ldap operation panicked",
		slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
}

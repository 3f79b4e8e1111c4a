package server

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"
)

// The limits of an HTTP connection. What a body may be, and how long reading or
// writing one may take, is for each handler to say.
const (
	// headerWait is for a phone at the edge of a network; it covers the TLS handshake too.
	headerWait = 10 * time.Second
	// restWait is for the rest of a body that its handler did not want. The
	// library reads that before it answers, to keep the connection.
	restWait = 5 * time.Second
	// idleWait keeps a connection over the requests of one sync, which follow
	// each other within seconds; the next sync comes minutes later.
	idleWait = time.Minute
	// maxHeader is several times what the most talkative client sends.
	maxHeader = 16 << 10
	// maxStreams of one HTTP/2 connection: clients open a handful.
	maxStreams = 32
	// streamBuffer holds a usual request; a larger body waits for its handler.
	streamBuffer = 64 << 10
	// maxConns at about 40 KB each with TLS; ten thousand phones have a tenth of that open.
	maxConns = 8192
	// maxConnsPerSite is for one IPv4 address or IPv6 /64: a large office behind one address.
	maxConnsPerSite = maxConns / 4
)

// HTTP is the surface of everything that speaks HTTP. Over TLS it offers HTTP/2.
type HTTP struct {
	Handler http.Handler
	TLS     *tls.Config // nil = plain
	Log     *slog.Logger
}

// Serve implements [Surface]. When ctx ends, open requests have [Grace] to end;
// then their connections are closed and their contexts end.
func (h HTTP) Serve(ctx context.Context, l net.Listener) error {
	requests, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	in := &entrance{next: h.Handler, log: h.Log}
	srv := &http.Server{
		Handler:           in,
		TLSConfig:         h.TLS,
		ReadHeaderTimeout: headerWait,
		IdleTimeout:       idleWait,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          log.New(&complaints{log: h.Log}, "", 0),
		BaseContext:       func(net.Listener) context.Context { return requests },
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          maxStreams,
			MaxReadFrameSize:              streamBuffer,
			MaxReceiveBufferPerStream:     streamBuffer,
			MaxReceiveBufferPerConnection: 4 * streamBuffer,
			// A peer that takes nothing for so long is gone.
			WriteByteTimeout: idleWait,
		},
	}
	l = newCapped(l, h.Log)
	failed := make(chan error, 1)
	go func() {
		if h.TLS != nil {
			failed <- srv.ServeTLS(l, "", "")
			return
		}
		failed <- srv.Serve(l)
	}()
	var cause error
	select {
	case cause = <-failed: // a listener that broke
		failed <- cause
	case <-ctx.Done():
	}
	err := h.shutdown(ctx, srv)
	cancel()
	in.close()
	if cause = <-failed; errors.Is(cause, http.ErrServerClosed) {
		cause = nil
	}
	return errors.Join(cause, err)
}

// shutdown lets open requests end, then closes what is left.
func (h HTTP) shutdown(ctx context.Context, srv *http.Server) error {
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), Grace)
	defer cancel()
	err := srv.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		return srv.Close()
	}
	return err
}

// An entrance stands before the handler: it keeps a panic from being more than
// one failed request, and knows when the last request has ended.
type entrance struct {
	next   http.Handler
	log    *slog.Logger
	open   sync.RWMutex // held for reading by every request
	closed bool
}

// close waits for the requests that are open and lets no more in.
func (e *entrance) close() {
	e.open.Lock()
	defer e.open.Unlock()
	e.closed = true
}

func (e *entrance) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.open.RLock()
	defer e.open.RUnlock()
	if e.closed {
		panic(http.ErrAbortHandler)
	}
	if r.ProtoMajor == 1 && r.Body != http.NoBody {
		b := &body{ReadCloser: r.Body}
		r.Body = b
		defer b.limitRest(w)
	}
	t := &tracker{ResponseWriter: w}
	defer e.recovered(t, r)
	e.next.ServeHTTP(t, r)
}

// A body knows whether it was read to its end.
type body struct {
	io.ReadCloser
	ended bool
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.ended = b.ended || errors.Is(err, io.EOF)
	return n, err
}

// limitRest is called when the handler has returned. After a body's end the
// deadline is left alone: the library then waits for the next request, and a
// deadline would end the connection's context.
func (b *body) limitRest(w http.ResponseWriter) {
	if !b.ended {
		// Every connection has deadlines; one that has none is closed already.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(restWait))
	}
}

// recovered answers a request whose handler panicked. An answer that has begun
// is broken off: an end that looks right would be worse.
func (e *entrance) recovered(t *tracker, r *http.Request) {
	cause := recover()
	if cause == nil {
		return
	}
	if cause != http.ErrAbortHandler { //nolint:errorlint // panicked with, not wrapped
		e.log.LogAttrs(r.Context(), slog.LevelError, "request panicked",
			slog.String("method", r.Method), slog.String("path", r.URL.Path),
			slog.Any("panic", cause), slog.String("stack", string(debug.Stack())))
	}
	if t.begun || cause == http.ErrAbortHandler { //nolint:errorlint // as above
		panic(http.ErrAbortHandler)
	}
	clear(t.Header())
	t.Header().Set("Connection", "close")
	http.Error(t, "internal error", http.StatusInternalServerError)
}

// A tracker knows whether the answer has begun.
type tracker struct {
	http.ResponseWriter
	begun bool
}

func (t *tracker) WriteHeader(status int) {
	t.begun = t.begun || status >= http.StatusOK
	t.ResponseWriter.WriteHeader(status)
}

func (t *tracker) Write(p []byte) (int, error) {
	t.begun = true
	return t.ResponseWriter.Write(p)
}

// Flush serves handlers that ask for [http.Flusher].
func (t *tracker) Flush() {
	t.begun = true
	if f, ok := t.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
}

// Unwrap serves [http.ResponseController].
func (t *tracker) Unwrap() http.ResponseWriter { return t.ResponseWriter }

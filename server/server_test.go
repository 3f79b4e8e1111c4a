package server_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ringbook/server"
)

// listen opens a port on loopback.
func listen(t *testing.T) net.Listener {
	t.Helper()
	var c net.ListenConfig
	l, err := c.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// quiet is a log that nobody reads.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// A record keeps what was logged.
type record struct {
	mu   sync.Mutex
	text strings.Builder
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

func (r *record) log() *slog.Logger { return slog.New(slog.NewTextHandler(r, nil)) }

// run serves h on a port of its own and returns the address; the surface ends with the test.
func run(t *testing.T, h server.HTTP) string {
	t.Helper()
	l := listen(t)
	addr := l.Addr().String()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx, []server.Door{{Name: "http", Listener: l, Surface: h}}, quiet()) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	return addr
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	var d net.Dialer
	c, err := d.DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// within is how long a test waits for what must happen.
const within = 30 * time.Second

// surface is a surface made of a function.
type surface func(ctx context.Context, l net.Listener) error

func (s surface) Serve(ctx context.Context, l net.Listener) error { return s(ctx, l) }

func TestRunEndsAllWhenOneFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("out of order")
	for name, cause := range map[string]error{"with an error": broken, "without": nil} {
		t.Run(name, func(t *testing.T) {
			first, second := listen(t), listen(t)
			var ended bool
			err := server.Run(t.Context(), []server.Door{
				{Name: "ldap", Listener: first, Surface: surface(func(ctx context.Context, l net.Listener) error {
					<-ctx.Done()
					ended = true
					return l.Close()
				})},
				{Name: "ldaps", Listener: second, Surface: surface(func(_ context.Context, l net.Listener) error {
					return errors.Join(cause, l.Close())
				})},
			}, quiet())
			if err == nil || !strings.Contains(err.Error(), "ldaps on "+second.Addr().String()) {
				t.Fatalf("the error does not say where: %v", err)
			}
			if cause != nil && !errors.Is(err, cause) {
				t.Errorf("the error does not say why: %v", err)
			}
			if !ended {
				t.Error("the other surface goes on")
			}
		})
	}
}

func TestRunGivesUpOnASurfaceThatHangs(t *testing.T) {
	t.Parallel()
	l := listen(t)
	t.Cleanup(func() { l.Close() })
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		hang := make(chan struct{})
		defer close(hang)
		time.AfterFunc(time.Minute, cancel)
		start := time.Now()
		err := server.Run(ctx, []server.Door{{Name: "ldap", Listener: l, Surface: surface(func(context.Context, net.Listener) error {
			<-hang
			return nil
		})}}, quiet())
		if err == nil {
			t.Error("no error")
		}
		if took := time.Since(start) - time.Minute; took > 2*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestOpenRequestsMayEnd(t *testing.T) {
	t.Parallel()
	began, ask := make(chan struct{}), make(chan struct{})
	l := listen(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	h := server.HTTP{Log: quiet(), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(began)
		<-ask
		if r.Context().Err() != nil {
			t.Error("the request's context ended with the server's")
		}
		io.WriteString(w, "whole")
	})}
	go func() { done <- h.Serve(ctx, l) }()
	answer := make(chan string, 1)
	go func() {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.Addr().String(), http.NoBody)
		if err != nil {
			t.Error(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			answer <- err.Error()
			return
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		answer <- string(body)
	}()
	<-began
	cancel()
	// Once the listener is closed the end is under way.
	for {
		c, err := net.DialTimeout("tcp", l.Addr().String(), within)
		if err != nil {
			break
		}
		c.Close()
	}
	close(ask)
	if got := <-answer; got != "whole" {
		t.Errorf("answer %q", got)
	}
	if err := <-done; err != nil {
		t.Errorf("serve: %v", err)
	}
}

func TestServeOutlastsNoRequest(t *testing.T) {
	t.Parallel()
	began := make(chan struct{})
	var ended bool
	l := listen(t)
	ctx, cancel := context.WithCancel(t.Context())
	h := server.HTTP{Log: quiet(), Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(began)
		<-r.Context().Done() // a request without end
		ended = true
	})}
	done := make(chan error, 1)
	go func() { done <- h.Serve(ctx, l) }()
	c := dial(t, l.Addr().String())
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	<-began
	start := time.Now()
	cancel()
	if err := <-done; err != nil {
		t.Errorf("serve: %v", err)
	}
	if !ended {
		t.Error("the surface ended before its request")
	}
	if took := time.Since(start); took > 10*server.Grace {
		t.Errorf("took %v", took)
	}
}

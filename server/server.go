// Package server runs the surfaces: listeners, TLS, limits, an ordered end.
//
// # Dependencies
//
//	for           we use                      why not something else
//	PROXY header  pires/go-proxyproto 0.15    reads both versions within bounds, is fuzzed and well kept; its
//	                                          listener reads in the caller of RemoteAddr, so that we have our own
//	ACME          caddyserver/certmagic 0.25  renews by schedule and shares its storage between instances;
//	                                          x/crypto/autocert renews when somebody connects
//	certmagic's   go.uber.org/zap 1.28        the one logger that certmagic takes; it is bridged to slog here
//	log
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"
)

// A Surface serves one protocol on a listener until ctx ends, then ends what it
// started (open requests get a short grace), closes l and returns nil.
type Surface interface {
	Serve(ctx context.Context, l net.Listener) error
}

// Grace is how long open requests may go on once the end has been asked for.
// With what comes after it, a Ctrl-C is over within two seconds.
const Grace = time.Second

// patience is how long Run waits for surfaces that should have ended. It is
// longer than Grace by what closing connections takes.
const patience = Grace + 700*time.Millisecond

// A Door is a listener and the surface behind it.
type Door struct {
	Name     string // for the log and errors, such as "ldaps"
	Listener net.Listener
	Surface  Surface
}

// Run serves every door until ctx ends, then waits until all surfaces have
// ended and returns what went wrong in doing so. A surface that ends before ctx
// does takes all others with it, and the error names its door.
func Run(ctx context.Context, doors []Door, log *slog.Logger) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan result, len(doors))
	for i, d := range doors {
		log.LogAttrs(ctx, slog.LevelInfo, "listening",
			slog.String("door", d.Name), slog.String("address", d.Listener.Addr().String()))
		go func() { ended <- result{i, d.Surface.Serve(ctx, d.Listener)} }()
	}
	var errs []error
	asked := ctx.Done()
	var late <-chan time.Time // nil until the end has been asked for
	for left := len(doors); left > 0; {
		select {
		case r := <-ended:
			left--
			errs = append(errs, doors[r.door].ended(ctx, r.cause))
			cancel()
		case <-asked:
			asked, late = nil, time.After(patience)
		case <-late:
			return errors.Join(append(errs, fmt.Errorf("%d of %d listeners have not ended after %v", left, len(doors), patience))...)
		}
	}
	return errors.Join(errs...)
}

// A result is how the surface behind a door ended.
type result struct {
	door  int
	cause error
}

// ended says what was wrong about a surface's end.
func (d Door) ended(ctx context.Context, cause error) error {
	switch {
	case cause != nil:
		return fmt.Errorf("%s on %s: %w", d.Name, d.Listener.Addr(), cause)
	case ctx.Err() == nil:
		return fmt.Errorf("%s on %s: ended without being asked to", d.Name, d.Listener.Addr())
	}
	return nil
}

// Package server runs the surfaces: listeners, TLS, limits, an ordered end.
package server

import (
	"context"
	"net"
)

// A Surface serves one protocol on a listener until ctx ends, then ends what it
// started (open requests get a short grace), closes l and returns nil.
type Surface interface {
	Serve(ctx context.Context, l net.Listener) error
}

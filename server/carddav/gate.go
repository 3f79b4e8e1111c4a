package carddav

import (
	"context"
	"sync"
	"time"

	"ringbook/directory"
)

// Limits of answers that do not fit one buffer. Each holds some 150 KB, or 1.3 MB
// if it is compressed, for as long as the client takes to read.
const (
	maxStreams = 100
	// maxDeviceStreams keeps one slow device from taking all the places. DAVx5
	// asks for up to 8 multigets at once, which seldom are that large.
	maxDeviceStreams = 8
	// gateWait is shorter than the 30 s after which the first clients give up.
	gateWait = 20 * time.Second
)

// A gate limits the streamed answers at any one time.
type gate struct {
	places chan struct{}
	mu     sync.Mutex
	held   map[directory.DeviceID]int
}

func newGate() *gate {
	return &gate{places: make(chan struct{}, maxStreams), held: make(map[directory.DeviceID]int)}
}

// enter waits a while for a place; leave gives it back. No place is
// [directory.ErrUnavailable].
func (g *gate) enter(ctx context.Context, id directory.DeviceID) (leave func(), err error) {
	if !g.take(id) {
		return nil, directory.ErrUnavailable
	}
	wait := time.NewTimer(gateWait)
	defer wait.Stop()
	select {
	case g.places <- struct{}{}:
		return func() { <-g.places; g.give(id) }, nil
	case <-wait.C:
		err = directory.ErrUnavailable
	case <-ctx.Done():
		err = ctx.Err()
	}
	g.give(id)
	return nil, err
}

func (g *gate) take(id directory.DeviceID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.held[id] >= maxDeviceStreams {
		return false
	}
	g.held[id]++
	return true
}

func (g *gate) give(id directory.DeviceID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.held[id]--; g.held[id] == 0 {
		delete(g.held, id)
	}
}

// Package gate bounds the answers over HTTP that last for as long as their client
// takes to read them, and ends each when its device may not have it any more.
package gate

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"ringbook/directory"
)

// Devices knows the devices as they are now. *auth.Authority is one.
type Devices interface {
	// Current returns the device; [directory.ErrCredential] = it is revoked.
	Current(id directory.DeviceID) (directory.Device, error)
	// Attach has end called, once and from another goroutine, when the device is
	// revoked or gets a new secret. detach must be called.
	Attach(id directory.DeviceID, end func()) (detach func(), err error)
}

// Limits are how many answers there are at any one time, and how long one waits
// for a place.
type Limits struct {
	Answers   int
	PerDevice int // so that one slow device does not take all the places
	Wait      time.Duration
}

// A Gate limits answers. Its methods may be called from any goroutine.
type Gate struct {
	limits  Limits
	devices Devices
	places  chan struct{}
	mu      sync.Mutex
	held    map[directory.DeviceID]int
}

// New makes a gate.
func New(l Limits, d Devices) *Gate {
	return &Gate{limits: l, devices: d, places: make(chan struct{}, l.Answers), held: make(map[directory.DeviceID]int)}
}

// A Pass is leave to answer. It is of one goroutine.
type Pass struct {
	ctx    context.Context //nolint:containedctx // it is the answer's, whose causes say why it ends
	gate   *Gate
	device directory.Device
	leave  func() // nil = left
}

// Admit waits a while for a place. Whoever is admitted has to leave. No place is
// [directory.ErrUnavailable], a revoked device [directory.ErrCredential]. control is
// the answer's: a writer that waits for a slow reader is woken through it.
func (g *Gate) Admit(ctx context.Context, control *http.ResponseController, d directory.Device) (*Pass, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	leave, err := g.enter(ctx, d.ID)
	if err != nil {
		cancel(err)
		return nil, err
	}
	end := &ending{control: control, cancel: cancel}
	detach, err := g.devices.Attach(d.ID, end.now)
	if err != nil {
		leave()
		cancel(err)
		return nil, err
	}
	return &Pass{ctx: ctx, gate: g, device: d, leave: func() {
		detach()
		end.forget()
		cancel(nil)
		leave()
	}}, nil
}

// Ended says why the answer is to end; nil = it is not. A writer asks before each
// piece: a slow phone would else go on filling itself for hours.
func (p *Pass) Ended() error {
	if err := context.Cause(p.ctx); err != nil {
		return err
	}
	d, err := p.gate.devices.Current(p.device.ID)
	switch {
	case err != nil:
		return err
	case d.Rotated != p.device.Rotated:
		return directory.ErrCredential
	case d.State != p.device.State:
		return fmt.Errorf("device is %s by now: %w", d.State, directory.ErrUnavailable)
	}
	return nil
}

// Leave gives the place back. It may be called again.
func (p *Pass) Leave() {
	if p.leave != nil {
		p.leave()
		p.leave = nil
	}
}

// enter waits for a place; leave gives it back.
func (g *Gate) enter(ctx context.Context, id directory.DeviceID) (leave func(), err error) {
	if !g.take(id) {
		return nil, directory.ErrUnavailable
	}
	wait := time.NewTimer(g.limits.Wait)
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

func (g *Gate) take(id directory.DeviceID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.held[id] >= g.limits.PerDevice {
		return false
	}
	g.held[id]++
	return true
}

func (g *Gate) give(id directory.DeviceID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.held[id]--; g.held[id] == 0 {
		delete(g.held, id)
	}
}

// An ending breaks an answer off from outside, even while it waits for a slow
// reader.
type ending struct {
	mu      sync.Mutex
	control *http.ResponseController // nil = the answer is over
	cancel  context.CancelCauseFunc
}

func (e *ending) now() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.control == nil {
		return
	}
	// First the cause, then the deadline: the writer sets its own deadline
	// before it looks at the cause, so one of the two stops it.
	e.cancel(directory.ErrCredential)
	_ = e.control.SetWriteDeadline(time.Now())
}

func (e *ending) forget() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.control = nil
}

package auth

import (
	"sync"
	"time"

	"ringbook/directory"
)

// endWait is how long SetState waits for sessions that it told to end. Ending
// one closes a connection; one that takes longer hangs, and must not keep the
// operator waiting. Its device is refused everywhere in any case.
const endWait = time.Second

// A session is a live connection of a device.
type session struct{ end func() }

// Attach registers a live session of a device: end is called, once and from
// another goroutine, when the device is revoked or its secret replaced. detach
// forgets the session; it must be called. Attaching to a revoked device is
// [directory.ErrCredential].
func (a *Authority) Attach(id directory.DeviceID, end func()) (detach func(), err error) {
	s := &session{end: end}
	a.mu.Lock()
	defer a.mu.Unlock()
	r := a.byID[id]
	if r == nil || r.device.State == directory.DeviceRevoked {
		return nil, directory.ErrCredential
	}
	r.sessions[s] = struct{}{}
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(r.sessions, s)
	}, nil
}

// takeSessions hands a device's sessions over to be ended.
func (a *Authority) takeSessions(id directory.DeviceID) []*session {
	a.mu.Lock()
	defer a.mu.Unlock()
	r := a.byID[id]
	taken := make([]*session, 0, len(r.sessions))
	for s := range r.sessions {
		taken = append(taken, s)
	}
	clear(r.sessions)
	return taken
}

// end tells each session to end, all at the same time, and returns how many had
// not done so after endWait. [Authority.Close] waits for those.
func (a *Authority) end(sessions []*session) (late int) {
	if len(sessions) == 0 {
		return 0
	}
	var mu sync.Mutex
	running := len(sessions)
	done := make(chan struct{})
	for _, s := range sessions {
		a.ending.Go(func() {
			defer func() {
				mu.Lock()
				defer mu.Unlock()
				if running--; running == 0 {
					close(done)
				}
			}()
			s.end()
		})
	}
	timer := time.NewTimer(endWait)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
	mu.Lock()
	defer mu.Unlock()
	return running
}

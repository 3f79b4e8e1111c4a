package ldap

import (
	"context"
	"errors"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"ringbook/directory"
)

// An operation is a search under way.
type operation struct {
	c      *conn
	id     int32
	cancel context.CancelCauseFunc
	// readOn has another goroutine read the connection; nil = one does.
	readOn func()
	// finishing: its last answer is being sent, so the client may use its id
	// again; guarded by conn.mu.
	finishing bool
	over      bool  // it does not count any more; guarded by conn.mu
	canceler  int32 // id of the Cancel request that took it back; 0 = none; guarded by conn.mu
}

// start runs a search. Most are over sooner than a goroutine is started, so the
// reader does it itself, and hands the reading over if it turns out to be long.
func (c *conn) start(ctx context.Context, m message) error {
	own, cancel := context.WithCancelCause(ctx)
	op := &operation{c: c, id: m.id, cancel: cancel}
	op.readOn = func() { c.spawn(func() { c.read(ctx) }) }
	if r := c.enlist(op); r != success {
		cancel(nil)
		return c.answer(m.id, opSearchDone, r)
	}
	c.wait.Add(1) // before anybody else can read that the client has left, and wait
	defer c.wait.Done()
	who := c.device
	if who == "" {
		if c.anonymous != nil {
			c.expires = time.Now().Add(c.srv.IdleTimeout) // it is at home here
		}
		op.handOver() // its time must run out, though it takes no answer
	}
	op.run(own, m, who)
	if op.readOn == nil {
		return errHandedOver
	}
	return nil
}

func (op *operation) run(ctx context.Context, m message, who directory.DeviceID) {
	defer op.c.discharge(op)
	defer op.rescue(ctx)
	if err := op.search(ctx, m, who); errors.Is(err, errRevoked) { // c.write has told the reader of any other
		op.c.end(revoked, 0)
	}
}

// handOver says that the operation takes its time, or has to wait: somebody else
// has to read on meanwhile.
func (op *operation) handOver() {
	if op.readOn != nil {
		op.readOn()
		op.readOn = nil
	}
}

// finish says that the operation has its last answer; conn.mu is held.
func (op *operation) finish() {
	if !op.finishing {
		op.finishing = true
		op.c.closing++
	}
}

func (c *conn) enlist(op *operation) result {
	c.mu.Lock()
	defer c.mu.Unlock()
	if other := c.running[op.id]; other != nil && !other.finishing {
		return refuse(goldap.LDAPResultProtocolError, "message id in use")
	}
	for c.count >= c.srv.MaxOperations {
		if c.closing == 0 {
			return refuse(goldap.LDAPResultBusy, "too many operations at once")
		}
		c.freed.Wait() // its client may have the answer already, and asks but one thing at a time
	}
	c.running[op.id] = op
	c.count++
	return success
}

// discharge forgets an operation that is answered. It may be called again.
func (c *conn) discharge(op *operation) {
	op.cancel(nil)
	c.mu.Lock()
	defer c.mu.Unlock()
	if op.over {
		return
	}
	op.over = true
	c.count--
	if op.finishing {
		c.closing--
	}
	c.freed.Signal()
	if c.running[op.id] == op {
		delete(c.running, op.id)
	}
}

// unanswered reports whether a client waits for an operation's last answer.
func (c *conn) unanswered() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, op := range c.running {
		if !op.finishing {
			return true
		}
	}
	return false
}

// abandon ends an operation without an answer (RFC 4511 §4.11).
func (c *conn) abandon(body []byte) error {
	if len(body) == 0 || len(body) > 4 {
		return errFraming
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if op := c.running[signed(body)]; op != nil && op.canceler == 0 {
		op.cancel(errAbandoned)
		op.finish() // it has had its last word
	}
	return nil
}

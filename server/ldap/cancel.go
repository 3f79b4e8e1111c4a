package ldap

import (
	"context"
	"errors"

	goldap "github.com/go-ldap/ldap/v3"
)

// The Cancel operation (RFC 3909): an abandon that is answered. Only searches are
// outstanding when the reader comes to it, as all else runs in the reader itself.

// oidCancel is RFC 3909 §2.1.
const oidCancel = "1.3.6.1.1.8"

// errCanceled is why an operation ends that its client took back, and waits to
// hear so.
var errCanceled = errors.New("canceled")

// cancelOperation takes an operation back. Its own answer says canceled, and ours
// follows behind it (see [operation.appendLast]), so that the client has both in order.
func (c *conn) cancelOperation(_ context.Context, m message) error {
	id, ok := decodeCancel(m.body)
	if !ok {
		return c.write(appendExtended(nil, m.id, refuse(goldap.LDAPResultProtocolError, "malformed cancel"), "", nil))
	}
	if r := c.takeBack(id, m.id); r != success {
		return c.write(appendExtended(nil, m.id, r, "", nil))
	}
	return nil
}

// takeBack ends the operation id for the Cancel request by; success = the
// operation will answer both.
func (c *conn) takeBack(id, by int32) result {
	c.mu.Lock()
	defer c.mu.Unlock()
	op := c.running[id]
	switch {
	case id == by:
		return refuse(goldap.LDAPResultCannotCancel, "a cancel cannot be canceled")
	case op == nil:
		return refuse(goldap.LDAPResultNoSuchOperation, "no such operation")
	case op.finishing || op.canceler != 0:
		return refuse(goldap.LDAPResultTooLate, "the operation has ended")
	}
	op.canceler = by
	op.cancel(errCanceled)
	return success
}

// decodeCancel reads the request value: the id of an operation.
func decodeCancel(b []byte) (id int32, ok bool) {
	_, b, err := take(b, 0x80)
	if err != nil {
		return 0, false
	}
	value, rest, err := take(b, 0x81)
	if err != nil || !isLater(rest, 1) {
		return 0, false
	}
	seq, rest, err := take(value, tagSequence)
	if err != nil || len(rest) > 0 {
		return 0, false
	}
	id, rest, err = takeInt(seq, tagInteger)
	return id, err == nil && len(rest) == 0 && id >= 0
}

// appendLast appends an operation's last answer, which goes behind its entries.
// Whether it was canceled is settled here: from now on it is too late.
func (op *operation) appendLast(dst []byte, r result, controls []byte) ([]byte, result) {
	op.c.mu.Lock()
	op.finish()
	by := op.canceler
	op.c.mu.Unlock()
	if by == 0 {
		return appendAnswer(dst, op.id, opSearchDone, r, controls), r
	}
	r = refuse(goldap.LDAPResultCanceled, "")
	dst = appendAnswer(dst, op.id, opSearchDone, r, nil)
	return appendExtended(dst, by, success, "", nil), r
}

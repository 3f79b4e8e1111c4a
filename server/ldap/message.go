package ldap

import (
	goldap "github.com/go-ldap/ldap/v3"
)

// Tags of the protocol operations (RFC 4511 §4.2 to §4.14).
const (
	opBindRequest      = 0x60
	opBindResponse     = 0x61
	opUnbindRequest    = 0x42
	opSearchRequest    = 0x63
	opSearchEntry      = 0x64
	opSearchDone       = 0x65
	opModifyRequest    = 0x66
	opModifyResponse   = 0x67
	opAddRequest       = 0x68
	opAddResponse      = 0x69
	opDelRequest       = 0x4a
	opDelResponse      = 0x6b
	opModDNRequest     = 0x6c
	opModDNResponse    = 0x6d
	opCompareRequest   = 0x6e
	opCompareResponse  = 0x6f
	opAbandonRequest   = 0x50
	opExtendedRequest  = 0x77
	opExtendedResponse = 0x78

	tagControls = 0xa0 // LDAPMessage.controls
)

// responseTo says with which operation a request is answered; none for those
// that have no answer.
func responseTo(op byte) (byte, bool) {
	switch op {
	case opBindRequest:
		return opBindResponse, true
	case opSearchRequest:
		return opSearchDone, true
	case opModifyRequest:
		return opModifyResponse, true
	case opAddRequest:
		return opAddResponse, true
	case opDelRequest:
		return opDelResponse, true
	case opModDNRequest:
		return opModDNResponse, true
	case opCompareRequest:
		return opCompareResponse, true
	case opExtendedRequest:
		return opExtendedResponse, true
	}
	return 0, false
}

// A message is an LDAPMessage (RFC 4511 §4.1.1).
type message struct {
	id       int32
	op       byte
	body     []byte // of the operation
	controls []byte // undecoded; nil = none
}

// decodeMessage reads what readFrame returned. An error means that the octets are
// no request, and there is no id that could be answered.
func decodeMessage(b []byte) (m message, err error) {
	m.id, b, err = takeInt(b, tagInteger)
	if err != nil || m.id < 0 {
		return m, errFraming
	}
	op, b, err := next(b)
	if err != nil {
		return m, err
	}
	m.op, m.body = op.tag, op.content
	if len(b) > 0 && b[0] == tagControls {
		if m.controls, b, err = take(b, tagControls); err != nil {
			return m, err
		}
	}
	if !isLater(b, 0) {
		return m, errFraming
	}
	return m, nil
}

// A result is an LDAPResult without referrals (RFC 4511 §4.1.9).
type result struct {
	code    uint16
	matched string // DN
	text    string // for a person; never our own error's text
}

var success = result{code: goldap.LDAPResultSuccess}

func refuse(code uint16, text string) result { return result{code: code, text: text} }

// appendResult appends the three fields of an LDAPResult.
func (r result) append(dst []byte) []byte {
	dst = appendInt(dst, tagEnumerated, int32(r.code))
	dst = appendString(dst, tagOctets, r.matched)
	return appendString(dst, tagOctets, r.text)
}

// appendAnswer appends a whole LDAPMessage that consists of a result. controls
// are encoded already; nil = none.
func appendAnswer(dst []byte, id int32, op byte, r result, controls []byte) []byte {
	dst, outer := begin(dst, tagSequence)
	dst = appendInt(dst, tagInteger, id)
	dst, inner := begin(dst, op)
	dst = r.append(dst)
	dst = finish(dst, inner)
	if len(controls) > 0 {
		dst = appendString(dst, tagControls, controls)
	}
	return finish(dst, outer)
}

// oidNotice names the notice of disconnection (RFC 4511 §4.4.1).
const oidNotice = "1.3.6.1.4.1.1466.20036"

func appendNotice(dst []byte, r result) []byte {
	return appendExtended(dst, 0, r, oidNotice, nil)
}

// appendExtended appends an ExtendedResponse (RFC 4511 §4.12); name "" and value
// nil are left out.
func appendExtended(dst []byte, id int32, r result, name string, value []byte) []byte {
	dst, outer := begin(dst, tagSequence)
	dst = appendInt(dst, tagInteger, id)
	dst, inner := begin(dst, opExtendedResponse)
	dst = r.append(dst)
	if name != "" {
		dst = appendString(dst, 0x8a, name)
	}
	if value != nil {
		dst = appendString(dst, 0x8b, value)
	}
	return finish(finish(dst, inner), outer)
}

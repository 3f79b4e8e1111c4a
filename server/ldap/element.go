package ldap

import (
	"bufio"
	"errors"
	"io"
)

// Tags of BER as LDAP uses it (X.690 §8.1.2, RFC 4511 §5.1). All LDAP tags are
// below 31 and so fit one octet.
const (
	tagBoolean    = 0x01
	tagInteger    = 0x02
	tagOctets     = 0x04
	tagEnumerated = 0x0a
	tagSequence   = 0x30
	tagSet        = 0x31

	ofContext   = 0x80 // class of a tag whose meaning depends on where it stands
	constructed = 0x20 // set in the tag of an element that has elements inside
	longTag     = 0x1f // the tag goes on in further octets
)

// Limits of one message, beside its length; see [DefaultMaxMessage].
const (
	maxNesting = 64 // levels; a filter of MaxDepth needs half of them
	// octetsAnElement bounds what decoding can cost, as the BER library sets half a
	// kilobyte aside for each element: a message may have one for so many octets of
	// its limit. A filter of 256 nodes and 256 attributes have 1,500; what strangers
	// have to say has 50.
	octetsAnElement = 32
	// firstRead is what is set aside for a message before its octets arrive.
	firstRead = 1 << 10
)

// errFraming: the octets are no LDAP message. Where the next one would begin is
// not known, so the connection cannot go on.
var errFraming = errors.New("malformed message")

// errOversize: the message is longer than we read from this client.
var errOversize = errors.New("message too long")

// readFrame reads one LDAPMessage of at most limit octets and returns what is
// inside its SEQUENCE, well-formed throughout. Memory is taken as octets arrive.
func readFrame(r *bufio.Reader, limit int) ([]byte, error) {
	head, err := r.Peek(2)
	if err != nil {
		return nil, err
	}
	if head[0] != tagSequence {
		return nil, errFraming
	}
	if more := int(head[1]) - 0x80; more > 0 && more <= 4 {
		if head, err = r.Peek(2 + more); err != nil {
			return nil, err
		}
	}
	n, size, err := readLength(head[1:])
	if err != nil {
		return nil, err
	}
	if n > limit {
		return nil, errOversize
	}
	if _, err := r.Discard(1 + size); err != nil {
		return nil, err
	}
	b, err := readN(r, n)
	if err != nil {
		return nil, err
	}
	return b, wellFormed(b, limit/octetsAnElement)
}

// hasFrame reports whether a whole LDAPMessage has come already, as most do at once.
func hasFrame(r *bufio.Reader) bool {
	b, _ := r.Peek(r.Buffered())
	if len(b) == 0 {
		return false
	}
	n, size, err := readLength(b[1:])
	return err == nil && 1+size+n <= len(b)
}

// readN reads n octets, in pieces that grow with what has come.
func readN(r io.Reader, n int) ([]byte, error) {
	b := make([]byte, 0, min(n, firstRead))
	for len(b) < n {
		if len(b) == cap(b) {
			b = append(make([]byte, 0, min(n, 4*cap(b))), b...)
		}
		m, err := io.ReadFull(r, b[len(b):cap(b)])
		b = b[:len(b)+m]
		if err != nil {
			return nil, err
		}
	}
	return b, nil
}

// readLength reads the length octets at the start of b (X.690 §8.1.3, definite
// forms only: RFC 4511 §5.1) and returns the length and how many octets said so.
// A length beyond 4 octets is [errOversize].
func readLength(b []byte) (n, size int, err error) {
	if len(b) == 0 || b[0] == 0x80 || b[0] == 0xff {
		return 0, 0, errFraming
	}
	if b[0] < 0x80 {
		return int(b[0]), 1, nil
	}
	size = 1 + int(b[0]-0x80)
	if size > 5 {
		return 0, 0, errOversize
	}
	if len(b) < size {
		return 0, 0, errFraming
	}
	for _, c := range b[1:size] {
		n = n<<8 | int(c)
	}
	if n < 0 { // where an int has 32 bits
		return 0, 0, errOversize
	}
	return n, size, nil
}

// An element is one BER element of a message: views into it, nothing copied.
type element struct {
	tag     byte
	content []byte
	raw     []byte // the whole of it, tag and length included
}

// next splits the first element off b.
func next(b []byte) (e element, rest []byte, err error) {
	if len(b) < 2 || b[0]&longTag == longTag {
		return e, nil, errFraming
	}
	n, size, err := readLength(b[1:])
	if err != nil {
		return e, nil, errFraming
	}
	start := 1 + size
	if n > len(b)-start {
		return e, nil, errFraming
	}
	return element{tag: b[0], content: b[start : start+n], raw: b[:start+n]}, b[start+n:], nil
}

// isLater reports whether b is nothing but what a later version of LDAP may put behind the
// parts of a sequence, which is to be left aside (RFC 4511 §4): last is the highest of the
// context's tags that we know there, -1 = none.
func isLater(b []byte, last int) bool {
	for len(b) > 0 {
		e, rest, err := next(b)
		if err != nil || e.tag&^(constructed|longTag) != ofContext || int(e.tag&longTag) <= last {
			return false
		}
		b = rest
	}
	return true
}

// take splits the first element off b, which must have the given tag.
func take(b []byte, tag byte) (content, rest []byte, err error) {
	e, rest, err := next(b)
	if err != nil || e.tag != tag {
		return nil, nil, errFraming
	}
	return e.content, rest, nil
}

// takeInt splits an INTEGER, ENUMERATED or the like of at most 4 octets off b.
func takeInt(b []byte, tag byte) (int32, []byte, error) {
	content, rest, err := take(b, tag)
	if err != nil || len(content) == 0 || len(content) > 4 {
		return 0, nil, errFraming
	}
	return signed(content), rest, nil
}

// signed reads two's complement of 1 to 4 octets.
func signed(b []byte) int32 {
	n := int32(int8(b[0]))
	for _, c := range b[1:] {
		n = n<<8 | int32(c)
	}
	return n
}

// takeBool splits a BOOLEAN off b.
func takeBool(b []byte) (bool, []byte, error) {
	content, rest, err := take(b, tagBoolean)
	if err != nil || len(content) != 1 {
		return false, nil, errFraming
	}
	return content[0] != 0, rest, nil
}

// takeString splits an OCTET STRING off b.
func takeString(b []byte) (string, []byte, error) {
	content, rest, err := take(b, tagOctets)
	return string(content), rest, err
}

// wellFormed checks every element of b, at any depth; they may be so many.
func wellFormed(b []byte, elements int) error {
	return checkElements(b, maxNesting-1, &elements)
}

func checkElements(b []byte, depth int, budget *int) error {
	for len(b) > 0 {
		e, rest, err := next(b)
		if err != nil {
			return err
		}
		if *budget--; *budget < 0 {
			return errOversize
		}
		if e.tag&constructed != 0 {
			if depth == 0 {
				return errOversize
			}
			if err := checkElements(e.content, depth-1, budget); err != nil {
				return err
			}
		}
		b = rest
	}
	return nil
}

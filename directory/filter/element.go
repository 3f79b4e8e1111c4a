package filter

// An element is one BER element, as RFC 4511 §5.1 allows them: a tag of one octet, a
// length that is given. Its content is a piece of the whole, not a copy.
type element struct {
	tag     byte
	content string
}

// Classes and forms of a tag (X.690 §8.1.2).
const (
	tagOctets   = 0x04
	tagSequence = 0x30

	context     = 0x80
	constructed = 0x20
	// choiceTag is what is left of a tag without class and form; 0x1f = more octets follow.
	choiceTag = 0x1f
)

// next splits the first element off s.
func next(s string) (e element, rest string, ok bool) {
	if len(s) < 2 || s[0]&choiceTag == choiceTag {
		return e, "", false
	}
	n, start := int(s[1]), 2
	if n >= 0x80 {
		size := n - 0x80
		if size == 0 || size > 4 || len(s) < start+size {
			return e, "", false
		}
		n = 0
		for ; size > 0; size-- {
			n = n<<8 | int(s[start])
			start++
		}
	}
	if n > len(s)-start {
		return e, "", false
	}
	return element{s[0], s[start : start+n]}, s[start+n:], true
}

// isLater reports whether s is nothing but elements of the context: what a later version of
// LDAP may put behind the parts of a sequence, which is to be left aside (RFC 4511 §4).
func isLater(s string) bool {
	for s != "" {
		e, rest, ok := next(s)
		if !ok || e.tag&^(choiceTag|constructed) != context {
			return false
		}
		s = rest
	}
	return true
}

// count returns how many elements s consists of; false = it does not.
func count(s string) (n int, ok bool) {
	for ; s != ""; n++ {
		if _, s, ok = next(s); !ok {
			return 0, false
		}
	}
	return n, true
}

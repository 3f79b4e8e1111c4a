package ldap

// Answers are written as they are worked out: begin opens an element whose length
// is not known yet, finish writes the length and, when it needs more than the one
// octet set aside, moves the content. Lengths are always minimal, as some phones
// know no other form.

// begin opens an element; finish needs the mark.
func begin(dst []byte, tag byte) (_ []byte, mark int) {
	return append(dst, tag, 0), len(dst) + 2
}

// finish closes the element that begin opened at mark.
func finish(dst []byte, mark int) []byte {
	n := len(dst) - mark
	if n < 0x80 {
		dst[mark-1] = byte(n)
		return dst
	}
	more := lengthOctets(n)
	for range more {
		dst = append(dst, 0)
	}
	copy(dst[mark+more:], dst[mark:mark+n])
	putLength(dst[mark-1:], n, more)
	return dst
}

// lengthOctets returns how many octets follow the first one of a long length.
func lengthOctets(n int) int {
	switch {
	case n < 1<<8:
		return 1
	case n < 1<<16:
		return 2
	case n < 1<<24:
		return 3
	}
	return 4
}

func putLength(b []byte, n, more int) {
	b[0] = 0x80 | byte(more)
	for i := more; i > 0; i-- {
		b[i] = byte(n)
		n >>= 8
	}
}

func appendHead(dst []byte, tag byte, n int) []byte {
	if n < 0x80 {
		return append(dst, tag, byte(n))
	}
	more := lengthOctets(n)
	var l [5]byte
	putLength(l[:], n, more)
	return append(append(dst, tag), l[:1+more]...)
}

func appendString[S ~string | ~[]byte](dst []byte, tag byte, s S) []byte {
	return append(appendHead(dst, tag, len(s)), s...)
}

// appendInt appends an INTEGER or ENUMERATED in the fewest octets (X.690 §8.3.2).
func appendInt(dst []byte, tag byte, n int32) []byte {
	size := 1
	for m := n; m > 0x7f || m < -0x80; m >>= 8 {
		size++
	}
	dst = append(dst, tag, byte(size))
	for i := size - 1; i >= 0; i-- {
		dst = append(dst, byte(n>>(8*i)))
	}
	return dst
}

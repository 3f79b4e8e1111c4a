package vcard

import "unicode/utf8"

// maxLine is the longest line in octets, without its end (RFC 2426 §2.6).
const maxLine = 75

// appendLine appends one property whose value has the given components,
// separated by ";" (RFC 2426 §4).
func appendLine(dst []byte, property string, components ...string) []byte {
	start := len(dst)
	dst = append(dst, property...)
	for i, s := range components {
		if i > 0 {
			dst = append(dst, ';')
		}
		dst = appendText(dst, s)
	}
	if len(dst)-start > maxLine {
		dst = fold(dst, start)
	}
	return append(dst, '\r', '\n')
}

// appendText appends s escaped (RFC 2426 §5): \ ; , and line breaks, of which
// vCard knows one. Other control characters, the line separators at which
// lenient readers would begin a new property, and what XML has no character for
// (one would spoil a whole multistatus), have no business in a value.
func appendText(dst []byte, s string) []byte {
	plain := 0 // s[plain:i] is still to be copied
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf && c >= ' ' && c != '\\' && c != ';' && c != ',' && c != 0x7f {
			i++
			continue
		}
		r, size := rune(c), 1
		if c >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[i:])
			if size > 1 && r > 0x9f && r != 0x2028 && r != 0x2029 && r != 0xfffe && r != 0xffff {
				i += size
				continue
			}
		}
		dst = append(dst, s[plain:i]...)
		i += size
		plain = i
		switch r {
		case '\n', 0x85, 0x2028, 0x2029:
			dst = append(dst, '\\', 'n')
		case '\t':
			dst = append(dst, ' ')
		case utf8.RuneError:
			dst = append(dst, "\ufffd"...)
		case '\\', ';', ',':
			dst = append(dst, '\\', c)
		}
	}
	return append(dst, s[plain:]...)
}

// fold breaks the line dst[start:]: the broken line is written behind the
// whole one and then moved over it.
func fold(dst []byte, start int) []byte {
	end := len(dst)
	room := maxLine
	for at := start; at < end; {
		n := end - at
		if n > room {
			n = breakAt(dst[at:end], room)
		}
		if at > start {
			dst = append(dst, '\r', '\n', ' ')
		}
		dst = append(dst, dst[at:at+n]...)
		at += n
		room = maxLine - 1 // the blank that continues
	}
	n := copy(dst[start:], dst[end:])
	return dst[:start+n]
}

// breakAt returns how many octets of line, at most room, go on this line. A
// character is never broken. Nor, for readers that unescape or trim before they
// unfold, is an escape, or a line at a blank, as long as the text has another place.
func breakAt(line []byte, room int) int {
	const search = 24 // octets looked through for a better place
	whole := 0
	for n := room; n > room-search; n-- {
		if !utf8.RuneStart(line[n]) {
			continue
		}
		if whole == 0 {
			whole = n
		}
		if last := line[n-1]; last != '\\' && last != ' ' && line[n] != ' ' {
			return n
		}
	}
	if whole == 0 {
		return room // not UTF-8 at all; appendText lets none through
	}
	return whole
}

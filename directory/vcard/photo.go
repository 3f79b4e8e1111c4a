package vcard

import (
	"encoding/base64"
	"encoding/binary"
	"slices"
)

const photoProperty = "PHOTO;ENCODING=b;TYPE=JPEG:"

// Octets of a photo on its first line and on each further one: as many as fill
// the line with whole groups of base64.
const (
	photoFirst = (maxLine - len(photoProperty)) / 4 * 3
	photoNext  = (maxLine - 1) / 4 * 3
	photoLine  = len("\r\n ") + photoNext/3*4 // such a line, written, its break first
)

// appendPhoto appends a photo, encoded straight into folded lines: a card is
// mostly photo, and a book mostly cards.
func appendPhoto(dst, jpeg []byte) []byte {
	lines := len(jpeg)/photoNext + 2
	dst = slices.Grow(dst, len(photoProperty)+base64.StdEncoding.EncodedLen(len(jpeg))+len("\r\n ")*lines+len(tail))
	dst = append(dst, photoProperty...)
	n := min(photoFirst, len(jpeg))
	dst = base64.StdEncoding.AppendEncode(dst, jpeg[:n])
	jpeg = jpeg[n:]
	for len(jpeg) >= photoNext+2 { // encodeLine reads two octets more than it encodes
		n := len(dst)
		dst = dst[:n+photoLine]
		encodeLine((*[photoLine]byte)(dst[n:]), jpeg)
		jpeg = jpeg[photoNext:]
	}
	for ; len(jpeg) > 0; jpeg = jpeg[n:] {
		n = min(photoNext, len(jpeg))
		dst = append(dst, '\r', '\n', ' ')
		dst = base64.StdEncoding.AppendEncode(dst, jpeg[:n])
	}
	return append(dst, '\r', '\n')
}

// encodeLine writes one whole line, its break first. It takes a third of the
// time of package base64: six octets at a step, by [pairs].
func encodeLine(dst *[photoLine]byte, jpeg []byte) {
	dst[0], dst[1], dst[2] = '\r', '\n', ' '
	src, out := jpeg[:photoNext+2], dst[3:]
	for range photoNext / 6 {
		v := binary.BigEndian.Uint64(src)
		binary.LittleEndian.PutUint64(out, uint64(pairs[v>>52])|
			uint64(pairs[v>>40&0xfff])<<16|
			uint64(pairs[v>>28&0xfff])<<32|
			uint64(pairs[v>>16&0xfff])<<48)
		src, out = src[6:], out[8:]
	}
}

// pairs holds the two base64 characters of each 12 bits, the first one in the
// low octet. It is a constant that Go cannot spell.
var pairs = func() (t [1 << 12]uint16) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for i := range t {
		t[i] = uint16(alphabet[i>>6]) | uint16(alphabet[i&63])<<8
	}
	return t
}()

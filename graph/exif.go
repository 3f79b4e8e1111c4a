package graph

import (
	"bytes"
	"encoding/binary"
	"image"
)

// orientation returns the Exif orientation of a JPEG, 1 to 8; 1 = upright, or
// not stated. (CIPA DC-008, tag 0x0112 of the first directory.)
func orientation(data []byte) int {
	tiff := exif(data)
	if len(tiff) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.BigEndian
	if bytes.HasPrefix(tiff, []byte("II")) {
		order = binary.LittleEndian
	}
	at := uint64(order.Uint32(tiff[4:]))
	if at+2 > uint64(len(tiff)) {
		return 1
	}
	entries := tiff[at+2:]
	for range order.Uint16(tiff[at:]) {
		if len(entries) < 12 {
			return 1
		}
		if order.Uint16(entries) == 0x0112 {
			if o := int(order.Uint16(entries[8:])); 1 <= o && o <= 8 {
				return o
			}
			return 1
		}
		entries = entries[12:]
	}
	return 1
}

// exif returns the TIFF structure inside a JPEG's Exif segment; nil = it has none.
func exif(data []byte) []byte {
	for i := 2; i+4 <= len(data) && data[i] == 0xff && data[i+1] != mSOS; {
		n := 2 + int(data[i+2])<<8 + int(data[i+3])
		if n < 4 || i+n > len(data) {
			return nil
		}
		if body, ok := bytes.CutPrefix(data[i+4:i+n], []byte("Exif\x00\x00")); ok && data[i+1] == mAPP1 {
			return body
		}
		i += n
	}
	return nil
}

// turn puts a square image upright.
func turn(src *image.RGBA, orientation int) *image.RGBA {
	if orientation == 1 {
		return src
	}
	n := src.Bounds().Dx()
	dst := image.NewRGBA(src.Bounds())
	for y := range n {
		for x := range n {
			fx, fy := x, y // where the pixel comes from
			switch orientation {
			case 2:
				fx = n - 1 - x
			case 3:
				fx, fy = n-1-x, n-1-y
			case 4:
				fy = n - 1 - y
			case 5:
				fx, fy = y, x
			case 6:
				fx, fy = y, n-1-x
			case 7:
				fx, fy = n-1-y, n-1-x
			case 8:
				fx, fy = n-1-y, x
			}
			dst.SetRGBA(x, y, src.RGBAAt(fx, fy))
		}
	}
	return dst
}

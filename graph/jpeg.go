package graph

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/gif" // Outlook's placeholder, and old photos
	"image/jpeg"
	_ "image/png"

	"ringbook/directory"

	// photos set in Entra may be PNG

	"golang.org/x/image/draw"
)

const (
	// maxSide bounds a photo before it is decoded, one at a time: some 50 MB of
	// pixels, and 200 MB more while a progressive one is read.
	maxSide = 4096
	// maxKeptSide is Outlook's largest size. A square JPEG up to it is kept.
	maxKeptSide = 648
	largeSide   = 240
	smallSide   = 96
)

// normalise makes square JPEGs without metadata, within the budgets, of a
// photo in JPEG, PNG or GIF. A JPEG that needs no change keeps its pixels.
func normalise(data []byte) (*directory.Photo, error) {
	cfg, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("photo: %w", err)
	}
	if cfg.Width < 1 || cfg.Height < 1 || cfg.Width > maxSide || cfg.Height > maxSide {
		return nil, fmt.Errorf("photo of %d by %d pixels", cfg.Width, cfg.Height)
	}
	img, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("photo: %w", err)
	}
	img = square(img)
	up := orientation(data)
	large, ok := strip(data)
	if !ok || up != 1 || cfg.Width != cfg.Height || cfg.Width > maxKeptSide || len(large) > directory.MaxLargePhoto {
		scaled := turn(scale(img, largeSide), up)
		if large, err = encode(scaled, directory.MaxLargePhoto); err != nil {
			return nil, err
		}
		img = scaled
	}
	small, err := encode(scale(img, smallSide), directory.MaxSmallPhoto)
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	sum.Write(large)
	sum.Write(small)
	return &directory.Photo{ID: directory.PhotoID(hex.EncodeToString(sum.Sum(nil)[:16])), Large: large, Small: small}, nil
}

// square crops to the middle.
func square(img image.Image) image.Image {
	b := img.Bounds()
	side := min(b.Dx(), b.Dy())
	x, y := b.Min.X+(b.Dx()-side)/2, b.Min.Y+(b.Dy()-side)/2
	return cropped{img, image.Rect(x, y, x+side, y+side)}
}

// A cropped is the part of an image inside a rectangle.
type cropped struct {
	image.Image
	r image.Rectangle
}

func (c cropped) Bounds() image.Rectangle { return c.r }

// scale returns the image on white, with sides of at most side pixels.
func scale(img image.Image, side int) *image.RGBA {
	src := img
	b := img.Bounds()
	if c, ok := img.(cropped); ok {
		src = c.Image // draw knows the concrete types and is fast with them
	}
	side = min(side, b.Dx())
	dst := image.NewRGBA(image.Rect(0, 0, side, side))
	draw.Draw(dst, dst.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.CatmullRom.Scale(dst, dst.Bounds(), src, b, draw.Over, nil)
	return dst
}

// encode writes a JPEG of at most limit bytes, as good as fits.
func encode(img image.Image, limit int) ([]byte, error) {
	var buf bytes.Buffer
	for _, quality := range []int{88, 75, 60, 40, 20} {
		buf.Reset()
		if err := jpeg.Encode(&buf, img, &jpeg.Options{Quality: quality}); err != nil {
			return nil, fmt.Errorf("photo: %w", err)
		}
		if buf.Len() <= limit {
			return buf.Bytes(), nil
		}
	}
	return nil, errors.New("photo does not fit its budget")
}

// Markers of ITU T.81, table B.1.
const (
	mSOF0  = 0xc0
	mRST0  = 0xd0
	mRST7  = 0xd7
	mSOI   = 0xd8
	mEOI   = 0xd9
	mSOS   = 0xda
	mDQT   = 0xdb
	mDHT   = 0xc4
	mDRI   = 0xdd
	mAPP0  = 0xe0
	mAPP1  = 0xe1
	mAPP14 = 0xee
	mAPP15 = 0xef
	mCOM   = 0xfe
)

// strip returns a baseline JPEG without its APPn and COM segments and without
// what follows it. It gives up (false) on any other JPEG: on one that is
// progressive, which old desk phones cannot show, and on one whose colours are
// other than grey or YCbCr, or explained in an Adobe segment.
func strip(data []byte) ([]byte, bool) {
	if len(data) < 4 || data[0] != 0xff || data[1] != mSOI {
		return nil, false
	}
	out := append(make([]byte, 0, len(data)), 0xff, mSOI)
	for i := 2; i+4 <= len(data); {
		marker := data[i+1]
		if data[i] != 0xff {
			return nil, false
		}
		n := 2 + int(data[i+2])<<8 + int(data[i+3])
		if n < 4 || i+n > len(data) {
			return nil, false
		}
		if marker == mSOF0 && !plainColours(data[i+4:i+n]) {
			return nil, false
		}
		switch marker {
		case mSOF0, mDQT, mDHT, mDRI:
			out = append(out, data[i:i+n]...)
		case mSOS:
			end := scanEnd(data, i+n)
			if end < 0 {
				return nil, false
			}
			return append(append(out, data[i:end]...), 0xff, mEOI), true
		case mAPP14:
			return nil, false
		default:
			if marker != mCOM && (marker < mAPP0 || marker > mAPP15) {
				return nil, false
			}
		}
		i += n
	}
	return nil, false
}

// plainColours reports whether the body of a frame header (ITU T.81, B.2.2)
// has one component, or three that are not called R, G and B.
func plainColours(frame []byte) bool {
	switch {
	case len(frame) == 6+3:
		return frame[5] == 1
	case len(frame) == 6+3*3:
		return frame[5] == 3 && (frame[6] != 'R' || frame[9] != 'G' || frame[12] != 'B')
	}
	return false
}

// scanEnd returns where the only scan, whose data begin at i, ends with EOI; -1 = it does not.
func scanEnd(data []byte, i int) int {
	for ; i+1 < len(data); i++ {
		if data[i] != 0xff {
			continue
		}
		switch m := data[i+1]; {
		case m == 0 || m == 0xff || mRST0 <= m && m <= mRST7:
		case m == mEOI:
			return i
		default:
			return -1
		}
	}
	return -1
}

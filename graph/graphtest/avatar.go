package graphtest

import (
	"image"
	"image/color"
	"math"
	"unicode"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"
)

// hasPhoto says whether sample person i has a photo.
func (s *samples) hasPhoto(i int) bool {
	switch i {
	case JuergenGross:
		return true
	case WithoutNumber:
		return false
	}
	r := s.random(i)
	r.Uint64()
	return r.Float64() < s.photos
}

// avatar draws the photo of sample person i: the initials, or a square for
// a script that the font lacks, on a ground in the person's colours.
func (s *samples) avatar(i, edge int) image.Image {
	r := s.random(i)
	hue := r.Float64()
	top, bottom := tone(hue, 0.55), tone(hue+0.08, 0.3)
	light, disc := tone(hue+0.5, 0.85), tone(hue+0.25, 0.5)
	img := image.NewRGBA(image.Rect(0, 0, edge, edge))
	mask := letters(s.person(i))
	cx, cy, radius := edge/2+r.IntN(edge/4)-edge/8, edge/2+r.IntN(edge/4)-edge/8, edge*2/5
	for y := range edge {
		ground := blend(top, bottom, y, edge)
		var row []uint8
		if mask != nil {
			row = mask.Pix[y*maskSize/edge*mask.Stride:][:maskSize]
		}
		for x := range edge {
			c := ground
			switch {
			case row != nil && row[x*maskSize/edge] > 0, row == nil && abs(x-edge/2)+abs(y-edge/2) < edge/5:
				c = light
			case (x-cx)*(x-cx)+(y-cy)*(y-cy) < radius*radius:
				c = disc
			}
			copy(img.Pix[y*img.Stride+4*x:], []uint8{c.R, c.G, c.B, c.A})
		}
	}
	return img
}

// maskSize is the edge of the square that letters draws on.
const maskSize = 26

// letters draws the initials on a small square, or returns nil.
func letters(p person) *image.Alpha {
	var initials []rune
	for _, s := range []string{p.GivenName, p.Surname} {
		for _, c := range s {
			if c = unicode.ToUpper(c); c > 0x7f {
				c = rune((ascii(string(c)) + "\x00")[0] &^ 0x20) // Ö → O
			}
			if 'A' <= c && c <= 'Z' {
				initials = append(initials, c)
				break
			}
		}
	}
	if len(initials) == 0 {
		return nil
	}
	mask := image.NewAlpha(image.Rect(0, 0, maskSize, maskSize))
	d := font.Drawer{Dst: mask, Src: image.Opaque, Face: basicfont.Face7x13}
	d.Dot = fixed.P((maskSize-7*len(initials))/2, 17)
	d.DrawString(string(initials))
	return mask
}

// tone returns a colour by hue, 1 being the full circle, and brightness.
func tone(hue, bright float64) color.RGBA {
	channel := func(shift float64) uint8 {
		return uint8(255 * (bright + (1-bright)*0.4*math.Sin(2*math.Pi*(hue+shift))*bright))
	}
	return color.RGBA{R: channel(0), G: channel(1. / 3), B: channel(2. / 3), A: 255}
}

// blend is the part of the way from a to b.
func blend(a, b color.RGBA, part, whole int) color.RGBA {
	mix := func(x, y uint8) uint8 { return uint8((int(x)*(whole-part) + int(y)*part) / whole) } //nolint:gosec // between x and y
	return color.RGBA{R: mix(a.R, b.R), G: mix(a.G, b.G), B: mix(a.B, b.B), A: 255}
}

func abs(x int) int { return max(x, -x) }

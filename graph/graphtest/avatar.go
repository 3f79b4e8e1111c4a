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

// avatar draws the photo of sample person i: the initials, or a square for a
// script that the font lacks, on a disc, in the person's colours. It draws in
// runs of one colour, in the colours of JPEG: 10,000 people want 5,000 photos.
func (s *samples) avatar(i, edge int) image.Image {
	r := s.random(i)
	hue := r.Float64()
	top, bottom := tone(hue, 0.55), tone(hue+0.08, 0.3)
	light, disc := tone(hue+0.5, 0.85), tone(hue+0.25, 0.5)
	c := canvas{image.NewYCbCr(image.Rect(0, 0, edge, edge), image.YCbCrSubsampleRatio444)}
	mask := letters(s.person(i))
	cx, cy, radius := edge/2+r.IntN(edge/4)-edge/8, edge/2+r.IntN(edge/4)-edge/8, edge*2/5
	for y := range edge {
		c.run(y, 0, edge, blend(top, bottom, y, edge))
		if d := radius*radius - (y-cy)*(y-cy); d > 0 {
			half := int(math.Sqrt(float64(d)))
			c.run(y, cx-half, cx+half, disc)
		}
		if mask == nil {
			half := edge/5 - abs(y-edge/2)
			c.run(y, edge/2-half, edge/2+half, light)
			continue
		}
		for x, ink := range mask.Pix[y*maskSize/edge*mask.Stride:][:maskSize] {
			if ink > 0 {
				c.run(y, x*edge/maskSize, (x+1)*edge/maskSize, light)
			}
		}
	}
	return c.YCbCr
}

// A canvas is a picture to draw on.
type canvas struct{ *image.YCbCr }

// run colours row y from x0 to before x1, as far as the picture goes.
func (c canvas) run(y, x0, x1 int, colour color.RGBA) {
	x0, x1 = max(x0, 0), min(x1, c.Rect.Dx())
	if x0 >= x1 {
		return
	}
	luma, cb, cr := color.RGBToYCbCr(colour.R, colour.G, colour.B)
	for _, plane := range []struct {
		pix   []uint8
		value uint8
	}{{c.Y, luma}, {c.Cb, cb}, {c.Cr, cr}} {
		row := plane.pix[y*c.YStride+x0 : y*c.YStride+x1] // 4:4:4: one stride for all
		for i := range row {
			row[i] = plane.value
		}
	}
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
	mix := func(x, y uint8) uint8 { return uint8((int(x)*(whole-part) + int(y)*part) / whole) }
	return color.RGBA{R: mix(a.R, b.R), G: mix(a.G, b.G), B: mix(a.B, b.B), A: 255}
}

func abs(x int) int { return max(x, -x) }

package graph

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"ringbook/directory"
)

// picture draws four quarters, red, green, blue and white, with some noise.
func picture(w, h, noise int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	r := rand.New(rand.NewPCG(1, 2))
	for y := range h {
		for x := range w {
			c := [4]color.RGBA{{200, 0, 0, 255}, {0, 200, 0, 255}, {0, 0, 200, 255}, {200, 200, 200, 255}}[2*(2*y/h)+2*x/w]
			c.R += uint8(r.IntN(noise + 1))
			c.G += uint8(r.IntN(noise + 1))
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

func encoded(tb testing.TB, img image.Image, encode func(io.Writer, image.Image) error) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := encode(&b, img); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func asJPEG(w io.Writer, img image.Image) error {
	return jpeg.Encode(w, img, &jpeg.Options{Quality: 95})
}
func asGIF(w io.Writer, img image.Image) error { return gif.Encode(w, img, nil) }

// segment makes a JPEG segment, which is put behind SOI.
func withSegment(data []byte, marker byte, body string) []byte {
	n := len(body) + 2
	return slices.Concat(data[:2], []byte{0xff, marker, byte(n >> 8), byte(n)}, []byte(body), data[2:])
}

// exifOf makes the body of an Exif segment.
func exifOf(o byte) string {
	return "Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00" + string(rune(o)) + "\x00\x00\x00\x00\x00\x00"
}

func normal(t *testing.T, data []byte) *directory.Photo {
	t.Helper()
	p, err := normalise(data)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Large) > directory.MaxLargePhoto || len(p.Small) > directory.MaxSmallPhoto || len(p.ID) != 32 {
		t.Errorf("photo %s of %d and %d bytes", p.ID, len(p.Large), len(p.Small))
	}
	return p
}

func sides(t *testing.T, data []byte) (w, h int) {
	t.Helper()
	c, err := jpeg.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return c.Width, c.Height
}

func TestNormaliseSizes(t *testing.T) {
	for name, tt := range map[string]struct {
		data         []byte
		large, small int
	}{
		"jpeg kept":       {encoded(t, picture(240, 240, 0), asJPEG), 240, 96},
		"jpeg of outlook": {encoded(t, picture(648, 648, 0), asJPEG), 648, 96},
		"jpeg too heavy":  {encoded(t, picture(648, 648, 50), asJPEG), 240, 96},
		"jpeg too large":  {encoded(t, picture(649, 649, 0), asJPEG), 240, 96},
		"jpeg too wide":   {encoded(t, picture(300, 200, 0), asJPEG), 200, 96},
		"png":             {encoded(t, picture(500, 700, 0), png.Encode), 240, 96},
		"png small":       {encoded(t, picture(40, 50, 0), png.Encode), 40, 40},
		"gif":             {encoded(t, picture(100, 100, 0), asGIF), 100, 96},
		"one pixel":       {encoded(t, picture(1, 1, 0), png.Encode), 1, 1},
		"transparent":     {encoded(t, image.NewNRGBA(image.Rect(0, 0, 50, 50)), png.Encode), 50, 50},
		"noise":           {encoded(t, picture(400, 400, 55), png.Encode), 240, 96},
	} {
		p := normal(t, tt.data)
		if w, h := sides(t, p.Large); w != tt.large || h != tt.large {
			t.Errorf("%s: large is %dx%d, want %d", name, w, h, tt.large)
		}
		if w, h := sides(t, p.Small); w != tt.small || h != tt.small {
			t.Errorf("%s: small is %dx%d, want %d", name, w, h, tt.small)
		}
		if again := normal(t, tt.data); again.ID != p.ID {
			t.Errorf("%s: two ids", name)
		}
	}
}

func TestNormaliseStripsMetadata(t *testing.T) {
	plain := encoded(t, picture(100, 100, 0), asJPEG)
	data := withSegment(withSegment(plain, mCOM, "made by sesame"), mAPP1, exifOf(1)+"GPS sesame")
	data = append(withSegment(data, 0xe2, "ICC_PROFILE sesame"), "sesame after the end"...)
	p := normal(t, data)
	if bytes.Contains(p.Large, []byte("sesame")) || bytes.Contains(p.Large, []byte("Exif")) {
		t.Error("metadata are left")
	}
	if !bytes.Equal(p.Large, plain) {
		t.Error("the pixels were touched")
	}
	if adobe := normal(t, withSegment(plain, mAPP14, "Adobe\x00\x64\x00\x00\x00\x00\x01")); bytes.Equal(adobe.Large, plain) {
		t.Error("Adobe's segment was dropped and the pixels kept")
	}
}

// TestNormaliseTurns: the quarters of an upright picture are in order.
func TestNormaliseTurns(t *testing.T) {
	upright := picture(100, 100, 0)
	for o := 1; o <= 8; o++ {
		// turn undoes an orientation, so its inverse makes one; 6 and 8 are each other's.
		inverse := [9]int{0, 1, 2, 3, 4, 5, 8, 7, 6}[o]
		data := withSegment(encoded(t, turn(upright, inverse), asJPEG), mAPP1, exifOf(byte(o)))
		if got := orientation(data); got != o {
			t.Errorf("orientation %d is read as %d", o, got)
		}
		p := normal(t, data)
		for _, b := range [][]byte{p.Large, p.Small} {
			img, err := jpeg.Decode(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			n := img.Bounds().Dx()
			r, _, _, _ := img.At(n/4, n/4).RGBA()
			_, g, _, _ := img.At(3*n/4, n/4).RGBA()
			_, _, bl, _ := img.At(n/4, 3*n/4).RGBA()
			if min(r, g, bl) < 0x9000 {
				t.Errorf("orientation %d is not upright: %x %x %x", o, r, g, bl)
			}
		}
	}
	// By the book: 6 is "row 0 is the right side": turned clockwise to be upright.
	img := image.NewRGBA(image.Rect(0, 0, 2, 2))
	img.SetRGBA(0, 0, color.RGBA{255, 0, 0, 255})
	if r, _, _, _ := turn(img, 6).At(1, 0).RGBA(); r == 0 {
		t.Error("6 does not turn clockwise")
	}
}

func TestNormaliseRefuses(t *testing.T) {
	good := encoded(t, picture(100, 100, 0), asJPEG)
	huge := encoded(t, image.NewGray(image.Rect(0, 0, maxSide+1, 1)), png.Encode)
	for name, data := range map[string][]byte{
		"empty": nil, "text": []byte("hello"), "huge": huge,
		"half": good[:len(good)/4], "head": good[:2], "webp": []byte("RIFF\x00\x00\x00\x00WEBPVP8 "),
	} {
		if p, err := normalise(data); err == nil || p != nil {
			t.Errorf("%s: normalise = %v, %v", name, p, err)
		}
	}
}

func FuzzNormalise(f *testing.F) {
	jpg := encoded(f, picture(20, 20, 0), asJPEG)
	f.Add(jpg)
	f.Add(withSegment(jpg, mAPP1, exifOf(6)))
	f.Add(withSegment(jpg, mAPP14, "Adobe\x00\x64\x00\x00\x00\x00\x01"))
	f.Add(encoded(f, picture(20, 10, 0), png.Encode))
	f.Add(encoded(f, picture(10, 20, 0), asGIF))
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, _, err := image.DecodeConfig(bytes.NewReader(data)); err == nil && c.Width*c.Height > 1<<16 {
			return // slow, not wrong
		}
		p, err := normalise(data)
		if err != nil {
			return
		}
		for limit, b := range map[int][]byte{directory.MaxLargePhoto: p.Large, directory.MaxSmallPhoto: p.Small} {
			img, err := jpeg.Decode(bytes.NewReader(b))
			if err != nil || len(b) > limit || img.Bounds().Dx() != img.Bounds().Dy() {
				t.Errorf("%d bytes: %v", len(b), err)
			}
		}
		if _, ok := strip(p.Large); !ok {
			t.Error("what was made is no plain baseline JPEG")
		}
	})
}

func BenchmarkNormalise(b *testing.B) {
	for name, data := range map[string][]byte{
		"kept 240":   encoded(b, picture(240, 240, 5), asJPEG),
		"scaled 648": encoded(b, picture(648, 648, 50), asJPEG),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := normalise(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

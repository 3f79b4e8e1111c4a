package graph

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"ringbook/directory"
)

// A field is taken apart at some cost; an attribute with 100,000 of them is no
// phonebook's.
func TestFieldsOfAnAttributeAreBounded(t *testing.T) {
	p, err := newPhones(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for fields, want := range map[int]int{maxNumbers - 1: 1, maxNumbers: 0} {
		raw, err := json.Marshal(append(slices.Repeat([]string{"none"}, fields), "030 123456"))
		if err != nil {
			t.Fatal(err)
		}
		set, err := p.decode("businessPhones", raw)
		if err != nil {
			t.Fatal(err)
		}
		var c directory.Contact
		if set(&c); len(c.Phones) != want {
			t.Errorf("a number behind %d fields: %v", fields, c.Phones)
		}
	}
}

// A tag too long to keep is not read as "has no photo any more".
func TestLongPhotoTag(t *testing.T) {
	a := batchAnswer{Status: 200, Body: fmt.Appendf(nil, `{"id":"240x240","@odata.mediaEtag":%q}`, strings.Repeat("x", maxTag+1))}
	if tag, err := a.photoTag(); err == nil {
		t.Errorf("tag of %d bytes", len(tag))
	}
}

// A JPEG whose components are R, G and B, or four, is drawn anew: without its
// other segments, readers take it for YCbCr.
func TestNormaliseDrawsOtherColoursAnew(t *testing.T) {
	data := encoded(t, picture(100, 100, 0), asJPEG)
	if p := normal(t, data); len(p.Large) != len(data) {
		t.Errorf("a plain JPEG of %d bytes became one of %d", len(data), len(p.Large))
	}
	frame := bytes.Index(data, []byte{0xff, mSOF0}) + 4
	scan := bytes.Index(data, []byte{0xff, mSOS}) + 4
	for i, name := range []byte("RGB") {
		data[frame+6+3*i], data[scan+1+2*i] = name, name
	}
	p := normal(t, data)
	if got := bytes.Index(p.Large, []byte{0xff, mSOF0}) + 4; p.Large[got+6] == 'R' {
		t.Error("a JPEG in RGB was kept")
	}
	four := []byte{8, 0, 100, 0, 100, 4, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0, 4, 0x11, 0}
	if plainColours(four) {
		t.Error("four components are taken for YCbCr")
	}
}

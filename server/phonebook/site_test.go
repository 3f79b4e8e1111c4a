package phonebook_test

import (
	"slices"
	"strings"
	"testing"

	"ringbook/directory"
	"ringbook/directory/index"
	"ringbook/directory/number"
)

// TestSites: each phone has the numbers as it dials them where it stands, with the
// prefix for a line to the outside, and finds them so; what is the same for two
// phones has the same tag.
func TestSites(t *testing.T) {
	p, err := number.NewPlans(
		number.Site{Name: "berlin", Country: "DE", AreaCode: "30", ExternalPrefix: "0", ExternalFor: []directory.DeviceKind{directory.KindDeskphone}, Stem: "+49305557", Extensions: "1000-4999"},
		number.Site{Name: "munich", Country: "DE", AreaCode: "89", Stem: "+49895551", Extensions: "100-199"},
	)
	if err != nil {
		t.Fatal(err)
	}
	x, err := index.New(index.Options{Books: []directory.Book{{Name: "people", Title: "Contoso"}}, Plan: p}, "0123456789abcdef", 0,
		slices.Values([]index.Stored(nil)), slices.Values([]index.Mark(nil)))
	if err != nil {
		t.Fatal(err)
	}
	s := &shelf{Index: x}
	s.apply([]directory.Contact{{ID: "c-1", Source: directory.SourceUser, DisplayName: "Ada", Phones: []directory.Phone{
		{Kind: directory.PhoneWork, Written: "030 5557 1234", E164: "+493055571234"},
		{Kind: directory.PhoneMobile, Written: "0171 1234567", E164: "+491711234567"},
	}}})
	s.SetLoaded()
	tags := make(map[string]string)
	for _, c := range []struct {
		site    directory.SiteName
		kind    directory.DeviceKind
		numbers directory.NumberProfile
		want    string
		finds   string
	}{
		{"berlin", directory.KindDeskphone, directory.NumbersExtension, "1234 001711234567", "1234"},
		{"berlin", directory.KindPhone, directory.NumbersExtension, "1234 01711234567", "1234"},
		{"munich", directory.KindDeskphone, directory.NumbersExtension, "03055571234 01711234567", "030 5557"},
		{"berlin", directory.KindDeskphone, directory.NumbersNational, "003055571234 001711234567", "0171 123"},
		{"berlin", directory.KindDeskphone, directory.NumbersE164, "+493055571234 +491711234567", "+4930"},
		{"", directory.KindDeskphone, directory.NumbersExtension, "1234 001711234567", "1234"},
	} {
		d := desk()
		d.Books, d.Site, d.Kind, d.Numbers = d.Books[:1], c.site, c.kind, c.numbers
		r := newRig(t, s, d)
		for _, path := range []string{"yealink.xml", "yealink.xml?q=" + strings.NewReplacer("+", "%2B", " ", "%20").Replace(c.finds)} {
			if o := r.object(path); len(o.Entries) != 1 || strings.Join(o.Entries[0].Telephone, " ") != c.want {
				t.Errorf("%s at %q for %s: %s: %+v, not %s", c.numbers, c.site, c.kind, path, o.Entries, c.want)
			}
		}
		tag := r.ask("yealink.xml", nil).Header().Get("ETag")
		if was, known := tags[tag]; known && was != c.want {
			t.Errorf("%s has the tag of %s", c.want, was)
		}
		tags[tag] = c.want
	}
}

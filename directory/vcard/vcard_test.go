package vcard_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	govcard "github.com/emersion/go-vcard"
	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
	"ringbook/directory/vcard"
)

func TestAppendAppends(t *testing.T) {
	c := person()
	card := vcard.Append(nil, c, vcard.Style{})
	got := vcard.Append([]byte("before"), c, vcard.Style{})
	if string(got) != "before"+string(card) {
		t.Errorf("got %q", got)
	}
}

func TestNumberStyle(t *testing.T) {
	c := person()
	got := string(vcard.Append(nil, c, vcard.Style{Number: func(p directory.Phone) string { return "00" + p.E164[1:] }}))
	if !strings.Contains(got, "\r\nTEL;TYPE=WORK;TYPE=VOICE:0049301234567\r\n") {
		t.Errorf("card %s", got)
	}
}

// A FRITZ!Box shows FN with the backslash of its escapes, and nothing else of these.
func TestPlainNames(t *testing.T) {
	c := person()
	c.DisplayName, c.GivenName, c.Surname, c.Company, c.JobTitle = "Adler, Karen", "Karen", "Adler", "Adler, Söhne", "Prokuristin, CEO"
	want := strings.Replace(string(vcard.Append(nil, c, vcard.Style{})), `FN:Adler\, Karen`, "FN:Karen Adler", 1)
	if got := string(vcard.Append(nil, c, vcard.Style{Names: directory.NamesPlain})); got != want || !strings.Contains(got, "N:Adler;Karen;;;\r\nORG:Adler\\, Söhne") {
		t.Errorf("card %s", got)
	}
	c.GivenName, c.Surname = "", ""
	if got := string(vcard.Append(nil, c, vcard.Style{Names: directory.NamesPlain})); !strings.Contains(got, "\r\nFN:Adler Karen\r\nN:Adler Karen;;;;\r\n") {
		t.Errorf("card %s", got)
	}
}

// A number as somebody wrote it is an extension of another one, as the device's
// profile has it: one line.
func TestNoNumberTwice(t *testing.T) {
	c := person()
	c.Phones = []directory.Phone{
		{Kind: directory.PhoneWork, Written: "+49 30 5557 3000", E164: "+493055573000"},
		{Kind: directory.PhoneOther, Written: "3000"},
		{Kind: directory.PhoneOther, Written: "3001"},
	}
	short := func(p directory.Phone) string { return p.Written[max(0, len(p.Written)-4):] }
	got := string(vcard.Append(nil, c, vcard.Style{Number: short}))
	if strings.Count(got, ":3000\r\n") != 1 || !strings.Contains(got, "\r\nTEL;TYPE=WORK;TYPE=VOICE:3000\r\nTEL;TYPE=VOICE:3001\r\n") {
		t.Errorf("card %s", got)
	}
}

func TestAppendAllocatesNothing(t *testing.T) {
	c := person()
	c.DisplayName = strings.Repeat("Jürgen, ", 40)
	style := vcard.Style{JPEG: make([]byte, 20<<10)}
	dst := vcard.Append(nil, c, style)
	if n := testing.AllocsPerRun(100, func() { dst = vcard.Append(dst[:0], c, style) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Every length around the ends of lines, against package base64.
func TestPhotoOfEveryLength(t *testing.T) {
	jpeg := make([]byte, 400)
	for i := range jpeg {
		jpeg[i] = byte(i*i + i>>3)
	}
	c := person()
	for n := range jpeg {
		style := vcard.Style{JPEG: jpeg[:n+1]}
		readBack(t, vcard.Append(nil, c, style), c, style)
	}
}

// shown is what of a text may appear in a card: written here once more, from
// the promise and not from the code.
func shown(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case strings.ContainsRune("\n\u0085\u2028\u2029", r):
			b.WriteByte('\n')
		case r == '\t':
			b.WriteByte(' ')
		case !unicode.IsControl(r) && r != '\ufffe' && r != '\uffff':
			b.WriteRune(r)
		}
	}
	return b.String()
}

// second is how go-vcard gives a text back: it leaves the backslash of "\;".
func second(s string) string { return strings.ReplaceAll(shown(s), ";", `\;`) }

func structured(parts ...string) string {
	for i, p := range parts {
		parts[i] = second(p)
	}
	return strings.Join(parts, ";")
}

// readBack reads a card with go-vcard, a reader that is not ours, and compares
// every value; and it looks at the lines themselves.
func readBack(t *testing.T, card []byte, c *directory.Contact, s vcard.Style) {
	t.Helper()
	checkLines(t, card)
	dec := govcard.NewDecoder(bytes.NewReader(card))
	got, err := dec.Decode()
	if err != nil {
		t.Fatalf("%v in %q", err, card)
	}
	if _, err := dec.Decode(); !errors.Is(err, io.EOF) {
		t.Errorf("something stands behind the card: %v", err)
	}
	if diff := cmp.Diff(values(c, s), read(got)); diff != "" {
		t.Errorf("read back (-want +got):\n%s\n%s", diff, card)
	}
}

// values returns the values that a contact's card must have.
func values(c *directory.Contact, s vcard.Style) map[string][]string {
	want := map[string][]string{
		"VERSION": {"3.0"}, "PRODID": {"-//Ringbook//EN"}, "UID": {string(c.ID)}, "FN": {second(c.Name())},
		"N": {structured(c.Surname, c.GivenName, "", "", "")},
	}
	if c.Surname == "" && c.GivenName == "" {
		want["N"] = []string{structured(c.Name(), "", "", "", "")}
	}
	if c.Department != "" {
		want["ORG"] = []string{structured(c.Company, c.Department)}
	} else if c.Company != "" {
		want["ORG"] = []string{second(c.Company)}
	}
	if c.JobTitle != "" {
		want["TITLE"] = []string{second(c.JobTitle)}
	}
	for _, e := range c.Emails {
		want["EMAIL"] = append(want["EMAIL"], second(e))
	}
	for _, p := range c.Phones {
		if n := second(p.Canonical()); p.Canonical() != "" && !slices.Contains(want["TEL"], n) {
			want["TEL"] = append(want["TEL"], n)
		}
	}
	if a := c.Address; a != (directory.Address{}) {
		want["ADR"] = []string{structured("", c.Office, a.Street, a.City, a.State, a.PostalCode, a.Country)}
	}
	if len(s.JPEG) > 0 {
		want["PHOTO"] = []string{base64.StdEncoding.EncodeToString(s.JPEG)}
	}
	return want
}

func read(card govcard.Card) map[string][]string {
	got := map[string][]string{}
	for name, fields := range card {
		for _, f := range fields {
			got[name] = append(got[name], f.Value)
		}
	}
	return got
}

// properties are all that a card may begin a line with, in their order.
var properties = []string{
	"BEGIN:VCARD", "VERSION:3.0", "PRODID:-//Ringbook//EN", "UID:", "FN:", "N:", "ORG:", "TITLE:",
	"EMAIL;TYPE=INTERNET;TYPE=WORK:", "EMAIL;TYPE=INTERNET;TYPE=WORK;TYPE=PREF:",
	"TEL;TYPE=WORK;TYPE=VOICE:", "TEL;TYPE=CELL:", "TEL;TYPE=HOME;TYPE=VOICE:", "TEL;TYPE=WORK;TYPE=FAX:",
	"TEL;TYPE=PAGER:", "TEL;TYPE=VOICE:", "ADR;TYPE=WORK:", "PHOTO;ENCODING=b;TYPE=JPEG:", "END:VCARD",
}

func checkLines(t *testing.T, card []byte) {
	t.Helper()
	text, ok := strings.CutSuffix(string(card), "\r\n")
	if !ok {
		t.Fatalf("no CR LF at the end of %q", card)
	}
	for line := range strings.SplitSeq(text, "\r\n") {
		if len(line) > 75 {
			t.Errorf("line of %d octets: %q", len(line), line)
		}
		if !utf8.ValidString(line) {
			t.Errorf("a character is broken in %q", line)
		}
		if strings.ContainsFunc(line, func(r rune) bool { return unicode.IsControl(r) || r == 0x2028 || r == 0x2029 }) {
			t.Errorf("control character in %q", line)
		}
		if !strings.HasPrefix(line, " ") &&
			!slices.ContainsFunc(properties, func(p string) bool { return strings.HasPrefix(line, p) }) {
			t.Errorf("forged line %q", line)
		}
	}
}

func FuzzAppend(f *testing.F) {
	for _, s := range []string{
		"", "Anna", "Müller, GmbH; \\ Co", "a\r\nTEL:666", "\r", "\u2028END:VCARD\u0085", "\xff\xc3", "\\;", strings.Repeat(" ", 200),
		strings.Repeat("\\", 200), strings.Repeat("👩‍👩‍👧‍👦", 30), strings.Repeat("ü", 100), strings.Repeat("\x00", 90), "\ufffd", "a\ufffe\uffffb",
	} {
		f.Add(s, "Schmidt", []byte(s))
		f.Add("Anna", s, []byte{})
	}
	f.Fuzz(func(t *testing.T, a, b string, jpeg []byte) {
		if a == "" {
			a = "a"
		}
		c := &directory.Contact{
			ID: "6e7b768e", DisplayName: a, GivenName: b, Surname: a, Emails: []string{b, a}, JobTitle: b,
			Phones:  []directory.Phone{{Kind: directory.PhoneHome, Written: b}, {Kind: "odd", Written: a}},
			Company: b, Department: a, Office: b, Address: directory.Address{Street: a, City: b, Country: a},
		}
		style := vcard.Style{JPEG: jpeg}
		card := vcard.Append(nil, c, style)
		readBack(t, card, c, style)
		if again := vcard.Append(nil, c.Clone(), style); !bytes.Equal(again, card) {
			t.Errorf("the same contact makes another card")
		}
	})
}

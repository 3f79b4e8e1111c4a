package text_test

import (
	"encoding/csv"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"ringbook/directory/text"
)

// The rows are what is written, how it is displayed, and by which rule.
func asciiRows(t *testing.T) [][]string {
	t.Helper()
	f, err := os.Open("testdata/ascii.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment = '#'
	rows, err := r.ReadAll()
	if err != nil || len(rows) < 80 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	return rows[1:]
}

func TestASCII(t *testing.T) {
	for _, row := range asciiRows(t) {
		in, want, why := row[0], row[1], row[2]
		for _, form := range []norm.Form{norm.NFC, norm.NFD} {
			if got := text.ASCII(form.String(in)); got != want {
				t.Errorf("ASCII(%q) = %q, want %q (%s)", in, got, want, why)
			}
		}
	}
}

// What a display shows, somebody will type: it finds the name that it stands for.
func TestASCIIIsLookedFor(t *testing.T) {
	for _, row := range asciiRows(t) {
		forms := text.Variants(row[0])
		if !slices.Contains(forms[:], text.Fold(row[1])) && row[2] != "left out" {
			t.Errorf("%q is displayed as %q and indexed as %q", row[0], row[1], forms)
		}
	}
}

func TestASCIICostsNothingWhenASCII(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { text.ASCII("Anna Schmidt-O'Neil (2)") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func checkASCII(t *testing.T, s string) {
	t.Helper()
	got := text.ASCII(s)
	if (got == "") != (s == "") || strings.ContainsFunc(got, func(r rune) bool { return r < ' ' || r > '~' }) {
		t.Errorf("ASCII(%q) = %q", s, got)
	}
	if again := text.ASCII(got); again != got {
		t.Errorf("ASCII(%q) = %q, and of that %q", s, got, again)
	}
	if d := norm.NFD.String(s); text.ASCII(d) != text.ASCII(norm.NFC.String(s)) {
		t.Errorf("ASCII(%q) = %q, of another form of it %q", s, got, text.ASCII(d))
	}
}

func TestASCIIOfEveryCharacter(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if r >= 0x3400 && r%97 != 0 {
			continue // ideographs and syllables, all alike here
		}
		checkASCII(t, string(r))
		checkASCII(t, "A"+string(r)+"b")
	}
}

func FuzzASCII(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { checkASCII(t, s) })
}

package text_test

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"ringbook/directory/text"
)

func TestFold(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", ""},
		{" ", ""},
		{"anna", "anna"},
		{"Anna Schmidt", "anna schmidt"},
		{"  Anna\t\u00a0 Schmidt ", "anna schmidt"},
		{"MÜLLER", "muller"},
		{"Mu\u0308ller", "muller"}, // decomposed, as macOS writes file names
		{"Strauß", "strauss"},
		{"STRAUẞ", "strauss"},
		{"Søren Ærø", "soren aero"},
		{"Łukasz Wałęsa", "lukasz walesa"},
		{"Þór Guðmundsson", "thor gudmundsson"},
		{"Đặng Văn", "dang van"},
		{"Œuvrard", "oeuvrard"},
		{"İlker Işık", "ilker isik"},
		{"ΟΔΥΣΣΕΥΣ", "οδυσσευσ"},
		{"Οδυσσεύς", "οδυσσευσ"},
		{"Артём", "артем"},
		{"ﬁsch", "fisch"},
		{"Ａｎｎａ", "anna"}, // full width
		{"O’Neil", "o'neil"},
		{"O´Neil", "o'neil"}, // as people type it on German keyboards
		{"Əliyev", "eliyev"},
		{"Meyer‐Schulz", "meyer-schulz"},
		{"Meyer\u00adSchulz", "meyerschulz"}, // soft hyphen
		{"山田 太郎", "山田 太郎"},
		{"김가", "\u1100\u1175\u11b7\u1100\u1161"}, // so that what has been typed of a syllable begins it
		{"a\x00b\x7fc", "abc"},
		{" \u0301 a \u0301 ", "a"},
		{"\xff", "\ufffd"},
	} {
		if got := text.Fold(tt.in); got != tt.want {
			t.Errorf("Fold(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestFoldCostsNothingWhenFolded(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { text.Fold("anna schmidt-o'neil 2") }); n != 0 {
		t.Errorf("%v allocations for a folded name", n)
	}
}

// Every character on its own, and between letters, is folded alike in every
// normal form, and once for ever: case folding and decomposition undo each
// other for some.
func TestFoldEveryCharacter(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z, unicode.Cc, unicode.Cf) ||
			unicode.In(r, unicode.Unified_Ideograph, unicode.Hangul) && r%97 != 0 || r == 0xb4 || r == 0x1ffd {
			continue // not assigned, or 100,000 characters that are all alike here, or an apostrophe to us
		}
		for _, s := range []string{string(r), "a" + string(r) + "b"} {
			once := text.Fold(s)
			if twice := text.Fold(once); twice != once {
				t.Fatalf("%U: Fold(%q) = %q, folded again %q", r, s, once, twice)
			}
			for _, form := range []norm.Form{norm.NFD, norm.NFKD} {
				if got := text.Fold(form.String(s)); got != once {
					t.Fatalf("%U: Fold(%q) = %q, of another form of it %q", r, s, once, got)
				}
			}
		}
	}
}

func TestVariants(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want []string
	}{
		{"", nil},
		{"Anna", []string{"anna"}},
		{"René", []string{"rene"}},
		{"Strauß", []string{"strauss"}},
		{"Müller", []string{"muller", "mueller"}},
		{"MÜLLER", []string{"muller", "mueller"}},
		{"Mu\u0308ller", []string{"muller", "mueller"}},
		{"Jörg Bäß", []string{"jorg bass", "joerg baess"}},
		{"Sørensen", []string{"sorensen", "soerensen"}},
		{"Åberg", []string{"aberg", "aaberg"}},
		{"Иванов", []string{"иванов", "ivanov"}},
		{"Юлия Müller", []string{"юлия muller", "yuliya mueller"}},
		{"Παπαδόπουλος", []string{"παπαδοπουλοσ", "papadopoulos"}},
		{"山田 太郎", []string{"山田 太郎"}},
		{"山田 Ünal", []string{"山田 unal", "山田 uenal"}},
		{"O'Neil", []string{"o'neil", "oneil"}},
		{"o neil", []string{"o neil", "oneil"}},
		{"Müller-Lüdenscheidt", []string{"muller-ludenscheidt", "mueller-luedenscheidt", "mullerludenscheidt", "muellerluedenscheidt"}},
		{"Jan van der Berg", []string{"jan van der berg", "jan vanderberg"}},
		{"St. Clair", []string{"st. clair", "stclair"}},
		{"Meier - Schulz", []string{"meier - schulz", "meier schulz"}},
		{"Anna S", []string{"anna s"}},
		{"van", []string{"van"}},
		{"-", []string{"-"}},
		{"-.' -", []string{"-.' -"}},
	} {
		if got := text.Variants(tt.in).Distinct(); !slices.Equal(got, tt.want) {
			t.Errorf("Variants(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

// The promise of the package comment, both ways round.
func TestVariantsMeet(t *testing.T) {
	meet := func(a, b string) bool {
		forms := text.Variants(a).Distinct()
		return slices.ContainsFunc(text.Variants(b).Distinct(), func(s string) bool { return slices.Contains(forms, s) })
	}
	for _, tt := range []struct {
		name, query string
		want        bool
	}{
		{"Müller", "Müller", true},
		{"Müller", "MÜLLER", true},
		{"Müller", "Muller", true},
		{"Müller", "Mueller", true},
		{"Mueller", "Müller", true},
		{"Mueller", "Muller", false},
		{"Müller", "Miller", false},
	} {
		if got := meet(tt.name, tt.query); got != tt.want {
			t.Errorf("%q finds %q: %v, want %v", tt.query, tt.name, got, tt.want)
		}
	}
}

func TestClean(t *testing.T) {
	for _, tt := range []struct {
		in    string
		lines bool
		want  string
	}{
		{"", false, ""},
		{" Anna ", false, "Anna"},
		{"Mu\u0308ller", false, "Müller"},
		{"Anna\r\nTEL:666", false, "Anna  TEL:666"},
		{"Anna\rTEL:666", true, "Anna\nTEL:666"},
		{"Weg 1\r\nHof 2\r\n", true, "Weg 1\nHof 2"},
		{"Weg 1\u2028Hof 2", true, "Weg 1\nHof 2"},
		{"a\tb", false, "a b"},
		{"a\x00\x1b\u0085b", false, "a b"},
		{"\u202a+49 30 1234567\u202c", false, "+49 30 1234567"}, // copied from a Windows contact
		{"\ufeffAnna", false, "Anna"},
		{"می\u200cخواهم", false, "می\u200cخواهم"},
		{"a\xffb", false, "a\ufffdb"},
	} {
		if got := text.Clean(tt.in, tt.lines); got != tt.want {
			t.Errorf("Clean(%q, %v) = %q, want %q", tt.in, tt.lines, got, tt.want)
		}
	}
}

var seeds = []string{
	"", "Anna Schmidt", "Jürgen Müller-Lüdenscheidt", " a \u0301", "\xff\xfe", "İıſßẞς", "ﷺ", "각", "e\u0301\u0323\u0301",
	"\u202e\u2028\r\n\t\x00", strings.Repeat("\u0301", 100), "ŉ΅ΐΰ", "ᾳᾼ", "\xf3î",
}

func FuzzFold(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := text.Fold(s)
		if twice := text.Fold(once); twice != once {
			t.Errorf("Fold(%q) = %q, folded again %q", s, once, twice)
		}
		if !utf8.ValidString(once) || strings.Contains(once, "  ") || once != strings.TrimSpace(once) {
			t.Errorf("Fold(%q) = %q", s, once)
		}
		text.Variants(s)
	})
}

func FuzzClean(f *testing.F) {
	for _, s := range seeds {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, s string, lines bool) {
		got := text.Clean(s, lines)
		if !utf8.ValidString(got) || !norm.NFC.IsNormalString(got) || got != strings.TrimSpace(got) {
			t.Errorf("Clean(%q, %v) = %q", s, lines, got)
		}
		if strings.ContainsFunc(got, func(r rune) bool { return unicode.IsControl(r) && (r != '\n' || !lines) }) {
			t.Errorf("Clean(%q, %v) = %q has control characters", s, lines, got)
		}
		if again := text.Clean(got, lines); again != got {
			t.Errorf("Clean(%q, %v) = %q, cleaned again %q", s, lines, got, again)
		}
	})
}

func TestCut(t *testing.T) {
	for in, want := range map[string]string{"": "", "abc": "abc", "abcd": "abcd", "abcde": "abcd", "abcö": "abc", "äöü": "äö"} {
		if got := text.Cut(in, 4); got != want {
			t.Errorf("%q is cut to %q, not %q", in, got, want)
		}
	}
}

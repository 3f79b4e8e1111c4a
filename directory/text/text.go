// Package text makes names comparable: folding for search, keys for order, and
// spells them for displays that have no letters but those of ASCII.
//
// # How names meet
//
// A name and what somebody types for it are both folded, and then compared as
// bytes. Folding is one form; German and Scandinavian names have two, because
// "Müller" is typed "Muller" by some and "Mueller" by others. So a name is
// indexed in all its [Forms], and a query is looked for in all of
// its own: then "Müller", "MULLER" and "Mueller" all find "Müller", and
// "Müller" finds the "Mueller" whom the tenant has only in ASCII. The second form
// is in the letters that [ASCII] displays: "ivanov" finds "Иванов", as a phone
// shows him that has no Cyrillic font, and "Иванов" finds "Ivanov". Two more forms
// are for those who leave out an apostrophe, a hyphen, or the blank in "Mc Donald".
//
// # Dependencies
//
//	for                 we use                   why not something else
//	Unicode's rules     golang.org/x/text 0.43   the Go team's own tables of normalisation, case folding and
//	                                             collation; there is no second implementation that is kept up to date
package text

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Fold returns the form in which names are compared: NFKD without marks, case
// folded, blanks collapsed, letters that decompose to nothing spelt out (ß→ss,
// ø→o, ł→l, æ→ae), and the hyphens and apostrophes that only typography tells
// apart made one. Invisible characters are dropped. Fold(Fold(s)) == Fold(s).
// A folded s costs no allocation, any other one.
func Fold(s string) string {
	if isFolded(s) {
		return s
	}
	var room [128]byte // most names; append grows it for the others
	return string(appendFold(room[:0], s))
}

// Forms are the forms in which one name is indexed and looked for. Those that
// make no difference are equal to one before them; most names have one form only.
type Forms [4]string

// The forms.
const (
	Folded = iota // see [Fold]
	Spelt         // the same in the letters of [ASCII]: ä is ae; what has no Latin spelling stays
	// Joined and SpeltJoined are these two without the signs inside of words, and
	// without the blanks behind particles: "o'neil" and "o neil" are oneil, "müller-lüdenscheidt"
	// is mullerludenscheidt, "mc donald" is mcdonald, and "van der berg" vanderberg.
	Joined
	SpeltJoined
)

// Variants returns the forms of a name. All are "" if nothing of it is left.
func Variants(s string) Forms {
	folded := Fold(s)
	f := Forms{folded, folded}
	if !isASCII(s) {
		var room [128]byte
		if spelt := appendFold(room[:0], string(latin(s))); string(spelt) != folded {
			f[Spelt] = string(spelt)
		}
	}
	f[Joined] = join(f[Folded])
	if f[SpeltJoined] = f[Joined]; f[Spelt] != folded {
		f[SpeltJoined] = join(f[Spelt])
	}
	return f
}

// Distinct returns the forms that there are, each once.
func (f Forms) Distinct() []string {
	all := make([]string, 0, len(f))
	for _, s := range f {
		if s != "" && !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}

// signs stand inside of names, in one spelling and not in the other.
const signs = "'-."

// join makes the joined form of a folded name. A name of nothing but signs is
// left as it is.
func join(s string) string {
	if !strings.ContainsAny(s, signs) && !hasParticle(s) {
		return s
	}
	b := make([]byte, 0, len(s))
	word := 0 // where the last one begins
	for _, c := range []byte(s) {
		switch {
		case strings.IndexByte(signs, c) >= 0:
		case c == ' ':
			if len(b) > word && !isParticle(string(b[word:])) {
				b = append(b, ' ')
				word = len(b)
			}
		default:
			b = append(b, c)
		}
	}
	if len(b) == 0 {
		return s
	}
	return strings.TrimSuffix(string(b), " ")
}

func hasParticle(s string) bool {
	for {
		word, rest, more := strings.Cut(s, " ")
		if !more {
			return false
		}
		if isParticle(word) {
			return true
		}
		s = rest
	}
}

// isParticle reports whether a word belongs to the next one, which some write
// together with it: a closed list, for "anna s" is not "annas".
func isParticle(word string) bool {
	switch word {
	case "o", "d", "l", "t", "mc", "mac", "fitz", "van", "vander", "von", "vom", "zu", "zum", "zur", "am",
		"de", "den", "der", "des", "del", "della", "dela", "di", "da", "do", "dos", "das", "du",
		"la", "le", "las", "los", "lo", "te", "ter", "ten", "st", "ste", "san", "santa", "al", "el", "ben", "bin", "ibn", "abu", "abd", "af":
		return true
	}
	return false
}

// isFolded reports whether s is ASCII and its own folded form.
func isFolded(s string) bool {
	blank := true // a blank may not stand here: at the start or after another
	for i := range len(s) {
		switch c := s[i]; {
		case c == ' ':
			if blank {
				return false
			}
			blank = true
		case c < ' ', 'A' <= c && c <= 'Z', c >= 0x7f, c == '`':
			return false
		default:
			blank = false
		}
	}
	return s == "" || !blank
}

// appendFold decomposes character by character: the order of marks, which is
// all that package norm would add for its allocations, is of no interest here.
func appendFold(dst []byte, s string) []byte {
	blank := false // one is due before the next letter
	for i, r := range s {
		if r < utf8.RuneSelf || isAcute(r) {
			dst, blank = appendPart(dst, r, blank)
			continue
		}
		if isHangul(r) {
			for _, jamo := range decomposeHangul(r) {
				dst, blank = appendPart(dst, jamo, blank)
			}
			continue
		}
		d := norm.NFKD.PropertiesString(s[i:]).Decomposition()
		if d == nil {
			dst, blank = appendPart(dst, r, blank)
		}
		for len(d) > 0 {
			part, size := utf8.DecodeRune(d)
			dst, blank = appendPart(dst, part, blank)
			d = d[size:]
		}
	}
	return dst
}

// isAcute reports whether r is the accent on its own that people type for an
// apostrophe: it would be decomposed to a blank with an accent.
func isAcute(r rune) bool { return r == '\u00b4' || r == '\u1ffd' }

// appendPart appends one decomposed character, and before it the blank that is
// due, and returns whether one is due now.
func appendPart(dst []byte, r rune, blank bool) ([]byte, bool) {
	if unicode.IsSpace(r) {
		return dst, len(dst) > 0
	}
	before := len(dst)
	if blank {
		dst = append(dst, ' ')
	}
	start := len(dst)
	if dst = appendLetter(dst, r); len(dst) == start {
		return dst[:before], blank
	}
	return dst, false
}

// The syllables of Hangul, which are decomposed by arithmetic (Unicode §3.12).
const (
	hangul      = 0xac00
	hangulCount = 19 * hangulVowel
	hangulVowel = 21 * hangulTail // syllables of one leading consonant
	hangulTail  = 28              // syllables of one leading consonant and vowel
)

func isHangul(r rune) bool { return hangul <= r && r < hangul+hangulCount }

// noTail stands in place of a trailing consonant where there is none.
const noTail = 0x11a7

// decomposeHangul returns the jamo of a syllable; the last one is a trailing consonant,
// or noTail.
func decomposeHangul(r rune) [3]rune {
	n := r - hangul
	return [...]rune{0x1100 + n/hangulVowel, 0x1161 + n%hangulVowel/hangulTail, noTail + n%hangulTail}
}

// appendLetter appends what is left of one decomposed character, if anything.
func appendLetter(dst []byte, r rune) []byte {
	switch {
	case 'A' <= r && r <= 'Z':
		return append(dst, byte(r)+'a'-'A')
	case r == '`' || isAcute(r):
		return append(dst, '\'')
	case r < ' ' || r == 0x7f:
		return dst
	case r < utf8.RuneSelf:
		return append(dst, byte(r))
	case r < 0xa0 || r == 0xad: // the other control characters, soft hyphen
		return dst
	case r == noTail:
		return dst
	case r >= 0x300 && unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return dst
	}
	r = unicode.ToLower(unicode.ToUpper(r)) // simple case folding: ς and Σ are σ
	if t := spell(r); t != "" {
		return append(dst, t...)
	}
	return utf8.AppendRune(dst, r)
}

// spell returns the ASCII spelling of a lower-case character that NFKD leaves
// whole; "" = there is none.
func spell(r rune) string {
	switch r {
	case 'ß':
		return "ss"
	case 'æ':
		return "ae"
	case 'œ':
		return "oe"
	case 'ø':
		return "o"
	case 'ł':
		return "l"
	case 'đ', 'ð', 'ɖ', 'ɗ':
		return "d"
	case 'þ':
		return "th"
	case 'ħ':
		return "h"
	case 'ŧ':
		return "t"
	case 'ŋ':
		return "n"
	case 'ı', 'ɨ':
		return "i"
	case 'ə', 'ɛ':
		return "e" // Azerbaijani (ICAO Doc 9303-3 §6A); Ewe, Akan
	case 'ĸ':
		return "q"
	case 'ƙ':
		return "k"
	case 'ɓ':
		return "b"
	case 'ɔ':
		return "o"
	case 'ʉ':
		return "u"
	case 'ƴ':
		return "y"
	case 'ǥ', 'ɣ':
		return "g"
	case 'ƶ':
		return "z"
	case 'ƒ':
		return "f"
	case '‘', '’', '‛', 'ʼ', 'ʻ', '′':
		return "'" // phones type U+2019 where keyboards type an apostrophe
	case '‐', '‑', '‒', '–', '—', '−':
		return "-"
	}
	return ""
}

// Clean returns s as a [ringbook/directory.Contact] holds it: valid UTF-8 in
// NFC, without control characters, trimmed; if lines, "\n" is kept (and CR LF
// becomes it), else each break of a line becomes a blank. Characters that only
// steer the direction or the width of text are dropped as well: they come with
// copied names and numbers, make equal values unequal, and can make one name
// look like another. A clean s costs no allocation.
func Clean(s string, lines bool) string {
	if isCleanASCII(s, lines) {
		return s
	}
	gap := ' '
	if lines {
		gap = '\n'
		s = strings.ReplaceAll(s, "\r\n", "\n")
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\v' || r == '\f' || r == 0x85 || r == 0x2028 || r == 0x2029:
			return gap
		case r == '\t':
			return ' '
		case unicode.IsControl(r) || steers(r):
			return -1
		}
		return r // U+FFFD for what is not UTF-8
	}, s)
	return strings.TrimSpace(norm.NFC.String(s))
}

// steers reports whether r is invisible and no part of any spelling (zero-width
// joiners are: Persian and emoji need them).
func steers(r rune) bool {
	return r == 0xfeff || r == 0x200b || r == 0x200e || r == 0x200f ||
		0x202a <= r && r <= 0x202e || 0x2060 <= r && r <= 0x206f
}

func isCleanASCII(s string, lines bool) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && (c != '\n' || !lines) || c >= 0x7f {
			return false
		}
	}
	return s == "" || s[0] > ' ' && s[len(s)-1] > ' '
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// Cut returns at most n bytes of s, and no half character.
func Cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}

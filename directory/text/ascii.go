package text

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// ASCII returns s in printable ASCII, for displays that have no other letters.
// German letters and their neighbours are spelt out as Germans do (ä→ae, ß→ss,
// ø→oe, å→aa), other Latin letters lose their marks; Cyrillic is romanised by
// BGN/PCGN 1947 (Russian), with the letters of Ukrainian, Belarusian, Serbian and
// Macedonian by their own BGN/PCGN tables, and Greek by ELOT 743 (UN 1987). Of
// BGN/PCGN we leave out what depends on the place in a word (е is always e) and the
// signs for ъ and ь, so that what somebody types is the beginning of what is shown.
//
// A character that has no spelling is left out: "王伟 Wang Wei" is read as "Wang Wei",
// and not as "?? Wang Wei". If no letter or digit is left, the result is "?";
// it is empty for an empty s only. Line breaks become blanks. A printable s is
// returned as it is, at no cost.
func ASCII(s string) string {
	if isPrintable(s) {
		return s
	}
	b := make([]byte, 0, len(s)+8)
	lost := false
	word, blank := false, false // a letter or digit is there; a blank is due
	for _, r := range string(latin(s)) {
		switch {
		case unicode.IsSpace(r) || unicode.IsControl(r):
			blank = len(b) > 0
			continue
		case r >= utf8.RuneSelf:
			lost = true
			continue
		}
		if blank {
			b = append(b, ' ')
			blank = false
		}
		b = append(b, byte(r))
		word = word || inASCIIWord(byte(r))
	}
	if len(b) == 0 || lost && !word {
		return "?"
	}
	return string(b)
}

func inASCIIWord(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

func isPrintable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// latin spells s in Latin letters without marks, as far as it can be; what has no
// spelling is there decomposed.
func latin(s string) []byte {
	var room [128]byte // most names
	x := latinizer{dst: make([]byte, 0, len(s)+8), rest: string(appendDecomposed(room[:0], s))}
	for x.rest != "" {
		x.next()
	}
	return x.dst
}

// appendDecomposed appends s in NFKD, with its marks in the order in which they are: those
// that count are of one class, whose order is never changed. An accent on its own is an
// apostrophe.
func appendDecomposed(dst []byte, s string) []byte {
	for i, r := range s {
		switch {
		case isAcute(r):
			dst = append(dst, '\'')
		case r < utf8.RuneSelf:
			dst = append(dst, byte(r))
		case isHangul(r):
			for _, jamo := range decomposeHangul(r) {
				if jamo != noTail {
					dst = utf8.AppendRune(dst, jamo)
				}
			}
		default:
			if d := norm.NFKD.PropertiesString(s[i:]).Decomposition(); d != nil {
				dst = append(dst, d...)
			} else {
				dst = utf8.AppendRune(dst, r) // U+FFFD for what is not UTF-8
			}
		}
	}
	return dst
}

// A latinizer is on its way through a decomposed text.
type latinizer struct {
	dst  []byte
	rest string
	last rune // in lower case; 0 = none, or it has a mark
	caps bool // the last letter was a capital one
	word bool // the last was a letter
	skip bool // the next one is spelt already
}

// next spells one character with its marks.
func (x *latinizer) next() {
	r, n := utf8.DecodeRuneInString(x.rest)
	marks := n
	for marks < len(x.rest) {
		m, size := utf8.DecodeRuneInString(x.rest[marks:])
		if !unicode.Is(unicode.Mn, m) {
			break
		}
		marks += size
	}
	with := x.rest[n:marks]
	whole := x.rest[:marks]
	x.rest = x.rest[marks:]
	low := unicode.ToLower(r)
	t, ok := "", x.skip
	x.skip = false
	if !ok {
		t, ok = x.spelling(low, with)
	}
	capital := low != r
	switch {
	case !ok && r < utf8.RuneSelf:
		x.dst = append(x.dst, byte(r)) // without its marks
	case !ok:
		x.dst = append(x.dst, whole...)
	case !capital:
		x.dst = append(x.dst, t...)
	case len(t) > 1 && !x.amongCaps():
		x.dst = append(append(x.dst, t[0]-'a'+'A'), t[1:]...)
	default:
		x.dst = append(x.dst, strings.ToUpper(t)...)
	}
	x.last, x.caps, x.word = low, capital, unicode.IsLetter(r)
	if with != "" {
		x.last = 0
	}
}

// amongCaps reports whether a capital letter that becomes several is one of many:
// Ä is Ae in "Ärger" and AE in "ÄRGER".
func (x *latinizer) amongCaps() bool {
	if r, _ := utf8.DecodeRuneInString(x.rest); unicode.IsLetter(r) {
		return unicode.ToLower(r) != r
	}
	return x.caps
}

// spelling returns the spelling of a letter in lower case with its marks; false =
// it has none but its own.
func (x *latinizer) spelling(r rune, marks string) (t string, ok bool) {
	for _, m := range marks {
		if t, ok := markedLetters[[...]rune{r, m}]; ok {
			return t, true
		}
	}
	switch {
	case r < utf8.RuneSelf:
		return "", false
	case 'α' <= r && r <= 'ω':
		return x.greek(r, marks)
	case r == 'ø':
		return "oe", true
	}
	if t := spell(r); t != "" {
		return t, true
	}
	t, ok = otherLetters[r]
	return t, ok
}

// greek spells a Greek letter by ELOT 743, which looks at its neighbours.
func (x *latinizer) greek(r rune, marks string) (t string, ok bool) {
	following, _ := utf8.DecodeRuneInString(x.rest)
	following = unicode.ToLower(following)
	switch r {
	case 'γ':
		if following == 'γ' || following == 'ξ' || following == 'χ' {
			return "n", true
		}
	case 'μ':
		if following == 'π' && !x.word {
			x.skip = true
			return "b", true
		}
	case 'υ':
		if strings.ContainsRune(marks, diaeresis) {
			break
		}
		switch x.last {
		case 'ο':
			return "u", true
		case 'α', 'ε', 'η':
			if following == utf8.RuneError || !unicode.IsLetter(following) || strings.ContainsRune("θκξπσςτφχψ", following) {
				return "f", true
			}
			return "v", true
		}
	}
	t, ok = otherLetters[r]
	return t, ok
}

// markedLetters are the letters whose mark counts, by letter and mark. Nothing
// changes it.
var markedLetters = map[[2]rune]string{
	{'a', diaeresis}: "ae", {'o', diaeresis}: "oe", {'u', diaeresis}: "ue", {'a', ring}: "aa",
	{'е', diaeresis}: "yo", {'и', breve}: "y", {'і', diaeresis}: "yi", {'у', breve}: "w",
}

// The marks that count.
const (
	breve     = '\u0306'
	diaeresis = '\u0308'
	ring      = '\u030a'
)

// otherLetters are those of Greek (ELOT 743) and Cyrillic (BGN/PCGN), and signs.
// Nothing changes it.
var otherLetters = map[rune]string{
	'α': "a", 'β': "v", 'γ': "g", 'δ': "d", 'ε': "e", 'ζ': "z", 'η': "i", 'θ': "th", 'ι': "i", 'κ': "k", 'λ': "l", 'μ': "m",
	'ν': "n", 'ξ': "x", 'ο': "o", 'π': "p", 'ρ': "r", 'σ': "s", 'ς': "s", 'τ': "t", 'υ': "y", 'φ': "f", 'χ': "ch", 'ψ': "ps", 'ω': "o",

	'а': "a", 'б': "b", 'в': "v", 'г': "g", 'д': "d", 'е': "e", 'ж': "zh", 'з': "z", 'и': "i", 'к': "k", 'л': "l", 'м': "m",
	'н': "n", 'о': "o", 'п': "p", 'р': "r", 'с': "s", 'т': "t", 'у': "u", 'ф': "f", 'х': "kh", 'ц': "ts", 'ч': "ch", 'ш': "sh",
	'щ': "shch", 'ъ': "", 'ы': "y", 'ь': "", 'э': "e", 'ю': "yu", 'я': "ya",
	'ґ': "g", 'є': "ye", 'і': "i", // Ukrainian, Belarusian
	'ђ': "d", 'ј': "j", 'љ': "lj", 'њ': "nj", 'ћ': "c", 'џ': "dz", 'ѕ': "dz", // Serbian, Macedonian; đ and ć lose their marks
	'ә': "a", 'ғ': "gh", 'қ': "q", 'ң': "ng", 'ө': "o", 'ұ': "u", 'ү': "u", 'һ': "h", 'җ': "j", 'ҷ': "j", 'ҳ': "h", // of Kazakh, Tatar, Tajik

	'“': `"`, '”': `"`, '„': `"`, '‟': `"`, '«': `"`, '»': `"`, '‹': "'", '›': "'", '‚': ",", '⁄': "/", '•': "*", '·': ".",
	'€': "EUR", '£': "GBP", '×': "x", '©': "(c)", '®': "(r)",
}

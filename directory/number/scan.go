package number

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxDigits is the longest text of digits that is taken for a number: 15 of
// E.164, two prefixes and an extension.
const maxDigits = 40

// maxExtension is the longest extension: more digits after a number are
// another number.
const maxExtension = 7

// minNumber is the shortest number after which "/" may begin another one:
// before that it stands behind an area code.
const minNumber = 7

// A written is what a text says as a number.
type written struct {
	digits [maxDigits]byte
	n      int  // digits in all
	split  int  // digits of the number; the rest is its extension
	zero   int  // where the zero of "+49 (0)30" is in digits; -1 = there is none
	plus   bool // it names its country
	code   bool // it begins with * or #: a code for the exchange
	stray  bool // it holds words or signs that do not belong to a number
	long   bool // it holds more than maxDigits
}

func (w *written) main() string      { return string(w.digits[:w.split]) }
func (w *written) extension() string { return string(w.digits[w.split:w.n]) }

// A scanner reads a written number character by character.
type scanner struct {
	rest  string
	w     *written
	split bool // what follows is an extension
}

// scan reads a number as people write it into w, which is zero. Letters are
// never read as keypad digits: they label the number, begin its extension or end it.
func scan(s string, w *written) {
	w.zero = -1
	x := scanner{rest: uri(s), w: w}
	for x.step() {
	}
	switch {
	case !x.split:
		w.split = w.n
	case w.n-w.split > maxExtension:
		w.n, w.stray = w.split, true
	}
}

// uri returns the number of a URI, with its extension: of tel (RFC 3966 §3), and
// the user part of sip (RFC 3261 §19.1.6), also behind a name in angle brackets.
// Other texts are returned as they are.
func uri(s string) string {
	if strings.IndexByte(s, ':') < 0 {
		return s
	}
	whole := s
	if open := strings.LastIndexByte(s, '<'); open >= 0 {
		s, _, _ = strings.Cut(s[open+1:], ">") // a name before it may have a colon
	}
	scheme, rest, is := strings.Cut(s, ":")
	switch {
	case !is:
		return whole
	case strings.EqualFold(scheme, "sip"), strings.EqualFold(scheme, "sips"):
		rest, _, _ = strings.Cut(rest, "@")
		rest, _, _ = strings.Cut(rest, ":") // a password
	case strings.EqualFold(scheme, "tel"), strings.EqualFold(scheme, "callto"):
	default:
		return whole
	}
	if strings.Contains(rest, "%") {
		if plain, err := url.PathUnescape(rest); err == nil {
			rest = plain
		}
	}
	number, parameters, _ := strings.Cut(rest, ";")
	for parameter := range strings.SplitSeq(parameters, ";") {
		switch name, value, _ := strings.Cut(parameter, "="); {
		case strings.EqualFold(name, "ext"):
			number += ";" + value
		case strings.EqualFold(name, "phone-context") && strings.HasPrefix(value, "+") && !strings.HasPrefix(number, "+"):
			number = value + number // a local number of a global context is a global number
		}
	}
	return number
}

// plain reads the digits and separators that nearly every number consists of.
func (x *scanner) plain() {
	n := x.w.n
	for i := range len(x.rest) {
		switch c := x.rest[i]; {
		case '0' <= c && c <= '9' && n < maxDigits:
			x.w.digits[n] = c
			n++
		case c == ' ', c == '-', c == '.', c == ')':
		default:
			x.w.n, x.rest = n, x.rest[i:]
			return
		}
	}
	x.w.n, x.rest = n, ""
}

// step reads one character, or word, and reports whether to go on.
func (x *scanner) step() bool {
	x.plain()
	if x.rest == "" {
		return false
	}
	r, size := utf8.DecodeRuneInString(x.rest)
	if unicode.IsLetter(r) {
		return x.word()
	}
	x.rest = x.rest[size:]
	if d, ok := digit(r); ok {
		return x.digit(d)
	}
	switch r {
	case '+', '＋':
		if x.w.n > 0 {
			x.w.stray = true
			return false // another number
		}
		x.w.plus = true
		return true
	case '(':
		x.trunk()
		return true
	case '/', '|':
		another := x.w.n >= minNumber && strings.HasPrefix(strings.TrimLeft(x.rest, " ("), "0")
		x.w.stray = x.w.stray || another
		return !another
	case '*', '#', ',', ';':
		return x.sign(r)
	}
	if separates(r) {
		return true
	}
	x.w.stray = true
	return x.w.n == 0
}

func (x *scanner) digit(c byte) bool {
	if x.w.n == maxDigits {
		x.w.long = true
		return false
	}
	x.w.digits[x.w.n] = c
	x.w.n++
	return true
}

// minMain is the shortest number that may have an extension: a pause behind less
// is where one waits for the line ("9,1-617…").
const minMain = 3

// sign reads a pause or a key of the keypad: before the number it makes a code
// for the exchange, after it an extension.
func (x *scanner) sign(r rune) bool {
	switch {
	case r == ',' && 0 < x.w.n && x.w.n < minMain:
	case x.w.n > 0:
		return x.extend()
	case r == '*', r == '#':
		x.w.code = true
	default:
		x.w.stray = true
	}
	return true
}

// extend begins the extension; a second one ends the number.
func (x *scanner) extend() bool {
	if x.split && x.w.n > x.w.split {
		return false
	}
	x.split, x.w.split = true, x.w.n
	return true
}

// trunk notes the zero of "+49 (0)30" after its opening parenthesis.
func (x *scanner) trunk() {
	const room = len("  0  )") // a limit, so that "((((…" is read once only
	inner, _, ok := strings.Cut(x.rest[:min(room, len(x.rest))], ")")
	if ok && x.w.n > 0 && x.w.zero < 0 && !x.split && strings.TrimSpace(inner) == "0" {
		x.w.zero = x.w.n
	}
}

// word reads letters.
func (x *scanner) word() bool {
	end := strings.IndexFunc(x.rest, func(r rune) bool { return !unicode.IsLetter(r) })
	if end < 0 {
		end = len(x.rest)
	}
	word := x.rest[:end]
	x.rest = x.rest[end:]
	if x.w.n == 0 {
		x.w.stray = x.w.stray || !labels(word) && !extends(word)
		return true
	}
	if extends(word) {
		return x.extend()
	}
	x.w.stray = true
	return false
}

// maxWord is longer than each word of labels and extends.
const maxWord = 16

func lower(buf *[maxWord]byte, word string) []byte {
	if len(word) > maxWord {
		return nil
	}
	for i := range len(word) {
		c := word[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		buf[i] = c
	}
	return buf[:len(word)]
}

// labels reports whether a word says what a number is for.
func labels(word string) bool {
	var buf [maxWord]byte
	switch string(lower(&buf, word)) {
	case "tel", "telefon", "telephone", "phone", "fon", "fax", "telefax", "mobil", "mobile", "mob", "cell",
		"handy", "natel", "work", "home", "office", "büro", "buero", "privat", "direkt", "direct", "t", "p", "m", "f", "h", "d",
		"rufnummer", "nummer", "nr", "tél", "téléphone", "portable", "telefono", "cellulare", "ufficio", "telefoon", "mobiel", "kom", "komórka", "switchboard", "zentrale":
		return true
	}
	return false
}

// extends reports whether a word stands before an extension (German, Austrian,
// English, French, Italian, Dutch and Polish usage; "ext" also in RFC 3966).
func extends(word string) bool {
	var buf [maxWord]byte
	switch string(lower(&buf, word)) {
	case "ext", "extn", "extension", "x", "dw", "durchwahl", "app", "apparat", "appt", "nst", "nebenstelle",
		"kl", "klappe", "int", "intern", "interne", "interno", "poste", "p", "w", "toestel", "tst", "wew", "wewn":
		return true
	}
	return false
}

// separates reports whether r may stand between the digits of a number.
func separates(r rune) bool {
	switch r {
	case '(', ')', '[', ']', '.', ':', '=', '_', '~', '\'', '-', '−':
		return true
	}
	return unicode.In(r, unicode.White_Space, unicode.Pd, unicode.Cf)
}

// digit reads a digit, also of the other scripts that keyboards of phones have.
func digit(r rune) (byte, bool) {
	for _, zero := range [...]rune{'0', '٠', '۰', '०', '０'} {
		if zero <= r && r <= zero+9 {
			return '0' + byte(r-zero), true
		}
	}
	return 0, false
}

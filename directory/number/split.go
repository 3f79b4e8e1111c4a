package number

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// minDigits makes a piece of a field a number of its own: less is the rest of the
// number before it ("…; 12").
const minDigits = 3

// Split returns the numbers of one field. People separate them by ; , |
// and " / ", and by lines; a slash without blanks, or behind an area code, belongs
// to the number (030/1234, 030 / 1234), and so does a piece that is no number
// (", ext. 12"), unless it has a line of its own.
func Split(s string) []string {
	var out []string
	for line := range strings.Lines(s) {
		out = append(out, splitLine(strings.TrimSpace(line))...)
	}
	return out
}

func splitLine(s string) []string {
	var out []string
	start := 0
	for start < len(s) {
		end := numberEnd(s, start)
		if piece := strings.Trim(s[start:end], " ;,|"); digits(piece) > 0 {
			out = append(out, piece)
		}
		start = end + separator(s[end:])
	}
	return out
}

// Join makes one field of numbers, which Split takes apart again.
func Join(numbers []string) string {
	if s := strings.Join(numbers, "; "); slices.Equal(Split(s), numbers) {
		return s
	}
	return strings.Join(numbers, "\n")
}

// numberEnd is where the number that begins at start ends.
func numberEnd(s string, start int) int {
	for i := start; i < len(s); {
		n := separator(s[i:])
		if n == 0 {
			i++
			continue
		}
		before := s[start:i]
		slash := s[i] == ' ' && isAreaCode(before)
		if !slash && digits(before) >= minDigits && isNumber(firstPiece(s[i+n:])) {
			return i
		}
		i += n
	}
	return len(s)
}

// maxAreaCode is how many digits an area code has at most, with its trunk prefix or
// a country's: 030, 04103, +49 4103. No number that begins so is as short.
const maxAreaCode = 6

// isAreaCode reports whether what stands before a slash is not a number yet.
func isAreaCode(s string) bool {
	s = strings.TrimLeft(s, " (")
	return s != "" && (s[0] == '0' || s[0] == '+') && digits(s) <= maxAreaCode
}

// separator returns the length of the separator that s begins with; 0 = none.
func separator(s string) int {
	switch {
	case s == "":
		return 0
	case strings.ContainsRune(";,|", rune(s[0])):
		return 1
	case strings.HasPrefix(s, " / "), strings.HasPrefix(s, ":::"): // Google's export
		return 3
	}
	return 0
}

func firstPiece(s string) string {
	for i := range len(s) {
		if separator(s[i:]) > 0 {
			return s[:i]
		}
	}
	return s
}

// extensionWord begins a piece that goes with the number before it.
var extensionWord = regexp.MustCompile(`(?i)^\s*(x|ext\w*|dw|durchwahl|app|nst|#)[\s.:]*\d`)

func isNumber(s string) bool { return digits(s) >= minDigits && !extensionWord.MatchString(s) }

func digits(s string) int {
	n := 0
	for _, r := range s {
		if unicode.IsDigit(r) {
			n++
		}
	}
	return n
}

package number

import (
	"bytes"
	"slices"
	"strings"

	"ringbook/directory"
)

// MinSuffix is the shortest suffix that is taken for a number: fewer digits end
// the numbers of half a company.
const MinSuffix = 5

// A Query is a number that somebody looks for, in whatever spelling. The zero
// Query matches nothing. Its methods may be called from any goroutine.
type Query struct {
	digits    []byte   // all digits, as they are dialled
	extension string   // digits of the extension; "" = none
	full      []string // readings as the digits of an E.164 number
	prefix    []string // readings as the beginning of the digits of an E.164 number
}

// Query reads s: separators are dropped; a query without digits, or with words
// or signs that do not belong to a number ("1&1", "Haus 2"), matches nothing.
func (p *Plan) Query(s string) Query {
	var w written
	scan(s, &w)
	if w.n == 0 || w.stray || w.long {
		return Query{}
	}
	q := Query{digits: slices.Clone(w.digits[:w.n]), extension: w.extension()}
	q.full = make([]string, 0, 4)
	q.prefix = make([]string, 0, 4)
	d := w.main()
	abroad, ok := d, w.plus // ok: it names its country
	if !ok {
		abroad, ok = strings.CutPrefix(d, "00")
	}
	if !ok && p.exit != "00" {
		abroad, ok = strings.CutPrefix(d, p.exit)
	}
	if !w.plus && (strings.HasPrefix("00", d) || strings.HasPrefix(p.exit, d)) {
		q.prefix = append(q.prefix, "") // it may still become any number
	}
	if w.zero >= 0 {
		p.read(&q, strings.TrimPrefix(d[:w.zero]+d[w.zero+1:], "00"))
	}
	if ok {
		abroad = strings.TrimPrefix(abroad, "00") // "+0049"
		p.read(&q, abroad)
		return q
	}
	p.read(&q, d) // 4930…
	national, trunk := strings.CutPrefix(d, p.trunk)
	if trunk {
		p.read(&q, p.code+national)
	} else {
		q.full = add(q.full, p.code+d) // the trunk prefix was lost
	}
	return q
}

// read adds a reading with its country calling code, and the same without a
// trunk prefix left behind that code.
func (p *Plan) read(q *Query, digits string) {
	for _, d := range [...]string{digits, p.withoutTrunk(digits)} {
		if d != "" {
			q.full = add(q.full, d)
			q.prefix = add(q.prefix, d+q.extension)
		}
	}
}

func add(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// withoutTrunk drops a trunk prefix that was left behind the country calling
// code ("+49 030…"); "" = there is none.
func (p *Plan) withoutTrunk(digits string) string {
	if n, ok := strings.CutPrefix(digits, "11"); ok {
		return "1" + n // North America's is its code, and no number begins with it
	}
	if national, home := strings.CutPrefix(digits, p.code); home {
		if n, ok := strings.CutPrefix(national, p.trunk); ok && p.trunk != "" {
			return p.code + n
		}
		return ""
	}
	n := codeLen(digits)
	if len(digits) <= n || digits[n] != '0' || strings.HasPrefix(digits, "39") {
		return "" // Italy's numbers begin with 0
	}
	return digits[:n] + digits[n+1:]
}

// codeLen returns the length of the country calling code at the beginning of
// digits (ITU-T E.164 Annex: zones 1 and 7 have one digit, the rest two or three).
func codeLen(digits string) int {
	if digits == "" || digits[0] == '1' || digits[0] == '7' {
		return 1
	}
	if len(digits) < 2 {
		return 2
	}
	switch digits[:2] {
	case "21", "22", "23", "24", "25", "26", "29", "35", "37", "38", "42", "50", "59", "67", "68", "69",
		"80", "85", "87", "88", "96", "97", "99":
		return 3
	}
	return 2
}

// A spelling is a phone's digits, laid out for comparison.
type spelling struct {
	e164    [2 * maxDigits]byte // digits of E.164, then those of the extension
	main, n int                 // length without and with the extension
	written written
}

func spell(ph directory.Phone, s *spelling) {
	scan(ph.Written, &s.written)
	if len(ph.E164) < 2 || len(ph.E164) > maxDigits {
		return
	}
	s.main = copy(s.e164[:], ph.E164[1:])
	s.n = s.main + copy(s.e164[s.main:], s.written.digits[s.written.split:s.written.n])
}

func (s *spelling) dialled() []byte { return s.written.digits[:s.written.n] }

// Equal reports whether q in any reading of the plan is ph, or has its digits
// as written. A number with an extension also equals the number without it, and
// the number that the two make together.
func (q Query) Equal(ph directory.Phone) bool {
	if len(q.digits) == 0 {
		return false
	}
	var s spelling
	spell(ph, &s)
	return q.equal(&s)
}

func (q Query) equal(s *spelling) bool {
	if bytes.Equal(q.digits, s.dialled()) {
		return true
	}
	if s.n == 0 {
		return false
	}
	for _, r := range q.full {
		if (q.extension == "" || s.main == s.n) && r == string(s.e164[:s.main]) {
			return true
		}
		if len(r)+len(q.extension) == s.n && r == string(s.e164[:len(r)]) && q.extension == string(s.e164[len(r):s.n]) {
			return true
		}
	}
	return false
}

// Prefix reports whether q begins any spelling of ph (E.164, 00…, national, as written).
func (q Query) Prefix(ph directory.Phone) bool {
	if len(q.digits) == 0 {
		return false
	}
	var s spelling
	spell(ph, &s)
	return q.begins(&s) || q.equal(&s)
}

func (q Query) begins(s *spelling) bool {
	if bytes.HasPrefix(s.dialled(), q.digits) {
		return true
	}
	for _, r := range q.prefix {
		if s.n > 0 && len(r) <= s.n && r == string(s.e164[:len(r)]) {
			return true
		}
	}
	return false
}

// Suffix reports whether q, of at least MinSuffix digits, ends ph.
func (q Query) Suffix(ph directory.Phone) bool {
	if len(q.digits) < MinSuffix {
		return false
	}
	var s spelling
	spell(ph, &s)
	return bytes.HasSuffix(s.dialled(), q.digits) ||
		bytes.HasSuffix(s.e164[:s.main], q.digits) ||
		bytes.HasSuffix(s.e164[:s.n], q.digits) ||
		q.equal(&s)
}

// Contains reports whether q's digits, of which one is enough, stand in any
// spelling of ph.
func (q Query) Contains(ph directory.Phone) bool {
	if len(q.digits) == 0 {
		return false
	}
	var s spelling
	spell(ph, &s)
	return bytes.Contains(s.dialled(), q.digits) || bytes.Contains(s.e164[:s.n], q.digits) ||
		q.begins(&s) || q.equal(&s)
}

// Keys returns the keys of q: a ph for which [Query.Equal] or [Query.Suffix] is
// true has one of them among its own.
func (q Query) Keys() []string {
	if len(q.digits) == 0 {
		return nil
	}
	keys := []string{tail(string(q.digits))}
	for _, r := range q.full {
		keys = add(keys, tail(r))
		keys = add(keys, tail(r+q.extension))
	}
	return keys
}

// AppendKeys appends the keys of ph, mostly one: its last digits.
func AppendKeys(dst []string, ph directory.Phone) []string {
	var s spelling
	spell(ph, &s)
	n := len(dst)
	for _, digits := range [][]byte{s.dialled(), s.e164[:s.main], s.e164[:s.n]} {
		if key := tail(string(digits)); key != "" && !slices.Contains(dst[n:], key) {
			dst = append(dst, key)
		}
	}
	return dst
}

// tail returns the last MinSuffix digits, or all when there are fewer.
func tail(digits string) string { return digits[max(0, len(digits)-MinSuffix):] }

// Prefixes returns the beginnings of q: a ph for which [Query.Prefix] is true
// has a spelling (see [AppendSpellings]) that begins with one of them. One of
// them may be "": what was typed may still become any number.
func (q Query) Prefixes() []string {
	if len(q.digits) == 0 {
		return nil
	}
	all := add(slices.Clone(q.prefix), string(q.digits))
	for _, r := range q.full {
		all = add(all, r)
	}
	return all
}

// AppendSpellings appends the digits of ph: those of E.164 with its extension,
// and as written if they differ.
func AppendSpellings(dst []string, ph directory.Phone) []string {
	var s spelling
	spell(ph, &s)
	e164, written := string(s.e164[:s.n]), string(s.dialled())
	if e164 != "" {
		dst = append(dst, e164)
	}
	if written != "" && written != e164 {
		dst = append(dst, written)
	}
	return dst
}

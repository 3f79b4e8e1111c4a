package number

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"

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
	plus      bool     // it names its country, so nothing stands before it
	full      []string // readings as the digits of an E.164 number
	prefix    []string // readings as the beginning of the digits of an E.164 number

	// Of numbers that are valid nowhere, beside the digits themselves:
	service []string // service and emergency numbers that an external prefix stood before
	coded   string   // the digits with those of the code before them ("*55*001"); "" = there is no code
}

// Query reads s: separators are dropped, and a code of the exchange before a
// number (*31#). A query without digits, or with words or signs that do not
// belong to a number ("1&1", "Haus 2"), matches nothing.
func (p *Plan) Query(s string) Query {
	var w written
	number := withoutCode(s)
	scan(number, &w)
	if w.n == 0 || w.stray || w.long {
		return Query{}
	}
	q := Query{digits: slices.Clone(w.digits[:w.n]), extension: w.extension(), plus: w.plus}
	if len(number) < len(s) {
		q.coded = coded(s)
	}
	q.full = make([]string, 0, 6)
	q.prefix = make([]string, 0, 6)
	if !p.all {
		p.readings(&q, &w)
		return q
	}
	for _, site := range p.company.plans {
		site.readings(&q, &w)
	}
	return q
}

// FromQuery trims a number that came in the query of a URL and gives it its plus back,
// of which a client that does not encode it makes a blank.
func FromQuery(s string) string {
	trimmed := strings.TrimSpace(s)
	if strings.HasPrefix(s, " ") && trimmed != "" && '1' <= trimmed[0] && trimmed[0] <= '9' {
		return "+" + trimmed
	}
	return trimmed
}

// withoutCode takes a code off that is dialled before a number: "*31#030…".
func withoutCode(s string) string {
	rest := strings.TrimLeft(s, "*#")
	end := strings.IndexAny(rest, "*#")
	if len(rest) == len(s) || end < 1 || end > len("000") || !isDigits(rest[:end]) {
		return s
	}
	number := rest[end+1:]
	if number == "" || number[0] != '+' && !isDigits(number[:1]) {
		return s
	}
	return number
}

// coded returns the digits of a number with those of its code: so it is written down
// by who has such a code for somebody, as a short dial. "" = it is none.
func coded(s string) string {
	var w written
	scan(s, &w)
	if w.stray || w.long {
		return ""
	}
	return string(w.digits[:w.n])
}

// readings adds everything that w may be at the site.
func (p *Plan) readings(q *Query, w *written) {
	d := w.main()
	if w.zero >= 0 {
		p.read(q, strings.TrimPrefix(d[:w.zero]+d[w.zero+1:], "00"))
	}
	if w.plus {
		p.read(q, strings.TrimPrefix(d, "00")) // "+0049"
		return
	}
	p.short(q, d)
	p.dial(q, d)
	if p.external == "" {
		return
	}
	if strings.HasPrefix(p.external, d) {
		q.prefix = add(q.prefix, "") // it may still become any number
	}
	if rest, ok := strings.CutPrefix(d, p.external); ok && rest != "" {
		p.dial(q, rest)
		if p.isService(rest) {
			q.service = add(q.service, rest)
		}
	}
}

// maxService is the longest service number that is looked for behind an external
// prefix: the 116xxx of all Europe.
const maxService = 6

// isService reports whether digits are a service or emergency number of the country.
func (p *Plan) isService(digits string) bool {
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || len(digits) > maxService || digits[0] == '0' {
		return false
	}
	return phonenumbers.IsValidShortNumberForRegion(&phonenumbers.PhoneNumber{CountryCode: &p.calling, NationalNumber: &n}, p.country)
}

// short adds the reading as an extension: of the site or, if none there is it, or
// none begins so, of the other sites.
func (p *Plan) short(q *Query, d string) {
	if slices.Contains(p.emergencies, d) {
		return
	}
	has, begins := p.has(d), p.begins(d)
	for _, site := range p.company.plans {
		if site.has(d) && (site == p || !has) {
			q.full = add(q.full, site.stem+d)
		}
		if site.begins(d) && (site == p || !begins) {
			q.prefix = add(q.prefix, site.stem+d)
		}
	}
}

// dial adds the readings of digits that are dialled on a line to the outside.
func (p *Plan) dial(q *Query, d string) {
	if strings.HasPrefix("00", d) || strings.HasPrefix(p.exit, d) {
		q.prefix = add(q.prefix, "") // it may still become any number
	}
	abroad, ok := strings.CutPrefix(d, "00")
	if ok {
		p.read(q, strings.TrimPrefix(abroad, "00"))
	}
	if p.exit != "00" { // which may begin so: "0011"
		if rest, is := strings.CutPrefix(d, p.exit); is {
			p.read(q, strings.TrimPrefix(rest, "00"))
			ok = true
		}
	}
	if ok {
		return // it names its country
	}
	p.read(q, d) // 4930…
	national, trunk := strings.CutPrefix(d, p.trunk)
	if trunk {
		p.read(q, p.code+national)
	} else {
		q.full = add(q.full, p.code+d) // the trunk prefix was lost
		if p.zero == "" {
			q.prefix = add(q.prefix, p.code+d+q.extension) // the operator's own: people leave it out
		}
	}
	if p.area != "" && (p.trunk == "" || !trunk) {
		q.full = add(q.full, p.code+p.area+d)
		q.prefix = add(q.prefix, p.code+p.area+d+q.extension)
	}
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
		if n, ok := strings.CutPrefix(national, p.zero); ok && p.zero != "" {
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
	s.n = s.main
	if extension := s.written.digits[s.written.split:s.written.n]; !s.holds(extension) {
		s.n += copy(s.e164[s.main:], extension)
	}
}

// holds reports whether the extension is part of the E.164 number, as one of a
// site is: then that ends as all that is written does.
func (s *spelling) holds(extension []byte) bool {
	const sure = 6 // digits before the extension
	end := s.written.digits[max(0, s.written.split-sure):s.written.n]
	return len(extension) > 0 && bytes.HasSuffix(s.e164[:s.main], bytes.TrimLeft(end, "0")) // the trunk prefix
}

// dialled returns the digits as they are written, of a number that is valid for
// no plan: of others they mean nothing but at the site of whoever wrote them.
func (s *spelling) dialled() []byte {
	if s.main > 0 {
		return nil
	}
	return s.written.digits[:s.written.n]
}

// Equal reports whether q in any reading of the plan is ph, or, if ph is no valid
// number, has its digits as written: those of a service number also behind the external
// prefix, and those behind a code ("*55*001") together with it. A number with an extension
// also equals the number without it, and the number that the two make together.
func (q Query) Equal(ph directory.Phone) bool {
	if len(q.digits) == 0 {
		return false
	}
	var s spelling
	spell(ph, &s)
	return q.equal(&s)
}

// asWritten is equal for a number that is valid nowhere.
func (q Query) asWritten(s *spelling) bool {
	d := s.dialled()
	return bytes.Equal(q.digits, d) || q.coded != "" && s.written.code && q.coded == string(d) || slices.Contains(q.service, string(d))
}

func (q Query) equal(s *spelling) bool {
	if s.n == 0 {
		return q.asWritten(s)
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

// A Rank says how well a number answers a query: the lowest does best.
type Rank int

// The ranks.
const (
	RankWhole   Rank = iota // the number, and the extension if there is any: one's own
	RankMain                // the same but for an extension, which one of them does not name
	RankWritten             // the same digits of what is no valid number
	RankPart                // a part of the number
	RankNone                // another number
)

// Rank ranks ph, of which q may ask as the whole or a part of it.
func (q Query) Rank(ph directory.Phone) Rank {
	var s spelling
	spell(ph, &s)
	switch {
	case len(q.digits) == 0:
		return RankNone
	case q.equal(&s):
		if s.n == 0 {
			return RankWritten
		}
		for _, r := range q.full {
			if len(r)+len(q.extension) == s.n && r == string(s.e164[:len(r)]) && q.extension == string(s.e164[len(r):s.n]) {
				return RankWhole
			}
		}
		return RankMain
	case q.Suffix(ph), q.Contains(ph):
		return RankPart
	}
	return RankNone
}

// Prefix reports whether q begins any spelling of ph (E.164, 00…, national, local,
// extension; as written, if it is no valid number).
func (q Query) Prefix(ph directory.Phone) bool {
	if len(q.digits) == 0 {
		return false
	}
	var s spelling
	spell(ph, &s)
	return q.begins(&s) || q.equal(&s)
}

func (q Query) begins(s *spelling) bool {
	if s.n == 0 {
		d := s.dialled()
		return bytes.HasPrefix(d, q.digits) || q.coded != "" && s.written.code && len(q.coded) <= len(d) && q.coded == string(d[:len(q.coded)])
	}
	for _, r := range q.prefix {
		if len(r) <= s.n && r == string(s.e164[:len(r)]) {
			return true
		}
	}
	return false
}

// Suffix reports whether q, of at least MinSuffix digits, ends ph. What begins with
// "+" is a whole number, and not the end of another one.
func (q Query) Suffix(ph directory.Phone) bool {
	if max(len(q.digits), len(q.coded)) < MinSuffix {
		return false
	}
	var s spelling
	spell(ph, &s)
	switch {
	case q.plus:
		return q.equal(&s)
	case len(q.digits) < MinSuffix: // what stands behind the code is too short, all of it is not
		return s.n == 0 && q.coded == string(s.dialled()) && q.asWritten(&s)
	}
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

// Digits returns the digits of q as they are dialled: a ph for which [Query.Contains]
// is true has them in its digits (see [AppendDigits]), unless [Query.Prefix] is true.
func (q Query) Digits() string { return string(q.digits) }

// AppendDigits appends the digits of ph in which [Query.Contains] looks: those of E.164
// with its extension, and those that are written if they are not among them.
func AppendDigits(dst []string, ph directory.Phone) []string {
	var s spelling
	spell(ph, &s)
	if s.n > 0 {
		dst = append(dst, string(s.e164[:s.n]))
	}
	if written := s.dialled(); !bytes.Contains(s.e164[:s.n], written) {
		dst = append(dst, string(written))
	}
	return dst
}

// AppendKeys appends the keys of q, none twice: a ph for which [Query.Equal] or
// [Query.Suffix] is true has one of them among its own.
func (q Query) AppendKeys(dst []string) []string {
	if len(q.digits) == 0 {
		return dst
	}
	dst = add(dst, tail(string(q.digits)))
	for _, n := range q.written() {
		dst = add(dst, tail(n))
	}
	for _, r := range q.full {
		dst = add(dst, tail(r))
		dst = add(dst, tail(r+q.extension))
	}
	return dst
}

// written returns what a number that is valid nowhere may be written as, beside the
// digits of q.
func (q Query) written() []string {
	if q.coded == "" {
		return q.service
	}
	return append(slices.Clip(q.service), q.coded)
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
	for _, n := range q.written() {
		all = add(all, n)
	}
	for _, r := range q.full {
		all = add(all, r)
	}
	return all
}

// AppendSpellings appends the digits of ph, if it has any: those of E.164 with
// its extension, else as written.
func AppendSpellings(dst []string, ph directory.Phone) []string {
	var s spelling
	spell(ph, &s)
	if s.n > 0 {
		return append(dst, string(s.e164[:s.n]))
	}
	if written := s.dialled(); len(written) > 0 {
		dst = append(dst, string(written))
	}
	return dst
}

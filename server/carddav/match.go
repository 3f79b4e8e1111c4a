package carddav

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"ringbook/directory"
	"ringbook/directory/filter"
	"ringbook/directory/index"
	"ringbook/directory/vcard"
)

// A group is CARDDAV:filter (RFC 6352 §10.5).
type group struct {
	all   bool // every one must hold, else any
	props []propFilter
}

// A propFilter is CARDDAV:prop-filter (§10.5.1): it asks about the values of one
// property, of which a card may have several.
type propFilter struct {
	name      string // upper case
	undefined bool
	all       bool
	texts     []textMatch
	params    []paramFilter
	// numbers, if set, reports whether a contact has a number that is asked for, in
	// another spelling; see group.readNumbers.
	numbers func(*index.Entry) bool
	asks    *filter.Filter // which that is
}

// A paramFilter is CARDDAV:param-filter (§10.5.2).
type paramFilter struct {
	name      string // upper case
	undefined bool
	text      *textMatch
}

// A textMatch is CARDDAV:text-match (§10.5.4); text is folded already.
type textMatch struct {
	text   string
	fold   func(string) string
	is     func(value, text string) bool
	negate bool

	raw       string // as sent
	matchType string
	octet     bool
}

// sketch appends e's card as a filter sees it: whether there is a photo, but
// not which.
func (c *cards) sketch(dst []byte, s style, e *index.Entry) []byte {
	v := vcard.Style{Names: s.names, Number: s.write}
	if e.Contact().Photo != "" && s.photos != directory.PhotoNone {
		v.JPEG = []byte{0xff}
	}
	return vcard.Append(dst, e.Contact(), v)
}

// match reports whether a card, as drawn of e, is what the filter asks for. A
// filter that asks for nothing takes every card.
func (g *group) match(card []byte, e *index.Entry) bool {
	for i := range g.props {
		if g.props[i].match(card, e) != g.all {
			return !g.all
		}
	}
	return g.all || len(g.props) == 0
}

func (p *propFilter) match(card []byte, e *index.Entry) bool {
	if p.numbers != nil && p.numbers(e) {
		return true
	}
	found := false
	for l := range lines(card) {
		if string(l.name) != p.name {
			continue
		}
		found = true
		if p.undefined {
			return false
		}
		if p.matchLine(l) {
			return true
		}
	}
	return p.undefined && !found
}

// matchLine reports whether one value meets the conditions.
func (p *propFilter) matchLine(l line) bool {
	if len(p.texts)+len(p.params) == 0 {
		return true
	}
	params, value := l.split()
	for i := range p.texts {
		if p.texts[i].match(value) != p.all {
			return !p.all
		}
	}
	for i := range p.params {
		if p.params[i].match(params) != p.all {
			return !p.all
		}
	}
	return p.all
}

func (p *paramFilter) match(params []param) bool {
	found := false
	for _, q := range params {
		if q.name != p.name {
			continue
		}
		found = true
		if !p.undefined && (p.text == nil || p.text.match(q.value)) {
			return true
		}
	}
	return p.undefined && !found
}

func (m *textMatch) match(value string) bool {
	return m.is(m.fold(value), m.text) != m.negate
}

// foldASCII is i;ascii-casemap (RFC 4790 §9.2).
func foldASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' {
			return r - 'a' + 'A'
		}
		return r
	}, s)
}

// foldUnicode is i;unicode-casemap (RFC 5051 §2).
func foldUnicode(s string) string {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return norm.NFKD.String(strings.Map(unicode.ToTitle, s))
		}
	}
	return strings.ToUpper(s)
}

package carddav

import (
	"bytes"
	"iter"
	"slices"
	"strings"
)

// A line is one property of a card as we write it, still folded, with its CR LF.
type line struct {
	raw  []byte
	name []byte // upper case, as our cards have it
}

// lines yields the properties of one of our own cards.
func lines(card []byte) iter.Seq[line] {
	return func(yield func(line) bool) {
		for len(card) > 0 {
			end := lineEnd(card)
			raw := card[:end]
			card = card[end:]
			name := raw
			if i := bytes.IndexAny(raw, ":;"); i >= 0 {
				name = raw[:i]
			}
			if !yield(line{raw: raw, name: name}) {
				return
			}
		}
	}
}

// lineEnd returns where the first property with its folded lines ends.
func lineEnd(b []byte) int {
	for at := 0; ; {
		i := bytes.IndexByte(b[at:], '\n')
		if i < 0 {
			return len(b)
		}
		at += i + 1
		if at == len(b) || b[at] != ' ' {
			return at
		}
	}
}

// only returns what a partial card shows of the line (RFC 6352 §10.4.2). The
// frame of a card, and its version, are always shown.
func (l line) only(props []dataProp) []byte {
	switch string(l.name) {
	case "BEGIN", "VERSION", "END":
		return l.raw
	}
	i := slices.IndexFunc(props, func(p dataProp) bool { return p.name == string(l.name) })
	switch {
	case i < 0:
		return nil
	case props[i].noValue:
		return append(bytes.Clone(l.name), ":\r\n"...)
	}
	return l.raw
}

// split unfolds the line and takes it apart.
func (l line) split() (params []param, value string) {
	s := strings.TrimSuffix(strings.ReplaceAll(string(l.raw), "\r\n ", ""), "\r\n")
	head, value, _ := strings.Cut(s, ":") // our parameters are never quoted
	_, head, more := strings.Cut(head, ";")
	for more {
		var p string
		p, head, more = strings.Cut(head, ";")
		name, v, _ := strings.Cut(p, "=")
		params = append(params, param{name: name, value: v})
	}
	return params, unescape(value)
}

// A param is one parameter of a line; a repeated one comes several times.
type param struct{ name, value string }

// unescape undoes RFC 2426 §4 escaping.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '\\' && i+1 < len(s) {
			i++
			if c = s[i]; c == 'n' || c == 'N' {
				c = '\n'
			}
		}
		b = append(b, c)
	}
	return string(b)
}

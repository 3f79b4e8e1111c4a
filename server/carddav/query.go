package carddav

import (
	"encoding/xml"
	"fmt"
	"iter"
	"net/http"
	"strings"

	"ringbook/directory"
	"ringbook/directory/index"
)

// A bookQuery is CARDDAV:addressbook-query (RFC 6352 §10.3).
type bookQuery struct {
	sel    selection
	filter group
	limit  int // 0 = none
}

// query answers CARDDAV:addressbook-query (RFC 6352 §8.6).
func (x *exchange) query(s *scanner, r resource) error {
	q, err := parseQuery(s)
	if err != nil {
		return err
	}
	q.filter.readNumbers(r.book)
	l := x.newLister(q.sel)
	href, p := x.tree.bookHref(r.book), l.plan(kindCard)
	var room []byte
	for e := range x.asked(r, &q.filter) {
		if err := x.r.Context().Err(); err != nil {
			return err // nobody waits for the answer any more
		}
		var ok bool
		if room, ok = x.matches(room[:0], &q, e); !ok {
			continue
		}
		if q.limit > 0 && x.responses == q.limit {
			l.truncated(r.book)
			break
		}
		l.member(href, resource{kind: kindCard, book: r.book, entry: e}, p)
		if l.out.failed() {
			break
		}
	}
	l.out.closeMultistatus()
	return nil
}

// asked yields the contacts of r whose cards a filter may be true for.
func (x *exchange) asked(r resource, g *group) iter.Seq[*index.Entry] {
	if r.kind == kindCard {
		return func(yield func(*index.Entry) bool) { yield(r.entry) }
	}
	v := x.sieve(g, r.book)
	if v.filter != nil {
		return r.book.SearchContext(x.r.Context(), v.filter, "", "")
	}
	return func(yield func(*index.Entry) bool) {
		n := 0
		for e := range r.book.All() {
			if n++; n%everyEntry == 0 && x.r.Context().Err() != nil {
				return
			}
			if v.passes(e) && !yield(e) {
				return
			}
		}
	}
}

// everyEntry is after how many contacts that are left out it is looked whether
// anybody still waits for the answer.
const everyEntry = 1024

// matches draws e's card without its photo and asks the filter.
func (x *exchange) matches(room []byte, q *bookQuery, e *index.Entry) ([]byte, bool) {
	if len(q.filter.props) == 0 {
		return room, true
	}
	room = x.h.cards.sketch(room, x.style, e)
	return room, q.filter.match(room, e)
}

func parseQuery(s *scanner) (q bookQuery, err error) {
	err = s.children(func(t xml.StartElement) (err error) {
		switch t.Name {
		case xml.Name{Space: nsCardDAV, Local: "filter"}:
			q.filter, err = parseFilter(s, t)
		case xml.Name{Space: nsCardDAV, Local: "limit"}:
			q.limit, err = parseLimit(s)
		default:
			_, err = q.sel.parse(s, t)
		}
		return err
	})
	if err == nil {
		err = s.end()
	}
	return q, err
}

// parseFilter reads CARDDAV:filter (RFC 6352 §10.5).
func parseFilter(s *scanner, t xml.StartElement) (g group, err error) {
	if g.all, err = parseTest(t); err != nil {
		return g, err
	}
	conditions := 0
	return g, s.children(func(t xml.StartElement) error {
		if t.Name.Local != "prop-filter" {
			return badFilter(t)
		}
		p, err := parsePropFilter(s, t)
		// All together: each is asked of each card.
		if conditions += 1 + len(p.texts) + len(p.params); conditions > maxNames {
			return fmt.Errorf("more than %d conditions: %w", maxNames, directory.ErrTooLarge)
		}
		g.props = append(g.props, p)
		return err
	})
}

func parsePropFilter(s *scanner, t xml.StartElement) (p propFilter, err error) {
	if p.name = strings.ToUpper(attribute(t, "name")); p.name == "" {
		return p, badFilter(t)
	}
	if p.all, err = parseTest(t); err != nil {
		return p, err
	}
	return p, s.children(func(t xml.StartElement) error {
		conditions := len(p.texts) + len(p.params)
		switch {
		case conditions == maxNames:
			return fmt.Errorf("more than %d conditions: %w", maxNames, directory.ErrTooLarge)
		case p.undefined, conditions > 0 && t.Name.Local == "is-not-defined":
			return badFilter(t) // it stands alone
		}
		switch t.Name.Local {
		case "is-not-defined":
			p.undefined = true
			return s.skip()
		case "text-match":
			m, err := parseTextMatch(s, t)
			p.texts = append(p.texts, m)
			return err
		case "param-filter":
			m, err := parseParamFilter(s, t)
			p.params = append(p.params, m)
			return err
		}
		return badFilter(t)
	})
}

func parseParamFilter(s *scanner, t xml.StartElement) (p paramFilter, err error) {
	if p.name = strings.ToUpper(attribute(t, "name")); p.name == "" {
		return p, badFilter(t)
	}
	return p, s.children(func(t xml.StartElement) error {
		if p.undefined || p.text != nil {
			return badFilter(t) // either stands alone
		}
		switch t.Name.Local {
		case "is-not-defined":
			p.undefined = true
			return s.skip()
		case "text-match":
			m, err := parseTextMatch(s, t)
			p.text = &m
			return err
		}
		return badFilter(t)
	})
}

// parseTextMatch reads CARDDAV:text-match (RFC 6352 §10.5.4).
func parseTextMatch(s *scanner, t xml.StartElement) (m textMatch, err error) {
	switch c := attribute(t, "collation"); c {
	case "", "i;unicode-casemap", "default":
		m.fold = foldUnicode
	case "i;ascii-casemap":
		m.fold = foldASCII
	case "i;octet":
		m.fold = func(s string) string { return s }
		m.octet = true
	default:
		return m, &statusError{status: http.StatusForbidden, condition: conditionCollation, text: "no such collation"}
	}
	switch m.matchType = attribute(t, "match-type"); m.matchType {
	case "", "contains":
		m.is = strings.Contains
	case "equals":
		m.is = func(a, b string) bool { return a == b }
	case "starts-with":
		m.is = strings.HasPrefix
	case "ends-with":
		m.is = strings.HasSuffix
	default:
		return m, badFilter(t)
	}
	switch attribute(t, "negate-condition") {
	case "", "no":
	case "yes":
		m.negate = true
	default:
		return m, badFilter(t)
	}
	text, err := s.rawText()
	m.raw, m.text = text, m.fold(text)
	return m, err
}

func parseTest(t xml.StartElement) (all bool, err error) {
	switch attribute(t, "test") {
	case "", "anyof":
		return false, nil
	case "allof":
		return true, nil
	}
	return false, badFilter(t)
}

func badFilter(t xml.StartElement) error {
	return &statusError{status: http.StatusForbidden, condition: conditionFilter, text: "filter with an unknown " + t.Name.Local}
}

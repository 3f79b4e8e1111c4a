package carddav

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"ringbook/directory"
	"ringbook/directory/filter"
	"ringbook/directory/index"
	"ringbook/directory/text"
)

// A query is defined over the text of cards (RFC 6352 §10.5). To draw a hundred
// thousand cards for the three that have a name is slow, so the index is asked
// first: a condition on a property is turned into one on the contact that is true
// whenever the card's is, and only what that leaves is drawn and matched.
//
// An index that folds more than a collation does finds more, and never less.

// A sieve lets through every contact whose card a condition may be true for.
type sieve struct {
	filter *filter.Filter          // nil = the index cannot tell
	may    func(*index.Entry) bool // nil = any may be
}

func (v sieve) passes(e *index.Entry) bool { return v.may == nil || v.may(e) }

// written are the properties of our cards that the index does not know by text.
// Nothing changes it.
var written = map[string]bool{"BEGIN": true, "VERSION": true, "PRODID": true, "UID": true, "ADR": true, "PHOTO": true, "END": true}

// asking are the attributes whose values, or pieces of them, are the values of a
// property. Nothing changes it.
var asking = map[string][]string{
	"FN": {"cn"}, "N": {"sn", "givenName"}, "ORG": {"o", "ou"}, "TITLE": {"title"}, "EMAIL": {attributeMail, asWritten},
}

// attributeMail has addresses without case, and asWritten, folded, those among them with letters
// that are not ASCII's.
const (
	attributeMail = "mail"
	asWritten     = "asWritten"
)

// sieve makes the sieve of a query over a book.
func (x *exchange) sieve(g *group, b *index.Book) sieve {
	var each []sieve
	for i := range g.props {
		each = append(each, x.sieveOf(&g.props[i], b))
	}
	if len(each) == 0 {
		return sieve{}
	}
	return join(each, g.all)
}

// join is the sieve of several conditions, of which all or any must be true.
func join(each []sieve, all bool) sieve {
	v := sieve{may: func(e *index.Entry) bool {
		for _, one := range each {
			if one.passes(e) != all {
				return !all
			}
		}
		return all
	}}
	f := &filter.Filter{Op: filter.Or}
	if all {
		f.Op = filter.And
	}
	for _, one := range each {
		switch {
		case one.filter != nil:
			f.Children = append(f.Children, one.filter)
		case !all:
			return v // this one may let through whom the index does not know
		}
	}
	if len(f.Children) > 0 {
		v.filter = f
	}
	return v
}

// sieveOf makes the sieve of one property.
func (x *exchange) sieveOf(p *propFilter, b *index.Book) sieve {
	attributes, known := asking[p.name]
	switch {
	case p.undefined:
		return sieve{}
	case p.name == "TEL":
		return p.sieveNumbers(x.style)
	case x.style.names == directory.NamesPlain && (p.name == "FN" || p.name == "N"):
		return sieve{} // the index has names as they are written
	case !known && !written[p.name]:
		return sieved(&filter.Filter{Op: filter.Or}, b) // on no card of ours
	case !known, len(p.texts)+len(p.params) == 0:
		return sieve{}
	}
	var each []sieve
	for i := range p.texts {
		if or := p.texts[i].sieve(attributes); or != nil {
			each = append(each, sieved(or, b))
		} else {
			each = append(each, sieve{})
		}
	}
	for range p.params {
		each = append(each, sieve{})
	}
	return join(each, p.all)
}

// sieve returns a filter that is true for all whose values of the attributes the text may
// match; nil = the index cannot tell.
func (m *textMatch) sieve(attributes []string) *filter.Filter {
	pieces := strings.FieldsFunc(m.raw, isIota)
	switch {
	case m.negate, len(pieces) == 0, text.Fold(strings.Join(pieces, "")) == "": // blanks, or marks that the index drops
		return nil
	case strings.Contains(norm.NFKD.String(m.raw), acute): // an apostrophe to the index
		return nil
	case strings.Contains(m.raw, ";"): // it may reach over the border of two parts
		return nil
	}
	or := &filter.Filter{Op: filter.Or}
	for _, a := range attributes {
		if a == attributeMail { // the collation may have made ASCII of other letters
			or.Children = append(or.Children, contains(a, foldUnicode(m.raw)))
		} else {
			or.Children = append(or.Children, contains(a, pieces...))
		}
	}
	return or
}

func contains(attribute string, pieces ...string) *filter.Filter {
	return &filter.Filter{Op: filter.Substrings, Attribute: attribute, Any: pieces}
}

// isIota reports whether the collation makes a Ι of r. It does so of a subscript on its
// own, too, which the index drops as it does all marks.
func isIota(r rune) bool {
	return r >= utf8.RuneSelf && strings.ContainsRune(foldUnicode(string(r)), 'Ι')
}

// acute is the accent on its own (U+00B4), decomposed.
const acute = " \u0301"

func sieved(f *filter.Filter, b *index.Book) sieve { return sieve{f, b.Matcher(f)} }

// minQuery is the shortest text, in digits, that is read as a telephone number: a
// shorter one stands for too many.
const minQuery = 3

// readNumbers has conditions on TEL find numbers in whatever spelling, as every
// other surface does: "030 1234" is on a card that says +49301234. Their text alone
// would find them only as this device gets them. Of i;octet every octet counts, and
// what is negated or goes with parameters is about the text of one line.
func (g *group) readNumbers(b *index.Book) {
	for i := range g.props {
		p := &g.props[i]
		if p.name != "TEL" || len(p.params) > 0 || p.undefined {
			continue
		}
		f := &filter.Filter{Op: filter.Or}
		if p.all {
			f.Op = filter.And
		}
		readable := true
		for j := range p.texts {
			if leaf := p.texts[j].number(); leaf != nil {
				f.Children = append(f.Children, leaf)
			} else {
				readable = false
			}
		}
		if len(f.Children) > 0 && (readable || !p.all) {
			p.numbers, p.asks = b.Matcher(f), f
		}
	}
}

// number returns what a text asks of numbers; nil = nothing.
func (m *textMatch) number() *filter.Filter {
	digits := 0
	for _, r := range m.raw {
		if unicode.IsDigit(r) {
			digits++
		}
	}
	if m.negate || m.octet || digits < minQuery {
		return nil
	}
	f := &filter.Filter{Op: filter.Substrings, Attribute: "searchNumber"}
	switch m.matchType {
	case "equals":
		f.Op, f.Value = filter.Equal, m.raw
	case "starts-with":
		f.Initial = m.raw
	case "ends-with":
		f.Final = m.raw
	default:
		f.Any = []string{m.raw}
	}
	return f
}

// mayBeNumber reports whether a condition on TEL may be true for a contact's card.
// Whether it is is for the card to say; of parameters it knows nothing.
func (p *propFilter) mayBeNumber(e *index.Entry, s style) bool {
	if p.numbers != nil && p.numbers(e) {
		return true
	}
	for _, ph := range e.Contact().Phones {
		number := ""
		if s.write != nil {
			number = s.write(ph)
		}
		if number == "" {
			number = ph.Canonical()
		}
		if p.mayBeValue(number) {
			return true
		}
	}
	return false
}

// mayBeValue is matchLine without the parameters.
func (p *propFilter) mayBeValue(value string) bool {
	if len(p.texts) == 0 || !p.all && len(p.params) > 0 {
		return true
	}
	for i := range p.texts {
		if p.texts[i].match(value) != p.all {
			return !p.all
		}
	}
	return p.all
}

package index

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"ringbook/directory"
	"ringbook/directory/filter"
	"ringbook/directory/number"
)

// ParseRule reads a book's rule; "" is [directory.DefaultFilter]. An attribute
// that contacts do not have is [directory.ErrInvalid] here, because in a rule it
// is a slip, though in a request it is only undefined.
func ParseRule(rule string) (*filter.Filter, error) {
	if rule == "" {
		rule = directory.DefaultFilter
	}
	f, err := filter.Parse(rule)
	if err != nil {
		return nil, err
	}
	return f, checkAttributes(f)
}

func checkAttributes(f *filter.Filter) error {
	for _, c := range f.Children {
		if err := checkAttributes(c); err != nil {
			return err
		}
	}
	switch f.Op {
	case filter.And, filter.Or, filter.Not:
		return nil
	default:
	}
	a, ok := ParseAttribute(f.Attribute)
	switch {
	case !ok:
		return fmt.Errorf("filter %s: contacts have no attribute %q: %w", f, f.Attribute, directory.ErrInvalid)
	case table[a].syntax == syntaxTime: // a book does not change because time goes by
		return fmt.Errorf("filter %s: a rule cannot ask for %q: %w", f, f.Attribute, directory.ErrInvalid)
	case a.Name() == memberOf:
		return checkGroup(f)
	}
	return nil
}

// A test is a leaf of a filter, made ready: its value is folded already.
type test = func(*Entry) filter.Result

// compile makes ready what does not depend on the entry; m is whose filter it is.
func compile(f *filter.Filter, numbers *numberReader, m mode) test {
	return filter.Compile(f, compiler{m, numbers}.leaf)
}

// compile is the same for what a finder finds candidates of.
func (x *finder) compile(f *filter.Filter) test { return compile(f, &x.numbers, x.mode) }

type compiler struct {
	mode
	numbers *numberReader
}

// leaf makes the test of one leaf (RFC 4511 §4.5.1.7): undefined when the
// attribute is not known, or the assertion makes no sense for it; false when
// the contact has no such value.
func (c compiler) leaf(f *filter.Filter) func(*Entry) filter.Result {
	a, ok := ParseAttribute(f.Attribute)
	if !ok {
		return always(filter.Undefined)
	}
	return c.attribute(a, f)
}

// attribute makes the test of a leaf on an attribute.
func (c compiler) attribute(a Attribute, f *filter.Filter) test {
	if f.Op == filter.Present {
		return present(a, c.numbers)
	}
	if f.Op == filter.Extensible {
		return c.extensible(a, f)
	}
	switch table[a].syntax {
	case syntaxNumber:
		return numberTest(a, f, c.numbers)
	case syntaxFlag:
		return flagTest(a, f)
	case syntaxConstant:
		return constantTest(a, f)
	case syntaxSearch:
		return c.wordsTest(f)
	case syntaxTime:
		return timeTest(f)
	case syntaxName, syntaxText, syntaxPlain:
	}
	return c.textTest(a, f)
}

func always(r filter.Result) test { return func(*Entry) filter.Result { return r } }

// present reports whether the contact has a value at all. A search over the
// names has none, but nobody who asks for it means to exclude everybody.
func present(a Attribute, numbers *numberReader) test {
	row := &table[a]
	switch row.syntax {
	case syntaxNumber:
		return func(e *Entry) filter.Result {
			return filter.Of(slices.ContainsFunc(e.contact.Phones, func(p directory.Phone) bool { return numbers.has(row, p) }))
		}
	case syntaxConstant, syntaxSearch, syntaxTime:
		return always(filter.True)
	case syntaxName, syntaxText, syntaxPlain, syntaxFlag:
	}
	return func(e *Entry) filter.Result { return filter.Of(row.hasValues(e.contact)) }
}

// extensible knows the rules that fit an attribute's own syntax; all but
// caseExactMatch compare as equality does. The parts of a DN are the business of
// whoever makes DNs: a view has none.
func (c compiler) extensible(a Attribute, f *filter.Filter) test {
	equal := &filter.Filter{Op: filter.Equal, Attribute: f.Attribute, Value: f.Value}
	s := table[a].syntax
	isText := s == syntaxName || s == syntaxText || s == syntaxPlain
	var fits bool
	switch strings.ToLower(f.Rule) {
	case "":
		fits = true
	case "caseignorematch", "2.5.13.2", "caseignoreia5match", "1.3.6.1.4.1.1466.109.114.2":
		fits = isText
	case "caseexactmatch", "2.5.13.5", "caseexactia5match", "1.3.6.1.4.1.1466.109.114.1":
		if isText {
			return exactTest(a, f.Value)
		}
	case "telephonenumbermatch", "2.5.13.20":
		fits = s == syntaxNumber
	case "caseignorelistmatch", "2.5.13.11":
		fits = s == syntaxText
	case "uuidmatch", "1.3.6.1.1.16.2":
		fits = a == attributeUID
	case "generalizedtimematch", "2.5.13.27":
		fits = s == syntaxTime
	case "booleanmatch", "2.5.13.13":
		fits = s == syntaxFlag
	case "objectidentifiermatch", "2.5.13.0":
		fits = s == syntaxConstant
	}
	if !fits {
		return always(filter.Undefined)
	}
	return c.leaf(equal)
}

// exactTest minds the case, but not how many blanks there are (RFC 4518 §2.6.1).
func exactTest(a Attribute, value string) test {
	blanks := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	value = blanks(value)
	return func(e *Entry) filter.Result {
		return filter.Of(slices.ContainsFunc(e.Values(a), func(s string) bool { return blanks(s) == value }))
	}
}

// numberTest compares telephone numbers in whatever spelling. An assertion
// without digits is false: were it empty, everybody would match.
func numberTest(a Attribute, f *filter.Filter, numbers *numberReader) test {
	pieces := make([]numberPiece, 0, 1)
	switch f.Op {
	case filter.Equal, filter.Approx:
		pieces = append(pieces, numberPiece{number.Query.Equal, numbers.query(f.Value)})
	case filter.Substrings:
		if f.Initial != "" {
			pieces = append(pieces, numberPiece{number.Query.Prefix, numbers.query(f.Initial)})
		}
		for _, s := range f.Any {
			pieces = append(pieces, numberPiece{number.Query.Contains, numbers.query(s)})
		}
		if f.Final != "" {
			pieces = append(pieces, numberPiece{number.Query.Suffix, numbers.query(f.Final)})
		}
	default: // RFC 4519 §2.35 gives numbers no order
		return always(filter.Undefined)
	}
	row := &table[a]
	return func(e *Entry) filter.Result {
	phones:
		for i := range e.contact.Phones {
			p := e.contact.Phones[i]
			if !numbers.has(row, p) {
				continue
			}
			for i := range pieces {
				if !pieces[i].in(*pieces[i].query, p) {
					continue phones
				}
			}
			return filter.True
		}
		return filter.False
	}
}

// A numberPiece is what a filter wants of a number, and how.
type numberPiece struct {
	in    func(number.Query, directory.Phone) bool
	query *number.Query
}

func flagTest(a Attribute, f *filter.Filter) test {
	isTrue := strings.EqualFold(f.Value, flagText(directory.True))
	if f.Op != filter.Equal || !isTrue && !strings.EqualFold(f.Value, flagText(directory.False)) {
		return always(filter.Undefined)
	}
	want, get := directory.FlagOf(isTrue), table[a].flag
	return func(e *Entry) filter.Result { return filter.Of(get(e.contact) == want) }
}

// constantTest answers for every entry at once. Active Directory's "user" is
// our inetOrgPerson, and its objectCategory may be written as a DN.
func constantTest(a Attribute, f *filter.Filter) test {
	value := strings.ToLower(f.Value)
	switch f.Op {
	case filter.Equal, filter.Approx:
	default:
		return always(filter.Undefined)
	}
	if a == attributeObjectCategory {
		return always(filter.Of(value == "person" || strings.HasPrefix(value, "cn=person,")))
	}
	is := value == "user" || slices.ContainsFunc(table[a].constants, func(s string) bool { return strings.EqualFold(s, value) })
	return always(filter.Of(is))
}

// forms returns the forms of a filter's value, at least one.
func forms(a Attribute, value string) []string {
	if f := a.forms(utf8Of(value)); len(f) > 0 {
		return f
	}
	return []string{""}
}

// utf8Of reads octets that are not UTF-8 as Latin-1, which is what clients of
// the second protocol version send.
func utf8Of(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	b := make([]byte, 0, 2*len(s))
	for _, c := range []byte(s) {
		b = utf8.AppendRune(b, rune(c))
	}
	return string(b)
}

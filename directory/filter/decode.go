package filter

import (
	"fmt"

	"ringbook/directory"
)

// Tags of a SubstringFilter's pieces (RFC 4511 §4.5.1.7.2).
const (
	tagInitial = context | iota
	tagAny
	tagFinal
)

// Tags of a MatchingRuleAssertion (RFC 4511 §4.5.1.7.7).
const (
	tagRule = context | (iota + 1)
	tagType
	tagValue
	tagDN
)

// Decode reads the BER form. Errors are [directory.ErrInvalid]; a filter over the
// limits is [directory.ErrTooLarge].
//
// An attribute description is left as it is: one with options, such as "cn;lang-de",
// is a subtype (RFC 4512 §2.5) of which nobody has values.
//
// Empty pieces of a Substrings node are dropped, since they demand nothing; one
// that had no others, or none at all, is Present. Phones send them when nothing was
// typed.
//
// A choice of a later version asks for the presence of "", which nobody has heard of, and
// so is undefined (RFC 4511 §4.5.1.7). What such a version puts behind the parts that we
// know is left aside (§4).
func Decode(b []byte) (*Filter, error) { return decode(b, decoder{}) }

func decode(b []byte, d decoder) (*Filter, error) {
	e, rest, ok := next(string(b))
	if !ok || rest != "" {
		return nil, invalid("a filter is one element")
	}
	f := new(Filter)
	if err := d.filter(f, e, 1); err != nil {
		return nil, err
	}
	return f, nil
}

// A decoder counts the nodes of one filter, and the pieces of its substrings:
// each is work for every contact.
type decoder struct {
	nodes int
	// strict: substrings need a piece (RFC 4511 §4.5.1.7.2), as in what a person wrote.
	strict bool
}

func (d *decoder) count(n int) error {
	if d.nodes += n; d.nodes > MaxNodes {
		return fmt.Errorf("filter of more than %d nodes: %w", MaxNodes, directory.ErrTooLarge)
	}
	return nil
}

func (d *decoder) filter(f *Filter, e element, depth int) error {
	if err := d.count(1); err != nil {
		return err
	}
	if depth > MaxDepth {
		return fmt.Errorf("filter nested more than %d deep: %w", MaxDepth, directory.ErrTooLarge)
	}
	f.Op = Op(e.tag & choiceTag)
	if f.Op > Extensible && e.tag&^(choiceTag|constructed) == context {
		f.Op = Present
		return nil
	}
	want := byte(context | constructed)
	if f.Op == Present {
		want = context
	}
	if f.Op > Extensible || e.tag&^choiceTag != want {
		return invalid("filter choice with tag %#x", e.tag)
	}
	switch f.Op {
	case And, Or, Not:
		return d.set(f, e.content, depth)
	case Present:
		f.Attribute = e.content
		return nil
	case Substrings:
		return d.substrings(f, e.content)
	case Extensible:
		return extensible(f, e.content)
	default:
		return assertion(f, e.content)
	}
}

func (d *decoder) set(f *Filter, s string, depth int) error {
	n, ok := count(s)
	if !ok || f.Op == Not && n != 1 {
		return invalid("choice %d of %d filters", f.Op, n)
	}
	if n > MaxNodes-d.nodes {
		return d.count(n)
	}
	if n == 0 {
		return nil
	}
	room := make([]Filter, n)
	f.Children = make([]*Filter, n)
	for i := range room {
		var e element
		e, s, _ = next(s)
		f.Children[i] = &room[i]
		if err := d.filter(&room[i], e, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// assertion reads an AttributeValueAssertion.
func assertion(f *Filter, s string) error {
	name, rest, ok := next(s)
	value, rest, too := next(rest)
	if !ok || !too || !isLater(rest) || name.tag != tagOctets || value.tag != tagOctets {
		return invalid("assertion that is not an attribute and a value")
	}
	f.Attribute = name.content
	f.Value = value.content
	return nil
}

func (d *decoder) substrings(f *Filter, s string) error {
	name, rest, ok := next(s)
	pieces, rest, too := next(rest)
	if !ok || !too || !isLater(rest) || name.tag != tagOctets || pieces.tag != tagSequence {
		return invalid("substrings that are not an attribute and pieces")
	}
	n, ok := count(pieces.content)
	if !ok || d.strict && n == 0 {
		return invalid("substrings without pieces")
	}
	if err := d.count(n); err != nil {
		return err
	}
	f.Attribute = name.content
	s = pieces.content
	for i := range n {
		var e element
		e, s, _ = next(s)
		switch {
		case e.tag == tagInitial && i == 0:
			f.Initial = e.content
		case e.tag == tagAny:
			if e.content != "" {
				f.Any = append(f.Any, e.content)
			}
		case e.tag == tagFinal && i == n-1:
			f.Final = e.content
		default:
			return invalid("substring piece %d with tag %#x", i+1, e.tag)
		}
	}
	if f.Initial == "" && len(f.Any) == 0 && f.Final == "" {
		f.Op = Present
	}
	return nil
}

// extensible reads a MatchingRuleAssertion: a rule, an attribute or both, and a value.
func extensible(f *Filter, s string) error {
	last, valued := byte(0), false
	for s != "" {
		e, rest, ok := next(s)
		if !ok || e.tag <= last {
			return invalid("extensible match with misplaced parts")
		}
		switch last, s = e.tag, rest; e.tag {
		case tagRule:
			f.Rule = e.content
		case tagType:
			f.Attribute = e.content
		case tagValue:
			f.Value, valued = e.content, true
		case tagDN:
			if len(e.content) != 1 {
				return invalid("boolean of %d bytes", len(e.content))
			}
			f.DN = e.content[0] != 0
		default:
			if e.tag&^(choiceTag|constructed) != context || e.tag&choiceTag <= tagDN&choiceTag {
				return invalid("extensible match with a part of tag %#x", e.tag)
			}
		}
	}
	if !valued || f.Rule == "" && f.Attribute == "" {
		return invalid("extensible match without a value, or with neither rule nor attribute")
	}
	return nil
}

func invalid(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, directory.ErrInvalid)...)
}

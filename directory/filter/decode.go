package filter

import (
	"fmt"

	ber "github.com/go-asn1-ber/asn1-ber"

	"ringbook/directory"
)

// Tags of a SubstringFilter's pieces (RFC 4511 §4.5.1.7.2).
const (
	tagInitial ber.Tag = 0
	tagAny     ber.Tag = 1
	tagFinal   ber.Tag = 2
)

// Tags of a MatchingRuleAssertion (RFC 4511 §4.5.1.7.7).
const (
	tagRule  ber.Tag = 1
	tagType  ber.Tag = 2
	tagValue ber.Tag = 3
	tagDN    ber.Tag = 4
)

// Decode reads the BER form from a packet that was decoded within limits.
// Errors are [directory.ErrInvalid]; a filter over the limits is [directory.ErrTooLarge].
//
// Empty pieces of a Substrings node are dropped, since they demand nothing; one
// that had no others, or none at all, is Present. Phones send them when nothing was
// typed.
func Decode(p *ber.Packet) (*Filter, error) {
	return decode(p, decoder{})
}

func decode(p *ber.Packet, d decoder) (*Filter, error) {
	f, err := d.filter(p, 1)
	if err != nil {
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

func (d *decoder) filter(p *ber.Packet, depth int) (*Filter, error) {
	if p == nil {
		return nil, invalid("no filter")
	}
	if err := d.count(1); err != nil {
		return nil, err
	}
	if depth > MaxDepth {
		return nil, fmt.Errorf("filter nested more than %d deep: %w", MaxDepth, directory.ErrTooLarge)
	}
	if p.ClassType != ber.ClassContext || p.Tag > ber.Tag(Extensible) {
		return nil, invalid("filter choice with class %d and tag %d", p.ClassType, p.Tag)
	}
	f := &Filter{Op: Op(p.Tag)}
	if f.Op == Present {
		return f, attribute(f, p)
	}
	if p.TagType != ber.TypeConstructed {
		return nil, invalid("filter choice %d is not constructed", p.Tag)
	}
	switch f.Op {
	case And, Or, Not:
		return f, d.set(f, p, depth)
	case Substrings:
		return f, d.substrings(f, p)
	case Extensible:
		return f, extensible(f, p)
	default:
		return f, assertion(f, p)
	}
}

func (d *decoder) set(f *Filter, p *ber.Packet, depth int) error {
	if f.Op == Not && len(p.Children) != 1 {
		return invalid("not with %d filters", len(p.Children))
	}
	for _, c := range p.Children {
		child, err := d.filter(c, depth+1)
		if err != nil {
			return err
		}
		f.Children = append(f.Children, child)
	}
	return nil
}

// assertion reads an AttributeValueAssertion.
func assertion(f *Filter, p *ber.Packet) error {
	if len(p.Children) != 2 || !is(p.Children[0], ber.ClassUniversal, ber.TagOctetString) ||
		!is(p.Children[1], ber.ClassUniversal, ber.TagOctetString) {
		return invalid("assertion that is not an attribute and a value")
	}
	f.Value = octets(p.Children[1])
	return attribute(f, p.Children[0])
}

func (d *decoder) substrings(f *Filter, p *ber.Packet) error {
	if len(p.Children) != 2 || !is(p.Children[0], ber.ClassUniversal, ber.TagOctetString) {
		return invalid("substrings that are not an attribute and pieces")
	}
	seq := p.Children[1]
	if seq == nil || seq.ClassType != ber.ClassUniversal || seq.TagType != ber.TypeConstructed ||
		seq.Tag != ber.TagSequence || d.strict && len(seq.Children) == 0 {
		return invalid("substrings without pieces")
	}
	if err := d.count(len(seq.Children)); err != nil {
		return err
	}
	for i, c := range seq.Children {
		if c == nil || c.ClassType != ber.ClassContext || c.TagType != ber.TypePrimitive {
			return invalid("substring piece %d is no octet string", i+1)
		}
		switch piece := octets(c); {
		case c.Tag == tagInitial && i == 0:
			f.Initial = piece
		case c.Tag == tagAny:
			if piece != "" {
				f.Any = append(f.Any, piece)
			}
		case c.Tag == tagFinal && i == len(seq.Children)-1:
			f.Final = piece
		default:
			return invalid("substring piece %d with tag %d", i+1, c.Tag)
		}
	}
	if f.Initial == "" && len(f.Any) == 0 && f.Final == "" {
		f.Op = Present
	}
	return attribute(f, p.Children[0])
}

// extensible reads a MatchingRuleAssertion: a rule, an attribute or both, and a value.
func extensible(f *Filter, p *ber.Packet) error {
	last, seen := ber.Tag(0), uint8(0)
	for _, c := range p.Children {
		if c == nil || c.ClassType != ber.ClassContext || c.TagType != ber.TypePrimitive ||
			c.Tag <= last || c.Tag > tagDN {
			return invalid("extensible match with misplaced parts")
		}
		last = c.Tag
		seen |= 1 << c.Tag
		s := octets(c)
		switch c.Tag { //nolint:exhaustive // the tags are this sequence's own, checked above
		case tagRule:
			f.Rule = s
		case tagType:
			if err := attribute(f, c); err != nil {
				return err
			}
		case tagValue:
			f.Value = s
		case tagDN:
			if len(s) != 1 {
				return invalid("boolean of %d bytes", len(s))
			}
			f.DN = s[0] != 0
		}
	}
	if seen&(1<<tagValue) == 0 || f.Rule == "" && f.Attribute == "" {
		return invalid("extensible match without a value, or with neither rule nor attribute")
	}
	return nil
}

// attribute reads an AttributeDescription as it is. One with options, such as
// "cn;lang-de", is a subtype (RFC 4512 §2.5) of which nobody has values.
func attribute(f *Filter, p *ber.Packet) error {
	if p.TagType != ber.TypePrimitive {
		return invalid("attribute is no octet string")
	}
	f.Attribute = octets(p)
	return nil
}

func is(p *ber.Packet, class ber.Class, tag ber.Tag) bool {
	return p != nil && p.ClassType == class && p.TagType == ber.TypePrimitive && p.Tag == tag
}

func octets(p *ber.Packet) string {
	if p.Data == nil {
		return ""
	}
	return p.Data.String()
}

func invalid(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, directory.ErrInvalid)...)
}

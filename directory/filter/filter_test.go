package filter_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
	"ringbook/directory/filter"
)

// Every value of a tree over three leaves, from RFC 4511 §4.5.1.7 and RFC 4526.
func TestEval(t *testing.T) {
	const (
		f = filter.False
		u = filter.Undefined
		y = filter.True
	)
	leaves := map[string]filter.Result{"f": f, "u": u, "t": y}
	for s, want := range map[string]filter.Result{
		"(t=*)": y, "(u=*)": u, "(f=*)": f,
		"(&)": y, "(|)": f, "(!(&))": f, "(!(|))": y,
		"(!(t=*))": f, "(!(u=*))": u, "(!(f=*))": y,
		"(&(t=*)(u=*))": u, "(&(u=*)(f=*))": f, "(&(f=*)(u=*))": f, "(&(t=*)(t=*))": y,
		"(|(t=*)(u=*))": y, "(|(u=*)(f=*))": u, "(|(f=*)(f=*))": f,
		"(!(&(u=*)(t=*)))": u, "(&(|(u=*)(t=*))(!(f=*)))": y,
	} {
		tree, err := filter.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		got := tree.Eval(func(leaf *filter.Filter) filter.Result { return leaves[leaf.Attribute] })
		if got != want {
			t.Errorf("%s is %d, want %d", s, got, want)
		}
	}
}

// A node that is stopped asks no leaf any more, and is undefined.
func TestStop(t *testing.T) {
	tree, err := filter.Parse("(|(a=*)(b=*)(!(c=*)))")
	if err != nil {
		t.Fatal(err)
	}
	asked, stopped := 0, false
	tree.Stop = func() bool { return stopped }
	leaf := func(*filter.Filter) filter.Result { asked++; return filter.False }
	if got := tree.Eval(leaf); got != filter.True || asked != 3 {
		t.Errorf("before: %d after %d leaves", got, asked)
	}
	stopped, asked = true, 0
	if got := tree.Eval(leaf); got != filter.Undefined || asked != 0 {
		t.Errorf("stopped: %d after %d leaves", got, asked)
	}
}

func TestParse(t *testing.T) {
	for s, want := range map[string]*filter.Filter{
		`(cn=Müller)`:   {Op: filter.Equal, Attribute: "cn", Value: "Müller"},
		`(cn=)`:         {Op: filter.Equal, Attribute: "cn"},
		`(cn=\2a)`:      {Op: filter.Equal, Attribute: "cn", Value: "*"},
		`(cn=M\fcller)`: {Op: filter.Equal, Attribute: "cn", Value: "M\xfcller"},
		`(cn=*)`:        {Op: filter.Present, Attribute: "cn"},
		`(cn=a*b*c*d)`:  {Op: filter.Substrings, Attribute: "cn", Initial: "a", Any: []string{"b", "c"}, Final: "d"},
		`(cn=*b**)`:     {Op: filter.Substrings, Attribute: "cn", Any: []string{"b"}},
		`(cn>=a)`:       {Op: filter.GreaterOrEqual, Attribute: "cn", Value: "a"},
		`(cn<=a)`:       {Op: filter.LessOrEqual, Attribute: "cn", Value: "a"},
		`(cn~=a)`:       {Op: filter.Approx, Attribute: "cn", Value: "a"},
		`(cn:=a)`:       {Op: filter.Extensible, Attribute: "cn", Value: "a"},
		`(cn:dn:2.5.13.2:=a)`: {
			Op: filter.Extensible, Attribute: "cn", Value: "a", DN: true, Rule: "2.5.13.2",
		},
		`(:caseIgnoreMatch:=a)`: {Op: filter.Extensible, Value: "a", Rule: "caseIgnoreMatch"},
		`(&(|)(!(&)))`: {Op: filter.And, Children: []*filter.Filter{
			{Op: filter.Or}, {Op: filter.Not, Children: []*filter.Filter{{Op: filter.And}}},
		}},
	} {
		got, err := filter.Parse(s)
		if err != nil {
			t.Errorf("%s: %v", s, err)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", s, diff)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, s := range []string{
		"", "cn=x", "(cn=x", "(cn=x))", "()", "(=x)", "(cn)", "(&(cn=x) (sn=y))", "( cn=x)", "(!)", "(!(cn=x)(sn=y))",
		`(cn=\2)`, `(cn=\zz)`, "(cn=\xff)", "(:=x)", "(:dn:=x)", "(cn=**)", "(&(cn=x)", "(cn;lang-de=x)", "(&(", "(", "(!", "(&",
		nested(33), "(&" + strings.Repeat("(cn=x)", 256) + ")", strings.Repeat("(&", 20000),
	} {
		if f, err := filter.Parse(s); !errors.Is(err, directory.ErrInvalid) || f != nil {
			t.Errorf("%.40s: %v, %v", s, f, err)
		}
	}
}

// nested returns a filter of so many levels.
func nested(depth int) string {
	return strings.Repeat("(!", depth-1) + "(cn=x)" + strings.Repeat(")", depth-1)
}

func TestLimits(t *testing.T) {
	for _, s := range []string{nested(32), "(|" + strings.Repeat("(cn=x)", 255) + ")"} {
		if _, err := filter.Parse(s); err != nil {
			t.Error(err)
		}
	}
	deep := leaf()
	for range filter.MaxDepth {
		p := choice(filter.Not)
		p.AppendChild(deep)
		deep = p
	}
	wide := choice(filter.And)
	for range filter.MaxNodes {
		wide.AppendChild(leaf())
	}
	pieces := substrings(slices.Repeat([]string{"1", "x"}, filter.MaxNodes)...)
	for _, p := range []*ber.Packet{deep, wide, pieces} {
		if _, err := filter.Decode(p.Bytes()); !errors.Is(err, directory.ErrTooLarge) {
			t.Error(err)
		}
	}
}

func choice(op filter.Op) *ber.Packet {
	return ber.Encode(ber.ClassContext, ber.TypeConstructed, ber.Tag(op), nil, "")
}

func octets(class ber.Class, tag ber.Tag, s string) *ber.Packet {
	return ber.NewString(class, ber.TypePrimitive, tag, s, "")
}

func leaf() *ber.Packet {
	return octets(ber.ClassContext, ber.Tag(filter.Present), "cn")
}

func with(p *ber.Packet, children ...*ber.Packet) *ber.Packet {
	for _, c := range children {
		p.AppendChild(c)
	}
	return p
}

// substrings makes a node with pieces, given as tag and text in turn.
func substrings(pieces ...string) *ber.Packet {
	seq := ber.NewSequence("")
	for i := 0; i < len(pieces); i += 2 {
		seq.AppendChild(octets(ber.ClassContext, ber.Tag(pieces[i][0]-'0'), pieces[i+1]))
	}
	return with(choice(filter.Substrings), octets(ber.ClassUniversal, ber.TagOctetString, "cn"), seq)
}

func TestDecodeRefuses(t *testing.T) {
	str := func(s string) *ber.Packet { return octets(ber.ClassUniversal, ber.TagOctetString, s) }
	part := func(tag ber.Tag, s string) *ber.Packet { return octets(ber.ClassContext, tag, s) }
	for name, p := range map[string]*ber.Packet{
		"universal choice":         str("cn"),
		"primitive and":            part(ber.Tag(filter.And), ""),
		"constructed presence":     choice(filter.Present),
		"not of nothing":           choice(filter.Not),
		"not of two":               with(choice(filter.Not), leaf(), leaf()),
		"equality without value":   with(choice(filter.Equal), str("cn")),
		"equality with three":      with(choice(filter.Equal), str("cn"), str("x"), str("y")),
		"equality with integer":    with(choice(filter.Equal), str("cn"), octets(ber.ClassUniversal, ber.TagInteger, "1")),
		"equality of nothing":      choice(filter.Equal),
		"final first":              substrings("2", "x", "1", "y"),
		"initial twice":            substrings("0", "x", "0", "y"),
		"initial last":             substrings("1", "x", "0", "y"),
		"unknown piece":            substrings("3", "x"),
		"extensible of nothing":    choice(filter.Extensible),
		"extensible without value": with(choice(filter.Extensible), part(2, "cn")),
		"extensible of value only": with(choice(filter.Extensible), part(3, "x")),
		"extensible out of order":  with(choice(filter.Extensible), part(3, "x"), part(2, "cn")),
		"extensible twice":         with(choice(filter.Extensible), part(2, "cn"), part(2, "cn"), part(3, "x")),
		"extensible bad boolean":   with(choice(filter.Extensible), part(2, "cn"), part(3, "x"), part(4, "")),
		"extensible with a string": with(choice(filter.Extensible), part(2, "cn"), part(3, "x"), str("x")),
	} {
		if f, err := filter.Decode(p.Bytes()); !errors.Is(err, directory.ErrInvalid) || f != nil {
			t.Errorf("%s: %v, %v", name, f, err)
		}
	}
}

// What a later version of LDAP puts behind the parts that we know is left aside (RFC 4511
// §4), and a choice that it adds is undefined (§4.5.1.7).
func TestDecodeLaterVersions(t *testing.T) {
	str := func(s string) *ber.Packet { return octets(ber.ClassUniversal, ber.TagOctetString, s) }
	part := func(tag ber.Tag, s string) *ber.Packet { return octets(ber.ClassContext, tag, s) }
	for want, p := range map[string]*ber.Packet{
		"(cn=x)":  with(choice(filter.Equal), str("cn"), str("x"), part(1, "y")),
		"(cn=x*)": with(substrings("0", "x"), part(1, "y"), choice(2)),
		"(cn:=x)": with(choice(filter.Extensible), part(2, "cn"), part(3, "x"), part(5, "y")),
	} {
		f, err := filter.Decode(p.Bytes())
		if err != nil || f.String() != want {
			t.Errorf("%s: %v, %v", want, f, err)
		}
	}
	for _, p := range []*ber.Packet{with(choice(10), str("cn"), str("x")), part(11, "cn")} {
		f, err := filter.Decode(with(choice(filter.Not), p).Bytes())
		if err != nil {
			t.Fatal(err)
		}
		got := f.Eval(func(leaf *filter.Filter) filter.Result {
			if leaf.Attribute != "" {
				t.Errorf("it asks for %q", leaf.Attribute)
			}
			return filter.Undefined
		})
		if got != filter.Undefined {
			t.Errorf("%v is %d", p, got)
		}
	}
}

func TestDecodeRefusesOctets(t *testing.T) {
	for name, octets := range map[string]string{
		"nothing":              "",
		"no length":            "\x87",
		"too short":            "\x87\x03cn",
		"too long":             "\x87\x01cn",
		"length without end":   "\x87\x80cn\x00\x00",
		"length of 5 octets":   "\x87\x85\x00\x00\x00\x00\x02cn",
		"half a length":        "\x87\x82\x00",
		"tag of two octets":    "\x9f\x07\x02cn",
		"child beyond its end": "\xa0\x03\x87\x02c",
		"half a value":         "\xa3\x06\x04\x02cn\x04\x01",
		"half a piece":         "\xa4\x08\x04\x02cn\x30\x02\x80\x05",
		"half a part":          "\xa9\x03\x83\x05x",
	} {
		if f, err := filter.Decode([]byte(octets)); !errors.Is(err, directory.ErrInvalid) || f != nil {
			t.Errorf("%s: %v, %v", name, f, err)
		}
	}
}

// What a phone sends for an empty input field asks for everybody with a name.
func TestEmptyPiecesDemandNothing(t *testing.T) {
	for want, p := range map[string]*ber.Packet{
		"(cn=*)":    substrings("0", "", "1", "", "2", ""),
		"(cn=*b*)":  substrings("0", "", "1", "b", "1", "", "2", ""),
		"(cn=a*)":   substrings("0", "a", "2", ""),
		"(cn=a*b*)": substrings("0", "a", "1", "b"),
	} {
		f, err := filter.Decode(p.Bytes())
		if err != nil || f.String() != want {
			t.Errorf("%s: %v, %v", want, f, err)
		}
	}
	if f, err := filter.Decode(substrings().Bytes()); err != nil || f.String() != "(cn=*)" {
		t.Errorf("no pieces: %v, %v", f, err)
	}
}

// random makes any tree that can be written.
func random(r *rand.Rand, depth int) *filter.Filter {
	text := func(empty bool) string {
		alphabet := []string{"a", "Z", "ü", "*", "(", ")", `\`, "\x00", "\xfc", "\xef\xbf\xbd", "=", ":", "世", " ", "&", "~"}
		n := r.IntN(4)
		if !empty {
			n++
		}
		var s strings.Builder
		for range n {
			s.WriteString(alphabet[r.IntN(len(alphabet))])
		}
		return s.String()
	}
	f := &filter.Filter{Op: filter.Op(r.IntN(10))}
	if depth == 0 {
		f.Op = filter.Op(3 + r.IntN(7))
	}
	switch f.Op { //nolint:exhaustive // the rest have the leaf that stands above
	case filter.And, filter.Or:
		for range r.IntN(4) {
			f.Children = append(f.Children, random(r, depth-1))
		}
		return f
	case filter.Not:
		f.Children = []*filter.Filter{random(r, depth-1)}
		return f
	}
	f.Attribute = []string{"cn", "mail", "2.5.4.3", "x-y"}[r.IntN(4)]
	switch f.Op {
	case filter.Present:
	case filter.Substrings:
		f.Initial, f.Final = text(true), text(true)
		for range r.IntN(3) {
			f.Any = append(f.Any, text(false))
		}
		if f.Initial+f.Final == "" && f.Any == nil {
			f.Initial = "i"
		}
	case filter.Extensible:
		f.Rule = []string{"", "caseExactMatch", "2.5.13.2"}[r.IntN(3)]
		f.DN, f.Value = r.IntN(2) == 0, text(true)
		if f.Rule != "" && r.IntN(3) == 0 {
			f.Attribute = ""
		}
	default:
		f.Value = text(true)
	}
	return f
}

func TestStringIsRead(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 20000 {
		want := random(r, 3)
		got, err := filter.Parse(want.String())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s: %s", want, diff)
		}
	}
}

// Whatever bytes come, decoding ends without a panic; and what is decoded can be
// written and, if its names are names, read again as the same.
func FuzzDecode(f *testing.F) {
	r := rand.New(rand.NewPCG(2, 2))
	for range 100 {
		f.Add(encode(random(r, 3)))
	}
	f.Add([]byte{0xa2, 0})
	f.Add([]byte{0xa4, 4, 4, 0, 0x30, 0})
	if trees := decodable(); trees != 100 {
		f.Fatalf("%d of 100 seeds are filters", trees)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		tree, err := filter.Decode(b)
		if err != nil {
			if !errors.Is(err, directory.ErrInvalid) && !errors.Is(err, directory.ErrTooLarge) {
				t.Fatal(err)
			}
			return
		}
		tree.Eval(func(*filter.Filter) filter.Result { return filter.Undefined })
		again, err := filter.Parse(tree.String())
		if err != nil {
			return
		}
		if diff := cmp.Diff(tree.String(), again.String()); diff != "" {
			t.Fatal(diff)
		}
		same, err := filter.Decode(encode(tree))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tree, same); diff != "" {
			t.Fatal(diff)
		}
	})
}

// decodable counts the trees among the seeds of FuzzDecode that are read.
func decodable() (n int) {
	r := rand.New(rand.NewPCG(2, 2))
	for range 100 {
		if _, err := filter.Decode(encode(random(r, 3))); err == nil {
			n++
		}
	}
	return n
}

// encode writes a tree as a client does.
func encode(f *filter.Filter) []byte { return packet(f).Bytes() }

func packet(f *filter.Filter) *ber.Packet {
	str := func(s string) *ber.Packet { return octets(ber.ClassUniversal, ber.TagOctetString, s) }
	part := func(tag ber.Tag, s string) *ber.Packet { return octets(ber.ClassContext, tag, s) }
	p := choice(f.Op)
	switch f.Op {
	case filter.And, filter.Or, filter.Not:
		for _, c := range f.Children {
			p.AppendChild(packet(c))
		}
	case filter.Present:
		return part(ber.Tag(filter.Present), f.Attribute)
	case filter.Substrings:
		seq := ber.NewSequence("")
		if f.Initial != "" {
			seq.AppendChild(part(0, f.Initial))
		}
		for _, s := range f.Any {
			seq.AppendChild(part(1, s))
		}
		if f.Final != "" {
			seq.AppendChild(part(2, f.Final))
		}
		with(p, str(f.Attribute), seq)
	case filter.Extensible:
		if f.Rule != "" {
			p.AppendChild(part(1, f.Rule))
		}
		if f.Attribute != "" {
			p.AppendChild(part(2, f.Attribute))
		}
		p.AppendChild(part(3, f.Value))
		if f.DN {
			p.AppendChild(part(4, "\xff"))
		}
	default:
		with(p, str(f.Attribute), str(f.Value))
	}
	return p
}

// Strings come from the operator, and must not end the process either.
func FuzzParse(f *testing.F) {
	r := rand.New(rand.NewPCG(3, 3))
	for range 100 {
		f.Add(random(r, 3).String())
	}
	f.Add(directory.DefaultFilter)
	f.Fuzz(func(t *testing.T, s string) {
		tree, err := filter.Parse(s)
		if err != nil {
			if !errors.Is(err, directory.ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		again, err := filter.Parse(tree.String())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tree, again); diff != "" {
			t.Fatal(diff)
		}
	})
}

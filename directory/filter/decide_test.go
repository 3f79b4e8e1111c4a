package filter_test

import (
	"math/rand/v2"
	"testing"

	"ringbook/directory/filter"
)

// values evaluates leaves whose attribute says how they come out.
func values(f *filter.Filter) filter.Result {
	switch f.Attribute {
	case "t":
		return filter.True
	case "f":
		return filter.False
	}
	return filter.Undefined
}

func TestDecide(t *testing.T) {
	for rule, want := range map[string]string{
		"(t=1)":                            "(t=1)",
		"(&(t=1)(f=2)(f=3))":               "(f=2)",
		"(&(t=1)(u=2)(f=3))":               "(f=3)", // false, not undefined, is what it comes to
		"(&(t=1)(u=2))":                    "(u=2)",
		"(&(t=1)(t=2))":                    "(&(t=1)(t=2))",
		"(|(f=1)(t=2)(t=3))":               "(t=2)",
		"(|(f=1)(f=2))":                    "(|(f=1)(f=2))",
		"(|(f=1))":                         "(f=1)",
		"(&(t=1)(|(f=2)(&(t=3)(f=4))))":    "(|(f=2)(&(t=3)(f=4)))",
		"(&(t=1)(!(t=2)))":                 "(!(t=2))",
		"(!(&(t=1)(f=2)))":                 "(!(&(t=1)(f=2)))",
		"(|(f=1)(&(t=2)(|(f=3)(t=4))))":    "(&(t=2)(|(f=3)(t=4)))",
		"(&(|(&(t=1)(f=2))))":              "(f=2)",
		"(&)":                              "(&)",
		"(|)":                              "(|)",
		"(&(t=1)(|(!(t=5))(!(t=6)))(t=2))": "(|(!(t=5))(!(t=6)))",
	} {
		f, err := filter.Parse(rule)
		if err != nil {
			t.Fatal(err)
		}
		if _, node := f.Decide(values); node.String() != want {
			t.Errorf("%s is decided by %s, want %s", rule, node, want)
		}
	}
}

// Whatever the tree: Decide comes to what Eval comes to, and so does the node alone.
func TestDecideAgreesWithEval(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		f := randomTree(r, 4)
		got, node := f.Decide(values)
		if want := f.Eval(values); got != want || node.Eval(values) != want {
			t.Fatalf("%s: Eval %d, Decide %d by %s, which is %d", f, want, got, node, node.Eval(values))
		}
	}
}

func randomTree(r *rand.Rand, depth int) *filter.Filter {
	switch op := filter.Op(r.IntN(5)); {
	case depth == 0 || op > filter.Not:
		return &filter.Filter{Op: filter.Equal, Attribute: []string{"t", "f", "u"}[r.IntN(3)], Value: "x"}
	case op == filter.Not:
		return &filter.Filter{Op: op, Children: []*filter.Filter{randomTree(r, depth-1)}}
	default:
		f := &filter.Filter{Op: op}
		for range r.IntN(4) {
			f.Children = append(f.Children, randomTree(r, depth-1))
		}
		return f
	}
}

// Compile comes to what Eval comes to, whatever the tree; stopped, wherever that is, it
// is undefined there.
func TestCompileAgreesWithEval(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	leaf := func(f *filter.Filter) func(string) filter.Result {
		return func(turned string) filter.Result {
			if f.Attribute == turned {
				return -values(f)
			}
			return values(f)
		}
	}
	for range 2000 {
		f := randomTree(r, 4)
		if r.IntN(4) == 0 {
			node := f
			for node.Op <= filter.Not && len(node.Children) > 0 {
				node = node.Children[r.IntN(len(node.Children))]
			}
			node.Stop = func() bool { return true }
		}
		test := filter.Compile(f, leaf)
		for _, turned := range []string{"", "t", "f"} {
			want := f.Eval(func(l *filter.Filter) filter.Result { return leaf(l)(turned) })
			if got := test(turned); got != want {
				t.Fatalf("%s, %q turned: Compile %d, Eval %d", f, turned, got, want)
			}
		}
	}
}

// Package filter is the filter of RFC 4511 §4.5.1.7 as a tree: parsed from the
// strings of book rules (RFC 4515), decoded from BER, evaluated to true, false
// or undefined by one pure function.
//
// # Dependencies
//
//	for       we use                       why not something else
//	strings   go-ldap/ldap/v3 3.4          compiles the filters of book rules, which the operator writes; never those
//	                                       of a request
package filter

// Limits of one filter. A phone's filter has some ten nodes; OpenLDAP's clients
// never more than a few dozen.
const (
	// MaxDepth counts the nodes on the way from the root to the deepest leaf,
	// both included.
	MaxDepth = 32
	// MaxNodes counts the pieces of substrings as well.
	MaxNodes = 256
)

// An Op is the choice of a filter node; the values are the context tags of RFC 4511.
type Op uint8

// The choices.
const (
	And Op = iota
	Or
	Not
	Equal
	Substrings
	GreaterOrEqual
	LessOrEqual
	Present
	Approx
	Extensible
)

// A Result is the value of a filter for one entry (RFC 4511 §4.5.1.7).
type Result int8

// The results; Not(r) is -r.
const (
	False     Result = -1
	Undefined Result = 0
	True      Result = 1
)

// Of returns True or False.
func Of(b bool) Result {
	if b {
		return True
	}
	return False
}

// A Filter is one node. Values are raw octets as sent. A Substrings node has at
// least one piece, and none of its pieces is empty, but for a missing Initial
// or Final.
type Filter struct {
	Op        Op
	Children  []*Filter // And, Or: any number; Not: one
	Attribute string    // attribute description, as sent
	Value     string    // Equal, GreaterOrEqual, LessOrEqual, Approx, Extensible
	Initial   string    // Substrings
	Any       []string  // Substrings
	Final     string    // Substrings
	Rule      string    // Extensible: matching rule, "" = none
	DN        bool      // Extensible: dnAttributes; for who knows an entry's DN to work out
	// Stop, if set, is asked whenever the node is evaluated: from when on it
	// reports true, the node is undefined and costs nothing. So a filter that is
	// dear and true for nobody can be given up in the middle of a directory. It may
	// wait before it answers, for it runs where the work is done: a context, which
	// can only end, could not make a search wait for its turn.
	Stop func() bool
}

// Eval evaluates the tree; leaf is asked about every node that is not And, Or
// or Not, and about none whose answer cannot matter any more. An empty And is
// true, an empty Or is false (RFC 4526).
func (f *Filter) Eval(leaf func(*Filter) Result) Result {
	if f.Stop != nil && f.Stop() {
		return Undefined
	}
	switch f.Op {
	case And:
		r := True
		for _, c := range f.Children {
			if r = min(r, c.Eval(leaf)); r == False {
				break
			}
		}
		return r
	case Or:
		r := False
		for _, c := range f.Children {
			if r = max(r, c.Eval(leaf)); r == True {
				break
			}
		}
		return r
	case Not:
		return -f.Children[0].Eval(leaf)
	default:
		return leaf(f)
	}
}

// Compile returns a function that evaluates the tree as Eval does, with the tests that
// leaf makes of its leaves, each once: for whoever has many things to evaluate it for.
func Compile[T any](f *Filter, leaf func(*Filter) func(T) Result) func(T) Result {
	test := compile(f, leaf)
	stop := f.Stop
	if stop == nil {
		return test
	}
	return func(v T) Result {
		if stop() {
			return Undefined
		}
		return test(v)
	}
}

func compile[T any](f *Filter, leaf func(*Filter) func(T) Result) func(T) Result {
	if f.Op > Not {
		return leaf(f)
	}
	tests := make([]func(T) Result, len(f.Children))
	for i, c := range f.Children {
		tests[i] = Compile(c, leaf)
	}
	switch {
	case f.Op == Not:
		return func(v T) Result { return -tests[0](v) }
	case len(tests) == 1:
		return tests[0]
	case f.Op == And:
		return func(v T) Result {
			r := True
			for _, t := range tests {
				if r = min(r, t(v)); r == False {
					break
				}
			}
			return r
		}
	}
	return func(v T) Result {
		r := False
		for _, t := range tests {
			if r = max(r, t(v)); r == True {
				break
			}
		}
		return r
	}
}

// Decide evaluates the tree as Eval does, and returns the node that decides it:
// the smallest part of the filter that would have to come out otherwise. Of an
// And that is not true it is in the first child that is not; of an Or that is
// true, in the first child that is; else, and of Not, it is the node itself.
func (f *Filter) Decide(leaf func(*Filter) Result) (Result, *Filter) {
	r := f.Eval(leaf)
	switch {
	case f.Op == And && r != True, f.Op == Or && r == True:
		for _, c := range f.Children {
			if got, node := c.Decide(leaf); got == r {
				return r, node
			}
		}
	case f.Op == Or && len(f.Children) == 1, f.Op == And && len(f.Children) == 1:
		return f.Children[0].Decide(leaf)
	}
	return r, f
}

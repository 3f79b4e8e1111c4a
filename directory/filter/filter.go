// Package filter is the filter of RFC 4511 §4.5.1.7 as a tree: parsed from the
// strings of book rules (RFC 4515), decoded from BER, evaluated to true, false
// or undefined by one pure function.
package filter

import ber "github.com/go-asn1-ber/asn1-ber"

// Limits of one filter. A phone's filter has some ten nodes; OpenLDAP's clients
// never more than a few dozen.
const (
	MaxDepth = 32
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

// A Filter is one node. Values are raw octets as sent.
type Filter struct {
	Op        Op
	Children  []*Filter // And, Or: any number; Not: one
	Attribute string    // attribute description without options, as sent
	Value     string    // Equal, GreaterOrEqual, LessOrEqual, Approx, Extensible
	Initial   string    // Substrings
	Any       []string  // Substrings
	Final     string    // Substrings
	Rule      string    // Extensible: matching rule, "" = none
	DN        bool      // Extensible: dnAttributes
}

// Eval evaluates the tree; leaf is asked about every node that is not And, Or
// or Not. An empty And is true, an empty Or is false (RFC 4526).
func (f *Filter) Eval(leaf func(*Filter) Result) Result { panic("skeleton") }

// Parse reads an RFC 4515 string. Errors are [directory.ErrInvalid] and say where.
func Parse(s string) (*Filter, error) { panic("skeleton") }

// Decode reads the BER form from a packet that was decoded within limits.
// Errors are [directory.ErrInvalid]; a filter over the limits is [directory.ErrTooLarge].
func Decode(p *ber.Packet) (*Filter, error) { panic("skeleton") }

// String writes the filter as RFC 4515 has it.
func (f *Filter) String() string { panic("skeleton") }

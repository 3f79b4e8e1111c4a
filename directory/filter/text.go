package filter

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/go-ldap/ldap/v3"

	"ringbook/directory"
)

// maxText is the longest filter string that is looked at: what a person may
// write as a book's rule, and short enough for a parser that copies each level.
const maxText = 16 << 10

// Parse reads an RFC 4515 string. Errors are [directory.ErrInvalid] and say where.
func Parse(s string) (*Filter, error) {
	if len(s) > maxText {
		return nil, fmt.Errorf("filter of %d bytes, %d at most: %w", len(s), maxText, directory.ErrInvalid)
	}
	p, err := ldap.CompileFilter(s)
	if err != nil {
		if e := (*ldap.Error)(nil); errors.As(err, &e) && e.Err != nil {
			err = e.Err
		}
		reason := strings.TrimPrefix(err.Error(), "ldap: ")
		return nil, fmt.Errorf("filter %q: %s: %w", s, reason, directory.ErrInvalid)
	}
	f, err := decode(p.Bytes(), decoder{strict: true})
	if err == nil {
		err = f.checkNames()
	}
	if err != nil {
		return nil, fmt.Errorf("filter %q: %w", s, asInvalid(err))
	}
	return f, nil
}

// asInvalid makes a string over the limits what every other bad string is.
func asInvalid(err error) error {
	if errors.Is(err, directory.ErrTooLarge) {
		return fmt.Errorf("%w: %w", err, directory.ErrInvalid)
	}
	return err
}

// checkNames refuses what is no attribute description or rule: in a string that
// a person wrote it is a slip, such as a blank behind a bracket.
func (f *Filter) checkNames() error {
	for _, c := range f.Children {
		if err := c.checkNames(); err != nil {
			return err
		}
	}
	switch {
	case f.Op == And || f.Op == Or || f.Op == Not:
		return nil
	// ":dn" before a rule is no rule; only in lower case does the parser know it.
	case f.Rule != "" && !isName(f.Rule) || strings.EqualFold(f.Rule, "dn"):
		return invalid("%q is no matching rule", f.Rule)
	case f.Attribute == "" && f.Rule != "":
		return nil
	case !isName(f.Attribute):
		return invalid("%q is no attribute", f.Attribute)
	}
	return nil
}

// isName reports whether s is made of the characters of a name or a number of
// an attribute or rule (RFC 4512 §1.4 oid).
func isName(s string) bool {
	for _, c := range []byte(s) {
		if !inName(c) {
			return false
		}
	}
	return s != ""
}

func inName(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_'
}

// String writes the filter as RFC 4515 has it. An attribute or rule of a request
// that is no name is written with escapes, which nobody reads back.
func (f *Filter) String() string { return string(f.append(nil)) }

func (f *Filter) append(b []byte) []byte {
	b = append(b, '(')
	switch f.Op {
	case And, Or, Not:
		b = append(b, "&|!"[f.Op])
		for _, c := range f.Children {
			b = c.append(b)
		}
	case Equal:
		b = escape(append(escapeName(b, f.Attribute), "="...), f.Value)
	case GreaterOrEqual:
		b = escape(append(escapeName(b, f.Attribute), ">="...), f.Value)
	case LessOrEqual:
		b = escape(append(escapeName(b, f.Attribute), "<="...), f.Value)
	case Approx:
		b = escape(append(escapeName(b, f.Attribute), "~="...), f.Value)
	case Present:
		b = append(escapeName(b, f.Attribute), "=*"...)
	case Substrings:
		b = escape(append(escapeName(b, f.Attribute), '='), f.Initial)
		for _, s := range f.Any {
			b = escape(append(b, '*'), s)
		}
		b = escape(append(b, '*'), f.Final)
	case Extensible:
		b = escapeName(b, f.Attribute)
		if f.DN {
			b = append(b, ":dn"...)
		}
		if f.Rule != "" {
			b = escapeName(append(b, ':'), f.Rule)
		}
		b = escape(append(b, ":="...), f.Value)
	}
	return append(b, ')')
}

// escape appends s with every octet as \xx that must not, or cannot, stand for
// itself (RFC 4515 §3). The replacement character is escaped as well: readers
// take it for broken UTF-8.
func escape(b []byte, s string) []byte {
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError || strings.ContainsRune("*()\\\x00", r) {
			for _, c := range []byte(s[i : i+n]) {
				b = fmt.Appendf(b, `\%02x`, c)
			}
		} else {
			b = append(b, s[i:i+n]...)
		}
		i += n
	}
	return b
}

func escapeName(b []byte, s string) []byte {
	for _, c := range []byte(s) {
		if inName(c) {
			b = append(b, c)
		} else {
			b = fmt.Appendf(b, `\%02x`, c)
		}
	}
	return b
}

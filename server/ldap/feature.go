package ldap

import (
	"slices"
	"strings"
)

// A feature is one row of the table of what is more than RFC 4511 demands, which
// both dispatches and is advertised (RFC 4512 §5.1).
type feature struct {
	oid string
	// selects takes in what a client asks for besides the names of attributes; false =
	// it is something else. nil = the feature is none of that.
	selects func(s *selection, wanted string) bool
}

// features returns the table. It is never changed.
func features() [3]feature {
	return [...]feature{
		{"1.3.6.1.4.1.4203.1.5.1", (*selection).selectOperational},
		{"1.3.6.1.4.1.4203.1.5.2", (*selection).selectClass},
		{"1.3.6.1.4.1.4203.1.5.3", nil}, // (&) and (|), RFC 4526; package filter reads them
	}
}

// selectOperational is RFC 3673.
func (s *selection) selectOperational(wanted string) bool {
	s.operational = s.operational || wanted == wantOperational
	return wanted == wantOperational
}

// selectClass is RFC 4529: "@person" asks for all that the class demands or allows.
// A class that we do not know has nothing, and extensibleObject everything.
func (s *selection) selectClass(wanted string) bool {
	name, ok := strings.CutPrefix(wanted, "@")
	for ok && name != "" {
		i := slices.IndexFunc(classes(), func(c objectClass) bool { return strings.EqualFold(c.name, name) || c.oid == name })
		if i < 0 {
			break
		}
		c := classes()[i]
		if c.name == extensible {
			s.all, s.operational = true, true
		}
		for attribute := range strings.FieldsSeq(c.must + " " + c.may) {
			s.selectName(attribute)
		}
		name = c.above
	}
	return ok
}

// selectName asks for an attribute, once.
func (s *selection) selectName(name string) {
	if !slices.ContainsFunc(s.names, func(n string) bool { return strings.EqualFold(n, name) }) {
		s.names = append(s.names, name)
	}
}

package directory

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxGroup is the longest name of a group, in bytes: Entra allows 256 characters.
const MaxGroup = 1 << 10

// A Group names an Entra group as a rule does, by its object id or by its
// display name, in lower case: Entra compares both without case.
type Group string

// ParseGroup checks s and folds it. An empty or overlong name, one that is not
// UTF-8 or has control characters is [ErrInvalid].
func ParseGroup(s string) (Group, error) {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > MaxGroup || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return "", fmt.Errorf("group name of %d bytes: %w", len(s), ErrInvalid)
	}
	return Group(strings.ToLower(s)), nil
}

// A Membership is who belongs to a group, directly or by a group in it, whether
// they are mirrored or not.
type Membership struct {
	Group   Group
	Members []ContactID // in no order, each at least once
	// AcceptShrink lets it take more out of a book than the shrink guard allows.
	AcceptShrink bool
}

package directory

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// MaxBookName is the longest book name, in bytes: with a login it still makes a
// DN of at most 50 characters, the limit of some desk phones.
const MaxBookName = 24

// A BookName is a book's path segment and organizational unit. Its alphabet is
// that of [ContactID].
type BookName string

// ParseBookName checks s: 1 to [MaxBookName] characters of a–z, 0–9 and "-".
func ParseBookName(s string) (BookName, error) {
	if len(s) > MaxBookName {
		return "", fmt.Errorf("book name of %d bytes, %d at most: %w", len(s), MaxBookName, ErrInvalid)
	}
	id, err := ParseContactID(s)
	if err != nil || string(id) != s {
		return "", fmt.Errorf("book name %q: only a–z, 0–9 and - are allowed: %w", s, ErrInvalid)
	}
	return BookName(s), nil
}

// MailboxBookPrefix begins the name of every private book.
const MailboxBookPrefix = "m-"

// MailboxBook returns the name of the private book of a mailbox, which only the
// devices of its owner see: "m-" and 22 hexadecimal digits.
func MailboxBook(mailbox ContactID) BookName {
	sum := sha256.Sum256([]byte(mailbox))
	return BookName(MailboxBookPrefix + hex.EncodeToString(sum[:11]))
}

// IsMailboxBook reports whether a name is one of those that [MailboxBook] gives.
func IsMailboxBook(name BookName) bool {
	digits, ok := strings.CutPrefix(string(name), MailboxBookPrefix)
	return ok && len(digits) == 22 && strings.Trim(digits, "0123456789abcdef") == ""
}

// A Book is a named view of the directory.
type Book struct {
	Name   BookName
	Title  string // shown to people
	Filter string // the rule: RFC 4515 over the attributes of package index; "" = DefaultFilter
}

// DefaultFilter is the rule of a book that has none: enabled members (a missing
// userType counts as member), no guests, nobody whom the tenant hides from
// address lists. What the tenant does not state counts for the contact: a
// comparison with an attribute that is not there is false (RFC 4511 §4.5.1.7).
const DefaultFilter = "(&" +
	"(|(!(accountEnabled=*))(accountEnabled=TRUE))" +
	"(|(!(userType=*))(userType=Member))" +
	"(|(!(showInAddressList=*))(showInAddressList=TRUE)))"

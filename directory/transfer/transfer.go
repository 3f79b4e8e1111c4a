// Package transfer reads contacts from the files that other programs write, and
// writes files that they read: CSV, vCard and LDIF.
//
// # The model
//
// A reader gives [Row] values: a contact, the key that it is known by in its
// file, and the line where it begins. What cannot be read is a [Skipped] line
// with its reason; one bad row or card never stops the rest. Contacts of a file
// have no id yet: [ID] makes it of the name of the import and the key, so that a
// second import of a newer file changes the same contacts.
//
// [Tidy] makes a contact what the directory promises: clean text, bounded, its
// numbers in order and each once. Whoever applies rows calls it, whatever they
// were read from.
//
// # Formulas
//
// A spreadsheet takes a cell that begins with =, +, - or @ for a formula. Such a
// cell is written with an apostrophe before it, unless it is a telephone number
// made of digits and their signs, which computes nothing and has to stay one
// that everybody can import. Reading takes the one apostrophe away again.
//
// # Dependencies
//
//	for      we use               why not something else
//	vCard    emersion/go-vcard    reads 3.0 and 4.0 and is in use here already; what 2.1 does otherwise is put
//	                              right before it reads
//	charset  golang.org/x/text    Windows-1252 and UTF-16 are what Excel writes; the standard library has no tables
package transfer

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"ringbook/directory"
	"ringbook/directory/text"
)

const (
	// MaxFile is the largest file that is read, in bytes: 100,000 contacts have 30 MB.
	MaxFile = 64 << 20
	// MaxRows is the most contacts of one file: the largest directory that is measured.
	MaxRows = 100_000
	// maxColumns bounds a header: Outlook exports 92 columns.
	maxColumns = 512
	// maxText is the longest text of a contact, in bytes, as for Entra's.
	maxText = 4 << 10
	// maxValues bounds the addresses, and the numbers, of one contact.
	maxValues = 64
	// maxWritten is the longest spelling of a number, in bytes, as for Entra's.
	maxWritten = 128
	// MaxSkipped bounds what is told of a file in which everything is wrong.
	MaxSkipped = 1000
)

// A Row is one contact of a file.
type Row struct {
	Line    int               `json:"line"` // where it begins, from 1
	Key     string            `json:"key"`  // never empty
	Contact directory.Contact `json:"contact"`
}

// A Skipped is a row that was left out.
type Skipped struct {
	Line   int    `json:"line"`
	Reason string `json:"reason"` // a clause: "it has 3 cells where the header has 5"
}

// A File is what was read of one file.
type File struct {
	Rows    []Row
	Read    int       // contacts that the file has, those left out included
	Skipped []Skipped // the first MaxSkipped of them
	Unknown []string  // columns that nobody understood, in their order
}

func (f *File) skip(line int, format string, args ...any) {
	if len(f.Skipped) < MaxSkipped {
		f.Skipped = append(f.Skipped, Skipped{Line: line, Reason: fmt.Sprintf(format, args...)})
	}
}

// add takes a contact into the file: tidied, with a key, which no other has.
func (f *File) add(line int, key string, c *directory.Contact, seen map[string]int) error {
	Tidy(c, nil)
	if Empty(c) {
		f.skip(line, "it has no name, company, e-mail address or number")
		return nil
	}
	key = keyOf(key, c)
	if first, twice := seen[key]; twice {
		f.skip(line, "it has the same key as line %d: %s", first, key)
		return nil
	}
	if len(f.Rows) == MaxRows {
		return fmt.Errorf("the file has more than %d contacts: %w", MaxRows, directory.ErrTooLarge)
	}
	seen[key] = line
	if directory.IsObjectID(key) { // the row is about that user or organisational contact
		c.Same = directory.ContactID(strings.ToLower(key))
	}
	f.Rows = append(f.Rows, Row{Line: line, Key: key, Contact: *c})
	return nil
}

// keyOf is the key of a contact: the file's own, else its first e-mail address,
// else name and company.
func keyOf(key string, c *directory.Contact) string {
	if key = cut(text.Clean(key, false)); key != "" {
		return key
	}
	if len(c.Emails) > 0 {
		return strings.ToLower(c.Emails[0])
	}
	return strings.ToLower(c.Name() + "\n" + c.Company)
}

// ownID is an id that we have made, as exports have it for a key.
var ownID = regexp.MustCompile(`^l-[0-9a-f]{24}$`)

// ID is the id of a contact that was imported: the same for the same set and
// key, however often and in whatever order. A key that is such an id already,
// because the file was exported here, is that contact.
func ID(set, key string) directory.ContactID {
	if ownID.MatchString(key) {
		return directory.ContactID(key)
	}
	sum := sha256.Sum256([]byte(set + "\n" + key))
	return directory.ContactID("l-" + hex.EncodeToString(sum[:])[:24])
}

// Empty reports whether there is nothing to show of a contact.
func Empty(c *directory.Contact) bool {
	return c.DisplayName == "" && c.GivenName == "" && c.Surname == "" && c.Company == "" &&
		len(c.Emails) == 0 && len(c.Phones) == 0
}

// Texts are the texts that a contact of ours may have, by the names that the
// command line and the files know them by. The order is that of a CSV file.
func Texts(c *directory.Contact) []Text {
	return []Text{
		{"name", "Name", &c.DisplayName},
		{"given", "Given name", &c.GivenName},
		{"surname", "Surname", &c.Surname},
		{"company", "Company", &c.Company},
		{"department", "Department", &c.Department},
		{"title", "Title", &c.JobTitle},
		{"office", "Office", &c.Office},
		{"street", "Street", &c.Address.Street},
		{"city", "City", &c.Address.City},
		{"state", "State", &c.Address.State},
		{"postal-code", "Postal code", &c.Address.PostalCode},
		{"country", "Country", &c.Address.Country},
	}
}

// A Text is one text of a contact.
type Text struct {
	Field  string
	Header string
	Value  *string
}

// Tidy makes c what a [directory.Contact] promises to be. read reads a number of
// a contact; nil = no number is read.
func Tidy(c *directory.Contact, read func(c *directory.Contact, written string) string) {
	for _, t := range Texts(c) {
		*t.Value = clean(*t.Value, t.Field == "street")
	}
	var mails []string
	for _, m := range c.Emails {
		m = clean(m, false)
		same := func(other string) bool { return strings.EqualFold(m, other) }
		if m != "" && len(mails) < maxValues && !slices.ContainsFunc(mails, same) {
			mails = append(mails, m)
		}
	}
	c.Emails = mails
	c.Phones = tidyPhones(c, read)
}

func tidyPhones(c *directory.Contact, read func(*directory.Contact, string) string) []directory.Phone {
	var out []directory.Phone
	for _, p := range c.Phones {
		p = directory.Phone{Kind: p.Kind, Written: text.Clean(p.Written, false)}
		if !slices.Contains(directory.PhoneKinds(), p.Kind) {
			p.Kind = directory.PhoneOther
		}
		if read != nil {
			p.E164 = read(c, p.Written)
		}
		same := func(o directory.Phone) bool { return o.Canonical() == p.Canonical() }
		if !strings.ContainsFunc(p.Written, unicode.IsDigit) || len(p.Written) > maxWritten || len(out) == maxValues || slices.ContainsFunc(out, same) {
			continue
		}
		out = append(out, p)
	}
	slices.SortStableFunc(out, func(a, b directory.Phone) int { return rank(a.Kind) - rank(b.Kind) })
	return out
}

func rank(k directory.PhoneKind) int { return slices.Index(directory.PhoneKinds(), k) }

// clean is [text.Clean], and no more than maxText bytes of it.
func clean(s string, lines bool) string {
	s = text.Clean(s, lines)
	if len(s) <= maxText {
		return s
	}
	return text.Clean(cut(s), lines)
}

// cut cuts s at maxText, not inside a character.
func cut(s string) string {
	if len(s) <= maxText {
		return s
	}
	n := maxText
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

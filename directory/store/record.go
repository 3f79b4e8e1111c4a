package store

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"ringbook/directory"
	"ringbook/directory/index"
)

// The prefixes of keys; see the package comment.
const (
	contacts = "c/"
	marks    = "k/"
	cursors  = "f/"
	asked    = "q/"
	jpegs    = "p/"
	trash    = "t/"
	devices  = "d/"

	keySchema   = "m/schema"
	keyEpoch    = "m/epoch"
	keyRevision = "m/revision"
	keyLoaded   = "m/loaded"
	keyRenderer = "m/renderer"
	keyBooks    = "m/books"
)

// header is the length of a record before its contact.
const header = 8 + 8 + 16

// A record is a contact on disk.
type record struct {
	revision directory.Revision // at which the value, or the way it is drawn, last changed
	modified time.Time
	print    [16]byte
	contact  []byte // JSON
}

func (r record) encode() []byte {
	b := make([]byte, 0, header+len(r.contact))
	b = binary.BigEndian.AppendUint64(b, uint64(r.revision))
	b = binary.BigEndian.AppendUint64(b, uint64(r.modified.Unix()))
	b = append(b, r.print[:]...)
	return append(b, r.contact...)
}

func decodeRecord(b []byte) (record, error) {
	if len(b) < header {
		return record{}, fmt.Errorf("record of %d bytes", len(b))
	}
	return record{
		revision: directory.Revision(binary.BigEndian.Uint64(b)),
		modified: time.Unix(int64(binary.BigEndian.Uint64(b[8:])), 0).UTC(),
		print:    [16]byte(b[16:]),
		contact:  b[header:],
	}, nil
}

func decodeContact(b []byte, words vocabulary) (*directory.Contact, error) {
	c := new(directory.Contact)
	if err := json.Unmarshal(b, c); err != nil {
		return nil, err
	}
	words.share(c)
	return c, nil
}

func markKey(m index.Mark) string { return marks + string(m.Book) + "/" + string(m.ID) }

func encodeMark(m index.Mark) []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 9), uint64(m.Revision))
	if m.Gone {
		return append(b, 1)
	}
	return append(b, 0)
}

func decodeMark(b []byte) (rev directory.Revision, gone bool, err error) {
	if len(b) != 9 || b[8] > 1 {
		return 0, false, fmt.Errorf("mark of %d bytes", len(b))
	}
	return directory.Revision(binary.BigEndian.Uint64(b)), b[8] == 1, nil
}

func encodeNumber[T ~uint64 | ~int64](n T) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(n))
}

func decodeNumber[T ~uint64 | ~int64](b []byte) (T, error) {
	if len(b) != 8 {
		return 0, fmt.Errorf("number of %d bytes", len(b))
	}
	return T(binary.BigEndian.Uint64(b)), nil
}

// A vocabulary lets contacts share the strings that many of them have: the
// departments of 100,000 people are a few hundred words.
type vocabulary map[string]string

func (v vocabulary) share(c *directory.Contact) {
	v.word(&c.JobTitle)
	v.word(&c.Department)
	v.word(&c.Company)
	v.word(&c.Office)
	v.word(&c.Address.Street)
	v.word(&c.Address.City)
	v.word(&c.Address.State)
	v.word(&c.Address.PostalCode)
	v.word(&c.Address.Country)
	v.word(&c.UserType)
	c.Source = directory.Source(v.of(string(c.Source)))
	for i := range c.Phones {
		p := &c.Phones[i]
		p.Kind = directory.PhoneKind(v.of(string(p.Kind)))
		v.word(&p.Attribute)
		if p.E164 == p.Written {
			p.E164 = p.Written
		}
	}
	if c.UserPrincipalName != "" && len(c.Emails) > 0 && c.Emails[0] == c.UserPrincipalName {
		c.UserPrincipalName = c.Emails[0]
	}
}

func (v vocabulary) word(s *string) { *s = v.of(*s) }

// of returns the one copy of s, which keeps nothing else alive: a source's
// string may be a part of a whole page.
func (v vocabulary) of(s string) string {
	if s == "" {
		return ""
	}
	w, ok := v[s]
	if !ok {
		w = strings.Clone(s)
		v[w] = w
	}
	return w
}

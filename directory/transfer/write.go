package transfer

import (
	"bufio"
	"encoding/base64"
	"encoding/csv"
	"fmt"
	"io"
	"strings"

	"ringbook/directory"
	"ringbook/directory/number"
	"ringbook/directory/vcard"
)

// A Writer writes contacts into one file.
type Writer interface {
	Write(c *directory.Contact) error
	// Close completes the file; it does not close what it is written to.
	Close() error
}

// Formats lists the formats that NewWriter knows.
func Formats() []string { return []string{"csv", "vcard", "ldif"} }

// NewWriter returns a writer of a format; an unknown one is [directory.ErrInvalid].
func NewWriter(w io.Writer, format string) (Writer, error) {
	switch format {
	case "csv":
		return newCSVWriter(w), nil
	case "vcard":
		return &vcardWriter{bufio.NewWriter(w), nil}, nil
	case "ldif":
		return &ldifWriter{bufio.NewWriter(w)}, nil
	}
	return nil, fmt.Errorf("format %q is none of %s: %w", format, strings.Join(Formats(), ", "), directory.ErrInvalid)
}

// A csvWriter writes UTF-8 with a mark, by which Excel knows it, and headers that
// our own import reads.
type csvWriter struct {
	w   *csv.Writer
	err error
}

func newCSVWriter(w io.Writer) *csvWriter {
	_, err := io.WriteString(w, "\ufeff")
	c := &csvWriter{csv.NewWriter(w), err}
	head := []string{"Key"}
	for _, t := range Texts(&directory.Contact{}) {
		head = append(head, t.Header)
	}
	head = append(head, "E-mail")
	for _, k := range directory.PhoneKinds() {
		head = append(head, string(k))
	}
	c.write(head)
	return c
}

func (c *csvWriter) write(cells []string) {
	if c.err == nil {
		c.err = c.w.Write(cells)
	}
}

// Write implements [Writer].
func (c *csvWriter) Write(of *directory.Contact) error {
	cells := []string{string(of.ID)}
	for _, t := range Texts(of) {
		cells = append(cells, guard(*t.Value))
	}
	cells = append(cells, guard(strings.Join(of.Emails, "; ")))
	for _, k := range directory.PhoneKinds() {
		var numbers []string
		for _, p := range of.Phones {
			if p.Kind == k {
				numbers = append(numbers, p.Written)
			}
		}
		cells = append(cells, guard(number.Join(numbers)))
	}
	c.write(cells)
	return c.err
}

// Close implements [Writer].
func (c *csvWriter) Close() error {
	c.w.Flush()
	if c.err != nil {
		return c.err
	}
	return c.w.Error()
}

// A vcardWriter writes vCard 3.0 (RFC 2426) as phones get it, without photos.
type vcardWriter struct {
	w    *bufio.Writer
	card []byte
}

// Write implements [Writer].
func (v *vcardWriter) Write(c *directory.Contact) error {
	v.card = vcard.Append(v.card[:0], c, vcard.Style{})
	_, err := v.w.Write(v.card)
	return err
}

// Close implements [Writer].
func (v *vcardWriter) Close() error { return v.w.Flush() }

// An ldifWriter writes RFC 2849: inetOrgPerson entries below dc=ringbook.
type ldifWriter struct{ w *bufio.Writer }

// Write implements [Writer].
func (l *ldifWriter) Write(c *directory.Contact) error {
	l.line("dn", "uid="+string(c.ID)+",dc=ringbook")
	for _, class := range []string{"top", "person", "organizationalPerson", "inetOrgPerson"} {
		l.line("objectClass", class)
	}
	l.line("uid", string(c.ID))
	l.line("cn", c.Name())
	surname := c.Surname
	if surname == "" {
		surname = c.Name() // the schema demands one
	}
	l.line("sn", surname)
	for _, a := range []struct{ name, value string }{
		{"givenName", c.GivenName},
		{"title", c.JobTitle},
		{"ou", c.Department},
		{"o", c.Company},
		{"physicalDeliveryOfficeName", c.Office},
		{"street", c.Address.Street},
		{"l", c.Address.City},
		{"st", c.Address.State},
		{"postalCode", c.Address.PostalCode},
	} {
		l.line(a.name, a.value)
	}
	for _, m := range c.Emails {
		l.line("mail", m)
	}
	for _, p := range c.Phones {
		l.line(ldifNumber(p.Kind), p.Canonical())
	}
	_, err := l.w.WriteString("\n")
	return err
}

// ldifNumber is the attribute of inetOrgPerson (RFC 2798) for a kind of number.
func ldifNumber(k directory.PhoneKind) string {
	switch k {
	case directory.PhoneMobile:
		return "mobile"
	case directory.PhoneHome:
		return "homePhone"
	case directory.PhoneFax:
		return "facsimileTelephoneNumber"
	case directory.PhonePager:
		return "pager"
	default:
		return "telephoneNumber" // inetOrgPerson knows no others
	}
}

// maxLine is where a line of LDIF is folded, in bytes (RFC 2849 note 2).
const maxLine = 76

// line writes one attribute, in base64 unless it is a safe string (RFC 2849);
// nothing for an empty value.
func (l *ldifWriter) line(name, value string) {
	if value == "" {
		return
	}
	s := name + ": " + value
	if !safe(value) {
		s = name + ":: " + base64.StdEncoding.EncodeToString([]byte(value))
	}
	for len(s) > maxLine {
		_, _ = l.w.WriteString(s[:maxLine] + "\n") // the error stays until the next write
		s = " " + s[maxLine:]
	}
	_, _ = l.w.WriteString(s + "\n")
}

// safe reports whether s is a SAFE-STRING of RFC 2849 that ends without a blank.
func safe(s string) bool {
	if strings.HasPrefix(s, " ") || strings.HasPrefix(s, ":") || strings.HasPrefix(s, "<") || strings.HasSuffix(s, " ") {
		return false
	}
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

// Close implements [Writer].
func (l *ldifWriter) Close() error { return l.w.Flush() }

// Package vcard writes contacts as vCard 3.0 (RFC 2426), ours to the byte.
//
// A card is a pure function of the contact and the style: the same on every
// machine and after every restart, for its digest is an ETag. So it has no
// REV, and its PRODID names no version.
//
// # Names
//
// FN is the contact's name. N is what iOS shows and sorts by, and FN is what
// it ignores; so N is never empty. It is surname and given name as the source
// has them; a contact that has neither (a reception desk, a company, a person
// of a careless tenant) has its whole name for a family name, because nothing
// that takes a name apart is right about all three.
//
// The name is in the device's style, because a FRITZ!Box shows FN with the
// backslash of its escapes (nextcloud/contacts#1417). Parts of a name, companies
// and titles keep their commas: it has one field for a name, and none for those.
//
// # What a reader may rely on
//
// Values hold no control character, escaped or not, other than "\n" for a line
// break; parameter values need no quoting; types are repeated ("TYPE=WORK;TYPE=FAX"),
// the only form that Apple's and everybody's readers share.
package vcard

import (
	"cmp"
	"slices"

	"ringbook/directory"
)

// Version names the renderer. It changes whenever the bytes of any card change,
// so that a store knows to look which cards did.
const Version = "1"

// A Style is what a card shows beside the contact.
type Style struct {
	// Names is how names are written; the parts of a name in N stay as they are.
	Names directory.NameStyle
	// Number writes a number; nil = [directory.Phone.Canonical].
	Number func(directory.Phone) string
	// JPEG is the photo's bytes; nil = none.
	JPEG []byte
}

const (
	head = "BEGIN:VCARD\r\nVERSION:3.0\r\nPRODID:-//Ringbook//EN\r\n"
	tail = "END:VCARD\r\n"
)

// Append appends the card of c to dst. Lines end in CR LF and are folded at 75
// octets, never inside a character. It allocates nothing but room in dst, and a name
// that is written otherwise than its source has it.
func Append(dst []byte, c *directory.Contact, s Style) []byte {
	dst = append(dst, head...)
	dst = appendLine(dst, "UID:", string(c.ID))
	name := s.Names.Name(c)
	dst = appendLine(dst, "FN:", name)
	surname := c.Surname
	if surname == "" && c.GivenName == "" {
		surname = name
	}
	dst = appendLine(dst, "N:", surname, c.GivenName, "", "", "")
	switch {
	case c.Department != "":
		dst = appendLine(dst, "ORG:", c.Company, c.Department)
	case c.Company != "":
		dst = appendLine(dst, "ORG:", c.Company)
	}
	if c.JobTitle != "" {
		dst = appendLine(dst, "TITLE:", c.JobTitle)
	}
	for i, email := range c.Emails {
		property := "EMAIL;TYPE=INTERNET;TYPE=WORK:"
		if i == 0 {
			property = "EMAIL;TYPE=INTERNET;TYPE=WORK;TYPE=PREF:"
		}
		dst = appendLine(dst, property, email)
	}
	dst = appendPhones(dst, c.Phones, s)
	if a := c.Address; a != (directory.Address{}) {
		// The office is the extended address: it belongs to this building.
		dst = appendLine(dst, "ADR;TYPE=WORK:", "", c.Office, a.Street, a.City, a.State, a.PostalCode, a.Country)
	}
	if len(s.JPEG) > 0 {
		dst = appendPhoto(dst, s.JPEG)
	}
	return append(dst, tail...)
}

// appendPhones appends TEL, none twice: what is written down as 3000 may be the
// extension of another number in the list.
func appendPhones(dst []byte, phones []directory.Phone, s Style) []byte {
	var room [8]string // more than people have
	listed := room[:0]
	for _, ph := range phones {
		var number string
		if s.Number != nil {
			number = s.Number(ph)
		}
		number = cmp.Or(number, ph.Canonical())
		if number == "" || slices.Contains(listed, number) {
			continue
		}
		listed = append(listed, number)
		dst = appendLine(dst, phoneProperty(ph.Kind), number)
	}
	return dst
}

// phoneProperty returns TEL with the types that iOS, Android and Thunderbird
// all have a label for.
func phoneProperty(k directory.PhoneKind) string {
	switch k {
	case directory.PhoneWork:
		return "TEL;TYPE=WORK;TYPE=VOICE:"
	case directory.PhoneMobile:
		return "TEL;TYPE=CELL:"
	case directory.PhoneHome:
		return "TEL;TYPE=HOME;TYPE=VOICE:"
	case directory.PhoneFax:
		return "TEL;TYPE=WORK;TYPE=FAX:"
	case directory.PhonePager:
		return "TEL;TYPE=PAGER:"
	default: // PhoneOther, and what a later version may store
		return "TEL;TYPE=VOICE:"
	}
}

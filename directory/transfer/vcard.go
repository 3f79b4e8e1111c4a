package transfer

import (
	"bytes"
	"fmt"
	"io"
	"mime/quotedprintable"
	"strings"

	"github.com/emersion/go-vcard"

	"ringbook/directory"
	"ringbook/directory/number"
)

// ReadVCard reads a file of vCards, 3.0 and 4.0, and of 2.1 what reads like
// them. Each card is read by itself, so that a broken one is one row less. An
// error is [directory.ErrInvalid] or [directory.ErrTooLarge], or the reader's own.
func ReadVCard(r io.Reader) (*File, error) {
	b, err := readAll(r)
	if err != nil {
		return nil, err
	}
	s, err := decodeText(b, "")
	if err != nil {
		return nil, err
	}
	f := &File{}
	seen := make(map[string]int)
	for line, card := range cards(s) {
		f.Read++
		if !strings.HasSuffix(strings.ToUpper(card), "END:VCARD\r\n") {
			f.skip(line, "the card has no end")
			continue
		}
		c, err := vcard.NewDecoder(strings.NewReader(modern(card))).Decode()
		if err != nil {
			f.skip(line, "the card cannot be read") // the error would quote it
			continue
		}
		contact, key := contactOf(c)
		if err := f.add(line, key, contact, seen); err != nil {
			return nil, err
		}
	}
	if f.Read == 0 {
		return nil, fmt.Errorf("the file has no vCard: %w", directory.ErrInvalid)
	}
	return f, nil
}

// cards yields each card with the line where it begins. What stands between
// cards is passed over; a card without an end goes up to the next one.
func cards(s string) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		var card bytes.Buffer
		begins, n := 0, 0
		for line := range strings.Lines(s) {
			n++
			word := strings.ToUpper(strings.TrimSpace(line))
			if word == "BEGIN:VCARD" {
				if begins > 0 && !yield(begins, card.String()) {
					return
				}
				card.Reset()
				begins = n
			}
			if begins == 0 {
				continue
			}
			card.WriteString(strings.TrimRight(line, "\r\n") + "\r\n")
			if word == "END:VCARD" {
				if !yield(begins, card.String()) {
					return
				}
				card.Reset()
				begins = 0
			}
		}
		if begins > 0 {
			yield(begins, card.String())
		}
	}
}

// modern makes a card of version 2.1 one that a reader of 3.0 understands: types
// stand without a name there, and texts may be quoted-printable (vCard 2.1 §2.1).
func modern(card string) string {
	if !strings.Contains(strings.ToUpper(card), "\r\nVERSION:2.1\r\n") {
		return card
	}
	var out strings.Builder
	lines := strings.SplitAfter(card, "\r\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		head, value, ok := strings.Cut(line, ":")
		for soft := strings.Contains(strings.ToUpper(head), "QUOTED-PRINTABLE"); soft && strings.HasSuffix(value, "=\r\n") && i+1 < len(lines); i++ {
			value = strings.TrimSuffix(value, "=\r\n") + lines[i+1]
		}
		if !ok {
			out.WriteString(line)
			continue
		}
		name, rest, _ := strings.Cut(head, ";")
		out.WriteString(name)
		for param := range strings.SplitSeq(rest, ";") {
			switch upper := strings.ToUpper(param); {
			case param == "", strings.HasPrefix(upper, "CHARSET="):
			case upper == "QUOTED-PRINTABLE", upper == "ENCODING=QUOTED-PRINTABLE":
				b, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(strings.TrimRight(value, "\r\n"))))
				if err == nil {
					value = strings.NewReplacer("\r\n", `\n`, "\n", `\n`).Replace(string(b)) + "\r\n"
				}
			case strings.Contains(param, "="):
				out.WriteString(";" + param)
			default:
				out.WriteString(";TYPE=" + param)
			}
		}
		out.WriteString(":" + value)
	}
	return out.String()
}

// contactOf maps a card; key is its UID.
func contactOf(card vcard.Card) (c *directory.Contact, key string) {
	name, org := parts(card.Value(vcard.FieldName), 2), parts(card.Value(vcard.FieldOrganization), 2)
	c = &directory.Contact{
		DisplayName: whole(card.Value(vcard.FieldFormattedName)), Surname: name[0], GivenName: name[1],
		JobTitle: whole(card.Value(vcard.FieldTitle)), Company: org[0], Department: org[1],
	}
	for _, f := range card[vcard.FieldEmail] {
		c.Emails = append(c.Emails, strings.TrimPrefix(whole(f.Value), "mailto:"))
	}
	for _, f := range card[vcard.FieldTelephone] {
		for _, n := range number.Split(strings.TrimPrefix(whole(f.Value), "tel:")) {
			c.Phones = append(c.Phones, directory.Phone{Kind: kindOf(f.Params.Types()), Written: n})
		}
	}
	// RFC 2426 §3.2.1: box, extended, street, locality, region, code, country.
	a := parts(preferred(card[vcard.FieldAddress]), 7)
	c.Address = directory.Address{
		Street: strings.TrimSpace(a[1] + "\n" + a[2]), City: a[3], State: a[4], PostalCode: a[5], Country: a[6],
	}
	return c, whole(card.Value(vcard.FieldUID))
}

// whole is a value of one text: the decoder leaves the escape of a semicolon in.
func whole(s string) string { return strings.ReplaceAll(s, `\;`, ";") }

// parts takes a value apart at its semicolons, into n at least.
func parts(s string, n int) []string {
	var list []string
	for {
		i := 0
		for i < len(s) && (s[i] != ';' || i > 0 && s[i-1] == '\\') {
			i++
		}
		list = append(list, whole(s[:i]))
		if i == len(s) {
			break
		}
		s = s[i+1:]
	}
	for len(list) < n {
		list = append(list, "")
	}
	return list
}

// preferred is the address of work, else the first; "" = there is none.
func preferred(all []*vcard.Field) string {
	for _, f := range all {
		if f.Params.HasType(vcard.TypeWork) {
			return f.Value
		}
	}
	if len(all) == 0 {
		return ""
	}
	return all[0].Value
}

// kindOf returns the kind of a number by its TYPEs (RFC 6350 §6.4.1).
func kindOf(types []string) directory.PhoneKind {
	has := func(t string) bool {
		for _, is := range types {
			if strings.EqualFold(is, t) {
				return true
			}
		}
		return false
	}
	switch {
	case has(vcard.TypeFax):
		return directory.PhoneFax
	case has(vcard.TypePager):
		return directory.PhonePager
	case has(vcard.TypeCell), has("iphone"):
		return directory.PhoneMobile
	case has(vcard.TypeHome):
		return directory.PhoneHome
	case has(vcard.TypeWork), has("main"):
		return directory.PhoneWork
	case len(types) == 0, has(vcard.TypeVoice), has("pref"):
		return directory.PhoneWork
	}
	return directory.PhoneOther
}

package ldap

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"ringbook/directory"
	"ringbook/directory/index"
	"ringbook/directory/number"
	"ringbook/directory/text"
)

// operationalNames are the operational attributes of contacts (RFC 4512 §3.4,
// RFC 4530, RFC 5020, X.501); see printer.operational. When a contact was created
// nobody knows. Nothing changes them.
var operationalNames = [...]string{"entryDN", "structuralObjectClass", "hasSubordinates", "modifyTimestamp", "entryUUID", "subschemaSubentry"}

// A printer appends the entries of one search.
type printer struct {
	srv     *Server
	id      int32 // message id
	device  directory.Device
	sight   sight
	profile *number.Profile // in which numbers are written
	plan    *number.Plan    // that the device dials by
	*selection
	columns   []column // of the selection's, those that the client may see
	typesOnly bool
	handOver  func() // called before a photo is read, which may have to come from a disk

	respells bool         // texts are not written for the device as they are
	texts    []string     // of the attribute that is being written
	holder   *index.Entry // whose numbers were looked at last
	repeats  bool         // two of them may be written alike
}

// look leaves out the columns that a client may not see. Of the operational ones it
// sees what is in the DN.
func (p *printer) look(s sight) {
	p.sight = s
	if s == nil {
		return
	}
	p.columns = slices.DeleteFunc(slices.Clone(p.columns), func(c column) bool {
		if c.kind == columnOperational {
			name := operationalNames[c.attribute]
			return name == "modifyTimestamp" || name == "subschemaSubentry"
		}
		return !s.sees(c.attribute)
	})
}

// object appends a SearchResultEntry for an object (RFC 4511 §4.5.2).
func (p *printer) object(dst []byte, o *object) []byte {
	dst, outer := begin(dst, tagSequence)
	dst = appendInt(dst, tagInteger, p.id)
	dst, inner := begin(dst, opSearchEntry)
	dst = appendString(dst, tagOctets, o.dn)
	dst, list := begin(dst, tagSequence)
	for i := range o.attributes {
		a := &o.attributes[i]
		if name, ok := p.wants(a); ok && len(a.values) > 0 {
			p.texts = append(p.texts[:0], a.values...)
			if p.respells && a.name == "description" { // the title of a book; the rest is in names
				p.fold()
			}
			dst = p.values(dst, name, p.texts)
		}
	}
	return finish(finish(finish(dst, list), inner), outer)
}

// contact appends a SearchResultEntry for a contact.
func (p *printer) contact(ctx context.Context, dst []byte, m member) ([]byte, error) {
	dst, outer := begin(dst, tagSequence)
	dst = appendInt(dst, tagInteger, p.id)
	dst, inner := begin(dst, opSearchEntry)
	dst, dn := begin(dst, tagOctets)
	dst = finish(p.srv.tree.appendContactDN(dst, m.book, m.entry.Contact().ID), dn)
	dst, list := begin(dst, tagSequence)
	for _, c := range p.columns {
		switch c.kind {
		case columnText, columnName, columnID:
			if p.texts = m.entry.AppendValues(p.texts[:0], c.attribute); len(p.texts) > 0 {
				if p.respells {
					p.respell(c.kind, m.entry.Contact())
				}
				dst = p.values(dst, c.name, p.texts)
			}
		case columnNumbers:
			dst = p.numbers(dst, c, m.entry)
		case columnOperational:
			if v := p.operational(c, m); v != "" {
				dst = p.values(dst, c.name, []string{v})
			}
		case columnPhoto:
			var err error
			if dst, err = p.photo(ctx, dst, c.name, m.entry.Contact().Photo); err != nil {
				return dst, err
			}
		}
	}
	return finish(finish(finish(dst, list), inner), outer), nil
}

// respell writes the texts of a contact so that the device can show them.
func (p *printer) respell(k columnKind, c *directory.Contact) {
	if k == columnName && p.texts[0] == c.Name() {
		p.texts[0] = p.device.Names.Name(c)
	}
	if k != columnID {
		p.fold()
	}
}

// fold writes the texts in the letters that the device has.
func (p *printer) fold() {
	if !p.device.ASCII {
		return
	}
	for i, s := range p.texts {
		p.texts[i] = text.ASCII(s)
	}
}

// values appends a PartialAttribute (RFC 4511 §4.1.7).
func (p *printer) values(dst []byte, name string, values []string) []byte {
	dst, one := begin(dst, tagSequence)
	dst = appendString(dst, tagOctets, name)
	dst, set := begin(dst, tagSet)
	if !p.typesOnly {
		for _, v := range values {
			dst = appendString(dst, tagOctets, v)
		}
	}
	return finish(finish(dst, set), one)
}

// numbers appends an attribute of numbers in the device's profile. Two spellings
// of one number are one value, and stand in one attribute: phones show each value as
// a line.
func (p *printer) numbers(dst []byte, c column, of *index.Entry) []byte {
	all := of.Contact().Phones
	if p.holder != of {
		p.holder, p.repeats = of, mayRepeat(all)
	}
	compared := p.repeats || c.attribute.Extension()
	p.texts = p.texts[:0]
	for i := range all {
		if !c.attribute.Has(all[i].Kind) { // and is not copied
			continue
		}
		w := p.number(c, all[i])
		if w == "" || slices.Contains(p.texts, w) || compared && p.elsewhere(c, all, w) {
			continue
		}
		p.texts = append(p.texts, w)
	}
	if len(p.texts) == 0 {
		return dst
	}
	return p.values(dst, c.name, p.texts)
}

// number writes a number as a value of an attribute; "" = it is none.
func (p *printer) number(c column, ph directory.Phone) string {
	if c.attribute.Extension() {
		return p.plan.Extension(ph)
	}
	return p.profile.Write(ph)
}

// mayRepeat reports whether two numbers may be written alike: most are valid, and each is
// another one. What is written down as 3000 may be another's extension.
func mayRepeat(all []directory.Phone) bool {
	for i := range all {
		if len(all) > 1 && all[i].E164 == "" {
			return true
		}
		for j := range i {
			if all[j].E164 == all[i].E164 {
				return true
			}
		}
	}
	return false
}

// elsewhere reports whether another attribute of the answer lists a value: that of the
// first number which is written so. An extension is listed where it is the number.
func (p *printer) elsewhere(c column, all []directory.Phone, value string) bool {
	for _, ph := range all {
		if p.answers(ph.Kind) && p.profile.Write(ph) == value {
			return c.attribute.Extension() || !c.attribute.Has(ph.Kind)
		}
	}
	return false
}

// answers reports whether numbers of a kind are answered, as more than extensions.
func (p *printer) answers(k directory.PhoneKind) bool {
	return slices.ContainsFunc(p.columns, func(c column) bool {
		return c.kind == columnNumbers && c.attribute.Has(k) && !c.attribute.Extension()
	})
}

// photo appends the JPEG of the size that the device gets. A photo that is gone
// by now is left out.
func (p *printer) photo(ctx context.Context, dst []byte, name string, id directory.PhotoID) ([]byte, error) {
	size := p.device.Photos
	if size == "" {
		size = directory.PhotoLarge
	}
	if id == "" || size == directory.PhotoNone {
		return dst, nil
	}
	if p.typesOnly {
		return p.values(dst, name, nil), nil
	}
	p.handOver()
	jpeg, err := p.srv.Directory.Photo(ctx, id, size)
	switch {
	case errors.Is(err, directory.ErrNotFound):
		return dst, nil
	case err != nil:
		return dst, fmt.Errorf("photo %s: %w", id, err)
	}
	dst, one := begin(dst, tagSequence)
	dst = appendString(dst, tagOctets, name)
	dst, set := begin(dst, tagSet)
	dst = appendString(dst, tagOctets, jpeg)
	return finish(finish(dst, set), one), nil
}

// operational returns the value of an operational attribute; "" = there is none.
func (p *printer) operational(c column, m member) string {
	switch id := m.entry.Contact().ID; operationalNames[c.attribute] {
	case "entryDN":
		return string(p.srv.tree.appendContactDN(nil, m.book, id))
	case "structuralObjectClass":
		return contactClass
	case "hasSubordinates":
		return "FALSE"
	case "subschemaSubentry":
		return schemaDN
	case "entryUUID":
		if !isUUID(string(id)) {
			return ""
		}
		return string(id)
	}
	return m.entry.Modified().Format(index.GeneralizedTime)
}

// contactClass is the structural object class of contacts.
const contactClass = "inetOrgPerson"

// isUUID reports whether s is written as RFC 4530 §2.1 has it. Ids of what a tenant
// has are, those of other sources need not be.
func isUUID(s string) bool {
	for i, c := range []byte(s) {
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (c == '-') || !dash && !strings.ContainsRune("0123456789abcdefABCDEF", rune(c)) {
			return false
		}
	}
	return len(s) == 36
}

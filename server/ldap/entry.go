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

// maxWanted bounds the attributes that a request may name; together with their
// aliases ours are not half as many.
const maxWanted = 256

// What a client asks for (RFC 4511 §4.5.1.8, RFC 3673); see also [features].
const (
	wantAll         = "*"
	wantOperational = "+"
	wantNone        = "1.1"
)

// A selection is which attributes of an entry are answered, and how they are
// spelt.
type selection struct {
	all         bool
	operational bool
	names       []string // as asked for, none twice
	typesOnly   bool

	columns []column // of contacts
}

// A column is one attribute of contacts in the spelling of the answer.
type column struct {
	attribute index.Attribute
	name      string
	kind      columnKind
}

type columnKind int

const (
	columnText columnKind = iota
	columnID              // a text that is typed or sent back to the octet
	columnNumbers
	columnPhoto
	columnOperational
)

// photoAttribute is known to the index as an id; we answer with the bytes.
const photoAttribute = "jpegPhoto"

// selectAttributes reads the attribute list of a request.
func selectAttributes(wanted []string, typesOnly bool) selection {
	s, special := selection{all: len(wanted) == 0, typesOnly: typesOnly}, features()
	for _, w := range wanted {
		switch {
		case w == wantAll:
			s.all = true
		case w == wantNone, w == "":
		case !slices.ContainsFunc(special[:], func(f feature) bool { return f.selects != nil && f.selects(&s, w) }):
			s.selectName(w)
		}
	}
	s.columns = s.contactColumns()
	return s
}

// contactColumns resolves what is answered of contacts: what is named, then the
// rest of what "*" and "+" ask for.
func (s *selection) contactColumns() []column {
	var cols []column
	for _, n := range s.names {
		a, ok := index.ParseAttribute(n)
		if i := slices.IndexFunc(operationalNames[:], func(o string) bool { return strings.EqualFold(o, n) }); i >= 0 {
			cols = append(cols, column{attribute: index.Attribute(i), name: n, kind: columnOperational})
		} else if ok && !a.Operational() {
			cols = append(cols, column{attribute: a, name: n, kind: kindOf(a)})
		}
	}
	if s.all {
		for a := range index.Attributes() {
			taken := slices.ContainsFunc(cols, func(c column) bool { return c.attribute == a && c.kind != columnOperational })
			if !taken && !a.Operational() {
				cols = append(cols, column{attribute: a, name: a.Name(), kind: kindOf(a)})
			}
		}
	}
	if s.operational {
		for i, n := range operationalNames {
			taken := slices.ContainsFunc(cols, func(c column) bool { return c.attribute == index.Attribute(i) && c.kind == columnOperational })
			if !taken {
				cols = append(cols, column{attribute: index.Attribute(i), name: n, kind: columnOperational})
			}
		}
	}
	return cols
}

func kindOf(a index.Attribute) columnKind {
	switch {
	case a.Name() == photoAttribute:
		return columnPhoto
	case a.Numbers():
		return columnNumbers
	case slices.Contains(identifiers[:], a.Name()):
		return columnID
	}
	return columnText
}

// identifiers are never written otherwise, whatever a display can show. Nothing
// changes them.
var identifiers = [...]string{"uid", "mail", "objectClass"}

// operationalNames are the operational attributes of contacts (RFC 4512 §3.4,
// RFC 4530, RFC 5020, X.501); see printer.operational. When a contact was created
// nobody knows. Nothing changes them.
var operationalNames = [...]string{"entryDN", "structuralObjectClass", "hasSubordinates", "modifyTimestamp", "entryUUID", "subschemaSubentry"}

// wants reports whether an object's attribute is answered, and in which spelling.
func (s *selection) wants(a *attribute) (string, bool) {
	for _, n := range s.names {
		if sameType(n, a.name) {
			return n, true
		}
	}
	return a.name, a.operational && s.operational || !a.operational && s.all
}

// look leaves out the columns that a client may not see. Of the operational ones it
// sees what is in the DN.
func (p *printer) look(s sight) {
	p.sight = s
	if s == nil {
		return
	}
	p.columns = slices.DeleteFunc(p.columns, func(c column) bool {
		if c.kind == columnOperational {
			name := operationalNames[c.attribute]
			return name == "modifyTimestamp" || name == "subschemaSubentry"
		}
		return !s.sees(c.attribute)
	})
}

// A printer appends the entries of one search.
type printer struct {
	srv    *Server
	id     int32 // message id
	device directory.Device
	sight  sight
	plan   *number.Plan // that the device dials by
	selection
	handOver func() // called before a photo is read, which may have to come from a disk

	texts  []string          // of the attribute that is being written
	phones []directory.Phone // likewise
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
			p.fold(a.name == "description") // the title of a book; the rest is in names
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
		case columnText, columnID:
			if p.texts = m.entry.AppendValues(p.texts[:0], c.attribute); len(p.texts) > 0 {
				p.fold(c.kind == columnText)
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

// fold writes the texts so that the device can show them.
func (p *printer) fold(may bool) {
	if !may || !p.device.ASCII {
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
func (p *printer) numbers(dst []byte, c column, e *index.Entry) []byte {
	p.phones = e.AppendPhones(p.phones[:0], c.attribute)
	if len(p.phones) == 0 {
		return dst
	}
	all := e.Contact().Phones
	compared := c.attribute.Extension() || mayRepeat(all)
	p.texts = p.texts[:0]
	for _, ph := range p.phones {
		w := p.number(c, ph)
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
	return p.plan.Write(ph, p.device)
}

// mayRepeat reports whether two numbers may be written alike: most are valid, and
// each is another one. What is written down as 3000 may be another's extension.
func mayRepeat(all []directory.Phone) bool {
	for i, ph := range all {
		if len(all) > 1 && ph.E164 == "" || slices.ContainsFunc(all[:i], func(o directory.Phone) bool { return o.E164 == ph.E164 }) {
			return true
		}
	}
	return false
}

// elsewhere reports whether another attribute of the answer lists a value: that of the
// first number which is written so. An extension is listed where it is the number.
func (p *printer) elsewhere(c column, all []directory.Phone, value string) bool {
	for _, ph := range all {
		if p.answers(ph.Kind) && p.plan.Write(ph, p.device) == value {
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

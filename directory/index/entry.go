package index

import (
	"iter"
	"slices"
	"strings"
	"time"

	"ringbook/directory"
	"ringbook/directory/filter"
	"ringbook/directory/text"
)

// An Entry is one contact of a view. The same value of a contact is the same
// *Entry in every view, so that what is derived from it can be kept beside it.
type Entry struct {
	// What a search looks at first stands first, within what memory gives at once.
	contact *directory.Contact // as it is shown
	slot    int
	shown   []*Entry // by the book's place: what each shows of a contact that has parts; nil = nothing; see [Index.shownIn]
	keys    []key
	texts   string // of the keys, one behind the other

	sortKey  string
	stored   *directory.Contact // with the numbers that are not, and without its parts
	modified int64              // Unix seconds
	person
	alone *Entry               // itself without its parts, if it has any
	of    []*directory.Contact // of what a book shows of a contact with parts: those that are shown
	moved int64                // Unix seconds: when a part last came or went; 0 = not known
}

// A key is one value of an attribute in a form in which it is compared (see
// [text.Forms]). It has no pointers, nor have its texts, as the garbage collector
// would follow them for every contact.
type key struct {
	attribute Attribute
	end       uint32 // of its text
}

// text returns the text of the i-th key.
func (e *Entry) text(i int) string {
	begin := uint32(0)
	if i > 0 {
		begin = e.keys[i-1].end
	}
	return e.texts[begin:e.keys[i].end]
}

// newEntry makes the entry of a contact that is shown together with nobody.
func (x *Index) newEntry(s Stored) *Entry {
	return x.show(&Entry{contact: s.Contact, stored: s.Contact, modified: s.Modified.Unix()})
}

// with returns the entry in another place among the contacts of one person; at is
// when it came there.
func (x *Index) with(e *Entry, p person, at int64) *Entry {
	n := &Entry{contact: e.stored, stored: e.stored, modified: e.modified, person: p, moved: at}
	if len(p.parts) == 0 {
		return x.show(n)
	}
	n.contact = directory.Merge(n.Parts(), x.precedence)
	x.show(n)
	x.shownIn(n)
	return n
}

// shownIn works out what each book shows of a person: the parts that its rule lets
// in, each asked on its own. So a rule that keeps an import out keeps out what the
// import says, and nobody whom it names; and of one whose account is disabled a
// book that does not show the account shows nothing, in whatever list the name
// still stands.
func (x *Index) shownIn(e *Entry) {
	e.alone = x.show(&Entry{contact: e.stored, stored: e.stored, modified: e.modified, of: []*directory.Contact{e.stored}})
	e.alone.sortKey = e.sortKey // one person, one place in the order
	all := e.partEntries()
	drawn := make(map[string]*Entry)
	e.shown = make([]*Entry, len(x.books))
	for i, b := range x.books {
		var parts []*directory.Contact
		var key strings.Builder
		for n, part := range all {
			if b.rule(part) == filter.True {
				parts = append(parts, part.stored)
				key.WriteRune(rune(n))
			}
		}
		switch {
		case len(parts) == 0, e.stored.AccountEnabled == directory.False && parts[0] != e.stored:
		case len(parts) == len(all):
			e.shown[i] = e
		default:
			if drawn[key.String()] == nil {
				drawn[key.String()] = x.only(e, parts)
			}
			e.shown[i] = drawn[key.String()]
		}
	}
}

// only returns an entry of a person that shows some parts and no others.
func (x *Index) only(e *Entry, parts []*directory.Contact) *Entry {
	c := directory.Merge(parts, x.precedence)
	c.ID = e.stored.ID // one person, one card, whoever knows it
	v := x.show(&Entry{contact: c, stored: e.stored, modified: e.modified, person: e.person, moved: e.moved, of: parts})
	v.sortKey = e.sortKey
	return v
}

// partEntries returns the entries of a person's parts, each on its own.
func (e *Entry) partEntries() []*Entry {
	if e.alone == nil {
		return []*Entry{e}
	}
	all := []*Entry{e.alone}
	for _, part := range e.parts {
		all = append(all, part.Alone()) // it may have led others until now
	}
	return all
}

// in returns what a book shows of a contact that is a member. Where a group is not
// known that the rule asks for, nothing of the parts is shown.
func (e *Entry) in(b *book) *Entry {
	switch {
	case e == nil || e.shown == nil || b.private:
		return e
	case e.shown[b.place] != nil:
		return e.shown[b.place]
	}
	return e.alone
}

// guises yields the entry, and those by which books show it otherwise, some more than once.
func (e *Entry) guises() iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) {
		if !yield(e) || e.alone == nil || !yield(e.alone) {
			return
		}
		for _, v := range e.shown {
			if v != nil && v != e && !yield(v) {
				return
			}
		}
	}
}

// place gives the entry its slot, and those by which it is shown.
func (e *Entry) place(slot int) {
	for f := range e.guises() {
		f.slot = slot
	}
}

// Whole reports whether the contact is no more and no less than what one source
// says, so that every book shows it alike.
func (e *Entry) Whole() bool { return e.alone == nil && e.of == nil && e.leader == "" }

// Alone returns the contact as its own source has it, without its parts.
func (e *Entry) Alone() *Entry {
	if e.alone != nil {
		return e.alone
	}
	return e
}

// show finishes an entry whose contact is all that there is to show.
func (x *Index) show(e *Entry) *Entry {
	if most := x.maxPhones; most > 0 && len(e.contact.Phones) > most {
		c := e.contact.Clone()
		c.Phones = c.Phones[:most:most]
		e.contact = c
	}
	e.sortKey = x.collation.Key(e.contact.Name())
	e.keys, e.texts = keysOf(e.contact)
	return e
}

// keysOf makes the keys of all keyed attributes, and their texts.
func keysOf(c *directory.Contact) ([]key, string) {
	var room [16]key // most contacts have fewer
	var bytes [512]byte
	var values [4]string
	keys, texts := room[:0], bytes[:0]
	for i := range table {
		row, a := &table[i], Attribute(i)
		if !row.keyed {
			continue
		}
		for _, v := range row.appendValues(values[:0], c) {
			forms := a.variants(v)
			for n, form := range forms {
				if form == "" && row.syntax != syntaxPlain || slices.Contains(forms[:n], form) {
					continue
				}
				texts = append(texts, form...)
				keys = append(keys, key{a, uint32(len(texts))})
			}
		}
	}
	return slices.Clone(keys), string(texts)
}

// isFoundLike reports whether nothing is different by which a contact is found, so that
// the postings and grams of the one are those of the other; nil is found by nothing.
// Of those that are shown otherwise than they are stored it is not looked at.
func (e *Entry) isFoundLike(old *Entry) bool {
	return e != nil && old != nil && e.alone == nil && old.alone == nil &&
		e.stored.Same == old.stored.Same && e.Private() == old.Private() && e.contact.Address == old.contact.Address &&
		e.texts == old.texts && slices.Equal(e.keys, old.keys) && slices.Equal(e.contact.Phones, old.contact.Phones)
}

// variants returns a value in the forms in which it is compared; addresses and
// ids have one only.
func (a Attribute) variants(value string) text.Forms {
	if table[a].syntax == syntaxPlain {
		s := strings.ToLower(value)
		return text.Forms{s, s, s, s}
	}
	return text.Variants(value)
}

// forms returns the forms of a value that differ. A value that nothing is left of
// has none.
func (a Attribute) forms(value string) []string { return a.variants(value).Distinct() }

// byOrder compares by name, and equal names by id.
func byOrder(e, f *Entry) int {
	if c := strings.Compare(e.sortKey, f.sortKey); c != 0 {
		return c
	}
	return strings.Compare(string(e.contact.ID), string(f.contact.ID))
}

// isAfter reports whether the entry stands behind a place in that order.
func (e *Entry) isAfter(sortKey string, id directory.ContactID) bool {
	if c := strings.Compare(e.sortKey, sortKey); c != 0 {
		return c > 0
	}
	return e.contact.ID > id
}

// Contact returns the value as it is shown: with as many numbers as are, and
// merged with what other sources say. It is shared and must not be changed.
func (e *Entry) Contact() *directory.Contact { return e.contact }

// Stored returns the whole value of this source alone, which is what a store
// lays news over; it is shared and must not be changed.
func (e *Entry) Stored() *directory.Contact { return e.stored }

// Slot returns a small number that is the contact's own for the life of the process.
func (e *Entry) Slot() int { return e.slot }

// Leader returns the contact that this one is shown as part of, and in no book
// on its own; "" = it is shown itself.
func (e *Entry) Leader() directory.ContactID { return e.leader }

// Parts returns the stored contacts that are shown as this one, itself first and
// each in the order of [directory.Rank]. They are shared and must not be changed.
func (e *Entry) Parts() []*directory.Contact {
	if e.of != nil {
		return e.of
	}
	parts := []*directory.Contact{e.stored}
	for _, p := range e.parts {
		parts = append(parts, p.stored)
	}
	return parts
}

// OwnModified returns when the value of its own source last changed.
func (e *Entry) OwnModified() time.Time { return time.Unix(e.modified, 0).UTC() }

// Modified returns when the value last changed, of any part, or a part came or
// went, as far as that is known.
func (e *Entry) Modified() time.Time {
	latest := max(e.modified, e.moved)
	for _, p := range e.parts {
		latest = max(latest, p.modified)
	}
	return time.Unix(latest, 0).UTC()
}

// SortKey returns the key of the name in the order of [View.Collation].
func (e *Entry) SortKey() string { return e.sortKey }

// Values returns the contact's values; numbers as [directory.Phone] are in Phones.
// Of an attribute of numbers they are in [directory.Phone.Canonical] form; of one
// of extensions there are none, since they depend on who asks.
func (e *Entry) Values(a Attribute) []string { return e.AppendValues(nil, a) }

// AppendValues appends what Values returns.
func (e *Entry) AppendValues(dst []string, a Attribute) []string {
	if table[a].syntax == syntaxTime {
		return append(dst, e.Modified().Format(GeneralizedTime))
	}
	if !a.Numbers() {
		return table[a].appendValues(dst, e.contact)
	}
	if a.Extension() {
		return dst
	}
	for i := range e.contact.Phones {
		if p := &e.contact.Phones[i]; table[a].has(p.Kind) {
			dst = append(dst, p.Canonical())
		}
	}
	return dst
}

// Phones returns the values of an attribute of numbers, or the numbers that an
// attribute of extensions may have values of.
func (e *Entry) Phones(a Attribute) (all []directory.Phone) {
	for _, p := range e.contact.Phones {
		if table[a].has(p.Kind) {
			all = append(all, p)
		}
	}
	return all
}

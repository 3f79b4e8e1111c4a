package index

import (
	"iter"
	"maps"
	"slices"
	"strings"

	"ringbook/directory"
	"ringbook/directory/filter"
)

// mailbox is the attribute by which a rule names a mailbox, by its owner's object
// id or sign-in name.
const mailbox = "mailbox"

// ownerName stands for the owner's name in the title of a private book.
const ownerName = "{name}"

// formerMailbox is the title, on its way out, of a book whose title had its owner's name.
const formerMailbox = "Outlook"

// mailboxesOf returns the mailboxes that a rule names, folded. Contacts of any
// other mailbox are private, whatever the rule says of them: (!(cn=x)) must not
// show a company what one of its people keeps in Outlook.
func mailboxesOf(rule *filter.Filter) []string { return appendMailboxes(nil, rule, true) }

// appendMailboxes appends those that a filter names to let them in: one that is
// named behind a "!" is named to keep it out.
func appendMailboxes(names []string, f *filter.Filter, wanted bool) []string {
	if f.Op == filter.Not {
		wanted = !wanted
	}
	if f.Op <= filter.Not {
		for _, c := range f.Children {
			names = appendMailboxes(names, c, wanted)
		}
		return names
	}
	if a, ok := ParseAttribute(f.Attribute); ok && a.Name() == mailbox && f.Op == filter.Equal && wanted {
		names = append(names, strings.ToLower(f.Value))
	}
	return names
}

// Private reports whether a contact is of a mailbox: it is its owner's, and no
// administrator's to look through.
func (e *Entry) Private() bool { return e.stored.Source == directory.SourceMailbox }

// mayShow reports whether a contact is none of a mailbox that the book's rule
// does not name.
func (b *book) mayShow(e *Entry) bool {
	if !e.Private() {
		return true
	}
	if len(b.mailboxes) == 0 {
		return false
	}
	var room [4]string
	a, _ := ParseAttribute(mailbox)
	return slices.ContainsFunc(e.AppendValues(room[:0], a), func(v string) bool { return slices.Contains(b.mailboxes, strings.ToLower(v)) })
}

// privateBook returns the private book of a contact; "" = it is of no mailbox, or
// not there.
func privateBook(e *Entry) directory.BookName {
	if e == nil || !e.Private() {
		return ""
	}
	return directory.MailboxBook(e.stored.Mailbox)
}

// inPrivate reports whether the contact at a slot is in a private book.
func (v *View) inPrivate(name directory.BookName, slot int) bool {
	h := v.private[name]
	return h != nil && h.stamps.at(slot).member()
}

// touches begins to count what leaves a private book.
func (p *preparation) touches(name directory.BookName) {
	if _, counted := p.left[name]; !counted {
		members := 0
		if h := p.view.private[name]; h != nil {
			members = h.members
		}
		p.left[name] = count{members: members}
	}
}

// markPrivate marks a contact whose value is new in its mailbox's book, and in the
// one that it was in before.
func (p *preparation) markPrivate(id directory.ContactID, old, e *Entry, same bool) {
	was, is := privateBook(old), privateBook(e)
	if was != "" && was != is {
		p.touches(was)
		p.mark(was, id, true, false)
	}
	if is != "" && (!same || was != is) {
		p.touches(is)
		p.mark(is, id, was == is, true)
	}
}

// reconcilePrivate marks what private books have and should not, or the other
// way round.
func (p *preparation) reconcilePrivate() {
	for slot, id := range p.view.ids {
		e := p.view.entries.at(slot)
		if name := privateBook(e); name != "" && !p.view.inPrivate(name, slot) {
			p.touches(name)
			p.mark(name, id, false, true)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.view.private)) {
		for slot := range p.view.private[name].slots() {
			if privateBook(p.view.entries.at(slot)) != name {
				p.touches(name)
				p.mark(name, p.view.ids[slot], true, false)
			}
		}
	}
}

// slots yields the slots of the members.
func (h *history) slots() iter.Seq[int] {
	return func(yield func(int) bool) {
		for slot, s := range h.stamps.all() {
			if s.member() && !yield(slot) {
				return
			}
		}
	}
}

// publishPrivate makes the next private books out of the steps of an update.
func (v *View) publishPrivate(steps map[directory.BookName][]step) {
	own := false
	for name, s := range steps {
		if !directory.IsMailboxBook(name) {
			continue
		}
		if !own {
			v.private, own = maps.Clone(v.private), true
			if v.private == nil {
				v.private = make(map[directory.BookName]*history)
			}
		}
		h := v.private[name]
		if h == nil {
			h = &history{}
		}
		v.private[name] = h.add(s, v.ids)
	}
}

// ShelfOf returns the books that a device sees: those of [View.Shelf], and the
// private book of its owner's mailbox, if there was ever a contact in it. That
// one comes last. Numbers are looked for in them as they are dialled at its site.
func (v *View) ShelfOf(d directory.Device) []*Book {
	drained := d.State != directory.DeviceActive
	shelf, plan := v.Shelf(d.Books, drained), v.PlanOf(d)
	for _, b := range shelf {
		b.plan = plan
	}
	if d.OwnerID == "" {
		return shelf
	}
	name := directory.MailboxBook(d.OwnerID)
	h := v.private[name]
	if h == nil {
		return shelf
	}
	var before []*history
	for _, b := range shelf {
		if len(b.book.mailboxes) > 0 { // in no other can a contact of a mailbox be
			before = append(before, b.own)
		}
	}
	owner := string(d.OwnerID)
	if e := v.Entry(d.OwnerID); e != nil {
		owner = e.contact.Name()
	}
	title := strings.ReplaceAll(v.index.mailboxTitle, ownerName, owner)
	return append(shelf, &Book{
		view: v, own: h, before: before, drained: drained, plan: plan,
		book: &book{name: name, title: title, filter: "(" + mailbox + "=" + string(d.OwnerID) + ")", private: true},
	})
}

// MailboxMembers yields the contacts of a mailbox.
func (v *View) MailboxMembers(m directory.ContactID) iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) {
		h := v.private[directory.MailboxBook(m)]
		if h == nil {
			return
		}
		for slot := range h.slots() {
			if e := v.entries.at(slot); e != nil && !yield(e) {
				return
			}
		}
	}
}

// Private counts the mailboxes that have contacts, and those contacts.
func (v *View) Private() (mailboxes, contacts int) {
	for _, h := range v.private {
		if h.members > 0 {
			mailboxes++
			contacts += h.members
		}
	}
	return mailboxes, contacts
}

package index

import (
	"maps"
	"slices"
	"time"

	"ringbook/directory"
)

// An Update is a prepared difference between two views.
type Update struct {
	Revision directory.Revision
	Marks    []Mark // to be committed with the contacts

	// Joined: contacts came to be shown as parts of others, or ceased to be, or a
	// contact with parts changed. What those look like is in no contact of the batch.
	Joined bool

	put     []*Entry // their slots are given when the update is published
	removed []directory.ContactID
	left    map[directory.BookName]count
}

// A count is how many members leave a book, and how many it had.
type count struct{ leaving, members int }

// Left returns how many members leave the book, and how many it has now.
func (u *Update) Left(b directory.BookName) (leaving, members int) {
	c := u.left[b]
	return c.leaving, c.members
}

// A preparation is an update in the making.
type preparation struct {
	view *View
	*Update
	stayed map[Mark]struct{} // leaders of whom a part was taken back, by book
}

func (x *Index) prepare(rev directory.Revision) preparation {
	v := x.view.Load()
	p := preparation{v, &Update{Revision: rev, left: map[directory.BookName]count{}}, map[Mark]struct{}{}}
	for i, b := range x.books {
		p.left[b.name] = count{members: v.histories[i].members}
	}
	return p
}

// mark marks a contact in one book.
func (p *preparation) mark(b directory.BookName, id directory.ContactID, was, is bool) {
	switch {
	case is:
		p.Marks = append(p.Marks, Mark{Book: b, ID: id, Revision: p.Revision})
	case was:
		p.Marks = append(p.Marks, Mark{Book: b, ID: id, Revision: p.Revision, Gone: true})
		c := p.left[b]
		c.leaving++
		p.left[b] = c
	}
}

// stays takes a member back that was counted as leaving: it goes on to be shown
// as part of another member. One for each of those, at a time: a list whose rows
// all claim to be the same person is a mistake.
func (p *preparation) stays(b *book, leader directory.ContactID) {
	place := Mark{Book: b.name, ID: leader}
	if _, again := p.stayed[place]; again {
		return
	}
	p.stayed[place] = struct{}{}
	c := p.left[b.name]
	c.leaving--
	p.left[b.name] = c
}

// Prepare works out what a batch does to the books, and changes nothing. A
// contact that is put although nothing of it has changed is left as it is, and
// one of which nothing that is shown has changed gets a mark only in books that
// it comes into or leaves. If an id comes twice, its last place counts, and one
// that is both put and removed is removed. Contacts that the batch joins to
// others of their person, or parts from them, change as well.
func (x *Index) Prepare(rev directory.Revision, put []Stored, removed []directory.ContactID) *Update {
	p := x.prepare(rev)
	news := make(map[directory.ContactID]*Entry, len(put)+len(removed))
	var changed []directory.ContactID // in the order of their places
	for _, s := range put {
		news[s.Contact.ID] = x.newEntry(s)
	}
	for _, id := range removed {
		news[id] = nil
		changed = append(changed, id)
	}
	for _, s := range put {
		changed = append(changed, s.Contact.ID)
	}
	for id, e := range news {
		old := p.view.Entry(id)
		if e == nil && old == nil || e != nil && old != nil && old.stored.Equal(e.stored) {
			delete(news, id)
		}
	}
	changed = append(changed, x.join(p.view, news)...)
	done := make(map[directory.ContactID]struct{}, len(changed))
	for _, id := range changed {
		e, there := news[id]
		if _, again := done[id]; again || !there {
			continue
		}
		done[id] = struct{}{}
		x.change(&p, id, e, news)
	}
	return p.Update
}

// apart reports whether a contact is shown otherwise than its source has it.
func apart(e *Entry) bool { return e != nil && !e.Whole() }

// change notes one change of an update.
func (x *Index) change(p *preparation, id directory.ContactID, e *Entry, news map[directory.ContactID]*Entry) {
	if e == nil {
		p.removed = append(p.removed, id)
	} else {
		p.put = append(p.put, e)
	}
	x.mark(p, id, e, news)
}

// join gives the news their places among the contacts of their persons, adds the
// contacts that are moved by it, and returns the ids of those, sorted.
func (x *Index) join(v *View, news map[directory.ContactID]*Entry) (moved []directory.ContactID) {
	some := v.others > 0
	for _, e := range news {
		some = some || joinable(e)
	}
	if !some {
		return nil // users are never joined to each other
	}
	persons, now := newJoiner(v, news).persons(), time.Now().Unix()
	fresh := make(map[directory.ContactID]*Entry)
	for id, p := range persons {
		e, changes := news[id]
		if !changes {
			e = v.Entry(id)
		}
		if !e.is(p) {
			fresh[id] = x.with(e, p, now)
			if !changes {
				moved = append(moved, id)
			}
		}
	}
	maps.Copy(news, fresh)
	slices.Sort(moved)
	return moved
}

// joinable reports whether a contact can be part of another: nearly all are
// users, and it need not be looked whose part they are.
func joinable(e *Entry) bool {
	return e != nil && (e.stored.Source == directory.SourceOrgContact || e.stored.Source == directory.SourceLocal)
}

// is reports whether the entry is in that place already.
func (e *Entry) is(p person) bool {
	return e.leader == p.leader && slices.EqualFunc(e.parts, p.parts, func(a, b *Entry) bool { return a.stored == b.stored })
}

// mark marks a contact whose value is new in every book in which somebody sees
// a difference; e nil = it is gone.
func (x *Index) mark(p *preparation, id directory.ContactID, e *Entry, news map[directory.ContactID]*Entry) {
	slot, known := p.view.find(id)
	var old *Entry
	if known {
		old = p.view.entries.at(slot)
	}
	p.Joined = p.Joined || apart(old) || apart(e)
	for i, b := range x.books {
		was := known && p.view.histories[i].stamps.at(slot).member()
		is := x.admits(p.view, b, e, was)
		if is != was || !old.in(b).looksLike(e.in(b)) {
			p.mark(b.name, id, was, is)
		}
		if was && !is && e != nil && e.leader != "" && x.leads(p.view, b, e.leader, news) {
			p.stays(b, e.leader)
		}
	}
	p.markPrivate(id, old, e, old.looksLike(e))
}

// looksLike reports whether nobody could tell two entries apart; nil is like nothing.
func (e *Entry) looksLike(other *Entry) bool {
	return e != nil && other != nil && e.contact.LooksLike(other.contact)
}

// had reports whether a contact was a member of a book.
func (v *View) had(b *book, id directory.ContactID) bool {
	slot, known := v.find(id)
	return known && v.histories[b.place].stamps.at(slot).member()
}

// leads reports whether a contact that others are shown as part of is, or will
// be, a member of a book.
func (x *Index) leads(v *View, b *book, id directory.ContactID, news map[directory.ContactID]*Entry) bool {
	was := v.had(b, id)
	e, changes := news[id]
	if !changes {
		return was
	}
	return x.admits(v, b, e, was)
}

// Reconcile works out what the rules say that the marks do not: the difference
// that a changed rule, or a new book, makes. nil = none.
func (x *Index) Reconcile(rev directory.Revision) *Update {
	p := x.prepare(rev)
	for slot, id := range p.view.ids {
		e := p.view.entries.at(slot)
		for i, b := range x.books {
			was := p.view.histories[i].stamps.at(slot).member()
			if is := x.admits(p.view, b, e, was); is != was {
				p.mark(b.name, id, was, is)
			}
		}
	}
	p.reconcilePrivate()
	return p.orNil()
}

// Touch works out an update that says that the given contacts' cards changed
// although their values did not (a new renderer). nil = none.
func (x *Index) Touch(rev directory.Revision, ids []directory.ContactID) *Update {
	p := x.prepare(rev)
	touched := make(map[directory.ContactID]bool, len(ids))
	for _, id := range ids {
		slot, known := p.view.find(id)
		if !known || touched[id] {
			continue
		}
		touched[id] = true
		for i, b := range x.books {
			is := p.view.histories[i].stamps.at(slot).member()
			p.mark(b.name, id, is, is)
		}
		if name := privateBook(p.view.entries.at(slot)); name != "" && p.view.inPrivate(name, slot) {
			p.touches(name)
			p.mark(name, id, true, true)
		}
	}
	return p.orNil()
}

func (p *preparation) orNil() *Update {
	if len(p.Marks) == 0 {
		return nil
	}
	return p.Update
}

// Publish makes the next view out of an update that has been committed, and
// that was prepared when the newest view was the one that still is. nil = nothing.
func (x *Index) Publish(u *Update) {
	if u == nil {
		return
	}
	x.writing.Lock()
	defer x.writing.Unlock()
	v := *x.view.Load()
	v.revision = max(v.revision, u.Revision)
	x.publishEntries(&v, u)
	steps := make(map[directory.BookName][]step, len(x.books))
	for _, m := range u.Marks {
		steps[m.Book] = append(steps[m.Book], step{stampOf(m.Revision, m.Gone), x.slot(&v, m.ID)})
	}
	histories := make([]*history, len(x.books))
	for i, b := range x.books {
		histories[i] = v.histories[i].add(steps[b.name], v.ids)
	}
	v.histories = histories
	v.publishPrivate(steps)
	x.view.Store(&v)
}

func (x *Index) publishEntries(v *View, u *Update) {
	if len(u.put)+len(u.removed) == 0 {
		return
	}
	slots := x.place(v, u.put, u.removed)
	v.order = &order{}
	x.post(v, slots)
}

// post adds what contacts are found by to a view in which they are placed already.
func (x *Index) post(v *View, slots []uint32) {
	if len(slots) == 0 {
		return
	}
	r := x.run(v.entriesAt(slots))
	r.slots, r.size = slots, len(slots)
	v.postings = v.postings.add(r, v.contacts)
	v.addGrams(slots)
}

// entriesAt returns the entries that there are at some slots.
func (v *View) entriesAt(slots []uint32) []*Entry {
	entries := make([]*Entry, 0, len(slots))
	for _, slot := range slots {
		if e := v.entries.at(int(slot)); e != nil {
			entries = append(entries, e)
		}
	}
	return entries
}

// place puts entries into a view that nobody else sees yet. It returns the slots of
// those who are found by other texts and numbers than before, sorted.
func (x *Index) place(v *View, put []*Entry, removed []directory.ContactID) []uint32 {
	slots := make([]uint32, 0, len(put)+len(removed))
	entries := v.entries.edit()
	set := func(slot int, e *Entry) {
		old := entries.pages.at(slot)
		v.contacts += count1(e != nil) - count1(old != nil)
		v.others += count1(joinable(e)) - count1(joinable(old))
		entries.set(slot, e)
		if !e.isFoundLike(old) {
			slots = append(slots, uint32(slot))
		}
	}
	for _, e := range put {
		e.place(x.slot(v, e.contact.ID))
		set(e.slot, e)
	}
	for _, id := range removed {
		set(x.slot(v, id), nil)
	}
	v.entries = entries.pages
	slices.Sort(slots)
	return slots
}

func count1(b bool) int {
	if b {
		return 1
	}
	return 0
}

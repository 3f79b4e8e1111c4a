package index

import (
	"ringbook/directory"
)

// An Update is a prepared difference between two views.
type Update struct {
	Revision directory.Revision
	Marks    []Mark // to be committed with the contacts

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
}

func (x *Index) prepare(rev directory.Revision) preparation {
	v := x.view.Load()
	p := preparation{v, &Update{Revision: rev, left: map[directory.BookName]count{}}}
	for i, b := range x.books {
		p.left[b.name] = count{members: v.histories[i].members}
	}
	return p
}

// mark marks a contact in one book.
func (p *preparation) mark(b *book, id directory.ContactID, was, is bool) {
	switch {
	case is:
		p.Marks = append(p.Marks, Mark{Book: b.name, ID: id, Revision: p.Revision})
	case was:
		p.Marks = append(p.Marks, Mark{Book: b.name, ID: id, Revision: p.Revision, Gone: true})
		c := p.left[b.name]
		c.leaving++
		p.left[b.name] = c
	}
}

// Prepare works out what a batch does to the books, and changes nothing. A
// contact that is put although nothing of it has changed is left as it is, and
// one of which nothing that is shown has changed gets a mark only in books that
// it comes into or leaves. If an id comes twice, its last place counts, and one
// that is both put and removed is removed.
func (x *Index) Prepare(rev directory.Revision, put []Stored, removed []directory.ContactID) *Update {
	p := x.prepare(rev)
	entries := make(map[directory.ContactID]*Entry, len(put)+len(removed)) // nil = removed, or done
	for _, s := range put {
		entries[s.Contact.ID] = newEntry(s, x.maxPhones)
	}
	for _, id := range removed {
		e, seen := entries[id]
		entries[id] = nil
		if p.view.Entry(id) == nil || seen && e == nil {
			continue
		}
		p.removed = append(p.removed, id)
		x.mark(&p, id, nil)
	}
	for _, s := range put {
		id := s.Contact.ID
		e := entries[id]
		if e == nil {
			continue
		}
		entries[id] = nil
		old := p.view.Entry(id)
		if old != nil && old.stored.Equal(e.stored) {
			continue
		}
		p.put = append(p.put, e)
		x.mark(&p, id, e)
	}
	return p.Update
}

// mark marks a contact whose value is new in every book in which somebody sees
// a difference; e nil = it is gone.
func (x *Index) mark(p *preparation, id directory.ContactID, e *Entry) {
	slot, known := p.view.find(id)
	old := p.view.Entry(id)
	same := e != nil && old != nil && old.contact.LooksLike(e.contact)
	for i, b := range x.books {
		was := known && p.view.histories[i].stamps.at(slot).member()
		is := x.admits(b, e, was)
		if !same || is != was {
			p.mark(b, id, was, is)
		}
	}
}

// Reconcile works out what the rules say that the marks do not: the difference
// that a changed rule, or a new book, makes. nil = none.
func (x *Index) Reconcile(rev directory.Revision) *Update {
	p := x.prepare(rev)
	for slot, id := range p.view.ids {
		e := p.view.entries.at(slot)
		for i, b := range x.books {
			was := p.view.histories[i].stamps.at(slot).member()
			if is := x.admits(b, e, was); is != was {
				p.mark(b, id, was, is)
			}
		}
	}
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
			p.mark(b, id, is, is)
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
	x.view.Store(&v)
}

func (x *Index) publishEntries(v *View, u *Update) {
	if len(u.put)+len(u.removed) == 0 {
		return
	}
	v.generation++
	entries, generations := v.entries.edit(), v.generations.edit()
	for _, e := range u.put {
		e.slot = x.slot(v, e.contact.ID)
		if entries.pages.at(e.slot) == nil {
			v.contacts++
		}
		entries.set(e.slot, e)
		generations.set(e.slot, v.generation)
	}
	for _, id := range u.removed {
		slot := x.slot(v, id)
		entries.set(slot, nil)
		generations.set(slot, 0)
		v.contacts--
	}
	v.entries, v.generations, v.order = entries.pages, generations.pages, &order{}
	v.postings = v.postings.add(x.run(v.generation, u.put), v.generations)
}

package store

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"ringbook/directory"
	"ringbook/directory/index"
)

// A step is what a batch comes to for one contact.
type step struct {
	id       directory.ContactID
	old, new *directory.Contact // nil = not there
	news     bool               // the batch speaks of it, and does not only sweep it
	photo    *photoState        // what was learnt about the photo; nil = nothing
	groups   []membership       // what was learnt about its groups
	body     []byte             // new, encoded
}

func (st *step) changes() bool {
	if st.old == nil || st.new == nil {
		return st.old != st.new
	}
	return !st.old.Equal(st.new)
}

// A plan is what a batch comes to: one step for each contact it speaks of.
type plan struct {
	view  *index.View
	steps []*step // in the order of first mention
	byID  map[directory.ContactID]*step
	news  int
	jpegs map[directory.PhotoID]*directory.Photo
	// groupsOf returns the groups of a contact, mirrored or not.
	groupsOf func(directory.ContactID) []string

	feed   directory.Feed
	source directory.Source
	next   *directory.Cursor
	accept bool // whatever it takes away
	// mailbox is the one that a sweep is asked about; "" = none, or all.
	mailbox directory.ContactID
	swept   bool
}

func (s *Store) newPlan() *plan {
	return &plan{
		view: s.index.View(), accept: true, groupsOf: s.groups.of,
		byID:  make(map[directory.ContactID]*step),
		jpegs: make(map[directory.PhotoID]*directory.Photo),
	}
}

// step returns the step of a contact, which begins as what is stored.
func (p *plan) step(id directory.ContactID) *step {
	st := p.byID[id]
	if st == nil {
		st = &step{id: id}
		if e := p.view.Entry(id); e != nil {
			st.old, st.new = e.Stored(), e.Stored()
		}
		p.byID[id] = st
		p.steps = append(p.steps, st)
	}
	return st
}

// hear is step for a piece of news.
func (p *plan) hear(id directory.ContactID) *step {
	p.news++
	st := p.step(id)
	st.news = true
	return st
}

// lay lays one piece of news over what the news before it left.
func (p *plan) lay(src directory.Source, ch directory.Change) error {
	if id, err := directory.ParseContactID(string(ch.ID)); err != nil {
		return err
	} else if id != ch.ID {
		return fmt.Errorf("contact id %q is not in lower case: %w", ch.ID, directory.ErrInvalid)
	}
	st := p.hear(ch.ID)
	before := st.new
	if ch.Removed {
		if before != nil && before.Source == src {
			st.new = nil
		}
		return nil
	}
	if ch.Update == nil {
		return fmt.Errorf("change of contact %s without an update: %w", ch.ID, directory.ErrInvalid)
	}
	c := &directory.Contact{}
	if before != nil && before.Source == src && !ch.Fresh {
		c = before.Clone()
	}
	c.ID, c.Source = ch.ID, src
	ch.Update(c)
	c.ID, c.Source, c.Photo = ch.ID, src, ""
	if st.old != nil {
		c.Photo = st.old.Photo
	}
	c.Extras = withGroups(c.Extras, p.groupsOf(ch.ID))
	st.new = c
	return nil
}

// sweep removes what keep does not want of a source's contacts, and says how
// many it kept and how many it removed.
func (p *plan) sweep(stored iter.Seq[directory.ContactID], keep func(directory.ContactID) bool) (kept, swept int) {
	for _, st := range p.steps {
		switch {
		case st.new == nil || st.new.Source != p.source || p.mailbox != "" && st.new.Mailbox != p.mailbox:
		case keep(st.id):
			kept++
		default:
			st.new = nil
			swept++
		}
	}
	for id := range stored {
		switch {
		case p.byID[id] != nil:
		case keep(id):
			kept++
		default:
			p.step(id).new = nil
			swept++
		}
	}
	return kept, swept
}

// candidates yields the ids of the contacts that a sweep is asked about.
func (s *Store) candidates(p *plan) iter.Seq[directory.ContactID] {
	return func(yield func(directory.ContactID) bool) {
		if p.mailbox != "" {
			for e := range p.view.MailboxMembers(p.mailbox) {
				if !yield(e.Stored().ID) {
					return
				}
			}
			return
		}
		for a := range s.asks.queue(p.source).all() {
			if !yield(a.id) {
				return
			}
		}
	}
}

// settle drops the steps that come to nothing, makes the bodies of the others
// and counts what the whole comes to.
func (p *plan) settle() directory.Applied {
	a := directory.Applied{Revision: p.view.Revision(), Unchanged: p.news}
	v := make(vocabulary)
	for _, st := range p.steps {
		if !st.changes() {
			st.new = st.old
			continue
		}
		if st.news {
			a.Unchanged--
		}
		switch {
		case st.new == nil:
			a.Removed++
			continue
		case st.old == nil:
			a.Added++
		default:
			a.Changed++
		}
		v.share(st.new)
		st.body = encodeContact(st.new)
	}
	p.steps = slices.DeleteFunc(p.steps, func(st *step) bool { return !st.changes() && st.photo == nil && st.groups == nil })
	return a
}

// Apply applies a batch. When it returns, the batch is on disk and in the view.
// A batch of users with Next set marks the store as loaded once all groups are
// known that rules ask for. [directory.ErrShrink] = the guard stopped it and
// nothing was applied.
//
// The guard counts, for each book, what the batches of one feed take away from
// one cursor to the next, against the most members that the book had meanwhile.
// What a person accepted is not counted against what follows. An import, which has
// no place to go on from, ends its round with the zero cursor.
//
// Applied counts contacts: one that a batch adds and removes again is no
// change, and its news are unchanged. A contact of another source is replaced.
func (s *Store) Apply(ctx context.Context, b directory.Batch) (directory.Applied, error) {
	done, err := s.write(ctx)
	if err != nil {
		return directory.Applied{}, err
	}
	defer done()
	p := s.newPlan()
	p.feed, p.source, p.next, p.accept = b.Feed, b.Source, b.Next, b.AcceptShrink
	p.mailbox = b.Mailbox
	for _, ch := range b.Changes {
		if err := p.lay(b.Source, ch); err != nil {
			return directory.Applied{}, fmt.Errorf("apply batch of %s: %w", b.Feed, err)
		}
	}
	if b.Sweep != nil {
		p.swept = true
		kept, swept := p.sweep(s.candidates(p), b.Sweep)
		if err := s.guardSweep(p, kept, swept); err != nil {
			return directory.Applied{Revision: p.view.Revision()}, fmt.Errorf("apply batch of %s: %w", b.Feed, err)
		}
	}
	a, err := s.carryOut(ctx, p)
	if err != nil {
		return a, fmt.Errorf("apply batch of %s: %w", b.Feed, err)
	}
	return a, nil
}

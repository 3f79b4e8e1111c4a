package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/dgraph-io/badger/v4"

	"ringbook/directory"
	"ringbook/directory/index"
)

// guardFloor is the smallest book that the shrink guard looks at: of five
// people, one leaver is 20 %, and no accident.
const guardFloor = 10

// A toll is what a book lost, and how many members it had at the most.
type toll struct {
	Leaving int `json:"leaving"`
	Members int `json:"members"`
}

// A round is what the books have lost since a feed's last cursor. It is on disk
// too, so that a process that is killed again and again does not let a feed take
// its share away each time.
type round map[directory.BookName]toll

// with returns the feed's round with an update added to it.
func (s *Store) with(f directory.Feed, u *index.Update) round {
	r := make(round)
	for _, b := range s.o.Books {
		t := s.rounds[f][b.Name]
		if u != nil {
			leaving, members := u.Left(b.Name)
			t = toll{Leaving: t.Leaving + leaving, Members: max(t.Members, members)}
		}
		if t.Leaving > 0 {
			r[b.Name] = t
		}
	}
	return r
}

// after is what the feed's round comes to with a piece of a plan; nil = nothing
// is held against it: it ended, or a person has agreed to what is lost.
func (s *Store) after(p *plan, u *index.Update, ends bool) round {
	if p.feed == "" || p.accept || ends {
		return nil
	}
	return s.with(p.feed, u)
}

// guard is a [directory.ShrinkError] when a plan lets its feed's round take
// more than the share allowed.
func (s *Store) guard(p *plan, u *index.Update) error {
	if p.accept || s.o.ShrinkGuard <= 0 || u == nil {
		return nil
	}
	r := s.with(p.feed, u)
	for _, b := range s.o.Books {
		leaving, _ := u.Left(b.Name)
		t := r[b.Name]
		if leaving == 0 || t.Members < guardFloor {
			continue
		}
		if float64(t.Leaving) > s.o.ShrinkGuard*float64(t.Members) {
			return &directory.ShrinkError{Book: b.Name, Leaving: t.Leaving, Members: t.Members, Guard: s.o.ShrinkGuard}
		}
	}
	return s.guardPrivate(p, u)
}

// guardPrivate stops a sweep that takes too much out of a private book. What a
// mailbox says is gone is gone: its owner may tidy up without asking anybody.
func (s *Store) guardPrivate(p *plan, u *index.Update) error {
	if p.mailbox == "" || !p.swept {
		return nil
	}
	name := directory.MailboxBook(p.mailbox)
	leaving, members := u.Left(name)
	if members >= guardFloor && float64(leaving) > s.o.ShrinkGuard*float64(members) {
		return &directory.ShrinkError{Book: name, Leaving: leaving, Members: members, Guard: s.o.ShrinkGuard}
	}
	return nil
}

// guardSweep stops a sweep that leaves nobody, of however few: an answer
// without a single contact is a fault of the source.
func (s *Store) guardSweep(p *plan, kept, swept int) error {
	if p.accept || s.o.ShrinkGuard <= 0 || kept > 0 || swept == 0 || p.mailbox != "" && swept < guardFloor {
		return nil // the few contacts of one mailbox may well be none tomorrow
	}
	return &directory.ShrinkError{Leaving: swept, Members: swept, Guard: s.o.ShrinkGuard}
}

// guardRules stops a start with a rule that lets nobody into a book that has
// members: it is a slip of the pen, and every phone would follow it.
func (s *Store) guardRules(u *index.Update) error {
	if s.o.ShrinkGuard <= 0 {
		return nil
	}
	joined := make(map[directory.BookName]bool)
	for _, m := range u.Marks {
		joined[m.Book] = joined[m.Book] || !m.Gone
	}
	for _, b := range s.o.Books {
		if leaving, members := u.Left(b.Name); members > 0 && leaving == members && !joined[b.Name] {
			return fmt.Errorf("the rule of book %s lets nobody in, and its %d contacts would leave every device; check its filter, "+
				"or empty it on purpose with mirror.shrink_guard = \"0%%\" for one start: %w", b.Name, members, directory.ErrShrink)
		}
	}
	return nil
}

// guardBooks stops a start without a book that was there at the last one and that
// devices are to see: it has another name by now, or was the one that there is as
// long as none is configured, and every phone would follow that, too.
func (s *Store) guardBooks(ctx context.Context, m meta) error {
	if s.o.ShrinkGuard <= 0 || m.revision == 0 { // nobody has anything yet
		return nil
	}
	lost := make(map[directory.BookName]int)
	for name, away := range m.books {
		if away == 0 && !slices.ContainsFunc(s.o.Books, func(b directory.Book) bool { return b.Name == name }) {
			lost[name] = 0
		}
	}
	if len(lost) == 0 {
		return nil
	}
	all, err := s.devices(ctx)
	if err != nil {
		return err
	}
	for _, d := range all {
		for _, name := range d.Books {
			if _, gone := lost[name]; gone && d.State == directory.DeviceActive {
				lost[name]++
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(lost)) {
		if n := lost[name]; n > 0 {
			return fmt.Errorf("book %s is not configured any more, and every device that has it (%d) would be emptied; give it back its name, give those devices "+
				"other books first (ringbook device edit), or take it away on purpose with mirror.shrink_guard = \"0%%\" for one start: %w", name, n, directory.ErrShrink)
		}
	}
	return nil
}

// putRound stores a round, with the piece that it speaks of.
func (s *Store) putRound(t *tx, f directory.Feed, r round) {
	switch {
	case len(r) > 0:
		b, _ := json.Marshal(r) // names and numbers
		t.set(rounds+string(f), b)
	case len(s.rounds[f]) > 0:
		t.remove(rounds + string(f))
	}
}

func (s *Store) loadRounds(ctx context.Context) error {
	return s.db.View(func(txn *badger.Txn) error {
		return each(ctx, txn, rounds, func(k, v []byte) error {
			var r round
			if err := json.Unmarshal(v, &r); err != nil {
				return err
			}
			s.rounds[directory.Feed(k)] = r
			return nil
		})
	})
}

package store

import (
	"fmt"

	"ringbook/directory"
	"ringbook/directory/index"
)

// guardFloor is the smallest book that the shrink guard looks at: of five
// people, one leaver is 20 %, and no accident.
const guardFloor = 10

// A toll is what a book loses.
type toll struct{ leaving, members int }

// A round is what each book has lost since the feed's last cursor, and how many
// members it had at the most.
type round map[directory.BookName]toll

// tolls says what an update takes from each book.
func (s *Store) tolls(u *index.Update) round {
	r := make(round)
	if u == nil {
		return r
	}
	for _, b := range s.o.Books {
		leaving, members := u.Left(b.Name)
		r[b.Name] = toll{leaving: leaving, members: members}
	}
	return r
}

// guard is [directory.ErrShrink] when a round takes more than the share allowed.
func (s *Store) guard(f directory.Feed, tolls round) error {
	if s.o.ShrinkGuard <= 0 {
		return nil
	}
	for _, b := range s.o.Books {
		t := s.rounds[f].add(b.Name, tolls[b.Name])
		if tolls[b.Name].leaving == 0 || t.members < guardFloor {
			continue
		}
		if float64(t.leaving) > s.o.ShrinkGuard*float64(t.members) {
			return fmt.Errorf("book %s would lose %d of its %d contacts, more than the %.0f %% of mirror.shrink_guard; "+
				"if that is right, run \"ringbook sync --accept-shrink\": %w",
				b.Name, t.leaving, t.members, 100*s.o.ShrinkGuard, directory.ErrShrink)
		}
	}
	return nil
}

// add returns the toll of a book with t added to it.
func (r round) add(b directory.BookName, t toll) toll {
	if sum, ok := r[b]; ok {
		return toll{leaving: sum.leaving + t.leaving, members: max(sum.members, t.members)}
	}
	return t
}

// pay adds the tolls of an applied batch to its feed's round, which ends with a cursor.
func (s *Store) pay(f directory.Feed, tolls round, ends bool) {
	if f == "" || len(tolls) == 0 && !ends {
		return
	}
	if ends {
		delete(s.rounds, f)
		return
	}
	if s.rounds[f] == nil {
		s.rounds[f] = make(round)
	}
	for b, t := range tolls {
		s.rounds[f][b] = s.rounds[f].add(b, t)
	}
}

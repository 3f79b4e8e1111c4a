package store

// missing counts the groups that rules ask for and nobody has told of yet. Until
// there are none a mirror that is new is not loaded: a book would be served empty
// that is not. One that was loaded stays so, whatever its rules ask for later.
func (s *Store) missing() int {
	n := 0
	for g := range s.asked {
		if !s.groups.known[g] {
			n++
		}
	}
	return n
}

// putLoaded stores that all users have been read, and what follows from it.
func (s *Store) putLoaded(t *tx, missing int) {
	t.set(keyRead, nil)
	if missing == 0 {
		t.set(keyLoaded, nil)
	}
}

// setLoaded says in memory what putLoaded has stored.
func (s *Store) setLoaded(missing int) {
	s.read = true
	if missing == 0 {
		s.index.SetLoaded()
	}
}

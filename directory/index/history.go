package index

import (
	"cmp"
	"slices"
	"sort"

	"ringbook/directory"
)

// A stamp is a revision, and whether the contact left the book at it. The zero
// stamp is that of a contact that was never a member.
type stamp uint64

func stampOf(r directory.Revision, gone bool) stamp {
	s := stamp(r) << 1
	if gone {
		s |= 1
	}
	return s
}

func (s stamp) revision() directory.Revision { return directory.Revision(s >> 1) }
func (s stamp) member() bool                 { return s != 0 && s&1 == 0 }

// A step is one entry of a book's log.
type step struct {
	stamp stamp
	slot  int
}

// A history is one book's past and present. It is never changed.
type history struct {
	stamps  pages[stamp] // by slot: the newest step of each contact
	members int
	// log holds the steps by revision, then by contact id. A step that is not
	// its contact's newest any more is superseded and stays until it is
	// compacted away. Histories share the array; only the newest one appends.
	log        []step
	superseded int
}

// minCompact is how many superseded steps are worth looking at.
const minCompact = 1024

// revision returns the revision of the newest step; 0 = there was none.
func (h *history) revision() directory.Revision {
	if len(h.log) == 0 {
		return 0
	}
	return h.log[len(h.log)-1].stamp.revision()
}

// add returns the history with further steps, one for each contact at most,
// and changes their order.
func (h *history) add(steps []step, ids []directory.ContactID) *history {
	if len(steps) == 0 {
		return h
	}
	sortSteps(steps, ids)
	next := *h
	stamps := h.stamps.edit()
	for _, s := range steps {
		was := stamps.pages.at(s.slot)
		if was != 0 {
			next.superseded++
		}
		if was.member() {
			next.members--
		}
		if s.stamp.member() {
			next.members++
		}
		stamps.set(s.slot, s.stamp)
	}
	next.stamps = stamps.pages
	ordered := steps[0].stamp.revision() > h.revision()
	next.log = append(h.log, steps...)
	if !ordered || next.superseded > minCompact && next.superseded > len(next.log)/2 {
		next.compact(ids)
	}
	return &next
}

// compact makes a log of its own without what is superseded. It costs as much
// as the log is long, but is due only after as many steps again.
func (h *history) compact(ids []directory.ContactID) {
	live := make([]step, 0, len(h.log)-h.superseded)
	for _, s := range h.log {
		if h.stamps.at(s.slot) == s.stamp {
			live = append(live, s)
		}
	}
	sortSteps(live, ids)
	h.log, h.superseded = slices.Compact(live), 0
}

// sortSteps sorts by revision, then by contact id.
func sortSteps(steps []step, ids []directory.ContactID) {
	slices.SortFunc(steps, func(a, b step) int {
		if c := cmp.Compare(a.stamp.revision(), b.stamp.revision()); c != 0 {
			return c
		}
		return cmp.Compare(ids[a.slot], ids[b.slot])
	})
}

// after returns the part of the log that a client at p has not seen.
func (h *history) after(p Position, ids []directory.ContactID) []step {
	return h.log[sort.Search(len(h.log), func(i int) bool {
		s := h.log[i]
		if r := s.stamp.revision(); r != p.Revision {
			return r > p.Revision
		}
		return p.After != "" && ids[s.slot] > p.After
	}):]
}

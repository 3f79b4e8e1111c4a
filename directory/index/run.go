package index

import "slices"

// A run is sorted postings. Those that a contact has in it are stale if a newer run
// has the contact's slot.
type run struct {
	slots    []uint32 // of whom nothing that is older counts, sorted; the oldest run needs none
	size     int      // contacts
	postings []posting
}

// run makes the run of entries.
func (x *Index) run(entries []*Entry) run {
	var chunks [][]posting // so that none grows by copying all
	for chunk := range slices.Chunk(entries, 1024) {
		room := make([]posting, 0, 32*len(chunk)) // most contacts have fewer
		for _, e := range chunk {
			room = x.appendPostings(room, e)
		}
		chunks = append(chunks, room)
	}
	all := slices.Concat(chunks...) // which fits
	sortPostings(all)
	return run{size: len(entries), postings: all}
}

// manyPostings are worth sorting in another way than few.
const manyPostings = 4096

// sortPostings sorts byte by byte, from the last to the first: three times as
// fast as comparing where there are millions. Those of equal texts stay in their
// order.
func sortPostings(all []posting) {
	if len(all) < manyPostings {
		slices.SortFunc(all, posting.compare)
		return
	}
	from, to := all, make([]posting, len(all))
	for n := range textSize { // an even number: they end up where they were
		var places [256]int
		for i := range from {
			places[from[i].byteAt(n)]++
		}
		place := 0
		for b, count := range places {
			places[b] = place
			place += count
		}
		for _, p := range from {
			b := p.byteAt(n)
			to[places[b]] = p
			places[b]++
		}
		from, to = to, from
	}
}

// begins returns the postings whose text begins with that of p.
func (r run) begins(p posting) []posting {
	rest, last := r.postings[placeOf(r.postings, p):], p.last()
	near := 1 // the last of them is, mostly
	for near < len(rest) && rest[near].compare(last) <= 0 {
		near *= 2
	}
	rest = rest[:min(near+1, len(rest))]
	return rest[:placeOf(rest, last)]
}

// placeOf returns how many of some sorted postings are before p. Every search asks each
// run for some texts: without a function that compares it takes half the time.
func placeOf(all []posting, p posting) int {
	from, to := 0, len(all)
	for from < to {
		if i := int(uint(from+to) / 2); all[i].hi < p.hi || all[i].hi == p.hi && (all[i].lo < p.lo || all[i].lo == p.lo && all[i].slot < p.slot) {
			from = i + 1
		} else {
			to = i
		}
	}
	return from
}

// A postings is all of a view's, in runs from the oldest and longest to the
// newest and shortest. It is never changed: the next one shares the long runs.
type postings []run

// A run is merged with the one before it unless that has so many times its contacts,
// if it is any, or the oldest, which has nearly all: more makes fewer runs to look into,
// and more work to keep them so.
const (
	growth       = 2
	growthOldest = 8
)

// isDue reports whether a run is merged with the n-th, which is before it.
func isDue(n, before, size int) bool {
	if n == 0 {
		return before < growthOldest*size
	}
	return before < growth*size
}

// add returns the postings with another run, merged with those before it that
// are not much longer, for a view of so many contacts. So a posting is copied some
// twenty times in its life, at 100,000 contacts, and at most one in eight is stale.
func (p postings) add(newest run, contacts int) postings {
	n := len(p)
	for ; n > 0 && isDue(n-1, p[n-1].size, newest.size); n-- {
		newest = merge(p[n-1], newest)
	}
	if n == 0 {
		newest.slots, newest.size = nil, contacts
	}
	return append(slices.Clip(p[:n]), newest)
}

// merge makes one run of two, without what is stale.
func merge(older, newer run) run {
	stale := newSlotSet(newer.slots)
	defer stale.drop()
	a, b := older.postings, newer.postings
	n := len(a) + len(b)
	if older.slots == nil { // the oldest, whose room is much and stays
		n -= stale.count(a)
	}
	merged := make([]posting, 0, n)
	for _, p := range a {
		if stale.has(p.slot) {
			continue
		}
		for len(b) > 0 && b[0].compare(p) < 0 {
			merged = append(merged, b[0])
			b = b[1:]
		}
		merged = append(merged, p)
	}
	slots := union(older.slots, newer.slots)
	return run{slots, len(slots), append(merged, b...)}
}

// count returns how many postings are of contacts in the set.
func (s *slotSet) count(all []posting) (n int) {
	for i := range all {
		if s.has(all[i].slot) {
			n++
		}
	}
	return n
}

// mergeAll makes one run of any number that have no slots in common.
func mergeAll(runs []run) run {
	if len(runs) == 1 {
		return runs[0]
	}
	half := len(runs) / 2
	return merge(mergeAll(runs[:half]), mergeAll(runs[half:]))
}

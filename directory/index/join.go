package index

import (
	"slices"
	"strings"

	"ringbook/directory"
)

// maxHolders is how many contacts may share an address that says that they are
// one person. One that more of them share is a department's.
const maxHolders = 8

// A joiner finds out which contacts of several sources are one person: one names
// the other's id, or both have an address that no other contact of either's
// source has. Who joins somebody is shown as part of that contact and in no book
// on its own. A joiner knows the view and the news, which are laid over it.
type joiner struct {
	view *View
	// news are the contacts that change; nil = gone.
	news    map[directory.ContactID]*Entry
	byEmail map[string][]*Entry              // of the news
	bySame  map[directory.ContactID][]*Entry // likewise
}

func newJoiner(v *View, news map[directory.ContactID]*Entry) *joiner {
	j := &joiner{v, news, make(map[string][]*Entry), make(map[directory.ContactID][]*Entry)}
	for _, e := range news {
		if e == nil || e.Private() {
			continue
		}
		for _, m := range e.stored.Emails {
			m = strings.ToLower(m)
			if have := j.byEmail[m]; len(have) == 0 || have[len(have)-1] != e {
				j.byEmail[m] = append(have, e)
			}
		}
		if same := e.stored.Same; same != "" {
			j.bySame[same] = append(j.bySame[same], e)
		}
	}
	return j
}

// entry returns a contact as it will be; nil = it will not.
func (j *joiner) entry(id directory.ContactID) *Entry {
	if e, changes := j.news[id]; changes {
		return e
	}
	return j.view.Entry(id)
}

// holders returns the contacts that have, and will have, an address; one more
// than [maxHolders] stands for any number.
func (j *joiner) holders(email string) (had, have []*Entry) {
	email = strings.ToLower(email)
	have = j.byEmail[email]
	if len(have) > maxHolders {
		have = have[:maxHolders+1]
	}
	have = slices.Clone(have)
	for e := range j.view.posted(kindAddress, email) {
		if slices.Contains(had, e) || slices.Contains(have, e) || !slices.ContainsFunc(e.stored.Emails, func(m string) bool { return strings.ToLower(m) == email }) {
			continue
		}
		if len(had) <= maxHolders {
			had = append(had, e)
		}
		if _, changes := j.news[e.stored.ID]; !changes && len(have) <= maxHolders {
			have = append(have, e)
		}
		if len(had) > maxHolders && len(have) > maxHolders {
			break
		}
	}
	return had, have
}

// namers returns the contacts that name, or will name, an id as their own.
func (j *joiner) namers(id directory.ContactID) []*Entry {
	all := slices.Clone(j.bySame[id])
	for e := range j.view.posted(kindSame, string(id)) {
		if e.stored.Same == id {
			all = append(all, e)
		}
	}
	return all
}

// posted yields the contacts of a view that were once posted with a whole text,
// each at least once.
func (v *View) posted(k kind, text string) func(yield func(*Entry) bool) {
	return func(yield func(*Entry) bool) {
		p := v.index.hashed(k, text, 0)
		for _, r := range v.postings {
			for _, found := range r.begins(p) {
				if e := v.entries.at(int(found.slot)); e != nil && !yield(e) {
					return
				}
			}
		}
	}
}

// around returns the ids of all contacts that the news may join or part: those
// that can be reached from them by addresses and ids, before and after.
func (j *joiner) around() map[directory.ContactID]struct{} {
	reached := make(map[directory.ContactID]struct{}, len(j.news))
	var queue []directory.ContactID
	reach := func(id directory.ContactID) {
		if _, done := reached[id]; !done {
			reached[id] = struct{}{}
			queue = append(queue, id)
		}
	}
	for id := range j.news {
		reach(id)
	}
	for len(queue) > 0 {
		id := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		for _, e := range j.namers(id) {
			reach(e.stored.ID)
		}
		for _, e := range []*Entry{j.view.Entry(id), j.news[id]} {
			if e == nil || e.Private() {
				continue
			}
			if e.stored.Same != "" {
				reach(e.stored.Same)
			}
			for _, m := range e.stored.Emails {
				had, have := j.holders(m)
				if bestOf(had) == nil && bestOf(have) == nil {
					continue // nobody is joined by it, before or after
				}
				for _, other := range slices.Concat(had, have) {
					reach(other.stored.ID)
				}
			}
		}
	}
	return reached
}

// leader returns the contact that e is shown as part of; nil = none.
func (j *joiner) leader(e *Entry) *Entry {
	var first *Entry
	for next := e; next != nil; next = j.joins(next) {
		first = next // the ranks only go up
	}
	if first == e {
		return nil
	}
	return first
}

// joins returns the contact that e joins; nil = none.
func (j *joiner) joins(e *Entry) *Entry {
	if e.Private() {
		return nil
	}
	if e.stored.Same != "" {
		if other := j.entry(e.stored.Same); other != nil && e.stored.Joins(other.stored) {
			return other
		}
	}
	for _, m := range e.stored.Emails {
		_, have := j.holders(m)
		if best := bestOf(have); best != nil && e.stored.Joins(best.stored) {
			return best
		}
	}
	return nil
}

// bestOf returns who leads the holders of an address; nil = it joins nobody,
// because two of one source have it.
func bestOf(holders []*Entry) *Entry {
	if len(holders) > maxHolders {
		return nil
	}
	type origin struct {
		source directory.Source
		set    string
	}
	seen := make(map[origin]bool, len(holders))
	var best *Entry
	for _, h := range holders {
		from := origin{h.stored.Source, h.stored.Set}
		switch {
		case seen[from]:
			return nil
		case best == nil || directory.Rank(h.stored, best.stored) < 0:
			best = h
		}
		seen[from] = true
	}
	return best
}

// A person is one contact's place among those of one person.
type person struct {
	leader directory.ContactID // "" = it leads, or is alone
	parts  []*Entry            // of a leader: the others, in their order
}

// persons works out the place of every contact that the news may have moved.
func (j *joiner) persons() map[directory.ContactID]person {
	persons := make(map[directory.ContactID]person, len(j.news))
	for id := range j.around() {
		e := j.entry(id)
		if e == nil {
			continue
		}
		leader := j.leader(e)
		if leader == nil {
			persons[id] = person{parts: persons[id].parts}
			continue
		}
		first := leader.stored.ID
		persons[id] = person{leader: first}
		persons[first] = person{parts: append(persons[first].parts, e)}
	}
	for _, p := range persons {
		slices.SortFunc(p.parts, func(a, b *Entry) int { return directory.Rank(a.stored, b.stored) })
	}
	return persons
}

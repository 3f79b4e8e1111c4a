package store

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/dgraph-io/badger/v4"

	"ringbook/directory"
	"ringbook/directory/index"
)

// A membership is one contact's coming into a group, or leaving it.
type membership struct {
	group directory.Group
	in    bool
}

func groupKey(g directory.Group, id directory.ContactID) string {
	return groups + hex.EncodeToString([]byte(g)) + "/" + string(id)
}

func (m membership) put(t *tx, id directory.ContactID) {
	if m.in {
		t.set(groupKey(m.group, id), nil)
	} else {
		t.remove(groupKey(m.group, id))
	}
}

// A roster says who belongs to which group, also of those who are not mirrored:
// a user may come after the group that he belongs to.
type roster struct {
	members map[directory.Group]map[directory.ContactID]struct{}
	known   map[directory.Group]bool // those of whom all members are in it
}

func newRoster() roster {
	return roster{make(map[directory.Group]map[directory.ContactID]struct{}), make(map[directory.Group]bool)}
}

// of returns the groups of a contact.
func (r roster) of(id directory.ContactID) []string {
	var names []string
	for g, members := range r.members {
		if _, in := members[id]; in {
			names = append(names, string(g))
		}
	}
	return names
}

func (r roster) note(m membership, id directory.ContactID) {
	if r.members[m.group] == nil {
		r.members[m.group] = make(map[directory.ContactID]struct{})
	}
	if m.in {
		r.members[m.group][id] = struct{}{}
	} else {
		delete(r.members[m.group], id)
	}
}

// memberOf is the name by which rules ask for groups; see package index.
const memberOf = "memberOf"

// withGroups is x with exactly these groups.
func withGroups(x directory.Extras, names []string) directory.Extras {
	if len(names) == 0 && !strings.Contains(string(x), memberOf+"=") {
		return x // nearly always, and nothing to copy
	}
	return x.Lay([]directory.Extra{{Name: memberOf, Values: names}})
}

// groupsOf returns the groups that books' rules ask for, and further ones.
func groupsOf(books []directory.Book, more []directory.Group) (map[directory.Group]bool, error) {
	asked := make(map[directory.Group]bool)
	for _, g := range more {
		asked[g] = true
	}
	for _, b := range books {
		rule, err := index.ParseRule(b.Filter)
		if err != nil {
			return nil, fmt.Errorf("rule of book %s: %w", b.Name, err)
		}
		for _, g := range index.Groups(rule) {
			asked[g] = true
		}
	}
	return asked, nil
}

// loadGroups reads the groups that are known, and forgets those that no rule
// asks for any more: who belongs to them is nobody's business.
func (s *Store) loadGroups(ctx context.Context) error {
	var dropped []string
	err := s.db.View(func(txn *badger.Txn) error {
		return each(ctx, txn, groups, func(k, _ []byte) error {
			name, id, _ := strings.Cut(string(k), "/")
			b, err := hex.DecodeString(name)
			g := directory.Group(b)
			switch {
			case err != nil:
				return err
			case !s.asked[g]:
				dropped = append(dropped, groups+string(k))
			case id == "":
				s.groups.known[g] = true
			default:
				s.groups.note(membership{g, true}, directory.ContactID(id))
			}
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("read groups: %w", err)
	}
	for part := range slices.Chunk(dropped, slice) {
		err := s.commit(func(t *tx) {
			for _, key := range part {
				t.remove(key)
			}
		})
		if err != nil {
			return fmt.Errorf("forget groups: %w", err)
		}
	}
	return nil
}

// ApplyGroup takes who belongs to a group now, whole. Contacts that come into it
// or leave it change, and with them the books that ask for it. When it returns,
// the membership is on disk and in the view. [directory.ErrShrink] = a book would
// lose too many: then the books stay as they are. A group that no rule asks for is
// [directory.ErrInvalid].
func (s *Store) ApplyGroup(ctx context.Context, m directory.Membership) (directory.Applied, error) {
	done, err := s.write(ctx)
	if err != nil {
		return directory.Applied{}, err
	}
	defer done()
	if !s.asked[m.Group] {
		return directory.Applied{}, fmt.Errorf("apply group %s: no rule asks for it: %w", m.Group, directory.ErrInvalid)
	}
	p := s.newPlan()
	p.accept = m.AcceptShrink
	s.planGroup(p, m)
	a, err := s.carryOut(ctx, p)
	if err == nil && !s.groups.known[m.Group] {
		err = s.becomeKnown(ctx, p, m.Group)
		a.Revision = s.index.View().Revision()
	}
	if err != nil {
		return a, fmt.Errorf("apply group %s: %w", m.Group, err)
	}
	return a, nil
}

// planGroup makes a step of everybody who comes or leaves. Of a group that is not
// known yet everybody is looked at: a contact may remember it from the time before
// the rule that asked for it was taken away.
func (s *Store) planGroup(p *plan, m directory.Membership) {
	want := make(map[directory.ContactID]struct{}, len(m.Members))
	have := s.groups.members[m.Group]
	for _, id := range m.Members {
		want[id] = struct{}{}
		if _, in := have[id]; !in {
			p.join(id, membership{m.Group, true})
		}
	}
	for id := range have {
		if _, in := want[id]; !in {
			p.join(id, membership{m.Group, false})
		}
	}
	if s.groups.known[m.Group] {
		return
	}
	for e := range p.view.All() {
		c := e.Stored()
		if _, in := want[c.ID]; !in && slices.Contains(c.Extras.Append(nil, memberOf), string(m.Group)) {
			p.join(c.ID, membership{m.Group, false})
		}
	}
}

// join lets a contact, mirrored or not, come into a group or leave it.
func (p *plan) join(id directory.ContactID, m membership) {
	st := p.step(id)
	if slices.Contains(st.groups, m) {
		return
	}
	st.groups = append(st.groups, m)
	if st.new == nil {
		return
	}
	p.news++
	st.news = true
	names := slices.DeleteFunc(st.new.Extras.Append(nil, memberOf), func(n string) bool { return n == string(m.group) })
	if m.in {
		names = append(names, string(m.group))
	}
	st.new = st.new.Clone()
	st.new.Extras = withGroups(st.new.Extras, names)
}

// becomeKnown lets the rules that ask for a group see it for the first time. If
// it is the last that was missing, and all users have been read, the mirror is loaded.
func (s *Store) becomeKnown(ctx context.Context, p *plan, g directory.Group) error {
	s.index.SetKnown(g, true)
	u := s.index.Reconcile(s.index.View().Revision() + 1)
	err := s.guard(p, u)
	if err == nil && u != nil {
		err = s.commitMarks(ctx, u)
	}
	missing := s.missing() - 1
	if err == nil {
		err = s.commit(func(t *tx) {
			t.set(groupKey(g, ""), nil)
			if s.read {
				s.putLoaded(t, missing)
			}
		})
	}
	if err != nil {
		s.index.SetKnown(g, false)
		return err
	}
	s.groups.known[g] = true
	if s.read {
		s.setLoaded(missing)
	}
	return nil
}

package e2e_test

import (
	"encoding/json"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// addGroup makes a group of people and groups and returns its id.
func (s *tenant) addGroup(name string, members ...string) string {
	s.t.Helper()
	var g struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(s.control("POST", "groups", map[string]any{"displayName": name, "members": members}), &g); err != nil {
		s.t.Fatal(err)
	}
	return g.ID
}

// TestBookOfAGroup: a book whose rule asks for a group has its members, nested
// ones too; one who leaves the group leaves the phone, and nobody leaves it
// because the group cannot be read.
func TestBookOfAGroup(t *testing.T) {
	t.Parallel()
	s := startTenant(t, 20, "--roles", "User.Read.All,GroupMember.Read.All")
	anna := s.add(person("Anna", "Ader", nil))
	bodo := s.add(person("Bodo", "Bach", nil))
	inner := s.addGroup("Inner", bodo)
	s.addGroup("Sales Team", anna, inner)
	r := startRingbook(t, s, "[[book]]\nname = \"people\"\nfilter = \"(memberOf=sales team)\"")
	d := r.addDevice()
	c := r.dav(t, d)
	holds := func(what string, ids ...string) {
		t.Helper()
		var got []string
		for href := range c.etags(d.book()) {
			got = append(got, strings.TrimSuffix(strings.TrimPrefix(href, d.book()), ".vcf"))
		}
		slices.Sort(got)
		slices.Sort(ids)
		if !slices.Equal(got, ids) {
			t.Errorf("%s: the book holds %v, want %v", what, got, ids)
		}
	}
	holds("at first", anna, bodo)
	old, err := c.snapshot(d.book(), checkpoint{})
	if err != nil {
		t.Fatal(err)
	}

	s.fail(fault{"path": "/v1.0/groups", "times": every, "status": 403})
	if code, text := r.try("sync"); code != 1 || !strings.Contains(text, "GroupMember.Read.All") {
		t.Errorf("sync without the permission: %d %s", code, text)
	}
	if state, says := r.source("groups"); state == "waiting" || !strings.Contains(says, "GroupMember.Read.All") {
		t.Errorf("status says %s: %s", state, says)
	}
	r.end(syscall.SIGTERM)
	r.serve()
	r.waitReady()
	holds("while the group cannot be read, and after a restart", anna, bodo)

	s.mend()
	s.control("PATCH", "groups/"+inner, map[string]any{"members": []string{}})
	r.do("sync")
	holds("when one has left", anna)
	now, err := c.snapshot(d.book(), old)
	if err != nil || len(now.etags) != 1 {
		t.Errorf("a phone that followed has %v, %v", now.etags, err)
	}
}

// TestOwnerLeaves: who leaves the group of owners, or whose account is disabled,
// finds his phone's books empty at the next sync; the others do not.
func TestOwnerLeaves(t *testing.T) {
	t.Parallel()
	s := startTenant(t, 20, "--roles", "User.Read.All,GroupMember.Read.All")
	anna := s.add(person("Anna", "Ader", nil))
	bodo := s.add(person("Bodo", "Bach", nil))
	cora := s.add(person("Cora", "Carl", nil))
	group := s.addGroup("Phone Owners", anna, bodo)
	r := startRingbook(t, s, "[devices]\nowners_group = \"phone owners\"")
	annas := r.addDevice("--owner", "ANNA@contoso.example")
	bodos := r.addDevice("--owner", "bodo@contoso.example")
	if code, said := r.try("device", "add", "--name", "x", "--owner", "cora@contoso.example"); code != 1 || !strings.Contains(said, "owners_group") {
		t.Errorf("who may not own got a device: %d %s", code, said)
	}
	nobodys := r.addDevice()
	holds := func(what string, d device, want bool) {
		t.Helper()
		if n := len(r.dav(t, d).etags(d.book())); n > 0 != want {
			t.Errorf("%s: the book has %d contacts", what, n)
		}
	}
	r.do("sync")
	holds("Anna is in", annas, true)
	s.patch(bodo, map[string]any{"accountEnabled": false})
	r.do("sync")
	holds("Bodo is disabled", bodos, false)
	holds("Anna is still in", annas, true)
	s.control("PATCH", "groups/"+group, map[string]any{"members": []string{cora}})
	r.do("sync")
	holds("Anna has left the group", annas, false)
	holds("a device without an owner", nobodys, true)
	r.addDevice("--owner", "cora@contoso.example")
}

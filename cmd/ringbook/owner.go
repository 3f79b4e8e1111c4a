package main

import (
	"context"
	"strings"

	"ringbook/directory"
	"ringbook/directory/store"
	"ringbook/server/auth"
)

// owners are the people of the mirror, as far as they may own devices.
type owners struct {
	store *store.Store
	group directory.Group // whose members may; "" = everybody
}

// Resolve implements [auth.Owners].
func (o owners) Resolve(names []string) map[string]directory.ContactID {
	want := make(map[string][]string, len(names)) // as given, by lower case
	for _, n := range names {
		want[strings.ToLower(n)] = append(want[strings.ToLower(n)], n)
	}
	found := make(map[string]directory.ContactID)
	twice := make(map[string]bool)
	for e := range o.store.View().All() {
		c := e.Stored()
		if c.Source != directory.SourceUser {
			continue
		}
		for _, name := range append([]string{c.UserPrincipalName}, c.Emails...) {
			for _, given := range want[strings.ToLower(name)] {
				twice[given] = twice[given] || found[given] != "" && found[given] != c.ID
				found[given] = c.ID
			}
		}
	}
	for name := range twice {
		if twice[name] {
			delete(found, name)
		}
	}
	return found
}

// MayOwn implements [auth.Owners].
func (o owners) MayOwn(id directory.ContactID) (reason string, ok bool) {
	v := o.store.View()
	if !v.Loaded() {
		return "", true
	}
	e := v.Entry(id)
	switch {
	case e == nil:
		return "the owner is no longer in the tenant", false
	case e.Stored().AccountEnabled == directory.False:
		return "the owner's account is disabled", false
	case o.group != "" && v.Knows(o.group) && !e.Belongs(o.group):
		return "the owner is not in the group of devices.owners_group", false
	}
	return "", true
}

// A sink is the store, which looks after the devices of those who have left
// whenever it was told everything.
type sink struct {
	*store.Store
	auth   *auth.Authority
	owners owners
	guard  float64
}

// Apply implements graph.Sink.
func (s *sink) Apply(ctx context.Context, b directory.Batch) (directory.Applied, error) {
	a, err := s.Store.Apply(ctx, b)
	if err != nil || b.Next == nil || b.Source != directory.SourceUser {
		return a, err // others tell of nobody who may own a device
	}
	return a, s.drainLeavers(ctx, b.AcceptShrink)
}

// ApplyGroup implements graph.Sink.
func (s *sink) ApplyGroup(ctx context.Context, m directory.Membership) (directory.Applied, error) {
	a, err := s.Store.ApplyGroup(ctx, m)
	if err != nil {
		return a, err
	}
	return a, s.drainLeavers(ctx, m.AcceptShrink)
}

func (s *sink) drainLeavers(ctx context.Context, accept bool) error {
	guard := s.guard
	if accept {
		guard = 0
	}
	return s.auth.DrainLeavers(ctx, s.owners, guard)
}

package graph_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
	"ringbook/graph"
	"ringbook/graph/graphtest"
)

// mirrorContacts mirrors a company with its organisational contacts.
func mirrorContacts(t *testing.T, c company) (*graph.Mirror, *memory, func()) {
	t.Helper()
	reach, stop := serve(t, c.ServeHTTP)
	reach.Credential = signIn{reach.HTTP, c.Tenant}
	sink := newMemory()
	return mirror(t, reach, sink, func(o *graph.Options) { o.E164, o.OrgContacts = german, true }), sink, stop
}

var contactRoles = []string{"User.Read.All", "OrgContact.Read.All"}

func TestOrgContacts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCompany(graphtest.Options{People: 5, OrgContacts: 30, PageSize: 10, Roles: contactRoles})
		m, sink, stop := mirrorContacts(t, c)
		defer stop()
		want := directory.Round{Feed: "org_contacts", Full: true, Read: 30, Requests: 3, Applied: directory.Applied{Added: 30}}
		if diff := cmp.Diff(want, syncFeed(t, m, graph.FeedOrgContacts)); diff != "" {
			t.Errorf("first round (-want +got):\n%s", diff)
		}
		if len(sink.contacts) != 35 {
			t.Errorf("%d contacts", len(sink.contacts))
		}
		before := c.Requests()
		rounds, err := m.Sync(t.Context(), directory.SyncRequest{})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rounds {
			if r.Requests != 1 || r.Read != 0 {
				t.Errorf("an idle round: %+v", r)
			}
		}
		after := c.Requests()
		for _, kind := range []string{"users/delta", "contacts/delta"} {
			if n := after[kind] - before[kind]; n != 1 {
				t.Errorf("%d idle requests of %s, want 1", n, kind)
			}
		}
	})
}

// One source that fails stops no other, and is never read as empty.
func TestOneSourceFailsAlone(t *testing.T) {
	for _, broken := range []string{"users", "contacts"} {
		for _, status := range []int{403, 404, 401} {
			synctest.Test(t, func(t *testing.T) {
				c := newCompany(graphtest.Options{People: 5, OrgContacts: 4, Roles: contactRoles})
				m, sink, stop := mirrorContacts(t, c)
				defer stop()
				syncFeed(t, m, graph.FeedUsers)
				supplier := c.OrgContacts.Users()[0].ID
				for of, id := range map[*graphtest.Objects]string{c.Objects: c.people[0], c.OrgContacts: supplier} {
					if err := of.Patch(id, map[string]any{"displayName": "New"}); err != nil {
						t.Fatal(err)
					}
				}
				c.Fault(graphtest.Fault{Path: "/v1.0/" + broken + "/delta", Times: -1, Status: status})
				rounds, err := m.Sync(t.Context(), directory.SyncRequest{Full: true})
				if err != nil {
					t.Fatal(err)
				}
				for i, of := range []string{"users", "contacts"} {
					if failed := rounds[i].Error != ""; failed != (of == broken) {
						t.Errorf("%s with %d: %+v", broken, status, rounds[i])
					}
					if permission := []string{"User.Read.All", "OrgContact.Read.All"}[i]; of == broken && status == 403 && !strings.Contains(rounds[i].Error, permission) {
						t.Errorf("the error does not name %s: %s", permission, rounds[i].Error)
					}
				}
				if len(sink.contacts) != 9 {
					t.Errorf("%d contacts are left of 9", len(sink.contacts))
				}
				for id, is := range map[string]string{c.people[0]: "users", supplier: "contacts"} {
					if got := sink.contacts[directory.ContactID(id)].DisplayName == "New"; got == (is == broken) {
						t.Errorf("%s: the news of %s came: %v", broken, is, got)
					}
				}
			})
		}
	}
}

// A source that is switched off loses its contacts, once.
func TestForget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCompany(graphtest.Options{People: 5, OrgContacts: 4, Roles: contactRoles})
		m, sink, stop := mirrorContacts(t, c)
		defer stop()
		syncFeed(t, m, graph.FeedOrgContacts)
		if err := m.Forget(t.Context()); err != nil || len(sink.contacts) != 9 {
			t.Fatalf("what is mirrored was forgotten: %d, %v", len(sink.contacts), err)
		}
		reach, stopAnew := serve(t, c.ServeHTTP)
		defer stopAnew()
		without := mirror(t, reach, sink, nil)
		batches := sink.batches
		for range 2 {
			if err := without.Forget(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if len(sink.contacts) != 5 || sink.batches != batches+1 {
			t.Errorf("%d contacts are left of 5 users, after %d batches", len(sink.contacts), sink.batches-batches)
		}
	})
}

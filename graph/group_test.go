package graph_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
	"ringbook/graph"
	"ringbook/graph/graphtest"
)

// A company is a tenant of the stand-in with people by number.
type company struct {
	*graphtest.Tenant
	people []string
}

func newCompany(o graphtest.Options) company {
	c := company{Tenant: graphtest.New(o)}
	for _, u := range c.Users() {
		c.people = append(c.people, u.ID)
	}
	return c
}

// ids returns the ids of people, sorted as a sink keeps them.
func (c company) ids(people ...int) []directory.ContactID {
	ids := []directory.ContactID{}
	for _, n := range people {
		ids = append(ids, directory.ContactID(c.people[n]))
	}
	return slices.Sorted(slices.Values(ids))
}

// mirrorGroups mirrors a company of which rules ask for groups.
func mirrorGroups(t *testing.T, c company, groups ...directory.Group) (*graph.Mirror, *memory, func()) {
	t.Helper()
	reach, stop := serve(t, c.ServeHTTP)
	reach.Credential = signIn{reach.HTTP, c.Tenant}
	sink := newMemory()
	return mirror(t, reach, sink, func(o *graph.Options) { o.Groups = groups }), sink, stop
}

// syncFeed runs a round of everything and returns that of one feed.
func syncFeed(t *testing.T, m *graph.Mirror, f directory.Feed) directory.Round {
	t.Helper()
	rounds, err := m.Sync(t.Context(), directory.SyncRequest{})
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(rounds, func(r directory.Round) bool { return r.Feed == f })
	if i < 0 {
		t.Fatalf("no round of %s in %+v", f, rounds)
	}
	return rounds[i]
}

var groupRoles = []string{"User.Read.All", "GroupMember.Read.All"}

func TestGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCompany(graphtest.Options{People: 12, Roles: groupRoles})
		inner := c.AddGroup("Inner", c.people[3], c.people[1])
		byID := c.AddGroup("By id", c.people[4])
		sales := c.AddGroup("Sales' Own", c.people[0], inner, c.people[1])
		m, sink, stop := mirrorGroups(t, c, "sales' own", directory.Group(byID))
		defer stop()
		before := c.Requests()["groups"]
		got := syncFeed(t, m, graph.FeedGroups)
		want := directory.Round{Feed: "groups", Full: true, Read: 4, Requests: 4, Applied: directory.Applied{Changed: 4}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("round (-want +got):\n%s", diff)
		}
		members := map[directory.Group][]directory.ContactID{"sales' own": c.ids(0, 1, 3), directory.Group(byID): c.ids(4)}
		if diff := cmp.Diff(members, sink.groups); diff != "" {
			t.Errorf("members (-want +got):\n%s", diff)
		}
		if n := c.Requests()["groups"] - before; n != 4 {
			t.Errorf("the first round took %d requests, want 4", n)
		}

		// A name is looked up once; a nested group's members are its own news.
		if err := c.SetMembers(inner, c.people[5]); err != nil {
			t.Fatal(err)
		}
		if got := syncFeed(t, m, graph.FeedGroups); got.Requests != 2 {
			t.Errorf("a later round took %d requests, want 2", got.Requests)
		}
		members["sales' own"] = c.ids(0, 1, 5)
		if diff := cmp.Diff(members, sink.groups); diff != "" {
			t.Errorf("members (-want +got):\n%s", diff)
		}

		// One group that is gone leaves its members and the other's news alone.
		c.RemoveGroup(sales)
		if err := c.SetMembers(byID); err != nil {
			t.Fatal(err)
		}
		got = syncFeed(t, m, graph.FeedGroups)
		if !strings.Contains(got.Error, "sales' own") || !strings.Contains(got.Error, "object ID") {
			t.Errorf("a group that is gone: %q", got.Error)
		}
		members[directory.Group(byID)] = nil
		if diff := cmp.Diff(members, sink.groups); diff != "" {
			t.Errorf("members (-want +got):\n%s", diff)
		}
		c.AddGroup("Sales' own", c.people[6])
		if got = syncFeed(t, m, graph.FeedGroups); got.Error != "" {
			t.Errorf("a group that was made anew: %q", got.Error)
		}
		c.AddGroup("sales' OWN", c.people[7])
		m, _, stopAnew := mirrorGroups(t, c, "sales' own")
		defer stopAnew()
		if got = syncFeed(t, m, graph.FeedGroups); !strings.Contains(got.Error, "more than one group") {
			t.Errorf("two groups of one name: %q", got.Error)
		}
	})
}

// No answer that is no success is a group without members, and it stops no other feed.
func TestGroupsThatCannotBeRead(t *testing.T) {
	for name, f := range map[string]graphtest.Fault{
		"forbidden": {Status: 403}, "not found": {Status: 404, Suffix: "/transitiveMembers"}, "gateway": {Status: 502, Body: "<html>"},
		"second page": {Status: 503, After: 1}, "half": {Break: graphtest.BreakJSON, After: 1}, "no list": {Status: 200, Body: "{}", BodyType: "application/json"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCompany(graphtest.Options{People: 1500, Roles: groupRoles})
				id := c.AddGroup("All", c.people...)
				m, sink, stop := mirrorGroups(t, c, directory.Group(id))
				defer stop()
				if r := syncFeed(t, m, graph.FeedGroups); r.Error != "" || r.Read != 1500 {
					t.Fatalf("round = %+v", r)
				}
				f.Path, f.Times = "/v1.0/groups/", -1
				c.Fault(f)
				if err := c.Patch(c.people[0], map[string]any{"displayName": "New"}); err != nil {
					t.Fatal(err)
				}
				if r := syncFeed(t, m, graph.FeedGroups); r.Error == "" {
					t.Errorf("round = %+v", r)
				}
				if n := len(sink.groups[directory.Group(id)]); n != 1500 {
					t.Errorf("%d members are left", n)
				}
				if got := sink.contacts[directory.ContactID(c.people[0])].DisplayName; got != "New" {
					t.Errorf("the users feed stopped too: %q", got)
				}
			})
		})
	}
}

func TestGroupsNeedTheirPermission(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCompany(graphtest.Options{People: 3})
		m, _, stop := mirrorGroups(t, c, "sales")
		defer stop()
		if r := syncFeed(t, m, graph.FeedGroups); !strings.Contains(r.Error, "GroupMember.Read.All") {
			t.Errorf("error = %q", r.Error)
		}
	})
}

// Groups are asked for no oftener than every quarter of an hour.
func TestGroupsAtTheirInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCompany(graphtest.Options{People: 3, Roles: groupRoles})
		id := c.AddGroup("All", c.people...)
		m, _, stop := mirrorGroups(t, c, directory.Group(id))
		defer stop()
		end := run(t, m)
		<-time.After(time.Hour + time.Minute)
		synctest.Wait()
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if n := c.Requests()["groups"]; n != 6 { // the id once, then five looks
			t.Errorf("%d requests in an hour, want 6", n)
		}
	})
}

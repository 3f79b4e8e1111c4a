package graph

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"ringbook/directory"
)

const (
	// groupInterval is the least time between two looks at the groups: a list of
	// members has no delta that knows nested groups, and costs five times what an
	// idle delta does.
	groupInterval = 15 * time.Minute
	// membersPerPage is the most that Graph gives at once.
	membersPerPage = "999"
)

// A groupFeed reads who belongs to the groups that rules ask for, nested groups
// laid flat. Each group stands alone: one that cannot be read leaves the others'
// members, and its own, as they are.
type groupFeed struct {
	*Mirror
	groups []directory.Group
	ids    map[directory.Group]string // of the groups found
}

// Errors of a group that the tenant does not have, or has twice.
var (
	errNoGroup    = errors.New("no such group")
	errManyGroups = errors.New("more than one group of this name")
)

// step reads all groups: they are few.
func (g *groupFeed) step(ctx context.Context, o order, done *directory.Round) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, roundDeadline)
	defer cancel()
	done.Full = true // there is no other way to read them
	var failed error
	for _, name := range g.groups {
		if err := g.read(ctx, name, o, done); err != nil {
			failed = errors.Join(failed, fmt.Errorf("group %s: %w", name, &needError{readMembers, err}))
		}
		if ctx.Err() != nil || refused(failed) {
			return true, errors.Join(failed, ctx.Err()) // the other groups would be answered alike
		}
	}
	return true, failed
}

// read hands on who belongs to one group. Only a whole answer counts.
func (g *groupFeed) read(ctx context.Context, name directory.Group, o order, done *directory.Round) error {
	id, err := g.find(ctx, name)
	if err != nil {
		return err
	}
	m := directory.Membership{Group: name, AcceptShrink: o.AcceptShrink}
	if m.Members, err = g.listed(ctx, name, id, "#microsoft.graph.user", "#microsoft.graph.orgContact"); err != nil {
		return err
	}
	done.Read += len(m.Members)
	a, err := g.sink.ApplyGroup(ctx, m)
	done.Applied = done.Applied.Add(a)
	g.progress(Progress{Feed: FeedGroups, Read: done.Read})
	return err
}

// find returns the object id of a group; a name is looked up once.
func (g *groupFeed) find(ctx context.Context, name directory.Group) (string, error) {
	if id, ok := g.ids[name]; ok {
		return id, nil
	}
	found, err := g.client.findGroups(ctx, string(name))
	switch {
	case err != nil:
		return "", err
	case len(found) == 0:
		return "", errNoGroup
	case len(found) > 1:
		return "", errManyGroups
	}
	g.ids[name] = found[0]
	return found[0], nil
}

// errPartMembers: somebody in the list of members cannot be told, so that nobody
// who is missing may be taken for one who left.
var errPartMembers = errors.New("the list of members cannot be read whole")

// listed returns the members of a group that are of some kinds, such as users.
// https://learn.microsoft.com/graph/api/group-list-transitivemembers
func (g *groupFeed) listed(ctx context.Context, name directory.Group, id string, kinds ...string) ([]directory.ContactID, error) {
	var members []directory.ContactID
	untold := 0
	link := g.client.path("$select=id&$top="+membersPerPage, "groups", id, "transitiveMembers")
	err := g.client.list(ctx, link, func(o object) {
		kind := o.kind()
		if kind != "" && !slices.Contains(kinds, kind) {
			return // a device, another group, something that is no person
		}
		member, err := o.id()
		if kind == "" || err != nil {
			untold++
			return
		}
		members = append(members, member)
	})
	if err != nil {
		delete(g.ids, name) // it may have been deleted and made anew
	}
	if notFound(err) {
		return nil, errNoGroup
	}
	if err == nil && untold > 0 {
		err = fmt.Errorf("%w: %d of them have no kind or no id", errPartMembers, untold)
	}
	return members, err
}

// findGroups returns the ids of the groups that a name or an id stands for.
func (c *client) findGroups(ctx context.Context, name string) ([]string, error) {
	if directory.IsObjectID(name) {
		var g struct {
			ID string `json:"id"`
		}
		err := c.get(ctx, c.path("$select=id", "groups", name), &g)
		if notFound(err) {
			return nil, nil
		}
		return []string{g.ID}, err
	}
	var ids []string
	filter := url.Values{"$select": {"id"}, "$filter": {"displayName eq '" + strings.ReplaceAll(name, "'", "''") + "'"}}
	err := c.list(ctx, c.path(filter.Encode(), "groups"), func(o object) {
		if id, err := o.id(); err == nil {
			ids = append(ids, string(id))
		}
	})
	return ids, err
}

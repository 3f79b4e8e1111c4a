package graphtest

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"ringbook/directory"
)

// A group is a group of the tenant.
type group struct {
	id, name string
	members  []string // ids of people and of other groups
}

// AddGroup creates a group of people and other groups and returns its id.
func (t *Tenant) AddGroup(name string, members ...string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	g := group{id: newID(), name: name, members: members}
	t.groups = append(t.groups, g)
	return g.id
}

// SetMembers replaces the members of a group. It fails with directory.ErrNotFound.
func (t *Tenant) SetMembers(id string, members ...string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.groups {
		if strings.EqualFold(t.groups[i].id, id) {
			t.groups[i].members = slices.Clone(members)
			return nil
		}
	}
	return fmt.Errorf("group %s: %w", id, directory.ErrNotFound)
}

// RemoveGroup deletes a group.
func (t *Tenant) RemoveGroup(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.groups = slices.DeleteFunc(t.groups, func(g group) bool { return strings.EqualFold(g.id, id) })
}

// A member is one line of a list of members.
type member struct {
	Type string `json:"@odata.type"`
	ID   string `json:"id"`
}

// flat lists the members of a group and of the groups in it, each once.
func (t *Tenant) flat(g group, seen map[string]bool) []member {
	var list []member
	for _, id := range g.members {
		if seen[id] {
			continue
		}
		seen[id] = true
		i := slices.IndexFunc(t.groups, func(o group) bool { return o.id == id })
		if i < 0 {
			if p, there := t.byID[strings.ToLower(id)]; !there || t.people[p].state == present {
				list = append(list, member{"#microsoft.graph.user", id}) // who is deleted is no member
			}
			continue
		}
		list = append(list, member{"#microsoft.graph.group", id})
		list = append(list, t.flat(t.groups[i], seen)...)
	}
	return list
}

// groupRequest answers GET /groups?$filter=displayName eq '…', /groups/{id} and
// /groups/{id}/transitiveMembers.
func (t *Tenant) groupRequest(c call) reply {
	if !t.granted("GroupMember.Read.All", "Group.Read.All", "Directory.Read.All") {
		return fail(http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
	}
	query, err := url.ParseQuery(c.URL.RawQuery)
	if err != nil {
		return badRequest("Malformed query.")
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	switch p := c.path; {
	case len(p) == 1:
		return t.listGroups(c, query)
	case len(p) == 2:
		for _, g := range t.groups {
			if strings.EqualFold(g.id, p[1]) {
				return jsonReply(http.StatusOK, g.object())
			}
		}
		return noUser(p[1])
	case len(p) == 3 && p[2] == "transitiveMembers":
		return t.listMembers(c, query, p[1])
	}
	return noSegment(c.path[len(c.path)-1])
}

func (g group) object() map[string]any { return map[string]any{"id": g.id, "displayName": g.name} }

func (t *Tenant) listGroups(c call, query url.Values) reply {
	const before = "displayName eq '"
	f := query.Get("$filter")
	if !strings.HasPrefix(f, before) || !strings.HasSuffix(f[len(before):], "'") {
		return fail(http.StatusBadRequest, "Request_UnsupportedQuery", "This filter is not played by this stand-in.")
	}
	name := strings.ReplaceAll(f[len(before):len(f)-1], "''", "'")
	value := []any{}
	for _, g := range t.groups {
		if strings.EqualFold(g.name, name) {
			value = append(value, g.object())
		}
	}
	return jsonReply(http.StatusOK, map[string]any{"@odata.context": c.base + "/$metadata#groups", "value": value})
}

// listMembers answers in pages, as [Tenant.list] does.
func (t *Tenant) listMembers(c call, query url.Values, id string) reply {
	top := listPage
	if query.Has("$top") {
		var ok bool
		if top, ok = number(query.Get("$top"), maxPage); !ok {
			return badRequest("Invalid page size specified: '%s'. Must be between 1 and %d inclusive.", query.Get("$top"), maxPage)
		}
	}
	at := 0
	if skip := query.Get("$skiptoken"); skip != "" {
		text, err := t.open("members", skip)
		if err != nil {
			return fail(http.StatusBadRequest, "Directory_ExpiredPageToken", "The specified page token value has expired and cannot be included in your request.")
		}
		at, _ = strconv.Atoi(string(text)) // we made it
	}
	for _, g := range t.groups {
		if !strings.EqualFold(g.id, id) {
			continue
		}
		value, all := []member{}, t.flat(g, map[string]bool{g.id: true})
		for ; at < len(all) && len(value) < top; at++ {
			value = append(value, all[at])
		}
		body := map[string]any{"@odata.context": c.base + "/$metadata#directoryObjects", "value": value}
		if at < len(all) {
			query.Set("$skiptoken", t.seal("members", strconv.AppendInt(nil, int64(at), 10)))
			body["@odata.nextLink"] = fmt.Sprintf("%s/groups/%s/transitiveMembers?%s", c.base, g.id, query.Encode())
		}
		return jsonReply(http.StatusOK, body)
	}
	return noUser(id)
}

package graphtest_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"ringbook/graph/graphtest"
)

// A token tells the permissions, and Graph goes by them.
func TestRoles(t *testing.T) {
	for _, c := range []struct {
		roles         []string
		said          string
		users, groups int
	}{
		{nil, `"roles":["User.Read.All"]`, http.StatusOK, http.StatusForbidden},
		{[]string{}, ``, http.StatusForbidden, http.StatusForbidden},
		{[]string{"GroupMember.Read.All"}, `"roles":["GroupMember.Read.All"]`, http.StatusForbidden, http.StatusOK},
		{[]string{"Directory.Read.All"}, `"roles":["Directory.Read.All"]`, http.StatusOK, http.StatusOK},
	} {
		g := start(t, graphtest.Options{People: 3, Roles: c.roles})
		payload := decodeJWT(t, g.token)
		if !strings.Contains(payload, c.said) || (c.said == "") == strings.Contains(payload, "roles") {
			t.Errorf("%v: the token says %s", c.roles, payload)
		}
		if a := g.get("/users"); a.status != c.users {
			t.Errorf("%v: users: %d", c.roles, a.status)
		}
		if a := g.get("/groups?$filter=" + url.QueryEscape("displayName eq 'x'")); a.status != c.groups {
			t.Errorf("%v: groups: %d %s", c.roles, a.status, a.body)
		}
		head, tail, _ := strings.Cut(g.token, ".")
		g.token = head + "." + strings.Replace(tail, tail[:2], "AA", 1)
		if a := g.get("/users"); a.status != http.StatusUnauthorized {
			t.Errorf("a forged token: %d", a.status)
		}
	}
}

func TestGroups(t *testing.T) {
	g := start(t, graphtest.Options{People: 5, Roles: []string{"GroupMember.Read.All"}})
	var people []string
	for _, u := range g.server.Users() {
		people = append(people, u.ID)
	}
	id := g.server.AddGroup("Sales' own", people...)
	if a := g.get("/groups?$filter=" + url.QueryEscape("displayName eq 'Sales'' own'")); !strings.Contains(string(a.body), id) {
		t.Errorf("by name: %d %s", a.status, a.body)
	}
	if a := g.get("/groups/" + id); a.status != http.StatusOK || !strings.Contains(string(a.body), "Sales' own") {
		t.Errorf("by id: %d %s", a.status, a.body)
	}
	if a := g.get("/groups/" + people[0]); a.status != http.StatusNotFound {
		t.Errorf("a person is a group: %d", a.status)
	}
	var got []string
	for link := "/groups/" + id + "/transitiveMembers?$select=id&$top=2"; link != ""; {
		a := g.get(link)
		var page struct {
			Next  string `json:"@odata.nextLink"`
			Value []struct{ ID string }
		}
		if err := json.Unmarshal(a.body, &page); err != nil || len(page.Value) > 2 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		for _, m := range page.Value {
			got = append(got, m.ID)
		}
		link = page.Next
	}
	if !slices.Equal(got, people) {
		t.Errorf("members: %v", got)
	}
}

func decodeJWT(t *testing.T, token string) string {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("a token of %d parts", len(parts))
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

package graph

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// users reads one page of users.
func (c *checker) users(ctx context.Context) []CheckResult {
	var p struct {
		Next  string `json:"@odata.nextLink"`
		Value []struct {
			ID       string   `json:"id"`
			Mobile   string   `json:"mobilePhone"`
			Business []string `json:"businessPhones"`
		} `json:"value"`
	}
	if err := c.client.get(ctx, c.client.path("$top=100&$select=id,mobilePhone,businessPhones", "users"), &p); err != nil {
		return failure(err)
	}
	numbers := 0
	for _, u := range p.Value {
		c.people = append(c.people, u.ID)
		if u.Mobile != "" || len(u.Business) > 0 {
			numbers++
		}
	}
	more := ""
	if p.Next != "" {
		more = ", and there are more"
	}
	r := CheckResult{State: CheckOK, Detail: fmt.Sprintf("Graph shows %d people, %d with a number%s.", len(p.Value), numbers, more)}
	switch {
	case len(p.Value) == 0:
		r.State, r.Mend = CheckWarning, "Check tenant.id: this tenant has no users."
	case numbers == 0:
		r.State, r.Mend = CheckWarning, "Check that mobilePhone or businessPhones are filled in Entra, or name other attributes in [mirror.phones]."
	}
	return []CheckResult{r}
}

// photos looks for the first photo among some people.
func (c *checker) photos(ctx context.Context) []CheckResult {
	ids := c.people[:min(len(c.people), maxBatch)]
	if len(ids) == 0 {
		return []CheckResult{{State: CheckSkipped, Detail: "Not asked: there is nobody."}}
	}
	items := make([]batchItem, len(ids))
	for i, id := range ids {
		items[i] = batchItem{Method: http.MethodGet, URL: "/users/" + url.PathEscape(id) + "/photo"}
	}
	answers, err := c.client.batch(ctx, items)
	if err != nil {
		return failure(err)
	}
	for i := range answers {
		tag, err := answers[i].photoTag()
		if err != nil {
			return failure(fmt.Errorf("photo: %w", err))
		}
		if tag == "" {
			continue
		}
		value, err := c.client.batch(ctx, []batchItem{{Method: http.MethodGet, URL: items[i].URL + "/$value"}})
		if err != nil {
			return failure(err)
		}
		data, err := value[0].binary(maxPhotoBytes)
		if err != nil {
			return failure(fmt.Errorf("photo: %w", err))
		}
		return fine(fmt.Sprintf("Graph gives photos: one of %d KB was read.", (len(data)+1023)>>10))
	}
	return fine(fmt.Sprintf("Graph answers; there is no photo among the first %d people.", len(ids)))
}

func (c *checker) orgContacts(ctx context.Context) []CheckResult {
	var p page
	if err := c.client.get(ctx, c.client.path("$deltatoken=latest&$select=id", "contacts", "delta"), &p); err != nil {
		return failure(&needError{readOrgContacts, err})
	}
	return fine("Graph shows the organisational contacts.")
}

// groups looks for each group that the configuration names, and for a member.
func (c *checker) groups(ctx context.Context) []CheckResult {
	var bad []CheckResult
	for _, name := range c.o.Groups {
		found, err := c.client.findGroups(ctx, name)
		if err != nil {
			return append(bad, failure(&needError{readMembers, err})...)
		}
		r := CheckResult{State: CheckFailed, Mend: "Write the group's object ID in place of its name."}
		switch {
		case len(found) == 0:
			r.Detail = fmt.Sprintf("The tenant has no group of the name or ID %q.", name)
		case len(found) > 1:
			r.Detail = fmt.Sprintf("The tenant has %d groups of the name %q.", len(found), name)
		default:
			var members page
			if err := c.client.get(ctx, c.client.path("$top=1&$select=id", "groups", found[0], "transitiveMembers"), &members); err != nil {
				return append(bad, failure(&needError{readMembers, err})...)
			}
			if len(members.Value) > 0 {
				continue
			}
			r = CheckResult{State: CheckWarning, Detail: fmt.Sprintf("The group %q has no members.", name), Mend: "Add the people who are meant."}
		}
		bad = append(bad, r)
	}
	if len(bad) > 0 {
		return bad
	}
	return fine(fmt.Sprintf("The tenant has all %d groups that are named, and they have members.", len(c.o.Groups)))
}

// tried is how many mailboxes are tried until one answers, or a few are shut: not
// everybody has one.
const (
	tried      = 20
	enoughShut = 3
)

// mailboxes reads a contact of a member of the group, and makes sure that the
// mailbox of somebody else is closed.
func (c *checker) mailboxes(ctx context.Context) []CheckResult {
	found, err := c.client.findGroups(ctx, c.o.Mailboxes)
	if err != nil || len(found) != 1 {
		return []CheckResult{{State: CheckSkipped, Detail: "Not asked: needs groups."}}
	}
	in := make(map[string]bool)
	var members []string
	link := c.client.path("$select=id&$top="+membersPerPage, "groups", found[0], "transitiveMembers")
	err = c.client.list(ctx, link, func(o object) {
		if id, err := o.id(); err == nil && o.kind() == "#microsoft.graph.user" {
			members = append(members, string(id))
			in[string(id)] = true
		}
	})
	if err != nil {
		return failure(&needError{readMembers, err})
	}
	answer := c.opened(ctx, members)
	if answer.State != CheckOK {
		return []CheckResult{answer}
	}
	strangers := slices.DeleteFunc(slices.Clone(c.people), func(id string) bool { return in[strings.ToLower(id)] })
	shut := 0
	for _, id := range strangers[:min(len(strangers), tried)] {
		err := c.mailbox(ctx, id)
		if err == nil {
			return []CheckResult{answer, {
				State:  CheckWarning,
				Detail: "The mailbox of somebody who is not in the group is open, too: the application may read every mailbox, or its scope in Exchange is too wide.",
				Mend:   "Remove Contacts.Read from the app registration, and scope the application in Exchange: `ringbook tenant register --shell exchange` prints how.",
			}}
		}
		// Nothing else proves that a door is shut: there may be no mailbox, or no answer.
		if e, ok := errors.AsType[*responseError](err); ok && e.Status == http.StatusForbidden {
			if shut++; shut == enoughShut {
				break
			}
		}
	}
	if shut == 0 {
		return []CheckResult{answer, {
			State: CheckWarning, Detail: "Whether other mailboxes are shut cannot be told: nobody who is not in the group was found with one.",
			Mend: "Try one in Exchange Online PowerShell: Test-ServicePrincipalAuthorization, with somebody outside of the group as -Resource.",
		}}
	}
	return []CheckResult{answer}
}

// opened tries members until a mailbox answers.
func (c *checker) opened(ctx context.Context, members []string) CheckResult {
	for _, id := range members[:min(len(members), tried)] {
		err := c.mailbox(ctx, id)
		if notFound(err) {
			continue
		}
		if err != nil {
			return failure(&needError{readContacts, err})[0]
		}
		return CheckResult{State: CheckOK, Detail: fmt.Sprintf("The mailboxes of the group's %d members are open: one was asked.", len(members))}
	}
	return CheckResult{
		State: CheckFailed, Detail: "No member of the group has a mailbox in Exchange Online.",
		Mend: "Check that the group of mirror.mailboxes_group is the one that is meant.",
	}
}

// mailbox asks a mailbox for one contact.
func (c *checker) mailbox(ctx context.Context, id string) error {
	var p page
	return c.client.get(ctx, c.client.path("$top=1&$select=id", "users", url.PathEscape(id), "contacts"), &p)
}

package graph

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
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

// group looks for mirror.mailboxes_group, by id or by name, and for a member.
func (c *checker) group(ctx context.Context) []CheckResult {
	found, err := c.findGroups(ctx, c.o.MailboxesGroup)
	if err != nil {
		return failure(&needError{readMembers, err})
	}
	bad := CheckResult{State: CheckFailed, Mend: "Write the group's object ID into mirror.mailboxes_group."}
	switch {
	case len(found) == 0:
		bad.Detail = "The tenant has no group of the name or ID in mirror.mailboxes_group."
		return []CheckResult{bad}
	case len(found) > 1:
		bad.Detail = fmt.Sprintf("The tenant has %d groups of the name in mirror.mailboxes_group.", len(found))
		return []CheckResult{bad}
	}
	var members groupPage
	if err := c.client.get(ctx, c.client.path("$top=1&$select=id", "groups", found[0], "transitiveMembers"), &members); err != nil {
		return failure(&needError{readMembers, err})
	}
	if len(members.Value) == 0 {
		return []CheckResult{{State: CheckWarning, Detail: "The group in mirror.mailboxes_group has no members.", Mend: "Add the people whose Outlook contacts are wanted."}}
	}
	return fine("The group in mirror.mailboxes_group is there and has members.")
}

type groupPage struct {
	Value []struct {
		ID string `json:"id"`
	} `json:"value"`
}

// findGroups returns the ids of the groups that a name or an id stands for.
func (c *checker) findGroups(ctx context.Context, name string) ([]string, error) {
	if groupID.MatchString(name) {
		var g struct {
			ID string `json:"id"`
		}
		err := c.client.get(ctx, c.client.path("$select=id", "groups", name), &g)
		if e, ok := errors.AsType[*responseError](err); ok && e.Status == http.StatusNotFound {
			return nil, nil
		}
		return []string{g.ID}, err
	}
	var p groupPage
	filter := url.Values{"$select": {"id"}, "$filter": {"displayName eq '" + strings.ReplaceAll(name, "'", "''") + "'"}}
	if err := c.client.get(ctx, c.client.path(filter.Encode(), "groups"), &p); err != nil {
		return nil, err
	}
	ids := make([]string, len(p.Value))
	for i, g := range p.Value {
		ids[i] = g.ID
	}
	return ids, nil
}

// groupID is how Entra writes the id of an object.
var groupID = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

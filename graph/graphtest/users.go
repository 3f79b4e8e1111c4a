package graphtest

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// list answers GET /users: the people in pages, unset properties as null.
func (t *Tenant) list(c call) reply {
	query, err := url.ParseQuery(c.URL.RawQuery)
	if err != nil {
		return badRequest("Malformed query.")
	}
	for name := range query {
		if strings.HasPrefix(name, "$") && !slices.Contains([]string{"$select", "$top", "$skiptoken"}, name) {
			return fail(http.StatusBadRequest, "Request_UnsupportedQuery", fmt.Sprintf("'%s' is not played by this stand-in.", name))
		}
	}
	sel, err := selectOf(query)
	if err != nil {
		return badRequest("Could not find a property: %v", err)
	}
	top := listPage
	if query.Has("$top") {
		var ok bool
		if top, ok = number(query.Get("$top"), maxPage); !ok {
			return badRequest("Invalid page size specified: '%s'. Must be between 1 and %d inclusive.", query.Get("$top"), maxPage)
		}
	}
	at := 0
	if skip := query.Get("$skiptoken"); skip != "" {
		text, err := t.open("list", skip)
		if err != nil {
			return fail(http.StatusBadRequest, "Directory_ExpiredPageToken", "The specified page token value has expired and cannot be included in your request.")
		}
		at, _ = strconv.Atoi(string(text)) // we made it
	}
	return t.listFrom(c, query, sel, at, top)
}

func (t *Tenant) listFrom(c call, query url.Values, sel selection, at, top int) reply {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var value []byte
	var scratch record
	for n := 0; at < len(t.people) && n < top; at++ {
		if t.people[at].state == present {
			value = t.record(at, &scratch).appendObject(comma(value), sel, "null")
			n++
		}
	}
	body := append([]byte(`{"@odata.context":`), quote(c.base+"/$metadata#users")...)
	if at < len(t.people) {
		query.Set("$skiptoken", t.seal("list", strconv.AppendInt(nil, int64(at), 10)))
		body = append(append(body, `,"@odata.nextLink":`...), quote(c.base+"/users?"+query.Encode())...)
	}
	body = append(append(append(body, `,"value":[`...), value...), "]}"...)
	return rawReply(http.StatusOK, body)
}

// user answers GET /users/{id or user principal name}.
func (t *Tenant) user(c call, name string) reply {
	query, err := url.ParseQuery(c.URL.RawQuery)
	if err != nil {
		return badRequest("Malformed query.")
	}
	sel, err := selectOf(query)
	if err != nil {
		return badRequest("Could not find a property: %v", err)
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	i, ok := t.lookup(name)
	if !ok {
		return noUser(name)
	}
	object := t.record(i, &record{}).appendObject(nil, sel, "null")
	body := append([]byte(`{"@odata.context":`), quote(c.base+"/$metadata#users/$entity")...)
	body = append(append(body, ','), object[1:]...)
	return rawReply(http.StatusOK, body)
}

// selectOf reads $select; without it, Graph gives its default set.
func selectOf(query url.Values) (selection, error) {
	if !query.Has("$select") {
		return selection{mask: defaultSet}, nil
	}
	return parseSelect(query.Get("$select"))
}

// lookup finds somebody who is present by id or user principal name.
func (t *Tenant) lookup(name string) (int, bool) {
	if i, err := t.find(name); err == nil {
		return i, true
	}
	if !strings.Contains(name, "@") {
		return 0, false
	}
	var scratch record
	for i := range t.people {
		if t.people[i].state == present && strings.EqualFold(t.record(i, &scratch).text(propUserPrincipalName), name) {
			return i, true
		}
	}
	return 0, false
}

func noUser(name string) reply {
	return fail(http.StatusNotFound, "Request_ResourceNotFound",
		fmt.Sprintf("Resource '%s' does not exist or one of its queried reference-property objects are not present.", name))
}

package graph

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"ringbook/directory"
)

// maxPages ends a round that is led in circles by links that never repeat:
// 20,000 pages of 200 are four million people.
const maxPages = 20_000

// An object is one Graph resource as it came, so that an absent property, a
// null and a value stay three things.
type object map[string]json.RawMessage

// A page is one answer of a delta query.
// https://learn.microsoft.com/graph/delta-query-overview
type page struct {
	Value []object `json:"value"`
	Next  string   `json:"@odata.nextLink"`
	Delta string   `json:"@odata.deltaLink"`
}

// id returns the object's contact id.
func (o object) id() (directory.ContactID, error) {
	var s string
	if err := json.Unmarshal(o["id"], &s); err != nil {
		return "", fmt.Errorf("object without an id: %w", directory.ErrInvalid)
	}
	return directory.ParseContactID(s)
}

// kind returns what the resource is, such as "#microsoft.graph.user".
func (o object) kind() string {
	s, err := decodeText(o["@odata.type"])
	if err != nil {
		return ""
	}
	return s
}

// removed reports whether the object is gone: "changed" (in the recycle bin)
// and "deleted" (for good) are the same to a phonebook.
func (o object) removed() bool {
	_, ok := o["@removed"]
	return ok
}

// walk reads pages from link to the delta link and hands each to use, the one
// with the delta link last. An empty page in between ends nothing. prefer goes
// with each request (RFC 7240).
func (c *client) walk(ctx context.Context, link, prefer string, use func(page) error) error {
	seen := make(map[string]struct{})
	for range maxPages {
		if _, again := seen[link]; again {
			return errors.New("delta pages lead in a circle")
		}
		seen[link] = struct{}{}
		var p page
		if err := c.do(ctx, http.MethodGet, link, prefer, nil, &p); err != nil {
			return err
		}
		if p.Next == "" && p.Delta == "" {
			return fmt.Errorf("delta page without a link: %w", errNotJSON)
		}
		for _, l := range []string{p.Next, p.Delta} {
			if _, err := c.resolve(l); err != nil { // before it is stored
				return fmt.Errorf("delta page: %w", err)
			}
		}
		if err := use(p); err != nil {
			return err
		}
		if p.Next == "" {
			return nil
		}
		link = p.Next
	}
	return fmt.Errorf("delta query without an end after %d pages", maxPages)
}

// list reads all pages of a list and hands each object to use.
func (c *client) list(ctx context.Context, link string, use func(object)) error {
	seen := make(map[string]struct{})
	for range maxPages {
		if _, again := seen[link]; again {
			return errors.New("pages of a list lead in a circle")
		}
		seen[link] = struct{}{}
		var p page
		if err := c.get(ctx, link, &p); err != nil {
			return err
		}
		if p.Value == nil {
			return fmt.Errorf("page without a list: %w", errNotJSON)
		}
		for _, o := range p.Value {
			use(o)
		}
		if p.Next == "" {
			return nil
		}
		link = p.Next
	}
	return fmt.Errorf("list without an end after %d pages", maxPages)
}

// mustResync reports whether Graph has forgotten the delta link: 410, or any
// 4xx with one of these codes (documentation and practice differ).
func mustResync(err error) bool {
	e, ok := errors.AsType[*responseError](err)
	if !ok {
		return false
	}
	if e.Status == http.StatusGone {
		return true
	}
	return e.Status/100 == 4 && (strings.EqualFold(e.Code, "syncStateNotFound") ||
		strings.EqualFold(e.Code, "resyncRequired") || strings.EqualFold(e.Code, "SyncStateInvalid"))
}

// pageExpired reports whether a next link died, which takes minutes only.
func pageExpired(err error) bool {
	e, ok := errors.AsType[*responseError](err)
	return ok && (e.Status == http.StatusGone || strings.EqualFold(e.Code, "Directory_ExpiredPageToken"))
}

// notFound reports whether Graph says that there is no such thing.
func notFound(err error) bool {
	e, ok := errors.AsType[*responseError](err)
	return ok && e.Status == http.StatusNotFound
}

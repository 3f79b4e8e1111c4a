package carddav

import (
	"encoding/xml"
	"fmt"
	"net/url"
	"strings"

	"ringbook/directory"
)

// multiget answers CARDDAV:addressbook-multiget (RFC 6352 §8.7). Every href is
// answered: iOS asks again for those that are not, without end.
func (x *exchange) multiget(s *scanner, _ resource) error {
	sel, hrefs, err := parseMultiget(s)
	if err != nil {
		return err
	}
	l := x.newLister(sel)
	for _, href := range hrefs {
		if r, ok := x.tree.card(href); ok {
			l.resource(r)
		} else {
			l.gone(href)
		}
		if l.out.failed() {
			break
		}
	}
	l.out.closeMultistatus()
	return nil
}

func parseMultiget(s *scanner) (sel selection, hrefs []string, err error) {
	err = s.children(func(t xml.StartElement) error {
		if t.Name != (xml.Name{Space: nsDAV, Local: "href"}) {
			_, err := sel.parse(s, t)
			return err
		}
		if len(hrefs) == maxHrefs {
			return fmt.Errorf("more than %d hrefs: %w", maxHrefs, directory.ErrTooLarge)
		}
		href, err := s.text()
		hrefs = append(hrefs, href)
		return err
	})
	if err == nil && len(hrefs) == 0 {
		err = fmt.Errorf("multiget of nothing: %w", directory.ErrInvalid)
	}
	if err == nil {
		err = s.end()
	}
	return sel, hrefs, err
}

// card finds the card of an href as clients write it: a path, or a whole URL.
// The URL's host is not compared: behind a proxy it need not be ours, and what
// the device may see does not depend on it.
func (t tree) card(href string) (resource, bool) {
	path := href
	if !strings.HasPrefix(href, "/") || strings.ContainsAny(href, "%?#") {
		u, err := url.Parse(href)
		if err != nil || u.RawQuery != "" || u.Fragment != "" || !strings.HasPrefix(u.Path, "/") {
			return resource{}, false
		}
		path = u.Path
	}
	r, ok := t.resolve(path)
	return r, ok && r.kind == kindCard
}

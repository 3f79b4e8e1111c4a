package carddav

import (
	"encoding/xml"
	"fmt"

	"ringbook/directory"
)

// An expansion is DAV:property of an expand-property request (RFC 3253 §3.8).
type expansion struct {
	name  xml.Name
	inner []expansion // to show of the resource that the property points to
}

// expandProperty answers DAV:expand-property: PROPFIND of depth 0 in which the
// resources that a property points to stand in place of their hrefs.
func (x *exchange) expandProperty(s *scanner, r resource) error {
	count := 0
	wanted, err := parseExpansions(s, &count)
	if err == nil {
		err = s.end()
	}
	if err != nil {
		return err
	}
	l := x.newLister(selection{})
	l.expand(r, wanted)
	l.out.closeMultistatus()
	return nil
}

// parseExpansions reads the DAV:property children of the element just begun.
// The scanner bounds how deep they stand in one another.
func parseExpansions(s *scanner, count *int) (list []expansion, err error) {
	err = s.children(func(t xml.StartElement) error {
		if t.Name != (xml.Name{Space: nsDAV, Local: "property"}) {
			return s.skip()
		}
		if *count++; *count > maxNames {
			return fmt.Errorf("more than %d properties: %w", maxNames, directory.ErrTooLarge)
		}
		e := expansion{name: xml.Name{Space: attribute(t, "namespace"), Local: attribute(t, "name")}}
		if e.name.Space == "" {
			e.name.Space = nsDAV
		}
		if !isName(e.name.Local) {
			return fmt.Errorf("property name: %w", directory.ErrInvalid)
		}
		var err error
		e.inner, err = parseExpansions(s, count)
		list = append(list, e)
		return err
	})
	return list, err
}

// isName reports whether s may stand as an element's name: unlike the names of
// elements, the decoder has not looked at it.
func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		first := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
		later := '0' <= c && c <= '9' || c == '-' || c == '.'
		if !first && (i == 0 || !later) {
			return false
		}
	}
	return s != ""
}

// expand writes the response of r with the wanted properties.
func (l *lister) expand(r resource, wanted []expansion) {
	var found []expansion
	var missing []xml.Name
	for _, e := range wanted {
		if l.x.h.props.find(e.name, r.kind) != nil {
			found = append(found, e)
		} else if !l.min.on {
			missing = append(missing, e.name)
		}
	}
	if r.kind == kindCard {
		l.x.take(r.entry)
	}
	out := l.out
	out.str("<d:response><d:href>" + l.x.tree.href(r) + "</d:href>")
	if len(found) > 0 || len(missing) == 0 {
		out.str("<d:propstat><d:prop>")
		for _, e := range found {
			l.expanded(r, e)
		}
		out.str("</d:prop>" + statusOK + "</d:propstat>")
	}
	l.missing(missing)
	out.str("</d:response>")
	l.x.responses++
}

// expanded writes one property: its value, or the resource that it points to.
func (l *lister) expanded(r resource, e expansion) {
	p := l.x.h.props.find(e.name, r.kind)
	if p.link == nil || len(e.inner) == 0 {
		l.x.value(p, &r)
		return
	}
	l.out.str(p.open)
	l.expand(p.link(), e.inner)
	l.out.str(p.close)
}

package carddav

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"ringbook/directory"
	"ringbook/server/journal"
)

// maxDropped is how much of a refused write is read before it is answered.
// Clients that are cut off while they still send do not see the answer.
const maxDropped = 1 << 20

// refuse answers every write but PROPPATCH. It is the same for every path, so
// that it tells nothing; never 401, on which phones stop syncing, and never 5xx,
// on which iOS gives the whole sync up. DAVx5 needs the condition to put its own
// copy right again (RFC 3744 §7.1.1).
func (x *exchange) refuse() error {
	// What cannot be read need not be: the answer does not depend on it.
	_, _ = io.CopyN(io.Discard, x.slowBody(x.r.Body), maxDropped)
	x.remember()
	var href strings.Builder
	if err := xml.EscapeText(&href, []byte(x.r.URL.EscapedPath())); err != nil {
		return fmt.Errorf("escape the path: %w", err)
	}
	return &statusError{
		status: http.StatusForbidden,
		condition: "<d:need-privileges><d:resource><d:href>" + href.String() + "</d:href>" +
			"<d:privilege><d:write-content/></d:privilege></d:resource></d:need-privileges>",
		text: "read-only",
	}
}

// remember notes what the device's owner sees on the screen all the same. Whether
// it could be stored changes nothing of the answer.
func (x *exchange) remember() {
	var cards []journal.Card
	if c, ok := x.tree.written(x.r.URL); ok {
		cards = append(cards, c)
	}
	if x.r.Method == "MOVE" {
		if to, err := url.Parse(x.r.Header.Get("Destination")); err == nil {
			if c, ok := x.tree.written(to); ok {
				cards = append(cards, c)
			}
		}
	}
	x.forgotten = x.h.o.Journal.Refused(x.r.Context(), x.device.ID, cards...)
}

// written returns the card that a URL names, there or not, if it can be one in a
// book of this device's.
func (t tree) written(u *url.URL) (c journal.Card, ok bool) {
	for _, b := range t.books {
		rest, inside := strings.CutPrefix(u.Path, t.bookHref(b))
		if !inside || rest == "" || strings.Contains(rest, "/") {
			continue
		}
		escaped := u.EscapedPath()
		return journal.Card{Book: b.Name(), Name: escaped[strings.LastIndex(escaped, "/")+1:]}, true
	}
	return journal.Card{}, false
}

// proppatch answers PROPPATCH (RFC 4918 §9.2): every property is protected.
func (x *exchange) proppatch() error {
	s, err := x.newScanner()
	if err != nil {
		return err
	}
	defer s.free(x)
	names, err := parsePropertyUpdate(s)
	if err != nil {
		return err
	}
	out := x.openMultistatus(&minimal{})
	out.str("<d:response><d:href>")
	out.text(x.r.URL.EscapedPath())
	out.str("</d:href><d:propstat><d:prop>")
	for _, n := range names {
		out.emptyElement(n)
	}
	out.str("</d:prop>" + statusForbidden + "<d:error>" + conditionProtected + "</d:error></d:propstat></d:response>")
	out.closeMultistatus()
	x.responses = 1
	return nil
}

// parsePropertyUpdate reads the names in DAV:propertyupdate.
func parsePropertyUpdate(s *scanner) ([]xml.Name, error) {
	root, err := s.root()
	if err != nil {
		return nil, unexpected(err)
	}
	if root.Name != (xml.Name{Space: nsDAV, Local: "propertyupdate"}) {
		return nil, fmt.Errorf("no propertyupdate: %w", directory.ErrInvalid)
	}
	var sel selection
	err = s.children(func(t xml.StartElement) error { // DAV:set, DAV:remove
		return s.children(func(t xml.StartElement) error {
			_, err := sel.parse(s, t)
			return err
		})
	})
	if err == nil && len(sel.names) == 0 {
		err = fmt.Errorf("update of nothing: %w", directory.ErrInvalid)
	}
	if err == nil {
		err = s.end()
	}
	return sel.names, err
}

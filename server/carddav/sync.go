package carddav

import (
	"encoding/xml"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strings"

	"ringbook/directory"
	"ringbook/directory/index"
)

// A syncRequest is DAV:sync-collection (RFC 6578 §6.1).
type syncRequest struct {
	token string // "" = first sync
	sel   selection
	limit int // 0 = none
}

func parseSync(s *scanner) (q syncRequest, err error) {
	err = s.children(func(t xml.StartElement) (err error) {
		if t.Name.Space != nsDAV {
			return s.skip()
		}
		switch t.Name.Local {
		case "sync-token":
			q.token, err = s.text()
		case "limit":
			q.limit, err = parseLimit(s)
		case "sync-level":
			// A book has no collections in it: 1 and infinite are the same.
			level, err := s.text()
			if err == nil && level != "" && level != "1" && level != "infinite" {
				err = fmt.Errorf("sync-level %q: %w", level, directory.ErrInvalid)
			}
			return err
		default:
			_, err = q.sel.parse(s, t)
		}
		return err
	})
	if err == nil {
		err = s.end()
	}
	return q, err
}

// syncCollection answers DAV:sync-collection (RFC 6578 §3).
func (x *exchange) syncCollection(s *scanner, r resource) error {
	if d := x.r.Header.Get("Depth"); strings.EqualFold(d, "infinity") {
		return fmt.Errorf("sync with depth infinity: %w", directory.ErrInvalid)
	}
	q, err := parseSync(s)
	if err != nil {
		return err
	}
	from, tombstones, err := x.syncFrom(r.book, q.token)
	if err != nil {
		return x.refuseToken(err)
	}
	changes, err := r.book.Since(from)
	if err != nil {
		return x.refuseToken(err)
	}
	l := x.newLister(q.sel)
	at, whole := l.changes(r.book, changes, tombstones, q.limit)
	end := x.tokenOf(r.book)
	if !whole {
		l.truncated(r.book)
		end.position = at
	}
	l.out.str("<d:sync-token>")
	l.out.str(end.String())
	l.out.str("</d:sync-token>")
	l.out.closeMultistatus()
	return nil
}

// changes writes at most limit responses (0 = no limit) and returns how far
// they go; whole = nothing is left.
func (l *lister) changes(b *index.Book, changes iter.Seq[index.Changed], tombstones bool, limit int) (at index.Position, whole bool) {
	href, p := l.x.tree.bookHref(b), l.plan(kindCard)
	for c := range changes {
		if c.Entry == nil && !tombstones {
			at = c.Position
			continue
		}
		if limit > 0 && l.x.responses == limit {
			return at, false
		}
		if c.Entry == nil {
			l.gone(href + string(c.ID) + cardSuffix)
		} else {
			l.member(href, resource{kind: kindCard, book: b, entry: c.Entry}, p)
		}
		at = c.Position
		if l.out.failed() {
			return at, true
		}
	}
	return at, true
}

// syncFrom says from where a client with that token goes on, and whether it
// must hear of contacts that are gone.
func (x *exchange) syncFrom(b *index.Book, s string) (from index.Position, tombstones bool, err error) {
	if s == "" {
		return index.Position{}, false, nil
	}
	t, ok := parseToken(s)
	switch {
	case !ok:
		// macOS sends a UUID that no server gave it, and gives up if that is
		// refused. Whatever it has from elsewhere is told gone.
		return index.Position{}, true, nil
	case t.epoch != x.view.Epoch(), t.position.Revision > x.view.Revision():
		return index.Position{}, false, fmt.Errorf("token of epoch %s at revision %d: %w", t.epoch, t.position.Revision, directory.ErrRevisionGone)
	case t.scope != x.scope(b):
		return index.Position{}, true, nil
	}
	return t.position, true, nil
}

// refuseToken: RFC 6578 wants 403, but Thunderbird begins anew on 400 only, and
// keeps the token for ever on 403.
func (x *exchange) refuseToken(err error) error {
	if errors.Is(err, directory.ErrRevisionGone) && strings.Contains(x.r.UserAgent(), "Thunderbird/") {
		a := answerTo(err)
		return &statusError{status: http.StatusBadRequest, condition: a.condition, text: a.text}
	}
	return err
}

package carddav

import (
	"encoding/xml"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
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
	from, err := x.syncFrom(r.book, q.token)
	if err != nil {
		return x.refuseToken(err)
	}
	changes, err := r.book.Since(from.position)
	if err != nil {
		return x.refuseToken(err)
	}
	l := x.newLister(q.sel)
	end := x.tokenOf(r.book)
	at := from.position
	healed, whole := l.heal(r.book, from, q.limit)
	if whole {
		healed = end.heal
		at, whole = l.changes(r.book, changes, from, q.limit)
	}
	if !whole {
		end.position, end.heal = at, healed
		l.truncated(r.book)
	}
	x.synced(r.book, from, end, whole)
	l.out.str("<d:sync-token>")
	l.out.str(end.String())
	l.out.str("</d:sync-token>")
	l.out.closeMultistatus()
	return nil
}

// changes writes at most limit responses (0 = no limit) and returns how far
// they go; whole = nothing is left.
func (l *lister) changes(b *index.Book, changes iter.Seq[index.Changed], from start, limit int) (at index.Position, whole bool) {
	href, p := l.x.tree.bookHref(b), l.plan(kindCard)
	for c := range changes {
		if c.Entry == nil && !from.tombstones || from.told(c.ID) {
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

// A start is where a client goes on.
type start struct {
	position   index.Position
	tombstones bool // it must hear of contacts that are gone
	knew       bool // it gave a token of what it sees now
	// heals are the refused writes that it has not heard the truth about. They are
	// told first, so that a page which ends among them has a place to go on from.
	heals []directory.Heal
}

// told reports whether the client has just heard of a card.
func (s start) told(id directory.ContactID) bool {
	if len(s.heals) == 0 {
		return false // nearly always: no name is built
	}
	name := string(id) + cardSuffix
	return slices.ContainsFunc(s.heals, func(h directory.Heal) bool { return h.Name == name })
}

// syncFrom says from where a client with that token goes on.
func (x *exchange) syncFrom(b *index.Book, s string) (start, error) {
	if s == "" {
		return start{}, nil
	}
	t, ok := parseToken(s)
	if ok && (t.epoch != x.view.Epoch() || t.position.Revision > x.view.Revision()) {
		return start{}, fmt.Errorf("token of epoch %s at revision %d: %w", t.epoch, t.position.Revision, directory.ErrRevisionGone)
	}
	sees := ok && t.scope == x.scope(b)
	if b.Forgotten() && !sees {
		return start{}, fmt.Errorf("token of a book that is no more: %w", directory.ErrRevisionGone)
	}
	// macOS sends a UUID that no server gave it, and gives up if that is refused.
	// Whatever it has from elsewhere is told gone.
	from := start{tombstones: true, heals: x.heals.After(b.Name(), t.heal)}
	if sees && t.heal >= x.heals.Whole && t.heal <= x.heals.Count {
		from.position, from.knew = t.position, true
	}
	return from, nil
}

// heal tells the truth about what the client was refused to write and shows all
// the same: the card as it is, or that there is none. It returns up to which number
// it has, and whether that was all.
func (l *lister) heal(b *index.Book, from start, limit int) (healed uint64, all bool) {
	href, p := l.x.tree.bookHref(b), l.plan(kindCard)
	for _, h := range from.heals {
		if limit > 0 && l.x.responses >= limit {
			return healed, false
		}
		id, isCard := strings.CutSuffix(h.Name, cardSuffix)
		if e := b.Entry(directory.ContactID(id)); isCard && e != nil {
			l.member(href, resource{kind: kindCard, book: b, entry: e}, p)
		} else {
			l.gone(href + h.Name)
		}
		healed = h.Number
		if l.out.failed() {
			break
		}
	}
	return healed, true
}

// synced says what the client knows now.
func (x *exchange) synced(b *index.Book, from start, end token, whole bool) {
	x.visit.Step, x.visit.Book = directory.StepSync, b.Name()
	if !whole {
		return
	}
	x.told(b, end.position.Revision, end.heal)
	x.visit.Knew = from.knew && x.responses == 0
	if !from.knew {
		x.visit.Members = x.responses
	}
}

// told notes that the device knows all of a book, up to a revision and a refused write.
func (x *exchange) told(b *index.Book, rev directory.Revision, healed uint64) {
	x.visit.Told, x.visit.Revision, x.visit.Healed = true, rev, healed
	x.visit.Drained = b.Drained()
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

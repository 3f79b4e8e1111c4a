package carddav

import (
	"fmt"
	"net/http"
	"strings"

	"ringbook/directory"
)

// propfind answers PROPFIND (RFC 4918 §9.1).
func (x *exchange) propfind() error {
	depth, err := propfindDepth(x.r.Header.Get("Depth"))
	if err != nil {
		return err
	}
	res, err := x.find()
	if err != nil {
		return err
	}
	s, err := x.newScanner()
	if err != nil {
		return err
	}
	defer s.free(x)
	sel, err := parsePropfind(s)
	if err != nil {
		return err
	}
	sel.withoutData()
	l := x.newLister(sel)
	l.resource(res)
	if depth > 0 {
		l.children(res)
	}
	l.out.closeMultistatus()
	x.looked(res, depth)
	return nil
}

// looked says how far the client has come.
func (x *exchange) looked(r resource, depth int) {
	switch r.kind {
	case kindPrincipal:
		x.visit.Step = directory.StepPrincipal
	case kindHome:
		x.visit.Step = directory.StepHome
	case kindBook:
		x.visit.Step, x.visit.Book = directory.StepBook, r.book.Name()
		x.visit.Looked, x.visit.Drained = depth == 0, r.book.Drained()
		if depth > 0 {
			x.visit.Step, x.visit.Members = directory.StepSync, x.responses-1
			x.told(r.book, r.book.Revision(), x.heals.Last(r.book.Name()))
		}
	default: // on its way
	}
}

// propfindDepth reads Depth. None means "infinity" in RFC 4918; those who leave
// it away want to see what is there, so they get as much as we serve.
func propfindDepth(header string) (int, error) {
	switch strings.ToLower(strings.TrimSpace(header)) {
	case "0":
		return 0, nil
	case "1", "":
		return 1, nil
	case "infinity":
		return 0, &statusError{status: http.StatusForbidden, condition: conditionDepth, text: "depth infinity is not served"}
	}
	return 0, fmt.Errorf("depth %q: %w", header, directory.ErrInvalid)
}

// withoutData: address-data is no property, and PROPFIND knows it as little as
// any other unknown name (RFC 6352 §10.4).
func (sel *selection) withoutData() {
	if sel.data != nil {
		sel.data = nil
		sel.names = append(sel.names, nameCardData)
	}
}

// children writes the responses of a collection's members.
func (l *lister) children(r resource) {
	switch r.kind {
	case kindPrincipals:
		l.resource(resource{kind: kindPrincipal})
	case kindHome:
		for _, b := range l.x.tree.books {
			l.resource(resource{kind: kindBook, book: b})
		}
	case kindBook:
		href, p := l.x.tree.bookHref(r.book), l.plan(kindCard)
		for e := range r.book.All() {
			l.member(href, resource{kind: kindCard, book: r.book, entry: e}, p)
			if l.out.failed() {
				return
			}
		}
	default: // has no members that are told
	}
}

package carddav

import (
	"strings"

	"ringbook/directory"
	"ringbook/directory/index"
)

// The tree that a device sees. Nothing in a path ever needs escaping, so that
// the one spelling of an href is the same in every answer.
const (
	rootHref       = "/dav/"
	principalsHref = "/dav/p/"
	homesHref      = "/dav/ab/"
	cardSuffix     = ".vcf"
)

// A kind is what a resource is; kinds are bits, so that tables can name several.
type kind uint8

const (
	kindRoot kind = 1 << iota
	kindPrincipals
	kindPrincipal
	kindHome
	kindBook
	kindCard

	kindAll = kindRoot | kindPrincipals | kindPrincipal | kindHome | kindBook | kindCard
)

func (k kind) String() string {
	switch k {
	case kindRoot:
		return "root"
	case kindPrincipals:
		return "principals"
	case kindPrincipal:
		return "principal"
	case kindHome:
		return "home"
	case kindBook:
		return "book"
	case kindCard:
		return "card"
	default:
		return "" // nothing was found
	}
}

// A resource is one thing with an href.
type resource struct {
	kind  kind
	book  *index.Book  // of kindBook and kindCard
	entry *index.Entry // of kindCard
}

// A tree is what one device sees.
type tree struct {
	login directory.Login
	books []*index.Book
}

// resolve finds the resource of a decoded path. A collection may be spelt
// without its last slash.
func (t tree) resolve(path string) (resource, bool) {
	rest, ok := strings.CutPrefix(path, rootHref)
	if !ok {
		return resource{kind: kindRoot}, path+"/" == rootHref
	}
	branch, rest, _ := strings.Cut(rest, "/")
	switch branch {
	case "":
		return resource{kind: kindRoot}, path == rootHref
	case "p":
		login, _ := strings.CutSuffix(rest, "/")
		if rest == "" {
			return resource{kind: kindPrincipals}, true
		}
		return resource{kind: kindPrincipal}, login == string(t.login)
	case "ab":
		login, rest, _ := strings.Cut(rest, "/")
		if login != string(t.login) {
			return resource{}, false
		}
		return t.inHome(rest)
	}
	return resource{}, false
}

// inHome resolves what stands behind the home's href.
func (t tree) inHome(rest string) (resource, bool) {
	if rest == "" {
		return resource{kind: kindHome}, true
	}
	name, rest, _ := strings.Cut(rest, "/")
	for _, b := range t.books {
		if string(b.Name()) != name {
			continue
		}
		if rest == "" {
			return resource{kind: kindBook, book: b}, true
		}
		id, ok := strings.CutSuffix(rest, cardSuffix)
		if !ok {
			return resource{}, false
		}
		e := b.Entry(directory.ContactID(id))
		return resource{kind: kindCard, book: b, entry: e}, e != nil
	}
	return resource{}, false
}

func (t tree) principalHref() string { return principalsHref + string(t.login) + "/" }

func (t tree) homeHref() string { return homesHref + string(t.login) + "/" }

func (t tree) bookHref(b *index.Book) string { return t.homeHref() + string(b.Name()) + "/" }

// href returns the one spelling of a resource's href.
func (t tree) href(r resource) string {
	switch r.kind {
	case kindRoot:
		return rootHref
	case kindPrincipals:
		return principalsHref
	case kindPrincipal:
		return t.principalHref()
	case kindHome:
		return t.homeHref()
	case kindBook:
		return t.bookHref(r.book)
	default:
		return t.bookHref(r.book) + string(r.entry.Contact().ID) + cardSuffix
	}
}

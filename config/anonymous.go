package config

import (
	"fmt"
	"net/netip"
	"slices"

	"ringbook/directory"
	"ringbook/directory/index"
)

// defaultAnonymousHits: a screen of a printer shows ten.
const defaultAnonymousHits = 50

// anonymous reads the [[ldap.anonymous]] tables. What cannot be read lets nobody in:
// nothing is guessed.
func (r *reader) anonymous() {
	for i, table := range r.lists[listAnonymous] {
		a := AnonymousLDAP{Hits: defaultAnonymousHits, Numbers: directory.NumbersE164}
		var books, attributes []string
		numbers := string(a.Numbers)
		wrong := r.table(listAnonymous, i, table, []setting{
			choice("listener", &a.Listener, ListenerLDAP, ListenerLDAPS, ListenerLegacy),
			networks("networks", &a.Networks), texts("books", &books), texts("attributes", &attributes),
			count("hits", &a.Hits, 1, maxLDAPHits), choice("numbers", &numbers, profiles()...),
		})
		a.Numbers = directory.NumberProfile(numbers)
		r.checkAnonymous(i, a, books, attributes, wrong)
		a.Books = r.anonymousBooks(i, books)
		a.Attributes = r.anonymousAttributes(i, attributes)
		r.cfg.LDAP.Anonymous = append(r.cfg.LDAP.Anonymous, a)
	}
}

func (r *reader) anonymousBooks(i int, names []string) []directory.BookName {
	var books []directory.BookName
	for _, n := range names {
		if !slices.ContainsFunc(r.cfg.Books, func(b directory.Book) bool { return string(b.Name) == n }) {
			r.addTo(listAnonymous, i, "books", fmt.Sprintf("there is no book %q", n), "Name one that [[book]] makes, or people if there is none.")
			continue
		}
		books = append(books, directory.BookName(n))
	}
	return books
}

func (r *reader) anonymousAttributes(i int, names []string) []string {
	var attributes []string
	for _, n := range names {
		a, ok := index.ParseAttribute(n)
		if !ok || a.Operational() {
			r.addTo(listAnonymous, i, "attributes", fmt.Sprintf("%q is nothing that a contact shows", n), `Name attributes like "cn", "telephoneNumber", "mobile", "mail".`)
			continue
		}
		if !slices.Contains(attributes, a.Name()) {
			attributes = append(attributes, a.Name())
		}
	}
	return attributes
}

func profiles() []string {
	var all []string
	for _, p := range directory.NumberProfiles() {
		all = append(all, string(p))
	}
	return all
}

// checkEclipsed refuses networks that another table has already: of several the first
// counts, and the others would do nothing.
func (r *reader) checkEclipsed(i int, a AnonymousLDAP) {
	for _, above := range r.cfg.LDAP.Anonymous {
		for _, n := range a.Networks {
			in := func(p netip.Prefix) bool { return p.Bits() <= n.Bits() && p.Contains(n.Addr()) }
			if above.Listener == a.Listener && slices.ContainsFunc(above.Networks, in) {
				r.addTo(listAnonymous, i, "networks", n.String()+" is in a network of a table above, which counts",
					"Put this table before that one, or take the network out.")
			}
		}
	}
}

// checkAnonymous refuses what would let in nobody, or too much. Keys that are wrong
// were reported already.
func (r *reader) checkAnonymous(i int, a AnonymousLDAP, books, attributes, wrong []string) {
	for _, one := range []struct {
		key  string
		set  bool
		mend string
	}{
		{"listener", a.Listener != "", "Write ldap, ldaps or legacy."},
		{"networks", len(a.Networks) > 0, `Name whose clients need no login, such as ["10.20.0.0/16"].`},
		{"books", len(books) > 0, `Name what they may search, such as ["people"].`},
		{"attributes", len(attributes) > 0, `Name what they may see, such as ["cn", "telephoneNumber"].`},
	} {
		if !one.set && !slices.Contains(wrong, one.key) {
			r.addTo(listAnonymous, i, one.key, "it is not set", one.mend)
		}
	}
	r.checkEclipsed(i, a)
	l := r.cfg.LDAP
	listens := map[string]string{ListenerLDAP: l.Listen, ListenerLDAPS: l.LDAPSListen, ListenerLegacy: l.Legacy.Listen}
	if a.Listener != "" && listens[a.Listener] == "" {
		r.addTo(listAnonymous, i, "listener", fmt.Sprintf("the listener %q is off", a.Listener), "Switch it on, or remove this table.")
	}
}

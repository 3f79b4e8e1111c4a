package ldap

import (
	"fmt"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"ringbook/directory"
)

// maxDN is the longest distinguished name we read, in octets: our own are below
// 200, Konica's printers send at most 255.
const maxDN = 512

// A tree knows the names of its entries.
type tree struct {
	base   string // as configured, without blanks around it
	parsed *goldap.DN
	top    object // the base
}

// newTree checks a base DN. [directory.ErrInvalid] = it cannot be one.
func newTree(base string) (tree, error) {
	base = strings.TrimSpace(base)
	dn, err := parseDN(base)
	switch {
	case len(base) > maxDN/2:
		return tree{}, fmt.Errorf("base DN of %d bytes, %d at most: %w", len(base), maxDN/2, directory.ErrInvalid)
	case err != nil:
		return tree{}, fmt.Errorf("base DN %q: %w: %w", base, err, directory.ErrInvalid)
	case len(dn.RDNs) == 0 || dn.RDNs[0].Attributes[0].Value == "":
		return tree{}, fmt.Errorf("base DN %q names nothing: %w", base, directory.ErrInvalid)
	case isSchema(dn):
		return tree{}, fmt.Errorf("base DN %q is that of the schema: %w", base, directory.ErrInvalid)
	}
	t := tree{base: base, parsed: dn}
	t.top = t.baseObject()
	return t, nil
}

func (t tree) bookDN(b directory.BookName) string { return "ou=" + string(b) + "," + t.base }

// appendContactDN appends uid=<id>,ou=<book>,<base>; neither id nor book has
// characters that a DN escapes.
func (t tree) appendContactDN(dst []byte, b directory.BookName, id directory.ContactID) []byte {
	dst = append(append(dst, "uid="...), id...)
	dst = append(append(dst, ",ou="...), b...)
	return append(append(dst, ','), t.base...)
}

// bindDN returns the DN as which a device binds.
func (t tree) bindDN(l directory.Login) string { return "cn=" + string(l) + "," + t.base }

// A placeKind says what a DN names.
type placeKind int

const (
	placeRoot      placeKind = iota // "": the root DSE
	placeSchema                     // cn=subschema
	placeBase                       // the base itself
	placeBook                       // ou=<book>,<base>
	placeContact                    // uid=<id>,ou=<book>,<base>
	placeNothing                    // below the base, but of no form that we have; book and id are what stands above it
	placeElsewhere                  // not ours, or not readable
)

// A place is a DN as we understand it; whether there is such a book or contact is
// another question.
type place struct {
	kind placeKind
	book directory.BookName
	id   directory.ContactID
}

// locate reads a DN of at most maxDN octets.
func (t tree) locate(dn string) place {
	if dn == "" {
		return place{kind: placeRoot}
	}
	if strings.EqualFold(dn, t.base) {
		return place{kind: placeBase}
	}
	if book, ok := t.plainBook(dn); ok {
		return place{kind: placeBook, book: book}
	}
	d, err := parseDN(dn)
	if err != nil {
		return place{kind: placeElsewhere}
	}
	switch {
	case len(d.RDNs) == 0:
		return place{kind: placeRoot}
	case t.parsed.EqualFold(d):
		return place{kind: placeBase}
	case isSchema(d):
		return place{kind: placeSchema}
	case !t.parsed.AncestorOfFold(d):
		return place{kind: placeElsewhere}
	}
	return below(d.RDNs[:len(d.RDNs)-len(t.parsed.RDNs)])
}

// plainBook reads the DN of a book as we write it, and as phones do, without taking it
// apart: every search names one.
func (t tree) plainBook(dn string) (directory.BookName, bool) {
	const typ = "ou="
	at := len(dn) - len(t.base) - 1
	if at <= len(typ) || dn[at] != ',' || !strings.EqualFold(dn[at+1:], t.base) || !strings.EqualFold(dn[:len(typ)], typ) {
		return "", false
	}
	book, err := directory.ParseBookName(dn[len(typ):at]) // in which nothing needs an escape
	return book, err == nil
}

func isSchema(d *goldap.DN) bool {
	cn, ok := single(d.RDNs[0], "cn")
	return ok && len(d.RDNs) == 1 && strings.EqualFold(cn, "subschema")
}

// below reads the part of a DN that stands before the base.
func below(rdns []*goldap.RelativeDN) place {
	ou, ok := single(rdns[len(rdns)-1], "ou")
	book, err := directory.ParseBookName(strings.ToLower(ou))
	if !ok || err != nil {
		return place{kind: placeNothing}
	}
	if len(rdns) == 1 {
		return place{kind: placeBook, book: book}
	}
	uid, ok := single(rdns[len(rdns)-2], "uid")
	id, err := directory.ParseContactID(uid)
	switch {
	case !ok || err != nil:
		return place{kind: placeNothing, book: book}
	case len(rdns) > 2: // contacts have nothing below them
		return place{kind: placeNothing, book: book, id: id}
	}
	return place{kind: placeContact, book: book, id: id}
}

// single returns the value of an RDN of one attribute of the given type.
func single(r *goldap.RelativeDN, typ string) (string, bool) {
	if len(r.Attributes) != 1 || !strings.EqualFold(r.Attributes[0].Type, typ) {
		return "", false
	}
	return r.Attributes[0].Value, true
}

// loginOf reads the name of a bind: a DN whose first value is the login
// (cn=<login>,<base>, whatever type and base people typed), <login> or
// <login>@anything. false = it starts like a DN and is none.
func loginOf(name string) (string, bool) {
	login := name
	if strings.Contains(name, "=") {
		dn, err := goldap.ParseDN(name)
		if err != nil || len(dn.RDNs) == 0 {
			return "", false
		}
		login = dn.RDNs[0].Attributes[0].Value
	}
	login, _, _ = strings.Cut(login, "@")
	return strings.ToLower(strings.TrimSpace(login)), true
}

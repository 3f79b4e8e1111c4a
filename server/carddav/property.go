package carddav

import (
	"encoding/xml"
	"net/http"
	"strconv"
)

// A property is one DAV property, and where it is.
type property struct {
	name  xml.Name
	kinds kind
	all   bool // answered to allprop (RFC 4918 §9.1, RFC 6352 §6.2)
	// write writes the value into x.out.
	write func(x *exchange, r *resource)
	// link is set if the value is the href of another resource.
	link func() resource

	open, close string // the tags
}

type properties []property

// find returns the property of that name on resources of kind k; nil = none.
func (ps properties) find(n xml.Name, k kind) *property {
	for i := range ps {
		if p := &ps[i]; p.kinds&k != 0 && p.name.Local == n.Local && p.name.Space == n.Space {
			return p
		}
	}
	return nil
}

// maxResource is announced as the largest card: what the largest photo makes,
// and room for the rest.
const maxResource = 100 << 10

// propertyTable lists what PROPFIND and expand-property answer. There is no
// creationdate, which RFC 4918 §15.1 only recommends: the mirror knows when a contact
// last changed, not since when there is one, and no client asks.
func propertyTable() properties {
	dav := func(local string, kinds kind, write func(*exchange, *resource)) property {
		return property{name: xml.Name{Space: nsDAV, Local: local}, kinds: kinds, write: write}
	}
	carddav := func(local string, kinds kind, write func(*exchange, *resource)) property {
		return property{name: xml.Name{Space: nsCardDAV, Local: local}, kinds: kinds, write: write}
	}
	link := func(p property, to kind) property {
		p.link = func() resource { return resource{kind: to} }
		p.write = func(x *exchange, _ *resource) {
			x.out.str("<d:href>")
			x.out.str(x.tree.href(resource{kind: to}))
			x.out.str("</d:href>")
		}
		return p
	}
	always := func(p property) property { p.all = true; return p }
	ps := properties{
		// Cards, in the order in which they are asked for most.
		always(dav("getetag", kindCard, writeETag)),
		always(dav("resourcetype", kindAll, writeResourceType)),
		always(dav("getcontenttype", kindCard, fixed(cardType))),
		always(dav("getcontentlength", kindCard, writeLength)),
		always(dav("getlastmodified", kindCard, writeModified)),

		always(dav("displayname", kindAll, writeDisplayName)),
		{name: xml.Name{Space: nsServer, Local: "getctag"}, kinds: kindBook, write: writeToken},
		dav("sync-token", kindBook, writeToken),
		dav("supported-report-set", kindAll, writeReports),
		carddav("addressbook-description", kindBook, func(x *exchange, r *resource) { x.out.text(r.book.Title()) }),
		carddav("supported-address-data", kindBook, fixed(`<card:address-data-type content-type="text/vcard" version="3.0"/>`)),
		carddav("supported-collation-set", kindBook, fixed("<card:supported-collation>i;ascii-casemap</card:supported-collation>"+
			"<card:supported-collation>i;unicode-casemap</card:supported-collation>"+
			"<card:supported-collation>i;octet</card:supported-collation>")),
		carddav("max-resource-size", kindBook, fixed(strconv.Itoa(maxResource))),

		// RFC 3744. Without write, write-content or all, every client shows the
		// book as read-only.
		dav("current-user-privilege-set", kindAll, fixed("<d:privilege><d:read/></d:privilege>"+
			"<d:privilege><d:read-current-user-privilege-set/></d:privilege>")),
		dav("supported-privilege-set", kindAll, fixed("<d:supported-privilege><d:privilege><d:read/></d:privilege>"+
			`<d:description xml:lang="en">Read</d:description><d:supported-privilege><d:privilege>`+
			`<d:read-current-user-privilege-set/></d:privilege><d:abstract/>`+
			`<d:description xml:lang="en">Read what may be done</d:description></d:supported-privilege></d:supported-privilege>`)),
		link(dav("owner", kindHome|kindBook|kindCard, nil), kindPrincipal),
		link(dav("principal-collection-set", kindAll, nil), kindPrincipals),
		link(dav("principal-URL", kindPrincipal, nil), kindPrincipal),
		dav("alternate-URI-set", kindPrincipal, fixed("")),
		dav("group-member-set", kindPrincipal, fixed("")),
		dav("group-membership", kindPrincipal, fixed("")),

		link(dav("current-user-principal", kindAll, nil), kindPrincipal), // RFC 5397
		link(carddav("addressbook-home-set", kindPrincipal, nil), kindHome),
	}
	for i := range ps {
		tag := prefix(ps[i].name.Space) + ps[i].name.Local
		ps[i].open, ps[i].close = "<"+tag+">", "</"+tag+">"
	}
	return ps
}

func fixed(value string) func(*exchange, *resource) {
	return func(x *exchange, _ *resource) { x.out.str(value) }
}

func writeResourceType(x *exchange, r *resource) {
	switch r.kind {
	case kindBook:
		x.out.str("<d:collection/><card:addressbook/>")
	case kindPrincipal:
		x.out.str("<d:collection/><d:principal/>")
	case kindCard:
	default:
		x.out.str("<d:collection/>")
	}
}

func writeDisplayName(x *exchange, r *resource) {
	switch r.kind {
	case kindBook:
		x.out.text(r.book.Title())
	case kindPrincipal:
		x.out.text(x.device.Name)
	case kindCard:
		x.out.text(x.style.names.Name(r.entry.Contact()))
	default:
		x.out.str("Ringbook")
	}
}

func writeToken(x *exchange, r *resource) {
	x.out.str(x.tokenOf(r.book).String())
}

// writeReports writes DAV:supported-report-set (RFC 3253 §3.1.5) from the table
// by which reports are dispatched.
func writeReports(x *exchange, r *resource) {
	for _, p := range x.h.reports {
		if p.kinds&r.kind != 0 {
			x.out.str("<d:supported-report><d:report>")
			x.out.emptyElement(p.name)
			x.out.str("</d:report></d:supported-report>")
		}
	}
}

func writeETag(x *exchange, r *resource) {
	t, err := x.cardTag()
	if err != nil {
		x.out.fail(err)
		return
	}
	var room [64]byte
	x.out.bytes(x.appendETag(room[:0], t, r))
}

func writeLength(x *exchange, _ *resource) {
	t, err := x.cardTag()
	if err != nil {
		x.out.fail(err)
		return
	}
	var room [20]byte
	x.out.bytes(strconv.AppendInt(room[:0], int64(t.size), 10))
}

func writeModified(x *exchange, r *resource) {
	var room [len(http.TimeFormat)]byte
	x.out.bytes(r.entry.Modified().UTC().AppendFormat(room[:0], http.TimeFormat))
}

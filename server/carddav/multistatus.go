package carddav

import (
	"encoding/xml"
	"net/http"
	"slices"
	"strings"

	"ringbook/directory"
	"ringbook/directory/index"
)

// The frame of every XML answer. Its prefixes are those that naive clients know.
const (
	xmlType        = "application/xml; charset=utf-8"
	xmlDeclaration = `<?xml version="1.0" encoding="utf-8"?>` + "\n"
	xmlNamespaces  = ` xmlns:d="` + nsDAV + `" xmlns:card="` + nsCardDAV + `" xmlns:cs="` + nsServer + `"`

	// Thunderbird and old iOS compare the status as a string.
	statusOK        = "<d:status>HTTP/1.1 200 OK</d:status>"
	statusForbidden = "<d:status>HTTP/1.1 403 Forbidden</d:status>"
	statusNotFound  = "<d:status>HTTP/1.1 404 Not Found</d:status>"
	statusTooMany   = "<d:status>HTTP/1.1 507 Insufficient Storage</d:status>"
)

// prefix returns the prefix of a namespace in xmlNamespaces; "" = it has none.
func prefix(space string) string {
	switch space {
	case nsDAV:
		return "d:"
	case nsCardDAV:
		return "card:"
	case nsServer:
		return "cs:"
	}
	return ""
}

// emptyElement writes <name/> with whatever namespace it has.
func (s *stream) emptyElement(n xml.Name) {
	if p := prefix(n.Space); p != "" || n.Space == "" {
		s.str("<" + p + n.Local + "/>")
		return
	}
	s.str("<x:" + n.Local + ` xmlns:x="`)
	s.text(n.Space)
	s.str(`"/>`)
}

// openMultistatus begins a DAV:multistatus (RFC 4918 §13).
func (x *exchange) openMultistatus(p *minimal) *stream {
	if p.applied {
		x.w.Header().Set("Preference-Applied", "return=minimal")
	}
	out := x.openStream(http.StatusMultiStatus)
	out.str(xmlDeclaration + "<d:multistatus" + xmlNamespaces + ">")
	return out
}

func (s *stream) closeMultistatus() { s.str("</d:multistatus>\n") }

// minimal says whether the client wants to hear of missing properties.
type minimal struct {
	on      bool
	applied bool // asked for with Prefer (RFC 8144), not with Brief
}

func minimalOf(h http.Header) *minimal {
	m := &minimal{}
	for _, line := range h.Values("Prefer") {
		for p := range strings.SplitSeq(line, ",") {
			m.applied = m.applied || isMinimal(p)
		}
	}
	m.on = m.applied || strings.EqualFold(h.Get("Brief"), "t")
	return m
}

// isMinimal reads one preference (RFC 7240 §2). Its parameters are not looked at;
// return-minimal is what clients sent before there was a standard.
func isMinimal(preference string) bool {
	preference, _, _ = strings.Cut(preference, ";")
	name, value, _ := strings.Cut(preference, "=")
	name, value = strings.TrimSpace(name), strings.Trim(strings.TrimSpace(value), `"`)
	return strings.EqualFold(name, "return-minimal") || strings.EqualFold(name, "return") && strings.EqualFold(value, "minimal")
}

// A plan is a selection worked out for one kind of resource, once a request.
type plan struct {
	found   []*property
	data    *cardData
	missing []xml.Name
}

// plan works sel out for resources of kind k.
func (x *exchange) plan(k kind, sel selection, m *minimal) *plan {
	p := &plan{}
	if k == kindCard {
		p.data = sel.data
	} else if sel.data != nil && sel.mode == selectProps {
		p.missing = append(p.missing, nameCardData)
	}
	if sel.mode != selectProps {
		for i := range x.h.props {
			if q := &x.h.props[i]; q.kinds&k != 0 && (q.all || sel.mode == selectNames) {
				p.found = append(p.found, q)
			}
		}
	}
	for _, n := range sel.names {
		switch q := x.h.props.find(n, k); {
		case q == nil:
			p.missing = append(p.missing, n)
		case !slices.Contains(p.found, q):
			p.found = append(p.found, q)
		}
	}
	if m.on {
		p.missing = nil
	}
	return p
}

// A lister writes responses, each kind of resource by its own plan.
type lister struct {
	x     *exchange
	out   *stream
	sel   selection
	min   *minimal
	plans map[kind]*plan
	res   resource // being written; here, so that a long listing makes no garbage
}

func (x *exchange) newLister(sel selection) *lister {
	m := minimalOf(x.r.Header)
	out := x.openMultistatus(m)
	if sel.data != nil && x.style.photos != directory.PhotoNone {
		// JPEG is compressed already: a quarter less to send is not worth ten
		// times the work, when a hundred phones come at once.
		out.gzip = false
	}
	return &lister{x: x, out: out, sel: sel, min: m, plans: make(map[kind]*plan, 2)}
}

func (l *lister) plan(k kind) *plan {
	p := l.plans[k]
	if p == nil {
		p = l.x.plan(k, l.sel, l.min)
		l.plans[k] = p
	}
	return p
}

// resource writes the response of any resource.
func (l *lister) resource(r resource) {
	if r.kind == kindCard {
		l.member(l.x.tree.bookHref(r.book), r, l.plan(kindCard))
		return
	}
	l.out.str("<d:response><d:href>")
	l.out.str(l.x.tree.href(r))
	l.out.str("</d:href>")
	l.props(r, l.plan(r.kind))
}

// member writes the response of a card; book is the href of its book.
func (l *lister) member(book string, r resource, p *plan) {
	l.x.take(r.entry)
	if p.data != nil {
		// Drawn first, so that the ETag is that of these very bytes.
		if _, err := l.x.cardBody(); err != nil {
			l.out.fail(err)
			return
		}
	}
	l.out.str("<d:response><d:href>")
	l.out.str(book)
	l.out.str(string(r.entry.Contact().ID))
	l.out.str(cardSuffix + "</d:href>")
	l.props(r, p)
}

// props writes the propstats, that of 200 first, and ends the response.
func (l *lister) props(r resource, p *plan) {
	l.x.responses++
	l.res = r
	out := l.out
	if len(p.found) > 0 || p.data != nil || len(p.missing) == 0 {
		out.str("<d:propstat><d:prop>")
		for _, q := range p.found {
			if l.sel.mode == selectNames {
				out.emptyElement(q.name)
				continue
			}
			l.x.value(q, &l.res)
		}
		if p.data != nil {
			l.cardData(p.data)
		}
		out.str("</d:prop>" + statusOK + "</d:propstat>")
	}
	l.missing(p.missing)
	out.str("</d:response>")
}

// missing writes the propstat of what was asked for and is not there.
func (l *lister) missing(names []xml.Name) {
	if len(names) == 0 {
		return
	}
	l.out.str("<d:propstat><d:prop>")
	for _, n := range names {
		l.out.emptyElement(n)
	}
	l.out.str("</d:prop>" + statusNotFound + "</d:propstat>")
}

// value writes one property with its value.
func (x *exchange) value(q *property, r *resource) {
	x.out.str(q.open)
	q.write(x, r)
	x.out.str(q.close)
}

// cardData writes CARDDAV:address-data of the card taken.
func (l *lister) cardData(d *cardData) {
	l.x.visit.Step, l.x.visit.Book = directory.StepSync, l.res.book.Name()
	l.x.visit.Cards++
	l.out.str("<card:address-data>")
	b := l.x.card.body
	if len(d.props) == 0 {
		l.out.cardText(b)
	} else {
		for line := range lines(b) {
			l.out.cardText(line.only(d.props))
		}
	}
	l.out.str("</card:address-data>")
}

// gone writes the response of an href that is not, or no more, there.
func (l *lister) gone(href string) {
	l.x.responses++
	l.out.str("<d:response><d:href>")
	l.out.text(href)
	l.out.str("</d:href>" + statusNotFound + "</d:response>")
}

// truncated writes the response by which iOS, DAVx5 and Evolution alike see
// that there is more (RFC 6578 §3.6, RFC 6352 §8.6.2).
func (l *lister) truncated(b *index.Book) {
	l.x.responses++
	l.out.str("<d:response><d:href>")
	l.out.str(l.x.tree.bookHref(b))
	l.out.str("</d:href>" + statusTooMany + "<d:error>" + conditionLimits + "</d:error></d:response>")
}

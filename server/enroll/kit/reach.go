package kit

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"ringbook/directory"
)

// ways are how a phone can speak LDAP, each with the value that says so in its
// configuration; "" = it cannot.
type ways struct{ plain, startTLS, ldaps string }

type way int

const (
	wayNone way = iota // it asks over HTTPS
	wayPlain
	wayStartTLS
	wayLDAPS
)

// The registered ports (RFC 4516 §2; IANA for ldaps).
const (
	portLDAP  = "389"
	portLDAPS = "636"
)

func usualPort(w way) string {
	if w == wayLDAPS {
		return portLDAPS
	}
	return portLDAP
}

// A route is the way that a phone is to take.
type route struct {
	way    way
	tls    string // how its configuration says so
	host   string
	port   string
	book   *url.URL // of the public URL
	advice []string
}

// server is the host with its port, also the usual one.
func (w *route) server() string { return net.JoinHostPort(w.host, w.port) }

// hostOf is the host, with its port unless that is the usual one.
func (w *route) hostOf(usual string) string {
	if w.port == usual {
		return w.host
	}
	return w.server()
}

func (w *route) uri() string {
	if w.way == wayLDAPS {
		return "ldaps://" + w.server()
	}
	return "ldap://" + w.server()
}

// reach chooses the best way that phone and server have in common. Where they
// have none, it is the one that the phone needs, and the advice says what to do.
func (r *row) reach(a Access) (route, error) {
	public, err := url.Parse(a.PublicURL)
	if err != nil || public.Hostname() == "" {
		return route{}, fmt.Errorf("public URL %q: must be https://host[:port]: %w", a.PublicURL, directory.ErrInvalid)
	}
	w := route{host: public.Hostname(), book: public}
	if r.ways == (ways{}) {
		return w, nil
	}
	encrypted := "The phone must trust the server's certificate, and its clock must be right."
	switch {
	case r.ways.ldaps != "" && a.LDAPS != "":
		return w.take(wayLDAPS, r.ways.ldaps, a.LDAPS, encrypted)
	case r.ways.startTLS != "" && a.LDAP != "" && a.StartTLS:
		return w.take(wayStartTLS, r.ways.startTLS, a.LDAP, encrypted)
	case r.ways.plain != "" && a.LDAP != "" && a.Plain:
		return w.take(wayPlain, r.ways.plain, a.LDAP, "Login and names cross the network readable for everybody on it: use a voice network of your own.")
	case r.ways.ldaps != "":
		return w.take(wayLDAPS, r.ways.ldaps, a.LDAPS, r.title+" needs LDAPS, which this server does not serve: set ldap.ldaps_listen, and a certificate.")
	}
	return w.take(wayPlain, r.ways.plain, a.LDAP, r.title+" knows no TLS, and this server refuses logins without: "+
		"on a voice network of your own set ldap.allow_plain = true (and ldap.listen); else take another way.")
}

// take goes to a listener; "" = there is none, so that its usual port is taken.
func (w *route) take(how way, tls, uri, advice string) (route, error) {
	t := *w
	t.way, t.tls, t.port = how, tls, usualPort(how)
	t.advice = []string{advice}
	if uri == "" {
		return t, nil
	}
	u, err := url.Parse(uri)
	if err != nil || u.Hostname() == "" {
		return route{}, fmt.Errorf("LDAP URI %q: must be ldap://host[:port]: %w", uri, directory.ErrInvalid)
	}
	t.host, t.port = u.Hostname(), cmp.Or(u.Port(), t.port)
	return t, nil
}

// defaultHits is how many entries a phone asks for: nobody scrolls further.
const defaultHits = 50

// values are what a row's placeholders stand for.
func (r *row) values(a Access, d directory.Device, w route, secret string) map[string]string {
	hits := cmp.Or(d.Hits, defaultHits)
	if r.maxHits > 0 {
		hits = min(hits, r.maxHits)
	}
	v := map[string]string{
		"title": a.Title, "host": w.host, "base": a.BaseDN, "base-url": url.PathEscape(a.BaseDN),
		"bind": a.BindDN, "login": string(d.Login), "secret": secret,
		"tls": w.tls, "hits": strconv.Itoa(hits),
	}
	if len(d.Books) > 0 {
		v["book"] = "ou=" + string(d.Books[0]) + "," + a.BaseDN
	}
	if w.way != wayNone {
		v["port"], v["server"], v["uri"] = w.port, w.server(), w.uri()
	}
	for i, f := range r.names {
		v["name-filter-"+strconv.Itoa(i+1)] = f
	}
	for i, f := range r.numbers {
		v["number-filter-"+strconv.Itoa(i+1)] = f
	}
	if r.book != "" {
		at := w.book.JoinPath(r.book)
		v["book-url"] = at.String()
		v["book-place"] = at.Host + "/" + strings.TrimPrefix(at.EscapedPath(), "/")
		at.User = url.UserPassword(string(d.Login), secret)
		v["book-url-login"] = at.String()
	}
	return v
}

// limits are how long a phone's fields are, in characters; 0 = not known, or
// longer than anything here.
type limits struct{ user, secret, base, filter, title int }

// advise says what of a device does not fit the phone.
func (r *row) advise(d directory.Device, v map[string]string) []string {
	all := append([]string(nil), r.notes...)
	edit := "`ringbook device edit " + string(d.ID) + " "
	if r.noPlus != "" && cmp.Or(d.Numbers, directory.NumbersE164) == directory.NumbersE164 {
		all = append(all, r.noPlus+" dial no +: "+edit+"--numbers national` (or international) writes numbers without.")
	}
	if r.latin != "" && !d.ASCII {
		all = append(all, r.latin+" show no umlauts and accents: "+edit+"--ascii` spells them out.")
	}
	if r.maxHits > 0 && d.Hits > r.maxHits {
		all = append(all, fmt.Sprintf("%s takes %d entries at most, the device has %d.", r.title, r.maxHits, d.Hits))
	}
	for _, l := range []struct {
		what, key string
		most      int
	}{
		{"user name", "bind", r.limits.user},
		{"password", "secret", r.limits.secret},
		{"base", "base", r.limits.base},
		{"name filter", "name-filter-1", r.limits.filter},
		{"number filter", "number-filter-1", r.limits.filter},
		{"directory name", "title", r.limits.title},
	} {
		if n := utf8.RuneCountInString(v[l.key]); l.most > 0 && n > l.most {
			all = append(all, fmt.Sprintf("The %s has %d characters, and this field takes %d.%s", l.what, n, l.most, shorter(l.key)))
		}
	}
	return all
}

// shorter says how a value becomes shorter.
func shorter(key string) string {
	switch key {
	case "bind":
		return " The login alone will do."
	case "base":
		return " Make ldap.base_dn shorter; an empty base is taken for ours, too."
	case "title":
		return " Cut it."
	}
	return ""
}

// fill replaces the placeholders of s, each escaped for its form. One that has
// no value stays, so that a slip of the table shows.
func fill(s string, values map[string]string, escape func(string) string) string {
	pairs := make([]string, 0, 2*len(values))
	for k, v := range values {
		pairs = append(pairs, "{"+k+"}", escape(v))
	}
	return strings.NewReplacer(pairs...).Replace(s)
}

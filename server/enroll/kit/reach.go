package kit

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"slices"
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
	legacy bool     // it leads to the listener for old phones
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

// What a phone and its user have to know of a way.
const (
	encrypted = "The phone must trust the server's certificate, and its clock must be right."
	readable  = "Login and names cross the network readable for everybody on it: use a voice network of your own."
)

// reach chooses the best way that phone and server have in common; old = at the
// listener for old phones. Where they have none, it is the one that the phone needs,
// and the advice says what to do.
func (r *row) reach(a Access, old bool) (route, error) {
	public, err := url.Parse(a.PublicURL)
	if err != nil || public.Hostname() == "" {
		return route{}, fmt.Errorf("public URL %q: must be https://host[:port]: %w", a.PublicURL, directory.ErrInvalid)
	}
	w := route{host: public.Hostname(), book: public}
	switch {
	case old && r.ways == (ways{}):
		return w, fmt.Errorf("%s: asks over HTTPS, and the listener for old phones speaks LDAP: take a kit for LDAP: %w", r.title, directory.ErrInvalid)
	case old && a.Legacy.URI == "":
		return w, fmt.Errorf("there is no listener for old phones: set ldap.legacy.listen: %w", directory.ErrInvalid)
	case r.ways == (ways{}):
		return w, nil
	case old:
		return r.reachLegacy(w, a.Legacy)
	case r.ways.ldaps != "" && a.LDAPS != "":
		return w.take(wayLDAPS, r.ways.ldaps, a.LDAPS, r.offering(a, encrypted)...)
	case r.ways.startTLS != "" && a.LDAP != "" && a.StartTLS:
		return w.take(wayStartTLS, r.ways.startTLS, a.LDAP, r.offering(a, encrypted)...)
	case r.ways.plain != "" && a.LDAP != "" && a.Plain:
		return w.take(wayPlain, r.ways.plain, a.LDAP, readable)
	case r.ways.ldaps != "":
		return w.take(wayLDAPS, r.ways.ldaps, a.LDAPS, "LDAPS is the way of "+r.title+", and this server does not serve it: set ldap.ldaps_listen, and a certificate.")
	case r.ways.startTLS != "":
		return w.take(wayStartTLS, r.ways.startTLS, a.LDAP, "StartTLS is the way of "+r.title+", and this server does not serve it: set ldap.listen, and a certificate.")
	case a.Legacy.URI != "": // a phone without TLS, for which such listeners are
		return r.reachLegacy(w, a.Legacy)
	}
	return w.take(wayPlain, r.ways.plain, a.LDAP, "No TLS is known of "+r.title+", and this server refuses logins without: "+
		"in a voice network of your own take [ldap.legacy] with allow_plain = true, or set ldap.allow_plain = true (and ldap.listen); else take another way.")
}

// offering adds that there is a listener for old phones, to what is said of a better way.
func (r *row) offering(a Access, advice string) []string {
	if a.Legacy.URI == "" || r.current {
		return []string{advice}
	}
	who := "A phone that cannot connect so may know only TLS 1.0 or 1.1, or only RSA"
	if r.old != (ways{}) {
		who = r.oldest + " cannot connect so"
	}
	return []string{advice, who + ": with --legacy this kit is for the listener for old phones."}
}

// reachLegacy chooses the best way to the listener for old phones.
func (r *row) reachLegacy(w route, l Legacy) (route, error) {
	w.legacy = true
	known := r.ways
	if r.old != (ways{}) {
		known = r.old
	}
	say := []string{l.mark()}
	if l.Address != "" && l.Address != w.host {
		say = append(say, fmt.Sprintf("In the phones' network the name %s must lead to %s, where this listener is alone.", w.host, l.Address))
	}
	trust := "The phone must trust the certificate of that listener (ldap.legacy.cert_file, or legacy.crt in data_dir), or not check it."
	switch {
	case known.ldaps != "":
		return w.take(wayLDAPS, known.ldaps, l.URI, append(say, trust)...)
	case known.startTLS != "":
		return w.take(wayStartTLS, known.startTLS, l.URI, append(say, trust)...)
	case l.Plain:
		return w.take(wayPlain, known.plain, l.URI, append(say, readable)...)
	}
	return w.take(wayPlain, known.plain, l.URI, append(say, "No TLS is known of these phones, and this listener refuses logins without: "+
		"in a voice network of your own set ldap.legacy.allow_plain = true.")...)
}

// mark says of a kit that it is for that listener.
func (l Legacy) mark() string {
	return fmt.Sprintf("FOR AN OLD PHONE: this leads to the listener that takes TLS %s and RSA key exchange, which can be read by who records it. It is for phones that know nothing better.", l.MinTLS)
}

// take goes to a listener; "" = there is none, so that its usual port is taken.
func (w *route) take(how way, tls, uri string, advice ...string) (route, error) {
	t := *w
	t.way, t.tls, t.port, t.advice = how, tls, usualPort(how), advice
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
	if len(d.Books) > 1 && slices.ContainsFunc(r.settings, func(s setting) bool { return strings.Contains(s.value, "{book}") }) {
		all = append(all, fmt.Sprintf("Its maker wants an ou= for the base, and so it searches the first of the device's books alone (%s). %s searches all of them: "+
			"try whether it takes that, or make one book with everybody in it, %s--book NAME`.", v["book"], v["base"], edit))
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

// Package kit writes what a vendor's phone, telephone system or program needs to
// ask this server: its provisioning file where it has one, else a list of what to
// type. [rows] has the facts, one row a vendor with where they are from; the forms
// (see form.go) write them down.
//
// A kit that is wrong shows nobody's name. So the filters of every row are sent
// over a socket to the LDAP server in this package's tests, as the phone sends
// them, and have to find the right person.
package kit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"ringbook/directory"
	"ringbook/server/enroll"
)

// A Vendor names a kit, as people type it.
type Vendor string

// Vendors lists the kits that there are, in the order in which people read them.
func Vendors() []Vendor {
	names := make([]Vendor, 0, len(rows)+1)
	for i := range rows {
		names = append(names, rows[i].vendor)
	}
	return append(names, Apple)
}

// Apple is the kit that [enroll.Profile] writes.
const Apple Vendor = "apple"

// Title says what a kit is for.
func Title(v Vendor) string {
	if v == Apple {
		return "iPhone, iPad, Mac: a profile with contacts (CardDAV) and directory search (LDAP)"
	}
	if r := rowOf(v); r != nil {
		return r.title
	}
	return ""
}

// The five settings of every desk phone, where % stands for what its user types,
// or for who calls.
const (
	NameFilter       = "(|(cn=%)(sn=%))"
	NumberFilter     = "(|(telephoneNumber=%)(mobile=%)(homePhone=%))"
	NameAttribute    = "cn"
	NumberAttributes = "telephoneNumber mobile homePhone"
)

// Access is how a device reaches this server.
type Access struct {
	Title     string // what the directory is called on the phone; "" = Ringbook
	PublicURL string // https://host[:port][/path], of the phone book
	LDAP      string // ldap://host[:port]; "" = no such listener
	LDAPS     string // ldaps://host[:port]; "" = no such listener
	StartTLS  bool   // LDAP has a certificate
	Plain     bool   // LDAP takes logins without TLS
	Legacy    Legacy
	BindDN    string
	BaseDN    string
}

// A Legacy is the listener for old phones, which speaks LDAP, StartTLS and LDAPS.
type Legacy struct {
	URI     string // ldap://host:port; "" = no such listener
	Address string // of this machine, on which alone it listens; "" = on all
	MinTLS  string // "1.0"
	Plain   bool   // it takes logins without TLS
}

// A Kit is what a technician gets.
type Kit struct {
	Vendor Vendor
	Title  string
	File   string // under which name it is kept, MAC = the phone's own address; "" = a list to type
	Legacy bool   // it is for the listener for old phones
	Text   []byte
	Advice []string // what does not fit, or is still to be decided; each a sentence or two
}

// Secret stands in a kit for a secret that was not given: only hashes are kept.
const Secret = "PUT-THE-SECRET-HERE"

// Make writes the kit of a device; old = for a phone that needs the listener for old
// phones. Without a secret, [Secret] stands for it. A vendor that there is none of, or
// an access that nobody could use, is [directory.ErrInvalid].
func Make(v Vendor, a Access, d directory.Device, secret string, old bool) (Kit, error) {
	a.Title = cmp.Or(a.Title, "Ringbook")
	if v == Apple {
		return apple(a, d, secret, old)
	}
	r := rowOf(v)
	if r == nil {
		return Kit{}, fmt.Errorf("there is no kit for %q; there are %s: %w", v, list(Vendors()), directory.ErrInvalid)
	}
	w, err := r.reach(a, old)
	if err != nil {
		return Kit{}, err
	}
	k := Kit{Vendor: v, Title: r.title, File: strings.ReplaceAll(r.file, "{login}", string(d.Login)), Legacy: w.legacy, Advice: w.advice}
	open := r.undecided(secret)
	if r.form.comment == "" {
		k.Advice = append(k.Advice, open...)
	}
	values := r.values(a, d, w, cmp.Or(secret, Secret))
	k.Advice = append(k.Advice, r.advise(d, values)...)
	comments := []string{about(r, d)}
	if w.legacy {
		comments = append(comments, a.Legacy.mark())
	}
	k.Text = r.form.write(append(comments, open...), r.settings, values)
	return k, nil
}

func rowOf(v Vendor) *row {
	for i := range rows {
		if rows[i].vendor == v {
			return &rows[i]
		}
	}
	return nil
}

func list(vendors []Vendor) string {
	words := make([]string, len(vendors))
	for i, v := range vendors {
		words[i] = string(v)
	}
	return strings.Join(words, ", ")
}

// about is the first comment of a kit.
func about(r *row, d directory.Device) string {
	return fmt.Sprintf("Ringbook: %s, device %s (%s), numbers in profile %s.", r.title, d.ID, d.Name, cmp.Or(d.Numbers, directory.NumbersE164))
}

// undecided says what is left to the technician.
func (r *row) undecided(secret string) []string {
	if secret != "" || !slices.ContainsFunc(r.settings, setting.holdsSecret) {
		return nil
	}
	return []string{fmt.Sprintf("Replace %s by the device's secret, which was shown when it was added.", Secret)}
}

// apple writes the profile with both accounts.
func apple(a Access, d directory.Device, secret string, old bool) (Kit, error) {
	w, err := (&row{title: "Apple's LDAP account", current: true, ways: ways{plain: "off", ldaps: "on"}}).reach(a, old)
	if err != nil {
		return Kit{}, err
	}
	profile, err := enroll.Profile(enroll.Account{
		PublicURL: a.PublicURL, Organization: a.Title, Login: d.Login, Secret: secret,
		LDAP: &enroll.LDAPAccount{Host: w.hostOf(usualPort(w.way)), TLS: w.way == wayLDAPS, BindDN: a.BindDN, BaseDN: a.BaseDN},
	})
	k := Kit{Vendor: Apple, Title: Title(Apple), File: string(d.Login) + ".mobileconfig", Legacy: w.legacy, Text: profile, Advice: w.advice}
	if secret == "" {
		k.Advice = append(k.Advice, "The secret is not in the profile: the device asks for it, once for each account.")
	}
	k.Advice = append(k.Advice, "The LDAP account only searches: it lists nobody. Calls show a name by the contacts.")
	return k, err
}

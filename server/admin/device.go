package admin

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"ringbook/directory"
	"ringbook/server/enroll"
)

const (
	maxName  = 100 // characters; what fits a line of a list
	maxOwner = 254 // bytes; a user principal name has at most 113, an address 254
	maxHits  = 1_000_000
)

func (h handler) listDevices(*http.Request) (any, error) {
	list := DeviceList{Devices: []Device{}}
	for _, d := range h.Devices.List() {
		list.Devices = append(list.Devices, h.device(d))
	}
	return list, nil
}

func (h handler) showDevice(r *http.Request) (any, error) {
	d, err := h.find(r)
	if err != nil {
		return nil, err
	}
	one := h.device(d)
	if h.Journal != nil {
		one.Activity = h.activity(d)
	}
	return one, nil
}

func (h handler) healDevice(r *http.Request) (any, error) {
	d, err := h.find(r)
	if err != nil {
		return nil, err
	}
	if h.Journal == nil {
		return nil, refuse(http.StatusNotFound, directory.ErrNotFound, "nothing is known of what devices do", "This server keeps no journal.")
	}
	if err := h.Journal.Heal(r.Context(), d.ID); err != nil {
		return nil, err
	}
	return h.device(d), nil
}

func (h handler) addDevice(r *http.Request) (any, error) {
	n, err := read[NewDevice](r)
	if err != nil {
		return nil, err
	}
	d, err := n.device(h.books(), h.Sites)
	if err != nil {
		return nil, err
	}
	if err := h.bindOwner(&d); err != nil {
		return nil, err
	}
	d, secret, err := h.Devices.Add(r.Context(), d)
	if err != nil {
		return nil, err
	}
	return h.added(d, secret), nil
}

func (h handler) added(d directory.Device, secret string) AddedDevice {
	return AddedDevice{
		ID: d.ID, Login: d.Login, Secret: secret, OwnerKnown: d.OwnerID != "",
		CardDAVURL: h.Access.CardDAVURL, LDAP: h.ldap(d.Login),
	}
}

// rotateDevice replaces a device's secret.
func (h handler) rotateDevice(r *http.Request) (any, error) {
	d, err := h.find(r)
	if err != nil {
		return nil, err
	}
	if d.State == directory.DeviceRevoked {
		return nil, refuse(http.StatusConflict, directory.ErrInvalid, fmt.Sprintf("device %s is revoked", d.ID), "add a new device with `ringbook device add`")
	}
	d, secret, err := h.Devices.Rotate(r.Context(), d.ID)
	if err != nil {
		return nil, err
	}
	return h.added(d, secret), nil
}

// changeDevice changes how a device is set up. What it may do follows at its next
// request, and what it shows at its next sync.
func (h handler) changeDevice(r *http.Request) (any, error) {
	c, err := read[DeviceChange](r)
	if err != nil {
		return nil, err
	}
	d, err := h.find(r)
	if err != nil {
		return nil, err
	}
	if d.State != directory.DeviceActive {
		return nil, refuse(http.StatusConflict, directory.ErrInvalid,
			fmt.Sprintf("device %s is %s", d.ID, d.State), "add a new device with `ringbook device add`")
	}
	d, err = h.Devices.Change(r.Context(), d.ID, func(d *directory.Device) error { return h.change(d, c) })
	if err != nil {
		return nil, err
	}
	return h.device(d), nil
}

// change lays c over a device. The whole is checked as a new device is; a book or a
// site that is gone meanwhile does not stand in the way of another change.
func (h handler) change(d *directory.Device, c DeviceChange) error {
	n := NewDevice{
		Name: d.Name, Owner: d.Owner, Kind: d.Kind, Books: d.Books, Numbers: d.Numbers, Names: d.Names, Photos: d.Photos,
		ASCII: d.ASCII, Hits: d.Hits, Site: d.Site,
	}
	lay(&n.Name, c.Name)
	lay(&n.Owner, c.Owner)
	lay(&n.Kind, c.Kind)
	lay(&n.Books, c.Books)
	lay(&n.Numbers, c.Numbers)
	lay(&n.Names, c.Names)
	lay(&n.Photos, c.Photos)
	lay(&n.ASCII, c.ASCII)
	lay(&n.Hits, c.Hits)
	lay(&n.Site, c.Site)
	books, sites := h.books(), h.Sites
	if c.Books == nil {
		books = d.Books
	}
	if c.Site == nil {
		sites = []directory.SiteName{d.Site}
	}
	next, err := n.device(books, sites)
	if err != nil {
		return err
	}
	if c.Owner != nil && next.Owner != d.Owner {
		if err := h.bindOwner(&next); err != nil {
			return err
		}
		d.Owner, d.OwnerID = next.Owner, next.OwnerID
	}
	d.Name, d.Kind, d.Books, d.Numbers, d.Photos = next.Name, next.Kind, next.Books, next.Numbers, next.Photos
	d.Names, d.ASCII, d.Hits, d.Site = next.Names, next.ASCII, next.Hits, next.Site
	return nil
}

// lay puts the value that a request names over another.
func lay[T any](over, named *T) {
	if named != nil {
		*over = *named
	}
}

// bindOwner binds a device to its owner's contact, if that is known. One who may
// not own devices gets none: it would drain at the next sync.
func (h handler) bindOwner(d *directory.Device) error {
	if h.Owners == nil || d.Owner == "" {
		return nil
	}
	d.OwnerID = h.Owners.Resolve([]string{d.Owner})[d.Owner]
	if d.OwnerID == "" {
		return nil
	}
	if reason, ok := h.Owners.MayOwn(d.OwnerID); !ok {
		return refuse(http.StatusConflict, directory.ErrInvalid, fmt.Sprintf("%s may not own a device: %s", d.Owner, reason), "")
	}
	return nil
}

func (h handler) revokeDevice(r *http.Request) (any, error) {
	req, err := read[Revocation](r)
	if err != nil {
		return nil, err
	}
	d, err := h.find(r)
	if err != nil {
		return nil, err
	}
	st := directory.DeviceRevoked
	if req.Drain {
		st = directory.DeviceDraining
	}
	if d, err = h.Devices.SetState(r.Context(), d.ID, st); err != nil {
		return nil, err
	}
	return h.device(d), nil
}

func (h handler) profile(r *http.Request) (any, error) {
	req, err := read[ProfileRequest](r)
	if err != nil {
		return nil, err
	}
	d, err := h.enrollable(r, req.Secret)
	if err != nil {
		return nil, err
	}
	p, err := enroll.Profile(enroll.Account{
		PublicURL: h.Access.PublicURL, Organization: h.Access.Organization,
		Login: d.Login, Secret: req.Secret, RemovalDisallowed: req.RemovalDisallowed,
		VPNUUID: req.VPNUUID, AudioCallApp: req.AudioCallApp,
	})
	if err != nil {
		return nil, err
	}
	return profileBytes(p), nil
}

// find returns the device that the path names by its id or login, in any case.
func (h handler) find(r *http.Request) (directory.Device, error) {
	return h.findDevice(r.PathValue("id"))
}

// findDevice returns the device of an id or login, in any case.
func (h handler) findDevice(given string) (directory.Device, error) {
	given = strings.ToLower(strings.TrimSpace(given))
	for _, d := range h.Devices.List() {
		if string(d.ID) == given || string(d.Login) == given {
			return d, nil
		}
	}
	return directory.Device{}, refuse(http.StatusNotFound, directory.ErrNotFound,
		fmt.Sprintf("there is no device %q", given), "`ringbook device list` shows every device with its id")
}

func (h handler) books() []directory.BookName {
	var names []directory.BookName
	for _, b := range h.Directory.View().Books() {
		names = append(names, b.Name())
	}
	return names
}

// device draws a device as operators see it.
func (h handler) device(d directory.Device) Device {
	var seen time.Time
	if h.Journal != nil {
		seen = h.Journal.Of(d.ID).LastSeen
	}
	return Device{
		ID: d.ID, Login: d.Login, LastSeen: seen, Name: d.Name, Owner: d.Owner, Kind: d.Kind,
		Books: d.Books, Numbers: d.Numbers, Names: cmp.Or(d.Names, directory.NamesWritten), Photos: d.Photos,
		ASCII: d.ASCII, Hits: d.Hits, Site: d.Site,
		State: d.State, Created: d.Created, Changed: d.Changed,
		CardDAVURL: h.Access.CardDAVURL, LDAP: h.ldap(d.Login),
	}
}

func (h handler) ldap(login directory.Login) LDAPAccess {
	return LDAPAccess{
		URI: h.Access.LDAPURI, LDAPSURI: h.Access.LDAPSURI,
		BindDN: h.Access.BindDN(login), BaseDN: h.Access.BaseDN,
	}
}

// device checks a request, names every problem at once, and fills in the defaults.
func (n NewDevice) device(books []directory.BookName, sites []directory.SiteName) (directory.Device, error) {
	n = n.withDefaults(books)
	var problems []string
	report := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if length := utf8.RuneCountInString(n.Name); length < 1 || length > maxName || !printable(n.Name) {
		report("the name must have 1 to %d printable characters", maxName)
	}
	if n.Owner != "" && (!strings.Contains(n.Owner, "@") || len(n.Owner) > maxOwner || !printable(n.Owner)) {
		report("the owner must be a user principal name such as ada@contoso.com, not %q", n.Owner)
	}
	if !slices.Contains(directory.DeviceKinds(), n.Kind) {
		report("the kind must be one of %s, not %q", list(directory.DeviceKinds()), n.Kind)
	}
	if !slices.Contains(directory.NumberProfiles(), n.Numbers) {
		report("the number profile must be one of %s, not %q", list(directory.NumberProfiles()), n.Numbers)
	}
	if !slices.Contains(directory.NameStyles(), n.Names) {
		report("names must be one of %s, not %q", list(directory.NameStyles()), n.Names)
	}
	if !slices.Contains(directory.PhotoSizes(), n.Photos) {
		report("photos must be one of %s, not %q", list(directory.PhotoSizes()), n.Photos)
	}
	if n.Hits < 0 || n.Hits > maxHits {
		report("the most hits must be 0 (the server's limit) to %d, not %d", maxHits, n.Hits)
	}
	if n.Site != "" && !slices.Contains(sites, n.Site) {
		report("there is no site %q; there are: %s", n.Site, list(sites))
	}
	for i, b := range n.Books {
		switch {
		case !slices.Contains(books, b):
			report("there is no book %q; there are: %s", b, list(books))
		case slices.Contains(n.Books[:i], b):
			report("book %q is named twice", b)
		}
	}
	if len(problems) > 0 {
		return directory.Device{}, refuse(http.StatusBadRequest, directory.ErrInvalid, strings.Join(problems, "; "), "")
	}
	return directory.Device{
		Name: n.Name, Owner: n.Owner, Kind: n.Kind, Books: n.Books, Numbers: n.Numbers, Names: n.Names, Photos: n.Photos,
		ASCII: n.ASCII, Hits: n.Hits, Site: n.Site,
	}, nil
}

// withDefaults fills in what a request may leave out.
func (n NewDevice) withDefaults(books []directory.BookName) NewDevice {
	n.Name = strings.TrimSpace(n.Name)
	n.Owner = strings.TrimSpace(n.Owner)
	if n.Kind == "" {
		n.Kind = directory.KindPhone
	}
	if n.Numbers == "" {
		n.Numbers = directory.NumbersE164
	}
	n.Names = cmp.Or(n.Names, directory.NamesWritten)
	if n.Photos == "" {
		n.Photos = directory.PhotoNone
		if n.Kind == directory.KindPhone {
			n.Photos = directory.PhotoLarge
		}
	}
	if len(n.Books) == 0 && len(books) > 0 {
		n.Books = books[:1]
	}
	return n
}

func printable(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}

// list writes values as people read them.
func list[T ~string](values []T) string {
	if len(values) == 0 {
		return "none"
	}
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = string(v)
	}
	return strings.Join(words, ", ")
}

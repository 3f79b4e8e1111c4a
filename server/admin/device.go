package admin

import (
	"errors"
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
	d, err := n.device(h.books())
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
	return AddedDevice{
		ID: d.ID, Login: d.Login, Secret: secret, OwnerKnown: d.OwnerID != "",
		CardDAVURL: h.Access.CardDAVURL, LDAP: h.ldap(d.Login),
	}, nil
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
	d, err := h.find(r)
	if err != nil {
		return nil, err
	}
	if d.State == directory.DeviceRevoked {
		return nil, refuse(http.StatusConflict, directory.ErrInvalid,
			fmt.Sprintf("device %s is revoked: a profile would not let it in", d.ID), "add a new device with `ringbook device add`")
	}
	if req.Secret != "" {
		right, err := h.Devices.Verify(d.ID, req.Secret)
		if err != nil {
			return nil, err
		}
		if !right {
			return nil, refuse(http.StatusBadRequest, directory.ErrInvalid, "this is not the secret of device "+string(d.ID),
				"the secret was shown once, when the device was added; without one the phone asks for it")
		}
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
	d, err := h.Devices.Device(directory.DeviceID(given))
	if err == nil || !errors.Is(err, directory.ErrNotFound) {
		return d, err
	}
	for _, d := range h.Devices.List() {
		if string(d.Login) == given {
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
		Books: d.Books, Numbers: d.Numbers, Photos: d.Photos,
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
func (n NewDevice) device(books []directory.BookName) (directory.Device, error) {
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
	if !slices.Contains(directory.PhotoSizes(), n.Photos) {
		report("photos must be one of %s, not %q", list(directory.PhotoSizes()), n.Photos)
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
		Name: n.Name, Owner: n.Owner, Kind: n.Kind, Books: n.Books, Numbers: n.Numbers, Photos: n.Photos,
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
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = string(v)
	}
	return strings.Join(words, ", ")
}

package admin

import (
	"fmt"
	"slices"
	"time"

	"ringbook/directory"
	"ringbook/directory/index"
)

// missedAfter is how long after its last sync a phone is missed: clients ask every
// day at the least.
const missedAfter = 3 * 24 * time.Hour

// activity says what a device has done last, and what looks wrong about it.
func (h handler) activity(d directory.Device) *DeviceActivity {
	a, refused := h.Journal.Of(d.ID), h.Devices.Refused(d.ID)
	out := &DeviceActivity{
		FirstSeen: a.FirstSeen, UserAgent: a.UserAgent, Step: a.Step, StepAt: a.StepAt, Books: []DeviceBook{},
		Searches: a.Searches, Searched: a.Searched, Refused: a.Refused, LastRefused: a.LastRefused,
		RefusedLogin: refused,
	}
	view := h.Directory.View()
	shelf := view.ShelfOf(d)
	for _, name := range h.Journal.Left(d.ID, func(n directory.BookName) bool {
		return slices.ContainsFunc(shelf, func(b *index.Book) bool { return b.Name() == n })
	}) {
		b := view.Emptied(name)
		out.Books = append(out.Books, DeviceBook{Name: name, Title: b.Title(), Former: true, BookActivity: a.Books[name]})
	}
	for _, b := range shelf {
		one := DeviceBook{Name: b.Name(), Title: b.Title(), Contacts: b.Len(), BookActivity: a.Books[b.Name()]}
		if changes, err := b.Since(index.Position{Revision: one.Revision}); err == nil && !one.Synced.IsZero() {
			for range changes {
				one.Behind++
			}
		}
		out.Books = append(out.Books, one)
	}
	out.Advice = advise(d, a, refused, out.Books, time.Now())
	return out
}

// advise says what an administrator should look at who hears that there are no
// contacts on a phone; "" = nothing.
func advise(d directory.Device, a directory.Activity, refused directory.Refusal, books []DeviceBook, now time.Time) string {
	contacts, synced, cards := 0, time.Time{}, 0
	for _, b := range books {
		contacts += b.Contacts
		cards += b.Cards
		if b.Synced.After(synced) {
			synced = b.Synced
		}
	}
	switch {
	case d.State == directory.DeviceRevoked:
		return ""
	case refused.At.After(a.LastSeen):
		return shutOut(d, refused)
	case a.LastSeen.IsZero():
		return "Nobody has logged in with this device's login and secret: the account is not set up on the phone, or the phone does not reach this server. " +
			"The log's lines \"ldap connection failed\" say which phones could not connect, and why."
	case d.State == directory.DeviceDraining:
		return ""
	case contacts == 0:
		return "Its books are empty: `ringbook book preview` says whom their rules let in."
	case a.Searches > 0 && synced.IsZero():
		return ""
	case a.Step == "" && d.Kind != directory.KindPhone:
		return "It logs in, and no search of it has come to its end yet: open the directory on it and type a name. The log's lines \"ldap search\" say what it asked for."
	case a.Step == directory.StepLogin || a.Step == "":
		return "It logs in and does not ask for its books: the address may lead to another server, or the app may not speak CardDAV."
	case synced.IsZero():
		return "It has found its books and has not read one: on an iPhone, see that Contacts is switched on for the account."
	case cards == 0:
		return "It has read the list and fetched no contact: it may be in the middle of its first sync, or have no space left."
	case now.Sub(synced) > missedAfter:
		return "It has not synced for days: the phone may be off, lost, or forbidden to sync in the background."
	}
	return ""
}

// shutOut says what to do about a device whose logins are refused since it was last seen.
func shutOut(d directory.Device, r directory.Refusal) string {
	switch r.Why {
	case directory.RefusedPlain:
		return fmt.Sprintf("It logs in without TLS (from %v), which is refused: set it to LDAPS or StartTLS. "+
			"A phone that knows neither needs [ldap.legacy] with allow_plain = true, in a network of its own.", r.From)
	case directory.RefusedThrottled:
		return fmt.Sprintf("Too many logins have failed from %v, and this one is not even looked at there for now: "+
			"put the secret right on this phone, or on the others behind that address, and it is let in seconds later.", r.From)
	case directory.RefusedSecret, directory.RefusedRevoked:
	}
	return fmt.Sprintf("Its login was tried with another secret (from %v): type the secret anew, or make a new one with `ringbook device rotate %s`.", r.From, d.ID)
}

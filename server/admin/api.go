// Package admin is the operator's surface: JSON over the admin socket, which
// only the server's own user may open, and the client that the commands use.
// Beside it stand the answers for machines that watch: health and metrics.
//
// # Dependencies
//
//	for      we use                       why not something else
//	metrics  prometheus/client_golang 1.25  what every monitoring reads; OpenTelemetry's exporter brings ten times the
//	                                       modules and ends in this one
package admin

import (
	"time"

	"ringbook/directory"
)

// The documents below are what `ringbook … --json` prints: they are stable,
// keys are added but never change their meaning.

// A Status answers GET /v1/status.
type Status struct {
	Ready    bool               `json:"ready"` // the mirror has been loaded once
	Version  string             `json:"version"`
	Started  time.Time          `json:"started"`
	Revision directory.Revision `json:"revision"`
	Contacts int                `json:"contacts"`
	Books    []BookStatus       `json:"books"`
	// Mailboxes counts those that have contacts, which only their owners' devices see.
	Mailboxes MailboxCounts          `json:"mailboxes"`
	Sources   []directory.FeedStatus `json:"sources"`
	Devices   DeviceCounts           `json:"devices"`
	// Credentials are the ways to sign in to the tenant, without their secrets.
	Credentials []directory.CredentialStatus `json:"credentials"`
	Listeners   []ListenerStatus             `json:"listeners"` // of LDAP
}

// A ListenerStatus is one listener of a [Status].
type ListenerStatus struct {
	Name    string         `json:"name"`
	Address string         `json:"address"`
	Open    int            `json:"open"`           // connections now
	Logins  map[string]int `json:"logins"`         // of devices, since the start, by the version of TLS; "" = without
	Note    string         `json:"note,omitempty"` // what somebody should think about
}

// MailboxCounts counts private books.
type MailboxCounts struct {
	Mailboxes int `json:"mailboxes"`
	Contacts  int `json:"contacts"`
}

// A BookStatus is one book of a [Status].
type BookStatus struct {
	Name     directory.BookName `json:"name"`
	Title    string             `json:"title"`
	Contacts int                `json:"contacts"`
}

// DeviceCounts counts devices by state.
type DeviceCounts struct {
	Active   int `json:"active"`
	Draining int `json:"draining"`
	Revoked  int `json:"revoked"`
}

// A SyncReport answers POST /v1/sync with a [directory.SyncRequest].
type SyncReport struct {
	Rounds []directory.Round `json:"rounds"`
}

// A NewDevice is the body of POST /v1/devices.
type NewDevice struct {
	Name    string                  `json:"name"`
	Owner   string                  `json:"owner,omitempty"`
	Kind    directory.DeviceKind    `json:"kind,omitempty"`    // default phone
	Books   []directory.BookName    `json:"books,omitempty"`   // default the first book
	Numbers directory.NumberProfile `json:"numbers,omitempty"` // default e164
	Names   directory.NameStyle     `json:"names,omitempty"`   // default written
	Photos  directory.PhotoSize     `json:"photos,omitempty"`  // default large; deskphone and pbx none
	ASCII   bool                    `json:"ascii,omitempty"`   // Latin letters without accents only
	Hits    int                     `json:"hits,omitempty"`    // most entries of one LDAP answer; 0 = the server's limit
	Site    directory.SiteName      `json:"site,omitempty"`    // whose number plan it dials by; "" = the default
}

// A DeviceChange is the body of PATCH /v1/devices/{id}, which answers with a
// [Device]. What is not named stays as it is.
type DeviceChange struct {
	Name    *string                  `json:"name,omitempty"`
	Owner   *string                  `json:"owner,omitempty"` // "" = nobody
	Kind    *directory.DeviceKind    `json:"kind,omitempty"`
	Books   *[]directory.BookName    `json:"books,omitempty"` // all of them
	Numbers *directory.NumberProfile `json:"numbers,omitempty"`
	Names   *directory.NameStyle     `json:"names,omitempty"`
	Photos  *directory.PhotoSize     `json:"photos,omitempty"`
	ASCII   *bool                    `json:"ascii,omitempty"`
	Hits    *int                     `json:"hits,omitempty"`
	Site    *directory.SiteName      `json:"site,omitempty"`
}

// An AddedDevice answers it, and POST /v1/devices/{id}/rotate. The secret is shown
// this once.
type AddedDevice struct {
	ID         directory.DeviceID `json:"id"`
	Login      directory.Login    `json:"login"`
	Secret     string             `json:"secret"`
	CardDAVURL string             `json:"carddav_url"`
	LDAP       LDAPAccess         `json:"ldap"`
	// OwnerKnown: the owner is in the mirror, so that the device ends when he leaves.
	OwnerKnown bool `json:"owner_known"`
}

// LDAPAccess is what a technician types into a desk phone.
type LDAPAccess struct {
	URI      string `json:"uri"`       // ldap://…, "" = no such listener
	LDAPSURI string `json:"ldaps_uri"` // ldaps://…, "" = no such listener
	BindDN   string `json:"bind_dn"`
	BaseDN   string `json:"base_dn"`
}

// A Device answers GET /v1/devices (in a list) and GET /v1/devices/{id}.
type Device struct {
	ID         directory.DeviceID      `json:"id"`
	Login      directory.Login         `json:"login"`
	Name       string                  `json:"name"`
	Owner      string                  `json:"owner,omitempty"`
	Kind       directory.DeviceKind    `json:"kind"`
	Books      []directory.BookName    `json:"books"`
	Numbers    directory.NumberProfile `json:"numbers"`
	Names      directory.NameStyle     `json:"names"`
	Photos     directory.PhotoSize     `json:"photos"`
	ASCII      bool                    `json:"ascii,omitempty"`
	Hits       int                     `json:"hits,omitempty"`
	Site       directory.SiteName      `json:"site,omitempty"`
	State      directory.DeviceState   `json:"state"`
	Created    time.Time               `json:"created"`
	Changed    time.Time               `json:"changed"`
	CardDAVURL string                  `json:"carddav_url"`
	LDAP       LDAPAccess              `json:"ldap"`
	LastSeen   time.Time               `json:"last_seen,omitzero"` // with the right secret; zero = never
	// Activity is what it has done last; in an answer about one device only.
	Activity *DeviceActivity `json:"activity,omitempty"`
}

// A DeviceActivity is what a device has done last.
type DeviceActivity struct {
	FirstSeen   time.Time      `json:"first_seen,omitzero"`
	UserAgent   string         `json:"user_agent,omitempty"`
	Step        directory.Step `json:"step,omitempty"` // how far it came in finding its books
	StepAt      time.Time      `json:"step_at,omitzero"`
	Books       []DeviceBook   `json:"books"` // that it sees, as CardDAV
	Searches    int            `json:"searches"`
	Searched    time.Time      `json:"searched,omitzero"` // the last by LDAP or lookup
	Refused     int            `json:"refused"`           // writes
	LastRefused time.Time      `json:"last_refused,omitzero"`
	// RefusedLogin is the last login that was refused, since the server started.
	RefusedLogin directory.Refusal `json:"refused_login,omitzero"`
	Advice       string            `json:"advice,omitempty"` // what looks wrong, and what to do
}

// A DeviceBook is what a device has read of one book.
type DeviceBook struct {
	Name     directory.BookName `json:"name"`
	Title    string             `json:"title"`
	Contacts int                `json:"contacts"` // that the device sees in it now
	directory.BookActivity
	Behind int `json:"behind"` // changes that it has not been told
	// Former: the device may not see the book any more, and still has to hear that
	// it is empty.
	Former bool `json:"former,omitempty"`
}

// A DeviceList answers GET /v1/devices.
type DeviceList struct {
	Devices []Device `json:"devices"`
}

// A Revocation is the body of POST /v1/devices/{id}/revoke.
type Revocation struct {
	Drain bool `json:"drain,omitempty"` // empty the phone first; else refuse it now
}

// A ProfileRequest is the body of POST /v1/devices/{id}/profile, which answers
// with the bytes of a .mobileconfig (application/x-apple-aspen-config).
type ProfileRequest struct {
	// Secret is put into the profile after it was checked; "" = the phone asks.
	Secret            string `json:"secret,omitempty"`
	RemovalDisallowed bool   `json:"removal_disallowed,omitempty"`
	VPNUUID           string `json:"vpn_uuid,omitempty"`
	AudioCallApp      string `json:"audio_call_app,omitempty"` // bundle id
}

// A BookList answers GET /v1/books.
type BookList struct {
	Books []Book `json:"books"`
}

// A Book is one book with its rule.
type Book struct {
	Name     directory.BookName `json:"name"`
	Title    string             `json:"title"`
	Filter   string             `json:"filter"` // RFC 4515
	Contacts int                `json:"contacts"`
}

// A PreviewRequest is the body of POST /v1/books/preview: what would a rule make
// of a book?
type PreviewRequest struct {
	Filter string             `json:"filter"`
	Book   directory.BookName `json:"book,omitempty"`  // to compare with; default the first
	Limit  int                `json:"limit,omitempty"` // contacts named of each kind, 1,000 at most
}

// A Preview answers it.
type Preview struct {
	In      int                `json:"in"`
	Out     int                `json:"out"`
	Reasons []Reason           `json:"reasons"` // why the others are out, the commonest first
	Book    directory.BookName `json:"book"`
	Members int                `json:"members"` // of the book now
	Joining int                `json:"joining"`
	Joiners []Mention          `json:"joiners"`
	Leaving int                `json:"leaving"`
	Leavers []Mention          `json:"leavers"`
	// Merged counts contacts that are shown as part of others, and counted with them.
	Merged int `json:"merged"`
	// Groups are those that the rule asks for and that have not been read.
	Groups []directory.Group `json:"unknown_groups,omitempty"`
}

// A Reason is a part of a rule that keeps contacts out.
type Reason struct {
	Filter   string    `json:"filter"`
	Result   string    `json:"result"` // "false" or "undefined"
	Count    int       `json:"count"`
	Examples []Mention `json:"examples"`
}

// A Mention names a contact.
type Mention struct {
	ID   directory.ContactID `json:"id"`
	Name string              `json:"name"`
}

// A ContactList answers GET /v1/contacts?find=TEXT[&limit=50].
type ContactList struct {
	Contacts []Contact `json:"contacts"` // in the order of names
	More     bool      `json:"more"`     // there are more than the limit
}

// A Contact answers GET /v1/contacts/{id} (an id, an e-mail address or a sign-in
// name): all that is stored, shown to devices or not.
type Contact struct {
	*directory.Contact
	Name     string               `json:"name"`
	Extras   map[string][]string  `json:"extras,omitempty"` // what only rules ask about
	Books    []directory.BookName `json:"books"`
	Modified time.Time            `json:"modified"` // when the value last changed
	// Parts are the contacts of other sources that are shown as this one, and
	// MergedInto is the contact that this one is shown as part of.
	Parts      []Part              `json:"parts,omitempty"`
	MergedInto directory.ContactID `json:"merged_into,omitempty"`
}

// A Part is a contact of another source that is the same person.
type Part struct {
	ID     directory.ContactID `json:"id"`
	Source directory.Source    `json:"source"`
	Set    string              `json:"set,omitempty"`
}

// A ContactExplanation answers GET /v1/contacts/{id}/explain[?device=ID].
type ContactExplanation struct {
	Contact Contact `json:"contact"`
	// Asked is the contact that was asked for, if that is a part of this one.
	Asked   directory.ContactID   `json:"asked,omitempty"`
	Device  directory.DeviceID    `json:"device,omitempty"`
	State   directory.DeviceState `json:"state,omitempty"` // of the device
	Visible bool                  `json:"visible"`         // on the device, or in any book
	Books   []BookExplanation     `json:"books"`           // of the device, or all
	Shown   []ShownField          `json:"shown"`
}

// A BookExplanation says why a contact is in a book, or not.
type BookExplanation struct {
	Name   directory.BookName `json:"name"`
	Title  string             `json:"title"`
	Member bool               `json:"member"`
	// TakenBefore: the contact stands in a book before this one, and is shown there.
	TakenBefore bool `json:"taken_before"`
	// Parts are the contacts of the person that the book shows, as one.
	Parts []directory.ContactID `json:"parts,omitempty"`
	Nodes []RuleNode            `json:"nodes"` // of the rule, parents first
}

// A RuleNode is one part of a rule.
type RuleNode struct {
	Depth  int    `json:"depth"`
	Filter string `json:"filter"` // "&", "|" and "!" stand for what is below them
	Result string `json:"result"` // "true", "false" or "undefined"
}

// A ShownField is one field of a contact as a device gets it.
type ShownField struct {
	Field     string    `json:"field"`
	Value     string    `json:"value"`
	Source    string    `json:"source"`
	Attribute string    `json:"attribute,omitempty"` // of the source
	Changed   time.Time `json:"changed"`             // when the source's contact last changed
	Hidden    string    `json:"hidden,omitempty"`    // why it is not shown; "" = it is
}

// A LocalContact is the body of POST /v1/contacts and of PATCH /v1/contacts/{id},
// which answer with a [Contact]. What is not named stays as it is.
type LocalContact struct {
	Texts  map[string]string `json:"texts,omitempty"`  // by field: name, given, surname, company, …; "" clears one
	Emails *[]string         `json:"emails,omitempty"` // all of them
	Phones *[]LocalPhone     `json:"phones,omitempty"` // all of them
}

// A LocalPhone is one number of a [LocalContact].
type LocalPhone struct {
	Kind   directory.PhoneKind `json:"kind"`
	Number string              `json:"number"`
}

// An ImportRequest is the body of POST /v1/contacts/import: a part of an import.
type ImportRequest struct {
	Set  string      `json:"set"` // the name of the import
	Rows []ImportRow `json:"rows"`
	// Keep, if given, removes the contacts of the set that it does not name: the
	// last part of an import names those of all parts.
	Keep         *[]directory.ContactID `json:"keep,omitempty"`
	Last         bool                   `json:"last,omitempty"`    // the shrink guard counts what all parts up to it take away
	DryRun       bool                   `json:"dry_run,omitempty"` // say what would change, and change nothing
	AcceptShrink bool                   `json:"accept_shrink,omitempty"`
}

// An ImportRow is one contact.
type ImportRow struct {
	ID      directory.ContactID `json:"id"`
	Contact directory.Contact   `json:"contact"`
}

// An ImportReport answers it.
type ImportReport struct {
	Applied directory.Applied `json:"applied"` // or what would be
	Changes []ImportChange    `json:"changes"` // the first 100 of them
}

// An ImportChange is what an import does to one contact.
type ImportChange struct {
	ID     directory.ContactID `json:"id"`
	Name   string              `json:"name"`
	What   string              `json:"what"` // added, changed, removed
	Fields []FieldChange       `json:"fields,omitempty"`
}

// A FieldChange is one field of a changed contact.
type FieldChange struct {
	Field string `json:"field"`
	Old   string `json:"old"`
	New   string `json:"new"`
}

// An Error is the body of every answer that is not 2xx.
type Error struct {
	Error string `json:"error"` // a sentence
	Hint  string `json:"hint,omitempty"`
}

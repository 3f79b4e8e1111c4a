// Package admin is the operator's surface: JSON over the admin socket, which
// only the server's own user may open, and the client that the commands use.
package admin

import (
	"time"

	"ringbook/directory"
)

// The documents below are what `ringbook … --json` prints: they are stable,
// keys are added but never change their meaning.

// A Status answers GET /v1/status.
type Status struct {
	Ready    bool                   `json:"ready"` // the mirror has been loaded once
	Version  string                 `json:"version"`
	Started  time.Time              `json:"started"`
	Revision directory.Revision     `json:"revision"`
	Contacts int                    `json:"contacts"`
	Books    []BookStatus           `json:"books"`
	Sources  []directory.FeedStatus `json:"sources"`
	Devices  DeviceCounts           `json:"devices"`
	// Credentials are the ways to sign in to the tenant, without their secrets.
	Credentials []directory.CredentialStatus `json:"credentials"`
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
	Photos  directory.PhotoSize     `json:"photos,omitempty"`  // default large; deskphone and pbx none
}

// An AddedDevice answers it. The secret is shown this once.
type AddedDevice struct {
	ID         directory.DeviceID `json:"id"`
	Login      directory.Login    `json:"login"`
	Secret     string             `json:"secret"`
	CardDAVURL string             `json:"carddav_url"`
	LDAP       LDAPAccess         `json:"ldap"`
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
	Photos     directory.PhotoSize     `json:"photos"`
	State      directory.DeviceState   `json:"state"`
	Created    time.Time               `json:"created"`
	Changed    time.Time               `json:"changed"`
	CardDAVURL string                  `json:"carddav_url"`
	LDAP       LDAPAccess              `json:"ldap"`
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

// An Error is the body of every answer that is not 2xx.
type Error struct {
	Error string `json:"error"` // a sentence
	Hint  string `json:"hint,omitempty"`
}

// Package enroll makes what sets up a device: Apple's account profile
// (.mobileconfig), which an MDM pushes and which a person can install by hand. What
// sets up desk phones is in package kit below it.
//
// # Dependencies
//
//	for          we use                 why not something else
//	Apple plist  howett.net/plist 1.0   writes what Apple's own tools write; encoding/xml knows no plist
package enroll

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"howett.net/plist"

	"ringbook/directory"
)

// ProfileType is the media type of a profile.
const ProfileType = "application/x-apple-aspen-config"

// defaultOrganization signs a profile whose account names none.
const defaultOrganization = "Ringbook"

// An Account is the CardDAV account of one device.
type Account struct {
	PublicURL    string // https://host[:port][/path] under which devices reach us; http only for tests
	Organization string // shown in the profile; "" = Ringbook
	Title        string // the account's name on the phone; "" = the organisation
	Login        directory.Login
	Secret       string // "" = the phone asks for it

	RemovalDisallowed bool   // an MDM installed profile only: the user cannot remove it
	VPNUUID           string // of a per-app VPN payload; "" = none
	AudioCallApp      string // bundle id of the app that calls contacts; "" = the system's

	LDAP *LDAPAccount // to search with, beside CardDAV; nil = none
}

// An LDAPAccount is the LDAP account of the same device.
type LDAPAccount struct {
	Host   string // with :port, unless that is the usual one
	TLS    bool   // LDAPS: Apple's devices know no StartTLS
	BindDN string
	BaseDN string
}

// Profile returns the account as a configuration profile in XML, unsigned. Its
// identifiers come from the host and the login alone, so that a new profile
// replaces the device's old one. What a phone could not read is [directory.ErrInvalid].
func Profile(a Account) ([]byte, error) {
	at, err := parsePlace(a.PublicURL)
	if err != nil {
		return nil, err
	}
	if a.VPNUUID != "" && !isUUID(a.VPNUUID) {
		return nil, fmt.Errorf("VPN UUID %q: must be 8-4-4-4-12 hexadecimal digits: %w", a.VPNUUID, directory.ErrInvalid)
	}
	if a.AudioCallApp != "" && !isBundleID(a.AudioCallApp) {
		return nil, fmt.Errorf("app %q: must be a bundle id such as com.example.phone: %w", a.AudioCallApp, directory.ErrInvalid)
	}
	out, err := plist.MarshalIndent(a.configuration(at), plist.XMLFormat, "\t")
	if err != nil {
		return nil, fmt.Errorf("write the profile: %w", err)
	}
	return append(out, '\n'), nil
}

// A place is where a public URL points.
type place struct {
	host string
	port int
	tls  bool
	path string // without a slash at its end
}

func parsePlace(public string) (place, error) {
	u, err := url.Parse(public)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" {
		return place{}, fmt.Errorf("public URL %q: must be https://host[:port]: %w", public, directory.ErrInvalid)
	}
	p := place{host: u.Hostname(), tls: u.Scheme == "https", port: 80, path: strings.TrimRight(u.EscapedPath(), "/")}
	if p.tls {
		p.port = 443
	}
	if u.Port() != "" {
		if p.port, err = strconv.Atoi(u.Port()); err != nil || p.port < 1 || p.port > 65535 {
			return place{}, fmt.Errorf("public URL %q: port must be 1 to 65535: %w", public, directory.ErrInvalid)
		}
	}
	return p, nil
}

// A dict is a dictionary of a property list. Its keys are those of Apple's
// schema (github.com/apple/device-management, mdm/profiles). An empty string is
// not allowed anywhere: such keys are left out.
type dict map[string]any

// configuration is the wrapper, TopLevel.yaml.
func (a Account) configuration(at place) dict {
	d := a.payload("Configuration", identifier(at.host, a.Login))
	d["PayloadDescription"] = "Sets up the company's contacts on this device"
	content := []dict{a.cardDAV(at)}
	if a.LDAP != nil {
		content = append(content, a.ldap(at))
	}
	d["PayloadContent"] = content
	d["PayloadRemovalDisallowed"] = a.RemovalDisallowed
	return d
}

// cardDAV is com.apple.carddav.account.yaml.
func (a Account) cardDAV(at place) dict {
	d := a.payload("com.apple.carddav.account", identifier(at.host, a.Login)+".carddav")
	d["PayloadDescription"] = "The company's contacts, for reading"
	d["CardDAVAccountDescription"] = a.title()
	d["CardDAVHostName"] = at.host
	d["CardDAVPort"] = at.port
	d["CardDAVUseSSL"] = at.tls
	d["CardDAVPrincipalURL"] = at.path + "/dav/p/" + string(a.Login) + "/" // from the host's root
	d["CardDAVUsername"] = string(a.Login)
	if a.Secret != "" {
		d["CardDAVPassword"] = a.Secret
	}
	if a.VPNUUID != "" {
		d["VPNUUID"] = a.VPNUUID
	}
	if a.AudioCallApp != "" {
		d["CommunicationServiceRules"] = dict{"DefaultServiceHandlers": dict{"AudioCall": a.AudioCallApp}}
	}
	return d
}

// ldap is com.apple.ldap.account.yaml.
func (a Account) ldap(at place) dict {
	d := a.payload("com.apple.ldap.account", identifier(at.host, a.Login)+".ldap")
	d["PayloadDescription"] = "The company's directory, for searching"
	d["LDAPAccountDescription"] = a.title()
	d["LDAPAccountHostName"] = a.LDAP.Host
	d["LDAPAccountUseSSL"] = a.LDAP.TLS
	d["LDAPAccountUserName"] = a.LDAP.BindDN
	if a.Secret != "" {
		d["LDAPAccountPassword"] = a.Secret
	}
	if a.VPNUUID != "" {
		d["VPNUUID"] = a.VPNUUID
	}
	d["LDAPSearchSettings"] = []dict{{
		"LDAPSearchSettingDescription": a.title(), "LDAPSearchSettingSearchBase": a.LDAP.BaseDN,
		"LDAPSearchSettingScope": "LDAPSearchSettingScopeSubtree",
	}}
	return d
}

// payload is what every payload has, CommonPayloadKeys.yaml.
func (a Account) payload(kind, id string) dict {
	return dict{
		"PayloadType": kind, "PayloadVersion": 1, "PayloadIdentifier": id, "PayloadUUID": uuid(id),
		"PayloadDisplayName": a.title(), "PayloadOrganization": cmp.Or(a.Organization, defaultOrganization),
	}
}

func (a Account) title() string { return cmp.Or(a.Title, a.Organization, defaultOrganization) }

// identifier names the profile of one device at one host.
func identifier(host string, login directory.Login) string {
	host = strings.Map(func(r rune) rune {
		if isBundleID(string(r)) {
			return r
		}
		return '-' // the colons of an IPv6 address
	}, strings.ToLower(host))
	return "ringbook." + host + "." + string(login)
}

// uuid derives a UUID from a name (RFC 9562, 5.8: version 8).
func uuid(name string) string {
	h := sha256.Sum256([]byte("ringbook profile " + name))
	b := h[:16]
	b[6] = b[6]&0x0f | 0x80
	b[8] = b[8]&0x3f | 0x80
	return strings.ToUpper(fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]))
}

// isUUID reports whether s is a UUID in its usual form (RFC 9562, 4).
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		hyphen := i == 8 || i == 13 || i == 18 || i == 23
		if hyphen != (s[i] == '-') || !hyphen && !strings.ContainsRune("0123456789abcdefABCDEF", rune(s[i])) {
			return false
		}
	}
	return true
}

// maxBundleID is what Apple's stores accept.
const maxBundleID = 155

// isBundleID reports whether s consists of the characters of a bundle id.
func isBundleID(s string) bool {
	for _, r := range s {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '.', r == '-':
		default:
			return false
		}
	}
	return s != "" && len(s) <= maxBundleID
}

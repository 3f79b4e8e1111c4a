// Package config reads Ringbook's configuration: one TOML file, an environment
// variable for every key, secrets from files. It reports every problem at once,
// each with its line, what is wrong and how to mend it.
//
// Only cmd imports this package; everybody else is given plain values.
//
// # Dependencies
//
//	for   we use                 why not something else
//	DN    go-ldap/ldap 3.4       what package ldap reads the base DN with
//	TOML  BurntSushi/toml 1.6    the format's first Go reader, kept since 2013; pelletier/go-toml is as
//	                             good, but its strict mode stops at decoding and knows no hints
package config

import (
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"ringbook/directory"
	"ringbook/directory/index"
	"ringbook/directory/number"
)

// A Config is a whole configuration, checked. Paths are as the operator wrote
// them; relative ones are relative to the working directory.
type Config struct {
	File      string // where it was read from; "" = from the environment alone
	DataDir   string
	PublicURL string // "https://host[:port]", without a path
	Language  string // in whose order names are listed; see [ringbook/directory/text.ParseCollation]

	Tenant  Tenant
	Mirror  Mirror
	Numbers Numbers
	Books   []directory.Book // at least one
	Devices Devices
	HTTP    HTTP
	LDAP    LDAP
	Admin   Admin

	// Warnings are settings that work, and that somebody should have thought about.
	Warnings []Problem
}

// Groups returns the groups that are asked for, by books' rules and for the owners
// of devices, each once.
func (c *Config) Groups() []directory.Group {
	var all []directory.Group
	if c.Devices.OwnersGroup != "" {
		all = append(all, c.Devices.OwnersGroup)
	}
	for _, b := range c.Books {
		rule, err := index.ParseRule(b.Filter)
		if err != nil {
			continue // Load has refused it
		}
		for _, g := range index.Groups(rule) {
			if !slices.Contains(all, g) {
				all = append(all, g)
			}
		}
	}
	return all
}

// A Secret is a value that no log and no message may show.
type Secret string

// String hides the secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "(secret)"
}

// MarshalText hides the secret.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue hides the secret.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// A Tenant is the Entra tenant and how to sign in there. Exactly one kind of
// credential is set.
type Tenant struct {
	ID       string
	ClientID string

	Credential
	Next             Credential // tried when Entra refuses the first; zero = none
	ManagedIdentity  bool
	WorkloadIdentity bool

	Cloud        string // global, usgov, usgov_dod, china
	AuthorityURL string // instead of the cloud's; https
	GraphURL     string // instead of the cloud's; https, or http on loopback
	CAFile       string // PEM, trusted beside the system's
}

// A Credential is a client secret or a certificate.
type Credential struct {
	ClientSecret        Secret    // the value itself, read from ClientSecretFile if that was given
	ClientSecretFile    string    // read again when it changes
	ClientSecretExpires time.Time // as the operator typed it; zero = not known
	CertificateFile     string    // PEM or PFX, with its key; read again when it changes
	CertificatePassword Secret    // of a PFX
}

// Mirror says what is mirrored and how often.
type Mirror struct {
	Interval      time.Duration
	Photos        bool
	OrgContacts   bool
	Notifications bool // Graph says when to ask
	// MailboxesGroup is whose Outlook contacts are mirrored; "" = nobody's.
	MailboxesGroup directory.Group
	MailboxTitle   string  // of private books; "{name}" is the owner's name
	ShrinkGuard    float64 // share of a book, 0…1; 0 = no guard
	Phones         map[string]directory.PhoneKind
	Precedence     directory.Precedence // of sources, where a contact sits in several
}

// Numbers says how numbers are read and how many are shown.
type Numbers struct {
	number.Site               // the default
	Sites       []number.Site // the further ones
	MaxPhones   int
	Order       []directory.PhoneKind // of a person's numbers; kinds not named follow in their usual order
}

// SiteNames returns the names of the sites that have one.
func (n *Numbers) SiteNames() []directory.SiteName {
	var names []directory.SiteName
	for _, s := range append([]number.Site{n.Site}, n.Sites...) {
		if s.Name != "" {
			names = append(names, s.Name)
		}
	}
	return names
}

// Plan makes the number plan of the default site, which knows those of the others.
func (n *Numbers) Plan() (*number.Plan, error) { return number.NewPlans(n.Site, n.Sites...) }

// Devices says what becomes of devices.
type Devices struct {
	DrainDays int // a draining device is revoked after so many days at the latest
	// OwnersGroup is the group whose members may own devices; "" = everybody may.
	OwnersGroup directory.Group
}

// HTTP is the CardDAV listener.
type HTTP struct {
	Listen      string
	TLS         string // acme, files, off
	CertFile    string
	KeyFile     string
	BehindProxy bool // trust X-Forwarded-For of the one proxy in front
	// ProxyProtocol are the proxies that say in it who is behind them; nil = none.
	ProxyProtocol []netip.Prefix
}

// The values of HTTP.TLS.
const (
	TLSACME  = "acme"
	TLSFiles = "files"
	TLSOff   = "off"
)

// LDAP is the LDAP listeners; "" = none.
type LDAP struct {
	Listen      string // plain, with StartTLS
	LDAPSListen string
	BaseDN      string
	CertFile    string // "" = the http certificate
	KeyFile     string
	AllowPlain  bool // on Listen
	// ProxyProtocol are the proxies in front of Listen, and so on; nil = none.
	ProxyProtocol      []netip.Prefix
	LDAPSProxyProtocol []netip.Prefix
	Legacy             LegacyLDAP
	Anonymous          []AnonymousLDAP

	MaxConnections          int
	MaxUnboundPerAddress    int
	MaxConnectionsPerDevice int
	MaxOperations           int
	MaxMessage              int // octets of a message; before the login:
	MaxUnboundMessage       int
	MaxHits                 int // 0 = no limit
	BindTimeout             time.Duration
	IdleTimeout             time.Duration
	WriteTimeout            time.Duration
	SearchTimeout           time.Duration
}

// LegacyLDAP is the listener for phones whose firmware knows no TLS of today.
type LegacyLDAP struct {
	Listen        string // "" = none; takes LDAPS and plain LDAP alike
	CertFile      string // RSA; "" = one of our own
	KeyFile       string
	MinTLS        string // 1.0, 1.1, 1.2
	AllowPlain    bool
	ProxyProtocol []netip.Prefix
}

// The values of AnonymousLDAP.Listener.
const (
	ListenerLDAP   = "ldap"
	ListenerLDAPS  = "ldaps"
	ListenerLegacy = "legacy"
)

// AnonymousLDAP lets the clients of some networks search without a login.
type AnonymousLDAP struct {
	Listener   string
	Networks   []netip.Prefix
	Books      []directory.BookName
	Attributes []string // by the names that we write
	Hits       int      // most entries of one search
	Numbers    directory.NumberProfile
}

// Admin is the health listener; "" = none.
type Admin struct {
	Listen string
}

func defaults() Config {
	return Config{
		DataDir: "/var/lib/ringbook",
		Tenant:  Tenant{Cloud: "global"},
		Mirror:  Mirror{Interval: 5 * time.Minute, Photos: true, MailboxTitle: "Outlook", ShrinkGuard: 0.2},
		Numbers: Numbers{Site: number.Site{Country: "DE"}, MaxPhones: 6},
		Devices: Devices{DrainDays: 14},
		HTTP:    HTTP{Listen: ":443", TLS: TLSACME},
		LDAP: LDAP{
			Listen: ":389", LDAPSListen: ":636", BaseDN: "dc=ringbook", Legacy: LegacyLDAP{MinTLS: "1.0"},
			MaxConnections: 8192, MaxUnboundPerAddress: 256, MaxConnectionsPerDevice: 8, MaxOperations: 16, MaxMessage: 64 << 10, MaxUnboundMessage: 8 << 10,
			BindTimeout: 30 * time.Second, IdleTimeout: 5 * time.Minute, WriteTimeout: 30 * time.Second, SearchTimeout: 10 * time.Second,
		},
		Admin: Admin{Listen: "127.0.0.1:8088"},
	}
}

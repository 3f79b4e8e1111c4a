package graphtest

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
)

// Page sizes, in people. Graph's own are near 200 for a delta; its lists give
// 100 and at most 999.
const (
	defaultPage = 200
	listPage    = 100
	maxPage     = 999
)

// Options shape a tenant. The zero value is a tenant without people.
type Options struct {
	People int     // sample people; the first are those of [Known]
	Seed   uint64  // equal seeds give equal people on every machine
	Photos float64 // the share of people with a photo, 0 to 1

	OrgContacts int // sample organisational contacts

	PageSize int // of a delta; 0 = 200, 999 at most

	// Trusted are the certificates that may sign a client assertion. With none
	// an assertion is checked for its form only.
	Trusted []*x509.Certificate

	// Roles are the application permissions that were granted; nil =
	// User.Read.All alone.
	Roles []string

	// Notifier calls those who subscribe to changes; nil = a client that trusts
	// any certificate.
	Notifier *http.Client

	// What Graph is free to do, and does now and then.
	EmptyPages bool // every round of a delta begins with an empty page
	Minimal    bool // a delta names the changed properties only, as if by Prefer: return=minimal
	Replay     int  // a delta repeats so many changes from before its token
}

// A Tenant is an Entra tenant in memory. All its methods may be called at the
// same time as requests are served.
type Tenant struct {
	id, client, secret string
	samples            *samples
	photos             photoCache
	faults             faults

	*Objects             // the users
	OrgContacts *Objects // the organisational contacts

	groups        []group             // guarded by the users' lock
	mailboxes     map[string]*mailbox // likewise; by user
	subscriptions []subscription      // likewise
	scope         map[string]bool     // likewise: mailboxes that Exchange opens to the application; nil = none
}

// An entry is one person. A sample person costs next to nothing until it is
// changed: its properties are drawn anew each time.
type entry struct {
	id     string
	sample int     // number among the sample people; -1 = added
	record *record // nil = as drawn
	state  state
	last   int    // its last position in the log; -1 = never changed
	photo  *photo // nil = as drawn
}

// A change is one position of the tenant's log.
type change struct {
	person int // index in people
	before int // the position of the person's change before; -1 = none
	set    selection
}

type state uint8

const (
	present state = iota
	removed       // in the bin: can be restored
	purged        // gone for good
)

// New makes a tenant.
func New(o Options) *Tenant {
	if o.PageSize <= 0 {
		o.PageSize = defaultPage
	}
	o.PageSize = min(o.PageSize, maxPage)
	if o.Roles == nil {
		o.Roles = []string{"User.Read.All"}
	}
	if o.Notifier == nil {
		o.Notifier = newNotifier()
	}
	t := &Tenant{
		id: TenantID, client: ClientID, secret: "s~" + rand.Text(),
		samples: newSamples(o.Seed, o.People, o.Photos),
	}
	k := new(keys)
	_, _ = rand.Read(k.key[:]) // never fails (crypto/rand)
	t.Objects = newObjects("users", k, o, t.samples, o.People)
	t.OrgContacts = newObjects("contacts", k, o, newSuppliers(o), o.OrgContacts)
	return t
}

// The names every stand-in goes by. The secret is another one each time.
const (
	TenantID = "7a1d0c2e-5b0f-4c43-9d5e-c0117050e000"
	ClientID = "2f6b8d14-93a7-4e58-8c1b-a99d1ca71000"
)

// TenantID returns the directory (tenant) id.
func (t *Tenant) TenantID() string { return t.id }

// ClientID returns the application (client) id that may sign in.
func (t *Tenant) ClientID() string { return t.client }

// Secret returns the application's client secret.
func (t *Tenant) Secret() string { return t.secret }

// ExpireDeltaTokens makes every delta and next link given so far a 410.
func (t *Tenant) ExpireDeltaTokens() {
	for _, of := range append([]*Objects{t.Objects, t.OrgContacts}, t.folders()...) {
		of.mu.Lock()
		of.generation++
		of.mu.Unlock()
	}
}

func withoutID(properties map[string]any) map[string]any {
	rest := make(map[string]any, len(properties))
	for name, v := range properties {
		if name != "id" {
			rest[name] = v
		}
	}
	return rest
}

// newID draws a version 4 UUID.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return formatID(b)
}

func formatID(b [16]byte) string {
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	x := hex.EncodeToString(b[:])
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
}

var errProperty = errors.New("no such property")

// names returns what a selection stands for, for links.
func (s selection) names() []string {
	var names []string
	for i, name := range properties {
		if s.mask&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return slices.Concat(names, s.more)
}

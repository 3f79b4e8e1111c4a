package graphtest

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"ringbook/directory"
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

	PageSize int // of a delta; 0 = 200, 999 at most

	// Trusted are the certificates that may sign a client assertion. With none
	// an assertion is checked for its form only.
	Trusted []*x509.Certificate

	// Roles are the application permissions that were granted; nil =
	// User.Read.All alone.
	Roles []string

	// What Graph is free to do, and does now and then.
	EmptyPages bool // every round of a delta begins with an empty page
	Minimal    bool // a delta names the changed properties only, as if by Prefer: return=minimal
	Replay     int  // a delta repeats so many changes from before its token
}

// A Tenant is an Entra tenant in memory. All its methods may be called at the
// same time as requests are served.
type Tenant struct {
	id, client, secret string
	options            Options
	samples            *samples
	photos             photoCache
	faults             faults
	key                [32]byte // signs access, skip and delta tokens

	mu         sync.RWMutex
	people     []entry
	byID       map[string]int
	log        []change
	generation int // of delta tokens; see ExpireDeltaTokens
	groups     []group
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
	t := &Tenant{
		id: TenantID, client: ClientID, secret: "s~" + rand.Text(),
		options: o,
		samples: newSamples(o.Seed, o.People, o.Photos),
		people:  make([]entry, o.People),
		byID:    make(map[string]int, o.People),
	}
	_, _ = rand.Read(t.key[:]) // never fails (crypto/rand)
	for i := range t.people {
		id := t.samples.id(i)
		t.people[i] = entry{id: id, sample: i, last: -1}
		t.byID[id] = i
	}
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

// A User is one person as [Tenant.Users] lists it.
type User struct {
	ID                string `json:"id"`
	DisplayName       string `json:"displayName"`
	UserPrincipalName string `json:"userPrincipalName"`
	Removed           bool   `json:"removed,omitempty"` // in the bin
}

// Users lists everybody who was not purged.
func (t *Tenant) Users() []User {
	t.mu.RLock()
	defer t.mu.RUnlock()
	list := make([]User, 0, len(t.people))
	var scratch record
	for i := range t.people {
		if t.people[i].state == purged {
			continue
		}
		r := t.record(i, &scratch)
		list = append(list, User{
			ID:                t.people[i].id,
			DisplayName:       r.text(propDisplayName),
			UserPrincipalName: r.text(propUserPrincipalName),
			Removed:           t.people[i].state == removed,
		})
	}
	return list
}

// User returns the properties of one person, with those that were never set
// left out, or directory.ErrNotFound.
func (t *Tenant) User(id string) (map[string]any, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	i, err := t.find(id)
	if err != nil {
		return nil, err
	}
	values := map[string]any{}
	raw := t.record(i, &record{}).appendObject(nil, everything(), "")
	if err := json.Unmarshal(raw, &values); err != nil {
		return nil, fmt.Errorf("user %s: %w", id, err)
	}
	return values, nil
}

// Patch sets properties of a person; nil clears one, which a delta then shows
// as null. It fails with directory.ErrNotFound or directory.ErrInvalid.
func (t *Tenant) Patch(id string, properties map[string]any) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	i, err := t.find(id)
	if err != nil {
		return err
	}
	r := t.record(i, &record{}).clone()
	set, err := r.set(properties)
	if err != nil {
		return err
	}
	t.people[i].record = r
	t.note(i, set)
	return nil
}

// Add creates a person and returns its id, a new one unless properties has it.
func (t *Tenant) Add(properties map[string]any) (string, error) {
	id, given := properties["id"].(string)
	if !given {
		id = newID()
	}
	if parsed, err := directory.ParseContactID(id); err != nil || string(parsed) != id {
		return "", fmt.Errorf("id %q: %w", id, directory.ErrInvalid)
	}
	properties = withoutID(properties)
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, there := t.byID[id]; there {
		return "", fmt.Errorf("user %s: %w", id, directory.ErrExists)
	}
	r := &record{}
	r.values[propID] = quote(id)
	if _, err := r.set(properties); err != nil {
		return "", err
	}
	t.byID[id] = len(t.people)
	t.people = append(t.people, entry{id: id, sample: -1, record: r, last: -1})
	t.note(len(t.people)-1, everything())
	return id, nil
}

// Remove puts a person into the bin: @removed with the reason "changed".
func (t *Tenant) Remove(id string) error { return t.move(id, removed) }

// Purge removes a person for good: @removed with the reason "deleted".
func (t *Tenant) Purge(id string) error { return t.move(id, purged) }

// Restore takes a person out of the bin.
func (t *Tenant) Restore(id string) error { return t.move(id, present) }

func (t *Tenant) move(id string, to state) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	i, ok := t.byID[strings.ToLower(id)]
	if !ok || t.people[i].state == purged {
		return fmt.Errorf("user %s: %w", id, directory.ErrNotFound)
	}
	if t.people[i].state != to {
		t.people[i].state = to
		t.note(i, everything())
	}
	return nil
}

// ExpireDeltaTokens makes every delta and next link given so far a 410.
func (t *Tenant) ExpireDeltaTokens() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.generation++
}

// find returns the index of a person who is present.
func (t *Tenant) find(id string) (int, error) {
	i, ok := t.byID[strings.ToLower(id)]
	if !ok || t.people[i].state != present {
		return 0, fmt.Errorf("user %s: %w", id, directory.ErrNotFound)
	}
	return i, nil
}

// note appends to the log that person i changed.
func (t *Tenant) note(i int, set selection) {
	t.log = append(t.log, change{person: i, before: t.people[i].last, set: set})
	t.people[i].last = len(t.log) - 1
}

// record returns a person's properties. They may lie in scratch, which holds
// them until it is used again.
func (t *Tenant) record(i int, scratch *record) *record {
	e := &t.people[i]
	if e.record != nil {
		return e.record
	}
	t.samples.draw(scratch, e.sample, e.id)
	return scratch
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

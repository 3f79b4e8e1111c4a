package graphtest

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"ringbook/directory"
)

// keys sign access, skip and delta tokens.
type keys struct{ key [32]byte }

// Objects are the users of a tenant, or its organisational contacts: both have
// a delta, and a log of what changed.
type Objects struct {
	*keys
	kind    string // where their delta is: "users", "contacts"
	folder  string // of Outlook contacts: its id
	options Options
	drawer  drawer

	mu         sync.RWMutex
	people     []entry
	byID       map[string]int
	log        []change
	generation int // of delta tokens; see [Tenant.ExpireDeltaTokens]
}

// A drawer draws the properties of samples.
type drawer interface {
	id(i int) string
	draw(r *record, i int, id string)
}

func newObjects(kind string, k *keys, o Options, d drawer, n int) *Objects {
	t := &Objects{keys: k, kind: kind, options: o, drawer: d, people: make([]entry, n), byID: make(map[string]int, n)}
	for i := range t.people {
		id := d.id(i)
		t.people[i] = entry{id: id, sample: i, last: -1}
		t.byID[id] = i
	}
	return t
}

// A User is one person as [Tenant.Users] lists it.
type User struct {
	ID                string `json:"id"`
	DisplayName       string `json:"displayName"`
	UserPrincipalName string `json:"userPrincipalName"`
	Removed           bool   `json:"removed,omitempty"` // in the bin
}

// Users lists everybody who was not purged.
func (t *Objects) Users() []User {
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
func (t *Objects) User(id string) (map[string]any, error) {
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
func (t *Objects) Patch(id string, properties map[string]any) error {
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
func (t *Objects) Add(properties map[string]any) (string, error) {
	id, given := properties["id"].(string)
	if !given {
		id = t.newID()
	}
	if parsed, err := directory.ParseContactID(id); t.folder == "" && (err != nil || string(parsed) != id) {
		return "", fmt.Errorf("id %q: %w", id, directory.ErrInvalid)
	}
	properties = withoutID(properties)
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, there := t.byID[strings.ToLower(id)]; there {
		return "", fmt.Errorf("user %s: %w", id, directory.ErrExists)
	}
	r := &record{}
	r.values[propID] = quote(id)
	if t.folder != "" {
		r.values[propParentFolderID] = quote(t.folder)
	}
	if _, err := r.set(properties); err != nil {
		return "", err
	}
	t.byID[strings.ToLower(id)] = len(t.people)
	t.people = append(t.people, entry{id: id, sample: -1, record: r, last: -1})
	t.note(len(t.people)-1, everything())
	return id, nil
}

// Remove puts a person into the bin: @removed with the reason "changed".
func (t *Objects) Remove(id string) error { return t.move(id, removed) }

// Purge removes a person for good: @removed with the reason "deleted".
func (t *Objects) Purge(id string) error { return t.move(id, purged) }

// Restore takes a person out of the bin.
func (t *Objects) Restore(id string) error { return t.move(id, present) }

func (t *Objects) move(id string, to state) error {
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

// find returns the index of a person who is present.
func (t *Objects) find(id string) (int, error) {
	i, ok := t.byID[strings.ToLower(id)]
	if !ok || t.people[i].state != present {
		return 0, fmt.Errorf("user %s: %w", id, directory.ErrNotFound)
	}
	return i, nil
}

// note appends to the log that person i changed.
func (t *Objects) note(i int, set selection) {
	t.log = append(t.log, change{person: i, before: t.people[i].last, set: set})
	t.people[i].last = len(t.log) - 1
}

// record returns a person's properties. They may lie in scratch, which holds
// them until it is used again.
func (t *Objects) record(i int, scratch *record) *record {
	e := &t.people[i]
	if e.record != nil {
		return e.record
	}
	t.drawer.draw(scratch, e.sample, e.id)
	return scratch
}

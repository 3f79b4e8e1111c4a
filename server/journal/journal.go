// Package journal remembers what each device has done last, and what it was
// refused and must be told the truth about.
//
// What phones do is noted in memory, in some 100 ns, and stored every [FlushEvery]
// and at the end: of a crash, a minute of the timeline is lost. A refused write is
// stored before it is answered, because it is what a phone shows wrongly until it
// is healed.
package journal

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"time"

	"ringbook/directory"
)

const (
	// FlushEvery is how often what was noted is stored: ten thousand phones that
	// ask every quarter of an hour are some six hundred small records.
	FlushEvery = time.Minute
	// maxUserAgent is how much of a client's name is kept, in bytes.
	maxUserAgent = 120
	// maxName is the longest name of a card that a client made up which is
	// remembered, in bytes: some three UUIDs.
	maxName = 200
	// confirmAfter is how long after a listing of an emptied book the next one
	// proves that the client has acted on it.
	confirmAfter = 10 * time.Minute
)

// A Store keeps activities. *store.Store is one.
type Store interface {
	Activities(ctx context.Context) ([]directory.Activity, error)
	PutActivities(ctx context.Context, all []directory.Activity) error
}

// A Journal is what every device has done last. Its methods may be called from
// any goroutine.
type Journal struct {
	store Store
	log   *slog.Logger

	mu    sync.Mutex
	of    map[directory.DeviceID]*directory.Activity
	dirty map[directory.DeviceID]struct{}
}

// New loads what was stored.
func New(ctx context.Context, s Store, log *slog.Logger) (*Journal, error) {
	stored, err := s.Activities(ctx)
	if err != nil {
		return nil, fmt.Errorf("load the journal: %w", err)
	}
	j := &Journal{
		store: s, log: log,
		of: make(map[directory.DeviceID]*directory.Activity, len(stored)), dirty: make(map[directory.DeviceID]struct{}),
	}
	for _, a := range stored {
		j.of[a.Device] = &a
	}
	return j, nil
}

// Run stores what was noted until ctx ends, and once more then.
func (j *Journal) Run(ctx context.Context) error {
	tick := time.NewTicker(FlushEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return j.flush(context.WithoutCancel(ctx))
		case <-tick.C:
			if err := j.flush(ctx); err != nil && ctx.Err() == nil {
				// What was noted is kept, and stored the next time.
				j.log.LogAttrs(ctx, slog.LevelError, "journal not stored, tried again later", slog.String("error", err.Error()))
			}
		}
	}
}

// flush stores what has changed.
func (j *Journal) flush(ctx context.Context) error {
	j.mu.Lock()
	changed := make([]directory.Activity, 0, len(j.dirty))
	for id := range j.dirty {
		changed = append(changed, clone(j.of[id]))
	}
	j.dirty = make(map[directory.DeviceID]struct{})
	j.mu.Unlock()
	err := j.store.PutActivities(ctx, changed)
	if err != nil {
		j.mu.Lock()
		defer j.mu.Unlock()
		for _, a := range changed {
			j.dirty[a.Device] = struct{}{}
		}
	}
	return err
}

func clone(a *directory.Activity) directory.Activity {
	c := *a
	c.Books = maps.Clone(a.Books)
	return c
}

// Of returns what is known of a device; of one that was never seen that is its id.
func (j *Journal) Of(id directory.DeviceID) directory.Activity {
	j.mu.Lock()
	defer j.mu.Unlock()
	if a := j.of[id]; a != nil {
		return clone(a)
	}
	return directory.Activity{Device: id}
}

// Heals returns the refused writes that a device is to be told the truth about.
func (j *Journal) Heals(id directory.DeviceID) directory.Heals {
	j.mu.Lock()
	defer j.mu.Unlock()
	if a := j.of[id]; a != nil {
		return a.Heals
	}
	return directory.Heals{}
}

// note changes what is known of a device.
func (j *Journal) note(id directory.DeviceID, change func(*directory.Activity)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	a := j.of[id]
	if a == nil {
		a = &directory.Activity{Device: id}
		j.of[id] = a
	}
	change(a)
	j.dirty[id] = struct{}{}
}

// A Visit is one request of CardDAV that was answered whole.
type Visit struct {
	UserAgent string
	Step      directory.Step
	Book      directory.BookName // of StepBook and StepSync
	Revision  directory.Revision // of the book
	Cards     int                // sent
	// Told: the device has been told everything that there is; Members is how many
	// members that are, if it was told all of them, else 0.
	Told    bool
	Members int
	Healed  uint64 // the last refused write of the book that it was told the truth about
	// Drained: what it was told is that the book is empty; Knew: it showed that it
	// knew already.
	Drained, Knew bool
}

// Visited notes a request of CardDAV.
func (j *Journal) Visited(id directory.DeviceID, v Visit) {
	now := time.Now().UTC().Truncate(time.Second)
	j.note(id, func(a *directory.Activity) {
		seen(a, now)
		if ua := cut(v.UserAgent, maxUserAgent); a.UserAgent != ua {
			a.UserAgent = ua
		}
		if v.Step != directory.StepLogin || a.Step == "" {
			a.Step, a.StepAt = v.Step, now
		}
		if v.Book == "" || !v.Told && v.Cards == 0 {
			return
		}
		b := a.Books[v.Book]
		b.Cards += v.Cards
		if v.Told {
			told(&b, v, now)
		}
		// Books is replaced, not changed: clones share it for no longer than that.
		books := maps.Clone(a.Books)
		if books == nil {
			books = make(map[directory.BookName]directory.BookActivity)
		}
		books[v.Book] = b
		a.Books = books
	})
}

func told(b *directory.BookActivity, v Visit, now time.Time) {
	b.Synced, b.Revision, b.Healed = now, v.Revision, max(b.Healed, v.Healed)
	if v.Members > 0 {
		b.Told = v.Members
	}
	switch {
	case !v.Drained:
		b.Emptied, b.Confirmed = time.Time{}, time.Time{}
	case b.Emptied.IsZero():
		b.Emptied = now
	case b.Confirmed.IsZero() && (v.Knew || now.Sub(b.Emptied) >= confirmAfter):
		b.Confirmed = now
	}
}

// Searched notes a search of LDAP.
func (j *Journal) Searched(id directory.DeviceID) {
	now := time.Now().UTC().Truncate(time.Second)
	j.note(id, func(a *directory.Activity) {
		seen(a, now)
		a.Searched = now
		a.Searches++
	})
}

func seen(a *directory.Activity, now time.Time) {
	if a.FirstSeen.IsZero() {
		a.FirstSeen = now
	}
	a.LastSeen = now
}

// A Card is one that a client wrote, there or not.
type Card struct {
	Book directory.BookName
	Name string // last segment of its href, as the client wrote it
}

// Refused notes a refused write and has on disk which cards it was about when it returns.
func (j *Journal) Refused(ctx context.Context, id directory.DeviceID, cards ...Card) error {
	now := time.Now().UTC()
	var stored *directory.Activity
	j.note(id, func(a *directory.Activity) {
		seen(a, now.Truncate(time.Second))
		a.Refused++
		a.LastRefused = now.Truncate(time.Second)
		before := a.Heals.Count
		for _, c := range cards {
			if len(c.Name) <= maxName {
				a.Heals = a.Heals.Add(c.Book, c.Name, now, a.Books[c.Book].Healed)
			}
		}
		if a.Heals.Count != before {
			c := clone(a)
			stored = &c
		}
	})
	if stored == nil {
		return nil // nothing new to tell
	}
	if err := j.store.PutActivities(ctx, []directory.Activity{*stored}); err != nil {
		return fmt.Errorf("remember a refused write of device %s: %w", id, err)
	}
	return nil
}

// Heal makes a device read everything again.
func (j *Journal) Heal(ctx context.Context, id directory.DeviceID) error {
	var c directory.Activity
	j.note(id, func(a *directory.Activity) {
		a.Heals = a.Heals.All()
		c = clone(a)
	})
	if err := j.store.PutActivities(ctx, []directory.Activity{c}); err != nil {
		return fmt.Errorf("heal device %s: %w", id, err)
	}
	return nil
}

func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}

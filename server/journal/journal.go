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
	"slices"
	"sync"
	"time"

	"ringbook/directory"
	"ringbook/directory/text"
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

	storing sync.Mutex // one at a time: no older copy overwrites a newer one

	mu    sync.Mutex
	of    map[directory.DeviceID]*directory.Activity
	dirty map[directory.DeviceID]struct{}
}

// New loads what was stored. An error is the store's.
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

// Run stores what was noted until ctx ends, and once more then; an error is that
// of the last time.
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
	ids := slices.Collect(maps.Keys(j.dirty))
	j.mu.Unlock()
	return j.put(ctx, ids...)
}

// put stores what is known of devices now. What cannot be stored stays dirty.
func (j *Journal) put(ctx context.Context, ids ...directory.DeviceID) error {
	if len(ids) == 0 {
		return nil
	}
	j.storing.Lock()
	defer j.storing.Unlock()
	all := make([]directory.Activity, 0, len(ids))
	j.mu.Lock()
	for _, id := range ids {
		all = append(all, clone(j.of[id]))
		delete(j.dirty, id)
	}
	j.mu.Unlock()
	err := j.store.PutActivities(ctx, all)
	if err != nil {
		j.mu.Lock()
		defer j.mu.Unlock()
		for _, id := range ids {
			j.dirty[id] = struct{}{}
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

// Left returns the books that a device has read, is not shown any more, and has not
// been seen to have emptied.
func (j *Journal) Left(id directory.DeviceID, shown func(directory.BookName) bool) (left []directory.BookName) {
	j.mu.Lock()
	defer j.mu.Unlock()
	a := j.of[id]
	if a == nil {
		return nil
	}
	for name, b := range a.Books {
		if b.Holds() && !shown(name) {
			left = append(left, name)
		}
	}
	slices.Sort(left)
	return left
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

// A Visit is one request of CardDAV, or of a phone book over HTTP, with the right
// secret. Of one that failed only
// UserAgent is told, at StepLogin.
type Visit struct {
	UserAgent string
	Step      directory.Step
	Book      directory.BookName // of StepBook and StepSync
	Revision  directory.Revision // of the book
	Cards     int                // sent
	// Told: the device has been told everything that there is; Members is how many
	// responses that took, if one answer told it all of them, else 0.
	Told    bool
	Members int
	Healed  uint64 // the last refused write of the book that it was told the truth about
	// Drained: what it was told is that the book is empty; Knew: it showed that it
	// knew already.
	Drained, Knew bool
	// Looked: it asked how far the book is, and nothing else.
	Looked bool
}

// Visited notes a request of CardDAV, or of a phone book over HTTP.
func (j *Journal) Visited(id directory.DeviceID, v Visit) {
	now := time.Now().UTC().Truncate(time.Second)
	j.note(id, func(a *directory.Activity) {
		seen(a, now)
		a.UserAgent = text.Cut(v.UserAgent, maxUserAgent)
		if v.Step != directory.StepLogin || a.Step == "" {
			a.Step, a.StepAt = v.Step, now
		}
		b, known := a.Books[v.Book]
		if v.Book == "" || !v.Told && v.Cards == 0 && !known {
			return
		}
		if b.Cards += v.Cards; v.Cards > 0 { // it is not empty, or not any more
			b.Emptied, b.Confirmed = time.Time{}, time.Time{}
		}
		switch {
		case v.Told:
			told(&b, v, now)
		case v.Looked && v.Drained:
			looked(&b, now)
		}
		if a.Books == nil {
			a.Books = make(map[directory.BookName]directory.BookActivity)
		}
		a.Books[v.Book] = b
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

// looked is for clients that compare the token first and stop if it is the one they
// have: who has looked twice since it was told, and not asked for what is new, knows.
func looked(b *directory.BookActivity, now time.Time) {
	switch {
	case b.Emptied.IsZero() || !b.Confirmed.IsZero() || now.Sub(b.Synced) < confirmAfter:
	case !b.Looked.After(b.Synced):
		b.Looked = now
	case now.Sub(b.Looked) >= confirmAfter:
		b.Confirmed = now
	}
}

// Seen notes a login by LDAP.
func (j *Journal) Seen(id directory.DeviceID) {
	now := time.Now().UTC().Truncate(time.Second)
	j.note(id, func(a *directory.Activity) { seen(a, now) })
}

// Searched notes a search.
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

// Refused notes a refused write, and has on disk which cards it was about when it
// returns. One whose name is longer than 200 bytes is counted and not remembered:
// no client made it. What cannot be stored now is told all the same, and stored later.
func (j *Journal) Refused(ctx context.Context, id directory.DeviceID, cards ...Card) error {
	now := time.Now().UTC()
	fresh := false
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
		fresh = a.Heals.Count != before
	})
	if !fresh {
		return nil
	}
	if err := j.put(ctx, id); err != nil {
		return fmt.Errorf("remember a refused write of device %s: %w", id, err)
	}
	return nil
}

// Heal makes a device read everything again, and has that on disk when it returns.
// An error is the store's; the device reads everything again all the same.
func (j *Journal) Heal(ctx context.Context, id directory.DeviceID) error {
	j.note(id, func(a *directory.Activity) { a.Heals = a.Heals.All() })
	if err := j.put(ctx, id); err != nil {
		return fmt.Errorf("heal device %s: %w", id, err)
	}
	return nil
}

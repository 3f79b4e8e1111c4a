package graph

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"ringbook/directory"
)

const (
	// minInterval keeps a mirror from asking all the time.
	minInterval = 10 * time.Second
	// backoffFirst to backoffMost lie between rounds that fail: long enough to
	// be no burden, short enough that a mended tenant is seen soon. A mirror
	// never gives up.
	backoffFirst = 10 * time.Second
	backoffMost  = 10 * time.Minute
	// blockedFirst to blockedMost lie between attempts while the tenant refuses us:
	// a person has to do something, and refused attempts look like an attack.
	blockedFirst = 5 * time.Minute
	blockedMost  = time.Hour
	// longRound is how many requests a round may cost that is tried again at once.
	longRound = 20
	// alarmAfter failures in a row a person should look.
	alarmAfter = 3
	// maxPark is the longest that a Retry-After is believed.
	maxPark = 24 * time.Hour
)

// A Mirror keeps a Sink in step with a tenant.
type Mirror struct {
	client   *client
	sink     Sink
	photos   PhotoSink
	interval time.Duration
	report   func(Progress)
	log      *slog.Logger

	gate  chan struct{} // holds a token while no round is under way
	wake  chan struct{} // tells Run that a schedule changed
	feeds []*feed       // of two that are due, the first goes first
	// dropped are sources that the configuration does not name.
	dropped       []dropped
	dropMailboxes bool

	mu sync.Mutex // guards what the feeds' comment says
}

// An order says what a round is to do, and whether a person waits for it.
type order struct {
	directory.SyncRequest
	waitedFor bool
}

// A feed is one stream of news. Status, hurried and stepped are guarded by
// Mirror.mu; the rest belongs to whoever passed the gate.
type feed struct {
	status  directory.FeedStatus
	hurried bool      // while a round was under way
	stepped time.Time // when it last had its turn

	step    step
	least   time.Duration // between rounds, whatever the interval
	round   directory.Round
	started time.Time // of the round under way; zero = none is
}

// A step does the next piece of a round, adds what it did to done, and reports
// whether the round is complete.
type step func(ctx context.Context, o order, done *directory.Round) (last bool, err error)

// New makes a mirror. photos is nil, or the same store as sink. A setting that
// cannot work is [directory.ErrInvalid].
func New(t Tenant, sink Sink, photos PhotoSink, o Options) (*Mirror, error) {
	c, err := newClient(t)
	if err != nil {
		return nil, err
	}
	users, err := newMapping(o)
	if err != nil {
		return nil, err
	}
	if o.Interval < minInterval {
		return nil, fmt.Errorf("interval of %v, at least %v is needed: %w", o.Interval, minInterval, directory.ErrInvalid)
	}
	m := &Mirror{
		client: c,
		sink:   sink, photos: photos, interval: o.Interval, report: o.Progress, log: o.Log,
		gate: make(chan struct{}, 1), wake: make(chan struct{}, 1),
	}
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	m.gate <- struct{}{}
	m.addFeeds(t, o, users)
	return m, nil
}

// addFeeds adds the feeds in the order in which a sync plays them.
func (m *Mirror) addFeeds(t Tenant, o Options, users *mapping) {
	add := func(name directory.Feed, least time.Duration, s step) {
		m.feeds = append(m.feeds, &feed{status: directory.FeedStatus{Name: name, State: directory.FeedWaiting}, least: least, step: s})
	}
	add(FeedUsers, 0, (&deltaFeed{
		Mirror: m, name: FeedUsers, source: directory.SourceUser, collection: "users", permission: readUsers,
		mapping: users, question: users.question(m.client, t, o.Plans),
	}).step)
	if o.OrgContacts {
		mp := newContactMapping(users.phones)
		add(FeedOrgContacts, 0, (&deltaFeed{
			Mirror: m, name: FeedOrgContacts, source: directory.SourceOrgContact, collection: "contacts", permission: readOrgContacts,
			mapping: mp, question: mp.question(m.client, t, o.Plans),
		}).step)
	} else {
		m.dropped = append(m.dropped, dropped{FeedOrgContacts, directory.SourceOrgContact})
	}
	if len(o.Groups) > 0 {
		add(FeedGroups, groupInterval, (&groupFeed{Mirror: m, groups: o.Groups, ids: make(map[directory.Group]string)}).step)
	}
	if o.Mailboxes != "" {
		mp := newOutlookMapping(users.phones)
		add(FeedMailboxes, mailboxInterval, (&mailboxFeed{
			Mirror: m, group: &groupFeed{Mirror: m, ids: make(map[directory.Group]string)}, parked: make(map[directory.ContactID]time.Time),
			name: o.Mailboxes, mapping: mp, base: mp.question(m.client, t, o.Plans), guard: o.ShrinkGuard,
		}).step)
	} else {
		m.dropMailboxes = true
	}
	if o.Notify.URL != "" {
		add(FeedNotifications, renewInterval, (&notifyFeed{Mirror: m, Notify: o.Notify}).step)
	}
	if o.Photos && m.photos != nil {
		add(FeedPhotos, 0, (&photoFeed{Mirror: m}).step)
	}
}

// A dropped source is one that may have been mirrored before.
type dropped struct {
	feed   directory.Feed
	source directory.Source
}

// Forget removes the contacts of sources that were mirrored and are not any
// more: whoever switches a source off wants its contacts gone. The shrink guard
// does not ask, since a person has decided it; and nothing happens where there
// is no cursor of a round that was once complete.
func (m *Mirror) Forget(ctx context.Context) error {
	if m.dropMailboxes {
		mailboxes, err := m.mirroredMailboxes(ctx)
		if err != nil {
			return err
		}
		if _, err := m.forgetMailboxes(ctx, mailboxes); err != nil {
			return err
		}
	}
	for _, d := range m.dropped {
		cur, err := m.sink.Cursor(ctx, d.feed)
		if err != nil {
			return err
		}
		if cur == (directory.Cursor{}) {
			continue
		}
		a, err := m.sink.Apply(ctx, directory.Batch{
			Feed: d.feed, Source: d.source, AcceptShrink: true, Next: &directory.Cursor{},
			Sweep: func(directory.ContactID) bool { return false },
		})
		if err != nil {
			return fmt.Errorf("forget %s: %w", d.feed, err)
		}
		m.log.LogAttrs(ctx, slog.LevelInfo, "source not mirrored any more", slog.String("feed", string(d.feed)), slog.Int("removed", a.Removed))
	}
	return nil
}

// Run runs rounds until ctx ends, the first one at once. It returns nil when
// ctx ended and all that it started has ended too.
func (m *Mirror) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		f, wait := m.next(time.Now())
		if wait > 0 {
			timer.Reset(wait)
			select {
			case <-ctx.Done():
				return nil
			case <-m.wake:
			case <-timer.C:
			}
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-m.gate:
		}
		m.advance(ctx, f, order{})
		m.gate <- struct{}{}
		if ctx.Err() != nil {
			return nil
		}
	}
}

// nudge has Run look again at whose turn it is.
func (m *Mirror) nudge() {
	select {
	case m.wake <- struct{}{}:
	default: // Run has not yet seen the last one
	}
}

// due reports whether a feed should have its turn.
func (m *Mirror) due(f *feed) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return f.due(time.Now())
}

func (f *feed) due(now time.Time) bool { return !f.status.NextRun.After(now) }

// next returns the feed whose turn it is, and how long until then.
func (m *Mirror) next(now time.Time) (*feed, time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var due, best *feed
	for _, f := range m.feeds {
		if f.due(now) && (due == nil || f.stepped.Before(due.stepped)) {
			due = f // that which has waited longest: a long round lets the others in between
		}
		if best == nil || f.status.NextRun.Before(best.status.NextRun) {
			best = f
		}
	}
	if due != nil {
		return due, 0
	}
	return best, best.status.NextRun.Sub(now)
}

// Sync runs a round of every feed now and returns what each did; photos are asked for
// contacts that never were, or all of them in a full round. A round already under way
// is waited for first. The error is ctx's only: a failed round is in its [directory.Round].
func (m *Mirror) Sync(ctx context.Context, r directory.SyncRequest) ([]directory.Round, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-m.gate:
	}
	defer func() {
		m.gate <- struct{}{}
		m.nudge()
	}()
	var rounds []directory.Round
	for _, f := range m.feeds {
		f.started = time.Time{} // what Run was at begins again, as asked
		for {
			round, last := m.advance(ctx, f, order{r, true})
			if ctx.Err() != nil {
				return rounds, ctx.Err()
			}
			if last {
				rounds = append(rounds, round)
				break
			}
			if users := m.feeds[0]; f != users && m.due(users) { // who leaves must not wait for a long round
				m.advance(ctx, users, order{})
			}
		}
	}
	return rounds, nil
}

// Status returns what each feed is doing.
func (m *Mirror) Status() []directory.FeedStatus {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]directory.FeedStatus, len(m.feeds))
	for i, f := range m.feeds {
		out[i] = f.status
	}
	return out
}

// advance does the next step of a feed's round, with the gate passed, and
// reports whether it was the last one.
func (m *Mirror) advance(ctx context.Context, f *feed, o order) (directory.Round, bool) {
	m.mu.Lock()
	before := f.status.State
	f.status.State, f.stepped = directory.FeedRunning, time.Now()
	m.mu.Unlock()
	if f.started.IsZero() {
		f.started, f.round = time.Now(), directory.Round{Feed: f.status.Name}
		if before == directory.FeedBlocked {
			m.client.renew()
		}
	}
	sent := m.client.transport.sent.Load()
	last, err := f.step(ctx, o, &f.round)
	f.round.Requests += int(m.client.transport.sent.Load() - sent)

	m.mu.Lock()
	defer m.mu.Unlock()
	if ctx.Err() != nil { // not the feed's failure
		f.status.State, f.status.Read, f.started = before, 0, time.Time{}
		if f.hurried {
			f.hurried = false
			f.hurry()
		}
		return f.round, true
	}
	if err == nil && !last {
		f.status.State, f.status.NextRun = before, time.Now()
		return f.round, false
	}
	was := f.status
	m.settle(f, err)
	f.status.Totals.Count(f.round)
	m.logRound(ctx, f, err)
	m.alarm(ctx, f, was)
	f.started = time.Time{}
	return f.round, true
}

// settle notes how a round ended, and when the next one comes.
func (m *Mirror) settle(f *feed, err error) {
	now := time.Now()
	st := &f.status
	st.Read = 0
	hurried := f.hurried
	f.hurried = false
	if err == nil {
		*st = directory.FeedStatus{Name: st.Name, Totals: st.Totals, State: directory.FeedWaiting, LastSuccess: now, NextRun: now.Add(max(m.interval, f.least))}
		if st.Name == FeedUsers {
			m.hurryPhotos(now)
		}
		if hurried {
			f.hurry()
		}
		return
	}
	if st.Failures++; st.Failures == 1 {
		st.FailingSince = now
	}
	st.Attention = st.Failures >= alarmAfter
	f.round.Error, f.round.Unreachable = Explain(err), unreachable(err)
	st.State, st.LastError = directory.FeedFailing, f.round.Error
	wait := backoff(st.Failures, backoffFirst, backoffMost)
	if e, ok := errors.AsType[*responseError](err); ok {
		wait = max(wait, e.RetryAfter)
	}
	switch {
	case errors.Is(err, directory.ErrShrink):
		st.State = directory.FeedStopped
		wait = max(m.interval, backoffMost, f.least) // looks again by itself too: the tenant may be mended
	case refused(err):
		// The first request of a round is the probe: refused, it is the only one.
		st.State = directory.FeedBlocked
		wait = max(wait, backoff(st.Failures, blockedFirst, blockedMost))
	}
	if f.round.Requests > longRound {
		wait = max(wait, f.least)
	}
	st.NextRun = now.Add(wait)
}

// refused reports whether the tenant knows us and says no: waiting mends nothing.
func refused(err error) bool {
	if e, ok := errors.AsType[*signInError](err); ok {
		return len(e.codes) > 0
	}
	e, ok := errors.AsType[*responseError](err)
	return ok && (e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden)
}

// alarm says once that a person should look, and once that it is over.
func (m *Mirror) alarm(ctx context.Context, f *feed, was directory.FeedStatus) {
	switch st := f.status; {
	case st.Attention && !was.Attention:
		m.log.LogAttrs(ctx, slog.LevelError, "source needs attention", slog.String("feed", string(st.Name)), slog.Int("failures", st.Failures),
			slog.Time("failing_since", st.FailingSince), slog.String("error", st.LastError))
	case !st.Attention && was.Attention:
		m.log.LogAttrs(ctx, slog.LevelInfo, "source has recovered", slog.String("feed", string(st.Name)), slog.Int("failures", was.Failures),
			slog.Time("failing_since", was.FailingSince))
	}
}

// hurryPhotos lets the photos of people who have just come follow them, unless
// that feed has a reason to wait.
func (m *Mirror) hurryPhotos(now time.Time) {
	for _, f := range m.feeds {
		if f.status.Name == FeedPhotos && f.status.Failures == 0 {
			f.status.NextRun = now
		}
	}
}

// backoff returns the wait after n failures in a row: doubling, capped, and with
// jitter, so that the mirrors of many sites do not come back together.
func backoff(n int, first, most time.Duration) time.Duration {
	d := most
	if shift := n - 1; shift < 10 {
		d = min(first<<shift, most)
	}
	return d/2 + rand.N(d/2) //nolint:gosec // spreads load, keeps no secret
}

func (m *Mirror) logRound(ctx context.Context, f *feed, err error) {
	level := slog.LevelInfo
	switch {
	case err != nil:
		level = slog.LevelError
	case f.status.Name == FeedPhotos && f.round.Read == 0:
		level = slog.LevelDebug // nobody was due
	}
	a := f.round.Applied
	attrs := []slog.Attr{
		slog.String("feed", string(f.status.Name)), slog.Bool("full", f.round.Full),
		slog.Int("read", f.round.Read), slog.Int("added", a.Added), slog.Int("changed", a.Changed),
		slog.Int("removed", a.Removed), slog.Int("unchanged", a.Unchanged), slog.Int("skipped", f.round.Skipped),
		slog.Int("requests", f.round.Requests), slog.Uint64("revision", uint64(a.Revision)),
		slog.Duration("took", time.Since(f.started).Round(time.Millisecond)),
	}
	if err != nil {
		attrs = append(attrs, slog.String("error", plain(err.Error(), 500)), slog.Time("next_run", f.status.NextRun))
	}
	m.log.LogAttrs(ctx, level, "sync round", attrs...)
}

// progress says how far a feed's round is.
func (m *Mirror) progress(p Progress) {
	m.mu.Lock()
	for _, f := range m.feeds {
		if f.status.Name == p.Feed {
			f.status.Read = p.Read
		}
	}
	m.mu.Unlock()
	if m.report != nil {
		m.report(p)
	}
}

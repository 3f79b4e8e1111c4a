package ldap

import (
	"context"
	"maps"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"ringbook/directory"
)

// How the processors are shared between devices. A look-up takes less than a
// millisecond, a listing of 100,000 people some hundred, and a filter can be made
// that takes minutes.
const (
	// freeWork is what a device's searches may work together before they have to
	// take turns.
	freeWork = 50 * time.Millisecond
	// payback is how many times as long free work takes to be forgotten: in the long
	// run a device has a quarter of a processor without asking anybody. A PBX that
	// looks up a thousand callers a second needs less.
	payback = 4
	// shortWork is for how long nobody need read what the client sends meanwhile: a
	// goroutine that does costs a look-up as much as all its other work.
	shortWork = time.Millisecond
	// coin is how much work is put on an account at once: a search looks at the clock
	// every few microseconds, and the accounts are everybody's.
	coin = 100 * time.Microsecond
	// turn is for how long a long search works before the next may.
	turn = 50 * time.Millisecond
	// handOver is after how long a search that waits for its client, and cannot work
	// meanwhile, gives its place away. A client that reads takes less.
	handOver = 5 * time.Millisecond
)

// longPlaces is how many long searches work at once: one processor is for the
// look-ups of everybody else.
func longPlaces() int { return max(1, runtime.GOMAXPROCS(0)-1) }

// A gate makes long searches take turns, so that look-ups stay quick whatever a
// device asks for. Who has used up its free work goes on only with a place: one
// for each device, and few in all. Places are given in the order in which they
// were asked for, so devices share them evenly, however many searches each has.
type gate struct {
	places chan struct{}
	mu     sync.Mutex
	shares map[directory.DeviceID]*share // of devices that search, or owe
}

// A share is what a device has of the processors.
type share struct {
	place    chan struct{} // one for all its long searches
	searches int           // under way; guarded by gate.mu
	paid     time.Time     // when its free work will be forgotten; guarded by gate.mu
}

func newGate() *gate {
	return &gate{places: make(chan struct{}, longPlaces()), shares: map[directory.DeviceID]*share{}}
}

// enter begins the work of a search, which has to call [work.leave]. A stranger,
// who may read but one object, has no share, and needs none.
func (g *gate) enter(id directory.DeviceID, handOver func()) *work {
	w := &work{gate: g, since: time.Now(), handOver: handOver}
	if id == "" {
		return w
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if w.share = g.shares[id]; w.share == nil {
		maps.DeleteFunc(g.shares, func(_ directory.DeviceID, s *share) bool {
			return s.searches == 0 && !s.paid.After(w.since)
		})
		w.share = &share{place: make(chan struct{}, 1)}
		g.shares[id] = w.share
	}
	w.share.searches++
	w.free = w.share.hasFree(w.since)
	return w
}

// hasFree reports whether a device may have more free work; gate.mu is held.
func (s *share) hasFree(now time.Time) bool { return s.paid.Sub(now) < payback*freeWork }

// charge puts free work on a device's account; gate.mu is held.
func (s *share) charge(d time.Duration, now time.Time) {
	if s.paid.Before(now) {
		s.paid = now
	}
	s.paid = s.paid.Add(payback * d)
}

// A work is the work of one search. Waiting, for its turn or for its client, is
// none. One goroutine uses it.
type work struct {
	gate   *gate
	share  *share // nil = a stranger's
	since  time.Time
	spent  time.Duration // up to since
	owed   time.Duration // of that, free work that is not on the account yet
	free   bool          // as last seen
	long   bool          // it needs a place from now on
	placed atomic.Bool   // it has one; aside's timer may give it away
	taken  time.Time     // when it got it
	// handOver is called before the work waits, and once it is no short one any more;
	// by another goroutine while this one waits for a place.
	handOver func()
}

// goOn is called now and then by a search that works: where it is another's turn
// it waits. An error is that of ctx.
func (w *work) goOn(ctx context.Context) error {
	w.count()
	if w.spent > shortWork {
		w.handOver()
	}
	switch {
	case w.share == nil || !w.long && w.free, w.placed.Load() && w.since.Sub(w.taken) < turn:
		return ctx.Err()
	}
	w.long = true
	w.yield()
	return w.take(ctx)
}

// aside runs wait, which works little and may take long, such as a client that
// reads slowly. Its error is wait's, or that of ctx.
func (w *work) aside(ctx context.Context, wait func() error) error {
	w.count()
	w.handOver()
	defer func() { w.since = time.Now() }()
	if !w.placed.Load() {
		return wait()
	}
	gone := make(chan struct{})
	t := time.AfterFunc(handOver, func() { w.yield(); close(gone) })
	err := wait()
	if t.Stop() {
		return err
	}
	<-gone
	if err != nil {
		return err
	}
	return w.take(ctx)
}

// leave ends the work.
func (w *work) leave() {
	w.count()
	w.yield()
	if w.share != nil {
		w.gate.mu.Lock()
		w.share.charge(w.owed, w.since)
		w.share.searches--
		w.gate.mu.Unlock()
	}
}

func (w *work) count() {
	now := time.Now()
	d := now.Sub(w.since)
	w.since, w.spent = now, w.spent+d
	if w.share == nil || w.long {
		return
	}
	if w.owed += d; w.owed < coin {
		return
	}
	w.gate.mu.Lock()
	defer w.gate.mu.Unlock()
	w.share.charge(w.owed, now)
	w.owed, w.free = 0, w.share.hasFree(now)
}

// take waits for a place: the device's own first, so that it stands in the queue
// of all devices once.
func (w *work) take(ctx context.Context) error {
	if err := w.occupy(ctx, w.share.place); err != nil {
		return err
	}
	if err := w.occupy(ctx, w.gate.places); err != nil {
		<-w.share.place
		return err
	}
	w.since = time.Now()
	w.taken = w.since
	w.placed.Store(true)
	return nil
}

// occupy waits for one of places. To wait for a look-up is no long work either, and who
// waits longer stays in the queue where it is while the reading is handed over.
func (w *work) occupy(ctx context.Context, places chan struct{}) error {
	select {
	case places <- struct{}{}:
		return nil
	default:
	}
	handed := make(chan struct{})
	late := time.AfterFunc(shortWork, func() { w.handOver(); close(handed) })
	defer func() {
		if !late.Stop() {
			<-handed
		}
	}()
	select {
	case places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// yield gives the place, if there is one, to who waits for it.
func (w *work) yield() {
	if w.placed.CompareAndSwap(true, false) {
		<-w.gate.places
		<-w.share.place
	}
}

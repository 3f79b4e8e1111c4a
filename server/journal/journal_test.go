package journal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
	"ringbook/server/journal"
)

// A notebook keeps activities, unless it fails.
type notebook struct {
	mu   sync.Mutex
	all  map[directory.DeviceID]directory.Activity
	puts int
	fail error
}

func newNotebook() *notebook { return &notebook{all: map[directory.DeviceID]directory.Activity{}} }

// kept returns what is stored of a device, and how often anything was stored.
func (n *notebook) kept(id directory.DeviceID) (a directory.Activity, puts int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.all[id], n.puts
}

func (n *notebook) set(fail error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.fail = fail
}

func (n *notebook) Activities(context.Context) (all []directory.Activity, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, a := range n.all {
		all = append(all, a)
	}
	return all, n.fail
}

func (n *notebook) PutActivities(_ context.Context, all []directory.Activity) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.fail != nil {
		return n.fail
	}
	n.puts++
	for _, a := range all {
		n.all[a.Device] = a
	}
	return nil
}

func open(t *testing.T, n *notebook) *journal.Journal {
	t.Helper()
	j, err := journal.New(t.Context(), n, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// TestTimeline: what a phone does is there at once, on disk within a minute and at
// the end, and after a restart.
func TestTimeline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNotebook()
		j := open(t, n)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- j.Run(ctx) }()
		start := time.Now().UTC().Truncate(time.Second)
		j.Visited("d", journal.Visit{UserAgent: "iOS/26", Step: directory.StepLogin})
		j.Visited("d", journal.Visit{UserAgent: "iOS/26", Step: directory.StepHome})
		<-time.After(10 * time.Second)
		j.Visited("d", journal.Visit{UserAgent: "iOS/26 dataaccessd" + strings.Repeat("x", 500), Step: directory.StepSync, Book: "people", Told: true, Members: 40, Revision: 7})
		j.Visited("d", journal.Visit{UserAgent: "iOS/26", Step: directory.StepSync, Book: "people", Cards: 40})
		j.Visited("d", journal.Visit{UserAgent: "iOS/26", Step: directory.StepLogin}) // a poll elsewhere takes nothing back
		j.Searched("desk")
		want := directory.Activity{
			Device: "d", FirstSeen: start, LastSeen: start.Add(10 * time.Second), UserAgent: "iOS/26", Step: directory.StepSync, StepAt: start.Add(10 * time.Second),
			Books: map[directory.BookName]directory.BookActivity{"people": {Synced: start.Add(10 * time.Second), Revision: 7, Told: 40, Cards: 40}},
		}
		if diff := cmp.Diff(want, j.Of("d")); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if _, puts := n.kept("d"); puts != 0 {
			t.Error("stored at once")
		}
		<-time.After(time.Minute)
		synctest.Wait()
		phone, puts := n.kept("d")
		desk, _ := n.kept("desk")
		if diff := cmp.Diff(want, phone); diff != "" || desk.Searches != 1 || puts != 1 {
			t.Errorf("stored %d times (-want +got)\n%s", puts, diff)
		}
		j.Searched("desk")
		cancel()
		err := <-done
		if desk, _ = n.kept("desk"); err != nil || desk.Searches != 2 {
			t.Errorf("at the end: %v, %+v", err, desk)
		}
		if diff := cmp.Diff(want, open(t, n).Of("d")); diff != "" {
			t.Errorf("after a restart (-want +got)\n%s", diff)
		}
		j.Seen("quiet")
		if got := j.Of("quiet"); got.FirstSeen.IsZero() || got.LastSeen.IsZero() || got.Searches != 0 || got.Step != "" {
			t.Errorf("a device that logged in and asked nothing: %+v", got)
		}
		if got := j.Of("never"); got.Device != "never" || !got.LastSeen.IsZero() {
			t.Errorf("a device that was never seen: %+v", got)
		}
	})
}

// TestFailingStore: what could not be stored is stored later, and said.
func TestFailingStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNotebook()
		var log bytes.Buffer
		j, err := journal.New(t.Context(), n, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- j.Run(ctx) }()
		j.Searched("desk")
		n.set(errors.New("disk full"))
		<-time.After(61 * time.Second)
		synctest.Wait()
		n.set(nil)
		<-time.After(time.Minute)
		synctest.Wait()
		if desk, _ := n.kept("desk"); desk.Searches != 1 || !strings.Contains(log.String(), "disk full") {
			t.Errorf("stored %+v, said %s", desk, log.String())
		}
		n.set(errors.New("disk full"))
		if err := j.Refused(ctx, "d", journal.Card{Book: "people", Name: "c.vcf"}); err == nil {
			t.Error("a refused write that could not be stored is no error")
		}
		if j.Heals("d").Count != 1 {
			t.Error("and it is forgotten")
		}
		n.set(nil)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestRefused: each refused card has a number; one that was not told yet keeps it,
// and it is on disk when the answer goes out.
func TestRefused(t *testing.T) {
	n := newNotebook()
	j := open(t, n)
	refuse := func(cards ...journal.Card) {
		t.Helper()
		if err := j.Refused(t.Context(), "d", cards...); err != nil {
			t.Fatal(err)
		}
	}
	a, b := journal.Card{Book: "people", Name: "a.vcf"}, journal.Card{Book: "people", Name: "b.vcf"}
	refuse(a)
	refuse(a)
	refuse(b, journal.Card{Book: "people", Name: strings.Repeat("x", 1000)})
	refuse()
	h := j.Heals("d")
	if h.Count != 2 || len(h.List) != 2 || h.Of("people", "a.vcf") != 1 || h.Of("people", "b.vcf") != 2 || h.Of("vips", "a.vcf") != 0 || h.Of("people", "c.vcf") != 0 {
		t.Errorf("heals %+v", h)
	}
	if got := n.all["d"]; got.Refused != 3 || got.Heals.Count != 2 { // the last was of no card
		t.Errorf("stored %+v", got)
	}
	if got := j.Of("d").Refused; got != 4 {
		t.Errorf("%d refused writes", got)
	}
	j.Visited("d", journal.Visit{Step: directory.StepSync, Book: "people", Told: true, Healed: 2})
	refuse(a)
	if h := j.Heals("d"); h.Count != 3 || len(h.List) != 2 || h.Of("people", "a.vcf") != 3 {
		t.Errorf("after it was told the truth: %+v", h)
	}
	for i := range directory.MaxHeals {
		refuse(journal.Card{Book: "people", Name: fmt.Sprint(i)})
	}
	if h := j.Heals("d"); len(h.List) != directory.MaxHeals || h.Whole == 0 || h.Of("people", "never.vcf") != h.Whole {
		t.Errorf("after too many: %d of %d, whole at %d", len(h.List), h.Count, h.Whole)
	}
	before := j.Heals("d").Count
	if err := j.Heal(t.Context(), "d"); err != nil || n.all["d"].Heals.Whole != before+1 {
		t.Errorf("heal: %v, %+v", err, n.all["d"].Heals)
	}
}

// TestDraining: a phone has emptied itself when it comes back and knows; who reads
// lists proves it by reading another one later.
func TestDraining(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := open(t, newNotebook())
		tell := func(drained, knew bool) directory.BookActivity {
			j.Visited("d", journal.Visit{Step: directory.StepSync, Book: "people", Told: true, Drained: drained, Knew: knew})
			return j.Of("d").Books["people"]
		}
		if b := tell(false, false); !b.Emptied.IsZero() {
			t.Errorf("active: %+v", b)
		}
		if b := tell(true, false); b.Emptied.IsZero() || !b.Confirmed.IsZero() {
			t.Errorf("told: %+v", b)
		}
		if b := tell(true, false); !b.Confirmed.IsZero() {
			t.Errorf("told twice in one go: %+v", b)
		}
		if b := tell(true, true); b.Confirmed.IsZero() {
			t.Errorf("came back: %+v", b)
		}
		if b := tell(false, false); !b.Emptied.IsZero() || !b.Confirmed.IsZero() {
			t.Errorf("active again: %+v", b)
		}
		tell(true, false)
		<-time.After(10 * time.Minute)
		if b := tell(true, false); b.Confirmed.IsZero() {
			t.Errorf("another list: %+v", b)
		}
	})
}

// TestWhoLooksAndDoesNotAsk: a client that compares tokens first never asks for what
// it has. Two looks after it was told that the book is empty, it knows; one that asks
// again in between does not.
func TestWhoLooksAndDoesNotAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := open(t, newNotebook())
		look := journal.Visit{Step: directory.StepBook, Book: "people", Looked: true, Drained: true}
		told := journal.Visit{Step: directory.StepSync, Book: "people", Told: true, Drained: true}
		knows := func() bool { return !j.Of("d").Books["people"].Confirmed.IsZero() }
		visit := func(v journal.Visit) { j.Visited("d", v); time.Sleep(15 * time.Minute) } //nolint:forbidigo // in a bubble
		j.Visited("d", journal.Visit{Step: directory.StepBook, Book: "other", Looked: true, Drained: true})
		if _, ok := j.Of("d").Books["other"]; ok {
			t.Error("a look is kept for a reading")
		}
		j.Visited("d", look)
		visit(told)
		visit(look)
		if knows() {
			t.Error("one look is enough: the answer may have been lost")
		}
		visit(look)
		if !knows() {
			t.Error("two looks are not enough")
		}
		visit(journal.Visit{Step: directory.StepSync, Book: "people", Told: true})
		visit(look)
		visit(look)
		if knows() {
			t.Error("it knows before it was told")
		}
	})
}

// TestLeft: books that were read, in part or whole, and are not shown any more.
func TestLeft(t *testing.T) {
	j := open(t, newNotebook())
	j.Visited("d", journal.Visit{Step: directory.StepSync, Book: "whole", Told: true})
	j.Visited("d", journal.Visit{Step: directory.StepSync, Book: "part", Cards: 3})
	j.Visited("d", journal.Visit{Step: directory.StepBook, Book: "looked", Looked: true})
	j.Visited("d", journal.Visit{Step: directory.StepSync, Book: "shown", Told: true})
	left := j.Left("d", func(n directory.BookName) bool { return n == "shown" })
	if d := cmp.Diff([]directory.BookName{"part", "whole"}, left); d != "" {
		t.Error(d)
	}
	for range 2 {
		j.Visited("d", journal.Visit{Step: directory.StepSync, Book: "part", Told: true, Drained: true, Knew: true})
	}
	if left := j.Left("d", func(n directory.BookName) bool { return n != "part" }); len(left) != 0 {
		t.Errorf("emptied and known to be: %v", left)
	}
	j.Visited("d", journal.Visit{Step: directory.StepSync, Book: "part", Cards: 2}) // given back, and taken away before it was whole
	if left := j.Left("d", func(n directory.BookName) bool { return n != "part" }); len(left) != 1 {
		t.Error("a book of which some is on the phone again is not left to empty")
	}
	if left := j.Left("stranger", func(directory.BookName) bool { return false }); left != nil {
		t.Errorf("of a device that was never seen: %v", left)
	}
}

package directory

import "time"

// A Revision counts the transactions that changed what somebody can see. It
// starts at 0 (nothing yet) and never goes back within one [Epoch].
type Revision uint64

// An Epoch names one history of revisions: 16 lower-case hexadecimal digits,
// drawn at random when a store is created or restored. Revisions of different
// epochs cannot be compared.
type Epoch string

// A Feed names one stream of news that has a place to go on from, such as
// "users". Each has its own cursor, state and errors.
type Feed string

// A Cursor is where a feed goes on: Graph's delta link, and what was asked.
// It is a secret of the tenant: never log one.
type Cursor struct {
	Link string `json:"link"` // "" = from the beginning
	// Question is a digest of everything that shapes the answer (tenant,
	// selected properties, mapping, number plan). A cursor of another question
	// is worth nothing: the source begins again.
	Question string `json:"question"`
}

// A Change is one piece of news about one contact. It may be applied twice.
type Change struct {
	ID ContactID
	// Removed: the contact is gone, whatever else is set.
	Removed bool
	// Fresh: lay Update over an empty contact, not over the stored one. The
	// photo of a stored contact is kept in any case: it has a feed of its own.
	Fresh bool
	// Update lays the news over c, which is the caller's own copy with ID and
	// Source set. It is a pure function: attributes the news does not mention
	// stay as they are.
	Update func(c *Contact)
}

// A Batch is one page of news, applied whole or not at all.
type Batch struct {
	Feed    Feed
	Source  Source
	Changes []Change
	// Next, if set, is committed together with the changes.
	Next *Cursor
	// Sweep, if set, removes every contact of Source for which it returns
	// false: the last batch of a full round sweeps what was not seen.
	Sweep func(ContactID) bool
	// Mailbox, of SourceMailbox, is whose contacts Sweep is asked about, and
	// nobody else's.
	Mailbox ContactID
	// AcceptShrink lets the batch remove more than the shrink guard allows.
	AcceptShrink bool
}

// Applied counts what a batch did to the directory.
type Applied struct {
	Revision  Revision `json:"revision"` // after the batch
	Added     int      `json:"added"`
	Changed   int      `json:"changed"`
	Removed   int      `json:"removed"`
	Unchanged int      `json:"unchanged"` // news that changed no value
}

// Add sums the counts of two batches; the later revision wins.
func (a Applied) Add(b Applied) Applied {
	return Applied{
		Revision: max(a.Revision, b.Revision),
		Added:    a.Added + b.Added, Changed: a.Changed + b.Changed,
		Removed: a.Removed + b.Removed, Unchanged: a.Unchanged + b.Unchanged,
	}
}

// A FeedState is what a feed is doing.
type FeedState string

// The states of a feed.
const (
	FeedWaiting FeedState = "waiting" // nothing to do until NextRun
	FeedRunning FeedState = "running"
	FeedFailing FeedState = "failing" // the last round failed; old data is served
	FeedBlocked FeedState = "blocked" // the tenant refuses us, until a person changes something there
	FeedStopped FeedState = "stopped" // the shrink guard waits for a person
)

// FeedStates lists the states.
func FeedStates() []FeedState {
	return []FeedState{FeedWaiting, FeedRunning, FeedFailing, FeedBlocked, FeedStopped}
}

// FeedStatus is what an operator reads about a feed.
type FeedStatus struct {
	Name        Feed      `json:"name"`
	State       FeedState `json:"state"`
	LastSuccess time.Time `json:"last_success,omitzero"`
	LastError   string    `json:"last_error"` // a sentence with a next step; "" = none since the last success
	NextRun     time.Time `json:"next_run,omitzero"`

	Read         int       `json:"read,omitempty"` // pieces of news, in the round under way
	Failures     int       `json:"failures"`       // rounds in a row that failed
	FailingSince time.Time `json:"failing_since,omitzero"`
	// Attention: it has failed so often that a person should look.
	Attention bool `json:"attention"`

	Totals FeedTotals `json:"totals"`
}

// FeedTotals counts what a feed has done since the process started.
type FeedTotals struct {
	Done     int `json:"done"`   // rounds
	Failed   int `json:"failed"` // rounds
	Requests int `json:"requests"`
	Added    int `json:"added"` // contacts, and so on
	Changed  int `json:"changed"`
	Removed  int `json:"removed"`
	Skipped  int `json:"skipped"`
}

// Count adds a round.
func (t *FeedTotals) Count(r Round) {
	if r.Error == "" {
		t.Done++
	} else {
		t.Failed++
	}
	t.Requests += r.Requests
	t.Added += r.Applied.Added
	t.Changed += r.Applied.Changed
	t.Removed += r.Applied.Removed
	t.Skipped += r.Skipped
}

// A SyncRequest asks for a round now.
type SyncRequest struct {
	Full         bool `json:"full,omitempty"`          // read everything again and sweep
	AcceptShrink bool `json:"accept_shrink,omitempty"` // let this round pass the shrink guard
}

// A Round is what one round of one feed did.
type Round struct {
	Feed     Feed    `json:"feed"`
	Full     bool    `json:"full"`
	Read     int     `json:"read"` // pieces of news read
	Applied  Applied `json:"applied"`
	Requests int     `json:"requests"`
	// Skipped counts objects left out; the log names each with its reason.
	Skipped int `json:"skipped"`
	// Skips names them, and objects of which a part was left out: at most
	// [MaxSkips], and MoreSkips counts the others.
	Skips     []Skip `json:"skips,omitempty"`
	MoreSkips int    `json:"more_skips,omitempty"`
	Error     string `json:"error,omitempty"` // a sentence with a next step; "" = done
	// Unreachable: the round failed because no answer came, not because of one.
	Unreachable bool `json:"unreachable,omitempty"`
}

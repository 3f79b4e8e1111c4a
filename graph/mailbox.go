package graph

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"ringbook/directory"
)

const (
	// mailboxInterval is the least time between two looks at the mailboxes: each
	// costs a request for every folder.
	mailboxInterval = 15 * time.Minute
	// mailboxDeadline ends the work on one mailbox; the next has its turn.
	mailboxDeadline = 10 * time.Minute
	// fewMailboxes is up to how many mailboxes may leave at once without asking
	// anybody, as long as there are others left.
	fewMailboxes = 10
	// mostRefused mailboxes that are refused end a round if none was ever read: the
	// role in Exchange is missing. mostDown in a row that do not answer, or ask for a
	// pause, do too: it is the service then. The next round goes on behind them.
	mostRefused = 50
	mostDown    = 3
	// readContacts is what the mailboxes need. It is a role in Exchange, for the
	// mailboxes of a scope; the permission of that name in Entra opens all.
	readContacts = "Application Contacts.Read"
)

// mailboxFeedPrefix begins the names of the feeds of single mailboxes, which
// hold their cursors.
const mailboxFeedPrefix directory.Feed = "mailbox/"

// A mailboxFeed reads the Outlook contacts of the members of a group, one mailbox
// after the other: Outlook takes few requests at a time. Each mailbox stands
// alone: one that cannot be read keeps what is mirrored of it, and stops no other.
type mailboxFeed struct {
	*Mirror
	group   *groupFeed // finds the group
	name    directory.Group
	mapping *mapping
	base    string // of the question that a mailbox's cursor answers
	guard   float64

	last   directory.ContactID               // the mailbox that was read last
	parked map[directory.ContactID]time.Time // those for which Outlook wants a pause, and until when

	// The round under way.
	todo   []directory.ContactID
	failed error // the first that one mailbox failed with, or that of the shrink guard
	read   int   // mailboxes
	// refusals counts mailboxes that were refused before one was read, and down
	// those in a row that got no answer, or an error of the service.
	refusals, down int
	fresh          bool // no mailbox was ever read
}

// step begins a round by reading who belongs to the group, and then reads one
// mailbox at a time.
func (f *mailboxFeed) step(ctx context.Context, o order, done *directory.Round) (bool, error) {
	if done.Requests == 0 {
		return false, f.begin(ctx, o, done)
	}
	if len(f.todo) == 0 {
		return true, f.end(done)
	}
	id := f.todo[0]
	f.todo, f.last = f.todo[1:], id
	if until, ok := f.parked[id]; ok && time.Now().Before(until) && !o.waitedFor {
		return false, nil
	}
	delete(f.parked, id)
	err := f.within(ctx, id, o, done)
	if err == nil {
		f.read++
		f.down = 0
		return false, nil
	}
	if ctx.Err() != nil || !f.lone(id, err) {
		return true, &needError{readContacts, err}
	}
	done.Skip(string(id), skipMailbox(err))
	f.log.LogAttrs(ctx, slog.LevelWarn, "mailbox skipped", slog.String("id", string(id)), slog.String("error", withoutMessage(err)))
	if f.failed == nil || errors.Is(err, directory.ErrShrink) {
		f.failed = err
	}
	return false, nil
}

// within reads one mailbox within its time.
func (f *mailboxFeed) within(ctx context.Context, id directory.ContactID, o order, done *directory.Round) error {
	ctx, cancel := context.WithTimeout(ctx, mailboxDeadline)
	defer cancel()
	return f.mailbox(ctx, id, o, done)
}

// end says how the round went: that of whom nothing could be read has failed.
func (f *mailboxFeed) end(done *directory.Round) error {
	f.progress(Progress{Feed: FeedMailboxes, Read: done.Read, Done: true})
	switch {
	case errors.Is(f.failed, directory.ErrShrink):
		return f.failed
	case f.failed != nil && f.read == 0:
		return &needError{readContacts, f.failed}
	}
	return nil
}

// lone reports whether an error is of one mailbox, so that the others are read. A
// token that is not taken is the same for the next; so are, it seems, no answers,
// pauses and faults of the service for a few in a row, and refusals of the first few.
func (f *mailboxFeed) lone(id directory.ContactID, err error) bool {
	if _, ok := errors.AsType[*signInError](err); ok {
		return false
	}
	e, ok := errors.AsType[*responseError](err)
	if !ok {
		// No answer, or one that cannot be read, or that leads astray.
		if unreachable(err) || errors.Is(err, context.DeadlineExceeded) {
			f.down++
		}
		return f.down < mostDown
	}
	switch {
	case e.Status == http.StatusUnauthorized:
		return false
	case e.RetryAfter > 0:
		f.parked[id] = time.Now().Add(e.RetryAfter)
		f.down++
	case e.Status >= http.StatusInternalServerError:
		f.down++
	case e.Status == http.StatusForbidden && f.fresh && f.read == 0:
		f.refusals++
		f.down = 0
	default:
		f.down = 0
	}
	return f.refusals < mostRefused && f.down < mostDown
}

// begin reads the members, and lets the contacts of those go who are none any
// more. It goes on behind the mailbox that was read last, so that what ends a
// round keeps nobody from being read for ever.
func (f *mailboxFeed) begin(ctx context.Context, o order, done *directory.Round) error {
	f.todo, f.failed, f.read, f.refusals, f.down = nil, nil, 0, 0, 0
	id, err := f.group.find(ctx, f.name)
	if err != nil {
		return fmt.Errorf("mirror.mailboxes_group %s: %w", f.name, &needError{readMembers, err})
	}
	members, err := f.group.listed(ctx, f.name, id, "#microsoft.graph.user")
	if err != nil {
		return fmt.Errorf("mirror.mailboxes_group %s: %w", f.name, &needError{readMembers, err})
	}
	slices.Sort(members)
	members = slices.Compact(members)
	if err := f.leave(ctx, members, o, done); err != nil {
		return err
	}
	next, found := slices.BinarySearch(members, f.last)
	if found {
		next++
	}
	f.todo = slices.Concat(members[next:], members[:next])
	return nil
}

// leave removes what is mirrored of mailboxes that are not in the group. An
// emptied group, or many that leave at once, wait for a person.
func (f *mailboxFeed) leave(ctx context.Context, members []directory.ContactID, o order, done *directory.Round) error {
	mirrored, err := f.mirroredMailboxes(ctx)
	if err != nil {
		return err
	}
	f.fresh = len(mirrored) == 0
	var leavers []directory.ContactID
	for _, id := range mirrored {
		if _, member := slices.BinarySearch(members, id); !member {
			leavers = append(leavers, id)
		}
	}
	most := max(f.guard*float64(len(mirrored)), min(fewMailboxes, float64(len(mirrored)-1)))
	if f.guard > 0 && !o.AcceptShrink && float64(len(leavers)) > most {
		done.Note("", fmt.Sprintf("%d of %d mailboxes are not in the group any more; their contacts were kept.", len(leavers), len(mirrored)))
		f.failed = fmt.Errorf("%d of %d mailboxes left the group %s: %w", len(leavers), len(mirrored), f.name, directory.ErrShrink)
		return nil
	}
	a, err := f.forgetMailboxes(ctx, leavers)
	done.Applied = done.Applied.Add(a)
	return err
}

// mirroredMailboxes returns those of which something is mirrored.
func (m *Mirror) mirroredMailboxes(ctx context.Context) ([]directory.ContactID, error) {
	feeds, err := m.sink.Feeds(ctx, mailboxFeedPrefix)
	ids := make([]directory.ContactID, len(feeds))
	for i, f := range feeds {
		ids[i] = directory.ContactID(strings.TrimPrefix(string(f), string(mailboxFeedPrefix)))
	}
	return ids, err
}

// forgetMailboxes removes all that is mirrored of some mailboxes.
func (m *Mirror) forgetMailboxes(ctx context.Context, ids []directory.ContactID) (sum directory.Applied, err error) {
	for _, id := range ids {
		a, err := m.sink.Apply(ctx, forgetMailbox(id))
		if err != nil {
			return sum, fmt.Errorf("forget mailbox %s: %w", id, err)
		}
		sum = sum.Add(a)
		m.log.LogAttrs(ctx, slog.LevelInfo, "mailbox not mirrored any more", slog.String("id", string(id)), slog.Int("removed", a.Removed))
	}
	return sum, nil
}

// forgetMailbox removes all that is mirrored of a mailbox.
func forgetMailbox(id directory.ContactID) directory.Batch {
	return directory.Batch{
		Feed: mailboxFeedPrefix + directory.Feed(id), Source: directory.SourceMailbox, Mailbox: id,
		AcceptShrink: true, Next: &directory.Cursor{}, Sweep: func(directory.ContactID) bool { return false },
	}
}

// skipMailbox is why a mailbox, or a part of it, was left as it was.
func skipMailbox(err error) string {
	e, ok := errors.AsType[*responseError](err)
	switch {
	case errors.Is(err, directory.ErrShrink):
		return "A full reading would remove much of the mailbox's contacts; they were kept. `ringbook sync --accept-shrink` lets it."
	case ok && e.Status == http.StatusForbidden:
		return "Exchange refused access to the mailbox: it is outside of the application's scope, or the scope is not two hours old."
	case ok && e.Status == http.StatusNotFound:
		return "There is no Exchange Online mailbox."
	case ok && e.Status == http.StatusTooManyRequests:
		return "Outlook asks for a pause with this mailbox."
	case ok:
		return fmt.Sprintf("Outlook answered with status %d.", e.Status)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("Reading the mailbox took more than %v; what was read is kept.", mailboxDeadline)
	case unreachable(err):
		return "Outlook did not answer."
	}
	return "The answers about the mailbox cannot be read."
}

// withoutMessage is an error as the log has it: what Graph says of a mailbox may
// hold its address, so that only status, code and request are told.
func withoutMessage(err error) string {
	if e, ok := errors.AsType[*responseError](err); ok {
		quiet := *e
		quiet.Message = ""
		return quiet.Error()
	}
	return plain(err.Error(), 300)
}

package graph

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"ringbook/directory"
)

const (
	// mailboxInterval is the least time between two looks at the mailboxes: each
	// costs a request for every folder.
	mailboxInterval = 15 * time.Minute
	// folderInterval is how often the folders of a mailbox are listed, unless
	// somebody waits: people seldom make one.
	folderInterval = time.Hour
	// mailboxDeadline ends the work on one mailbox; the next has its turn.
	mailboxDeadline = 10 * time.Minute
	// maxFolders and maxDepth bound the folders of a mailbox, which its owner makes.
	maxFolders = 200
	maxDepth   = 8
	// fewMailboxes is up to how many mailboxes may leave at once without asking
	// anybody, as long as there are others left.
	fewMailboxes = 10
	// mostRefused mailboxes that are refused end a round if none was ever read: the
	// role in Exchange is missing. mostDown in a row that the service fails on do too.
	mostRefused = 10
	mostDown    = 3
	// outlookPages is what is asked for at once: Outlook's own pages are of ten.
	outlookPages = "odata.maxpagesize=200"
	// readContacts is what the mailboxes need. It is a role in Exchange, for the
	// mailboxes of a scope; the permission of that name in Entra opens all.
	readContacts = "Application Contacts.Read"
)

// mailboxFeedPrefix begins the names of the feeds of single mailboxes, which
// hold their cursors.
const mailboxFeedPrefix directory.Feed = "mailbox/"

// A mailboxFeed reads the Outlook contacts of the members of a group, one mailbox
// after the other: Outlook takes few requests at a time. Each mailbox stands
// alone: one that cannot be read keeps what is mirrored of it.
type mailboxFeed struct {
	*Mirror
	group   *groupFeed // finds the group
	name    directory.Group
	mapping *mapping
	base    string // of the question that a mailbox's cursor answers
	guard   float64

	// The round under way.
	todo   []directory.ContactID
	failed error // the first that one mailbox failed with
	read   int   // mailboxes
	// refusals counts mailboxes that were refused before one was read, and down
	// those in a row that got no answer but an error of the service.
	refusals, down int
	fresh          bool // no mailbox was ever read
}

// A mailboxState is what the cursor of a mailbox holds, as JSON in its link.
type mailboxState struct {
	Folders []folderState `json:"folders"`
	Listed  int64         `json:"listed"`  // when the folders were, Unix seconds
	Owner   string        `json:"owner"`   // sign-in name
	Default string        `json:"default"` // id of the folder that has none here; "" = not seen yet
}

// A folderState is one folder.
type folderState struct {
	ID   string `json:"id"` // Outlook's; "" = the default one
	Name string `json:"name"`
	Link string `json:"link"` // delta link; "" = never read whole
}

// step begins a round by reading who belongs to the group, and then reads one
// mailbox at a time.
func (f *mailboxFeed) step(ctx context.Context, o order, done *directory.Round) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, mailboxDeadline)
	defer cancel()
	if done.Requests == 0 {
		return false, f.begin(ctx, o, done)
	}
	if len(f.todo) == 0 {
		f.progress(Progress{Feed: FeedMailboxes, Read: done.Read, Done: true})
		if f.failed != nil && f.read == 0 {
			return true, &needError{readContacts, f.failed}
		}
		if errors.Is(f.failed, directory.ErrShrink) {
			return true, f.failed
		}
		return true, nil
	}
	id := f.todo[0]
	f.todo = f.todo[1:]
	err := f.mailbox(ctx, id, o, done)
	switch {
	case err == nil:
		f.read++
		f.down = 0
	case !f.lone(err):
		return true, &needError{readContacts, err}
	default:
		done.Skip(string(id), skipMailbox(err))
		f.log.LogAttrs(ctx, slog.LevelWarn, "mailbox skipped", slog.String("id", string(id)), slog.String("error", plain(err.Error(), 300)))
		if f.failed == nil || errors.Is(err, directory.ErrShrink) {
			f.failed = err
		}
	}
	return false, nil
}

// lone reports whether an error is of one mailbox, so that the others are read:
// no answer at all, a pause that was asked for, or a token that is not taken
// would be the same for the next. Refusals of the first few, and errors of the
// service for a few in a row, look as if they were, too.
func (f *mailboxFeed) lone(err error) bool {
	if errors.Is(err, directory.ErrShrink) {
		return true
	}
	e, ok := errors.AsType[*responseError](err)
	if !ok || e.Status == http.StatusUnauthorized || e.RetryAfter > 0 {
		return false
	}
	switch {
	case e.Status == http.StatusForbidden && f.fresh && f.read == 0:
		f.refusals++
	case e.Status >= http.StatusInternalServerError:
		f.down++
	}
	return f.refusals < mostRefused && f.down < mostDown
}

// begin reads the members, and lets the contacts of those go who are none any more.
func (f *mailboxFeed) begin(ctx context.Context, o order, done *directory.Round) error {
	f.todo, f.failed, f.read, f.refusals, f.down = nil, nil, 0, 0, 0
	id, err := f.group.find(ctx, f.name)
	if err != nil {
		return fmt.Errorf("mirror.mailboxes_group %s: %w", f.name, &needError{readMembers, err})
	}
	members, err := f.group.listed(ctx, f.name, id, done, "#microsoft.graph.user")
	if err != nil {
		return fmt.Errorf("mirror.mailboxes_group %s: %w", f.name, &needError{readMembers, err})
	}
	slices.Sort(members)
	f.todo = slices.Compact(members)
	return f.leave(ctx, o, done)
}

// leave removes what is mirrored of mailboxes that are not in the group. An
// emptied group, or many that leave at once, wait for a person.
func (f *mailboxFeed) leave(ctx context.Context, o order, done *directory.Round) error {
	feeds, err := f.sink.Feeds(ctx, mailboxFeedPrefix)
	if err != nil {
		return err
	}
	f.fresh = len(feeds) == 0
	var leavers []directory.ContactID
	for _, feed := range feeds {
		id := directory.ContactID(strings.TrimPrefix(string(feed), string(mailboxFeedPrefix)))
		if _, member := slices.BinarySearch(f.todo, id); !member {
			leavers = append(leavers, id)
		}
	}
	most := max(f.guard*float64(len(feeds)), min(fewMailboxes, float64(len(feeds)-1)))
	if f.guard > 0 && !o.AcceptShrink && float64(len(leavers)) > most {
		done.Note("", fmt.Sprintf("%d of %d mailboxes are not in the group any more; their contacts were kept.", len(leavers), len(feeds)))
		f.failed = fmt.Errorf("%d of %d mailboxes left the group %s: %w", len(leavers), len(feeds), f.name, directory.ErrShrink)
		return nil
	}
	for _, id := range leavers {
		a, err := f.sink.Apply(ctx, forgetMailbox(id))
		if err != nil {
			return err
		}
		done.Applied = done.Applied.Add(a)
		f.log.LogAttrs(ctx, slog.LevelInfo, "mailbox not mirrored any more", slog.String("id", string(id)), slog.Int("removed", a.Removed))
	}
	return nil
}

// forgetMailbox removes all that is mirrored of a mailbox.
func forgetMailbox(id directory.ContactID) directory.Batch {
	return directory.Batch{
		Feed: mailboxFeedPrefix + directory.Feed(id), Source: directory.SourceMailbox, Mailbox: id,
		AcceptShrink: true, Next: &directory.Cursor{}, Sweep: func(directory.ContactID) bool { return false },
	}
}

// A mailbox is one mailbox on its way through a round.
type mailbox struct {
	*mailboxFeed
	id    directory.ContactID
	feed  directory.Feed
	state mailboxState
	o     order
	done  *directory.Round
}

// mailbox reads one mailbox, folder by folder.
func (f *mailboxFeed) mailbox(ctx context.Context, id directory.ContactID, o order, done *directory.Round) error {
	m := &mailbox{mailboxFeed: f, id: id, feed: mailboxFeedPrefix + directory.Feed(id), o: o, done: done}
	cur, err := f.sink.Cursor(ctx, m.feed)
	if err != nil {
		return err
	}
	if cur.Link == "" || json.Unmarshal([]byte(cur.Link), &m.state) != nil || cur.Question != m.question() || o.Full {
		m.state = mailboxState{Owner: m.state.Owner, Default: m.state.Default, Folders: withoutLinks(m.state.Folders)}
	}
	if o.waitedFor || time.Since(time.Unix(m.state.Listed, 0)) >= folderInterval {
		if err := m.list(ctx); err != nil {
			return err
		}
	}
	for i := range m.state.Folders {
		if err := m.folder(ctx, i); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(m.state.Folders, func(f folderState) bool { return f.ID != "" && f.ID == m.state.Default }) {
		return m.list(ctx) // the default folder was in the list, and is read twice
	}
	return nil
}

// withoutLinks makes every folder be read whole.
func withoutLinks(all []folderState) []folderState {
	for i := range all {
		all[i].Link = ""
	}
	return all
}

// question digests what shapes the answer, the owner's name among it: a rule may
// name the mailbox by it.
func (m *mailbox) question() string { return digest([]string{m.base, m.state.Owner}) }

func (m *mailbox) cursor() *directory.Cursor {
	b, _ := json.Marshal(m.state) // texts and numbers
	return &directory.Cursor{Link: string(b), Question: m.question()}
}

// list reads who owns the mailbox and which folders there are, and removes the
// contacts of those that are no more. The default folder is in no list.
// https://learn.microsoft.com/graph/api/user-list-contactfolders
func (m *mailbox) list(ctx context.Context) error {
	var owner struct {
		Name string `json:"userPrincipalName"`
	}
	if err := m.client.get(ctx, m.client.path("$select=userPrincipalName", "users", string(m.id)), &owner); err != nil {
		return err
	}
	found := []folderState{{Name: "Contacts"}}
	if err := m.below(ctx, &found, 1, "users", string(m.id), "contactFolders"); err != nil {
		return err
	}
	if name := clean(owner.Name, false); name != m.state.Owner {
		m.state.Owner, m.state.Folders = name, withoutLinks(m.state.Folders)
	}
	var gone []string // prefixes of ids
	for _, old := range m.state.Folders {
		i := slices.IndexFunc(found, func(f folderState) bool { return f.ID == old.ID })
		switch {
		case i < 0:
			gone = append(gone, folderPrefix(m.id, old.ID))
		case found[i].Name == old.Name:
			found[i].Link = old.Link
		}
	}
	m.state.Folders, m.state.Listed = found, time.Now().Unix()
	b := directory.Batch{
		Feed: m.feed, Source: directory.SourceMailbox, Mailbox: m.id, Next: m.cursor(), AcceptShrink: true, // their owner removed them
	}
	if len(gone) > 0 {
		b.Sweep = func(id directory.ContactID) bool {
			return !slices.ContainsFunc(gone, func(prefix string) bool { return strings.HasPrefix(string(id), prefix) })
		}
	}
	a, err := m.sink.Apply(ctx, b)
	m.done.Applied = m.done.Applied.Add(a)
	return err
}

// below appends the folders that a list holds, and those in them.
func (m *mailbox) below(ctx context.Context, found *[]folderState, depth int, path ...string) error {
	var ids []string
	err := m.client.list(ctx, m.client.path("$select=id,displayName&$top=100", path...), func(o object) {
		var f folderState
		if json.Unmarshal(o["id"], &f.ID) != nil || f.ID == "" || len(*found) >= maxFolders {
			m.done.Skip(string(m.id), "A folder of the mailbox has no id, or there are too many.")
			return
		}
		ids = append(ids, f.ID)
		if f.ID == m.state.Default {
			return // it is read already
		}
		name, _ := decodeText(o["displayName"])
		f.Name = clean(name, false)
		*found = append(*found, f)
	})
	if err != nil || depth == maxDepth {
		return err
	}
	for _, id := range ids {
		if err := m.below(ctx, found, depth+1, "users", string(m.id), "contactFolders", url.PathEscape(id), "childFolders"); err != nil {
			return err
		}
	}
	return nil
}

// folder reads the news of one folder.
// https://learn.microsoft.com/graph/api/contact-delta
func (m *mailbox) folder(ctx context.Context, i int) error {
	f := &m.state.Folders[i]
	prefix := folderPrefix(m.id, f.ID)
	r := &deltaRound{Mirror: m.Mirror, name: FeedMailboxes, mapping: m.mapping, done: m.done, link: f.Link, prefer: outlookPages}
	path := []string{"users", string(m.id), "contacts"}
	if f.ID != "" {
		path = []string{"users", string(m.id), "contactFolders", url.PathEscape(f.ID), "contacts"}
	}
	r.adapt = func(ctx context.Context, o object) error {
		if f.ID == "" && m.state.Default == "" {
			m.state.Default, _ = decodeText(o["parentFolderId"])
		}
		if someAddresses(o) {
			if err := m.addresses(ctx, o, path); err != nil {
				return err
			}
		}
		adaptOutlook(o, prefix)
		return nil
	}
	place := []directory.Extra{{Name: "folder", Values: []string{f.Name}}, {Name: "mailbox", Values: []string{m.state.Owner}}}
	r.batch = func(changes []directory.Change, delta string) directory.Batch {
		b := directory.Batch{
			Feed: m.feed, Source: directory.SourceMailbox, Mailbox: m.id, AcceptShrink: m.o.AcceptShrink, Changes: m.owned(changes, place),
		}
		if delta != "" {
			f.Link = delta
			b.Next = m.cursor()
			if r.seen != nil {
				b.Sweep = func(id directory.ContactID) bool { return !strings.HasPrefix(string(id), prefix) || r.wasSeen(id) }
			}
		}
		return b
	}
	before := f.Link
	err := r.run(ctx, path...)
	if err != nil {
		f.Link = before
	}
	if e, ok := errors.AsType[*responseError](err); ok && e.Status == http.StatusNotFound && f.ID != "" {
		m.done.Skip(string(m.id), "A folder of the mailbox was gone when it was read; the folders are listed again.")
		m.state.Listed = 0
		_, err = m.sink.Apply(ctx, directory.Batch{Feed: m.feed, Source: directory.SourceMailbox, Mailbox: m.id, Next: m.cursor()})
	}
	return err
}

// addresses reads all addresses of a contact of which the news tell some only:
// which of them is shown depends on the others.
func (m *mailbox) addresses(ctx context.Context, o object, folder []string) error {
	id, _ := decodeText(o["id"])
	if id == "" {
		return nil // the mapping says so
	}
	var whole object
	link := m.client.path("$select="+strings.Join(outlookAddresses, ","), append(slices.Clone(folder), url.PathEscape(id))...)
	err := m.client.get(ctx, link, &whole)
	if e, ok := errors.AsType[*responseError](err); ok && e.Status == http.StatusNotFound {
		return nil // it is gone, and the next news say so
	}
	for _, name := range outlookAddresses {
		if raw, there := whole[name]; there {
			o[name] = raw
		}
	}
	return err
}

// owned says in whose mailbox the contacts stand, and where.
func (m *mailbox) owned(changes []directory.Change, place []directory.Extra) []directory.Change {
	for i := range changes {
		lay := changes[i].Update
		if lay == nil {
			continue
		}
		changes[i].Update = func(c *directory.Contact) {
			lay(c)
			c.Mailbox = m.id
			c.Extras = c.Extras.Lay(place)
		}
	}
	return changes
}

// skipMailbox is why a mailbox was left as it was.
func skipMailbox(err error) string {
	e, ok := errors.AsType[*responseError](err)
	switch {
	case errors.Is(err, directory.ErrShrink):
		return "A full reading would remove much of the mailbox's contacts; they were kept. `ringbook sync --accept-shrink` lets it."
	case ok && e.Status == http.StatusForbidden:
		return "Exchange refused access to the mailbox: it is outside of the application's scope, or the scope is not two hours old."
	case ok && e.Status == http.StatusNotFound:
		return "There is no Exchange Online mailbox."
	case ok:
		return fmt.Sprintf("Outlook answered with status %d.", e.Status)
	}
	return "The answers about the mailbox cannot be read."
}

package graph

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"ringbook/directory"
)

const (
	// folderInterval is how often the folders of a mailbox are listed, unless
	// somebody waits: people seldom make one.
	folderInterval = time.Hour
	// maxFolders and maxDepth bound the folders of a mailbox, and maxOutlook the
	// contacts of a whole reading: its owner makes them.
	maxFolders = 200
	maxDepth   = 8
	maxOutlook = 20_000
	// outlookPages is what is asked for at once: Outlook's own pages are of ten.
	outlookPages = "odata.maxpagesize=200"
)

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
	Link string `json:"link"`           // delta link; "" = never read whole
	Gone bool   `json:"gone,omitempty"` // its contacts are to be removed
}

// A mailbox is one mailbox on its way through a round.
type mailbox struct {
	*mailboxFeed
	id    directory.ContactID
	feed  directory.Feed
	state mailboxState
	o     order
	done  *directory.Round
	taken int // contacts that whole readings have brought
}

// mailbox reads one mailbox, folder by folder. A folder that cannot be read keeps
// what is mirrored of it, and stops no other.
func (f *mailboxFeed) mailbox(ctx context.Context, id directory.ContactID, o order, done *directory.Round) error {
	m := &mailbox{mailboxFeed: f, id: id, feed: mailboxFeedPrefix + directory.Feed(id), o: o, done: done}
	cur, err := f.sink.Cursor(ctx, m.feed)
	if err != nil {
		return err
	}
	if json.Unmarshal([]byte(cur.Link), &m.state) != nil || cur.Question != m.question() || o.Full {
		m.state = mailboxState{Owner: m.state.Owner, Folders: withoutLinks(m.state.Folders)}
	}
	age := time.Since(time.Unix(m.state.Listed, 0))
	if o.waitedFor || age >= folderInterval || age < 0 { // the clock was wrong once
		if err := m.list(ctx); err != nil {
			return err
		}
	}
	return m.folders(ctx)
}

// folders reads the folders, and then removes the contacts of those that are gone.
func (m *mailbox) folders(ctx context.Context) error {
	var failed error
	for i := range m.state.Folders {
		if m.state.Folders[i].Gone {
			continue
		}
		if err := m.folder(ctx, i); err != nil {
			failed = errors.Join(failed, err)
			if ctx.Err() != nil || !ofFolder(err) {
				return failed
			}
		}
	}
	// The default folder may turn out to be in the list as well.
	for i, f := range m.state.Folders {
		if f.ID != "" && f.ID == m.state.Default {
			m.state.Folders[i].Gone = true
		}
	}
	return errors.Join(failed, m.sweepGone(ctx))
}

// ofFolder reports whether an error is of one folder alone.
func ofFolder(err error) bool {
	if errors.Is(err, directory.ErrShrink) {
		return true
	}
	e, ok := errors.AsType[*responseError](err)
	return ok && e.RetryAfter == 0 && e.Status != http.StatusUnauthorized && e.Status != http.StatusForbidden
}

// sweepGone removes the contacts of folders that are gone, and forgets those.
func (m *mailbox) sweepGone(ctx context.Context) error {
	var gone []string // prefixes of ids
	for _, f := range m.state.Folders {
		if f.Gone {
			gone = append(gone, folderPrefix(m.id, f.ID))
		}
	}
	if len(gone) == 0 {
		return nil
	}
	m.state.Folders = slices.DeleteFunc(m.state.Folders, func(f folderState) bool { return f.Gone })
	a, err := m.sink.Apply(ctx, directory.Batch{
		Feed: m.feed, Source: directory.SourceMailbox, Mailbox: m.id, Next: m.cursor(), AcceptShrink: true, // their owner removed them
		Sweep: func(id directory.ContactID) bool {
			return !slices.ContainsFunc(gone, func(prefix string) bool { return strings.HasPrefix(string(id), prefix) })
		},
	})
	m.done.Applied = m.done.Applied.Add(a)
	return err
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

// list reads who owns the mailbox and which folders there are. The default folder
// is in no list. A folder that is not in the list either is gone when Outlook says
// so of it: a list may be short.
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
	if name := clean(owner.Name, false); name != "" && name != m.state.Owner {
		m.state.Owner, m.state.Folders = name, withoutLinks(m.state.Folders)
	}
	folders, err := m.known(ctx, found)
	if err != nil {
		return err
	}
	for _, f := range found {
		isKnown := slices.ContainsFunc(folders, func(k folderState) bool { return k.ID == f.ID })
		switch {
		case isKnown:
		case len(folders) < maxFolders:
			folders = append(folders, f)
		default:
			m.done.Note(string(m.id), "The mailbox has more folders than are mirrored; the newest are left out.")
		}
	}
	m.state.Folders, m.state.Listed = folders, time.Now().Unix()
	_, err = m.sink.Apply(ctx, directory.Batch{Feed: m.feed, Source: directory.SourceMailbox, Mailbox: m.id, Next: m.cursor()})
	return err
}

// known returns the folders that were there before, as they are now.
func (m *mailbox) known(ctx context.Context, found []folderState) ([]folderState, error) {
	var folders []folderState
	for _, old := range m.state.Folders {
		i := slices.IndexFunc(found, func(f folderState) bool { return f.ID == old.ID })
		switch {
		case i < 0 && !old.Gone:
			var there struct {
				ID string `json:"id"`
			}
			err := m.client.get(ctx, m.client.path("$select=id", "users", string(m.id), "contactFolders", url.PathEscape(old.ID)), &there)
			old.Gone = notFound(err)
			if err != nil && !old.Gone {
				return nil, err
			}
		case i >= 0 && found[i].Name != old.Name:
			old.Name, old.Link, old.Gone = found[i].Name, "", false // each contact has it
		case i >= 0:
			old.Gone = false
		}
		folders = append(folders, old)
	}
	return folders, nil
}

// below appends the folders that a list holds, and those in them.
func (m *mailbox) below(ctx context.Context, found *[]folderState, depth int, path ...string) error {
	var ids []string
	err := m.client.list(ctx, m.client.path("$select=id,displayName&$top=100", path...), func(o object) {
		id, _ := decodeText(o["id"])
		if id == "" {
			m.done.Note(string(m.id), "A folder of the mailbox has no id.")
			return
		}
		ids = append(ids, id)
		if id == m.state.Default || len(*found) > 2*maxFolders {
			return // it is read already, or there is no end
		}
		name, _ := decodeText(o["displayName"])
		*found = append(*found, folderState{ID: id, Name: clean(name, false)})
	})
	if err != nil || depth == maxDepth || len(*found) > 2*maxFolders {
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
	path := []string{"users", string(m.id), "contacts"}
	if f.ID != "" {
		path = []string{"users", string(m.id), "contactFolders", url.PathEscape(f.ID), "contacts"}
	}
	r := &deltaRound{Mirror: m.Mirror, name: FeedMailboxes, mapping: m.mapping, done: m.done, link: f.Link, prefer: outlookPages}
	r.adapt = func(ctx context.Context, o object) error {
		if f.ID == "" && m.state.Default == "" {
			m.state.Default, _ = decodeText(o["parentFolderId"])
		}
		if r.seen == nil && someAddresses(o) { // of a whole reading, what is absent is none
			if err := m.addresses(ctx, o, path); err != nil {
				return err
			}
		}
		adaptOutlook(o, prefix)
		return nil
	}
	r.batch = m.batchOf(r, f, prefix)
	before := f.Link
	err := r.run(ctx, path...)
	if err != nil {
		f.Link = before
	}
	if notFound(err) && f.ID != "" {
		m.done.Note(string(m.id), "A folder of the mailbox was gone when it was read; the folders are listed again.")
		m.state.Listed = 0
		_, err = m.sink.Apply(ctx, directory.Batch{Feed: m.feed, Source: directory.SourceMailbox, Mailbox: m.id, Next: m.cursor()})
	}
	return err
}

// batchOf makes the batches of a folder.
func (m *mailbox) batchOf(r *deltaRound, f *folderState, prefix string) func([]directory.Change, string) directory.Batch {
	place := []directory.Extra{{Name: "folder", Values: []string{f.Name}}, {Name: "mailbox", Values: []string{m.state.Owner}}}
	return func(changes []directory.Change, delta string) directory.Batch {
		if r.seen != nil {
			changes = m.upTo(changes)
		}
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
}

// upTo returns the changes that there is room for.
func (m *mailbox) upTo(changes []directory.Change) []directory.Change {
	room := max(maxOutlook-m.taken, 0)
	m.taken += len(changes)
	if len(changes) > room {
		m.done.Note(string(m.id), "The mailbox has more contacts than are mirrored; the others are left out.")
		return changes[:room]
	}
	return changes
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
	if notFound(err) {
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

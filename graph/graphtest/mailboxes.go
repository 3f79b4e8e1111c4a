package graphtest

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"ringbook/directory"
)

// A mailbox is what Exchange Online has of a person: folders of contacts, of
// which the first is the default one. It is in no list of folders.
type mailbox struct{ folders []*contactFolder }

type contactFolder struct {
	id, name, parent string
	contacts         *Objects
}

// newID draws an id as Entra has it or, of an Outlook contact, as Exchange does:
// long, and with capitals and small letters that mean something.
func (t *Objects) newID() string {
	if t.folder == "" {
		return newID()
	}
	return outlookID()
}

func outlookID() string {
	var b [48]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return "AAMk" + base64.URLEncoding.EncodeToString(b[:]) + "AA="
}

// AddMailbox gives a person a mailbox, and opens it to the application.
func (t *Tenant) AddMailbox(user string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.mailboxes == nil {
		t.mailboxes = make(map[string]*mailbox)
	}
	if t.scope == nil {
		t.scope = make(map[string]bool)
	}
	id := outlookID()
	t.mailboxes[user] = &mailbox{[]*contactFolder{{id, "Contacts", "", t.newFolder(id, "users/"+user+"/contacts")}}}
	t.scope[user] = true
}

func (t *Tenant) newFolder(id, kind string) *Objects {
	f := newObjects(kind, t.keys, t.options, nil, 0)
	f.folder = id
	return f
}

// SetScope says which mailboxes Exchange opens to the application.
func (t *Tenant) SetScope(users ...string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.scope = make(map[string]bool, len(users))
	for _, u := range users {
		t.scope[u] = true
	}
}

// AddFolder makes a folder of contacts in another, and returns its id. The parent
// "" is the default folder. It fails with directory.ErrNotFound.
func (t *Tenant) AddFolder(user, name, parent string) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	m := t.mailboxes[user]
	if m == nil || m.folder(parent) == nil {
		return "", fmt.Errorf("mailbox of %s, folder %q: %w", user, parent, directory.ErrNotFound)
	}
	id := outlookID()
	m.folders = append(m.folders, &contactFolder{id, name, m.folder(parent).id, t.newFolder(id, "users/"+user+"/contactFolders/"+id+"/contacts")})
	return id, nil
}

// RemoveFolder deletes a folder with its contacts.
func (t *Tenant) RemoveFolder(user, id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if m := t.mailboxes[user]; m != nil {
		m.folders = slices.DeleteFunc(m.folders, func(f *contactFolder) bool { return f.id == id })
	}
}

// Folder returns the contacts of a folder, "" = the default one; nil = there is none.
func (t *Tenant) Folder(user, id string) *Objects {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if m := t.mailboxes[user]; m != nil {
		if f := m.folder(id); f != nil {
			return f.contacts
		}
	}
	return nil
}

func (m *mailbox) folder(id string) *contactFolder {
	if id == "" {
		return m.folders[0]
	}
	for _, f := range m.folders {
		if f.id == id {
			return f
		}
	}
	return nil
}

// folders returns all folders of all mailboxes.
func (t *Tenant) folders() (all []*Objects) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, m := range t.mailboxes {
		for _, f := range m.folders {
			all = append(all, f.contacts)
		}
	}
	return all
}

// mailboxRequest answers GET /users/{id}/contacts[/delta], /users/{id}/contactFolders
// and what is below it.
func (t *Tenant) mailboxRequest(c call) reply {
	t.mu.RLock()
	m, open := t.mailboxes[c.path[1]], t.scope[c.path[1]]
	t.mu.RUnlock()
	switch {
	case !open && !t.granted("Contacts.Read", "Contacts.ReadWrite"):
		return fail(http.StatusForbidden, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
	case m == nil:
		return fail(http.StatusNotFound, "MailboxNotEnabledForRESTAPI", "The mailbox is either inactive, soft-deleted, or is hosted on-premise.")
	}
	p := c.path[2:]
	parent := ""
	if p[0] == "contactFolders" && len(p) > 1 {
		parent, p = p[1], p[2:]
	} else if p[0] == "contactFolders" {
		p = []string{"childFolders"}
	}
	t.mu.RLock()
	f := m.folder(parent)
	t.mu.RUnlock()
	switch path := strings.Join(p, "/"); {
	case f == nil:
		return fail(http.StatusNotFound, "ErrorItemNotFound", "The specified object was not found in the store.")
	case path == "":
		return jsonReply(http.StatusOK, map[string]any{"id": f.id, "displayName": f.name, "parentFolderId": f.parent})
	case path == "childFolders":
		return t.listFolders(c, m, f.id)
	case path == "contacts/delta" || path == "contacts/delta()":
		return f.contacts.delta(c)
	case path == "contacts":
		return f.contacts.first(c)
	case len(p) == 2 && p[0] == "contacts":
		return f.contacts.one(c, p[1])
	}
	return noSegment(p[len(p)-1])
}

// listFolders lists the folders in another, without that one.
func (t *Tenant) listFolders(c call, m *mailbox, parent string) reply {
	t.mu.RLock()
	defer t.mu.RUnlock()
	value := []map[string]any{}
	for _, f := range m.folders {
		if f.parent == parent {
			value = append(value, map[string]any{"id": f.id, "displayName": f.name, "parentFolderId": f.parent})
		}
	}
	return jsonReply(http.StatusOK, map[string]any{"@odata.context": c.base + "/$metadata#contactFolders", "value": value})
}

// first answers GET …/contacts with the first page, of which there is no second.
func (t *Objects) first(c call) reply {
	query, err := url.ParseQuery(c.URL.RawQuery)
	if err != nil {
		return badRequest("Malformed query.")
	}
	p := place{Initial: true, End: len(t.people), Size: 10}
	if top, ok := number(query.Get("$top"), maxPage); ok {
		p.Size = top
	}
	sel, err := selectOf(query)
	if err != nil {
		return badRequest("Could not find a property: %v", err)
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	value := slices.Concat([]byte(`{"value":[`), t.everybody(&p, sel), []byte("]}"))
	return rawReply(http.StatusOK, value)
}

// one answers GET …/contacts/{id}.
func (t *Objects) one(c call, id string) reply {
	query, err := url.ParseQuery(c.URL.RawQuery)
	if err != nil {
		return badRequest("Malformed query.")
	}
	sel, err := selectOf(query)
	if err != nil {
		return badRequest("Could not find a property: %v", err)
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	i, err := t.find(id)
	if err != nil {
		return fail(http.StatusNotFound, "ErrorItemNotFound", "The specified object was not found in the store.")
	}
	return rawReply(http.StatusOK, t.record(i, &record{}).appendObject(nil, sel, t.missing()))
}

// outlookPage is how many contacts a page has: ten, or what is preferred.
func outlookPage(prefer string) int {
	if _, size, ok := strings.Cut(prefer, "odata.maxpagesize="); ok {
		if n, err := strconv.Atoi(size); err == nil && n > 0 && n <= maxPage {
			return n
		}
	}
	return 10
}

// controlMailboxes steers mailboxes; see [Tenant.ServeHTTP].
func (t *Tenant) controlMailboxes(r *http.Request, p []string, body []byte) (any, error) {
	if len(p) == 0 {
		return nil, directory.ErrNotFound
	}
	user, p := p[0], p[1:]
	folder := ""
	switch {
	case len(p) == 0 && r.Method == http.MethodPost:
		t.AddMailbox(user)
		return nil, nil
	case len(p) == 1 && p[0] == "folders" && r.Method == http.MethodPost:
		var f struct {
			Name   string `json:"displayName"`
			Parent string `json:"parent"`
		}
		if err := json.Unmarshal(body, &f); err != nil {
			return nil, err
		}
		id, err := t.AddFolder(user, f.Name, f.Parent)
		return map[string]string{"id": id}, err
	case len(p) == 2 && p[0] == "folders" && r.Method == http.MethodDelete:
		t.RemoveFolder(user, p[1])
		return nil, nil
	case len(p) > 2 && p[0] == "folders":
		folder, p = p[1], p[2:]
	}
	of := t.Folder(user, folder)
	if of == nil || len(p) == 0 || p[0] != "contacts" {
		return nil, directory.ErrNotFound
	}
	return of.control(r, p[1:], body)
}

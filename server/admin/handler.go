package admin

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"ringbook/directory"
	"ringbook/directory/index"
	"ringbook/server/enroll"
	"ringbook/server/enroll/kit"
)

const (
	// maxBody is far beyond the largest request, a device with all its books.
	maxBody = 64 << 10
	// bodyWait is how long a request's body may take: its sender is on this machine.
	bodyWait = 10 * time.Second
)

// Directory is what is served. *store.Store is one.
type Directory interface {
	View() *index.View
}

// Mirror is what fetches the news. *graph.Mirror is one.
type Mirror interface {
	// Sync runs a round of every feed and returns when all have ended.
	Sync(ctx context.Context, r directory.SyncRequest) ([]directory.Round, error)
	Status() []directory.FeedStatus
}

// Credentials knows how the tenant is signed in to. *graph.Credential is one.
type Credentials interface {
	Status() []directory.CredentialStatus
}

// Devices knows the devices. *auth.Authority is one.
type Devices interface {
	Secrets
	Add(ctx context.Context, d directory.Device) (directory.Device, string, error)
	List() []directory.Device
	Change(ctx context.Context, id directory.DeviceID, change func(*directory.Device) error) (directory.Device, error)
	SetState(ctx context.Context, id directory.DeviceID, st directory.DeviceState) (directory.Device, error)
}

// Secrets are those of devices.
type Secrets interface {
	Rotate(ctx context.Context, id directory.DeviceID) (directory.Device, string, error)
	Verify(id directory.DeviceID, secret string) (bool, error)
	// Refused is the last login of a device that was refused; zero = none since the start.
	Refused(id directory.DeviceID) directory.Refusal
}

// Local takes the contacts that are entered here. *store.Store is one.
type Local interface {
	Apply(ctx context.Context, b directory.Batch) (directory.Applied, error)
}

// Owners knows the people who may own devices.
type Owners interface {
	Resolve(names []string) map[string]directory.ContactID
	MayOwn(id directory.ContactID) (reason string, ok bool)
}

// A Journal remembers what devices do. *journal.Journal is one.
type Journal interface {
	Of(id directory.DeviceID) directory.Activity
	// Left returns the books that a device still has to hear are empty.
	Left(id directory.DeviceID, shown func(directory.BookName) bool) []directory.BookName
	// Heal makes a device read everything again.
	Heal(ctx context.Context, id directory.DeviceID) error
}

// Access is how devices reach us.
type Access struct {
	PublicURL    string // for profiles
	Organization string // for profiles; "" = Ringbook
	CardDAVURL   string // what a person types
	LDAPURI      string // ldap://…, "" = no such listener
	LDAPSURI     string // ldaps://…, "" = no such listener
	StartTLS     bool   // LDAP has a certificate
	PlainLDAP    bool   // LDAP takes logins without TLS
	Legacy       kit.Legacy
	BaseDN       string
	BindDN       func(directory.Login) string
}

// Options are what the handler stands on.
type Options struct {
	Directory   Directory
	Mirror      Mirror
	Credentials Credentials // nil = nobody signs in
	Devices     Devices
	Local       Local
	Read        func(c *directory.Contact, written string) (e164 string) // reads a number
	Owners      Owners                                                   // nil = nobody is known
	Journal     Journal                                                  // nil = nothing is known of what devices do
	Access      Access
	Listeners   func() []ListenerStatus // nil = there are none
	Sites       []directory.SiteName    // those that have a number plan
	Version     string
	Started     time.Time
	Log         *slog.Logger
}

type handler struct{ Options }

// New returns the handler of the admin socket. It trusts whoever reaches it.
func New(o Options) http.Handler {
	h := handler{o}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", h.answer(h.status))
	mux.HandleFunc("POST /v1/sync", h.answer(h.sync))
	mux.HandleFunc("GET /v1/books", h.answer(h.listBooks))
	mux.HandleFunc("POST /v1/books/preview", h.answer(h.preview))
	mux.HandleFunc("GET /v1/contacts", h.answer(h.findContacts))
	mux.HandleFunc("GET /v1/contacts/export", h.exportContacts)
	mux.HandleFunc("POST /v1/contacts", h.answer(h.addContact))
	mux.HandleFunc("POST /v1/contacts/import", h.answerUpTo(maxImport, h.importContacts))
	mux.HandleFunc("GET /v1/contacts/{id}", h.answer(h.showContact))
	mux.HandleFunc("PATCH /v1/contacts/{id}", h.answer(h.editContact))
	mux.HandleFunc("DELETE /v1/contacts/{id}", h.answer(h.removeContact))
	mux.HandleFunc("GET /v1/contacts/{id}/explain", h.answer(h.explainContact))
	mux.HandleFunc("GET /v1/devices", h.answer(h.listDevices))
	mux.HandleFunc("POST /v1/devices", h.answer(h.addDevice))
	mux.HandleFunc("GET /v1/devices/{id}", h.answer(h.showDevice))
	mux.HandleFunc("PATCH /v1/devices/{id}", h.answer(h.changeDevice))
	mux.HandleFunc("POST /v1/devices/{id}/revoke", h.answer(h.revokeDevice))
	mux.HandleFunc("POST /v1/devices/{id}/rotate", h.answer(h.rotateDevice))
	mux.HandleFunc("POST /v1/devices/{id}/heal", h.answer(h.healDevice))
	mux.HandleFunc("POST /v1/devices/{id}/profile", h.answer(h.profile))
	mux.HandleFunc("POST /v1/devices/{id}/kit", h.answer(h.deviceKit))
	mux.HandleFunc("/", h.answer(func(r *http.Request) (any, error) {
		return nil, refuse(http.StatusNotFound, directory.ErrNotFound,
			"this server has no "+r.Method+" "+r.URL.Path, "the command and the server may be of different versions: compare `ringbook version` with `ringbook status`")
	}))
	return mux
}

// profileBytes is an answer that is no JSON.
type profileBytes []byte

// answer turns a method into a handler and writes the one log line.
func (h handler) answer(method func(*http.Request) (any, error)) http.HandlerFunc {
	return h.answerUpTo(maxBody, method)
}

// answerUpTo is answer for bodies of another limit, in bytes.
func (h handler) answerUpTo(limit int64, method func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		v, err := any(nil), buffer(w, r, limit)
		if err == nil {
			v, err = method(r)
		}
		status := http.StatusOK
		level := slog.LevelDebug
		if r.Method != http.MethodGet {
			level = slog.LevelInfo
		}
		attrs := []slog.Attr{slog.String("method", r.Method), slog.String("path", r.URL.Path)}
		if err != nil {
			f := failure(err)
			status, v = f.Status, Error{Error: f.Message, Hint: f.Hint}
			attrs = append(attrs, slog.String("error", err.Error()))
		}
		write(w, status, v)
		attrs = append(attrs, slog.Int("status", status), slog.Duration("took", time.Since(start)))
		h.Log.LogAttrs(r.Context(), level, "admin request", attrs...)
	}
}

// buffer reads the body while a deadline holds. The deadline must be gone when
// the work begins: it would end a long round's context.
func buffer(w http.ResponseWriter, r *http.Request, limit int64) error {
	c := http.NewResponseController(w)
	// A deadline that cannot be set is that of a test's recorder.
	_ = c.SetReadDeadline(time.Now().Add(bodyWait))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	_ = c.SetReadDeadline(time.Time{})
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return refuse(http.StatusRequestEntityTooLarge, directory.ErrTooLarge, fmt.Sprintf("the request has more than %d KiB", limit>>10), "")
	}
	if err != nil {
		return refuse(http.StatusBadRequest, directory.ErrInvalid, "the request was cut off", "")
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}

// write sends an answer; the client's going away is its own affair.
func write(w http.ResponseWriter, status int, v any) {
	if p, ok := v.(profileBytes); ok {
		w.Header().Set("Content-Type", enroll.ProfileType)
		_, _ = w.Write(p)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// read decodes a request's body; an empty one is the zero value.
func read[T any](r *http.Request) (T, error) {
	var v T
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	err := d.Decode(&v)
	if errors.Is(err, io.EOF) {
		return v, nil
	}
	if err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			return v, nil
		}
		err = cmp.Or(err, errors.New("more than one value"))
	}
	return v, refuse(http.StatusBadRequest, directory.ErrInvalid, "the request is not readable: "+err.Error(), "")
}

func (h handler) status(*http.Request) (any, error) {
	v := h.Directory.View()
	s := Status{
		Ready: v.Loaded(), Version: h.Version, Started: h.Started,
		Revision: v.Revision(), Contacts: v.Len(),
		Books: []BookStatus{}, Sources: h.Mirror.Status(),
	}
	s.Credentials = []directory.CredentialStatus{}
	if h.Credentials != nil {
		s.Credentials = append(s.Credentials, h.Credentials.Status()...)
	}
	s.Listeners = []ListenerStatus{}
	if h.Listeners != nil {
		s.Listeners = append(s.Listeners, h.Listeners()...)
	}
	if s.Sources == nil {
		s.Sources = []directory.FeedStatus{}
	}
	for _, b := range v.Books() {
		s.Books = append(s.Books, BookStatus{Name: b.Name(), Title: b.Title(), Contacts: b.Len()})
	}
	s.Mailboxes.Mailboxes, s.Mailboxes.Contacts = v.Private()
	s.Devices = countDevices(h.Devices.List())
	return s, nil
}

func countDevices(all []directory.Device) (n DeviceCounts) {
	for _, d := range all {
		switch d.State {
		case directory.DeviceActive:
			n.Active++
		case directory.DeviceDraining:
			n.Draining++
		case directory.DeviceRevoked:
			n.Revoked++
		}
	}
	return n
}

func (h handler) sync(r *http.Request) (any, error) {
	req, err := read[directory.SyncRequest](r)
	if err != nil {
		return nil, err
	}
	rounds, err := h.Mirror.Sync(r.Context(), req)
	if err != nil {
		return nil, err
	}
	if rounds == nil {
		rounds = []directory.Round{}
	}
	return SyncReport{Rounds: rounds}, nil
}

package lookup

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"ringbook/directory"
	"ringbook/directory/index"
	"ringbook/directory/text"
)

// Path is where telephone systems ask, below the public URL. Photos are below
// PhotoPath, by contact id.
const (
	Path      = "/lookup"
	PhotoPath = Path + "/photo/"
)

// A Directory is what is looked up in. *store.Store is one.
type Directory interface {
	// View returns the newest view.
	View() *index.View
	// Photo returns the JPEG of a photo; [directory.ErrNotFound] = it is no more.
	Photo(ctx context.Context, id directory.PhotoID, size directory.PhotoSize) ([]byte, error)
}

// An Authenticator knows the devices. *auth.Authority is one.
type Authenticator interface {
	// Authenticate checks a login and its secret: [directory.ErrCredential] or
	// *[directory.ThrottledError] if it is refused. The device may be draining.
	Authenticate(ctx context.Context, from netip.Addr, login, secret string) (directory.Device, error)
}

// A Journal remembers what devices do. *journal.Journal is one.
type Journal interface {
	// Searched notes a search that was answered.
	Searched(id directory.DeviceID)
}

// Options shape a handler. All but Log and RemoteAddr must be given.
type Options struct {
	Directory Directory
	Auth      Authenticator
	Journal   Journal
	PublicURL string       // for the addresses of photos, without a slash at its end
	Log       *slog.Logger // nil = none
	// RemoteAddr says where a request comes from; nil = the connection's address.
	RemoteAddr func(*http.Request) netip.Addr
}

// A Handler serves [Path] and [PhotoPath].
type Handler struct{ Options }

// New makes a handler.
func New(o Options) *Handler {
	if o.RemoteAddr == nil {
		o.RemoteAddr = func(r *http.Request) netip.Addr {
			from, _ := netip.ParseAddrPort(r.RemoteAddr) // the zero Addr = not known
			return from.Addr().Unmap()
		}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Handler{o}
}

const (
	// writeWait is how long a client may take to read an answer, of which a photo of
	// some 100 KB is the largest.
	writeWait = 30 * time.Second
	// maxUserAgent is how much of a client's name is logged, in bytes.
	maxUserAgent = 80
)

// retryAfter is what a telephone system is told that asks before the directory is
// there: the call is over by then, and the next one comes.
const retryAfter = 10 * time.Second

// An exchange is one request and its answer.
type exchange struct {
	*Handler
	w      http.ResponseWriter
	r      *http.Request
	from   netip.Addr
	device directory.Device
	view   *index.View
	json   bool

	// For the log.
	kind   string
	status int
	hits   int
}

// ServeHTTP implements [http.Handler]. Each request makes one line in the log, in
// which neither what was asked nor who was found is written.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	started := time.Now()
	x := &exchange{Handler: h, w: w, r: r, from: h.RemoteAddr(r), kind: "number"}
	// Without a deadline nobody can be waited for: a recorder in a test.
	_ = http.NewResponseController(w).SetWriteDeadline(started.Add(writeWait))
	err := x.serve()
	if err != nil && x.status == 0 {
		x.refuse(err)
	}
	attrs := []slog.Attr{
		slog.String("kind", x.kind),
		slog.String("from", x.from.String()),
		slog.String("device", string(x.device.ID)),
		slog.Int("status", x.status),
		slog.Int("hits", x.hits),
		slog.Duration("duration", time.Since(started)),
		slog.String("user_agent", text.Cut(r.UserAgent(), maxUserAgent)),
	}
	level := slog.LevelInfo
	if err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	if x.status == http.StatusInternalServerError {
		level = slog.LevelError
	}
	h.Log.LogAttrs(r.Context(), level, "lookup request", attrs...)
}

func (x *exchange) serve() error {
	id, isPhoto := strings.CutPrefix(x.r.URL.Path, PhotoPath)
	if isPhoto {
		x.kind = "photo"
	}
	q, readErr := readQuestion(x.r)
	x.json = q.format == formatJSON
	if x.r.Method != http.MethodGet && x.r.Method != http.MethodHead {
		x.w.Header().Set("Allow", "GET, HEAD")
		return errMethod
	}
	if err := x.login(); err != nil {
		return err
	}
	switch {
	case isPhoto:
		return x.photo(id)
	case x.r.URL.Path != Path:
		return directory.ErrNotFound
	case readErr != nil:
		return readErr
	}
	if q.attribute == attributeNames {
		x.kind = "name"
	}
	found, more, err := x.find(q)
	if err != nil {
		return err
	}
	x.hits = len(found)
	x.Journal.Searched(x.device.ID)
	return x.answer(q.format, found, more)
}

// login authenticates the device and takes the view that it is answered from.
func (x *exchange) login() error {
	login, secret, ok := x.r.BasicAuth()
	if !ok {
		return directory.ErrCredential
	}
	device, err := x.Auth.Authenticate(x.r.Context(), x.from, login, secret)
	if err != nil {
		return err
	}
	x.device = device
	if x.view = x.Directory.View(); !x.view.Loaded() {
		return directory.ErrUnavailable
	}
	return nil
}

// errMethod: a write, or anything else that we have not.
var errMethod = errors.New("there is GET and HEAD here")

// realm is that of CardDAV: it is the same login.
const realm = `Basic realm="Ringbook", charset="UTF-8"`

// refuse gives an error its meaning. What is said stands in JSON only; see the
// package comment.
func (x *exchange) refuse(err error) {
	var throttled *directory.ThrottledError
	var said string
	var retry time.Duration
	switch {
	case errors.Is(err, errMethod):
		x.status, said = http.StatusMethodNotAllowed, errMethod.Error()
	case errors.As(err, &throttled):
		x.status, said, retry = http.StatusTooManyRequests, "too many failed logins, try again later", throttled.RetryAfter
	case errors.Is(err, directory.ErrCredential):
		x.status, said = http.StatusUnauthorized, "login refused"
		x.w.Header().Set("WWW-Authenticate", realm)
	case errors.Is(err, directory.ErrUnavailable):
		x.status, said, retry = http.StatusServiceUnavailable, "the directory is not loaded yet, try again soon", retryAfter
	case errors.Is(err, directory.ErrNotFound):
		x.status, said = http.StatusNotFound, "not found"
	case errors.Is(err, directory.ErrInvalid):
		x.status, said = http.StatusBadRequest, "ask for number=… or name=…, percent-encoded, of "+strconv.Itoa(maxQuestion)+" bytes at most"
	case x.r.Context().Err() != nil:
		x.status, said = http.StatusRequestTimeout, "the client went away"
	default:
		x.status, said = http.StatusInternalServerError, "internal error"
	}
	if retry > 0 {
		seconds := (retry + time.Second - 1) / time.Second
		x.w.Header().Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
	}
	var body []byte
	if x.json {
		body = encode(refusal{said})
	}
	x.send(x.status, body)
}

// send writes the answer whole.
func (x *exchange) send(status int, body []byte) {
	x.status = status
	h := x.w.Header()
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "text/plain; charset=utf-8")
		if x.json {
			h.Set("Content-Type", "application/json")
		}
		h.Set("Cache-Control", "no-store") // who has left is not to be shown by a proxy
		h.Set("Vary", "Accept, Authorization")
	}
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	x.w.WriteHeader(status)
	if x.r.Method != http.MethodHead {
		_, _ = x.w.Write(body) // who has hung up is told nothing more
	}
}

package carddav

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"ringbook/directory"
	"ringbook/directory/index"
	"ringbook/directory/text"
	"ringbook/server/gate"
	"ringbook/server/journal"
)

// A Directory is what is served. *store.Store is one.
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
	// Current returns the device as it is now; [directory.ErrCredential] = it is revoked.
	Current(id directory.DeviceID) (directory.Device, error)
	// Attach has end called, once and from another goroutine, when the device is
	// revoked or its secret replaced. detach must be called.
	Attach(id directory.DeviceID, end func()) (detach func(), err error)
}

// A Journal remembers what devices do, and what they were refused. *journal.Journal
// is one.
type Journal interface {
	// Left returns the books that a device has read, is not shown any more, and has
	// not been seen to have emptied.
	Left(id directory.DeviceID, shown func(directory.BookName) bool) []directory.BookName
	// Heals returns the refused writes that a device is to be told the truth about.
	Heals(id directory.DeviceID) directory.Heals
	// Refused notes a refused write, and of which cards. After an error it may be
	// forgotten when the process ends.
	Refused(ctx context.Context, id directory.DeviceID, cards ...journal.Card) error
	// Visited notes a request with the right secret, answered or failed.
	Visited(id directory.DeviceID, v journal.Visit)
}

// A forgetful is a journal that remembers nothing.
type forgetful struct{}

func (forgetful) Left(directory.DeviceID, func(directory.BookName) bool) []directory.BookName {
	return nil
}

func (forgetful) Heals(directory.DeviceID) directory.Heals                           { return directory.Heals{} }
func (forgetful) Refused(context.Context, directory.DeviceID, ...journal.Card) error { return nil }
func (forgetful) Visited(directory.DeviceID, journal.Visit)                          {}

// Options shape a handler.
type Options struct {
	Directory Directory
	Auth      Authenticator
	Journal   Journal      // nil = nothing is remembered
	Log       *slog.Logger // nil = none
	// RemoteAddr says where a request comes from; nil = the connection's address.
	RemoteAddr func(*http.Request) netip.Addr
}

// A Handler serves CardDAV under /dav/ and redirects / and
// /.well-known/carddav there. Anything else is not found.
type Handler struct {
	o       Options
	methods []method
	allow   string
	props   properties
	reports []report
	cards   *cards
	gate    *gate.Gate
	pools   *pools
}

// New makes a handler.
func New(o Options) *Handler {
	if o.RemoteAddr == nil {
		o.RemoteAddr = connectionAddr
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Journal == nil {
		o.Journal = forgetful{}
	}
	h := &Handler{
		o:       o,
		methods: methodTable(),
		props:   propertyTable(),
		reports: reportTable(),
		cards:   newCards(o.Directory),
		gate:    gate.New(gateLimits(), o.Auth),
		pools:   newPools(),
	}
	var served []string
	for _, m := range h.methods {
		if !m.refused {
			served = append(served, m.name)
		}
	}
	h.allow = strings.Join(served, ", ")
	return h
}

func connectionAddr(r *http.Request) netip.Addr {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return from.Addr().Unmap()
}

// A method is one HTTP method and what it does. From this table requests are
// dispatched and Allow is written.
type method struct {
	name    string
	refused bool // a write
	serve   func(*exchange) error
}

func methodTable() []method {
	return []method{
		{name: "OPTIONS", serve: (*exchange).options},
		{name: "GET", serve: (*exchange).get},
		{name: "HEAD", serve: (*exchange).get},
		{name: "PROPFIND", serve: (*exchange).propfind},
		{name: "REPORT", serve: (*exchange).report},
		{name: "PROPPATCH", serve: (*exchange).proppatch, refused: true},
		{name: "PUT", serve: (*exchange).refuse, refused: true},
		{name: "DELETE", serve: (*exchange).refuse, refused: true},
		{name: "MKCOL", serve: (*exchange).refuse, refused: true},
		{name: "MKCALENDAR", serve: (*exchange).refuse, refused: true},
		{name: "COPY", serve: (*exchange).refuse, refused: true},
		{name: "MOVE", serve: (*exchange).refuse, refused: true},
		{name: "POST", serve: (*exchange).refuse, refused: true},
		{name: "PATCH", serve: (*exchange).refuse, refused: true},
		{name: "LOCK", serve: (*exchange).refuse, refused: true},
		{name: "UNLOCK", serve: (*exchange).refuse, refused: true},
		{name: "ACL", serve: (*exchange).refuse, refused: true},
	}
}

// davClasses is what RFC 4918 §10.1 has us announce. No 2: nothing can be
// locked; no extended-mkcol: nothing can be made.
const davClasses = "1, 3, access-control, addressbook"

// ServeHTTP implements [http.Handler]. Each request makes one line in the log.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{
		h: h, w: w, r: r, from: h.o.RemoteAddr(r),
		control: http.NewResponseController(w), started: time.Now(),
	}
	if r.ContentLength != 0 {
		// Before the login, too: the server reads on to drop what we do not.
		x.slowBody(r.Body).allow()
	}
	// Also when a fault of ours panics: a place that is lost is lost for ever.
	defer x.leave()
	err := x.route()
	if broken := x.finish(err); broken {
		// The status is sent: only a broken connection still tells the client
		// that the answer is not whole.
		panic(http.ErrAbortHandler)
	}
}

// redirectCaching bounds what RFC 9111 §4.2.2 would have a client keep for ever: a
// day after the server has moved behind something else, every phone asks again.
const redirectCaching = "max-age=86400"

// route answers what is the same for everybody and hands on the rest.
func (x *exchange) route() error {
	switch p := x.r.URL.Path; {
	case p == "/", p == "/.well-known/carddav", p == "/.well-known/carddav/":
		// 301 without a login for any method: the one redirect that every
		// client follows (RFC 6764 §5).
		x.w.Header().Set("Location", rootHref)
		x.w.Header().Set("DAV", davClasses)
		x.w.Header().Set("Cache-Control", redirectCaching)
		x.w.WriteHeader(http.StatusMovedPermanently)
		x.status = http.StatusMovedPermanently
		return nil
	case p == "/dav", strings.HasPrefix(p, rootHref):
		return x.serve()
	}
	return directory.ErrNotFound
}

// serve logs in and dispatches.
func (x *exchange) serve() error {
	if err := x.login(); err != nil {
		return err
	}
	for _, m := range x.h.methods {
		if m.name == x.r.Method {
			return m.serve(x)
		}
	}
	x.w.Header().Set("Allow", x.h.allow)
	return &statusError{status: http.StatusMethodNotAllowed, text: "no such method here"}
}

// login authenticates the device and takes the view that it is answered from.
func (x *exchange) login() error {
	login, secret, ok := x.r.BasicAuth()
	if !ok {
		return directory.ErrCredential
	}
	// Whoever found us by the domain of an address logs in with the whole of it.
	login, _, _ = strings.Cut(login, "@")
	device, err := x.h.o.Auth.Authenticate(x.r.Context(), x.from, login, secret)
	if err != nil {
		return err
	}
	x.device = device
	x.view = x.h.o.Directory.View()
	x.tree = tree{login: device.Login, books: x.shelf()}
	x.style = x.h.cards.style(device, x.view.PlanOf(device))
	x.heals = x.h.o.Journal.Heals(device.ID)
	x.visit = journal.Visit{UserAgent: x.r.UserAgent(), Step: directory.StepLogin}
	return nil
}

// shelf returns the books that the device sees and, empty, those that it may not
// see any more, until it has emptied them: most clients keep what they have of a
// book that is simply not there.
func (x *exchange) shelf() []*index.Book {
	shelf := x.view.ShelfOf(x.device)
	shown := func(name directory.BookName) bool {
		return slices.ContainsFunc(shelf, func(b *index.Book) bool { return b.Name() == name })
	}
	for _, name := range x.h.o.Journal.Left(x.device.ID, shown) {
		shelf = append(shelf, x.view.Emptied(name))
	}
	return shelf
}

// options answers OPTIONS. It says nothing about what is there, so it answers
// for every path alike.
func (x *exchange) options() error {
	h := x.w.Header()
	h.Set("DAV", davClasses)
	h.Set("Allow", x.h.allow)
	h.Set("Content-Length", "0")
	x.status = http.StatusOK
	x.w.WriteHeader(x.status)
	return nil
}

// An exchange is one request and its answer.
type exchange struct {
	h       *Handler
	w       http.ResponseWriter
	r       *http.Request
	from    netip.Addr
	control *http.ResponseController
	started time.Time

	device directory.Device
	view   *index.View
	tree   tree
	style  style
	heals  directory.Heals
	card   card // the one being written
	visit  journal.Visit

	out  *stream    // nil until a multistatus begins
	pass *gate.Pass // of an answer that needs one

	// For the log.
	forgotten error // why a refused write could not be stored
	kind      kind
	status    int
	responses int
	bytes     int64
}

// find resolves the request's path, once the mirror has been loaded.
func (x *exchange) find() (resource, error) {
	if !x.view.Loaded() {
		return resource{}, directory.ErrUnavailable
	}
	res, ok := x.tree.resolve(x.r.URL.Path)
	if !ok {
		return resource{}, directory.ErrNotFound
	}
	x.kind = res.kind
	return res, nil
}

// What clients write is cut for the log.
const (
	maxMethod    = 20
	maxUserAgent = 80
	maxErrorText = 200
)

// finish answers err if it still can, frees what the request held and writes
// the log line. broken = a streamed answer broke off.
func (x *exchange) finish(err error) (broken bool) {
	if x.out != nil {
		if err == nil {
			err = x.out.close()
		}
		broken = err != nil && x.out.begun
		x.bytes += x.out.written
		x.out.free()
	}
	x.leave()
	x.card.free(x.h.pools)
	if !broken {
		// Small as such an answer is: who sends request after request and reads
		// nothing would else hold his connection for ever, logged in or not.
		_ = x.control.SetWriteDeadline(time.Now().Add(writeWait))
	}
	if answered := x.status != 0 && x.out == nil; err != nil && !broken && !answered {
		a := answerTo(err)
		x.status = a.status
		n, sendErr := a.send(x.w)
		x.bytes += n
		err = errors.Join(err, sendErr)
	}
	if x.device.ID != "" {
		if err != nil { // what it was not told it does not know
			x.visit = journal.Visit{UserAgent: x.visit.UserAgent, Step: directory.StepLogin}
		}
		x.h.o.Journal.Visited(x.device.ID, x.visit)
	}
	x.log(errors.Join(err, x.forgotten), broken)
	return broken
}

// leave gives back what an answer that has passed the gate held.
func (x *exchange) leave() {
	if x.pass != nil {
		x.pass.Leave()
	}
}

func (x *exchange) log(err error, broken bool) {
	attrs := []slog.Attr{
		slog.String("method", text.Cut(x.r.Method, maxMethod)),
		slog.String("kind", x.kind.String()),
		slog.String("from", x.from.String()),
		slog.String("device", string(x.device.ID)),
		slog.Int("status", x.status),
		slog.Int("responses", x.responses),
		slog.Int64("bytes", x.bytes),
		slog.Duration("duration", time.Since(x.started)),
		slog.String("user_agent", text.Cut(x.r.UserAgent(), maxUserAgent)),
	}
	level := slog.LevelInfo
	if err != nil {
		attrs = append(attrs, slog.String("error", text.Cut(err.Error(), maxErrorText)))
	}
	if broken {
		attrs = append(attrs, slog.Bool("cut", true))
	}
	if x.status >= http.StatusInternalServerError && x.status != http.StatusServiceUnavailable {
		level = slog.LevelError
	}
	x.h.o.Log.LogAttrs(x.r.Context(), level, "carddav request", attrs...)
}

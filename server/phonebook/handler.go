package phonebook

import (
	"bufio"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"ringbook/directory"
	"ringbook/directory/index"
	"ringbook/directory/number"
	"ringbook/directory/text"
	"ringbook/server/gate"
	"ringbook/server/journal"
)

// Root is the path that every phone book is below.
const Root = "/phonebook/"

// The parameters that a phone may add to an address.
const (
	paramQuery = "q"     // only names and numbers that begin so
	paramAfter = "after" // the page behind this contact,
	paramOrder = "order" // in the order of names with this digest
	paramInput = "input" // a form that asks what to search for
	// paramCaller is Cisco's: only whoever has this number, which calls.
	paramCaller = "n"
)

const (
	// bufferSize is what an answer holds in memory.
	bufferSize = 16 << 10
	// writeWait is how long a phone may take to read one buffer.
	writeWait = 30 * time.Second
	// maxQuery in bytes: a phone's display has no more.
	maxQuery = 100
	// maxAfter in bytes: ids of contacts are shorter.
	maxAfter = 200
)

// Directory is what is served. *store.Store is one.
type Directory interface {
	View() *index.View
}

// An Authenticator knows the devices. *auth.Authority is one.
type Authenticator interface {
	gate.Devices
	// Authenticate checks a login and its secret: [directory.ErrCredential] or
	// *[directory.ThrottledError] if it is refused. The device may be draining.
	Authenticate(ctx context.Context, from netip.Addr, login, secret string) (directory.Device, error)
}

// A Journal remembers what devices do. *journal.Journal is one.
type Journal interface {
	Visited(id directory.DeviceID, v journal.Visit)
	Searched(id directory.DeviceID)
	// Left returns the books that a device has read and is not shown any more.
	Left(id directory.DeviceID, shown func(directory.BookName) bool) []directory.BookName
}

// Options shape a handler.
type Options struct {
	Directory Directory
	Auth      Authenticator
	Journal   Journal      // nil = nothing is remembered
	PublicURL string       // https://host…, where the next page is
	Log       *slog.Logger // nil = none
	// RemoteAddr says where a request comes from.
	RemoteAddr func(*http.Request) netip.Addr
}

// A Handler serves the phone books below [Root]. Anything else is not found.
type Handler struct {
	o       Options
	gate    *gate.Gate
	buffers sync.Pool // of *bufio.Writer
}

// New makes a handler.
func New(o Options) *Handler {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Handler{
		o: o,
		// A document takes some milliseconds to write, and as long as a phone takes to read.
		gate:    gate.New(gate.Limits{Answers: 64, PerDevice: 2, Wait: 10 * time.Second}, o.Auth),
		buffers: sync.Pool{New: func() any { return bufio.NewWriterSize(nil, bufferSize) }},
	}
}

// ServeHTTP implements [http.Handler]. Each request makes one line in the log.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{h: h, w: w, r: r, from: h.o.RemoteAddr(r), control: http.NewResponseController(w), started: time.Now()}
	// Also when a fault of ours panics: a place that is lost is lost for ever.
	defer x.leave()
	if broken := x.finish(x.serve()); broken {
		// The status is sent: only a broken connection still tells the phone that
		// the document is not whole.
		panic(http.ErrAbortHandler)
	}
}

// An exchange is one request and its answer.
type exchange struct {
	h       *Handler
	w       http.ResponseWriter
	r       *http.Request
	from    netip.Addr
	control *http.ResponseController
	started time.Time

	form   *form
	device directory.Device
	view   *index.View
	plan   *number.Plan // that the device dials by
	shelf  []*index.Book
	query  string
	after  string
	input  bool
	rings  bool   // who calls is asked for,
	caller string // by this number; "" = it is not shown
	pass   *gate.Pass

	status  int
	entries int
	counts  []int // by book of the shelf
	cut     bool  // there are more than fit
	bytes   int64
}

// serve answers, or says why not.
func (x *exchange) serve() error {
	x.form = formOf(strings.TrimPrefix(x.r.URL.Path, Root))
	if x.form == nil || !strings.HasPrefix(x.r.URL.Path, Root) {
		return directory.ErrNotFound
	}
	if m := x.r.Method; m != http.MethodGet && m != http.MethodHead && (m != http.MethodPost || !x.form.post) {
		return errMethod
	}
	if err := x.login(); err != nil {
		return err
	}
	if !x.view.Loaded() {
		return directory.ErrUnavailable
	}
	if err := x.ask(); err != nil {
		return err
	}
	h := x.w.Header()
	h.Set("Cache-Control", "private, no-cache")
	tag := x.tag()
	h.Set("ETag", tag)
	if x.r.Method != http.MethodPost && knows(x.r.Header.Values("If-None-Match"), tag) {
		x.status = http.StatusNotModified
		x.w.WriteHeader(x.status)
		x.note(true)
		return nil
	}
	if err := x.answer(); err != nil {
		return err
	}
	x.note(false)
	return nil
}

// login authenticates the device and takes the view that it is answered from.
func (x *exchange) login() error {
	login, secret, ok := x.r.BasicAuth()
	if !ok {
		return directory.ErrCredential
	}
	device, err := x.h.o.Auth.Authenticate(x.r.Context(), x.from, login, secret)
	if err != nil {
		return err
	}
	x.device = device
	x.view = x.h.o.Directory.View()
	x.shelf, x.plan = x.view.ShelfOf(device), x.view.PlanOf(device)
	return nil
}

// ask reads the parameters. What is no parameter of ours is not looked at: phones
// add their own.
func (x *exchange) ask() error {
	v := x.r.URL.Query()
	x.query, x.after, x.input = strings.TrimSpace(v.Get(paramQuery)), v.Get(paramAfter), v.Has(paramInput) && x.form.input != nil
	if x.rings = x.form.caller && v.Has(paramCaller); x.rings {
		x.query, x.after, x.input, x.caller = "", "", false, number.FromQuery(v.Get(paramCaller))
	}
	if max(len(x.query), len(x.caller)) > maxQuery || len(x.after) > maxAfter {
		return directory.ErrTooLarge
	}
	if !x.form.paged || v.Get(paramOrder) != x.view.Collation().Digest() {
		x.after = "" // behind a contact there are others in another order: from the start, so that nobody is left out
	}
	return nil
}

// note tells the journal what the device knows now; known = it knew it before.
func (x *exchange) note(known bool) {
	j := x.h.o.Journal
	switch {
	case j == nil || x.input || x.r.Method == http.MethodHead: // it has seen nobody
		return
	case x.query != "" || x.form.paged: // what it has seen, it does not keep
		j.Searched(x.device.ID)
		return
	}
	visit := journal.Visit{UserAgent: x.r.UserAgent(), Step: directory.StepSync, Told: true, Knew: known}
	for i, b := range x.shelf {
		v := visit
		v.Book, v.Revision, v.Drained = b.Name(), b.Revision(), b.Drained()
		if x.counts != nil {
			v.Cards, v.Members = x.counts[i], x.counts[i]
		}
		j.Visited(x.device.ID, v)
	}
	for _, name := range j.Left(x.device.ID, x.shows) { // what it does not show, the phone has dropped
		v := visit
		v.Book, v.Drained = name, true
		j.Visited(x.device.ID, v)
	}
}

func (x *exchange) shows(name directory.BookName) bool {
	for _, b := range x.shelf {
		if b.Name() == name {
			return true
		}
	}
	return false
}

// What phones write is cut for the log.
const (
	maxUserAgent = 80
	maxErrorText = 200
)

// finish answers err if it still can, and writes the log line. broken = a document
// broke off.
func (x *exchange) finish(err error) (broken bool) {
	x.leave() // a small answer needs no place
	broken = err != nil && x.status != 0
	if err != nil && !broken {
		// Small as it is: who reads nothing would else hold the connection for ever.
		_ = x.control.SetWriteDeadline(time.Now().Add(writeWait))
		n, sendErr := x.refuse(err)
		x.bytes += n
		err = errors.Join(err, sendErr)
	}
	x.log(err, broken)
	return broken
}

// leave gives back the place at the gate.
func (x *exchange) leave() {
	if x.pass != nil {
		x.pass.Leave()
	}
}

func (x *exchange) log(err error, broken bool) {
	name := ""
	if x.form != nil {
		name = x.form.name
	}
	attrs := []slog.Attr{
		slog.String("form", name),
		slog.String("from", x.from.String()),
		slog.String("device", string(x.device.ID)),
		slog.Int("status", x.status),
		slog.Int("entries", x.entries),
		slog.Int64("bytes", x.bytes),
		slog.Duration("duration", time.Since(x.started)),
		slog.String("user_agent", text.Cut(x.r.UserAgent(), maxUserAgent)),
	}
	if x.query != "" || x.rings {
		attrs = append(attrs, slog.Bool("search", true)) // for whom is nobody's business
	}
	if x.cut {
		attrs = append(attrs, slog.Bool("more", true))
	}
	if broken {
		attrs = append(attrs, slog.Bool("cut", true))
	}
	level := slog.LevelInfo
	if err != nil {
		attrs = append(attrs, slog.String("error", text.Cut(err.Error(), maxErrorText)))
	}
	if x.status == http.StatusInternalServerError {
		level = slog.LevelError
	}
	x.h.o.Log.LogAttrs(x.r.Context(), level, "phone book request", attrs...)
}

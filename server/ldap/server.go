package ldap

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"ringbook/directory"
	"ringbook/directory/index"
	"ringbook/directory/text"
	"ringbook/server/handshake"
)

// Defaults of the limits in [Options].
const (
	// DefaultMaxConns: an idle connection costs some 20 KB.
	DefaultMaxConns = 8192
	// DefaultMaxUnbound: a whole site may stand behind one address, but its
	// phones are strangers for milliseconds only.
	DefaultMaxUnbound = 256
	// DefaultMaxDeviceConns: a phone has one or two, a PBX a handful.
	DefaultMaxDeviceConns = 8
	// DefaultMaxOperations is per connection; Thunderbird has up to four.
	DefaultMaxOperations = 16
	// DefaultMaxMessage and DefaultMaxUnboundMessage are octets. OpenLDAP's own split
	// between strangers and the others is 256 KiB and 4 MiB; nothing a phone reads with
	// needs a hundredth of it.
	DefaultMaxMessage        = 64 << 10
	DefaultMaxUnboundMessage = 8 << 10
	// DefaultBindTimeout is for the TLS handshake and the bind together.
	DefaultBindTimeout = 30 * time.Second
	// DefaultIdleTimeout: phones that keep a connection use it again at once or
	// not for hours, and connect anew then.
	DefaultIdleTimeout = 5 * time.Minute
	// DefaultWriteTimeout: a client that takes nothing for so long is gone.
	DefaultWriteTimeout = 30 * time.Second
	// DefaultSearchTimeout is many times what the longest listing of 100,000 people
	// takes. Filters can be made that take minutes.
	DefaultSearchTimeout = 10 * time.Second
)

const (
	// messageTimeout is for one message, from its first octet to its last.
	messageTimeout = 30 * time.Second
	// shutdownGrace is for the operations under way when the server goes down.
	shutdownGrace = time.Second
	// cutTimeout is for the last words to a client that we leave; a revoked
	// device is gone within a second even if it reads nothing.
	cutTimeout = 300 * time.Millisecond
	// acceptPause and maxAcceptPause bound the wait after a failed accept: a
	// process without free descriptors gets them back when clients leave.
	acceptPause    = 5 * time.Millisecond
	maxAcceptPause = time.Second
)

// A Directory is what is served. *store.Store is one.
type Directory interface {
	View() *index.View
	Photo(ctx context.Context, id directory.PhotoID, size directory.PhotoSize) ([]byte, error)
}

// An Authenticator knows the devices. *auth.Authority is one.
type Authenticator interface {
	Authenticate(ctx context.Context, from netip.Addr, login, secret string) (directory.Device, error)
	Current(id directory.DeviceID) (directory.Device, error)
	Attach(id directory.DeviceID, end func()) (detach func(), err error)
	// Insecure notes a login that is refused because there is no TLS.
	Insecure(from netip.Addr, login string)
}

// A Journal remembers what devices do. *journal.Journal is one.
type Journal interface {
	// Seen notes a login.
	Seen(id directory.DeviceID)
	// Searched notes a search that was answered.
	Searched(id directory.DeviceID)
}

// Options shape a server. A limit of 0 is its default, unless it says otherwise.
type Options struct {
	Directory Directory
	Auth      Authenticator
	Journal   Journal // nil = nothing is remembered
	BaseDN    string
	Log       *slog.Logger

	// MaxEntries is the most entries that one search answers, and the longest page
	// of a paged search; 0 = no limit. The answer is streamed, so a long one costs time
	// and no memory, and phones that download everything are many.
	MaxEntries     int
	MaxConns       int // connections in all
	MaxUnbound     int // connections of one address that no device has bound yet
	MaxDeviceConns int
	MaxOperations  int // searches of one connection at once
	// MaxMessage is the longest message that is read, in octets; MaxUnboundMessage of a
	// connection that no device has bound.
	MaxMessage        int
	MaxUnboundMessage int
	BindTimeout       time.Duration
	IdleTimeout       time.Duration
	WriteTimeout      time.Duration
	SearchTimeout     time.Duration // for the work of one search; waiting for its client or its turn does not count
}

// A Server answers LDAP on any number of listeners. See [Server.Serve].
type Server struct {
	Options
	tree       tree
	answers    sync.Pool // of *answer
	selections selections
	sorting    chan struct{}
	lists      lists
	gate       *gate
	census     census
	refused    refusals
	complaints handshake.Limit
	traffic    traffic
}

// New makes a server. A base DN that cannot be one is [directory.ErrInvalid].
func New(o Options) (*Server, error) {
	t, err := newTree(o.BaseDN)
	if err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	setDefault(&o.MaxConns, DefaultMaxConns)
	setDefault(&o.MaxUnbound, DefaultMaxUnbound)
	setDefault(&o.MaxDeviceConns, DefaultMaxDeviceConns)
	setDefault(&o.MaxOperations, DefaultMaxOperations)
	setDefault(&o.MaxMessage, DefaultMaxMessage)
	setDefault(&o.MaxUnboundMessage, DefaultMaxUnboundMessage)
	setDefault(&o.BindTimeout, DefaultBindTimeout)
	setDefault(&o.IdleTimeout, DefaultIdleTimeout)
	setDefault(&o.WriteTimeout, DefaultWriteTimeout)
	setDefault(&o.SearchTimeout, DefaultSearchTimeout)
	return &Server{
		Options: o, tree: t,
		answers: sync.Pool{New: func() any { return new(answer) }},
		sorting: make(chan struct{}, maxSorting),
		gate:    newGate(),
		census:  newCensus(),
		refused: refusals{log: o.Log},
		traffic: traffic{ports: map[string]*Traffic{}},
	}, nil
}

func setDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// collation is the order of names, the same one for as long as the server runs.
func (s *Server) collation() *text.Collation { return s.Directory.View().Collation() }

// BindDN returns the DN as which a device binds.
func (s *Server) BindDN(l directory.Login) string { return s.tree.bindDN(l) }

// Serve answers on l, as p says, until ctx ends. It then closes l, gives operations
// under way a second, and returns nil once everything it started has ended. Any
// other error means that l is broken, or that p needs TLS and has none.
// l gives connections before TLS.
func (s *Server) Serve(ctx context.Context, l net.Listener, p Port) error {
	if p.TLS == nil && p.Opening != OpenPlain {
		return fmt.Errorf("%s without a certificate", p.Name)
	}
	ctx, cancel := context.WithCancel(ctx)
	var conns sync.WaitGroup
	defer conns.Wait()
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = l.Close() }) // Accept tells
	defer func() { stop(); _ = l.Close() }()
	defer s.refused.flush()
	pause := acceptPause
	for {
		raw, err := l.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				_ = raw.Close() // nobody was told that it was open
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept ldap connection: %w", err)
		case err != nil:
			s.Log.LogAttrs(ctx, slog.LevelWarn, "ldap accept failed", slog.String("error", err.Error()), slog.Duration("pause", pause))
			if !wait(ctx, pause) {
				return nil
			}
			pause = min(2*pause, maxAcceptPause)
			continue
		}
		pause = acceptPause
		from := addrOf(raw)
		if !s.census.enter(from, s.MaxConns, s.MaxUnbound) {
			_ = raw.Close() // it got no answer yet, and gets none
			s.refused.add(from)
			continue
		}
		s.traffic.count(p.Name, func(t *Traffic) { t.Open++ })
		conns.Go(func() { newConn(s, &p, raw, from, conns.Go).serve(ctx) })
	}
}

// wait waits for d; false = ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// addrOf returns the client's address; the zero Addr for what has none.
func addrOf(c net.Conn) netip.Addr {
	if a, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		return a.AddrPort().Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}

// say writes a line of the log, without the place in the code, which would take as
// long to find as a contact. As everywhere, nobody is told if there is no room for it.
func (s *Server) say(ctx context.Context, level slog.Level, msg string, attrs ...slog.Attr) {
	h := s.Log.Handler()
	if !h.Enabled(ctx, level) {
		return
	}
	r := slog.NewRecord(time.Now(), level, msg, 0)
	r.AddAttrs(attrs...)
	_ = h.Handle(ctx, r)
}

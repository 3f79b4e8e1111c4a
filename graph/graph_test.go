package graph_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"ringbook/directory"
	"ringbook/graph"
)

// token is a credential without a tenant.
type token string

func (t token) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: string(t), ExpiresOn: time.Now().Add(1000 * time.Hour)}, nil
}

// pipes is a listener without a network, so that real HTTP runs in a synctest bubble.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return here, nil
	case <-p.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// base is the address of every server that serve starts.
const base = "http://127.0.0.1"

// serve runs h as the Graph of a tenant, until the test ends or stop is called.
func serve(t *testing.T, h http.HandlerFunc) (tenant graph.Tenant, stop func()) {
	t.Helper()
	l := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
	srv := &httptest.Server{Listener: l, Config: &http.Server{Handler: h, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}}
	srv.Start()
	tr := &http.Transport{DialContext: l.dial}
	stop = func() {
		tr.CloseIdleConnections()
		srv.Close()
	}
	t.Cleanup(stop)
	return graph.Tenant{ID: "tenant", ClientID: "client", GraphURL: base, Credential: token("secret-token"), HTTP: &http.Client{Transport: tr}}, stop
}

// memory is a sink as the contract has it.
type memory struct {
	mu       sync.Mutex
	contacts map[directory.ContactID]*directory.Contact
	cursors  map[directory.Feed]directory.Cursor
	batches  int
	groups   map[directory.Group][]directory.ContactID
	fail     func(directory.Batch) error // before anything is applied
	photos   map[directory.ContactID]directory.PhotoChange
	asked    map[directory.ContactID]time.Time
}

func newMemory() *memory {
	return &memory{
		contacts: make(map[directory.ContactID]*directory.Contact),
		cursors:  make(map[directory.Feed]directory.Cursor),
		groups:   make(map[directory.Group][]directory.ContactID),
		photos:   make(map[directory.ContactID]directory.PhotoChange),
		asked:    make(map[directory.ContactID]time.Time),
	}
}

func (s *memory) Cursor(_ context.Context, f directory.Feed) (directory.Cursor, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cursors[f], nil
}

func (s *memory) Apply(_ context.Context, b directory.Batch) (directory.Applied, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		if err := s.fail(b); err != nil {
			return directory.Applied{}, err
		}
	}
	s.batches++
	var a directory.Applied
	for _, ch := range b.Changes {
		s.change(ch, b.Source, &a)
	}
	if b.Sweep != nil {
		for id, c := range s.contacts {
			if c.Source == b.Source && (b.Mailbox == "" || c.Mailbox == b.Mailbox) && !b.Sweep(id) {
				delete(s.contacts, id)
				a.Removed++
			}
		}
	}
	if b.Next != nil {
		s.cursors[b.Feed] = *b.Next
		if *b.Next == (directory.Cursor{}) {
			delete(s.cursors, b.Feed)
		}
	}
	return a, nil
}

func (s *memory) Feeds(_ context.Context, prefix directory.Feed) ([]directory.Feed, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var feeds []directory.Feed
	for f := range s.cursors {
		if strings.HasPrefix(string(f), string(prefix)) {
			feeds = append(feeds, f)
		}
	}
	slices.Sort(feeds)
	return feeds, nil
}

func (s *memory) ApplyGroup(_ context.Context, m directory.Membership) (directory.Applied, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.groups[m.Group]
	s.groups[m.Group] = slices.Sorted(slices.Values(m.Members))
	var a directory.Applied
	for _, id := range slices.Concat(old, s.groups[m.Group]) {
		if _, was := slices.BinarySearch(old, id); !was || !slices.Contains(m.Members, id) {
			a.Changed++
		}
	}
	return a, nil
}

func (s *memory) change(ch directory.Change, src directory.Source, a *directory.Applied) {
	old, there := s.contacts[ch.ID]
	if ch.Removed {
		if there {
			delete(s.contacts, ch.ID)
			a.Removed++
		}
		return
	}
	c := &directory.Contact{ID: ch.ID, Source: src}
	if there && !ch.Fresh {
		c = old.Clone()
	}
	ch.Update(c)
	switch {
	case !there:
		a.Added++
	case c.Equal(old):
		a.Unchanged++
	default:
		a.Changed++
	}
	s.contacts[ch.ID] = c
}

func (s *memory) PhotosDue(_ context.Context, _ directory.Source, before time.Time, n int) ([]directory.PhotoDue, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var due []directory.PhotoDue
	for _, id := range slices.Sorted(maps.Keys(s.contacts)) {
		at, ever := s.asked[id]
		if (!ever || at.Before(before)) && len(due) < n {
			due = append(due, directory.PhotoDue{ID: id, Tag: s.photos[id].Tag})
		}
	}
	return due, nil
}

func (s *memory) ApplyPhotos(_ context.Context, at time.Time, ch []directory.PhotoChange) (directory.Applied, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var a directory.Applied
	for _, c := range ch {
		s.asked[c.ID] = at
		if !c.Same && c.Tag != s.photos[c.ID].Tag {
			a.Changed++
			s.photos[c.ID] = c
		}
	}
	return a, nil
}

// all returns the contacts in the order of their ids.
func (s *memory) all() []*directory.Contact {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*directory.Contact, 0, len(s.contacts))
	for _, id := range slices.Sorted(maps.Keys(s.contacts)) {
		out = append(out, s.contacts[id])
	}
	return out
}

func (s *memory) cursor() directory.Cursor {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cursors[graph.FeedUsers]
}

// mirror makes a mirror of the tenant in sink.
func mirror(t *testing.T, tenant graph.Tenant, sink *memory, change func(*graph.Options)) *graph.Mirror {
	t.Helper()
	o := graph.Options{Interval: 5 * time.Minute, Plans: "DE"}
	if change != nil {
		change(&o)
	}
	m, err := graph.New(tenant, sink, sink, o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// sync runs one round and returns what the users feed did.
func syncUsers(t *testing.T, m *graph.Mirror, r directory.SyncRequest) directory.Round {
	t.Helper()
	rounds, err := m.Sync(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if len(rounds) == 0 || rounds[0].Feed != graph.FeedUsers {
		t.Fatalf("rounds = %+v, want users first", rounds)
	}
	return rounds[0]
}

// write answers with a status and a body.
func write(w http.ResponseWriter, status int, format string, a ...any) {
	w.WriteHeader(status)
	_, _ = io.WriteString(w, fmt.Sprintf(format, a...))
}

// delta answers with the last page.
func delta(w http.ResponseWriter, token, value string) {
	write(w, http.StatusOK, `{"value":[%s],"@odata.deltaLink":"%s/v1.0/users/delta?$deltatoken=%s"}`, value, base, token)
}

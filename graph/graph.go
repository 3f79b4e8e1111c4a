// Package graph mirrors an Entra tenant: it reads Microsoft Graph and hands
// what it learns to a [Sink].
package graph

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"ringbook/directory"
)

// A Sink takes the news. *store.Store is one.
type Sink interface {
	Cursor(ctx context.Context, f directory.Feed) (directory.Cursor, error)
	Apply(ctx context.Context, b directory.Batch) (directory.Applied, error)
}

// A Tenant is where the people are, and how to sign in there.
type Tenant struct {
	ID         string                 // directory (tenant) id; part of the question a cursor answers
	ClientID   string                 // application (client) id; likewise
	GraphURL   string                 // "https://graph.microsoft.com"; http on loopback only
	Credential azcore.TokenCredential // see NewCredential
	HTTP       *http.Client           // for Graph and tokens alike; see NewHTTPClient
}

// A Progress tells how far a round is.
type Progress struct {
	Feed  directory.Feed
	Read  int // pieces of news read in this round
	Total int // an estimate; 0 = not known
	Done  bool
}

// Options shape a mirror.
type Options struct {
	Interval time.Duration // between rounds
	Photos   bool
	Phones   map[string]directory.PhoneKind // further attributes (config: mirror.phones)
	E164     func(written string) string    // reads a number; part of the question by Country
	Country  string
	Progress func(Progress) // nil = nobody looks; called from one goroutine at a time
	Log      *slog.Logger
}

// A Mirror keeps a Sink in step with a tenant.
type Mirror struct{}

// New makes a mirror. photos is nil, or the same store as sink.
func New(t Tenant, sink Sink, photos PhotoSink, o Options) (*Mirror, error) { panic("skeleton") }

// Run runs rounds until ctx ends, the first one at once. It returns nil when
// ctx ended and all that it started has ended too.
func (m *Mirror) Run(ctx context.Context) error { panic("skeleton") }

// Sync runs a round of every feed now and returns what each did; photos are asked for
// contacts that never were, or all of them in a full round. A round already under way
// is waited for first. The error is ctx's only: a failed round is in its [directory.Round].
func (m *Mirror) Sync(ctx context.Context, r directory.SyncRequest) ([]directory.Round, error) {
	panic("skeleton")
}

// Status returns what each feed is doing.
func (m *Mirror) Status() []directory.FeedStatus { panic("skeleton") }

// Package graph mirrors an Entra tenant: it reads Microsoft Graph and hands
// what it learns to a [Sink].
//
// A [Mirror] has up to six feeds. Those of users and of organisational contacts
// ask a delta query: first for everybody, then for what changed since, following
// next links to the delta link, which is stored with the data that it belongs to. The groups feed reads
// who belongs to the groups that rules ask for. The photos feed asks contacts one
// after the other whether their photo changed, because no delta query tells that.
// The notifications feed renews a subscription, by which Graph says that it is
// worth asking; what has changed is asked for all the same.
// The mailboxes feed asks a delta query for each folder of Outlook contacts of each
// member of a group.
//
// Graph says less than it seems to. A property that is absent is unchanged, one
// that is null was cleared; an object may come twice, be repeated later or be
// removed without ever having been there. So every change is a function laid
// over the stored contact, and laying it twice is laying it once.
//
// Everything that Graph sends is data from the network: a link that leads to
// another host is refused (it would be sent the token), no redirect is followed,
// bodies are bounded, and an object that cannot be read is named and left out.
//
// # Dependencies
//
//	for        we use                      why not something else
//	tokens     Azure SDK, azidentity 1.15  every kind of credential that Entra has, with its caching and challenges
//	requests   Azure SDK, azcore 1.24      retries that obey Retry-After and close what they retry. msgraph-sdk-go cannot
//	                                       tell null from absent and leaks a connection per retry
//	photos     golang.org/x/image 0.47     scales well; the standard library decodes and encodes only
package graph

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"ringbook/directory"
)

// The feeds of a mirror.
const (
	FeedUsers       directory.Feed = "users"
	FeedOrgContacts directory.Feed = "org_contacts"
	FeedGroups      directory.Feed = "groups"
	FeedPhotos      directory.Feed = "photos"
	FeedMailboxes   directory.Feed = "mailboxes"
	// FeedNotifications keeps a subscription to changes of users.
	FeedNotifications directory.Feed = "notifications"
)

// A Sink takes the news. *store.Store is one.
type Sink interface {
	Cursor(ctx context.Context, f directory.Feed) (directory.Cursor, error)
	Apply(ctx context.Context, b directory.Batch) (directory.Applied, error)
	Feeds(ctx context.Context, prefix directory.Feed) ([]directory.Feed, error)
	ApplyGroup(ctx context.Context, m directory.Membership) (directory.Applied, error)
}

// A Tenant is where the people are, and how to sign in there.
type Tenant struct {
	ID         string                 // directory (tenant) id; part of the question a cursor answers
	ClientID   string                 // application (client) id; likewise
	GraphURL   string                 // "https://graph.microsoft.com"; http on loopback only
	Credential azcore.TokenCredential // see NewCredential
	HTTP       *http.Client           // for Graph and tokens alike; see NewHTTPClient
}

// A Notify says where Graph may tell that users have changed. The zero Notify is
// nowhere: then the mirror asks at its interval alone.
type Notify struct {
	URL string // https, reachable from Microsoft
	// State is what Graph repeats in each notification, up to 128 characters. It is
	// a secret: who knows it can make the mirror ask early.
	State string
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
	Interval    time.Duration // between rounds
	Photos      bool
	OrgContacts bool
	Groups      []directory.Group                                    // that rules ask for; none = no feed
	Mailboxes   directory.Group                                      // whose members' Outlook contacts are mirrored; "" = nobody's
	ShrinkGuard float64                                              // the share of the mailboxes (0…1) that may leave at once; 0 = no guard
	Phones      map[string]directory.PhoneKind                       // further attributes (config: mirror.phones)
	Order       []directory.PhoneKind                                // of a contact's numbers; kinds that it does not name follow
	E164        func(written string) string                          // reads a number, at the default site
	Site        func(*directory.Contact) func(written string) string // reads the numbers of who sits at another; nil, or nil returned = E164
	Plans       string                                               // names what both read by: part of the question
	Notify      Notify
	Progress    func(Progress) // nil = nobody looks; called from one goroutine at a time
	Log         *slog.Logger
}

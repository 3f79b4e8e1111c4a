package graph

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"ringbook/directory"
)

const (
	// subscriptionLife is how long a subscription lasts: users' may last for 29
	// days, and one that nobody wants any more should not.
	subscriptionLife = 3 * 24 * time.Hour
	// renewInterval is how often it is renewed: a day and more of failures lets it
	// lapse, and nothing but speed is lost.
	renewInterval = 24 * time.Hour
	// hintDelay is how long after a notification the tenant is asked: a change of
	// many people comes as many notifications.
	hintDelay = 5 * time.Second
	// maxSubscriptions is how many of its own subscriptions one application looks at.
	maxSubscriptions = 1000
)

// A notifyFeed keeps one subscription to changes of users.
// https://learn.microsoft.com/graph/api/resources/change-notifications-api-overview
type notifyFeed struct {
	*Mirror
	Notify
	id string // of the subscription that this process made; "" = none yet
}

// A subscription is https://learn.microsoft.com/graph/api/resources/subscription.
type subscription struct {
	ID           string `json:"id,omitempty"`
	Resource     string `json:"resource,omitempty"`
	ChangeType   string `json:"changeType,omitempty"`
	URL          string `json:"notificationUrl,omitempty"`
	LifecycleURL string `json:"lifecycleNotificationUrl,omitempty"`
	State        string `json:"clientState,omitempty"`
	Expires      string `json:"expirationDateTime,omitempty"`
}

// step renews the subscription, or makes it. Graph does not tell the state that a
// subscription has, so that one of an earlier process is made anew.
func (f *notifyFeed) step(ctx context.Context, _ order, done *directory.Round) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, sliceDeadline)
	defer cancel()
	expires := time.Now().Add(subscriptionLife).UTC().Format(time.RFC3339)
	if f.id != "" {
		var renewed subscription
		err := f.client.do(ctx, http.MethodPatch, f.client.path("", "subscriptions", url.PathEscape(f.id)), "", subscription{Expires: expires}, &renewed)
		if !notFound(err) {
			return true, err
		}
		f.id = ""
	}
	if err := f.cancel(ctx, done); err != nil {
		return true, err
	}
	var made subscription
	err := f.client.post(ctx, f.client.path("", "subscriptions"), subscription{
		Resource: "users", ChangeType: "updated,deleted", // "updated" is also what comes, https://learn.microsoft.com/graph/api/subscription-post-subscriptions
		URL: f.URL, LifecycleURL: f.URL, State: f.State, Expires: expires,
	}, &made)
	if err != nil {
		return true, &subscribeError{err}
	}
	f.id = made.ID
	return true, nil
}

// cancel deletes the subscriptions of earlier processes to the same address.
func (f *notifyFeed) cancel(ctx context.Context, done *directory.Round) error {
	var old []string
	err := f.client.list(ctx, f.client.path("", "subscriptions"), func(o object) {
		at, _ := decodeText(o["notificationUrl"])
		id, _ := decodeText(o["id"])
		if at == f.URL && id != "" && len(old) < maxSubscriptions {
			old = append(old, id)
		}
	})
	if err != nil {
		return err
	}
	done.Read += len(old)
	for _, id := range old {
		err := f.client.do(ctx, http.MethodDelete, f.client.path("", "subscriptions", url.PathEscape(id)), "", nil, nil)
		if err != nil && !notFound(err) {
			return err
		}
	}
	return nil
}

// A subscribeError is one of making a subscription, for which Graph calls us first.
type subscribeError struct{ err error }

func (e *subscribeError) Error() string { return e.err.Error() }
func (e *subscribeError) Unwrap() error { return e.err }

// unvalidated reports whether Graph could not reach us.
func (e *subscribeError) unvalidated() bool {
	r, ok := errors.AsType[*responseError](e.err)
	return ok && r.Status == http.StatusBadRequest && strings.Contains(strings.ToLower(r.Code+r.Message), "validation")
}

// Hint says that users have changed, as far as somebody knows: they are asked for
// in a moment, unless that feed has a reason to wait. It may be called at any time
// and as often as one likes.
func (m *Mirror) Hint() { m.hurry(FeedUsers) }

// Renew says that the subscription needs to be looked after.
func (m *Mirror) Renew() { m.hurry(FeedNotifications) }

// hurry lets the next round come in hintDelay, and no sooner than minInterval after
// the last.
func (f *feed) hurry() {
	at := time.Now().Add(hintDelay)
	if least := f.status.LastSuccess.Add(minInterval); least.After(at) {
		at = least
	}
	if at.Before(f.status.NextRun) {
		f.status.NextRun = at
	}
}

// hurry does so for a feed that has no reason to wait.
func (m *Mirror) hurry(name directory.Feed) {
	m.mu.Lock()
	for _, f := range m.feeds {
		if f.status.Name != name {
			continue
		}
		switch f.status.State {
		case directory.FeedWaiting:
			f.hurry()
		case directory.FeedRunning:
			f.hurried = true // by what this round may have read past already
		case directory.FeedFailing, directory.FeedBlocked, directory.FeedStopped:
		}
	}
	m.mu.Unlock()
	m.nudge()
}

package graph_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ringbook/directory"
	"ringbook/graph"
	"ringbook/graph/graphtest"
)

// A listener is where Graph calls: it gives the token back, and hears.
type listener struct {
	deaf  bool
	heard []string // bodies
}

func (l *listener) RoundTrip(r *http.Request) (*http.Response, error) {
	w := &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/plain"}}, Request: r}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	answer := r.URL.Query().Get("validationToken")
	switch {
	case l.deaf:
		w.StatusCode = http.StatusNotFound
	case answer == "":
		l.heard = append(l.heard, string(body))
		w.StatusCode = http.StatusAccepted
	}
	w.Body = io.NopCloser(strings.NewReader(answer))
	return w, nil
}

// TestNotifications: one subscription is kept for as long as the mirror runs, and a
// hint is a question a few seconds later, whatever the interval is.
func TestNotifications(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &listener{}
		tenant := graphtest.New(graphtest.Options{People: 5, Notifier: &http.Client{Transport: l}})
		reach, stop := serve(t, tenant.ServeHTTP)
		defer stop()
		reach.Credential = signIn{reach.HTTP, tenant}
		sink := newMemory()
		notified := func(o *graph.Options) {
			o.Interval, o.Notify = time.Hour, graph.Notify{URL: "https://ringbook.example/hooks/graph", State: "s"}
		}
		m := mirror(t, reach, sink, notified)
		end := run(t, m)
		synctest.Wait()
		if n := tenant.Subscriptions(); n != 1 {
			t.Fatalf("%d subscriptions", n)
		}
		anna := tenant.Users()[0].ID
		must(t, tenant.Patch(anna, map[string]any{"displayName": "Another"}))
		must(t, tenant.Notify(t.Context(), anna, ""))
		if len(l.heard) != 1 || !strings.Contains(l.heard[0], `"clientState":"s"`) {
			t.Fatalf("heard %v", l.heard)
		}
		<-time.After(30 * time.Second) // a moment after the first round
		before := tenant.Requests()["users/delta"]
		for range 50 {
			m.Hint()
		}
		<-time.After(4 * time.Second)
		if got := tenant.Requests()["users/delta"] - before; got != 0 {
			t.Errorf("%d questions before the burst was over", got)
		}
		<-time.After(2 * time.Second)
		changed := slices.ContainsFunc(sink.all(), func(c *directory.Contact) bool { return string(c.ID) == anna && c.DisplayName == "Another" })
		if got := tenant.Requests()["users/delta"] - before; got != 1 || !changed {
			t.Errorf("%d questions, and the name has changed: %v", got, changed)
		}
		for range 60 { // hints every second are no question every second
			m.Hint()
			<-time.After(time.Second)
		}
		if got := tenant.Requests()["users/delta"] - before; got > 7 {
			t.Errorf("%d questions within a minute", got)
		}

		// Renewed every day, made again when it was lost, and asked for at once when Graph says so.
		<-time.After(10 * 24 * time.Hour)
		if n := tenant.Subscriptions(); n != 1 {
			t.Errorf("%d subscriptions after ten days", n)
		}
		tenant.DropSubscriptions()
		m.Renew()
		<-time.After(time.Minute)
		if n := tenant.Subscriptions(); n != 1 {
			t.Errorf("%d subscriptions after Graph dropped it", n)
		}
		must(t, end())

		// The next process makes its own and leaves none behind.
		m = mirror(t, reach, sink, notified)
		end = run(t, m)
		synctest.Wait()
		if n := tenant.Subscriptions(); n != 1 {
			t.Errorf("%d subscriptions after a restart", n)
		}
		must(t, end())
	})
}

// TestNotificationsFail: whoever cannot be reached from outside is told so, and the
// tenant is asked at its interval all the same.
func TestNotificationsFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &listener{deaf: true}
		tenant := graphtest.New(graphtest.Options{People: 5, Notifier: &http.Client{Transport: l}})
		reach, stop := serve(t, tenant.ServeHTTP)
		defer stop()
		reach.Credential = signIn{reach.HTTP, tenant}
		m := mirror(t, reach, newMemory(), func(o *graph.Options) {
			o.Notify = graph.Notify{URL: "https://ringbook.example/hooks/graph", State: "s"}
		})
		end := run(t, m)
		<-time.After(12 * time.Minute)
		st := status(m, graph.FeedNotifications)
		if st.State != directory.FeedFailing || !strings.Contains(st.LastError, "Microsoft cannot reach the address for notifications") {
			t.Errorf("status %+v", st)
		}
		if got := tenant.Requests()["users/delta"]; got != 3 || status(m, graph.FeedUsers).State != directory.FeedWaiting {
			t.Errorf("users were asked for %d times", got)
		}
		// A hint is no way around a reason to wait.
		tenant.Fault(graphtest.Fault{Path: "/v1.0/users/delta", Status: 429, RetryAfter: "3600"})
		<-time.After(5 * time.Minute)
		before := tenant.Requests()["users/delta"]
		m.Hint()
		<-time.After(10 * time.Minute)
		if got := tenant.Requests()["users/delta"] - before; got != 0 {
			t.Errorf("asked %d times during the pause", got)
		}
		must(t, end())
	})
}

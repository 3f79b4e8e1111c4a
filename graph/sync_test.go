package graph_test

import (
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
)

func TestFirstRoundThenDelta(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		requests := 0
		tenant, stop := serve(t, func(w http.ResponseWriter, r *http.Request) {
			requests++
			if got := r.Header.Get("Authorization"); got != "Bearer secret-token" {
				t.Errorf("Authorization = %q", got)
			}
			q := r.URL.Query()
			switch {
			case q.Get("$skiptoken") == "2":
				delta(w, "A", `{"id":"b","displayName":"Berta","mobilePhone":"0171 1234567"}`)
			case q.Get("$deltatoken") == "A":
				delta(w, "B", `{"id":"a","displayName":null},{"id":"b","@removed":{"reason":"changed"}},{"id":"x","@removed":{"reason":"deleted"}}`)
			case q.Get("$deltatoken") == "B":
				delta(w, "C", ``)
			case q.Has("$select"):
				write(w, 200, `{"value":[{"id":"A","displayName":"Anna","mail":"anna@example.com"}],"@odata.nextLink":"%s/v1.0/users/delta?$skiptoken=1"}`, base)
			default:
				write(w, 200, `{"value":[],"@odata.nextLink":"%s/v1.0/users/delta?$skiptoken=2"}`, base)
			}
		})
		defer stop()
		sink := newMemory()
		m := mirror(t, tenant, sink, nil)

		got := syncUsers(t, m, directory.SyncRequest{})
		want := directory.Round{Feed: "users", Full: true, Read: 2, Requests: 3, Applied: directory.Applied{Added: 2}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("first round (-want +got):\n%s", diff)
		}
		got = syncUsers(t, m, directory.SyncRequest{})
		want = directory.Round{Feed: "users", Read: 3, Requests: 1, Applied: directory.Applied{Changed: 1, Removed: 1}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("second round (-want +got):\n%s", diff)
		}
		contacts := []*directory.Contact{{ID: "a", Source: directory.SourceUser, Emails: []string{"anna@example.com"}}}
		if diff := cmp.Diff(contacts, sink.all()); diff != "" {
			t.Errorf("contacts (-want +got):\n%s", diff)
		}
		requests = 0
		if got := syncUsers(t, m, directory.SyncRequest{}); got.Requests != 1 || requests != 1 {
			t.Errorf("idle round took %d requests (%d on the wire), want 1", got.Requests, requests)
		}
	})
}

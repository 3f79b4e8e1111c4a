package graph_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
	"ringbook/graph"
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

// play answers the requests one after the other; the last answer repeats.
func play(answers ...http.HandlerFunc) http.HandlerFunc {
	n := 0
	return func(w http.ResponseWriter, r *http.Request) {
		h := answers[min(n, len(answers)-1)]
		n++
		h(w, r)
	}
}

// page answers with the only page of a round.
func page(token, value string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { delta(w, token, value) }
}

// fault answers with Graph's error.
func fault(status int, code string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		write(w, status, `{"error":{"code":%q,"message":"No."}}`, code)
	}
}

const (
	anna  = `{"id":"a","displayName":"Anna"}`
	bernd = `{"id":"b","displayName":"Bernd"}`
)

func TestForgottenDeltaLinkReadsEverythingAndSweeps(t *testing.T) {
	for _, f := range []struct {
		status int
		code   string
	}{{410, "whatever"}, {400, "syncStateNotFound"}, {400, "SYNCSTATENOTFOUND"}, {404, "resyncRequired"}, {400, "syncStateInvalid"}} {
		t.Run(f.code, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tenant, stop := serve(t, play(page("A", anna+","+bernd), fault(f.status, f.code), page("B", bernd)))
				defer stop()
				sink := newMemory()
				m := mirror(t, tenant, sink, nil)
				syncUsers(t, m, directory.SyncRequest{})
				got := syncUsers(t, m, directory.SyncRequest{})
				want := directory.Round{Feed: "users", Full: true, Read: 1, Requests: 2, Applied: directory.Applied{Removed: 1, Unchanged: 1}}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("round (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestExpiredPageBeginsTheRoundOnceAgain(t *testing.T) {
	first := func(w http.ResponseWriter, _ *http.Request) {
		write(w, 200, `{"value":[%s],"@odata.nextLink":"%s/v1.0/users/delta?$skiptoken=1"}`, anna, base)
	}
	for _, expired := range []http.HandlerFunc{fault(400, "Directory_ExpiredPageToken"), fault(410, "resyncRequired")} {
		synctest.Test(t, func(t *testing.T) {
			tenant, stop := serve(t, play(first, expired, first, page("A", bernd), page("B", "")))
			defer stop()
			sink := newMemory()
			m := mirror(t, tenant, sink, nil)
			if got := syncUsers(t, m, directory.SyncRequest{}); got.Error != "" || len(sink.all()) != 2 {
				t.Errorf("round = %+v, %d contacts", got, len(sink.all()))
			}
		})
		synctest.Test(t, func(t *testing.T) {
			tenant, stop := serve(t, play(first, expired, first, expired))
			defer stop()
			if got := syncUsers(t, mirror(t, tenant, newMemory(), nil), directory.SyncRequest{}); got.Error == "" || got.Requests != 4 {
				t.Errorf("round = %+v, want an error after 4 requests", got)
			}
		})
	}
}

// TestFullRoundBeginsFromEmpty: what a full round does not mention is gone, for
// whoever is read for the first time in it.
func TestFullRoundBeginsFromEmpty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant, stop := serve(t, play(
			page("A", `{"id":"a","displayName":"Anna","jobTitle":"Chefin","city":"Bonn"}`),
			page("B", `{"id":"a","displayName":"Anna"},{"id":"a","city":"Berlin"}`)))
		defer stop()
		sink := newMemory()
		m := mirror(t, tenant, sink, nil)
		syncUsers(t, m, directory.SyncRequest{})
		syncUsers(t, m, directory.SyncRequest{Full: true})
		want := []*directory.Contact{{ID: "a", Source: directory.SourceUser, DisplayName: "Anna", Address: directory.Address{City: "Berlin"}}}
		if diff := cmp.Diff(want, sink.all()); diff != "" {
			t.Errorf("contacts (-want +got):\n%s", diff)
		}
	})
}

// TestFullRoundKeepsWhatCannotBeRead: a number of the wrong type is not a
// number that is gone.
func TestFullRoundKeepsWhatCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant, stop := serve(t, play(
			page("A", `{"id":"a","displayName":"Anna","mobilePhone":"0171 1234567"}`),
			page("B", `{"id":"a","displayName":"Anne","mobilePhone":{"number":"0171 1234567"}}`)))
		defer stop()
		sink := newMemory()
		m := mirror(t, tenant, sink, nil)
		syncUsers(t, m, directory.SyncRequest{})
		syncUsers(t, m, directory.SyncRequest{Full: true})
		if c := sink.all()[0]; c.DisplayName != "Anne" || len(c.Phones) != 1 {
			t.Errorf("%s has %v", c.DisplayName, c.Phones)
		}
	})
}

// TestFaults makes the second of three pages of a full round fail for good: the
// first is kept, nothing is swept, the cursor stays, and the round after is whole.
func TestFaults(t *testing.T) {
	const huge = 65 << 20
	faults := map[string]http.HandlerFunc{
		"html 502":        func(w http.ResponseWriter, _ *http.Request) { write(w, 502, "<html>bad gateway</html>") },
		"html 200":        func(w http.ResponseWriter, _ *http.Request) { write(w, 200, "<html>sign in to the wifi</html>") },
		"half of a page":  func(w http.ResponseWriter, _ *http.Request) { write(w, 200, `{"value":[{"id":"a"`) },
		"no link":         func(w http.ResponseWriter, _ *http.Request) { write(w, 200, `{"value":[]}`) },
		"null":            func(w http.ResponseWriter, _ *http.Request) { write(w, 200, `null`) },
		"not an array":    func(w http.ResponseWriter, _ *http.Request) { write(w, 200, `{"value":{"a":1}}`) },
		"empty":           func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200) },
		"not found":       fault(404, "ResourceNotFound"),
		"forbidden":       fault(403, "Authorization_RequestDenied"),
		"unauthorized":    fault(401, "InvalidAuthenticationToken"),
		"no content":      func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) },
		"throttled":       fault(429, "TooManyRequests", "Retry-After", "3"),
		"connection lost": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"lost in mid-page": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			write(w, 200, `{"value":[{"id":"a"`)
			panic(http.ErrAbortHandler)
		},
		"too large": func(w http.ResponseWriter, _ *http.Request) {
			block := make([]byte, 1<<20)
			for n := 0; n < huge; n += len(block) {
				if _, err := w.Write(block); err != nil {
					return
				}
			}
		},
		"circle": func(w http.ResponseWriter, _ *http.Request) {
			write(w, 200, `{"value":[],"@odata.nextLink":"%s/v1.0/users/delta?$skiptoken=2"}`, base)
		},
	}
	for name, h := range faults {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { failSecondPage(t, h) })
		})
	}
}

func failSecondPage(t *testing.T, h http.HandlerFunc) {
	t.Helper()
	broken := false
	tenant, stop := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch q := r.URL.Query(); {
		case !q.Has("$skiptoken") && !broken:
			delta(w, "A", anna+","+bernd)
		case !q.Has("$skiptoken"):
			write(w, 200, `{"value":[{"id":"a","displayName":"Anna 2"}],"@odata.nextLink":"%s/v1.0/users/delta?$skiptoken=2"}`, base)
		default:
			h(w, r)
		}
	})
	defer stop()
	sink := newMemory()
	m := mirror(t, tenant, sink, nil)
	syncUsers(t, m, directory.SyncRequest{})
	cursor := sink.cursor()

	broken = true
	got := syncUsers(t, m, directory.SyncRequest{Full: true})
	if got.Error == "" {
		t.Fatal("the round did not fail")
	}
	t.Log(got.Error)
	want := []*directory.Contact{
		{ID: "a", Source: directory.SourceUser, DisplayName: "Anna 2"},
		{ID: "b", Source: directory.SourceUser, DisplayName: "Bernd"},
	}
	if diff := cmp.Diff(want, sink.all()); diff != "" {
		t.Errorf("contacts (-want +got):\n%s", diff)
	}
	if sink.cursor() != cursor {
		t.Error("the cursor moved")
	}
	state := directory.FeedFailing
	if strings.Contains(got.Error, "status 401") || strings.Contains(got.Error, "status 403") {
		state = directory.FeedBlocked
	}
	if s := m.Status()[0]; s.State != state || s.LastError != got.Error || !s.NextRun.After(time.Now()) {
		t.Errorf("status = %+v", s)
	}
	broken = false
	if got := syncUsers(t, m, directory.SyncRequest{Full: true}); got.Error != "" || m.Status()[0].LastError != "" {
		t.Errorf("round after = %+v, status = %+v", got, m.Status()[0])
	}
}

// TestLinksElsewhere: a token goes to the configured endpoint only, whatever an answer says.
func TestLinksElsewhere(t *testing.T) {
	for _, link := range []string{
		"http://evil.example/v1.0/users/delta?$skiptoken=1",
		"https://127.0.0.1/v1.0/users/delta?$skiptoken=1", // another scheme, another port
		"http://127.0.0.1:8080/v1.0/users/delta?$skiptoken=1",
		"//evil.example/x",
		"http://user:pass@127.0.0.1/x",
		"http://127.0.0.1@evil.example/x",
		"http://127.0.0.1.evil.example/x",
		"ftp://127.0.0.1/x", "file:///etc/passwd", "http://%zz", "mailto:x", base + "/" + strings.Repeat("x", 20<<10),
	} {
		for _, kind := range []string{"nextLink", "deltaLink"} {
			t.Run(kind+" "+link[:min(len(link), 80)], func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					requests := 0
					tenant, stop := serve(t, func(w http.ResponseWriter, _ *http.Request) {
						requests++
						write(w, 200, `{"value":[%s],"@odata.%s":%q}`, anna, kind, link)
					})
					defer stop()
					sink := newMemory()
					got := syncUsers(t, mirror(t, tenant, sink, nil), directory.SyncRequest{})
					if got.Error == "" || requests != 1 || sink.cursor().Link != "" || len(sink.all()) != 0 {
						t.Errorf("round = %+v after %d requests, cursor %q", got, requests, sink.cursor().Link)
					}
					if strings.Contains(got.Error, "skiptoken") {
						t.Errorf("the error tells the link: %s", got.Error)
					}
				})
			})
		}
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	for _, status := range []int{301, 302, 307, 308} {
		synctest.Test(t, func(t *testing.T) {
			requests := 0
			tenant, stop := serve(t, func(w http.ResponseWriter, r *http.Request) {
				requests++
				http.Redirect(w, r, base+"/elsewhere", status)
			})
			defer stop()
			got := syncUsers(t, mirror(t, tenant, newMemory(), nil), directory.SyncRequest{})
			if requests != 1 || !strings.Contains(got.Error, "redirect") {
				t.Errorf("status %d: %d requests, %+v", status, requests, got)
			}
		})
	}
}

// TestMendedOnTheWay: what passes within a round is nobody's trouble.
func TestMendedOnTheWay(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"throttled":       fault(429, "TooManyRequests", "Retry-After", "40"),
		"throttled, date": fault(429, "TooManyRequests", "Retry-After", "Sat, 01 Jan 2000 00:00:40 GMT"), // a bubble's clock begins in 2000
		"bad gateway":     func(w http.ResponseWriter, _ *http.Request) { write(w, 502, "<html>") },
		"lost in mid-page": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			write(w, 200, `{"value":[{"id":"a"`)
			panic(http.ErrAbortHandler)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tenant, stop := serve(t, play(h, page("A", anna)))
				defer stop()
				start := time.Now()
				got := syncUsers(t, mirror(t, tenant, newMemory(), nil), directory.SyncRequest{})
				if got.Error != "" || got.Applied.Added != 1 || got.Requests != 2 {
					t.Errorf("round = %+v", got)
				}
				if strings.HasPrefix(name, "throttled") && time.Since(start) < 40*time.Second {
					t.Errorf("went on after %v", time.Since(start))
				}
			})
		})
	}
}

func TestAnotherQuestionBeginsAgain(t *testing.T) {
	changes := map[string]func(*graph.Tenant, *graph.Options){
		"tenant":  func(t *graph.Tenant, _ *graph.Options) { t.ID = "other" },
		"client":  func(t *graph.Tenant, _ *graph.Options) { t.ClientID = "other" },
		"host":    func(t *graph.Tenant, _ *graph.Options) { t.GraphURL = "http://localhost" },
		"country": func(_ *graph.Tenant, o *graph.Options) { o.Plans = "AT" },
		"phones": func(_ *graph.Tenant, o *graph.Options) {
			o.Phones = map[string]directory.PhoneKind{"extensionAttribute1": "home"}
		},
		"kind": func(_ *graph.Tenant, o *graph.Options) {
			o.Phones = map[string]directory.PhoneKind{"faxNumber": "other"}
		},
		"": func(*graph.Tenant, *graph.Options) {},
	}
	for name, change := range changes {
		synctest.Test(t, func(t *testing.T) {
			tenant, stop := serve(t, func(w http.ResponseWriter, r *http.Request) {
				write(w, 200, `{"value":[],"@odata.deltaLink":"http://%s/v1.0/users/delta?$deltatoken=A"}`, r.Host)
			})
			defer stop()
			sink := newMemory()
			syncUsers(t, mirror(t, tenant, sink, nil), directory.SyncRequest{})
			o := graph.Options{Interval: 5 * time.Minute, Plans: "DE"}
			change(&tenant, &o)
			m, err := graph.New(tenant, sink, nil, o)
			if err != nil {
				t.Fatal(err)
			}
			if got := syncUsers(t, m, directory.SyncRequest{}); got.Full != (name != "") || got.Error != "" {
				t.Errorf("%s: round = %+v", name, got)
			}
		})
	}
}

// A cloud whose delta knows fewer properties is read without those that nothing
// shows; one that is shown is not given up.
func TestPropertiesThatGraphRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := []string{"employeeHireDate, assignedLicenses", "manager"}
		var selected []string
		tenant, stop := serve(t, func(w http.ResponseWriter, r *http.Request) {
			q := r.URL.Query()
			if !q.Has("$select") {
				delta(w, "B", `{"id":"a","displayName":"Berta"}`)
				return
			}
			selected = strings.Split(q.Get("$select"), ",")
			for _, names := range refused {
				if slices.ContainsFunc(strings.Split(names, ", "), func(n string) bool { return slices.Contains(selected, n) }) {
					write(w, 400, `{"error":{"code":"BadRequest","message":"$expand/$select is not supported for the following properties: %s."}}`, names)
					return
				}
			}
			delta(w, "A", `{"id":"a","displayName":"Anna"}`)
		})
		defer stop()
		sink := newMemory()
		m := mirror(t, tenant, sink, nil)
		if r := syncUsers(t, m, directory.SyncRequest{}); r.Error == "" {
			t.Error("more than one refusal in a round is no surprise to be passed over")
		}
		if r := syncUsers(t, m, directory.SyncRequest{}); r.Error != "" || r.Read != 1 {
			t.Fatalf("round = %+v", r)
		}
		if slices.Contains(selected, "manager") || slices.Contains(selected, "assignedLicenses") || !slices.Contains(selected, "employeeType") {
			t.Errorf("selected %v", selected)
		}
		if r := syncUsers(t, m, directory.SyncRequest{}); r.Error != "" || r.Full {
			t.Errorf("the next round = %+v", r)
		}
		refused = []string{"displayName"}
		if r := syncUsers(t, m, directory.SyncRequest{Full: true}); !strings.Contains(r.Error, "displayName") {
			t.Errorf("round without a name = %+v", r)
		}
	})
}

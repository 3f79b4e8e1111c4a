package graph_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
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

// run runs the mirror until the returned function is called, which returns what Run returned.
func run(t *testing.T, m *graph.Mirror) (end func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	return func() error {
		cancel()
		return <-done
	}
}

func TestRunAsksAtItsInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		start := time.Now()
		tenant, stop := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			at = append(at, time.Since(start))
			delta(w, "A", anna)
		})
		defer stop()
		m := mirror(t, tenant, newMemory(), nil)
		end := run(t, m)
		<-time.After(11 * time.Minute) // of the bubble
		synctest.Wait()
		if want := []time.Duration{0, 5 * time.Minute, 10 * time.Minute}; !slices.Equal(at, want) {
			t.Errorf("asked at %v, want %v", at, want)
		}
		s := m.Status()
		if len(s) != 1 || s[0].State != directory.FeedWaiting || s[0].NextRun != start.Add(15*time.Minute) || s[0].LastSuccess != start.Add(10*time.Minute) {
			t.Errorf("status = %+v", s)
		}
		if err := end(); err != nil {
			t.Errorf("Run = %v", err)
		}
	})
}

// TestRunBacksOffAndNeverGivesUp: rounds that fail come at growing distances; those
// that the tenant refuses come at longer ones, cost one request each, and begin
// with a new token.
func TestRunBacksOffAndNeverGivesUp(t *testing.T) {
	for name, c := range map[string]struct {
		status      int
		first, most time.Duration
		state       directory.FeedState
	}{
		"failing": {400, 10 * time.Second, 10 * time.Minute, directory.FeedFailing},
		"blocked": {403, 5 * time.Minute, time.Hour, directory.FeedBlocked},
		"refused": {401, 5 * time.Minute, time.Hour, directory.FeedBlocked},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var at []time.Time
				tenant, stop := serve(t, func(w http.ResponseWriter, r *http.Request) {
					at = append(at, time.Now())
					fault(c.status, "Authorization_RequestDenied")(w, r)
				})
				defer stop()
				credential := &renewed{}
				tenant.Credential = credential
				m := mirror(t, tenant, newMemory(), nil)
				end := run(t, m)
				<-time.After(24 * time.Hour)
				synctest.Wait()
				if err := end(); err != nil {
					t.Fatal(err)
				}
				if least := int(24 * time.Hour / c.most); len(at) < least || len(at) > 2*least+10 {
					t.Errorf("%d requests in a day", len(at))
				}
				for i := 1; i < len(at); i++ {
					gap := at[i].Sub(at[i-1])
					if most := min(c.first<<min(i-1, 10), c.most); gap < most/2 || gap > most {
						t.Errorf("gap %d is %v, want between %v and %v", i, gap, most/2, most)
					}
				}
				if s := m.Status()[0]; s.State != c.state || !s.LastSuccess.IsZero() || s.LastError == "" || s.Failures != len(at) || !s.FailingSince.Equal(at[0]) || !s.Attention {
					t.Errorf("status = %+v", s)
				}
				if want := len(at) - 1; c.state == directory.FeedBlocked && credential.times != want {
					t.Errorf("%d new tokens for %d later attempts", credential.times, want)
				}
			})
		})
	}
}

// renewed is a credential that counts how often it is renewed.
type renewed struct {
	token
	times int
}

func (r *renewed) Renew() { r.times++ }

// A person who has mended the tenant need not wait: sync tries at once, and what
// was wrong is forgotten.
func TestBlockedFeedIsTriedAtOnceBySync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		granted := false
		tenant, stop := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if !granted {
				fault(403, "Authorization_RequestDenied")(w, r)
				return
			}
			delta(w, "A", anna)
		})
		defer stop()
		credential := &renewed{}
		tenant.Credential = credential
		var log bytes.Buffer
		m := mirror(t, tenant, newMemory(), func(o *graph.Options) { o.Log = slog.New(slog.NewJSONHandler(&log, nil)) })
		for range 5 {
			syncUsers(t, m, directory.SyncRequest{})
		}
		if n := strings.Count(log.String(), `"level":"ERROR","msg":"source needs attention"`); n != 1 {
			t.Errorf("%d alarms:\n%s", n, &log)
		}
		granted = true
		if r := syncUsers(t, m, directory.SyncRequest{}); r.Error != "" || credential.times != 5 {
			t.Errorf("round = %+v after %d new tokens", r, credential.times)
		}
		if n := strings.Count(log.String(), `"level":"INFO","msg":"source has recovered"`); n != 1 {
			t.Errorf("%d recoveries:\n%s", n, &log)
		}
		s := m.Status()[0]
		if want := (directory.FeedStatus{Name: "users", State: directory.FeedWaiting, LastSuccess: s.LastSuccess, NextRun: s.NextRun, Totals: directory.FeedTotals{Done: 1, Failed: 5, Requests: 6, Added: 1}}); s != want {
			t.Errorf("status = %+v", s)
		}
	})
}

func TestLongRetryAfterParksTheFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var at []time.Duration
		first := fault(429, "TooManyRequests", "Retry-After", "3600")
		tenant, stop := serve(t, func(w http.ResponseWriter, r *http.Request) {
			at = append(at, time.Since(start))
			if len(at) == 1 {
				first(w, r)
				return
			}
			delta(w, "A", anna)
		})
		defer stop()
		m := mirror(t, tenant, newMemory(), nil)
		end := run(t, m)
		<-time.After(time.Minute)
		synctest.Wait()
		if s := m.Status()[0]; s.NextRun != start.Add(time.Hour) || s.State != directory.FeedFailing {
			t.Errorf("status = %+v", s)
		}
		<-time.After(62 * time.Minute)
		synctest.Wait()
		if want := []time.Duration{0, time.Hour}; !slices.Equal(at, want) {
			t.Errorf("asked at %v, want %v", at, want)
		}
		_ = end()
	})
}

// TestHugeRetryAfter: a pause of centuries is believed for a day.
func TestHugeRetryAfter(t *testing.T) {
	for _, after := range []string{"99999999999", "1" + strings.Repeat("0", 400), "Sun, 06 Nov 2094 08:49:37 GMT"} {
		synctest.Test(t, func(t *testing.T) {
			start, requests := time.Now(), 0
			tenant, stop := serve(t, func(w http.ResponseWriter, r *http.Request) {
				requests++
				fault(429, "TooManyRequests", "Retry-After", after)(w, r)
			})
			defer stop()
			m := mirror(t, tenant, newMemory(), nil)
			syncUsers(t, m, directory.SyncRequest{})
			if next := m.Status()[0].NextRun.Sub(start); next < 24*time.Hour || next > 25*time.Hour || requests > 4 {
				t.Errorf("Retry-After %.20s: again after %v, %d requests", after, next, requests)
			}
		})
	}
}

func TestSyncAsksAtOnceAndMovesTheSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var at []time.Duration
		tenant, stop := serve(t, func(w http.ResponseWriter, r *http.Request) {
			at = append(at, time.Since(start))
			if len(at) == 1 {
				fault(429, "TooManyRequests", "Retry-After", "3600")(w, r)
				return
			}
			delta(w, "A", anna)
		})
		defer stop()
		m := mirror(t, tenant, newMemory(), nil)
		end := run(t, m)
		<-time.After(time.Minute)
		if got := syncUsers(t, m, directory.SyncRequest{}); got.Error != "" {
			t.Errorf("round = %+v", got)
		}
		<-time.After(6 * time.Minute)
		synctest.Wait()
		if want := []time.Duration{0, time.Minute, 6 * time.Minute}; !slices.Equal(at, want) {
			t.Errorf("asked at %v, want %v", at, want)
		}
		_ = end()
	})
}

func TestSyncWaitsForTheRoundUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := make(chan struct{}, 8)
		open := make(chan struct{})
		atOnce := 0
		tenant, stop := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			asked <- struct{}{}
			if atOnce++; atOnce > 1 {
				t.Error("two rounds at once")
			}
			<-open
			atOnce--
			delta(w, "A", anna)
		})
		defer stop()
		m := mirror(t, tenant, newMemory(), nil)
		end := run(t, m)
		<-asked
		if s := m.Status()[0]; s.State != directory.FeedRunning {
			t.Errorf("state = %v", s.State)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := m.Sync(ctx, directory.SyncRequest{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Sync = %v", err)
		}
		done := make(chan directory.Round, 1)
		go func() { done <- syncUsers(t, m, directory.SyncRequest{}) }()
		synctest.Wait()
		close(open)
		if r := <-done; r.Error != "" || r.Full {
			t.Errorf("round = %+v", r)
		}
		_ = end()
	})
}

func TestRunEndsInMidRound(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"hanging":   func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"throttled": fault(429, "TooManyRequests", "Retry-After", "50"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tenant, stop := serve(t, h)
				defer stop()
				m := mirror(t, tenant, newMemory(), nil)
				end := run(t, m)
				<-time.After(time.Second)
				start := time.Now()
				if err := end(); err != nil || time.Since(start) > 0 {
					t.Errorf("Run = %v after %v", err, time.Since(start))
				}
				if s := m.Status()[0]; s.State != directory.FeedWaiting || s.LastError != "" {
					t.Errorf("status = %+v: ending is no failure", s)
				}
			})
		})
	}
}

// TestHangingGraph: a Graph that never answers is given up, and tried again.
func TestHangingGraph(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant, stop := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		defer stop()
		start := time.Now()
		got := syncUsers(t, mirror(t, tenant, newMemory(), nil), directory.SyncRequest{})
		if took := time.Since(start); !strings.Contains(got.Error, "in time") || took > 10*time.Minute {
			t.Errorf("after %v: %+v", took, got)
		}
	})
}

func TestShrinkGuardStopsTheFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant, stop := serve(t, page("A", anna))
		defer stop()
		sink := newMemory()
		sink.fail = func(b directory.Batch) error {
			if b.AcceptShrink {
				return nil
			}
			return fmt.Errorf("book people: %w", directory.ErrShrink)
		}
		m := mirror(t, tenant, sink, nil)
		got := syncUsers(t, m, directory.SyncRequest{})
		if s := m.Status()[0]; s.State != directory.FeedStopped || !strings.Contains(got.Error, "ringbook sync --accept-shrink") {
			t.Errorf("round = %+v, status = %+v", got, s)
		}
		if got := syncUsers(t, m, directory.SyncRequest{AcceptShrink: true}); got.Error != "" || got.Applied.Added != 1 {
			t.Errorf("round = %+v", got)
		}
		if s := m.Status()[0]; s.State != directory.FeedWaiting || s.LastError != "" {
			t.Errorf("status = %+v", s)
		}
	})
}

func TestLogAndProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant, stop := serve(t, play(page("sesame", anna+`,{"id":"../x"}`), fault(500, "InternalServerError")))
		defer stop()
		var log bytes.Buffer
		var told []graph.Progress
		m := mirror(t, tenant, newMemory(), func(o *graph.Options) {
			o.Log = slog.New(slog.NewJSONHandler(&log, nil))
			o.Progress = func(p graph.Progress) { told = append(told, p) }
		})
		syncUsers(t, m, directory.SyncRequest{})
		syncUsers(t, m, directory.SyncRequest{})
		if want := []graph.Progress{{Feed: "users", Read: 2}, {Feed: "users", Read: 2, Done: true}, {Feed: "users", Done: true}}; !slices.Equal(told, want) {
			t.Errorf("progress = %+v", told)
		}
		if n := strings.Count(log.String(), `"msg":"sync round"`); n != 2 {
			t.Errorf("%d lines about rounds in:\n%s", n, &log)
		}
		if !strings.Contains(log.String(), `"skipped":1`) {
			t.Errorf("the object left out is not counted:\n%s", &log)
		}
		for _, secret := range []string{"sesame", "secret-token", "deltatoken", "Anna"} {
			if strings.Contains(log.String(), secret) {
				t.Errorf("the log tells %q:\n%s", secret, &log)
			}
		}
	})
}

func TestNewRefuses(t *testing.T) {
	good := graph.Tenant{GraphURL: "https://graph.microsoft.com", Credential: token("t"), HTTP: http.DefaultClient}
	for name, change := range map[string]func(*graph.Tenant, *graph.Options){
		"plain http":     func(t *graph.Tenant, _ *graph.Options) { t.GraphURL = "http://graph.microsoft.com" },
		"no host":        func(t *graph.Tenant, _ *graph.Options) { t.GraphURL = "https:///v1.0" },
		"query":          func(t *graph.Tenant, _ *graph.Options) { t.GraphURL = "https://graph.microsoft.com?x" },
		"user":           func(t *graph.Tenant, _ *graph.Options) { t.GraphURL = "https://u:p@graph.microsoft.com" },
		"loopback alike": func(t *graph.Tenant, _ *graph.Options) { t.GraphURL = "http://127.0.0.1.example.com" },
		"no credential":  func(t *graph.Tenant, _ *graph.Options) { t.Credential = nil },
		"no client":      func(t *graph.Tenant, _ *graph.Options) { t.HTTP = nil },
		"interval":       func(_ *graph.Tenant, o *graph.Options) { o.Interval = time.Second },
		"attribute": func(_ *graph.Tenant, o *graph.Options) {
			o.Phones = map[string]directory.PhoneKind{"extensionAttribute16": "home"}
		},
		"kind": func(_ *graph.Tenant, o *graph.Options) {
			o.Phones = map[string]directory.PhoneKind{"extensionAttribute1": "car"}
		},
	} {
		tenant, o := good, graph.Options{Interval: time.Minute}
		change(&tenant, &o)
		if _, err := graph.New(tenant, newMemory(), nil, o); !errors.Is(err, directory.ErrInvalid) {
			t.Errorf("%s: New = %v", name, err)
		}
	}
	if _, err := graph.New(good, newMemory(), nil, graph.Options{Interval: time.Minute}); err != nil {
		t.Errorf("New = %v", err)
	}
}

// TestStatusSaysHowFar: of a round under way it tells how much was read, and of one
// that is over nothing.
func TestStatusSaysHowFar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphtest.New(graphtest.Options{People: 50, PageSize: 20})
		reach, stop := serve(t, tenant.ServeHTTP)
		defer stop()
		reach.Credential = signIn{reach.HTTP, tenant}
		tenant.Fault(graphtest.Fault{Path: "/v1.0/users/delta", After: 2, DelayMS: 5000})
		m := mirror(t, reach, newMemory(), nil)
		end := run(t, m)
		<-time.After(4 * time.Second)
		if st := status(m, graph.FeedUsers); st.State != directory.FeedRunning || st.Read != 40 {
			t.Errorf("before the last page: %+v", st)
		}
		<-time.After(4 * time.Second)
		if st := status(m, graph.FeedUsers); st.State != directory.FeedWaiting || st.Read != 0 {
			t.Errorf("after it: %+v", st)
		}
		must(t, end())
	})
}

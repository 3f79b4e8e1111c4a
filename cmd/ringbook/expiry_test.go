package main

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ringbook/directory"
)

// fixed is a list of credentials.
type fixed []directory.CredentialStatus

func (k fixed) Status() []directory.CredentialStatus { return k }

// A shared buffer is written by one goroutine and read by another.
type shared struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *shared) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(b)
}

func (s *shared) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

func TestWatchExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := time.Now().Add(100 * 24 * time.Hour)
		var log shared
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			watchExpiry(ctx, fixed{{Name: "certificate", Expires: end}, {Name: "next.client_secret"}}, slog.New(slog.NewTextHandler(&log, nil)))
		}()
		after := func(days int, warnings, errors int) {
			t.Helper()
			<-time.After(time.Until(end.Add(-time.Duration(days)*24*time.Hour + time.Minute)))
			<-time.After(expiryEvery)
			synctest.Wait()
			w, e := strings.Count(log.String(), "level=WARN"), strings.Count(log.String(), "level=ERROR")
			if w != warnings || e != errors {
				t.Errorf("%d days before the end: %d warnings and %d errors, want %d and %d:\n%s", days, w, e, warnings, errors, &log)
			}
		}
		after(62, 0, 0)
		after(60, 1, 0)
		after(31, 1, 0)
		after(30, 2, 0)
		after(14, 3, 0)
		after(7, 4, 0)
		after(1, 5, 0)
		after(0, 5, 1)
		after(-30, 5, 1)
		cancel()
		<-done
		if strings.Contains(log.String(), "next.client_secret") || !strings.Contains(log.String(), "credential=certificate") {
			t.Error(log.String())
		}
	})
}

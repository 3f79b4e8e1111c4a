package main

import (
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A page counts the lines that are written on it.
type page struct {
	mu sync.Mutex
	n  int
}

func (p *page) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n += strings.Count(string(b), "\n")
	return len(b), nil
}

func (p *page) lines() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.n
}

// TestLogWaitsForCompany: lines are written together, soon; a warning at once, and
// behind what was said before it.
func TestLogWaitsForCompany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out page
		log, flush, err := newLog(&out, "text")
		if err != nil {
			t.Fatal(err)
		}
		written := func() int { synctest.Wait(); return out.lines() }
		log.LogAttrs(t.Context(), slog.LevelInfo, "one")
		log.With(slog.Int("n", 2)).WithGroup("g").LogAttrs(t.Context(), slog.LevelInfo, "two")
		if n := written(); n != 0 {
			t.Errorf("%d lines did not wait", n)
		}
		time.Sleep(logPause) //nolint:forbidigo // of the bubble's own time
		if n := written(); n != 2 {
			t.Errorf("%d lines after the pause", n)
		}
		log.LogAttrs(t.Context(), slog.LevelInfo, "three")
		log.With(slog.Int("n", 4)).LogAttrs(t.Context(), slog.LevelWarn, "four")
		if n := written(); n != 4 {
			t.Errorf("%d lines after a warning", n)
		}
		log.LogAttrs(t.Context(), slog.LevelInfo, "five", slog.String("long", strings.Repeat("x", maxLogged)))
		if n := written(); n != 5 {
			t.Errorf("%d lines after a long one", n)
		}
		log.LogAttrs(t.Context(), slog.LevelInfo, "six")
		if flush(); written() != 6 {
			t.Errorf("%d lines at the end", written())
		}
	})
}

package ldap_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	goldap "github.com/go-ldap/ldap/v3"

	"ringbook/server/ldap"
)

// TestRefusedConnectionsAreCounted: one line a second says how many, and none is
// forgotten. An anonymous bind is no line at all.
func TestRefusedConnectionsAreCounted(t *testing.T) {
	var log bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		m, plan := newMirror(t, staff()...)
		s := prepare(t, m, plan, func(o *ldap.Options) {
			o.MaxUnbound = 1
			o.Log = slog.New(slog.NewJSONHandler(&log, nil))
		})
		l := newPipeline()
		ctx, cancel := context.WithCancel(context.Background())
		var served sync.WaitGroup
		served.Go(func() { _ = s.server.Serve(ctx, l, s.port) })
		c := l.connect(t)
		c.send(bindMessage(1, 3, "", ""))
		c.expect(1, 0x61, goldap.LDAPResultSuccess)
		refused := func() {
			ours, theirs := net.Pipe()
			l.conns <- hangUp{theirs, l.hungUp}
			_, _ = io.Copy(io.Discard, ours) // until it is closed
		}
		for _, n := range []int{5, 1, 3} {
			for range n {
				refused()
			}
			pass(time.Second)
		}
		for range 2 {
			refused()
		}
		cancel()
		served.Wait()
	})
	var counts []int
	for d := json.NewDecoder(&log); ; {
		var line struct {
			Msg   string
			Count int
		}
		if err := d.Decode(&line); err != nil {
			break
		}
		if line.Msg != "ldap connections refused" {
			t.Errorf("a line says %q", line.Msg)
		}
		counts = append(counts, line.Count)
	}
	if diff := cmp.Diff([]int{1, 5, 1, 3, 1}, counts); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

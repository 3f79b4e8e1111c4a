package e2e_test

import (
	"context"
	"os/exec"
	"strings"
	"testing"
)

// TestSyncOnTerminal: while somebody waits for a sync, a bar shows how far it is,
// on a terminal only.
func TestSyncOnTerminal(t *testing.T) {
	need(t, "script")
	t.Parallel()
	s := startTenant(t, 60, "--page-size", "10")
	r := startRingbook(t, s)
	s.fail(fault{"path": "/v1.0/users/delta", "times": every, "delay_ms": 400})
	sync := func(redirect string) string {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		command := "exec " + ringbookBinary + " sync --full --config " + r.config + redirect
		out, err := exec.CommandContext(ctx, "script", "-qec", command, "/dev/null").CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	if said := sync(""); !strings.Contains(said, "mirroring users") || !strings.Contains(said, "SOURCE") {
		t.Errorf("the terminal shows %q", said)
	}
	if said := sync(" | cat"); strings.Contains(said, "mirroring") || !strings.Contains(said, "SOURCE") {
		t.Errorf("a pipe shows %q", said)
	}
}

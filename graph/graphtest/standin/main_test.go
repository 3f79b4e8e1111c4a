package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestRunSaysWhereItIsAndEnds(t *testing.T) {
	dir := t.TempDir()
	file, ca := filepath.Join(dir, "ready.json"), filepath.Join(dir, "ca.pem")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- run(ctx, []string{"--people", "3", "--ca-file", ca, "--ready-file", file}, &bytes.Buffer{})
	}()

	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	var data []byte
	for err := fs.ErrNotExist; errors.Is(err, fs.ErrNotExist); data, err = os.ReadFile(file) {
		select {
		case <-tick.C:
		case err := <-done:
			t.Fatalf("ended with %v", err)
		}
	}
	var r ready
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(r.URL, "https://127.0.0.1:") || r.TenantID == "" || r.ClientID == "" || r.ClientSecret == "" || r.CAFile != ca || r.ControlURL != r.URL+"/_control/" {
		t.Errorf("ready: %+v", r)
	}
	if _, err := os.Stat(ca); err != nil {
		t.Error(err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestRunRefusesWrongFlags(t *testing.T) {
	if err := run(t.Context(), []string{"--no-such-flag"}, &bytes.Buffer{}); err == nil {
		t.Error("it ran")
	}
	if err := run(t.Context(), []string{"--listen", "nowhere:0:0"}, &bytes.Buffer{}); err == nil {
		t.Error("it listened nowhere")
	}
}

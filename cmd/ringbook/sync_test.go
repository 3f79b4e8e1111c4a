package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
	"ringbook/server/admin"
)

func TestWriteRounds(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	err := writeRounds(&out, admin.SyncReport{Rounds: []directory.Round{
		{Feed: "users", Read: 40, Skipped: 3, MoreSkips: 2, Skips: []directory.Skip{{ID: "c", Reason: "It is broken."}, {Reason: "It has no id."}}},
		{Feed: "photos", Read: 7},
	}})
	if err != nil {
		t.Fatal(err)
	}
	const want = `SOURCE  READ  ADDED  CHANGED  REMOVED  SKIPPED
users   40    0      0        0        3
photos  7     0      0        0        0

Left out of users:
  c  It is broken.
  (no id)  It has no id.
  … and 2 more
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestWriteStatusOfATroubledSource(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 0, 0, time.Local)
	var out bytes.Buffer
	err := new(options).writeStatus(&out, admin.Status{Sources: []directory.FeedStatus{{
		Name: "users", State: directory.FeedBlocked, LastError: "Do this.", Failures: 3, FailingSince: at, Attention: true,
	}}}, at.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if want := "Needs attention: 3 rounds in a row have failed since 2026-01-02 03:04."; !strings.Contains(out.String(), want) || !strings.Contains(out.String(), "blocked, no success yet") {
		t.Errorf("%q is not in:\n%s", want, &out)
	}
}

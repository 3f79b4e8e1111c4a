package main

import (
	"strings"
	"testing"

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

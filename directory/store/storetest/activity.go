package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
)

// testActivities keeps what devices have done, also of many and over a restart.
func testActivities(t *testing.T, open Open) {
	b := newBench(t, open)
	at := time.Date(2026, 3, 1, 8, 30, 0, 0, time.UTC)
	var all []directory.Activity
	for i := range 2500 {
		all = append(all, directory.Activity{
			Device: directory.DeviceID(fmt.Sprintf("d%04d", i)), LastSeen: at, Step: directory.StepSync,
			Books: map[directory.BookName]directory.BookActivity{"people": {Synced: at, Revision: directory.Revision(i), Cards: i}},
			Heals: directory.Heals{Count: 2, List: []directory.Heal{{Number: 2, Book: "people", Name: "c%20.vcf", At: at}}},
		})
	}
	if err := b.PutActivities(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	all[7].Refused = 3
	if err := b.PutActivities(t.Context(), all[7:8]); err != nil {
		t.Fatal(err)
	}
	b.reopen()
	got, err := b.Activities(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(got, func(a, b directory.Activity) int { return strings.Compare(string(a.Device), string(b.Device)) })
	if diff := cmp.Diff(all, got); diff != "" {
		t.Errorf("(-want +got):\n%.500s", diff)
	}
}

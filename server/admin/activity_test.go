package admin_test

import (
	"strings"
	"testing"
	"time"

	"ringbook/directory"
	"ringbook/server/admin"
)

// TestAdvise: each way in which a phone can come to have no contacts has a sentence
// of its own, and a phone that is well has none.
func TestAdvise(t *testing.T) {
	now := time.Date(2026, 3, 9, 12, 0, 0, 0, time.UTC)
	read := func(ago time.Duration, cards int) []admin.DeviceBook {
		b := admin.DeviceBook{Contacts: 7}
		if cards >= 0 {
			b.Synced, b.Cards = now.Add(-ago), cards
		}
		return []admin.DeviceBook{b}
	}
	unread := read(0, -1)
	for name, c := range map[string]struct {
		state    directory.DeviceState
		activity directory.Activity
		books    []admin.DeviceBook
		says     string // "" = nothing at all
	}{
		"never seen":        {directory.DeviceActive, directory.Activity{}, unread, "Nobody has logged in"},
		"revoked":           {directory.DeviceRevoked, directory.Activity{}, unread, ""},
		"draining":          {directory.DeviceDraining, directory.Activity{LastSeen: now}, read(time.Hour, 0), ""},
		"draining, not yet": {directory.DeviceDraining, directory.Activity{}, unread, "Nobody has logged in"},
		"empty books":       {directory.DeviceActive, directory.Activity{LastSeen: now}, []admin.DeviceBook{{}}, "book preview"},
		"a desk phone":      {directory.DeviceActive, directory.Activity{LastSeen: now, Searches: 1}, unread, ""},
		"logs in":           {directory.DeviceActive, directory.Activity{LastSeen: now, Step: directory.StepLogin}, unread, "does not ask for its books"},
		"no step":           {directory.DeviceActive, directory.Activity{LastSeen: now}, unread, "does not ask for its books"},
		"found, not read":   {directory.DeviceActive, directory.Activity{LastSeen: now, Step: directory.StepHome}, unread, "Contacts is switched on"},
		"listed":            {directory.DeviceActive, directory.Activity{LastSeen: now, Step: directory.StepSync}, read(time.Hour, 0), "fetched no contact"},
		"silent":            {directory.DeviceActive, directory.Activity{LastSeen: now, Step: directory.StepSync}, read(73*time.Hour, 7), "has not synced for days"},
		"well":              {directory.DeviceActive, directory.Activity{LastSeen: now, Step: directory.StepSync}, read(71*time.Hour, 7), ""},
	} {
		got := admin.Advise(directory.Device{State: c.state}, c.activity, c.books, now)
		if (got == "") != (c.says == "") || !strings.Contains(got, c.says) {
			t.Errorf("%s: %q does not say %q", name, got, c.says)
		}
	}
}

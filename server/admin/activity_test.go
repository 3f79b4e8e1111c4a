package admin_test

import (
	"cmp"
	"net/netip"
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
	refused := func(at time.Time, why directory.RefusalReason) directory.Refusal {
		return directory.Refusal{Count: 1, At: at, From: netip.MustParseAddr("192.0.2.7"), Why: why}
	}
	for name, c := range map[string]struct {
		state    directory.DeviceState
		activity directory.Activity
		books    []admin.DeviceBook
		says     string // "" = nothing at all
		kind     directory.DeviceKind
		refused  directory.Refusal
	}{
		"never seen":        {state: directory.DeviceActive, books: unread, says: "does not reach this server"},
		"another secret":    {state: directory.DeviceActive, books: unread, says: "device rotate", refused: refused(now, directory.RefusedSecret)},
		"again and again":   {state: directory.DeviceActive, books: unread, says: "seconds later", refused: refused(now, directory.RefusedThrottled)},
		"without TLS":       {state: directory.DeviceActive, books: unread, says: "[ldap.legacy]", refused: refused(now, directory.RefusedPlain)},
		"rotated, not told": {state: directory.DeviceActive, activity: directory.Activity{LastSeen: now.Add(-time.Hour), Searches: 1}, books: unread, says: "another secret", refused: refused(now, directory.RefusedSecret)},
		"mistyped once":     {state: directory.DeviceActive, activity: directory.Activity{LastSeen: now, Searches: 1}, books: unread, refused: refused(now.Add(-time.Hour), directory.RefusedSecret)},
		"revoked, and asks": {state: directory.DeviceRevoked, books: unread, refused: refused(now, directory.RefusedRevoked)},
		"asks nothing":      {state: directory.DeviceActive, activity: directory.Activity{LastSeen: now}, books: unread, kind: directory.KindDeskphone, says: "type a name"},
		"revoked":           {state: directory.DeviceRevoked, activity: directory.Activity{}, books: unread},
		"draining":          {state: directory.DeviceDraining, activity: directory.Activity{LastSeen: now}, books: read(time.Hour, 0)},
		"draining, not yet": {state: directory.DeviceDraining, activity: directory.Activity{}, books: unread, says: "Nobody has logged in"},
		"empty books":       {state: directory.DeviceActive, activity: directory.Activity{LastSeen: now}, books: []admin.DeviceBook{{}}, says: "book preview"},
		"a desk phone":      {state: directory.DeviceActive, activity: directory.Activity{LastSeen: now, Searches: 1}, books: unread},
		"logs in":           {state: directory.DeviceActive, activity: directory.Activity{LastSeen: now, Step: directory.StepLogin}, books: unread, says: "does not ask for its books"},
		"no step":           {state: directory.DeviceActive, activity: directory.Activity{LastSeen: now}, books: unread, says: "does not ask for its books"},
		"found, not read":   {state: directory.DeviceActive, activity: directory.Activity{LastSeen: now, Step: directory.StepHome}, books: unread, says: "Contacts is switched on"},
		"listed":            {state: directory.DeviceActive, activity: directory.Activity{LastSeen: now, Step: directory.StepSync}, books: read(time.Hour, 0), says: "fetched no contact"},
		"silent":            {state: directory.DeviceActive, activity: directory.Activity{LastSeen: now, Step: directory.StepSync}, books: read(73*time.Hour, 7), says: "has not synced for days"},
		"well":              {state: directory.DeviceActive, activity: directory.Activity{LastSeen: now, Step: directory.StepSync}, books: read(71*time.Hour, 7)},
	} {
		got := admin.Advise(directory.Device{State: c.state, Kind: cmp.Or(c.kind, directory.KindPhone)}, c.activity, c.refused, c.books, now)
		if (got == "") != (c.says == "") || !strings.Contains(got, c.says) {
			t.Errorf("%s: %q does not say %q", name, got, c.says)
		}
	}
}

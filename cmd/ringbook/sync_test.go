package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"ringbook/directory"
	"ringbook/server/admin"
)

func TestWriteRounds(t *testing.T) {
	users := directory.Round{Feed: "users", Read: 30, Skipped: 12}
	for i := range 12 {
		users.Note(directory.ContactID(fmt.Sprintf("id-%d", i)), "property mail: unexpected JSON type")
	}
	groups := directory.Round{Feed: "groups", Read: 2, Applied: directory.Applied{Changed: 1}}
	groups.Note("", "object without an id")
	var out bytes.Buffer
	if err := writeRounds(&out, admin.SyncReport{Rounds: []directory.Round{users, groups}}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"users   30    0      0        0        12\n", "groups  2     0      1        0        0\n",
		"\nNot read from users:\nid-0  property mail: unexpected JSON type\n", "\n… and 2 more; the log has them all\n",
		"\nNot read from groups:\n(no id)  object without an id\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in:\n%s", want, &out)
		}
	}
	if strings.Contains(out.String(), "id-10") {
		t.Errorf("more than %d are shown:\n%s", shownSkips, &out)
	}
}

func TestWriteStatusOfATroubledSource(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 0, 0, time.Local)
	var out bytes.Buffer
	err := writeStatus(&out, admin.Status{Sources: []directory.FeedStatus{{
		Name: "users", State: directory.FeedBlocked, LastError: "Do this.", Failures: 3, FailingSince: at, Attention: true,
	}}}, at.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if want := "Needs attention: 3 rounds in a row have failed since 2026-01-02 03:04."; !strings.Contains(out.String(), want) || !strings.Contains(out.String(), "blocked, no success yet") {
		t.Errorf("%q is not in:\n%s", want, &out)
	}
}

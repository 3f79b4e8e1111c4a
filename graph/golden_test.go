package graph_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"ringbook/graph"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden plays the rounds of each testdata/delta/*.txtar (users),
// testdata/contacts/*.txtar and testdata/mailbox/*.txtar (a default folder) and compares the mirror with its want.json. A file ROUND/PAGE.json is the value of one page,
// phones.json the configured attributes, order.json the configured order of kinds.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/[cdm]*/*.txtar")
	if err != nil || len(files) < 6 {
		t.Fatalf("%d golden files: %v", len(files), err)
	}
	if *update && os.Getenv("CI") != "" {
		t.Fatal("-update in CI")
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { golden(t, file) })
		})
	}
}

func golden(t *testing.T, file string) {
	t.Helper()
	ar, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	rounds, rest := readRounds(t, ar)
	sink := playRounds(t, filepath.Base(filepath.Dir(file)), rounds, rest)
	var got bytes.Buffer
	for _, c := range sink.all() {
		line, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		got.Write(append(line, '\n'))
	}
	if !*update {
		if diff := cmp.Diff(string(rest["want.json"]), got.String()); diff != "" {
			t.Errorf("contacts (-want +got):\n%s", diff)
		}
		return
	}
	for i, f := range ar.Files {
		if f.Name == "want.json" {
			ar.Files[i].Data = got.Bytes()
		}
	}
	if err := os.WriteFile(file, txtar.Format(ar), 0o644); err != nil {
		t.Fatal(err)
	}
}

// readRounds returns the pages of each round, and the other files.
func readRounds(t *testing.T, ar *txtar.Archive) (rounds [][]string, rest map[string][]byte) {
	t.Helper()
	rest = make(map[string][]byte)
	last := ""
	for _, f := range ar.Files {
		round, _, isPage := strings.Cut(f.Name, "/")
		switch {
		case !isPage:
			rest[f.Name] = f.Data
			continue
		case round != last:
			rounds, last = append(rounds, nil), round
		}
		rounds[len(rounds)-1] = append(rounds[len(rounds)-1], string(f.Data))
	}
	if _, ok := rest["want.json"]; !ok || len(rounds) == 0 {
		t.Fatal("a golden file needs a page and want.json")
	}
	return rounds, rest
}

// answerMailbox plays the group "Outlook" and its one member, who has no further folders.
func answerMailbox(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/v1.0/groups":
		write(w, http.StatusOK, `{"value":[{"id":"11111111-1111-4111-8111-111111111111"}]}`)
	case strings.HasSuffix(r.URL.Path, "/transitiveMembers"):
		write(w, http.StatusOK, `{"value":[{"@odata.type":"#microsoft.graph.user","id":"box"}]}`)
	case r.URL.Path == "/v1.0/users/box":
		write(w, http.StatusOK, `{"userPrincipalName":"box@contoso.example"}`)
	case strings.HasSuffix(r.URL.Path, "/contactFolders"):
		write(w, http.StatusOK, `{"value":[]}`)
	default:
		delta(w, "none", "")
	}
}

func playRounds(t *testing.T, kind string, rounds [][]string, settings map[string][]byte) *memory {
	t.Helper()
	round, page := -1, 0
	feed, path := graph.FeedUsers, "/v1.0/users/delta"
	switch kind {
	case "contacts":
		feed, path = graph.FeedOrgContacts, "/v1.0/contacts/delta"
	case "mailbox":
		feed, path = graph.FeedMailboxes, "/v1.0/users/box/contacts/delta"
	}
	tenant, stop := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != path {
			answerMailbox(w, r)
			return
		}
		link := "deltaLink"
		if !r.URL.Query().Has("$skiptoken") {
			round, page = round+1, 0
		}
		if page+1 < len(rounds[round]) {
			link = "nextLink"
		}
		write(w, 200, `{"value":[%s],"@odata.%s":"%s%s?$%s=%d.%d"}`, rounds[round][page], link, base, path,
			map[string]string{"deltaLink": "deltatoken", "nextLink": "skiptoken"}[link], round, page)
		page++
	})
	defer stop()
	sink := newMemory()
	m := mirror(t, tenant, sink, func(o *graph.Options) {
		o.E164, o.OrgContacts = german, kind == "contacts"
		if kind == "mailbox" {
			o.Mailboxes = "outlook"
		}
		for name, to := range map[string]any{"phones.json": &o.Phones, "order.json": &o.Order} {
			if text, ok := settings[name]; ok {
				if err := json.Unmarshal(text, to); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
	for i := range rounds {
		if r := syncFeed(t, m, feed); r.Error != "" {
			t.Fatalf("round %d: %s", i+1, r.Error)
		}
	}
	return sink
}

// german reads numbers well enough for tests.
func german(s string) string {
	var d strings.Builder
	for _, r := range strings.ReplaceAll(s, "(0)", "") {
		if '0' <= r && r <= '9' {
			fmt.Fprintf(&d, "%c", r)
		}
	}
	n := d.String()
	switch {
	case len(n) < 6 || len(n) > 15:
		return ""
	case strings.HasPrefix(strings.TrimSpace(s), "+"):
		return "+" + n
	case strings.HasPrefix(n, "0"):
		return "+49" + n[1:]
	}
	return ""
}

package e2e_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// tsdavFolder holds the program that uses tsdav, the CardDAV client of apps written
// in JavaScript. e2e/clients.sh installs what it needs beside it.
const tsdavFolder = "testdata/tsdav"

type tsdavObject struct {
	URL  string `json:"url"`
	ETag string `json:"etag"`
	Data string `json:"data"`
}

type tsdavBook struct {
	URL         string        `json:"url"`
	CTag        string        `json:"ctag"`
	DisplayName string        `json:"displayName"`
	SyncToken   string        `json:"syncToken"`
	Reports     []string      `json:"reports"`
	Objects     []tsdavObject `json:"objects"`
}

// tsdavState is what an app has after a round.
type tsdavState struct {
	Books   []tsdavBook `json:"books"`
	Changes map[string]struct {
		Created, Updated, Deleted []tsdavObject
	} `json:"changes"`
	Refused []int `json:"refused"`
}

// tsdav does a round, on from what an earlier one has found.
func tsdav(t *testing.T, r *ringbook, d device, books []tsdavBook) (s tsdavState) {
	t.Helper()
	runTsdav(t, "client.mjs", map[string]any{"url": r.url, "login": d.Login, "secret": d.Secret, "books": books}, &s)
	if len(s.Books) != 1 {
		t.Fatalf("tsdav has %d books", len(s.Books))
	}
	if len(s.Books[0].Objects) > 0 && !slices.Equal(s.Refused, []int{403, 403, 403}) {
		t.Errorf("writes are answered with %v", s.Refused)
	}
	return s
}

// runTsdav runs one of the programs beside tsdav: JSON in, JSON out.
func runTsdav(t *testing.T, program string, in, out any) {
	t.Helper()
	need(t, "node")
	if _, err := os.Stat(filepath.Join(tsdavFolder, "node_modules", "tsdav")); err != nil {
		leaveOut(t, "tsdav")
	}
	given, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", program)
	cmd.Dir, cmd.Stdin = tsdavFolder, strings.NewReader(string(given))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	answer, err := cmd.Output()
	if err != nil {
		t.Fatalf("tsdav: %v\n%s", err, tail(stderr.String(), 4000))
	}
	if err := json.Unmarshal(answer, out); err != nil {
		t.Fatalf("tsdav: %v\n%s", err, tail(string(answer), 4000))
	}
}

// TestTsdav: first sync, a change, a new contact, a removal, and the writes that it
// tries in every round put right in the next.
func TestTsdav(t *testing.T) {
	t.Parallel()
	s := startTenant(t, 120)
	anna := s.add(person("Anna", "Sonderbar", map[string]any{"mobilePhone": "+49 171 3920001"}))
	leaver := s.add(person("Leo", "Leaver", nil))
	r := startRingbook(t, s)
	r.do("sync") // the photos are there too
	d := r.addDevice()
	href := func(id string) string { return r.url + d.book() + id + ".vcf" }

	first := tsdav(t, r, d, nil)
	book := first.Books[0]
	if book.URL != r.url+d.book() || book.DisplayName == "" || book.SyncToken == "" || !slices.Contains(book.Reports, "syncCollection") {
		t.Errorf("the book %+v", book)
	}
	if want := len(s.inBook()); len(book.Objects) != want {
		t.Errorf("%d cards, %d people in the book", len(book.Objects), want)
	}
	touched := book.Objects[0].URL // what it has tried to change and to delete
	if card := book.card(href(anna)); !strings.Contains(card.Data, "+491713920001") {
		t.Errorf("Anna's card: %+v", card)
	}

	s.patch(anna, map[string]any{"mobilePhone": "+49 171 3920002"})
	s.remove(leaver)
	joiner := s.add(person("Joy", "Joiner", nil))
	r.do("sync")
	second := tsdav(t, r, d, first.Books)
	book = second.Books[0]
	changes := second.Changes[book.URL]
	if got := urls(changes.Created); !slices.Equal(got, []string{href(joiner)}) {
		t.Errorf("created %v", got)
	}
	if got := urls(changes.Updated); !slices.Contains(got, href(anna)) || !slices.Contains(got, touched) {
		t.Errorf("updated %v, not Anna and %s", got, touched)
	}
	if got := urls(changes.Deleted); !slices.Contains(got, href(leaver)) || !slices.Contains(got, href("made-up")) || len(got) != 2 {
		t.Errorf("deleted %v", got)
	}
	if card := book.card(href(anna)); !strings.Contains(card.Data, "+491713920002") || strings.Contains(card.Data, "+491713920001") {
		t.Errorf("Anna's card after the change: %+v", card)
	}
	if want := len(s.inBook()); len(book.Objects) != want {
		t.Errorf("%d cards after the changes, %d people in the book", len(book.Objects), want)
	}

	third := tsdav(t, r, d, second.Books) // only what it wrote itself
	changes = third.Changes[book.URL]
	if len(changes.Created) != 0 || !slices.Equal(urls(changes.Updated), []string{second.Books[0].Objects[0].URL}) || !slices.Equal(urls(changes.Deleted), []string{href("made-up")}) {
		t.Errorf("nothing is new, and tsdav hears of %+v", changes)
	}

	r.do("device", "revoke", d.ID, "--drain")
	if last := tsdav(t, r, d, third.Books).Books[0]; len(last.Objects) != 0 {
		t.Errorf("a draining app has %d cards", len(last.Objects))
	}
}

func (b tsdavBook) card(url string) tsdavObject {
	i := slices.IndexFunc(b.Objects, func(o tsdavObject) bool { return o.URL == url })
	if i < 0 {
		return tsdavObject{}
	}
	return b.Objects[i]
}

func urls(objects []tsdavObject) (out []string) {
	for _, o := range objects {
		out = append(out, o.URL)
	}
	return out
}

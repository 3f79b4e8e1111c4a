package e2e_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	kills = 20
	// firstKills of them hit the first sync, again and again; the others a delta.
	firstKills = 7
	// crashPeople on pages of crashPage, each held up for crashDelayMS, make a round
	// long enough to be hit in the middle.
	crashPeople, crashPage, crashDelayMS = 400, 20, 15
	crashNews                            = 60 // people who change in a delta
)

// A checkpoint is a phone at one moment: its token, and what it held.
type checkpoint struct {
	token string
	etags map[string]string // by href
}

// snapshot is a first sync, or the rest since a checkpoint. The error is of a
// server that is not there or not ready.
func (c *dav) snapshot(book string, since checkpoint) (checkpoint, error) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), "REPORT", c.url+book, strings.NewReader(syncCollection(since.token, "<d:getetag/>")))
	if err != nil {
		c.t.Fatal(err)
	}
	req.SetBasicAuth(c.login, c.secret)
	req.Header.Set("Content-Type", "text/xml")
	res, err := c.client.Do(req)
	if err != nil {
		return checkpoint{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return checkpoint{}, err
	}
	if res.StatusCode != http.StatusMultiStatus {
		return checkpoint{}, fmt.Errorf("status %d: %s", res.StatusCode, tail(string(body), 500))
	}
	m := parseMultistatus(c.t, string(body))
	now := checkpoint{token: m.Token, etags: maps.Clone(since.etags)}
	if now.etags == nil {
		now.etags = map[string]string{}
	}
	named := map[string]bool{}
	for _, e := range m.Responses {
		if named[e.Href] {
			c.t.Errorf("%s comes twice in one answer", e.Href)
		}
		named[e.Href] = true
		if e.gone() {
			delete(now.etags, e.Href)
		} else {
			now.etags[e.Href] = e.found().ETag
		}
	}
	return now, nil
}

// asked is how many requests of a kind the stand-in has had.
func (s *tenant) asked(kind string) int {
	s.t.Helper()
	var counts map[string]int
	if err := json.Unmarshal(s.control("GET", "requests", nil), &counts); err != nil {
		s.t.Fatal(err)
	}
	return counts[kind]
}

// A crash is a tenant, a server that is killed, and a phone that looks on.
type crash struct {
	t       *testing.T
	s       *tenant
	r       *ringbook
	c       *dav
	book    string
	random  *rand.Rand
	removed []string
	kept    []checkpoint // of every moment so far
}

// TestKill ends the server with SIGKILL in the middle of syncs. Afterwards nothing
// is lost, doubled or half-applied, and every token ever given still works.
func TestKill(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	s := startTenant(t, crashPeople, "--photos", "0.05", "--page-size", fmt.Sprint(crashPage))
	x := &crash{t: t, s: s, r: newRingbook(t, s), random: rand.New(rand.NewPCG(seed, 0))}
	for i := range firstKills {
		s.expireTokens() // a kill that comes late on a busy machine must not be the end of first syncs
		x.kill(crashPeople/crashPage, i)
	}
	x.r.serve()
	x.r.waitReady()
	x.r.do("sync")
	d := x.r.addDevice()
	x.c, x.book = x.r.dav(t, d), d.book()
	x.verify(firstKills)
	for i := firstKills; i < kills; i++ {
		x.r.end(syscall.SIGTERM)
		x.news(i)
		x.kill(crashNews/crashPage, i)
		x.restart()
		x.verify(i)
	}
	t.Logf("%d tokens were replayed after the last kill", len(x.kept))
}

// kill starts the server and ends it while it reads its news, after a random
// number of pages and a little more.
func (x *crash) kill(pages, i int) {
	x.t.Helper()
	x.s.fail(fault{"path": deltaPath, "times": every, "delay_ms": crashDelayMS})
	before := x.s.asked("users/delta")
	x.r.serve()
	after := 1 + x.random.IntN(pages)
	for end := time.After(patience); x.s.asked("users/delta")-before < after; {
		select { // without a pause: the window is narrow
		case <-x.r.done:
			x.t.Fatalf("kill %d: it ended by itself: %v", i, x.r.err)
		case <-end:
			x.t.Fatalf("kill %d: page %d was never asked for", i, after)
		default:
		}
	}
	if x.c != nil && x.random.IntN(2) == 0 { // a phone that syncs at just this moment
		if p, err := x.c.snapshot(x.book, checkpoint{}); err == nil {
			x.kept = append(x.kept, p)
		}
	}
	<-time.After(time.Duration(x.random.IntN(crashDelayMS*1000)) * time.Microsecond)
	x.r.end(syscall.SIGKILL)
	x.t.Logf("kill %d: %d pages of %d asked for", i, x.s.asked("users/delta")-before, pages)
	x.s.mend()
}

// restart starts it again and looks at what is served before the news is in.
func (x *crash) restart() {
	x.t.Helper()
	held := x.kept[len(x.kept)-1].etags
	x.r.serve()
	var now checkpoint
	eventually(x.t, "the book is served again", func() (err error) {
		now, err = x.c.snapshot(x.book, checkpoint{})
		return err
	})
	x.kept = append(x.kept, now)
	for _, id := range x.s.inBook() {
		href := x.book + id + ".vcf"
		if _, was := held[href]; was && now.etags[href] == "" {
			x.t.Errorf("%s was there before and is to stay, and is gone", href)
		}
	}
	x.r.waitReady()
	x.r.do("sync")
}

// news changes, removes, restores and adds people.
func (x *crash) news(round int) {
	x.t.Helper()
	in := x.s.inBook()
	x.random.Shuffle(len(in), func(i, j int) { in[i], in[j] = in[j], in[i] })
	for i, id := range in[:crashNews] {
		x.s.patch(id, map[string]any{"jobTitle": fmt.Sprintf("Amt %d-%d", round, i), "mobilePhone": fmt.Sprintf("+49 171 39%03d%02d", round, i)})
	}
	for _, id := range x.removed {
		x.s.restore(id)
	}
	x.removed = in[len(in)-3:]
	for _, id := range x.removed {
		x.s.remove(id)
	}
	for i := range 3 {
		x.s.add(person(fmt.Sprintf("Neu%d", i), fmt.Sprintf("Runde%d", round), map[string]any{"userPrincipalName": fmt.Sprintf("neu%d.%d@contoso.example", round, i)}))
	}
	x.s.patch(in[crashNews], map[string]any{"accountEnabled": false})
}

// verify compares what is served with the tenant, and every token with the book.
func (x *crash) verify(i int) {
	x.t.Helper()
	now, err := x.c.snapshot(x.book, checkpoint{})
	if err != nil {
		x.t.Fatalf("kill %d: %v", i, err)
	}
	mustListInBook(x.t, x.s, now.etags, x.book)
	if d := cmp.Diff(x.c.etags(x.book), now.etags); d != "" {
		x.t.Errorf("kill %d: listing and sync differ %s", i, d)
	}
	all := x.s.users()
	if n := doJSON[status](x.r, "status").Contacts; n != len(all) {
		x.t.Errorf("kill %d: %d contacts are stored, %d people are in the tenant", i, n, len(all))
	}
	x.titles(all)
	for k, p := range x.kept {
		got, err := x.c.snapshot(x.book, p)
		if err != nil {
			x.t.Errorf("kill %d: token %d: %v", i, k, err)
			continue
		}
		if d := cmp.Diff(now.etags, got.etags); d != "" {
			x.t.Errorf("kill %d: from token %d on (-served +held) %s", i, k, tail(d, 1000))
		}
	}
	x.kept = append(x.kept, now)
}

// titles looks into the cards: each has the title and the numbers of its person.
func (x *crash) titles(all []map[string]any) {
	x.t.Helper()
	cards := map[string]string{}
	m := x.c.multistatus("REPORT", x.book, syncCollection("", "<card:address-data/>"))
	for _, e := range m.Responses {
		if p := e.found(); p.Card != nil {
			cards[e.Href] = strings.ReplaceAll(*p.Card, "\r\n ", "")
		}
	}
	for _, u := range all {
		card, there := cards[x.book+text(u["id"])+".vcf"]
		title := text(u["jobTitle"])
		if !there || !strings.HasPrefix(title, "Amt ") { // only those that the test wrote
			continue
		}
		number := "+" + strings.Map(onlyDigits, text(u["mobilePhone"]))
		if !strings.Contains(card, "TITLE:"+title) || !strings.Contains(card, number) {
			x.t.Errorf("%v is %q with %s, and has the card %s", u["id"], title, number, card)
		}
	}
}

func onlyDigits(r rune) rune {
	if r < '0' || r > '9' {
		return -1
	}
	return r
}

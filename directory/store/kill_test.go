package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"ringbook/directory"
	"ringbook/directory/index"
	"ringbook/directory/number"
	"ringbook/directory/store"
	"ringbook/directory/store/storetest"
)

// childDir makes the test binary a process that only applies batches to the
// store in this folder until it is killed.
const childDir = "RINGBOOK_STORE_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := applyForEver(dir, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

const (
	killRounds = 5
	firstSync  = 12 // pages of the first round
	pageSize   = 400
	deltaPages = 3 // pages of each round after it
)

// endsRound reports whether page n, counted from 1, carries a cursor.
func endsRound(n int) bool {
	return n == firstSync || n > firstSync && (n-firstSync)%deltaPages == 0
}

// page returns page n of a history that is the same in every process. The
// first pages bring people, the others change, remove and restore some.
func page(n int) directory.Batch {
	b := directory.Batch{Feed: storetest.Feed, Source: directory.SourceUser}
	switch {
	case n <= firstSync:
		for i := range pageSize {
			b.Changes = append(b.Changes, storetest.Puts(storetest.Person((n-1)*pageSize+i))...)
		}
	default:
		r := rand.New(rand.NewPCG(uint64(n), 1))
		for range 60 {
			c := storetest.Person(r.IntN(firstSync * pageSize))
			c.JobTitle = fmt.Sprint("Page ", n)
			if r.IntN(3) == 0 {
				b.Changes = append(b.Changes, directory.Change{ID: c.ID, Removed: true})
			} else {
				b.Changes = append(b.Changes, storetest.Puts(c)...)
			}
		}
	}
	if endsRound(n) {
		b.Next = &directory.Cursor{Link: strconv.Itoa(n)}
	}
	return b
}

// applyForEver goes on after the stored cursor, and says of each page that it is applied.
func applyForEver(dir string, out io.Writer) error {
	ctx := context.Background()
	s, err := store.Open(ctx, dir, killOptions(nil))
	if err != nil {
		return err
	}
	c, err := s.Cursor(ctx, storetest.Feed)
	if err != nil {
		return err
	}
	n, _ := strconv.Atoi(c.Link)
	for {
		n++
		if _, err := s.Apply(ctx, page(n)); err != nil {
			return err
		}
		fmt.Fprintln(out, n)
	}
}

// runUntilKilled starts the child and kills it a while after its first page.
// It returns the last page that the child said was applied.
func runUntilKilled(t *testing.T, dir string, pages int, wait time.Duration) (last int) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if last, err = strconv.Atoi(lines.Text()); err != nil {
			t.Fatal(err)
		}
		if seen++; seen == pages {
			time.AfterFunc(wait, func() { _ = cmd.Process.Kill() }) // SIGKILL
		}
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.Exited() {
		t.Fatalf("the child was to be killed: %v\n%s", err, complaints.String())
	}
	return last
}

// A twin is what the killed store should hold.
type twin map[directory.ContactID]*directory.Contact

func (w twin) apply(b directory.Batch) {
	for _, ch := range b.Changes {
		if delete(w, ch.ID); !ch.Removed {
			c := &directory.Contact{ID: ch.ID, Source: b.Source}
			ch.Update(c)
			w[ch.ID] = c
		}
	}
}

// equal reports whether the view holds what the twin does and nothing else.
func (w twin) equal(v *index.View) bool {
	for id, c := range w {
		if e := v.Entry(id); e == nil || !e.Contact().Equal(c) {
			return false
		}
	}
	return v.Len() == len(w)
}

// TestKill kills a process in the first round and in later ones. Whatever it
// said was applied must be there, at most one page more, nothing half, and
// clients of every earlier start must be able to follow.
func TestKill(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	var snaps []storetest.Snapshot
	want, cursor, revision := make(twin), 0, directory.Revision(0)
	for round := range killRounds {
		pages := 1 + r.IntN(firstSync-1) // in the first round
		if round > 0 {
			pages = 1 + r.IntN(3*firstSync)
		}
		last := runUntilKilled(t, dir, pages, time.Duration(r.IntN(int(20*time.Millisecond))))
		for n := cursor + 1; n <= last; n++ {
			want.apply(page(n))
		}

		s := openStore(t, dir, killOptions(t))
		v := s.View()
		if !want.equal(v) {
			last++ // applied, and killed before it could say so
			want.apply(page(last))
		}
		if !want.equal(v) {
			t.Fatalf("%d contacts are those of neither page %d nor page %d", v.Len(), last-1, last)
		}
		for n := cursor + 1; n <= last; n++ {
			if endsRound(n) {
				cursor = n
			}
		}
		c, err := s.Cursor(t.Context(), storetest.Feed)
		if got, _ := strconv.Atoi(c.Link); err != nil || got != cursor || v.Loaded() != (cursor > 0) {
			t.Fatalf("cursor %q, want %d; loaded %v, %v", c.Link, cursor, v.Loaded(), err)
		}
		if v.Revision() < revision {
			t.Errorf("revision %d after %d", v.Revision(), revision)
		}
		t.Logf("killed after page %d; cursor %d, revision %d, %d contacts", last, cursor, v.Revision(), v.Len())
		for _, snap := range snaps {
			storetest.CatchUp(t, v, snap)
		}
		snaps, revision = append(snaps, storetest.Snap(v)), v.Revision()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// killOptions are the suite's; tb is nil in the child.
func killOptions(tb testing.TB) store.Options { //nolint:thelper // a nil tb has no Helper
	if tb != nil {
		return storetest.Options(tb)
	}
	plan, _ := number.NewPlan("DE")
	return store.Options{Plan: plan, Renderer: storetest.Renderer("1"), Books: storetest.Books()}
}

package e2e_test

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	goldap "github.com/go-ldap/ldap/v3"
)

// manyPeople is a large company, or as large as RINGBOOK_E2E_PEOPLE says; figures
// are logged and judged by nobody here, since this machine may be busy.
var manyPeople = cmp.Or(peopleOf(os.Getenv("RINGBOOK_E2E_PEOPLE")), 10_000)

func peopleOf(s string) int {
	n, _ := strconv.Atoi(s) // 0 = as usual
	return n
}

// stopwatch asks again and again until it works, and returns how long that took.
func stopwatch(t *testing.T, what string, try func() error) time.Duration {
	t.Helper()
	began := time.Now()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		took := time.Since(began)
		if err == nil {
			return took
		}
		if took > patience {
			t.Fatalf("%s: still not after %v: %v", what, took, err)
		}
		<-tick.C
	}
}

// TestScale: the whole way with 10,000 people.
func TestScale(t *testing.T) {
	s := startTenant(t, manyPeople, "--photos", "0")
	r := newRingbook(t, s)
	began := time.Now()
	r.serve()
	r.waitReady()
	t.Logf("first mirror of %d people: %v from the start of the process, to within %v", manyPeople, time.Since(began).Round(time.Millisecond), glance)
	d := r.addDevice()
	c := r.dav(t, d)
	mustListInBook(t, s, c.etags(d.book()), d.book())
	r.do("sync")

	old, err := c.snapshot(d.book(), checkpoint{})
	if err != nil {
		t.Fatal(err)
	}
	findsOne := func(number string) error {
		conn, err := goldap.DialURL("ldaps://"+r.ldaps, goldap.DialWithTLSConfig(trusting(t, r.ca)))
		if err != nil {
			return err
		}
		defer conn.Close()
		if err := conn.Bind(d.Login, d.Secret); err != nil {
			return err
		}
		if got, err := ldapPeople(conn, "(mobile="+number+")"); err != nil || len(got) != 1 {
			return fmt.Errorf("%s is of %q: %w", number, got, err)
		}
		return nil
	}
	r.end(syscall.SIGTERM)
	if r.err != nil {
		t.Errorf("it ended with %v", r.err)
	}
	r.serve()
	ready := stopwatch(t, "the book answers", func() error {
		_, err := c.snapshot(d.book(), old)
		return err
	})
	t.Logf("restart to the first answer: %v", ready.Round(time.Millisecond))
	if err := findsOne("+491713920042"); err != nil {
		t.Error(err)
	}

	for i, href := range slices.Sorted(maps.Keys(old.etags))[:10] {
		id := strings.TrimSuffix(strings.TrimPrefix(href, d.book()), ".vcf")
		s.patch(id, map[string]any{"mobilePhone": fmt.Sprintf("+49 150 09999%03d", i)})
	}
	began = time.Now()
	r.do("sync")
	synced := time.Since(began)
	now, err := c.snapshot(d.book(), old)
	if err != nil {
		t.Fatal(err)
	}
	changed := 0
	for href, etag := range now.etags {
		if old.etags[href] != etag {
			changed++
		}
	}
	if changed != 10 {
		t.Errorf("a phone sees %d changes, 10 were made", changed)
	}
	if err := findsOne("+4915009999000"); err != nil {
		t.Error(err)
	}
	t.Logf("ten changes: ringbook sync took %v, both protocols have shown them after %v", synced.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
	t.Logf("at most %d MB in memory", peakMemory(t, r)>>20)
}

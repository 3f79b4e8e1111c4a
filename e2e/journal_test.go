package e2e_test

import (
	"strings"
	"testing"
)

// TestJournal: what an administrator reads who hears that there are no contacts on
// a phone, and a change on the phone that heals itself.
func TestJournal(t *testing.T) {
	t.Parallel()
	s := startTenant(t, 20)
	anna := s.add(person("Anna", "Ader", nil))
	r := startRingbook(t, s)
	d := r.addDevice()
	shows := func(what string, want ...string) {
		t.Helper()
		out := r.do("device", "show", d.ID)
		for _, w := range want {
			if !strings.Contains(out, w) {
				t.Errorf("%s: device show does not say %q:\n%s", what, w, out)
			}
		}
	}
	shows("at first", "never", "the account is not set up on the phone")
	c := r.dav(t, d)
	c.do("PROPFIND", "/dav/p/"+d.Login+"/", propfind("<d:displayname/>"), "Depth: 0")
	shows("after looking around", "finding out who it is", "It has found its books and has not read one")
	old, err := c.snapshot(d.book(), checkpoint{})
	if err != nil {
		t.Fatal(err)
	}
	c.do("GET", d.book()+anna+".vcf", "")
	shows("after a sync", "reading a book", "up to date", "1 cards fetched")
	if _, err := ldapPeople(r.logIn(t, d), onlyGross); err != nil {
		t.Error(err)
	}
	shows("after a search", "Searches", "1, the last just now")
	if out := r.do("device", "list"); !strings.Contains(out, "just now") {
		t.Errorf("device list: %s", out)
	}

	card := d.book() + anna + ".vcf"
	if reply := c.do("PUT", card, "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Changed on the phone\r\nEND:VCARD\r\n"); reply.status != 403 {
		t.Errorf("a write is answered with %d", reply.status)
	}
	s.patch(anna, map[string]any{"jobTitle": "Boss"})
	r.do("sync")
	shows("after a refused write", "1 changes behind", "1 writes")
	r.restart()
	c = r.dav(t, d)
	now, err := c.snapshot(d.book(), old)
	if err != nil || now.etags[card] == old.etags[card] || now.token == old.token {
		t.Errorf("the phone does not hear the truth: %v, ETag %s was %s", err, now.etags[card], old.etags[card])
	}
	again, err := c.snapshot(d.book(), now)
	if err != nil || again.token != now.token {
		t.Errorf("healed, and the token moves on: %v", err)
	}
	shows("healed, after a restart", "1 writes", "up to date")

	r.do("device", "heal", d.ID)
	whole, err := c.snapshot(d.book(), again)
	if err != nil || whole.token == again.token || len(whole.etags) != len(again.etags) {
		t.Errorf("a healed phone has %d of %d contacts: %v", len(whole.etags), len(again.etags), err)
	}
	for href, etag := range whole.etags {
		if etag == again.etags[href] {
			t.Errorf("%s is not read again", href)
		}
	}

	r.do("device", "revoke", d.ID, "--drain")
	empty, err := c.snapshot(d.book(), whole)
	if err != nil || len(empty.etags) != 0 {
		t.Errorf("a draining phone has %d contacts: %v", len(empty.etags), err)
	}
	shows("drained", "told that it is empty on")
	if _, err := c.snapshot(d.book(), empty); err != nil {
		t.Error(err)
	}
	shows("drained, and back", "emptied on", "the phone has come back and knows")
}

package e2e_test

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
)

// privateBook is the path of the book of a mailbox on a device, as
// [directory.MailboxBook] names it.
func (d device) privateBook(owner string) string {
	sum := sha256.Sum256([]byte(owner))
	return "/dav/ab/" + d.Login + "/m-" + hex.EncodeToString(sum[:11]) + "/"
}

// TestMailboxes: the Outlook contacts of a member of the group are on the member's
// devices, over both protocols, and on nobody else's.
func TestMailboxes(t *testing.T) {
	s := startTenant(t, 20, "--roles", "User.Read.All,GroupMember.Read.All")
	anna := s.add(person("Anna", "Ader", nil))
	bodo := s.add(person("Bodo", "Bach", nil))
	s.addGroup("Outlook", anna)
	for _, id := range []string{anna, bodo} {
		s.control("POST", "mailboxes/"+id, nil)
	}
	s.control("PUT", "scope", []string{anna})
	s.control("POST", "mailboxes/"+anna+"/contacts", map[string]any{
		"displayName": "Dr. Zahnweh", "businessPhones": []string{"030 7654321"}, "emailAddresses": []map[string]string{{"address": "praxis@zahn.example"}},
	})
	r := startRingbook(t, s, "mailboxes_group = \"outlook\"\nmailbox_title = \"{name}: Outlook\"")
	t.Setenv("LDAPTLS_CACERT", r.ca)
	annas, bodos := r.addDevice("--owner", "anna@contoso.example"), r.addDevice("--owner", "bodo@contoso.example")
	nobodys := r.addDevice()
	r.do("sync")

	own := r.dav(t, annas)
	if got := own.etags(annas.privateBook(anna)); len(got) != 1 {
		t.Errorf("Anna's phone has %v", got)
	}
	home := own.multistatus("PROPFIND", "/dav/ab/"+annas.Login+"/", propfind("<d:displayname/>"), "Depth: 1")
	if !slices.ContainsFunc(home.Responses, func(e davResponse) bool { return e.Href == annas.privateBook(anna) }) {
		t.Errorf("Anna's home is %+v", home)
	}
	if body := own.do("PROPFIND", annas.privateBook(anna), propfind("<d:displayname/>"), "Depth: 0").body; !strings.Contains(body, "Anna Ader: Outlook") {
		t.Errorf("the book is called %s", body)
	}
	for _, d := range []device{bodos, nobodys} {
		c := r.dav(t, d)
		for _, owner := range []string{anna, bodo} {
			if reply := c.do("PROPFIND", d.privateBook(owner), propfind("<d:getetag/>"), "Depth: 1"); reply.status != 404 {
				t.Errorf("a private book of somebody else answers %d", reply.status)
			}
		}
		if reply := c.do("PROPFIND", annas.privateBook(anna), propfind("<d:getetag/>"), "Depth: 1"); reply.status != 404 {
			t.Errorf("Anna's path answers %d to another login", reply.status)
		}
	}
	for _, d := range []struct {
		device
		want int
	}{{annas, 1}, {bodos, 0}, {nobodys, 0}} {
		found := people(desk{t: t, uri: "ldaps://" + r.ldaps, device: d.device}.search("(telephoneNumber=+49307654321)"))
		if len(found) != d.want {
			t.Errorf("the number finds %v", found)
		}
	}
	if out := r.do("contact", "find", "zahnweh"); !strings.Contains(out, "Nobody is found") {
		t.Errorf("an administrator finds what is private: %s", out)
	}
	for _, args := range [][]string{{"contact", "show", "praxis@zahn.example"}, {"contact", "export", "--format", "csv", "--source", "mailbox"}} {
		if code, out := r.try(args...); code != 1 || strings.Contains(out, "Zahnweh") {
			t.Errorf("%v: %d %s", args, code, out)
		}
	}
	if out := r.do("contact", "export", "--format", "csv"); strings.Contains(out, "Zahnweh") || !strings.Contains(out, "Anna Ader") {
		t.Errorf("the export has what is private: %s", out)
	}
	if out := r.do("status"); !strings.Contains(out, "1 with 1 contacts, each seen by its owner's devices") {
		t.Errorf("status: %s", out)
	}
	if code, out := r.try("check"); code == 2 || !strings.Contains(out, "✓ mailboxes") {
		t.Errorf("check: %d %s", code, out)
	}

	// It follows, also over a restart, and the phone with it.
	old, err := own.snapshot(annas.privateBook(anna), checkpoint{})
	if err != nil {
		t.Fatal(err)
	}
	s.control("POST", "mailboxes/"+anna+"/contacts", map[string]any{"displayName": "Taxi", "mobilePhone": "0171 1"})
	r.do("sync")
	r.restart()
	now, err := own.snapshot(annas.privateBook(anna), old)
	if err != nil || len(now.etags) != 2 {
		t.Errorf("Anna's phone follows to %v, %v", now.etags, err)
	}
	s.patch(anna, map[string]any{"accountEnabled": false})
	r.do("sync")
	if got := r.dav(t, annas).etags(annas.privateBook(anna)); len(got) != 0 {
		t.Errorf("a leaver's phone has %v", got)
	}
}

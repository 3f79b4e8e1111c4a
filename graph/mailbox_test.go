package graph_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
	"ringbook/graph"
	"ringbook/graph/graphtest"
)

// An office is a company some of whose people have their Outlook contacts mirrored.
type office struct {
	company
	t     *testing.T
	m     *graph.Mirror
	sink  *memory
	group string
}

// newOffice mirrors the mailboxes of some people, who are the group "Outlook".
func newOffice(t *testing.T, change func(*graph.Options), people ...int) (*office, func()) {
	t.Helper()
	o := &office{company: newCompany(graphtest.Options{People: 20, Roles: groupRoles}), t: t, sink: newMemory()}
	var members []string
	for _, n := range people {
		members = append(members, o.people[n])
		o.AddMailbox(o.people[n])
	}
	o.group = o.AddGroup("Outlook", members...)
	reach, stop := serve(t, o.ServeHTTP)
	reach.Credential = signIn{reach.HTTP, o.Tenant}
	o.m = mirror(t, reach, o.sink, func(opt *graph.Options) {
		opt.Mailboxes, opt.ShrinkGuard, opt.E164 = "outlook", 0.2, german
		if change != nil {
			change(opt)
		}
	})
	return o, stop
}

// add puts a contact into a folder of somebody's, "" = the default one.
func (o *office) add(n int, folder string, properties map[string]any) (id string) {
	o.t.Helper()
	id, err := o.Folder(o.people[n], folder).Add(properties)
	if err != nil {
		o.t.Fatal(err)
	}
	return id
}

// folder makes a folder in another of somebody's, "" = beside the default one.
func (o *office) folder(n int, name, parent string) (id string) {
	o.t.Helper()
	id, err := o.AddFolder(o.people[n], name, parent)
	if err != nil {
		o.t.Fatal(err)
	}
	return id
}

// sync runs a round, as a person asks for it.
func (o *office) sync() directory.Round {
	o.t.Helper()
	return syncFeed(o.t, o.m, graph.FeedMailboxes)
}

// has lists the contacts of a mailbox by name, each with its folder.
func (o *office) has(n int) []string {
	list := []string{}
	for _, c := range o.sink.all() {
		if c.Source == directory.SourceMailbox && string(c.Mailbox) == o.people[n] {
			list = append(list, strings.Join(c.Extras.Append(nil, "folder"), ",")+"/"+c.DisplayName)
		}
	}
	slices.Sort(list)
	return list
}

func (o *office) expect(n int, want ...string) {
	o.t.Helper()
	if diff := cmp.Diff(append([]string{}, want...), o.has(n)); diff != "" {
		o.t.Errorf("mailbox %d (-want +got):\n%s", n, diff)
	}
}

func named(name string) map[string]any { return map[string]any{"displayName": name} }

// TestMailboxes: every folder of every member is mirrored, and followed.
func TestMailboxes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, stop := newOffice(t, nil, 1, 2)
		defer stop()
		rita := o.add(1, "", named("Rita"))
		doctors := o.folder(1, "Doctors", "")
		no := o.add(1, doctors, named("Dr. No"))
		teeth := o.folder(1, "Teeth", doctors)
		o.add(1, teeth, named("Dr. Zahn"))
		for i := range 450 {
			o.add(2, "", named(fmt.Sprintf("Contact %03d", i)))
		}
		before := o.Requests()
		r := o.sync()
		if r.Error != "" || !r.Full || r.Read != 453 || r.Applied.Added != 453 || r.Skipped != 0 {
			t.Fatalf("round %+v", r)
		}
		spent := map[string]int{}
		for kind, n := range o.Requests() {
			if strings.HasPrefix(kind, "mailbox/") {
				spent[kind] = n - before[kind]
			}
		}
		// Two lists of top folders and two of those below; three folders of one page and one of three.
		if diff := cmp.Diff(map[string]int{"mailbox/contactFolders": 2, "mailbox/childFolders": 2, "mailbox/delta": 6}, spent); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
		o.expect(1, "Contacts/Rita", "Doctors/Dr. No", "Teeth/Dr. Zahn")
		if got := len(o.has(2)); got != 450 {
			t.Errorf("%d contacts of the other mailbox", got)
		}
		for _, c := range o.sink.all() {
			if _, err := directory.ParseContactID(string(c.ID)); err != nil || c.Source == directory.SourceMailbox && !strings.HasPrefix(string(c.ID), "m-") {
				t.Fatalf("a contact has the id %q: %v", c.ID, err)
			}
		}

		must(t, o.Folder(o.people[1], "").Patch(rita, map[string]any{"displayName": "Rita Rider", "mobilePhone": "0171 1234567"}))
		must(t, o.Folder(o.people[1], doctors).Remove(no))
		r = o.sync()
		if want := (directory.Applied{Changed: 1, Removed: 1}); r.Applied != want || r.Full || r.Read != 2 {
			t.Errorf("a change and a removal: %+v", r)
		}
		o.expect(1, "Contacts/Rita Rider", "Teeth/Dr. Zahn")

		// Moved: gone there, new here, whichever is read first.
		o.add(1, doctors, named("Rita Rider"))
		must(t, o.Folder(o.people[1], "").Remove(rita))
		o.RemoveFolder(o.people[1], teeth)
		r = o.sync()
		if want := (directory.Applied{Added: 1, Removed: 2}); r.Applied != want {
			t.Errorf("a move and the end of a folder: %+v", r)
		}
		o.expect(1, "Doctors/Rita Rider")
	})
}

// TestMailboxIdle: an idle round costs a request for each folder, and one for the
// group; folders are looked for once an hour.
func TestMailboxIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, stop := newOffice(t, func(opt *graph.Options) { opt.Interval = 15 * time.Minute }, 1, 2)
		defer stop()
		o.folder(1, "Doctors", "")
		if r := o.sync(); r.Error != "" {
			t.Fatal(r.Error)
		}
		stopRun := run(t, o.m)
		defer func() { must(t, stopRun()) }()
		count := func() (n int) {
			for kind, of := range o.Requests() {
				if strings.HasPrefix(kind, "mailbox/") || kind == "groups" {
					n += of
				}
			}
			return n
		}
		before := count()
		<-time.After(40 * time.Minute) // of the bubble
		if got := count() - before; got != 2*(1+3) {
			t.Errorf("two idle rounds cost %d requests", got)
		}
		o.folder(2, "New", "")
		o.add(2, o.folder(2, "Newer", ""), named("Later"))
		<-time.After(time.Hour)
		o.expect(2, "Newer/Later")
	})
}

// TestMailboxFields: what an Outlook contact says, and which of it is shown.
func TestMailboxFields(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, stop := newOffice(t, nil, 1)
		defer stop()
		id := o.add(1, "", map[string]any{
			"displayName": "Rita Rider", "givenName": "Rita", "surname": "Rider", "jobTitle": "Driver", "department": "Night",
			"companyName": "Taxi Rider", "officeLocation": "Hall",
			"emailAddresses": []map[string]any{
				{"name": "Rita", "address": "rita@rider.example"},
				{"name": "Ex", "address": "/o=ExchangeLabs/ou=x"},
				{"name": "again", "address": "RITA@rider.example"},
				{"address": nil},
			},
			"businessPhones": []string{"030 1234567", "+49 30 1234567"}, "homePhones": []string{"030 7654321"}, "mobilePhone": "0171 1234567",
			"businessAddress": map[string]any{}, "homeAddress": map[string]any{"street": "Road 1\r\nDoor 2", "city": "Berlin", "countryOrRegion": "Germany"},
			"otherAddress": map[string]any{"city": "Bonn"},
		})
		must(t, o.Patch(o.people[1], map[string]any{"userPrincipalName": "anna@contoso.example"}))
		r := o.sync()
		if r.Error != "" || len(r.Skips) > 0 {
			t.Fatalf("round %+v", r)
		}
		got := o.only()
		want := &directory.Contact{
			ID: got.ID, Source: directory.SourceMailbox, Mailbox: directory.ContactID(o.people[1]),
			DisplayName: "Rita Rider", GivenName: "Rita", Surname: "Rider", JobTitle: "Driver", Department: "Night", Company: "Taxi Rider", Office: "Hall",
			Emails: []string{"rita@rider.example"},
			Phones: []directory.Phone{
				{Kind: directory.PhoneWork, Written: "030 1234567", E164: "+49301234567", Attribute: "businessPhones"},
				{Kind: directory.PhoneMobile, Written: "0171 1234567", E164: "+491711234567", Attribute: "mobilePhone"},
				{Kind: directory.PhoneHome, Written: "030 7654321", E164: "+49307654321", Attribute: "homePhones"},
			},
			Address: directory.Address{Street: "Road 1\nDoor 2", City: "Berlin", Country: "Germany"},
			Extras:  "folder=Contacts\nmailbox=anna@contoso.example",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("contact (-want +got):\n%s", diff)
		}

		// Another sign-in name is told again, and so is a wrong type left alone.
		must(t, o.Patch(o.people[1], map[string]any{"userPrincipalName": "anna.rider@contoso.example"}))
		must(t, o.Folder(o.people[1], "").Patch(id, map[string]any{"mobilePhone": nil, "homeAddress": nil, "businessPhones": 7, "surname": nil}))
		r = o.sync()
		if len(r.Skips) != 1 || !strings.Contains(r.Skips[0].Reason, "businessPhones") {
			t.Errorf("skips %+v", r.Skips)
		}
		want.Extras, want.Surname, want.Address = "folder=Contacts\nmailbox=anna.rider@contoso.example", "", directory.Address{City: "Bonn"}
		want.Phones = slices.Delete(want.Phones, 1, 2)
		if diff := cmp.Diff(want, o.only()); diff != "" {
			t.Errorf("changed contact (-want +got):\n%s", diff)
		}
	})
}

// only returns the one contact that came from a mailbox.
func (o *office) only() *directory.Contact {
	o.t.Helper()
	var found []*directory.Contact
	for _, c := range o.sink.all() {
		if c.Source == directory.SourceMailbox {
			found = append(found, c)
		}
	}
	if len(found) != 1 {
		o.t.Fatalf("%d contacts of mailboxes", len(found))
	}
	return found[0]
}

// TestMailboxesFail: each stands alone, and keeps what is mirrored of it.
func TestMailboxesFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, stop := newOffice(t, nil, 1, 2, 3)
		defer stop()
		for _, n := range []int{1, 2, 3} {
			o.add(n, "", named(fmt.Sprint("of ", n)))
		}
		must(t, o.SetMembers(o.group, o.people[1], o.people[2], o.people[3], o.people[4])) // who has no mailbox
		o.SetScope(o.people[1], o.people[3], o.people[4])
		r := o.sync()
		if r.Error != "" || r.Skipped != 2 || r.Applied.Added != 2 {
			t.Fatalf("round %+v", r)
		}
		reasons := map[string]string{}
		for _, s := range r.Skips {
			reasons[s.ID] = s.Reason
		}
		if !strings.Contains(reasons[o.people[2]], "scope") || !strings.Contains(reasons[o.people[4]], "no Exchange Online mailbox") {
			t.Errorf("reasons %v", reasons)
		}

		o.SetScope(o.people[2], o.people[3], o.people[4])
		o.sync()
		o.expect(1, "Contacts/of 1") // kept
		o.expect(2, "Contacts/of 2")

		o.SetScope()
		if r = o.sync(); !strings.Contains(r.Error, "Exchange refused access to a mailbox") {
			t.Errorf("nobody can be read: %q", r.Error)
		}
		if st := status(o.m, graph.FeedMailboxes); st.State != directory.FeedBlocked {
			t.Errorf("state %s", st.State)
		}
		o.expect(1, "Contacts/of 1")

		o.SetScope(o.people[1], o.people[2], o.people[3])
		o.Fault(graphtest.Fault{Path: "/v1.0/users/" + o.people[2] + "/contacts", Status: 503, Times: 99})
		if r = o.sync(); r.Error != "" || r.Skipped != 2 || !strings.Contains(fmt.Sprint(r.Skips), "status 503") {
			t.Errorf("one is down: %+v", r)
		}
		o.ClearFaults()
		o.Fault(graphtest.Fault{Path: "/v1.0/users/" + o.people[1] + "/contacts", Status: 429, RetryAfter: "120"})
		if r = o.sync(); r.Error != "" || !strings.Contains(fmt.Sprint(r.Skips), "Outlook asks for a pause") {
			t.Errorf("a pause: %+v", r)
		}
		o.expect(1, "Contacts/of 1")
	})
}

// TestMailboxExpired: a forgotten delta link is a full reading of that folder,
// which sweeps it alone.
func TestMailboxExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, stop := newOffice(t, nil, 1, 2)
		defer stop()
		gone := o.add(1, "", named("Gone"))
		o.add(1, "", named("Stays"))
		doctors := o.folder(1, "Doctors", "")
		o.add(1, doctors, named("Dr. No"))
		o.add(2, "", named("Other"))
		o.sync()
		must(t, o.Folder(o.people[1], "").Purge(gone))
		o.ExpireDeltaTokens()
		r := o.sync()
		if want := (directory.Applied{Removed: 1, Unchanged: 3}); r.Error != "" || !r.Full || r.Applied != want {
			t.Errorf("round %+v", r)
		}
		o.expect(1, "Contacts/Stays", "Doctors/Dr. No")
		o.expect(2, "Contacts/Other")
	})
}

// TestMailboxLeaves: who leaves the group takes the contacts along; a group that
// was emptied waits for a person.
func TestMailboxLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, stop := newOffice(t, nil, 1, 2, 3)
		defer stop()
		for _, n := range []int{1, 2, 3} {
			o.add(n, "", named(fmt.Sprint("of ", n)))
		}
		o.sync()
		must(t, o.SetMembers(o.group, o.people[1], o.people[3]))
		if r := o.sync(); r.Error != "" || r.Applied.Removed != 1 {
			t.Errorf("round %+v", r)
		}
		o.expect(2)
		must(t, o.SetMembers(o.group, o.people[2]))
		r := o.sync()
		if !strings.Contains(r.Error, "shrink guard") || !strings.Contains(r.Error, "2 of 2 mailboxes left the group") {
			t.Errorf("all left: %+v", r)
		}
		o.expect(1, "Contacts/of 1")
		o.expect(2, "Contacts/of 2") // the newcomer is read in spite of it
		if st := status(o.m, graph.FeedMailboxes); st.State != directory.FeedStopped {
			t.Errorf("state %s", st.State)
		}
		rounds, err := o.m.Sync(t.Context(), directory.SyncRequest{AcceptShrink: true})
		must(t, err)
		if last := rounds[len(rounds)-1]; last.Error != "" || last.Applied.Removed != 2 {
			t.Errorf("accepted: %+v", last)
		}
		o.expect(1)

		o.RemoveGroup(o.group)
		if r = o.sync(); !strings.Contains(r.Error, "no such group") {
			t.Errorf("no group: %+v", r)
		}
		o.expect(2, "Contacts/of 2")
	})
}

// TestMailboxesSwitchedOff: without the setting nothing is kept.
func TestMailboxesSwitchedOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, stop := newOffice(t, nil, 1, 2)
		defer stop()
		o.add(1, "", named("Rita"))
		o.add(2, "", named("Dr. No"))
		o.sync()
		reach, stopAgain := serve(t, o.ServeHTTP)
		defer stopAgain()
		reach.Credential = signIn{reach.HTTP, o.Tenant}
		must(t, mirror(t, reach, o.sink, nil).Forget(t.Context()))
		o.expect(1)
		o.expect(2)
		if feeds, _ := o.sink.Feeds(t.Context(), "mailbox/"); len(feeds) > 0 {
			t.Errorf("cursors of %v are left", feeds)
		}
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// status returns what a feed is doing.
func status(m *graph.Mirror, f directory.Feed) directory.FeedStatus {
	for _, st := range m.Status() {
		if st.Name == f {
			return st
		}
	}
	return directory.FeedStatus{}
}

package index_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"ringbook/directory"
	"ringbook/directory/index"
)

// TestPrivate: what stands in a mailbox is seen by the devices of its owner, in
// books that name the mailbox, and by nobody else, whatever is asked.
func TestPrivate(t *testing.T) {
	books := []directory.Book{
		{Name: "all", Filter: "(|(uid=*)(!(uid=*)))"},
		{Name: "sources", Filter: "(source=mailbox)"},
		{Name: "others", Filter: "(!(mailbox=anna))"},
		{Name: "shared", Filter: "(|(mailbox=box@contoso.example)(mailbox=nobody))"},
		{Name: "not-that-folder", Filter: "(&(cn=*)(!(&(mailbox=box)(folder=Doctors))))"},
		{Name: "by-id", Filter: "(&(mailbox=BOX)(folder=Doctors))"},
	}
	x, err := index.New(index.Options{Books: books, Plan: plan(t), MailboxTitle: "{name}: Outlook"}, "e", 0, none[index.Stored](), none[index.Mark]())
	if err != nil {
		t.Fatal(err)
	}
	of := func(id, mailbox string, x directory.Extras) index.Stored {
		return stored(directory.Contact{
			ID: directory.ContactID(id), Source: directory.SourceMailbox, Mailbox: directory.ContactID(mailbox), DisplayName: "Dr. No", Emails: []string{"anna@contoso.example"}, Extras: x,
		})
	}
	publish(x, 1, []index.Stored{
		stored(directory.Contact{ID: "anna", DisplayName: "Anna Schmidt", Emails: []string{"anna@contoso.example"}}),
		of("m-1", "anna", "folder=Contacts\nmailbox=anna@contoso.example"),
		of("m-2", "box", "folder=Contacts\nmailbox=Box@Contoso.example"),
		of("m-3", "box", "folder=Doctors\nmailbox=Box@Contoso.example"),
	})
	v := x.View()
	shelf := func(owner directory.ContactID) []*index.Book {
		return v.ShelfOf(directory.Device{Books: []directory.BookName{"all", "shared", "by-id"}, State: directory.DeviceActive, OwnerID: owner})
	}
	members := func(b *index.Book) (ids []string) {
		for e := range b.All() {
			ids = append(ids, string(e.Contact().ID))
		}
		slices.Sort(ids)
		return ids
	}
	for _, b := range v.Books() {
		want := map[directory.BookName][]string{"all": {"anna"}, "shared": {"m-2", "m-3"}, "by-id": {"m-3"}}[b.Name()]
		if strings.HasPrefix(string(b.Name()), "not-") || b.Name() == "others" {
			want = []string{"anna"}
		}
		if got := members(b); !slices.Equal(got, want) {
			t.Errorf("book %s has %v", b.Name(), got)
		}
	}

	own := shelf("anna")
	if len(own) != 4 || own[3].Title() != "Anna Schmidt: Outlook" || own[3].Name() != directory.MailboxBook("anna") || !slices.Equal(members(own[3]), []string{"m-1"}) {
		t.Errorf("Anna sees %d books, the last %q with %v", len(own), own[len(own)-1].Title(), members(own[len(own)-1]))
	}
	if e := own[3].Entry("m-2"); e != nil {
		t.Error("Anna sees the contact of another mailbox")
	}
	if box := shelf("box"); len(box) != 4 || len(members(box[3])) != 0 {
		t.Error("what stands in a book before is in the private one again")
	}
	for _, owner := range []directory.ContactID{"", "bea", directory.ContactID(directory.MailboxBook("anna"))} {
		if got := len(shelf(owner)); got != 3 {
			t.Errorf("the devices of %q see %d books", owner, got)
		}
	}
	if got := v.Shelf([]directory.BookName{directory.MailboxBook("anna")}, false); len(got) != 0 {
		t.Error("a private book is had by its name")
	}
	drained := v.ShelfOf(directory.Device{Books: []directory.BookName{"all"}, State: directory.DeviceDraining, OwnerID: "anna"})
	if len(drained) != 2 || drained[1].Len() != 0 {
		t.Error("a draining device sees its mailbox")
	}

	for _, filter := range []string{"(cn=Dr. No)", "(source=mailbox)", "(mailbox=*)", "(anr=no)"} {
		if got := len(slices.Collect(v.Search(t.Context(), parse(t, filter)))); got != 0 {
			t.Errorf("%s finds %d contacts of mailboxes", filter, got)
		}
		if got := len(slices.Collect(own[0].Search(parse(t, filter)))); got != 0 {
			t.Errorf("%s finds %d contacts of mailboxes in a book", filter, got)
		}
	}
	if p, err := v.Preview(t.Context(), "(uid=*)", "all"); err != nil || p.In != 1 || p.Out != 0 {
		t.Errorf("a rule lets in %d and keeps out %d: %v", p.In, p.Out, err)
	}
	if p, err := v.Preview(t.Context(), "(source=user)", "shared"); err != nil || len(p.Leaving) != 2 || p.Members != 2 {
		t.Errorf("of %d in a shared mailbox %d would leave: %v", p.Members, len(p.Leaving), err)
	}
	if p, err := v.Preview(t.Context(), "(mailbox=box)", "all"); err != nil || p.In != 2 || p.Out != 1 {
		t.Errorf("a rule with a mailbox lets in %d and keeps out %d: %v", p.In, p.Out, err)
	}
	if m, c := v.Private(); m != 2 || c != 3 {
		t.Errorf("%d mailboxes with %d contacts", m, c)
	}

	_, err = index.New(index.Options{Books: []directory.Book{{Name: directory.MailboxBook("anna")}}, Plan: plan(t)}, "e", 0, none[index.Stored](), none[index.Mark]())
	if !errors.Is(err, directory.ErrInvalid) {
		t.Errorf("a configured book with a private one's name: %v", err)
	}
}

// TestTitleOfAFormerMailbox: whose mailbox it was is not said any more, and what is
// left of the title still is one.
func TestTitleOfAFormerMailbox(t *testing.T) {
	for title, want := range map[string]string{"{name}: Outlook": "Outlook", "{name}": "Outlook", "{name}'s contacts": "Outlook", "Private": "Private"} {
		x, err := index.New(index.Options{Books: []directory.Book{{Name: "people"}}, Plan: plan(t), MailboxTitle: title}, "e", 0, none[index.Stored](), none[index.Mark]())
		if err != nil {
			t.Fatal(err)
		}
		publish(x, 1, []index.Stored{stored(directory.Contact{ID: "m-1", Source: directory.SourceMailbox, Mailbox: "anna"})})
		for _, mailbox := range []directory.ContactID{"anna", "nobody"} {
			if got := x.View().Emptied(directory.MailboxBook(mailbox)).Title(); got != want {
				t.Errorf("%q of %s becomes %q", title, mailbox, got)
			}
		}
	}
}

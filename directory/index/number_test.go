package index_test

import (
	"slices"
	"strings"
	"testing"

	"ringbook/directory"
	"ringbook/directory/index"
	"ringbook/directory/number"
)

// Who shares a number is found with everybody else who has it, best first.
func TestHoldersOfASharedNumber(t *testing.T) {
	plan, err := number.NewPlans(number.Site{Country: "DE", Stem: "+49305557", Extensions: "1000-4999"})
	if err != nil {
		t.Fatal(err)
	}
	x, err := index.New(index.Options{Books: []directory.Book{{Name: "all", Filter: "(uid=*)"}}, Plan: plan}, "e", 0, none[index.Stored](), none[index.Mark]())
	if err != nil {
		t.Fatal(err)
	}
	var all []index.Stored
	for id, written := range map[directory.ContactID]string{
		"anna": "030 7654321", "bert": "030 7654321", "carl": "030 7654321 DW 12", "contoso": "030/765 43 21",
		"dora": "1234", "elsewhere": "1234",
	} {
		c := &directory.Contact{ID: id, DisplayName: string(id), GivenName: string(id)}
		c.Phones = []directory.Phone{{Kind: directory.PhoneFax, Written: "030 1"}, {Kind: directory.PhoneWork, Written: written, E164: plan.E164(written)}}
		switch id {
		case "contoso":
			c.GivenName = ""
		case "elsewhere":
			c.Phones[1].E164 = "" // read where nothing is known of extensions
		}
		all = append(all, index.Stored{Contact: c})
	}
	x.Publish(x.Prepare(1, all, nil))
	b := x.View().Books()[0]
	for number, want := range map[string]string{
		"030 7654321": "contoso anna bert carl", "+49307654321;ext=12": "carl contoso anna bert",
		"1234": "dora elsewhere", "030 5557 1234": "dora", "0301234567": "", "": "", "anna": "",
	} {
		var got []string
		for _, e := range b.Holders(number) {
			got = append(got, string(e.Contact().ID))
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s: %s, want %s", number, s, want)
		}
	}
}

// A shelf reads numbers as they are dialled at the device's site.
func TestShelfOfASite(t *testing.T) {
	plan, err := number.NewPlans(
		number.Site{Country: "DE", Stem: "+49305557", Extensions: "1000-4999"},
		number.Site{Name: "munich", Country: "DE", AreaCode: "89", Stem: "+49895556", Extensions: "1000-1999", Locations: []string{"Munich"}},
	)
	if err != nil {
		t.Fatal(err)
	}
	x, err := index.New(index.Options{Books: []directory.Book{{Name: "all", Filter: "(uid=*)"}}, Plan: plan}, "e", 0, none[index.Stored](), none[index.Mark]())
	if err != nil {
		t.Fatal(err)
	}
	phone := func(e164 string) []directory.Phone {
		return []directory.Phone{{Kind: directory.PhoneWork, Written: "1234", E164: e164}}
	}
	x.Publish(x.Prepare(1, []index.Stored{
		{Contact: &directory.Contact{ID: "ada", Phones: phone("+493055571234")}},
		{Contact: &directory.Contact{ID: "max", Phones: phone("+498955561234"), Office: "Munich"}},
		{Contact: &directory.Contact{ID: "out", Mailbox: "max", Source: directory.SourceMailbox, Phones: phone("+498976543210")}},
	}, nil))
	v := x.View()
	ids := func(entries []*index.Entry) (ids []string) {
		for _, e := range entries {
			ids = append(ids, string(e.Contact().ID))
		}
		return ids
	}
	for _, tt := range []struct {
		device directory.Device
		filter string
		want   string
	}{
		{directory.Device{}, "(telephoneNumber=1234)", "ada"},
		{directory.Device{}, "(ipPhone=1234)", "ada"},
		{directory.Device{}, "(ipPhone=*)", "ada"},
		{directory.Device{Site: "munich"}, "(telephoneNumber=1234)", "max"},
		{directory.Device{Site: "munich"}, "(telephoneNumber=12*)", "max"},
		{directory.Device{Site: "munich"}, "(ipPhone=*)", "max"},
		{directory.Device{OwnerID: "max"}, "(telephoneNumber=1234)", "max"},
		{directory.Device{OwnerID: "max"}, "(telephoneNumber=76543210)", "out"}, // in the private book too
		{directory.Device{OwnerID: "ada"}, "(telephoneNumber=1234)", "ada"},
	} {
		d := tt.device
		d.State, d.Books = directory.DeviceActive, []directory.BookName{"all"}
		var got []string
		for _, b := range v.ShelfOf(d) {
			got = append(got, ids(slices.Collect(b.Search(parse(t, tt.filter))))...)
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%+v finds %q by %s, want %q", tt.device, s, tt.filter, tt.want)
		}
	}
	if got := ids(slices.Collect(v.Search(t.Context(), parse(t, "(telephoneNumber=1234)")))); !slices.Equal(got, []string{"ada", "max"}) {
		t.Errorf("an administrator finds %q", got)
	}
}

// Whoever is first among the holders is so in the searches of phones too.
func TestOrderOfHolders(t *testing.T) {
	people := []*directory.Contact{
		{ID: "a", DisplayName: "Anna", GivenName: "Anna", Phones: []directory.Phone{{Kind: directory.PhoneWork, Written: "030 7654321"}}},
		{ID: "z", DisplayName: "Zentrale", Phones: []directory.Phone{{Kind: directory.PhoneWork, Written: "030 7654321"}}},
	}
	b := viewOf(t, plan(t), people).Books()[0]
	for query, want := range map[string]string{
		"(|(telephoneNumber=0307654321)(mobile=0307654321))":   "z a",
		"(&(objectClass=*)(telephoneNumber=+49307654321))":     "z a",
		"(|(telephoneNumber=0307654321*)(mobile=0307654321*))": "a z", // while it is typed, by name
		"(cn=*)": "a z",
	} {
		f := parse(t, query)
		hits := slices.Collect(b.Search(f))
		if order := b.Query(f).Order(); order != nil {
			slices.SortStableFunc(hits, order)
		}
		var ids []string
		for _, e := range hits {
			ids = append(ids, string(e.Contact().ID))
		}
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	f := parse(t, "(telephoneNumber=0307654321)")
	for e := range b.Query(f).Better(0) {
		if id := e.Contact().ID; id != "z" {
			t.Errorf("the best is %s", id)
		}
		break
	}
}

package directory_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
)

// TestMerge: each field comes from the source that is believed, addresses and
// numbers from all, and what only rules see from the first.
func TestMerge(t *testing.T) {
	phone := func(kind directory.PhoneKind, number string) directory.Phone {
		return directory.Phone{Kind: kind, Written: number, E164: number}
	}
	user := &directory.Contact{
		ID: "u", Source: directory.SourceUser, DisplayName: "Anna Schmidt", GivenName: "Anna", Surname: "Schmidt",
		Emails: []string{"anna@x.example"}, Phones: []directory.Phone{phone(directory.PhoneWork, "+49301")},
		JobTitle: "Buyer", UserType: "Member", AccountEnabled: directory.False, Extras: "memberOf=sales\nusageLocation=DE",
	}
	org := &directory.Contact{
		ID: "o", Source: directory.SourceOrgContact, DisplayName: "Schmidt, A.", Emails: []string{"ANNA@x.example", "a@y.example"},
		Company: "Contoso", Address: directory.Address{City: "Bonn"}, Photo: "p", ShowInAddressList: directory.True, Extras: "memberOf=all\nusageLocation=FR",
	}
	local := &directory.Contact{
		ID: "l", Source: directory.SourceLocal, Set: "club", DisplayName: "Annerl", JobTitle: "Goalkeeper", Department: "Team 1", Office: "Hall",
		Phones:  []directory.Phone{phone(directory.PhoneMobile, "+49171"), phone(directory.PhoneOther, "+49301")},
		Company: "Club", Address: directory.Address{Street: "Road 1"},
	}
	parts := []*directory.Contact{local, org, user}
	slices.SortFunc(parts, directory.Rank)
	before := []*directory.Contact{user.Clone(), org.Clone(), local.Clone()}

	want := &directory.Contact{
		ID: "u", Source: directory.SourceUser, DisplayName: "Anna Schmidt", GivenName: "Anna", Surname: "Schmidt",
		Emails: []string{"anna@x.example", "a@y.example"}, Phones: []directory.Phone{phone(directory.PhoneWork, "+49301"), phone(directory.PhoneMobile, "+49171")},
		JobTitle: "Buyer", Department: "Team 1", Company: "Contoso", Office: "Hall", Address: directory.Address{City: "Bonn"}, Photo: "p",
		UserType: "Member", AccountEnabled: directory.False,
		Extras: "importSet=club\nmemberOf=all\nmemberOf=sales\nsource=local\nsource=org_contact\nusageLocation=DE",
	}
	if diff := cmp.Diff(want, directory.Merge(parts, nil)); diff != "" {
		t.Errorf("by rank, -want +got:\n%s", diff)
	}

	p := directory.Precedence{
		directory.FieldName: {directory.SourceLocal}, directory.FieldPhones: {directory.SourceLocal, directory.SourceUser},
		directory.FieldEmails: {directory.SourceOrgContact}, directory.FieldTitle: {directory.SourceOrgContact, directory.SourceLocal},
		directory.FieldAddress: {directory.SourceLocal}, directory.FieldPhoto: {directory.SourceLocal},
	}
	want.DisplayName, want.GivenName, want.Surname = "Annerl", "", ""
	want.Phones = []directory.Phone{phone(directory.PhoneMobile, "+49171"), phone(directory.PhoneOther, "+49301")}
	want.Emails = []string{"ANNA@x.example", "a@y.example"}
	want.JobTitle, want.Address = "Goalkeeper", directory.Address{Street: "Road 1"}
	if diff := cmp.Diff(want, directory.Merge(parts, p)); diff != "" {
		t.Errorf("by precedence, -want +got:\n%s", diff)
	}
	if diff := cmp.Diff(before, []*directory.Contact{user, org, local}); diff != "" {
		t.Errorf("the parts were changed: %s", diff)
	}
}

func TestJoins(t *testing.T) {
	of := func(src directory.Source) *directory.Contact { return &directory.Contact{Source: src} }
	guest := &directory.Contact{Source: directory.SourceUser, UserType: "guest"}
	for _, tt := range []struct {
		a, b *directory.Contact
		want bool
	}{
		{of(directory.SourceLocal), of(directory.SourceUser), true},
		{of(directory.SourceLocal), of(directory.SourceOrgContact), true},
		{of(directory.SourceOrgContact), of(directory.SourceUser), true},
		{guest, of(directory.SourceLocal), true},
		{guest, of(directory.SourceUser), false},
		{of(directory.SourceUser), of(directory.SourceLocal), false},
		{of(directory.SourceLocal), of(directory.SourceLocal), false},
		{of(directory.SourceMailbox), of(directory.SourceUser), false},
		{of(directory.SourceLocal), of(directory.SourceMailbox), false},
	} {
		if got := tt.a.Joins(tt.b); got != tt.want {
			t.Errorf("%s %s joins %s: %v", tt.a.Source, tt.a.UserType, tt.b.Source, got)
		}
	}
}

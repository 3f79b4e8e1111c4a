package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
	"ringbook/directory/store"
)

func TestOwners(t *testing.T) {
	t.Parallel()
	s, err := store.Open(t.Context(), "", store.Options{
		InMemory: true, Books: []directory.Book{{Name: "people"}}, Groups: []directory.Group{"staff"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	o := owners{s, "staff"}
	apply := func(src directory.Source, next bool, contacts ...directory.Contact) {
		t.Helper()
		b := directory.Batch{Feed: directory.Feed(src), Source: src}
		for _, c := range contacts {
			b.Changes = append(b.Changes, directory.Change{ID: c.ID, Fresh: true, Update: func(d *directory.Contact) {
				c.Source = d.Source
				*d = c
			}})
		}
		if next {
			b.Next = &directory.Cursor{Link: "x"}
		}
		if _, err := s.Apply(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	may := func(id directory.ContactID, want string) {
		t.Helper()
		if reason, ok := o.MayOwn(id); reason != want || ok != (want == "") {
			t.Errorf("%s: %q, %v, want %q", id, reason, ok, want)
		}
	}
	may("a", "") // nothing is known yet
	apply(directory.SourceUser, false,
		directory.Contact{ID: "a", UserPrincipalName: "Anna@x.example", Emails: []string{"a.smith@x.example"}},
		directory.Contact{ID: "b", UserPrincipalName: "bodo@x.example", Emails: []string{"team@x.example"}, AccountEnabled: directory.False},
		directory.Contact{ID: "c", UserPrincipalName: "c@x.example", Emails: []string{"team@x.example"}})
	apply(directory.SourceOrgContact, true, directory.Contact{ID: "o", Emails: []string{"hotline@x.example"}})
	want := map[string]directory.ContactID{"ANNA@x.example": "a", "a.smith@x.example": "a", "bodo@x.example": "b"}
	names := []string{"ANNA@x.example", "a.smith@x.example", "bodo@x.example", "team@x.example", "hotline@x.example", "nobody@x.example"}
	if diff := cmp.Diff(want, o.Resolve(names)); diff != "" {
		t.Errorf("Resolve (-want +got):\n%s", diff)
	}
	apply(directory.SourceUser, true)
	may("b", "") // the group is not known, so the mirror is not loaded
	if _, err := s.ApplyGroup(t.Context(), directory.Membership{Group: "staff", Members: []directory.ContactID{"a", "b"}}); err != nil {
		t.Fatal(err)
	}
	may("a", "")
	may("b", "the owner's account is disabled")
	may("c", "the owner is not in the group of devices.owners_group")
	may("z", "the owner is no longer in the tenant")
	o.group = "others" // asked for since a moment ago, and not read yet
	may("c", "")
}

package directory_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"ringbook/directory"
)

func TestParseContactID(t *testing.T) {
	for in, want := range map[string]directory.ContactID{
		"11111111-0000-4000-8000-00000000000a": "11111111-0000-4000-8000-00000000000a",
		"ABC-DEF":                              "abc-def",
		"a":                                    "a",
		strings.Repeat("a", 64):                directory.ContactID(strings.Repeat("a", 64)),
		"":                                     "",
		strings.Repeat("a", 65):                "",
		"a b":                                  "",
		"../x":                                 "",
		"ü":                                    "",
		"a.vcf":                                "",
	} {
		got, err := directory.ParseContactID(in)
		if got != want || (err == nil) != (want != "") || err != nil && !errors.Is(err, directory.ErrInvalid) {
			t.Errorf("ParseContactID(%q) = %q, %v", in, got, err)
		}
	}
}

func TestParseBookName(t *testing.T) {
	for in, valid := range map[string]bool{
		"people": true, "a-1": true, strings.Repeat("a", 24): true,
		strings.Repeat("a", 25): false, "": false, "People": false, "a/b": false,
	} {
		got, err := directory.ParseBookName(in)
		if (err == nil) != valid || valid && string(got) != in || err != nil && !errors.Is(err, directory.ErrInvalid) {
			t.Errorf("ParseBookName(%q) = %q, %v", in, got, err)
		}
	}
}

// TestEqual: a difference in any field is seen, also in one that is added later,
// and a clone shares nothing that can be changed.
func TestEqual(t *testing.T) {
	var whole directory.Contact
	fill(t, reflect.ValueOf(&whole).Elem())
	same := whole.Clone()
	if !whole.Equal(same) {
		t.Fatal("a contact differs from its clone")
	}
	for field, v := range reflect.ValueOf(whole).Fields() {
		other := whole.Clone()
		reflect.ValueOf(other).Elem().FieldByName(field.Name).SetZero()
		if whole.Equal(other) || other.Equal(&whole) {
			t.Errorf("Equal does not see %s = %v", field.Name, v)
		}
	}
	hidden := []string{"Source", "UserPrincipalName", "UserType", "EmployeeID", "Manager", "Extras", "AccountEnabled", "ShowInAddressList", "Set", "Same", "Mailbox"}
	for field := range reflect.ValueOf(whole).Fields() {
		other := whole.Clone()
		reflect.ValueOf(other).Elem().FieldByName(field.Name).SetZero()
		if whole.LooksLike(other) != slices.Contains(hidden, field.Name) {
			t.Errorf("LooksLike is wrong about %s", field.Name)
		}
	}
	same.Emails[0], same.Phones[0].Written = "other", "other"
	if whole.Emails[0] == "other" || whole.Phones[0].Written == "other" {
		t.Error("a clone shares a list with its contact")
	}
}

// fill gives every field a value that is not zero.
func fill(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.String:
		v.SetString("x")
	case reflect.Int8:
		v.SetInt(1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(t, v.Index(0))
	case reflect.Struct:
		for _, f := range v.Fields() {
			fill(t, f)
		}
	default:
		t.Fatalf("a field of kind %v is new: say here what fills it", v.Kind())
	}
}

func TestName(t *testing.T) {
	full := directory.Contact{
		ID: "id", DisplayName: "Anna Schmidt", GivenName: "Anna", Surname: "Schmidt", Company: "Contoso",
		Emails: []string{"anna@contoso.example"}, Phones: []directory.Phone{{Written: "123"}},
	}
	for _, step := range []struct {
		want string
		drop func(c *directory.Contact)
	}{
		{"Anna Schmidt", func(c *directory.Contact) { c.DisplayName = "" }},
		{"Anna Schmidt", func(c *directory.Contact) { c.Surname = "" }},
		{"Anna", func(c *directory.Contact) { c.GivenName, c.Surname = "", "Schmidt" }},
		{"Schmidt", func(c *directory.Contact) { c.Surname = "" }},
		{"Contoso", func(c *directory.Contact) { c.Company = "" }},
		{"anna@contoso.example", func(c *directory.Contact) { c.Emails = nil }},
		{"123", func(c *directory.Contact) { c.Phones = nil }},
		{"id", func(*directory.Contact) {}},
	} {
		if got := full.Name(); got != step.want {
			t.Errorf("Name() = %q, want %q", got, step.want)
		}
		step.drop(&full)
	}
}

func TestAppliedAdd(t *testing.T) {
	a := directory.Applied{Revision: 3, Added: 1, Changed: 2, Removed: 3, Unchanged: 4}
	want := directory.Applied{Revision: 3, Added: 2, Changed: 4, Removed: 6, Unchanged: 8}
	if got := a.Add(directory.Applied{Revision: 2, Added: 1, Changed: 2, Removed: 3, Unchanged: 4}); got != want {
		t.Errorf("Add = %+v, want %+v", got, want)
	}
}

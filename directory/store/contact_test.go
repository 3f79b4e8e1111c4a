package store

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
)

// fill gives every field of v, whatever it will be, a value of its own.
func fill(t *testing.T, v reflect.Value, n *int) {
	t.Helper()
	*n++
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("text ü %d", *n))
	case reflect.Int8:
		v.SetInt(int64(directory.True))
	case reflect.Struct:
		for _, field := range v.Fields() {
			fill(t, field, n)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 3, 3))
		for i := range v.Len() {
			fill(t, v.Index(i), n)
		}
	default:
		t.Fatalf("encodeContact knows no %v", v.Kind())
	}
}

func TestContactEncoding(t *testing.T) {
	full := new(directory.Contact)
	n := 0
	fill(t, reflect.ValueOf(full).Elem(), &n)
	for name, c := range map[string]*directory.Contact{
		"full":  full,
		"empty": {ID: "x"},
		"odd": {
			ID: "y", Emails: []string{"", "a"}, Phones: []directory.Phone{{}, {E164: "+49"}},
			AccountEnabled: directory.False, DisplayName: "\x00\xff",
		},
	} {
		b := encodeContact(c)
		got, err := decodeContact(c.ID, b, make(vocabulary))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c, got); diff != "" {
			t.Errorf("%s (-in +out):\n%s", name, diff)
		}
		later := appendField(b, 99, "a field of a later version")
		if got, err = decodeContact(c.ID, later, make(vocabulary)); err != nil || !got.Equal(c) {
			t.Errorf("%s with an unknown field: %v", name, err)
		}
	}
}

func FuzzDecodeContact(f *testing.F) {
	full := new(directory.Contact)
	n := 0
	fill(&testing.T{}, reflect.ValueOf(full).Elem(), &n)
	f.Add(encodeContact(full))
	f.Add([]byte{33, 2, 1, 200})
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := decodeContact("x", b, make(vocabulary))
		if err != nil {
			return
		}
		again, err := decodeContact("x", encodeContact(c), make(vocabulary))
		if err != nil || !again.Equal(c) {
			t.Errorf("%v became %v, %v", c, again, err)
		}
	})
}

// Packing changes no value and writes into nothing that others may have; what stands in
// a contact twice is there once, and its own texts stand side by side.
func TestSharing(t *testing.T) {
	full := new(directory.Contact)
	n := 0
	fill(t, reflect.ValueOf(full).Elem(), &n)
	full.UserPrincipalName = full.Emails[0]
	full.Phones[1].E164 = full.Phones[1].Written
	emails, phones, want := full.Emails, full.Phones, full.Clone()
	make(vocabulary).share(full)
	if diff := cmp.Diff(want, full); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
	if &full.Emails[0] == &emails[0] || &full.Phones[0] == &phones[0] {
		t.Error("the lists are those that others may have")
	}
	for i, p := range []*string{&full.UserPrincipalName, &full.Phones[1].Written} {
		twice := []*string{&full.Emails[0], &full.Phones[1].E164}[i]
		if unsafe.StringData(*p) != unsafe.StringData(*twice) {
			t.Errorf("%q is there twice", *p)
		}
	}
	own := texts(full)
	all := slices.Clone(own[:])
	for i := range full.Phones {
		all = append(all, &full.Phones[i].Written, &full.Phones[i].E164)
	}
	for i := range full.Emails {
		all = append(all, &full.Emails[i])
	}
	from, to, size := ^uintptr(0), uintptr(0), uintptr(0)
	seen := map[uintptr]bool{}
	for _, s := range all {
		at := uintptr(unsafe.Pointer(unsafe.StringData(*s)))
		from, to = min(from, at), max(to, at+uintptr(len(*s)))
		if !seen[at] {
			seen[at], size = true, size+uintptr(len(*s))
		}
	}
	if to-from != size {
		t.Errorf("%d octets lie %d apart", size, to-from)
	}
}

// Packing changes no value of odd contacts either, and does so again and again.
func TestSharingOfOddContacts(t *testing.T) {
	long := make([]string, 40)
	for i := range long {
		long[i] = fmt.Sprint("x", i)
	}
	number := func(written, e164 string) directory.Phone {
		return directory.Phone{Kind: "\xff", Written: written, E164: e164}
	}
	for name, c := range map[string]*directory.Contact{
		"nothing":             {},
		"empty lists":         {Emails: []string{}, Phones: []directory.Phone{}},
		"empty addresses":     {Emails: []string{"", "", "x"}, UserPrincipalName: ""},
		"no sign-in name":     {Emails: []string{"x"}, DisplayName: "y"},
		"no UTF-8":            {Emails: []string{"\xff\xfe", "\xc3"}, UserPrincipalName: "\xff\xfe", DisplayName: "M\xfcller"},
		"equal addresses":     {Emails: []string{"a", "a", "a"}, UserPrincipalName: "a"},
		"the second address":  {Emails: []string{"a", "b"}, UserPrincipalName: "b"},
		"empty numbers":       {Phones: []directory.Phone{number("", ""), number("", "1"), number("1", "")}},
		"numbers of a length": {Phones: []directory.Phone{number("12", "21"), number("12", "12"), number("21", "12")}},
		"more than is usual":  {Emails: long, DisplayName: "y", Phones: slices.Repeat([]directory.Phone{number("+1", "+1"), number("1", "+1")}, 20)},
	} {
		want, v := c.Clone(), make(vocabulary)
		for range 3 {
			v.share(c)
			if diff := cmp.Diff(want, c); diff != "" {
				t.Errorf("%s (-before +after):\n%s", name, diff)
			}
		}
		read, err := decodeContact("", encodeContact(c), v)
		if err != nil || !read.Equal(want) {
			t.Errorf("%s is read back as %+v, %v", name, read, err)
		}
	}
}

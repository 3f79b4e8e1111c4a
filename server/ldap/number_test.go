package ldap_test

import (
	"slices"
	"strings"
	"testing"

	"ringbook/directory"
	"ringbook/directory/index"
	"ringbook/directory/number"
	"ringbook/server/ldap"
)

// Two sites have the extension 1234. A device finds who has it at its own site,
// in any spelling that is dialled there, and is written what it dials.
func TestNumbersOfTheDevicesSite(t *testing.T) {
	s := newSiteOfTwo(t, nil)
	for _, tt := range []struct {
		device  directory.Device
		asked   string
		find    string            // names
		answers map[string]string // of whom is found, all values
	}{
		{directory.Device{Numbers: directory.NumbersExtension}, "1234", "ada", map[string]string{"telephoneNumber": "1234", "mobile": "001712345678", "ipPhone": ""}},
		{directory.Device{Numbers: directory.NumbersE164}, "1234", "ada", map[string]string{"telephoneNumber": "+493055571234", "ipPhone": "1234"}},
		{directory.Device{Numbers: directory.NumbersNational}, "0003055571234", "", nil},
		{directory.Device{Numbers: directory.NumbersNational}, "003055571234", "ada", map[string]string{"telephoneNumber": "003055571234"}},
		{directory.Device{Numbers: directory.NumbersExtension}, "08955561234", "max", map[string]string{"telephoneNumber": "008955561234", "ipPhone": ""}},
		{directory.Device{Numbers: directory.NumbersExtension, Site: "munich"}, "1234", "max", map[string]string{"telephoneNumber": "1234"}},
		{directory.Device{Numbers: directory.NumbersExtension, Site: "munich"}, "55561234", "max", map[string]string{"telephoneNumber": "1234"}},
		{directory.Device{Numbers: directory.NumbersExtension, OwnerID: "max"}, "1234", "max", map[string]string{"telephoneNumber": "1234"}},
	} {
		d := tt.device
		d.Name, d.Kind, d.Books = "p", directory.KindDeskphone, []directory.BookName{"people"}
		d, secret := s.add(t, d)
		c := s.dial(t)
		if err := c.Bind(string(d.Login), secret); err != nil {
			t.Fatal(err)
		}
		for _, filter := range []string{"(|(telephoneNumber=%)(mobile=%)(ipPhone=%))", "(telephoneNumber=%)", "(telephoneNumber=%*)", "(searchNumber=%)"} {
			res, err := c.Search(request(strings.ReplaceAll(filter, "%", tt.asked), "cn", "telephoneNumber", "mobile", "ipPhone"))
			if err != nil || strings.Join(names(res), " ") != tt.find {
				t.Errorf("%+v: %s for %s finds %v, %v", tt.device, filter, tt.asked, names(res), err)
				continue
			}
			for attribute, want := range tt.answers {
				if got := strings.Join(res.Entries[0].GetAttributeValues(attribute), " "); got != want {
					t.Errorf("%+v: %s of %s is %q, want %q", tt.device, attribute, tt.find, got, want)
				}
			}
		}
		// A phone that asks for the extension alone gets it in any profile, if it can dial it.
		res, err := c.Search(request("(&(uid="+tt.find+")(ipPhone=*))", "ipPhone"))
		reached := tt.find == "ada" || tt.find == "max" && tt.asked != "08955561234"
		if err != nil || (len(res.Entries) == 1 && res.Entries[0].GetAttributeValue("ipPhone") == "1234") != reached {
			t.Errorf("%+v: ipPhone of %s: %v, %v", tt.device, tt.find, names(res), err)
		}
	}
}

// newSiteOfTwo is a company of two sites where 1234 is Ada in Berlin and Max in
// Munich; change may change the plain port.
func newSiteOfTwo(t *testing.T, change func(*ldap.Port)) *site {
	t.Helper()
	plan, err := number.NewPlans(
		number.Site{Country: "DE", AreaCode: "30", Stem: "+49305557", Extensions: "1000-4999", ExternalPrefix: "0", ExternalFor: []directory.DeviceKind{directory.KindDeskphone}},
		number.Site{Name: "munich", Country: "DE", AreaCode: "89", Stem: "+49895556", Extensions: "1000-1999", Locations: []string{"Munich"}},
	)
	if err != nil {
		t.Fatal(err)
	}
	x, err := index.New(index.Options{Books: books(), Plan: plan}, "0123456789abcdef", 0,
		slices.Values([]index.Stored(nil)), slices.Values([]index.Mark(nil)))
	if err != nil {
		t.Fatal(err)
	}
	m := &mirror{Index: x}
	ada := &directory.Contact{ID: "ada", DisplayName: "Ada", Surname: "Zett", Department: "Sales", Phones: []directory.Phone{
		{Kind: directory.PhoneWork, Written: "1234"}, {Kind: directory.PhoneMobile, Written: "0171 2345678"},
	}}
	mona := &directory.Contact{ID: "max", DisplayName: "Max", Surname: "Abel", Address: directory.Address{City: "Munich"}, Phones: []directory.Phone{{Kind: directory.PhoneWork, Written: "089 5556-1234"}}}
	for _, c := range []*directory.Contact{ada, mona} {
		for i, p := range c.Phones {
			c.Phones[i].E164 = plan.Read(c, p.Written)
		}
	}
	m.put(ada, mona)
	x.SetLoaded()
	s := prepare(t, m, plan, nil)
	if change != nil {
		change(&s.port)
	}
	s.open(t)
	return s
}

// No number is listed twice, in whatever attributes it would stand.
func TestNumbersAreListedOnce(t *testing.T) {
	s := newSiteOfTwo(t, nil)
	person := func(id directory.ContactID, phones ...directory.Phone) {
		c := &directory.Contact{ID: id, DisplayName: string(id), Phones: phones}
		for i, p := range phones {
			c.Phones[i].E164 = s.plan.Read(c, p.Written)
		}
		s.put(c)
	}
	work := func(n string) directory.Phone { return directory.Phone{Kind: directory.PhoneWork, Written: n} }
	mobile := func(n string) directory.Phone { return directory.Phone{Kind: directory.PhoneMobile, Written: n} }
	person("valid", mobile("+49 171 2345678"), work("0171 2345678"))
	person("unknown", work("**621"), mobile("**621"))
	s.put(&directory.Contact{ID: "short", DisplayName: "short", Phones: []directory.Phone{
		{Kind: directory.PhoneMobile, Written: "030 5557-1600", E164: "+493055571600"}, {Kind: directory.PhoneWork, Written: "1600"},
	}})
	for _, tt := range []struct {
		id      string
		profile directory.NumberProfile
		asked   string // attributes
		want    string
	}{
		{"valid", directory.NumbersE164, "telephoneNumber mobile", "mobile=+491712345678"},
		{"valid", directory.NumbersE164, "telephoneNumber", "telephoneNumber=+491712345678"},
		{"valid", directory.NumbersE164, "mobile ipPhone", "mobile=+491712345678"},
		{"unknown", directory.NumbersE164, "telephoneNumber mobile", "telephoneNumber=**621"},
		{"unknown", directory.NumbersE164, "mobile", "mobile=**621"},
		{"unknown", directory.NumbersE164, "*", "telephoneNumber=**621"},
		{"short", directory.NumbersExtension, "telephoneNumber mobile ipPhone", "mobile=1600"},
		{"short", directory.NumbersExtension, "telephoneNumber", "telephoneNumber=1600"},
		{"short", directory.NumbersExtension, "ipPhone", "ipPhone=1600"},
		{"short", directory.NumbersE164, "telephoneNumber mobile ipPhone", "telephoneNumber=1600 mobile=+493055571600"},
		{"short", directory.NumbersE164, "mobile ipPhone", "mobile=+493055571600 ipPhone=1600"},
	} {
		d, secret := s.add(t, directory.Device{Name: "p", Books: []directory.BookName{"people"}, Numbers: tt.profile})
		c := s.dial(t)
		if err := c.Bind(string(d.Login), secret); err != nil {
			t.Fatal(err)
		}
		res, err := c.Search(request("(uid="+tt.id+")", strings.Fields(tt.asked)...))
		if err != nil || len(res.Entries) != 1 {
			t.Fatalf("%s: %v", tt.id, err)
		}
		var got []string
		for _, name := range []string{"telephoneNumber", "mobile", "ipPhone"} {
			for _, v := range res.Entries[0].GetAttributeValues(name) {
				got = append(got, name+"="+v)
			}
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s as %s, asked for %s: %q, want %s", tt.id, tt.profile, tt.asked, got, tt.want)
		}
	}
}

// A number that is shared is answered best first, whether all have room or not.
func TestSharedNumbersBestFirst(t *testing.T) {
	shared := func(id directory.ContactID, name, given, written string) *directory.Contact {
		return &directory.Contact{ID: id, Source: directory.SourceUser, DisplayName: name, GivenName: given, Phones: []directory.Phone{{Kind: directory.PhoneWork, Written: written}}}
	}
	s := newSite(t, []*directory.Contact{
		shared("anna", "Anna", "Anna", "030 7654321"), shared("bert", "Bert", "Bert", "030 7654321 DW 12"), shared("zentrale", "Zentrale", "", "+49 30 7654321"),
	}, nil)
	c := s.bound(t)
	// Whom the other half of a filter finds is not held up to be sorted.
	if res, err := c.Search(request("(|(telephoneNumber=0307654321)(objectClass=person))")); err != nil || len(names(res)) != 3 {
		t.Errorf("everybody: %q, %v", names(res), err)
	}
	for asked, want := range map[string][]string{"0307654321": {"zentrale", "anna", "bert"}, "+49307654321;ext=12": {"bert", "zentrale", "anna"}} {
		for size := range 4 { // 0 = as many as there are
			req := request("(|(telephoneNumber=" + asked + ")(mobile=" + asked + "))")
			req.SizeLimit = size
			res, _ := c.Search(req) // a limit that cuts is an error, beside what is found
			cut := want[:]
			if size > 0 {
				cut = want[:size]
			}
			if got := names(res); !slices.Equal(got, cut) {
				t.Errorf("%s, %d at most: %q, want %q", asked, size, got, cut)
			}
		}
	}
}

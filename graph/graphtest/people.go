package graphtest

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// domain is where the sample people have their mail: a name that no one can own.
const domain = "contoso.example"

// samples draws the sample people. Each is a pure function of the seed and its
// number, so that 100,000 of them take no memory and any of them takes
// microseconds.
type samples struct {
	seed     uint64
	photos   float64
	cultures []culture
	offices  []office
	titles   []string
	parts    []string // departments
	known    []person
	twins    []uint16 // how many people before have the same name; by number
}

func newSamples(seed uint64, n int, photos float64) *samples {
	s := &samples{
		seed: seed, photos: photos,
		cultures: cultures(), offices: offices(), titles: jobTitles(), parts: departments(),
		known: knownPeople(), twins: make([]uint16, n),
	}
	seen := make(map[string]uint16, n)
	for i := range n {
		login := s.name(s.random(i)).login
		if i < len(s.known) {
			login, _, _ = strings.Cut(s.known[i].UserPrincipalName, "@")
		}
		s.twins[i] = seen[login]
		seen[login]++
	}
	return s
}

// random returns person i's own source of chance.
func (s *samples) random(i int) *rand.Rand {
	x := uint64(i) * 0x9e3779b97f4a7c15 // neighbours shall not resemble each other
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	return rand.New(rand.NewPCG(s.seed, x^x>>31)) //nolint:gosec // the same people on every machine
}

// id returns the object id of person i.
func (s *samples) id(i int) string {
	if i < len(s.known) {
		return s.known[i].ID
	}
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], s.seed)
	binary.BigEndian.PutUint64(b[8:], uint64(i)) //nolint:gosec // an index is not negative
	sum := sha256.Sum256(b[:])
	return formatID([16]byte(sum[:16]))
}

// A name is how somebody is called.
type name struct {
	given, surname string
	joined         string // both, as in the person's culture
	login          string // in ASCII
}

// name draws a name. It is the first thing drawn of a person.
func (s *samples) name(r *rand.Rand) name {
	total := 0
	for i := range s.cultures {
		total += s.cultures[i].weight
	}
	at, c := r.IntN(total), 0
	for at >= s.cultures[c].weight {
		at -= s.cultures[c].weight
		c++
	}
	from := &s.cultures[c]
	given, givenLogin := romanised(pick(r, from.given))
	surname, surnameLogin := romanised(pick(r, from.surname))
	if !from.surnameFirst && r.IntN(16) == 0 {
		if second, login := romanised(pick(r, from.surname)); second != surname {
			surname, surnameLogin = surname+"-"+second, surnameLogin+"-"+login
		}
	}
	n := name{given: given, surname: surname, joined: given + " " + surname, login: ascii(givenLogin) + "." + ascii(surnameLogin)}
	if from.surnameFirst {
		n.joined = surname + given
	}
	return n
}

func romanised(s string) (native, latin string) {
	native, latin, ok := strings.Cut(s, "|")
	if !ok {
		latin = native
	}
	return native, latin
}

// ascii writes a Latin name as logins have it.
func ascii(s string) string {
	s = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "Ä", "ae", "Ö", "oe", "Ü", "ue", "ß", "ss", "æ", "ae", "Æ", "ae", "ø", "oe", "Ø", "oe", "å", "aa", "Å", "aa",
		"ł", "l", "Ł", "l", "đ", "d", "Đ", "d", "þ", "th", "Þ", "th", "ð", "d", "ı", "i", "İ", "i").Replace(s)
	return strings.Map(func(r rune) rune {
		switch r = unicode.ToLower(r); {
		case 'a' <= r && r <= 'z', r == '-':
			return r
		}
		return -1
	}, norm.NFD.String(s))
}

func pick[T any](r *rand.Rand, of []T) T { return of[r.IntN(len(of))] }

// A person holds the values of a sample person. An empty value was never set.
type person struct {
	ID, DisplayName, GivenName, Surname, Mail, UserPrincipalName string
	JobTitle, Department, Company, EmployeeID                    string
	OfficeLocation, Street, City, State, PostalCode, Country     string
	UsageLocation                                                string
	Business, Mobile, Home, Fax                                  string
	UserType                                                     string // "" = null
	Disabled, Hidden                                             bool
}

// record returns the properties of person i.
func (s *samples) record(i int, id string) *record {
	p := s.person(i)
	p.ID = id
	return p.record()
}

func (s *samples) person(i int) person {
	if i < len(s.known) {
		return s.known[i]
	}
	r := s.random(i)
	n := s.name(r)
	p := person{
		GivenName: n.given, Surname: n.surname, DisplayName: n.joined,
		Company: "Contoso GmbH", Department: pick(r, s.parts), UserType: "Member",
		EmployeeID: fmt.Sprintf("%06d", 100000+i),
	}
	login := n.login
	if twin := s.twins[i]; twin > 0 {
		login = fmt.Sprintf("%s%d", login, twin+1)
	}
	p.UserPrincipalName = login + "@" + domain
	p.Mail = p.UserPrincipalName
	if r.IntN(5) > 0 {
		p.JobTitle = pick(r, s.titles)
	}
	o := s.office(r)
	p.OfficeLocation, p.UsageLocation = o.name, o.code
	if r.IntN(10) > 0 {
		p.Street, p.City, p.State, p.PostalCode, p.Country = o.street, o.city, o.state, o.zip, o.country
	}
	s.style(r, &p, n)
	s.phones(r, &p, o, i)
	s.exceptions(r, &p, login)
	return p
}

func (s *samples) office(r *rand.Rand) *office {
	total := 0
	for i := range s.offices {
		total += s.offices[i].weight
	}
	at, o := r.IntN(total), 0
	for at >= s.offices[o].weight {
		at -= s.offices[o].weight
		o++
	}
	return &s.offices[o]
}

// style varies how the display name is written.
func (s *samples) style(r *rand.Rand, p *person, n name) {
	switch r.IntN(20) {
	case 0, 1, 2:
		p.DisplayName = n.surname + ", " + n.given
	case 3:
		p.DisplayName = "Dr. " + n.joined
	case 4:
		p.DisplayName = n.surname + ", " + n.given + " (" + p.Department + ")"
	case 5:
		p.DisplayName = n.joined + " | Contoso"
	}
}

// exceptions makes some people what address books stumble over.
func (s *samples) exceptions(r *rand.Rand, p *person, login string) {
	switch x := r.IntN(100); {
	case x < 4: // a guest of the tenant
		p.UserType, p.Hidden = "Guest", true
		p.Mail = login + "@fabrikam.example"
		p.UserPrincipalName = login + "_fabrikam.example#EXT#@" + domain
		p.Company, p.EmployeeID, p.Street = "Fabrikam AG", "", ""
	case x < 8:
		p.Disabled = true
	case x < 10:
		p.Hidden = true
	case x < 12:
		p.UserType = ""
	case x < 14: // a room, a service: no name of a person
		p.DisplayName = "Besprechungsraum " + p.City + " " + p.EmployeeID[3:]
		p.GivenName, p.Surname = "", ""
		p.Mail = "raum" + p.EmployeeID + "@" + domain
	case x < 15:
		p.Surname = ""
	case x < 16:
		p.GivenName = ""
	case x < 17: // as much as Entra lets in
		p.DisplayName = fill(p.DisplayName, 256)
		p.JobTitle = fill(p.JobTitle+" und Äußerstes; mit Komma, Semikolon", 128)
		p.Department = fill(p.Department, 64)
		p.Street = fill(p.Street+"\nHinterhof\nAufgang 3", 1024)
	case x < 18:
		p.Mail = ""
	}
}

// fill repeats s up to n characters.
func fill(s string, n int) string {
	text := []rune(strings.Repeat(s+" ", n))
	return string(text[:n-1]) + "."
}

// record turns a person into properties.
func (p *person) record() *record {
	r := &record{}
	arena := make([]byte, 0, 2048)
	put := func(property int, s string) {
		if s == "" {
			return
		}
		start := len(arena)
		arena = quoteTo(arena, s)
		r.values[property] = arena[start:len(arena):len(arena)]
	}
	list := func(property int, s ...string) {
		start := len(arena)
		for i, v := range s {
			arena = quoteTo(append(arena, "[,"[min(i, 1)]), v)
		}
		arena = append(arena, ']')
		r.values[property] = arena[start:len(arena):len(arena)]
	}
	put(propID, p.ID)
	put(propDisplayName, p.DisplayName)
	put(propGivenName, p.GivenName)
	put(propSurname, p.Surname)
	put(propMail, p.Mail)
	put(propUserPrincipalName, p.UserPrincipalName)
	put(propJobTitle, p.JobTitle)
	put(propOfficeLocation, p.OfficeLocation)
	put(propMobilePhone, p.Mobile)
	put(propFaxNumber, p.Fax)
	put(propDepartment, p.Department)
	put(propCompanyName, p.Company)
	put(propEmployeeID, p.EmployeeID)
	put(propStreetAddress, p.Street)
	put(propCity, p.City)
	put(propState, p.State)
	put(propPostalCode, p.PostalCode)
	put(propCountry, p.Country)
	put(propUsageLocation, p.UsageLocation)
	put(propUserType, p.UserType)
	login, _, _ := strings.Cut(p.UserPrincipalName, "@")
	put(propMailNickname, login)
	put(propCreatedDateTime, "2024-02-29T09:30:00Z")
	if p.Mail != "" {
		list(propProxyAddresses, "SMTP:"+p.Mail, "smtp:"+login+"@contoso-old.example")
	}
	r.values[propBusinessPhones] = json.RawMessage("[]")
	if p.Business != "" {
		list(propBusinessPhones, p.Business)
	}
	if p.Home != "" {
		start := len(arena)
		arena = append(quoteTo(append(arena, `{"extensionAttribute1":`...), p.Home), '}')
		r.values[propOnPremisesExtensionAttributes] = arena[start:len(arena):len(arena)]
	}
	r.values[propAccountEnabled] = json.RawMessage(fmt.Sprint(!p.Disabled))
	if p.Hidden {
		r.values[propShowInAddressList] = json.RawMessage("false")
	}
	return r
}

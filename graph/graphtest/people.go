package graphtest

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"unicode/utf8"
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
	// Whom and where to draw: each index as often as its weight says.
	cultureOf, officeOf []uint8
	titles              []string
	parts               []string // departments
	known               []person
	twins               []uint16 // how many people before have the same name; by number
}

func newSamples(seed uint64, n int, photos float64) *samples {
	s := &samples{
		seed: seed, photos: photos,
		cultures: cultures(), offices: offices(), titles: jobTitles(), parts: departments(),
		known: knownPeople(), twins: make([]uint16, n),
	}
	for i := range s.cultures {
		s.cultureOf = append(s.cultureOf, bytes.Repeat([]byte{uint8(i)}, s.cultures[i].weight)...)
	}
	for i := range s.offices {
		s.officeOf = append(s.officeOf, bytes.Repeat([]byte{uint8(i)}, s.offices[i].weight)...)
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
	binary.BigEndian.PutUint64(b[8:], uint64(i))
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
	from := &s.cultures[s.cultureOf[r.IntN(len(s.cultureOf))]]
	given, surname := pick(r, from.given), pick(r, from.surname)
	if !from.surnameFirst && r.IntN(16) == 0 {
		if second := pick(r, from.surname); second != surname {
			surname.native += "-" + second.native
			surname.login += "-" + second.login
		}
	}
	n := name{given: given.native, surname: surname.native, login: given.login + "." + surname.login}
	if from.surnameFirst {
		n.joined = n.surname + n.given
	} else {
		n.joined = n.given + " " + n.surname
	}
	return n
}

func pick[T any](r *rand.Rand, of []T) T { return of[r.IntN(len(of))] }

// SampleSKU is the product that sample people are licensed for: Microsoft 365 E3.
const SampleSKU = "05e9a617-0261-4cee-bb44-138d3ef5d965"

// A person holds the values of a sample person. An empty value was never set.
type person struct {
	ID, DisplayName, GivenName, Surname, Mail, UserPrincipalName string
	JobTitle, Department, Company, EmployeeID                    string
	OfficeLocation, Street, City, State, PostalCode, Country     string
	UsageLocation                                                string
	Business, Mobile, Home, Fax                                  string
	UserType                                                     string // "" = null
	Disabled, Hidden, Unlicensed                                 bool
	Hired                                                        string // date and time
	Manager                                                      string // object id
}

// draw makes r the properties of person i.
func (s *samples) draw(r *record, i int, id string) {
	p := s.person(i)
	p.ID = id
	p.write(r)
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
		EmployeeID: strconv.Itoa(100000 + i),
	}
	login := n.login
	if twin := s.twins[i]; twin > 0 {
		login += strconv.Itoa(int(twin) + 1)
	}
	p.UserPrincipalName = login + "@" + domain
	p.Mail = p.UserPrincipalName
	if r.IntN(5) > 0 {
		p.JobTitle = pick(r, s.titles)
	}
	o := &s.offices[pick(r, s.officeOf)]
	p.OfficeLocation, p.UsageLocation = o.name, o.code
	if r.IntN(10) > 0 {
		p.Street, p.City, p.State, p.PostalCode, p.Country = o.street, o.city, o.state, o.zip, o.country
	}
	s.style(r, &p, n)
	s.phones(r, &p, o, i)
	s.work(&p, i)
	s.exceptions(r, &p, login)
	return p
}

// work says what nobody is shown: since when, and under whom. It is not drawn,
// so that all else stays as it was: everybody's manager is one of the hundred
// who came first of each thousand, theirs the very first.
func (s *samples) work(p *person, i int) {
	p.Hired = fmt.Sprintf("20%02d-%02d-01T00:00:00Z", 5+i%20, 1+i%12)
	p.Unlicensed = i%50 == 49
	boss := i / 1000 * 1000
	if i%1000 >= 100 {
		boss += i % 100
	}
	if boss != i {
		p.Manager = s.id(boss)
	}
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
	text := []rune(strings.Repeat(s+" ", n/utf8.RuneCountInString(s)+1))
	return string(text[:n-1]) + "."
}

// write makes r the properties of a person. It uses r's memory again.
func (p *person) write(r *record) {
	*r = record{arena: r.arena[:0]}
	for property, s := range p.texts() {
		if s != "" {
			r.keep(property, func(dst []byte) []byte { return quoteTo(dst, s) })
		}
	}
	login, _, _ := strings.Cut(p.UserPrincipalName, "@")
	r.keep(propMailNickname, func(dst []byte) []byte { return quoteTo(dst, login) })
	if p.Mail != "" {
		r.keep(propProxyAddresses, func(dst []byte) []byte {
			dst = append(quoteTo(append(dst, '['), "SMTP:"+p.Mail), ',')
			return append(quoteTo(dst, "smtp:"+login+"@contoso-old.example"), ']')
		})
	}
	r.values[propBusinessPhones] = json.RawMessage("[]")
	if p.Business != "" {
		r.keep(propBusinessPhones, func(dst []byte) []byte { return append(quoteTo(append(dst, '['), p.Business), ']') })
	}
	if p.Home != "" {
		r.keep(propOnPremisesExtensionAttributes, func(dst []byte) []byte {
			return append(quoteTo(append(dst, `{"extensionAttribute1":`...), p.Home), '}')
		})
	}
	r.keep(propAccountEnabled, func(dst []byte) []byte { return strconv.AppendBool(dst, !p.Disabled) })
	if !p.Unlicensed {
		r.values[propAssignedLicenses] = json.RawMessage(`[{"disabledPlans":[],"skuId":"` + SampleSKU + `"}]`)
	}
	if p.Manager != "" {
		r.keep(propManager, func(dst []byte) []byte {
			return append(quoteTo(append(dst, `[{"@odata.type":"#microsoft.graph.user","id":`...), p.Manager), "}]"...)
		})
	}
	if p.Hidden {
		r.values[propShowInAddressList] = json.RawMessage("false")
	}
}

// texts returns the properties that are plain strings, by number.
func (p *person) texts() [propCount]string {
	return [propCount]string{
		propID: p.ID, propDisplayName: p.DisplayName, propGivenName: p.GivenName, propSurname: p.Surname,
		propMail: p.Mail, propUserPrincipalName: p.UserPrincipalName, propJobTitle: p.JobTitle,
		propOfficeLocation: p.OfficeLocation, propMobilePhone: p.Mobile, propFaxNumber: p.Fax,
		propDepartment: p.Department, propCompanyName: p.Company, propEmployeeID: p.EmployeeID,
		propStreetAddress: p.Street, propCity: p.City, propState: p.State, propPostalCode: p.PostalCode,
		propCountry: p.Country, propUsageLocation: p.UsageLocation, propUserType: p.UserType,
		propCreatedDateTime: "2024-02-29T09:30:00Z", propEmployeeHireDate: p.Hired, propEmployeeType: "Employee",
	}
}

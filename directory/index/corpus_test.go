package index_test

import (
	"encoding/csv"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ringbook/directory"
	"ringbook/directory/filter"
	"ringbook/directory/index"
	"ringbook/directory/number"
)

// corpusSites is the company of the corpus: a site in each country, named after it.
var corpusSites = []number.Site{
	{Name: "de", Country: "DE", AreaCode: "30", ExternalPrefix: "0", Stem: "+49305557", Extensions: "1000-4999", Locations: []string{"DE"}},
	{Name: "at", Country: "AT", AreaCode: "1", ExternalPrefix: "0", Stem: "+4315555", Extensions: "100-499", Locations: []string{"AT"}},
	{Name: "ch", Country: "CH", ExternalPrefix: "0", Stem: "+4144555", Extensions: "1000-1999", Locations: []string{"CH"}},
	{Name: "fr", Country: "FR", ExternalPrefix: "0", Stem: "+3314455", Extensions: "6600-6699", Locations: []string{"FR"}},
	{Name: "it", Country: "IT", ExternalPrefix: "9", Stem: "+39065555", Extensions: "1000-1999", Locations: []string{"IT"}},
	{Name: "nl", Country: "NL", AreaCode: "20", ExternalPrefix: "0", Stem: "+3120555", Extensions: "1000-1999", Locations: []string{"NL"}},
	{Name: "pl", Country: "PL", ExternalPrefix: "0", Stem: "+4822555", Extensions: "1000-1999", Locations: []string{"PL"}},
	{Name: "gb", Country: "GB", AreaCode: "20", ExternalPrefix: "9", Stem: "+44207946", Extensions: "0100-0999", Locations: []string{"GB"}},
	{Name: "us", Country: "US", AreaCode: "617", ExternalPrefix: "9", Stem: "+1617555", Extensions: "0100-0199", Locations: []string{"US"}},
}

func companyOf(tb testing.TB, sites []number.Site) *number.Plan {
	tb.Helper()
	plan, err := number.NewPlans(sites[0], sites[1:]...)
	if err != nil {
		tb.Fatal(err)
	}
	return plan
}

// viewOf returns a view of contacts, all of them in one book, whose numbers are
// read as a source reads them.
func viewOf(tb testing.TB, plan *number.Plan, people []*directory.Contact) *index.View {
	tb.Helper()
	all := make([]index.Stored, len(people))
	marks := make([]index.Mark, len(people))
	for i, c := range people {
		for n, p := range c.Phones {
			if p.E164 == "" {
				c.Phones[n].E164 = plan.Read(c, p.Written)
			}
		}
		all[i], marks[i] = index.Stored{Contact: c}, index.Mark{Book: "all", ID: c.ID, Revision: 1}
	}
	x, err := index.New(index.Options{Books: []directory.Book{{Name: "all", Filter: "(uid=*)"}}, Plan: plan}, "e", 1, slices.Values(all), slices.Values(marks))
	if err != nil {
		tb.Fatal(err)
	}
	return x.View()
}

// at returns the book as a device of a site sees it.
func at(v *index.View, site directory.SiteName) *index.Book {
	return v.ShelfOf(directory.Device{State: directory.DeviceActive, Site: site, Books: []directory.BookName{"all"}})[0]
}

// found returns the ids of whom a filter finds, separated by blanks.
func found(b *index.Book, f *filter.Filter) string {
	var ids []string
	for e := range b.Search(f) {
		ids = append(ids, string(e.Contact().ID))
	}
	return strings.Join(ids, " ")
}

func whole(asked string) *filter.Filter {
	return &filter.Filter{Op: filter.Equal, Attribute: "searchNumber", Value: asked}
}

func table(tb testing.TB, name string) [][]string {
	tb.Helper()
	f, err := os.Open(filepath.Join("..", "number", "testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		tb.Fatal(err)
	}
	return rows[1:]
}

// The corpus: what phones and people in nine countries send and type (asked),
// which one of all people of the company it must find, and nobody else; and where
// that spelling comes from. "plan:" rows were generated from the plans above.
func TestCorpusOfSpellings(t *testing.T) {
	var people []*directory.Contact
	for _, r := range table(t, "people.csv") {
		id := strings.ToLower(r[0] + "-" + r[1])
		people = append(people, &directory.Contact{ID: directory.ContactID(id), Office: r[0], Phones: []directory.Phone{{Kind: directory.PhoneWork, Written: r[2]}}})
	}
	v := viewOf(t, companyOf(t, corpusSites), people)
	count := map[string]int{}
	for _, r := range table(t, "corpus.csv") {
		count[r[0]]++
		country, asked, want := strings.ToLower(r[0]), r[1], ""
		if r[2] != "" {
			want = country + "-" + r[2]
		}
		b := at(v, directory.SiteName(country))
		if got := found(b, whole(asked)); got != want {
			t.Errorf("%s: %q finds %q, want %q (%s)", r[0], asked, got, want, r[3])
		}
		begins := &filter.Filter{Op: filter.Substrings, Attribute: "searchNumber", Initial: asked}
		if want != "" && !slices.Contains(strings.Fields(found(b, begins)), want) {
			t.Errorf("%s: %q* does not find %q (%s)", r[0], asked, want, r[3])
		}
	}
	want := map[string]int{"DE": 100, "AT": 68, "CH": 58, "FR": 59, "IT": 58, "NL": 64, "PL": 57, "GB": 64, "US": 72}
	if !maps.Equal(count, want) {
		t.Errorf("the corpus has %v rows, want %v", count, want)
	}
}

// dialled returns every spelling in which a plan lets a number be dialled or sent,
// given as it is from outside, in E.164.
func dialled(s number.Site, e164 string) (all []string) {
	code, trunk, exit := dialling(s.Country)
	national, home := strings.CutPrefix(e164, "+"+code)
	lines := []string{"00" + e164[1:], exit + e164[1:]}
	if home {
		lines = append(lines, trunk+national)
		if local, inTown := strings.CutPrefix(national, s.AreaCode); inTown && s.AreaCode != "" {
			lines = append(lines, local)
		}
	}
	all = append(lines, e164, "tel:"+e164, "sip:"+e164+"@pbx;user=phone", e164[:4]+" ("+e164[4:6]+") "+e164[6:8]+"-"+e164[8:])
	for _, l := range lines {
		all = append(all, s.ExternalPrefix+l)
	}
	from, to, _ := strings.Cut(s.Extensions, "-")
	if short, inside := strings.CutPrefix(e164, s.Stem); inside && len(short) == len(from) && from <= short && short <= to {
		all = append(all, short, "sip:"+short+"@pbx")
	}
	return all
}

func dialling(country string) (code, trunk, exit string) {
	switch country {
	case "DE":
		return "49", "0", "00"
	case "AT":
		return "43", "0", "00"
	}
	return "1", "", "011"
}

// crowdSites have extensions in common, and external prefixes.
var crowdSites = []number.Site{
	{Name: "berlin", Country: "DE", AreaCode: "30", ExternalPrefix: "0", Stem: "+49305557", Extensions: "10000-49999", Locations: []string{"berlin"}},
	{Name: "munich", Country: "DE", AreaCode: "89", ExternalPrefix: "0", Stem: "+49895557", Extensions: "10000-49999", Locations: []string{"munich"}},
	{Name: "vienna", Country: "AT", AreaCode: "1", ExternalPrefix: "0", Stem: "+431777", Extensions: "1000-8999", Locations: []string{"vienna"}},
	{Name: "boston", Country: "US", AreaCode: "617", ExternalPrefix: "9", Stem: "+161755", Extensions: "50000-54999", Locations: []string{"boston"}},
}

// crowd makes n people at those sites, each with an extension and a mobile number
// of their own, in E.164.
func crowd(r *rand.Rand, n int) []*directory.Contact {
	taken := make(map[string]bool, 2*n)
	one := func(draw func() string) string {
		for {
			if s := draw(); !taken[s] {
				taken[s] = true
				return s
			}
		}
	}
	people := make([]*directory.Contact, n)
	for i := range people {
		site := r.IntN(len(crowdSites))
		var desk, mobile func() string
		switch site {
		case 0, 1:
			desk = func() string { return crowdSites[site].Stem + fmt.Sprint(10000+r.IntN(40000)) }
			mobile = func() string { return fmt.Sprintf("+491%d%d", 51+r.IntN(28), 1000000+r.IntN(9000000)) }
		case 2:
			desk = func() string { return fmt.Sprint("+431", 2000000+r.IntN(6000000)) }
			mobile = func() string { return fmt.Sprint("+43664", 1000000+r.IntN(9000000)) }
		default:
			desk = func() string { return fmt.Sprint("+1617", 2000000+r.IntN(7000000)) }
			mobile = func() string { return fmt.Sprint("+1", 2010000000+r.IntN(700000000)) }
		}
		a, b := one(desk), one(mobile)
		people[i] = &directory.Contact{
			ID: directory.ContactID(fmt.Sprintf("p-%06d", i)), Office: string(crowdSites[site].Name),
			Phones: []directory.Phone{{Kind: directory.PhoneWork, Written: a, E164: a}, {Kind: directory.PhoneMobile, Written: b, E164: b}},
		}
	}
	return people
}

// Every spelling that a plan allows finds whose number it is, from every site, and
// nobody else.
func TestEverySpellingFindsOnePerson(t *testing.T) {
	people := crowd(rand.New(rand.NewPCG(1, 6)), 1000)
	v := viewOf(t, companyOf(t, crowdSites), people)
	asked := 0
	for _, site := range crowdSites {
		b := at(v, site.Name)
		for _, c := range people {
			for _, p := range c.Phones {
				for _, s := range dialled(site, p.E164) {
					asked++
					if got := found(b, whole(s)); got != string(c.ID) {
						t.Errorf("%s: %s for %s finds %q, want %q", site.Name, s, p.E164, got, c.ID)
					}
				}
			}
		}
	}
	if asked < 70_000 {
		t.Errorf("%d spellings", asked)
	}
}

var foreign = flag.Int("foreign", 20_000, "how many foreign numbers the precision is measured with")

// No number of a stranger finds anybody, in whatever way an exchange sends it:
// neither as a whole, nor as the end of a number. Run with -foreign 1000000 for the
// figure in full.
func TestStrangersAreNobody(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 6))
	people := crowd(r, 100_000)
	known := make(map[string]bool, 2*len(people))
	for _, c := range people {
		for _, p := range c.Phones {
			known[p.E164] = true
		}
	}
	v := viewOf(t, companyOf(t, crowdSites), people)
	codes := []string{"33", "34", "39", "41", "44", "45", "46", "47", "48", "31", "32", "30", "36", "420", "351", "353", "90", "81", "86", "91", "61", "55", "7", "971", "972", "27"}
	wrong := 0
	for i := range *foreign {
		e := "+" + codes[r.IntN(len(codes))]
		for length := 10 + r.IntN(4); len(e) < length; {
			e += fmt.Sprint(r.IntN(10))
		}
		if known[e] {
			continue
		}
		site := crowdSites[i%len(crowdSites)]
		spellings := dialled(site, e)
		s := spellings[i/len(crowdSites)%len(spellings)]
		ends := &filter.Filter{Op: filter.Substrings, Attribute: "searchNumber", Final: s}
		if got := found(at(v, site.Name), whole(s)) + found(at(v, site.Name), ends); got != "" {
			wrong++
			t.Logf("%s: %s, which is %s, finds %s", site.Name, s, e, got)
		}
	}
	t.Logf("%d of %d foreign numbers find somebody", wrong, *foreign)
	if wrong > 0 {
		t.Errorf("%d false names", wrong)
	}
}

// One number among 100,000 people of four sites, as an incoming call has it.
func BenchmarkHolders(b *testing.B) {
	people := crowd(rand.New(rand.NewPCG(3, 6)), 100_000)
	plan := companyOf(b, crowdSites)
	v := viewOf(b, plan, people)
	berlin := at(v, "berlin")
	var asked []string
	for _, c := range people[:1000] {
		s := dialled(crowdSites[0], c.Phones[0].E164)
		asked = append(asked, s[len(asked)%len(s)])
	}
	b.ReportAllocs()
	start, i := processorTime(), 0
	for b.Loop() {
		if i++; len(berlin.Holders(asked[i%len(asked)])) != 1 {
			b.Fatal(asked[i%len(asked)])
		}
	}
	reportProcessorTime(b, start)
}

// The number of the exchange, which all of 20,000 people have with an extension.
func BenchmarkHoldersOfOneNumber(b *testing.B) {
	const shared, sharers = "+49305557000", 20_000
	people := make([]*directory.Contact, 0, sharers)
	for i := range sharers {
		people = append(people, &directory.Contact{
			ID: directory.ContactID(fmt.Sprint("p", i)), GivenName: "Anna", Surname: fmt.Sprint("Meier", i*7919%sharers),
			Phones: []directory.Phone{{Kind: directory.PhoneWork, Written: fmt.Sprint("+49 30 5557 000 ext. ", 10+i%90)}},
		})
	}
	book := at(viewOf(b, companyOf(b, corpusSites), people), "")
	start := processorTime()
	for b.Loop() {
		if len(book.Holders(shared)) != sharers {
			b.Fatal("not everybody is found")
		}
	}
	reportProcessorTime(b, start)
}

package e2e_test

import (
	"encoding/base64"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The people of TestOrderOfNames, as Sweden lists them and as the root order does.
const (
	swedish   = "Adam Olof Wilma Zara Åsa Ärling Örjan"
	bySurname = "Wilma Åsa Ärling Adam Örjan Olof Zara" // Ahl Berg Dahl Ek Falk Ås Öst
	unswedish = "Adam Ärling Åsa Olof Örjan Wilma Zara"
)

// nordic searches for them, and returns their given names in the order of the answer.
func (d desk) nordic(args ...string) (given []string) {
	d.t.Helper()
	for _, e := range d.search(append(args, "(o=Nordic)", "givenName")...) {
		given = append(given, e.values["givenName"]...)
	}
	return given
}

// window looks at a part of the list, and no further.
func (d desk) window(at string) string {
	d.t.Helper()
	_, out, _ := d.tool("", "ldapsearch", "-b", baseDN, "-E", "!sss=cn", "-E", "!vlv="+at, "(o=Nordic)", "givenName")
	out, _, _ = strings.Cut(out, "Press [") // it goes on by itself where nobody types
	var names []string
	for _, e := range parseLDIF(d.t, out) {
		names = append(names, e.values["givenName"]...)
	}
	return strings.Join(names, " ")
}

// page asks for a page of three behind a cookie, in base64. It is sent as any control
// is, since ldapsearch gives a cookie back only to the server that it is talking to.
func (d desk) page(cookie string) (code int, given []string, next string, said string) {
	d.t.Helper()
	c, err := base64.StdEncoding.DecodeString(cookie)
	if err != nil {
		d.t.Fatal(err)
	}
	value := append([]byte{0x30, byte(3 + 2 + len(c)), 2, 1, 3, 4, byte(len(c))}, c...)
	if len(c) > 0x78 {
		value = append([]byte{0x30, 0x81, byte(3 + 3 + len(c)), 2, 1, 3, 4, 0x81, byte(len(c))}, c...)
	}
	code, out, errs := d.tool("", "ldapsearch", "-o", "ldif_wrap=no", "-b", baseDN, "-E", "!1.2.840.113556.1.4.319=::"+base64.StdEncoding.EncodeToString(value), "(o=Nordic)", "givenName")
	for _, e := range parseLDIF(d.t, out) {
		given = append(given, e.values["givenName"]...)
	}
	if m := regexp.MustCompile(`pagedresults: .*cookie=(\S*)`).FindStringSubmatch(out); m != nil {
		next = m[1]
	}
	return code, given, next, out + errs
}

// TestOrderOfNames: a company in Sweden has its people in the order of Sweden, wherever they are
// listed, and no client that reads page by page misses any when the order becomes another one.
func TestOrderOfNames(t *testing.T) {
	need(t, "curl")
	s := startTenant(t, 20, "--photos", "0")
	for name := range strings.SplitSeq("Adam Ek, Örjan Falk, Zara Öst, Wilma Ahl, Åsa Berg, Olof Ås, Ärling Dahl", ", ") {
		given, surname, _ := strings.Cut(name, " ")
		s.add(person(given, surname, map[string]any{"companyName": "Nordic", "mobilePhone": "+46 70 1740605", "userPrincipalName": surname + "@contoso.example"}))
	}
	r := startRingbook(t, s, "[numbers]", `country = "SE"`)
	d := startDesk(t, r)
	want := strings.Fields(swedish)
	backwards := slices.Clone(want)
	slices.Reverse(backwards)
	for args, want := range map[string][]string{
		"":                               want,
		"-E pr=1/noprompt":               want,
		"-E pr=2/noprompt":               want,
		"-E sss=cn":                      want,
		"-E !sss=-cn":                    backwards,
		"-E !sss=sn":                     strings.Fields(bySurname),
		"-E !sss=sn -E pr=2/noprompt":    strings.Fields(bySurname),
		"-E !sss=-cn -E pr=3/noprompt":   backwards,
		"-z 1000 -E sss=cn -s children":  want,
		"-b " + bookDN + " -s one":       want,
		"-b " + bookDN + " -E !sss=-cn ": backwards,
	} {
		if got := d.nordic(strings.Fields(args)...); !slices.Equal(got, want) {
			t.Errorf("ldapsearch %s: %q, want %q", args, got, want)
		}
	}
	for window, want := range map[string]string{"0/6/1/0": swedish, "1/1:Å": "Zara Åsa Ärling", "0/1:Ä": "Ärling Örjan"} {
		if got := d.window(window); got != want {
			t.Errorf("a list view at %s: %q, want %q", window, got, want)
		}
	}
	if got := r.bookOrder(d.device); got != swedish {
		t.Errorf("the phone book: %q, want %q", got, swedish)
	}
	if got := r.exportOrder(); got != swedish {
		t.Errorf("the export: %q, want %q", got, swedish)
	}

	_, first, cookie, _ := d.page("")
	r.restart()
	if _, second, _, said := d.page(cookie); !slices.Equal(append(slices.Clone(first), second...), want[:6]) {
		t.Errorf("after a restart: %q, %q: %s", first, second, said)
	}
	t.Setenv("RINGBOOK_LANGUAGE", "root")
	r.restart()
	if code, second, _, said := d.page(cookie); code != exitUnwilling || len(second) != 0 || !strings.Contains(said, "the order of names is another one now") {
		t.Errorf("in another order: exit code %d, %q: %s", code, second, said)
	}
	want = strings.Fields(unswedish)
	if got := d.nordic("-E", "pr=2/noprompt"); !slices.Equal(got, want) {
		t.Errorf("in the root order: %q, want %q", got, want)
	}
	if book, export := r.bookOrder(d.device), r.exportOrder(); book != unswedish || export != unswedish {
		t.Errorf("in the root order the phone book is %q, and the export %q", book, export)
	}
}

// given returns the given names of those of swedish who are in a text, in its order.
func given(s string) string {
	var at []string
	for _, word := range regexp.MustCompile(`\pL+`).FindAllString(s, -1) {
		if slices.Contains(strings.Fields(swedish), word) && !slices.Contains(at, word) {
			at = append(at, word)
		}
	}
	return strings.Join(at, " ")
}

func (r *ringbook) bookOrder(d device) string {
	r.t.Helper()
	return given(must(r.t, "curl", "-sS", "-u", d.Login+":"+d.Secret, r.url+"/phonebook/yealink.xml"))
}

func (r *ringbook) exportOrder() string {
	r.t.Helper()
	file := filepath.Join(r.t.TempDir(), "people.csv")
	r.do("contact", "export", file)
	return given(must(r.t, "grep", "Nordic", file))
}

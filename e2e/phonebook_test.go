package e2e_test

import (
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A bookPhone is a desk phone without LDAP: curl, with what a kit says.
type bookPhone struct {
	r           *ringbook
	url         string // with credentials, as phones without a field for them have it
	plain       string
	user, place string
}

// kitPhone sets a phone up with the kit for Yealink.
func kitPhone(r *ringbook, d device) *bookPhone {
	r.t.Helper()
	secret := filepath.Join(r.t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(d.Secret), 0o600); err != nil {
		r.t.Fatal(err)
	}
	kit := r.do("device", "kit", d.ID, "--vendor", "yealink-xml", "--secret-file", secret)
	setting := func(name string) string {
		m := regexp.MustCompile(`(?m)^remote_phonebook\.data\.1\.` + name + ` = (.*)$`).FindStringSubmatch(kit)
		if m == nil {
			r.t.Fatalf("no %s in the kit:\n%s", name, kit)
		}
		return m[1]
	}
	p := &bookPhone{r: r, plain: setting("url"), user: setting("username") + ":" + setting("password"), place: r.t.TempDir()}
	p.url = strings.Replace(p.plain, "://", "://"+p.user+"@", 1)
	return p
}

// curl returns the status, and what came with it.
func (p *bookPhone) curl(args ...string) (status, body string) {
	p.r.t.Helper()
	out := filepath.Join(p.place, "book.xml")
	_ = os.Remove(out)
	status = must(p.r.t, "curl", append([]string{"-sS", "--cacert", p.r.ca, "-o", out, "-w", "%{http_code}"}, args...)...)
	b, err := os.ReadFile(out)
	if err != nil && !os.IsNotExist(err) {
		p.r.t.Fatal(err)
	}
	return status, string(b)
}

// poll fetches the book if it is another one than the last time, as a phone does
// that keeps tags; it returns the status and who is in the book.
func (p *bookPhone) poll() (status string, names []string) {
	p.r.t.Helper()
	tag := filepath.Join(p.place, "etag")
	status, body := p.curl("--etag-compare", tag, "--etag-save", tag, p.url)
	if status != "200" {
		return status, nil
	}
	return status, namesIn(p.r.t, body)
}

func namesIn(t *testing.T, body string) (names []string) {
	t.Helper()
	var doc struct {
		XMLName xml.Name `xml:"YealinkIPPhoneDirectory"`
		Entries []struct {
			Name      string
			Telephone []string
		} `xml:"DirectoryEntry"`
	}
	if err := xml.Unmarshal([]byte(body), &doc); err != nil {
		t.Fatalf("%v: %s", err, tail(body, 2000))
	}
	for _, e := range doc.Entries {
		if len(e.Telephone) == 0 {
			t.Errorf("%s has no number", e.Name)
		}
		names = append(names, e.Name)
	}
	return names
}

// TestPhoneBook: a phone without LDAP, from its kit to its end.
func TestPhoneBook(t *testing.T) {
	need(t, "curl")
	s := startTenant(t, 40)
	r := newRingbook(t, s)
	r.overTLS()
	r.serve()
	r.waitReady()
	d, other := r.addDevice("--kind", "deskphone", "--numbers", "national"), r.addDevice("--kind", "deskphone")
	p := kitPhone(r, d)
	anna := s.add(person("Anna", "Ader", nil))

	r.do("sync") // with the photos, which are changes too
	status, names := p.poll()
	if status != "200" || !slices.Contains(names, grossName) || len(names) > r.served() {
		t.Fatalf("%s: %q", status, names)
	}
	if _, body := p.curl("-u", p.user, p.plain+"?q=gro%C3%9F"); !slices.Contains(namesIn(t, body), grossName) || !strings.Contains(body, "<Telephone>03023125042</Telephone>") {
		t.Errorf("a search: %s", body)
	}
	if status, body := p.curl(p.plain); status != "401" || strings.Contains(body, "<") {
		t.Errorf("without a login: %s %s", status, body)
	}
	if status, _ := p.poll(); status != "304" {
		t.Errorf("nothing is new: %s", status)
	}
	if said := r.do("device", "show", d.ID); !strings.Contains(said, "up to date, last read just now") || !strings.Contains(said, "curl/") {
		t.Errorf("device show: %s", said)
	}

	s.patch(anna, map[string]any{"displayName": "Anna & <Söhne>", "mobilePhone": "+49 171 2345678"})
	r.do("sync")
	if status, names = p.poll(); status != "200" || !slices.Contains(names, "Anna & <Söhne>") {
		t.Errorf("after a change: %s %q", status, names)
	}
	r.restart()
	if status, _ := p.poll(); status != "304" {
		t.Errorf("after a restart: %s", status)
	}
	for _, form := range []string{"yealink-book.xml", "snom.xml", "snom-tbook.xml", "grandstream/phonebook.xml", "cisco.xml", "fanvil.xml"} {
		status, body := p.curl("-u", p.user, strings.Replace(p.plain, "yealink.xml", form, 1))
		if err := xml.Unmarshal([]byte(body), new(struct{ XMLName xml.Name })); status != "200" || err != nil {
			t.Errorf("%s: %s %v", form, status, err)
		}
	}

	r.do("device", "revoke", d.ID, "--drain")
	if status, names := p.poll(); status != "200" || len(names) != 0 {
		t.Errorf("draining: %s %q", status, names)
	}
	if status, _ := p.poll(); status != "304" {
		t.Errorf("it knows: %s", status)
	}
	r.restart() // it looks who has emptied itself when it starts, and every hour
	eventually(t, "the drained phone is retired", func() error {
		if status, _ := p.poll(); status != "401" {
			return fmt.Errorf("status %s", status)
		}
		return nil
	})

	p = kitPhone(r, other)
	if status, _ := p.poll(); status != "200" {
		t.Errorf("another phone: %s", status)
	}
	r.do("device", "revoke", other.ID)
	if status, _ := p.poll(); status != "401" {
		t.Errorf("revoked: %s", status)
	}
}

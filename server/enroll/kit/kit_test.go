package kit

import (
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"ringbook/directory"
)

var update = flag.Bool("update", false, "write the kits of testdata anew")

func desk() directory.Device {
	return directory.Device{
		ID: "k7mpq2xa", Login: "k7mpq2xa", Name: "Reception", Kind: directory.KindDeskphone,
		Books: []directory.BookName{"people"}, Numbers: directory.NumbersE164, State: directory.DeviceActive,
	}
}

func contoso() Access {
	return Access{
		Title: "Contoso & Söhne", PublicURL: "https://contacts.contoso.com",
		LDAP: "ldap://contacts.contoso.com", LDAPS: "ldaps://contacts.contoso.com", StartTLS: true,
		BindDN: "cn=k7mpq2xa,dc=ringbook", BaseDN: "dc=ringbook",
	}
}

// make makes a kit that must be one.
func mustMake(t *testing.T, v Vendor, a Access, d directory.Device, secret string) Kit {
	t.Helper()
	k, err := Make(v, a, d, secret, false)
	if err != nil {
		t.Fatalf("%s: %v", v, err)
	}
	return k
}

// TestGolden: each file of testdata is the kit of one vendor, with what is said
// about it, with and without a secret. There is one for every vendor.
func TestGolden(t *testing.T) {
	if *update && os.Getenv("CI") != "" {
		t.Fatal("-update in CI would make every kit right")
	}
	for _, v := range Vendors() {
		t.Run(string(v), func(t *testing.T) {
			known := mustMake(t, v, contoso(), desk(), "abcdefghjkmnpqrstuvw")
			open := mustMake(t, v, contoso(), desk(), "")
			got := txtar.Format(&txtar.Archive{
				Comment: []byte(known.Title + "\nfile: " + known.File + "\n"),
				Files: []txtar.File{
					{Name: "kit", Data: known.Text},
					{Name: "advice", Data: []byte(strings.Join(known.Advice, "\n") + "\n")},
					{Name: "without a secret", Data: []byte(cmpLines(known, open))},
				},
			})
			file := filepath.Join("testdata", string(v)+".txtar")
			if *update {
				if err := os.WriteFile(file, got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) != len(Vendors()) {
		t.Errorf("%d golden files, %d vendors, %v", len(files), len(Vendors()), err)
	}
}

// cmpLines returns the lines and the advice of b that a does not have.
func cmpLines(a, b Kit) string {
	var more strings.Builder
	have := string(a.Text) + strings.Join(a.Advice, "\n")
	for _, l := range append(strings.Split(string(b.Text), "\n"), b.Advice...) {
		if !strings.Contains(have, l) {
			more.WriteString(l + "\n")
		}
	}
	return more.String()
}

func TestTable(t *testing.T) {
	seen := map[Vendor]bool{}
	for _, v := range Vendors() {
		if seen[v] || Title(v) == "" {
			t.Errorf("%q twice, or without a title", v)
		}
		seen[v] = true
	}
	hole := regexp.MustCompile(`\{[a-z0-9-]+\}`)
	for i := range rows {
		r := &rows[i]
		if r.source == "" {
			t.Errorf("%s: nobody knows where this is from", r.vendor)
		}
		if (r.ways == ways{}) == (r.book == "") {
			t.Errorf("%s: LDAP or phone book?", r.vendor)
		}
		k := mustMake(t, r.vendor, contoso(), desk(), "")
		if m := hole.FindAllString(string(k.Text)+k.File, -1); m != nil {
			t.Errorf("%s: %v is not filled in", r.vendor, m)
		}
		for _, f := range append(append([]string{}, r.names...), r.numbers...) {
			if !strings.Contains(f, r.token) {
				t.Errorf("%s: no %s in %s", r.vendor, r.token, f)
			}
		}
	}
	if Title("nobody") != "" {
		t.Error("a title of nobody")
	}
}

func TestUnknownVendor(t *testing.T) {
	_, err := Make("yeahlink", contoso(), desk(), "", false)
	if !errors.Is(err, directory.ErrInvalid) || !strings.Contains(err.Error(), "yealink, ") {
		t.Error(err)
	}
}

// TestWays: each family takes the best way that it and the server have in common.
func TestWays(t *testing.T) {
	const ldap, ldaps = "ldap://h.example", "ldaps://h.example:1636"
	for _, c := range []struct {
		name    string
		vendor  Vendor
		a       Access
		want    string // in the kit
		advises string
	}{
		{"LDAPS first", "yealink", Access{LDAP: ldap, LDAPS: ldaps, StartTLS: true, Plain: true}, "ldap.tls_mode = 2\n", "trust"},
		{"its port", "yealink", Access{LDAPS: ldaps}, "ldap.port = 1636\n", "trust"},
		{"StartTLS", "yealink", Access{LDAP: ldap, StartTLS: true}, "ldap.tls_mode = 1\n", "trust"},
		{"StartTLS before plain", "gigaset-maxwell", Access{LDAP: ldap, StartTLS: true, Plain: true}, `Security" value="1"`, "trust"},
		{"plain", "yealink", Access{LDAP: ldap, Plain: true}, "ldap.tls_mode = 0\n", "readable"},
		{"Snom knows no StartTLS", "snom", Access{LDAP: ldap, StartTLS: true}, `<ldap_port perm="">636<`, "ldap.ldaps_listen"},
		{"Gigaset P neither", "gigaset-p", Access{LDAP: ldap, StartTLS: true}, `<ldap_over_tls perm="">on<`, "ldap.ldaps_listen"},
		{"Akuvox neither", "akuvox", Access{LDAP: ldap, StartTLS: true}, "Port = 636\n", "ldap.ldaps_listen"},
		{"Snom plain", "snom", Access{LDAP: ldap, StartTLS: true, Plain: true}, `<ldap_over_tls perm="">off<`, "readable"},
		{"Sangoma knows no TLS", "sangoma", Access{LDAP: ldap, LDAPS: ldaps, StartTLS: true}, "389", "ldap.allow_plain"},
		{"Sangoma plain", "sangoma", Access{LDAP: ldap + ":1389", LDAPS: ldaps, Plain: true}, "1389", "readable"},
		{"Fanvil StartTLS", "fanvil", Access{LDAP: ldap, StartTLS: true}, "LDAP1 Use SSL            :2\n", "trust"},
		{"Fanvil LDAPS", "fanvil", Access{LDAPS: ldaps}, "LDAP1 Use SSL            :1\n", "trust"},
		{"Cisco StartTLS", "cisco", Access{LDAP: ldap, StartTLS: true}, `>ldap://h.example:389</LDAP_Server>` + "\n  " + `<LDAP_StartTLS_Enable ua="na">Yes<`, "trust"},
		{"Cisco LDAPS", "cisco", Access{LDAPS: ldaps}, `>ldaps://h.example:1636</LDAP_Server>` + "\n  " + `<LDAP_StartTLS_Enable ua="na">No<`, "trust"},
		{"Linphone takes its authorities for StartTLS only", "linphone", Access{LDAP: ldap, LDAPS: ldaps, StartTLS: true}, "server=ldap://h.example:389\nuse_tls=1\n", "trust"},
		{"Linphone without it", "linphone", Access{LDAPS: ldaps}, "server=ldap://p.example:389\nuse_tls=1\n", "ldap.listen"},
		{"Apple LDAPS", Apple, Access{LDAPS: ldaps, LDAP: ldap, StartTLS: true}, "<string>h.example:1636</string>", "trust"},
		{"Apple knows no StartTLS", Apple, Access{LDAP: ldap, StartTLS: true}, "<string>p.example</string>", "ldap.ldaps_listen"},
		{"no LDAP at all, and none needed", "cisco-xml", Access{}, "https://p.example/x/phonebook/cisco.xml<", ""},
		{"nobody listens", "yealink", Access{}, "ldap.port = 636\n", "ldap.ldaps_listen"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.a.PublicURL, c.a.BindDN, c.a.BaseDN = "https://p.example/x/", "cn=k7mpq2xa,dc=ringbook", "dc=ringbook"
			k := mustMake(t, c.vendor, c.a, desk(), "s")
			if !strings.Contains(string(k.Text), c.want) {
				t.Errorf("no %q in\n%s", c.want, k.Text)
			}
			if !strings.Contains(strings.Join(k.Advice, "\n"), c.advises) {
				t.Errorf("no word of %q: %q", c.advises, k.Advice)
			}
		})
	}
	for _, bad := range []Access{{}, {PublicURL: "https:///"}, {PublicURL: "https://h.example", LDAPS: "ldaps://"}} {
		if _, err := Make("yealink", bad, desk(), "s", false); !errors.Is(err, directory.ErrInvalid) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

// TestLegacy: a kit leads to the listener for old phones if that is asked for, or if a
// phone without TLS has nowhere else to go, and then says so.
func TestLegacy(t *testing.T) {
	const ldap, ldaps, mark = "ldap://h.example", "ldaps://h.example", "FOR AN OLD PHONE: "
	old := Legacy{URI: "ldap://h.example:1636", MinTLS: "1.0"}
	lax := Legacy{URI: "ldap://h.example:1636", Address: "10.20.0.2", MinTLS: "1.0", Plain: true}
	for _, c := range []struct {
		name    string
		vendor  Vendor
		a       Access
		old     bool
		want    string // in the kit
		advises string
	}{
		{"LDAPS there too", "yealink", Access{LDAPS: ldaps, Legacy: old}, true, "ldap.port = 1636\nldap.tls_mode = 2\n", "legacy.crt"},
		{"offered", "yealink", Access{LDAPS: ldaps, Legacy: old}, false, "ldap.port = 636\nldap.tls_mode = 2\n", "with --legacy"},
		{"offered beside StartTLS", "yealink", Access{LDAP: ldap, StartTLS: true, Legacy: old}, false, "ldap.tls_mode = 1\n", "with --legacy"},
		{"offered to whom it is for", "gigaset-n", Access{LDAPS: ldaps, Legacy: lax}, false, "636", "N510 and N720, which know no TLS, cannot connect so: with --legacy"},
		{"the oldest know less", "gigaset-n", Access{LDAPS: ldaps, Legacy: lax}, true, "no security", "readable"},
		{"its address", "gigaset-n", Access{LDAPS: ldaps, Legacy: lax}, true, "1636", "p.example must lead to 10.20.0.2"},
		{"no TLS at all", "sangoma", Access{LDAP: ldap, LDAPS: ldaps, StartTLS: true, Legacy: lax}, false, "1636", "readable"},
		{"no TLS at all, refused there too", "sangoma", Access{LDAP: ldap, StartTLS: true, Legacy: old}, false, "1636", "ldap.legacy.allow_plain = true"},
		{"no TLS at all, let in elsewhere", "sangoma", Access{LDAP: ldap, Plain: true, Legacy: lax}, false, "389", "readable"},
		{"Cisco's address", "cisco", Access{LDAPS: ldaps, Legacy: old}, true, ">ldaps://h.example:1636</LDAP_Server>", mark},
		{"Apple", Apple, Access{LDAPS: ldaps, Legacy: old}, true, "<string>h.example:1636</string>", mark},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.a.PublicURL, c.a.BindDN, c.a.BaseDN = "https://p.example", "cn=k7mpq2xa,dc=ringbook", "dc=ringbook"
			k, err := Make(c.vendor, c.a, desk(), "s", c.old)
			if err != nil {
				t.Fatal(err)
			}
			advice := strings.Join(k.Advice, "\n")
			if !strings.Contains(string(k.Text), c.want) || !strings.Contains(advice, c.advises) {
				t.Errorf("no %q, or no word of %q: %s\n%s", c.want, c.advises, k.Text, advice)
			}
			there := strings.Contains(string(k.Text), "1636")
			if k.Legacy != there || strings.Contains(advice, mark) != there || c.vendor != Apple && strings.Contains(string(k.Text), mark) != there {
				t.Errorf("leads there: %v; says so: %v\n%s\n%s", there, k.Legacy, k.Text, advice)
			}
		})
	}
	a := contoso()
	a.Legacy = old
	for _, v := range []Vendor{"thunderbird", "linphone", Apple, "snom-xml"} {
		if k := mustMake(t, v, a, desk(), "s"); strings.Contains(strings.Join(k.Advice, "\n"), "--legacy") {
			t.Errorf("%s is offered what it does not need: %q", v, k.Advice)
		}
	}
	if _, err := Make("snom-xml", a, desk(), "s", true); !errors.Is(err, directory.ErrInvalid) {
		t.Errorf("a phone book over HTTPS: %v", err)
	}
	if _, err := Make("yealink", contoso(), desk(), "s", true); !errors.Is(err, directory.ErrInvalid) || !strings.Contains(err.Error(), "ldap.legacy.listen") {
		t.Errorf("no such listener: %v", err)
	}
}

// TestCallers: a phone that looks up who calls only if it is told to is told to.
func TestCallers(t *testing.T) {
	for v, lines := range map[Vendor][]string{
		"yealink":     {"ldap.call_in_lookup = 1\n"},
		"grandstream": {`<part name="ldapLookup">Yes</part>`, `<part name="lookupDisplayName">cn</part>`},
		"fanvil":      {"LDAP1 In Call Search     :1\n"},
		"cisco":       {`<Reverse_Phone_Lookup_Serv ua="na">Yes<`, ">telephoneNumber:(telephoneNumber=$VALUE)<"},
		"cisco-xml":   {`<Reverse_Phone_Lookup_Serv ua="na">Yes<`},
		"sangoma":     {"Lookup For Incoming Call  yes\n"},
	} {
		k := mustMake(t, v, contoso(), desk(), "s")
		for _, l := range lines {
			if !strings.Contains(string(k.Text), l) {
				t.Errorf("%s: no %q in\n%s", v, l, k.Text)
			}
		}
	}
	d := desk()
	d.Hits = 20
	if k := mustMake(t, "grandstream", contoso(), d, "s"); !strings.Contains(string(k.Text), `<part name="maxHits">20</part>`) {
		t.Errorf("the device's hits are not in\n%s", k.Text)
	}
}

// TestAdvice: what does not fit the phone is said, and what to do.
func TestAdvice(t *testing.T) {
	long := strings.Repeat("x", 100)
	for _, c := range []struct {
		name   string
		vendor Vendor
		spoil  func(*Access, *directory.Device)
		want   string // "" = nothing of the kind
		kind   string
	}{
		{"cannot dial +", "unify", func(*Access, *directory.Device) {}, "`ringbook device edit k7mpq2xa --numbers national`", "dial no +"},
		{"profile not set", "unify", func(_ *Access, d *directory.Device) { d.Numbers = "" }, "--numbers national", "dial no +"},
		{"national", "unify", func(_ *Access, d *directory.Device) { d.Numbers = directory.NumbersNational }, "", "dial no +"},
		{"letters", "gigaset-n", func(*Access, *directory.Device) {}, "`ringbook device edit k7mpq2xa --ascii`", "umlauts"},
		{"letters spelt out", "gigaset-n", func(_ *Access, d *directory.Device) { d.ASCII = true }, "", "umlauts"},
		{"base too long", "yealink", func(a *Access, _ *directory.Device) { a.BaseDN = long }, "100 characters, and this field takes 99", "base"},
		{"bind name too long", "gigaset-n", func(a *Access, _ *directory.Device) { a.BindDN = long[:51] }, "51 characters, and this field takes 50. The login alone", "user name"},
		{"title too long", "gigaset-n", func(a *Access, _ *directory.Device) { a.Title = long[:21] }, "21 characters, and this field takes 20", "directory name"},
		{"as long as may be", "gigaset-n", func(a *Access, _ *directory.Device) { a.Title = strings.Repeat("ü", 20) }, "", "directory name"},
		{"more hits than it takes", "linphone", func(_ *Access, d *directory.Device) { d.Hits = 40 }, "30 entries at most, the device has 40", "entries"},
		{"base of one book", "starface", func(_ *Access, d *directory.Device) { d.Books = append(d.Books, "suppliers") }, "(ou=people,dc=ringbook). dc=ringbook searches all of them", "device's books"},
		{"the only book", "starface", func(*Access, *directory.Device) {}, "", "device's books"},
		{"base of all books", "yealink", func(_ *Access, d *directory.Device) { d.Books = append(d.Books, "suppliers") }, "", "device's books"},
		{"hits", "linphone", func(_ *Access, d *directory.Device) { d.Hits = 20 }, "", "entries"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, d := contoso(), desk()
			c.spoil(&a, &d)
			var said []string
			for _, s := range mustMake(t, c.vendor, a, d, "s").Advice {
				if strings.Contains(s, c.kind) {
					said = append(said, s)
				}
			}
			if c.want == "" && said != nil || !strings.Contains(strings.Join(said, "\n"), c.want) {
				t.Errorf("says %q", said)
			}
		})
	}
	d := desk()
	d.Hits = 20
	if k := mustMake(t, "yealink", contoso(), d, "s"); !strings.Contains(string(k.Text), "ldap.max_hits = 20\n") {
		t.Errorf("the device's hits are not in\n%s", k.Text)
	}
}

// hostile is what may stand in a title, a device's name or a base and must break
// no form.
const hostile = "x\"'\\ --><a b='c'>&<!-- ]]> \n#evil = 1\r\n} {secret} \u2028"

func TestHostile(t *testing.T) {
	a, d := contoso(), desk()
	a.Title, d.Name, a.BaseDN = hostile, hostile, "dc="+hostile
	for _, v := range Vendors() {
		k := mustMake(t, v, a, d, `s"<&`)
		calm := mustMake(t, v, contoso(), desk(), "s")
		if got, want := strings.Count(string(k.Text), "\n"), strings.Count(string(calm.Text), "\n"); got != want {
			t.Errorf("%s: %d lines instead of %d\n%s", v, got, want, k.Text)
		}
		if !strings.HasPrefix(string(k.Text), "<?xml") {
			continue
		}
		if got, want := elements(t, k.Text), elements(t, calm.Text); got != want {
			t.Errorf("%s: other elements\n%s", v, k.Text)
		}
	}
	if k := mustMake(t, "thunderbird", a, d, "s"); !strings.Contains(string(k.Text), `description", "x\"'\\ --><a b='c'>`) {
		t.Errorf("user.js\n%s", k.Text)
	}
}

// elements reads XML strictly and returns the names of its elements.
func elements(t *testing.T, text []byte) string {
	t.Helper()
	dec := xml.NewDecoder(strings.NewReader(string(text)))
	var names strings.Builder
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return names.String()
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if e, ok := token.(xml.StartElement); ok {
			names.WriteString(e.Name.Local + " ")
		}
	}
}

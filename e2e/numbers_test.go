package e2e_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// numberFilters are what phones ask when somebody calls; % is the number.
var numberFilters = []struct{ phone, filter string }{
	{"Yealink", "(|(telephoneNumber=%)(mobile=%)(ipPhone=%))"},
	{"Yealink VP", "(|(telephoneNumber=%)(Mobile=%)(ipPhone=%))"},
	{"NethVoice", "(|(telephoneNumber=%)(mobile=%)(homePhone=%))"},
	{"Snom, Gigaset", "(|(telephoneNumber=%*)(mobile=%*)(homePhone=%*))"},
	{"Snom before V10", "(&(telephoneNumber=%)(sn=*))"},
	{"Snom 300", "(&(telephoneNumber=%)(displayName=*))"},
	{"Grandstream", "(|(displayName=%)(telephoneNumber=%))"},
	{"Unify", "(|(telephoneNumber=%)(mobile=%))"},
	{"innovaphone", "(&(objectClass=inetOrgPerson)(|(telephoneNumber=%)(mobile=%)(homePhone=%)))"},
	{"estos", "(searchNumber=%)"},
	{"superfecta", "(|(telephoneNumber=*%)(mobile=*%)(homeTelephoneNumber=*%))"},
}

// Two sites have the extension 1234, and a desk phone of each finds its own in
// every spelling, by the filter of every make; and it dials what it is shown.
func TestNumbersOfTwoSites(t *testing.T) {
	s := startTenant(t, 100, "--photos", "0")
	number := func(written string) map[string]any { return map[string]any{"businessPhones": []string{written}} }
	berlin := s.add(person("Berta", "Berlin", number("1234")))
	munich := s.add(person("Max", "München", map[string]any{"businessPhones": []string{"1234"}, "city": "München"}))
	main := s.add(person("Dora", "Durchwahl", number("+49 (0)30 5557 DW 2345")))
	r := startRingbook(t, s,
		"[numbers]", `country = "DE"`, `area_code = "30"`, `external_prefix = "0"`, `stem = "+49305557"`, `extensions = "1000-4999"`,
		"[[numbers.site]]", `name = "munich"`, `area_code = "89"`, `external_prefix = "0"`, `stem = "+49895556"`, `extensions = "1000-1999"`, `locations = ["Munich", "München"]`)
	d := startDesk(t, r)
	escape := strings.NewReplacer(`\`, `\5c`, "(", `\28`, ")", `\29`, "*", `\2a`)
	desks := map[string]desk{"": d, "munich": d}
	for site, desk := range desks {
		args := []string{"--kind", "deskphone", "--numbers", "extension"}
		if site != "" {
			args = append(args, "--site", site)
		}
		desk.device = r.addDevice(args...)
		desks[site] = desk
	}
	for _, tt := range []struct{ site, finds, spellings string }{
		{"", berlin, "1234|+493055571234|00493055571234|03055571234|003055571234|55571234|493055571234|+49 (0)30 5557-1234|030 5557 DW 1234|tel:1234;phone-context=+49305557|sip:1234@10.0.0.1|sip:+493055571234@pbx;user=phone"},
		{"", munich, "+498955561234|08955561234|008955561234|000498955561234|089/5556-1234"},
		{"", main, "2345|030 5557 2345|003055572345|+493055572345"},
		{"munich", munich, "1234|55561234|08955561234|008955561234|+498955561234"},
		{"munich", berlin, "03055571234|003055571234|+493055571234"},
		{"", "", "110|5000|9999|55561234|08955551234|(ext.)"},
		{"munich", "", "55571234|4000"},
	} {
		for spelling := range strings.SplitSeq(tt.spellings, "|") {
			for _, f := range numberFilters {
				ending := strings.Contains(f.filter, "*%")
				if ending && (len(spelling) < 5 || tt.finds == "" || strings.Contains(spelling, ":")) {
					continue // it is sent digits; fewer end the numbers of half a company, and more may end somebody's
				}
				got := people(desks[tt.site].on(t).search(strings.ReplaceAll(f.filter, "%", escape.Replace(spelling)), "cn"))
				want := []string{tt.finds}
				if tt.finds == "" {
					want = nil
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s at %q: %s finds %q, want %q", f.phone, tt.site, spelling, got, want)
				}
			}
		}
	}
	for _, tt := range []struct{ site, who, want string }{
		{"", berlin, "telephoneNumber 1234"},
		{"", munich, "telephoneNumber 008955561234"},
		{"munich", munich, "telephoneNumber 1234"},
		{"munich", berlin, "telephoneNumber 003055571234"},
	} {
		got := desks[tt.site].on(t).search("(uid="+tt.who+")", "telephoneNumber", "mobile", "ipPhone")
		if len(got) != 1 || fmt.Sprint(got[0].values) != fmt.Sprint(map[string][]string{strings.Fields(tt.want)[0]: strings.Fields(tt.want)[1:]}) {
			t.Errorf("at %q: %v, want %s", tt.site, got, tt.want)
		}
	}
}

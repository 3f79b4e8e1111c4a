package e2e_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

// TestLookup asks as the dialplans of telephone systems do, with the curl in which
// they ask.
func TestLookup(t *testing.T) {
	need(t, "curl")
	s := startTenant(t, 40)
	r := startRingbook(t, s)
	// As a Mac writes it: what is answered is composed.
	anna := s.add(person("A\u0308nne", "Mu\u0308ller-Lüdenscheidt", map[string]any{"mobilePhone": "+49 171 3920001", "companyName": "Contoso", "department": "Einkauf"}))
	r.do("sync")
	d := r.addDevice("--kind", "pbx", "--numbers", "national")
	const name = "Änne Müller-Lüdenscheidt"
	host := strings.TrimPrefix(r.url, "http://")

	for what, args := range map[string][]string{
		"Asterisk":         {"http://" + d.Login + ":" + d.Secret + "@" + host + "/lookup?number=%2B491713920001"},
		"FreePBX":          {"http://" + d.Login + ":" + d.Secret + "@" + host + "/lookup?number=+491713920001"},
		"Superfecta":       {"http://" + d.Login + ":" + d.Secret + "@" + host + "/lookup?number=01713920001"},
		"a SIP URI":        {"-u", d.Login + ":" + d.Secret, r.url + "/lookup?number=sip:00491713920001@pbx;user=phone"},
		"a name":           {"-u", d.Login + ":" + d.Secret, r.url + "/lookup?name=" + url.QueryEscape("luedenscheidt anne")},
		"a keypad's name":  {"-u", d.Login + ":" + d.Secret, r.url + "/lookup?name=58336724"},
		"name, department": {"-u", d.Login + ":" + d.Secret, r.url + "/lookup?name=" + url.QueryEscape("einkauf mueller")},
	} {
		if got := must(t, "curl", append([]string{"-sS", "-g"}, args...)...); got != name {
			t.Errorf("%s: %q", what, got)
		}
	}
	if got := must(t, "curl", "-sS", "-w", " %{http_code}", "-u", d.Login+":"+d.Secret, r.url+"/lookup?number=0800999999"); got != " 200" {
		t.Errorf("nobody: %q", got)
	}
	if got := must(t, "curl", "-sS", "-w", " %{http_code}", "-u", d.Login+":wrong", r.url+"/lookup?number=01713920001"); got != " 401" {
		t.Errorf("with a wrong secret: %q", got)
	}
	var answer struct{ ID, Name, Company, Department string }
	if err := json.Unmarshal([]byte(must(t, "curl", "-sS", "-u", d.Login+":"+d.Secret, "-H", "Accept: application/json", r.url+"/lookup?number=01713920001")), &answer); err != nil {
		t.Fatal(err)
	}
	if answer.ID != anna || answer.Name != name || answer.Company != "Contoso" || answer.Department != "Einkauf" {
		t.Errorf("%+v", answer)
	}

	r.do("device", "revoke", d.ID, "--drain")
	if got := must(t, "curl", "-sS", "-w", " %{http_code}", "-u", d.Login+":"+d.Secret, r.url+"/lookup?number=01713920001"); got != " 200" {
		t.Errorf("while it drains: %q", got)
	}
	r.do("device", "revoke", d.ID, "--now")
	if got := must(t, "curl", "-sS", "-w", " %{http_code}", "-u", d.Login+":"+d.Secret, r.url+"/lookup?number=01713920001"); got != " 401" {
		t.Errorf("once it is revoked: %q", got)
	}
}

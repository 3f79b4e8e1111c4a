package enroll_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"howett.net/plist"

	"ringbook/directory"
	"ringbook/server/enroll"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if os.Getenv("CI") != "" {
			t.Fatal("golden files are not updated in CI")
		}
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Error(diff)
	}
}

func profile(t *testing.T, a enroll.Account) []byte {
	t.Helper()
	p, err := enroll.Profile(a)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestProfileGolden(t *testing.T) {
	t.Parallel()
	golden(t, "short.mobileconfig", profile(t, enroll.Account{
		PublicURL: "https://contacts.contoso.com", Login: "k7mpq2xa",
	}))
	golden(t, "whole.mobileconfig", profile(t, enroll.Account{
		PublicURL: "https://contacts.contoso.com:8443/phone/", Organization: "Müller & <Söhne>", Title: "Telefonbuch",
		Login: "k7mpq2xa", Secret: "abcdefghjkmnpqrstuvw", RemovalDisallowed: true,
		VPNUUID: "3D1C9A7E-52A5-4F0B-9C61-4F7A7E2B8D11", AudioCallApp: "com.example.phone",
	}))
}

// TestProfileReadBack checks against what Apple's schema says, key by key
// (apple/device-management, com.apple.carddav.account.yaml).
func TestProfileReadBack(t *testing.T) {
	t.Parallel()
	var got map[string]any
	format, err := plist.Unmarshal(profile(t, enroll.Account{
		PublicURL: "https://contacts.contoso.com", Organization: "Contoso", Login: "k7mpq2xa", Secret: "s3cret",
		VPNUUID: "3D1C9A7E-52A5-4F0B-9C61-4F7A7E2B8D11", AudioCallApp: "com.example.phone",
	}), &got)
	if err != nil || format != plist.XMLFormat {
		t.Fatalf("format %d, %v", format, err)
	}
	content, ok := got["PayloadContent"].([]any)
	if !ok || len(content) != 1 {
		t.Fatalf("content is %v", got["PayloadContent"])
	}
	account, ok := content[0].(map[string]any)
	if !ok {
		t.Fatalf("payload is %T", content[0])
	}
	uuid := regexp.MustCompile(`^[0-9A-F]{8}-[0-9A-F]{4}-8[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$`)
	for _, p := range []map[string]any{got, account} {
		if u, _ := p["PayloadUUID"].(string); !uuid.MatchString(u) {
			t.Errorf("UUID %v", p["PayloadUUID"])
		}
		for _, k := range []string{"PayloadDescription", "PayloadDisplayName", "PayloadIdentifier", "PayloadOrganization", "PayloadType"} {
			if s, _ := p[k].(string); s == "" {
				t.Errorf("%s is %v", k, p[k])
			}
		}
		delete(p, "PayloadUUID")
		delete(p, "PayloadDescription")
	}
	if got["PayloadUUID"] == account["PayloadUUID"] && got["PayloadUUID"] != nil {
		t.Error("wrapper and account have the same UUID")
	}
	want := map[string]any{
		"PayloadType": "Configuration", "PayloadVersion": uint64(1), "PayloadRemovalDisallowed": false,
		"PayloadIdentifier":  "ringbook.contacts.contoso.com.k7mpq2xa",
		"PayloadDisplayName": "Contoso", "PayloadOrganization": "Contoso",
		"PayloadContent": []any{map[string]any{
			"PayloadType": "com.apple.carddav.account", "PayloadVersion": uint64(1),
			"PayloadIdentifier":  "ringbook.contacts.contoso.com.k7mpq2xa.carddav",
			"PayloadDisplayName": "Contoso", "PayloadOrganization": "Contoso",
			"CardDAVAccountDescription": "Contoso", "CardDAVHostName": "contacts.contoso.com",
			"CardDAVPort": uint64(443), "CardDAVUseSSL": true,
			"CardDAVUsername": "k7mpq2xa", "CardDAVPassword": "s3cret",
			"CardDAVPrincipalURL":       "/dav/p/k7mpq2xa/",
			"CommunicationServiceRules": map[string]any{"DefaultServiceHandlers": map[string]any{"AudioCall": "com.example.phone"}},
			"VPNUUID":                   "3D1C9A7E-52A5-4F0B-9C61-4F7A7E2B8D11",
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A new profile of a device replaces its old one, and no other device's.
func TestProfileReplacesItsOwn(t *testing.T) {
	t.Parallel()
	ids := func(a enroll.Account) string {
		re := regexp.MustCompile(`(?s)<key>Payload(?:Identifier|UUID)</key>\s*<string>([^<]*)`)
		var all []string
		for _, m := range re.FindAllStringSubmatch(string(profile(t, a)), -1) {
			all = append(all, m[1])
		}
		return strings.Join(all, " ")
	}
	first := enroll.Account{PublicURL: "https://a.example", Login: "k7mpq2xa"}
	changed := enroll.Account{PublicURL: "https://A.example:8443", Login: "k7mpq2xa", Secret: "x", Organization: "New Name"}
	if ids(first) != ids(changed) {
		t.Errorf("%s\n%s", ids(first), ids(changed))
	}
	for _, other := range []enroll.Account{
		{PublicURL: "https://a.example", Login: "k7mpq2xb"},
		{PublicURL: "https://b.example", Login: "k7mpq2xa"},
	} {
		if ids(first) == ids(other) {
			t.Errorf("%+v replaces %+v", other, first)
		}
	}
}

func TestProfilePlaces(t *testing.T) {
	t.Parallel()
	for public, want := range map[string][]any{
		"http://127.0.0.1:8080":   {"127.0.0.1", uint64(8080), false, "/dav/p/k7mpq2xa/"},
		"http://localhost":        {"localhost", uint64(80), false, "/dav/p/k7mpq2xa/"},
		"https://[2001:db8::1]/":  {"2001:db8::1", uint64(443), true, "/dav/p/k7mpq2xa/"},
		"https://h.example/a%20b": {"h.example", uint64(443), true, "/a%20b/dav/p/k7mpq2xa/"},
	} {
		var p struct{ PayloadContent []map[string]any }
		if _, err := plist.Unmarshal(profile(t, enroll.Account{PublicURL: public, Login: "k7mpq2xa"}), &p); err != nil {
			t.Fatal(err)
		}
		c := p.PayloadContent[0]
		if _, there := c["CardDAVPassword"]; there {
			t.Errorf("%s: a password that is none", public)
		}
		got := []any{c["CardDAVHostName"], c["CardDAVPort"], c["CardDAVUseSSL"], c["CardDAVPrincipalURL"]}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", public, diff)
		}
	}
}

func TestProfileRefuses(t *testing.T) {
	t.Parallel()
	good := enroll.Account{PublicURL: "https://a.example", Login: "k7mpq2xa"}
	for name, spoil := range map[string]func(*enroll.Account){
		"no URL":         func(a *enroll.Account) { a.PublicURL = "" },
		"no scheme":      func(a *enroll.Account) { a.PublicURL = "a.example" },
		"no host":        func(a *enroll.Account) { a.PublicURL = "https:///dav" },
		"other scheme":   func(a *enroll.Account) { a.PublicURL = "ldap://a.example" },
		"port too large": func(a *enroll.Account) { a.PublicURL = "https://a.example:70000" },
		"VPN":            func(a *enroll.Account) { a.VPNUUID = "3D1C9A7E52A54F0B9C614F7A7E2B8D11-0-0" },
		"app":            func(a *enroll.Account) { a.AudioCallApp = "com.example/phone" },
	} {
		a := good
		spoil(&a)
		if p, err := enroll.Profile(a); !errors.Is(err, directory.ErrInvalid) {
			t.Errorf("%s: %v\n%s", name, err, p)
		}
	}
}

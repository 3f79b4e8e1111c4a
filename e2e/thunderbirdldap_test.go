package e2e_test

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A tbDirectory is what Thunderbird shows of its LDAP directory.
type tbDirectory struct {
	Name  string              `json:"name"`
	OK    bool                `json:"ok"`    // it says nothing of an error
	Asked int                 `json:"asked"` // how often it asked for the password
	Count int                 `json:"count"`
	Cards map[string]tbPerson `json:"cards"`
	Lines []string            `json:"lines"` // of a completion
	Error string              `json:"error"` // of the test's script
}

// A tbPerson is a card of its address book.
type tbPerson struct {
	Given        string   `json:"given"`
	Surname      string   `json:"surname"`
	Mail         []string `json:"mail"`
	Phones       []string `json:"phones"`
	Title        string   `json:"title"`
	Organisation []string `json:"organisation"` // company, department
}

var tbGross = tbPerson{
	Given: "Jürgen", Surname: "Groß", Mail: []string{"juergen.gross@contoso.example"},
	Phones: []string{"work: +493023125042", "cell: +491713920042"},
	Title:  "Leiter Außendienst", Organisation: []string{"Contoso GmbH", "Vertrieb"},
}

// directory has Thunderbird do something with its LDAP directory, while somebody types
// these passwords.
func (b *thunderbird) directory(what, text string, passwords ...string) tbDirectory {
	b.t.Helper()
	if _, err := b.script(what, text, passwords); err != nil {
		b.t.Fatal(err)
	}
	var d *tbDirectory
	eventually(b.t, "Thunderbird has done it", func() (err error) {
		if d, err = b.script("", "", nil); err == nil && d == nil {
			return errors.New("it is at it")
		}
		return err // a password dialogue may be in the way
	})
	if d.Error != "" {
		b.t.Fatal(d.Error)
	}
	return *d
}

// script runs thunderbirdldap.js.
func (b *thunderbird) script(what, text string, passwords []string) (*tbDirectory, error) {
	b.t.Helper()
	script, err := os.ReadFile("testdata/thunderbirdldap.js")
	if err != nil {
		b.t.Fatal(err)
	}
	result, err := b.try("WebDriver:ExecuteScript", map[string]any{
		"script": string(script), "args": []any{what, text, append([]string{}, passwords...)},
	})
	if err != nil {
		return nil, err
	}
	var v struct {
		Value *tbDirectory `json:"value"`
	}
	if err := json.Unmarshal(result, &v); err != nil {
		b.t.Fatal(err)
	}
	return v.Value, nil
}

// startThunderbirdLDAP starts it with what the kit of a device says and nothing else,
// except whom to trust.
func startThunderbirdLDAP(r *ringbook, d device) *thunderbird {
	r.t.Helper()
	b := startThunderbird(r.t, r.do("device", "kit", d.ID, "--vendor", "thunderbird"))
	text, err := os.ReadFile(r.ca)
	if err != nil {
		r.t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	if named := b.directory("trust", base64.StdEncoding.EncodeToString(block.Bytes)); named.Name != "Contoso & Söhne" {
		r.t.Errorf("the directory is called %q", named.Name)
	}
	return b
}

const tbBookTitle = "[[book]]\nname = \"people\"\ntitle = \"Contoso & Söhne\"\nfilter = \"(&(accountEnabled=TRUE)(!(userType=Guest)))\""

// TestThunderbirdLDAP: set up by its kit, it asks for the password once, finds people
// while somebody types, downloads the book, and shows nothing once the device is revoked.
func TestThunderbirdLDAP(t *testing.T) {
	need(t, "thunderbird")
	r := newRingbook(t, startTenant(t, 120, "--photos", "0"), tbBookTitle)
	r.underAuthority()
	r.serve()
	r.waitReady()
	d := r.addDevice()
	b := startThunderbirdLDAP(r, d)

	wrong := b.directory("search", "Groß", "wrongwrongwrongwrong")
	if wrong.OK || wrong.Count != 0 || wrong.Asked != 2 {
		t.Errorf("with a wrong password: %+v", wrong)
	}
	if log := r.saidSoFar(); !strings.Contains(log, `msg="ldap bind" port=ldaps from=127.0.0.1 device="" tls="TLS 1.3" result=49`) {
		t.Error("a wrong password is not answered with 49")
	}

	secrets := []string{d.Secret} // it keeps the first one
	for _, typed := range []string{"Groß", "gross", "jurgen gros", "Groß, Jürgen", "JUERGEN.GROSS@contoso", "groß vertrieb", `"Jürgen Groß"`} {
		found := b.directory("search", typed, secrets...)
		if diff := cmp.Diff(tbGross, found.Cards[grossName]); diff != "" || !found.OK || found.Asked != len(secrets) {
			t.Errorf("%q: %d cards, asked for the password %d times, ok: %v (-want +got)\n%s", typed, found.Count, found.Asked, found.OK, diff)
		}
		secrets = nil
	}
	for _, typed := range []string{"groß", "gross", "Jürgen Gr", "juergen.gro"} {
		if found := b.directory("complete", typed); !slices.Contains(found.Lines, grossName+" <juergen.gross@contoso.example>") || !found.OK {
			t.Errorf("%q is completed to %q, ok: %v", typed, found.Lines, found.OK)
		}
	}
	for _, what := range []string{"search", "complete"} {
		if found := b.directory(what, "nobodyhasthisname"); found.Count != 0 || !found.OK {
			t.Errorf("%s for nobody: %+v", what, found)
		}
	}
	book := b.directory("download", "")
	if want := r.served(); book.Count != want || !book.OK {
		t.Errorf("%d cards of %d downloaded, ok: %v", book.Count, want, book.OK)
	}
	if diff := cmp.Diff(tbGross, book.Cards[grossName]); diff != "" {
		t.Errorf("downloaded (-want +got)\n%s", diff)
	}

	r.do("device", "revoke", d.ID)
	for _, what := range []string{"search", "complete"} {
		if gone := b.directory(what, "Groß", d.Secret); gone.OK || gone.Count != 0 || gone.Asked == 0 {
			t.Errorf("%s of a revoked device: %+v", what, gone)
		}
	}
}

// TestThunderbirdLDAPPlain: where there is no LDAPS, the kit is for a plain connection
// (Thunderbird has no StartTLS), which Ringbook refuses once it is no longer allowed.
func TestThunderbirdLDAPPlain(t *testing.T) {
	need(t, "thunderbird")
	r := newRingbook(t, startTenant(t, 40, "--photos", "0"), tbBookTitle)
	const allowed, forbidden = "allow_plain = true", "allow_plain = false"
	r.reconfigure(fmt.Sprintf("ldaps_listen = %q", r.ldaps), "ldaps_listen = \"\"\n"+allowed)
	r.serve()
	r.waitReady()
	d := r.addDevice()
	b := startThunderbirdLDAP(r, d)
	if found := b.directory("search", "Groß", d.Secret); cmp.Diff(tbGross, found.Cards[grossName]) != "" {
		t.Errorf("it shows %+v", found)
	}
	r.reconfigure(allowed, forbidden)
	r.restart()
	if found := b.directory("search", "Groß"); found.OK || found.Count != 0 {
		t.Errorf("where that is forbidden, it shows %+v", found)
	}
	if log := r.saidSoFar(); !strings.Contains(log, `msg="ldap bind" port=ldap from=127.0.0.1 device="" tls="" result=13`) {
		t.Error("a plain login is not answered with 13")
	}
}

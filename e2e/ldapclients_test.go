package e2e_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// ldapFolder holds a program for each client library. e2e/clients.sh installs what
// they need, beside them or in the system.
const ldapFolder = "testdata/ldap"

// An ldapTask is what each of the programs does.
type ldapTask struct {
	LDAPS      string   `json:"ldaps"`
	Plain      string   `json:"plain"`
	CA         string   `json:"ca"`
	BindDN     string   `json:"bind_dn"`
	Secret     string   `json:"secret"`
	Base       string   `json:"base"`
	Name       string   `json:"name"`   // filter
	Number     string   `json:"number"` // filter
	Page       int      `json:"page"`
	Attributes []string `json:"attributes"` // that the schema should have
}

// An ldapReport is what it found.
type ldapReport struct {
	Naming   []string `json:"naming"`
	Wrong    int      `json:"wrong"` // result of a bind with another secret
	Who      string   `json:"who"`
	Schema   []bool   `json:"schema"` // nil = it does not read it
	ByName   []string `json:"byName"`
	ByNumber []string `json:"byNumber"`
	StartTLS []string `json:"startTLS"`
	Paged    int      `json:"paged"`
}

// TestLDAPClients: the libraries that portals, PBXs and scripts are made with log in
// over LDAPS and StartTLS, find Jürgen by name and number, and read everybody in pages.
func TestLDAPClients(t *testing.T) {
	t.Parallel()
	s := startTenant(t, 250, "--photos", "0")
	r := startRingbook(t, s)
	d := r.addDevice()
	task := ldapTask{
		LDAPS: "ldaps://" + r.ldaps, Plain: "ldap://" + r.ldap, CA: r.ca, BindDN: d.LDAP.BindDN, Secret: d.Secret, Base: baseDN,
		Name: "(&(sn=Groß)(mail=juergen.gross*))", Number: "(|(telephoneNumber=03023125042)(mobile=03023125042))", Page: 50,
		Attributes: []string{"cn", "telephoneNumber"},
	}
	for name, run := range map[string]func(*testing.T, ldapTask) ldapReport{"python3-ldap": pythonLDAP, "python3-ldap3": pythonLDAP, "ldapjs": nodeLDAP, "ldapts": nodeLDAP, "JNDI": jndi} {
		t.Run(name, func(t *testing.T) {
			got := run(t, task)
			if !slices.Equal(got.Naming, []string{baseDN}) {
				t.Errorf("naming contexts %q", got.Naming)
			}
			if got.Wrong != exitCredentials {
				t.Errorf("a wrong secret is answered with %d", got.Wrong)
			}
			for how, ids := range map[string][]string{"by name": got.ByName, "by number": got.ByNumber, "over StartTLS": got.StartTLS} {
				if !slices.Equal(ids, []string{gross}) {
					t.Errorf("%s it finds %q", how, ids)
				}
			}
			if want := r.served(); got.Paged != want {
				t.Errorf("%d people in pages, %d served", got.Paged, want)
			}
			if got.Who != "" && got.Who != "dn:"+d.LDAP.BindDN {
				t.Errorf("it is %q", got.Who)
			}
			if slices.Contains(got.Schema, false) {
				t.Errorf("what it asks for is in the schema: %v", got.Schema)
			}
		})
	}
}

// report runs a program and reads what it printed.
func report(t *testing.T, task ldapTask, program string, args ...string) (r ldapReport) {
	t.Helper()
	in, err := json.Marshal(task)
	if err != nil {
		t.Fatal(err)
	}
	code, out, errs := run(t, in, program, args...)
	if code != 0 {
		t.Fatalf("exit code %d\n%s", code, tail(out+errs, 4000))
	}
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%v\n%s", err, tail(out, 4000))
	}
	return r
}

// pythonLDAP runs the library that the test is named after, in Debian's own Python,
// whatever else is in PATH.
func pythonLDAP(t *testing.T, task ldapTask) ldapReport {
	t.Helper()
	const python = "/usr/bin/python3"
	name := filepath.Base(t.Name())
	program := map[string]string{"python3-ldap": "client.py", "python3-ldap3": "strict.py"}[name]
	if exec.CommandContext(t.Context(), python, "-c", "import "+strings.TrimPrefix(name, "python3-")).Run() != nil {
		leaveOut(t, name)
	}
	return report(t, task, python, filepath.Join(ldapFolder, program))
}

// nodeLDAP runs the library that the test is named after.
func nodeLDAP(t *testing.T, task ldapTask) ldapReport {
	t.Helper()
	need(t, "node")
	name := filepath.Base(t.Name())
	if _, err := os.Stat(filepath.Join(ldapFolder, "node_modules", name)); err != nil {
		leaveOut(t, name)
	}
	return report(t, task, "node", filepath.Join(ldapFolder, name+".mjs"))
}

// jndi is Java's own client.
func jndi(t *testing.T, task ldapTask) ldapReport {
	t.Helper()
	need(t, "java", "keytool")
	store := filepath.Join(t.TempDir(), "trusted")
	const password = "changeit" // of nothing but the test's certificate
	must(t, "keytool", "-importcert", "-noprompt", "-alias", "ringbook", "-file", task.CA, "-keystore", store, "-storepass", password)
	return report(t, task, "java", "-Djavax.net.ssl.trustStore="+store, "-Djavax.net.ssl.trustStorePassword="+password,
		"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", filepath.Join(ldapFolder, "Jndi.java"),
		task.LDAPS, task.Plain, task.BindDN, task.Secret, task.Base, task.Name, task.Number, strconv.Itoa(task.Page))
}

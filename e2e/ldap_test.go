package e2e_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image/jpeg"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What Debian's ldap-utils see. Result codes are exit codes there.
const (
	exitSizeLimit       = 4
	exitCompareFalse    = 5
	exitCompareTrue     = 6
	exitCritical        = 12
	exitListView        = 76
	exitConfidentiality = 13
	exitCredentials     = 49
	exitUnwilling       = 53
)

// The one whom every sample tenant has, and where he is.
const (
	gross      = "11111111-0000-4000-8000-000000000001"
	grossName  = "Jürgen Groß"
	baseDN     = "dc=ringbook"
	bookDN     = "ou=people," + baseDN
	grossDN    = "uid=" + gross + "," + bookDN
	onlyGross  = "(uid=" + gross + ")"
	everyPhone = "telephoneNumber mobile homePhone facsimileTelephoneNumber"
)

// A desk is somebody at a shell with ldap-utils, logged in as a device.
type desk struct {
	t      *testing.T
	uri    string
	device device
}

// startDesk trusts the server's certificate and nobody else's.
func startDesk(t *testing.T, r *ringbook) desk {
	t.Helper()
	need(t, "ldapsearch")
	t.Setenv("LDAPTLS_CACERT", r.ca)
	return desk{t: t, uri: "ldaps://" + r.ldaps, device: r.addDevice()}
}

// on is the same desk in a part of a test.
func (d desk) on(t *testing.T) desk {
	t.Helper()
	d.t = t
	return d
}

// tool runs one of ldap-utils as the device.
func (d desk) tool(stdin, program string, args ...string) (code int, out, errs string) {
	d.t.Helper()
	return run(d.t, []byte(stdin), program, append([]string{"-x", "-H", d.uri, "-D", d.device.LDAP.BindDN, "-w", d.device.Secret}, args...)...)
}

// search is ldapsearch below the base; it must succeed.
func (d desk) search(args ...string) []entry {
	d.t.Helper()
	code, out, errs := d.tool("", "ldapsearch", append([]string{"-LLL", "-o", "ldif_wrap=no", "-b", baseDN}, args...)...)
	if code != 0 {
		d.t.Fatalf("ldapsearch %q: exit code %d\n%s%s", args, code, out, errs)
	}
	return parseLDIF(d.t, out)
}

// An entry is one entry of LDIF; attribute names are as they came.
type entry struct {
	dn     string
	values map[string][]string
}

func parseLDIF(t *testing.T, text string) (entries []entry) {
	t.Helper()
	for line := range strings.SplitSeq(text, "\n") {
		name, value, ok := strings.Cut(line, ":")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		if b64, ok := strings.CutPrefix(value, ": "); ok {
			b, err := base64.StdEncoding.DecodeString(b64)
			if err != nil {
				t.Fatalf("LDIF line %q: %v", line, err)
			}
			value = string(b)
		}
		value = strings.TrimPrefix(value, " ")
		switch {
		case name == "dn":
			entries = append(entries, entry{dn: value, values: map[string][]string{}})
		case len(entries) > 0:
			e := entries[len(entries)-1]
			e.values[name] = append(e.values[name], value)
		}
	}
	return entries
}

// people returns the ids of those entries that are contacts.
func people(entries []entry) (ids []string) {
	for _, e := range entries {
		if id, ok := strings.CutPrefix(e.dn, "uid="); ok {
			id, _, _ = strings.Cut(id, ",")
			ids = append(ids, id)
		}
	}
	return ids
}

// TestLdapsearch: everything in its manual that reads.
func TestLdapsearch(t *testing.T) {
	s := startTenant(t, 250, "--photos", "0")
	r := startRingbook(t, s)
	d := startDesk(t, r)
	all := r.served()
	r.do("sync") // the photo too

	t.Run("scopes", func(t *testing.T) {
		d := d.on(t)
		for _, tt := range []struct {
			base, scope string
			people      int
			first       string
		}{
			{baseDN, "base", 0, baseDN},
			{baseDN, "one", 0, bookDN},
			{baseDN, "sub", all, baseDN},
			{baseDN, "children", all, bookDN},
			{bookDN, "base", 0, bookDN},
			{bookDN, "one", all, ""},
			{bookDN, "sub", all, bookDN},
			{bookDN, "children", all, ""},
			{grossDN, "base", 1, grossDN},
			{grossDN, "one", 0, ""},
			{grossDN, "sub", 1, grossDN},
			{grossDN, "children", 0, ""},
		} {
			got := d.search("-b", tt.base, "-s", tt.scope, "1.1")
			if len(people(got)) != tt.people {
				t.Errorf("%s below %s: %d people, want %d", tt.scope, tt.base, len(people(got)), tt.people)
			}
			if tt.first != "" && (len(got) == 0 || got[0].dn != tt.first) {
				t.Errorf("%s below %s does not begin with %s", tt.scope, tt.base, tt.first)
			}
			if len(slices.Compact(slices.Sorted(slices.Values(people(got))))) != len(people(got)) {
				t.Errorf("%s below %s: somebody comes twice", tt.scope, tt.base)
			}
		}
	})
	t.Run("root DSE", func(t *testing.T) {
		d := d.on(t)
		e := d.search("-b", "", "-s", "base", "*", "+")[0]
		if got := e.values["namingContexts"]; !slices.Equal(got, []string{baseDN}) {
			t.Errorf("naming contexts %q", got)
		}
		for name, want := range map[string]string{
			"supportedLDAPVersion": "3", "supportedControl": "1.2.840.113556.1.4.319",
			"supportedExtension": "1.3.6.1.1.8", "supportedFeatures": "1.3.6.1.4.1.4203.1.5.1", "subschemaSubentry": "cn=subschema",
		} {
			if !slices.Contains(e.values[name], want) {
				t.Errorf("%s: %q, without %s", name, e.values[name], want)
			}
		}
	})
	t.Run("attributes", func(t *testing.T) {
		d := d.on(t)
		for _, tt := range []struct {
			args  string
			there string // space-separated
			not   string
		}{
			{"", "cn sn telephoneNumber objectClass mail", "entryDN"},
			{"*", "cn sn telephoneNumber objectClass mail", "entryDN"},
			{"+", "entryDN structuralObjectClass modifyTimestamp", "cn"},
			{"* +", "cn entryDN", ""},
			{"1.1", "", "cn sn objectClass entryDN"},
			{"cn", "cn", "sn mail"},
			{"CN telephonenumber nosuch", "CN telephonenumber", "sn nosuch"},
			{"cn;lang-de mail", "mail", "cn sn"}, // a subtype of cn, which nobody has
			{"@person", "cn sn objectClass telephoneNumber", "mail givenName"},
		} {
			e := d.search(append([]string{onlyGross}, strings.Fields(tt.args)...)...)[0]
			for name := range strings.FieldsSeq(tt.there) {
				if len(e.values[name]) == 0 {
					t.Errorf("%q: no %s", tt.args, name)
				}
			}
			for name := range strings.FieldsSeq(tt.not) {
				if len(e.values[name]) > 0 {
					t.Errorf("%q: there is a %s", tt.args, name)
				}
			}
		}
		for name, values := range d.search("-A", onlyGross)[0].values {
			if !slices.Equal(values, []string{""}) {
				t.Errorf("-A gives values of %s: %q", name, values)
			}
		}
	})
	t.Run("limits", func(t *testing.T) {
		d := d.on(t)
		code, out, _ := d.tool("", "ldapsearch", "-LLL", "-b", bookDN, "-z", "3", "(sn=*)", "1.1")
		if got := people(parseLDIF(t, out)); code != exitSizeLimit || len(got) != 3 {
			t.Errorf("-z 3: exit code %d and %d people", code, len(got))
		}
		for _, l := range [][]string{{"-l", "30"}, {"-l", "max", "-z", "max"}, {"-l", "none", "-z", "none"}, {"-z", fmt.Sprint(all)}} {
			if got := people(d.search(append(l, "(objectClass=person)", "1.1")...)); len(got) != all {
				t.Errorf("%v: %d people", l, len(got))
			}
		}
	})
	t.Run("photo", func(t *testing.T) {
		d := d.on(t)
		dir := t.TempDir()
		d.device = r.addDevice("--photos", "large")
		d.search("-t", "-T", dir, onlyGross, "jpegPhoto")
		files, err := filepath.Glob(filepath.Join(dir, "ldapsearch-jpegPhoto-*"))
		if err != nil || len(files) != 1 {
			t.Fatalf("%d photo files: %v", len(files), err)
		}
		b, err := os.ReadFile(files[0])
		if err != nil {
			t.Fatal(err)
		}
		if img, err := jpeg.Decode(bytes.NewReader(b)); err != nil || img.Bounds().Dx() < 48 {
			t.Errorf("photo of %d bytes: %v", len(b), err)
		}
	})
	t.Run("output", func(t *testing.T) {
		d := d.on(t)
		for _, args := range [][]string{
			{"-L"},
			{"-LL"},
			{"-LLL"},
			{"-u"},
			{"-v"},
			{"-vv"},
			{"-a", "never"},
			{"-a", "always"},
			{"-a", "search"},
			{"-a", "find"},
			{"-S", "sn"},
			{"-S", ""},
			{"-P", "2"},
			{"-P", "3"},
			{"-M"},
			{"-MM"},
			{"-c"},
			{"-V"},
			{"-o", "nettimeout=10"},
			{"-o", "ldif_wrap=20"},
			{"-E", "pr=50/noprompt"},
			{"-E", "!pr=50/noprompt"},
		} {
			code, out, errs := d.tool("", "ldapsearch", append(append([]string{"-b", baseDN}, args...), onlyGross, "title")...)
			// Wrapping may cut a line anywhere.
			if plain := strings.ReplaceAll(out, "\n ", ""); code != 0 || !strings.Contains(plain, "uid="+gross+",") || !strings.Contains(plain, "title:") {
				t.Errorf("%v: exit code %d\n%s%s", args, code, out, errs)
			}
		}
		if code, out, _ := d.tool("", "ldapsearch", "-n", "-v", "-b", baseDN, onlyGross); code != 0 || strings.Contains(out, "dn:") {
			t.Errorf("-n: exit code %d\n%s", code, out)
		}
	})
	t.Run("paging", func(t *testing.T) {
		d := d.on(t)
		plain := people(d.search("(sn=*)", "1.1"))
		paged := people(d.search("-E", "pr=50/noprompt", "(sn=*)", "1.1"))
		if !slices.Equal(plain, paged) || len(paged) != all {
			t.Errorf("%d people in pages, %d at once, %d served", len(paged), len(plain), all)
		}
	})
	t.Run("sorting", func(t *testing.T) {
		d := d.on(t)
		up := d.search("-E", "sss=sn", "(sn=k*)", "sn")
		down := d.search("-E", "!sss=-sn", "(sn=k*)", "sn")
		ofSurname := func(es []entry) (names []string) {
			for _, e := range es {
				names = append(names, e.values["sn"][0])
			}
			return names
		}
		names, back := ofSurname(up), ofSurname(down)
		slices.Reverse(back)
		if len(names) < 5 || !slices.Equal(names, back) {
			t.Errorf("up %q\ndown, reversed %q", names, back)
		}
		if u, o := slices.Index(names, "Kühn"), slices.Index(names, "Kuhn"); u >= 0 && o >= 0 && u-o > 1 {
			t.Errorf("Kühn is far from Kuhn: %q", names)
		}
	})
	t.Run("list view", func(t *testing.T) {
		d := d.on(t)
		// Nobody answers when it asks which window is next, so it goes on until it is told
		// that there is none.
		window := func(order, view string) (list []entry, out string) {
			code, out, errs := d.tool("", "ldapsearch", "-b", baseDN, "-E", "!sss="+order, "-E", "!vlv="+view, "(sn=*)", "sn")
			if code != exitListView {
				t.Errorf("%s: exit code %d\n%s%s", view, code, out, errs)
			}
			out, _, _ = strings.Cut(out, "Press [")
			return parseLDIF(t, out), out
		}
		names := people(d.search("(sn=*)", "1.1"))
		for view, want := range map[string][]string{
			"0/9/1/0":                            names[:10],
			fmt.Sprintf("2/2/%d/%d", all/2, all): names[all/2-3 : all/2+2],
			fmt.Sprintf("3/9/%d/%d", all, all):   names[all-4:],
			fmt.Sprintf("0/1/%d/%d", all-1, all): names[all-2:],
		} {
			got, out := window("cn", view)
			if !slices.Equal(people(got), want) || !strings.Contains(out, fmt.Sprintf("count=%d", all)) {
				t.Errorf("%s: %q, want %q\n%s", view, people(got), want, out)
			}
		}
		if got, out := window("sn", "0/5:Gross"); len(got) != 6 || !slices.Contains(people(got), gross) {
			t.Errorf("by value: %s", out)
		}
	})
	t.Run("schema", func(t *testing.T) {
		d := d.on(t)
		es := d.search("-b", "cn=subschema", "-s", "base", "(objectClass=subschema)", "+")
		if len(es) != 1 || len(es[0].values["attributeTypes"]) < 40 || len(es[0].values["objectClasses"]) < 10 {
			t.Errorf("%d entries, %d attribute types", len(es), len(es[0].values["attributeTypes"]))
		}
	})
	t.Run("controls", func(t *testing.T) {
		d := d.on(t)
		// What we do not play is left out when the client says that it may be, and
		// refused when it may not.
		for _, e := range []string{"1.2.3.4", "mv=(mail=*)", "subentries", "sync=ro", "deref=manager:cn", "domainScope"} {
			if got := people(d.search("-E", e, onlyGross, "1.1")); !slices.Equal(got, []string{gross}) {
				t.Errorf("-E %s: %q", e, got)
			}
			want := exitCritical
			if e == "domainScope" {
				want = 0
			}
			if code, _, errs := d.tool("", "ldapsearch", "-b", baseDN, "-E", "!"+e, onlyGross); code != want {
				t.Errorf("-E !%s: exit code %d\n%s", e, code, errs)
			}
		}
		for _, e := range []string{"assert=(cn=*)", "bauthzid", "chaining", "noop", "postread=cn", "preread=cn", "relax", "manageDSAit"} {
			if got := people(d.search("-e", e, onlyGross, "1.1")); !slices.Equal(got, []string{gross}) {
				t.Errorf("-e %s: %q", e, got)
			}
			want := exitCritical
			if e == "manageDSAit" {
				want = 0
			}
			if code, _, errs := d.tool("", "ldapsearch", "-b", baseDN, "-e", "!"+e, onlyGross); code != want {
				t.Errorf("-e !%s: exit code %d\n%s", e, code, errs)
			}
		}
		for _, e := range []string{"ppolicy", "sessiontracking=somebody", "abandon", "cancel", "ignore"} {
			if got := people(d.search("-e", e, onlyGross, "1.1")); !slices.Equal(got, []string{gross}) {
				t.Errorf("-e %s: %q", e, got)
			}
		}
		if code, _, _ := d.tool("", "ldapsearch", "-b", baseDN, "-e", "!authzid=dn:"+grossDN, onlyGross); code != exitCritical {
			t.Errorf("proxied authorization: exit code %d", code)
		}
	})
	t.Run("filters", func(t *testing.T) {
		d := d.on(t)
		for filter, want := range map[string]bool{
			"(sn=Groß)": true, "(sn=Gro\\c3\\9f)": true, "(sn=gross)": true, "(sn=groß*)": true, "(cn=*rgen*)": true, "(cn=j*g*n*g*)": true,
			"(sn~=gross)": true, "(sn>=gr)": true, "(sn<=gz)": true, "(sn>=z)": false, "(sn<=a)": false,
			"(&(sn=gross)(givenName=juergen))": true, "(|(sn=nobody)(givenName=jurgen))": true, "(&)": true, "(|)": false,
			"(!(sn=nobody))": true, "(!(sn=gross))": false, "(!(title=*))": false, "(!(nosuch=x))": false, "(|(nosuch=x)(sn=gross))": true,
			"(cn=\\2a)": false, "(cn=*\\2a*)": false, "(cn=\\4a*)": true,
			"(cn:=Jürgen Groß)": true, "(cn:caseIgnoreMatch:=jürgen groß)": true, "(cn:dn:2.5.13.2:=jürgen groß)": true,
			"(cn:no-such-rule:=Jürgen Groß)": false, "(!(cn:no-such-rule:=x))": false,
			"(objectClass=inetOrgPerson)": true, "(objectClass=PERSON)": true, "(objectClass=device)": false, "(uid=" + strings.ToUpper(gross) + ")": true,
			"sn=gross": true, "(mail=JUERGEN.GROSS@contoso.example)": true,
		} {
			if got := slices.Contains(people(d.search("-b", bookDN, filter, "1.1")), gross); got != want {
				t.Errorf("%s finds him: %v", filter, got)
			}
		}
		lines := filepath.Join(t.TempDir(), "lines")
		if err := os.WriteFile(lines, []byte("gross\nvieltelefon\nnobody\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := d.search("-f", lines, "(sn=%s)", "1.1"); !slices.Contains(people(got), gross) || len(people(got)) < 2 {
			t.Errorf("-f: %q", people(got))
		}
		if code, out, _ := d.tool("gross\nvieltelefon\n", "ldapsearch", "-LLL", "-c", "-b", baseDN, "-f", "-", "(sn=%s)", "1.1"); code != 0 || len(people(parseLDIF(t, out))) < 2 {
			t.Errorf("-f -: exit code %d\n%s", code, out)
		}
	})
}

// TestLDAPLogin: every way to log in, and the ways that are refused.
func TestLDAPLogin(t *testing.T) {
	s := startTenant(t, 20, "--photos", "0")
	r := startRingbook(t, s)
	d := startDesk(t, r)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(d.device.Secret), 0o600); err != nil {
		t.Fatal(err)
	}
	login := d.device.Login
	plain, tls := "ldap://"+r.ldap, d.uri
	for name, tt := range map[string]struct {
		uri  string
		args []string
		want int
	}{
		"whole DN":             {tls, []string{"-D", d.device.LDAP.BindDN, "-w", d.device.Secret}, 0},
		"DN in capitals":       {tls, []string{"-D", strings.ToUpper(d.device.LDAP.BindDN), "-w", d.device.Secret}, 0},
		"bare login":           {tls, []string{"-D", login, "-w", d.device.Secret}, 0},
		"login@anything":       {tls, []string{"-D", login + "@contoso.com", "-w", d.device.Secret}, 0},
		"secret from a file":   {tls, []string{"-D", login, "-y", secret}, 0},
		"StartTLS":             {plain, []string{"-ZZ", "-D", login, "-w", d.device.Secret}, 0},
		"StartTLS, not forced": {plain, []string{"-Z", "-D", login, "-w", d.device.Secret}, 0},
		"plain":                {plain, []string{"-D", login, "-w", d.device.Secret}, exitConfidentiality},
		"plain, wrong secret":  {plain, []string{"-D", login, "-w", "x"}, exitConfidentiality},
		"wrong secret":         {tls, []string{"-D", login, "-w", "x"}, exitCredentials},
		"unknown login":        {tls, []string{"-D", "nobody", "-w", "x"}, exitCredentials},
		"no secret":            {tls, []string{"-D", login, "-w", ""}, exitUnwilling},
		"LDAPv2":               {tls, []string{"-P", "2", "-D", login, "-w", d.device.Secret}, 0},
	} {
		code, out, errs := run(t, nil, "ldapsearch", append([]string{"-x", "-LLL", "-H", tt.uri, "-b", baseDN, onlyGross, "1.1"}, tt.args...)...)
		found := slices.Contains(people(parseLDIF(t, out)), gross)
		if code != tt.want || found != (tt.want == 0) {
			t.Errorf("%s: exit code %d, found: %v\n%s", name, code, found, errs)
		}
	}
	t.Run("prompt", func(t *testing.T) {
		need(t, "script") // a terminal to be asked on
		cmd := fmt.Sprintf("ldapsearch -x -LLL -H %s -b %s -D %s -W '%s' 1.1", tls, baseDN, login, onlyGross)
		if _, out, _ := run(t, []byte(d.device.Secret+"\n"), "script", "-qec", cmd, "/dev/null"); !strings.Contains(out, "dn: "+grossDN) {
			t.Errorf("-W: %s", out)
		}
	})
	t.Run("SASL", func(t *testing.T) {
		if code, out, _ := run(t, nil, "ldapsearch", "-Q", "-Y", "EXTERNAL", "-H", tls, "-b", baseDN); code == 0 || strings.Contains(out, "dn:") {
			t.Errorf("exit code %d: %s", code, out)
		}
	})
	t.Run("another certificate", func(t *testing.T) {
		d := d.on(t)
		other, _ := selfSigned(t, t.TempDir())
		t.Setenv("LDAPTLS_CACERT", other)
		if code, out, _ := d.tool("", "ldapsearch", "-b", baseDN); code == 0 {
			t.Errorf("ldapsearch trusts a stranger: %s", out)
		}
	})
	t.Run("anonymous", func(t *testing.T) {
		_, out, _ := run(t, nil, "ldapsearch", "-x", "-LLL", "-H", tls, "-b", baseDN)
		if strings.Contains(out, "dn:") {
			t.Errorf("a stranger reads %s", out)
		}
		if code, out, _ := run(t, nil, "ldapsearch", "-x", "-LLL", "-H", plain, "-b", "", "-s", "base", "+"); code != 0 || !strings.Contains(out, "supportedExtension") {
			t.Errorf("a stranger needs the root DSE: exit code %d\n%s", code, out)
		}
	})
	t.Run("plain, allowed", func(t *testing.T) {
		d := d.on(t)
		t.Setenv("RINGBOOK_LDAP_ALLOW_PLAIN", "true")
		r.restart()
		d.uri = plain
		if got := people(d.search(onlyGross, "1.1")); !slices.Equal(got, []string{gross}) {
			t.Errorf("found %q", got)
		}
	})
}

// TestLDAPTools: whoami and compare answer; what writes is told that it cannot.
func TestLDAPTools(t *testing.T) {
	s := startTenant(t, 20, "--photos", "0")
	r := startRingbook(t, s)
	d := startDesk(t, r)
	if code, out, errs := d.tool("", "ldapwhoami"); code != 0 || out != "dn:"+d.device.LDAP.BindDN+"\n" {
		t.Errorf("ldapwhoami: exit code %d, %q %s", code, out, errs)
	}
	if code, out, errs := run(t, nil, "ldapwhoami", "-x", "-H", d.uri); code != 0 || out != "anonymous\n" {
		t.Errorf("anonymous ldapwhoami: exit code %d, %q %s", code, out, errs)
	}
	for assertion, want := range map[string]int{
		"sn:Groß": exitCompareTrue, "sn:gross": exitCompareTrue, "sn:Klein": exitCompareFalse,
		"telephoneNumber:030 23125-042": exitCompareTrue, "homePhone:1": 16, "nosuch:1": 17,
	} {
		if code, out, errs := d.tool("", "ldapcompare", grossDN, assertion); code != want {
			t.Errorf("ldapcompare %s: exit code %d\n%s%s", assertion, code, out, errs)
		}
	}
	// Two writes each, to see that the connection is kept after the first.
	twice := func(ldif string) string {
		return "dn: " + grossDN + "\n" + ldif + "\n\ndn: uid=x," + bookDN + "\n" + ldif + "\n"
	}
	for program, tt := range map[string]struct {
		args  []string
		stdin string
	}{
		"ldapmodify": {[]string{"-c"}, twice("changetype: modify\nreplace: cn\ncn: x\n-")},
		"ldapadd":    {[]string{"-c"}, twice("objectClass: person\ncn: x\nsn: x")},
		"ldapdelete": {[]string{"-c", grossDN, bookDN}, ""},
		"ldapmodrdn": {[]string{"-c"}, grossDN + "\nuid=y\n\n" + bookDN + "\nou=y\n"},
	} {
		code, out, errs := d.tool(tt.stdin, program, tt.args...)
		said := out + errs
		if code != exitUnwilling || strings.Count(said, "this directory is read-only") != 2 {
			t.Errorf("%s: exit code %d\n%s", program, code, said)
		}
	}
	if code, out, errs := d.tool("", "ldappasswd", "-s", "new"); code == 0 || !strings.Contains(out+errs, "unknown extended operation") {
		t.Errorf("ldappasswd: exit code %d\n%s%s", code, out, errs)
	}
	if got := people(d.search(onlyGross, "1.1")); len(got) != 1 {
		t.Error("he is gone")
	}
}

// TestLDAPLookups: whoever calls is found, in whatever spelling; so is whoever
// is looked for.
func TestLDAPLookups(t *testing.T) {
	s := startTenant(t, 250, "--photos", "0")
	r := startRingbook(t, s, "[numbers]", `country = "DE"`)
	d := startDesk(t, r)
	escape := strings.NewReplacer(`\`, `\5c`, "(", `\28`, ")", `\29`, "*", `\2a`)

	for _, spelling := range []string{
		"+493023125042", "00493023125042", "03023125042", "493023125042", "3023125042",
		"+49 30 23125 042", "+49 (0)30 23125-042", "0049 30 23125042", "030 23125-042", "030/23125042", "(030) 23125-042", "030.23125.042",
		"tel:+49-30-23125-042", "sip:+493023125042@pbx.contoso.com", "+49\u00a030\u00a023125\u00a0042",
	} {
		var terms strings.Builder
		for a := range strings.FieldsSeq(everyPhone) { // as desk phones ask
			terms.WriteString("(" + a + "=" + escape.Replace(spelling) + ")")
		}
		if got := people(d.search("(|"+terms.String()+")", "cn")); !slices.Equal(got, []string{gross}) {
			t.Errorf("%s finds %q", spelling, got)
		}
	}
	for _, nobody := range []string{"", " ", "+", "()", "+49302312504", "+4930231250421"} {
		if got := people(d.search("(telephoneNumber="+escape.Replace(nobody)+")", "cn")); len(got) != 0 {
			t.Errorf("%q finds %q", nobody, got)
		}
	}
	for _, name := range []string{"Groß", "gross", "GROSS", "GROẞ", "Jürgen", "juergen", "jurgen", "JÜRGEN", "Ju\u0308rgen", "Jürgen Groß", "juergen gross"} {
		for _, filter := range []string{"(|(sn=%s)(givenName=%s)(cn=%s))", "(|(sn=%s*)(givenName=%s*)(cn=%s*))", "(cn=*%[1]s*)"} {
			filter = strings.ReplaceAll(strings.ReplaceAll(filter, "%[1]s", name), "%s", name)
			if !slices.Contains(people(d.search(filter, "cn")), gross) {
				t.Errorf("%s does not find %s", filter, grossName)
			}
		}
	}
	for profile, want := range map[string]string{"e164": "+493023125042", "international": "00493023125042", "national": "03023125042"} {
		desk := d
		desk.device = r.addDevice("--kind", "deskphone", "--numbers", profile)
		if got := desk.search("(telephoneNumber=+493023125042)", "telephoneNumber"); len(got) != 1 || !slices.Equal(got[0].values["telephoneNumber"], []string{want}) {
			t.Errorf("%s: %v", profile, got)
		}
	}
}

// TestLDAPNews: what happens in the tenant is seen, and a device that is drained
// sees nothing, without an error.
func TestLDAPNews(t *testing.T) {
	s := startTenant(t, 20, "--photos", "0")
	anna := s.add(person("Anna", "Sonderbar", map[string]any{"mobilePhone": "+49 171 3920001"}))
	r := startRingbook(t, s)
	d := startDesk(t, r)
	who := func(number string) []string { return people(d.search("(mobile="+number+")", "cn")) }
	if got := who("+491713920001"); !slices.Equal(got, []string{anna}) {
		t.Fatalf("found %q", got)
	}
	s.patch(anna, map[string]any{"mobilePhone": "+49 171 3920002"})
	r.do("sync")
	if got := who("+491713920002"); !slices.Equal(got, []string{anna}) {
		t.Errorf("her new number finds %q", got)
	}
	if got := who("+491713920001"); len(got) != 0 {
		t.Errorf("her old number finds %q", got)
	}
	s.remove(anna)
	r.do("sync")
	if got := who("+491713920002"); len(got) != 0 {
		t.Errorf("she left, and her number finds %q", got)
	}
	if got := people(d.search("1.1")); len(got) != r.served() {
		t.Errorf("%d people, %d served", len(got), r.served())
	}
	r.do("device", "revoke", d.device.ID, "--drain")
	if got := people(d.search("1.1")); len(got) != 0 {
		t.Errorf("a drained device sees %d people", len(got))
	}
	r.do("device", "revoke", d.device.ID)
	if code, _, errs := d.tool("", "ldapsearch", "-b", baseDN); code != exitCredentials {
		t.Errorf("a revoked device: exit code %d %s", code, errs)
	}
}

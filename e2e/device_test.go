package e2e_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	goldap "github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"
	"howett.net/plist"
)

// Exit codes of ringbook.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitUnreachable = 3
)

// within fails the test unless it happens within d. What counts is the time in
// which this process was run: ticks that a busy machine swallows do not.
func within(t *testing.T, d time.Duration, what string, happened func() bool) {
	t.Helper()
	tick := time.NewTicker(glance)
	defer tick.Stop()
	for range d / glance {
		if happened() {
			return
		}
		<-tick.C
	}
	if !happened() {
		t.Errorf("not within %v: %s", d, what)
	}
}

// poll asks for the home and returns the status, and whether the connection
// was one that is kept alive.
func (c *dav) poll() (status int, kept bool) {
	c.t.Helper()
	ctx := httptrace.WithClientTrace(c.t.Context(), &httptrace.ClientTrace{
		GotConn: func(i httptrace.GotConnInfo) { kept = i.Reused },
	})
	req, err := http.NewRequestWithContext(ctx, "PROPFIND", c.url+"/dav/ab/"+c.login+"/", strings.NewReader(propfind("<d:resourcetype/>")))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Depth", "1")
	req.SetBasicAuth(c.login, c.secret)
	res, err := c.client.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(res.Body); err != nil { // else it is not kept alive
		c.t.Fatal(err)
	}
	return res.StatusCode, kept
}

// TestDevices: each device is let in and shut out on its own.
func TestDevices(t *testing.T) {
	s := startTenant(t, 40)
	r := startRingbook(t, s)
	anna, bert, carla := r.addDevice(), r.addDevice("--owner", "bert@contoso.example", "--kind", "deskphone"), r.addDevice()

	t.Run("secrets", func(t *testing.T) { showOnce(r.on(t), anna, bert, carla) })
	t.Run("revoke", func(t *testing.T) { revoke(r.on(t), anna, bert) })
	t.Run("drain", func(t *testing.T) { drain(r.on(t), carla, bert) })
	t.Run("restart", func(t *testing.T) {
		r.restart()
		got := doJSON[status](r, "status").Devices
		if got.Active != 1 || got.Draining != 1 || got.Revoked != 1 {
			t.Errorf("%+v", got)
		}
		for d, want := range map[device]int{anna: http.StatusUnauthorized, bert: http.StatusMultiStatus, carla: http.StatusMultiStatus} {
			if got, _ := r.dav(t, d).poll(); got != want {
				t.Errorf("device %s: status %d, not %d", d.Login, got, want)
			}
		}
		if m := r.dav(t, carla).multistatus("REPORT", carla.book(), syncCollection("", "<d:getetag/>")); len(m.Responses) != 0 {
			t.Errorf("the draining device sees %d contacts", len(m.Responses))
		}
		if err := r.dialLDAPS(t).Bind(anna.LDAP.BindDN, anna.Secret); err == nil {
			t.Error("the revoked device may log in")
		}
	})
	t.Run("retired", func(t *testing.T) {
		comeBack(r.dav(t, carla), carla.book())
		r.restart() // it looks when it starts, and every hour
		eventually(t, "the drained device is retired", func() error {
			if got := doJSON[status](r, "status").Devices; got.Draining != 0 || got.Revoked != 2 {
				return fmt.Errorf("%+v", got)
			}
			return nil
		})
		if got, _ := r.dav(t, carla).poll(); got != http.StatusUnauthorized {
			t.Errorf("the retired device: status %d", got)
		}
	})
	t.Run("exit codes", func(t *testing.T) { exitCodes(r.on(t)) })
}

// showOnce: a secret is nowhere but in what device add printed.
func showOnce(r *ringbook, devices ...device) {
	said := r.do("device", "list") + r.do("device", "list", "--json") + r.do("status") + r.do("status", "--json")
	for _, d := range devices {
		said += r.do("device", "show", d.ID) + r.do("device", "show", d.ID, "--json")
		if got, _ := r.dav(r.t, d).poll(); got != http.StatusMultiStatus {
			r.t.Errorf("device %s: status %d", d.Login, got)
		}
		r.logIn(r.t, d)
		if n := strings.Count(said, d.ID); n < 4 {
			r.t.Errorf("device %s stands %d times in what list and show say", d.ID, n)
		}
	}
	said += r.saidSoFar()
	known := false
	err := filepath.WalkDir(r.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		known = known || bytes.Contains(b, []byte(devices[0].Login))
		for _, d := range devices {
			if bytes.Contains(b, []byte(d.Secret)) {
				r.t.Errorf("%s holds the secret of device %s", path, d.ID)
			}
		}
		return nil
	})
	if err != nil || !known {
		r.t.Errorf("searched the data: %v, a login was found: %v", err, known)
	}
	seen := map[string]bool{}
	for _, d := range devices {
		if strings.Contains(said, d.Secret) {
			r.t.Errorf("the secret of device %s was shown again, or logged", d.ID)
		}
		if len(d.Secret) < 16 || seen[d.Secret] || seen[d.Login] {
			r.t.Errorf("login %s with a secret of %d characters", d.Login, len(d.Secret))
		}
		seen[d.Secret], seen[d.Login] = true, true
	}
}

// revoke: one device is shut out at once, its neighbour notices nothing.
func revoke(r *ringbook, lost, neighbour device) {
	phone, other := r.dav(r.t, lost), r.dav(r.t, neighbour)
	phone.poll()
	other.poll()
	desk, otherDesk := r.logIn(r.t, lost), r.logIn(r.t, neighbour)
	if ids, err := ldapPeople(desk, onlyGross); err != nil || len(ids) != 1 {
		r.t.Fatalf("before: %v, %v", ids, err)
	}

	r.do("device", "revoke", lost.ID)
	if got, kept := phone.poll(); got != http.StatusUnauthorized || !kept {
		r.t.Errorf("the phone's next request: status %d; on the connection it had: %v", got, kept)
	}
	within(r.t, time.Second, "its LDAP connection is closed", desk.IsClosing)
	if got, kept := other.poll(); got != http.StatusMultiStatus || !kept {
		r.t.Errorf("the neighbour's next request: status %d; on the connection it had: %v", got, kept)
	}
	if ids, err := ldapPeople(otherDesk, onlyGross); err != nil || len(ids) != 1 {
		r.t.Errorf("the neighbour's LDAP connection: %v, %v", ids, err)
	}
	if err := r.dialLDAPS(r.t).Bind(lost.LDAP.BindDN, lost.Secret); err == nil {
		r.t.Error("the revoked device may log in")
	}
	if out := r.do("device", "show", lost.ID); !strings.Contains(out, "revoked") {
		r.t.Errorf("show: %s", out)
	}
}

// drain: the device may log in, and is told that everybody is gone.
func drain(r *ringbook, leaving, neighbour device) {
	phone := r.dav(r.t, leaving)
	before := phone.multistatus("REPORT", leaving.book(), syncCollection("", "<d:getetag/>"))
	if len(before.Responses) == 0 {
		r.t.Fatal("nobody is served")
	}
	desk := r.logIn(r.t, leaving)

	r.do("device", "revoke", leaving.ID, "--drain")
	after := phone.multistatus("REPORT", leaving.book(), syncCollection(before.Token, "<d:getetag/>"))
	var had, gone []string
	for _, e := range before.Responses {
		had = append(had, e.Href)
	}
	for _, e := range after.Responses {
		if !e.gone() {
			r.t.Errorf("%s is still there", e.Href)
		}
		gone = append(gone, e.Href)
	}
	slices.Sort(had)
	slices.Sort(gone)
	if d := cmp.Diff(had, gone); d != "" {
		r.t.Errorf("(-had +told gone) %s", d)
	}
	if a := phone.do("GET", had[0], ""); a.status != http.StatusNotFound {
		r.t.Errorf("GET of a card: status %d", a.status)
	}
	if m := phone.multistatus("PROPFIND", leaving.book(), propfind("<d:getetag/>"), "Depth: 1"); len(m.Responses) != 1 {
		r.t.Errorf("the book lists %d cards", len(m.Responses)-1)
	}
	// An open connection may go on or be closed, but finds nobody.
	if ids, err := ldapPeople(desk, "(objectClass=*)"); len(ids) != 0 {
		r.t.Errorf("the open LDAP connection finds %v, %v", ids, err)
	}
	if ids, err := ldapPeople(r.logIn(r.t, leaving), "(objectClass=*)"); err != nil || len(ids) != 0 {
		r.t.Errorf("a new LDAP connection finds %v, %v", ids, err)
	}
	if ids, err := ldapPeople(r.logIn(r.t, neighbour), onlyGross); err != nil || len(ids) != 1 {
		r.t.Errorf("the neighbour finds %v, %v", ids, err)
	}
}

// exitCodes are what scripts depend on. It ends the server.
func exitCodes(r *ringbook) {
	check := func(want int, args ...string) {
		r.t.Helper()
		code, out, errs := run(r.t, nil, ringbookBinary, args...)
		if code != want || out != "" || !strings.HasPrefix(errs, "ringbook: ") {
			r.t.Errorf("ringbook %s: exit code %d instead of %d\nstdout: %s\nstderr: %s", strings.Join(args, " "), code, want, out, errs)
		}
	}
	broken := filepath.Join(r.t.TempDir(), "ringbook.toml")
	if err := os.WriteFile(broken, []byte("data_dir = 5\nnonsense = true\n"), 0o600); err != nil {
		r.t.Fatal(err)
	}
	check(exitFailed, "device", "show", "zzzzzzzz", "--json", "--config", r.config)
	check(exitFailed, "device", "revoke", "zzzzzzzz", "--config", r.config)
	check(exitFailed, "serve", "--config", r.config) // it runs already
	check(exitUsage, "device", "add", "--config", r.config)
	check(exitUsage, "device", "add", "--name", "x", "--kind", "toaster", "--config", r.config)
	check(exitUsage, "device", "show", "--config", r.config)
	check(exitUsage, "device", "profile", "zzzzzzzz", "--config", r.config)
	check(exitUsage, "status", "--colour")
	check(exitUsage, "nonsense")
	check(exitUsage, "device", "nonsense")
	check(exitUsage, "serve", "--config", broken)
	check(exitUsage, "config", "check", "--config", broken)
	check(exitUsage, "status", "--config", filepath.Join(r.t.TempDir(), "missing.toml"))
	r.end(syscall.SIGTERM)
	for _, args := range [][]string{{"status"}, {"sync"}, {"device", "list", "--json"}, {"device", "add", "--name", "x"}, {"device", "revoke", "zzzzzzzz"}} {
		check(exitUnreachable, append(args, "--config", r.config)...)
	}
}

// TestDeskPhone: what device add prints is all that a desk phone needs.
func TestDeskPhone(t *testing.T) {
	r := startRingbook(t, startTenant(t, 40))
	said := r.do("device", "add", "--name", "Reception", "--kind", "deskphone", "--numbers", "national")
	field := func(label string) string {
		m := regexp.MustCompile(`(?m)^` + label + ` {2,}(.*?)(?: {2,}\(.*)?$`).FindStringSubmatch(said)
		if m == nil {
			t.Fatalf("no %q in\n%s", label, said)
		}
		return m[1]
	}
	c, err := goldap.DialURL(field("LDAP"), goldap.DialWithTLSConfig(trusting(t, r.ca)))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Bind(field("Bind DN"), field("Secret")); err != nil {
		t.Fatal(err)
	}
	name, numbers, _ := strings.Cut(field("Name, numbers"), ", ")
	for filter, typed := range map[string]string{"Name filter": "groß*", "Number filter": "03023125042"} {
		found, err := c.Search(goldap.NewSearchRequest(field("Base DN"), goldap.ScopeWholeSubtree, goldap.NeverDerefAliases, 10, 0, false,
			strings.ReplaceAll(field(filter), "%", typed), append(strings.Fields(numbers), name), nil))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(found.Entries, func(e *goldap.Entry) bool {
			return e.GetAttributeValue(name) == grossName && slices.Contains(e.GetAttributeValues("telephoneNumber"), "03023125042")
		}) {
			t.Errorf("%s with %s: %+v", filter, typed, found.Entries)
		}
	}
}

// TestProfile: an MDM gets a profile, and a phone that has only this profile signs in.
func TestProfile(t *testing.T) {
	r := newRingbook(t, startTenant(t, 20))
	r.overTLS()
	r.serve()
	r.waitReady()
	d := r.addDevice()
	out := filepath.Join(t.TempDir(), "anna.mobileconfig")
	profile := func(stdin string, args ...string) (int, string) {
		code, said, errs := run(t, []byte(stdin), ringbookBinary, append([]string{"device", "profile", d.ID, "--out", out, "--config", r.config}, args...)...)
		return code, said + errs
	}

	if code, said := profile("wrongwrongwrongwrong\n", "--secret-file", "-"); code != exitFailed || !strings.Contains(said, "not the secret") {
		t.Errorf("a wrong secret: exit code %d: %s", code, said)
	}
	if _, err := os.Stat(out); !os.IsNotExist(err) {
		t.Errorf("a refused profile was written: %v", err)
	}
	if code, said := profile(""); code != 0 {
		t.Fatalf("exit code %d: %s", code, said)
	}
	first := readProfile(t, out)
	if _, has := first.account["CardDAVPassword"]; has {
		t.Error("there is a password in the profile, where nobody gave one")
	}
	if code, said := profile(d.Secret+"\n", "--secret-file", "-", "--removal-disallowed",
		"--vpn-uuid", "3D1C9A7E-52A5-4F0B-9C61-4F7A7E2B8D11", "--audio-call-app", "com.example.phone"); code != 0 {
		t.Fatalf("exit code %d: %s", code, said)
	}
	p := readProfile(t, out)
	if p.wrapper["PayloadIdentifier"] != first.wrapper["PayloadIdentifier"] || p.wrapper["PayloadUUID"] != first.wrapper["PayloadUUID"] {
		t.Error("the second profile would not replace the first")
	}
	port, err := strconv.ParseUint(r.url[strings.LastIndex(r.url, ":")+1:], 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"PayloadType": "com.apple.carddav.account", "PayloadVersion": uint64(1),
		"CardDAVHostName": "localhost", "CardDAVPort": port, "CardDAVUseSSL": true,
		"CardDAVPrincipalURL": "/dav/p/" + d.Login + "/", "CardDAVUsername": d.Login, "CardDAVPassword": d.Secret,
		"VPNUUID":                   "3D1C9A7E-52A5-4F0B-9C61-4F7A7E2B8D11",
		"CommunicationServiceRules": map[string]any{"DefaultServiceHandlers": map[string]any{"AudioCall": "com.example.phone"}},
	}
	for key, value := range want {
		if diff := cmp.Diff(value, p.account[key]); diff != "" {
			t.Errorf("%s (-want +got) %s", key, diff)
		}
	}
	for _, key := range []string{"PayloadIdentifier", "PayloadUUID", "PayloadDisplayName", "PayloadOrganization", "CardDAVAccountDescription"} {
		if text(p.account[key]) == "" {
			t.Errorf("the account has no %s", key)
		}
	}
	if p.wrapper["PayloadType"] != "Configuration" || p.wrapper["PayloadVersion"] != uint64(1) || p.wrapper["PayloadRemovalDisallowed"] != true {
		t.Errorf("wrapper: %v", p.wrapper)
	}

	// A phone has nothing but the profile.
	scheme := map[any]string{true: "https://", false: "http://"}[p.account["CardDAVUseSSL"]]
	phone := r.dav(t, device{Login: text(p.account["CardDAVUsername"]), Secret: text(p.account["CardDAVPassword"])})
	phone.url = scheme + net.JoinHostPort(text(p.account["CardDAVHostName"]), fmt.Sprint(p.account["CardDAVPort"]))
	home := phone.multistatus("PROPFIND", text(p.account["CardDAVPrincipalURL"]), propfind("<card:addressbook-home-set/>"), "Depth: 0").one(t).Home
	if home != "/dav/ab/"+d.Login+"/" {
		t.Errorf("the phone's home is %q", home)
	}
	if m := phone.multistatus("REPORT", home+"people/", syncCollection("", "<d:getetag/>")); len(m.Responses) != r.served() {
		t.Errorf("the phone sees %d of %d contacts", len(m.Responses), r.served())
	}

	r.do("device", "revoke", d.ID)
	if code, said := profile(d.Secret, "--secret-file", "-"); code != exitFailed || !strings.Contains(said, "revoked") {
		t.Errorf("for a revoked device: exit code %d: %s", code, said)
	}
}

// overTLS has it serve CardDAV over TLS, with the certificate that LDAP has.
func (r *ringbook) overTLS() {
	r.t.Helper()
	plain := r.url
	_, port, err := net.SplitHostPort(strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		r.t.Fatal(err)
	}
	r.url = "https://localhost:" + port
	r.configText = strings.NewReplacer(
		fmt.Sprintf("public_url = %q", plain), fmt.Sprintf("public_url = %q", r.url),
		`tls = "off"`, fmt.Sprintf("tls = \"files\"\ncert_file = %q\nkey_file = %q", r.ca, filepath.Join(r.dir, "key.pem")),
	).Replace(r.configText)
	if err := os.WriteFile(r.config, []byte(r.configText), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// A mobileconfig is an account profile as a phone reads it.
type mobileconfig struct {
	wrapper map[string]any
	account map[string]any
}

func readProfile(t *testing.T, file string) mobileconfig {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o600 {
		t.Errorf("the profile's mode is %v", info.Mode())
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var p mobileconfig
	if _, err := plist.Unmarshal(b, &p.wrapper); err != nil {
		t.Fatal(err)
	}
	content, ok := p.wrapper["PayloadContent"].([]any)
	if !ok || len(content) != 1 {
		t.Fatalf("content: %v", p.wrapper["PayloadContent"])
	}
	if p.account, ok = content[0].(map[string]any); !ok {
		t.Fatalf("content: %v", content[0])
	}
	return p
}

// comeBack has a drained phone read the book and, with what it was told, ask again.
func comeBack(phone *dav, book string) {
	empty := phone.multistatus("REPORT", book, syncCollection("", "<d:getetag/>"))
	again := phone.multistatus("REPORT", book, syncCollection(empty.Token, "<d:getetag/>"))
	if len(again.Responses) != 0 || again.Token != empty.Token {
		phone.t.Errorf("once it is empty: %d responses, token %s then %s", len(again.Responses), empty.Token, again.Token)
	}
}

package e2e_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A thunderbird is the program itself, headless, steered over Marionette
// (firefox-source-docs.mozilla.org/testing/marionette/Protocol.html).
type thunderbird struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
	id   int
}

// thunderbirdPrefs keep it from asking a person, and from asking the internet.
const thunderbirdPrefs = `user_pref("mail.provider.suppress_dialog_on_startup", true);
user_pref("mail.spotlight.firstRunDone", true);
user_pref("mailnews.start_page.enabled", false);
user_pref("app.update.enabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("services.settings.server", "data:,#remote-settings-dummy/v1");
user_pref("marionette.port", %s);
`

// startThunderbird starts it on a profile of its own, with further preferences.
func startThunderbird(t *testing.T, prefs ...string) *thunderbird {
	t.Helper()
	need(t, "thunderbird")
	profile, home := t.TempDir(), t.TempDir()
	address := freePort(t)
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(profile, "user.js"), []byte(fmt.Sprintf(thunderbirdPrefs, port)+strings.Join(prefs, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("thunderbird", "--headless", "--no-remote", "--marionette", "--remote-allow-system-access", "--profile", profile)
	cmd.Env = append(os.Environ(), "HOME="+home, "MOZ_HEADLESS=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // it has children
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil {
			t.Errorf("end Thunderbird: %v", err)
		}
		cmd.Wait() //nolint:errcheck // it was killed
	})
	b := &thunderbird{t: t}
	eventually(t, "Thunderbird listens", func() error {
		b.conn, err = net.DialTimeout("tcp", address, time.Second)
		return err
	})
	t.Cleanup(func() { b.conn.Close() })
	b.in = bufio.NewReader(b.conn)
	b.receive() // its greeting
	b.call("WebDriver:NewSession", map[string]any{"capabilities": map[string]any{"alwaysMatch": map[string]any{
		"unhandledPromptBehavior": "ignore", // a test's own script answers
	}}})
	b.call("Marionette:SetContext", map[string]any{"value": "chrome"})
	b.call("WebDriver:SetTimeouts", map[string]any{"script": patience.Milliseconds()})
	return b
}

func (b *thunderbird) receive() json.RawMessage {
	b.t.Helper()
	if err := b.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		b.t.Fatal(err)
	}
	size, err := b.in.ReadString(':')
	if err != nil {
		b.t.Fatal(err)
	}
	n, err := strconv.Atoi(strings.TrimSuffix(size, ":"))
	if err != nil {
		b.t.Fatal(err)
	}
	m := make([]byte, n)
	if _, err := io.ReadFull(b.in, m); err != nil {
		b.t.Fatal(err)
	}
	return m
}

// call is a command that must succeed.
func (b *thunderbird) call(command string, args map[string]any) json.RawMessage {
	b.t.Helper()
	result, err := b.try(command, args)
	if err != nil {
		b.t.Fatal(err)
	}
	return result
}

// try sends [0, id, command, arguments]; the answer is [1, id, error, result].
func (b *thunderbird) try(command string, args map[string]any) (json.RawMessage, error) {
	b.t.Helper()
	b.id++
	m, err := json.Marshal([]any{0, b.id, command, args})
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := fmt.Fprintf(b.conn, "%d:%s", len(m), m); err != nil {
		b.t.Fatal(err)
	}
	var answer [4]json.RawMessage
	if err := json.Unmarshal(b.receive(), &answer); err != nil {
		b.t.Fatal(err)
	}
	if string(answer[2]) != "null" {
		return nil, fmt.Errorf("%s: %s", command, answer[2])
	}
	return answer[3], nil
}

// A tbBook is what Thunderbird's address book shows.
type tbBook struct {
	Name     string `json:"name"`
	ReadOnly bool   `json:"readOnly"`
	Token    string `json:"token"`
	Count    int    `json:"count"`
	Cards    map[string]struct {
		Tel   []string `json:"tel"`
		Photo bool     `json:"photo"`
	} `json:"cards"`
	Error string `json:"error"`
}

func (b *thunderbird) sync(d device) tbBook { b.t.Helper(); return b.syncFrom(d, "") }

// syncFrom has it go on from another token than its own.
func (b *thunderbird) syncFrom(d device, token string) tbBook {
	b.t.Helper()
	script, err := os.ReadFile("testdata/thunderbird.js")
	if err != nil {
		b.t.Fatal(err)
	}
	result := b.call("WebDriver:ExecuteAsyncScript", map[string]any{
		"script": string(script), "args": []any{d.CardDAVURL, d.Login, d.Secret, token},
	})
	var v struct {
		Value tbBook `json:"value"`
	}
	if err := json.Unmarshal(result, &v); err != nil {
		b.t.Fatal(err)
	}
	if v.Value.Error != "" {
		b.t.Fatal(v.Value.Error)
	}
	return v.Value
}

// epochIn is where a token names the store that it is of.
var epochIn = regexp.MustCompile(`/sync/[0-9a-f]{16}/`)

// TestThunderbird: discovery from the host alone, first sync, a change, a
// removal, a restart of the server in between, a token that is refused, a drain.
func TestThunderbird(t *testing.T) {
	need(t, "thunderbird")
	s := startTenant(t, 120)
	anna := s.add(person("Anna", "Sonderbar", map[string]any{"mobilePhone": "+49 171 3920001"}))
	r := startRingbook(t, s)
	d := r.addDevice()
	tb := startThunderbird(t)

	first := tb.sync(d)
	if !first.ReadOnly {
		t.Error("Thunderbird would let its user edit")
	}
	if got := first.Cards["Anna Sonderbar"].Tel; len(got) != 1 || got[0] != "+491713920001" {
		t.Errorf("Anna's numbers: %q", got)
	}
	if want := r.served(); first.Count != want {
		t.Errorf("%d cards, %d contacts served", first.Count, want)
	}

	s.patch(anna, map[string]any{"mobilePhone": "+49 171 3920002"})
	r.do("sync")
	r.restart()
	changed := tb.sync(d)
	if got := changed.Cards["Anna Sonderbar"].Tel; len(got) != 1 || got[0] != "+491713920002" {
		t.Errorf("Anna's numbers after the change: %q", got)
	}
	if changed.Token == first.Token || changed.Count != first.Count {
		t.Errorf("token %q then %q; %d cards then %d", first.Token, changed.Token, first.Count, changed.Count)
	}

	s.remove(anna)
	r.do("sync")
	gone := tb.sync(d)
	if _, still := gone.Cards["Anna Sonderbar"]; still {
		t.Error("Anna is still there after she left")
	}

	// A token of another store, as after a backup was restored: only 400 has it begin anew.
	foreign := epochIn.ReplaceAllString(gone.Token, "/sync/fedcba9876543210/")
	s.add(person("Berta", "Neu", nil))
	r.do("sync")
	anew := tb.syncFrom(d, foreign)
	if !strings.Contains(r.saidSoFar(), "method=REPORT kind=book from=127.0.0.1 device="+d.ID+" status=400") {
		t.Error("its token was not refused")
	}
	if _, there := anew.Cards["Berta Neu"]; !there || anew.Count != r.served() || anew.Token == foreign {
		t.Errorf("after a refused token it shows %d cards of %d, with token %q", anew.Count, r.served(), anew.Token)
	}

	r.do("device", "revoke", d.ID, "--drain")
	if left := tb.sync(d); left.Count != 0 {
		t.Errorf("a draining Thunderbird shows %d cards", left.Count)
	}
	tb.sync(d)
	if out := r.do("device", "show", d.ID); !strings.Contains(out, "emptied on") {
		t.Errorf("device show: %s", out)
	}
}

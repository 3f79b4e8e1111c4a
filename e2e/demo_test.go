package e2e_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A demo is `ringbook demo`, started as a newcomer starts it.
type demo struct {
	t              *testing.T
	cmd            *exec.Cmd
	stdout, stderr syncBuffer
	done           chan struct{}
	err            error
}

// startDemo returns when the sheet, or with --json the document, is whole.
func startDemo(t *testing.T, args ...string) *demo {
	t.Helper()
	d := &demo{t: t, done: make(chan struct{})}
	d.cmd = exec.Command(ringbookBinary, append([]string{"demo", "--people", "40"}, args...)...)
	d.cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	d.cmd.Stdout, d.cmd.Stderr = &d.stdout, &d.stderr
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		d.err = d.cmd.Wait()
		close(d.done)
	}()
	t.Cleanup(func() {
		if err := d.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Error(err)
		}
		<-d.done
		if t.Failed() {
			t.Logf("the demo said:\n%s%s", d.stdout.String(), tail(d.stderr.String(), 4000))
		}
	})
	eventually(t, "the demo is up", func() error {
		if out := d.stdout.String(); strings.HasSuffix(out, "Ctrl-C ends the demo.\n") || strings.HasSuffix(out, "\n}\n") {
			return nil
		}
		select {
		case <-d.done:
			t.Fatalf("the demo ended: %v", d.err)
		default:
		}
		return errors.New("no sheet yet")
	})
	return d
}

// ctrlC ends the demo, which must be quick and clean.
func (d *demo) ctrlC() {
	d.t.Helper()
	if err := d.cmd.Process.Signal(os.Interrupt); err != nil {
		d.t.Fatal(err)
	}
	within(d.t, 2*time.Second, "Ctrl-C ends the demo", func() bool {
		select {
		case <-d.done:
			return true
		default:
			return false
		}
	})
	<-d.done
	if d.err != nil {
		d.t.Errorf("the demo ended with %v", d.err)
	}
	if said := d.stderr.String(); said != "" {
		d.t.Errorf("beside the sheet it said %q", said)
	}
}

// line returns what the sheet prints behind a label.
func (d *demo) line(label string) string {
	d.t.Helper()
	m := regexp.MustCompile(`(?m)^ *` + regexp.QuoteMeta(label) + `: +(.*)$`).FindStringSubmatch(d.stdout.String())
	if m == nil {
		d.t.Fatalf("the sheet has no line %q", label)
	}
	return m[1]
}

// shell has a shell run a line of the sheet, as it stands there.
func (d *demo) shell(label string) string {
	d.t.Helper()
	return must(d.t, "sh", "-c", d.line(label))
}

// TestDemo does what the sheet says, line by line.
func TestDemo(t *testing.T) {
	need(t, "curl", "ldapsearch")
	dir := filepath.Join(t.TempDir(), "a newcomer's demo")
	d := startDemo(t, "--dir", dir)
	inLDIF := "cn:: " + base64.StdEncoding.EncodeToString([]byte(grossName)) + "\n"

	if card := d.shell("One card"); !strings.Contains(card, "FN:"+grossName) {
		t.Errorf("one card: %s", card)
	}
	// The sheet does not wait for photos when that takes long.
	eventually(t, "the card has its photo", func() error {
		if !strings.Contains(d.shell("One card"), "PHOTO;") {
			return errors.New("no photo")
		}
		return nil
	})
	if m := parseMultistatus(t, d.shell("All of them")); len(m.Responses) < 30 {
		t.Errorf("%d responses", len(m.Responses))
	}
	eventually(t, "what the owner keeps in Outlook is there", func() error { // mirrored behind the users
		if m := parseMultistatus(t, d.shell("From Outlook")); len(m.Responses) != 3 {
			return errors.New("not the book and its two contacts")
		}
		return nil
	})
	if said := d.shell("What it did"); !strings.Contains(said, grossName+": Outlook") {
		t.Errorf("device show: %s", said)
	}
	if found := d.shell("By name"); !strings.Contains(found, inLDIF) || !strings.Contains(found, "telephoneNumber: 03023125042\n") {
		t.Errorf("by name: %s", found)
	}
	if name := d.shell("By a dialplan"); name != grossName {
		t.Errorf("by a dialplan: %q", name)
	}
	if found := d.shell("Who is calling"); !strings.Contains(found, inLDIF) || strings.Count(found, "dn: ") != 1 {
		t.Errorf("who is calling: %s", found)
	}
	if book := d.shell("Without LDAP"); !strings.Contains(book, "<Name>"+grossName+"</Name>\n<Telephone>03023125042</Telephone>") {
		t.Errorf("without LDAP: %s", book)
	}

	d.shell("A new number")
	if said := d.shell("Fetch it now"); !strings.Contains(said, "users") {
		t.Errorf("sync: %s", said)
	}
	if card := d.shell("One card"); !strings.Contains(card, "+491712345678") {
		t.Errorf("the card after the change: %s", card)
	}
	if found := d.shell("By name"); !strings.Contains(found, "mobile: 01712345678\n") {
		t.Errorf("by name after the change: %s", found)
	}
	if said := d.shell("For a make"); !strings.Contains(said, "\nldap.port = ") {
		t.Errorf("a kit: %s", said)
	}
	if said := d.shell("Is all well"); strings.Contains(said, "✗") || !strings.Contains(said, "\n✓ ldaps ") {
		t.Errorf("the check: %s", said)
	}
	if said := d.shell("Look around"); !strings.Contains(said, "2 active, 0 draining, 0 revoked") {
		t.Errorf("status: %s", said)
	}
	d.shell("End the phone")
	if said := d.shell("One card"); strings.Contains(said, "VCARD") {
		t.Errorf("a revoked phone reads on: %s", said)
	}
	revision := revisionOf(t, d.shell("Look around"))
	d.ctrlC()

	again := startDemo(t, "--dir", dir, "--people", "20") // most have left
	if !strings.Contains(again.stdout.String(), " of 32 contacts") {
		t.Error("the second demo serves the people of the first")
	}
	said := again.shell("Look around")
	if n := len(parseMultistatus(t, again.shell("All of them")).Responses); n > 32 {
		t.Errorf("the second demo lists %d contacts of 32", n)
	}
	if !strings.Contains(said, "2 active, 0 draining, 2 revoked") {
		t.Errorf("status of the second demo: %s", said)
	}
	if now := revisionOf(t, said); len(now) < len(revision) || len(now) == len(revision) && now < revision {
		t.Errorf("revision %s after %s", now, revision)
	}
	if card := again.shell("One card"); !strings.Contains(card, "FN:"+grossName) {
		t.Errorf("one card of the second demo: %s", card)
	}
	again.ctrlC()
	if _, err := os.Stat(filepath.Join(dir, "data")); err != nil {
		t.Errorf("--dir is not kept: %v", err)
	}
}

func revisionOf(t *testing.T, status string) string {
	t.Helper()
	m := regexp.MustCompile(`revision (\d+)`).FindStringSubmatch(status)
	if m == nil {
		t.Fatalf("no revision in %s", status)
	}
	return m[1]
}

// TestDemoJSON: one document, and no folder left behind.
func TestDemoJSON(t *testing.T) {
	d := startDemo(t, "--json")
	var doc struct {
		Dir    string `json:"dir"`
		Config string `json:"config"`
		Served int    `json:"served"`
		Phone  device `json:"phone"`
		Desk   device `json:"deskphone"`
	}
	decoder := json.NewDecoder(strings.NewReader(d.stdout.String()))
	if err := decoder.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		t.Errorf("behind the document: %v", err)
	}
	if doc.Served < 30 || doc.Phone.Secret == "" || doc.Desk.LDAP.BindDN == "" {
		t.Errorf("%+v", doc)
	}
	phone := (&ringbook{t: t, url: strings.TrimSuffix(doc.Phone.CardDAVURL, "/"), ca: filepath.Join(doc.Dir, "cert.pem")}).dav(t, doc.Phone)
	if m := phone.multistatus("REPORT", doc.Phone.book(), syncCollection("", "<d:getetag/>")); len(m.Responses) != doc.Served {
		t.Errorf("the phone sees %d of %d contacts", len(m.Responses), doc.Served)
	}
	if _, err := os.Stat(doc.Config); err != nil {
		t.Error(err)
	}
	d.ctrlC()
	if _, err := os.Stat(doc.Dir); !os.IsNotExist(err) {
		t.Errorf("the temporary folder %s is still there: %v", doc.Dir, err)
	}
}

// TestEndWhileStarting: whoever ends it before it is up sees no failure.
func TestEndWhileStarting(t *testing.T) {
	dir := t.TempDir()
	r := newRingbook(t, startTenant(t, 20))
	for _, tt := range []struct {
		opening string // a folder that is made on the way
		args    []string
	}{
		{filepath.Join(dir, "data", "store"), []string{"demo", "--people", "20", "--dir", dir}},
		{filepath.Join(r.dir, "d", "store"), []string{"serve", "--config", r.config}},
	} {
		p := start(t, ringbookBinary, tt.args...)
		for end := time.Now().Add(patience); time.Now().Before(end); { // no pause: the moment is short
			if _, err := os.Stat(tt.opening); err == nil || p.running() != nil {
				break
			}
		}
		if err := p.running(); err != nil {
			t.Fatal(err)
		}
		p.end(syscall.SIGTERM)
		if p.err != nil {
			t.Errorf("ringbook %s: %v", strings.Join(tt.args, " "), p.err)
		}
	}
}

// TestDemoOnTerminal: there, and only there, a bar shows how far the first sync is.
func TestDemoOnTerminal(t *testing.T) {
	need(t, "script")
	if said := demoOnTerminal(t, ""); !strings.Contains(said, "mirroring users") || !strings.Contains(said, "\r") {
		t.Errorf("the terminal shows no bar: %q", said)
	}
	if said := demoOnTerminal(t, " >"+filepath.Join(t.TempDir(), "sheet")); strings.Contains(said, "mirroring") {
		t.Errorf("there is a bar although standard output is no terminal: %q", said)
	}
}

// demoOnTerminal runs the demo on a terminal until its sheet is there, and
// returns what the terminal showed.
func demoOnTerminal(t *testing.T, redirect string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "script", "-qec", "exec "+ringbookBinary+" demo --people 250"+redirect, "/dev/null")
	cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir(), "TERM=xterm")
	var terminal syncBuffer
	cmd.Stdout = &terminal
	// Its standard input is the keyboard of that terminal.
	keyboard, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { keyboard.Close() })
	sheet := func() string { return terminal.String() }
	if _, file, ok := strings.Cut(redirect, ">"); ok {
		sheet = func() string {
			b, _ := os.ReadFile(file) // there is none yet
			return string(b)
		}
	}
	eventually(t, "the demo is up", func() error {
		if !strings.Contains(sheet(), "Ctrl-C ends the demo.") {
			return errors.New("no sheet yet")
		}
		return nil
	})
	if _, err := io.WriteString(keyboard, "\x03"); err != nil { // Ctrl-C
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the demo ended with %v", err)
	}
	return terminal.String()
}

// TestReadme: the commands and flags of README's reference are there, and each
// explains itself with an example.
func TestReadme(t *testing.T) {
	b, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, reference, _ := strings.Cut(string(b), "\n## Reference\n")
	_, block, _ := strings.Cut(reference, "```\n")
	block, _, _ = strings.Cut(block, "```\n")
	words := regexp.MustCompile(`^(?:[a-z]+ ?)+`)
	flags := regexp.MustCompile(`--[a-z]+(?:-[a-z]+)*`)
	lines := strings.Split(strings.ReplaceAll(block, "\n", ""), "ringbook ")[1:]
	if len(lines) < 8 {
		t.Fatalf("the reference has %d commands", len(lines))
	}
	for _, line := range lines {
		var parent []string // of the alternatives on this line
		for i, alternative := range strings.Split(line, " | ") {
			command := strings.Fields(words.FindString(alternative))
			if i == 0 {
				parent = command[:len(command)-1]
			} else {
				command = append(slices.Clone(parent), command...)
			}
			help := must(t, ringbookBinary, append(slices.Clone(command), "--help")...)
			if name := strings.Join(command, " "); !strings.Contains(help, "Usage:\n  ringbook "+name) || !strings.Contains(help, "Examples:\n  ringbook "+name) {
				t.Errorf("%s --help: %s", name, help)
			}
			for _, flag := range flags.FindAllString(alternative, -1) {
				if !strings.Contains(help, flag) {
					t.Errorf("%q has no %s: %s", command, flag, help)
				}
			}
		}
	}
}

// TestReadmeLinks: what README points to within itself is there.
func TestReadmeLinks(t *testing.T) {
	b, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	headings := map[string]bool{}
	for _, h := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(string(b), -1) {
		name := regexp.MustCompile(`[^a-z0-9 -]`).ReplaceAllString(strings.ToLower(h[1]), "")
		headings[strings.ReplaceAll(name, " ", "-")] = true
	}
	links := regexp.MustCompile(`\]\(#([^)]*)\)`).FindAllStringSubmatch(string(b), -1)
	if len(links) < 15 {
		t.Errorf("%d links", len(links))
	}
	for _, l := range links {
		if !headings[l[1]] {
			t.Errorf("there is no section #%s", l[1])
		}
	}
}

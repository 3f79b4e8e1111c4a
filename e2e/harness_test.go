// Package e2e runs the built binaries and real clients against each other. It
// talks to sockets and files only, and imports nothing from inside.
package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const (
	// patience is how long a test waits for something that takes a moment on a
	// busy machine. Nothing is judged by it: it only keeps a broken run short.
	patience = 90 * time.Second
	// glance is how often it looks.
	glance = 50 * time.Millisecond
)

// The binaries, built once by TestMain.
var ringbookBinary, standinBinary, fixtureBinary string

// atOnce is how many tests that call t.Parallel run together: they wait for
// timers of the binaries, so processors are not what bounds them.
const atOnce = "8"

func TestMain(m *testing.M) {
	os.Exit(func() int {
		if err := flag.Set("test.parallel", atOnce); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		dir, err := os.MkdirTemp("", "ringbook-e2e-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		ringbookBinary, standinBinary = filepath.Join(dir, "ringbook"), filepath.Join(dir, "standin")
		fixtureBinary = filepath.Join(dir, "fixture")
		for binary, pkg := range map[string]string{
			ringbookBinary: "../cmd/ringbook", standinBinary: "../graph/graphtest/standin",
			fixtureBinary: "../server/carddav/carddavtest/fixture",
		} {
			if out, err := exec.Command("go", "build", "-o", binary, pkg).CombinedOutput(); err != nil {
				fmt.Fprintf(os.Stderr, "build %s: %v\n%s", pkg, err, out)
				return 1
			}
		}
		return m.Run()
	}())
}

// need says that a test uses a real client.
func need(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			leaveOut(t, p)
		}
	}
}

// leaveOut says that a real client, or what else a test needs, is missing. In CI that
// is a failure; elsewhere the test is left out, by name.
func leaveOut(t *testing.T, needed string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is missing: e2e/clients.sh should have installed it, or the machine have it", needed)
	}
	t.Skipf("%s is missing", needed)
}

// eventually waits until try is nil.
func eventually(t *testing.T, what string, try func() error) {
	t.Helper()
	tick := time.NewTicker(glance)
	defer tick.Stop()
	end := time.After(patience)
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-end:
			t.Fatalf("%s: still not after %v: %v", what, patience, err)
		case <-tick.C:
		}
	}
}

// Ports that are given out lie below those that a system takes for connections of its
// own, of which these tests have thousands: one that is free now stays so.
const (
	firstPort = 20_000
	ports     = 12_000
)

var nextPort atomic.Uint32

// freePort returns an address on loopback that nobody listens on, and no other twice.
func freePort(t *testing.T) string {
	t.Helper()
	for range ports {
		n := (uint32(os.Getpid())*97 + nextPort.Add(1)) % ports // other processes begin elsewhere
		address := net.JoinHostPort("127.0.0.1", fmt.Sprint(firstPort+n))
		if l, err := net.Listen("tcp", address); err == nil {
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			return address
		}
	}
	t.Fatal("no port is free")
	return ""
}

// A process is a binary that runs until the test ends.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	log  logFile
	done chan struct{}
	err  error
}

func start(t *testing.T, binary string, args ...string) *process {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	p := &process{t: t, cmd: exec.Command(binary, args...), log: logFile(log.Name()), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		p.end(syscall.SIGKILL)
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(binary), tail(p.log.String(), 8000))
		}
	})
	return p
}

// A logFile is where a process says what it does: to a file, as a service does, so
// that nobody who reads along is part of what is measured.
type logFile string

func (l logFile) String() string {
	b, err := os.ReadFile(string(l))
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// end sends sig and waits.
func (p *process) end(sig syscall.Signal) {
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Errorf("signal %v: %v", sig, err)
	}
	<-p.done
}

func (p *process) running() error {
	select {
	case <-p.done:
		return fmt.Errorf("ended: %w", p.err)
	default:
		return nil
	}
}

// A tenant is the Graph stand-in in a process of its own.
type tenant struct {
	*process
	URL          string `json:"url"`
	TenantID     string `json:"tenant_id"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	CAFile       string `json:"ca_file"`
	ControlURL   string `json:"control_url"`
}

func startTenant(t *testing.T, people int, flags ...string) *tenant {
	t.Helper()
	dir := t.TempDir()
	ready := filepath.Join(dir, "ready.json")
	args := append([]string{
		"--people", fmt.Sprint(people), "--listen", "127.0.0.1:0",
		"--ca-file", filepath.Join(dir, "ca.pem"), "--ready-file", ready,
	}, flags...)
	s := &tenant{process: start(t, standinBinary, args...)}
	eventually(t, "the stand-in is up", func() error {
		if err := s.running(); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(ready)
		if err != nil {
			return err
		}
		return json.Unmarshal(b, s)
	})
	return s
}

// control asks the stand-in's control door; a body that is no []byte goes as JSON.
func (s *tenant) control(method, path string, body any) []byte {
	s.t.Helper()
	raw, isRaw := body.([]byte)
	if !isRaw && body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			s.t.Fatal(err)
		}
		raw = b
	}
	req, err := http.NewRequest(method, strings.TrimSuffix(s.ControlURL, "/")+"/"+path, bytes.NewReader(raw))
	if err != nil {
		s.t.Fatal(err)
	}
	res, err := insecure.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode/100 != 2 {
		s.t.Fatalf("%s %s: %s %v: %s", method, path, res.Status, err, answer)
	}
	return answer
}

// A user is one person of the stand-in.
type user struct {
	ID          string `json:"id"`
	DisplayName string `json:"displayName"`
}

func (s *tenant) patch(id string, properties map[string]any) {
	s.t.Helper()
	s.control("PATCH", "users/"+id, properties)
}

// add makes a person and returns the id.
func (s *tenant) add(properties map[string]any) string {
	s.t.Helper()
	var u user
	if err := json.Unmarshal(s.control("POST", "users", properties), &u); err != nil {
		s.t.Fatal(err)
	}
	return u.ID
}

func (s *tenant) remove(id string)  { s.t.Helper(); s.control("DELETE", "users/"+id, nil) }
func (s *tenant) restore(id string) { s.t.Helper(); s.control("POST", "users/"+id+"/restore", nil) }

// person is a new colleague whom every rule lets in.
func person(given, surname string, more map[string]any) map[string]any {
	p := map[string]any{
		"displayName": given + " " + surname, "givenName": given, "surname": surname,
		"accountEnabled": true, "userType": "Member",
		"userPrincipalName": strings.ToLower(given) + "@contoso.example",
	}
	maps.Copy(p, more)
	return p
}

// A ringbook is `ringbook serve` on a stand-in.
type ringbook struct {
	*process
	t          *testing.T
	dir        string
	config     string
	url        string // of CardDAV
	ldap       string // host:port
	ldaps      string
	ca         string // of the LDAP certificate
	configText string
}

// newRingbook writes a configuration; nothing runs yet.
func newRingbook(t *testing.T, s *tenant, extra ...string) *ringbook {
	t.Helper()
	dir := t.TempDir()
	r := &ringbook{t: t, dir: dir, config: filepath.Join(dir, "ringbook.toml"), ldap: freePort(t), ldaps: freePort(t)}
	web := freePort(t)
	r.url = "http://" + web
	cert, key := selfSigned(t, dir)
	r.ca = cert
	secret := filepath.Join(dir, "client_secret")
	if err := os.WriteFile(secret, []byte(s.ClientSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.configText = fmt.Sprintf(`data_dir = %q
public_url = %q

[tenant]
id = %q
client_id = %q
client_secret_file = %q
authority_url = %q
graph_url = %q
ca_file = %q

[http]
listen = %q
tls = "off"

[ldap]
listen = %q
ldaps_listen = %q
cert_file = %q
key_file = %q

[admin]
listen = ""

[mirror]
interval = "1h"
`, filepath.Join(dir, "d"), r.url, s.TenantID, s.ClientID, secret, s.URL, s.URL, s.CAFile, web, r.ldap, r.ldaps, cert, key)
	r.configText += strings.Join(extra, "\n") + "\n"
	if err := os.WriteFile(r.config, []byte(r.configText), 0o600); err != nil {
		t.Fatal(err)
	}
	return r
}

// startRingbook is newRingbook, served and ready.
func startRingbook(t *testing.T, s *tenant, extra ...string) *ringbook {
	t.Helper()
	r := newRingbook(t, s, extra...)
	r.serve()
	r.waitReady()
	return r
}

// serve starts the server.
func (r *ringbook) serve() {
	r.t.Helper()
	r.process = start(r.t, ringbookBinary, "serve", "--config", r.config)
}

func (r *ringbook) waitReady() {
	r.t.Helper()
	eventually(r.t, "ringbook is ready", func() error {
		if err := r.running(); err != nil {
			r.t.Fatal(err)
		}
		if code, out := r.try("status"); code != 0 {
			return fmt.Errorf("exit code %d: %s", code, out)
		}
		return nil
	})
}

// try runs one command and returns its exit code and all it printed.
func (r *ringbook) try(args ...string) (int, string) {
	r.t.Helper()
	code, out, errs := run(r.t, nil, ringbookBinary, append(args, "--config", r.config)...)
	return code, out + errs
}

// do runs one command that must succeed and returns what it printed.
func (r *ringbook) do(args ...string) string {
	r.t.Helper()
	code, out, errs := run(r.t, nil, ringbookBinary, append(args, "--config", r.config)...)
	if code != 0 {
		r.t.Fatalf("ringbook %s: exit code %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return out
}

// doJSON runs one command with --json and reads its one document.
func doJSON[T any](r *ringbook, args ...string) T {
	r.t.Helper()
	var v T
	if err := json.Unmarshal([]byte(r.do(append(args, "--json")...)), &v); err != nil {
		r.t.Fatalf("ringbook %s --json: %v", strings.Join(args, " "), err)
	}
	return v
}

// A device is what device add --json answers.
type device struct {
	ID         string `json:"id"`
	Login      string `json:"login"`
	Secret     string `json:"secret"`
	CardDAVURL string `json:"carddav_url"`
	LDAP       struct {
		URI      string `json:"uri"`
		LDAPSURI string `json:"ldaps_uri"`
		BindDN   string `json:"bind_dn"`
		BaseDN   string `json:"base_dn"`
	} `json:"ldap"`
}

func (r *ringbook) addDevice(args ...string) device {
	r.t.Helper()
	return doJSON[device](r, append([]string{"device", "add", "--name", r.t.Name()}, args...)...)
}

// book is the path of a device's book.
func (d device) book() string { return "/dav/ab/" + d.Login + "/people/" }

// insecure is a client that trusts the stand-in, whoever signed its certificate.
var insecure = &http.Client{Transport: insecureTransport(), Timeout: patience}

// run runs a program to its end.
func run(t *testing.T, stdin []byte, program string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v\n%s%s", program, err, out.String(), errs.String())
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// must runs a program that must succeed.
func must(t *testing.T, program string, args ...string) string {
	t.Helper()
	code, out, errs := run(t, nil, program, args...)
	if code != 0 {
		t.Fatalf("%s %s: exit code %d\n%s%s", program, strings.Join(args, " "), code, tail(out, 4000), tail(errs, 4000))
	}
	return out
}

func tail(s string, n int) string {
	if len(s) > n {
		return "…" + s[len(s)-n:]
	}
	return s
}

// served returns how many contacts the first book has.
func (r *ringbook) served() int {
	r.t.Helper()
	return doJSON[status](r, "status").Books[0].Contacts
}

// A status is what status --json answers, as far as tests read it.
type status struct {
	Ready    bool `json:"ready"`
	Revision int  `json:"revision"`
	Contacts int  `json:"contacts"`
	Books    []struct {
		Name     string `json:"name"`
		Contacts int    `json:"contacts"`
	} `json:"books"`
	Sources []struct {
		Name      string `json:"name"`
		State     string `json:"state"`
		LastError string `json:"last_error"`
	} `json:"sources"`
	Devices struct {
		Active   int `json:"active"`
		Draining int `json:"draining"`
		Revoked  int `json:"revoked"`
	} `json:"devices"`
}

// restart ends the server as an operator would and starts it again.
func (r *ringbook) restart() {
	r.t.Helper()
	r.end(syscall.SIGTERM)
	if r.err != nil {
		r.t.Errorf("ringbook ended with %v", r.err)
	}
	r.serve()
	r.waitReady()
}

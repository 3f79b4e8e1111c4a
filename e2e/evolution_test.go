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
	"strings"
	"syscall"
	"testing"
	"time"
)

// evolutionSource is the account as Evolution's own dialogue writes it.
const evolutionSource = `[Data Source]
DisplayName=Ringbook
Enabled=true
Parent=carddav-stub

[Address Book]
BackendName=carddav

[Authentication]
Host=%s
Port=%s
Method=plain/password
User=%s
RememberPassword=false

[Security]
Method=none

[WebDAV Backend]
ResourcePath=%s

[Refresh]
Enabled=false
`

// An evolution is its data server on a session bus of its own.
type evolution struct {
	t    *testing.T
	in   io.Writer
	pipe *os.File
	out  *bufio.Scanner
}

// startEvolution opens the address book of a source, with more in its environment.
func startEvolution(t *testing.T, source []byte, d device, environment ...string) *evolution {
	t.Helper()
	need(t, "dbus-run-session", "/usr/libexec/evolution-source-registry")
	home := t.TempDir()
	sources := filepath.Join(home, ".config", "evolution", "sources")
	if err := os.MkdirAll(sources, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(sources, "ringbook.source"), source, 0o600); err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs("testdata/evolution.py")
	if err != nil {
		t.Fatal(err)
	}
	// Debian's own Python has the bindings, whatever else is in PATH.
	cmd := exec.CommandContext(t.Context(), "dbus-run-session", "--", "/usr/bin/python3", script, d.Login, d.Secret)
	cmd.Env = append(environment, "PATH=/usr/bin:/bin", "HOME="+home, "XDG_RUNTIME_DIR="+home, "LANG=C.UTF-8")
	var errs syncBuffer
	cmd.Stderr = &errs
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	// A pipe of our own has deadlines: the daemons of the session hold its other
	// end open even when the script is gone.
	out, theirs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = theirs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = time.Second // likewise for standard error
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM); err != nil {
			t.Errorf("end Evolution's data server: %v", err)
		}
		cmd.Wait() //nolint:errcheck // it was told to end
		if t.Failed() {
			t.Logf("Evolution's data server said:\n%s", tail(errs.String(), 4000))
		}
		theirs.Close()
		out.Close()
	})
	e := &evolution{t: t, in: in, pipe: out, out: bufio.NewScanner(out)}
	e.out.Buffer(nil, 64<<20) // a line is a whole book with its photos
	return e
}

// An evolutionBook is what Evolution shows: cards by name.
type evolutionBook struct {
	ReadOnly bool              `json:"readonly"`
	Count    int               `json:"count"`
	Cards    map[string]string `json:"cards"` // of two with one name, one
	Error    string            `json:"error"`
}

// refresh has it ask the server, and returns what it shows then.
func (e *evolution) refresh() evolutionBook { e.t.Helper(); return e.ask("refresh") }

// ask has it do what a line says, which must succeed.
func (e *evolution) ask(line string) evolutionBook {
	e.t.Helper()
	b := e.try(line)
	if b.Error != "" {
		e.t.Fatal(b.Error)
	}
	return b
}

// try has it do what a line says.
func (e *evolution) try(line string) evolutionBook {
	e.t.Helper()
	if _, err := io.WriteString(e.in, line+"\n"); err != nil {
		e.t.Fatal(err)
	}
	if err := e.pipe.SetReadDeadline(time.Now().Add(patience)); err != nil {
		e.t.Fatal(err)
	}
	var b evolutionBook
	if !e.out.Scan() {
		e.t.Fatalf("Evolution's data server is gone: %v", e.out.Err())
	}
	if err := json.Unmarshal(e.out.Bytes(), &b); err != nil {
		e.t.Fatal(err)
	}
	return b
}

// TestEvolution: first sync, read-only, a change, a removal.
func TestEvolution(t *testing.T) {
	s := startTenant(t, 120)
	anna := s.add(person("Anna", "Sonderbar", map[string]any{"mobilePhone": "+49 171 3920001"}))
	r := startRingbook(t, s)
	d := r.addDevice()
	host, port := hostPort(t, strings.TrimPrefix(r.url, "http://"))
	e := startEvolution(t, fmt.Appendf(nil, evolutionSource, host, port, d.Login, d.book()), d)

	var book evolutionBook
	eventually(t, "Evolution has everybody", func() error {
		if book = e.refresh(); book.Count != r.served() {
			return fmt.Errorf("%d cards, %d served", book.Count, r.served())
		}
		return nil
	})
	if !book.ReadOnly {
		t.Error("Evolution would let its user edit")
	}
	if !strings.Contains(book.Cards["Anna Sonderbar"], "+491713920001") {
		t.Errorf("Anna's card: %s", book.Cards["Anna Sonderbar"])
	}

	s.patch(anna, map[string]any{"mobilePhone": "+49 171 3920002"})
	r.do("sync")
	eventually(t, "Evolution sees the change", func() error {
		if c := e.refresh().Cards["Anna Sonderbar"]; !strings.Contains(c, "+491713920002") || strings.Contains(c, "3920001") {
			return fmt.Errorf("the card is %s", c)
		}
		return nil
	})

	s.remove(anna)
	r.do("sync")
	eventually(t, "Evolution sees the removal", func() error {
		if _, still := e.refresh().Cards["Anna Sonderbar"]; still {
			return fmt.Errorf("the card is still there")
		}
		return nil
	})
}

func hostPort(t *testing.T, address string) (host, port string) {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	return host, port
}

// evolutionLDAP is the account as Evolution's own dialogue writes it.
const evolutionLDAP = `[Data Source]
DisplayName=Ringbook
Enabled=true
Parent=ldap-stub

[Address Book]
BackendName=ldap

[Authentication]
Host=%s
Port=%s
Method=ldap/simple-binddn
User=%s
RememberPassword=false

[Security]
Method=%s

[LDAP Backend]
Authentication=binddn
CanBrowse=false
Limit=100
RootDn=%s
Scope=subtree
`

// startEvolutionLDAP has it reach an LDAP listener by an encryption. Its libldap holds
// certificates for "localhost" against the machine's own name, hence the address; and
// over LDAPS it takes any certificate at all, so that only StartTLS proves whom it trusts.
func startEvolutionLDAP(t *testing.T, r *ringbook, encryption string, d device) *evolution {
	t.Helper()
	host, port := hostPort(t, map[string]string{"ldaps": r.ldaps, "starttls": r.ldap}[encryption])
	source := fmt.Appendf(nil, evolutionLDAP, host, port, d.LDAP.BindDN, encryption, d.LDAP.BaseDN)
	return startEvolution(t, source, d, "LDAPTLS_CACERT="+r.ca)
}

// TestEvolutionLDAP: over LDAPS and over StartTLS it finds people by what it searches for
// while somebody types, until the device is revoked; a wrong password opens nothing.
func TestEvolutionLDAP(t *testing.T) {
	s := startTenant(t, 120, "--photos", "0")
	r := startRingbook(t, s)
	for encryption, port := range map[string]string{"ldaps": "ldaps", "starttls": "ldap"} {
		t.Run(encryption, func(t *testing.T) {
			d := r.addDevice()
			e := startEvolutionLDAP(t, r, encryption, d)
			for _, query := range []string{
				`(or (beginswith "full_name" "Jürgen G") (beginswith "email" "Jürgen G") (beginswith "nickname" "Jürgen G"))`,
				`(contains "full_name" "gro")`, `(contains "phone" "23125042")`, `(contains "email" "juergen.gross")`,
			} {
				if got := e.ask(query); !strings.Contains(got.Cards[grossName], "+493023125042") {
					t.Errorf("%s finds %d, Jürgen: %q", query, got.Count, got.Cards[grossName])
				}
			}
			bind := `msg="ldap bind" port=` + port + ` from=127.0.0.1 device=%s tls="TLS 1.3" result=%d`
			if !strings.Contains(r.saidSoFar(), fmt.Sprintf(bind, d.ID, 0)) {
				t.Errorf("no login over TLS on port %s", port)
			}
			refused := func(d device, why string) {
				t.Helper()
				before := strings.Count(r.saidSoFar(), fmt.Sprintf(bind, `""`, exitCredentials))
				if got := startEvolutionLDAP(t, r, encryption, d).try(`(contains "full_name" "gro")`); got.Error == "" || got.Count != 0 {
					t.Errorf("%s it shows %+v", why, got)
				}
				if strings.Count(r.saidSoFar(), fmt.Sprintf(bind, `""`, exitCredentials)) == before {
					t.Errorf("%s it is not answered with %d", why, exitCredentials)
				}
			}
			wrong := d
			wrong.Secret = "wrongwrongwrongwrong"
			refused(wrong, "with a wrong password")
			r.do("device", "revoke", d.ID)
			refused(d, "once it is revoked")
		})
	}
}

package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"
)

// What slapd holds beside the people, and who reads them. Its secret is hashed, as
// the passwords of people in a directory are.
const (
	slapdReader = "cn=desk," + baseDN
	slapdSecret = "abcdefghijklmnop2345"
	slapdTree   = `dn: dc=ringbook
objectClass: organization
objectClass: dcObject
o: ringbook

dn: ou=people,dc=ringbook
objectClass: top
objectClass: organizationalUnit
ou: people

dn: cn=desk,dc=ringbook
objectClass: applicationProcess
objectClass: simpleSecurityObject
cn: desk
userPassword: %s

`
	// Indexed as an administrator does it who has phones.
	slapdConfig = `include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload sssvlv
pidfile %[1]s/slapd.pid
loglevel none
sizelimit unlimited
TLSCertificateFile %[2]s
TLSCertificateKeyFile %[3]s
database mdb
directory %[1]s/db
maxsize 4294967296
suffix dc=ringbook
overlay sssvlv
sssvlv-max 1000
index objectClass,uid eq
index cn,sn,givenName,o,ou,mail pres,eq,sub
index telephoneNumber,mobile,homePhone,pager pres,eq,sub
access to attrs=userPassword by anonymous auth by * none
access to * by users read
`
)

// A slapd is OpenLDAP's server with the people of a ringbook, on loopback.
type slapd struct {
	*process
	plain, tls string // host:port
}

// startSlapd loads what `contact export` writes of the book; no files = the test has no slapd
// and is left out.
func startSlapd(t *testing.T, r *ringbook) *slapd {
	t.Helper()
	program := slapdProgram(t)
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "db"), 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	cert, key := selfSigned(t, dir)
	config := write("slapd.conf", fmt.Sprintf(slapdConfig, dir, cert, key))
	hash := strings.TrimSpace(must(t, program, "-T", "passwd", "-n", "-s", slapdSecret))
	people := write("people.ldif", fmt.Sprintf(slapdTree, hash)+r.ldif())
	must(t, program, "-T", "add", "-q", "-f", config, "-l", people)
	s := &slapd{plain: freePort(t), tls: freePort(t)}
	s.process = start(t, program, "-d", "0", "-f", config, "-h", fmt.Sprintf("ldap://%s ldaps://%s", s.plain, s.tls))
	eventually(t, "slapd is up", func() error {
		if err := s.running(); err != nil {
			t.Fatal(err)
		}
		c, err := goldap.DialURL("ldap://" + s.plain)
		if err == nil {
			c.Close()
		}
		return err
	})
	return s
}

// slapdProgram finds slapd, which Debian has where only root looks for programs.
func slapdProgram(t *testing.T) string {
	t.Helper()
	for _, p := range []string{"slapd", "/usr/sbin/slapd"} {
		if path, err := exec.LookPath(p); err == nil {
			return path
		}
	}
	leaveOut(t, "slapd")
	return ""
}

// ldif is the book as slapd reads it, at the place where ringbook has it.
func (r *ringbook) ldif() string {
	r.t.Helper()
	lines := strings.SplitAfter(r.do("contact", "export", "--book", "people", "--format", "ldif"), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "dn: ") {
			lines[i] = strings.TrimSuffix(line, baseDN+"\n") + bookDN + "\n"
		}
	}
	return strings.Join(lines, "")
}

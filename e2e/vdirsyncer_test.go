package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// vdirsyncerConfig is what our README tells people to write.
const vdirsyncerConfig = `[general]
status_path = %q

[pair contacts]
a = "ringbook"
b = "local"
collections = ["from a"]
conflict_resolution = "a wins"
%s
[storage ringbook]
type = "carddav"
url = %q
username = %q
password = %q
read_only = %t

[storage local]
type = "filesystem"
path = %q
fileext = ".vcf"
`

const khardConfig = `[addressbooks]
[[people]]
path = %s

[general]
default_action = list

[contact table]
display = formatted_name
`

// A vdir is a folder of cards that vdirsyncer keeps in step, and khard shows.
type vdir struct {
	t                     *testing.T
	home, folder          string
	vdirsyncer, khardConf string
}

// newVdir makes one of the server at d's URL.
func newVdir(t *testing.T, d device, readOnly bool) *vdir {
	t.Helper()
	need(t, "vdirsyncer", "khard")
	home := t.TempDir()
	v := &vdir{
		t: t, home: home, folder: filepath.Join(home, "contacts"),
		vdirsyncer: filepath.Join(home, "vdirsyncer.conf"), khardConf: filepath.Join(home, "khard.conf"),
	}
	partial := ""
	if readOnly {
		partial = "partial_sync = \"ignore\"\n" // it may stand beside a read-only side only
	}
	for name, text := range map[string]string{
		v.vdirsyncer: fmt.Sprintf(vdirsyncerConfig, filepath.Join(home, "status"), partial, d.CardDAVURL, d.Login, d.Secret, readOnly, v.folder),
		v.khardConf:  fmt.Sprintf(khardConfig, filepath.Join(v.folder, "people")),
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return v
}

// run runs a program in a home of its own and returns what it printed.
func (v *vdir) run(stdin, program string, args ...string) string {
	v.t.Helper()
	cmd := exec.CommandContext(v.t.Context(), program, args...)
	// Debian's own Python runs them, whatever else is in PATH.
	cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + v.home, "LANG=C.UTF-8"}
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		v.t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, tail(string(out), 4000))
	}
	return string(out)
}

func (v *vdir) sync() {
	v.t.Helper()
	v.run("", "vdirsyncer", "-c", v.vdirsyncer, "sync")
}

func (v *vdir) khard(args ...string) string {
	v.t.Helper()
	return v.run("", "khard", append([]string{"-c", v.khardConf}, args...)...)
}

// names returns the names of the cards' files, without their ending.
func (v *vdir) names() []string {
	v.t.Helper()
	files, err := os.ReadDir(filepath.Join(v.folder, "people"))
	if err != nil {
		v.t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, strings.TrimSuffix(f.Name(), ".vcf"))
	}
	return names
}

// TestVdirsyncer: discovery, first sync, a change, a removal; khard shows each.
func TestVdirsyncer(t *testing.T) {
	need(t, "vdirsyncer", "khard")
	s := startTenant(t, 120)
	anna := s.add(person("Anna", "Sonderbar", map[string]any{"mobilePhone": "+49 171 3920001"}))
	r := startRingbook(t, s)
	r.do("sync") // the photos are there too
	d := r.addDevice()
	d.CardDAVURL = r.url + "/" // from the host alone
	v := newVdir(t, d, true)

	v.run(strings.Repeat("y\n", 10), "vdirsyncer", "-c", v.vdirsyncer, "discover")
	v.sync()
	want := s.inBook()
	slices.Sort(want)
	if got := v.names(); !slices.Equal(got, want) {
		t.Errorf("%d files, %d people in the book", len(got), len(want))
	}
	if out := v.khard("list"); !strings.Contains(out, grossName) || !strings.Contains(out, "Anna Sonderbar") {
		t.Errorf("khard list: %s", tail(out, 3000))
	}
	if out := v.khard("show", "Anna Sonderbar"); !strings.Contains(out, "+491713920001") {
		t.Errorf("khard show: %s", out)
	}
	if out := v.khard("phone", "--parsable", "3920001"); !strings.HasPrefix(out, "+491713920001\tAnna Sonderbar\t") {
		t.Errorf("khard finds by number: %q", out)
	}

	s.patch(anna, map[string]any{"mobilePhone": "+49 171 3920002"})
	r.do("sync")
	v.sync()
	if out := v.khard("show", "Anna Sonderbar"); !strings.Contains(out, "+491713920002") || strings.Contains(out, "+491713920001") {
		t.Errorf("khard show after the change: %s", out)
	}

	s.remove(anna)
	r.do("sync")
	v.sync()
	if slices.Contains(v.names(), anna) {
		t.Error("Anna's file is still there after she left")
	}
	if out := v.khard("list"); strings.Contains(out, "Sonderbar") || !strings.Contains(out, grossName) {
		t.Errorf("khard list after the removal: %s", tail(out, 3000))
	}
}

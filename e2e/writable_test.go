package e2e_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/emersion/go-vcard"
	"github.com/emersion/go-webdav"
	"github.com/emersion/go-webdav/carddav"
	"github.com/google/go-cmp/cmp"
)

// A fixture is the handler of the product over a book that clients may write.
type fixture struct {
	*process
	URL    string `json:"url"`
	Book   string `json:"book"`
	Login  string `json:"login"`
	Secret string `json:"secret"`
}

func startFixture(t *testing.T) *fixture {
	t.Helper()
	ready := filepath.Join(t.TempDir(), "ready.json")
	f := &fixture{process: start(t, fixtureBinary, "--ready-file", ready)}
	eventually(t, "the fixture is up", func() error {
		if err := f.running(); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(ready)
		if err != nil {
			return err
		}
		return json.Unmarshal(b, f)
	})
	return f
}

// device is the fixture's login as that of any device.
func (f *fixture) device() device {
	return device{ID: "writer", Login: f.Login, Secret: f.Secret, CardDAVURL: f.URL + "/"}
}

// vcardOf is a card as people's programs write it.
func vcardOf(uid, name, phone string) string {
	return fmt.Sprintf("BEGIN:VCARD\r\nVERSION:3.0\r\nUID:%s\r\nFN:%s\r\nN:%s;;;;\r\nTEL;TYPE=CELL:%s\r\nEND:VCARD\r\n", uid, name, name, phone)
}

// TestTsdavWrites: each step of two cards' lives, with what it is answered and what
// a sync says of it afterwards.
func TestTsdavWrites(t *testing.T) {
	t.Parallel()
	f := startFixture(t)
	type step struct {
		Name                      string
		Status                    int
		Created, Updated, Deleted []string
	}
	var got struct {
		Steps []step
		Shown string
		Left  int
	}
	runTsdav(t, "write.mjs", map[string]any{
		"url": f.URL, "login": f.Login, "secret": f.Secret,
		"cards": []string{vcardOf("ada", "Ada", "+491711"), vcardOf("bob", "Bob", "+491712"), vcardOf("ada", "Ada Changed", "+491713")},
	}, &got)
	ada, bob, none := []string{"ada.vcf"}, []string{"bob.vcf"}, []string{}
	want := []step{
		{"create", 201, ada, none, none},
		{"create again", 412, none, none, none},
		{"create another", 201, bob, none, none},
		{"update", 204, none, ada, none},
		{"update what is stale", 412, none, none, none},
		{"delete what is stale", 412, none, none, none},
		{"delete", 204, none, none, ada},
		{"delete again", 404, none, none, none},
		{"delete the other", 204, none, none, bob},
	}
	if d := cmp.Diff(want, got.Steps); d != "" {
		t.Errorf("(-want +got) %s", d)
	}
	if !strings.Contains(got.Shown, "FN:Ada Changed\r\n") || !strings.Contains(got.Shown, "+491713") || got.Left != 0 {
		t.Errorf("Ada after the update: %q; %d cards are left", got.Shown, got.Left)
	}
}

// TestWebDAVClientWrites: go-webdav's client creates, replaces and removes, and reads
// back what its own encoder wrote.
func TestWebDAVClientWrites(t *testing.T) {
	t.Parallel()
	f := startFixture(t)
	ctx := t.Context()
	http := webdav.HTTPClientWithBasicAuth(insecure, f.Login, f.Secret)
	c, err := carddav.NewClient(http, f.URL+"/dav/")
	if err != nil {
		t.Fatal(err)
	}
	path := f.Book + "ada.vcf"
	whole := carddav.AddressDataRequest{AllProp: true}
	token := ""
	for i, name := range []string{"Ada Lovelace", `Ada, Countess of Lovelace`} {
		card := make(vcard.Card)
		card.SetValue(vcard.FieldUID, "ada")
		card.SetValue(vcard.FieldFormattedName, name)
		card.AddName(&vcard.Name{FamilyName: "Lovelace", GivenName: "Ada"})
		card.AddValue(vcard.FieldEmail, "ada@contoso.example")
		vcard.ToV4(card)
		if _, err := c.PutAddressObject(ctx, path, card); err != nil {
			t.Fatal(err)
		}
		o, err := c.GetAddressObject(ctx, path)
		if err != nil {
			t.Fatal(err)
		}
		if got := o.Card.PreferredValue(vcard.FieldFormattedName); got != name || o.Card.Value(vcard.FieldEmail) != "ada@contoso.example" {
			t.Errorf("round %d: %+v", i, o.Card)
		}
		news, err := c.SyncCollection(ctx, f.Book, &carddav.SyncQuery{SyncToken: token, DataRequest: whole})
		if err != nil || len(news.Updated) != 1 || news.Updated[0].ETag != o.ETag || len(news.Deleted) != 0 {
			t.Errorf("round %d: %+v %v", i, news, err)
		}
		token = news.SyncToken
	}
	if err := c.RemoveAll(ctx, path); err != nil {
		t.Error(err)
	}
	if err := c.RemoveAll(ctx, path); err == nil {
		t.Error("removed twice")
	}
	news, err := c.SyncCollection(ctx, f.Book, &carddav.SyncQuery{SyncToken: token})
	if err != nil || len(news.Updated) != 0 || !slices.Equal(news.Deleted, []string{path}) {
		t.Errorf("after the removal: %+v %v", news, err)
	}
}

// TestVdirsyncerBothWays: cards that come, change and go on either side, both sides
// ending alike each time.
func TestVdirsyncerBothWays(t *testing.T) {
	t.Parallel()
	f := startFixture(t)
	v := newVdir(t, f.device(), false)
	c := &dav{t: t, url: f.URL, login: f.Login, secret: f.Secret, client: insecure}
	v.run(strings.Repeat("y\n", 10), "vdirsyncer", "-c", v.vdirsyncer, "discover")
	local := func(name string) string { return filepath.Join(v.folder, "people", name+".vcf") }
	write := func(name, card string) {
		t.Helper()
		if err := os.WriteFile(local(name), []byte(card), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put := func(name, card string, want int) {
		t.Helper()
		if a := c.do("PUT", f.Book+name+".vcf", card, "Content-Type: text/vcard"); a.status != want {
			t.Fatalf("PUT: %d %s", a.status, a.body)
		}
	}
	// To vdirsyncer, a card that another program has written is the same card.
	lines := func(card string) string {
		card = strings.ReplaceAll(card, "\r", "")
		return strings.TrimSpace(strings.ReplaceAll(card, "PRODID:-//Ringbook//EN\n", ""))
	}
	alike := func(what string, names ...string) {
		t.Helper()
		v.sync()
		v.sync() // what is served otherwise than it came is looked at again
		served := map[string]string{}
		for _, r := range c.multistatus("REPORT", f.Book, syncCollection("", "<d:getetag/><card:address-data/>")).Responses {
			served[strings.TrimSuffix(strings.TrimPrefix(r.Href, f.Book), ".vcf")] = lines(*r.found().Card)
		}
		kept := map[string]string{}
		for _, name := range v.names() {
			b, err := os.ReadFile(local(name))
			if err != nil {
				t.Fatal(err)
			}
			kept[name] = lines(string(b))
		}
		if d := cmp.Diff(served, kept); d != "" || len(served) != len(names) {
			t.Errorf("%s: (-server +files) %s; %d cards", what, d, len(served))
		}
		for _, name := range names {
			if served[name] == "" {
				t.Errorf("%s: %s is missing", what, name)
			}
		}
	}
	write("ada", vcardOf("ada", "Ada", "+491711"))
	put("bob", vcardOf("bob", "Bob", "+491712"), 201)
	alike("both new", "ada", "bob")
	write("bob", vcardOf("bob", "Bob of the file", "+491713"))
	put("ada", vcardOf("ada", "Ada of the server", "+491714"), 204)
	alike("both changed", "ada", "bob")
	if card := c.do("GET", f.Book+"bob.vcf", "").body; !strings.Contains(card, "FN:Bob of the file") {
		t.Errorf("Bob on the server: %s", card)
	}
	if err := os.Remove(local("ada")); err != nil {
		t.Fatal(err)
	}
	write("cy", vcardOf("cy", "Cy", "+491715"))
	alike("one gone, one new", "bob", "cy")
	if a := c.do("DELETE", f.Book+"bob.vcf", ""); a.status != 204 {
		t.Fatalf("DELETE: %d %s", a.status, a.body)
	}
	alike("gone on the server", "cy")
}

// A syncEvolution is SyncEvolution's command line on one book.
type syncEvolution struct {
	t      *testing.T
	home   string
	access []string
}

func newSyncEvolution(t *testing.T, d device, book string) *syncEvolution {
	t.Helper()
	need(t, "syncevolution")
	return &syncEvolution{t: t, home: t.TempDir(), access: []string{
		"backend=carddav", "loglevel=0", "username=" + d.Login, "password=" + d.Secret,
		"syncURL=" + strings.TrimSuffix(d.CardDAVURL, "/"), "database=" + strings.TrimSuffix(d.CardDAVURL, "/") + book,
	}}
}

// try runs one command on stdin; arguments behind "--luids" stand last.
func (s *syncEvolution) try(stdin, command string, more ...string) (string, error) {
	s.t.Helper()
	args := append(append([]string{"--daemon=no"}, strings.Fields(command)...), s.access...)
	cmd := exec.CommandContext(s.t.Context(), "syncevolution", append(args, more...)...)
	cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + s.home, "LANG=C.UTF-8"}
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (s *syncEvolution) do(stdin, command string, more ...string) string {
	s.t.Helper()
	out, err := s.try(stdin, command, more...)
	if err != nil {
		s.t.Fatalf("syncevolution %s: %v\n%s", command, err, tail(out, 4000))
	}
	return out
}

// items returns the ids by which it knows the cards.
func (s *syncEvolution) items() []string {
	s.t.Helper()
	var ids []string
	for line := range strings.Lines(s.do("", "--print-items")) {
		if id := strings.TrimSpace(line); strings.HasSuffix(id, "vcf") {
			ids = append(ids, id)
		}
	}
	return ids
}

// TestSyncEvolution: the whole life of a card, by names that it makes itself; and on
// the product it reads everybody, and is refused to write.
func TestSyncEvolution(t *testing.T) {
	t.Parallel()
	need(t, "syncevolution")
	f := startFixture(t)
	s := newSyncEvolution(t, f.device(), f.Book)
	s.do(vcardOf("", "Ada", "+491711"), "--import -")
	s.do(vcardOf("", "Bob", "+491712"), "--import -")
	ids := s.items()
	if len(ids) != 2 {
		t.Fatalf("it has %q", ids)
	}
	if out := s.do("", "--export -"); !strings.Contains(out, "FN:Ada") || !strings.Contains(out, "FN:Bob") {
		t.Errorf("it reads %s", out)
	}
	s.do(vcardOf("", "Changed", "+491713"), "--update -", "--luids", ids[0])
	if out := s.do("", "--export -"); !strings.Contains(out, "FN:Changed") || strings.Count(out, "BEGIN:VCARD") != 2 {
		t.Errorf("after the change it reads %s", out)
	}
	s.do("", "--delete-items", "--luids", ids[1])
	if got := s.items(); !slices.Equal(got, ids[:1]) {
		t.Errorf("after the removal it has %q", got)
	}

	ten := startTenant(t, 60)
	r := startRingbook(t, ten)
	d := r.addDevice()
	d.CardDAVURL = r.url + "/" // as it is reached from here
	reader := newSyncEvolution(t, d, d.book())
	if n, want := strings.Count(reader.do("", "--export -"), "BEGIN:VCARD"), len(ten.inBook()); n != want {
		t.Errorf("it reads %d cards, %d people are in the book", n, want)
	}
	if out, err := reader.try(vcardOf("", "Ada", "+491711"), "--import -"); err == nil || !strings.Contains(out, "403") {
		t.Errorf("a write is answered with %v: %s", err, out)
	}
}

// TestLitmus: a suite that only writes is refused at its first step, in each of its
// parts, and leaves nothing behind.
func TestLitmus(t *testing.T) {
	t.Parallel()
	need(t, "litmus")
	s := startTenant(t, 60)
	r := startRingbook(t, s)
	d := r.addDevice()
	c := r.dav(t, d)
	before := slices.Sorted(maps.Keys(c.etags(d.book())))
	for _, part := range []string{"basic", "copymove", "props", "locks", "http"} {
		cmd := exec.CommandContext(t.Context(), "litmus", r.url+d.book(), d.Login, d.Secret)
		cmd.Dir, cmd.Env = t.TempDir(), append(os.Environ(), "TESTS="+part) // it writes a log where it runs
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "403 Forbidden") {
			t.Errorf("%s: %v\n%s", part, err, out)
		}
	}
	if log := r.saidSoFar(); !strings.Contains(log, "method=MKCOL") || strings.Contains(log, "status=5") {
		t.Error("it made no collection, or was answered with 5xx")
	}
	if d := cmp.Diff(before, slices.Sorted(maps.Keys(c.etags(d.book())))); d != "" {
		t.Errorf("(-before +after) %s", d)
	}
}

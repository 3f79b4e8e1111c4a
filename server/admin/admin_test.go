package admin_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"howett.net/plist"

	"ringbook/directory"
	"ringbook/directory/number"
	"ringbook/directory/store"
	"ringbook/server"
	"ringbook/server/admin"
	"ringbook/server/auth"
)

// feeds is a mirror that runs no feed.
type feeds struct {
	asked []directory.SyncRequest
	fail  error
	hold  chan struct{} // if set, Sync waits for it or for the end of its context
}

func (f *feeds) Sync(ctx context.Context, r directory.SyncRequest) ([]directory.Round, error) {
	f.asked = append(f.asked, r)
	if f.hold != nil {
		select {
		case <-f.hold:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return []directory.Round{{Feed: "users", Full: r.Full, Read: 3}}, f.fail
}

func (f *feeds) Status() []directory.FeedStatus {
	return []directory.FeedStatus{{Name: "users", State: directory.FeedWaiting}}
}

// A record keeps what was logged.
type record struct {
	mu   sync.Mutex
	text strings.Builder
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// An office is a server's admin socket on a real store.
type office struct {
	store  *store.Store
	auth   *auth.Authority
	feeds  *feeds
	client *admin.Client
	socket string
	log    *record
}

func open(t *testing.T) *office {
	t.Helper()
	plan, err := number.NewPlan("DE")
	if err != nil {
		t.Fatal(err)
	}
	o := &office{feeds: &feeds{}, socket: filepath.Join(t.TempDir(), "admin.sock"), log: &record{}}
	log := slog.New(slog.NewTextHandler(o.log, nil))
	o.store, err = store.Open(t.Context(), "", store.Options{
		Books: []directory.Book{{Name: "people", Title: "Contoso"}, {Name: "sales", Title: "Sales"}},
		Plan:  plan, InMemory: true, Log: slog.New(slog.DiscardHandler),
		Renderer: store.Renderer{Version: "1", Print: func(*directory.Contact) (p [16]byte) { return p }},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.store.Close() })
	if o.auth, err = auth.New(t.Context(), auth.Key{1}, o.store, log); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.auth.Close)
	l, err := admin.Listen(t.Context(), o.socket)
	if err != nil {
		t.Fatal(err)
	}
	h := admin.New(admin.Options{
		Directory: o.store, Mirror: o.feeds, Devices: o.auth, Local: o.store, Read: plan.Read, Listeners: listeners,
		Access: admin.Access{
			PublicURL: "https://contacts.contoso.com", Organization: "Contoso", CardDAVURL: "https://contacts.contoso.com/",
			LDAPSURI: "ldaps://contacts.contoso.com", BaseDN: "dc=ringbook",
			BindDN: func(l directory.Login) string { return "cn=" + string(l) + ",dc=ringbook" },
		},
		Sites: []directory.SiteName{"berlin"}, Version: "v1", Started: time.Unix(1_800_000_000, 0).UTC(), Log: log,
	})
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- server.HTTP{Handler: h, Log: log}.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	o.client = admin.NewClient(o.socket)
	return o
}

func (o *office) load(t *testing.T) {
	t.Helper()
	_, err := o.store.Apply(t.Context(), directory.Batch{
		Feed: "users", Source: directory.SourceUser, Next: &directory.Cursor{Link: "x"},
		Changes: []directory.Change{{ID: "a-1", Update: func(c *directory.Contact) { c.DisplayName = "Ada Lovelace" }}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// listeners are those of every server here.
func listeners() []admin.ListenerStatus {
	return []admin.ListenerStatus{
		{Name: "ldaps", Address: "127.0.0.1:636", Open: 2, Logins: map[string]int{"TLS 1.3": 5}},
		{Name: "legacy", Address: "127.0.0.1:1636", Logins: map[string]int{"": 1, "TLS 1.0": 7}, Note: "for old phones"},
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	o := open(t)
	if st, err := o.client.Status(t.Context()); err != nil || st.Ready {
		t.Fatalf("before the first round: %+v, %v", st, err)
	}
	o.load(t)
	for i, st := range []directory.DeviceState{"", directory.DeviceDraining, directory.DeviceRevoked, directory.DeviceRevoked} {
		d, err := o.client.AddDevice(t.Context(), admin.NewDevice{Name: "phone"})
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			if _, err := o.client.Revoke(t.Context(), string(d.ID), admin.Revocation{Drain: st == directory.DeviceDraining}); err != nil {
				t.Fatal(err)
			}
		}
	}
	got, err := o.client.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := admin.Status{
		Ready: true, Version: "v1", Started: time.Unix(1_800_000_000, 0).UTC(), Revision: 1, Contacts: 1,
		Books:       []admin.BookStatus{{Name: "people", Title: "Contoso", Contacts: 1}, {Name: "sales", Title: "Sales", Contacts: 1}},
		Sources:     o.feeds.Status(),
		Devices:     admin.DeviceCounts{Active: 1, Draining: 1, Revoked: 2},
		Credentials: []directory.CredentialStatus{},
		Listeners:   listeners(),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSync(t *testing.T) {
	t.Parallel()
	o := open(t)
	r, err := o.client.Sync(t.Context(), directory.SyncRequest{Full: true})
	if err != nil || len(r.Rounds) != 1 || !r.Rounds[0].Full {
		t.Fatalf("%+v, %v", r, err)
	}
	for _, tt := range []struct {
		fail, kind error
		hint       string
	}{
		{directory.ErrShrink, directory.ErrShrink, "--accept-shrink"},
		{directory.ErrUnavailable, directory.ErrUnavailable, "again"},
		{errors.New("the tenant is on holiday"), nil, "log"},
	} {
		o.feeds.fail = tt.fail
		_, err := o.client.Sync(t.Context(), directory.SyncRequest{})
		var f *admin.Failure
		if !errors.As(err, &f) || f.Message != tt.fail.Error() || !strings.Contains(f.Hint, tt.hint) {
			t.Errorf("%v: %+v", tt.fail, err)
		}
		if tt.kind != nil && !errors.Is(err, tt.kind) {
			t.Errorf("%v: kind of %v", tt.fail, err)
		}
	}
}

// A round may take longer than a request's body may.
func TestLongSyncOutlivesTheBodyDeadline(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.feeds.hold = make(chan struct{})
	time.AfterFunc(11*time.Second, func() { close(o.feeds.hold) })
	if _, err := o.client.Sync(t.Context(), directory.SyncRequest{}); err != nil {
		t.Error(err)
	}
}

func TestSyncEndsWithItsCommand(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.feeds.hold = make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := o.client.Sync(ctx, directory.SyncRequest{}); !errors.Is(err, context.Canceled) || errors.Is(err, admin.ErrUnreachable) {
		t.Errorf("error is %v", err)
	}
}

func TestDevices(t *testing.T) {
	t.Parallel()
	o := open(t)
	added, err := o.client.AddDevice(t.Context(), admin.NewDevice{Name: "  Ada's phone ", Owner: "ada@contoso.com"})
	if err != nil {
		t.Fatal(err)
	}
	if added.CardDAVURL != "https://contacts.contoso.com/" || added.LDAP.URI != "" ||
		added.LDAP.BindDN != "cn="+string(added.Login)+",dc=ringbook" || len(added.Secret) != 20 {
		t.Errorf("added %+v", added)
	}
	if _, err := o.auth.Authenticate(t.Context(), netip.IPv6Loopback(), string(added.Login), added.Secret); err != nil {
		t.Errorf("the new login: %v", err)
	}
	desk, err := o.client.AddDevice(t.Context(), admin.NewDevice{
		Name: "Reception", Kind: directory.KindDeskphone, Books: []directory.BookName{"sales", "people"}, Numbers: directory.NumbersNational,
	})
	if err != nil {
		t.Fatal(err)
	}
	list, err := o.client.Devices(t.Context())
	if err != nil || len(list.Devices) != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	first, second := list.Devices[0], list.Devices[1]
	if first.Name != "Ada's phone" || first.Kind != directory.KindPhone || first.Photos != directory.PhotoLarge ||
		first.Numbers != directory.NumbersE164 || first.Names != directory.NamesWritten || !slices.Equal(first.Books, []directory.BookName{"people"}) {
		t.Errorf("defaults of a phone: %+v", first)
	}
	if second.Photos != directory.PhotoNone || second.Books[0] != "sales" {
		t.Errorf("defaults of a desk phone: %+v", second)
	}
	for _, id := range []string{string(desk.ID), strings.ToUpper(string(desk.Login))} {
		if d, err := o.client.Device(t.Context(), id); err != nil || d.ID != desk.ID {
			t.Errorf("by %s: %+v, %v", id, d, err)
		}
	}
	if strings.Contains(o.log.String(), added.Secret) {
		t.Error("the log has a secret")
	}
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	o := open(t)
	d, err := o.client.AddDevice(t.Context(), admin.NewDevice{Name: "phone"})
	if err != nil {
		t.Fatal(err)
	}
	id := string(d.ID)
	if got, err := o.client.Revoke(t.Context(), id, admin.Revocation{Drain: true}); err != nil || got.State != directory.DeviceDraining {
		t.Errorf("drain: %+v, %v", got, err)
	}
	if got, err := o.client.Revoke(t.Context(), id, admin.Revocation{}); err != nil || got.State != directory.DeviceRevoked {
		t.Errorf("revoke: %+v, %v", got, err)
	}
	if _, err := o.client.Revoke(t.Context(), id, admin.Revocation{Drain: true}); !errors.Is(err, directory.ErrInvalid) ||
		!strings.HasSuffix(err.Error(), "a device that is revoked cannot become draining") {
		t.Errorf("drain a revoked one: %v", err)
	}
}

// Every problem is named at once, with what is allowed.
func TestAddDeviceRefuses(t *testing.T) {
	t.Parallel()
	o := open(t)
	_, err := o.client.AddDevice(t.Context(), admin.NewDevice{
		Name: "a\x00b", Owner: "ada", Kind: "fridge", Books: []directory.BookName{"people", "people", "secrets"},
		Numbers: "roman", Photos: "huge", Hits: -1, Site: "atlantis",
	})
	if !errors.Is(err, directory.ErrInvalid) {
		t.Fatalf("error is %v", err)
	}
	for _, want := range []string{
		"1 to 100", `"ada"`, "phone, deskphone, pbx", `"people" is named twice`, `no book "secrets"; there are: people, sales`,
		"e164, international, national", "none, small, large", "the most hits", `no site "atlantis"; there are: berlin`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	for _, name := range []string{"", "   ", strings.Repeat("ü", 101), "a\nb", "a\u202eb"} {
		if _, err := o.client.AddDevice(t.Context(), admin.NewDevice{Name: name}); !errors.Is(err, directory.ErrInvalid) {
			t.Errorf("name %q: %v", name, err)
		}
	}
	if _, err := o.client.AddDevice(t.Context(), admin.NewDevice{Name: strings.Repeat("ü", 100)}); err != nil {
		t.Errorf("a name of 100 characters: %v", err)
	}
	if n := len(o.auth.List()); n != 1 {
		t.Errorf("%d devices", n)
	}
}

// A device of before there were name styles gets names as they are written.
func TestDeviceWithoutANameStyle(t *testing.T) {
	t.Parallel()
	o := open(t)
	old, _, err := o.auth.Add(t.Context(), directory.Device{Name: "old", Kind: directory.KindPhone, Books: []directory.BookName{"people"}, Numbers: directory.NumbersE164, Photos: directory.PhotoNone})
	if err != nil || old.Names != "" {
		t.Fatalf("%+v, %v", old, err)
	}
	if d, err := o.client.Device(t.Context(), string(old.ID)); err != nil || d.Names != directory.NamesWritten {
		t.Errorf("%+v, %v", d, err)
	}
	if d, err := o.client.ChangeDevice(t.Context(), string(old.ID), admin.DeviceChange{Hits: new(5)}); err != nil || d.Names != directory.NamesWritten {
		t.Errorf("after another change: %+v, %v", d, err)
	}
}

// TestChangeDevice: what is named changes, in memory and on disk, and nothing else.
func TestChangeDevice(t *testing.T) {
	t.Parallel()
	o := open(t)
	added, err := o.client.AddDevice(t.Context(), admin.NewDevice{Name: "Desk", Kind: directory.KindDeskphone, Names: directory.NamesPlain, ASCII: true, Hits: 50, Site: "berlin"})
	if err != nil {
		t.Fatal(err)
	}
	id := string(added.ID)
	before, err := o.client.Device(t.Context(), id)
	if err != nil || before.Names != directory.NamesPlain || !before.ASCII || before.Hits != 50 || before.Site != "berlin" {
		t.Fatalf("%+v, %v", before, err)
	}
	got, err := o.client.ChangeDevice(t.Context(), id, admin.DeviceChange{
		Name: new("Reception"), Books: &[]directory.BookName{"sales", "people"}, Numbers: new(directory.NumbersNational),
		Names: new(directory.NamesWritten), Photos: new(directory.PhotoSmall), ASCII: new(false), Hits: new(0), Site: new(directory.SiteName("")),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := before
	want.Name, want.Books, want.Numbers, want.Photos = "Reception", []directory.BookName{"sales", "people"}, directory.NumbersNational, directory.PhotoSmall
	want.Names, want.ASCII, want.Hits, want.Site = directory.NamesWritten, false, 0, ""
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	stored, err := o.store.Devices(t.Context())
	if err != nil || stored[0].Name != "Reception" || stored[0].State != directory.DeviceActive {
		t.Errorf("on disk: %+v, %v", stored, err)
	}
	if _, err := o.auth.Authenticate(t.Context(), netip.IPv6Loopback(), id, added.Secret); err != nil {
		t.Errorf("the login after the change: %v", err)
	}
	for name, c := range map[string]admin.DeviceChange{
		"name": {Name: new("")}, "book": {Books: &[]directory.BookName{"secrets"}}, "hits": {Hits: new(-1)},
		"site": {Site: new(directory.SiteName("atlantis"))}, "kind": {Kind: new(directory.DeviceKind("fridge"))}, "names": {Names: new(directory.NameStyle("comma"))}, "owner": {Owner: new("ada")},
	} {
		if _, err := o.client.ChangeDevice(t.Context(), id, c); !errors.Is(err, directory.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := o.client.Revoke(t.Context(), id, admin.Revocation{}); err != nil {
		t.Fatal(err)
	}
	if _, err := o.client.ChangeDevice(t.Context(), id, admin.DeviceChange{Hits: new(5)}); err == nil || !strings.Contains(err.Error(), "is revoked") {
		t.Errorf("of a revoked device: %v", err)
	}
}

func TestProfile(t *testing.T) {
	t.Parallel()
	o := open(t)
	d, err := o.client.AddDevice(t.Context(), admin.NewDevice{Name: "phone"})
	if err != nil {
		t.Fatal(err)
	}
	id := string(d.ID)
	for _, secret := range []string{"", d.Secret} {
		text, err := o.client.Profile(t.Context(), id, admin.ProfileRequest{Secret: secret, RemovalDisallowed: true})
		if err != nil {
			t.Fatal(err)
		}
		var p struct {
			PayloadRemovalDisallowed bool
			PayloadContent           []struct{ CardDAVUsername, CardDAVPassword string }
		}
		if _, err := plist.Unmarshal(text, &p); err != nil {
			t.Fatal(err)
		}
		if !p.PayloadRemovalDisallowed || p.PayloadContent[0].CardDAVUsername != string(d.Login) || p.PayloadContent[0].CardDAVPassword != secret {
			t.Errorf("profile %+v", p)
		}
	}
	for name, r := range map[string]admin.ProfileRequest{
		"wrong secret": {Secret: "wrong"}, "vpn": {VPNUUID: "x"}, "app": {AudioCallApp: "a b"},
	} {
		if _, err := o.client.Profile(t.Context(), id, r); !errors.Is(err, directory.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := o.client.Revoke(t.Context(), id, admin.Revocation{}); err != nil {
		t.Fatal(err)
	}
	var f *admin.Failure
	if _, err := o.client.Profile(t.Context(), id, admin.ProfileRequest{}); !errors.As(err, &f) || f.Status != http.StatusConflict {
		t.Errorf("of a revoked device: %v", err)
	}
}

func TestUnknownDevice(t *testing.T) {
	t.Parallel()
	o := open(t)
	for _, id := range []string{"nobody", "../status", "a/b", "%2e", "\x00", strings.Repeat("x", 8000)} {
		if _, err := o.client.Device(t.Context(), id); !errors.Is(err, directory.ErrNotFound) {
			t.Errorf("%.20q: %v", id, err)
		}
		if _, err := o.client.Revoke(t.Context(), id, admin.Revocation{}); !errors.Is(err, directory.ErrNotFound) {
			t.Errorf("%.20q: %v", id, err)
		}
	}
}

func TestBadRequests(t *testing.T) {
	t.Parallel()
	o := open(t)
	client := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", o.socket)
	}}}
	defer client.CloseIdleConnections()
	for _, tt := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "/v1/devices", `{"name":`, 400},
		{"POST", "/v1/devices", `{"name":"x"} {}`, 400},
		{"POST", "/v1/devices", `{"name":"x","secret":"y"}`, 400},
		{"POST", "/v1/devices", `[]`, 400},
		{"POST", "/v1/devices", ``, 400},
		{"POST", "/v1/devices", `{"name":"` + strings.Repeat("x", 70<<10) + `"}`, 413},
		{"POST", "/v1/devices", strings.Repeat("[", 60<<10), 400},
		{"POST", "/v1/sync", `{"full":"yes"}`, 400},
		{"POST", "/v1/sync", ``, 200},
		{"GET", "/", ``, 404},
		{"DELETE", "/v1/status", ``, 404},
		{"GET", "/v1/nothing", ``, 404},
	} {
		req, err := http.NewRequestWithContext(t.Context(), tt.method, "http://x"+tt.path, strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var e admin.Error
		err = json.NewDecoder(res.Body).Decode(&e)
		res.Body.Close()
		if res.StatusCode != tt.status || err != nil || tt.status != 200 && e.Error == "" {
			t.Errorf("%s %s %.40q: %d %+v %v", tt.method, tt.path, tt.body, res.StatusCode, e, err)
		}
	}
}

func TestClientSaysWhyNobodyAnswers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	stale := filepath.Join(dir, "stale.sock")
	leave(t, stale)
	for _, path := range []string{filepath.Join(dir, "none.sock"), stale} {
		_, err := admin.NewClient(path).Status(t.Context())
		var f *admin.Failure
		if !errors.Is(err, admin.ErrUnreachable) || !errors.As(err, &f) {
			t.Fatalf("error is %v", err)
		}
		if !strings.Contains(f.Message, path) || !strings.Contains(f.Hint, "ringbook serve") {
			t.Errorf("said %q, %q", f.Message, f.Hint)
		}
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	o := open(t)
	var c net.ListenConfig
	l, err := c.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- server.HTTP{Handler: admin.Health(admin.MetricsOptions{Directory: o.store}), Log: slog.New(slog.DiscardHandler)}.Serve(ctx, l)
	}()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	get := func(path string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.Addr().String()+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if body, err := io.ReadAll(res.Body); err != nil || strings.Contains(string(body), "Ada") {
			t.Errorf("%q, %v", body, err)
		}
		return res.StatusCode
	}
	if got := [3]int{get("/healthz"), get("/readyz"), get("/v1/status")}; got != [3]int{200, 503, 404} {
		t.Errorf("before the first round: %v", got)
	}
	o.load(t)
	if got := [3]int{get("/healthz"), get("/readyz"), get("/")}; got != [3]int{200, 200, 404} {
		t.Errorf("afterwards: %v", got)
	}
}

// leave leaves a socket behind as a killed process does.
func leave(t *testing.T, path string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Fatal(err)
	}
}

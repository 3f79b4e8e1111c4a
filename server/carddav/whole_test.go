package carddav_test

import (
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-vcard"
	"github.com/emersion/go-webdav"
	client "github.com/emersion/go-webdav/carddav"
	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
	"ringbook/directory/store"
	"ringbook/server/auth"
	"ringbook/server/carddav"
)

// A different reader, written by others, sees what the tests of this package
// believe to have sent: through the real store and the real logins.
func TestAnotherClientReadsUs(t *testing.T) {
	st, err := store.Open(t.Context(), "", store.Options{
		Books: []directory.Book{{Name: "people", Title: "Contoso & Söhne"}}, Plan: plan(t), InMemory: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	var key auth.Key
	if _, err := rand.Read(key[:]); err != nil {
		t.Fatal(err)
	}
	logins, err := auth.New(t.Context(), key, st, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(logins.Close)
	device, secret, err := logins.Add(t.Context(), directory.Device{Name: "phone", Kind: directory.KindPhone, Books: []directory.BookName{"people"}})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(carddav.New(carddav.Options{Directory: st, Auth: logins, Log: slog.New(slog.DiscardHandler)}))
	t.Cleanup(s.Close)

	change := func(c directory.Contact) directory.Change {
		return directory.Change{ID: c.ID, Fresh: true, Update: func(to *directory.Contact) { *to = c }}
	}
	apply := func(changes ...directory.Change) {
		t.Helper()
		_, err := st.Apply(t.Context(), directory.Batch{Feed: "users", Source: directory.SourceUser, Changes: changes, Next: &directory.Cursor{Link: "x"}})
		if err != nil {
			t.Fatal(err)
		}
	}
	ada := directory.Contact{
		ID: "c-1", Source: directory.SourceUser, DisplayName: `Ada "Count", <Lovelace> & Söhne \o/`, Emails: []string{"ada@contoso.com", "a@contoso.com"},
		Phones: []directory.Phone{{Kind: directory.PhoneMobile, Written: "+49 171 1234567", E164: "+491711234567"}},
	}
	apply(change(ada), change(directory.Contact{ID: "c-2", Source: directory.SourceUser, DisplayName: "Bärbel Größe"}))
	_, err = st.ApplyPhotos(t.Context(), time.Now(), []directory.PhotoChange{{ID: "c-2", Tag: "1", Photo: &directory.Photo{ID: "ab", Large: []byte("a large JPEG"), Small: []byte("small")}}})
	if err != nil {
		t.Fatal(err)
	}

	ctx := t.Context()
	c, err := client.NewClient(webdav.HTTPClientWithBasicAuth(s.Client(), string(device.Login), secret), s.URL+"/dav/")
	if err != nil {
		t.Fatal(err)
	}
	principal, err := c.FindCurrentUserPrincipal(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.HasSupport(ctx); err != nil {
		t.Error(err)
	}
	home, err := c.FindAddressBookHomeSet(ctx, principal)
	if err != nil {
		t.Fatal(err)
	}
	books, err := c.FindAddressBooks(ctx, home)
	if err != nil || len(books) != 1 || books[0].Name != "Contoso & Söhne" {
		t.Fatalf("%v %v", books, err)
	}
	book := books[0].Path
	whole := client.AddressDataRequest{AllProp: true}
	first, err := c.SyncCollection(ctx, book, &client.SyncQuery{DataRequest: whole})
	if err != nil || len(first.Updated) != 2 {
		t.Fatalf("%v %v", first, err)
	}
	cards := map[string]vcard.Card{}
	var paths []string
	for _, o := range first.Updated {
		paths = append(paths, o.Path)
	}
	got, err := c.MultiGetAddressBook(ctx, book, &client.AddressBookMultiGet{Paths: paths, DataRequest: whole})
	if err != nil || len(got) != 2 {
		t.Fatalf("%v %v", got, err)
	}
	for _, o := range got {
		cards[o.Card.Value("UID")] = o.Card
		one, err := c.GetAddressObject(ctx, o.Path)
		if err != nil || one.ETag != o.ETag {
			t.Errorf("%s: %v, ETag %s by GET, %s by multiget", o.Path, err, one.ETag, o.ETag)
			continue
		}
		if d := cmp.Diff(o.Card, one.Card); d != "" {
			t.Errorf("(-multiget +GET) %s", d)
		}
	}
	if got := cards["c-1"].Value("FN"); got != ada.DisplayName {
		t.Errorf("FN %q, want %q", got, ada.DisplayName)
	}
	if got := cards["c-1"].Values("EMAIL"); !slices.Equal(got, ada.Emails) {
		t.Errorf("EMAIL %q", got)
	}
	if got := cards["c-2"].Value("PHOTO"); got != "YSBsYXJnZSBKUEVH" {
		t.Errorf("PHOTO %q", got)
	}
	hits, err := c.QueryAddressBook(ctx, book, &client.AddressBookQuery{DataRequest: whole, PropFilters: []client.PropFilter{{Name: "FN", TextMatches: []client.TextMatch{{Text: "größe"}}}}})
	if err != nil || len(hits) != 1 || hits[0].Card.Value("UID") != "c-2" {
		t.Errorf("query: %v %v", hits, err)
	}

	apply(directory.Change{ID: "c-1", Removed: true}, change(directory.Contact{ID: "c-3", Source: directory.SourceUser, DisplayName: "Cy"}))
	second, err := c.SyncCollection(ctx, book, &client.SyncQuery{DataRequest: whole, SyncToken: first.SyncToken})
	if err != nil || len(second.Updated) != 1 || len(second.Deleted) != 1 || second.Deleted[0] != book+"c-1.vcf" {
		t.Errorf("delta: %+v %v", second, err)
	}
	if _, err := logins.SetState(ctx, device.ID, directory.DeviceRevoked); err != nil {
		t.Fatal(err)
	}
	if _, err := c.FindCurrentUserPrincipal(ctx); err == nil || !strings.Contains(err.Error(), http.StatusText(http.StatusUnauthorized)) {
		t.Errorf("after the revocation: %v", err)
	}
}

package kit

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"log/slog"
	"math/big"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	goldap "github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
	"ringbook/directory/index"
	"ringbook/directory/number"
	"ringbook/server/auth"
	"ringbook/server/ldap"
)

// A phone asks the real server as its kit tells it to.
type phone struct {
	row    *row
	values map[string]string
	conn   *goldap.Conn
}

// asks fills what is typed, or who calls, into a filter, as the phone does.
func (p *phone) asks(t *testing.T, filter, typed, star string) []string {
	t.Helper()
	filter = strings.ReplaceAll(filter, p.row.token, goldap.EscapeFilter(typed)+star)
	res, err := p.conn.Search(goldap.NewSearchRequest(p.values["base"], goldap.ScopeWholeSubtree, goldap.NeverDerefAliases,
		50, 0, false, filter, append([]string{NameAttribute}, strings.Fields(NumberAttributes)...), nil))
	if err != nil {
		t.Fatalf("%s: %v", filter, err)
	}
	var found []string
	for _, e := range res.Entries {
		one := []string{e.GetAttributeValue(NameAttribute)}
		for n := range strings.FieldsSeq(NumberAttributes) {
			one = append(one, e.GetAttributeValues(n)...)
		}
		found = append(found, strings.Join(one, ","))
	}
	return found
}

// TestKitsFindPeople is what makes kits true: the filters of each are accepted by
// our server, with what the phone makes of them, and find the right person, with
// the numbers that the phone can dial.
func TestKitsFindPeople(t *testing.T) {
	names := map[directory.NumberProfile]string{
		directory.NumbersE164:     "Jürgen Müller,+49301234502,+491719876543,+49307654321",
		directory.NumbersNational: "Jürgen Müller,0301234502,01719876543,0307654321",
	}
	asked := 0
	for profile, want := range names {
		s := newSite(t, profile)
		for i := range rows {
			r := &rows[i]
			if r.ways == (ways{}) {
				continue
			}
			t.Run(string(r.vendor)+" "+string(profile), func(t *testing.T) {
				p := s.phone(t, r, false)
				for _, f := range r.names {
					for _, typed := range []string{"Mül", "muel", "MULLER"} {
						if strings.Contains(f, "cn="+r.token) && !strings.Contains(f, "sn=") || strings.Contains(f, "(givenName="+r.token+"*))") {
							typed = "Jürg" // it asks by the first name
						}
						if got := p.asks(t, f, typed, r.star); !slices.Contains(got, want) || slices.Contains(got, "Star * Star") {
							t.Errorf("%q by %s finds %q", typed, f, got)
						}
						asked++
					}
					if got := p.asks(t, f, "Nobody", r.star); len(got) > 0 {
						t.Errorf("nobody by %s finds %q", f, got)
					}
				}
				for _, f := range r.numbers {
					for _, calls := range []string{"+49301234502", "0049301234502", "0301234502", "49301234502"} {
						// Whether the star comes with a call differs by firmware: both must do.
						for _, star := range []string{"", r.star} {
							if diff := cmp.Diff([]string{want}, p.asks(t, f, calls, star)); diff != "" {
								t.Errorf("%s by %s%s\n%s", calls, f, star, diff)
							}
							asked++
						}
					}
				}
			})
		}
	}
	if asked < 300 {
		t.Errorf("only %d searches: the table has lost its filters", asked)
	}
}

// TestKitsOfOldPhones: the listener for old phones answers each kit that leads there,
// with TLS and without, on its one port.
func TestKitsOfOldPhones(t *testing.T) {
	s := newSite(t, directory.NumbersE164)
	tried := map[string]int{}
	for i := range rows {
		r := &rows[i]
		if r.ways == (ways{}) {
			continue
		}
		t.Run(string(r.vendor), func(t *testing.T) {
			p := s.phone(t, r, true)
			if p.values["server"] != strings.TrimPrefix(s.access.Legacy.URI, "ldap://") {
				t.Errorf("it goes to %s", p.values["server"])
			}
			for _, f := range r.numbers {
				if got := p.asks(t, f, "+49301234502", ""); len(got) != 1 {
					t.Errorf("it finds %q", got)
				}
			}
			scheme, _, _ := strings.Cut(p.values["uri"], ":")
			tried[scheme]++
		})
	}
	if tried["ldap"] < 4 || tried["ldaps"] < 10 {
		t.Errorf("tried %v", tried)
	}
}

// A site is a real LDAP server on loopback with a small company and one device.
type site struct {
	access Access
	device directory.Device
	secret string
	client *tls.Config
}

// shelf keeps the devices of an authority in memory.
type shelf struct{}

func (shelf) Devices(context.Context) ([]directory.Device, error) { return nil, nil }

func (shelf) AddDevice(context.Context, directory.Device) error { return nil }

func (shelf) ChangeDevice(context.Context, directory.DeviceID, func(*directory.Device) error) (directory.Device, error) {
	return directory.Device{}, directory.ErrNotFound
}

// photos is a directory without photos.
type photos struct{ *index.Index }

func (photos) Photo(context.Context, directory.PhotoID, directory.PhotoSize) ([]byte, error) {
	return nil, directory.ErrNotFound
}

func newSite(t *testing.T, profile directory.NumberProfile) *site {
	t.Helper()
	plan, err := number.NewPlan("DE")
	if err != nil {
		t.Fatal(err)
	}
	x, err := index.New(index.Options{Books: []directory.Book{{Name: "people", Title: "Contoso", Filter: "(objectClass=*)"}}, Plan: plan},
		"0123456789abcdef", 0, func(func(index.Stored) bool) {}, func(func(index.Mark) bool) {})
	if err != nil {
		t.Fatal(err)
	}
	x.Publish(x.Prepare(1, staff(plan), nil))
	x.SetLoaded()
	authority, err := auth.New(t.Context(), auth.Key{1}, shelf{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s := &site{}
	if s.device, s.secret, err = authority.Add(t.Context(), directory.Device{
		Name: "desk", Kind: directory.KindDeskphone, Books: []directory.BookName{"people"}, Numbers: profile,
	}); err != nil {
		t.Fatal(err)
	}
	o := ldap.Options{Directory: photos{x}, Auth: authority, BaseDN: "dc=ringbook"}
	plain := ldap.Port{Name: "ldap", AllowPlain: true}
	plain.TLS, s.client = certificate(t)
	server, err := ldap.New(o)
	if err != nil {
		t.Fatal(err)
	}
	s.access = Access{
		PublicURL: "https://127.0.0.1", StartTLS: true, Plain: true, BindDN: server.BindDN(s.device.Login), BaseDN: "dc=ringbook",
		Legacy: Legacy{URI: "ldap://" + serve(t, server, ldap.Port{Name: "legacy", Opening: ldap.OpenEither, TLS: plain.TLS, AllowPlain: true}), MinTLS: "1.0", Plain: true},
		LDAP:   "ldap://" + serve(t, server, plain), LDAPS: "ldaps://" + serve(t, server, ldap.Port{Name: "ldaps", Opening: ldap.OpenTLS, TLS: plain.TLS}),
	}
	return s
}

// serve runs a server on loopback until the test ends.
func serve(t *testing.T, server *ldap.Server, port ldap.Port) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var served sync.WaitGroup
	served.Go(func() {
		if err := server.Serve(ctx, l, port); err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	t.Cleanup(func() { cancel(); served.Wait() })
	return l.Addr().String()
}

// phone connects and logs in by the way that its kit says.
func (s *site) phone(t *testing.T, r *row, old bool) *phone {
	t.Helper()
	w, err := r.reach(s.access, old)
	if err != nil {
		t.Fatal(err)
	}
	p := &phone{row: r, values: r.values(s.access, s.device, w, s.secret)}
	if p.conn, err = goldap.DialURL(p.values["uri"], goldap.DialWithTLSConfig(s.client)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.conn.Close() })
	if err := p.conn.Bind(p.values["bind"], p.values["secret"]); err != nil {
		t.Fatal(err)
	}
	return p
}

// staff has the person who is looked for and others who are near.
func staff(plan *number.Plan) []index.Stored {
	person := func(id, given, sur string, numbers ...string) index.Stored {
		c := &directory.Contact{
			ID: directory.ContactID(id), Source: directory.SourceUser, DisplayName: given + " " + sur, GivenName: given, Surname: sur, Company: "Contoso",
		}
		for i, n := range numbers {
			c.Phones = append(c.Phones, directory.Phone{Kind: directory.PhoneKinds()[i], Written: n, E164: plan.E164(n)})
		}
		return index.Stored{Contact: c, Modified: time.Unix(1, 0)}
	}
	return []index.Stored{
		person("mueller", "Jürgen", "Müller", "0049 (0)30 1234502", "+49 171 9876543", "030 7654321"),
		person("anna", "Anna", "Berg", "+49 30 1234-500", "0171 2345678"),
		person("annika", "Annika", "Zöllner", "030 / 1234 501"),
		person("london", "Emma", "Hall", "+44 20 7946 0958"),
		person("mute", "Star", "* Star"),
	}
}

// certificate makes a server's certificate and the client that trusts it.
func certificate(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ringbook test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12},
		&tls.Config{RootCAs: pool, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12}
}

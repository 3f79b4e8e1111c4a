package ldap_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"ringbook/directory"
	"ringbook/directory/index"
	"ringbook/directory/number"
	"ringbook/directory/text"
	"ringbook/server/auth"
	"ringbook/server/ldap"
)

const base = "dc=ringbook"

// A mirror is a directory in memory: a real index, and photos in a map.
type mirror struct {
	*index.Index
	photos map[directory.PhotoID][]byte
}

func (m *mirror) Photo(_ context.Context, id directory.PhotoID, size directory.PhotoSize) ([]byte, error) {
	if b := m.photos[id]; b != nil {
		return append([]byte(size+":"), b...), nil
	}
	return nil, directory.ErrNotFound
}

// put makes the next revision of the mirror.
func (m *mirror) put(contacts ...*directory.Contact) {
	stored := make([]index.Stored, len(contacts))
	for i, c := range contacts {
		stored[i] = index.Stored{Contact: c, Modified: time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)}
	}
	m.Publish(m.Prepare(m.View().Revision()+1, stored, nil))
}

func (m *mirror) remove(ids ...directory.ContactID) {
	m.Publish(m.Prepare(m.View().Revision()+1, nil, ids))
}

// shelf keeps the devices of an authority in memory.
type shelf struct {
	mu      sync.Mutex
	devices []directory.Device
}

func (s *shelf) Devices(context.Context) ([]directory.Device, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]directory.Device(nil), s.devices...), nil
}

func (s *shelf) AddDevice(_ context.Context, d directory.Device) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.devices = append(s.devices, d)
	return nil
}

func (s *shelf) ChangeDevice(_ context.Context, id directory.DeviceID, change func(*directory.Device) error) (directory.Device, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.devices {
		if s.devices[i].ID == id {
			return s.devices[i], change(&s.devices[i])
		}
	}
	return directory.Device{}, directory.ErrNotFound
}

// A site is a server on loopback, with people and a device.
type site struct {
	*mirror
	plan   *number.Plan
	auth   *auth.Authority
	server *ldap.Server
	plain  string    // address
	tls    string    // address of LDAPS
	port   ldap.Port // what holds on the plain port
	client *tls.Config
	device directory.Device
	secret string
	stop   func() // ends the server and waits for it
	// onDetach, if set, is called when a connection has given up its device.
	onDetach func()
}

// A watched authority tells its site when a connection detaches.
type watched struct {
	ldap.Authenticator
	s *site
}

func (w watched) Attach(id directory.DeviceID, end func()) (func(), error) {
	detach, err := w.Authenticator.Attach(id, end)
	return func() {
		detach()
		if w.s.onDetach != nil {
			w.s.onDetach()
		}
	}, err
}

// books of every site: people are everybody but those of the company "Suppliers".
func books() []directory.Book {
	return []directory.Book{
		{Name: "people", Title: "Contoso", Filter: "(!(o=Suppliers))"},
		{Name: "suppliers", Title: "Suppliers", Filter: "(o=Suppliers)"},
	}
}

func newMirror(tb testing.TB, contacts ...*directory.Contact) (*mirror, *number.Plan) {
	tb.Helper()
	return newMirrorIn(tb, nil, contacts...)
}

// newMirrorIn is a mirror with an order of names.
func newMirrorIn(tb testing.TB, order *text.Collation, contacts ...*directory.Contact) (*mirror, *number.Plan) {
	tb.Helper()
	plan, err := number.NewPlan("DE")
	if err != nil {
		tb.Fatal(err)
	}
	for _, c := range contacts {
		for i, p := range c.Phones {
			c.Phones[i].E164 = plan.E164(p.Written)
		}
	}
	x, err := index.New(index.Options{Books: books(), Plan: plan, Collation: order}, "0123456789abcdef", 0,
		func(func(index.Stored) bool) {}, func(func(index.Mark) bool) {})
	if err != nil {
		tb.Fatal(err)
	}
	m := &mirror{Index: x, photos: map[directory.PhotoID][]byte{}}
	m.put(contacts...)
	x.SetLoaded()
	return m, plan
}

// newSite serves contacts; change may change the options before.
func newSite(tb testing.TB, contacts []*directory.Contact, change func(*ldap.Options)) *site {
	tb.Helper()
	m, plan := newMirror(tb, contacts...)
	return newSiteOf(tb, m, plan, change)
}

// newSiteAt is a site of staff whose plain port is another one.
func newSiteAt(tb testing.TB, change func(*ldap.Port)) *site {
	tb.Helper()
	m, plan := newMirror(tb, staff()...)
	s := prepare(tb, m, plan, nil)
	change(&s.port)
	s.open(tb)
	return s
}

func newSiteOf(tb testing.TB, m *mirror, plan *number.Plan, change func(*ldap.Options)) *site {
	tb.Helper()
	s := prepare(tb, m, plan, change)
	s.open(tb)
	return s
}

// open serves the site's ports.
func (s *site) open(tb testing.TB) {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var served sync.WaitGroup
	run := func(p ldap.Port) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			tb.Fatal(err)
		}
		served.Go(func() {
			if err := s.server.Serve(ctx, l, p); err != nil {
				tb.Errorf("serve: %v", err)
			}
		})
		return l.Addr().String()
	}
	s.plain = run(s.port)
	if s.port.TLS != nil {
		s.tls = run(ldap.Port{Name: "ldaps", Opening: ldap.OpenTLS, TLS: s.port.TLS})
	}
	s.stop = func() { cancel(); served.Wait() }
	tb.Cleanup(s.stop)
}

// prepare makes a site that nobody serves yet.
func prepare(tb testing.TB, m *mirror, plan *number.Plan, change func(*ldap.Options)) *site {
	tb.Helper()
	s := &site{mirror: m, plan: plan}
	var err error
	if s.auth, err = auth.New(tb.Context(), auth.Key{1}, &shelf{}, slog.New(slog.DiscardHandler)); err != nil {
		tb.Fatal(err)
	}
	s.device, s.secret = s.add(tb, directory.Device{Name: "desk", Kind: directory.KindDeskphone, Books: []directory.BookName{"people"}})
	o := ldap.Options{Directory: m, Auth: watched{s.auth, s}, BaseDN: base}
	s.port = ldap.Port{Name: "ldap", AllowPlain: true}
	s.port.TLS, s.client = certificates(tb)
	if change != nil {
		change(&o)
	}
	if s.server, err = ldap.New(o); err != nil {
		tb.Fatal(err)
	}
	return s
}

func (s *site) add(tb testing.TB, d directory.Device) (directory.Device, string) {
	tb.Helper()
	d, secret, err := s.auth.Add(tb.Context(), d)
	if err != nil {
		tb.Fatal(err)
	}
	return d, secret
}

// dial connects with go-ldap, not bound yet.
func (s *site) dial(tb testing.TB) *goldap.Conn {
	tb.Helper()
	c, err := goldap.DialURL("ldap://" + s.plain)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = c.Close() })
	return c
}

// dialFrom is dial from another address of this machine, which only Linux has by itself.
func (s *site) dialFrom(tb testing.TB, from string) *goldap.Conn {
	tb.Helper()
	d := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	c, err := goldap.DialURL("ldap://"+s.plain, goldap.DialWithDialer(d))
	if errors.Is(err, syscall.EADDRNOTAVAIL) {
		tb.Skipf("no address %s here", from)
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = c.Close() })
	return c
}

// bound connects and binds the site's device.
func (s *site) bound(tb testing.TB) *goldap.Conn {
	tb.Helper()
	c := s.dial(tb)
	if err := c.Bind(s.server.BindDN(s.device.Login), s.secret); err != nil {
		tb.Fatal(err)
	}
	return c
}

// certificates makes a server's certificate and the client that trusts it.
func certificates(tb testing.TB) (server, client *tls.Config) {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	server, roots := certificateOf(tb, key)
	return server, &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"}
}

// certificateOf makes a server's certificate with a key, and who trusts it.
func certificateOf(tb testing.TB, key crypto.Signer) (server *tls.Config, roots *x509.CertPool) {
	tb.Helper()
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ringbook test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		tb.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}, pool
}

// staff is a small company with the names and numbers that hurt.
func staff() []*directory.Contact {
	contact := func(id, given, sur, mail string, phones ...string) *directory.Contact {
		c := &directory.Contact{
			ID: directory.ContactID(id), Source: directory.SourceUser,
			DisplayName: given + " " + sur, GivenName: given, Surname: sur, Company: "Contoso", Department: "Sales",
		}
		if mail != "" {
			c.Emails = []string{mail}
		}
		kinds := []directory.PhoneKind{directory.PhoneWork, directory.PhoneMobile, directory.PhoneHome}
		for i, p := range phones {
			c.Phones = append(c.Phones, directory.Phone{Kind: kinds[i], Written: p})
		}
		return c
	}
	people := []*directory.Contact{
		contact("anna", "Anna", "Berg", "anna.berg@contoso.com", "+49 30 1234-500", "0171 2345678"),
		contact("annika", "Annika", "Zöllner", "annika@contoso.com", "030 / 1234 501"),
		contact("mueller", "Jürgen", "Müller", "j.mueller@contoso.com", "0049 (0)30 1234502", "+49 171 9876543", "030 7654321"),
		contact("muller", "Max", "Muller", "max@contoso.com", "+44 20 7946 0958"),
		contact("kowalski", "Jan", "Kowalski (ext.)", "jan@partner.example"),
		contact("meier", "Peter", "Meier", "peter@contoso.com", "+49 30 1234-503"),
		contact("star", "Star", "* Star", ""),
	}
	people = append(people, contact("supplier", "Ann", "Supply", "ann@supply.example", "+49 89 4711000"))
	people[len(people)-1].Company = "Suppliers"
	return people
}

// crowd makes n people with distinct names, addresses and numbers.
func crowd(n int) []*directory.Contact {
	givens := []string{"Anna", "Ben", "Clara", "David", "Emma", "Felix", "Greta", "Hans", "Ida", "Jonas"}
	surs := []string{"Müller", "Schmidt", "Weber", "Wagner", "Becker", "Hoffmann", "Koch", "Richter", "Klein", "Wolf"}
	people := make([]*directory.Contact, n)
	for i := range people {
		given, sur := givens[i%10], fmt.Sprintf("%s%d", surs[i/10%10], i)
		people[i] = &directory.Contact{
			ID: directory.ContactID(fmt.Sprintf("00000000-0000-4000-8000-%012d", i)), Source: directory.SourceUser,
			DisplayName: given + " " + sur, GivenName: given, Surname: sur,
			Emails:  []string{fmt.Sprintf("p%d@contoso.com", i)},
			Company: "Contoso", Department: "Sales",
			Phones: []directory.Phone{
				{Kind: directory.PhoneWork, Written: fmt.Sprintf("+49 30 5%06d", i)},
				{Kind: directory.PhoneMobile, Written: fmt.Sprintf("+49 171 6%06d", i)},
			},
		}
	}
	return people
}

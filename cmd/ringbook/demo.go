package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"ringbook/config"
	"ringbook/directory"
	"ringbook/graph/graphtest"
	"ringbook/server"
	"ringbook/server/admin"
)

// demoTries is how often the demo looks for ports.
const demoTries = 5

// The demo's sample tenant is the same on every machine.
const (
	demoSeed   = 2026
	demoPhotos = 0.5
	// demoContacts are suppliers beside the people.
	demoContacts = 12
	maxPeople    = 100_000
)

const (
	// glance is how often the demo looks whether the first sync is done.
	glance = 50 * time.Millisecond
	// photoPatience is how long the sheet waits for photos.
	photoPatience = 5 * time.Second
)

// demoConfig is a real configuration: the demo runs what serve runs, and the
// other commands find it with --config.
const demoConfig = `# Written by ringbook demo for its sample tenant.
data_dir   = %q
public_url = "http://%s"

[tenant]
id            = %q
client_id     = %q
client_secret = %q
authority_url = %q
graph_url     = %q
ca_file       = %q

[mirror]
interval     = "30s"
org_contacts = true
mailboxes_group = "Outlook"
mailbox_title   = "{name}: Outlook"
shrink_guard = "100%%" # the next demo in this folder may have fewer people

[mirror.phones]
extensionAttribute1 = "home"

[[book]]
name  = "people"
title = "Ringbook demo"

[http]
listen = %q
tls    = "off"

[ldap]
listen       = %q
ldaps_listen = %q
cert_file    = %q
key_file     = %q
allow_plain  = true

[admin]
listen = ""
`

// A demo is a sample tenant and the Ringbook that mirrors it.
type demo struct {
	people int
	dir    string
	json   bool
	stdout io.Writer
	stderr io.Writer

	graph *graphtest.Server
}

func newDemo() *cobra.Command {
	var d demo
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show Ringbook with a sample tenant, on this machine only",
		Long: "Starts a stand-in for Microsoft Graph with sample people, mirrors it as it would mirror your tenant,\n" +
			"and serves it over CardDAV and LDAP on loopback. It adds one phone and one desk phone and prints how to look\n" +
			"at the result. Nothing leaves this machine. Ctrl-C ends it.",
		Example: "  ringbook demo\n  ringbook demo --people 10000 --dir /tmp/ringbook-demo",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if d.people < 1 || d.people > maxPeople {
				return usage("--people %d: use 1 to %d", d.people, maxPeople)
			}
			d.stdout, d.stderr = cmd.OutOrStdout(), cmd.ErrOrStderr()
			return d.run(cmd.Context())
		},
	}
	cmd.Flags().IntVar(&d.people, "people", 250, "how many sample people there are")
	cmd.Flags().StringVar(&d.dir, "dir", "", "keep the data in `DIR` (default: a temporary folder, removed at the end)")
	cmd.Flags().BoolVar(&d.json, "json", false, "print one JSON document once everything is up")
	return cmd
}

func (d *demo) run(ctx context.Context) (err error) {
	if d.dir == "" {
		if d.dir, err = os.MkdirTemp("", "ringbook-demo-"); err != nil {
			return fmt.Errorf("make a temporary folder: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(d.dir)) }()
	}
	if d.dir, err = filepath.Abs(d.dir); err != nil {
		return fmt.Errorf("--dir: %w", err)
	}
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return fmt.Errorf("--dir: %w", err)
	}
	tenant, err := d.tenant()
	if err != nil {
		return err
	}
	d.graph, err = tenant.Start(ctx, "127.0.0.1:0")
	if err != nil {
		return unlessEnded(ctx, fmt.Errorf("start the sample tenant: %w", err))
	}
	defer func() { err = errors.Join(err, d.graph.Close()) }()
	for range demoTries {
		if err = d.once(ctx); !errors.Is(err, syscall.EADDRINUSE) {
			break // else somebody took a port between our looking and our listening
		}
	}
	return err
}

// tenant makes the sample tenant. The owner of the demo's phone keeps a few contacts
// in Outlook.
func (d *demo) tenant() (*graphtest.Tenant, error) {
	t := graphtest.New(graphtest.Options{
		People: d.people, Seed: demoSeed, Photos: demoPhotos,
		OrgContacts: demoContacts, Roles: []string{"User.Read.All", "OrgContact.Read.All", "GroupMember.Read.All"},
	})
	owner := known().ID
	t.AddMailbox(owner)
	t.AddGroup(demoGroup, owner)
	for _, c := range []map[string]any{
		{"displayName": "Dr. Gerd Zahn", "companyName": "Praxis Zahn", "businessPhones": []string{"030 7654321"}},
		{"displayName": "Taxi Rita Rider", "mobilePhone": "0171 1234567"},
	} {
		if _, err := t.Folder(owner, "").Add(c); err != nil {
			return nil, fmt.Errorf("make the sample tenant: %w", err)
		}
	}
	return t, nil
}

// once runs the demo on the ports that are free now.
func (d *demo) once(ctx context.Context) error {
	file, err := d.configure(ctx)
	if err != nil {
		return unlessEnded(ctx, err)
	}
	cfg, err := config.Load(file)
	if err != nil {
		return fmt.Errorf("the demo's own configuration: %w", err)
	}
	return d.serve(ctx, cfg)
}

// configure writes the certificate authority, the certificate and the
// configuration into the folder.
func (d *demo) configure(ctx context.Context) (string, error) {
	ca, cert, key := filepath.Join(d.dir, "tenant-ca.pem"), filepath.Join(d.dir, demoCert), filepath.Join(d.dir, "key.pem")
	certPEM, keyPEM, err := selfSigned()
	if err != nil {
		return "", err
	}
	carddav, err := freeAddress(ctx, "127.0.0.1:8080")
	if err != nil {
		return "", err
	}
	ldap, err := freeAddress(ctx, "127.0.0.1:1389")
	if err != nil {
		return "", err
	}
	ldaps, err := freeAddress(ctx, "127.0.0.1:1636")
	if err != nil {
		return "", err
	}
	file := filepath.Join(d.dir, "ringbook.toml")
	text := fmt.Sprintf(demoConfig, filepath.Join(d.dir, "data"), carddav,
		d.graph.TenantID(), d.graph.ClientID(), d.graph.Secret(), d.graph.URL(), d.graph.URL(), ca,
		carddav, ldap, ldaps, cert, key)
	for name, content := range map[string][]byte{ca: d.graph.CAPEM(), cert: certPEM, key: keyPEM, file: []byte(text)} {
		if err := writePrivate(name, content); err != nil {
			return "", err
		}
	}
	return file, nil
}

func selfSigned() (certPEM, keyPEM []byte, err error) {
	c, certPEM, err := server.SelfSigned("localhost", "127.0.0.1", "::1")
	if err != nil {
		return nil, nil, err
	}
	key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		return nil, nil, fmt.Errorf("make a certificate: %w", err)
	}
	keyPEM = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})
	return certPEM, keyPEM, nil
}

// freeAddress returns the address wished for, or one with another port when
// that is taken.
func freeAddress(ctx context.Context, wished string) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", wished)
	if err != nil {
		l, err = new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	}
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

// serve runs Ringbook on cfg, waits for the first sync, adds the two devices,
// prints, and waits for the end.
func (d *demo) serve(ctx context.Context, cfg *config.Config) error {
	log := slog.New(slog.NewTextHandler(d.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	bar := newProgress(d.stdout, d.stderr, d.people)
	p, err := open(ctx, cfg, log, bar.show)
	if err != nil {
		return unlessEnded(ctx, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		defer cancel() // a part that fails ends the waiting below
		ended <- p.run(ctx)
	}()
	shown := d.show(ctx, cfg, bar)
	if shown == nil {
		<-ctx.Done()
	}
	cancel()
	if errors.Is(shown, context.Canceled) {
		shown = nil // Ctrl-C during the first sync
	}
	return errors.Join(shown, <-ended, p.close())
}

// show waits until the first sync is done, over the admin socket as every
// operator would, and prints how to look at the result.
func (d *demo) show(ctx context.Context, cfg *config.Config, bar *progress) error {
	c := admin.NewClient(filepath.Join(cfg.DataDir, socketName))
	err := firstSync(ctx, c)
	bar.end()
	if err != nil {
		return interrupted(ctx, err)
	}
	if err := revokeOld(ctx, c); err != nil {
		return interrupted(ctx, err)
	}
	phone, err := c.AddDevice(ctx, admin.NewDevice{Name: demoPhone, Owner: known().Login, Kind: directory.KindPhone})
	if err != nil {
		return interrupted(ctx, err)
	}
	desk, err := c.AddDevice(ctx, admin.NewDevice{Name: demoDesk, Kind: directory.KindDeskphone, Numbers: directory.NumbersNational})
	if err != nil {
		return interrupted(ctx, err)
	}
	st, err := c.Status(ctx)
	if err != nil {
		return interrupted(ctx, err)
	}
	s := demoSheet{
		Dir: d.dir, Config: cfg.File, People: d.people, Served: st.Books[0].Contacts,
		Tenant: d.graph.URL(), Phone: phone, Desk: desk, Known: known(), Private: directory.MailboxBook(directory.ContactID(known().ID)),
	}
	if d.json {
		return printJSON(d.stdout, s)
	}
	return s.write(d.stdout)
}

// firstSync waits until the people are served, and a little longer for photos:
// those of a small tenant are there by then, those of a large one arrive later.
func firstSync(ctx context.Context, c *admin.Client) error {
	tick := time.NewTicker(glance)
	defer tick.Stop()
	for {
		st, err := c.Status(ctx)
		if err != nil {
			return err
		}
		if st.Ready {
			break
		}
		for _, s := range st.Sources {
			if s.LastError != "" {
				return fmt.Errorf("%s: %s", s.Name, s.LastError)
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	brief, cancel := context.WithTimeout(ctx, photoPatience)
	defer cancel()
	report, err := c.Sync(brief, directory.SyncRequest{})
	if brief.Err() != nil {
		return ctx.Err()
	}
	for _, r := range report.Rounds {
		if r.Error != "" {
			return fmt.Errorf("%s: %s", r.Feed, r.Error)
		}
	}
	return err
}

// The names of the demo's devices.
const (
	demoPhone = "Demo phone"
	demoDesk  = "Demo desk phone"
)

// demoGroup is the group whose members' Outlook contacts the demo mirrors.
const demoGroup = "Outlook"

// revokeOld revokes the devices that an earlier demo in this folder added:
// their secrets were shown then and are known to nobody now.
func revokeOld(ctx context.Context, c *admin.Client) error {
	list, err := c.Devices(ctx)
	if err != nil {
		return err
	}
	for _, dev := range list.Devices {
		if dev.State == directory.DeviceRevoked || (dev.Name != demoPhone && dev.Name != demoDesk) {
			continue
		}
		if _, err := c.Revoke(ctx, string(dev.ID), admin.Revocation{}); err != nil {
			return err
		}
	}
	return nil
}

// interrupted is ctx's error when that is why err came about.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

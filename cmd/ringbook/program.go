package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"ringbook/config"
	"ringbook/directory"
	"ringbook/directory/number"
	"ringbook/directory/store"
	"ringbook/directory/text"
	"ringbook/directory/vcard"
	"ringbook/graph"
	"ringbook/server"
	"ringbook/server/auth"
	"ringbook/server/journal"
	"ringbook/server/notify"
)

// The files in the data folder, beside admin.sock.
const (
	storeName = "store"
	keyName   = "device.key"
	acmeName  = "acme"
)

// A program is one Ringbook: everything opened and bound, nothing served yet.
type program struct {
	store  *store.Store
	auth   *auth.Authority
	mirror *graph.Mirror
	// credential signs in to the tenant; its end is watched.
	credential *graph.Credential
	owners     owners
	journal    *journal.Journal
	doors      []server.Door
	stop       func() // ends the work on certificates
	drain      time.Duration
	log        *slog.Logger
}

// open opens the store, loads the devices and binds every listener, so that
// what cannot work is said before anything is served.
func open(ctx context.Context, cfg *config.Config, log *slog.Logger, progress func(graph.Progress)) (_ *program, err error) {
	p := &program{log: log, drain: time.Duration(cfg.Devices.DrainDays) * 24 * time.Hour}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
		}
	}()
	plan, err := cfg.Numbers.Plan()
	if err != nil {
		return nil, fmt.Errorf("numbers: %w", err)
	}
	collation, err := text.ParseCollation(cfg.Language)
	if err != nil {
		return nil, fmt.Errorf("language: %w", err)
	}
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return nil, &hintError{err: fmt.Errorf("data_dir: %w", err), code: exitUsage, hint: "Name a folder that this user may write."}
	}
	p.store, err = store.Open(ctx, filepath.Join(cfg.DataDir, storeName), store.Options{
		Books: cfg.Books, Groups: cfg.Groups(), Plan: plan, MaxPhones: cfg.Numbers.MaxPhones, Precedence: cfg.Mirror.Precedence, Collation: collation, MailboxTitle: cfg.Mirror.MailboxTitle, ShrinkGuard: cfg.Mirror.ShrinkGuard,
		Renderer: store.Renderer{Version: vcard.Version, Print: digest}, Log: log,
	})
	if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	key, err := auth.LoadKey(filepath.Join(cfg.DataDir, keyName))
	if err != nil {
		return nil, err
	}
	if err := rereadLocal(ctx, p.store, plan); err != nil {
		return nil, err
	}
	p.auth, err = auth.New(ctx, key, p.store, log)
	if err != nil {
		return nil, err
	}
	if p.journal, err = journal.New(ctx, p.store, log); err != nil {
		return nil, err
	}
	p.owners = owners{p.store, cfg.Devices.OwnersGroup}
	told := graph.Notify{}
	if cfg.Mirror.Notifications {
		told = graph.Notify{URL: cfg.PublicURL + notify.Path, State: notify.State(key[:], cfg.Tenant.ID)}
	}
	p.mirror, p.credential, err = newMirror(cfg, plan, &sink{p.store, p.auth, p.owners, cfg.Mirror.ShrinkGuard}, told, log, progress)
	if err != nil {
		return nil, err
	}
	if err := p.mirror.Forget(ctx); err != nil {
		return nil, err
	}
	return p, p.bind(ctx, cfg, plan, told)
}

// digest is that by which the store sees that a card is drawn differently. The
// one byte stands for every photo: how it is laid out shows.
func digest(c *directory.Contact) [16]byte {
	sum := sha256.Sum256(vcard.Append(nil, c, vcard.Style{JPEG: []byte{0}}))
	return [16]byte(sum[:16])
}

// tenantOf is where the tenant is and how to sign in there; its Credential is
// not made yet.
func tenantOf(cfg *config.Config) (graph.Tenant, graph.CredentialOptions, error) {
	cloud, err := graph.CloudByName(cfg.Tenant.Cloud)
	if err != nil {
		return graph.Tenant{}, graph.CredentialOptions{}, err
	}
	if cfg.Tenant.AuthorityURL != "" {
		cloud.Login = cfg.Tenant.AuthorityURL
	}
	if cfg.Tenant.GraphURL != "" {
		cloud.Graph = cfg.Tenant.GraphURL
	}
	client, err := graph.NewHTTPClient(cfg.Tenant.CAFile)
	if err != nil {
		return graph.Tenant{}, graph.CredentialOptions{}, fmt.Errorf("tenant.ca_file: %w", err)
	}
	return graph.Tenant{ID: cfg.Tenant.ID, ClientID: cfg.Tenant.ClientID, GraphURL: cloud.Graph, HTTP: client},
		graph.CredentialOptions{
			TenantID: cfg.Tenant.ID, ClientID: cfg.Tenant.ClientID, AuthorityURL: cloud.Login, HTTP: client,
			CredentialKey: keyOf(cfg.Tenant.Credential), Next: keyOf(cfg.Tenant.Next),
			ManagedIdentity: cfg.Tenant.ManagedIdentity, WorkloadIdentity: cfg.Tenant.WorkloadIdentity,
		}, nil
}

func keyOf(c config.Credential) graph.CredentialKey {
	return graph.CredentialKey{
		Secret: string(c.ClientSecret), SecretFile: c.ClientSecretFile, Expires: c.ClientSecretExpires,
		CertificateFile: c.CertificateFile, CertificatePassword: string(c.CertificatePassword),
	}
}

func newMirror(cfg *config.Config, plan *number.Plan, s *sink, told graph.Notify, log *slog.Logger, progress func(graph.Progress)) (*graph.Mirror, *graph.Credential, error) {
	tenant, signIn, err := tenantOf(cfg)
	if err != nil {
		return nil, nil, err
	}
	credential, err := graph.NewCredential(signIn)
	if err != nil {
		return nil, nil, &hintError{err: fmt.Errorf("tenant: %w", err), code: exitUsage}
	}
	tenant.Credential = credential
	m, err := graph.New(
		tenant, s, s,
		graph.Options{
			Interval: cfg.Mirror.Interval, Photos: cfg.Mirror.Photos, Phones: cfg.Mirror.Phones, Order: cfg.Numbers.Order,
			Groups: cfg.Groups(), OrgContacts: cfg.Mirror.OrgContacts,
			Mailboxes: cfg.Mirror.MailboxesGroup, ShrinkGuard: cfg.Mirror.ShrinkGuard,
			E164: plan.E164, Site: siteReader(plan), Plans: plan.CompanyDigest(), Notify: told, Progress: progress, Log: log,
		})
	return m, credential, err
}

// siteReader returns how the numbers of who sits at a further site are read; nil
// returned = as at the default one.
func siteReader(plan *number.Plan) func(*directory.Contact) func(string) string {
	return func(c *directory.Contact) func(string) string {
		if p := plan.Of(c); p != plan {
			return p.E164
		}
		return nil
	}
}

// run serves and mirrors until ctx ends or a part fails.
func (p *program) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return server.Run(ctx, p.doors, p.log) })
	g.Go(func() error { return p.mirror.Run(ctx) })
	g.Go(func() error { return p.journal.Run(ctx) })
	g.Go(func() error { p.retire(ctx); return nil })
	g.Go(func() error { watchExpiry(ctx, p.credential, p.log); return nil })
	return g.Wait()
}

// retireEvery is how often draining devices are looked at: they have days.
const retireEvery = time.Hour

// retire revokes devices that have been draining for longer than
// devices.drain_days, or that have come back and know that they are empty. One
// that cannot be revoked now (a full disk) waits for the next time: everybody else
// is served on.
func (p *program) retire(ctx context.Context) {
	tick := time.NewTicker(retireEvery)
	defer tick.Stop()
	for {
		for _, d := range p.auth.List() {
			if d.State != directory.DeviceDraining || time.Since(d.Changed) < p.drain && !emptied(p.journal.Of(d.ID)) {
				continue
			}
			if _, err := p.auth.SetState(ctx, d.ID, directory.DeviceRevoked); err != nil && ctx.Err() == nil {
				p.log.LogAttrs(ctx, slog.LevelError, "drained device not revoked, tried again later",
					slog.String("device", string(d.ID)), slog.Duration("later", retireEvery), slog.String("error", err.Error()))
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// emptied reports whether a device has read every book that it ever read, in part or
// whole, as an empty one, and shown that it has.
func emptied(a directory.Activity) bool {
	for _, b := range a.Books {
		if b.Holds() {
			return false
		}
	}
	return len(a.Books) > 0
}

// close closes what open opened, in the opposite order. Listeners that were
// served are closed already.
func (p *program) close() error {
	var errs []error
	for _, b := range p.doors {
		if err := b.Listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if p.stop != nil {
		p.stop()
	}
	if p.auth != nil {
		p.auth.Close()
	}
	if p.store != nil {
		errs = append(errs, p.store.Close())
	}
	return errors.Join(errs...)
}

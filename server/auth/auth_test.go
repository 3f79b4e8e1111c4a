package auth_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
	"ringbook/server/auth"
)

// disk keeps devices as a store does, without its goroutines, which a synctest
// bubble would wait for.
type disk struct {
	mu      sync.Mutex
	devices []directory.Device
	fail    error
	taken   int // how many logins AddDevice calls taken
	// meanwhile is a change that is stored just before the next one.
	meanwhile func(*directory.Device)
}

func (d *disk) Devices(context.Context) ([]directory.Device, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]directory.Device(nil), d.devices...), d.fail
}

func (d *disk) AddDevice(_ context.Context, n directory.Device) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.taken > 0 {
		d.taken--
		return directory.ErrExists
	}
	d.devices = append(d.devices, n.Clone())
	return d.fail
}

func (d *disk) ChangeDevice(_ context.Context, id directory.DeviceID, change func(*directory.Device) error) (directory.Device, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fail != nil {
		return directory.Device{}, d.fail
	}
	for i := range d.devices {
		if d.devices[i].ID == id {
			c := d.devices[i].Clone()
			if d.meanwhile != nil {
				d.meanwhile(&c)
				d.meanwhile = nil
			}
			if err := change(&c); err != nil {
				return directory.Device{}, err
			}
			d.devices[i] = c
			return c.Clone(), nil
		}
	}
	return directory.Device{}, directory.ErrNotFound
}

var (
	here  = netip.MustParseAddr("192.0.2.1")
	there = netip.MustParseAddr("198.51.100.7")
)

func open(tb testing.TB, d *disk) *auth.Authority {
	tb.Helper()
	key, err := auth.LoadKey(filepath.Join(tb.TempDir(), "key"))
	if err != nil {
		tb.Fatal(err)
	}
	a, err := auth.New(tb.Context(), key, d, slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(a.Close)
	return a
}

func add(tb testing.TB, a *auth.Authority, name string) (directory.Device, string) {
	tb.Helper()
	d, secret, err := a.Add(tb.Context(), directory.Device{
		Name: name, Kind: directory.KindPhone, Books: []directory.BookName{"people"},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return d, secret
}

func TestAddDrawsLoginAndSecret(t *testing.T) {
	t.Parallel()
	d := &disk{taken: 2}
	a := open(t, d)
	dev, secret := add(t, a, "Ada's phone")
	const alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
	if len(dev.Login) != 8 || strings.Trim(string(dev.Login), alphabet) != "" {
		t.Errorf("login %q is not 8 characters of the alphabet", dev.Login)
	}
	if len(secret) != 20 || strings.Trim(secret, alphabet) != "" {
		t.Errorf("secret is not 20 characters of the alphabet")
	}
	if dev.State != directory.DeviceActive || dev.Created.IsZero() || !dev.Changed.Equal(dev.Created) {
		t.Errorf("device is %+v", dev)
	}
	if dev.Secret != (directory.SecretHash{}) {
		t.Error("the hash of the secret left the authority")
	}
	if d.devices[0].Secret == (directory.SecretHash{}) {
		t.Error("the hash of the secret was not stored")
	}
	if strings.Contains(fmt.Sprintf("%s", d.devices[0].Secret), secret) {
		t.Error("the secret itself was stored")
	}
	if diff := cmp.Diff([]directory.Device{dev}, a.List()); diff != "" {
		t.Error(diff)
	}
	second, other := add(t, a, "Ada's phone")
	if second.Login == dev.Login || other == secret {
		t.Error("two devices share a login or a secret")
	}
}

func TestAddGivesUpWhenEveryLoginIsTaken(t *testing.T) {
	t.Parallel()
	a := open(t, &disk{taken: 1000})
	if _, _, err := a.Add(t.Context(), directory.Device{Name: "x"}); !errors.Is(err, directory.ErrExists) {
		t.Errorf("error is %v", err)
	}
	if len(a.List()) != 0 {
		t.Error("a device that was not stored is in memory")
	}
}

func TestAuthenticate(t *testing.T) {
	t.Parallel()
	a := open(t, &disk{})
	dev, secret := add(t, a, "phone")
	gone, goneSecret := add(t, a, "gone")
	if _, err := a.SetState(t.Context(), gone.ID, directory.DeviceRevoked); err != nil {
		t.Fatal(err)
	}
	login := string(dev.Login)
	for name, tt := range map[string]struct {
		login, secret string
		ok            bool
	}{
		"right":            {login, secret, true},
		"capitals":         {strings.ToUpper(login), secret, true},
		"blank at the end": {login + " ", secret, true},
		"secret capital":   {login, strings.ToUpper(secret), false},
		"secret blank":     {login, secret + " ", false},
		"secret cut":       {login, secret[:19], false},
		"secret and more":  {login, secret + strings.Repeat("x", 1<<20), false},
		"no secret":        {login, "", false},
		"unknown login":    {"zzzzzzzz", secret, false},
		"no login":         {"", secret, false},
		"long login":       {strings.Repeat(login, 1000), secret, false},
		"strange login":    {"\x00ſK" + login, secret, false},
		"other's secret":   {login, goneSecret, false},
		"revoked":          {string(gone.Login), goneSecret, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := a.Authenticate(t.Context(), here, tt.login, tt.secret)
			if tt.ok {
				if diff := cmp.Diff(dev, got); err != nil || diff != "" {
					t.Errorf("error %v, device %s", err, diff)
				}
				return
			}
			// Bare, so that no text tells the cases apart.
			if err != directory.ErrCredential { //nolint:errorlint // exactly this
				t.Errorf("error is %v", err)
			}
		})
	}
}

// TestRefused: an administrator learns of the last login of a device that was refused,
// which its client is not told.
func TestRefused(t *testing.T) {
	t.Parallel()
	a := open(t, &disk{})
	dev, secret := add(t, a, "phone")
	other, _ := add(t, a, "other")
	login := strings.ToUpper(string(dev.Login))
	want := func(count int, why directory.RefusalReason) {
		t.Helper()
		got := a.Refused(dev.ID)
		if got.Count != count || got.Why != why || count > 0 && (got.From != here || time.Since(got.At) > time.Minute) {
			t.Errorf("%+v, want %d for %q", got, count, why)
		}
	}
	try := func(n int, secret string) {
		for range n {
			_, _ = a.Authenticate(t.Context(), here, login, secret)
		}
	}
	try(1, secret)
	want(0, "")
	a.Insecure(here, login)
	want(1, directory.RefusedPlain)
	try(9, "wrong")
	want(10, directory.RefusedSecret)
	try(2, "wrong")
	want(12, directory.RefusedThrottled)
	try(1, secret) // it is not looked at, either
	want(13, directory.RefusedThrottled)
	if _, err := a.SetState(t.Context(), dev.ID, directory.DeviceRevoked); err != nil {
		t.Fatal(err)
	}
	try(1, secret)
	want(14, directory.RefusedRevoked)
	a.Insecure(here, "nobody")
	if got := a.Refused(other.ID); got != (directory.Refusal{}) {
		t.Errorf("another device: %+v", got)
	}
	if got := a.Refused("nobody"); got != (directory.Refusal{}) {
		t.Errorf("no device: %+v", got)
	}
}

func TestAuthoritySurvivesRestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key")
	d := &disk{}
	var secret string
	var dev directory.Device
	for round := range 2 {
		key, err := auth.LoadKey(path)
		if err != nil {
			t.Fatal(err)
		}
		a, err := auth.New(t.Context(), key, d, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if round == 0 {
			dev, secret = add(t, a, "phone")
		}
		if _, err := a.Authenticate(t.Context(), here, string(dev.Login), secret); err != nil {
			t.Errorf("round %d: %v", round, err)
		}
	}
	a := open(t, d) // another key
	if _, err := a.Authenticate(t.Context(), here, string(dev.Login), secret); !errors.Is(err, directory.ErrCredential) {
		t.Errorf("under another key: %v", err)
	}
}

func TestStatesGoForwardOnly(t *testing.T) {
	t.Parallel()
	d := &disk{}
	a := open(t, d)
	dev, secret := add(t, a, "phone")
	set := func(st directory.DeviceState) error {
		_, err := a.SetState(t.Context(), dev.ID, st)
		return err
	}
	if err := set(directory.DeviceDraining); err != nil {
		t.Fatal(err)
	}
	got, err := a.Authenticate(t.Context(), here, string(dev.Login), secret)
	if err != nil || got.State != directory.DeviceDraining {
		t.Errorf("draining device: %v, %v", got.State, err)
	}
	if err := set(directory.DeviceActive); !errors.Is(err, directory.ErrInvalid) {
		t.Errorf("back to active: %v", err)
	}
	if err := set("parked"); !errors.Is(err, directory.ErrInvalid) {
		t.Errorf("to a state that is none: %v", err)
	}
	for range 2 { // the second changes nothing
		if err := set(directory.DeviceRevoked); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.Current(dev.ID); !errors.Is(err, directory.ErrCredential) {
		t.Errorf("current: %v", err)
	}
	if _, err := a.Attach(dev.ID, func() {}); !errors.Is(err, directory.ErrCredential) {
		t.Errorf("attach: %v", err)
	}
	if _, err := a.SetState(t.Context(), "nobody", directory.DeviceRevoked); !errors.Is(err, directory.ErrNotFound) {
		t.Errorf("unknown device: %v", err)
	}
	if d.devices[0].State != directory.DeviceRevoked || d.devices[0].Secret == (directory.SecretHash{}) {
		t.Errorf("stored is %+v", d.devices[0])
	}
}

func TestRevocationIsOnDiskBeforeItIsInForce(t *testing.T) {
	t.Parallel()
	d := &disk{}
	a := open(t, d)
	dev, secret := add(t, a, "phone")
	d.fail = errors.New("disk full")
	if _, err := a.SetState(t.Context(), dev.ID, directory.DeviceRevoked); !errors.Is(err, d.fail) {
		t.Errorf("error is %v", err)
	}
	if _, err := a.Authenticate(t.Context(), here, string(dev.Login), secret); err != nil {
		t.Errorf("a revocation that was not stored is in force: %v", err)
	}
}

func TestRevocationEndsSessions(t *testing.T) {
	t.Parallel()
	a := open(t, &disk{})
	dev, _ := add(t, a, "phone")
	other, _ := add(t, a, "other")
	var ended, strangers, forgotten atomic.Int32
	for range 3 {
		detach, err := a.Attach(dev.ID, func() { ended.Add(1) })
		if err != nil {
			t.Fatal(err)
		}
		defer detach()
	}
	if _, err := a.Attach(other.ID, func() { strangers.Add(1) }); err != nil {
		t.Fatal(err)
	}
	detach, err := a.Attach(dev.ID, func() { forgotten.Add(1) })
	if err != nil {
		t.Fatal(err)
	}
	detach()
	detach() // twice is once
	for _, st := range []directory.DeviceState{directory.DeviceDraining, directory.DeviceRevoked, directory.DeviceRevoked} {
		if st == directory.DeviceRevoked && ended.Load() == 0 {
			// Draining ends nobody.
			if _, err := a.Current(dev.ID); err != nil {
				t.Errorf("draining: %v", err)
			}
		}
		if _, err := a.SetState(t.Context(), dev.ID, st); err != nil {
			t.Fatal(err)
		}
	}
	if ended.Load() != 3 || strangers.Load() != 0 || forgotten.Load() != 0 {
		t.Errorf("ended %d of 3, strangers %d, detached %d", ended.Load(), strangers.Load(), forgotten.Load())
	}
}

func TestRevocationDoesNotWaitForASessionThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := open(t, &disk{})
		dev, _ := add(t, a, "phone")
		hang := make(chan struct{})
		var ended atomic.Bool
		for _, end := range []func(){func() { <-hang }, func() { ended.Store(true) }} {
			detach, err := a.Attach(dev.ID, end)
			if err != nil {
				t.Fatal(err)
			}
			defer detach()
		}
		start := time.Now()
		if _, err := a.SetState(t.Context(), dev.ID, directory.DeviceRevoked); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("took %v", took)
		}
		if !ended.Load() {
			t.Error("one session that hangs kept another alive")
		}
		close(hang)
	})
}

// Sessions that begin while the device is revoked are refused or ended.
func TestAttachAgainstRevoke(t *testing.T) {
	t.Parallel()
	a := open(t, &disk{})
	for range 50 {
		dev, _ := add(t, a, "phone")
		var began, ended atomic.Int32
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				detach, err := a.Attach(dev.ID, func() { ended.Add(1) })
				if err == nil {
					began.Add(1)
					_ = detach // stays until it is ended
				}
			})
		}
		all.Go(func() {
			if _, err := a.SetState(t.Context(), dev.ID, directory.DeviceRevoked); err != nil {
				t.Error(err)
			}
		})
		all.Wait()
		if began.Load() != ended.Load() {
			t.Fatalf("%d sessions began and %d were ended", began.Load(), ended.Load())
		}
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	a := open(t, &disk{})
	dev, secret := add(t, a, "phone")
	for range 100 { // never throttled
		if ok, err := a.Verify(dev.ID, "wrong"); ok || err != nil {
			t.Fatalf("wrong secret: %v, %v", ok, err)
		}
	}
	if ok, err := a.Verify(dev.ID, secret); !ok || err != nil {
		t.Errorf("right secret: %v, %v", ok, err)
	}
	if _, err := a.Verify("nobody", secret); !errors.Is(err, directory.ErrNotFound) {
		t.Errorf("unknown device: %v", err)
	}
}

func BenchmarkAuthenticate(b *testing.B) {
	a := open(b, &disk{})
	var login, secret string
	for range 10_000 {
		d, s := add(b, a, "phone")
		login, secret = string(d.Login), s
	}
	b.Run("right", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := a.Authenticate(b.Context(), here, login, secret); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("wrong", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := a.Authenticate(b.Context(), there, login, "wrong"); err == nil {
				b.Fatal("let in")
			}
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := a.Authenticate(b.Context(), here, login, secret); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

// TestChange: a change never touches what a device is known by, or its state.
func TestChange(t *testing.T) {
	devices := &disk{}
	a := open(t, devices)
	d, secret, err := a.Add(t.Context(), directory.Device{Name: "phone", Kind: directory.KindPhone, Books: []directory.BookName{"people"}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := a.Change(t.Context(), d.ID, func(d *directory.Device) error {
		*d = directory.Device{Name: "other", State: directory.DeviceRevoked}
		return nil
	})
	if err != nil || got.Name != "other" || got.State != directory.DeviceActive || got.Secret != (directory.SecretHash{}) {
		t.Errorf("%+v, %v", got, err)
	}
	if now, err := a.Authenticate(t.Context(), here, string(d.Login), secret); err != nil || now.Name != "other" {
		t.Errorf("in memory: %+v, %v", now, err)
	}
	if now := devices.devices[0]; now.Name != "other" || now.Login != d.Login || now.Secret == (directory.SecretHash{}) || !now.Created.Equal(d.Created) {
		t.Errorf("on disk: %+v", now)
	}
	refused := errors.New("refused")
	if _, err := a.Change(t.Context(), d.ID, func(d *directory.Device) error { d.Name = "lost"; return refused }); !errors.Is(err, refused) {
		t.Errorf("error is %v", err)
	}
	if now, err := a.Device(d.ID); err != nil || now.Name != "other" {
		t.Errorf("refused, and it is %q, %v", now.Name, err)
	}
	if _, err := a.Change(t.Context(), "nobody", func(*directory.Device) error { return nil }); !errors.Is(err, directory.ErrNotFound) {
		t.Errorf("of nobody: %v", err)
	}
}

// TestRotate: the old secret is refused at once, on disk as in memory, and what was
// open with it is told to end.
func TestRotate(t *testing.T) {
	devices := &disk{}
	a := open(t, devices)
	d, old := add(t, a, "phone")
	ended := make(chan struct{})
	detach, err := a.Attach(d.ID, func() { close(ended) })
	if err != nil {
		t.Fatal(err)
	}
	defer detach()
	got, secret, err := a.Rotate(t.Context(), d.ID)
	if err != nil || got.Rotated != 1 || got.Secret != (directory.SecretHash{}) || secret == old {
		t.Fatalf("%+v, %v", got, err)
	}
	<-ended
	if _, err := a.Authenticate(t.Context(), here, string(d.Login), old); !errors.Is(err, directory.ErrCredential) {
		t.Errorf("the old secret: %v", err)
	}
	if now, err := a.Authenticate(t.Context(), here, string(d.Login), secret); err != nil || now.Rotated != 1 {
		t.Errorf("the new one: %+v, %v", now, err)
	}
	if devices.devices[0].Rotated != 1 || devices.devices[0].Secret == (directory.SecretHash{}) {
		t.Errorf("on disk: %+v", devices.devices[0])
	}
	if _, err := a.SetState(t.Context(), d.ID, directory.DeviceRevoked); err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.Rotate(t.Context(), d.ID); !errors.Is(err, directory.ErrInvalid) {
		t.Errorf("of a revoked device: %v", err)
	}
}

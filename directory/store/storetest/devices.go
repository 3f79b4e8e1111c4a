package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
)

func device(name string, created time.Time) directory.Device {
	return directory.Device{
		ID: directory.DeviceID("id-" + name), Login: directory.Login("login-" + name), Name: name,
		Kind: directory.KindPhone, Books: []directory.BookName{"people"},
		Numbers: directory.NumbersE164, Photos: directory.PhotoLarge, State: directory.DeviceActive,
		Secret: directory.SecretHash{1, 2, 3}, Created: created, Changed: created,
	}
}

func testDevices(t *testing.T, open Open) {
	b := newBench(t, open)
	at := time.Unix(1_800_000_000, 5).UTC()
	first, second := device("zz", at), device("aa", at.Add(time.Second))
	second.Names = directory.NamesPlain // first has none, as devices had before there were styles
	for _, d := range []directory.Device{second, first} {
		if err := b.AddDevice(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	for _, change := range []func(*directory.Device){
		func(d *directory.Device) { d.ID = first.ID },
		func(d *directory.Device) { d.Login = first.Login },
	} {
		d := device("other", at)
		change(&d)
		if err := b.AddDevice(t.Context(), d); !errors.Is(err, directory.ErrExists) {
			t.Errorf("taken id or login: %v", err)
		}
	}
	if err := b.AddDevice(t.Context(), directory.Device{Name: "nothing"}); !errors.Is(err, directory.ErrInvalid) {
		t.Errorf("device without id: %v", err)
	}
	changed, err := b.ChangeDevice(t.Context(), first.ID, func(d *directory.Device) error {
		d.State, d.Changed = directory.DeviceRevoked, at.Add(time.Hour)
		d.ID, d.Login, d.Created = "mine", "mine", time.Time{}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	first.State, first.Changed = directory.DeviceRevoked, at.Add(time.Hour)
	if diff := cmp.Diff(first, changed); diff != "" {
		t.Error(diff)
	}
	refusal := errors.New("no")
	if _, err := b.ChangeDevice(t.Context(), first.ID, func(d *directory.Device) error { d.Name = "x"; return refusal }); !errors.Is(err, refusal) {
		t.Errorf("refused change: %v", err)
	}
	if _, err := b.ChangeDevice(t.Context(), "nobody", func(*directory.Device) error { return nil }); !errors.Is(err, directory.ErrNotFound) {
		t.Errorf("unknown device: %v", err)
	}
	b.reopen()
	late := device("late", at)
	late.Login = second.Login
	if err := b.AddDevice(t.Context(), late); !errors.Is(err, directory.ErrExists) {
		t.Errorf("login taken before a restart: %v", err)
	}
	all, err := b.Devices(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]directory.Device{first, second}, all); diff != "" {
		t.Error(diff)
	}
}

// use calls every method and returns their errors.
func (b *bench) use(ctx context.Context) []error {
	_, cursor := b.Cursor(ctx, Feed)
	_, apply := b.Apply(ctx, directory.Batch{Feed: Feed, Source: directory.SourceUser, Changes: Puts(Person(1))})
	_, due := b.PhotosDue(ctx, directory.SourceUser, time.Now(), 1)
	_, photos := b.ApplyPhotos(ctx, time.Now(), nil)
	_, photo := b.Photo(ctx, "x", directory.PhotoLarge)
	_, devices := b.Devices(ctx)
	add := b.AddDevice(ctx, device("x", time.Now()))
	_, change := b.ChangeDevice(ctx, "x", func(*directory.Device) error { return nil })
	return []error{cursor, apply, due, photos, photo, devices, add, change}
}

func testClosed(t *testing.T, open Open) {
	b := newBench(t, open)
	b.put(Person(1))
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	for i, err := range b.use(t.Context()) {
		if !errors.Is(err, directory.ErrUnavailable) {
			t.Errorf("method %d after Close: %v", i, err)
		}
	}
	if err := b.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	if b.View().Len() != 1 {
		t.Error("the last view is gone")
	}
}

func testEnded(t *testing.T, open Open) {
	b := newBench(t, open)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for i, err := range b.use(ctx) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("method %d with an ended context: %v", i, err)
		}
	}
}

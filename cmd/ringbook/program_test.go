package main

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"ringbook/directory"
	"ringbook/server/auth"
	"ringbook/server/journal"
)

// A fullDisk holds one draining device, and takes no change before its time.
type fullDisk struct {
	device directory.Device
	until  time.Time
}

func (d *fullDisk) Devices(context.Context) ([]directory.Device, error) {
	return []directory.Device{d.device}, nil
}

func (d *fullDisk) AddDevice(context.Context, directory.Device) error { return errors.ErrUnsupported }

func (d *fullDisk) ChangeDevice(_ context.Context, _ directory.DeviceID, change func(*directory.Device) error) (directory.Device, error) {
	if time.Now().Before(d.until) {
		return directory.Device{}, errors.New("no space left on device")
	}
	err := change(&d.device)
	return d.device, err
}

// A drained device is revoked when its days are over, and a disk that is full
// at that moment ends nothing.
func TestRetire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const days = 24 * time.Hour
		disk := &fullDisk{
			device: directory.Device{ID: "d1", Login: "d1", State: directory.DeviceDraining, Changed: time.Now()},
			until:  time.Now().Add(15 * days),
		}
		authority, err := auth.New(t.Context(), auth.Key{}, disk, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		p := &program{auth: authority, journal: noted(t), drain: 14 * days, log: slog.New(slog.DiscardHandler)}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { p.retire(ctx); close(ended) }()
		for _, step := range []struct {
			wait time.Duration
			want directory.DeviceState
		}{{13 * days, directory.DeviceDraining}, {1*days + 2*retireEvery, directory.DeviceDraining}, {1 * days, directory.DeviceRevoked}} {
			<-time.After(step.wait)
			synctest.Wait()
			if d, err := authority.Device("d1"); err != nil || d.State != step.want {
				t.Errorf("after another %v: %s, %v; want %s", step.wait, d.State, err, step.want)
			}
		}
		cancel()
		<-ended
		authority.Close()
	})
}

// An oldBook is a store of activities that holds some.
type oldBook []directory.Activity

func (b oldBook) Activities(context.Context) ([]directory.Activity, error) { return b, nil }
func (oldBook) PutActivities(context.Context, []directory.Activity) error  { return nil }

// noted is a journal in which that stands.
func noted(t *testing.T, all ...directory.Activity) *journal.Journal {
	t.Helper()
	j, err := journal.New(t.Context(), oldBook(all), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// A phone that has come back and knows that all its books are empty needs its login
// no more; one that has read a book that it does not know to be empty does.
func TestRetireWhoIsEmpty(t *testing.T) {
	synced := time.Now()
	empty := directory.BookActivity{Synced: synced, Emptied: synced, Confirmed: synced}
	told := directory.BookActivity{Synced: synced, Emptied: synced}
	for name, c := range map[string]struct {
		books map[directory.BookName]directory.BookActivity
		want  directory.DeviceState
	}{
		"came back":         {map[directory.BookName]directory.BookActivity{"people": empty, "never-read": {}}, directory.DeviceRevoked},
		"was told":          {map[directory.BookName]directory.BookActivity{"people": told}, directory.DeviceDraining},
		"one of two":        {map[directory.BookName]directory.BookActivity{"people": empty, "vips": told}, directory.DeviceDraining},
		"never read a book": {nil, directory.DeviceDraining},
		"broke off":         {map[directory.BookName]directory.BookActivity{"people": empty, "vips": {Cards: 40}}, directory.DeviceDraining},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				disk := &fullDisk{device: directory.Device{ID: "d1", Login: "d1", State: directory.DeviceDraining, Changed: time.Now()}}
				authority, err := auth.New(t.Context(), auth.Key{}, disk, slog.New(slog.DiscardHandler))
				if err != nil {
					t.Fatal(err)
				}
				p := &program{auth: authority, journal: noted(t, directory.Activity{Device: "d1", Books: c.books}), drain: 14 * 24 * time.Hour, log: slog.New(slog.DiscardHandler)}
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan struct{})
				go func() { p.retire(ctx); close(ended) }()
				<-time.After(2 * retireEvery)
				synctest.Wait()
				if d, err := authority.Device("d1"); err != nil || d.State != c.want {
					t.Errorf("%s, %v; want %s", d.State, err, c.want)
				}
				cancel()
				<-ended
				authority.Close()
			})
		})
	}
}

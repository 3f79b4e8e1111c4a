package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/dgraph-io/badger/v4"

	"ringbook/directory"
)

// Devices returns all devices, revoked ones too, in the order of their creation.
func (s *Store) Devices(ctx context.Context) ([]directory.Device, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	return s.devices(ctx)
}

func (s *Store) devices(ctx context.Context) ([]directory.Device, error) {
	var all []directory.Device
	err := s.db.View(func(txn *badger.Txn) error {
		return each(ctx, txn, devices, func(_, v []byte) error {
			var d directory.Device
			if err := json.Unmarshal(v, &d); err != nil {
				return err
			}
			all = append(all, d)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read devices: %w", err)
	}
	slices.SortFunc(all, func(a, b directory.Device) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	return all, nil
}

// AddDevice stores a new device. A taken id or login is [directory.ErrExists].
func (s *Store) AddDevice(ctx context.Context, d directory.Device) error {
	done, err := s.write(ctx)
	if err != nil {
		return err
	}
	defer done()
	if d.ID == "" || d.Login == "" {
		return fmt.Errorf("add device %q: no id or no login: %w", d.Name, directory.ErrInvalid)
	}
	all, err := s.devices(ctx)
	if err != nil {
		return err
	}
	for _, o := range all {
		if o.ID == d.ID || o.Login == d.Login {
			return fmt.Errorf("add device %s with login %s: %w", d.ID, d.Login, directory.ErrExists)
		}
	}
	return s.putDevice(d)
}

// ChangeDevice reads, changes and stores a device in one transaction and
// returns what it stored. ID, Login and Created cannot be changed. An error of
// change is returned as it is, and nothing is stored.
func (s *Store) ChangeDevice(ctx context.Context, id directory.DeviceID, change func(*directory.Device) error) (directory.Device, error) {
	done, err := s.write(ctx)
	if err != nil {
		return directory.Device{}, err
	}
	defer done()
	old, err := s.device(id)
	if err != nil {
		return directory.Device{}, err
	}
	d := old.Clone()
	if err := change(&d); err != nil {
		return directory.Device{}, err
	}
	d.ID, d.Login, d.Created = old.ID, old.Login, old.Created
	if err := s.putDevice(d); err != nil {
		return directory.Device{}, err
	}
	return d.Clone(), nil
}

func (s *Store) device(id directory.DeviceID) (directory.Device, error) {
	var d directory.Device
	err := s.db.View(func(txn *badger.Txn) error {
		b, err := get(txn, devices+string(id))
		switch {
		case err != nil:
			return err
		case b == nil:
			return directory.ErrNotFound
		}
		return json.Unmarshal(b, &d)
	})
	if err != nil {
		return directory.Device{}, fmt.Errorf("read device %s: %w", id, err)
	}
	return d, nil
}

func (s *Store) putDevice(d directory.Device) error {
	b, err := json.Marshal(d) //nolint:gosec // Secret is a keyed hash, and this is where it is kept
	if err != nil {
		return fmt.Errorf("store device %s: %w", d.ID, err)
	}
	if err := s.commit(func(t *tx) { t.set(devices+string(d.ID), b) }); err != nil {
		return fmt.Errorf("store device %s: %w", d.ID, err)
	}
	return nil
}

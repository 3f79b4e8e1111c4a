package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
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
	if err := s.readLogins(ctx); err != nil {
		return err
	}
	_, taken := s.logins[d.Login]
	if !taken {
		_, err := s.device(d.ID)
		if taken = err == nil; !taken && !errors.Is(err, directory.ErrNotFound) {
			return err
		}
	}
	if taken {
		return fmt.Errorf("add device %s with login %s: %w", d.ID, d.Login, directory.ErrExists)
	}
	s.logins[d.Login] = struct{}{} // also if storing it fails, which may have happened all the same
	return s.putDevice(d)
}

// readLogins reads, once, which logins there are: no device is ever deleted, and
// a company adds them by the thousand.
func (s *Store) readLogins(ctx context.Context) error {
	if s.logins != nil {
		return nil
	}
	all, err := s.devices(ctx)
	if err != nil {
		return err
	}
	s.logins = make(map[directory.Login]struct{}, len(all))
	for _, d := range all {
		s.logins[d.Login] = struct{}{}
	}
	return nil
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

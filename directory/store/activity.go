package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/dgraph-io/badger/v4"

	"ringbook/directory"
)

// Activities returns what is known of what devices have done.
func (s *Store) Activities(ctx context.Context) ([]directory.Activity, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	var all []directory.Activity
	err = s.db.View(func(txn *badger.Txn) error {
		return each(ctx, txn, activities, func(_, v []byte) error {
			var a directory.Activity
			if err := json.Unmarshal(v, &a); err != nil {
				return err
			}
			all = append(all, a)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read activities: %w", err)
	}
	return all, nil
}

// PutActivities stores what is known of some devices.
func (s *Store) PutActivities(ctx context.Context, all []directory.Activity) error {
	done, err := s.write(ctx)
	if err != nil {
		return err
	}
	defer done()
	for len(all) > 0 {
		part := all[:min(len(all), slice)]
		all = all[len(part):]
		err := s.commit(func(t *tx) {
			for _, a := range part {
				b, err := json.Marshal(a)
				if err != nil {
					t.err = err
					return
				}
				t.set(activities+string(a.Device), b)
			}
		})
		if err != nil {
			return fmt.Errorf("store activities: %w", err)
		}
	}
	return nil
}

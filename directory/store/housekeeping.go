package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/dgraph-io/badger/v4"

	"ringbook/directory"
)

const (
	// houseEvery is how often photos without a contact are looked for.
	houseEvery = 15 * time.Minute
	// houseSlice is how many photos are deleted in one transaction, so that a
	// batch that waits for its turn waits for milliseconds.
	houseSlice = 500
	// waste is the share of a value log file that makes rewriting it worth while.
	waste = 0.5
)

// ForgetEvery is how often the tables are rewritten without what was deleted or
// replaced: often enough that who left is gone from the disk within a day.
// For 100,000 people that is some 70 MB of writing.
const ForgetEvery = 12 * time.Hour

// keepHouse deletes what nobody needs any more, until ctx ends.
func (s *Store) keepHouse(ctx context.Context) {
	debug.FreeOSMemory() // what the start needed, half as much again as the directory
	tick := time.NewTicker(houseEvery)
	defer tick.Stop()
	var forgot time.Time // long ago: who restarts often forgets often
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := time.Now()
		err := s.tidy(ctx, now)
		if err == nil && now.Sub(forgot) >= ForgetEvery {
			err = s.forget(ctx)
			forgot = now
		}
		if err != nil && ctx.Err() == nil {
			s.o.Log.LogAttrs(ctx, slog.LevelError, "housekeeping failed; it is tried again", slog.String("error", err.Error()))
		}
	}
}

// tidy deletes the photos that nobody has had for [PhotoGrace] at now, and
// gives the space of deleted ones back.
func (s *Store) tidy(ctx context.Context, now time.Time) error {
	for {
		n, err := s.empty(ctx, now)
		if err != nil {
			return fmt.Errorf("delete photos: %w", err)
		}
		if n < houseSlice {
			break
		}
	}
	for ctx.Err() == nil {
		switch err := s.db.RunValueLogGC(waste); {
		case err == nil:
		case errors.Is(err, badger.ErrNoRewrite), errors.Is(err, badger.ErrGCInMemoryMode):
			return nil
		default:
			return fmt.Errorf("shrink the value log: %w", err)
		}
	}
	return nil
}

// empty deletes up to houseSlice photos from the trash and says how many.
func (s *Store) empty(ctx context.Context, now time.Time) (n int, err error) {
	done, err := s.write(ctx)
	if err != nil {
		return 0, err
	}
	defer done()
	var old []string
	err = s.db.View(func(txn *badger.Txn) error {
		return each(ctx, txn, trash, func(k, v []byte) error {
			since, err := decodeNumber[int64](v)
			// Abs: a date to come is of a clock that was wrong.
			if err == nil && len(old) < houseSlice && now.Sub(time.Unix(since, 0)).Abs() > PhotoGrace {
				old = append(old, string(k))
			}
			return err
		})
	})
	if err != nil || len(old) == 0 {
		return 0, err
	}
	return len(old), s.commit(func(t *tx) {
		for _, id := range old {
			t.remove(sealKey(directory.PhotoID(id)))
			t.remove(largeKey(directory.PhotoID(id)))
			t.remove(smallKey(directory.PhotoID(id)))
			t.remove(trash + id)
		}
	})
}

// forget rewrites the tables. Badger flushes what it has in memory, with its
// write-ahead log, only when a prefix is dropped, and only one that exists.
// Reads of photos wait meanwhile, a second or two for 100,000 people.
func (s *Store) forget(ctx context.Context) error {
	done, err := s.write(ctx) // Badger refuses writes meanwhile
	if err != nil {
		return err
	}
	defer done()
	if s.o.InMemory {
		return nil
	}
	err = s.commit(func(t *tx) { t.set(dropped, nil) })
	if err == nil {
		err = s.db.DropPrefix([]byte(dropped))
	}
	if err == nil {
		err = s.db.Flatten(1)
	}
	if err != nil {
		return fmt.Errorf("rewrite the tables: %w", err)
	}
	return nil
}

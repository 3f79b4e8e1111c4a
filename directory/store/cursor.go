package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/dgraph-io/badger/v4"

	"ringbook/directory"
)

// Cursor returns where a feed goes on; the zero Cursor = from the beginning.
func (s *Store) Cursor(ctx context.Context, f directory.Feed) (directory.Cursor, error) {
	var c directory.Cursor
	leave, err := s.enter(ctx)
	if err != nil {
		return c, err
	}
	defer leave()
	err = s.db.View(func(txn *badger.Txn) error {
		b, err := get(txn, cursors+string(f))
		if err != nil || b == nil {
			return err
		}
		return json.Unmarshal(b, &c)
	})
	if err != nil {
		return directory.Cursor{}, fmt.Errorf("read cursor of %s: %w", f, err)
	}
	return c, nil
}

// Feeds returns the feeds that have a cursor and whose names begin with a prefix.
func (s *Store) Feeds(ctx context.Context, prefix directory.Feed) ([]directory.Feed, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	var feeds []directory.Feed
	err = s.db.View(func(txn *badger.Txn) error {
		return each(ctx, txn, cursors+string(prefix), func(k, _ []byte) error {
			feeds = append(feeds, prefix+directory.Feed(k))
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read feeds: %w", err)
	}
	return feeds, nil
}

// putCursor stores a cursor; the zero Cursor is none.
func putCursor(t *tx, f directory.Feed, c directory.Cursor) {
	if c == (directory.Cursor{}) {
		t.remove(cursors + string(f))
		return
	}
	b, err := json.Marshal(c)
	if err != nil {
		t.err = err
		return
	}
	t.set(cursors+string(f), b)
}

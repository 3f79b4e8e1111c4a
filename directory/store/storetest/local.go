package storetest

import (
	"errors"
	"testing"

	"ringbook/directory"
)

// testLocal applies what people enter and import: it has no cursor, so it does
// not load the mirror, and the guard looks at each batch on its own.
func testLocal(t *testing.T, open Open) {
	b := newBench(t, open, guarded)
	local := people(100)
	for _, c := range local {
		c.Source, c.Set = directory.SourceLocal, "suppliers"
	}
	batch := directory.Batch{Feed: "local", Source: directory.SourceLocal, Changes: Puts(local...)}
	b.count(b.apply(batch), 100, 0, 0, 0)
	if b.View().Loaded() {
		t.Error("local contacts marked the mirror as loaded")
	}
	b.reopen(guarded)
	if b.View().Loaded() {
		t.Error("local contacts marked the mirror as loaded on disk")
	}
	if c := b.stored(id(7)); c.Set != "suppliers" || c.Source != directory.SourceLocal {
		t.Errorf("stored with source %q, set %q", c.Source, c.Set)
	}
	batch.Changes = removals(ids(0, 30)...)
	if _, err := b.Apply(t.Context(), batch); !errors.Is(err, directory.ErrShrink) {
		t.Errorf("30 of 100 at once: %v", err)
	}
	for from := 0; from < 40; from += 5 {
		batch.Changes, batch.Next = removals(ids(from, from+5)...), &directory.Cursor{} // an import of its own
		b.count(b.apply(batch), 0, 0, 5, 0)
	}

	// The parts of one import are one round: a broken column takes nobody's share each time.
	batch.Next = nil
	stopped := false
	for from := 40; from < 90 && !stopped; from += 5 {
		batch.Changes = removals(ids(from, from+5)...)
		_, err := b.Apply(t.Context(), batch)
		if stopped = errors.Is(err, directory.ErrShrink); stopped && from < 45 {
			t.Errorf("stopped at %d", from)
		}
	}
	if !stopped {
		t.Error("an import in parts took everything away")
	}
}

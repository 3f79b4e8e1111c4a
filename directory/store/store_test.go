package store_test

import (
	"testing"

	"ringbook/directory/store"
	"ringbook/directory/store/storetest"
)

func TestSuite(t *testing.T) {
	storetest.Run(t, open)
}

func open(tb testing.TB, place string, o store.Options) storetest.Engine {
	tb.Helper()
	return openStore(tb, place, o)
}

func openStore(tb testing.TB, place string, o store.Options) *store.Store {
	tb.Helper()
	s, err := store.Open(tb.Context(), place, o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close() })
	return s
}

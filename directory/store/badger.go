package store

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
)

// Sizes of the database. All contacts are in the index's memory anyway, so
// Badger gets as little of it as it works well with.
const (
	// memTable is kept in memory up to memTables times. 15 % of one is the
	// largest transaction: some 2,000 contacts.
	memTable  = 16 << 20
	memTables = 2
	// inLine is the largest value beside its key. Contacts are smaller. Photos
	// are larger: in the tables they cost four times the writing and three
	// times the reading.
	inLine = 2 << 10
	// valueLog is the largest file of photos: the unit in which the space of
	// removed photos is given back. 100,000 photos are some 250 files.
	valueLog = 16 << 20
)

func openBadger(dir string, o Options) (*badger.DB, error) {
	bo := badger.DefaultOptions(dir).
		WithSyncWrites(true).
		WithDetectConflicts(false). // one writer
		WithMemTableSize(memTable).
		WithNumMemtables(memTables).
		WithValueThreshold(inLine).
		WithValueLogFileSize(valueLog).
		WithCompression(options.None). // files are mapped, so that no cache is needed
		WithBlockCacheSize(0).
		WithNumCompactors(2).
		WithCompactL0OnClose(true). // and so learn which photos are garbage
		WithMetricsEnabled(false).
		WithLogger(logger{o.Log})
	if o.InMemory {
		bo = bo.WithInMemory(true).WithDir("").WithValueDir("").
			WithValueThreshold(1 << 20) // there is no value log in memory
	}
	db, err := badger.Open(bo)
	switch {
	case err == nil:
	case strings.Contains(err.Error(), "directory lock"): // badger has no kind for it
		return nil, fmt.Errorf("open store: another ringbook uses the folder %s; stop it first, or choose another data_dir", dir)
	default:
		return nil, fmt.Errorf("open store in %s: check that this user may write there; %s: %w", dir, howToMend, err)
	}
	// Badger's own checks leave spoilt tables out without an error, and with
	// them the people and the devices that are in them.
	if err := db.VerifyChecksum(); err != nil {
		_ = db.Close() // the reason why is err
		return nil, fmt.Errorf("open store in %s: %s: %w", dir, howToMend, err)
	}
	return db, nil
}

// howToMend says what can be done about a store that the disk has spoilt.
const howToMend = "if its files are damaged, restore a backup, or move the folder away and start anew: " +
	"people come back from the tenant, devices must be added again"

// A logger hands Badger's messages on. What it calls information is for those
// who look for a fault.
type logger struct{ log *slog.Logger }

func (l logger) Errorf(f string, a ...any)   { l.print(slog.LevelError, f, a) }
func (l logger) Warningf(f string, a ...any) { l.print(slog.LevelWarn, f, a) }
func (l logger) Infof(f string, a ...any)    { l.print(slog.LevelDebug, f, a) }
func (l logger) Debugf(f string, a ...any)   { l.print(slog.LevelDebug, f, a) }

func (l logger) print(level slog.Level, format string, args []any) {
	ctx := context.Background() // Badger gives none
	if l.log.Enabled(ctx, level) {
		l.log.LogAttrs(ctx, level, "badger", slog.String("text", strings.TrimSpace(fmt.Sprintf(format, args...))))
	}
}

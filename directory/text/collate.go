package text

import (
	"sync"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
)

// A sorter makes keys. A collator has buffers of its own, so that one serves
// one goroutine at a time.
type sorter struct {
	collator *collate.Collator
	buffer   collate.Buffer
}

// sorters keeps sorters for reuse: a new one costs five times what a key does,
// and a start makes a key for each contact.
var sorters = sync.Pool{New: func() any { return &sorter{collator: collate.New(language.Und)} }}

// SortKey returns a string whose byte order is the order of names in a
// phonebook: Unicode's root collation, in which case and accents only break ties,
// and Latin comes before Greek and Cyrillic, and those before the scripts of the
// East. It is the order of no one country (Swedes look for å behind z): a company of
// several has one list. Numbers are letters like others, "Room 10" before "Room 2":
// the collator's own way to compare their values puts 0 behind 9 in x/text 0.43.
// Keys of different versions of this package cannot be compared: never store one.
func SortKey(s string) string {
	x := sorters.Get().(*sorter) //nolint:errcheck // New makes nothing else
	defer sorters.Put(x)
	x.buffer.Reset()
	return string(x.collator.KeyFromString(&x.buffer, s))
}

package text

import (
	"encoding/binary"
	"encoding/hex"
	"hash/fnv"
	"sync"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
)

// A Collation is an order of names. nil is Unicode's root collation, the order
// of no one country, in which case and accents only break ties, and Latin comes before
// Greek and Cyrillic, and those before the scripts of the East. It may be used by
// any number of goroutines.
//
// Numbers are letters like others, "Room 10" before "Room 2": the collator's own way to
// compare their values puts 0 behind 9 in x/text 0.43.
type Collation struct {
	name    string
	digest  string
	own     block // the script that comes first
	sorters sync.Pool
}

// A sorter makes keys. A collator has buffers of its own, so that one serves
// one goroutine at a time.
type sorter struct {
	collator *collate.Collator
	buffer   collate.Buffer
}

func (x *sorter) key(s string) []byte {
	x.buffer.Reset()
	return x.collator.KeyFromString(&x.buffer, s)
}

var root = newCollation(rootName, "")

// newCollation makes the collation of one of the collator's tables, in which a script
// comes first; "" = Latin does.
func newCollation(table, script string) *Collation {
	tag := language.Raw.Make(table)
	c := &Collation{name: table, digest: digest(table, "")}
	// Sorters are kept for reuse: a new one costs five times what a key does, and a
	// start makes a key for each contact.
	c.sorters.New = func() any { return &sorter{collator: collate.New(tag)} }
	if b, ok := scripts[script]; ok {
		c.digest = digest(table, script)
		x := &sorter{collator: collate.New(language.Und)}
		c.own = block{latin: primary(x.key("a")), first: primary(x.key(b.first)), behind: primary(x.key(b.behind))}
	}
	return c
}

func (c *Collation) orRoot() *Collation {
	if c == nil {
		return root
	}
	return c
}

// String returns the language tag of the order: "sv", "de-u-co-phonebk", "root".
func (c *Collation) String() string { return c.orRoot().name }

// DigestLen is how many bytes [Collation.Digest] returns.
const DigestLen = 8

// Digest returns a text that is another one for another order: keys may be
// compared that come from collations with the same one.
func (c *Collation) Digest() string { return c.orRoot().digest }

// keyVersion is another number whenever keys are made in another way.
const keyVersion = "1"

func digest(table, script string) string {
	h := fnv.New32a()
	for _, s := range []string{keyVersion, collate.CLDRVersion, collate.UnicodeVersion, table, script} {
		_, _ = h.Write([]byte(s + "\n")) // a hash does not fail
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Key returns a string whose byte order is the order of names. Keys of different
// versions of this package cannot be compared; see [Collation.Digest].
func (c *Collation) Key(s string) string {
	c = c.orRoot()
	x := c.sorters.Get().(*sorter) //nolint:errcheck // New makes nothing else
	defer c.sorters.Put(x)
	key := x.key(s)
	c.own.putFirst(key)
	return string(key)
}

// A block is where a script stands among the primary weights, and where Latin begins.
type block struct{ latin, first, behind uint16 }

// scripts are those that CLDR puts before Latin in the languages that are written in
// them ([reorder Grek] and so on): the first letter of each, and of the one behind it.
// The collator itself reorders nothing. Nothing changes the table.
var scripts = map[string]struct{ first, behind string }{
	"Grek": {"α", "ⲁ"}, "Cyrl": {"а", "ⰰ"}, "Geor": {"ა", "ա"}, "Armn": {"ա", "א"}, "Hebr": {"א", "𐤀"}, "Arab": {"ء", "ܐ"}, "Thai": {"ก", "ກ"}, "Kore": {"ᄀ", "ぁ"},
}

// putFirst moves the script before Latin in a key. A key begins with primary
// weights of two bytes, or of three with the highest bit set, and two zero bytes end them.
func (b block) putFirst(key []byte) {
	if b.latin == b.first {
		return
	}
	for len(key) >= 2 && (key[0] != 0 || key[1] != 0) {
		if key[0]&0x80 != 0 {
			key = key[3:]
			continue
		}
		switch p := primary(key); {
		case b.latin <= p && p < b.first:
			binary.BigEndian.PutUint16(key, p+b.behind-b.first)
		case b.first <= p && p < b.behind:
			binary.BigEndian.PutUint16(key, p-(b.first-b.latin))
		}
		key = key[2:]
	}
}

// primary returns the first weight of a key, which must be one of two bytes.
func primary(key []byte) uint16 { return binary.BigEndian.Uint16(key) }

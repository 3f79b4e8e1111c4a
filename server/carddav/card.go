package carddav

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"ringbook/directory"
	"ringbook/directory/index"
	"ringbook/directory/number"
	"ringbook/directory/vcard"
)

// A styleKey is everything that makes cards of the same contact differ.
type styleKey struct {
	names   directory.NameStyle
	numbers directory.NumberProfile
	plan    string // what tells the number plan from others; "" = numbers do not depend on it
	photos  directory.PhotoSize
}

// A style is how cards are written for one device.
type style struct {
	styleKey
	write  func(directory.Phone) string // nil = canonical
	before []string                     // of that, what stands before digits of E.164
	tags   *tagTable
}

// cards draws cards and remembers what their bytes hash to.
type cards struct {
	directory Directory
	mu        sync.Mutex
	tables    map[styleKey]*tagTable
}

func newCards(d Directory) *cards { return &cards{directory: d, tables: make(map[styleKey]*tagTable)} }

// style returns the style of a device that dials by a plan.
func (c *cards) style(d directory.Device, p *number.Plan) style {
	s := style{styleKey: styleKey{names: d.Names, numbers: d.Numbers, photos: d.Photos}}
	if !slices.Contains(directory.NameStyles(), s.names) {
		s.names = directory.NamesWritten
	}
	if !slices.Contains(directory.NumberProfiles(), s.numbers) {
		s.numbers = directory.NumbersE164
	}
	if !slices.Contains(directory.PhotoSizes(), s.photos) {
		s.photos = directory.PhotoLarge
	}
	if s.numbers != directory.NumbersE164 {
		s.plan = p.Digest()
		if p.Prefixed(d) {
			s.plan += "+"
		}
		s.write = p.Profile(d).Write
		s.before = p.Before(d)
	}
	s.tags = c.table(s.styleKey)
	return s
}

// table returns the tags of a style. There are as many styles as sites and
// profiles are in use.
func (c *cards) table(k styleKey) *tagTable {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.tables[k]
	if t == nil {
		t = new(tagTable)
		c.tables[k] = t
	}
	return t
}

// draw appends the card of e. If e's photo is no more, e is not the newest
// value either: then the newest one is drawn, and returned as drawn. If there is
// none, or books show it differently, drawn is nil and the card has no photo.
func (c *cards) draw(ctx context.Context, dst []byte, s style, e *index.Entry) (b []byte, drawn *index.Entry, err error) {
	jpeg, err := c.photo(ctx, s, e)
	if errors.Is(err, directory.ErrNotFound) {
		newest := c.directory.View().Entry(e.Contact().ID)
		if newest != nil && newest != e && newest.Whole() && e.Whole() {
			jpeg, err = c.photo(ctx, s, newest)
		}
		if err == nil {
			e = newest
		}
	}
	drawn = e
	switch {
	case errors.Is(err, directory.ErrNotFound):
		drawn = nil
	case err != nil:
		return dst, nil, err
	}
	return vcard.Append(dst, e.Contact(), vcard.Style{Names: s.names, Number: s.write, JPEG: jpeg}), drawn, nil
}

func (c *cards) photo(ctx context.Context, s style, e *index.Entry) ([]byte, error) {
	id := e.Contact().Photo
	if id == "" || s.photos == directory.PhotoNone {
		return nil, nil
	}
	return c.directory.Photo(ctx, id, s.photos)
}

// A tag is what is known of one card's bytes.
type tag struct {
	entry *index.Entry // whose card it is: the same entry is the same value
	sum   [16]byte     // of SHA-256
	size  int
}

// appendETag appends the entity tag (RFC 9110 §8.8.3) of a card. That of a card
// which the device was refused to write is another from then on: its owner sees
// something else under the old one.
func (x *exchange) appendETag(dst []byte, t *tag, r *resource) []byte {
	dst = append(dst, '"')
	dst = hex.AppendEncode(dst, t.sum[:])
	if x.heals.Count > 0 {
		if n := x.heals.Of(r.book.Name(), string(r.entry.Contact().ID)+cardSuffix); n > 0 {
			dst = append(dst, '-')
			dst = strconv.AppendUint(dst, n, 10)
		}
	}
	return append(dst, '"')
}

func newTag(e *index.Entry, b []byte) *tag {
	sum := sha256.Sum256(b)
	return &tag{entry: e, sum: [16]byte(sum[:]), size: len(b)}
}

// chunk is how many slots a tagTable grows by.
const chunk = 1024

// A tagTable keeps one tag per slot. Reading takes no lock. It may hold on to a
// contact that is gone until the slot is used again: 1 KB at most.
type tagTable struct {
	chunks atomic.Pointer[[]*[chunk]atomic.Pointer[tag]]
	mu     sync.Mutex // of growing
}

// get returns e's tag; nil = not known.
func (t *tagTable) get(e *index.Entry) *tag {
	slot := e.Slot()
	cs := t.chunks.Load()
	if cs == nil || slot/chunk >= len(*cs) {
		return nil
	}
	if tg := (*cs)[slot/chunk][slot%chunk].Load(); tg != nil && tg.entry == e {
		return tg
	}
	return nil
}

func (t *tagTable) put(tg *tag) {
	slot := tg.entry.Slot()
	cs := t.chunks.Load()
	if cs == nil || slot/chunk >= len(*cs) {
		cs = t.grow(slot/chunk + 1)
	}
	(*cs)[slot/chunk][slot%chunk].Store(tg)
}

func (t *tagTable) grow(n int) *[]*[chunk]atomic.Pointer[tag] {
	t.mu.Lock()
	defer t.mu.Unlock()
	var have []*[chunk]atomic.Pointer[tag]
	if cs := t.chunks.Load(); cs != nil {
		have = slices.Clone(*cs)
	}
	for len(have) < n {
		have = append(have, new([chunk]atomic.Pointer[tag]))
	}
	t.chunks.Store(&have)
	return &have
}

// A card is the one that an answer is writing: drawn at most once, and its ETag
// always that of the bytes that stand beside it.
type card struct {
	entry *index.Entry // asked for
	body  []byte       // drawn; nil = not yet
	tag   *tag         // nil = not known yet
	room  *[]byte
}

// take makes e the card being written.
func (x *exchange) take(e *index.Entry) {
	x.card.entry, x.card.body, x.card.tag = e, nil, nil
}

// cardBody returns the bytes of the card being written, until the next take.
func (x *exchange) cardBody() ([]byte, error) {
	c := &x.card
	if c.body != nil {
		return c.body, nil
	}
	if c.room == nil {
		c.room = x.h.pools.cards.get()
	}
	b, drawn, err := x.h.cards.draw(x.r.Context(), (*c.room)[:0], x.style, c.entry)
	if err != nil {
		return nil, err
	}
	*c.room = b
	c.body = b
	if drawn == nil {
		c.tag = newTag(nil, b) // nobody's: not to be remembered
		return b, nil
	}
	if c.tag = x.style.tags.get(drawn); c.tag == nil {
		c.tag = newTag(drawn, b)
		x.style.tags.put(c.tag)
	}
	return b, nil
}

// cardTag returns what is known of the card being written.
func (x *exchange) cardTag() (*tag, error) {
	if x.card.tag == nil {
		x.card.tag = x.style.tags.get(x.card.entry)
	}
	if x.card.tag == nil {
		if _, err := x.cardBody(); err != nil {
			return nil, err
		}
	}
	return x.card.tag, nil
}

// maxKeptCard is the largest buffer that is kept for the next card.
const maxKeptCard = 256 << 10

func (c *card) free(p *pools) {
	if c.room != nil && cap(*c.room) <= maxKeptCard {
		p.cards.put(c.room)
	}
	*c = card{}
}

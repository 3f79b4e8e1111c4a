package carddav

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"ringbook/directory"
	"ringbook/directory/index"
)

// tokenPrefix makes a token a URI: Evolution drops those without ":" or "/".
const tokenPrefix = "https://ringbook.invalid/sync/" //nolint:gosec // no secret: a sync token is only opaque

// Lengths of a token's parts, in hexadecimal digits.
const (
	epochDigits = 16
	scopeDigits = 12
)

// healMark stands between a token's scope and the number of a refused write.
const healMark = "~"

// A token is a sync token taken apart: how far a client has followed a book,
// and as what it saw it.
type token struct {
	epoch    directory.Epoch
	position index.Position
	scope    string
	heal     uint64 // the last refused write that it was told the truth about; 0 = none
}

// String writes the token as clients keep it. getctag is the same string:
// Evolution and DAVx5 mix the two.
func (t token) String() string {
	b := make([]byte, 0, 160)
	b = append(b, tokenPrefix...)
	b = append(b, t.epoch...)
	b = append(b, '/')
	b = strconv.AppendUint(b, uint64(t.position.Revision), 10)
	if t.position.After != "" {
		b = append(b, '.')
		b = append(b, t.position.After...)
	}
	b = append(b, '/')
	b = append(b, t.scope...)
	if t.heal > 0 {
		b = append(b, healMark...)
		b = strconv.AppendUint(b, t.heal, 10)
	}
	return string(b)
}

// parseToken reads a token of our form. ok = false: somebody else made it up.
func parseToken(s string) (t token, ok bool) {
	rest, ok := strings.CutPrefix(s, tokenPrefix)
	if !ok {
		return token{}, false
	}
	epoch, rest, _ := strings.Cut(rest, "/")
	position, scope, _ := strings.Cut(rest, "/")
	scope, heal, healed := strings.Cut(scope, healMark)
	revision, after, _ := strings.Cut(position, ".")
	n, err := strconv.ParseUint(revision, 10, 64)
	if err != nil || !isHex(epoch, epochDigits) || !isHex(scope, scopeDigits) {
		return token{}, false
	}
	t = token{
		epoch:    directory.Epoch(epoch),
		position: index.Position{Revision: directory.Revision(n)},
		scope:    scope,
	}
	if healed {
		if t.heal, err = strconv.ParseUint(heal, 10, 64); err != nil {
			return token{}, false
		}
	}
	if after != "" {
		if t.position.After, err = directory.ParseContactID(after); err != nil {
			return token{}, false
		}
	}
	return t, t.String() == s
}

func isHex(s string, digits int) bool {
	return len(s) == digits && strings.Trim(s, "0123456789abcdef") == ""
}

// tokenOf returns the token of a client that has seen all of b.
func (x *exchange) tokenOf(b *index.Book) token {
	return token{
		epoch:    x.view.Epoch(),
		position: index.Position{Revision: x.revision(b)},
		scope:    x.scope(b),
		heal:     x.heals.Last(b.Name()),
	}
}

// revision returns the newest revision at which b changed for the device. Behind
// other books [index.Book.Revision] counts what happens in those alone, too. A
// token that moves with nothing to tell is repeated by iOS as a fault.
func (x *exchange) revision(b *index.Book) directory.Revision {
	if b.Name() == x.tree.books[0].Name() {
		return b.Revision()
	}
	alone := b.OwnRevision()
	changes, err := b.Since(index.Position{Revision: alone})
	if err != nil {
		return b.Revision()
	}
	newest := alone
	for c := range changes { // oldest first
		newest = c.Position.Revision
	}
	return newest
}

// scope digests what decides beside the revision what the device sees of b. The
// books before b count, since a contact stands in the first book that has it.
func (x *exchange) scope(b *index.Book) string {
	h := make([]byte, 0, 128)
	for _, before := range x.tree.books {
		h = append(h, before.Name()...)
		h = append(h, '/')
		if before.Name() == b.Name() {
			break
		}
	}
	h = append(h, x.style.numbers...)
	h = append(h, '/')
	if x.style.plan != "" {
		h = append(h, x.style.plan...)
		h = append(h, '/')
	}
	h = append(h, x.style.photos...)
	h = append(h, '/')
	if x.style.names == directory.NamesPlain { // of the others tokens were given before there were styles
		h = append(h, x.style.names...)
		h = append(h, '/')
	}
	if b.Drained() {
		h = append(h, directory.DeviceDraining...)
	}
	sum := sha256.Sum256(h)
	return hex.EncodeToString(sum[:scopeDigits/2])
}

package index

import (
	"cmp"
	"encoding/binary"
	"hash/maphash"
	"iter"
	"math"
	"math/bits"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"ringbook/directory/number"
)

// A kind says what a posting's text is.
type kind byte

// The kinds. 0 is none of them: it fills up the texts that are short.
const (
	// Names, from the beginning of a word on. A word that stands in several attributes
	// has one posting, whose kind says in which.
	kindName    kind = iota + 1 // the whole name
	kindGiven                   // the given name too
	kindSurname                 // the surname too
	kindFamily                  // all three
	kindWhole                   // the hash of a whole name of one attribute
	kindText                    // a value of any keyed attribute of texts
	kindMail                    // an address
	kindAddress                 // the hash of a whole address
	kindPrivate                 // the same of a contact of a mailbox, which is joined to nobody
	kindEnding                  // one of the keys of a number, see number.AppendKeys
	kindNumber                  // a spelling of a number, see number.AppendSpellings
	kindSame                    // the hash of the id of a contact that it says it is
)

// namesOf returns the kinds of postings that tell of words of an attribute of names.
func namesOf(a Attribute) []kind {
	switch a {
	case attributeSN:
		return nameKinds[2:]
	case attributeGivenName:
		return []kind{kindGiven, kindFamily}
	default: // a whole name, or any
		return nameKinds[:]
	}
}

// nameKinds is never changed.
var nameKinds = [...]kind{kindName, kindGiven, kindSurname, kindFamily}

// endOfEnding stands behind the key of a number: "7" is not looked for as the
// beginning of "70000".
const endOfEnding = "."

// A posting says that the contact at slot has a text of some kind. Of long texts
// it knows the first 11 bytes, so that it is small, has no pointers and is
// compared as two numbers. Whoever follows it has a look at the contact.
type posting struct {
	hi   uint64 // the kind, then 7 bytes
	lo   uint32 // 4 bytes
	slot uint32
}

func newPosting(k kind, text string, slot int) posting {
	var b [textSize]byte
	b[0] = byte(k)
	copy(b[1:], text)
	return posting{binary.BigEndian.Uint64(b[:]), binary.BigEndian.Uint32(b[8:]), uint32(slot)}
}

// textSize is the size of a posting's kind and text, in bytes.
const textSize = 12

// byteAt returns one of these, counted from the last.
func (p posting) byteAt(n int) byte {
	if n < 4 {
		return byte(p.lo >> (8 * n))
	}
	return byte(p.hi >> (8 * (n - 4)))
}

// wholeName is the posting of a name that is looked for as a whole.
func (x *Index) wholeName(a Attribute, name string, slot int) posting {
	return x.hashed(kindWhole, name+string(rune(a)), slot)
}

// hashed is the posting of a text that is looked for as a whole only.
func (x *Index) hashed(k kind, text string, slot int) posting {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], maphash.String(x.seed, text))
	return newPosting(k, string(b[:]), slot)
}

func (p posting) compare(q posting) int {
	if p.hi != q.hi {
		return cmp.Compare(p.hi, q.hi)
	}
	if p.lo != q.lo {
		return cmp.Compare(p.lo, q.lo)
	}
	return cmp.Compare(p.slot, q.slot)
}

// last returns the last posting whose text begins with that of p.
func (p posting) last() posting {
	if p.lo == 0 {
		p.hi |= 1<<(bits.TrailingZeros64(p.hi)&^7) - 1
		p.lo = math.MaxUint32
	} else {
		p.lo |= 1<<(bits.TrailingZeros32(p.lo)&^7) - 1
	}
	p.slot = math.MaxUint32
	return p
}

// appendPostings appends the postings of a contact in every guise in which a book shows
// it, sorted. One whose text is the beginning of another's is left out, since all are
// looked for by their beginnings.
func (x *Index) appendPostings(dst []posting, e *Entry) []posting {
	var room [64]posting // most contacts have fewer
	all := room[:0]
	for f := range e.guises() {
		all = x.appendGuise(all, f)
	}
	slices.SortFunc(all, posting.compare)
	for i, p := range all {
		if i+1 == len(all) || p.last().compare(all[i+1]) < 0 {
			dst = append(dst, p)
		}
	}
	return dst
}

// appendGuise appends the postings of one of those.
func (x *Index) appendGuise(all []posting, e *Entry) []posting {
	for i, k := range e.keys {
		text := e.text(i)
		switch table[k.attribute].syntax {
		case syntaxName:
			all = append(all, x.wholeName(k.attribute, text, e.slot))
			all = e.appendNamePostings(all, k.attribute, text)
		case syntaxText:
			all = append(all, newPosting(kindText, text, e.slot))
			if table[k.attribute].worded {
				all = appendWordPostings(all, text, e.slot)
			}
		case syntaxPlain: // only addresses are keyed
			whole := kindAddress
			if e.Private() {
				whole = kindPrivate
			}
			all = append(all, newPosting(kindMail, text, e.slot), x.hashed(whole, text, e.slot))
		case syntaxFlag, syntaxNumber, syntaxConstant, syntaxSearch, syntaxTime:
		}
	}
	var texts [3]string
	for _, ph := range e.contact.Phones {
		for _, s := range number.AppendKeys(texts[:0], ph) {
			all = append(all, newPosting(kindEnding, s+endOfEnding, e.slot))
		}
		for _, s := range number.AppendSpellings(texts[:0], ph) {
			all = append(all, newPosting(kindNumber, s, e.slot))
		}
	}
	if e.stored.Same != "" {
		all = append(all, x.hashed(kindSame, string(e.stored.Same), e.slot))
	}
	return all
}

// appendNamePostings appends a posting for each place of a name at which a word
// begins. What the whole name has too, as it mostly has given names and surnames, is
// told by the kind of its posting.
func (e *Entry) appendNamePostings(dst []posting, a Attribute, name string) []posting {
	for rest := range words(name) {
		switch {
		case a == attributeCN:
			dst = append(dst, newPosting(e.kindOf(rest), rest, e.slot))
		case e.isNamed(rest):
		case a == attributeSN:
			dst = append(dst, newPosting(kindSurname, rest, e.slot))
		default:
			dst = append(dst, newPosting(kindGiven, rest, e.slot))
		}
	}
	return dst
}

// kindOf returns the kind of the posting of a place in the whole name.
func (e *Entry) kindOf(rest string) kind {
	given, surname := kind(0), kind(0)
	for i, k := range e.keys {
		if k.attribute != attributeGivenName && k.attribute != attributeSN {
			continue
		}
		for name := range words(e.text(i)) {
			if !strings.HasPrefix(rest, name) {
				continue
			}
			if k.attribute == attributeSN {
				surname = kindSurname - kindName
			} else {
				given = kindGiven - kindName
			}
		}
	}
	return kindName + given + surname
}

// isNamed reports whether the whole name, too, has a place that begins so.
func (e *Entry) isNamed(name string) bool {
	for i, k := range e.keys {
		if k.attribute != attributeCN {
			continue
		}
		for rest := range words(e.text(i)) {
			if strings.HasPrefix(rest, name) {
				return true
			}
		}
	}
	return false
}

// words yields what is left of a folded name from the beginning of each word on.
func words(s string) iter.Seq[string] {
	return func(yield func(string) bool) {
		inner := false
		for i, r := range s {
			is := inWord(r)
			if is && !inner && !yield(s[i:]) {
				return
			}
			inner = is
		}
	}
}

// appendWordPostings appends a posting for each further word of a text.
func appendWordPostings(dst []posting, s string, slot int) []posting {
	inner := true
	for i, r := range s {
		is := inWord(r)
		if i > 0 && is && !inner {
			dst = append(dst, newPosting(kindText, s[i:], slot))
		}
		inner = is
	}
	return dst
}

// inWord reports whether r is part of a word: names are not looked for at places
// behind it, unless by a piece in the middle.
func inWord(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || 'A' <= r && r <= 'Z'
	}
	return unicode.IsLetter(r) || unicode.IsDigit(r)
}

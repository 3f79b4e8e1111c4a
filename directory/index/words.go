package index

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"ringbook/directory/filter"
	"ringbook/directory/text"
)

// A mode says who a filter comes from. A rule means what it says; somebody who
// looks for a person may name the department as well, and on a telephone types
// digits for letters.
type mode struct {
	person bool                 // words of a company and a department count beside those of a name
	keypad bool                 // digits stand for the letters of their keys
	read   *[]valueRead         // few: a look at each is enough
	sees   func(Attribute) bool // see [Book.Seen]; nil = all
}

// asked returns the mode of a search's filter. Digits mean letters only in a
// filter that looks for no number: where one value is looked for among names and
// numbers, as address books do, who typed it wants the numbers. read is where the mode
// remembers what it read.
func asked(f *filter.Filter, read *[]valueRead) mode {
	for leaf := range leaves(f) {
		if a, ok := ParseAttribute(leaf.Attribute); ok && a.Numbers() && leaf.Op != filter.Present {
			return mode{person: true, read: read}
		}
	}
	return mode{person: true, keypad: true, read: read}
}

// rules returns the mode of a rule.
func rules() mode { return mode{read: new([]valueRead)} }

// A valueRead is a value and what it may mean: as words, or as a whole name.
type valueRead struct {
	value    string
	readings []reading // nil = it is read as names
	names    []string  // nil = it is read as words
	several  test      // for all of several words; nil = not made yet
}

// A word is one of those that a value has, in the forms in which it is looked
// for; or, of a value typed on a keypad, the digits of its keys.
type word struct {
	forms []string
	keys  string
}

// A reading is words that are all looked for, in any order.
type reading []word

const (
	// maxWords is how many words of a value are looked for among the postings: more
	// make candidates hardly fewer.
	maxWords = 4
	// maxRead is how many different words a value may have: longer ones, with which
	// somebody could keep a processor busy, find nobody.
	maxRead = 64
	// minKeys is how many digits may stand for letters: of 10,000 sample people, the
	// first two of a name find 640 on average, the first three 200.
	minKeys = 3
	// minTextWord is the shortest word, in bytes, that is looked for in companies
	// and departments beside names: "mei p" is Peter Meier, and nobody of Production.
	minTextWord = 3
)

// readings returns what a value may mean: its words, or fewer where some belong
// together ("mc donald"), or letters for which somebody typed digits. Each value
// is read once: phones send the same to all attributes of names.
func (m mode) readings(value string) []reading {
	for i := range *m.read {
		if r := &(*m.read)[i]; r.value == value && r.names == nil {
			return r.readings
		}
	}
	all := m.readValue(utf8Of(value))
	*m.read = append(*m.read, valueRead{value: value, readings: all})
	return all
}

func (m mode) readValue(value string) (all []reading) {
	if isLetters(value) {
		return []reading{{{forms: []string{strings.ToLower(value)}}}}
	}
	plain := readWords(value)
	if len(plain) > 0 {
		all = append(all, plain)
	}
	v := text.Variants(value)
	joined := strings.Fields(v[text.Joined])
	if spelt := strings.Fields(v[text.SpeltJoined]); len(joined) < len(strings.Fields(v[text.Folded])) && len(joined) <= maxRead {
		var r reading
		for i, s := range joined {
			w := word{forms: []string{s}}
			if len(spelt) == len(joined) && spelt[i] != s {
				w.forms = append(w.forms, spelt[i])
			}
			r = append(r, w)
		}
		all = append(all, r)
	}
	if m.keypad {
		if r := readKeys(value); r != nil {
			all = append(all, r)
		}
	}
	return all
}

// isLetters reports whether a value is one word that has one form.
func isLetters(s string) bool {
	for i := range len(s) {
		if c := s[i] | 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return s != ""
}

// readWords splits a value at blanks, and at the comma of "Meier, Anna".
func readWords(value string) (r reading) {
	raw := strings.FieldsFunc(value, func(c rune) bool { return unicode.IsSpace(c) || c == ',' || c == ';' })
	slices.Sort(raw)
	raw = slices.Compact(raw)
	if len(raw) > maxRead {
		return nil
	}
	for _, s := range raw {
		// One character may fold to several words.
		v := text.Variants(s)
		if !strings.Contains(v[text.Folded], " ") {
			if forms := v.Distinct(); len(forms) > 0 {
				r = append(r, word{forms: forms})
			}
			continue
		}
		for s := range strings.FieldsSeq(v[text.Folded]) {
			r = append(r, word{forms: []string{s}})
		}
	}
	return r
}

// readKeys reads what was typed on a keypad: 2 to 9 are letters, 0 is the blank
// between words, 1 a sign. nil = it was not.
func readKeys(value string) (r reading) {
	value = strings.TrimSpace(value)
	if len(value) < minKeys || value[0] < '2' || strings.Trim(value, "0123456789") != "" {
		return nil
	}
	for s := range strings.SplitSeq(value, "0") {
		if s != "" {
			r = append(r, word{keys: s})
		}
	}
	if len(r) > maxRead {
		return nil
	}
	return r
}

// keyOf returns the key of a keypad on which a folded letter, a digit or a sign
// is (ITU-T E.161); 0 = on none.
func keyOf(r rune) byte {
	switch {
	case 'a' <= r && r <= 'z':
		return "22233344455566677778889999"[r-'a']
	case '0' <= r && r <= '9':
		return byte(r)
	case r < utf8.RuneSelf && r != ' ':
		return '1'
	}
	return 0
}

// in reports whether the word begins one of a folded name.
func (w word) in(name string) bool {
	if w.keys != "" {
		return hasKeys(name, w.keys)
	}
	return slices.ContainsFunc(w.forms, func(s string) bool { return hasWord(name, s) })
}

// hasKeys reports whether a word of s begins with letters that are on keys.
func hasKeys(s, keys string) bool {
	inner := false
	for i, r := range s {
		if !inner && inWord(r) && beginsWithKeys(s[i:], keys) {
			return true
		}
		inner = inWord(r)
	}
	return false
}

func beginsWithKeys(s, keys string) bool {
	n := 0
	for _, r := range s {
		if n == len(keys) || keyOf(r) != keys[n] {
			break
		}
		n++
	}
	return n == len(keys)
}

// has reports whether the contact's names, and if texts its company and
// department, have all words of a reading; one at least must be in a name, unless
// texts alone are enough. It looks at what whoever asks may see.
func (m mode) has(e *Entry, r reading, texts, textsAlone bool) bool {
	named := textsAlone
	for _, w := range r {
		a, ok := m.holder(e, w, texts && w.mayBeText(textsAlone))
		if !ok {
			return false
		}
		named = named || table[a].syntax == syntaxName
	}
	return named
}

// holder returns the first attribute that has a word; names come first.
func (m mode) holder(e *Entry, w word, inTexts bool) (a Attribute, ok bool) {
	for i, k := range e.keys {
		row := &table[k.attribute]
		if (row.syntax == syntaxName || row.worded && inTexts) && (m.sees == nil || m.sees(k.attribute)) && w.in(e.text(i)) {
			return k.attribute, true
		}
	}
	return 0, false
}

func (w word) mayBeText(alone bool) bool {
	return w.keys == "" && (alone || len(w.forms[0]) >= minTextWord)
}

// wordsTest is [attributeANR]: each word of the value begins a word of a name, of
// the company or of the department.
func (m mode) wordsTest(f *filter.Filter) test {
	switch f.Op {
	case filter.Equal, filter.Approx, filter.Substrings:
		return m.anyReading(m.readings(searchText(f)), true, true)
	default:
		return always(filter.Undefined)
	}
}

// anyReading wants all words of any reading. No words at all find nobody.
func (m mode) anyReading(all []reading, texts, textsAlone bool) test {
	return func(e *Entry) filter.Result {
		return filter.Of(slices.ContainsFunc(all, func(r reading) bool { return m.has(e, r, texts, textsAlone) }))
	}
}

// prefixTest finds names that begin with the value at any of their words. A
// value of several words is looked for over all of a contact's names, each word
// as a prefix and in any order: "mei p" finds Peter Meier, as people type it. One
// of them at least is in a name; the others may be in the company or department.
func (m mode) prefixTest(a Attribute, value string) test {
	all := m.readings(value)
	if len(all) == 0 && text.Fold(utf8Of(value)) == "" {
		all = []reading{{{forms: []string{""}}}} // a blank, typed to see everybody
	}
	single, several := split(all)
	oneWord := anyForm(a, beginsWord(single))
	if len(several) == 0 {
		return oneWord
	}
	manyWords := m.allWords(value, several)
	if len(single) == 0 {
		return manyWords
	}
	return func(e *Entry) filter.Result { return max(oneWord(e), manyWords(e)) }
}

// allWords returns the test for readings of several words. It is the same for every
// attribute of names, and a phone asks several: what it says of a contact is remembered
// until somebody asks of the next.
func (m mode) allWords(value string, several []reading) test {
	if !m.person { // a rule is many goroutines'
		return m.anyReading(several, false, false)
	}
	i := slices.IndexFunc(*m.read, func(r valueRead) bool { return r.value == value && r.names == nil })
	if read := *m.read; read[i].several == nil {
		words := m.anyReading(several, true, false)
		var last *Entry
		var was filter.Result
		read[i].several = func(e *Entry) filter.Result {
			if e != last {
				last, was = e, words(e)
			}
			return was
		}
	}
	return (*m.read)[i].several
}

// split tells the readings of a single word from those of several.
func split(all []reading) (single []word, several []reading) {
	if len(all) == 1 && len(all[0]) == 1 { // nearly always
		return all[0], nil
	}
	for _, r := range all {
		if len(r) == 1 {
			single = append(single, r[0])
		} else {
			several = append(several, r)
		}
	}
	return single, several
}

// beginsWord returns what tells whether any of some words begins one of a folded name.
func beginsWord(words []word) func(name string) bool {
	if len(words) == 1 && len(words[0].forms) == 1 {
		form := words[0].forms[0]
		return func(name string) bool { return hasWord(name, form) }
	}
	return func(name string) bool {
		return slices.ContainsFunc(words, func(w word) bool { return w.in(name) })
	}
}

// searchText is what a leaf on [attributeANR] asks for.
func searchText(f *filter.Filter) string {
	if f.Op == filter.Substrings {
		return strings.Join(append(append([]string{f.Initial}, f.Any...), f.Final), " ")
	}
	return strings.TrimPrefix(f.Value, "=")
}

// words returns the candidates of contacts that have all words of a value, in
// any reading of it, a single one in the attribute that is asked for, several in any
// name; as [mode.has] finds them, and others.
func (x *finder) words(a Attribute, value string, textsAlone bool) (c candidates, ok bool) {
	all := x.mode.readings(value)
	for _, r := range all {
		in := a
		if len(r) > 1 {
			in = attributeCN
		}
		d, some := x.reading(in, r, textsAlone || x.mode.person && len(r) > 1, textsAlone)
		if !some {
			return candidates{}, false
		}
		c = x.with(c, d)
	}
	return c, len(all) > 0
}

// reading returns the candidates of the word that has the fewest.
func (x *finder) reading(a Attribute, r reading, texts, textsAlone bool) (fewest candidates, ok bool) {
	for i, w := range r {
		if i == maxWords {
			break
		}
		if c, is := x.word(a, w, texts && w.mayBeText(textsAlone)); is && (!ok || c.size() < fewest.size()) {
			fewest, ok = c, true
		}
	}
	return fewest, ok
}

func (x *finder) word(a Attribute, w word, texts bool) (c candidates, ok bool) {
	if w.keys != "" {
		return x.keys(a, w.keys), true
	}
	if c, ok = x.beginnings(a, w.forms); !ok || !texts {
		return c, ok
	}
	for _, s := range w.forms {
		c = x.with(c, x.begins(newPosting(kindText, firstWord(s), 0)))
	}
	return c, true
}

// firstWord drops what may stand before a word, where no posting begins.
func firstWord(s string) string {
	return strings.TrimLeftFunc(s, func(r rune) bool { return !inWord(r) })
}

// maxSpelt is how many beginnings of names are looked at that a row of keys may
// mean; what the first keys leave open then, the test decides.
const maxSpelt = 96

// keys returns the candidates of a word that was typed on a keypad: key by key
// those of the beginnings that there are.
func (x *finder) keys(a Attribute, keys string) (c candidates) {
	begin := func(s string) candidates { c, _ := x.beginnings(a, []string{s}); return c }
	spelt := []string{""}
	for i := range min(len(keys), textSize-1) {
		var longer []string
		for _, s := range spelt {
			for r := '!'; r <= 'z'; r++ {
				if keyOf(r) == keys[i] && begin(s+string(r)).size() > 0 {
					longer = append(longer, s+string(r))
				}
			}
		}
		if len(longer) > maxSpelt {
			break
		}
		spelt = longer
	}
	for _, s := range spelt {
		c = x.with(c, begin(s))
	}
	return c
}

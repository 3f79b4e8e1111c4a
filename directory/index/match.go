package index

import (
	"slices"
	"strings"
	"unicode/utf8"

	"ringbook/directory/filter"
)

// textTest compares folded names and texts, and plain addresses and ids.
func textTest(a Attribute, f *filter.Filter) test {
	switch f.Op {
	case filter.Substrings:
		if table[a].syntax == syntaxName && f.Initial != "" && len(f.Any) == 0 && f.Final == "" {
			return prefixTest(a, f.Initial)
		}
		return substringsTest(a, f)
	case filter.Approx:
		if table[a].syntax == syntaxName {
			return prefixTest(a, f.Value)
		}
	case filter.GreaterOrEqual:
		least := forms(a, f.Value)[0]
		return anyForm(a, func(s string) bool { return s >= least })
	case filter.LessOrEqual:
		most := forms(a, f.Value)[0]
		return anyForm(a, func(s string) bool { return s <= most })
	default:
	}
	values := forms(a, f.Value)
	if len(values) == 1 {
		value := values[0]
		return anyForm(a, func(s string) bool { return s == value })
	}
	return anyForm(a, func(s string) bool { return slices.Contains(values, s) })
}

// anyForm tests the forms of one attribute's values until one fits.
func anyForm(a Attribute, fits func(string) bool) test {
	if row := &table[a]; !row.keyed {
		return func(e *Entry) filter.Result {
			var values [4]string
			for _, v := range row.appendValues(values[:0], e.contact) {
				if slices.ContainsFunc(a.forms(v), fits) {
					return filter.True
				}
			}
			return filter.False
		}
	}
	return func(e *Entry) filter.Result {
		for i := range e.keys {
			if e.keys[i].attribute == a && fits(e.keys[i].text) {
				return filter.True
			}
		}
		return filter.False
	}
}

// substringsTest wants the pieces in their order, none over another.
func substringsTest(a Attribute, f *filter.Filter) test {
	patterns := [][]string{pieces(a, f, 0)}
	if spelt := pieces(a, f, 1); !slices.Equal(spelt, patterns[0]) {
		patterns = append(patterns, spelt)
	}
	return anyForm(a, func(s string) bool {
		return slices.ContainsFunc(patterns, func(p []string) bool { return hasPieces(s, p) })
	})
}

// pieces returns the initial piece, those between and the final one, in their
// n-th form, or in the only one.
func pieces(a Attribute, f *filter.Filter, n int) []string {
	all := append(append([]string{f.Initial}, f.Any...), f.Final)
	for i, s := range all {
		v := forms(a, s)
		all[i] = v[min(n, len(v)-1)]
	}
	return all
}

func hasPieces(s string, p []string) bool {
	s, ok := strings.CutPrefix(s, p[0])
	if !ok {
		return false
	}
	for _, piece := range p[1 : len(p)-1] {
		_, rest, ok := strings.Cut(s, piece)
		if !ok {
			return false
		}
		s = rest
	}
	return strings.HasSuffix(s, p[len(p)-1])
}

// prefixTest finds names that begin with the value at any of their words. A
// value of several words is looked for over all of a contact's names, each word
// as a prefix and in any order: "mei p" finds Peter Meier, as people type it.
func prefixTest(a Attribute, value string) test {
	values := forms(a, value)
	if strings.Contains(values[0], " ") {
		return manyWordsTest(values)
	}
	if len(values) == 1 {
		v := values[0]
		return anyForm(a, func(s string) bool { return hasWord(s, v) })
	}
	return anyForm(a, func(s string) bool {
		return hasWord(s, values[0]) || hasWord(s, values[1])
	})
}

// wordsTest is [attributeANR]: each word of the value begins a word of a name.
func wordsTest(f *filter.Filter) test {
	switch f.Op {
	case filter.Equal, filter.Approx, filter.Substrings:
		return manyWordsTest(forms(attributeCN, searchText(f)))
	default:
		return always(filter.Undefined)
	}
}

// searchText is what a leaf on [attributeANR] asks for.
func searchText(f *filter.Filter) string {
	if f.Op == filter.Substrings {
		return strings.Join(append(append([]string{f.Initial}, f.Any...), f.Final), " ")
	}
	return strings.TrimPrefix(f.Value, "=")
}

// manyWordsTest wants each word of any of the values to begin a word of the
// contact's names. No words at all find nobody. Words are looked for once each,
// so that no list of them costs more than a name has beginnings.
func manyWordsTest(values []string) test {
	var queries [][]string
	for _, v := range values {
		if words := slices.Compact(slices.Sorted(strings.FieldsSeq(v))); len(words) > 0 {
			queries = append(queries, words)
		}
	}
	return func(e *Entry) filter.Result {
		return filter.Of(slices.ContainsFunc(queries, e.hasWords))
	}
}

func (e *Entry) hasWords(words []string) bool {
	for _, word := range words {
		found := slices.ContainsFunc(e.keys, func(k key) bool {
			return table[k.attribute].syntax == syntaxName && hasWord(k.text, word)
		})
		if !found {
			return false
		}
	}
	return true
}

// hasWord reports whether a word of s begins with prefix.
func hasWord(s, prefix string) bool {
	for from := 0; ; {
		i := strings.Index(s[from:], prefix)
		if i < 0 {
			return false
		}
		i += from
		if r, _ := utf8.DecodeLastRuneInString(s[:i]); i == 0 || !inWord(r) {
			return true
		}
		_, n := utf8.DecodeRuneInString(s[i:])
		from = i + max(n, 1)
		if from > len(s) {
			return false
		}
	}
}

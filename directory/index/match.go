package index

import (
	"slices"
	"strings"
	"unicode/utf8"

	"ringbook/directory/filter"
	"ringbook/directory/text"
)

// textTest compares folded names and texts, and plain addresses and ids.
func (m mode) textTest(a Attribute, f *filter.Filter) test {
	switch f.Op {
	case filter.Substrings:
		if table[a].syntax == syntaxName && f.Initial != "" && len(f.Any) == 0 && f.Final == "" {
			return m.prefixTest(a, f.Initial)
		}
		return substringsTest(a, f)
	case filter.Approx:
		if table[a].syntax == syntaxName {
			return m.prefixTest(a, f.Value)
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
	if m.person && f.Op == filter.Equal && table[a].syntax == syntaxName {
		values = m.equalNames(f.Value)
	}
	if len(values) == 1 {
		value := values[0]
		return anyForm(a, func(s string) bool { return s == value })
	}
	return anyForm(a, func(s string) bool { return slices.Contains(values, s) })
}

// equalNames is [equalNames], once for each value.
func (m mode) equalNames(value string) []string {
	for i := range *m.read {
		if r := &(*m.read)[i]; r.value == value && r.names != nil {
			return r.names
		}
	}
	names := equalNames(value)
	*m.read = append(*m.read, valueRead{value: value, names: names})
	return names
}

// equalNames returns the forms of a name that somebody asks for, as it is and the
// other way round: "Meier, Peter" is Peter Meier.
func equalNames(value string) []string {
	all := forms(attributeCN, value)
	last, rest, listed := strings.Cut(value, ", ")
	if listed {
		return append(all, forms(attributeCN, rest+" "+last)...)
	}
	words := strings.Fields(value)
	if len(words) < 2 {
		return all
	}
	end := len(words) - 1
	return append(all, forms(attributeCN, words[end]+", "+strings.Join(words[:end], " "))...)
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
			if e.keys[i].attribute == a && fits(e.text(i)) {
				return filter.True
			}
		}
		return filter.False
	}
}

// substringsTest wants the pieces in their order, none over another.
func substringsTest(a Attribute, f *filter.Filter) test {
	var patterns [][]string
	for form := range (text.Forms{}) {
		if p := pieces(a, f, form); !slices.ContainsFunc(patterns, func(q []string) bool { return slices.Equal(p, q) }) {
			patterns = append(patterns, p)
		}
	}
	return anyForm(a, func(s string) bool {
		return slices.ContainsFunc(patterns, func(p []string) bool { return hasPieces(s, p) })
	})
}

// pieces returns the initial piece, those between and the final one, in one of
// the [text.Forms].
func pieces(a Attribute, f *filter.Filter, form int) []string {
	all := append(append([]string{f.Initial}, f.Any...), f.Final)
	for i, s := range all {
		all[i] = a.variants(utf8Of(s))[form]
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

package directory

import (
	"slices"
	"strings"
)

// Extras are what a source states of a contact beside what is shown: only the
// rules of books ask about them. They are one text, "name=value" a line, in the
// order of the names and, of one name, of the values; "" = none. So 100,000
// contacts pay for what their tenant states and for nothing else, and a rule that
// asks reads the text.
type Extras string

// An Extra is the news about one attribute of [Extras].
type Extra struct {
	Name   string   // without "=" and control characters
	Values []string // nil = it has none; control characters and empty values are left out
}

// Append appends the values of an attribute, whose name is compared exactly.
func (x Extras) Append(dst []string, name string) []string {
	for line := range x.lines() {
		if n, value, _ := strings.Cut(line, "="); n == name {
			dst = append(dst, value)
		}
	}
	return dst
}

// Lay returns x with the values of the attributes that the news speak of
// replaced. The last news about an attribute counts.
func (x Extras) Lay(news []Extra) Extras {
	latest := make(map[string][]string, len(news))
	for _, e := range news {
		latest[e.Name] = e.Values
	}
	var lines []string
	for line := range x.lines() {
		name, _, _ := strings.Cut(line, "=")
		if _, told := latest[name]; !told {
			lines = append(lines, line)
		}
	}
	for name, values := range latest {
		for _, v := range values {
			if v = strings.TrimSpace(withoutControl(v)); v != "" {
				lines = append(lines, name+"="+v)
			}
		}
	}
	slices.SortFunc(lines, func(a, b string) int {
		na, va, _ := strings.Cut(a, "=")
		nb, vb, _ := strings.Cut(b, "=")
		if c := strings.Compare(na, nb); c != 0 {
			return c
		}
		return strings.Compare(va, vb)
	})
	return Extras(strings.Join(slices.Compact(lines), "\n"))
}

func (x Extras) lines() func(yield func(string) bool) {
	if x == "" {
		return func(func(string) bool) {}
	}
	return strings.SplitSeq(string(x), "\n")
}

func withoutControl(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
}

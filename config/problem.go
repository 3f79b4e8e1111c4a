package config

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
)

// A Problem is one thing wrong with a configuration.
type Problem struct {
	File string `json:"file"` // the file, or the environment variable
	Line int    `json:"line,omitempty"`
	Key  string `json:"key,omitempty"`
	What string `json:"what"`
	Mend string `json:"mend,omitempty"`
}

// String writes "file:line: key: what. Mend."
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	b.WriteString(strings.TrimSuffix(p.What, ".") + ".")
	if p.Mend != "" {
		b.WriteString(" " + p.Mend)
	}
	return b.String()
}

// Problems is everything wrong with a configuration, in the order of its lines.
type Problems []Problem //nolint:errname // it is a list of them

// Error writes one problem a line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, one := range p {
		lines[i] = one.String()
	}
	return strings.Join(lines, "\n")
}

func (p Problems) sort() {
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Key, b.Key))
	})
}

// add reports a problem of a key: at its line, at its environment variable, or
// at the file when it is not set at all.
func (r *reader) add(key, what, mend string) {
	p := r.at(key)
	p.What, p.Mend = what, mend
	r.problems = append(r.problems, p)
}

func (r *reader) at(key string) Problem {
	if _, set := os.LookupEnv(envName(key)); set || r.file == "" {
		return Problem{File: envName(key)}
	}
	return Problem{File: r.file, Line: lineOf(r.text, key, 0), Key: key}
}

// addTo reports a problem of a key in the n-th table of a list, counted from 0.
func (r *reader) addTo(list string, n int, key, what, mend string) {
	p := r.in(list, n, key)
	p.What, p.Mend = what, mend
	r.problems = append(r.problems, p)
}

func (r *reader) in(list string, n int, key string) Problem {
	key = list + "." + key
	return Problem{File: r.file, Line: cmp.Or(lineOf(r.text, key, n), lineOf(r.text, list, n)), Key: key}
}

var (
	tableLine = regexp.MustCompile(`^\s*\[\[?\s*([^\]\s]+)\s*\]\]?`)
	keyLine   = regexp.MustCompile(`^\s*([A-Za-z0-9_."'-]+)\s*=`)
)

// lineOf finds the line of a dotted key, or of its table, in text that is known
// to be TOML; n counts [[…]] tables of that name from 0. 0 = not there.
//
// The decoder keeps no positions of what it understood. Reading lines is enough
// for every way in which people write such files; a key inside an inline table
// is found at that table's line.
func lineOf(text, key string, n int) int {
	table, seen := "", map[string]int{}
	best := 0
	lines := bufio.NewScanner(strings.NewReader(text))
	lines.Buffer(nil, maxFile+1)
	for i := 1; lines.Scan(); i++ {
		full := ""
		if m := tableLine.FindStringSubmatch(lines.Text()); m != nil {
			table = strings.NewReplacer(`"`, "", "'", "").Replace(m[1])
			seen[table]++
			full = table
		} else if m := keyLine.FindStringSubmatch(lines.Text()); m != nil {
			full = strings.NewReplacer(`"`, "", "'", "").Replace(m[1])
			if table != "" {
				full = table + "." + full
			}
		}
		if full == "" || isList(table) && seen[table] != n+1 {
			continue
		}
		if full == key {
			return i
		}
		if strings.HasPrefix(key, full+".") {
			best = i
		}
	}
	return best
}

// suggest names the known key that is nearest to an unknown one.
func suggest(key string, known []string) string {
	best, least := "", len(key)/2+1
	for _, k := range known {
		if !strings.Contains(k, ".") && strings.HasSuffix(key, "."+k) {
			return fmt.Sprintf("Did you mean %s? Then it belongs at the top, above the first [table].", k)
		}
		if d := distance(key, k); d < least {
			best, least = k, d
		}
		if table, ok := strings.CutSuffix(k, "."+key); ok {
			return fmt.Sprintf("Did you mean %s? Then it belongs under [%s].", k, table)
		}
	}
	if best == "" {
		return "Remove it; README lists every key."
	}
	return fmt.Sprintf("Did you mean %s?", best)
}

// distance is the Levenshtein distance of two short ASCII strings.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}

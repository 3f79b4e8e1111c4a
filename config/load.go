package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"unicode"

	"github.com/BurntSushi/toml"

	"ringbook/directory"
	"ringbook/directory/index"
)

// EnvPrefix begins the name of every environment variable: the key
// tenant.client_id is RINGBOOK_TENANT_CLIENT_ID.
const EnvPrefix = "RINGBOOK_"

// maxFile is the largest configuration file. A real one has a few kilobytes; a
// mistyped path may name a disk image.
const maxFile = 1 << 20

// DefaultFiles are the places where a configuration is looked for, in order.
func DefaultFiles() []string {
	return []string{"ringbook.toml", "/etc/ringbook/ringbook.toml"}
}

// Find returns path, or the first of [DefaultFiles] that is there when path is
// "", or "" when none is.
func Find(path string) string {
	if path != "" {
		return path
	}
	for _, f := range DefaultFiles() {
		if _, err := os.Stat(f); err == nil {
			return f
		}
	}
	return ""
}

// Load reads the configuration in path ("" = the environment alone). The error
// is [Problems], complete, or the reason why the file cannot be read.
func Load(path string) (*Config, error) {
	r := reader{file: path, cfg: defaults()}
	r.cfg.File = path
	if err := r.read(); err != nil {
		return nil, err
	}
	for _, s := range r.settings() {
		r.apply(s)
	}
	r.books()
	r.anonymous()
	r.sites()
	r.setLanguage()
	r.unknown()
	r.check()
	if len(r.problems) > 0 {
		r.problems.sort()
		return nil, r.problems
	}
	return &r.cfg, nil
}

// Draft reads a configuration that need not be complete: what a tenant has to be
// prepared for is known before the tenant's ids are. path "" = the defaults and
// the environment. What is there and cannot be read is [Problems].
func Draft(path string) (*Config, error) {
	r := reader{file: path, cfg: defaults()}
	r.cfg.File = path
	if err := r.read(); err != nil {
		return nil, err
	}
	for _, s := range r.settings() {
		if !strings.Contains(s.key, "_file") { // files may come later
			r.apply(s)
		}
	}
	r.books()
	r.anonymous()
	r.sites()
	r.setLanguage()
	if len(r.problems) > 0 {
		r.problems.sort()
		return nil, r.problems
	}
	return &r.cfg, nil
}

// DataDir returns the data folder alone, whatever else is wrong with the file:
// enough to find a running server's socket.
func DataDir(path string) (string, error) {
	r := reader{file: path, cfg: defaults()}
	if err := r.read(); err != nil {
		return "", err
	}
	r.problems = nil // of books
	for _, s := range r.settings() {
		if s.key == "data_dir" {
			r.apply(s)
		}
	}
	if len(r.problems) > 0 {
		return "", r.problems
	}
	return r.cfg.DataDir, nil
}

// A reader collects a configuration and its problems.
type reader struct {
	file     string
	cfg      Config
	text     string
	values   map[string]any // by dotted key, tables flattened
	lists    map[string][]map[string]any
	problems Problems
}

// The tables that may stand several times, as [[…]].
const (
	listBook      = "book"
	listAnonymous = "ldap.anonymous"
	listSite      = "numbers.site"
)

func isList(key string) bool { return key == listBook || key == listAnonymous || key == listSite }

// read reads and parses the file. Text that is no TOML ends it: what follows a
// syntax error cannot be judged.
func (r *reader) read() error {
	r.values, r.lists = map[string]any{}, map[string][]map[string]any{}
	if r.file == "" {
		return nil
	}
	text, err := readFile(r.file, maxFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Problems{{
			File: r.file, What: "there is no such file",
			Mend: "Name the configuration with --config FILE; README shows a complete one.",
		}}
	case errors.Is(err, errLong):
		return Problems{{File: r.file, What: "this is no configuration file", Mend: "Name a TOML file of at most 1 MB."}}
	case err != nil:
		p := fileProblem(r.file, err)
		return Problems{{File: r.file, What: p.what, Mend: p.mend}}
	}
	r.text = string(text)
	var doc map[string]any
	if _, err := toml.Decode(r.text, &doc); err != nil {
		var parse toml.ParseError
		if !errors.As(err, &parse) {
			return fmt.Errorf("read configuration %s: %w", r.file, err)
		}
		return Problems{r.syntax(parse)}
	}
	r.flatten("", doc)
	return nil
}

// syntax words a syntax error. The decoder's message quotes what stands there:
// beside a secret it must not.
func (r *reader) syntax(e toml.ParseError) Problem {
	p := Problem{File: r.file, Line: e.Position.Line, What: e.Message, Mend: "Text goes in quotes; a key stands once in its table."}
	lines := strings.Split(r.text, "\n")
	if n := p.Line - 1; n >= 0 && n < len(lines) && strings.Contains(lines[n], "secret") {
		p.What = "this line is no TOML"
	}
	return p
}

// flatten files every value under its dotted key. [[…]] tables and the free
// keys of [mirror.phones] and [mirror.precedence] are kept whole.
func (r *reader) flatten(prefix string, table map[string]any) {
	for k, v := range table {
		key := prefix + k
		if isList(key) {
			r.collect(key, v)
			continue
		}
		switch v := v.(type) {
		case map[string]any:
			if key == "mirror.phones" || key == "mirror.precedence" {
				r.values[key] = v
				continue
			}
			if len(v) == 0 && !r.knownTable(key) {
				r.values[key] = v
			}
			r.flatten(key+".", v)
		default:
			r.values[key] = v
		}
	}
}

// collect takes a list of tables, whichever way it is written.
func (r *reader) collect(key string, v any) {
	var list []map[string]any
	switch v := v.(type) {
	case []map[string]any:
		r.lists[key] = v
		return
	case []any:
		for _, one := range v {
			table, ok := one.(map[string]any)
			if !ok {
				break
			}
			list = append(list, table)
		}
		if len(list) == len(v) {
			r.lists[key] = list
			return
		}
	}
	r.add(key, "this is a list of tables", fmt.Sprintf("Begin each with [[%s]], in two brackets.", key))
}

// knownTable reports whether any setting stands in the table.
func (r *reader) knownTable(table string) bool {
	return slices.ContainsFunc(r.settings(), func(s setting) bool { return strings.HasPrefix(s.key, table+".") })
}

// apply gives a setting its value: the environment's, else the file's, else the default.
func (r *reader) apply(s setting) {
	v, inFile := r.values[s.key]
	delete(r.values, s.key)
	at := r.at(s.key)
	if env, ok := os.LookupEnv(envName(s.key)); ok {
		v = env
	} else if !inFile {
		return
	}
	if err := s.set(v); err != nil {
		at.What, at.Mend = wording(err)
		r.problems = append(r.problems, at)
	}
}

// books reads the [[book]] tables.
func (r *reader) books() {
	for i, table := range r.lists[listBook] {
		var b directory.Book
		var name string
		r.table(listBook, i, table, []setting{text("name", &name), text("title", &b.Title), text("filter", &b.Filter)})
		if strings.ContainsFunc(b.Title, unicode.IsControl) {
			r.addTo(listBook, i, "title", "phones cannot show control characters", "Write one line of text.")
		}
		r.book(i, name, b)
	}
	if len(r.lists[listBook]) == 0 {
		r.cfg.Books = []directory.Book{{Name: "people", Title: "People", Filter: directory.DefaultFilter}}
	}
}

// table takes the n-th table of a list, and returns the keys whose values are wrong.
func (r *reader) table(list string, n int, table map[string]any, settings []setting) (wrong []string) {
	var known []string
	for _, s := range settings {
		known = append(known, s.key)
		v, ok := table[s.key]
		delete(table, s.key)
		if !ok {
			continue
		}
		if err := s.set(v); err != nil {
			what, mend := wording(err)
			r.addTo(list, n, s.key, what, mend)
			wrong = append(wrong, s.key)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(table)) {
		r.addTo(list, n, k, "unknown key", suggest(k, known))
	}
	return wrong
}

// book checks and adds one book.
func (r *reader) book(i int, name string, b directory.Book) {
	parsed, err := directory.ParseBookName(name)
	if err != nil {
		r.addTo(listBook, i, "name", fmt.Sprintf("%q is no name for a book", name),
			fmt.Sprintf("Use 1 to %d characters of a–z, 0–9 and -: it becomes part of addresses.", directory.MaxBookName))
		return
	}
	if directory.IsMailboxBook(parsed) {
		r.addTo(listBook, i, "name", fmt.Sprintf("%q is a name of a mailbox's private book", name), "Give the book another name.")
	}
	if slices.ContainsFunc(r.cfg.Books, func(o directory.Book) bool { return o.Name == parsed }) {
		r.addTo(listBook, i, "name", fmt.Sprintf("there are two books named %q", name), "Give each book a name of its own.")
		return
	}
	if b.Filter == "" {
		b.Filter = directory.DefaultFilter
	} else if _, err := index.ParseRule(b.Filter); err != nil {
		r.addTo(listBook, i, "filter", "this rule cannot be read: "+strings.TrimSuffix(err.Error(), ": "+directory.ErrInvalid.Error()), `Write it like "(&(accountEnabled=TRUE)(department=Sales))" (RFC 4515).`)
	}
	b.Name = parsed
	if b.Title == "" {
		b.Title = name
	}
	r.cfg.Books = append(r.cfg.Books, b)
}

// unknown reports every key that no setting took.
func (r *reader) unknown() {
	known := make([]string, 0, 64)
	for _, s := range r.settings() {
		known = append(known, s.key)
	}
	for _, key := range slices.Sorted(maps.Keys(r.values)) {
		p := r.at(key)
		if p.What, p.Mend = "unknown key", suggest(key, known); r.knownTable(key) {
			p.What, p.Mend = "this is a table", fmt.Sprintf("Write [%s], once, and its keys below it.", key)
		}
		r.problems = append(r.problems, p)
	}
}

// envName is the environment variable of a key.
func envName(key string) string {
	return EnvPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

package transfer

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"ringbook/directory"
	"ringbook/directory/number"
)

// CSVOptions say what a CSV file does not say itself.
type CSVOptions struct {
	// Map says what columns hold: a field of [Texts], a kind of number, "email",
	// "key" or "ignore", by the column's header without case.
	Map map[string]string
	Key string // header of the column that holds the key; "" = none, or as Map and the header say
	// Delimiter separates cells; 0 = the one of , ; tab | that the header has most of.
	Delimiter rune
	// Encoding is "utf-8", "utf-16" or "windows-1252"; "" = what the file shows.
	Encoding string
}

// Encodings lists the encodings that [CSVOptions] may name.
func Encodings() []string { return []string{"utf-8", "utf-16", "windows-1252"} }

// ReadCSV reads a file whose first row names its columns. An error is
// [directory.ErrInvalid] or [directory.ErrTooLarge], or the reader's own.
func ReadCSV(r io.Reader, o CSVOptions) (*File, error) {
	b, err := readAll(r)
	if err != nil {
		return nil, err
	}
	s, err := decodeText(b, o.Encoding)
	if err != nil {
		return nil, err
	}
	if o.Delimiter == 0 {
		o.Delimiter = delimiter(s)
	}
	// Excel's own way to name the delimiter.
	first := 0
	if line, rest, _ := strings.Cut(s, "\n"); strings.HasPrefix(strings.ToLower(line), "sep=") {
		s, first = rest, 1
	}
	c := csv.NewReader(strings.NewReader(s))
	c.Comma, c.FieldsPerRecord, c.LazyQuotes = o.Delimiter, -1, true
	header, err := c.Read()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("the file is empty: %w", directory.ErrInvalid)
	}
	if err != nil {
		return nil, fmt.Errorf("the header cannot be read: %w: %w", err, directory.ErrInvalid)
	}
	f := &File{}
	columns, err := readHeader(f, header, o)
	if err != nil {
		return nil, err
	}
	return f, readRows(f, c, columns, first)
}

func readRows(f *File, c *csv.Reader, columns []string, first int) error {
	seen := make(map[string]int)
	for {
		cells, err := c.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if bad := (*csv.ParseError)(nil); errors.As(err, &bad) {
			f.Read++
			f.skip(bad.StartLine+first, "it cannot be read: %v", bad.Err)
			continue
		}
		if err != nil {
			return fmt.Errorf("read the file: %w", err)
		}
		line, _ := c.FieldPos(0)
		line += first
		if blank(cells) {
			continue
		}
		f.Read++
		if len(cells) < len(columns) || len(cells) > len(columns) && !blank(cells[len(columns):]) {
			f.skip(line, "it has %d cells where the header has %d", len(cells), len(columns))
			continue
		}
		contact, key := readCells(cells[:len(columns)], columns)
		if err := f.add(line, key, contact, seen); err != nil {
			return err
		}
	}
}

func blank(cells []string) bool {
	return !slices.ContainsFunc(cells, func(s string) bool { return strings.TrimSpace(s) != "" })
}

// readCells reads one row; columns says what each cell holds.
func readCells(cells, columns []string) (c *directory.Contact, key string) {
	c = &directory.Contact{}
	texts := Texts(c)
	for i, cell := range cells {
		cell = strings.TrimSpace(unguard(cell))
		if cell == "" {
			continue
		}
		switch what := columns[i]; {
		case what == columnIgnore:
		case what == columnKey:
			key = cell
		case what == columnEmail:
			for _, m := range strings.FieldsFunc(cell, func(r rune) bool { return strings.ContainsRune(" ;,|\n", r) }) {
				if strings.Contains(m, "@") {
					c.Emails = append(c.Emails, m)
				}
			}
		case slices.Contains(directory.PhoneKinds(), directory.PhoneKind(what)):
			for _, n := range number.Split(cell) {
				c.Phones = append(c.Phones, directory.Phone{Kind: directory.PhoneKind(what), Written: n})
			}
		default:
			t := texts[slices.IndexFunc(texts, func(t Text) bool { return t.Field == what })]
			if *t.Value == "" {
				*t.Value = cell
			}
		}
	}
	return c, key
}

// readAll reads a file of MaxFile bytes at most.
func readAll(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read the file: %w", err)
	}
	if len(b) > MaxFile {
		return nil, fmt.Errorf("the file has more than %d MiB: %w", MaxFile>>20, directory.ErrTooLarge)
	}
	return b, nil
}

// decodeText returns a file's text: in UTF-8 or, by its mark, UTF-16, else as
// the old Windows programs wrote it.
func decodeText(b []byte, name string) (string, error) {
	utf16 := bytes.HasPrefix(b, []byte("\xff\xfe")) || bytes.HasPrefix(b, []byte("\xfe\xff"))
	var e encoding.Encoding
	switch {
	case name == "utf-16", name == "" && utf16:
		e = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
		if !utf16 {
			e = unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
		}
	case name == "windows-1252", name == "" && !utf8.Valid(b):
		e = charmap.Windows1252
	case name == "", name == "utf-8":
		return strings.TrimPrefix(strings.ToValidUTF8(string(b), "\ufffd"), "\ufeff"), nil
	default:
		return "", fmt.Errorf("encoding %q is none of %s: %w", name, strings.Join(Encodings(), ", "), directory.ErrInvalid)
	}
	s, err := e.NewDecoder().Bytes(b)
	if err != nil {
		return "", fmt.Errorf("the file is not in %v: %w", e, directory.ErrInvalid)
	}
	return string(s), nil
}

// delimiter is the one that the first line has most of, outside of quotes.
func delimiter(s string) rune {
	line, _, _ := strings.Cut(s, "\n")
	if mark, ok := strings.CutPrefix(strings.ToLower(strings.TrimSuffix(line, "\r")), "sep="); ok && utf8.RuneCountInString(mark) == 1 {
		if r, _ := utf8.DecodeRuneInString(mark); strings.ContainsRune(",;\t|", r) {
			return r
		}
	}
	best, most := ',', 0
	for _, d := range ",;\t|" {
		n, quoted := 0, false
		for _, r := range line {
			switch {
			case r == '"':
				quoted = !quoted
			case r == d && !quoted:
				n++
			}
		}
		if n > most {
			best, most = d, n
		}
	}
	return best
}

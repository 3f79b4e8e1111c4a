package carddav

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"ringbook/directory"
)

// Limits of a request's body. The largest that clients send is one multiget of
// a whole book (kdav, vdirsyncer, Outlook): 3.6 MB for 50,000 people.
const (
	maxBody = 8 << 20
	// freeBody may be read, and so held, without passing the gate: three times
	// what Thunderbird, the greediest of those who ask in pieces, sends at once.
	freeBody = 128 << 10
	maxDepth = 32
	// maxToken is the most that one tag, text or comment may take: no URL and no
	// tag is longer, and a tag of megabytes would be kept as so many attributes.
	maxToken = 64 << 10
	// maxNames bounds the namespaces, properties, filters and their parts, each.
	maxNames = 64
	maxHrefs = 100_000

	// A body may take readWait and a second more for each readRate bytes.
	readWait = 15 * time.Second
	readRate = 32 << 10
)

// A scanner reads a request's XML token by token and keeps none of it. There is
// no document type and so no entity: any directive is refused.
type scanner struct {
	dec    *xml.Decoder
	in     limited
	depth  int
	spaces []string // namespaces declared so far
}

// newScanner begins to read the body of a request; free must be called.
func (x *exchange) newScanner() (*scanner, error) {
	if e := x.r.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return nil, &statusError{status: http.StatusUnsupportedMediaType, text: "requests must not be compressed"}
	}
	if c := charset(x.r.Header.Get("Content-Type")); !isUTF8(c) {
		return nil, &statusError{status: http.StatusUnsupportedMediaType, text: "requests must be in UTF-8"}
	}
	body := x.slowBody(http.MaxBytesReader(x.w, x.r.Body, maxBody))
	body.admit = x.admit
	s := &scanner{}
	s.in.r = x.h.pools.readers.get()
	s.in.r.Reset(body)
	s.dec = xml.NewDecoder(&s.in)
	s.dec.CharsetReader = func(label string, in io.Reader) (io.Reader, error) {
		if isUTF8(label) {
			return in, nil
		}
		return nil, &statusError{status: http.StatusUnsupportedMediaType, text: "requests must be in UTF-8"}
	}
	return s, nil
}

// free gives back what the scanner holds.
func (s *scanner) free(x *exchange) {
	s.in.r.Reset(nil)
	x.h.pools.readers.put(s.in.r)
}

func charset(contentType string) string {
	if !strings.Contains(contentType, "charset") {
		return ""
	}
	// Junk in the header is not worth refusing a body that can be read.
	_, params, _ := mime.ParseMediaType(contentType)
	return params["charset"]
}

func isUTF8(label string) bool {
	return label == "" || strings.EqualFold(label, "utf-8") || strings.EqualFold(label, "utf8") ||
		strings.EqualFold(label, "us-ascii")
}

// next returns the next start tag, end tag or text.
func (s *scanner) next() (xml.Token, error) {
	for {
		s.in.left = maxToken
		tok, err := s.dec.Token()
		if err != nil {
			return nil, readError(err)
		}
		switch t := tok.(type) {
		case xml.StartElement:
			if s.depth++; s.depth > maxDepth {
				return nil, fmt.Errorf("more than %d elements in one another: %w", maxDepth, directory.ErrInvalid)
			}
			return t, s.check(t)
		case xml.EndElement:
			s.depth--
			return t, nil
		case xml.CharData:
			return t, nil
		case xml.Directive:
			return nil, fmt.Errorf("document type: %w", directory.ErrInvalid)
		}
	}
}

// check refuses names that encoding/xml lets pass although their prefix was
// never declared, or was declared as nothing (Namespaces in XML 1.0 §5).
func (s *scanner) check(t xml.StartElement) error {
	for _, a := range t.Attr {
		if a.Name.Space != "xmlns" && (a.Name.Space != "" || a.Name.Local != "xmlns") {
			continue
		}
		if a.Value == "" && a.Name.Space == "xmlns" {
			return fmt.Errorf("empty namespace: %w", directory.ErrInvalid)
		}
		if !slices.Contains(s.spaces, a.Value) {
			if len(s.spaces) == maxNames {
				return fmt.Errorf("more than %d namespaces: %w", maxNames, directory.ErrTooLarge)
			}
			s.spaces = append(s.spaces, a.Value)
		}
	}
	if t.Name.Space != "" && !slices.Contains(s.spaces, t.Name.Space) || strings.Contains(t.Name.Local, ":") {
		return fmt.Errorf("undeclared prefix: %w", directory.ErrInvalid)
	}
	return nil
}

// root returns the document's first tag; [io.EOF] = the body is empty.
func (s *scanner) root() (xml.StartElement, error) {
	for {
		tok, err := s.next()
		if err != nil {
			return xml.StartElement{}, err
		}
		switch t := tok.(type) {
		case xml.StartElement:
			return t, nil
		case xml.CharData:
			if !isBlank(t) {
				return xml.StartElement{}, fmt.Errorf("text before the document: %w", directory.ErrInvalid)
			}
		}
	}
}

// end reads what may still follow the document.
func (s *scanner) end() error {
	for {
		tok, err := s.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if t, ok := tok.(xml.CharData); !ok || !isBlank(t) {
			return fmt.Errorf("more behind the document: %w", directory.ErrInvalid)
		}
	}
}

// isBlank reports whether there is nothing but white space, and the byte order
// mark that some clients send.
func isBlank(b []byte) bool {
	return len(bytes.TrimSpace(bytes.TrimPrefix(b, []byte("\ufeff")))) == 0
}

// children hands each child of the element just begun to do, which must read it
// to its end.
func (s *scanner) children(do func(xml.StartElement) error) error {
	for {
		tok, err := s.next()
		if err != nil {
			return unexpected(err)
		}
		switch t := tok.(type) {
		case xml.StartElement:
			if err := do(t); err != nil {
				return err
			}
		case xml.EndElement:
			return nil
		}
	}
}

// skip reads the element just begun to its end.
func (s *scanner) skip() error {
	return s.children(func(xml.StartElement) error { return s.skip() })
}

// text reads the element just begun to its end and returns its text, trimmed.
func (s *scanner) text() (string, error) {
	t, err := s.rawText()
	return strings.TrimSpace(t), err
}

func (s *scanner) rawText() (string, error) {
	plain := s.in.plainText()
	var more []byte
	for {
		tok, err := s.next()
		if err != nil {
			return "", unexpected(err)
		}
		switch tok := tok.(type) {
		case xml.CharData:
			if more = append(more, tok...); len(more) > maxToken {
				return "", fmt.Errorf("text: %w", directory.ErrTooLarge)
			}
		case xml.StartElement:
			if err := s.skip(); err != nil {
				return "", err
			}
		case xml.EndElement:
			return plain + string(more), nil
		}
	}
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("body cut off: %w", directory.ErrInvalid)
	}
	return err
}

// readError gives an error of reading a kind. Those that have none, the
// decoder's and those of a connection that broke off, are the client's doing.
func readError(err error) error {
	if errors.Is(err, io.EOF) || answerTo(err).status != http.StatusInternalServerError {
		return err
	}
	return fmt.Errorf("%w: %w", directory.ErrInvalid, err)
}

// limited lets left more bytes pass. A decoder reads it byte by byte, so that
// between two tokens it stands exactly behind the first.
type limited struct {
	r            *bufio.Reader
	left         int
	before, last byte // the two that were read last
}

func (l *limited) ReadByte() (byte, error) {
	if l.left--; l.left < 0 {
		return 0, fmt.Errorf("one token of the body: %w", directory.ErrTooLarge)
	}
	c, err := l.r.ReadByte()
	l.before, l.last = l.last, c
	return c, err
}

// plainText takes the text behind the start tag just read past the decoder,
// which is slow on it: a multiget of a book is mostly hrefs. It takes only what
// the decoder would give as it stands, printable ASCII up to the next tag, and
// nothing if that is not in the buffer.
func (l *limited) plainText() string {
	if l.before == '/' { // the tag ended in "/>": what follows is not in the element
		return ""
	}
	b, err := l.r.Peek(l.r.Buffered())
	if err != nil {
		return ""
	}
	for i, c := range b {
		switch {
		case c == '<':
			t := string(b[:i])
			if _, err := l.r.Discard(i); err != nil {
				return ""
			}
			return t
		case c < ' ' || c > '~' || c == '&' || c == '>': // "]]>" is not allowed
			return ""
		}
	}
	return ""
}

// Read makes a limited an [io.Reader]; a decoder calls ReadByte only.
func (l *limited) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	c, err := l.ReadByte()
	if err != nil {
		return 0, err
	}
	p[0] = c
	return 1, nil
}

// A slowBody moves the read deadline on as the body comes in, and takes it away
// at the end: until then even what the server drops is not waited for.
type slowBody struct {
	r       io.Reader
	control *http.ResponseController
	start   time.Time
	n       int64
	admit   func() (func() error, error) // nil = what is read is not held
}

func (x *exchange) slowBody(r io.Reader) *slowBody {
	return &slowBody{r: r, control: x.control, start: x.started}
}

func (b *slowBody) Read(p []byte) (int, error) {
	if b.admit != nil && b.n >= freeBody {
		begun := time.Now()
		if _, err := b.admit(); err != nil {
			return 0, err
		}
		b.start = b.start.Add(time.Since(begun)) // waiting at the gate is not the client's doing
	}
	b.allow()
	n, err := b.r.Read(p)
	b.n += int64(n)
	if errors.Is(err, io.EOF) {
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}

// allow sets the deadline for as much as came so far. Where there is none to
// set (a recorder), nothing can hang either.
func (b *slowBody) allow() {
	allowed := readWait + time.Duration(b.n/readRate)*time.Second
	_ = b.control.SetReadDeadline(b.start.Add(allowed))
}

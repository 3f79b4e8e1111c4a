package carddav

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

const (
	// bufferSize is the most that an answer holds in memory.
	bufferSize = 64 << 10
	// gzipFloor: compressing less costs more time than it saves on any line.
	gzipFloor = 4 << 10
	// writeWait is how long a client may take to read one buffer.
	writeWait = 30 * time.Second
)

// pools keep what is expensive to make and the same for all requests.
type pools struct {
	buffers pool[*[]byte] // of capacity bufferSize
	gzips   pool[*gzip.Writer]
	readers pool[*bufio.Reader]
	cards   pool[*[]byte] // for one card
}

func newPools() *pools {
	return &pools{
		buffers: pool[*[]byte]{make: func() *[]byte { b := make([]byte, 0, bufferSize); return &b }},
		gzips: pool[*gzip.Writer]{make: func() *gzip.Writer {
			// Level 1: the others take three times as long for a tenth less.
			zw, err := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed)
			if err != nil {
				return gzip.NewWriter(io.Discard)
			}
			return zw
		}},
		readers: pool[*bufio.Reader]{make: func() *bufio.Reader { return bufio.NewReader(nil) }},
		cards:   pool[*[]byte]{make: func() *[]byte { return new([]byte) }},
	}
}

// A pool is a [sync.Pool] of one type.
type pool[T any] struct {
	kept sync.Pool
	make func() T
}

func (p *pool[T]) get() T {
	if v, ok := p.kept.Get().(T); ok {
		return v
	}
	return p.make()
}

func (p *pool[T]) put(v T) { p.kept.Put(v) }

// A stream is the body of an answer, on its way out through one buffer. Errors
// stick: after the first one nothing is written any more.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	pools   *pools
	// admit is asked once, before the first buffer of an answer that needs more
	// than one. ended says why the answer is to end; nil = it is not.
	admit func() (ended func() error, err error)
	gzip  bool // the client takes it
	code  int

	ended   func() error // nil until admitted
	room    *[]byte
	buf     []byte
	gz      *gzip.Writer
	begun   bool // the header is sent
	written int64
	err     error
}

// failed reports whether what is written goes nowhere; close says why.
func (s *stream) failed() bool { return s.err != nil }

func (s *stream) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// str writes markup, and text that is known to need no escaping.
func (s *stream) str(t string) {
	for len(t) > cap(s.buf)-len(s.buf) {
		n := cap(s.buf) - len(s.buf)
		s.buf = append(s.buf, t[:n]...)
		t = t[n:]
		s.flush()
	}
	s.buf = append(s.buf, t...)
}

func (s *stream) bytes(b []byte) {
	for len(b) > cap(s.buf)-len(s.buf) {
		n := cap(s.buf) - len(s.buf)
		s.buf = append(s.buf, b[:n]...)
		b = b[n:]
		s.flush()
	}
	s.buf = append(s.buf, b...)
}

// text writes character data, or an attribute's value. What is no character of
// XML, which would spoil the whole answer, becomes U+FFFD.
func (s *stream) text(t string) {
	for t != "" {
		i := strings.IndexFunc(t, isSpecial)
		if i < 0 {
			s.str(t)
			return
		}
		r, size := utf8.DecodeRuneInString(t[i:])
		s.str(t[:i])
		s.str(escaped(r))
		t = t[i+size:]
	}
}

// isSpecial reports whether r is markup, or no character of XML (XML 1.0 §2.2).
func isSpecial(r rune) bool {
	switch r {
	case '&', '<', '>', '"', '\r', utf8.RuneError, 0xfffe, 0xffff:
		return true
	case '\t', '\n':
		return false
	}
	return r < ' '
}

// carriageReturn is how one is written: a literal one would not survive the
// reader (XML 1.0 §2.11).
const carriageReturn = "&#13;"

// cardText writes a card as character data.
func (s *stream) cardText(b []byte) {
	// A card is mostly base64 with nothing to escape but the ends of its lines.
	plain := bytes.IndexByte(b, '&') < 0 && bytes.IndexByte(b, '<') < 0 && bytes.IndexByte(b, '>') < 0
	for {
		i := bytes.IndexByte(b, '\r')
		switch {
		case i < 0:
			s.markup(b)
			return
		case plain && i+len(carriageReturn) <= cap(s.buf)-len(s.buf):
			s.buf = append(s.buf, b[:i]...)
			s.buf = append(s.buf, carriageReturn...)
		default:
			s.markup(b[:i])
			s.str(carriageReturn)
		}
		b = b[i+1:]
	}
}

func (s *stream) markup(b []byte) {
	for len(b) > 0 {
		i := bytes.IndexAny(b, "&<>")
		if i < 0 {
			s.bytes(b)
			return
		}
		s.bytes(b[:i])
		s.str(escaped(rune(b[i])))
		b = b[i+1:]
	}
}

func escaped(r rune) string {
	switch r {
	case '&':
		return "&amp;"
	case '<':
		return "&lt;"
	case '>':
		return "&gt;"
	case '"':
		return "&quot;"
	case '\r':
		return carriageReturn
	}
	return string(utf8.RuneError)
}

// flush sends the buffer. The first time, the answer has outgrown it.
func (s *stream) flush() {
	defer func() { s.buf = s.buf[:0] }()
	if s.err != nil {
		return
	}
	if !s.begun {
		ended, err := s.admit()
		if err != nil {
			s.fail(err)
			return
		}
		s.ended = ended
		s.begin(s.gzip)
	}
	s.send()
}

// begin sends the header.
func (s *stream) begin(zip bool) {
	h := s.w.Header()
	h.Set("Content-Type", xmlType)
	h.Set("Vary", "Accept-Encoding, Brief, Prefer")
	if zip {
		h.Set("Content-Encoding", "gzip")
		s.gz = s.pools.gzips.get()
		s.gz.Reset(counted{s})
	}
	s.begun = true
	s.w.WriteHeader(s.code)
}

// send writes the buffer out within writeWait.
func (s *stream) send() {
	// Where there is no deadline to set (a recorder), nothing can hang either.
	_ = s.control.SetWriteDeadline(time.Now().Add(writeWait))
	if s.ended != nil {
		if err := s.ended(); err != nil {
			s.fail(err)
			return
		}
	}
	var to io.Writer = counted{s}
	if s.gz != nil {
		to = s.gz
	}
	if _, err := to.Write(s.buf); err != nil {
		s.fail(err)
	}
}

// close sends what is left. An answer that fits the buffer goes out whole.
func (s *stream) close() error {
	if s.err != nil {
		return s.err
	}
	if !s.begun {
		zip := s.gzip && len(s.buf) >= gzipFloor
		if !zip {
			s.w.Header().Set("Content-Length", strconv.Itoa(len(s.buf)))
		}
		s.begin(zip)
	}
	s.send()
	if s.gz != nil && s.err == nil {
		if err := s.gz.Close(); err != nil {
			s.fail(err)
		}
	}
	return s.err
}

// free gives back what the stream holds. It must not be used any more.
func (s *stream) free() {
	s.buf = nil
	s.pools.buffers.put(s.room)
	if s.gz != nil {
		s.gz.Reset(io.Discard)
		s.pools.gzips.put(s.gz)
		s.gz = nil
	}
}

// counted writes to the client and counts.
type counted struct{ s *stream }

func (c counted) Write(p []byte) (int, error) {
	n, err := c.s.w.Write(p)
	c.s.written += int64(n)
	return n, err
}

// openStream begins an answer; nothing is sent yet.
func (x *exchange) openStream(code int) *stream {
	room := x.h.pools.buffers.get()
	x.status = code
	x.out = &stream{
		w: x.w, control: x.control, pools: x.h.pools, admit: x.admit, code: code,
		gzip: acceptsGzip(x.r.Header.Get("Accept-Encoding")),
		room: room, buf: (*room)[:0],
	}
	return x.out
}

// admit passes the gate, once, and has the answer end when the device is revoked.
func (x *exchange) admit() (ended func() error, err error) {
	if x.pass == nil {
		if x.pass, err = x.h.gate.Admit(x.r.Context(), x.control, x.device); err != nil {
			return nil, err
		}
	}
	return x.pass.Ended, nil
}

// acceptsGzip reads Accept-Encoding (RFC 9110 §12.5.3): what it says of gzip
// counts more than what it says of all others.
func acceptsGzip(header string) bool {
	others := false
	for part := range strings.SplitSeq(header, ",") {
		coding, weight, _ := strings.Cut(part, ";")
		switch coding = strings.TrimSpace(coding); {
		case strings.EqualFold(coding, "gzip"):
			return isWanted(weight)
		case coding == "*":
			others = isWanted(weight)
		}
	}
	return others
}

// isWanted reports whether a weight (RFC 9110 §12.4.2) is not 0; none is 1.
func isWanted(weight string) bool {
	q, found := strings.CutPrefix(strings.TrimSpace(weight), "q=")
	if !found {
		return true
	}
	v, err := strconv.ParseFloat(q, 64)
	return err == nil && v > 0
}

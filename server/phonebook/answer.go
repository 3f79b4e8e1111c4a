package phonebook

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringbook/directory"
	"ringbook/directory/filter"
	"ringbook/directory/index"
)

// answer writes the document, twice: what it is long, and then out. The view does
// not change, so that both are the same.
func (x *exchange) answer() error {
	var err error
	if x.pass, err = x.h.gate.Admit(x.r.Context(), x.control, x.device); err != nil {
		return err
	}
	var length counter
	if err := x.write(&length); err != nil {
		return err
	}
	h := x.w.Header()
	h.Set("Content-Type", "text/xml; charset=utf-8")
	h.Set("Content-Length", strconv.FormatInt(int64(length), 10))
	x.status = http.StatusOK
	x.w.WriteHeader(x.status)
	if x.r.Method == http.MethodHead {
		return nil
	}
	return x.write((*outlet)(x))
}

// write writes the document to w through one buffer.
func (x *exchange) write(w io.Writer) error {
	b, _ := x.h.buffers.Get().(*bufio.Writer)
	b.Reset(w)
	defer func() { b.Reset(nil); x.h.buffers.Put(b) }()
	d := &document{
		w: b, form: x.form, public: x.h.o.PublicURL, query: x.query, order: x.view.Collation().Digest(), names: x.device.Names, ascii: x.device.ASCII,
		caller: x.caller, write: x.plan.Profile(x.device).Write,
	}
	if len(x.shelf) > 0 {
		d.title = d.show(x.shelf[0].Title())
	}
	d.markup(declaration)
	if x.input {
		x.form.input(d)
		return b.Flush()
	}
	x.form.begin(d)
	x.counts = make([]int, len(x.shelf))
	whole := true
	for book, e := range x.members(x.r.Context()) {
		before := d.entries
		if whole = d.add(e); !whole || d.err != nil {
			break
		}
		x.counts[book] += d.entries - before
	}
	if whole || x.rings {
		d.next = ""
	}
	x.cut, x.entries = !whole, d.entries
	x.form.end(d)
	if err := x.r.Context().Err(); err != nil {
		return err // the search may have ended with it
	}
	return b.Flush()
}

// A counter counts what is written.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// An outlet sends a document to its phone.
type outlet exchange

func (o *outlet) Write(p []byte) (int, error) {
	// Where there is no deadline to set (a recorder), nothing can hang either.
	_ = o.control.SetWriteDeadline(time.Now().Add(writeWait))
	if err := o.pass.Ended(); err != nil {
		return 0, err
	}
	n, err := o.w.Write(p)
	o.bytes += int64(n)
	return n, err
}

// numberAttributes are what a search looks at beside names.
func numberAttributes() []string {
	return []string{"telephoneNumber", "mobile", "homePhone", "otherTelephone"}
}

// wanted is what is searched for: everybody, or whose name or number begins so.
func (x *exchange) wanted() *filter.Filter {
	if x.query == "" {
		return &filter.Filter{Op: filter.And}
	}
	f := &filter.Filter{Op: filter.Or, Children: []*filter.Filter{{Op: filter.Equal, Attribute: "anr", Value: x.query}}}
	for _, a := range numberAttributes() {
		f.Children = append(f.Children, &filter.Filter{Op: filter.Substrings, Attribute: a, Initial: x.query})
	}
	return f
}

// members yields whom the device sees, in the order of names, with the place of
// their book on its shelf.
func (x *exchange) members(ctx context.Context) iter.Seq2[int, *index.Entry] {
	key, id := "", directory.ContactID("")
	for _, b := range x.shelf {
		if e := b.Entry(directory.ContactID(x.after)); e != nil {
			key, id = e.SortKey(), e.Contact().ID
		}
	}
	if x.rings {
		return x.holders()
	}
	f := x.wanted()
	return func(yield func(int, *index.Entry) bool) {
		type head struct {
			book int
			e    *index.Entry
			next func() (*index.Entry, bool)
		}
		var heads []head
		for i, b := range x.shelf {
			next, stop := iter.Pull(b.SearchContext(ctx, f, key, id))
			defer stop()
			if e, ok := next(); ok {
				heads = append(heads, head{i, e, next})
			}
		}
		for len(heads) > 0 {
			first := 0
			for i := range heads {
				if before(heads[i].e, heads[first].e) {
					first = i
				}
			}
			h := &heads[first]
			if !yield(h.book, h.e) {
				return
			}
			var ok bool
			if h.e, ok = h.next(); !ok {
				heads = append(heads[:first], heads[first+1:]...)
			}
		}
	}
}

// holders yields who has the number that calls, best first.
func (x *exchange) holders() iter.Seq2[int, *index.Entry] {
	type holder struct {
		book int
		e    *index.Entry
	}
	var all []holder
	for i, b := range x.shelf {
		for _, e := range b.Holders(x.caller) {
			all = append(all, holder{i, e})
		}
	}
	if len(x.shelf) > 1 { // one book's are in order
		best := x.shelf[0].ByNumber(x.caller)
		slices.SortStableFunc(all, func(g, h holder) int { return best(g.e, h.e) })
	}
	return func(yield func(int, *index.Entry) bool) {
		for _, h := range all {
			if !yield(h.book, h.e) {
				return
			}
		}
	}
}

func before(a, b *index.Entry) bool {
	if a.SortKey() != b.SortKey() {
		return a.SortKey() < b.SortKey()
	}
	return a.Contact().ID < b.Contact().ID
}

// rendering is another number whenever the forms write something else.
const rendering = "1"

// tag is the entity tag (RFC 9110 §8.8.3): a digest of all that decides the document.
func (x *exchange) tag() string {
	parts := []string{
		rendering, x.form.name, string(x.view.Epoch()), string(x.device.Numbers), strconv.FormatBool(x.device.ASCII),
		x.plan.Digest(), strconv.FormatBool(x.plan.Prefixed(x.device)), x.h.o.PublicURL, x.view.Collation().Digest(), x.query, x.after, strconv.FormatBool(x.input),
		strconv.FormatBool(x.rings), x.caller,
	}
	if x.device.Names == directory.NamesPlain { // the others' tags are older than the styles
		parts = append(parts, string(x.device.Names))
	}
	for _, b := range x.shelf {
		parts = append(parts, string(b.Name()), b.Title(), strconv.FormatUint(uint64(b.Revision()), 10), strconv.FormatBool(b.Drained()))
	}
	h := sha256.New()
	for _, p := range parts {
		_, _ = io.WriteString(h, strconv.Itoa(len(p))+":"+p) // a hash does not fail
	}
	return `"` + hex.EncodeToString(h.Sum(nil)[:16]) + `"`
}

// knows reports whether If-None-Match (RFC 9110 §13.1.2) names tag.
func knows(list []string, tag string) bool {
	for _, header := range list {
		for t := range strings.SplitSeq(header, ",") {
			if t = strings.TrimPrefix(strings.TrimSpace(t), "W/"); t == "*" || t == tag {
				return true
			}
		}
	}
	return false
}

var errMethod = errors.New("no such method here")

// retryAfter is what a phone is told that comes while we are busy or not ready.
const retryAfter = 10 * time.Second

// refuse gives an error its meaning on this surface. The text of a fault of ours
// stays here.
func (x *exchange) refuse(err error) (int64, error) {
	h := x.w.Header()
	var throttled *directory.ThrottledError
	status, body, retry := http.StatusInternalServerError, "internal error", time.Duration(0)
	switch {
	case errors.As(err, &throttled):
		status, body, retry = http.StatusTooManyRequests, "too many failed logins, try again later", throttled.RetryAfter
	case errors.Is(err, directory.ErrCredential):
		status, body = http.StatusUnauthorized, "login refused"
		h.Set("WWW-Authenticate", `Basic realm="Ringbook", charset="UTF-8"`)
	case errors.Is(err, directory.ErrUnavailable):
		status, body, retry = http.StatusServiceUnavailable, "busy, try again soon", retryAfter
	case errors.Is(err, directory.ErrNotFound):
		status, body = http.StatusNotFound, "not found"
	case errors.Is(err, errMethod):
		status, body = http.StatusMethodNotAllowed, "this is read only"
		h.Set("Allow", x.form.allow())
	case errors.Is(err, directory.ErrTooLarge):
		status, body = http.StatusRequestURITooLong, "what is searched for is too long"
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		status, body = http.StatusRequestTimeout, "the phone went away"
	}
	if retry > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64((retry+time.Second-1)/time.Second), 10))
	}
	h.Del("ETag")
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(body)+1))
	x.status = status
	x.w.WriteHeader(status)
	n, err := io.WriteString(x.w, body+"\n")
	return int64(n), err
}

// allow is the header of that name.
func (f *form) allow() string {
	if f.post {
		return "GET, HEAD, POST"
	}
	return "GET, HEAD"
}

package carddav

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"ringbook/directory"
)

// cardType is the media type of our cards.
const cardType = "text/vcard; charset=utf-8"

// about is for people who open a book in a browser.
const about = "This is an address book of Ringbook. It is made to be read by a contacts app:\n" +
	"add a CardDAV account with this server's name and the login of your device.\n"

// get answers GET and HEAD. A page for people is all that a collection has.
func (x *exchange) get() error {
	r, err := x.find()
	if err != nil {
		return err
	}
	h := x.w.Header()
	h.Set("Cache-Control", "private, no-cache")
	if r.kind != kindCard {
		h.Set("Content-Type", "text/plain; charset=utf-8")
		return x.whole([]byte(about))
	}
	x.take(r.entry)
	b, err := x.cardBody()
	if err != nil {
		return err
	}
	etag := string(x.appendETag(nil, x.card.tag, &r))
	h.Set("ETag", etag)
	h.Set("Last-Modified", r.entry.Modified().UTC().Format(http.TimeFormat))
	if status := precondition(x.r.Header, etag); status != 0 {
		x.status = status
		x.w.WriteHeader(status)
		return nil
	}
	h.Set("Content-Type", cardType)
	x.visit.Step, x.visit.Book, x.visit.Cards = directory.StepSync, r.book.Name(), 1
	return x.whole(b)
}

// whole sends a body that is at hand.
func (x *exchange) whole(b []byte) error {
	x.w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	_ = x.control.SetWriteDeadline(time.Now().Add(writeWait))
	x.status = http.StatusOK
	x.responses = 1
	x.w.WriteHeader(x.status)
	if x.r.Method == http.MethodHead {
		return nil
	}
	n, err := x.w.Write(b)
	x.bytes = int64(n)
	return err
}

// precondition evaluates RFC 9110 §13.2.2 for a read; 0 = go on. Dates are not
// looked at: a card's bytes also depend on how its device gets numbers and
// photos, and change within a second and without the contact.
func precondition(h http.Header, etag string) int {
	if v := h.Values("If-Match"); len(v) > 0 && !hasTag(v, etag, false) {
		return http.StatusPreconditionFailed
	}
	if v := h.Values("If-None-Match"); len(v) > 0 && hasTag(v, etag, true) {
		return http.StatusNotModified
	}
	return 0
}

// hasTag reports whether a list of entity tags names etag. Our tags hold no
// comma, so one that does is not ours, however it is cut.
func hasTag(list []string, etag string, weak bool) bool {
	for _, header := range list {
		for t := range strings.SplitSeq(header, ",") {
			t = strings.TrimSpace(t)
			if weak {
				t = strings.TrimPrefix(t, "W/")
			}
			if t == "*" || t == etag {
				return true
			}
		}
	}
	return false
}

// Package carddavtest lends package carddav a book that can be written, for
// clients and suites of tests that have to write before they can read. Only tests
// and the program beside it import it (.golangci.yml): nothing of it is in the
// product, which has no way to write.
//
// A [Book] takes PUT and DELETE of cards. Everything else, and what is to be read
// of a write's own preconditions, is answered by [carddav.Handler] over a real
// [index.Index], as in the product. A card is kept as a [directory.Contact], so a
// client reads back what that holds: name, company, addresses, numbers. Its UID is
// the name of its resource, as everywhere in Ringbook.
package carddavtest

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"ringbook/directory"
	"ringbook/directory/index"
	"ringbook/directory/number"
	"ringbook/directory/transfer"
	"ringbook/server/carddav"
)

// The one book.
const (
	bookName = directory.BookName("people")
	title    = "Writable"
	suffix   = ".vcf"
)

// maxCard is the largest card that is taken, in octets: what the handler
// announces as CARDDAV:max-resource-size.
const maxCard = 100 << 10

// A Book is an [http.Handler] of one book of one device, and its store.
type Book struct {
	device directory.Device
	secret string
	index  *index.Index
	read   *carddav.Handler

	writing  sync.Mutex // held while a write is judged and done
	revision directory.Revision
}

// New makes an empty book that one login may read and write.
func New(login directory.Login, secret string) (*Book, error) {
	plan, err := number.NewPlan("DE")
	if err != nil {
		return nil, fmt.Errorf("number plan: %w", err)
	}
	var epoch [8]byte
	if _, err := rand.Read(epoch[:]); err != nil {
		return nil, fmt.Errorf("epoch: %w", err)
	}
	b := &Book{secret: secret, device: directory.Device{
		ID: "writer", Login: login, Name: "A suite of tests", Kind: directory.KindPhone, State: directory.DeviceActive,
		Books: []directory.BookName{bookName}, Numbers: directory.NumbersE164, Photos: directory.PhotoNone,
	}}
	b.index, err = index.New(index.Options{Books: []directory.Book{{Name: bookName, Title: title}}, Plan: plan},
		directory.Epoch(hex.EncodeToString(epoch[:])), 0, slices.Values([]index.Stored(nil)), slices.Values([]index.Mark(nil)))
	if err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	b.index.SetLoaded()
	b.read = carddav.New(carddav.Options{Directory: b, Auth: b})
	return b, nil
}

// Href is the path of the book.
func (b *Book) Href() string {
	return "/dav/ab/" + string(b.device.Login) + "/" + string(bookName) + "/"
}

// View implements [carddav.Directory].
func (b *Book) View() *index.View { return b.index.View() }

// Photo implements [carddav.Directory]: there are none.
func (b *Book) Photo(context.Context, directory.PhotoID, directory.PhotoSize) ([]byte, error) {
	return nil, directory.ErrNotFound
}

// Authenticate implements [carddav.Authenticator].
func (b *Book) Authenticate(_ context.Context, _ netip.Addr, login, secret string) (directory.Device, error) {
	if login != string(b.device.Login) || subtle.ConstantTimeCompare([]byte(secret), []byte(b.secret)) != 1 {
		return directory.Device{}, directory.ErrCredential
	}
	return b.device, nil
}

// Current implements [carddav.Authenticator].
func (b *Book) Current(directory.DeviceID) (directory.Device, error) { return b.device, nil }

// Attach implements [carddav.Authenticator]: nobody is ever revoked.
func (b *Book) Attach(directory.DeviceID, func()) (func(), error) { return func() {}, nil }

// ServeHTTP implements [http.Handler].
func (b *Book) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id, inBook := b.named(r.URL.Path)
	switch {
	case r.Method == http.MethodPut && inBook:
		b.write(w, func() error { return b.put(w, r, id) })
	case r.Method == http.MethodDelete && inBook:
		b.write(w, func() error { return b.remove(w, r, id) })
	case r.Method == http.MethodOptions:
		b.read.ServeHTTP(writable{w}, r)
	default:
		b.read.ServeHTTP(w, r)
	}
}

// named returns the contact whose card a path names. Names that no contact could
// have are left to the handler, which refuses to write them.
func (b *Book) named(path string) (directory.ContactID, bool) {
	name, inBook := strings.CutPrefix(path, b.Href())
	name, isCard := strings.CutSuffix(name, suffix)
	id, err := directory.ParseContactID(name)
	return id, inBook && isCard && err == nil && string(id) == name
}

// A writable answer to OPTIONS names the writes, too.
type writable struct{ http.ResponseWriter }

func (w writable) WriteHeader(status int) {
	if allow := w.Header().Get("Allow"); allow != "" {
		w.Header().Set("Allow", allow+", PUT, DELETE")
	}
	w.ResponseWriter.WriteHeader(status)
}

// A refusal is a write that is answered with a precondition of RFC 6352 §6.3.2.1.
type refusal struct{ condition string }

func (r refusal) Error() string { return r.condition }

// write answers a write that do does, one at a time.
func (b *Book) write(w http.ResponseWriter, do func() error) {
	b.writing.Lock()
	defer b.writing.Unlock()
	err := do()
	var refused refusal
	switch {
	case errors.As(err, &refused):
		w.Header().Set("Content-Type", "application/xml; charset=utf-8")
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `<d:error xmlns:d="DAV:" xmlns:card="urn:ietf:params:xml:ns:carddav">%s</d:error>`, refused.condition)
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}

// put stores the card of a body. The answer has no ETag: what is served is not
// what came, to the octet (RFC 6352 §6.3.2.3).
func (b *Book) put(w http.ResponseWriter, r *http.Request, id directory.ContactID) error {
	there, answered := b.meets(w, r)
	if answered {
		return nil
	}
	c, err := b.card(w, r, id)
	if err != nil {
		return err
	}
	b.apply([]index.Stored{{Contact: c, Modified: time.Now().UTC().Truncate(time.Second)}}, nil)
	if there {
		w.WriteHeader(http.StatusNoContent)
	} else {
		w.WriteHeader(http.StatusCreated)
	}
	return nil
}

// remove removes a card.
func (b *Book) remove(w http.ResponseWriter, r *http.Request, id directory.ContactID) error {
	there, answered := b.meets(w, r)
	switch {
	case answered:
	case !there:
		http.NotFound(w, r)
	default:
		b.apply(nil, []directory.ContactID{id})
		w.WriteHeader(http.StatusNoContent)
	}
	return nil
}

// apply makes one revision.
func (b *Book) apply(put []index.Stored, removed []directory.ContactID) {
	b.revision++
	b.index.Publish(b.index.Prepare(b.revision, put, removed))
}

// meets has the handler look at the resource, with the request's own login and
// preconditions. there = it exists; answered = the write may not go on, and the
// client has been told why.
func (b *Book) meets(w http.ResponseWriter, r *http.Request) (there, answered bool) {
	probe := r.Clone(r.Context())
	probe.Method, probe.Body, probe.ContentLength = http.MethodHead, http.NoBody, 0
	seen := &glance{header: http.Header{}}
	b.read.ServeHTTP(seen, probe)
	switch seen.status {
	case http.StatusOK:
		return true, false
	case http.StatusNotFound:
		if r.Header.Get("If-Match") == "" {
			return false, false
		}
		seen.status = http.StatusPreconditionFailed
	case http.StatusNotModified: // what If-None-Match says of a read
		seen.status = http.StatusPreconditionFailed
	}
	if challenge := seen.header.Get("WWW-Authenticate"); challenge != "" {
		w.Header().Set("WWW-Authenticate", challenge)
	}
	w.WriteHeader(seen.status)
	return false, true
}

// A glance is an answer of which only the head is wanted.
type glance struct {
	header http.Header
	status int
}

func (g *glance) Header() http.Header         { return g.header }
func (g *glance) WriteHeader(status int)      { g.status = status }
func (g *glance) Write(p []byte) (int, error) { return len(p), nil }

// card reads the one card of a request's body.
func (b *Book) card(w http.ResponseWriter, r *http.Request, id directory.ContactID) (*directory.Contact, error) {
	if t := r.Header.Get("Content-Type"); t != "" {
		media, _, err := mime.ParseMediaType(t)
		if err != nil || !slices.Contains([]string{"text/vcard", "text/x-vcard", "text/directory"}, media) {
			return nil, refusal{"<card:supported-address-data/>"}
		}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCard))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, refusal{"<card:max-resource-size/>"}
	}
	if err != nil {
		return nil, fmt.Errorf("body: %w", err)
	}
	f, err := transfer.ReadVCard(strings.NewReader(string(body)))
	if err != nil || len(f.Rows) != 1 || f.Read != 1 {
		return nil, refusal{"<card:valid-address-data/>"}
	}
	if uid := directory.ContactID(f.Rows[0].Key); uid != id && b.View().Entry(uid) != nil {
		return nil, refusal{"<card:no-uid-conflict><d:href>" + b.Href() + string(uid) + suffix + "</d:href></card:no-uid-conflict>"}
	}
	c := f.Rows[0].Contact
	c.ID, c.Source, c.Same = id, directory.SourceLocal, ""
	return &c, nil
}

package admin

import (
	"cmp"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"ringbook/directory"
	"ringbook/directory/index"
	"ringbook/directory/transfer"
)

// exportContacts streams contacts as a file: GET /v1/contacts/export?format=csv,
// with book= or source= only those of one. An error in the middle ends the
// connection, so that half a file is not taken for a whole one.
func (h handler) exportContacts(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	q := r.URL.Query()
	n := 0
	contacts, err := h.exported(directory.BookName(q.Get("book")), directory.Source(q.Get("source")))
	if err == nil && !slices.Contains(transfer.Formats(), q.Get("format")) {
		err = fmt.Errorf("format %q: %w", q.Get("format"), directory.ErrInvalid)
	}
	if err != nil {
		f := failure(err)
		write(w, f.Status, Error{Error: f.Message, Hint: f.Hint})
	} else if n, err = stream(w, q.Get("format"), contacts); err != nil {
		defer panic(http.ErrAbortHandler) // net/http's way to break an answer off
	}
	attrs := []slog.Attr{slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Int("contacts", n), slog.Duration("took", time.Since(start))}
	if err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	h.Log.LogAttrs(r.Context(), slog.LevelInfo, "admin request", attrs...)
}

// exported returns the contacts of a book, a source or the whole mirror, in the
// order of names.
func (h handler) exported(book directory.BookName, src directory.Source) (iter.Seq[*directory.Contact], error) {
	v := h.Directory.View()
	if !v.Loaded() {
		return nil, fmt.Errorf("the directory has not been loaded: %w", directory.ErrUnavailable)
	}
	if src != "" && !slices.Contains(directory.Sources(), src) {
		return nil, refuse(http.StatusBadRequest, directory.ErrInvalid, fmt.Sprintf("there is no source %q; there are: %s", src, list(directory.Sources())), "")
	}
	if src == directory.SourceMailbox && book == "" {
		return nil, refuse(http.StatusForbidden, directory.ErrInvalid, "what stands in a mailbox is its owner's", "name a book whose rule shows the mailbox: --book BOOK")
	}
	all := v.Ordered()
	if book != "" {
		shelf := v.Shelf([]directory.BookName{book}, false)
		if len(shelf) == 0 {
			return nil, refuse(http.StatusNotFound, directory.ErrNotFound, fmt.Sprintf("there is no book %q; there are: %s", book, list(h.books())), "")
		}
		all = func(yield func(*index.Entry) bool) {
			for e := range v.Ordered() {
				if shelf[0].Entry(cmp.Or(e.Leader(), e.Contact().ID)) != nil && !yield(e) {
					return
				}
			}
		}
	}
	return func(yield func(*directory.Contact) bool) {
		for e := range all {
			c := e.Contact()
			switch {
			case e.Private() && book == "":
				continue // its owner's
			case src != "":
				c = e.Stored() // as that source alone has it, to be read back
			case e.Leader() != "":
				continue // written as part of that one
			}
			if (src == "" || c.Source == src) && !yield(c) {
				return
			}
		}
	}, nil
}

func stream(w http.ResponseWriter, format string, contacts iter.Seq[*directory.Contact]) (n int, err error) {
	w.Header().Set("Content-Type", "application/octet-stream")
	out, err := transfer.NewWriter(w, format)
	if err != nil {
		return 0, err
	}
	for c := range contacts {
		if err := out.Write(c); err != nil {
			return n, err
		}
		n++
	}
	return n, out.Close()
}

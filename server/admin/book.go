package admin

import (
	"fmt"
	"net/http"
	"strings"

	"ringbook/directory"
	"ringbook/directory/filter"
	"ringbook/directory/index"
)

// maxShown is how many contacts of each kind an answer names at most: a person
// reads it.
const maxShown = 1000

func (h handler) listBooks(*http.Request) (any, error) {
	list := BookList{Books: []Book{}}
	for _, b := range h.Directory.View().Books() {
		list.Books = append(list.Books, Book{Name: b.Name(), Title: b.Title(), Filter: b.Rule(), Contacts: b.Len()})
	}
	return list, nil
}

func (h handler) preview(r *http.Request) (any, error) {
	req, err := read[PreviewRequest](r)
	if err != nil {
		return nil, err
	}
	v := h.Directory.View()
	if !v.Loaded() {
		return nil, fmt.Errorf("the directory has not been loaded: %w", directory.ErrUnavailable)
	}
	if req.Book == "" && len(v.Books()) > 0 {
		req.Book = v.Books()[0].Name()
	}
	p, err := v.Preview(r.Context(), req.Filter, req.Book)
	if err != nil {
		return nil, err
	}
	limit := min(max(req.Limit, 0), maxShown)
	out := Preview{
		In: p.In, Out: p.Out, Merged: p.Merged, Book: req.Book, Members: p.Members, Groups: p.Unknown, Reasons: []Reason{},
		Joining: len(p.Joining), Joiners: mentions(p.Joining, limit), Leaving: len(p.Leaving), Leavers: mentions(p.Leaving, limit),
	}
	for _, r := range p.Reasons {
		out.Reasons = append(out.Reasons, Reason{Filter: r.Filter, Result: resultText(r.Result), Count: r.Count, Examples: mentions(r.Examples, limit)})
	}
	return out, nil
}

// mentions names up to n contacts.
func mentions(entries []*index.Entry, n int) []Mention {
	list := make([]Mention, 0, min(n, len(entries)))
	for _, e := range entries[:min(n, len(entries))] {
		m := Mention{ID: e.Contact().ID, Name: e.Contact().Name()}
		if e.Private() {
			m = Mention{Name: "a contact of a mailbox"}
		}
		list = append(list, m)
	}
	return list
}

// resultText says how a filter came out.
func resultText(r filter.Result) string {
	return [...]string{"false", "undefined", "true"}[r+1]
}

// oneLine refuses what cannot be a question of a person.
func oneLine(what, s string, most int) error {
	if len(s) > most || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return refuse(http.StatusBadRequest, directory.ErrInvalid, fmt.Sprintf("%s must be one line of at most %d bytes", what, most), "")
	}
	return nil
}

package admin

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"ringbook/directory"
	"ringbook/directory/index"
	"ringbook/directory/transfer"
)

const (
	// maxImport is the largest part of an import: the command sends 1,000
	// contacts at a time, and at the end the ids of 100,000.
	maxImport = 16 << 20
	// maxSet is the longest name of an import.
	maxSet = 64
	// maxChanges is how many changes of a part of an import are told.
	maxChanges = 100
	// feedLocal is the feed of what is entered here. It has no cursor.
	feedLocal directory.Feed = "local"
)

func (h handler) addContact(r *http.Request) (any, error) {
	n, err := read[LocalContact](r)
	if err != nil {
		return nil, err
	}
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails
	id := directory.ContactID("l-" + hex.EncodeToString(b[:]))
	c := &directory.Contact{}
	if err := n.lay(c, h.Read); err != nil {
		return nil, err
	}
	return h.putContact(r, id, c)
}

func (h handler) editContact(r *http.Request) (any, error) {
	n, err := read[LocalContact](r)
	if err != nil {
		return nil, err
	}
	e, err := h.local(r)
	if err != nil {
		return nil, err
	}
	c := e.Stored().Clone()
	if err := n.lay(c, h.Read); err != nil {
		return nil, err
	}
	return h.putContact(r, c.ID, c)
}

func (h handler) removeContact(r *http.Request) (any, error) {
	e, err := h.local(r)
	if err != nil {
		return nil, err
	}
	was := contactOf(h.Directory.View(), e)
	_, err = h.Local.Apply(r.Context(), directory.Batch{
		Feed: feedLocal, Source: directory.SourceLocal, AcceptShrink: true, // a person names each
		Changes: []directory.Change{{ID: was.ID, Removed: true}},
	})
	return was, err
}

// local returns the contact that the path names, if it may be changed here.
func (h handler) local(r *http.Request) (*index.Entry, error) {
	v, given := h.Directory.View(), r.PathValue("id")
	e, err := findContact(v, given)
	if err != nil {
		return nil, err
	}
	if strings.Contains(given, "@") {
		// Of a person of several sources the part is meant that can be changed here.
		var own []*directory.Contact
		for _, p := range e.Parts() {
			if p.Source == directory.SourceLocal {
				own = append(own, p)
			}
		}
		if len(own) > 1 {
			return nil, refuse(http.StatusConflict, directory.ErrInvalid, fmt.Sprintf("%d contacts that were entered or imported here are %s", len(own), e.Contact().Name()),
				"give the id of the one that you mean; `ringbook contact show` names them")
		}
		if len(own) == 1 {
			e = v.Entry(own[0].ID)
		}
	}
	if src := e.Stored().Source; src != directory.SourceLocal {
		return nil, refuse(http.StatusConflict, directory.ErrInvalid, fmt.Sprintf("%s comes from the tenant (%s) and is changed there", e.Contact().Name(), src),
			"only contacts that were entered or imported here can be changed or removed here")
	}
	return e, nil
}

// putContact stores a whole contact and answers with it.
func (h handler) putContact(r *http.Request, id directory.ContactID, c *directory.Contact) (any, error) {
	if transfer.Empty(c) {
		return nil, refuse(http.StatusBadRequest, directory.ErrInvalid, "a contact needs a name, a company, an e-mail address or a number", "")
	}
	_, err := h.Local.Apply(r.Context(), directory.Batch{
		Feed: feedLocal, Source: directory.SourceLocal, AcceptShrink: true,
		Changes: []directory.Change{{ID: id, Fresh: true, Update: laying(c)}},
	})
	if err != nil {
		return nil, err
	}
	v := h.Directory.View()
	e := v.Entry(id)
	if e == nil {
		return nil, fmt.Errorf("contact %s: %w", id, directory.ErrNotFound) // removed in the same moment
	}
	return contactOf(v, e), nil
}

// laying makes a contact like c, but for what the store gives it.
func laying(c *directory.Contact) func(*directory.Contact) {
	return func(d *directory.Contact) {
		own := *d
		*d = *c.Clone()
		d.ID, d.Source, d.Photo = own.ID, own.Source, own.Photo
	}
}

// lay lays what is named over a contact.
func (n LocalContact) lay(c *directory.Contact, read func(*directory.Contact, string) string) error {
	texts := transfer.Texts(c)
	for field, value := range n.Texts {
		i := slices.IndexFunc(texts, func(t transfer.Text) bool { return t.Field == field })
		if i < 0 {
			return refuse(http.StatusBadRequest, directory.ErrInvalid, fmt.Sprintf("a contact has no field %q", field), "")
		}
		*texts[i].Value = value
	}
	if n.Emails != nil {
		for _, m := range *n.Emails {
			if !strings.Contains(m, "@") {
				return refuse(http.StatusBadRequest, directory.ErrInvalid, fmt.Sprintf("%q is no e-mail address", m), "")
			}
		}
		c.Emails = *n.Emails
	}
	if n.Phones != nil {
		c.Phones = nil
		for _, p := range *n.Phones {
			if !slices.Contains(directory.PhoneKinds(), p.Kind) || !strings.ContainsAny(p.Number, "0123456789") {
				return refuse(http.StatusBadRequest, directory.ErrInvalid, fmt.Sprintf("%q is no number of a kind (%s)", string(p.Kind)+"="+p.Number, list(directory.PhoneKinds())), "")
			}
			c.Phones = append(c.Phones, directory.Phone{Kind: p.Kind, Written: p.Number})
		}
	}
	transfer.Tidy(c, read)
	return nil
}

func (h handler) importContacts(r *http.Request) (any, error) {
	req, err := read[ImportRequest](r)
	if err != nil {
		return nil, err
	}
	if err := oneLine("the name of the import", req.Set, maxSet); err != nil || req.Set == "" {
		return nil, refuse(http.StatusBadRequest, directory.ErrInvalid, fmt.Sprintf("an import needs a name of 1 to %d bytes", maxSet), "")
	}
	b := directory.Batch{Feed: feedLocal + "/" + directory.Feed(req.Set), Source: directory.SourceLocal, AcceptShrink: req.AcceptShrink}
	if req.Last {
		b.Next = &directory.Cursor{}
	}
	report := ImportReport{Changes: []ImportChange{}}
	v := h.Directory.View()
	for i := range req.Rows {
		ch, err := h.importRow(v, req.Set, &req.Rows[i], &report)
		if err != nil {
			return nil, err
		}
		b.Changes = append(b.Changes, ch)
	}
	if req.Keep != nil {
		b.Changes = append(b.Changes, missing(v, req.Set, *req.Keep, &report)...)
	}
	if req.DryRun {
		report.Applied.Revision = v.Revision()
		return report, nil
	}
	report.Applied, err = h.Local.Apply(r.Context(), b)
	return report, err
}

// importRow makes a change of a row, and says what it comes to.
func (h handler) importRow(v *index.View, set string, row *ImportRow, report *ImportReport) (directory.Change, error) {
	id, err := directory.ParseContactID(string(row.ID))
	if err != nil || id != row.ID || !strings.HasPrefix(string(id), "l-") {
		return directory.Change{}, refuse(http.StatusBadRequest, directory.ErrInvalid, fmt.Sprintf("%q is no id of an imported contact", row.ID), "")
	}
	c := &row.Contact
	transfer.Tidy(c, h.Read)
	c.ID, c.Source, c.Set = id, directory.SourceLocal, set
	var fields []FieldChange
	old := v.Entry(id)
	if old != nil {
		fields = changed(old.Stored(), c)
	}
	switch {
	case old == nil:
		report.Applied.Added++
		report.tell(ImportChange{ID: id, Name: c.Name(), What: "added"})
	case len(fields) > 0:
		report.Applied.Changed++
		report.tell(ImportChange{ID: id, Name: c.Name(), What: "changed", Fields: fields})
	default:
		report.Applied.Unchanged++
	}
	return directory.Change{ID: id, Fresh: true, Update: laying(c)}, nil
}

func (r *ImportReport) tell(c ImportChange) {
	if len(r.Changes) < maxChanges {
		r.Changes = append(r.Changes, c)
	}
}

// missing removes the contacts of a set that are not to be kept.
func missing(v *index.View, set string, keep []directory.ContactID, report *ImportReport) []directory.Change {
	kept := make(map[directory.ContactID]bool, len(keep))
	for _, id := range keep {
		kept[id] = true
	}
	var gone []directory.Change
	for e := range v.All() {
		if c := e.Stored(); c.Source == directory.SourceLocal && c.Set == set && !kept[c.ID] {
			gone = append(gone, directory.Change{ID: c.ID, Removed: true})
			report.Applied.Removed++
			report.tell(ImportChange{ID: c.ID, Name: c.Name(), What: "removed"})
		}
	}
	return gone
}

// changed compares two contacts field by field.
func changed(old, now *directory.Contact) []FieldChange {
	var list []FieldChange
	add := func(field, was, is string) {
		if was != is {
			list = append(list, FieldChange{Field: field, Old: was, New: is})
		}
	}
	texts := transfer.Texts(now)
	for i, t := range transfer.Texts(old) {
		add(t.Field, *t.Value, *texts[i].Value)
	}
	add("emails", strings.Join(old.Emails, ", "), strings.Join(now.Emails, ", "))
	add("numbers", numbersText(old.Phones), numbersText(now.Phones))
	add("import", old.Set, now.Set)
	add("same as", string(old.Same), string(now.Same))
	return list
}

func numbersText(all []directory.Phone) string {
	words := make([]string, len(all))
	for i, p := range all {
		words[i] = string(p.Kind) + " " + p.Written
	}
	return strings.Join(words, ", ")
}

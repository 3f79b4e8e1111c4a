package ldap

import (
	"cmp"
	"iter"
	"slices"

	goldap "github.com/go-ldap/ldap/v3"

	"ringbook/directory"
	"ringbook/directory/filter"
	"ringbook/directory/index"
	"ringbook/directory/number"
)

// A member is a contact in the book in which a device sees it.
type member struct {
	book  directory.BookName
	entry *index.Entry
}

func compareMembers(a, b member) int {
	return cmp.Or(cmp.Compare(a.entry.SortKey(), b.entry.SortKey()),
		cmp.Compare(a.entry.Contact().ID, b.entry.Contact().ID))
}

// found is what a search finds: objects first, then contacts in the order of names.
type found struct {
	objects  []object
	contacts iter.Seq[member] // nil = they are the list
	list     []member
	queries  []query // whose hits the contacts are; nil = they are none
	// objectsLast: contacts come first, as objects have no key to be sorted by.
	objectsLast bool
	view        *index.View
	books       []*index.Book   // of the device
	plan        *number.Plan    // that it dials by
	profile     *number.Profile // in which its numbers are written
}

// have says that the contacts are those.
func (f *found) have(list []member) { f.list, f.contacts = list, nil }

// release ends the queries: nothing is found any more.
func (f *found) release() {
	for _, q := range f.queries {
		q.Release()
	}
}

// members yields the contacts.
func (f *found) members() iter.Seq[member] {
	if f.contacts == nil {
		return slices.Values(f.list)
	}
	return f.contacts
}

// few collects the contacts in room, if they are not many; false = they may be.
func (f *found) few(room []member) (_ []member, ok bool) {
	if len(f.queries) != 1 { // of several books they have to be merged
		return room, false
	}
	q := f.queries[0]
	var few [index.Few]*index.Entry
	entries, ok := q.AppendFew(few[:0])
	if !ok {
		return room, false
	}
	for _, e := range entries {
		room = append(room, member{q.book, e})
	}
	f.have(room)
	return room, true
}

// askable are the attributes that are never answered and that phones and Active
// Directory's clients search by all the same. They tell nothing that the answers
// do not. Nothing changes it.
var askable = [...]string{"objectCategory", "anr", "searchNumber", "modifyTimestamp"}

// hidden reports whether an attribute is for the rules of books only: what a
// device may not read it may not find out by asking either.
func hidden(a index.Attribute) bool { return a.Operational() && !slices.Contains(askable[:], a.Name()) }

// known finds an attribute that there is for devices.
func known(name string) (index.Attribute, bool) {
	a, ok := index.ParseAttribute(name)
	return a, ok && !hidden(a)
}

// hide prepares a filter of a request, and makes it ask for nothing that its client may not
// see: the leaf is undefined, as that of any attribute that nobody has heard of.
func (s sight) hide(f *filter.Filter) {
	for _, child := range f.Children {
		s.hide(child)
	}
	prepare(f)
	if a, ok := index.ParseAttribute(f.Attribute); ok && !s.sees(a) {
		f.Attribute, f.Rule, f.DN = "", "", false
	}
	if f.Op == filter.Extensible && f.Attribute == "" {
		s.anyAttribute(f)
	}
}

func knownName(name string) string {
	if a, ok := known(name); ok {
		return a.Name()
	}
	return "unknown"
}

// searcher returns as whom a client searches: the device, or what is let in without
// one. An error is the connection's end.
func (c *conn) searcher(who directory.DeviceID) (directory.Device, result, error) {
	switch {
	case who != "":
		d, err := c.current(who)
		return d, success, err
	case c.anonymous != nil:
		return c.anonymous.device(), success, nil
	}
	return directory.Device{}, refuse(goldap.LDAPResultInsufficientAccessRights, "log in first"), nil
}

// lookUp works out what q finds for a device, or for nobody in particular. An error is
// the connection's end.
func (c *conn) lookUp(q searchRequest, who directory.DeviceID) (directory.Device, found, result, error) {
	c.sight(who).hide(q.filter)
	q.filter.Stop = q.stop
	at := c.srv.tree.locate(q.base)
	var none found
	if at.kind == placeRoot && q.scope == scopeBase {
		none.objects = keep(q.filter, c.rootDSE())
		return directory.Device{}, none, success, nil
	}
	device, r, err := c.searcher(who)
	if err != nil || r != success {
		return device, none, r, err
	}
	view := c.srv.Directory.View()
	switch {
	case at.kind == placeSchema && who == "":
		return device, none, refuse(goldap.LDAPResultInsufficientAccessRights, "log in first"), nil
	case at.kind == placeSchema:
		if q.withTop() {
			none.objects = keep(q.filter, subschema())
		}
		return device, none, success, nil
	case !view.Loaded():
		return device, none, resultOf(directory.ErrUnavailable), nil
	case device.State == directory.DeviceDraining:
		return device, none, success, nil
	}
	shelf := c.sight(who).shelf(view.ShelfOf(device))
	f, r := c.srv.tree.search(at, q, shelf)
	f.view, f.books, f.plan = view, shelf, view.PlanOf(device)
	f.profile = f.plan.Profile(device)
	return device, f, r, nil
}

// search finds what a shelf has at and below a place.
func (t tree) search(at place, q searchRequest, shelf []*index.Book) (found, result) {
	var none found
	if at.kind == placeRoot || at.kind == placeElsewhere && q.scope != scopeBase {
		at.kind = placeBase // people type bases; see the package comment
	}
	switch at.kind {
	case placeBase:
		return t.searchBase(q, shelf), success
	case placeElsewhere:
		return none, noSuchObject("")
	case placeRoot, placeSchema, placeBook, placeContact, placeNothing:
	}
	i := slices.IndexFunc(shelf, func(b *index.Book) bool { return b.Name() == at.book })
	switch {
	case i < 0:
		return none, noSuchObject(t.base)
	case at.kind == placeBook:
		return t.searchBook(q, shelf[i]), success
	}
	switch e := shelf[i].Entry(at.id); {
	case e == nil:
		return none, noSuchObject(t.bookDN(at.book))
	case at.kind == placeContact:
		return t.readContact(q, shelf[i], e), success
	}
	return none, noSuchObject(string(t.appendContactDN(nil, at.book, at.id)))
}

func (t tree) searchBase(q searchRequest, shelf []*index.Book) found {
	var f found
	if q.withTop() {
		f.objects = keep(t.withDN(q.filter, ""), t.top)
	}
	if q.scope == scopeBase {
		return f
	}
	for _, b := range shelf {
		f.objects = append(f.objects, t.keepBook(t.withDN(q.filter, b.Name()), b)...)
	}
	if q.deep() || len(f.objects) == 0 {
		f.queries = t.queries(q, shelf)
		f.contacts = hits(f.queries, q.after)
	}
	return f
}

func (t tree) searchBook(q searchRequest, b *index.Book) found {
	var f found
	if q.withTop() {
		f.objects = t.keepBook(t.withDN(q.filter, b.Name()), b)
	}
	if q.scope != scopeBase {
		f.queries = t.queries(q, []*index.Book{b})
		f.contacts = hits(f.queries, q.after)
	}
	return f
}

// readContact is a search that begins at a contact, which has nothing below it.
func (t tree) readContact(q searchRequest, b *index.Book, e *index.Entry) (f found) {
	switch {
	case !q.withTop():
	case q.filter.Op == filter.Present && knownName(q.filter.Attribute) == "objectClass":
		f.have([]member{{b.Name(), e}})
	default:
		it := &filter.Filter{Op: filter.Equal, Attribute: "uid", Value: string(e.Contact().ID)}
		q.filter = &filter.Filter{Op: filter.And, Children: []*filter.Filter{it, q.filter}}
		f.contacts = hits(t.queries(q, []*index.Book{b}), q.after)
	}
	return f
}

// keepBook returns the object of a book if the filter is true for it. Most filters ask
// for nothing that such an object has, and are decided without making one.
func (t tree) keepBook(f *filter.Filter, b *index.Book) []object {
	asks := false
	r := f.Eval(func(leaf *filter.Filter) filter.Result {
		asks = asks || leaf.Attribute == "" || anyBook.find(leaf.Attribute) != nil
		return anyBook.lacks(leaf)
	})
	if !asks && r != filter.True {
		return nil
	}
	return keep(f, t.bookObject(b))
}

// anyBook has the attributes that the objects of books have. Nothing changes it.
var anyBook = tree{}.bookOf("book", "title")

// keep returns the object if the filter is true for it.
func keep(f *filter.Filter, o object) []object {
	if f.Eval(o.matches) != filter.True {
		return nil
	}
	return []object{o}
}

// A query is what is asked of one book.
type query struct {
	book directory.BookName
	*index.Query
}

// queries asks books for contacts.
func (t tree) queries(q searchRequest, books []*index.Book) []query {
	all := make([]query, len(books))
	for i, b := range books {
		all[i] = query{b.Name(), b.Query(t.forContacts(q.filter, b.Name()))}
	}
	return all
}

// hits yields the contacts that are found in several books in one order of names,
// from a position on.
func hits(queries []query, after position) iter.Seq[member] {
	return merge(queries, func(q query) iter.Seq[*index.Entry] { return q.Hits(after.key, after.id) }, compareMembers)
}

// atMost returns how many contacts there are at most.
func (f *found) atMost() (n int) {
	for _, q := range f.queries {
		n += q.AtMost()
	}
	return n
}

// better yields those of the contacts that come first if there is no room for all, the
// best kind first; see [index.Query.Better].
func (f *found) better(kind int) iter.Seq[member] {
	compare := compareMembers
	if order := f.order(); order != nil && kind == 0 {
		compare = func(a, b member) int { return order(a.entry, b.entry) }
	}
	return merge(f.queries, func(q query) iter.Seq[*index.Entry] { return q.Better(kind) }, compare)
}

// order returns the order in which the contacts are best read; nil = that of names.
func (f *found) order() func(a, b *index.Entry) int {
	if len(f.queries) == 0 {
		return nil
	}
	return f.queries[0].Order()
}

// merge yields what is found in several books in the order that it has in each.
func merge(queries []query, search func(query) iter.Seq[*index.Entry], compare func(a, b member) int) iter.Seq[member] {
	if len(queries) == 1 {
		q := queries[0]
		return func(yield func(member) bool) {
			for e := range search(q) {
				if !yield(member{q.book, e}) {
					return
				}
			}
		}
	}
	return func(yield func(member) bool) {
		var heads []head
		for _, q := range queries {
			next, stop := iter.Pull(search(q))
			defer stop()
			if e, ok := next(); ok {
				heads = append(heads, head{member{q.book, e}, next})
			}
		}
		for len(heads) > 0 {
			i := first(heads, compare)
			if !yield(heads[i].member) {
				return
			}
			if e, ok := heads[i].next(); ok {
				heads[i].entry = e
			} else {
				heads = slices.Delete(heads, i, i+1)
			}
		}
	}
}

// A head is the next contact of one book.
type head struct {
	member
	next func() (*index.Entry, bool)
}

// first returns which head comes first; books are few, so a look at each is enough.
func first(heads []head, compare func(a, b member) int) int {
	least := 0
	for i := range heads {
		if compare(heads[i].member, heads[least].member) < 0 {
			least = i
		}
	}
	return least
}

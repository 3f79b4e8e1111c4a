// Package index is the directory as every read sees it: an immutable [View],
// made anew from the one before it in proportion to what changed, and swapped
// atomically.
//
// # How a view is made
//
// Each contact gets a slot, a small number that is its own for the life of the
// process. A view keeps its entries by slot in an array of pages; the next view
// shares all pages but those that a change touches. For each book there is a
// second such array, which says at which revision a contact last changed in
// the book or left it, and a log of those changes in their order, which views
// share as well: an older view sees a shorter piece of it. So ten changes among
// 100,000 contacts copy some ten pages, and nothing is ever scanned.
//
// # How a view is searched
//
// An [Entry] holds its contact's values in the form in which they are compared
// (package text folds names). A filter is compiled once for each search (a [Query]),
// which folds its values, and is then evaluated for candidates only: those members of
// whom postings say that the filter may be true. What the best of many hits are is
// asked of the same Query: a better hit is one that has a narrower sign as well.
//
// A value that asks for the beginning of a name is read as words: each begins a
// word of the contact's names, in any order, or of the company or department. Digits
// are read as a keypad's letters too, where no number is looked for beside them.
//
// A posting is a slot and the first bytes of a text: of a name from each place on
// where a word begins; of a company or a department likewise; of other texts and
// addresses; of a number's spellings and its last digits. Postings are kept sorted, so
// that those of all texts that begin alike are found by bisection. What stands in the middle of a text, or of a number, is found
// by its grams, three bytes each: for each gram there is a list of who has it. And
// takes the candidates of the operand that has the fewest, Or those of all its
// operands; what is not indexed, or is negated, may be true for anybody, and if
// nothing else says who, every member is looked at.
//
// A candidate is never more than that. It may be of a longer text, of another
// attribute, of another book, or of a value that the contact had once: the filter
// is evaluated for it as for any other. So a change need not find the postings
// that it makes stale. It adds a short run of its own, which says whose postings in
// older runs are stale, and runs are merged when one is not much longer than the next,
// without what is stale by then; ten changes among 100,000 contacts still cost what ten
// changes cost, nearly always. Runs are never changed, and an older view keeps its own.
// The lists of grams are in such runs as well, but for those of the last thousand
// changes: each of these has a signature, a few words in which its grams are bits, and
// every search looks at them. A change of nothing by which a contact is found, such as
// its photo, adds nothing to either.
//
// Few candidates are sorted by name. Many are put into their order by marking their
// places in the order of all. If they are a large part of all, as they are while the
// first letter is typed, all contacts are gone through in their order instead, of which
// the first fifty hits are not far. In either case some are fetched from memory at a
// time: they lie in it in no order, and to wait for each is what reading many costs.
package index

import (
	"cmp"
	"fmt"
	"hash/maphash"
	"iter"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"ringbook/directory"
	"ringbook/directory/filter"
	"ringbook/directory/number"
	"ringbook/directory/text"
)

// Options shape an index.
type Options struct {
	Books     []directory.Book // at least one
	Plan      *number.Plan     // of the default site; it knows those of the others
	MaxPhones int              // further numbers of a contact are not shown; 0 = no limit
	// MailboxTitle is the title of private books; "{name}" in it is the owner's name.
	MailboxTitle string
	// Precedence says which source is believed where a contact sits in several.
	Precedence directory.Precedence
	Collation  *text.Collation   // the order of names
	Known      []directory.Group // of which it is known who belongs to them; see [Index.SetKnown]
}

// A Stored is a contact as the store keeps it.
type Stored struct {
	Contact  *directory.Contact
	Modified time.Time // when the value last changed, in whole seconds UTC
}

// A Mark says at which revision a contact last changed in a book, or left it.
type Mark struct {
	Book     directory.BookName
	ID       directory.ContactID
	Revision directory.Revision
	Gone     bool
}

// An Index holds the newest view. Prepare, Publish and Reconcile are for the
// one writer; View is for everybody, at any time.
type Index struct {
	books        []*book // in the order of Options
	plan         *number.Plan
	everywhere   *number.Plan // reads as all sites do
	maxPhones    int
	precedence   directory.Precedence
	collation    *text.Collation
	mailboxTitle string
	seed         maphash.Seed
	known        map[directory.Group]struct{} // the writer's
	slots        *slots
	view         atomic.Pointer[View]
	order        atomic.Pointer[order] // the last that was made
	markings     sync.Pool             // of *marking
	queries      sync.Pool             // of *Query
	writing      sync.Mutex            // held while one view is made out of another
}

// A book is what the configuration says of a book, ready for use.
type book struct {
	name   directory.BookName
	title  string
	filter string
	rule   func(*Entry) filter.Result
	// groups are those that the rule asks for, mailboxes those that it names.
	groups    []directory.Group
	mailboxes []string
	place     int  // among the books; not of a private one
	private   bool // of a mailbox
}

// slots finds the slot of an id. It only ever grows and all views share it: a
// view does not know the slots that were given after it was made.
type slots struct {
	mu sync.RWMutex
	of map[directory.ContactID]int
}

func (s *slots) find(id directory.ContactID) (int, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	slot, ok := s.of[id]
	return slot, ok
}

// New makes an index of what a store holds: each contact once. Marks of books that are
// not in Options are ignored. A rule that cannot be read is [directory.ErrInvalid].
func New(o Options, epoch directory.Epoch, rev directory.Revision, contacts iter.Seq[Stored], marks iter.Seq[Mark]) (*Index, error) {
	x := &Index{
		plan: o.Plan, maxPhones: o.MaxPhones, precedence: o.Precedence, collation: o.Collation, mailboxTitle: o.MailboxTitle, seed: maphash.MakeSeed(),
		slots:    &slots{of: map[directory.ContactID]int{}},
		known:    map[directory.Group]struct{}{},
		markings: sync.Pool{New: func() any { return new(marking) }},
		queries:  sync.Pool{New: func() any { return new(Query) }},
	}
	if x.plan != nil {
		x.everywhere = x.plan.Everywhere()
	}
	for _, g := range o.Known {
		x.SetKnown(g, true)
	}
	byName := map[directory.BookName]int{}
	for i, b := range o.Books {
		rule, err := ParseRule(b.Filter)
		if err != nil {
			return nil, fmt.Errorf("rule of book %s: %w", b.Name, err)
		}
		if directory.IsMailboxBook(b.Name) {
			return nil, fmt.Errorf("book %s has the name of a mailbox's: %w", b.Name, directory.ErrInvalid)
		}
		if _, twice := byName[b.Name]; twice {
			return nil, fmt.Errorf("book %s twice: %w", b.Name, directory.ErrInvalid)
		}
		byName[b.Name] = i
		x.books = append(x.books, &book{
			name: b.Name, title: b.Title, filter: cmp.Or(b.Filter, directory.DefaultFilter), rule: compile(rule, &numberReader{plan: x.plan}, rules()),
			groups: Groups(rule), mailboxes: mailboxesOf(rule), place: i,
		})
	}
	v := &View{index: x, epoch: epoch, revision: rev, order: &order{}, known: maps.Clone(x.known), histories: make([]*history, len(x.books))}
	x.fill(v, contacts)
	all := make([][]step, len(x.books))
	private := make(map[directory.BookName][]step)
	for m := range marks {
		if directory.IsMailboxBook(m.Book) {
			private[m.Book] = append(private[m.Book], step{stampOf(m.Revision, m.Gone), x.slot(v, m.ID)})
		} else if i, ok := byName[m.Book]; ok {
			all[i] = append(all[i], step{stampOf(m.Revision, m.Gone), x.slot(v, m.ID)})
		}
	}
	for i, steps := range all {
		v.histories[i] = (&history{}).add(steps, v.ids)
	}
	v.publishPrivate(private)
	x.view.Store(v)
	return x, nil
}

// fill puts the contacts into the first view. Folding and sorting is most of
// the work, and what a start waits for.
func (x *Index) fill(v *View, contacts iter.Seq[Stored]) {
	all := slices.Collect(contacts)
	made := make([]*Entry, len(all))
	runs := make([]run, runtime.GOMAXPROCS(0))
	share(len(all), len(runs), func(_, from, to int) {
		for i := from; i < to; i++ {
			made[i] = x.newEntry(all[i])
		}
	})
	x.place(v, made, nil)
	share(len(made), len(runs), func(n, from, to int) { runs[n] = x.run(made[from:to]) })
	v.postings = v.postings.add(mergeAll(runs), v.contacts)
	v.fillGrams(made)
	x.joinAll(v, made)
}

// joinAll joins the contacts of a first view that are of one person.
func (x *Index) joinAll(v *View, made []*Entry) {
	if v.others == 0 {
		return
	}
	news := make(map[directory.ContactID]*Entry, v.others)
	for _, e := range made {
		if joinable(e) {
			news[e.stored.ID] = e
		}
	}
	var joined []*Entry
	for id, p := range newJoiner(v, news).persons() {
		if e := v.Entry(id); !e.is(p) {
			joined = append(joined, x.with(e, p, 0))
		}
	}
	x.post(v, x.place(v, joined, nil))
}

// share has each of some workers do its share of n things.
func share(n, workers int, do func(worker, from, to int)) {
	size := n/workers + 1
	var group sync.WaitGroup
	for w := range workers {
		if from := w * size; from < n {
			group.Go(func() { do(w, from, min(from+size, n)) })
		}
	}
	group.Wait()
}

// slot returns the slot of id, giving it one if it has none, in a view that
// nobody else sees yet.
func (x *Index) slot(v *View, id directory.ContactID) int {
	if slot, ok := x.slots.find(id); ok {
		return slot
	}
	x.slots.mu.Lock()
	defer x.slots.mu.Unlock()
	slot := len(v.ids)
	x.slots.of[id] = slot
	v.ids = append(v.ids, id)
	return slot
}

// View returns the newest view.
func (x *Index) View() *View { return x.view.Load() }

// SetLoaded says that the mirror has been loaded once.
func (x *Index) SetLoaded() {
	x.writing.Lock()
	defer x.writing.Unlock()
	v := *x.view.Load()
	v.loaded = true
	x.view.Store(&v)
}

package directory

import "time"

// An Activity is what a device has done last: what an administrator needs to know
// who hears no more than "there are no contacts on my phone".
type Activity struct {
	Device    DeviceID  `json:"device"`
	FirstSeen time.Time `json:"first_seen,omitzero"` // when it first logged in with the right secret
	LastSeen  time.Time `json:"last_seen,omitzero"`
	UserAgent string    `json:"user_agent,omitempty"` // of CardDAV's last request, cut
	// Step is how far it came in finding its books, at StepAt.
	Step   Step      `json:"step,omitempty"`
	StepAt time.Time `json:"step_at,omitzero"`

	Books map[BookName]BookActivity `json:"books,omitempty"` // by CardDAV, or as phone books

	Searched time.Time `json:"searched,omitzero"` // the last search by LDAP or lookup
	Searches int       `json:"searches,omitempty"`

	Refused     int       `json:"refused,omitempty"` // writes
	LastRefused time.Time `json:"last_refused,omitzero"`
	Heals       Heals     `json:"heals,omitzero"`
}

// A Step is one of the steps by which a CardDAV client finds its books.
type Step string

// The steps, in their order.
const (
	StepLogin     Step = "login"     // it logged in and asked for something else
	StepPrincipal Step = "principal" // it found out who it is
	StepHome      Step = "home"      // it asked which books there are
	StepBook      Step = "book"      // it looked at a book
	StepSync      Step = "sync"      // it read what is in a book
)

// A BookActivity is what a device has read of one book.
type BookActivity struct {
	Synced   time.Time `json:"synced,omitzero"`  // it was told everything there was
	Revision Revision  `json:"revision"`         // of the book then
	Told     int       `json:"told"`             // responses, when one answer last told it all that there was
	Cards    int       `json:"cards"`            // sent, in all
	Healed   uint64    `json:"healed,omitempty"` // the last of its heals that it was told the truth about
	// Emptied is when a draining device, or one that may not see the book any more, was
	// first told that the book is empty, Looked when it then looked whether there is
	// anything new, and Confirmed when it came back and knew.
	Emptied   time.Time `json:"emptied,omitzero"`
	Looked    time.Time `json:"looked,omitzero"`
	Confirmed time.Time `json:"confirmed,omitzero"`
}

// Holds reports whether the device may still have contacts of the book: it was sent
// some, or told whom there is, and has not been seen to have emptied it.
func (b BookActivity) Holds() bool {
	return (b.Cards > 0 || !b.Synced.IsZero()) && b.Confirmed.IsZero()
}

// MaxHeals is how many refused writes are remembered of a device. One more makes
// it read everything again.
const MaxHeals = 32

// Heals are the writes that a device was refused and that its owner sees on the
// screen all the same. Each has a number, and the device is told the truth about
// those whose numbers are above what it knows.
type Heals struct {
	Count uint64 `json:"count,omitempty"` // the highest number given
	// Whole is the number at which everything is told anew.
	Whole uint64 `json:"whole,omitempty"`
	List  []Heal `json:"list,omitempty"` // by number, at most MaxHeals
}

// A Heal is one refused write.
type Heal struct {
	Number uint64    `json:"n"`
	Book   BookName  `json:"book"`
	Name   string    `json:"name"` // last segment of the href, such as "<contact id>.vcf"
	At     time.Time `json:"at"`
}

// Add returns the heals with another refused write. One of which the device has not
// been told the truth yet, up to the number told, is not remembered twice: some
// clients try again and again.
func (h Heals) Add(book BookName, name string, at time.Time, told uint64) Heals {
	next := Heals{Count: h.Count + 1, Whole: h.Whole}
	for _, one := range h.List {
		if one.Book == book && one.Name == name {
			if one.Number > told {
				return h
			}
			continue
		}
		next.List = append(next.List, one)
	}
	if len(next.List) == MaxHeals { // the oldest is forgotten: who has not heard of it hears everything
		next.List, next.Whole = next.List[1:], next.Count
	}
	next.List = append(next.List, Heal{Number: next.Count, Book: book, Name: name, At: at})
	return next
}

// All returns heals by which everything is told anew, and that of what the client
// made up there is nothing.
func (h Heals) All() Heals { return Heals{Count: h.Count + 1, Whole: h.Count + 1, List: h.List} }

// After returns the refused writes of a book with numbers above n, by number.
func (h Heals) After(book BookName, n uint64) (list []Heal) {
	for _, one := range h.List {
		if one.Book == book && one.Number > n {
			list = append(list, one)
		}
	}
	return list
}

// Last returns the newest number that concerns a book, 0 = none.
func (h Heals) Last(book BookName) uint64 {
	newest := h.Whole
	for _, one := range h.List {
		if one.Book == book {
			newest = max(newest, one.Number)
		}
	}
	return newest
}

// Of returns the number at which a card of a book is to be told anew, 0 = never.
func (h Heals) Of(book BookName, name string) uint64 {
	for _, one := range h.List {
		if one.Book == book && one.Name == name {
			return max(one.Number, h.Whole)
		}
	}
	return h.Whole
}

package store

import (
	"iter"

	"ringbook/directory"
)

// An ask says when a contact's photo was last asked for: a place in the queue
// of its source.
type ask struct {
	id         directory.ContactID
	at         int64 // seconds since 1970; 0 = never
	prev, next *ask  // a ring, so that no end is special
}

func (a *ask) unlink() {
	a.prev.next, a.next.prev = a.next, a.prev
}

// insertAfter puts a behind p.
func (a *ask) insertAfter(p *ask) {
	a.prev, a.next = p, p.next
	p.next.prev, p.next = a, a
}

// A queue holds the contacts of one source: fresh ones in the order of their
// arrival, and those asked for, oldest first. Both are the heads of rings.
type queue struct{ fresh, asked *ask }

func newQueue() *queue {
	q := &queue{fresh: new(ask), asked: new(ask)}
	q.fresh.prev, q.fresh.next = q.fresh, q.fresh
	q.asked.prev, q.asked.next = q.asked, q.asked
	return q
}

// insert finds a's place from the end, where it nearly always is.
func (q *queue) insert(a *ask) {
	if a.at == 0 {
		a.insertAfter(q.fresh.prev)
		return
	}
	p := q.asked.prev
	for p != q.asked && p.at > a.at {
		p = p.prev
	}
	a.insertAfter(p)
}

// all yields the contacts in the order in which they are to be asked for.
func (q *queue) all() iter.Seq[*ask] {
	return func(yield func(*ask) bool) {
		for _, head := range []*ask{q.fresh, q.asked} {
			for a := head.next; a != head; a = a.next {
				if !yield(a) {
					return
				}
			}
		}
	}
}

// asks are the queues of all sources. Finding whose turn it is, and moving
// somebody, cost the same for ten people and for 100,000.
type asks struct {
	places map[directory.ContactID]*ask
	queues map[directory.Source]*queue
}

func newAsks() asks {
	return asks{
		places: make(map[directory.ContactID]*ask),
		queues: make(map[directory.Source]*queue),
	}
}

func (k asks) queue(src directory.Source) *queue {
	q := k.queues[src]
	if q == nil {
		q = newQueue()
		k.queues[src] = q
	}
	return q
}

// put gives a contact its place; a known one moves.
func (k asks) put(id directory.ContactID, src directory.Source, at int64) {
	a := k.places[id]
	if a == nil {
		a = &ask{id: id}
		k.places[id] = a
	} else {
		a.unlink()
	}
	a.at = at
	k.queue(src).insert(a)
}

func (k asks) remove(id directory.ContactID) {
	if a := k.places[id]; a != nil {
		a.unlink()
		delete(k.places, id)
	}
}

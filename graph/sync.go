package graph

import (
	"context"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"ringbook/directory"
)

// roundDeadline ends a round that hangs or is led astray. A tenant of 100,000
// is read in minutes, even when Graph asks for pauses.
const roundDeadline = time.Hour

// A deltaFeed is a feed that a delta query answers.
type deltaFeed struct {
	*Mirror
	name       directory.Feed
	source     directory.Source
	collection string // of Graph: "users"
	permission string // that reading it needs
	mapping    *mapping
	question   string // that its cursor answers
}

// A deltaRound is one round of a delta query.
//
// A full round is mark and sweep: each page is applied as it comes, and the
// last one removes what was not seen. Any error ends the round. What was
// applied until then is true and stays; the cursor has not moved, so the next
// round reads the same news again, which changes nothing a second time.
// Nothing is ever swept on the strength of an answer that was no success.
type deltaRound struct {
	*Mirror
	name    directory.Feed
	link    string // where to go on from; "" = with a full round
	prefer  string // the Prefer header
	mapping *mapping
	// adapt, if set, makes of an object as it came one that the mapping reads.
	adapt func(context.Context, object) error
	// batch makes a batch of the changes of a page; delta is the link that the
	// next round goes on from, and "" before the last page.
	batch func(changes []directory.Change, delta string) directory.Batch

	done *directory.Round
	full bool
	seen map[directory.ContactID]struct{} // nil = not a full round
}

// step runs a round, in one step.
func (d *deltaFeed) step(ctx context.Context, o order, done *directory.Round) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, roundDeadline)
	defer cancel()
	err := d.run(ctx, o.SyncRequest, done)
	d.progress(Progress{Feed: d.name, Read: done.Read, Done: true})
	if err != nil {
		err = &needError{d.permission, err}
	}
	return true, err
}

func (d *deltaFeed) run(ctx context.Context, req directory.SyncRequest, done *directory.Round) error {
	cur, err := d.sink.Cursor(ctx, d.name)
	if err != nil {
		return err
	}
	r := &deltaRound{Mirror: d.Mirror, name: d.name, mapping: d.mapping, done: done}
	if !req.Full && cur.Question == d.question {
		r.link = cur.Link
	}
	r.batch = func(changes []directory.Change, delta string) directory.Batch {
		b := directory.Batch{Feed: d.name, Source: d.source, AcceptShrink: req.AcceptShrink, Changes: changes}
		if delta != "" {
			b.Next = &directory.Cursor{Link: delta, Question: d.question}
			if r.seen != nil {
				b.Sweep = r.wasSeen
			}
		}
		return b
	}
	return r.run(ctx, d.collection)
}

// run runs the round, and once more from the beginning where Graph asks for it.
// The delta query is of the collection that the path leads to.
func (r *deltaRound) run(ctx context.Context, path ...string) error {
	r.full = r.link == ""
	err := r.pages(ctx, path)
	if names := r.mapping.refuse(err); len(names) > 0 {
		r.log.LogAttrs(ctx, slog.LevelWarn, "properties not known to this Graph, read without them",
			slog.String("feed", string(r.name)), slog.String("properties", strings.Join(names, ",")))
		err = r.pages(ctx, path)
	}
	if !r.full && mustResync(err) {
		r.log.LogAttrs(ctx, slog.LevelInfo, "delta link expired, reading everything again", slog.String("feed", string(r.name)))
		r.full = true
		err = r.pages(ctx, path)
	}
	if pageExpired(err) {
		r.log.LogAttrs(ctx, slog.LevelInfo, "page link expired, beginning the round again", slog.String("feed", string(r.name)))
		err = r.pages(ctx, path)
	}
	return err
}

// pages reads and applies all pages, from the link or from the beginning.
func (r *deltaRound) pages(ctx context.Context, path []string) error {
	link := r.link
	r.seen = nil
	if r.full {
		r.done.Full = true
		r.seen = make(map[directory.ContactID]struct{})
		link = r.client.path("$select="+url.QueryEscape(strings.Join(r.mapping.selected(), ",")), append(path, "delta")...)
	}
	return r.client.walk(ctx, link, r.prefer, func(p page) error { return r.apply(ctx, p) })
}

func (r *deltaRound) apply(ctx context.Context, p page) error {
	changes := make([]directory.Change, 0, len(p.Value))
	for _, o := range p.Value {
		r.done.Read++
		if r.adapt != nil {
			if err := r.adapt(ctx, o); err != nil {
				return err
			}
		}
		if ch, ok := r.change(ctx, o); ok {
			changes = append(changes, ch)
		}
	}
	delta := p.Delta
	if p.Next != "" {
		delta = ""
	}
	if b := r.batch(changes, delta); len(b.Changes) > 0 || b.Next != nil {
		a, err := r.sink.Apply(ctx, b)
		if err != nil {
			return err
		}
		r.done.Applied = r.done.Applied.Add(a)
	}
	r.progress(Progress{Feed: r.name, Read: r.done.Read})
	return nil
}

// wasSeen reports whether a full round has seen a contact.
func (r *deltaRound) wasSeen(id directory.ContactID) bool {
	_, ok := r.seen[id]
	return ok
}

// change maps one object; an object that cannot be mapped is named and left out.
func (r *deltaRound) change(ctx context.Context, o object) (directory.Change, bool) {
	ch, unread, err := r.mapping.change(o)
	if err != nil {
		r.done.Skip(o.name(), skipID)
		r.log.LogAttrs(ctx, slog.LevelWarn, "object skipped", slog.String("feed", string(r.name)), slog.Any("error", err))
		return ch, false
	}
	if unread != nil {
		r.done.Note(string(ch.ID), skipProperties(unread))
		r.log.LogAttrs(ctx, slog.LevelWarn, "properties skipped", slog.String("feed", string(r.name)),
			slog.String("id", string(ch.ID)), slog.Any("error", unread))
	}
	if r.seen != nil && !ch.Removed {
		_, again := r.seen[ch.ID]
		ch.Fresh = !again && unread == nil // what cannot be read stays as it is
		r.seen[ch.ID] = struct{}{}
	}
	return ch, true
}

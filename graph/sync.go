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

// A deltaRound is one round of a delta feed.
//
// A full round is mark and sweep: each page is applied as it comes, and the
// last one removes what was not seen. Any error ends the round. What was
// applied until then is true and stays; the cursor has not moved, so the next
// round reads the same news again, which changes nothing a second time.
// Nothing is ever swept on the strength of an answer that was no success.
type deltaRound struct {
	*deltaFeed
	req  directory.SyncRequest
	done *directory.Round
	seen map[directory.ContactID]struct{} // nil = not a full round
}

// step runs a round, in one step.
func (d *deltaFeed) step(ctx context.Context, o order, done *directory.Round) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, roundDeadline)
	defer cancel()
	r := &deltaRound{deltaFeed: d, req: o.SyncRequest, done: done}
	err := r.run(ctx)
	d.progress(Progress{Feed: d.name, Read: done.Read, Done: true})
	if err != nil {
		err = &needError{d.permission, err}
	}
	return true, err
}

func (r *deltaRound) run(ctx context.Context) error {
	cur, err := r.sink.Cursor(ctx, r.name)
	if err != nil {
		return err
	}
	r.done.Full = r.req.Full || cur.Link == "" || cur.Question != r.question
	err = r.pages(ctx, cur)
	if names := r.mapping.refuse(err); len(names) > 0 {
		r.log.LogAttrs(ctx, slog.LevelWarn, "properties not known to this Graph, read without them",
			slog.String("feed", string(r.name)), slog.String("properties", strings.Join(names, ",")))
		err = r.pages(ctx, cur)
	}
	if !r.done.Full && mustResync(err) {
		r.log.LogAttrs(ctx, slog.LevelInfo, "delta link expired, reading the tenant again", slog.String("feed", string(r.name)))
		r.done.Full = true
		err = r.pages(ctx, cur)
	}
	if pageExpired(err) {
		r.log.LogAttrs(ctx, slog.LevelInfo, "page link expired, beginning the round again", slog.String("feed", string(r.name)))
		err = r.pages(ctx, cur)
	}
	return err
}

// pages reads and applies all pages, from the cursor or from the beginning.
func (r *deltaRound) pages(ctx context.Context, cur directory.Cursor) error {
	link := cur.Link
	r.seen = nil
	if r.done.Full {
		r.seen = make(map[directory.ContactID]struct{})
		link = r.client.path("$select="+url.QueryEscape(strings.Join(r.mapping.selected(), ",")), r.collection, "delta")
	}
	return r.client.walk(ctx, link, func(p page) error { return r.apply(ctx, p) })
}

func (r *deltaRound) apply(ctx context.Context, p page) error {
	b := directory.Batch{
		Feed: r.name, Source: r.source, AcceptShrink: r.req.AcceptShrink,
		Changes: make([]directory.Change, 0, len(p.Value)),
	}
	for _, o := range p.Value {
		r.done.Read++
		if ch, ok := r.change(ctx, o); ok {
			b.Changes = append(b.Changes, ch)
		}
	}
	if p.Next == "" {
		b.Next = &directory.Cursor{Link: p.Delta, Question: r.question}
		if r.seen != nil {
			b.Sweep = func(id directory.ContactID) bool { _, ok := r.seen[id]; return ok }
		}
	}
	if len(b.Changes) > 0 || b.Next != nil {
		a, err := r.sink.Apply(ctx, b)
		if err != nil {
			return err
		}
		r.done.Applied = r.done.Applied.Add(a)
	}
	r.progress(Progress{Feed: r.name, Read: r.done.Read})
	return nil
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

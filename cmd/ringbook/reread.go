package main

import (
	"context"
	"fmt"

	"ringbook/directory"
	"ringbook/directory/number"
	"ringbook/directory/store"
	"ringbook/directory/transfer"
)

// feedNumbers is the feed of local contacts whose numbers are read again. Its
// cursor has no link: it only says by which plans they were read.
const feedNumbers directory.Feed = "numbers"

// rereadLocal reads the numbers of local contacts again if the number plans are
// others than they were read by. Those of the tenant are read again by their feeds.
func rereadLocal(ctx context.Context, s *store.Store, plan *number.Plan) error {
	read, err := s.Cursor(ctx, feedNumbers)
	if err != nil || read.Question == plan.CompanyDigest() {
		return err
	}
	b := directory.Batch{
		Feed: feedNumbers, Source: directory.SourceLocal, AcceptShrink: true, // it takes nobody away
		Next: &directory.Cursor{Question: plan.CompanyDigest()},
	}
	for e := range s.View().All() {
		if c := e.Stored(); c.Source == directory.SourceLocal {
			b.Changes = append(b.Changes, directory.Change{ID: c.ID, Update: func(c *directory.Contact) { transfer.Tidy(c, plan.Read) }})
		}
	}
	if _, err := s.Apply(ctx, b); err != nil {
		return fmt.Errorf("read the numbers of local contacts again: %w", err)
	}
	return nil
}

package graph

import (
	"context"
	"time"

	"ringbook/directory"
)

// A PhotoSink says whose photo to ask for, and takes what was learnt.
type PhotoSink interface {
	PhotosDue(ctx context.Context, src directory.Source, before time.Time, n int) ([]directory.PhotoDue, error)
	ApplyPhotos(ctx context.Context, at time.Time, ch []directory.PhotoChange) (directory.Applied, error)
}

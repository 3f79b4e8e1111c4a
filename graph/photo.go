package graph

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"ringbook/directory"
)

const (
	// photoSlice is how many contacts are asked about before the users feed may
	// have its turn: some seconds of work.
	photoSlice = 100
	// photoAge is when a photo is asked about again.
	photoAge = 24 * time.Hour
	// sliceDeadline ends a slice that hangs.
	sliceDeadline = 10 * time.Minute
	// maxPhotoBytes is the largest photo that is fetched; Entra takes 4 MB.
	maxPhotoBytes = 4 << 20
	// photosPerBatch keeps the answer of a $batch of photos below maxPage: each
	// has a third more in base64.
	photosPerBatch = 8
	// maxTag is the longest tag that is believed; Outlook's have 90 bytes.
	maxTag = 512
)

// A PhotoSink says whose photo to ask for, and takes what was learnt.
type PhotoSink interface {
	PhotosDue(ctx context.Context, src directory.Source, before time.Time, n int) ([]directory.PhotoDue, error)
	ApplyPhotos(ctx context.Context, at time.Time, ch []directory.PhotoChange) (directory.Applied, error)
}

// A photoFeed asks contacts one slice after the other. Photos are served by
// Outlook, which takes four requests at a time from us and runs a $batch four
// at a time: one batch at a time is just that.
type photoFeed struct {
	*Mirror
	before time.Time
	asked  map[directory.ContactID]struct{} // in this round
}

// step asks about the next slice of contacts.
func (p *photoFeed) step(ctx context.Context, o order, done *directory.Round) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, sliceDeadline)
	defer cancel()
	if done.Read == 0 {
		p.begin(o, done)
	}
	due, err := p.photos.PhotosDue(ctx, directory.SourceUser, p.before, photoSlice)
	if err != nil {
		return true, err
	}
	fresh := slices.DeleteFunc(due, func(d directory.PhotoDue) bool { _, again := p.asked[d.ID]; return again })
	last := len(fresh) == 0 || len(due) < photoSlice
	for part := range slices.Chunk(fresh, maxBatch) {
		if err := p.ask(ctx, part, done); err != nil {
			return true, err
		}
		p.progress(Progress{Feed: FeedPhotos, Read: done.Read})
	}
	if last {
		p.progress(Progress{Feed: FeedPhotos, Read: done.Read, Done: true})
	}
	return last, nil
}

// begin says whom the round asks: everybody once a day; in a full round
// everybody; in a round that a person waits for those who never were.
func (p *photoFeed) begin(o order, done *directory.Round) {
	p.asked = make(map[directory.ContactID]struct{})
	done.Full = o.Full
	switch {
	case o.Full:
		p.before = time.Now()
	case o.waitedFor:
		p.before = time.Unix(1, 0) // long before anybody was asked
	default:
		p.before = time.Now().Add(-photoAge)
	}
}

// ask asks about up to maxBatch contacts and hands on what was learnt.
func (p *photoFeed) ask(ctx context.Context, due []directory.PhotoDue, done *directory.Round) error {
	items := make([]batchItem, len(due))
	for i, d := range due {
		p.asked[d.ID] = struct{}{}
		items[i] = batchItem{Method: http.MethodGet, URL: "/users/" + string(d.ID) + "/photo"}
	}
	answers, err := p.client.batch(ctx, items)
	if err != nil {
		return err
	}
	done.Read += len(due)
	changes := make([]directory.PhotoChange, len(due))
	var fetch []int // places in due and changes
	for i, a := range answers {
		changes[i] = directory.PhotoChange{ID: due[i].ID, Tag: due[i].Tag, Same: true}
		tag, err := a.photoTag()
		switch {
		case err != nil && a.forbidden():
			return fmt.Errorf("photo: %w", err)
		case err != nil:
			p.skip(ctx, due[i].ID, err, done) // asked again tomorrow
		case tag == "":
			changes[i].Tag, changes[i].Same = "", false
		case tag != due[i].Tag:
			changes[i].Tag, changes[i].Same = tag, false
			fetch = append(fetch, i)
		}
	}
	for part := range slices.Chunk(fetch, photosPerBatch) {
		if err := p.fetch(ctx, part, due, changes, done); err != nil {
			return err
		}
	}
	a, err := p.photos.ApplyPhotos(ctx, time.Now(), changes)
	done.Applied = done.Applied.Add(a)
	return err
}

// fetch gets the photos at some places and completes their changes.
func (p *photoFeed) fetch(ctx context.Context, places []int, due []directory.PhotoDue, changes []directory.PhotoChange, done *directory.Round) error {
	items := make([]batchItem, len(places))
	for j, i := range places {
		items[j] = batchItem{Method: http.MethodGet, URL: "/users/" + string(due[i].ID) + "/photo/$value"}
	}
	answers, err := p.client.batch(ctx, items)
	if err != nil {
		return err
	}
	for j, i := range places {
		data, err := answers[j].binary(maxPhotoBytes)
		if err != nil {
			changes[i].Tag, changes[i].Same = due[i].Tag, true // not learnt: the mirror keeps what it has
			p.skip(ctx, due[i].ID, err, done)
			continue
		}
		if changes[i].Photo, err = normalise(data); err != nil {
			p.skip(ctx, due[i].ID, err, done) // the new tag is kept: this photo will not be fetched again
		}
	}
	return nil
}

func (p *photoFeed) skip(ctx context.Context, id directory.ContactID, err error, done *directory.Round) {
	done.Skip(string(id), skipPhoto(err))
	p.log.LogAttrs(ctx, slog.LevelWarn, "photo skipped", slog.String("id", string(id)), slog.String("error", withoutMessage(err)))
}

// photoTag returns the version of the photo that a profilePhoto tells of; "" = there is none.
// https://learn.microsoft.com/graph/api/profilephoto-get
func (a *batchAnswer) photoTag() (directory.PhotoTag, error) {
	if a.Status == http.StatusNotFound {
		return "", nil
	}
	if a.Status != http.StatusOK {
		return "", a.err()
	}
	var b struct {
		ID   string `json:"id"`
		ETag string `json:"@odata.mediaEtag"`
	}
	if err := json.Unmarshal(a.Body, &b); err != nil {
		return "", errNotJSON
	}
	if strings.EqualFold(b.ID, "1x1") {
		return "", nil // Outlook's way to say that there is none
	}
	if len(b.ETag) > maxTag {
		return "", fmt.Errorf("photo tag of %d bytes", len(b.ETag))
	}
	return directory.PhotoTag(b.ETag), nil
}

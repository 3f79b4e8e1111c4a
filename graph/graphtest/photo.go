package graphtest

import (
	"bytes"
	"container/list"
	"crypto/sha256"
	"fmt"
	"image"
	"image/jpeg"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/image/draw"

	"ringbook/directory"
)

const (
	// avatarSize is the edge of a sample photo, in pixels.
	avatarSize = 240
	// maxCached bounds the rendered photos held: some 5 KB each.
	maxCached = 2000
	// maxPhoto and maxEdge bound what SetPhoto takes, as Graph does (4 MB).
	maxPhoto = 4 << 20
	maxEdge  = 4096
)

// A photo is one that was set. Its zero value says that there is none.
type photo struct {
	jpeg []byte
	edge int // the shorter one, in pixels
}

// SetPhoto sets a person's photo, a JPEG; an empty one takes the photo away.
func (t *Tenant) SetPhoto(id string, data []byte) error {
	p := &photo{}
	if len(data) > 0 {
		c, err := jpeg.DecodeConfig(bytes.NewReader(data))
		if err != nil || len(data) > maxPhoto || max(c.Width, c.Height) > maxEdge {
			return fmt.Errorf("photo of %s: not a JPEG within the limits: %w", id, directory.ErrInvalid)
		}
		p = &photo{jpeg: bytes.Clone(data), edge: min(c.Width, c.Height)}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	i, err := t.find(id)
	if err != nil {
		return err
	}
	t.people[i].photo = p
	return nil
}

// A portrait is what photo requests ask of one person: either set or drawn.
type portrait struct {
	id     string
	sample int // its number if the photo is to be drawn, else -1
	set    photo
}

func (p portrait) none() bool { return p.sample < 0 && p.set.jpeg == nil }

// edge returns the size of the largest photo, in pixels.
func (p portrait) edge() int {
	if p.sample >= 0 {
		return avatarSize
	}
	return p.set.edge
}

// portrait finds a person and the photo.
func (t *Tenant) portrait(name string) (portrait, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	i, ok := t.lookup(name)
	if !ok {
		return portrait{}, false
	}
	e := &t.people[i]
	p := portrait{id: e.id, sample: -1}
	switch {
	case e.photo != nil:
		p.set = *e.photo
	case e.sample >= 0 && t.samples.hasPhoto(e.sample):
		p.sample = e.sample
	}
	return p, true
}

// photoMetadata answers …/photo, and …/photos/{size} if size is not "".
func (t *Tenant) photoMetadata(c call, name, size string) reply {
	p, ok := t.portrait(name)
	if !ok {
		return noUser(name)
	}
	if p.none() && p.id[0]%2 == 0 { // one of two ways in which Graph says so
		return jsonReply(http.StatusOK, map[string]any{
			"@odata.context":          c.base + "/$metadata#users('" + p.id + "')/photo/$entity",
			"@odata.mediaContentType": "image/gif",
			"@odata.mediaEtag":        "",
			"id":                      "1x1", "height": 1, "width": 1,
		})
	}
	edge, ok := p.size(size)
	if !ok {
		return noPhoto()
	}
	return jsonReply(http.StatusOK, map[string]any{
		"@odata.context":          c.base + "/$metadata#users('" + p.id + "')/photo/$entity",
		"@odata.mediaContentType": "image/jpeg",
		"@odata.mediaEtag":        t.photoTag(p, edge),
		"id":                      fmt.Sprintf("%dx%d", edge, edge), "height": edge, "width": edge,
	})
}

// photoValue answers …/$value.
func (t *Tenant) photoValue(name, size string) reply {
	p, ok := t.portrait(name)
	if !ok {
		return noUser(name)
	}
	edge, ok := p.size(size)
	if !ok {
		return noPhoto()
	}
	tag := t.photoTag(p, edge)
	data, err := t.photos.get(tag, func() ([]byte, error) { return t.draw(p, edge) })
	if err != nil {
		return fail(http.StatusInternalServerError, "generalException", err.Error())
	}
	return reply{
		status: http.StatusOK,
		header: http.Header{"Content-Type": {"image/jpeg"}, "Etag": {tag}},
		body:   data,
	}
}

// size reads "120x120", or takes the largest for "".
func (p portrait) size(s string) (edge int, ok bool) {
	if p.none() || s == "" {
		return p.edge(), !p.none()
	}
	a, b, _ := strings.Cut(s, "x")
	edge, err := strconv.Atoi(a)
	known := slices.Contains([]int{48, 64, 96, 120, 240, 360, 432, 504, 648}, edge)
	return edge, err == nil && a == b && known && edge <= p.edge()
}

// photoTag names a version of a photo without drawing it.
func (t *Tenant) photoTag(p portrait, edge int) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s %d %d %d ", p.id, p.sample, t.options.Seed, edge)
	h.Write(p.set.jpeg)
	return fmt.Sprintf(`"%X"`, h.Sum(nil)[:16])
}

func (t *Tenant) draw(p portrait, edge int) ([]byte, error) {
	var picture image.Image
	if p.sample >= 0 {
		picture = t.samples.avatar(p.sample, edge)
	} else if p.set.edge == edge {
		return p.set.jpeg, nil
	} else {
		full, err := jpeg.Decode(bytes.NewReader(p.set.jpeg))
		if err != nil {
			return nil, fmt.Errorf("photo of %s: %w", p.id, err)
		}
		small := image.NewRGBA(image.Rect(0, 0, edge, edge))
		draw.ApproxBiLinear.Scale(small, small.Bounds(), full, full.Bounds(), draw.Src, nil)
		picture = small
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, picture, &jpeg.Options{Quality: 88}); err != nil {
		return nil, fmt.Errorf("photo of %s: %w", p.id, err)
	}
	return b.Bytes(), nil
}

func noPhoto() reply {
	return fail(http.StatusNotFound, "ImageNotFound", "Exception of type 'Microsoft.Fast.Profile.Core.Exception.ImageNotFoundException' was thrown.")
}

// A photoCache holds the photos that were asked for last.
type photoCache struct {
	mu    sync.Mutex
	byTag map[string]*list.Element
	order list.List // of cached, the newest first
}

type cached struct {
	tag  string
	data []byte
}

func (c *photoCache) get(tag string, draw func() ([]byte, error)) ([]byte, error) {
	c.mu.Lock()
	if e, ok := c.byTag[tag]; ok {
		c.order.MoveToFront(e)
		data := e.Value.(*cached).data //nolint:errcheck // nothing else is in the list
		c.mu.Unlock()
		return data, nil
	}
	c.mu.Unlock()
	data, err := draw() // without the lock: two may draw the same, once in a while
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byTag == nil {
		c.byTag = map[string]*list.Element{}
	}
	if _, ok := c.byTag[tag]; !ok {
		c.byTag[tag] = c.order.PushFront(&cached{tag: tag, data: data})
	}
	if len(c.byTag) > maxCached {
		oldest := c.order.Remove(c.order.Back()).(*cached) //nolint:errcheck // nothing else is in the list
		delete(c.byTag, oldest.tag)
	}
	return data, nil
}

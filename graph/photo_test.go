package graph_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
	"ringbook/graph"
	"ringbook/graph/graphtest"
)

// outlook plays $batch over photos.
type outlook struct {
	t       *testing.T
	photos  map[string][]byte // by user; nil = 1x1
	fail    func(url string) (status int, body string, header map[string]any)
	batches [][]string // the urls of each
}

func (o *outlook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/v1.0/$batch" || r.Method != http.MethodPost {
		delta(w, "A", o.users())
		return
	}
	var q struct {
		Requests []struct{ ID, Method, URL string }
	}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil || len(q.Requests) > 20 {
		o.t.Errorf("batch of %d: %v", len(q.Requests), err)
	}
	var urls []string
	var answers []map[string]any
	for _, item := range q.Requests {
		urls = append(urls, item.URL)
		a := o.answer(item.URL)
		a["id"] = item.ID
		answers = append(answers, a)
	}
	slices.Reverse(answers) // any order
	o.batches = append(o.batches, urls)
	_ = json.NewEncoder(w).Encode(map[string]any{"responses": answers})
}

func (o *outlook) users() string {
	var b strings.Builder
	for id := range o.photos {
		fmt.Fprintf(&b, `,{"id":%q}`, id)
	}
	return strings.TrimPrefix(b.String(), ",")
}

func (o *outlook) answer(url string) map[string]any {
	if o.fail != nil {
		if status, body, header := o.fail(url); status != 0 {
			return map[string]any{"status": status, "headers": header, "body": json.RawMessage(body)}
		}
	}
	id, value, _ := strings.Cut(strings.TrimPrefix(url, "/users/"), "/photo")
	data, there := o.photos[id]
	switch {
	case !there:
		return map[string]any{"status": 404, "body": map[string]any{"error": map[string]any{"code": "ImageNotFound"}}}
	case value == "/$value":
		return map[string]any{"status": 200, "headers": map[string]any{"Content-Type": "image/jpeg"}, "body": base64.StdEncoding.EncodeToString(data)}
	case data == nil:
		return map[string]any{"status": 200, "body": map[string]any{"id": "1x1", "@odata.mediaEtag": "", "@odata.mediaContentType": "image/gif"}}
	}
	return map[string]any{"status": 200, "body": map[string]any{"id": "96x96", "@odata.mediaEtag": fmt.Sprintf(`W/"%d"`, len(data))}}
}

func portrait(tb testing.TB, w, h int, encode func(*bytes.Buffer, image.Image) error) []byte {
	tb.Helper()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	r := rand.New(rand.NewPCG(1, uint64(w*h)))
	for y := range h {
		for x := range w {
			img.Set(x, y, color.RGBA{uint8(x), uint8(y), uint8(r.IntN(40)), 255})
		}
	}
	var b bytes.Buffer
	if err := encode(&b, img); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func asJPEG(b *bytes.Buffer, img image.Image) error { return jpeg.Encode(b, img, nil) }
func asPNG(b *bytes.Buffer, img image.Image) error  { return png.Encode(b, img) }

func withPhotos(o *graph.Options) { o.Photos = true }

func TestPhotos(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &outlook{t: t, photos: map[string][]byte{
			"jpeg": portrait(t, 96, 96, asJPEG), "png": portrait(t, 300, 200, asPNG), "none": nil, "broken": []byte("not a picture"),
		}}
		for i := range 30 {
			o.photos[fmt.Sprintf("more-%d", i)] = nil
		}
		tenant, stop := serve(t, o.ServeHTTP)
		defer stop()
		sink := newMemory()
		m := mirror(t, tenant, sink, withPhotos)
		rounds, err := m.Sync(t.Context(), directory.SyncRequest{})
		if err != nil || len(rounds) != 2 {
			t.Fatal(rounds, err)
		}
		want := directory.Round{
			Feed: "photos", Read: 34, Requests: 4, Skipped: 1, Applied: directory.Applied{Changed: 3},
			Skips: []directory.Skip{{ID: "broken", Reason: "The photo is too large, or no picture that can be read."}},
		}
		if diff := cmp.Diff(want, rounds[1]); diff != "" {
			t.Errorf("round (-want +got):\n%s", diff)
		}
		for _, id := range []directory.ContactID{"jpeg", "png"} {
			checkPhoto(t, sink.photos[id].Photo)
		}
		if p := sink.photos["broken"]; p.Photo != nil || p.Tag == "" {
			t.Errorf("undecodable photo: %+v", p)
		}

		o.batches = nil
		if rounds, err = m.Sync(t.Context(), directory.SyncRequest{}); err != nil || rounds[1].Read != 0 || len(o.batches) != 0 {
			t.Errorf("nobody is due, but %+v, %v", rounds[1], err)
		}
		<-time.After(time.Second)
		rounds, err = m.Sync(t.Context(), directory.SyncRequest{Full: true})
		if err != nil || rounds[1].Read != 34 || !rounds[1].Full || rounds[1].Applied.Changed != 0 || len(o.batches) != 2 {
			t.Errorf("nothing changed, but %+v in %d batches, %v", rounds[1], len(o.batches), err)
		}
		o.photos["jpeg"] = nil
		<-time.After(time.Second)
		if rounds, err = m.Sync(t.Context(), directory.SyncRequest{Full: true}); err != nil || rounds[1].Applied.Changed != 1 || sink.photos["jpeg"].Tag != "" {
			t.Errorf("a photo was taken away: %+v, %v", rounds[1], err)
		}
	})
}

func checkPhoto(t *testing.T, p *directory.Photo) {
	t.Helper()
	if p == nil {
		t.Error("no photo")
		return
	}
	for size, data := range map[int][]byte{directory.MaxLargePhoto: p.Large, directory.MaxSmallPhoto: p.Small} {
		cfg, err := jpeg.DecodeConfig(bytes.NewReader(data))
		if err != nil || cfg.Width != cfg.Height || len(data) > size {
			t.Errorf("%d bytes of %dx%d: %v", len(data), cfg.Width, cfg.Height, err)
		}
	}
}

// TestPhotoFaults: what an item is refused touches no other item, and no photo that is there.
func TestPhotoFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &outlook{t: t, photos: map[string][]byte{"a": portrait(t, 96, 96, asJPEG), "b": portrait(t, 97, 97, asJPEG)}}
		tenant, stop := serve(t, o.ServeHTTP)
		defer stop()
		sink := newMemory()
		m := mirror(t, tenant, sink, withPhotos)
		sync := func() directory.Round {
			t.Helper()
			<-time.After(2 * time.Second)
			o.batches = nil
			rounds, err := m.Sync(t.Context(), directory.SyncRequest{Full: true})
			if err != nil {
				t.Fatal(err)
			}
			return rounds[1]
		}
		if r := sync(); r.Error != "" || sink.photos["a"].Photo == nil {
			t.Fatalf("round = %+v", r)
		}
		kept := sink.photos["a"].Tag
		throttled := 0
		for name, tt := range map[string]struct {
			fail      func(url string) (int, string, map[string]any)
			round     string // part of its error; "" = none
			skipped   int
			atMost    time.Duration
			batchedAs int
		}{
			"throttled once": {func(url string) (int, string, map[string]any) {
				if throttled++; throttled == 1 && strings.HasPrefix(url, "/users/a") {
					return 429, `{}`, map[string]any{"Retry-After": "30"}
				}
				return 0, "", nil
			}, "", 0, time.Minute, 2},
			"throttled for long": {func(url string) (int, string, map[string]any) {
				return 429, `{}`, map[string]any{"retry-after": 3600}
			}, "a pause", 0, time.Minute, 1},
			"throttled for ever": {func(url string) (int, string, map[string]any) { return 429, `{}`, nil }, "a pause", 0, time.Minute, 4},
			"one mailbox broken": {func(url string) (int, string, map[string]any) {
				if strings.HasPrefix(url, "/users/a") {
					return 503, `"<html>"`, nil
				}
				return 0, "", nil
			}, "", 1, time.Minute, 4},
			"both mailboxes broken": {func(url string) (int, string, map[string]any) { return 500, `{}`, nil }, "status 500", 0, time.Minute, 4},
			"one mailbox forbidden": {func(url string) (int, string, map[string]any) {
				if strings.HasPrefix(url, "/users/a") {
					return 403, `{"error":{"code":"ErrorAccessDenied","message":"No."}}`, nil
				}
				return 0, "", nil
			}, "", 1, 0, 1},
			"all forbidden": {func(url string) (int, string, map[string]any) {
				return 403, `{"error":{"code":"Authorization_RequestDenied","message":"No."}}`, nil
			}, "User.Read.All", 0, 0, 1},
			"nonsense": {func(url string) (int, string, map[string]any) { return 200, `[1]`, nil }, "", 2, 0, 1},
			"value is no base64": {func(url string) (int, string, map[string]any) {
				if strings.HasSuffix(url, "$value") {
					return 200, `"%%%"`, nil
				}
				return 200, `{"id":"1","@odata.mediaEtag":"new"}`, nil
			}, "", 2, 0, 2},
		} {
			o.fail = tt.fail
			start := time.Now()
			r := sync()
			took := time.Since(start) - 2*time.Second
			if !strings.Contains(r.Error, tt.round) || tt.round == "" && r.Error != "" || r.Skipped != tt.skipped || took > tt.atMost || len(o.batches) != tt.batchedAs {
				t.Errorf("%s: %d batches, %v, %+v", name, len(o.batches), took, r)
			}
			if sink.photos["a"].Tag != kept || sink.photos["b"].Photo == nil {
				t.Errorf("%s: a photo was lost", name)
			}
			if s := m.Status(); s[0].State != directory.FeedWaiting || s[0].LastError != "" {
				t.Errorf("%s: the users feed suffers: %+v", name, s[0])
			}
		}
	})
}

func TestPhotosOfTheStandIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphtest.New(graphtest.Options{People: 100, Seed: 1, Photos: 0.5})
		reach, stop := serve(t, tenant.ServeHTTP)
		defer stop()
		reach.Credential = signIn{reach.HTTP, tenant}
		tenant.Fault(graphtest.Fault{Suffix: "/photo", Status: 429, RetryAfter: "20", Times: 3}, graphtest.Fault{Suffix: "/$value", Status: 503, After: 5})
		sink := newMemory()
		m := mirror(t, reach, sink, withPhotos)
		rounds, err := m.Sync(t.Context(), directory.SyncRequest{})
		if err != nil || rounds[1].Error != "" || rounds[1].Read != 100 || rounds[1].Skipped != 0 {
			t.Fatalf("%+v, %v", rounds, err)
		}
		n := 0
		for _, u := range tenant.Users() {
			p := sink.photos[directory.ContactID(u.ID)].Photo
			if p != nil {
				checkPhoto(t, p)
				n++
			}
		}
		if n != rounds[1].Applied.Changed || n < 30 || n > 70 {
			t.Errorf("%d photos: %+v", n, rounds[1])
		}
	})
}

// TestPhotosFollowUsersInTheBackground: asked once, again after a day, and
// never in the way of the users feed.
func TestPhotosFollowUsersInTheBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &outlook{t: t, photos: make(map[string][]byte)}
		for i := range 300 {
			o.photos[fmt.Sprintf("u-%d", i)] = nil
		}
		var mu sync.Mutex // of what the server notes
		var rounds []time.Duration
		start := time.Now()
		tenant, stop := serve(t, func(w http.ResponseWriter, r *http.Request) {
			photos := !strings.HasSuffix(r.URL.Path, "/delta")
			if photos {
				<-time.After(100 * time.Second) // 300 photos take 25 minutes
			}
			mu.Lock()
			defer mu.Unlock()
			if !photos {
				rounds = append(rounds, time.Since(start))
			}
			o.ServeHTTP(w, r)
		})
		defer stop()
		m := mirror(t, tenant, newMemory(), withPhotos)
		end := run(t, m)
		noted := func() (batches, asked int) {
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			return len(o.batches), len(rounds)
		}
		<-time.After(30 * time.Minute)
		if n, asked := noted(); n != 15 || asked < 5 {
			t.Errorf("%d batches, and the users feed was asked %d times", n, asked)
		}
		<-time.After(23 * time.Hour)
		if n, _ := noted(); n != 15 {
			t.Errorf("%d batches within a day", n)
		}
		<-time.After(2 * time.Hour)
		if n, _ := noted(); n != 30 {
			t.Errorf("%d batches after a day", n)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

package gate_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ringbook/directory"
	"ringbook/server/gate"
)

// A register is a few devices and who is attached to them.
type register struct {
	mu      sync.Mutex
	devices map[directory.DeviceID]directory.Device
	ends    map[directory.DeviceID]func()
}

func (r *register) Current(id directory.DeviceID) (directory.Device, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	d := r.devices[id]
	if d.State == directory.DeviceRevoked {
		return d, directory.ErrCredential
	}
	return d, nil
}

func (r *register) Attach(id directory.DeviceID, end func()) (func(), error) {
	if _, err := r.Current(id); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ends[id] = end
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.ends, id)
	}, nil
}

func (r *register) set(d directory.Device) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.devices[d.ID] = d
}

func setUp(ids ...directory.DeviceID) (*gate.Gate, *register) {
	r := &register{devices: map[directory.DeviceID]directory.Device{}, ends: map[directory.DeviceID]func(){}}
	for _, id := range ids {
		r.set(directory.Device{ID: id, State: directory.DeviceActive})
	}
	return gate.New(gate.Limits{Answers: 3, PerDevice: 2, Wait: 20 * time.Second}, r), r
}

func control() *http.ResponseController {
	return http.NewResponseController(httptest.NewRecorder())
}

func (r *register) admit(ctx context.Context, g *gate.Gate, id directory.DeviceID) (*gate.Pass, error) {
	d, _ := r.Current(id)
	return g.Admit(ctx, control(), d)
}

// TestPlaces: a device has its share and no more, the others wait a while, and a
// place that is given back is the next one's.
func TestPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, r := setUp("a", "b", "c")
		var passes []*gate.Pass
		for _, id := range []directory.DeviceID{"a", "a", "b"} {
			p, err := r.admit(t.Context(), g, id)
			if err != nil {
				t.Fatal(err)
			}
			passes = append(passes, p)
		}
		start := time.Now()
		if _, err := r.admit(t.Context(), g, "a"); !errors.Is(err, directory.ErrUnavailable) || time.Since(start) > 0 {
			t.Errorf("a third answer: %v after %s", err, time.Since(start))
		}
		if _, err := r.admit(t.Context(), g, "c"); !errors.Is(err, directory.ErrUnavailable) || time.Since(start) != 20*time.Second {
			t.Errorf("no place: %v after %s", err, time.Since(start))
		}
		brief, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := r.admit(brief, g, "c"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("gone while it waits: %v", err)
		}
		go func() {
			<-time.After(time.Second)
			passes[0].Leave()
			passes[0].Leave() // once is enough
		}()
		p, err := r.admit(t.Context(), g, "c")
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range append(passes[1:], p) {
			p.Leave()
		}
		for _, id := range []directory.DeviceID{"a", "b", "c"} { // all places are free again
			p, err := r.admit(t.Context(), g, id)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Leave()
		}
	})
}

// TestEnded: an answer ends with its device's right to it.
func TestEnded(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*directory.Device)
		want   error
	}{
		"nothing":  {func(*directory.Device) {}, nil},
		"draining": {func(d *directory.Device) { d.State = directory.DeviceDraining }, directory.ErrUnavailable},
		"rotated":  {func(d *directory.Device) { d.Rotated++ }, directory.ErrCredential},
		"revoked":  {func(d *directory.Device) { d.State = directory.DeviceRevoked }, directory.ErrCredential},
	} {
		t.Run(name, func(t *testing.T) {
			g, r := setUp("a")
			p, err := r.admit(t.Context(), g, "a")
			if err != nil {
				t.Fatal(err)
			}
			defer p.Leave()
			d, _ := r.Current("a")
			c.change(&d)
			r.set(d)
			if err := p.Ended(); !errors.Is(err, c.want) {
				t.Errorf("ended: %v, want %v", err, c.want)
			}
		})
	}
	t.Run("told", func(t *testing.T) {
		g, r := setUp("a")
		p, err := r.admit(t.Context(), g, "a")
		if err != nil {
			t.Fatal(err)
		}
		r.ends["a"]()
		if err := p.Ended(); !errors.Is(err, directory.ErrCredential) {
			t.Error(err)
		}
		p.Leave()
		if len(r.ends) > 0 {
			t.Error("still attached")
		}
	})
	t.Run("before", func(t *testing.T) {
		g, r := setUp("a")
		d, _ := r.Current("a")
		r.set(directory.Device{ID: "a", State: directory.DeviceRevoked})
		for range 3 { // a place that is not taken is not lost
			if _, err := g.Admit(t.Context(), control(), d); !errors.Is(err, directory.ErrCredential) {
				t.Error(err)
			}
		}
		r.set(d)
		p, err := g.Admit(t.Context(), control(), d)
		if err != nil {
			t.Fatal(err)
		}
		p.Leave()
	})
}

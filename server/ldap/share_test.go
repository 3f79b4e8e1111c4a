package ldap

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"ringbook/directory"
)

// TestFreeWork: a device has some free work for all its searches together, and is
// forgotten when it has paid for it.
func TestFreeWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		// search works for d and reports whether it then needs a place.
		search := func(id directory.DeviceID, d time.Duration) bool {
			w := g.enter(id, func() {})
			defer w.leave()
			<-time.After(d)
			if err := w.goOn(t.Context()); err != nil {
				t.Fatal(err)
			}
			return w.long
		}
		for i, want := range []bool{false, false, true} {
			if got := search("a", 25*time.Millisecond); got != want {
				t.Errorf("search %d needs a place: %v", i, got)
			}
		}
		if search("b", 25*time.Millisecond) {
			t.Error("somebody else pays")
		}
		for range 100 { // a PBX: a fifth of a processor
			<-time.After(4 * time.Millisecond)
			if search("pbx", time.Millisecond) {
				t.Fatal("small and many look-ups need a place")
			}
		}
		many := 0 // searches that take less than is put on the account at once
		for many < 2000 && !search("small change", coin/2) {
			many++
		}
		if many < 1000 || many == 2000 {
			t.Errorf("of the smallest searches %d are free", many)
		}
		listing := g.enter("listing", func() {})
		for range 20 { // twenty turns, of which the first is free
			<-time.After(turn)
			if err := listing.goOn(t.Context()); err != nil || !listing.placed.Load() {
				t.Fatalf("no place: %v", err)
			}
		}
		if listing.leave(); search("listing", 0) {
			t.Error("what was done at a place is held against it")
		}
		<-time.After(payback * 75 * time.Millisecond)
		if search("a", 0) {
			t.Error("what is paid for is held against it")
		}
		if search("c", 0); len(g.shares) != 1 {
			t.Errorf("%d devices are remembered", len(g.shares))
		}
	})
}

// TestAPlaceIsGivenBack: by whoever stops waiting for one, works too long or
// waits for something else.
func TestAPlaceIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		works := make([]*work, 2*cap(g.places))
		for i := range works {
			works[i] = g.enter(directory.DeviceID(rune('a'+i)), func() {})
			works[i].long = true
		}
		for _, w := range works[:cap(g.places)] {
			if err := w.goOn(t.Context()); err != nil || !w.placed.Load() {
				t.Fatalf("no place is free: %v", err)
			}
		}
		last, first := works[len(works)-1], works[0]
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if last.goOn(ctx) == nil || len(last.share.place) > 0 {
			t.Error("one place too many, or one kept for nothing")
		}
		got := make(chan error)
		go func() { got <- last.goOn(t.Context()) }()
		synctest.Wait()
		err := first.aside(t.Context(), func() error { // ends when last has had its place
			defer last.leave()
			return <-got
		})
		if err != nil || !first.placed.Load() {
			t.Errorf("handed over and back: %v, %v", first.placed.Load(), err)
		}
		for _, w := range works[:len(works)-1] {
			w.leave()
		}
		if len(g.places) > 0 {
			t.Errorf("%d places are lost", len(g.places))
		}
	})
}

// TestAShortWaitIsNoLongSearch: who waits for a place no longer than a look-up takes leaves
// the reading where it is, and who waits longer has it handed over, once, before it goes on.
func TestAShortWaitIsNoLongSearch(t *testing.T) {
	for wait, want := range map[time.Duration]int{shortWork / 2: 0, 3 * shortWork / 2: 1, 3 * shortWork: 1} {
		synctest.Test(t, func(t *testing.T) {
			g := newGate()
			first, handed := g.enter("a", func() {}), 0
			next := g.enter("a", func() { <-time.After(shortWork); handed++ })
			first.long, next.long = true, true
			if err := first.goOn(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.AfterFunc(wait, first.yield)
			if err := next.goOn(t.Context()); err != nil || !next.placed.Load() || handed != want {
				t.Errorf("after %v: %v, a place: %v, handed over %d times", wait, err, next.placed.Load(), handed)
			}
			next.leave()
			first.leave()
			if len(g.places) > 0 {
				t.Errorf("%d places are lost", len(g.places))
			}
		})
	}
}

// TestPlacesAreGivenInOrder: to searches of one device, and to devices, in the order in
// which they have asked, also if the first has waited for so long that it has handed
// the reading over, and those behind it have not.
func TestPlacesAreGivenInOrder(t *testing.T) {
	for _, devices := range [][]directory.DeviceID{{"a", "a", "a", "a"}, {"a", "b", "c", "d"}} {
		synctest.Test(t, func(t *testing.T) {
			g := newGate()
			g.places = make(chan struct{}, 1)
			works := make([]*work, len(devices))
			for i, id := range devices {
				works[i] = g.enter(id, func() {})
				works[i].long = true
			}
			if err := works[0].goOn(t.Context()); err != nil {
				t.Fatal(err)
			}
			got := make(chan int, len(works))
			for i, w := range works[1:] {
				go func() {
					if w.goOn(t.Context()) == nil {
						got <- i + 1
					}
					w.leave()
				}()
				<-time.After(shortWork * 2 / 5)
			}
			works[0].leave() // the first has waited for more than shortWork, the others have not
			for want := 1; want < len(works); want++ {
				if i := <-got; i != want {
					t.Errorf("devices %v: place %d is given to search %d", devices, want, i)
				}
			}
			synctest.Wait()
			if len(g.places) > 0 {
				t.Errorf("%d places are lost", len(g.places))
			}
		})
	}
}

package auth_test

import (
	"errors"
	"fmt"
	"testing"

	"ringbook/directory"
)

// people are owners: by name, and who of them has left.
type people struct {
	ids  map[string]directory.ContactID
	left map[directory.ContactID]bool
}

func (p people) Resolve(names []string) map[string]directory.ContactID {
	found := make(map[string]directory.ContactID)
	for _, n := range names {
		if id, ok := p.ids[n]; ok {
			found[n] = id
		}
	}
	return found
}

func (p people) MayOwn(id directory.ContactID) (string, bool) { return "left", !p.left[id] }

func TestDrainLeavers(t *testing.T) {
	devices := &disk{}
	a := open(t, devices)
	add := func(owner string) directory.DeviceID {
		t.Helper()
		d, _, err := a.Add(t.Context(), directory.Device{Name: "phone", Owner: owner, Kind: directory.KindPhone, Books: []directory.BookName{"people"}})
		if err != nil {
			t.Fatal(err)
		}
		return d.ID
	}
	state := func(id directory.DeviceID) directory.DeviceState {
		t.Helper()
		d, err := a.Device(id)
		if err != nil {
			t.Fatal(err)
		}
		return d.State
	}
	anna, bodo, nobodys, strangers := add("anna@x.example"), add("bodo@x.example"), add(""), add("who@x.example")
	p := people{map[string]directory.ContactID{"anna@x.example": "a", "bodo@x.example": "b"}, map[directory.ContactID]bool{}}
	drain := func(guard float64) error { t.Helper(); return a.DrainLeavers(t.Context(), p, guard) }
	if err := drain(0.2); err != nil {
		t.Fatal(err)
	}
	if d, err := a.Device(anna); err != nil || d.OwnerID != "a" || d.State != directory.DeviceActive {
		t.Errorf("%+v, %v", d, err)
	}
	p.ids = nil // a new name changes nothing: the device is bound
	p.left["a"] = true
	if err := drain(0.2); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[directory.DeviceID]directory.DeviceState{
		anna: directory.DeviceDraining, bodo: directory.DeviceActive, nobodys: directory.DeviceActive, strangers: directory.DeviceActive,
	} {
		if got := state(id); got != want {
			t.Errorf("%s is %s, want %s", id, got, want)
		}
	}
	stored, err := devices.Devices(t.Context())
	if err != nil || stored[0].State != directory.DeviceDraining || stored[1].OwnerID != "b" {
		t.Errorf("stored: %+v, %v", stored[:2], err)
	}

	// Many at once are an accident, unless a person says otherwise.
	p.ids = map[string]directory.ContactID{}
	var many []directory.DeviceID
	for i := range 15 {
		name := fmt.Sprintf("p%d@x.example", i)
		p.ids[name] = directory.ContactID(fmt.Sprintf("p%d", i))
		p.left[p.ids[name]] = true
		many = append(many, add(name))
	}
	if err := drain(0.2); !errors.Is(err, directory.ErrShrink) || state(many[0]) != directory.DeviceActive {
		t.Errorf("15 of 18 devices at once: %v, %s", err, state(many[0]))
	}
	if err := drain(0); err != nil || state(many[0]) != directory.DeviceDraining || state(many[14]) != directory.DeviceDraining {
		t.Errorf("without a guard: %v", err)
	}
	if err := drain(0.2); err != nil { // those that drain are no news
		t.Error(err)
	}
}

// TestOwnerChangesMeanwhile: who gets a device while its owner is looked up, or has
// just left, neither gets that owner's mailbox with it nor loses it.
func TestOwnerChangesMeanwhile(t *testing.T) {
	devices := &disk{}
	a := open(t, devices)
	d, _, err := a.Add(t.Context(), directory.Device{Name: "phone", Owner: "anna@x.example", Kind: directory.KindPhone, Books: []directory.BookName{"people"}})
	if err != nil {
		t.Fatal(err)
	}
	p := people{map[string]directory.ContactID{"anna@x.example": "a"}, map[directory.ContactID]bool{"a": true}}
	for name, was := range map[string]directory.ContactID{"bound": "", "drained": "a"} {
		if _, err := a.Change(t.Context(), d.ID, func(d *directory.Device) error { d.Owner, d.OwnerID = "anna@x.example", was; return nil }); err != nil {
			t.Fatal(err)
		}
		devices.meanwhile = func(d *directory.Device) { d.Owner, d.OwnerID = "bodo@x.example", "" }
		if err := a.DrainLeavers(t.Context(), p, 0); err != nil {
			t.Error(err)
		}
		if d, err := a.Device(d.ID); err != nil || d.Owner != "bodo@x.example" || d.OwnerID != "" || d.State != directory.DeviceActive {
			t.Errorf("%s with whoever had it before: %+v, %v", name, d, err)
		}
	}
}

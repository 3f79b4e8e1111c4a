package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"ringbook/directory"
)

// Owners knows the people who may own devices.
type Owners interface {
	// Resolve finds the contacts of user principal names or e-mail addresses; a
	// name that nobody has, or more than one, is not in the answer.
	Resolve(names []string) map[string]directory.ContactID
	// MayOwn reports whether a contact may own devices, and if not, why. What is
	// not known is no reason.
	MayOwn(id directory.ContactID) (reason string, ok bool)
}

// guardFloor is the least number of devices whose draining the guard looks at.
const guardFloor = 10

// A leaver is an owner who may not own any more, and why.
type leaver struct {
	owner  directory.ContactID
	reason string
}

// DrainLeavers begins to drain the active devices of owners who may not own any
// more. A device is bound to its owner's contact as soon as that is known, so
// that a new name of the owner changes nothing; one whose owner nobody knows is
// left alone. When more than the share guard (0…1; 0 = no guard) of all active
// devices, and ten at least, would drain at once, none does, and the error is
// [directory.ErrShrink]: a group that was emptied by accident looks like that.
func (a *Authority) DrainLeavers(ctx context.Context, o Owners, guard float64) error {
	err := a.bindOwners(ctx, o)
	active := 0
	leavers := make(map[directory.DeviceID]leaver)
	for _, d := range a.List() {
		if d.State != directory.DeviceActive {
			continue
		}
		active++
		if d.OwnerID == "" {
			continue
		}
		if reason, ok := o.MayOwn(d.OwnerID); !ok {
			leavers[d.ID] = leaver{d.OwnerID, reason}
		}
	}
	if n := len(leavers); guard > 0 && n >= guardFloor && float64(n) > guard*float64(active) {
		return errors.Join(err, fmt.Errorf("%d of %d devices would begin to drain at once, because their owners may not own any: %w", n, active, directory.ErrShrink))
	}
	for id, l := range leavers {
		drains, failed := a.drain(ctx, id, l.owner)
		err = errors.Join(err, failed)
		if drains {
			a.log.LogAttrs(ctx, slog.LevelInfo, "device drains", slog.String("device", string(id)), slog.String("reason", l.reason))
		}
	}
	return err
}

// drain begins to drain a device, unless it is somebody else's by now.
func (a *Authority) drain(ctx context.Context, id directory.DeviceID, owner directory.ContactID) (drains bool, err error) {
	_, err = a.change(ctx, id, func(d *directory.Device) error {
		if drains = d.State == directory.DeviceActive && d.OwnerID == owner; drains {
			d.State = directory.DeviceDraining
			d.Changed = time.Now().UTC().Truncate(time.Second)
		}
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("drain device %s: %w", id, err)
	}
	return drains, nil
}

// bindOwners notes the contacts of owners who have become known.
func (a *Authority) bindOwners(ctx context.Context, o Owners) error {
	var names []string
	for _, d := range a.List() {
		if d.State == directory.DeviceActive && d.Owner != "" && d.OwnerID == "" {
			names = append(names, d.Owner)
		}
	}
	if len(names) == 0 {
		return nil
	}
	known := o.Resolve(names)
	var err error
	for _, d := range a.List() {
		if id, ok := known[d.Owner]; ok && d.OwnerID == "" && d.State == directory.DeviceActive {
			err = errors.Join(err, a.bind(ctx, d.ID, d.Owner, id))
		}
	}
	return err
}

// bind binds a device to the contact of its owner's name. One that has been given to
// somebody else since would show that person the mailbox of the first.
func (a *Authority) bind(ctx context.Context, id directory.DeviceID, name string, owner directory.ContactID) error {
	_, err := a.change(ctx, id, func(d *directory.Device) error {
		if d.Owner == name && d.OwnerID == "" {
			d.OwnerID = owner
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("bind device %s to its owner: %w", id, err)
	}
	return nil
}

package ldap

import (
	"net/netip"
	"sync"

	"ringbook/directory"
	"ringbook/server/site"
)

// A census counts connections: all of them, those of each address that no device
// has bound yet, and those of each device.
type census struct {
	mu      sync.Mutex
	all     int
	unbound map[netip.Addr]int
	devices map[directory.DeviceID]int
}

func newCensus() census {
	return census{unbound: map[netip.Addr]int{}, devices: map[directory.DeviceID]int{}}
}

// enter counts a new connection, or refuses it.
func (c *census) enter(a netip.Addr, limit, limitUnbound int) bool {
	a = site.Of(a)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all >= limit || c.unbound[a] >= limitUnbound {
		return false
	}
	c.all++
	c.unbound[a]++
	return true
}

// leave forgets an unbound connection.
func (c *census) leave(a netip.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all--
	decrease(c.unbound, site.Of(a))
}

// bind counts an unbound connection as the device's, or refuses it.
func (c *census) bind(a netip.Addr, id directory.DeviceID, limit int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.devices[id] >= limit {
		return false
	}
	c.devices[id]++
	decrease(c.unbound, site.Of(a))
	return true
}

// unbind counts a device's connection as unbound again.
func (c *census) unbind(a netip.Addr, id directory.DeviceID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	decrease(c.devices, id)
	c.unbound[site.Of(a)]++
}

func decrease[K comparable](m map[K]int, k K) {
	if m[k]--; m[k] == 0 {
		delete(m, k)
	}
}

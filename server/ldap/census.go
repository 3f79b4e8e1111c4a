package ldap

import (
	"net/netip"
	"sync"

	"ringbook/directory"
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

// subnet is what counts as one address: a customer has a whole /64 of IPv6.
func subnet(a netip.Addr) netip.Addr {
	if p, err := a.Prefix(64); err == nil && a.Is6() {
		return p.Addr()
	}
	return a
}

// enter counts a new connection, or refuses it.
func (c *census) enter(a netip.Addr, limit, limitUnbound int) bool {
	a = subnet(a)
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
	decrease(c.unbound, subnet(a))
}

// bind counts an unbound connection as the device's, or refuses it.
func (c *census) bind(a netip.Addr, id directory.DeviceID, limit int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.devices[id] >= limit {
		return false
	}
	c.devices[id]++
	decrease(c.unbound, subnet(a))
	return true
}

// unbind counts a device's connection as unbound again.
func (c *census) unbind(a netip.Addr, id directory.DeviceID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	decrease(c.devices, id)
	c.unbound[subnet(a)]++
}

func decrease[K comparable](m map[K]int, k K) {
	if m[k]--; m[k] == 0 {
		delete(m, k)
	}
}

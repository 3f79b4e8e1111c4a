// Package site says what counts as one client on the network, for everything
// that is limited by client.
package site

import (
	"net"
	"net/netip"
)

// bits of an IPv6 address are the provider's to give; one customer can choose
// the others at will, a new one for each connection.
const bits = 64

// Of returns what stands for one customer of a network provider: an IPv4
// address, in whichever form it came, or the first 64 bits of an IPv6 address.
// Loopback stands for itself.
func Of(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if !a.Is6() || a.IsLoopback() {
		return a
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return a
	}
	return p.Addr()
}

// OfPeer is [Of] for the far end of a connection; the zero Addr when it has no
// IP address.
func OfPeer(a net.Addr) netip.Addr {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return Of(t.AddrPort().Addr())
}

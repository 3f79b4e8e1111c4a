package site_test

import (
	"net"
	"net/netip"
	"testing"

	"ringbook/server/site"
)

func TestOf(t *testing.T) {
	for in, want := range map[string]string{
		"203.0.113.7":               "203.0.113.7",
		"::ffff:203.0.113.7":        "203.0.113.7",
		"2001:db8:1:2::1":           "2001:db8:1:2::",
		"2001:db8:1:2:ffff::9%eth0": "2001:db8:1:2::",
		"2001:db8:1:3::1":           "2001:db8:1:3::",
		"fe80::1%eth0":              "fe80::",
		"::1":                       "::1",
		"127.0.0.1":                 "127.0.0.1",
	} {
		a := netip.MustParseAddr(in)
		if got := site.Of(a); got != netip.MustParseAddr(want) {
			t.Errorf("%s counts as %s, want %s", in, got, want)
		}
		peer := net.TCPAddrFromAddrPort(netip.AddrPortFrom(a, 1234))
		if got := site.OfPeer(peer); got != netip.MustParseAddr(want) {
			t.Errorf("a connection from %s counts as %s, want %s", in, got, want)
		}
	}
	if got := site.Of(netip.Addr{}); got.IsValid() {
		t.Errorf("no address counts as %s", got)
	}
	if got := site.OfPeer(&net.UnixAddr{}); got.IsValid() {
		t.Errorf("no IP address counts as %s", got)
	}
}

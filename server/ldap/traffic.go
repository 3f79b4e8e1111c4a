package ldap

import (
	"maps"
	"sync"
)

// A Traffic is what goes on at a port.
type Traffic struct {
	Open   int            // connections now
	Logins map[string]int // of devices, since the start, by the version of TLS; "" = without
}

// traffic is that of all ports, by their names: it shows who still needs an old one.
type traffic struct {
	mu    sync.Mutex
	ports map[string]*Traffic
}

// count changes what is counted at a port.
func (t *traffic) count(port string, change func(*Traffic)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ports[port] == nil {
		t.ports[port] = &Traffic{Logins: map[string]int{}}
	}
	change(t.ports[port])
}

// Traffic returns what goes on at the ports of a name.
func (s *Server) Traffic(port string) Traffic {
	s.traffic.mu.Lock()
	defer s.traffic.mu.Unlock()
	t := s.traffic.ports[port]
	if t == nil {
		return Traffic{}
	}
	return Traffic{t.Open, maps.Clone(t.Logins)}
}

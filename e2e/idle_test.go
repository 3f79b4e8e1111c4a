package e2e_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"
)

// So many desk phones keep a connection, and may cost so much together.
const (
	idle       = 5000
	idleMemory = 150 << 20
)

// TestIdleConnections: five thousand phones that have logged in and say nothing.
func TestIdleConnections(t *testing.T) {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		t.Fatal(err)
	}
	if files.Cur < idle+1000 {
		leaveOut(t, fmt.Sprintf("a limit of %d open files (it is %d; see ulimit -n)", idle+1000, files.Cur))
	}
	s := startTenant(t, 30)
	for key, value := range map[string]string{
		"ALLOW_PLAIN": "true", "MAX_CONNECTIONS_PER_DEVICE": fmt.Sprint(idle), "MAX_UNBOUND_PER_ADDRESS": fmt.Sprint(idle), "IDLE_TIMEOUT": "1h",
	} {
		t.Setenv("RINGBOOK_LDAP_"+key, value)
	}
	for name, secure := range map[string]bool{"plain": false, "ldaps": true} {
		t.Run(name, func(t *testing.T) {
			r := startRingbook(t, s)
			d := r.addDevice()
			trust := trusting(t, r.ca)
			before := residentMemory(t, r)
			for range idle {
				if secure {
					login(t, tls.Client(connected(t, r.ldaps), trust), d)
				} else {
					login(t, connected(t, r.ldap), d)
				}
			}
			after := residentMemory(t, r)
			t.Logf("%d idle connections: %d MB, %d KB each; %d MB before", idle, after>>20, (after-before)>>10/idle, before>>20)
			if after-before > idleMemory {
				t.Errorf("they take %d MB", (after-before)>>20)
			}
		})
	}
}

func connected(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// login binds with octets: a client of a library has goroutines and buffers.
func login(t *testing.T, c net.Conn, d device) {
	t.Helper()
	body := append([]byte{2, 1, 1, 0x60, byte(3 + 2 + len(d.Login) + 2 + len(d.Secret)), 2, 1, 3, 4, byte(len(d.Login))}, d.Login...)
	body = append(append(body, 0x80, byte(len(d.Secret))), d.Secret...)
	if _, err := c.Write(append([]byte{0x30, byte(len(body))}, body...)); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 14)
	if _, err := io.ReadFull(c, answer); err != nil || !bytes.Equal(answer, []byte{0x30, 12, 2, 1, 1, 0x61, 7, 10, 1, 0, 4, 0, 4, 0}) {
		t.Fatalf("the login is answered with %x, %v", answer, err)
	}
}

package e2e_test

import (
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"
)

const (
	// maxResident is what the server may ever have had in memory, whatever came:
	// the directory of this test, Badger's tables, and what the limits allow for
	// the bodies and messages of all the attackers here at once.
	maxResident = 192 << 20
	slowClients = 60 // of each kind; LDAP allows 256 strangers of one address
	// spareFiles is by how many the open files may differ afterwards: Badger opens
	// and closes some, and the admin socket is asked.
	spareFiles = 8
)

// A siege is one server under attack from one address.
type siege struct {
	t      *testing.T
	r      *ringbook
	device device // of an attacker who can log in

	mu   sync.Mutex
	held []net.Conn // slow clients; the server is to end them
}

// TestHostile: everything at once, on both protocols, while somebody works. That
// one is answered, nothing crashes or grows, and it is all over afterwards.
//
// All come from one address, which so fills its own purse of failed logins. That
// keeps out new logins from there, never one that has worked before.
func TestHostile(t *testing.T) {
	t.Parallel()
	s := startTenant(t, 250, "--photos", "0.2")
	r := startRingbook(t, s)
	r.do("sync")
	h := &siege{t: t, r: r, device: r.addDevice()}
	good := r.addDevice()
	h.work(good) // a login is known once it has worked
	h.work(h.device)
	before := openFiles(t, r)

	var attacks sync.WaitGroup
	for _, attack := range []func(){
		h.ldapFrames, h.ldapFilters, h.ldapSlow, h.ldapGuess,
		h.davBodies, h.davSlow, h.davGuess, h.davHeaders, h.garbage,
	} {
		attacks.Go(attack)
	}
	over := make(chan struct{})
	go func() { attacks.Wait(); close(over) }()
	works := 0
	for done := false; !done && !t.Failed(); works++ {
		h.work(good)
		select {
		case <-over:
			done = true
		default:
		}
	}
	<-over
	t.Logf("%d times the work was done meanwhile", works)
	h.ended()

	if err := r.running(); err != nil {
		t.Fatal(err)
	}
	h.work(good)
	r.waitReady()
	eventually(t, "the connections are gone", func() error {
		if now := openFiles(t, r); now > before+spareFiles {
			return fmt.Errorf("%d open files, %d before", now, before)
		}
		return nil
	})
	peak := peakMemory(t, r)
	t.Logf("at most %d MB in memory", peak>>20)
	if peak > maxResident {
		t.Errorf("%d MB in memory, more than %d", peak>>20, maxResident>>20)
	}
	if log := r.saidSoFar(); strings.Contains(log, "panic") {
		t.Error("something panicked")
	}
}

// work is what a phone does, and a desk phone.
func (h *siege) work(d device) {
	h.t.Helper()
	c := h.r.dav(h.t, d)
	now, err := c.snapshot(d.book(), checkpoint{})
	if err != nil || len(now.etags) == 0 {
		h.t.Errorf("a phone got %d cards: %v", len(now.etags), err)
	}
	c.client.CloseIdleConnections()
	conn, err := goldap.DialURL("ldaps://"+h.r.ldaps, goldap.DialWithTLSConfig(trusting(h.t, h.r.ca)), goldap.DialWithDialer(&net.Dialer{Timeout: patience}))
	if err != nil {
		h.t.Errorf("a desk phone cannot connect: %v", err)
		return
	}
	defer conn.Close()
	conn.SetTimeout(patience)
	if err := conn.Bind(d.Login, d.Secret); err != nil {
		h.t.Errorf("a desk phone cannot log in: %v", err)
		return
	}
	if got, err := ldapPeople(conn, "(telephoneNumber=+493023125042)"); err != nil || len(got) != 1 {
		h.t.Errorf("a desk phone finds %q: %v", got, err)
	}
}

// dial connects to one of the server's ports.
func (h *siege) dial(address string) net.Conn {
	conn, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		h.t.Errorf("connect: %v", err)
		return nil
	}
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		h.t.Error(err)
	}
	return conn
}

// web is the address of the HTTP port.
func (h *siege) web() string { return strings.TrimPrefix(h.r.url, "http://") }

// throw sends raw octets and waits until the server ends the connection, which it
// must do when it is not given more.
func (h *siege) throw(address string, b []byte) {
	conn := h.dial(address)
	if conn == nil {
		return
	}
	defer conn.Close()
	_, _ = conn.Write(b) // it may have hung up already
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
	if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
		h.t.Errorf("%s keeps a connection open on % x…", address, b[:min(len(b), 16)])
	}
}

// hold leaves a client waiting in the middle of its sentence.
func (h *siege) hold(address string, b []byte) {
	conn := h.dial(address)
	if conn == nil {
		return
	}
	_, _ = conn.Write(b)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.held = append(h.held, conn)
}

// ended sees that the server has ended, or ends, all who were slow.
func (h *siege) ended() {
	h.t.Helper()
	for _, conn := range h.held {
		if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
			h.t.Error(err)
		}
		if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
			h.t.Errorf("a slow client of %s is still there", conn.RemoteAddr())
		}
		conn.Close()
	}
}

// ldapFrames are messages that are not: too long, cut short, or wrong inside.
func (h *siege) ldapFrames() {
	whole := append(bindMessage(h.device.Login, "x"), searchMessage(2, "(&(cn=a*)(!(sn=b)))")...)
	for n := range whole {
		h.throw(h.r.ldap, whole[:n])
	}
	for _, b := range [][]byte{
		{0x30, 0x84, 0x7f, 0xff, 0xff, 0xff},
		{0x30, 0x84, 0xff, 0xff, 0xff, 0xff},
		{0x30, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		{0x30, 0x80, 0x00, 0x00},
		{0x30, 0xff},
		{0x30, 0x83, 0x10, 0x00, 0x00},
		{0x02, 0x01, 0x01},
		{0x30, 0x00},
		{0x30, 0x04, 0x02, 0x7f, 0x01, 0x01},
		{0xdf, 0xff, 0xff, 0xff, 0xff, 0xff},
		bytes.Repeat([]byte{0x30, 0x80}, 1<<16), bytes.Repeat([]byte{0x30, 0x84, 0x00, 0x00, 0xff, 0xff}, 1<<14),
		append([]byte{0x30, 0x84, 0x01, 0x00, 0x00, 0x00}, make([]byte, 1<<20)...),
	} {
		h.throw(h.r.ldap, b)
		h.throw(h.r.ldaps, b)
	}
}

// ldapFilters come from somebody who may log in: nests, and crowds.
func (h *siege) ldapFilters() {
	nest := func(depth int) *ber.Packet {
		f := ber.NewString(ber.ClassContext, ber.TypePrimitive, 7, "cn", "")
		for range depth {
			not := ber.Encode(ber.ClassContext, ber.TypeConstructed, 2, nil, "")
			not.AppendChild(f)
			f = not
		}
		return f
	}
	crowd := ber.Encode(ber.ClassContext, ber.TypeConstructed, 1, nil, "")
	for range 5000 {
		crowd.AppendChild(nest(1))
	}
	stars := ber.Encode(ber.ClassContext, ber.TypeConstructed, 4, nil, "")
	stars.AppendChild(octets("cn"))
	pieces := ber.NewSequence("")
	for range 5000 {
		pieces.AppendChild(ber.NewString(ber.ClassContext, ber.TypePrimitive, 1, "a", ""))
	}
	stars.AppendChild(pieces)
	for _, filter := range []*ber.Packet{nest(31), nest(100), nest(3000), crowd, stars} {
		conn, err := tls.Dial("tcp", h.r.ldaps, trusting(h.t, h.r.ca))
		if err != nil {
			h.t.Error(err)
			return
		}
		if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
			h.t.Error(err)
		}
		_, err = conn.Write(append(bindMessage(h.device.Login, h.device.Secret), searchMessageWith(2, filter)...))
		if err == nil {
			err = conn.CloseWrite()
		}
		if err == nil {
			_, err = io.Copy(io.Discard, conn)
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			h.t.Error("a filter is still worked at")
		}
		conn.Close()
	}
}

// ldapSlow are clients who say half a message and fall silent.
func (h *siege) ldapSlow() {
	b := bindMessage(h.device.Login, "x")
	for range slowClients {
		h.hold(h.r.ldap, b[:len(b)/2])
		h.hold(h.r.ldaps, []byte{0x16, 0x03, 0x01}) // half a handshake
	}
}

// ldapGuess tries secrets until it is told to wait.
func (h *siege) ldapGuess() {
	conn := h.r.dialLDAPS(h.t)
	defer conn.Close()
	throttled := false
	for i := range 40 {
		err := conn.Bind("guess2", fmt.Sprint("secret", i))
		switch {
		case goldap.IsErrorWithCode(err, goldap.LDAPResultBusy):
			throttled = true
		case !goldap.IsErrorWithCode(err, goldap.LDAPResultInvalidCredentials):
			h.t.Errorf("guess %d: %v", i, err)
			return
		}
	}
	if !throttled {
		h.t.Error("LDAP lets guess for ever")
	}
}

// ask sends a request and returns its status; 0 = the server hung up.
func (h *siege) ask(method, path, login, secret string, body io.Reader, headers ...string) (status int, retry string) {
	req, err := http.NewRequestWithContext(h.t.Context(), method, h.r.url+path, body)
	if err != nil {
		h.t.Error(err)
		return 0, ""
	}
	req.SetBasicAuth(login, secret)
	req.Header.Set("Content-Type", "text/xml")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := insecure.Do(req)
	if err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			h.t.Errorf("%s %s: no answer", method, path)
		}
		return 0, ""
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode, res.Header.Get("Retry-After")
}

// davBodies come from somebody who may log in: bombs, depths, and sheer size.
func (h *siege) davBodies() {
	var bomb strings.Builder
	bomb.WriteString(`<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a0 "lol">`)
	for i := range 9 {
		fmt.Fprintf(&bomb, `<!ENTITY a%d "%s">`, i+1, strings.Repeat(fmt.Sprintf("&a%d;", i), 10))
	}
	bomb.WriteString(`]><propfind xmlns="DAV:"><prop><displayname>&a9;</displayname></prop></propfind>`)
	deep := strings.Repeat("<a>", 200_000)
	name := strings.Repeat("n", 1<<20)
	for what, body := range map[string]string{
		"bomb": bomb.String(), "external entity": `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><propfind xmlns="DAV:"><prop>&e;</prop></propfind>`,
		"deep": `<propfind xmlns="DAV:">` + deep, "deep and closed": deep + strings.Repeat("</a>", 200_000),
		"long name": "<" + name + "/>", "long value": `<propfind xmlns="DAV:" a="` + name + `"/>`, "many attributes": "<propfind xmlns='DAV:' " + strings.Repeat("a='b' ", 100_000) + "/>",
		"garbage": "\x00\xff\xfe<<<<&&&&", "cut short": propfind("<d:getetag/>")[:90], "9 MB": "<a>" + strings.Repeat(" ", 9<<20),
		"other encoding": `<?xml version="1.0" encoding="UTF-16"?><propfind xmlns="DAV:"/>`,
	} {
		for _, method := range []string{"PROPFIND", "REPORT"} {
			status, _ := h.ask(method, h.device.book(), h.device.Login, h.device.Secret, strings.NewReader(body), "Depth", "1")
			if status/100 != 4 && status != 0 {
				h.t.Errorf("%s with a body %q: status %d", method, what, status)
			}
		}
	}
	hrefs := strings.Repeat("<d:href>"+h.device.book()+"00000000-0000-4000-8000-000000000000.vcf</d:href>", 50_000)
	if status, _ := h.ask("REPORT", h.device.book(), h.device.Login, h.device.Secret, strings.NewReader(
		`<card:addressbook-multiget xmlns:d="DAV:" xmlns:card="urn:ietf:params:xml:ns:carddav"><d:prop><d:getetag/></d:prop>`+hrefs+`</card:addressbook-multiget>`)); status >= 500 {
		h.t.Errorf("50,000 cards that are not there: status %d", status)
	}
	for range 8 { // and from those who may not
		if status, _ := h.ask("PUT", "/dav/ab/nobody/", "nobody", "x", strings.NewReader(strings.Repeat("x", 9<<20))); status/100 != 4 && status != 0 {
			h.t.Errorf("9 MB of a stranger: status %d", status)
		}
	}
}

// davSlow are clients who say half a header or body and fall silent.
func (h *siege) davSlow() {
	body := "PROPFIND " + h.device.book() + " HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: 1000\r\nAuthorization: Basic " + basic(h.device) + "\r\n\r\n<propfind"
	for range slowClients {
		h.hold(h.web(), []byte("GET / HTTP/1.1\r\nHost: x\r\nX-A: "))
		h.hold(h.web(), []byte(body))
	}
}

// davGuess tries secrets until it is told to wait, and how long.
func (h *siege) davGuess() {
	throttled := false
	for i := range 40 {
		switch status, retry := h.ask("PROPFIND", "/dav/", "guess3", fmt.Sprint("secret", i), nil); status {
		case http.StatusUnauthorized:
		case http.StatusTooManyRequests:
			if seconds, err := strconv.Atoi(retry); err != nil || seconds < 1 {
				h.t.Errorf("Retry-After %q", retry)
			}
			throttled = true
		default:
			h.t.Errorf("guess %d: status %d", i, status)
		}
	}
	if !throttled {
		h.t.Error("CardDAV lets guess for ever")
	}
	throttled = false
	for i := range 150 { // one secret for many logins
		status, _ := h.ask("PROPFIND", "/dav/", fmt.Sprintf("spray%c%c", 'a'+i%26, 'a'+i/26), "secret", nil)
		throttled = throttled || status == http.StatusTooManyRequests
	}
	if !throttled {
		h.t.Error("CardDAV lets spray for ever")
	}
}

// davHeaders are requests that are not, before any body.
func (h *siege) davHeaders() {
	for _, text := range []string{
		"GET / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X-A: "+strings.Repeat("a", 1000)+"\r\n", 1000) + "\r\n",
		"GET /" + strings.Repeat("a", 1<<20) + " HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET / HTTP/9.9\r\n\r\n", "\r\n\r\n\r\n", "GET\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
		"PROPFIND /dav/ HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", "GET /%00/../../%2e%2e/etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic " + strings.Repeat("A", 12_000) + "\r\nConnection: close\r\n\r\n",
	} {
		h.throw(h.web(), []byte(text))
	}
}

// garbage is what scanners send: anything, to any port.
func (h *siege) garbage() {
	random := rand.New(rand.NewPCG(1, 2))
	for range 40 {
		b := make([]byte, 1+random.IntN(1<<16))
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		for _, address := range []string{h.web(), h.r.ldap, h.r.ldaps} {
			h.throw(address, b)
		}
	}
}

// openFiles counts the server's descriptors, connections among them.
func openFiles(t *testing.T, r *ringbook) int {
	t.Helper()
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", r.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

// peakMemory is the most that the server ever had in memory, in bytes.
func peakMemory(t *testing.T, r *ringbook) int {
	t.Helper()
	return memory(t, r, "VmHWM:")
}

// residentMemory is what it has in memory now, in bytes.
func residentMemory(t *testing.T, r *ringbook) int {
	t.Helper()
	return memory(t, r, "VmRSS:")
}

// memory reads one line of proc(5), /proc/pid/status.
func memory(t *testing.T, r *ringbook, name string) int {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(r.cmd.Process.Pid), "status"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), name)
	var kb int
	if _, err := fmt.Sscan(rest, &kb); err != nil {
		t.Fatal(err)
	}
	return kb << 10
}

// basic is the value of a login's Authorization header.
func basic(d device) string {
	return base64.StdEncoding.EncodeToString([]byte(d.Login + ":" + d.Secret))
}

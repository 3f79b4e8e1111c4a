package e2e_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	// loadAtOnce is how many phones wait for an answer at any one time. Each asks
	// again as soon as it has one, so what is measured is the most that the server does.
	loadAtOnce = 64
	// loadRounds is how often each phone polls while nobody else is there.
	loadRounds = 3
	// loadConnections stays below the 8,192 that the server takes: with more phones,
	// several take turns on one.
	loadConnections = 8000
	// loadAddersAtOnce add the devices; the store writes one at a time anyhow.
	loadAddersAtOnce = 8
	// clockTicks a second are what Linux counts processor time in (proc(5), time(7)).
	clockTicks = 100
)

// loadPhones is how many phones there are; 0 = a few of few people, for CI.
var loadPhones = peopleOf(os.Getenv("RINGBOOK_E2E_PHONES"))

// TestLoad measures phones that poll, and a hundredth as many that sync for the first
// time, on the built server in a process of its own: real sockets that are kept alive,
// each phone's own login, the real store. Its figures are logged and judged by nobody
// here; what is judged is that each answer is right. make load runs it large.
//
// The load is made on the same machine, and as much of it as there can be: requests
// per second are less, and waits longer, than with the cores to itself. The server's
// processor time is not. Waiting for the places of others is most of a p99 here.
func TestLoad(t *testing.T) {
	phones, people := loadPhones, manyPeople
	if phones == 0 {
		phones, people = 200, 300
	}
	s := startTenant(t, people, "--photos", "0")
	r := startRingbook(t, s)
	l := &load{t: t, r: r, people: len(s.inBook())}
	began := time.Now()
	l.addPhones(phones)
	t.Logf("%d people, %d devices added in %v", l.people, len(l.phones), time.Since(began).Round(time.Millisecond))
	l.connect()
	t.Logf("%d connections open: %d MB in memory", len(l.lines), residentMemory(t, r)>>20)

	alone := l.measure("polling alone", func() *tally { return l.poll(t.Context(), loadRounds*len(l.phones)) })
	if n := alone.count(); n != loadRounds*len(l.phones) {
		t.Errorf("%d polls, not %d", n, loadRounds*len(l.phones))
	}

	polling, stop := context.WithCancel(t.Context())
	defer stop()
	var beside *tally
	var pollers sync.WaitGroup
	pollers.Go(func() { beside = l.poll(polling, 0) })
	first := l.measure(fmt.Sprintf("%d first syncs beside them", len(l.newcomers)), l.firstSyncs)
	stop()
	pollers.Wait()
	t.Logf("polling meanwhile: %s", beside)
	if want := len(l.newcomers); first.count() != want {
		t.Errorf("%d phones have synced, not %d", first.count(), want)
	}
	l.measure(fmt.Sprintf("%d first syncs alone", len(l.newcomers)), l.firstSyncs)
}

// A load is a server and its phones.
type load struct {
	t         *testing.T
	r         *ringbook
	people    int
	phones    []device
	newcomers []device // they sync for the first time
	lines     []*line
	next      atomic.Int64
}

// addPhones adds n phones and the newcomers at the admin socket, as a script of an
// MDM would.
func (l *load) addPhones(n int) {
	l.t.Helper()
	socket := filepath.Join(l.r.dir, "d", "admin.sock")
	transport := &http.Transport{
		MaxIdleConnsPerHost: loadAddersAtOnce,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", socket)
		},
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: patience}
	all := make([]device, n+n/100)
	var next atomic.Int64
	var adders sync.WaitGroup
	for range loadAddersAtOnce {
		adders.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(all); i = int(next.Add(1)) - 1 {
				body := fmt.Sprintf(`{"name": "phone %d"}`, i)
				res, err := client.Post("http://admin/v1/devices", "application/json", strings.NewReader(body))
				if err != nil {
					l.t.Error(err)
					return
				}
				err = json.NewDecoder(res.Body).Decode(&all[i])
				res.Body.Close()
				if err != nil || all[i].Secret == "" {
					l.t.Errorf("device %d: %s, %v", i, res.Status, err)
					return
				}
			}
		})
	}
	adders.Wait()
	if l.t.Failed() {
		l.t.FailNow()
	}
	l.phones, l.newcomers = all[:n], all[n:]
}

// connect opens the phones' connections.
func (l *load) connect() {
	l.t.Helper()
	for range min(len(l.phones), loadConnections) {
		l.lines = append(l.lines, l.dial())
	}
}

func (l *load) dial() *line {
	l.t.Helper()
	conn, err := net.DialTimeout("tcp", strings.TrimPrefix(l.r.url, "http://"), patience)
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { conn.Close() })
	return &line{conn: conn, in: bufio.NewReaderSize(conn, 4<<10)}
}

// A line is a connection that is kept alive.
type line struct {
	mu   sync.Mutex // one phone at a time
	conn net.Conn
	in   *bufio.Reader
}

// ask sends one request and reads the answer, which must be a multistatus.
func (c *line) ask(d device, method, path, depth, body string) ([]byte, error) {
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	_, err := fmt.Fprintf(c.conn, "%s %s HTTP/1.1\r\nHost: x\r\nAuthorization: Basic %s\r\nUser-Agent: load\r\nContent-Type: text/xml\r\nDepth: %s\r\nContent-Length: %d\r\n\r\n%s",
		method, path, basic(d), depth, len(body), body)
	if err != nil {
		return nil, err
	}
	res, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusMultiStatus {
		err = fmt.Errorf("%s %s: %s", method, path, res.Status)
	}
	return answer, err
}

// poll has phones ask whether there is anything new, in turn: n times, or until ctx
// ends if n is 0.
func (l *load) poll(ctx context.Context, n int) *tally {
	body := propfind("<d:sync-token/><cs:getctag/>")
	got := newTally()
	var left atomic.Int64
	left.Store(int64(n))
	var waiting sync.WaitGroup
	for range min(loadAtOnce, len(l.phones)) {
		waiting.Go(func() {
			for ctx.Err() == nil && (n == 0 || left.Add(-1) >= 0) {
				i := int(l.next.Add(1) % int64(len(l.phones)))
				d, c := l.phones[i], l.lines[i%len(l.lines)]
				c.mu.Lock()
				began := time.Now()
				answer, err := c.ask(d, "PROPFIND", d.book(), "0", body)
				took := time.Since(began)
				c.mu.Unlock()
				if err != nil || !bytes.Contains(answer, []byte("<d:sync-token>https://")) {
					l.t.Errorf("a poll: %v: %s", err, answer)
					return
				}
				got.add(took, len(answer))
			}
		})
	}
	waiting.Wait()
	return got
}

// firstSyncs has all newcomers sync at once, as an iPhone does: the list, then the
// cards, fifty at a time. Its tally has one duration for each whole sync.
func (l *load) firstSyncs() *tally {
	got := newTally()
	var all sync.WaitGroup
	for _, d := range l.newcomers {
		c := l.dial()
		all.Go(func() {
			began := time.Now()
			octets, cards, err := c.firstSync(d)
			c.conn.Close() // or the next hundred find the server full
			if err != nil || cards != l.people {
				l.t.Errorf("a first sync of %d cards, not %d: %v", cards, l.people, err)
				return
			}
			got.add(time.Since(began), octets)
		})
	}
	all.Wait()
	return got
}

func (c *line) firstSync(d device) (octets, cards int, err error) {
	list, err := c.ask(d, "PROPFIND", d.book(), "1", propfind("<d:getetag/>"))
	if err != nil {
		return 0, 0, err
	}
	var hrefs []string
	for _, part := range strings.Split(string(list), "<d:response><d:href>")[1:] {
		if href, _, _ := strings.Cut(part, "<"); href != d.book() {
			hrefs = append(hrefs, href)
		}
	}
	octets = len(list)
	for some := range slices.Chunk(hrefs, 50) {
		answer, err := c.ask(d, "REPORT", d.book(), "1", multiget("<d:getetag/><card:address-data/>", some...))
		if err != nil {
			return octets, cards, err
		}
		octets += len(answer)
		cards += bytes.Count(answer, []byte("END:VCARD"))
	}
	return octets, cards, nil
}

// measure logs what do cost the server.
func (l *load) measure(what string, do func() *tally) *tally {
	l.t.Helper()
	forgetPeak(l.t, l.r)
	cpu, began := processorTime(l.t, l.r), time.Now()
	got := do()
	got.over = time.Since(began)
	cpu = processorTime(l.t, l.r) - cpu
	l.t.Logf("%s: %s; the server used %v of processor time, and at most %d MB", what, got,
		cpu.Round(10*time.Millisecond), peakMemory(l.t, l.r)>>20)
	return got
}

// A tally is how long answers took, and what they held.
type tally struct {
	began time.Time
	over  time.Duration // 0 = until now

	mu     sync.Mutex
	took   []time.Duration
	octets int
}

func newTally() *tally { return &tally{began: time.Now()} }

func (y *tally) add(took time.Duration, octets int) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.took = append(y.took, took)
	y.octets += octets
}

func (y *tally) count() int { return len(y.took) }

// String gives the number, the rate, and the middle and the worst but one in a hundred.
func (y *tally) String() string {
	if len(y.took) == 0 {
		return "none"
	}
	slices.Sort(y.took)
	over := cmp.Or(y.over, time.Since(y.began))
	at := func(part int) time.Duration { return y.took[(len(y.took)-1)*part/100].Round(10 * time.Microsecond) }
	return fmt.Sprintf("%d in %v = %.0f/s, p50 %v, p99 %v, %d MB of answers", len(y.took), over.Round(time.Millisecond),
		float64(len(y.took))/over.Seconds(), at(50), at(99), y.octets>>20)
}

// processorTime is what the server has used (proc(5), /proc/pid/stat).
func processorTime(t *testing.T, r *ringbook) time.Duration {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", r.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	fields := strings.Fields(rest) // from the third, the state
	var ticks int
	for _, f := range fields[11:13] { // utime, stime
		n, err := strconv.Atoi(f)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / clockTicks
}

// forgetPeak has [peakMemory] begin anew (proc(5), /proc/pid/clear_refs).
func forgetPeak(t *testing.T, r *ringbook) {
	t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", r.cmd.Process.Pid), []byte("5"), 0); err != nil {
		t.Fatal(err)
	}
}

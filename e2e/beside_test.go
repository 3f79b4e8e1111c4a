package e2e_test

import (
	"bufio"
	"cmp"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"
)

// The comparison with slapd is for `make bench-ldap`, which sets these. Without
// them it is short and small: that it works, and that both answer alike.
var (
	besidePeople = cmp.Or(os.Getenv("RINGBOOK_BENCH_PEOPLE"), "300")
	besideRounds = cmp.Or(peopleOf(os.Getenv("RINGBOOK_BENCH_ROUNDS")), 1)
	besideRound  = time.Duration(cmp.Or(peopleOf(os.Getenv("RINGBOOK_BENCH_MS")), 20)) * time.Millisecond
)

// phonesAtOnce is how many clients ask at the same time, each waiting for its answer.
const phonesAtOnce = 4

// TestBesideSlapd measures what an operation costs each of the servers, in time of
// its own processor: that is steadier than how long it takes, on a machine that does
// other things as well. Rounds of both take turns; the medians count. Nothing is
// judged by it.
func TestBesideSlapd(t *testing.T) {
	for size := range strings.FieldsSeq(besidePeople) {
		t.Run(size, func(t *testing.T) {
			n, err := strconv.Atoi(size)
			if err != nil {
				t.Fatal(err)
			}
			s := startTenant(t, n, "--photos", "0")
			t.Setenv("RINGBOOK_LDAP_ALLOW_PLAIN", "true")
			r := startRingbook(t, s)
			s.end(9)
			compareLDAP(t, r, startSlapd(t, r))
		})
	}
}

// A rival is one of the servers that are compared.
type rival struct {
	*process
	plain, tls   string
	name, secret string
	sessions     tls.ClientSessionCache
}

func compareLDAP(t *testing.T, r *ringbook, s *slapd) {
	t.Helper()
	d := r.addDevice()
	ours := &rival{process: r.process, plain: r.ldap, tls: r.ldaps, name: d.LDAP.BindDN, secret: d.Secret}
	theirs := &rival{process: s.process, plain: s.plain, tls: s.tls, name: slapdReader, secret: slapdSecret}
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "server CPU per operation\tentries\tringbook µs\tslapd µs\tratio\t")
	for _, work := range works(t, parseLDIF(t, strings.ReplaceAll(r.ldif(), "\n ", ""))) {
		mine, entries := work.cost(t, ours, nil)
		his, want := work.cost(t, theirs, nil)
		if entries != want {
			t.Errorf("%s: %d entries, slapd has %d", work.name, entries, want)
		}
		for range besideRounds - 1 {
			mine, _ = work.cost(t, ours, mine)
			his, _ = work.cost(t, theirs, his)
		}
		a, b := median(mine), median(his)
		fmt.Fprintf(w, "%s\t%d\t%.1f\t%.1f\t%.2f\t\n", work.name, entries, a, b, a/b)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d people\n%s", r.served(), table.String())
}

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}

// A work is what one of the phones does again and again.
type work struct {
	name string
	// open sets a phone up; do does it once and returns how many entries came.
	open func(*testing.T, *rival) phone
	do   func(*testing.T, phone) int
}

// cost adds the microseconds of one round to those of the rounds before it.
func (w work) cost(t *testing.T, r *rival, before []float64) (costs []float64, entries int) {
	t.Helper()
	var phones []phone
	for range phonesAtOnce {
		p := w.open(t, r)
		defer p.close()
		entries = w.do(t, p) // warm
		phones = append(phones, p)
	}
	counts := make([]int, len(phones))
	began := r.used(t)
	var all sync.WaitGroup
	for i, p := range phones {
		all.Go(func() {
			for end := time.Now().Add(besideRound); time.Now().Before(end); counts[i]++ {
				if got := w.do(t, p); got != entries {
					t.Errorf("%s: %d entries, then %d", w.name, entries, got)
					return
				}
			}
		})
	}
	all.Wait()
	used, n := r.used(t)-began, 0
	for _, c := range counts {
		n += c
	}
	return append(before, float64(used.Nanoseconds())/1000/float64(n)), entries
}

// used is the processor time that a server has used, of all its threads.
func (r *rival) used(t *testing.T) time.Duration {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(r.cmd.Process.Pid), "stat"))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	const tick = 10 * time.Millisecond // USER_HZ of every Linux that we run on
	var sum time.Duration
	for _, f := range fields[11:13] { // utime, stime: proc(5)
		n, err := strconv.Atoi(f)
		if err != nil {
			t.Fatal(err)
		}
		sum += time.Duration(n) * tick
	}
	return sum
}

// A phone is a client that sends octets made beforehand and looks at no more of the
// answers than it must: it is not what is measured.
type phone struct {
	rival *rival
	conn  net.Conn
	in    *bufio.Reader
}

func (p phone) close() {
	if p.conn != nil {
		p.conn.Close()
	}
}

func dialPlain(t *testing.T, r *rival) phone {
	t.Helper()
	c, err := net.Dial("tcp", r.plain)
	if err != nil {
		t.Fatal(err)
	}
	return phone{r, c, bufio.NewReaderSize(c, 64<<10)}
}

// loggedIn is dialPlain and a bind.
func loggedIn(t *testing.T, r *rival) phone {
	t.Helper()
	p := dialPlain(t, r)
	p.bind(t)
	return p
}

// ask sends a request and reads until its last answer, whose controls it returns.
func (p phone) ask(t *testing.T, request []byte) (entries int, last []byte) {
	t.Helper()
	if _, err := p.conn.Write(request); err != nil {
		t.Error(err)
		return -1, nil
	}
	for {
		head, err := p.in.Peek(6)
		if err != nil {
			t.Error(err)
			return -1, nil
		}
		n, at := int(head[1]), 2
		if n >= 0x80 {
			at += n - 0x80
			n = 0
			for _, o := range head[2:at] {
				n = n<<8 | int(o)
			}
		}
		msg, err := p.in.Peek(at + n)
		if err != nil {
			t.Error(err)
			return -1, nil
		}
		op := msg[at+2+int(msg[at+1])] // behind the message id
		if op != 0x64 {
			last = slices.Clone(msg)
		} else {
			entries++
		}
		if _, err := p.in.Discard(at + n); err != nil {
			t.Error(err)
			return -1, nil
		}
		if last != nil {
			return entries, last
		}
	}
}

func (p phone) bind(t *testing.T) {
	t.Helper()
	_, last := p.ask(t, bindMessage(p.rival.name, p.rival.secret))
	if code := resultCode(last); code != 0 {
		t.Errorf("bind of %s: result %d", p.rival.name, code)
	}
}

func resultCode(answer []byte) int64 {
	m, err := ber.DecodePacketErr(answer)
	if err != nil || len(m.Children) < 2 || len(m.Children[1].Children) < 3 {
		return -1
	}
	code, _ := m.Children[1].Children[0].Value.(int64)
	return code
}

func searchOctets(t *testing.T, filter string, limit int64, controls ...goldap.Control) []byte {
	t.Helper()
	f, err := goldap.CompileFilter(filter)
	if err != nil {
		t.Fatal(err)
	}
	op := ber.Encode(ber.ClassApplication, ber.TypeConstructed, goldap.ApplicationSearchRequest, nil, "")
	op.AppendChild(octets(bookDN))
	for _, n := range []int64{goldap.ScopeSingleLevel, goldap.NeverDerefAliases} {
		op.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, n, ""))
	}
	for _, n := range []int64{limit, 0} {
		op.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, n, ""))
	}
	op.AppendChild(ber.NewBoolean(ber.ClassUniversal, ber.TypePrimitive, ber.TagBoolean, false, ""))
	op.AppendChild(f)
	wanted := ber.NewSequence("")
	for _, a := range []string{"cn", "telephoneNumber", "mobile"} {
		wanted.AppendChild(octets(a))
	}
	op.AppendChild(wanted)
	return message(2, op, controls...)
}

// search is a work that asks one thing over and over, as phones ask that keep
// their connection.
func search(t *testing.T, name, filter string, limit int64) work {
	t.Helper()
	request := searchOctets(t, filter, limit)
	return work{name + " " + filter, loggedIn, func(t *testing.T, p phone) int {
		t.Helper()
		n, _ := p.ask(t, request)
		return n
	}}
}

// list reads everybody, a page at a time.
func list(t *testing.T) work {
	t.Helper()
	return work{"everybody in pages of 500", loggedIn, func(t *testing.T, p phone) int {
		t.Helper()
		all := 0
		paging := goldap.NewControlPaging(500)
		for {
			n, last := p.ask(t, searchOctets(t, "(objectClass=inetOrgPerson)", 0, paging))
			all += n
			m, err := ber.DecodePacketErr(last)
			if err != nil || len(m.Children) != 3 {
				t.Errorf("page: %v, result %d", err, resultCode(last))
				return -1
			}
			c, err := goldap.DecodeControl(m.Children[2].Children[0])
			next, ok := c.(*goldap.ControlPaging)
			if err != nil || !ok {
				t.Errorf("page: %v", err)
				return -1
			}
			if len(next.Cookie) == 0 {
				return all
			}
			paging.SetCookie(next.Cookie)
		}
	}}
}

// visit is a phone that connects anew for each look-up.
func visit(t *testing.T, name, filter string, resume bool) work {
	t.Helper()
	request := searchOctets(t, filter, 0)
	bye := message(3, ber.Encode(ber.ClassApplication, ber.TypePrimitive, goldap.ApplicationUnbindRequest, nil, ""))
	open := func(_ *testing.T, r *rival) phone {
		p := phone{rival: &rival{process: r.process, tls: r.tls, name: r.name, secret: r.secret}}
		if resume {
			p.rival.sessions = tls.NewLRUClientSessionCache(1)
		}
		return p
	}
	return work{name, open, func(t *testing.T, p phone) int {
		t.Helper()
		c, err := tls.Dial("tcp", p.rival.tls, &tls.Config{InsecureSkipVerify: true, ServerName: "localhost", ClientSessionCache: p.rival.sessions})
		if err != nil {
			t.Error(err)
			return -1
		}
		defer c.Close()
		p.conn, p.in = c, bufio.NewReaderSize(c, 4<<10)
		p.bind(t)
		n, _ := p.ask(t, request)
		if _, err := c.Write(bye); err != nil {
			t.Error(err)
		}
		_, _ = io.Copy(io.Discard, p.in)
		return n
	}}
}

// hits is what phones ask for at most.
const hits = 50

// works is what is compared, over the people of an LDIF.
func works(t *testing.T, people []entry) []work {
	t.Helper()
	var surnames, names []string
	for _, e := range people {
		surnames = append(surnames, e.values["sn"]...)
		names = append(names, e.values["cn"]...)
	}
	begins, n := piece(surnames, strings.HasPrefix)
	inside, m := piece(names, strings.Contains)
	number := ownNumber(people)
	mail := people[len(people)/2].values["mail"][0]
	or := fmt.Sprintf("(|(cn=%[1]s*)(sn=%[1]s*)(givenName=%[1]s*)(o=%[1]s*))", begins)
	numbers := fmt.Sprintf("(|(telephoneNumber=%[1]s)(mobile=%[1]s)(homePhone=%[1]s)(pager=%[1]s))", number)
	byNumber := "(telephoneNumber=" + number + ")"
	return []work{
		{"bind", dialPlain, func(t *testing.T, p phone) int { t.Helper(); p.bind(t); return 0 }},
		search(t, "mail", "(mail="+mail+")", 0),
		search(t, "number", byNumber, 0),
		search(t, "number in four", numbers, 0),
		search(t, "prefix", "(sn="+begins+"*)", n),
		search(t, "substring", "(cn=*"+inside+"*)", m),
		search(t, "OR of four", or, n),
		search(t, "letter", "(sn="+begins[:1]+"*)", n),
		list(t),
		visit(t, "TLS, bind, number, unbind", byNumber, false),
		visit(t, "the same, TLS resumed", byNumber, true),
	}
}

// piece returns the letters, three or as few as it takes, that as many of the names
// have as phones ask for, and hardly more; and how many to ask for.
func piece(names []string, has func(s, piece string) bool) (letters string, limit int64) {
	count := map[string]int{}
	for _, name := range names {
		seen := map[string]bool{}
		name = strings.ToLower(name)
		for size := 1; size <= 3; size++ {
			for i := range len(name) - size + 1 {
				s := name[i : i+size]
				if !seen[s] && has(name, s) && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz") == "" {
					seen[s] = true
					count[s]++
				}
			}
		}
	}
	best := 0
	for s, n := range count {
		nearer := best < hits && n > best || n >= hits && n < best
		if nearer || n == best && (len(s) > len(letters) || len(s) == len(letters) && s < letters) {
			letters, best = s, n
		}
	}
	return letters, int64(min(best, hits))
}

// ownNumber is a telephone number that only one has.
func ownNumber(people []entry) string {
	holders := map[string]int{}
	for _, e := range people {
		for a := range strings.FieldsSeq(everyPhone) {
			for _, n := range e.values[a] {
				holders[n]++
			}
		}
	}
	for _, e := range people[len(people)/2:] {
		for _, n := range e.values["telephoneNumber"] {
			if holders[n] == 1 && strings.HasPrefix(n, "+") {
				return n
			}
		}
	}
	return ""
}

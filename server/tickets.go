package server

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	ticketDay = 24 * time.Hour // how often there is a new key
	// ticketDays is for how many days keys are kept, today included: crypto/tls takes
	// no ticket that is older than 7 days.
	ticketDays = 8
)

// Tickets lets clients resume TLS sessions after a restart of the server, too: a
// phone that connects anew for each look-up then does without the dear part of the
// handshake. The tickets' keys are in a file, a random one for each day (UTC), and are
// forgotten on the eighth day after theirs. Who steals the file can read what he has
// recorded of TLS 1.2 connections of those days; of TLS 1.3 he cannot, since a
// resumption agrees on a fresh key there (RFC 8446 §2.2).
//
// Its methods may be called from any goroutine.
type Tickets struct {
	path string
	log  *slog.Logger

	mu     sync.Mutex
	keys   []ticketKey // the newest first
	realms []realm
}

// A ticketKey is the key of one day.
type ticketKey struct {
	day int64 // since 1970
	key [sha256.Size]byte
}

// A realm is whose tickets are one another's.
type realm struct {
	name   string
	holder *tls.Config // crypto/tls seals and opens tickets by the keys of a configuration
}

// OpenTickets reads the keys in path, or begins anew when there are none. Keys that
// cannot be read or written are no reason not to serve: clients then shake hands in
// full once more, and the log says why.
func OpenTickets(path string, log *slog.Logger) *Tickets {
	t := &Tickets{path: path, log: log}
	b, err := os.ReadFile(path)
	if err == nil {
		t.keys, err = readTicketKeys(b)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.complain("tls session keys not read, clients begin anew", err)
	}
	return t
}

// Keep makes the sessions of c, and of its clones, outlive the server. A ticket of
// one realm is nothing to another, so that what is weak stays among itself.
func (t *Tickets) Keep(c *tls.Config, name string) {
	holder := &tls.Config{MinVersion: minTLS} // it never shakes hands itself
	t.mu.Lock()
	t.realms = append(t.realms, realm{name, holder})
	t.roll(time.Now(), true)
	t.mu.Unlock()
	c.WrapSession = func(cs tls.ConnectionState, ss *tls.SessionState) ([]byte, error) {
		t.renew()
		return holder.EncryptTicket(cs, ss)
	}
	c.UnwrapSession = func(ticket []byte, cs tls.ConnectionState) (*tls.SessionState, error) {
		t.renew()
		return holder.DecryptTicket(ticket, cs)
	}
}

func (t *Tickets) renew() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.roll(time.Now(), false)
}

// roll sees to it that there is a key of today, and none that is too old or, after
// the clock was wrong, of a day to come. changed = the realms need the keys in any
// case. t.mu is held.
func (t *Tickets) roll(now time.Time, changed bool) {
	today := now.Unix() / int64(ticketDay/time.Second)
	if len(t.keys) == 0 || t.keys[0].day != today {
		t.keys = slices.DeleteFunc(t.keys, func(k ticketKey) bool { return k.day <= today-ticketDays || k.day > today })
		if len(t.keys) == 0 || t.keys[0].day != today {
			k := ticketKey{day: today}
			rand.Read(k.key[:]) // never fails
			t.keys = slices.Insert(t.keys, 0, k)
		}
		changed = true
		if err := t.write(); err != nil {
			t.complain("tls session keys not written, a restart will cost every client a handshake", err)
		}
	}
	if !changed {
		return
	}
	for _, r := range t.realms {
		keys := make([][32]byte, len(t.keys))
		for i, k := range t.keys {
			one, err := hkdf.Key(sha256.New, k.key[:], nil, "ringbook tls ticket "+r.name, len(keys[i]))
			if err != nil { // sizes are constants
				panic(err)
			}
			copy(keys[i][:], one)
		}
		r.holder.SetSessionTicketKeys(keys)
	}
}

// write replaces the file whole or not at all.
func (t *Tickets) write() error {
	var b bytes.Buffer
	for _, k := range t.keys {
		fmt.Fprintf(&b, "%s %x\n", time.Unix(k.day*int64(ticketDay/time.Second), 0).UTC().Format(time.DateOnly), k.key)
	}
	return replaceFile(t.path, b.Bytes())
}

// replaceFile puts a file of mode 0600 in the place of path, whole or not at all.
func replaceFile(path string, b []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) //nolint:errcheck // it is renamed, or harmless
	_, err = tmp.Write(b)
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

func readTicketKeys(b []byte) ([]ticketKey, error) {
	var keys []ticketKey
	lines := bufio.NewScanner(bytes.NewReader(b))
	for lines.Scan() {
		date, key, _ := strings.Cut(lines.Text(), " ")
		day, err := time.Parse(time.DateOnly, date)
		raw, bad := hex.DecodeString(key)
		k := ticketKey{day: day.Unix() / int64(ticketDay/time.Second)}
		if err != nil || bad != nil || copy(k.key[:], raw) != len(k.key) || len(raw) != len(k.key) || len(keys) == ticketDays {
			return nil, errors.New("it is damaged")
		}
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b ticketKey) int { return int(b.day - a.day) })
	return keys, lines.Err()
}

func (t *Tickets) complain(what string, err error) {
	//nolint:sloglint // two constant messages
	t.log.LogAttrs(context.Background(), slog.LevelWarn, what, slog.String("file", t.path), slog.String("error", err.Error()))
}

package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"ringbook/directory"
)

// alphabet is what people can read to each other and type on a keypad: one case,
// nothing that looks like something else (i, l, 1, o, 0), nothing that a URL, a
// DN or a phone's template would have to escape.
const alphabet = "abcdefghjkmnpqrstuvwxyz23456789"

const (
	loginLength  = 8  // 31⁸ ≈ 8.5e11: nobody meets one by chance
	secretLength = 20 // 99 bits; the shortest password field of a desk phone holds 50
	maxLogin     = 24 // of [directory.Login]
	maxSecret    = 256
)

// draw returns n random characters of the alphabet, each equally likely.
func draw(n int) string {
	out := make([]byte, 0, n)
	var pool [64]byte
	for len(out) < n {
		rand.Read(pool[:]) // never fails: it ends the process instead
		for _, b := range pool {
			// 248 = 8 × 31: above it the first letters would be likelier.
			if b < 248 && len(out) < n {
				out = append(out, alphabet[b%byte(len(alphabet))])
			}
		}
	}
	return string(out)
}

// fold returns the login as it is kept: without the blanks and capitals that a
// phone's keyboard adds. What cannot be a login folds to "", which is nobody's.
func fold(s string) directory.Login {
	s = strings.Trim(s, " ")
	if len(s) > maxLogin {
		return ""
	}
	upper := false
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		case 'A' <= c && c <= 'Z':
			upper = true
		default:
			return ""
		}
	}
	if upper {
		s = strings.ToLower(s)
	}
	return directory.Login(s)
}

// A hasher makes the hashes of secrets under a key.
type hasher struct{ pool *sync.Pool }

func newHasher(key Key) hasher {
	return hasher{&sync.Pool{New: func() any { return hmac.New(sha256.New, key[:]) }}}
}

// of costs the same for every secret that we could have drawn; of one that is
// too long only the beginning counts, and nobody has such a secret.
func (h hasher) of(secret string) (sum directory.SecretHash) {
	mac, _ := h.pool.Get().(hash.Hash)
	defer h.pool.Put(mac)
	mac.Reset()
	_, _ = io.WriteString(mac, secret[:min(len(secret), maxSecret)]) // a hash never fails
	mac.Sum(sum[:0])
	return sum
}

// A Key keys the hashes of secrets. It is kept beside the store, not in it: a
// copy of the one without the other is worth nothing to a thief.
type Key [32]byte

// LoadKey reads the key in path, or creates it (mode 0600) when there is none.
// The file holds 64 hexadecimal digits and a newline.
func LoadKey(path string) (Key, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := createKey(path); err != nil {
			return Key{}, fmt.Errorf("create the key of the devices' secrets: %w", err)
		}
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return Key{}, fmt.Errorf("read the key of the devices' secrets: %w", err)
	}
	var key Key
	raw, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(raw) != len(key) {
		return Key{}, fmt.Errorf("%s is not a key of 64 hexadecimal digits; restore it from a backup, "+
			"for without it no device can log in: %w", path, directory.ErrInvalid)
	}
	copy(key[:], raw)
	return key, nil
}

// createKey writes a new key whole or not at all, and never over another one.
func createKey(path string) error {
	var key Key
	rand.Read(key[:])                                      // never fails
	tmp, err := os.CreateTemp(filepath.Dir(path), ".key-") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) //nolint:errcheck // a leftover is harmless
	_, err = fmt.Fprintf(tmp, "%x\n", key)
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Link(tmp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes a new name in dir survive a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

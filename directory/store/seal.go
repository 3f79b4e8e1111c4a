package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"

	"ringbook/directory"
)

// Photos go to Badger's value log, which gives a deleted value's bytes back when
// half of its file is garbage, and of the newest file never. So each photo is
// sealed under a key of its own, which is in the tables: who deletes the key
// has erased the photo, and [Store.forget] erases keys.

// photoKey is the length of a photo's key: AES-256.
const photoKey = 32

// A seal is a photo's key. The same key seals the large and the small JPEG, with
// a nonce each, and nothing else ever.
type seal struct{ aead cipher.AEAD }

func newSeal(key []byte) (seal, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return seal{}, err
	}
	aead, err := cipher.NewGCM(block)
	return seal{aead}, err
}

func (s seal) nonce(size directory.PhotoSize) []byte {
	n := make([]byte, s.aead.NonceSize())
	if size == directory.PhotoSmall {
		n[0] = 1
	}
	return n
}

func (s seal) close(size directory.PhotoSize, jpeg []byte) []byte {
	return s.aead.Seal(nil, s.nonce(size), jpeg, nil) //nolint:gosec // a key seals two texts, with a nonce each
}

// open decrypts in place. Bytes that the disk has spoilt are an error.
func (s seal) open(size directory.PhotoSize, sealed []byte) ([]byte, error) {
	return s.aead.Open(sealed[:0], s.nonce(size), sealed, nil)
}

// putPhoto stores a photo under a new key.
func putPhoto(t *tx, p *directory.Photo) {
	key := make([]byte, photoKey)
	_, _ = rand.Read(key) // never fails
	s, err := newSeal(key)
	if err != nil {
		t.err = err
		return
	}
	t.set(sealKey(p.ID), key)
	t.set(largeKey(p.ID), s.close(directory.PhotoLarge, p.Large))
	t.set(smallKey(p.ID), s.close(directory.PhotoSmall, p.Small))
}

// Package vcard writes contacts as vCard 3.0 (RFC 2426), ours to the byte.
package vcard

import "ringbook/directory"

// Version names the renderer. It changes whenever the bytes of any card change,
// so that a store knows to look which cards did.
const Version = "1"

// A Style is what a card shows beside the contact.
type Style struct {
	// Number writes a number; nil = [directory.Phone.Canonical].
	Number func(directory.Phone) string
	// JPEG is the photo's bytes; nil = none.
	JPEG []byte
}

// Append appends the card of c to dst. Lines end in CR LF and are folded at 75
// octets, never inside a character.
func Append(dst []byte, c *directory.Contact, s Style) []byte { panic("skeleton") }

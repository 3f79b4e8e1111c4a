package directory

import (
	"cmp"
	"slices"
	"strings"
)

// A NameStyle says how names are written for one device.
type NameStyle string

// The name styles. The zero value of a device is read as NamesWritten.
const (
	NamesWritten NameStyle = "written" // as the source has the name: Adler, Karen
	NamesPlain   NameStyle = "plain"   // without commas: Karen Adler
)

// NameStyles lists the styles that a device may have.
func NameStyles() []NameStyle { return []NameStyle{NamesWritten, NamesPlain} }

// commas are the comma and the signs that displays without other letters than ASCII's
// show as one.
const commas = ",‚︐﹐，"

// Name returns what a contact is called on a device: [Contact.Name], of which
// NamesPlain makes a name without commas. "Surname, Given", of just these two, becomes
// "Given Surname"; of others each comma becomes a blank. It is "?" where nothing is
// left, and as empty as [Contact.Name] else. What has no comma costs nothing.
func (s NameStyle) Name(c *Contact) string {
	name := c.Name()
	if s != NamesPlain || !strings.ContainsAny(name, commas) {
		return name
	}
	parts := strings.FieldsFunc(name, func(r rune) bool { return strings.ContainsRune(commas, r) })
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	parts = slices.DeleteFunc(parts, func(p string) bool { return p == "" })
	if len(parts) == 2 && strings.EqualFold(parts[0], c.Surname) && strings.EqualFold(parts[1], c.GivenName) {
		slices.Reverse(parts)
	}
	return cmp.Or(strings.Join(parts, " "), "?")
}

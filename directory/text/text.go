// Package text makes names comparable: folding for search, keys for order.
package text

// Fold returns the form in which names are compared: NFKD without marks, case
// folded, blanks collapsed, letters that decompose to nothing spelt out (ß→ss,
// ø→o, ł→l, æ→ae). Fold(Fold(s)) == Fold(s).
func Fold(s string) string { panic("skeleton") }

// Clean returns s as a [directory.Contact] holds it: valid UTF-8 in NFC, without
// control characters, trimmed; if lines, "\n" is kept (and CR LF becomes it).
func Clean(s string, lines bool) string { panic("skeleton") }

// SortKey returns a string whose byte order is the order of names in a
// phonebook (Unicode root collation; case and accents only break ties).
func SortKey(s string) string { panic("skeleton") }

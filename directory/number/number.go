// Package number reads telephone numbers as people type them, compares them in
// any spelling, and writes them as a device needs them.
package number

import "ringbook/directory"

// A Plan says how a number without "+" is read.
type Plan struct{}

// NewPlan makes the plan of a country (ISO 3166-1 alpha-2, such as "DE").
// An unknown country is [directory.ErrInvalid].
func NewPlan(country string) (*Plan, error) { panic("skeleton") }

// E164 returns written in E.164 ("+4930123456"), or "" when it is not a valid
// number of this plan or of the country it names.
func (p *Plan) E164(written string) string { panic("skeleton") }

// Format writes a number in a device's profile; one without E.164 as it is written.
func (p *Plan) Format(ph directory.Phone, profile directory.NumberProfile) string { panic("skeleton") }

// A Query is a number that somebody looks for, in whatever spelling.
type Query struct{}

// Query reads s: separators are dropped; a query without digits matches nothing.
func (p *Plan) Query(s string) Query { panic("skeleton") }

// Equal reports whether q in any reading of the plan is ph.
func (q Query) Equal(ph directory.Phone) bool { panic("skeleton") }

// Prefix reports whether q begins any spelling of ph (E.164, 00…, national, as written).
func (q Query) Prefix(ph directory.Phone) bool { panic("skeleton") }

// Suffix reports whether q, of at least MinSuffix digits, ends ph.
func (q Query) Suffix(ph directory.Phone) bool { panic("skeleton") }

// Contains reports whether q's digits stand in any spelling of ph.
func (q Query) Contains(ph directory.Phone) bool { panic("skeleton") }

// MinSuffix is the shortest suffix that is taken for a number: fewer digits end
// the numbers of half a company.
const MinSuffix = 5

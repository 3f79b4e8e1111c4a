// Package carddav serves the books of a device over CardDAV (RFC 6352), with
// WebDAV collection synchronisation (RFC 6578). It is read-only: there is no
// code here that could change anything.
//
// # How a request travels
//
//	login ─▶ resource ─▶ method ─▶ request parser ─▶ multistatus ─▶ stream
//
// Every request logs in. Its path is resolved within the device's own tree:
// anything else, somebody else's book included, is simply not found. One
// [index.View] is taken at the start and used to the end, so an answer is of one
// moment. The tables of methods, reports and properties both dispatch and
// advertise, so what is announced is what is served.
//
// Answers are written through a buffer of a fixed size. An answer that does not
// fit goes out in pieces, and only then passes the gate: the number of such
// answers at a time is limited, and they end when the device is drained or
// revoked. Memory never grows with a book.
//
// # Sync tokens
//
//	https://ringbook.invalid/sync/<epoch>/<revision>[.<contact id>]/<scope>
//
// The revision is the book's own: nothing visible changed, so the token did not.
// The scope is a digest of what else decides what the device sees: its books up
// to this one, its photos, its way of writing numbers with the number plan that
// this goes by, and whether it is being drained. A token of another scope is answered with everything, tombstones
// included, after which the client is exactly right again.
package carddav

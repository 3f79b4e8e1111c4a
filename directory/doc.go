// Package directory is Ringbook's centre: the words that every other package
// speaks, and nothing else. It imports the standard library only.
//
// # The model on one page
//
// A [Contact] is one person or organisation, whatever its [Source]. It is the
// one value the product believes in: trimmed, typed, sorted. A Contact is made
// by a source (package graph), is read by everybody and is changed by nobody
// afterwards: the store and the index hand out pointers to shared contacts, so
// a caller that wants to change one copies it with [Contact.Clone] first.
//
// A source hands its news to the store as a [Batch] of [Change] values, with
// the [Cursor] that stands for "everything up to here". The store applies a
// batch in one transaction. A transaction that changed anything makes exactly
// one new [Revision]; one that changed nothing visible makes none. The cursor
// is committed with the data that it belongs to, never before it.
//
// A [Book] is a named view of the directory: a title and a rule. A contact is a
// member of a book while the rule is true for it. For each book the store keeps
// at which revision each contact last changed in that book, or left it. Those
// marks are kept for ever, so "what changed since revision r" has an exact
// answer for every r of this store's [Epoch].
//
// A [Device] is one phone, desk phone, PBX or app. It has a [Login] and a
// secret of its own; only a keyed hash of the secret is kept. A device sees its
// own books and nothing else. It is active, then draining (every book is empty
// for it, so that the phone itself deletes the contacts) or at once revoked.
//
// # How one contact travels
//
//	Graph JSON ──graph──▶ Change ──store──▶ Contact + Revision in Badger
//	                                            │
//	                                   index.View, swapped atomically
//	                                            │
//	                    vcard bytes ◀── carddav ┴ ldap ──▶ BER bytes
//
// # Errors
//
// An error gets its kind here ([ErrNotFound], [ErrCredential], …), is wrapped
// with what was attempted on its way up, and gets its meaning (a status, a
// result code, an exit code) in one function of each edge.
package directory

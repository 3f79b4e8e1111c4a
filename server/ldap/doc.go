// Package ldap serves the directory over LDAP (RFC 4510 to 4519) to desk
// phones, PBXs and mail clients, read-only.
//
// # The tree
//
//	dc=ringbook                                  the base (setting)
//	└─ ou=people                                 a book
//	   └─ uid=<contact id>                       a contact, as inetOrgPerson
//	cn=subschema                                 the schema, worked out from the index's table
//
// A device sees the books of its shelf and nothing else. It binds as
// cn=<login>,<base>, as <login> or as <login>@anything.
//
// # Ports
//
// What holds on a listener is its [Port]: how connections begin, whether devices may
// log in without TLS, and whose clients may search without a login, by address ([Anonymous]).
// Those see some books and attributes; every other attribute is to them one that nobody
// has heard of, in filters, orders and comparisons as in answers, and in what a search
// does beyond its filter ([index.Book.Seen]).
//
// # How a message travels
//
// [readFrame] takes one message off the connection and checks its shape (length,
// depth, number of elements, no child longer than its parent, no indefinite
// length) before anything is decoded. Requests are then read in place with
// [element]. Answers are appended to pooled buffers, without a tree of packets; what
// the list of attributes asks for is remembered, as all phones of a make send the same.
//
// Each connection has one goroutine that reads, and carries out what it has read. Most
// searches are over sooner than another could be started; one that takes its time, or
// has to wait, hands the reading over (operation.go). Whatever ends a connection wakes
// the goroutine that reads, which waits for the searches, says why (a notice of
// disconnection) and closes.
//
// # What a search may cost, and may ask
//
// A filter may be true for nobody and still take minutes, so it is the filter
// itself that asks, for each contact, whether the search is still wanted
// ([filter.Filter].Stop): an abandoned, revoked or overlong one ends within
// milliseconds. There a long search also waits for its turn (gate.go), so that no
// device keeps all processors busy. Attributes that are for the rules of books only, such as userType,
// are unknown to every request: what a device may not read it may not probe.
//
// # In which order
//
// Contacts come in the order of names, which the index has already. Three things ask
// for another. A sort control gets its own, up to a limit of contacts (sort.go). A
// list view is a window on such a list, which is kept for whoever scrolls next
// (listview.go). And where a size limit cuts the answer, the best hits come first
// (best.go), unless the client asked for an order or goes on page by page. A limit of
// the server or of the device shortens pages and list views; it never keeps a client
// that goes on from reading the whole directory.
//
// # What is advertised
//
// Controls, extended operations and features stand in one table each, which
// dispatches and which the root DSE shows: [controlTable], [extensions], [features].
// Cancel (cancel.go) is answered by the operation that it ends, so that it is settled
// in one place whether it came too late.
//
// # Where we forgive what the RFC does not
//
// People type the settings of phones. A search below an unknown or unreadable
// base is read as a search of ours (a base-scope read is not: it names one
// object). A one-level search of the base that no book satisfies goes on to the
// people in them, because phones set to "one level" mean the people. An attribute
// is answered in the spelling in which it was asked for, unless that is its number.
// Substrings without a piece, which some phones send when nothing was typed, ask whether
// there is a value. An attribute with options is not forgiven: it is a subtype, and its
// base is not asked for.
package ldap

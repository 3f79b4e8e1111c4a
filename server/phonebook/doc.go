// Package phonebook serves the books of a device as the remote phone books of desk
// phones: one XML document over HTTPS, for phones without LDAP. It is read-only.
//
// # Forms
//
//	below /phonebook/                    root element              for
//	yealink.xml                          YealinkIPPhoneDirectory   Yealink, and others that take any …IPPhoneDirectory
//	yealink-book.xml                     YealinkIPPhoneBook        Yealink, three numbers a person
//	snom.xml                             SnomIPPhoneDirectory      Snom, mini browser
//	snom-tbook.xml                       tbook                     Snom from 10.1.178 on, remote XML directory
//	grandstream.xml                      AddressBook               Grandstream
//	cisco.xml                            CiscoIPPhoneDirectory     Cisco, in pages, with a search
//	fanvil.xml                           FanvilIPPhoneDirectory    Fanvil
//
// Their sources stand beside them in forms.go. Each shows the books of the device
// that logs in (Basic, also as https://LOGIN:SECRET@host/…), each person once, in the
// order of names, with the numbers that can be called in the device's own profile;
// who has none is left out. "?q=" narrows any form down to names and numbers that
// begin so; "?n=" is Cisco's question who calls, answered with the holders of that
// number and with nobody else.
//
// # What polling costs
//
// Phones fetch the whole document every few hours, whether anything is new or not.
// The entity tag is a digest of what decides the document, the books' revisions
// above all, so that a phone which knows it is answered before a contact is looked
// at. An answer is written twice, once to learn its length: small clients know no
// chunks. It goes out through one buffer, few answers at a time (see package gate).
package phonebook

package phonebook

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"ringbook/directory"
)

// maxLines is where a document ends that has no smaller limit: two or three
// megabytes, and more than a phone has room for. Larger companies have LDAP.
const maxLines = 20_000

// A form is how a make of phone reads a phone book.
type form struct {
	name  string   // also its path below [Root]
	paths []string // further ones that its phones ask for
	lines int      // most of them in one answer
	// each: every number is a line of its own, with the person's name.
	each  bool
	paged bool // the rest is behind a key
	post  bool // its phones ask by POST
	// caller: its phones ask by [paramCaller] who calls.
	caller bool
	begin  func(*document)
	entry  func(*document, *person)
	end    func(*document)
	input  func(*document) // asks what to search for; nil = it has no such thing
}

// forms is the table from which requests are served. Nothing changes it.
var forms = []form{
	{
		// Matrix SPARSH VP110 manual and Fanvil XML Operation Guide: any root
		// …IPPhoneDirectory, entries with a name and several numbers.
		name: "yealink.xml", lines: maxLines,
		begin: func(d *document) { d.open("YealinkIPPhoneDirectory") },
		entry: directoryEntry,
		end:   func(d *document) { d.close("YealinkIPPhoneDirectory") },
	},
	{
		// Yealink's template Menu.xml; a unit has three numbers.
		name: "yealink-book.xml", lines: maxLines,
		begin: func(d *document) {
			d.open("YealinkIPPhoneBook")
			d.tag("Title", d.title)
			d.markup(`<Menu Name="`)
			d.text(d.title)
			d.markup("\">\n")
		},
		entry: func(d *document, p *person) {
			d.markup(`<Unit Name="`)
			d.text(p.name)
			d.markup(`"`)
			for i, n := range p.numbers[:min(3, len(p.numbers))] {
				d.markup(" Phone" + strconv.Itoa(i+1) + `="`)
				d.text(n.number)
				d.markup(`"`)
			}
			d.markup("/>\n")
		},
		end: func(d *document) {
			d.markup("</Menu>\n")
			d.close("YealinkIPPhoneBook")
		},
	},
	{
		// service.snom.com, XML Minibrowser: one number an entry.
		name: "snom.xml", lines: maxLines, each: true,
		begin: func(d *document) {
			d.open("SnomIPPhoneDirectory")
			d.tag("Title", d.title)
		},
		entry: directoryEntry,
		end:   func(d *document) { d.close("SnomIPPhoneDirectory") },
	},
	{
		// service.snom.com, Remote XML Directory (10.1.178.0): fetched by POST.
		name: "snom-tbook.xml", lines: maxLines, post: true,
		begin: func(d *document) { d.markup("<tbook e=\"2\" version=\"2.0\" complete=\"true\">\n") },
		entry: tbookContact,
		end:   func(d *document) { d.close("tbook") },
	},
	{
		// Grandstream GXP Series XML Phonebook Guide, tables 1 to 4. A GXP asks for
		// phonebook.xml below the path that it was given, older ones for gs_phonebook.xml.
		name: "grandstream.xml", paths: []string{"grandstream/phonebook.xml", "grandstream/gs_phonebook.xml"}, lines: maxLines,
		begin: func(d *document) {
			d.open("AddressBook")
			d.tag("version", "1")
		},
		entry: grandstreamContact,
		end:   func(d *document) { d.close("AddressBook") },
	},
	{
		// Cisco Unified IP Phone Services Application Development Notes (OL-20949-01),
		// CiscoIPPhoneDirectory: 32 entries in one object, further ones by a further request.
		// Cisco IP Phone 6800 Series Multiplatform Phones Administration Guide, Reverse Name
		// Lookup for Incoming and Outgoing Calls: directory_url?n=incoming_call_number.
		name: "cisco.xml", lines: 32, each: true, paged: true, caller: true,
		begin: func(d *document) {
			d.open("CiscoIPPhoneDirectory")
			d.tag("Title", d.title)
			d.tag("Prompt", "Select")
		},
		entry: directoryEntry,
		end:   ciscoEnd,
		input: ciscoInput,
	},
	{
		// Fanvil XML Operation Guide 1.1. An ampersand breaks it, even escaped, as two
		// public phone book servers for 3CX and Fanvil found: it gets no entity at all.
		name: "fanvil.xml", lines: maxLines,
		begin: func(d *document) {
			d.plain = true
			d.open("FanvilIPPhoneDirectory")
			d.tag("Title", d.title)
		},
		entry: directoryEntry,
		end:   func(d *document) { d.close("FanvilIPPhoneDirectory") },
	},
}

// formOf finds a form by a path below [Root]; nil = there is none.
func formOf(path string) *form {
	for i := range forms {
		f := &forms[i]
		if f.name == path || slices.Contains(f.paths, path) {
			return f
		}
	}
	return nil
}

// directoryEntry is what most makes have copied from Cisco.
func directoryEntry(d *document, p *person) {
	d.open("DirectoryEntry")
	d.tag("Name", p.name)
	for _, n := range p.numbers {
		d.tag("Telephone", n.number)
	}
	d.close("DirectoryEntry")
}

// What the forms call a kind of number; any other is a "sip" one, or "Other".
// Nothing changes the maps.
var (
	tbookKinds       = map[directory.PhoneKind]string{directory.PhoneWork: "business", directory.PhoneMobile: "mobile", directory.PhoneHome: "home"}
	grandstreamKinds = map[directory.PhoneKind]string{directory.PhoneWork: "Work", directory.PhoneMobile: "Mobile", directory.PhoneHome: "Home"}
)

func tbookContact(d *document, p *person) {
	d.markup("<contact fav=\"false\" vip=\"false\" blocked=\"false\">\n")
	d.tag("first_name", p.given)
	d.tag("last_name", p.surname)
	d.markup("<numbers>")
	for _, n := range p.numbers {
		d.markup(`<number no="`)
		d.text(n.number)
		d.markup(`" type="` + cmp.Or(tbookKinds[n.kind], "sip") + `" outgoing_id="0"/>`)
	}
	d.markup("</numbers>\n</contact>\n")
}

func grandstreamContact(d *document, p *person) {
	d.open("Contact")
	d.tag("FirstName", p.given)
	d.tag("LastName", p.surname)
	for _, n := range p.numbers {
		d.markup(`<Phone type="` + cmp.Or(grandstreamKinds[n.kind], "Other") + `"><phonenumber>`)
		d.text(n.number)
		d.markup("</phonenumber><accountindex>0</accountindex></Phone>\n")
	}
	d.close("Contact")
}

// ciscoEnd are the keys below a page.
func ciscoEnd(d *document) {
	d.softKey("Dial", "SoftKey:Dial", 1)
	d.softKey("Search", d.link(url.Values{paramInput: {"1"}}), 2)
	if d.next != "" {
		v := url.Values{paramAfter: {string(d.next)}, paramOrder: {d.order}}
		if d.query != "" {
			v.Set(paramQuery, d.query)
		}
		d.softKey("Next", d.link(v), 3)
	}
	d.softKey("Exit", "SoftKey:Exit", 4)
	d.close("CiscoIPPhoneDirectory")
}

func (d *document) softKey(name, url string, position int) {
	d.open("SoftKeyItem")
	d.tag("Name", name)
	d.tag("URL", url)
	d.tag("Position", strconv.Itoa(position))
	d.close("SoftKeyItem")
}

// ciscoInput is CiscoIPPhoneInput of the same notes.
func ciscoInput(d *document) {
	d.open("CiscoIPPhoneInput")
	d.tag("Title", d.title)
	d.tag("Prompt", "Name or number")
	d.tag("URL", d.link(nil))
	d.open("InputItem")
	d.tag("DisplayName", "Search")
	d.tag("QueryStringParam", paramQuery)
	d.tag("DefaultValue", "")
	d.tag("InputFlags", "A")
	d.close("InputItem")
	d.close("CiscoIPPhoneInput")
}

// link is an address of this form.
func (d *document) link(v url.Values) string {
	s := strings.TrimRight(d.public, "/") + Root + d.form.name
	if len(v) > 0 {
		s += "?" + v.Encode()
	}
	return s
}

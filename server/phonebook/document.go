package phonebook

import (
	"bufio"
	"slices"
	"strings"

	"ringbook/directory"
	"ringbook/directory/index"
	"ringbook/directory/text"
)

// A person is one contact as the forms write it.
type person struct {
	name, given, surname string
	numbers              []called // at least one
}

// called is a number that can be called.
type called struct {
	kind   directory.PhoneKind
	number string // in the device's profile
}

// A document is what is being written.
type document struct {
	w      *bufio.Writer
	err    error // of w, the first
	form   *form
	public string // URL
	title  string
	query  string
	order  string // of names, its digest
	plain  bool   // its reader knows no entity
	caller string // the number that calls, the only one that is shown of its holders; "" = all are

	names   directory.NameStyle
	ascii   bool
	write   func(directory.Phone) string
	numbers []called // room

	lines   int
	entries int
	next    directory.ContactID // the last contact of a page that is not the last; "" = it is
}

const declaration = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

func (d *document) markup(s string) {
	if d.err == nil {
		_, d.err = d.w.WriteString(s)
	}
}

func (d *document) open(name string)  { d.markup("<"); d.markup(name); d.markup(">\n") }
func (d *document) close(name string) { d.markup("</"); d.markup(name); d.markup(">\n") }

func (d *document) tag(name, value string) {
	d.markup("<")
	d.markup(name)
	d.markup(">")
	d.text(value)
	d.close(name)
}

// escapes leave an apostrophe as it is: the parsers of small phones know the names
// of four entities, and no numbers.
var escapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")

// substitutes are for parsers that know none.
var substitutes = strings.NewReplacer("&", "+", "<", "(", ">", ")", `"`, "'")

// text writes character data, or an attribute's value.
func (d *document) text(s string) {
	switch {
	case !strings.ContainsAny(s, "&<>\""):
	case d.plain:
		s = substitutes.Replace(s)
	default:
		s = escapes.Replace(s)
	}
	d.markup(s)
}

// show is a text as the device's display has it: one line, without what is no
// character of XML (XML 1.0 §2.2).
func (d *document) show(s string) string {
	if s = text.Clean(s, false); d.ascii {
		return text.ASCII(s)
	}
	if strings.ContainsAny(s, "\ufffe\uffff") {
		s = strings.NewReplacer("\ufffe", "", "\uffff", "").Replace(s)
	}
	return s
}

// add writes a contact; false = there is no room for it any more. One that nobody
// can call is left out.
func (d *document) add(e *index.Entry) (more bool) {
	c := e.Contact()
	d.numbers = d.numbers[:0]
	if d.caller != "" {
		return d.put(c, append(d.numbers, called{directory.PhoneOther, d.show(d.caller)}))
	}
	for _, ph := range c.Phones {
		if ph.Kind == directory.PhoneFax || ph.Kind == directory.PhonePager {
			continue
		}
		n := d.show(d.write(ph))
		if n != "" && !slices.ContainsFunc(d.numbers, func(o called) bool { return o.number == n }) {
			d.numbers = append(d.numbers, called{ph.Kind, n})
		}
	}
	if len(d.numbers) == 0 {
		return true
	}
	return d.put(c, d.numbers)
}

// put writes a contact with at least one number; false = there is no room.
func (d *document) put(c *directory.Contact, numbers []called) (more bool) {
	lines := 1
	if d.form.each {
		lines = len(numbers)
	}
	if d.lines > 0 && d.lines+lines > d.form.lines {
		return false
	}
	d.lines += lines
	d.entries++
	d.next = c.ID
	p := person{name: d.show(d.names.Name(c)), given: d.show(c.GivenName), surname: d.show(c.Surname), numbers: numbers}
	if p.name == "" {
		p.name = p.numbers[0].number
	}
	if p.given == "" && p.surname == "" {
		p.surname = p.name
	}
	if !d.form.each {
		d.form.entry(d, &p)
		return true
	}
	for i, n := range p.numbers[:min(len(p.numbers), d.form.lines)] {
		one := person{name: p.name, numbers: p.numbers[i : i+1]}
		if len(p.numbers) > 1 {
			one.name += " (" + d.show(string(n.kind)) + ")"
		}
		d.form.entry(d, &one)
	}
	return true
}

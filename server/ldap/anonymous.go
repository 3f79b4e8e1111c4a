package ldap

import (
	"net/netip"
	"slices"

	"ringbook/directory"
	"ringbook/directory/index"
	"ringbook/server/site"
)

// An Anonymous lets the clients of some networks search a port without a login:
// printers and exchanges that know none. They see and ask for its attributes alone;
// any other is to them one that nobody has heard of.
type Anonymous struct {
	Networks   []netip.Prefix
	Books      []directory.BookName
	Attributes []index.Attribute
	Hits       int // most entries of one search, all its pages together; 0 = as many as there are
	Numbers    directory.NumberProfile
}

// anonymous returns what a client at an address may do without a login; nil = nothing.
func (p *Port) anonymous(from netip.Addr) *Anonymous {
	for i := range p.Anonymous {
		a := &p.Anonymous[i]
		if slices.ContainsFunc(a.Networks, func(n netip.Prefix) bool { return n.Contains(from) }) {
			return a
		}
	}
	return nil
}

// device is as whom its clients search.
func (a *Anonymous) device() directory.Device {
	return directory.Device{
		State: directory.DeviceActive, Kind: directory.KindDeskphone,
		Books: a.Books, Numbers: a.Numbers, Photos: directory.PhotoSmall, Hits: a.Hits,
	}
}

// same are the attributes that tell nothing of anybody: all contacts have the same
// values. Filters ask for them as a matter of form. Nothing changes it.
var same = [...]string{"objectClass", "objectCategory"}

func (a *Anonymous) sees(x index.Attribute) bool {
	return slices.Contains(a.Attributes, x) || slices.Contains(same[:], x.Name())
}

// A sight says which attributes of contacts a client may see and ask for; nil = all
// that there are for devices.
type sight func(index.Attribute) bool

// sight returns that of who, who is a device or, if "", anonymous.
func (c *conn) sight(who directory.DeviceID) sight {
	if who != "" || c.anonymous == nil {
		return nil
	}
	return c.anonymous.sees
}

func (s sight) sees(a index.Attribute) bool { return !hidden(a) && (s == nil || s(a)) }

// known finds an attribute that there is for who looks.
func (s sight) known(name string) (index.Attribute, bool) {
	a, ok := index.ParseAttribute(name)
	return a, ok && s.sees(a)
}

// shelf returns the books as who looks sees them.
func (s sight) shelf(books []*index.Book) []*index.Book {
	if s == nil {
		return books
	}
	seen := make([]*index.Book, len(books))
	for i, b := range books {
		seen[i] = b.Seen(s)
	}
	return seen
}

// names reports whether the names are seen that stand behind the order of names.
// Who does not see them may not be told a place in that order, nor ask for one: the
// order itself says enough.
func (s sight) names() bool {
	_, ok := s.known("cn")
	return ok
}

// keepsPlaces reports whether pages of who may go on at a place in the order of names,
// which the client says. Who does not see the names might ask about them so, and who
// may see some of the entries only would see the rest: their pages are counted.
func (c *conn) keepsPlaces(who directory.DeviceID) bool {
	if s := c.sight(who); s != nil {
		return s.names() && c.anonymous.Hits == 0
	}
	return true
}

// capped reports whether a search ends with so many entries, in however many pages or
// windows: a stranger, who may not walk through the whole directory.
func (a *answer) capped() bool { return a.sight != nil && a.device.Hits > 0 }

// account is who has to pay for a search: the device or, if there is none, whoever
// shares the client's address. No device has a blank in its id.
func (c *conn) account(who directory.DeviceID) directory.DeviceID {
	if who == "" && c.anonymous != nil {
		return directory.DeviceID("anonymous " + site.Of(c.from).String())
	}
	return who
}

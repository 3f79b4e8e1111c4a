package ldap

import (
	"slices"

	goldap "github.com/go-ldap/ldap/v3"
)

// Controls that go-ldap has no name for.
const (
	// controlDomainScope asks for no referrals (MS-ADTS §3.1.1.3.4.1.4); we know none.
	controlDomainScope = "1.2.840.113556.1.4.1339"
)

// maxSortKeys bounds server-side sorting; phones send one key.
const maxSortKeys = 8

// A control is one row of the table that both dispatches and is advertised.
type control struct {
	oid string
	op  byte // the request that it belongs to
	// read takes in the control's value; false = it cannot be read.
	read func(c *controls, value []byte) bool
}

// controlTable is never changed.
var controlTable = [...]control{
	{goldap.ControlTypePaging, opSearchRequest, (*controls).readPaging},
	{goldap.ControlTypeServerSideSorting, opSearchRequest, (*controls).readSort},
	{goldap.ControlTypeVLVRequest, opSearchRequest, (*controls).readListView},
	{goldap.ControlTypeManageDsaIT, opSearchRequest, (*controls).readNothing},
	{goldap.ControlTypeManageDsaIT, opCompareRequest, (*controls).readNothing},
	{controlDomainScope, opSearchRequest, (*controls).readNothing},
}

// controls are what a request's controls ask for.
type controls struct {
	paging *paging
	sort   []sortKey
	view   *listView
	// sortCritical: no answer at all is better than an unsorted one.
	sortCritical bool
	seen         []string
}

// A paging is the value of a paged results control (RFC 2696).
type paging struct {
	size   int32
	cookie []byte
}

// A sortKey is one key of a sort request (RFC 2891 §1.1).
type sortKey struct {
	attribute string
	reverse   bool
}

// decodeControls reads the controls of a request (RFC 4511 §4.1.11). The result
// is success, or says why the request cannot be carried out.
func decodeControls(op byte, b []byte) (c controls, r result) {
	for len(b) > 0 {
		one, rest, err := take(b, tagSequence)
		if err != nil {
			return c, refuse(goldap.LDAPResultProtocolError, "malformed control")
		}
		if r := c.add(op, one); r != success {
			return c, r
		}
		b = rest
	}
	return c, success
}

func (c *controls) add(op byte, b []byte) result {
	malformed := refuse(goldap.LDAPResultProtocolError, "malformed control")
	oid, b, err := takeString(b)
	if err != nil {
		return malformed
	}
	critical := false
	if len(b) > 0 && b[0] == tagBoolean {
		if critical, b, err = takeBool(b); err != nil {
			return malformed
		}
	}
	var value []byte
	if len(b) > 0 && b[0] == tagOctets {
		if value, b, err = take(b, tagOctets); err != nil {
			return malformed
		}
	}
	if !isLater(b, -1) {
		return malformed
	}
	for _, row := range controlTable {
		if row.oid == oid && row.op == op {
			if slices.Contains(c.seen, oid) || !row.read(c, value) {
				return malformed
			}
			c.seen = append(c.seen, oid)
			c.sortCritical = c.sortCritical || critical && oid == goldap.ControlTypeServerSideSorting
			return success
		}
	}
	if critical {
		return refuse(goldap.LDAPResultUnavailableCriticalExtension, "critical control not supported here")
	}
	return success
}

func (c *controls) readNothing([]byte) bool { return true }

func (c *controls) readPaging(value []byte) bool {
	b, rest, err := take(value, tagSequence)
	if err != nil || len(rest) > 0 {
		return false
	}
	p := paging{}
	if p.size, b, err = takeInt(b, tagInteger); err != nil || p.size < 0 {
		return false
	}
	if p.cookie, b, err = take(b, tagOctets); err != nil || len(b) > 0 {
		return false
	}
	c.paging = &p
	return true
}

func (c *controls) readSort(value []byte) bool {
	b, rest, err := take(value, tagSequence)
	if err != nil || len(rest) > 0 {
		return false
	}
	for len(b) > 0 {
		var one []byte
		if one, b, err = take(b, tagSequence); err != nil {
			return false
		}
		k, ok := readSortKey(one)
		if !ok || len(c.sort) == maxSortKeys {
			return false
		}
		c.sort = append(c.sort, k)
	}
	return len(c.sort) > 0
}

func readSortKey(b []byte) (k sortKey, ok bool) {
	var err error
	if k.attribute, b, err = takeString(b); err != nil {
		return k, false
	}
	k.attribute = shortName(k.attribute)
	for len(b) > 0 {
		var e element
		if e, b, err = next(b); err != nil {
			return k, false
		}
		switch e.tag {
		case 0x80: // orderingRule: we order as a phonebook does, whatever it says
		case 0x81:
			if len(e.content) != 1 {
				return k, false
			}
			k.reverse = e.content[0] != 0
		default:
			return k, false
		}
	}
	return k, true
}

// appendControl appends a response control; value is BER inside an OCTET STRING.
func appendControl(dst []byte, oid string, value []byte) []byte {
	dst, mark := begin(dst, tagSequence)
	dst = appendString(dst, tagOctets, oid)
	dst = appendString(dst, tagOctets, value)
	return finish(dst, mark)
}

// appendPaging appends the control that answers a paged search. The estimate of
// the total is 0, "not known".
func appendPaging(dst, cookie []byte) []byte {
	v, mark := begin(nil, tagSequence)
	v = appendInt(v, tagInteger, 0)
	v = appendString(v, tagOctets, cookie)
	return appendControl(dst, goldap.ControlTypePaging, finish(v, mark))
}

// appendSorted appends the control that answers a sort request (RFC 2891 §1.2).
func appendSorted(dst []byte, code uint16, attribute string) []byte {
	v, mark := begin(nil, tagSequence)
	v = appendInt(v, tagEnumerated, int32(code))
	if attribute != "" {
		v = appendString(v, 0x80, attribute)
	}
	return appendControl(dst, goldap.ControlTypeServerSideSortingResult, finish(v, mark))
}

package ldap_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"

	"ringbook/directory"
	"ringbook/server/ldap"
)

// hiding returns people who have the same names and work numbers in each variant, and
// nothing else.
func hiding(variant int) []*directory.Contact {
	list := crowd(40)
	for i, c := range list {
		n := (i*3 + variant*13) % len(list)
		c.GivenName, c.Surname = fmt.Sprintf("Given%d", n), fmt.Sprintf("Sur%d", n)
		c.Emails = []string{fmt.Sprintf("secret%d@contoso.com", n)}
		c.Company, c.Department = fmt.Sprintf("Company%d", n%5), fmt.Sprintf("Department%d", n%7)
		c.JobTitle, c.Office, c.Address.City = fmt.Sprintf("Title%d", n%3), fmt.Sprintf("Office%d", n%4), fmt.Sprintf("City%d", n%6)
		c.Phones[1].Written = fmt.Sprintf("+49 171 7%06d", n)
		c.Photo = directory.PhotoID(fmt.Sprint(n))
		if n%2 == 0 {
			c.UserType = "Guest"
		}
	}
	return list
}

// An asker makes up requests, the same for each seed.
type asker struct{ *rand.Rand }

func (a asker) one(of ...string) string { return of[a.IntN(len(of))] }

var askedFor = []string{
	"cn", "telephoneNumber", "sn", "givenName", "mail", "mobile", "homePhone", "ipPhone", "o", "ou", "title", "l", "physicalDeliveryOfficeName",
	"uid", "entryUUID", "entryDN", "objectClass", "objectCategory", "anr", "searchNumber", "modifyTimestamp", "userType", "jpegPhoto", "nonsense",
	"displayName", "name", "company", "department", "cn;lang-de", "2.5.4.4",
}

func (a asker) value() string {
	n := a.IntN(40)
	all := []string{
		fmt.Sprintf("Given%d", n), fmt.Sprintf("Sur%d", n), fmt.Sprintf("secret%d@contoso.com", n), fmt.Sprintf("Company%d", n%5),
		fmt.Sprintf("Department%d", n%7), fmt.Sprintf("Title%d", n%3), fmt.Sprintf("City%d", n%6), fmt.Sprintf("01717%06d", n), fmt.Sprintf("+491717%06d", n),
		fmt.Sprintf("0305%06d", n), "Anna", "Anna Müller0", "Müller", "m", "5", "267", "2667269", "Guest",
		fmt.Sprintf("00000000-0000-4000-8000-%012d", n),
	}
	v := a.one(all...)
	if a.IntN(3) == 0 {
		v += a.one(" ", ", ", "\u00a0", "0") + a.one(all...)
	}
	if a.IntN(4) == 0 {
		v = v[:1+a.IntN(len(v))]
	}
	return goldap.EscapeFilter(strings.ToValidUTF8(v, ""))
}

func (a asker) filter(depth int) string {
	if depth > 0 && a.IntN(3) > 0 {
		var parts []string
		for range 1 + a.IntN(3) {
			parts = append(parts, a.filter(depth-1))
		}
		return "(" + a.one("&", "|") + strings.Join(parts, "") + ")"
	}
	if depth > 0 && a.IntN(4) == 0 {
		return "(!" + a.filter(depth-1) + ")"
	}
	name := a.one(askedFor...)
	switch a.IntN(8) {
	case 0:
		return "(" + name + "=*)"
	case 1:
		return "(" + name + "=" + a.value() + ")"
	case 2:
		return "(" + name + "=*" + a.value() + "*)"
	case 3:
		return "(" + name + a.one("~=", ">=", "<=") + a.value() + ")"
	case 4:
		return "(" + a.one(name, "") + ":dn:" + a.one("caseIgnoreMatch:", "2.5.13.5:") + "=" + a.value() + ")"
	default:
		return "(" + name + "=" + a.value() + "*)"
	}
}

func (a asker) controls() []goldap.Control {
	var list []goldap.Control
	if a.IntN(3) == 0 {
		list = append(list, &goldap.ControlServerSideSorting{SortKeys: []*goldap.SortKey{{AttributeType: a.one(askedFor...), Reverse: a.IntN(2) == 0}}})
		switch a.IntN(3) {
		case 0:
			list = append(list, goldap.NewControlString(goldap.ControlTypeVLVRequest, false, string(valueView(1, 2, a.value()))))
		case 1:
			list = append(list, goldap.NewControlString(goldap.ControlTypeVLVRequest, false, string(offsetView(1, 2, a.IntN(40), a.IntN(40)))))
		}
	}
	if a.IntN(3) == 0 {
		p := goldap.NewControlPaging(uint32(a.IntN(4)))
		p.SetCookie([]byte(a.one("", "i\x00\x00\x00\x03", "c\x00\x00\x00\x03x\x00\x15\xef")))
		list = append(list, p)
	}
	return list
}

// request encodes a search or a compare.
func (a asker) request(t *testing.T) []byte {
	t.Helper()
	if a.IntN(10) == 0 {
		dn := fmt.Sprintf("uid=00000000-0000-4000-8000-%012d,ou=people,%s", a.IntN(40), base)
		return tlv(0x30, number1(2), tlv(0x6e, str(dn), tlv(0x30, str(a.one(askedFor...)), str(a.value()))))
	}
	r := request(a.filter(2), a.one("*", "+", "@inetOrgPerson", "mail", "1.1", "cn"), a.one(askedFor...))
	r.SizeLimit, r.Scope = a.IntN(4), a.IntN(4)
	r.BaseDN = a.one(base, base, "ou=people,"+base, "", "cn=subschema", fmt.Sprintf("uid=00000000-0000-4000-8000-%012d,ou=people,%s", a.IntN(40), base))
	body, err := encodeSearch(r)
	if err != nil {
		t.Fatalf("%s: %v", r.Filter, err)
	}
	return tlv(0x30, append([][]byte{number1(2), body}, encodeControls(a.controls())...)...)
}

func encodeSearch(r *goldap.SearchRequest) ([]byte, error) {
	f, err := goldap.CompileFilter(r.Filter)
	if err != nil {
		return nil, err
	}
	var wanted [][]byte
	for _, w := range r.Attributes {
		wanted = append(wanted, str(w))
	}
	return tlv(0x63, str(r.BaseDN), []byte{10, 1, byte(r.Scope), 10, 1, 0, 2, 1, byte(r.SizeLimit), 2, 1, 0, 1, 1, 0}, f.Bytes(), tlv(0x30, wanted...)), nil
}

func encodeControls(list []goldap.Control) [][]byte {
	if len(list) == 0 {
		return nil
	}
	var all [][]byte
	for _, c := range list {
		all = append(all, c.Encode().Bytes())
	}
	return [][]byte{tlv(0xa0, all...)}
}

// answers returns the octets up to the last message of the answer.
func (c *raw) answers() string {
	c.t.Helper()
	var all strings.Builder
	for {
		p, err := ber.ReadPacket(c.r)
		if err != nil || len(p.Children) < 2 {
			c.t.Fatalf("%v after %d octets", err, all.Len())
		}
		all.Write(p.Bytes())
		if p.Children[1].Tag != 4 { // no entry
			return all.String()
		}
	}
}

// TestWhatIsHiddenChangesNothing: two directories that differ in what the anonymous
// may not see alone give them the same octets, whatever they ask.
func TestWhatIsHiddenChangesNothing(t *testing.T) {
	const asks = 2000
	for _, seen := range [][]string{{"cn", "telephoneNumber"}, {"cn"}, {"telephoneNumber"}} {
		var to [2]*raw
		for i := range to {
			m, plan := newMirror(t, hiding(i)...)
			s := prepare(t, m, plan, nil)
			s.port.Anonymous = []ldap.Anonymous{printers(t, seen...)}
			s.open(t)
			to[i] = s.raw(t)
		}
		a := asker{rand.New(rand.NewPCG(1, uint64(len(seen))))}
		for range asks {
			q := a.request(t)
			var got [2]string
			for i, c := range to {
				c.send(q)
				got[i] = c.answers()
			}
			if got[0] != got[1] {
				t.Errorf("%q\nis answered\n%q\nand\n%q", q, got[0], got[1])
			}
		}
	}
}

package e2e_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"
)

// oracleOrders are keys by which both sort alike, as far as their values are ASCII
// letters, digits and blanks: a "-" reverses one, who has no value comes last, or first
// if it is reversed. slapd wants to be told the rule.
var oracleOrders = strings.Fields(`
uid -uid sn -sn givenName/sn sn/-givenName title/sn -title/sn title/-sn ou/l/-cn -ou/-l/cn postalCode/uid o/sn/givenName/ou/uid
`)

const caseIgnoreOrdering = ":2.5.13.3"

// inAnyCase has each key of an order follow caseIgnoreOrderingMatch.
func inAnyCase(by string) string {
	return strings.ReplaceAll(by, "/", caseIgnoreOrdering+"/") + caseIgnoreOrdering
}

// Where orders and views are to differ, and why.
const (
	phonebook   = "letters are in a phonebook's order, ä with a, and punctuation is before digits"
	noRule      = "a rule is not asked for: there is one order for phones"
	unsorted    = "who does not insist is answered in the order of names (RFC 2891 §2)"
	insisted    = "who insists is refused as RFC 2891 §2 says, with unavailableCriticalExtension"
	moreKeys    = "slapd takes five keys"
	noPlace     = "a list has no place 0"
	firstPlace  = "who knows of one entry stands at the first"
	noPages     = "whatever is wrong with a list view is said as such"
	noNegatives = "there is no negative number of entries"
)

// oracleOrderDifferences are orders with their rules; a "!" insists.
var oracleOrderDifferences = map[string]string{
	"sn": order, "telephoneNumber": order, "sn:1.2.3.4": noRule,
	inAnyCase("sn"): phonebook, inAnyCase("mail"): phonebook,
	"nosuch": unsorted, "": unsorted, "entryDN": unsorted, inAnyCase("sn") + "/nosuch": unsorted,
	"!nosuch": insisted, "!": insisted, "!entryDN": insisted,
	inAnyCase("sn/givenName/title/ou/l/o"): moreKeys,
}

// sortControl is a sort request (RFC 2891 §1.1), written as ldapsearch has it.
func sortControl(by string) goldap.Control {
	by, critical := strings.CutPrefix(by, "!")
	keys := ber.NewSequence("SortKeyList")
	for key := range strings.SplitSeq(by, "/") {
		attribute, rule, ruled := strings.Cut(key, ":")
		attribute, reverse := strings.CutPrefix(attribute, "-")
		one := ber.NewSequence("SortKey")
		one.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, attribute, "attributeType"))
		if ruled {
			one.AppendChild(ber.NewString(ber.ClassContext, ber.TypePrimitive, 0, rule, "orderingRule"))
		}
		if reverse {
			one.AppendChild(ber.NewBoolean(ber.ClassContext, ber.TypePrimitive, 1, true, "reverseOrder"))
		}
		keys.AppendChild(one)
	}
	return goldap.NewControlString(goldap.ControlTypeServerSideSorting, critical, string(keys.Bytes()))
}

// An ordered is an answer to a sort request.
type ordered struct {
	Keys   []string // of each entry, in the order of the answer
	Code   uint16
	Reason string // in the control of the answer; "" = there is none, or the library has dropped it
}

// sortedBy asks for everybody who has a surname.
func sortedBy(t *testing.T, c *goldap.Conn, by string, limit int, page uint32) (s ordered) {
	t.Helper()
	var attributes []string
	for key := range strings.SplitSeq(by, "/") {
		attribute, _, _ := strings.Cut(strings.TrimLeft(key, "!-"), ":")
		attributes = append(attributes, attribute)
	}
	q := goldap.NewSearchRequest(bookDN, goldap.ScopeSingleLevel, goldap.NeverDerefAliases, limit, 0, false, "(sn=*)", attributes, []goldap.Control{sortControl(by)})
	search := c.Search
	if page > 0 {
		search = func(q *goldap.SearchRequest) (*goldap.SearchResult, error) { return c.SearchWithPaging(q, page) }
	}
	all, err := search(q)
	s.Code = result(t, err)
	if all == nil {
		return s
	}
	for _, e := range all.Entries {
		var keys []string
		for _, a := range attributes {
			keys = append(keys, strings.ToLower(e.GetAttributeValue(a)))
		}
		s.Keys = append(s.Keys, strings.Join(keys, "|"))
	}
	if control := goldap.FindControl(all.Controls, goldap.ControlTypeServerSideSortingResult); control != nil {
		s.Reason = control.String()
	}
	return s
}

// plainKey is of values that every order has at the same place; uids have their
// hyphens at the same places.
var plainKey = regexp.MustCompile(`^([a-z0-9 |]|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})*$`)

// plain leaves out who has a value that is sorted in another way.
func (s ordered) plain() ordered {
	s.Keys = slices.DeleteFunc(slices.Clone(s.Keys), func(k string) bool { return !plainKey.MatchString(k) })
	return s
}

// compareOrders has both sort.
func compareOrders(t *testing.T, theirs, ours func() *goldap.Conn) {
	t.Helper()
	for _, keys := range oracleOrders {
		by := inAnyCase(keys)
		want := sortedBy(t, theirs(), by, 0, 0).plain()
		if len(want.Keys) < 20 || want.Code != 0 {
			t.Fatalf("by %s slapd has %d entries to compare, result %d", by, len(want.Keys), want.Code)
		}
		for _, by := range []string{by, "!" + by} {
			if diff := cmp.Diff(want, sortedBy(t, ours(), by, 0, 0).plain()); diff != "" {
				t.Errorf("by %s (-slapd +got)\n%s", by, diff)
			}
		}
		// slapd says "busy" when a page is asked for so soon after another, and has no say here.
		if diff := cmp.Diff(want.Keys, sortedBy(t, ours(), by, 0, 7).plain().Keys); diff != "" {
			t.Errorf("by %s, in pages (-slapd +got)\n%s", by, diff)
		}
	}
	for _, by := range []string{"uid" + caseIgnoreOrdering, "-uid" + caseIgnoreOrdering} {
		if diff := cmp.Diff(sortedBy(t, theirs(), by, 5, 0), sortedBy(t, ours(), by, 5, 0)); diff != "" {
			t.Errorf("the first five by %s (-slapd +got)\n%s", by, diff)
		}
	}
	for by, why := range oracleOrderDifferences {
		if cmp.Equal(sortedBy(t, theirs(), by, 0, 0), sortedBy(t, ours(), by, 0, 0)) {
			t.Errorf("by %q there is no difference, though %s", by, why)
		}
	}
}

// A listView is a window on a sorted list (draft-ietf-ldapext-ldapv3-vlv-09).
type listView struct {
	by            string // "" = no order at all
	before, after int
	offset, count int    // of the target, unless it is
	value         string // the first that is not before this one
	limit         int    // of size
	page          uint32
	why           string // the answers are to differ; "" = they are to be the same
}

const (
	byUID     = "uid" + caseIgnoreOrdering
	byUIDDown = "-" + byUID
)

// oracleViews are of 223 people.
var oracleViews = []listView{
	{by: byUID, after: 2, offset: 1},
	{by: byUID, before: 2, after: 2, offset: 100, count: 223},
	{by: byUID, before: 2, after: 2, offset: 100},
	{by: byUIDDown, before: 2, after: 2, offset: 100, count: 223},
	{by: byUID, before: 3, after: 9, offset: 223, count: 223},
	{by: byUID, before: 3, after: 9, offset: 223},
	{by: byUID, before: 5, offset: 2, count: 223},
	{by: byUID, offset: 222, count: 223},
	{by: byUID, after: 1, offset: 50, count: 100},
	{by: byUID, after: 1, offset: 150, count: 200},
	{by: byUID, after: 1, offset: 1, count: 50},
	{by: byUID, after: 1, offset: 1000, count: 1000},
	{by: byUID, after: 1, offset: 224, count: 223},
	{by: byUID, after: 1, offset: 224},
	{by: byUID, after: 1, offset: 9, count: 8},
	{by: byUID, after: 300, offset: 1, limit: 2},
	{by: byUID, before: 1, after: 2, value: "8"},
	{by: byUIDDown, before: 1, after: 2, value: "8"},
	{by: byUID, before: 1, after: 2, value: "0"},
	{by: byUIDDown, before: 1, after: 2, value: "0"},
	{by: byUID, before: 1, after: 2, value: "zz"},
	{by: byUIDDown, before: 1, after: 2, value: "zz"},
	{by: byUID, before: 1, after: 2, value: "F5"},
	{by: byUID, before: 1, after: 2, value: gross},
	{by: byUIDDown, before: 1, after: 2, value: gross},
	{after: 2, offset: 1},
	{by: byUID, after: 2, offset: 1, page: 3, why: noPages},
	{by: byUID, after: 1, offset: 2, count: 1000, why: noPlace},
	{by: byUID, after: 1, offset: 0, why: noPlace},
	{by: byUID, after: 1, offset: 0, count: 223, why: noPlace},
	{by: byUID, after: 1, offset: 1, count: 1, why: firstPlace},
	{by: byUID, before: -1, after: 1, offset: 1, why: noNegatives},
	{by: "sn" + caseIgnoreOrdering, after: 5, value: "Gross", why: phonebook},
}

func (v listView) control() goldap.Control {
	number := func(n int) *ber.Packet {
		return ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, n, "")
	}
	target := ber.NewString(ber.ClassContext, ber.TypePrimitive, 1, v.value, "greaterThanOrEqual")
	if v.value == "" {
		target = ber.Encode(ber.ClassContext, ber.TypeConstructed, 0, nil, "byOffset")
		target.AppendChild(number(v.offset))
		target.AppendChild(number(v.count))
	}
	value := ber.NewSequence("VirtualListViewRequest")
	for _, p := range []*ber.Packet{number(v.before), number(v.after), target} {
		value.AppendChild(p)
	}
	return goldap.NewControlString(goldap.ControlTypeVLVRequest, true, string(value.Bytes()))
}

// window is what a server answers: the DNs, the result, and the place, the length and
// the reason that its control tells.
func (v listView) window(t *testing.T, c *goldap.Conn) (dns []string, said string) {
	t.Helper()
	controls := []goldap.Control{v.control()}
	if v.by != "" {
		controls = append(controls, sortControl("!"+v.by))
	}
	if v.page > 0 {
		controls = append(controls, goldap.NewControlPaging(v.page))
	}
	all, err := c.Search(goldap.NewSearchRequest(bookDN, goldap.ScopeSingleLevel, goldap.NeverDerefAliases, v.limit, 0, false, "(sn=*)", []string{"1.1"}, controls))
	said = fmt.Sprintf("result %d", result(t, err))
	if all == nil {
		return nil, said
	}
	for _, e := range all.Entries {
		dns = append(dns, e.DN)
	}
	control, ok := goldap.FindControl(all.Controls, goldap.ControlTypeVLVResponse).(*goldap.ControlString)
	if !ok {
		return dns, said // the library drops it beside an error
	}
	value, err := ber.DecodePacketErr([]byte(control.ControlValue))
	if err != nil || len(value.Children) < 3 {
		t.Fatalf("a list view says %x", control.ControlValue)
	}
	return dns, fmt.Sprintf("%s, place %v of %v, reason %v", said, value.Children[0].Value, value.Children[1].Value, value.Children[2].Value)
}

// compareViews has both show windows on lists.
func compareViews(t *testing.T, theirs, ours func() *goldap.Conn) {
	t.Helper()
	for _, v := range oracleViews {
		wantEntries, want := v.window(t, theirs())
		gotEntries, got := v.window(t, ours())
		if alike := want == got && slices.Equal(wantEntries, gotEntries); alike != (v.why == "") {
			t.Errorf("%+v: %s, %d entries\n%q\nslapd: %s, %d entries\n%q", v, got, len(gotEntries), gotEntries, want, len(wantEntries), wantEntries)
		}
	}
}

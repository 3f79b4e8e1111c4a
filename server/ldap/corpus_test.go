package ldap_test

import (
	"strings"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"
)

// corpus is what phones send: filters of vendors' manuals and templates with
// their tokens filled in, and whom they must find, in the order of names.
var corpus = []struct {
	who    string
	filter string
	want   string
}{
	{"Yealink, Grandstream, Unify", "(|(cn=ann*)(sn=ann*))", "anna annika"},
	{"Yealink T40G", "(&(cn=*)(sn=ber*))", "anna"},
	{"Yealink T40G, negated", "(!(cn=ann*))", "ringbook people kowalski mueller muller meier star"},
	{"Yealink T40G, number", "(|(telephoneNumber=0301234500)(mobile=0301234500)(ipPhone=0301234500))", "anna"},
	{"Yealink T40G, mobile", "(&(telephoneNumber=*)(mobile=0171*))", "anna mueller"},
	{"Yealink VP-2009", "(|(telephoneNumber=+4930*)(Mobile=+4930*)(ipPhone=+4930*))", "anna annika mueller meier"},
	{"Yealink VP-2009, both", "(&(telephoneNumber=030123*)(sn=mül*))", "mueller"},
	{"SARK", "(|(name=meier*)(sn=meier*))", "meier"},
	{"SARK, company", "(|(cn=conto*)(sn=conto*)(o=conto*))", "anna annika kowalski mueller muller meier star"},
	{"one operand", "(&(cn=peter*))", "meier"},
	{"one operand or", "(|(mobile=+491712345678))", "anna"},
	{"provisioner default", "(cn=max*)", "muller"},
	{"provisioner number", "(telephoneNumber=+49301234503)", "meier"},
	{"NethVoice", "(|(telephoneNumber=0307654321)(mobile=0307654321)(homePhone=0307654321))", "mueller"},
	{"NethServer", "(|(sn=jan*)(cn=jan*)(givenName=jan*)(o=jan*))", "kowalski"},
	{"contains a number", "(|(telephoneNumber=*0301234*)(mobile=*0301234*)(homePhone=*0301234*))", "anna annika mueller meier"},
	{"Snom", "(&(telephoneNumber=*)(sn=zöl*))", "annika"},
	{"Snom, number", "(&(telephoneNumber=0301234501)(sn=*))", "annika"},
	{"Snom 300", "(&(telephoneNumber=*)(displayName=jürg*))", "mueller"},
	{"Grandstream GXV34xx", "(!(sn=m*))", "ringbook people anna annika kowalski star"},
	{"Grandstream mail", "(mail=anna.berg@contoso.com)", "anna"},
	{"Grandstream UCM, unknown attributes", "(CallerIDName=anna)", ""},
	{"unknown attribute, negated", "(!(CallerIDName=anna))", ""},
	{"unknown attribute in or", "(|(AccountNumber=1)(cn=anna*))", "anna"},
	{"Grandstream GXP1620", "(|(displayName=030123*)(telephoneNumber=030123*))", "anna annika mueller meier"},
	{"Cisco", "(sn=müll*)", "mueller muller"},
	{"Cisco, ends", "(sn=*ler)", "mueller muller"},
	{"Gigaset", "(homePhone=0307654321)", "mueller"},
	{"innovaphone", "(&(objectClass=inetOrgPerson)(|(telephoneNumber=00493012345)(mobile=+491719876543)))", "mueller"},
	{"OpenScape", "(&(sn=Mei*)(givenName=P*))", "meier"},
	{"Polycom", "(&(objectclass=person)(sn=K*))", "kowalski"},
	{"Polycom ranges", "(&(sn>=M)(sn<=N))", "mueller muller meier"},
	{"Active Directory", "(&(objectCategory=person)(objectClass=user)(telephoneNumber=*))", "anna annika mueller muller meier"},
	{"iOS, macOS", "(|(o=foo*)(cn=foo*)(ou=foo*)(sn=foo*)(mail=foo*)(IMHandle=foo*)(givenname=foo*)(postalAddress=foo*)(telephoneNumber=foo*))", ""},
	{"Evolution", "(|(displayName=*ber*)(sn=*ber*)(givenName=*ber*))", "anna"},
	{"FreePBX", "(|(telephoneNumber=*1234502)(mobile=*1234502)(homeTelephoneNumber=*1234502))", "mueller"},
	{"Outlook", "(anr=Peter Meier)", "meier"},
	{"Outlook, the other way round", "(&(objectClass=user)(|(anr=meier peter)))", "meier"},
	{"Windows TAPI", "(cn=PETER MEIER*)", "meier"},
	{"estos number", "(searchNumber=01712345678)", "anna"},
	{"estos text", "(metaSearchText=mei*)", "meier"},
	{"a literal star", `(cn=\2a)`, ""},
	{"a literal star in a name", `(sn=\2a star)`, "star"},
	{"pieces", "(cn=a*n*b*g)", "anna"},
	{"pieces in the wrong order", "(cn=b*a*a)", ""},
	{"brackets", `(sn=Kowalski \28ext.\29)`, "kowalski"},
	{"nothing typed", "(sn=)", ""},
	{"true", "(&)", "ringbook people anna annika kowalski mueller muller meier star"},
	{"false", "(|)", ""},
	{"not true", "(!(&))", ""},
	{"umlaut", "(sn=Müller)", "mueller muller"},
	{"Latin-1", `(sn=M\fcller)`, "mueller muller"},
	{"NFD", `(sn=Mu\cc\88ller)`, "mueller muller"},
	{"spelt out", "(sn=Mueller)", "mueller"},
	{"extensible", "(cn:caseIgnoreMatch:=peter meier)", "meier"},
	{"extensible on DNs", "(uid:dn:=meier)", "meier"},
	{"extensible, unknown rule", "(cn:1.2.3:=peter meier)", ""},
	{"approximate", "(sn~=meier)", "meier"},
	{"two tokens", "(cn=mei p*)", "meier"},
	{"two tokens, the other way round", "(cn=p mei*)", "meier"},
	{"two tokens in two attributes", "(&(sn=mei*)(givenName=p*))", "meier"},
	{"as a list has it", "(displayName=Meier, Peter)", "meier"},
	{"as a list has it, begun", "(displayName=Meier, P*)", "meier"},
	{"two tokens of two people", "(cn=mei anna*)", ""},
	{"not UTF-8 and no name", `(sn=\ff\fe*)`, ""},
	{"a number without digits", "(telephoneNumber=foo*)", ""},
	{"a number without digits, negated", "(&(uid=*)(!(telephoneNumber=foo*)))", "anna annika kowalski mueller muller meier star"},
	{"an unknown attribute in both", "(|(shoeSize=1)(!(shoeSize=1)))", ""},
}

func TestFilterCorpus(t *testing.T) {
	s := newSite(t, staff(), nil)
	c := s.bound(t)
	for _, q := range corpus {
		t.Run(q.who, func(t *testing.T) {
			res, err := c.Search(request(q.filter, "1.1"))
			if code(err) != goldap.LDAPResultSuccess {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Fields(q.want), names(res)); diff != "" {
				t.Errorf("%s (-want +got)\n%s", q.filter, diff)
			}
		})
	}
}

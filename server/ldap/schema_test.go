package ldap_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"

	"ringbook/directory"
	"ringbook/directory/index"
)

// A described is one description of a schema (RFC 4512 §4.1) as a client parses it:
// what stands behind each word.
type described struct {
	oid  string
	said map[string][]string
}

// describedIn parses a description. Words are those that RFC 4512 gives.
func describedIn(t *testing.T, s string) described {
	t.Helper()
	tokens := strings.Fields(s)
	if len(tokens) < 3 || tokens[0] != "(" || tokens[len(tokens)-1] != ")" || strings.Count(s, "(") != strings.Count(s, ")") {
		t.Fatalf("not a description: %s", s)
	}
	d := described{oid: tokens[1], said: map[string][]string{}}
	for rest := tokens[2 : len(tokens)-1]; len(rest) > 0; {
		word := rest[0]
		rest = rest[1:]
		if _, twice := d.said[word]; twice || word != strings.ToUpper(word) {
			t.Fatalf("%q in %s", word, s)
		}
		d.said[word] = nil
		switch word {
		case "SINGLE-VALUE", "NO-USER-MODIFICATION", "ABSTRACT", "STRUCTURAL", "AUXILIARY":
		case "DESC": // may have blanks
			text, _, _ := strings.Cut(strings.TrimPrefix(strings.Join(rest, " "), "'"), "'")
			d.said[word], rest = []string{text}, rest[len(strings.Fields(text)):]
		case "NAME", "EQUALITY", "ORDERING", "SUBSTR", "SYNTAX", "USAGE", "SUP", "MUST", "MAY", "APPLIES":
			n := 1
			if rest[0] == "(" {
				n = slices.Index(rest, ")") + 1
			}
			for _, v := range rest[:n] {
				if v != "(" && v != ")" && v != "$" {
					d.said[word] = append(d.said[word], strings.Trim(v, "'"))
				}
			}
			rest = rest[n:]
		default:
			t.Fatalf("unknown word %q in %s", word, s)
		}
	}
	return d
}

// schemaOf reads the schema that a client is led to.
func schemaOf(t *testing.T, c *goldap.Conn) map[string][]described {
	t.Helper()
	dse, err := c.Search(goldap.NewSearchRequest("", goldap.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", []string{"subschemaSubentry"}, nil))
	if err != nil || len(dse.Entries) != 1 {
		t.Fatal(err)
	}
	res, err := c.Search(goldap.NewSearchRequest(dse.Entries[0].GetAttributeValue("subschemaSubentry"), goldap.ScopeBaseObject, 0, 0, 0, false,
		"(objectClass=subschema)", []string{"objectClasses", "attributeTypes", "ldapSyntaxes", "matchingRules", "matchingRuleUse"}, nil))
	if err != nil || len(res.Entries) != 1 {
		t.Fatal(err)
	}
	all := map[string][]described{}
	for _, a := range res.Entries[0].Attributes {
		for _, v := range a.Values {
			all[a.Name] = append(all[a.Name], describedIn(t, v))
		}
	}
	return all
}

// TestSchemaIsWhole: everything that is named is defined, once.
func TestSchemaIsWhole(t *testing.T) {
	s := newSite(t, staff(), nil)
	schema := schemaOf(t, s.bound(t))
	defined := map[string]map[string]bool{}
	for kind, list := range schema {
		defined[kind] = map[string]bool{}
		for _, d := range list {
			for _, name := range append([]string{d.oid}, d.said["NAME"]...) {
				if key := strings.ToLower(name); defined[kind][key] {
					t.Errorf("%s has %s twice", kind, name)
				} else {
					defined[kind][key] = true
				}
			}
		}
	}
	want := func(kind string, names ...string) {
		t.Helper()
		for _, n := range names {
			if !defined[kind][strings.ToLower(n)] {
				t.Errorf("%s has no %s", kind, n)
			}
		}
	}
	for _, d := range schema["attributeTypes"] {
		want("ldapSyntaxes", d.said["SYNTAX"]...)
		for _, rule := range []string{"EQUALITY", "ORDERING", "SUBSTR"} {
			want("matchingRules", d.said[rule]...)
		}
	}
	for _, d := range schema["objectClasses"] {
		want("attributeTypes", d.said["MUST"]...)
		want("attributeTypes", d.said["MAY"]...)
		want("objectClasses", d.said["SUP"]...)
	}
	for _, d := range schema["matchingRules"] {
		want("ldapSyntaxes", d.said["SYNTAX"]...)
	}
	for _, d := range schema["matchingRuleUse"] {
		want("matchingRules", d.oid)
		want("attributeTypes", d.said["APPLIES"]...)
	}
	for a := range index.Attributes() {
		if !a.Operational() {
			want("attributeTypes", a.Names()...)
		}
	}
	for _, hidden := range []string{"userType", "accountEnabled", "employeeId", "memberOf"} {
		if defined["attributeTypes"][strings.ToLower(hidden)] {
			t.Errorf("the schema tells of %s", hidden)
		}
	}
}

// everything is a person who has a value of all that contacts have.
func everything() *directory.Contact {
	c := &directory.Contact{
		ID: "11111111-2222-4333-8444-555555555555", Source: directory.SourceUser, DisplayName: "Eva Ernst", GivenName: "Eva", Surname: "Ernst",
		Emails: []string{"eva@contoso.com"}, JobTitle: "Engineer", Department: "Sales", Company: "Contoso", Office: "Room 7", Photo: "p",
		Address: directory.Address{Street: "Weg 1", City: "Ulm", State: "BW", PostalCode: "89073", Country: "Germany"},
	}
	for i, kind := range directory.PhoneKinds() {
		c.Phones = append(c.Phones, directory.Phone{Kind: kind, Written: fmt.Sprintf("+49 731 123456%d", i)})
	}
	return c
}

// TestEntriesKeepToTheSchema: what is answered is what the schema has, allowed by
// the entry's classes, once where it says so, and compared by the rules it names.
func TestEntriesKeepToTheSchema(t *testing.T) {
	s := newSite(t, append(staff(), everything()), nil)
	s.photos["p"] = []byte("JPEG")
	c := s.bound(t)
	schema := schemaOf(t, c)
	types, classes := map[string]described{}, map[string]described{}
	for _, d := range schema["attributeTypes"] {
		for _, n := range d.said["NAME"] {
			types[strings.ToLower(n)] = d
		}
	}
	for _, d := range schema["objectClasses"] {
		classes[strings.ToLower(d.said["NAME"][0])] = d
	}
	res, err := c.Search(request("(objectClass=*)", "*", "+"))
	if err != nil {
		t.Fatal(err)
	}
	dse, err := c.Search(goldap.NewSearchRequest("", goldap.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", []string{"*", "+"}, nil))
	if err != nil {
		t.Fatal(err)
	}
	own, err := c.Search(goldap.NewSearchRequest("CN=Subschema", goldap.ScopeWholeSubtree, 0, 0, 0, false, "(objectClass=*)", []string{"*", "+"}, nil))
	if err != nil || len(own.Entries) != 1 {
		t.Fatalf("the schema's own entry: %v", err)
	}
	seen := map[string]bool{}
	for _, e := range slices.Concat(res.Entries, dse.Entries, own.Entries) {
		may := map[string]bool{}
		for _, class := range e.GetAttributeValues("objectClass") {
			for ; class != ""; class = strings.Join(classes[strings.ToLower(class)].said["SUP"], "") {
				d := classes[strings.ToLower(class)]
				for _, n := range slices.Concat(d.said["MUST"], d.said["MAY"]) {
					may[types[strings.ToLower(n)].oid] = true
				}
				for _, n := range d.said["MUST"] {
					if len(e.GetAttributeValues(n)) == 0 && e.DN != "" {
						t.Errorf("%q is a %s without %s", e.DN, class, n)
					}
				}
			}
		}
		for _, a := range e.Attributes {
			d, ok := types[strings.ToLower(a.Name)]
			switch {
			case !ok:
				t.Errorf("%q has %s, which the schema has not", e.DN, a.Name)
			case d.said["USAGE"] == nil && ok && !may[d.oid]:
				t.Errorf("%q has %s, which its classes do not allow", e.DN, a.Name)
			}
			if _, one := d.said["SINGLE-VALUE"]; one && len(a.Values) != 1 {
				t.Errorf("%q has %d values of %s", e.DN, len(a.Values), a.Name)
			}
			if rule := d.said["EQUALITY"]; strings.HasPrefix(e.DN, "uid=1111") && len(rule) == 1 {
				seen[d.oid] = true
				checkRule(t, c, e.DN, a, rule[0])
			}
		}
	}
	if len(seen) < 25 {
		t.Errorf("%d attributes were looked for by their rules", len(seen))
	}
}

// checkRule looks for an entry by a value, as it is and by the rule.
func checkRule(t *testing.T, c *goldap.Conn, dn string, a *goldap.EntryAttribute, rule string) {
	t.Helper()
	value := goldap.EscapeFilter(a.Values[0])
	for _, f := range []string{"(" + a.Name + "=" + value + ")", "(" + a.Name + ":" + rule + ":=" + value + ")", "(" + a.Name + "=*)"} {
		res, err := c.Search(goldap.NewSearchRequest(dn, goldap.ScopeBaseObject, 0, 0, 0, false, f, []string{"1.1"}, nil))
		if err != nil || len(res.Entries) != 1 {
			t.Errorf("%s finds nobody: %v", f, err)
		}
	}
}

func TestSchemaIsForDevices(t *testing.T) {
	s := newSite(t, staff(), nil)
	read := goldap.NewSearchRequest("cn=subschema", goldap.ScopeBaseObject, 0, 0, 0, false, "(objectClass=subschema)", nil, nil)
	for name, stranger := range map[string]*goldap.Conn{"no login": s.dial(t), "let in without one": newPrinterSite(t).dial(t)} {
		if _, err := stranger.Search(read); code(err) != goldap.LDAPResultInsufficientAccessRights {
			t.Errorf("%s: %v", name, err)
		}
	}
	c := s.bound(t)
	res, err := c.Search(read)
	if err != nil || len(res.Entries) != 1 || len(res.Entries[0].Attributes) != 2 {
		t.Fatalf("%v", err) // user attributes only, as nothing else was asked for
	}
	for scope, want := range map[int]int{goldap.ScopeWholeSubtree: 1, goldap.ScopeSingleLevel: 0, goldap.ScopeChildren: 0} {
		read.Scope = scope
		if res, err := c.Search(read); err != nil || len(res.Entries) != want {
			t.Errorf("scope %d: %v", scope, err)
		}
	}
	if held, err := c.Compare("cn=subschema", "objectClass", "subschema"); err != nil || !held {
		t.Errorf("compare: %v, %v", held, err)
	}
	for _, dn := range []string{base, "ou=people," + base, "uid=anna,ou=people," + base} {
		res, err := c.Search(goldap.NewSearchRequest(dn, goldap.ScopeBaseObject, 0, 0, 0, false, "(subschemaSubentry=cn=Subschema)", []string{"subschemaSubentry"}, nil))
		if err != nil || len(res.Entries) != 1 || res.Entries[0].GetAttributeValue("subschemaSubentry") != "cn=subschema" {
			t.Errorf("%s: %v", dn, err)
		}
	}
}

package e2e_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"
)

// dialLDAPS connects go-ldap, an independent client, without logging in.
func (r *ringbook) dialLDAPS(t *testing.T) *goldap.Conn {
	t.Helper()
	c, err := goldap.DialURL("ldaps://"+r.ldaps, goldap.DialWithTLSConfig(trusting(t, r.ca)))
	if err != nil {
		t.Fatal(err)
	}
	c.SetTimeout(patience)
	t.Cleanup(func() { c.Close() })
	return c
}

// logIn is dialLDAPS and a bind.
func (r *ringbook) logIn(t *testing.T, d device) *goldap.Conn {
	t.Helper()
	c := r.dialLDAPS(t)
	if err := c.Bind(d.LDAP.BindDN, d.Secret); err != nil {
		t.Fatal(err)
	}
	return c
}

func searchRequest(filter string, attributes ...string) *goldap.SearchRequest {
	return goldap.NewSearchRequest(baseDN, goldap.ScopeWholeSubtree, goldap.NeverDerefAliases, 0, 0, false, filter, attributes, nil)
}

// ldapPeople returns the ids of those whom a filter finds.
func ldapPeople(c *goldap.Conn, filter string) ([]string, error) {
	found, err := c.Search(searchRequest(filter, "uid"))
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, e := range found.Entries {
		if id := e.GetAttributeValue("uid"); id != "" {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids, nil
}

// TestGoLDAP: the client library that most Go programs use.
func TestGoLDAP(t *testing.T) {
	s := startTenant(t, 250, "--photos", "0")
	r := startRingbook(t, s)
	d := r.addDevice()
	want := slices.Sorted(slices.Values(s.inBook()))

	t.Run("names", func(t *testing.T) {
		for _, name := range []string{d.LDAP.BindDN, d.Login, d.Login + "@contoso.com", d.Login + "@127.0.0.1"} {
			c := r.dialLDAPS(t)
			if err := c.Bind(name, d.Secret); err != nil {
				t.Errorf("bind as %s: %v", name, err)
				continue
			}
			if who, err := c.WhoAmI(nil); err != nil || who.AuthzID != "dn:"+d.LDAP.BindDN {
				t.Errorf("%s is %+v, %v", name, who, err)
			}
		}
	})
	t.Run("StartTLS", func(t *testing.T) {
		c, err := goldap.DialURL("ldap://" + r.ldap)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.Bind(d.Login, d.Secret); !goldap.IsErrorWithCode(err, goldap.LDAPResultConfidentialityRequired) {
			t.Errorf("plain bind: %v", err)
		}
		if err := c.StartTLS(trusting(t, r.ca)); err != nil {
			t.Fatal(err)
		}
		if err := c.Bind(d.Login, d.Secret); err != nil {
			t.Error(err)
		}
		if got, err := ldapPeople(c, "(objectClass=person)"); err != nil || !slices.Equal(got, want) {
			t.Errorf("%d people, want %d: %v", len(got), len(want), err)
		}
	})
	t.Run("paging", func(t *testing.T) {
		c := r.logIn(t, d)
		found, err := c.SearchWithPaging(searchRequest("(objectClass=person)", "uid"), 7)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range found.Entries {
			got = append(got, e.GetAttributeValue("uid"))
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%d people in pages, want %d", len(got), len(want))
		}
	})
	t.Run("parallel", func(t *testing.T) {
		c := r.logIn(t, d)
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range 10 {
					if got, err := ldapPeople(c, "(objectClass=person)"); err != nil || !slices.Equal(got, want) {
						t.Errorf("%d people, want %d: %v", len(got), len(want), err)
					}
					if got, err := ldapPeople(c, onlyGross); err != nil || !slices.Equal(got, []string{gross}) {
						t.Errorf("found %q: %v", got, err)
					}
				}
			})
		}
		all.Wait()
	})
	t.Run("rebind", func(t *testing.T) {
		c := r.logIn(t, d)
		if err := c.Bind(d.Login, "wrong"); !goldap.IsErrorWithCode(err, goldap.LDAPResultInvalidCredentials) {
			t.Errorf("wrong secret: %v", err)
		}
		if _, err := ldapPeople(c, onlyGross); !goldap.IsErrorWithCode(err, goldap.LDAPResultInsufficientAccessRights) {
			t.Errorf("a search after a failed bind: %v", err)
		}
		if err := c.Bind(d.Login, d.Secret); err != nil {
			t.Fatal(err)
		}
		if got, err := ldapPeople(c, onlyGross); err != nil || len(got) != 1 {
			t.Errorf("found %q: %v", got, err)
		}
	})
	t.Run("writes", func(t *testing.T) {
		c := r.logIn(t, d)
		modify := goldap.NewModifyRequest(grossDN, nil)
		modify.Replace("cn", []string{"x"})
		add := goldap.NewAddRequest("uid=x,"+bookDN, nil)
		add.Attribute("objectClass", []string{"person"})
		for name, err := range map[string]error{
			"modify": c.Modify(modify), "add": c.Add(add),
			"delete": c.Del(goldap.NewDelRequest(grossDN, nil)),
			"rename": c.ModifyDN(goldap.NewModifyDNRequest(grossDN, "uid=y", true, "")),
		} {
			if !goldap.IsErrorWithCode(err, goldap.LDAPResultUnwillingToPerform) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if got, err := ldapPeople(c, onlyGross); err != nil || len(got) != 1 {
			t.Errorf("after all that: %q %v", got, err)
		}
	})
	t.Run("leave early", func(t *testing.T) {
		c := r.logIn(t, d)
		ctx, cancel := context.WithCancel(t.Context())
		first := c.SearchAsync(ctx, searchRequest("(objectClass=*)"), 1)
		if !first.Next() {
			t.Fatal(first.Err())
		}
		cancel()
		if got, err := ldapPeople(c, onlyGross); err != nil || len(got) != 1 {
			t.Errorf("found %q: %v", got, err)
		}
	})
	t.Run("abandon", func(t *testing.T) { testAbandon(t, r, d) })
	t.Run("revoked", func(t *testing.T) {
		c := r.logIn(t, d)
		r.do("device", "revoke", d.ID)
		eventually(t, "the open connection ends", func() error {
			if _, err := ldapPeople(c, onlyGross); err == nil || goldap.IsErrorWithCode(err, goldap.LDAPResultInsufficientAccessRights) {
				return fmt.Errorf("a search ends with %w", errors.Join(err, errors.New("and the connection goes on")))
			}
			return nil
		})
	})
}

// testAbandon: a search that nobody waits for any more does not hold up the next
// (go-ldap sends no Abandon, so this is by hand).
func testAbandon(t *testing.T, r *ringbook, d device) {
	t.Helper()
	conn, err := tls.Dial("tcp", r.ldaps, trusting(t, r.ca))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	const rounds = 50
	out := bindMessage(d.Login, d.Secret)
	for i := range rounds {
		id := int64(2 + 2*i)
		out = append(out, searchMessage(id, "(objectClass=*)")...)
		out = append(out, abandonMessage(id)...)
		out = append(out, searchMessage(id+1, onlyGross)...)
	}
	failed := make(chan error, 1)
	go func() {
		_, err := conn.Write(out)
		failed <- err
	}()
	entries := map[int64]int{}
	for done := 0; done < rounds; {
		p, err := ber.ReadPacket(conn)
		if err != nil {
			t.Fatalf("after %d answers: %v", done, err)
		}
		id, _ := p.Children[0].Value.(int64)
		if p.Children[1].Tag == goldap.ApplicationSearchResultEntry {
			entries[id]++
			continue
		}
		if id%2 == 0 || p.Children[1].Tag != goldap.ApplicationSearchResultDone {
			continue // of a search that was abandoned too late, or of the bind
		}
		done++
		// Sixteen at once are looked after; the rest is told that it is too much.
		code, _ := p.Children[1].Children[0].Value.(int64)
		if code == goldap.LDAPResultSuccess && entries[id] != 1 || code != goldap.LDAPResultSuccess && code != goldap.LDAPResultBusy {
			t.Errorf("search %d: result %d and %d entries", id, code, entries[id])
		}
	}
	if err := <-failed; err != nil {
		t.Error(err)
	}
}

// Messages of RFC 4511, for what no client library sends.

func message(id int64, op *ber.Packet, controls ...goldap.Control) []byte {
	m := ber.NewSequence("")
	m.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, id, ""))
	m.AppendChild(op)
	if len(controls) > 0 {
		list := ber.Encode(ber.ClassContext, ber.TypeConstructed, 0, nil, "")
		for _, c := range controls {
			list.AppendChild(c.Encode())
		}
		m.AppendChild(list)
	}
	return m.Bytes()
}

// bindMessage has the id 1.
func bindMessage(name, secret string) []byte {
	op := ber.Encode(ber.ClassApplication, ber.TypeConstructed, goldap.ApplicationBindRequest, nil, "")
	op.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, int64(3), ""))
	op.AppendChild(octets(name))
	op.AppendChild(ber.NewString(ber.ClassContext, ber.TypePrimitive, 0, secret, ""))
	return message(1, op)
}

func searchMessage(id int64, filter string) []byte {
	f, err := goldap.CompileFilter(filter)
	if err != nil {
		panic(err) // the test's own
	}
	return searchMessageWith(id, f)
}

func searchMessageWith(id int64, filter *ber.Packet) []byte {
	op := ber.Encode(ber.ClassApplication, ber.TypeConstructed, goldap.ApplicationSearchRequest, nil, "")
	op.AppendChild(octets(baseDN))
	for _, n := range []int64{goldap.ScopeWholeSubtree, goldap.NeverDerefAliases} {
		op.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, n, ""))
	}
	for range 2 { // size and time limit
		op.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, int64(0), ""))
	}
	op.AppendChild(ber.NewBoolean(ber.ClassUniversal, ber.TypePrimitive, ber.TagBoolean, false, ""))
	op.AppendChild(filter)
	op.AppendChild(ber.NewSequence("")) // attributes
	return message(id, op)
}

func abandonMessage(id int64) []byte {
	return message(id+1<<20, ber.NewInteger(ber.ClassApplication, ber.TypePrimitive, goldap.ApplicationAbandonRequest, id, ""))
}

func octets(s string) *ber.Packet {
	return ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, s, "")
}

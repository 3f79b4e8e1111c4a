package graph

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"ringbook/directory"
)

// BenchmarkPage decodes and maps a page of 999 users.
func BenchmarkPage(b *testing.B) {
	var page999 strings.Builder
	for i := range 999 {
		fmt.Fprintf(&page999, `,{"id":"%08d-0000-4000-8000-000000000000","displayName":"Änne Müller %d","givenName":"Änne","surname":"Müller %d",`+
			`"mail":"aenne.mueller%d@contoso.example","jobTitle":"Sachbearbeiterin","department":"Einkauf","companyName":"Contoso GmbH",`+
			`"officeLocation":"B 2.17","streetAddress":"Unter den Linden 1","city":"Berlin","state":"Berlin","postalCode":"10117","country":"Deutschland",`+
			`"userPrincipalName":"aenne.mueller%d@contoso.example","userType":"Member","employeeId":"%d","accountEnabled":true,"showInAddressList":null,`+
			`"businessPhones":["+49 30 123456-%d"],"mobilePhone":"0171 1234567","faxNumber":null}`, i, i, i, i, i, i, i)
	}
	data := []byte(`{"value":[` + page999.String()[1:] + `]}`)
	b.SetBytes(int64(len(data)))
	m := fuzzMapping(b)
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var p page
			if err := json.Unmarshal(data, &p); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("map", func(b *testing.B) {
		var p page
		if err := json.Unmarshal(data, &p); err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			for _, o := range p.Value {
				ch, unread, err := m.change(o)
				if err != nil || unread != nil {
					b.Fatal(err, unread)
				}
				ch.Update(&directory.Contact{ID: ch.ID})
			}
		}
	})
}

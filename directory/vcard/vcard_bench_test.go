package vcard_test

import (
	"testing"

	"ringbook/directory"
	"ringbook/directory/vcard"
)

func person() *directory.Contact {
	return &directory.Contact{
		ID: "6e7b768e-07e2-4810-8459-485f84f8f204", Source: directory.SourceUser,
		DisplayName: "Jürgen Müller-Lüdenscheidt", GivenName: "Jürgen", Surname: "Müller-Lüdenscheidt",
		Emails: []string{"juergen.mueller-luedenscheidt@contoso.com", "jml@contoso.com"},
		Phones: []directory.Phone{
			{Kind: directory.PhoneWork, Written: "030 1234567", E164: "+49301234567"},
			{Kind: directory.PhoneMobile, Written: "0171 2345678", E164: "+491712345678"},
		},
		JobTitle: "Leiter Einkauf", Department: "Einkauf", Company: "Contoso AG", Office: "3.14",
		Address: directory.Address{Street: "Friedrichstraße 1", City: "Berlin", PostalCode: "10117", Country: "Deutschland"},
	}
}

func BenchmarkAppend(b *testing.B) {
	photo := make([]byte, 20<<10)
	for i := range photo {
		photo[i] = byte(i * 7)
	}
	for _, bb := range []struct {
		name  string
		style vcard.Style
	}{{"plain", vcard.Style{}}, {"photo", vcard.Style{JPEG: photo}}} {
		b.Run(bb.name, func(b *testing.B) {
			c := person()
			dst := vcard.Append(nil, c, bb.style)
			b.SetBytes(int64(len(dst)))
			b.ReportAllocs()
			for b.Loop() {
				dst = vcard.Append(dst[:0], c, bb.style)
			}
		})
	}
}

package graphtest

// A KnownPerson is one of those whom every tenant with so many people begins
// with, whatever the seed: documentation and tests may count on them.
type KnownPerson struct {
	ID, DisplayName, UserPrincipalName string
	Number                             string // in E.164, of the first number; "" = none
}

// The known people, by what they are good for.
const (
	JuergenGross  = iota // umlaut and ß, two numbers, a photo, whatever Options.Photos says
	LucjaZolc            // Polish letters, a number with its extension as "DW"
	ReneeDAubigne        // accents, an apostrophe, a French number, an address of three lines
	DimitriIvanov        // Cyrillic
	WangWei              // Chinese, no given name in Latin
	Guest                // not in a default book
	Disabled             // not in a default book
	WithoutNumber        // has no number at all
	FourNumbers          // work, mobile, home, fax
	VonDerHeide          // a particle, a double name, a title
	knownCount
)

// Known returns the known people, in the order of the constants.
func Known() []KnownPerson {
	numbers := [knownCount]string{
		JuergenGross:  "+493023125042",
		ReneeDAubigne: "+33199001853",
		DimitriIvanov: "+498999998893",
		WangWei:       "+491713920046",
		Guest:         "+442079460127",
		Disabled:      "+493023125744",
		FourNumbers:   "+492214710978",
		VonDerHeide:   "+494066969595",
	}
	var list []KnownPerson
	for i, p := range knownPeople() {
		list = append(list, KnownPerson{ID: p.ID, DisplayName: p.DisplayName, UserPrincipalName: p.UserPrincipalName, Number: numbers[i]})
	}
	return list
}

func knownPeople() []person {
	return []person{
		JuergenGross: {
			ID: "11111111-0000-4000-8000-000000000001", DisplayName: "Jürgen Groß", GivenName: "Jürgen", Surname: "Groß",
			Mail: "juergen.gross@contoso.example", UserPrincipalName: "juergen.gross@contoso.example", UserType: "Member",
			JobTitle: "Leiter Außendienst", Department: "Vertrieb", Company: "Contoso GmbH", EmployeeID: "000001",
			OfficeLocation: "Berlin", Street: "Friedrichstraße 43–45", City: "Berlin", PostalCode: "10117", Country: "Deutschland", UsageLocation: "DE",
			Business: "+49 (0)30 23125-042", Mobile: "0171 3920042",
		},
		LucjaZolc: {
			ID: "11111111-0000-4000-8000-000000000002", DisplayName: "Żółć-Kowalska, Łucja", GivenName: "Łucja", Surname: "Żółć-Kowalska",
			Mail: "lucja.zolc@contoso.example", UserPrincipalName: "lucja.zolc@contoso.example", UserType: "Member",
			JobTitle: "Buchhalterin", Department: "Buchhaltung", Company: "Contoso GmbH", OfficeLocation: "Berlin", UsageLocation: "DE",
			Business: "DW 659",
		},
		ReneeDAubigne: {
			ID: "11111111-0000-4000-8000-000000000003", DisplayName: "Renée d'Aubigné", GivenName: "Renée", Surname: "d'Aubigné",
			Mail: "renee.daubigne@contoso.example", UserPrincipalName: "renee.daubigne@contoso.example", UserType: "Member",
			JobTitle: "Ingénieure d'études", Company: "Contoso SARL", OfficeLocation: "Paris",
			Street: "Bâtiment C\n12 bis, rue de l'Échiquier\n2e étage", City: "Paris", PostalCode: "75010", Country: "France", UsageLocation: "FR",
			Business: "+33 (0)1 99 00 18 53",
		},
		DimitriIvanov: {
			ID: "11111111-0000-4000-8000-000000000004", DisplayName: "Дмитрий Иванов", GivenName: "Дмитрий", Surname: "Иванов",
			Mail: "dmitri.ivanov@contoso.example", UserPrincipalName: "dmitri.ivanov@contoso.example", UserType: "Member",
			Department: "IT", Company: "Contoso GmbH", OfficeLocation: "München", UsageLocation: "DE",
			Business: "089/99998 893",
		},
		WangWei: {
			ID: "11111111-0000-4000-8000-000000000005", DisplayName: "王伟", GivenName: "伟", Surname: "王",
			Mail: "wei.wang@contoso.example", UserPrincipalName: "wei.wang@contoso.example", UserType: "Member",
			Company: "Contoso GmbH", UsageLocation: "DE", Mobile: "+49171 39200 46",
		},
		Guest: {
			ID: "11111111-0000-4000-8000-000000000006", DisplayName: "Gast, Greta (Fabrikam)", GivenName: "Greta", Surname: "Gast",
			Mail: "greta.gast@fabrikam.example", UserPrincipalName: "greta.gast_fabrikam.example#EXT#@contoso.example", UserType: "Guest", Hidden: true,
			Company: "Fabrikam Ltd", Business: "+44 20 7946 0127",
		},
		Disabled: {
			ID: "11111111-0000-4000-8000-000000000007", DisplayName: "Egon Ehemals", GivenName: "Egon", Surname: "Ehemals",
			Mail: "egon.ehemals@contoso.example", UserPrincipalName: "egon.ehemals@contoso.example", UserType: "Member", Disabled: true,
			Company: "Contoso GmbH", Business: "030 23125-744",
		},
		WithoutNumber: {
			ID: "11111111-0000-4000-8000-000000000008", DisplayName: "Ole Ohnetelefon", GivenName: "Ole", Surname: "Ohnetelefon",
			Mail: "ole.ohnetelefon@contoso.example", UserPrincipalName: "ole.ohnetelefon@contoso.example", UserType: "Member",
			Company: "Contoso GmbH",
		},
		FourNumbers: {
			ID: "11111111-0000-4000-8000-000000000009", DisplayName: "Vera Vieltelefon", GivenName: "Vera", Surname: "Vieltelefon",
			Mail: "vera.vieltelefon@contoso.example", UserPrincipalName: "vera.vieltelefon@contoso.example", UserType: "Member",
			Company: "Contoso GmbH", OfficeLocation: "Köln", UsageLocation: "DE",
			Business: "(0221) 4710-978", Mobile: "0049 171 3920050", Home: "0221/4710 00008", Fax: "+49 221 4710-9978",
		},
		VonDerHeide: {
			ID: "11111111-0000-4000-8000-00000000000a", DisplayName: "Prof. Dr. Hans-Jürgen von der Heide-Öztürk", GivenName: "Hans-Jürgen", Surname: "von der Heide-Öztürk",
			Mail: "h.vonderheide@contoso.example", UserPrincipalName: "h.vonderheide@contoso.example", UserType: "Member",
			JobTitle: "Beirat; Forschung, Lehre", Company: "Contoso GmbH", OfficeLocation: "Hamburg", UsageLocation: "DE",
			Business: "+49 40 66969 595",
		},
	}
}

package graphtest

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// A culture is a stock of names.
type culture struct {
	weight         int // of 100 people
	given, surname []word
	surnameFirst   bool // "王伟", without a space
}

// A word is a part of a name, and what logins are made of.
type word struct {
	native, login string
}

// words reads a list of names. One whose script is not Latin is followed by its
// romanised form, after a bar.
func words(list string) []word {
	var all []word
	for s := range strings.SplitSeq(list, ",") {
		native, latin, ok := strings.Cut(s, "|")
		if !ok {
			latin = native
		}
		all = append(all, word{native: native, login: ascii(latin)})
	}
	return all
}

// ascii writes a Latin name as logins have it.
func ascii(s string) string {
	s = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "Ä", "ae", "Ö", "oe", "Ü", "ue", "ß", "ss", "æ", "ae", "Æ", "ae", "ø", "oe", "Ø", "oe", "å", "aa", "Å", "aa",
		"ł", "l", "Ł", "l", "đ", "d", "Đ", "d", "þ", "th", "Þ", "th", "ð", "d", "ı", "i", "İ", "i").Replace(s)
	return strings.Map(func(r rune) rune {
		switch r = unicode.ToLower(r); {
		case 'a' <= r && r <= 'z', r == '-':
			return r
		}
		return -1
	}, norm.NFD.String(s))
}

func cultures() []culture {
	german := culture{
		weight: 50,
		given: words("Anna,Jürgen,Katharina,Günter,Björn,Sören,Käthe,Jörg,Michael,Sabine,Thomas,Petra,Andreas,Ursula,Wolfgang,Hans-Jürgen,Karl-Heinz,Anna-Lena," +
			"Ann-Kathrin,Uwe,Heike,Stefan,Stephan,Christian,Kristian,Maximilian,Sophie,Lukas,Leonie,Jan,Marie,Felix,Hannah,Moritz,Mia,Tobias,Renate,Dieter,Gisela," +
			"Matthias,Mathias,Bärbel,Jörn,Rüdiger,Volker,Ingeborg,Holger,Silke,Torsten,Thorsten,Anja,Ralf,Ralph,Claudia,Götz,Änne,Eva-Maria,Franz-Josef,Til,Ida"),
		surname: words("Müller,Mueller,Schmidt,Schmitt,Schmitz,Schneider,Fischer,Weber,Meyer,Meier,Maier,Mayr,Wagner,Becker,Schulz,Schultz,Hoffmann,Hofmann,Schäfer,Koch,Bauer,Richter," +
			"Klein,Wolf,Schröder,Neumann,Schwarz,Zimmermann,Braun,Krüger,Hartmann,Lange,Werner,Krause,Lehmann,Köhler,Huber,Kaiser,Fuchs,Scholz,Möller,Weiß,Jung,Hahn," +
			"Vogel,Keller,Günther,Frank,Berger,Winkler,Roth,Beck,Lorenz,Baumann,Franke,Albrecht,Schuster,Simon,Ludwig,Böhm,Winter,Kraus,Schumacher,Krämer,Vogt," +
			"Stein,Jäger,Otto,Sommer,Groß,Seidel,Heinrich,Brandt,Haas,Schreiber,Graf,Dietrich,Ziegler,Kuhn,Kühn,Pohl,Engel,Horn,Busch,Bergmann,Voß,Sauer,Arnold," +
			"von der Heide,von Bülow,zur Mühlen,von und zu Stein,Graf von Ahlefeldt,Preuß,Öztürk-Schäfer,Müller-Lüdenscheidt,Strauß,Theiß,Großkreutz,Kuß"),
	}
	return []culture{
		german,
		{
			weight: 8, given: words("Łukasz,Małgorzata,Żaneta,Grażyna,Paweł,Krzysztof,Agnieszka,Wojciech,Zbigniew,Świętosława,Michał,Joanna,Jacek,Ewa,Bożena"),
			surname: words("Nowak,Kowalski,Wiśniewska,Wójcik,Kamiński,Zieliński,Szymańska,Woźniak,Dąbrowski,Kozłowska,Jabłońska,Wąsik,Źrebiec,Łuczak,Brzęczyszczykiewicz"),
		},
		{
			weight: 8, given: words("Ayşe,Mehmet,Özgür,İbrahim,Şule,Çağla,Gökhan,Ümit,Işıl,Yıldız,Emre,Zeynep,Oğuz,Tuğçe,Deniz"),
			surname: words("Yılmaz,Kaya,Demir,Şahin,Çelik,Yıldırım,Öztürk,Aydın,Özdemir,Arslan,Doğan,Kılıç,Çetin,Güneş,İnönü"),
		},
		{
			weight: 6, given: words("René,François,Hélène,Jean-Luc,Zoë,Anaïs,Gaël,Noémie,Éric,Maëlle,Cédric,Agnès,Loïc,Chloé,Benoît"),
			surname: words("Dupont,Lefèvre,Garçon,d'Aubigné,de La Tour,Noël,Béranger,L'Hôpital,Côté,Müntz,Le Goff,Châtelain,Français,Peña-Ruiz,Desprès"),
		},
		{
			weight: 5, given: words("Åsa,Bjørn,Søren,Æsa,Göran,Märta,Øystein,Þórdís,Håkan,Maj-Britt,Jyrki,Päivi,Sigríður,Ørjan,Kåre"),
			surname: words("Ångström,Sørensen,Ødegård,Jónsdóttir,Håkansson,Nyström,Kjær,Bjørklund,Mäkelä,Hämäläinen,Åkesson,Þorsteinsson,Lindström,af Klint,Østergård"),
		},
		{
			weight: 5, given: words("John,Siobhán,Mary Ann,Patrick,Niamh,Oliver,Grace,Seán,Jo,William,Emma,Li"),
			surname: words("Smith,O'Brien,O’Connor,Mc Donald,St. John,Nguyen,Taylor-Jones,Ó Briain,D'Souza,Wu,van den Berg,de la Cruz,Mac Gregor,X"),
		},
		{weight: 4, given: words("João,Iñaki,María José,José,Begoña,Conceição,Núria,Xoán"), surname: words("Muñoz,Gonçalves,Núñez de Balboa,Ibáñez,Araújo,Peña,da Silva e Sousa,Güell")},
		{weight: 3, given: words("Jiří,Tomáš,Zdeněk,Ľubica,Ştefan,Ștefan,Győző,Ágnes,Đorđe,Željko,Živa,Ilze"), surname: words("Dvořák,Černý,Kovács,Szőke,Ionescu,Țepeș,Đorđević,Žižek,Bērziņš,Šimůnek,Novotná,Nagy-Tóth")},
		{weight: 2, given: words("Γιώργος|giorgos,Ελένη|eleni,Κωνσταντίνος|konstantinos,Σοφία|sofia"), surname: words("Παπαδόπουλος|papadopoulos,Νικολάου|nikolaou,Αγγελίδης|angelidis,Οικονόμου|oikonomou")},
		{weight: 3, given: words("Дмитрий|dmitri,Наталья|natalja,Олександр|oleksandr,Ольга|olga,Їжак|jizhak,Пётр|pjotr"), surname: words("Иванов|ivanov,Шевченко|schewtschenko,Щербакова|schtscherbakowa,Кузнецова|kuznezowa,Юрьев|jurjew,Ґалаґан|galagan")},
		{weight: 2, given: words("محمد|mohammed,فاطمة|fatima,عبد الرحمن|abdulrahman,ليلى|layla"), surname: words("الحسن|alhasan,خليل|khalil,بن سعيد|bensaid,المصري|almasri")},
		{weight: 1, given: words("דוד|david,שרה|sara"), surname: words("לוי|levi,כהן|cohen")},
		{weight: 1, surnameFirst: true, given: words("伟|wei,芳|fang,秀英|xiuying,小明|xiaoming"), surname: words("王|wang,李|li,张|zhang,欧阳|ouyang")},
		{weight: 1, surnameFirst: true, given: words("さくら|sakura,翔太|shota,美咲|misaki"), surname: words("佐藤|sato,鈴木|suzuki,髙橋|takahashi")},
		{weight: 1, given: words("Nguyễn Thị Ánh,Đức,Phượng,Hữu Nghĩa"), surname: words("Trần,Đặng,Phạm,Lê Hồng,Võ")},
	}
}

func jobTitles() []string {
	return strings.Split("Sachbearbeiterin Einkauf|Projektleiter|Geschäftsführerin|Prokurist|Teamleitung Vertrieb|Außendienstmitarbeiter|Buchhalterin|Key Account Manager|"+
		"Softwareentwickler/in|IT-Administrator|Werkstudentin|Auszubildender|Leiter Qualitätssicherung (QS)|Assistentin der Geschäftsleitung|Monteur|Lagerist|"+
		"Head of R&D|Ingénieur d'études|Säljare|Personalreferentin; Betriebsrätin|Facility-Manager|Konstrukteur, Elektrotechnik|Hausmeister|Chief \"Fun\" Officer", "|")
}

func departments() []string {
	return strings.Split("Vertrieb|Einkauf|Buchhaltung|IT|Personal|Geschäftsführung|Forschung & Entwicklung|Qualität|Produktion|Logistik|Kundendienst|Marketing|Recht, Compliance|Außenhandel", "|")
}

// An office is where a person sits: an address, and how its people write their
// number there. {x} is the direct line, {aa} and {bb} are its halves.
type office struct {
	weight                         int
	name, street, city, state, zip string
	country, code                  string
	forms                          []string
	mobiles                        []string
	digits                         int    // of a direct line that cannot grow; 0 = a German one, which can
	home                           string // "" = nobody here has one
	fax                            string
}

// offices returns the places. Numbers are those that the regulators keep free
// for films and books (DE, FR, GB, SE); AT and CH keep none, so theirs are ones
// that no exchange would connect.
func offices() []office {
	german := func(weight int, name, street, zip, state, area, stem string) office {
		in := strings.NewReplacer("{area}", area, "{stem}", stem)
		o := office{
			weight: weight, name: name, street: street, city: name, state: state, zip: zip, country: "Deutschland", code: "DE",
			mobiles: []string{"0171 {m}", "0171/{m}", "+49 171 {m}", "+49 (0)171 {m}", "0049171{m}", "+49171{m}"},
			home:    in.Replace("0{area} {stem} {x}"), fax: in.Replace("+49 {area} {stem}-9{x}"),
		}
		for _, f := range []string{
			"+49 (0){area} {stem}-{x}", "+49 {area} {stem}-{x}", "+49 {area} {stem}{x}", "+49{area}{stem}{x}", "0{area}/{stem} {x}",
			"0{area} {stem}-{x}", "(0{area}) {stem}-{x}", "0049 {area} {stem}{x}", "0{area}{stem}{x}", "0{area} - {stem} - {x}", "+49\u00a0{area}\u00a0{stem}\u00a0{x}",
			"+49 {area} / {stem} - {x}", "tel:+49-{area}-{stem}-{x}", "+49(0){area}{stem}{x}", "DW {x}", "{x}",
		} {
			o.forms = append(o.forms, in.Replace(f))
		}
		return o
	}
	foreign := []string{"+49 171 {m}", "0049 171 {m}"}
	return []office{
		german(30, "Berlin", "Friedrichstraße 43–45", "10117", "Berlin", "30", "23125"),
		german(15, "Hamburg", "Große Bleichen 21\nHaus A, 3. OG", "20354", "Hamburg", "40", "66969"),
		german(10, "Köln", "Hohenzollernring 88", "50672", "Nordrhein-Westfalen", "221", "4710"),
		german(15, "München", "Rosenheimer Straße 145 b", "81671", "Bayern", "89", "99998"),
		german(8, "Frankfurt am Main", "Mainzer Landstraße 1; Turm 2, 17. Etage", "60329", "Hessen", "69", "90009"),
		{
			weight: 8, name: "Wien", street: "Mariahilfer Straße 100/2/12", city: "Wien", zip: "1070", country: "Österreich", code: "AT", digits: 3, mobiles: foreign,
			forms: []string{"+43 1 99999 {x}", "+43 (1) 99999 DW {x}", "01/99999-{x}", "0043 1 99999{x}", "+43 1 99999 - {x}"},
		},
		{
			weight: 5, name: "Zürich", street: "Löwenstrasse 1\nPostfach", city: "Zürich", state: "ZH", zip: "8001", country: "Schweiz", code: "CH", digits: 4, mobiles: foreign,
			forms: []string{"+41 44 000 {aa} {bb}", "+41 (0)44 000 {aa} {bb}", "044 000 {aa} {bb}", "0041440000{x}"},
		},
		{
			weight: 4, name: "Paris", street: "12 bis, rue de l'Échiquier", city: "Paris", zip: "75010", country: "France", code: "FR", digits: 4,
			mobiles: []string{"+33 6 39 98 {aa} {bb}", "0033 6 39 98 {aa} {bb}"},
			forms:   []string{"+33 1 99 00 {aa} {bb}", "+33 (0)1 99 00 {aa} {bb}", "01.99.00.{aa}.{bb}", "0033 199 00{x}"},
		},
		{
			weight: 3, name: "Stockholm", street: "Götgatan 17", city: "Stockholm", zip: "116 46", country: "Sverige", code: "SE", digits: 2,
			mobiles: foreign,
			forms:   []string{"+46 8 465 004 {x}", "+46 (0)8-465 004 {x}", "0046 8 465004{x}"},
		},
		{
			weight: 2, name: "London", street: "Flat 3, 221b Baker Street", city: "London", zip: "NW1 6XE", country: "United Kingdom", code: "GB", digits: 3,
			mobiles: []string{"+44 7700 900{x}", "+44 (0)7700 900{x}"},
			forms:   []string{"+44 20 7946 0{x}", "+44 (0)20 7946 0{x}", "0044 20 79460{x}"},
		},
	}
}

package text_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"

	"ringbook/directory/text"
)

// orders are names in the order that CLDR gives them for a language: its collation charts
// (https://www.unicode.org/charts/collation/, rules in common/collation/*.xml), and ICU 72
// sorts each list so. None of these lists is in the order of another.
var orders = []struct {
	tags  string // all of which mean this order
	names string
}{
	// root: accents and case only break ties, æ is ae, scripts stand in the order of Unicode's table.
	{
		"root und en de de-DE de-AT de-CH fr nl it pt-BR",
		"(ext.) Adler, 1&1, 10 Forward, 9 Lives, Aero, Æro, Afro, Ährenfeld, Albers, Ångström, de Vries, Dehmel, Dora, Đorđe, Dzz, " +
			"Issik, Issık, Lukas, Łukasz, Lzz, Mueller, muller, Muller, müller, Müller, Mulley, Nagel, " +
			"O Neil, O-Neil, O'Neil, Oberg, Øberg, Oneil, Östermann, Oswald, Room 1, Room 10, Room 10a, Room 2, Strauss, Strauß, Straut, " +
			"van der Berg, Vandenberg, Zolc, Żółć, Zwerg, Þór, Ωmega, Елкин, Ёлкин, Жуков, Яковлев, 김, 山田, 李",
	},
	// sv: å, ä and ö behind z; ü is y, w a letter of its own.
	{"sv sv-SE sv-FI", "Adam, Ek, Vester, Wall, Über, Yngve, Yz, Zorn, Åberg, Ångström, Äng, Ärlig, Öberg, Østergaard, Östman"},
	// Until 2006 w was v.
	{"sv-u-co-trad", "Wall, Vester, Viking, Wz, Yngve, Zorn, Åberg, Äng, Öberg"},
	// da: æ, ø and å behind z, and aa is å; ä is æ, ö is ø.
	{"da da-DK", "Adam, Holm, Yding, Ürgen, Zeuthen, Ægidius, Ärlig, Ørsted, Öster, Årup, Aarup, Aase, Åse Z"},
	// nb: as in Denmark.
	{"nb nb-NO no nn", "Adam, Holm, Yding, Zachariassen, Ægidius, Ødegård, Öster, Ås, Aas, Åsen, Aasen"},
	{"fo", "Ann, Árni, Dam, Ði, Dz, Jensen, Zacharias, Ærø, Øst, Åge"},
	// fi: å, ä and ö behind z.
	{"fi", "Aalto, Virtanen, Wirz, Yli, Zetter, Åkesson, Äijälä, Öhman"},
	// is: letters with an acute are letters of their own, þ, æ and ö stand behind z.
	{"is", "Anna, Az, Árni, Dz, Ðe, Einar, Élan, Oz, Óli, Uz, Úlfur, Yz, Ýr, Zz, Þór, Ægir, Ösp, Åke"},
	// et: z and ž behind š, õ ä ö ü behind w.
	{"et", "Saar, Sz, Šaar, Zeus, Žukov, Tamm, Vares, Õun, Äär, Öpik, Ülle, Xaver, Yl"},
	// lv: č ģ ķ ļ ņ š ž behind the letter without a hook.
	{"lv", "Cz, Čaks, Gz, Ģirts, Kz, Ķikuts, Lz, Ļubova, Nz, Ņina, Sz, Šulcs, Zz, Žukovs"},
	// lt: y is i; č, š, ž behind c, s, z.
	{"lt", "Cz, Čepas, Ignas, Ylis, Yna, Inga, Jonas, Sz, Šarka, Zz, Žukas"},
	// pl: ą ć ę ł ń ó ś ź ż behind the letter without.
	{"pl", "Az, Ął, Cz, Ćwik, Lz, Łęcki, Nz, Ńs, Oz, Ósma, Sz, Świtała, Zych, Źdźbło, Żak"},
	// cs: ch behind h; č ř š ž are letters of their own, ď ě ň ť ů are not.
	{"cs cs-CZ", "Cyr, Čapek, Daněk, Ďas, Dvořák, Hus, Hynek, Charvát, Chytil, Ivan, Ryba, Řehoř, Sova, Šimek, Zeman, Žák"},
	// sk: so too, and ä and ô.
	{"sk", "Azor, Äx, Bz, Cz, Čech, Hz, Chalupka, Ivan, Oz, Ôs, Pz, Sz, Šulek, Zz, Žiar"},
	// hu: cs dz gy ly ny sz ty zs and ö ü are letters; of long and short vowels only ő and ű stand with ö and ü.
	{"hu", "Abel, Ács, Czobor, Csaba, Gyz, Hz, Nz, Nyilas, Ócsa, Oz, Őri, Örs, Pz, Sz, Tóth, Tz, Tyler, Úri, Uz, Ülő, Vz, Zz, Zsolt"},
	// hr, and in Latin letters all its neighbours: č ć dž đ lj nj š ž.
	{"hr bs sr-Latn sr-ME sl", "Cvitan, Čavić, Ćosić, Dz, Đurić, Ez, Lz, Šimić, Tadić, Zz, Žigić"},
	{"hr bs sr-Latn", "Dz, Džajić, Đurić, Lz, Ljubić, Mz, Nz, Njegoš, Oz"},
	// sq: ç dh ë gj ll nj rr sh th xh zh.
	{"sq", "Cz, Çela, Dz, Dhima, Ez, Ëma, Gz, Gjoni, Lz, Llesh, Rz, Rrapi, Sz, Shehu, Tz, Thaçi, Xz, Xhaka, Zz, Zhulali"},
	// ro: ă â î ș ț behind the letter without; with a cedilla they are the same.
	{"ro", "Az, Ăn, Ân, Bz, Iz, Îs, Sz, Șerban, Tz, Țepeș, Uz"},
	// tr: ı before i, ç ğ ö ş ü behind the letter without.
	{"tr", "Cz, Çelik, Dz, Gz, Ğa, Ilz, Irmak, Işık, İnan, İz, Oz, Öz, Sz, Şahin, Uz, Ünal"},
	{"az", "Cz, Çə, Ez, Əli, Gz, Ğa, Hz, Xan, Iz, İz, Kz, Qara, Oz, Öz, Sz, Şah, Uz, Ülvi"},
	// es: ñ behind n; gl as well.
	{"es es-MX gl", "Nadal, Núñez, Nz, Ñíguez, Oa, Ocaña"},
	// de phone book: ä ö ü are ae oe ue, DIN 5007-2.
	{"de-u-co-phonebk de-DE-u-co-phonebk", "Ad, Adler, Aeb, Äcker"},
	{"de-u-co-phonebk", "Goebel, Goethe, Göthe, Götz, Goldmann, Muckl, Mueller, Müller, Muenz, Mulder, Muller"},
	// fr-CA: the last accent counts first.
	{"fr-CA", "cote, côte, coté, côté"},
	// cy: dd ff ll th are letters.
	{"cy", "Dz, Ddu, Ez, Fz, Ffion, Lz, Llew, Mz, Tz, Thomas"},
	// mt: ċ before c, ġ before g, ż before z; għ and ħ.
	{"mt", "Bz, Ċa, Ca, Fz, Ġa, Ga, Gz, Għa, Hz, Ħa, Yz, Ża, Za"},
	// vi: ă â đ ê ô ơ ư behind the letter without; of tones the grave one first.
	{"vi", "An, Àn, Án, Az, Ăn, Ân, Dz, Đào, Ez, Ên, Oz, Ôn, Ơn, Uz, Ưn"},
	// Languages that are not written in Latin: their own letters first.
	{"ru ru-RU", "10 Forward, Елкин, Ёлкин, Жуков, Яковлев, Anna, Zorn, Ωmega"},
	{"uk", "Гал, Гя, Ґудзь, Дах, Ива, Іва, Їжак, Йосип, Anna, Zorn"},
	{"bg", "Ангел, Щерев, Яна, Anna, Zorn"},
	{"mk", "Гя, Дан, Ѓорѓи, Ез, Ѕи, Кя, Ќе, Anna"},
	{"sr sr-RS bs-Cyrl", "Дан, Ђурић, Ез, Лз, Љуба, Нз, Његош, Тз, Ћосић, Чавић, Џон, Šimić"},
	{"el", "Αθηνά, Άννα, Γιώργος, Ψαρρός, Ώρα, Anna, Zorn"},
	{"he", "אבי, דוד, תמר, Anna, Zorn"},
	{"hy", "Աննա, Բաբկեն, Anna"},
	{"ka", "ანა, გიორგი, Anna"},
	{"ko", "가람, 김, 홍, Anna, Zorn"},
	{"th", "กมล, เกษม, ขวัญ, แพร, Anna"},
	{"fa", "آرش, اکبر, بهرام, پروین, گلی, یاسمن, Anna"},
	// zh: by pinyin; in traditional letters by strokes.
	{"zh zh-CN zh-Hans-u-co-pinyin", "白, 陈, 李, 王, 张, 赵"},
	{"zh-Hant zh-TW zh-HK zh-Hant-u-co-stroke", "王, 李, 林, 張, 陳, 趙"},
}

func TestCollation(t *testing.T) {
	for _, o := range orders {
		want := strings.Split(o.names, ", ")
		for tag := range strings.FieldsSeq(o.tags) {
			c, err := text.ParseCollation(tag)
			if err != nil {
				t.Error(err)
				continue
			}
			got := slices.Clone(want)
			slices.Reverse(got)
			slices.SortFunc(got, func(a, b string) int { return strings.Compare(c.Key(a), c.Key(b)) })
			if !slices.Equal(got, want) {
				t.Errorf("%s: order %q, want %q", tag, got, want)
			}
		}
	}
}

// TestRoot: the root order is the collator's own, byte for byte, with a collation and without.
func TestRoot(t *testing.T) {
	own := collate.New(language.Und)
	root, err := text.ParseCollation("root")
	if err != nil {
		t.Fatal(err)
	}
	var none *text.Collation
	var room collate.Buffer
	for _, s := range append(strings.Split(orders[0].names, ", "), seeds...) {
		room.Reset()
		want := own.KeyFromString(&room, s)
		if got := none.Key(s); got != string(want) || root.Key(s) != got {
			t.Errorf("%q: key %x, want %x", s, got, want)
		}
	}
	if none.String() != "root" || root.String() != "root" || none.Digest() != root.Digest() || len(none.Digest()) != text.DigestLen {
		t.Errorf("%s %s is not %s %s", none, none.Digest(), root, root.Digest())
	}
}

// TestDigests: who compares keys is told of every other order, and of no other name of the same one.
func TestDigests(t *testing.T) {
	seen := map[string]string{}
	for _, tags := range [][]string{
		{"root", "und", "de", "en-GB", "fr-CH", "it"},
		{"sv", "sv-SE", "sv-u-co-standard"},
		{"sv-u-co-trad"},
		{"da"},
		{"nb", "no", "nn"},
		{"de-u-co-phonebk"},
		{"fr-CA"},
		{"ru"},
		{"sr", "bs-Cyrl"},
		{"sr-Latn", "hr", "bs", "sh"},
		{"zh"},
		{"zh-TW", "zh-Hant"},
	} {
		for _, tag := range tags {
			c, err := text.ParseCollation(tag)
			if err != nil {
				t.Fatal(err)
			}
			if other := seen[c.Digest()]; other != "" && !slices.Contains(tags, other) {
				t.Errorf("%s has the digest of %s", tag, other)
			}
			if tag != tags[0] && seen[c.Digest()] == "" {
				t.Errorf("%s has another digest than %s", tag, tags[0])
			}
			seen[c.Digest()] = tag
		}
	}
}

func TestParseCollation(t *testing.T) {
	for tag, want := range map[string]struct {
		name string
		err  error
	}{
		"sv_SE":               {name: "sv-SE"},
		"CS":                  {name: "cs"},
		"iw":                  {name: "he"},
		"DE-de-U-co-phonebk":  {name: "de-DE-u-co-phonebk"},
		"und":                 {name: "root"},
		"":                    {err: text.ErrNoLanguage},
		"Swedish":             {err: text.ErrNoLanguage},
		"dk":                  {err: text.ErrNoLanguage}, // the country
		"sv.UTF-8":            {err: text.ErrNoLanguage},
		"de-u-co-phonebook":   {err: text.ErrNoLanguage},
		"x-mine":              {err: text.ErrNoLanguage},
		"sv-u-kn-true":        {err: text.ErrNoLanguage}, // the collator cannot
		"sv-u-co-standard-kn": {err: text.ErrNoLanguage},
		"sv-t-en":             {err: text.ErrNoLanguage},
		"sv-x-mine":           {err: text.ErrNoLanguage},
		"und-SE":              {err: text.ErrNoLanguage},
		"tlh":                 {err: text.ErrNoOrder},
		"de-1996":             {err: text.ErrNoOrder},
		"sv-u-co-phonebk":     {err: text.ErrNoOrder},
		"de-AT-u-co-phonebk":  {err: text.ErrNoOrder},
		"es-u-co-trad":        {err: text.ErrNoOrder},
	} {
		c, err := text.ParseCollation(tag)
		switch {
		case !errors.Is(err, want.err):
			t.Errorf("%q: %v, want %v", tag, err, want.err)
		case err == nil && c.String() != want.name:
			t.Errorf("%q is %s, want %s", tag, c, want.name)
		}
	}
}

// TestLanguageOf: each language has an order that is not the root's, and is one of those that
// CLDR's likely subtags name for the country.
func TestLanguageOf(t *testing.T) {
	none, seen := (*text.Collation)(nil).Digest(), 0
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			country := string(a) + string(b)
			tag := text.LanguageOf(country)
			if tag == "" {
				continue
			}
			seen++
			c, err := text.ParseCollation(tag)
			if err != nil || c.Digest() == none {
				t.Errorf("%s: %s is %s, %v", country, tag, c, err)
				continue
			}
			likely, _ := language.Make("und-" + country).Base()
			if own, _ := language.Make(tag).Base(); own != likely && country != "GL" && country != "PY" { // where Danish and Spanish are written as well
				t.Errorf("%s: %s, and most people speak %s", country, tag, likely)
			}
		}
	}
	for country, want := range map[string]string{
		"SE": "sv", "se": "sv", "DK": "da", "NO": "nb", "FI": "fi", "EE": "et", "PL": "pl", "CZ": "cs", "RS": "sr-Latn",
		"DE": "", "AT": "", "CH": "", "BE": "", "CA": "", "GB": "", "US": "", "IN": "", "": "", "XX": "", "SE DK": "",
	} {
		if got := text.LanguageOf(country); got != want {
			t.Errorf("%q: %q, want %q", country, got, want)
		}
	}
	if seen < 60 {
		t.Errorf("%d countries have a language", seen)
	}
}

func TestCollationIsForEveryGoroutine(t *testing.T) {
	c, err := text.ParseCollation("cs")
	if err != nil {
		t.Fatal(err)
	}
	want := c.Key("Jürgen Müller")
	errs := make(chan error, 8)
	for range cap(errs) {
		go func() {
			for range 100 {
				if got := c.Key("Jürgen Müller"); got != want {
					errs <- fmt.Errorf("key %x, want %x", got, want)
					return
				}
			}
			errs <- nil
		}()
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

// FuzzCollation: names are anybody's, and so is the value that a list view begins at.
func FuzzCollation(f *testing.F) {
	var all []*text.Collation
	for _, o := range orders {
		c, err := text.ParseCollation(strings.Fields(o.tags)[0])
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, c)
		f.Add(strings.ReplaceAll(o.names, ", ", ""))
	}
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, c := range all {
			if key := c.Key(s); len(key) > 64*(len(s)+1) {
				t.Errorf("%s: a key of %d bytes for %q", c, len(key), s)
			}
		}
	})
}

package text

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
)

// What [ParseCollation] has against a tag.
var (
	ErrNoLanguage = errors.New("no language tag")
	ErrNoOrder    = errors.New("no order of names")
)

// rootName is the name of the order of no one country, here and in CLDR.
const rootName = "root"

// ParseCollation returns the order of names of a language, as a BCP 47 tag names it: "sv",
// "sr-Latn", "fr-CA", or "de-u-co-phonebk" with the kind of order (RFC 6067; UTS 35 calls it
// collation type); "root" is that of no one country. The error is [ErrNoLanguage] if the tag
// cannot be read, or asks for more than an order, and [ErrNoOrder] if none is known.
//
// The tables are those of CLDR 23. Of Europe's languages they give the order of today's
// (compared with ICU 72) but for foreign letters: y in Latvian, w in Estonian and Azerbaijani, those of
// Sami in Finnish; and for և in Armenian. In Arabic, Urdu and Pashto, and of Chinese characters with several
// readings, more differs.
func ParseCollation(s string) (*Collation, error) {
	tag, err := language.Parse(s)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", s, ErrNoLanguage)
	}
	kind := tag.TypeForKey("co")
	for _, x := range tag.Extensions() {
		if kind == "" || x.String() != "u-co-"+kind {
			return nil, fmt.Errorf("%q has more than a language and a kind of order: %w", s, ErrNoLanguage)
		}
	}
	if tag == language.Und {
		return root, nil
	}
	base, script, region := tag.Raw()
	if base.String() == "und" {
		return nil, fmt.Errorf("%q: %w", s, ErrNoLanguage)
	}
	if script.String() == "Zzzz" {
		script, _ = tag.Script() // in which the language is mostly written there
	}
	table, ok := tableOf(base.String(), script.String(), region.String(), kind)
	if !ok || len(tag.Variants()) > 0 {
		return nil, fmt.Errorf("%q: %w", s, ErrNoOrder)
	}
	c := newCollation(table, script.String())
	c.name = tag.String()
	return c, nil
}

// tableOf returns which of the collator's tables has an order.
func tableOf(base, script, region, kind string) (table string, ok bool) {
	suffix := ""
	if kind != "" && kind != "standard" { // the one that is meant without a kind
		suffix = "-u-co-" + kind
	}
	for _, name := range []string{base + "-" + region + suffix, base + "-" + script + suffix, base + suffix} {
		if table, ok := tables[name]; ok {
			return table, table != ""
		}
		if slices.ContainsFunc(collate.Supported(), func(t language.Tag) bool { return t.String() == name }) {
			return name, true
		}
	}
	return "", false
}

// tables are orders that the collator has under another name than CLDR has today
// (compared with ICU 72), or not at all: "". Nothing changes it.
var tables = map[string]string{
	// It looks nowhere else if a table of CLDR 23 is empty.
	"nb": "nn", "no": "nn", "bs": "hr", "sr-Latn": "hr", "bs-Cyrl": "sr",
	"fr-CA": "fr-u-kb-true",
	// "standard" was the kind that is traditional today, v and w one letter, and the default was not.
	"sv-u-co-trad": "sv-u-co-standard", "fi-u-co-trad": "fi-u-co-standard",
	"zh-Hans-u-co-pinyin": "zh", "zh-Hant-u-co-stroke": "zh-Hant",
	"de-AT-u-co-phonebk": "", // ä behind az; the table has ä as ae, which is Germany's
	"gl":                 "es",
	// The root order is right for them.
	"de": rootName, "en": rootName, "ff": rootName, "fr": rootName, "ga": rootName, "id": rootName, "it": rootName, "ka": rootName, "lb": rootName, "ms": rootName, "nl": rootName,
	"pt": rootName, "sa": rootName, "sw": rootName, "xh": rootName, "zu": rootName,
}

// LanguageOf returns the language in whose order people in a country look for names;
// "" = there is no such one language, or the root order is theirs. country is an
// ISO 3166 code, such as "SE".
func LanguageOf(country string) string {
	for _, row := range spoken {
		if slices.Contains(strings.Fields(row.countries), strings.ToUpper(country)) {
			return row.language
		}
	}
	return ""
}

// spoken are the countries with one order that is not the root's. Where there are
// several languages (Belgium, Canada, Kazakhstan, Switzerland) nobody is preferred, unless
// all order alike (Bosnia, Montenegro and Serbia in Latin) or nearly so (å, ä and ö are the
// last letters of both in Finland). Phone books of Germany order ä as ae, but its contact
// lists do not. Nothing changes it.
var spoken = []struct{ language, countries string }{
	{"az", "AZ"},
	{"bg", "BG"},
	{"bs", "BA"},
	{"cs", "CZ"},
	{"da", "DK GL"},
	{"el", "CY GR"},
	{"es", "AR BO CL CO CR CU DO EC ES GT HN MX NI PA PE PR PY SV UY VE"},
	{"et", "EE"},
	{"fa", "IR"},
	{"fi", "FI"},
	{"fo", "FO"},
	{"he", "IL"},
	{"hr", "HR"},
	{"hu", "HU"},
	{"hy", "AM"},
	{"is", "IS"},
	{"ja", "JP"},
	{"ka", "GE"},
	{"ko", "KR"},
	{"lt", "LT"},
	{"lv", "LV"},
	{"mk", "MK"},
	{"mt", "MT"},
	{"nb", "NO SJ"},
	{"pl", "PL"},
	{"ro", "MD RO"},
	{"ru", "RU"},
	{"sk", "SK"},
	{"sl", "SI"},
	{"sq", "AL XK"},
	{"sr-Latn", "ME RS"},
	{"sv", "AX SE"},
	{"th", "TH"},
	{"tr", "TR"},
	{"uk", "UA"},
	{"vi", "VN"},
	{"zh", "CN"},
	{"zh-Hant", "HK MO TW"},
}

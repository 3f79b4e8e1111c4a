package transfer

import (
	"fmt"
	"slices"
	"strings"

	"ringbook/directory"
	"ringbook/directory/text"
)

// What a column may hold beside the texts of [Texts] and the kinds of numbers.
const (
	columnEmail  = "email"
	columnKey    = "key"
	columnIgnore = "ignore"
)

// Columns lists what [CSVOptions.Map] may say that a column holds.
func Columns() []string {
	var all []string
	for _, t := range Texts(&directory.Contact{}) {
		all = append(all, t.Field)
	}
	all = append(all, columnEmail, columnKey, columnIgnore)
	for _, k := range directory.PhoneKinds() {
		all = append(all, string(k))
	}
	return all
}

// headers are those that Outlook, Google, Thunderbird and users of Excel write in
// English and German, folded as [fold] does, and what they hold.
func headers() map[string]string {
	table := map[string]string{
		"name":        "name|full name|display name|fullname|displayname|anzeigename|vollständiger name|kontakt|file as",
		"given":       "given|given name|givenname|first name|firstname|forename|vorname|rufname",
		"surname":     "surname|last name|lastname|family name|sn|nachname|familienname|zuname",
		"company":     "company|company name|organization|organisation|organization name|organization 1 name|firma|firmenname|unternehmen",
		"department":  "department|organization department|organization 1 department|abteilung|bereich",
		"title":       "title|job title|jobtitle|organization title|organization 1 title|position|funktion|berufsbezeichnung",
		"office":      "office|office location|büro|raum|standort",
		"street":      "street|business street|street address|address 1 street|work address|straße|straße geschäftlich|straße und hausnummer|adresse|anschrift",
		"city":        "city|business city|address 1 city|work city|ort|stadt|ort geschäftlich|wohnort",
		"state":       "state|business state|address 1 region|work state|region|bundesland|kanton",
		"postal-code": "postal code|business postal code|address 1 postal code|zip|zip code|work zipcode|plz|postleitzahl|postleitzahl geschäftlich",
		"country":     "country|business country|business country region|address 1 country|work country|land|land region geschäftlich",
		"work": "work|phone|work phone|telephone|telephone number|phone number|business phone|business phone 2|company main phone|phone 1 value|phone 2 value|phone 3 value|" +
			"telefon|telefonnummer|festnetz|durchwahl|rufnummer|telefon geschäftlich|telefon geschäftlich 2|telefon firma",
		"mobile": "mobile|mobile phone|mobile number|cell|cell phone|handy|mobil|mobiltelefon|mobilnummer|handynummer",
		"home":   "home|home phone|home phone 2|privat|telefon privat|telefon privat 2",
		"other":  "other|other phone|weiteres telefon|sonstige",
		"pager":  "pager|pager number|pagernummer",
		"fax":    "fax|fax number|business fax|telefax|faxnummer|fax geschäftlich",
		"email": "email|mail|e mail|e mail address|email address|e mail 1 value|e mail 2 value|e mail 3 value|e mail 2 address|e mail 3 address|" +
			"primary email|secondary email|e mail adresse|mailadresse|e mail 2 adresse|e mail 3 adresse",
		"key": "key|uid",
	}
	all := make(map[string]string)
	for what, names := range table {
		for name := range strings.SplitSeq(names, "|") {
			all[fold(name)] = what
		}
	}
	return all
}

// fold makes headers comparable: without case, accents and signs.
func fold(s string) string {
	folded := text.Fold(strings.Map(func(r rune) rune {
		if strings.ContainsRune("-_/:.()#", r) {
			return ' '
		}
		return r
	}, s))
	return strings.Join(strings.Fields(folded), " ")
}

// readHeader says what each column holds. Columns that nobody understands are
// ignored, and named.
func readHeader(f *File, header []string, o CSVOptions) ([]string, error) {
	if len(header) > maxColumns {
		return nil, fmt.Errorf("the header has %d columns, %d at most: %w", len(header), maxColumns, directory.ErrTooLarge)
	}
	mapped := make(map[string]string, len(o.Map))
	for name, what := range o.Map {
		if !slices.Contains(Columns(), what) {
			return nil, fmt.Errorf("a column cannot hold %q; it can hold %s: %w", what, strings.Join(Columns(), ", "), directory.ErrInvalid)
		}
		mapped[fold(name)] = what
	}
	if o.Key != "" {
		mapped[fold(o.Key)] = columnKey
	}
	known := headers()
	columns := make([]string, len(header))
	used := make(map[string]bool)
	for i, h := range header {
		name := fold(h)
		what, ok := mapped[name]
		used[name] = true
		if !ok {
			what, ok = known[name]
		}
		if !ok {
			what = columnIgnore
			if name != "" {
				f.Unknown = append(f.Unknown, text.Clean(h, false))
			}
		}
		columns[i] = what
	}
	// Outlook's Title is "Dr.", and its Job Title is the title.
	if i := slices.Index(columns, "title"); i >= 0 && fold(header[i]) == "title" && slices.Contains(columns[i+1:], "title") && mapped["title"] == "" {
		columns[i] = columnIgnore
	}
	for name := range mapped {
		if !used[name] {
			return nil, fmt.Errorf("the file has no column %q: %w", name, directory.ErrInvalid)
		}
	}
	if !slices.ContainsFunc(columns, func(c string) bool { return c != columnIgnore && c != columnKey }) {
		return nil, fmt.Errorf("no column of the header is understood; say with --map what they hold: %w", directory.ErrInvalid)
	}
	return columns, nil
}

// guard puts an apostrophe before a cell that a spreadsheet would take for a
// formula; see the package comment.
func guard(cell string) string {
	if cell == "" || !strings.ContainsRune("=+-@\t\r'", rune(cell[0])) {
		return cell
	}
	if cell[0] == '+' && strings.Trim(cell[1:], "0123456789 ()/.-") == "" {
		return cell
	}
	return "'" + cell
}

// unguard takes the apostrophe away.
func unguard(cell string) string {
	if len(cell) > 1 && cell[0] == '\'' && strings.ContainsRune("=+-@\t\r'", rune(cell[1])) {
		return cell[1:]
	}
	return cell
}

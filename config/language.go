package config

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	names "ringbook/directory/text"
)

// keyLanguage is the language in whose order names are listed.
const keyLanguage = "language"

// language reads the tag of a language of which an order of names is known.
func language(key string, to *string) setting {
	return setting{key, func(v any) error {
		s, ok := v.(string)
		if !ok {
			return wrongType(v, "a language", `"sv"`)
		}
		if s = strings.TrimSpace(s); s == "" {
			return nil
		}
		c, err := names.ParseCollation(s)
		switch {
		case errors.Is(err, names.ErrNoOrder):
			return &valueError{
				fmt.Sprintf("no order of names is known for %q", s),
				`Write a language whose order is near, or "root", which is the order of no one country.`,
			}
		case err != nil:
			return &valueError{
				fmt.Sprintf("%q cannot be read as a language and its order", s),
				`Write its tag (BCP 47), such as "sv", or "de-u-co-phonebk" for the order of a German phone book, or "root".`,
			}
		}
		*to = c.String()
		return nil
	}}
}

// setLanguage gives the language its default: that of the country, if it has one.
func (r *reader) setLanguage() {
	c := &r.cfg
	own := cmp.Or(names.LanguageOf(c.Numbers.Country), rootLanguage)
	if c.Language == "" {
		c.Language = own
		return
	}
	// "se" is a language of Norway's north, "be" that of Belarus, and "no" that of Norway.
	if country := c.Numbers.Country; strings.EqualFold(c.Language, country) && digest(c.Language) != digest(own) {
		r.warn(keyLanguage, fmt.Sprintf("%q is another language than that of the country %s", c.Language, strings.ToUpper(country)),
			fmt.Sprintf("Write %q for the order of that country, or leave it out.", own))
	}
}

// digest tells the order of a language from others.
func digest(language string) string {
	c, err := names.ParseCollation(language)
	if err != nil {
		return ""
	}
	return c.Digest()
}

// rootLanguage is the order of no one country.
const rootLanguage = "root"

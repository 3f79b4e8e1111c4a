package lookup

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"ringbook/directory"
	"ringbook/directory/number"
)

// maxQuestion is the longest number or name that is looked for, in bytes: more
// than a SIP URI or a name has.
const maxQuestion = 256

// A format is how an answer is written.
type format int

const (
	formatText  format = iota // the name
	formatLines               // name, company, department and photo
	formatJSON
)

// The attributes that are asked; see package index.
const (
	attributeNumbers = "searchNumber"
	attributeNames   = "anr"
)

// A question is what a request asks.
type question struct {
	attribute string
	value     string
	format    format
}

// readQuestion reads a request. The format is there even if the rest is
// [directory.ErrInvalid].
func readQuestion(r *http.Request) (q question, err error) {
	var given [3]string
	var has [3]bool
	for part := range strings.SplitSeq(r.URL.RawQuery, "&") {
		// Not net/url's parser: that of a dialplan leaves ";" and much else as it is.
		key, value, _ := strings.Cut(part, "=")
		for i, name := range [...]string{"number", "name", "format"} {
			if key != name || has[i] {
				continue
			}
			has[i] = true
			s, bad := url.QueryUnescape(value)
			if bad != nil || len(s) > maxQuestion {
				err = fmt.Errorf("parameter %s: %w", name, directory.ErrInvalid)
			}
			given[i] = s
		}
	}
	if q.format, has[2] = readFormat(given[2], r.Header.Values("Accept")); !has[2] {
		err = fmt.Errorf("parameter format: %w", directory.ErrInvalid)
	}
	switch {
	case has[0] && !has[1]:
		q.attribute, q.value = attributeNumbers, number.FromQuery(given[0])
	case has[1] && !has[0]:
		q.attribute, q.value = attributeNames, strings.TrimSpace(given[1])
	case err == nil:
		err = fmt.Errorf("neither or both of number and name: %w", directory.ErrInvalid)
	}
	return q, err
}

// readFormat reads the format parameter, or, where it is missing, what the client
// accepts; false = there is no such format.
func readFormat(given string, accept []string) (format, bool) {
	switch given {
	case "text":
		return formatText, true
	case "lines":
		return formatLines, true
	case "json":
		return formatJSON, true
	case "":
	default:
		return formatText, false
	}
	for _, header := range accept {
		for part := range strings.SplitSeq(header, ",") {
			name, _, _ := strings.Cut(part, ";")
			switch strings.ToLower(strings.TrimSpace(name)) {
			case "application/json":
				return formatJSON, true
			case "text/plain", "text/html":
				return formatText, true // the first that we have
			}
		}
	}
	return formatText, true
}

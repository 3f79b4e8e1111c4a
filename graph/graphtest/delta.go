package graphtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// maxFilterIDs is how many ids Graph takes in the filter of a delta.
const maxFilterIDs = 50

// personSize is about what a person takes in JSON, in bytes.
const personSize = 900

// A place is where a round of a delta goes on. Skip tokens hold it whole,
// delta tokens hold what the next round needs of it.
type place struct {
	Generation int      `json:"g"`
	Initial    bool     `json:"i,omitempty"` // a round over everybody, else over the log
	Begun      bool     `json:"b,omitempty"` // a page of this round was given
	Start      int      `json:"o,omitempty"` // where in the log this round began
	At         int      `json:"a"`           // the next person, or the next position of the log
	End        int      `json:"e,omitempty"` // the first not to give in this round
	Next       int      `json:"n,omitempty"` // where in the log the next round begins
	Select     string   `json:"s,omitempty"` // "" = all
	IDs        []string `json:"f,omitempty"` // only these; empty = everybody
	Minimal    bool     `json:"m,omitempty"`
	Size       int      `json:"-"` // of this page
}

// The purposes of sealed places.
const (
	purposeSkip  = "skip"
	purposeDelta = "delta"
)

// delta answers one page (users/delta, contacts/delta).
func (t *Objects) delta(c call) reply {
	query, err := url.ParseQuery(c.URL.RawQuery)
	if err != nil {
		return badRequest("Malformed query.")
	}
	skip, token := query.Get("$skiptoken"), query.Get("$deltatoken")
	for name := range query {
		switch {
		case name == "$skiptoken" || name == "$deltatoken":
		case name == "$select" || name == "$filter":
			if skip != "" || token != "" && token != "latest" {
				return badRequest("'%s' counts in the first request only; the token has it already.", name)
			}
		case strings.HasPrefix(name, "$"):
			return fail(http.StatusBadRequest, "Request_UnsupportedQuery", fmt.Sprintf("'%s' is not supported by change tracking of %s.", name, t.kind))
		}
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	var p place
	switch {
	case skip != "":
		p, err = t.openPlace(purposeSkip, skip)
	case token != "" && token != "latest":
		if p, err = t.openPlace(purposeDelta, token); err == nil {
			p.Next = len(t.log)
			p.Start, p.End = max(0, p.At-t.options.Replay), p.Next
			p.At = p.Start
		}
	default:
		if p, err = t.firstPlace(query); err != nil {
			return badRequest("%v", err)
		}
		if token == "latest" {
			p.At = p.End
		}
		p.Minimal = t.options.Minimal
	}
	if err != nil {
		r := fail(http.StatusGone, "resyncRequired", "The token is too old or not known. Read everything again.")
		r.header.Set("Location", c.base+"/"+t.kind+"/delta?$deltatoken=")
		return r
	}
	p.Size = t.options.PageSize
	if t.folder != "" {
		p.Size = outlookPage(c.Header.Get("Prefer"))
	}
	p.Minimal = p.Minimal || strings.Contains(c.Header.Get("Prefer"), "return=minimal")
	return t.page(c, p)
}

// firstPlace begins a round over everybody.
func (t *Objects) firstPlace(query url.Values) (place, error) {
	p := place{Initial: true, End: len(t.people), Next: len(t.log), Generation: t.generation}
	if query.Has("$select") {
		sel, err := parseSelect(query.Get("$select"))
		if err != nil {
			return p, fmt.Errorf("$expand/$select is not supported for the following properties: %w", err)
		}
		p.Select = strings.Join(sel.names(), ",")
	}
	var err error
	p.IDs, err = parseIDs(query.Get("$filter"))
	return p, err
}

// openPlace opens a token of this generation.
func (t *Objects) openPlace(purpose, token string) (p place, err error) {
	text, err := t.open(t.kind+" "+purpose, token)
	if err != nil {
		return p, err
	}
	if err := json.Unmarshal(text, &p); err != nil {
		return p, fmt.Errorf("%w: %w", errToken, err)
	}
	if p.Generation != t.generation {
		return p, errToken
	}
	return p, nil
}

// parseIDs reads the only filter that a delta takes: id eq '…' or id eq '…'.
func parseIDs(filter string) ([]string, error) {
	if strings.TrimSpace(filter) == "" {
		return nil, nil
	}
	var ids []string
	for term := range strings.SplitSeq(filter, " or ") {
		name, value, ok := strings.Cut(strings.TrimSpace(term), " eq ")
		value = strings.TrimSpace(value)
		if !ok || strings.TrimSpace(name) != "id" || len(value) < 3 || value[0] != '\'' || value[len(value)-1] != '\'' {
			return nil, fmt.Errorf("the filter %q is not supported, only id eq '…'", term)
		}
		if value = value[1 : len(value)-1]; strings.Contains(value, "'") {
			return nil, fmt.Errorf("the filter %q is not supported, only id eq '…'", term)
		}
		ids = append(ids, strings.ToLower(value))
	}
	if len(ids) > maxFilterIDs {
		return nil, fmt.Errorf("%d ids, %d at most", len(ids), maxFilterIDs)
	}
	return ids, nil
}

// page gives one page from p on.
func (t *Objects) page(c call, p place) reply {
	sel := everything()
	if p.Select != "" {
		sel, _ = parseSelect(p.Select) // it was checked before it was sealed
	}
	var value []byte
	if p.Begun || !t.options.EmptyPages || p.At >= p.End {
		if p.Initial {
			value = t.everybody(&p, sel)
		} else {
			value = t.changed(&p, sel)
		}
	}
	p.Begun = true

	body := make([]byte, 0, len(value)+1024)
	body = append(body, `{"@odata.context":`...)
	body = quoteTo(body, c.base+"/$metadata#"+t.kind+"("+p.Select+")")
	if p.At < p.End {
		body = append(body, `,"@odata.nextLink":`...)
		body = quoteTo(body, t.link(c, "$skiptoken", purposeSkip, p))
	} else {
		next := place{Generation: p.Generation, At: p.Next, Select: p.Select, IDs: p.IDs, Minimal: p.Minimal}
		body = append(body, `,"@odata.deltaLink":`...)
		body = quoteTo(body, t.link(c, "$deltatoken", purposeDelta, next))
	}
	body = append(append(append(body, `,"value":[`...), value...), "]}"...)
	r := rawReply(http.StatusOK, body)
	if p.Minimal {
		r.header.Set("Preference-Applied", "return=minimal")
	}
	return r
}

// missing is how a property is written that was never set: Outlook tells it, and
// Entra does not.
func (t *Objects) missing() string {
	if t.folder != "" {
		return "null"
	}
	return ""
}

func (t *Objects) link(c call, name, purpose string, p place) string {
	text, _ := json.Marshal(p) // integers and strings only
	return c.base + "/" + t.kind + "/delta?" + name + "=" + t.seal(t.kind+" "+purpose, text)
}

// everybody appends the people from p.At on who are there, one page of them.
func (t *Objects) everybody(p *place, sel selection) (dst []byte) {
	dst = make([]byte, 0, p.Size*personSize)
	var scratch record
	for n := 0; p.At < p.End && n < p.Size; p.At++ {
		e := &t.people[p.At]
		if e.state != present || len(p.IDs) > 0 && !slices.Contains(p.IDs, e.id) {
			continue
		}
		dst = comma(dst)
		dst = t.record(p.At, &scratch).appendObject(dst, sel, t.missing())
		n++
	}
	return dst
}

// changed appends the people of whom a selected property changed from position
// p.At of the log on, one page of them: each as it is now, at its last change in
// this round.
func (t *Objects) changed(p *place, sel selection) (dst []byte) {
	for n := 0; p.At < p.End && n < p.Size; p.At++ {
		i := t.log[p.At].person
		e := &t.people[i]
		set, last := t.changes(e, p.Start, p.End)
		if last != p.At || len(p.IDs) > 0 && !slices.Contains(p.IDs, e.id) || sel.and(set).empty() {
			continue
		}
		n++
		dst = comma(dst)
		switch e.state {
		case removed:
			dst = append(quoteTo(append(dst, `{"id":`...), e.id), `,"@removed":{"reason":"changed"}}`...)
		case purged:
			dst = append(quoteTo(append(dst, `{"id":`...), e.id), `,"@removed":{"reason":"deleted"}}`...)
		default:
			missing := ""
			if !p.Minimal {
				set, missing = everything().without(set, propManager), t.missing()
			}
			set.mask |= 1 << propID
			dst = t.record(i, &record{}).appendObject(dst, sel.and(set), missing)
		}
	}
	return dst
}

// changes returns what changed of a person from position start of the log to
// before end, and the last such position.
func (t *Objects) changes(e *entry, start, end int) (set selection, last int) {
	last = -1
	for at := e.last; at >= start; at = t.log[at].before {
		if at < end {
			last = max(last, at)
			set = set.or(t.log[at].set)
		}
	}
	return set, last
}

func comma(dst []byte) []byte {
	if len(dst) > 0 {
		dst = append(dst, ',')
	}
	return dst
}

// number reads a decimal query parameter between 1 and most.
func number(s string, most int) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= 1 && n <= most
}

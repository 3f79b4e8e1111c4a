package ldap

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"ringbook/directory"
	"ringbook/directory/filter"
)

// Scopes (RFC 4511 §4.5.1.2).
const (
	scopeBase    = goldap.ScopeBaseObject
	scopeOne     = goldap.ScopeSingleLevel
	scopeSubtree = goldap.ScopeWholeSubtree
	// scopeChildren is the subtree without its top (draft-sermersheim-ldap-subordinate-scope).
	scopeChildren = goldap.ScopeChildren
)

// A searchRequest is RFC 4511 §4.5.1. Aliases, and so derefAliases, we have none.
type searchRequest struct {
	base      string
	scope     int32
	size      int32 // entries; 0 = as many as the server gives
	seconds   int32 // 0 = no limit
	typesOnly bool
	filter    *filter.Filter
	stop      func() bool // asked for each contact; nil = never
	wanted    wanted
	after     position // where a paged search goes on
}

// withTop reports whether the base of the search is one of those asked about.
func (q searchRequest) withTop() bool { return q.scope == scopeBase || q.scope == scopeSubtree }

// deep reports whether all that is below the base is asked about.
func (q searchRequest) deep() bool { return q.scope == scopeSubtree || q.scope == scopeChildren }

// decodeSearch reads a request. Errors are [directory.ErrInvalid] or
// [directory.ErrTooLarge], or errFraming for what the framing let pass.
func decodeSearch(b []byte) (q searchRequest, err error) {
	if q.base, b, err = takeString(b); err != nil {
		return q, err
	}
	if q.scope, b, err = takeInt(b, tagEnumerated); err != nil {
		return q, err
	}
	deref, b, err := takeInt(b, tagEnumerated)
	if err != nil {
		return q, err
	}
	if q.size, b, err = takeInt(b, tagInteger); err != nil {
		return q, err
	}
	if q.seconds, b, err = takeInt(b, tagInteger); err != nil {
		return q, err
	}
	if q.typesOnly, b, err = takeBool(b); err != nil {
		return q, err
	}
	f, b, err := next(b)
	if err != nil {
		return q, err
	}
	list, rest, err := take(b, tagSequence)
	if err != nil || !isLater(rest, -1) || q.scope < scopeBase || q.scope > scopeChildren || q.size < 0 || q.seconds < 0 ||
		deref < goldap.NeverDerefAliases || deref > goldap.DerefAlways {
		return q, errFraming
	}
	q.wanted = list
	if err = q.wanted.check(); err != nil {
		return q, err
	}
	q.filter, err = filter.Decode(f.raw)
	return q, err
}

// A report is what the log says about a search.
type report struct {
	entries int
	r       result
	silent  bool // abandoned: no answer was sent
}

// answered reports whether the client was told who there is, if not all: phones want no
// more than they can show.
func (r report) answered() bool {
	return !r.silent && (r.r.code == goldap.LDAPResultSuccess || r.r.code == goldap.LDAPResultSizeLimitExceeded)
}

// search carries out a search for who and answers it. An error is the
// connection's end.
func (op *operation) search(ctx context.Context, m message, who directory.DeviceID) error {
	c := op.c
	began := time.Now()
	q, ctl, r := readSearch(m)
	var rep report
	var err error
	if r == success {
		rep, err = op.find(ctx, who, q, ctl)
	} else {
		var b []byte
		b, rep.r = op.appendLast(nil, r, nil)
		err = c.write(b)
	}
	c.discharge(op) // before the log is written: the client may ask again by now
	if c.srv.Journal != nil && who != "" && rep.answered() {
		c.srv.Journal.Searched(who)
	}
	if c.srv.Log.Enabled(ctx, slog.LevelInfo) {
		c.srv.say(ctx, slog.LevelInfo, "ldap search",
			slog.String("device", string(who)), slog.String("from", c.from.String()), slog.Int("scope", int(q.scope)), slog.String("asked", asked(q.filter)),
			slog.Int("entries", rep.entries), slog.Int("result", int(rep.r.code)), slog.Bool("abandoned", rep.silent),
			slog.Duration("took", time.Since(began)))
	}
	return err
}

func readSearch(m message) (searchRequest, controls, result) {
	q, err := decodeSearch(m.body)
	switch {
	case errors.Is(err, errFraming):
		return q, controls{}, refuse(goldap.LDAPResultProtocolError, "malformed search")
	case err != nil:
		return q, controls{}, resultOf(err)
	case len(q.base) > maxDN:
		return q, controls{}, refuse(goldap.LDAPResultInvalidDNSyntax, "base too long")
	}
	ctl, r := decodeControls(m.op, m.controls)
	return q, ctl, r
}

// find looks for the entries and sends them.
func (op *operation) find(ctx context.Context, who directory.DeviceID, q searchRequest, ctl controls) (report, error) {
	if q.seconds > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(q.seconds)*time.Second)
		defer cancel()
	}
	var r result
	q.after, r = ctl.start(op.c.keepsPlaces(who), op.c.srv.collation().Digest())
	a := op.newAnswer(q, ctl)
	defer a.release()
	if a.weight > filter.MaxNodes && r == success {
		r = resultOf(directory.ErrTooLarge)
	}
	if r != success {
		return a.done(ctx, r)
	}
	r, err := a.run(ctx, who)
	switch {
	case errors.Is(err, errUnwanted):
		return a.silent(), nil
	case err != nil:
		return report{}, err
	}
	return a.done(ctx, r)
}

// run is all the work of a search. An error other than errUnwanted is the
// connection's end.
func (a *answer) run(ctx context.Context, who directory.DeviceID) (result, error) {
	a.work = a.srv.gate.enter(a.op.c.account(who), a.op.handOver)
	defer a.work.leave()
	if a.work.goOn(ctx) != nil {
		return interrupted(ctx)
	}
	a.q.stop = func() bool { return a.stop(ctx) }
	device, f, r, err := a.op.c.lookUp(a.q, who)
	defer f.release()
	if err != nil || r != success {
		return r, err
	}
	a.device, a.plan, a.profile = device, f.plan, f.profile
	a.respells = device.ASCII || device.Names == directory.NamesPlain
	a.look(a.op.c.sight(who))
	for _, step := range []func(context.Context, *found) (result, error){a.window, a.sort, a.rank} {
		if r, err := step(ctx, &f); err != nil || r != success {
			return r, err
		}
	}
	return a.send(ctx, f)
}

// asked lists the attributes of a filter, by the names we know them by: what
// somebody searched for is nobody's business.
func asked(f *filter.Filter) string {
	const most = 8 // of a log line
	var room [most]string
	names := room[:0]
	var walk func(*filter.Filter)
	walk = func(f *filter.Filter) {
		switch f.Op {
		case filter.And, filter.Or, filter.Not:
			for _, child := range f.Children {
				walk(child)
			}
		default:
			if len(names) < most {
				names = append(names, knownName(f.Attribute))
			}
		}
	}
	if f != nil {
		walk(f)
	}
	return strings.Join(names, " ")
}

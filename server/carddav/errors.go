package carddav

import (
	"context"
	"errors"
	"net/http"
	"os"
	"strconv"
	"time"

	"ringbook/directory"
)

// A statusError is a refusal whose answer is not that of its kind alone.
type statusError struct {
	status    int
	condition string // content of DAV:error, in the prefixes of xmlHead; "" = none
	text      string // what was wrong, for people
}

func (f *statusError) Error() string { return f.text }

// The preconditions that we answer with (RFC 3253 §3.6, RFC 4918 §16, RFC 6352
// §8, RFC 6578 §3.2).
const (
	conditionDepth     = "<d:propfind-finite-depth/>"
	conditionReport    = "<d:supported-report/>"
	conditionToken     = "<d:valid-sync-token/>" //nolint:gosec // no secret: a sync token is only opaque
	conditionLimits    = "<d:number-of-matches-within-limits/>"
	conditionProtected = "<d:cannot-modify-protected-property/>"
	conditionCollation = "<card:supported-collation/>"
	conditionFilter    = "<card:supported-filter/>"
	conditionData      = "<card:supported-address-data/>"
)

// retryAfter is what a client is told that comes while we are busy or not ready:
// long enough to help, short enough that nobody notices.
const retryAfter = 10 * time.Second

// An answer is what a client gets instead of what it asked for.
type answer struct {
	status    int
	condition string
	text      string
	retry     time.Duration // 0 = no Retry-After
}

// answerTo gives an error its meaning. The text of a fault of ours stays here.
func answerTo(err error) answer {
	var f *statusError
	var throttled *directory.ThrottledError
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &f):
		return answer{status: f.status, condition: f.condition, text: f.text}
	case errors.As(err, &throttled):
		return answer{status: http.StatusTooManyRequests, text: "too many failed logins, try again later", retry: throttled.RetryAfter}
	case errors.As(err, &large), errors.Is(err, directory.ErrTooLarge):
		return answer{status: http.StatusRequestEntityTooLarge, text: "the request is over a limit"}
	case errors.Is(err, directory.ErrCredential):
		return answer{status: http.StatusUnauthorized, text: "login refused"}
	case errors.Is(err, directory.ErrUnavailable):
		return answer{status: http.StatusServiceUnavailable, text: "busy, try again soon", retry: retryAfter}
	case errors.Is(err, directory.ErrNotFound):
		return answer{status: http.StatusNotFound, text: "not found"}
	case errors.Is(err, directory.ErrRevisionGone):
		return answer{status: http.StatusForbidden, condition: conditionToken, text: "the sync token is not one of ours"}
	case errors.Is(err, directory.ErrInvalid):
		return answer{status: http.StatusBadRequest, text: "the request cannot be read"}
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.Canceled):
		return answer{status: http.StatusRequestTimeout, text: "the client was too slow, or went away"}
	}
	return answer{status: http.StatusInternalServerError, text: "internal error"}
}

// realm never changes: Thunderbird keeps passwords by it.
const realm = `Basic realm="Ringbook", charset="UTF-8"`

// send writes the answer whole.
func (a answer) send(w http.ResponseWriter) (written int64, err error) {
	h := w.Header()
	switch {
	case a.status == http.StatusUnauthorized:
		h.Set("WWW-Authenticate", realm)
	case a.retry > 0:
		seconds := (a.retry + time.Second - 1) / time.Second
		h.Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
	}
	body := a.text + "\n"
	h.Set("Content-Type", "text/plain; charset=utf-8")
	if a.condition != "" {
		h.Set("Content-Type", xmlType)
		body = xmlDeclaration + "<d:error" + xmlNamespaces + ">" + a.condition + "</d:error>"
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(a.status)
	n, err := w.Write([]byte(body))
	return int64(n), err
}

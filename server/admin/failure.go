package admin

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"ringbook/directory"
)

// ErrUnreachable means that nobody answers on the admin socket.
var ErrUnreachable = errors.New("the server is not reachable")

// A Failure is why a request was not done, as the operator reads it.
type Failure struct { //nolint:errname // what the operator reads is a failure, not an Error
	Message string // a sentence
	Hint    string // what to do next; "" = the message says it
	Status  int    // of HTTP; 0 = there was no answer
	kind    error
}

func (f *Failure) Error() string { return f.Message }

// Unwrap returns the kind: one of package directory's, or [ErrUnreachable].
func (f *Failure) Unwrap() error { return f.kind }

func refuse(status int, kind error, message, hint string) *Failure {
	return &Failure{Message: message, Hint: hint, Status: status, kind: kind}
}

// failure gives an error its meaning on this surface. Whoever opens the admin
// socket is the operator, and may read every text.
func failure(err error) *Failure {
	if f := (*Failure)(nil); errors.As(err, &f) {
		return f
	}
	for _, k := range kinds() {
		if errors.Is(err, k.kind) {
			// The kind's own words end the chain; the status says the same.
			return refuse(k.status, k.kind, strings.TrimSuffix(err.Error(), ": "+k.kind.Error()), k.hint)
		}
	}
	return refuse(http.StatusInternalServerError, nil, err.Error(), "the server's log may say more")
}

type kind struct {
	kind   error
	status int
	hint   string
}

// kinds is the one table of errors and statuses, read in both directions.
func kinds() []kind {
	return []kind{
		{directory.ErrInvalid, http.StatusBadRequest, ""},
		{directory.ErrNotFound, http.StatusNotFound, ""},
		{directory.ErrExists, http.StatusConflict, ""},
		{directory.ErrShrink, http.StatusUnprocessableEntity, "if so many people really left, run `ringbook sync --accept-shrink`"},
		{directory.ErrTooLarge, http.StatusRequestEntityTooLarge, ""},
		{directory.ErrUnavailable, http.StatusServiceUnavailable, "try again in a moment"},
		{context.Canceled, http.StatusServiceUnavailable, "the server is going down, or the command was interrupted"},
	}
}

// kindOf returns the kind that a status stands for; nil = none.
func kindOf(status int) error {
	for _, k := range kinds() {
		if k.status == status {
			return k.kind
		}
	}
	return nil
}

package directory

import (
	"errors"
	"fmt"
	"time"
)

// The kinds of errors. Each edge gives them a meaning in one function; an error
// of no kind is a fault of ours, whose text is for the operator only.
var (
	// ErrNotFound: there is no such contact, book, device or photo.
	ErrNotFound = errors.New("not found")
	// ErrInvalid: the value given cannot be read or is not allowed.
	ErrInvalid = errors.New("invalid")
	// ErrExists: a thing of that name is there already.
	ErrExists = errors.New("exists already")
	// ErrCredential: unknown login, wrong secret or revoked device. Which of
	// them it was is told to nobody.
	ErrCredential = errors.New("login refused")
	// ErrUnavailable: the directory has not been loaded once, or the server is
	// going down. The same request will be answered later.
	ErrUnavailable = errors.New("not available yet")
	// ErrRevisionGone: a revision of another epoch, or one that is still to come.
	ErrRevisionGone = errors.New("revision of another epoch")
	// ErrShrink: the batch would remove more than the shrink guard allows.
	// Nothing of it was applied. See [ShrinkError].
	ErrShrink = errors.New("stopped by the shrink guard")
	// ErrTooLarge: the request, or what it asks for, is over a limit.
	ErrTooLarge = errors.New("too large")
)

// A ShrinkError is [ErrShrink] with what would be lost.
type ShrinkError struct {
	Book             BookName // "" = everything that came from the source
	Leaving, Members int      // in this round, and before it
	Guard            float64  // the share allowed, 0…1
}

func (e *ShrinkError) Error() string {
	if e.Book == "" {
		return fmt.Sprintf("the source names nobody any more, and all %d contacts would go", e.Members)
	}
	return fmt.Sprintf("book %s would lose %d of its %d contacts, more than the %.0f %% of mirror.shrink_guard",
		e.Book, e.Leaving, e.Members, 100*e.Guard)
}

// Is makes e an [ErrShrink].
func (e *ShrinkError) Is(target error) bool { return target == ErrShrink }

// A ThrottledError refuses an attempt before it is looked at.
type ThrottledError struct {
	RetryAfter time.Duration // > 0
}

func (e *ThrottledError) Error() string {
	return fmt.Sprintf("too many attempts, try again in %v", e.RetryAfter.Round(time.Second))
}

package graph

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// skipID is why an object was left out that has no id of the kind that contacts have.
const skipID = "The object has no id that a contact can have."

// maxSkipText bounds what is kept of an object's id and of a reason.
const maxSkipText = 200

// name returns the object's id for people to read, whatever it holds.
func (o object) name() string {
	var s string
	if json.Unmarshal(o["id"], &s) != nil {
		return ""
	}
	return plain(s, maxSkipText)
}

// skipProperties is why a part of an object was left out. The errors of a
// mapping name properties and types, never a value.
func skipProperties(unread error) string {
	return plain("Left as it was: "+strings.ReplaceAll(unread.Error(), "\n", "; ")+".", maxSkipText)
}

// skipPhoto is why a photo was left out. What Graph says about a mailbox may
// hold its address, so the sentence is ours.
func skipPhoto(err error) string {
	e, ok := errors.AsType[*responseError](err)
	switch {
	case ok && e.Status == http.StatusForbidden:
		return "Exchange refused access to the mailbox."
	case ok && e.Status == http.StatusNotFound:
		return "The photo was gone when it was fetched."
	case ok:
		return fmt.Sprintf("Outlook answered with status %d.", e.Status)
	case errors.Is(err, errNotJSON):
		return "The answer about the photo cannot be read."
	}
	return "The photo is too large, or no picture that can be read."
}

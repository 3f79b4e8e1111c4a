// Package notify hears from Microsoft Graph that something has changed. What has
// changed it is never told: a notification is a hint to ask, and nothing more.
package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"time"
)

// Path is where notifications come to, below the public URL.
const Path = "/hooks/graph"

// Anybody may call here, and need not log in.
const (
	// maxBody bounds a notification, and maxChanges what is looked at in it: Graph
	// sends some 500 bytes for each change, and a hint is a hint.
	maxBody    = 256 << 10
	maxChanges = 1000
	// maxToken bounds the token that Graph wants back; its own have 300 bytes.
	maxToken = 2 << 10
	// maxWait is how long a caller may take to send, and to take the answer. Graph
	// itself wants one within three seconds.
	maxWait = 10 * time.Second
	// maxAtOnce is how many notifications are read at once.
	maxAtOnce = 4
	// retryAfter is what the others are told, in seconds. Graph comes back for hours.
	retryAfter = "10"
)

// Options shape a handler.
type Options struct {
	State string // what each notification repeats; see [State]
	Hint  func() // users have changed
	Renew func() // the subscription needs to be looked after
	Log   *slog.Logger
}

// State makes the secret that notifications repeat out of the server's own key
// and the tenant: 64 hexadecimal digits, the same after every start.
func State(key []byte, tenant string) string {
	mac := hmac.New(sha256.New, key)
	_, _ = io.WriteString(mac, "graph notifications\n"+tenant) // never fails
	return hex.EncodeToString(mac.Sum(nil))
}

// New makes the handler of [Path].
//
// It answers the handshake, by which Graph makes sure that whoever asked for
// notifications wants them here, and takes notifications. One with another state
// is answered like any other, so that nobody learns whether a guess was right.
// https://learn.microsoft.com/graph/change-notifications-delivery-webhooks
func New(o Options) http.Handler {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return handler{o, make(chan struct{}, maxAtOnce)}
}

type handler struct {
	Options
	places chan struct{}
}

// A notification is one item of what Graph sends (changeNotificationCollection).
type notification struct {
	State     string `json:"clientState"`
	Lifecycle string `json:"lifecycleEvent"` // "" = a change
}

func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	control := http.NewResponseController(w)
	deadline := time.Now().Add(maxWait)
	_ = control.SetReadDeadline(deadline) // a test's recorder has none
	_ = control.SetWriteDeadline(deadline)
	if r.Method != http.MethodPost {
		header.Set("Allow", http.MethodPost)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	if token := r.URL.Query().Get("validationToken"); token != "" {
		h.validate(w, r, token)
		return
	}
	w.WriteHeader(h.take(w, r))
}

// take reads notifications, acts on them, and returns the status of the answer.
func (h handler) take(w http.ResponseWriter, r *http.Request) int {
	select {
	case h.places <- struct{}{}:
		defer func() { <-h.places }()
	default:
		w.Header().Set("Retry-After", retryAfter)
		return http.StatusServiceUnavailable
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err != nil || kind != "application/json":
		return http.StatusUnsupportedMediaType
	case r.ContentLength > maxBody:
		return http.StatusRequestEntityTooLarge
	}
	list, err := read(http.MaxBytesReader(w, r.Body, maxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return http.StatusRequestEntityTooLarge
	}
	if err != nil {
		return http.StatusBadRequest
	}
	h.hear(r, list)
	return http.StatusAccepted
}

// errShape: JSON, and not the notifications that Graph sends.
var errShape = errors.New("no list of notifications")

// read reads up to maxChanges notifications, one at a time: a list of a hundred
// thousand empty ones would else be a hundred times what it was on the way.
func read(body io.Reader) (list []notification, err error) {
	d := json.NewDecoder(body)
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.Join(errShape, err)
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		if key != "value" {
			var skipped json.RawMessage
			if err := d.Decode(&skipped); err != nil {
				return nil, err
			}
			continue
		}
		if t, err := d.Token(); err != nil || t != json.Delim('[') {
			return nil, errors.Join(errShape, err)
		}
		for d.More() && len(list) < maxChanges {
			var n notification
			if err := d.Decode(&n); err != nil {
				return nil, err
			}
			list = append(list, n)
		}
		return list, nil
	}
	return nil, nil
}

// validate gives the token back as it came, for nobody's browser to look at.
func (h handler) validate(w http.ResponseWriter, r *http.Request, token string) {
	if len(token) > maxToken {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	w.WriteHeader(http.StatusOK)
	_, _ = io.WriteString(w, token) //nolint:gosec // plain text, nosniff, sandboxed; who has gone needs no answer
	h.Log.LogAttrs(r.Context(), slog.LevelInfo, "notification address validated")
}

// hear acts on the notifications that have our state.
func (h handler) hear(r *http.Request, list []notification) {
	changes, lifecycle, strange := 0, 0, 0
	for _, n := range list {
		switch {
		case subtle.ConstantTimeCompare([]byte(n.State), []byte(h.State)) != 1:
			strange++
		case n.Lifecycle != "":
			lifecycle++
		default:
			changes++
		}
	}
	if lifecycle > 0 { // reauthorizationRequired, or something may have been missed
		h.Renew()
	}
	if changes+lifecycle > 0 {
		h.Hint()
	}
	h.Log.LogAttrs(r.Context(), slog.LevelInfo, "notified",
		slog.Int("changes", changes), slog.Int("lifecycle", lifecycle), slog.Int("strange", strange))
}

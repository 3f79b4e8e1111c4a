// Package notify hears from Microsoft Graph that something has changed. What has
// changed it is never told: a notification is a hint to ask, and nothing more.
package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"mime"
	"net/http"
)

// Path is where notifications come to, below the public URL.
const Path = "/hooks/graph"

const (
	// maxBody bounds a notification. Graph sends some 500 bytes for each change,
	// and up to a thousand changes at once.
	maxBody = 1 << 20
	// maxToken bounds the token that Graph wants back; its own have 300 bytes.
	maxToken = 2 << 10
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
	return handler{o}
}

type handler struct{ Options }

// A collection is what Graph sends: changeNotificationCollection.
type collection struct {
	Value []struct {
		State     string `json:"clientState"`
		Lifecycle string `json:"lifecycleEvent"` // "" = a change
	} `json:"value"`
}

func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	if r.Method != http.MethodPost {
		header.Set("Allow", http.MethodPost)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	if token := r.URL.Query().Get("validationToken"); token != "" {
		h.validate(w, r, token)
		return
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		w.WriteHeader(http.StatusUnsupportedMediaType)
		return
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	var c collection
	if json.Unmarshal(data, &c) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	h.hear(r, c)
	w.WriteHeader(http.StatusAccepted)
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
func (h handler) hear(r *http.Request, c collection) {
	changes, lifecycle, strange := 0, 0, 0
	for _, n := range c.Value {
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

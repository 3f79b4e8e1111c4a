package admin

import (
	"io"
	"net/http"
)

// Health answers machines that watch the server: GET /healthz is 200 while the
// process is up, GET /readyz is 200 once the mirror has been loaded, 503 before,
// GET /metrics is what Metrics answers. None tells anything of a person, so they
// need no login.
func Health(o MetricsOptions) http.Handler {
	d := o.Directory
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", Metrics(o))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		say(w, http.StatusOK, "ok\n")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !d.View().Loaded() {
			say(w, http.StatusServiceUnavailable, "the mirror has not been loaded yet\n")
			return
		}
		say(w, http.StatusOK, "ready\n")
	})
	return mux
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

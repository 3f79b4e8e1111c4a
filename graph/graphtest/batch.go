package graphtest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// maxItems is how many requests Graph takes in one batch.
const maxItems = 20

type batchRequest struct {
	Requests []batchItem `json:"requests"`
}

type batchItem struct {
	ID        string            `json:"id"`
	Method    string            `json:"method"`
	URL       string            `json:"url"` // relative, without the version
	Headers   map[string]string `json:"headers"`
	Body      json.RawMessage   `json:"body"`
	DependsOn []string          `json:"dependsOn"`
}

type batchAnswer struct {
	ID      string            `json:"id"`
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    any               `json:"body,omitempty"` // JSON, or base64 of anything else
}

// batch answers POST /$batch: each item by itself, in the opposite order, as
// Graph promises none.
func (t *Tenant) batch(c call) reply {
	if c.Method != http.MethodPost {
		return fail(http.StatusMethodNotAllowed, "BadRequest", "A batch is posted.")
	}
	body, err := readBody(c.Request)
	if err != nil {
		return badRequest("%v", err)
	}
	var request batchRequest
	if err := json.Unmarshal(body, &request); err != nil {
		return badRequest("Invalid batch payload format.")
	}
	if n := len(request.Requests); n == 0 || n > maxItems {
		return badRequest("Number of batch request steps is %d, must be 1 to %d.", n, maxItems)
	}
	statuses := make(map[string]int, len(request.Requests))
	answers := make([]batchAnswer, len(request.Requests))
	for i, item := range request.Requests {
		id := strings.ToLower(item.ID)
		if _, twice := statuses[id]; twice || id == "" {
			return badRequest("The ids of a batch must be set and unique.")
		}
		if !strings.HasPrefix(item.URL, "/") {
			item.URL = "/" + item.URL
		}
		answer := t.batchItem(c, item, statuses)
		statuses[id] = answer.Status
		answers[len(answers)-1-i] = answer
	}
	return jsonReply(http.StatusOK, map[string]any{"responses": answers})
}

func (t *Tenant) batchItem(c call, item batchItem, statuses map[string]int) batchAnswer {
	answer := func(r reply) batchAnswer { return itemAnswer(item.ID, r) }
	for _, on := range item.DependsOn {
		if status, done := statuses[strings.ToLower(on)]; !done || status >= 300 {
			return answer(fail(http.StatusFailedDependency, "FailedDependency", "A request that this one depends on failed."))
		}
	}
	target, err := url.ParseRequestURI("/v1.0" + item.URL)
	if err != nil {
		return answer(badRequest("Invalid url."))
	}
	if len(item.Body) > 0 && len(item.Headers) == 0 {
		return answer(badRequest("A body needs a Content-Type."))
	}
	r := c.Clone(c.Context())
	r.Method, r.URL = strings.ToUpper(item.Method), target
	r.Header = http.Header{}
	for name, v := range item.Headers {
		r.Header.Set(name, v)
	}
	r.Body = io.NopCloser(bytes.NewReader(item.Body))
	inner := newCall(r)
	hurt := t.faults.take(inner)
	if !hurt.wait(c.Context()) || hurt.replaces() {
		return answer(hurt.reply(inner))
	}
	if len(inner.path) == 0 || inner.path[0] == "$batch" {
		return answer(badRequest("A batch cannot hold this."))
	}
	return answer(t.graph(inner))
}

func itemAnswer(id string, r reply) batchAnswer {
	a := batchAnswer{ID: id, Status: r.status, Headers: map[string]string{}}
	for name := range r.header {
		a.Headers[name] = r.header.Get(name)
	}
	switch {
	case len(r.body) == 0:
	case strings.HasPrefix(a.Headers["Content-Type"], "application/json") && json.Valid(r.body):
		a.Body = json.RawMessage(r.body)
	default:
		a.Body = r.body // encoding/json writes bytes in base64
	}
	return a
}

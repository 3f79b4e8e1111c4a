package graph

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// maxBatch is Graph's limit of requests in one $batch.
	maxBatch = 20
	// maxBatchTries of the items that were throttled.
	maxBatchTries = 4
)

// A batchItem is one request of a $batch.
// https://learn.microsoft.com/graph/json-batching
type batchItem struct {
	ID     string `json:"id"`
	Method string `json:"method"`
	URL    string `json:"url"` // relative to the version
}

// A batchAnswer answers one item. A binary body is a JSON string in base64.
type batchAnswer struct {
	ID      string          `json:"id"`
	Status  int             `json:"status"`
	Headers map[string]any  `json:"headers"`
	Body    json.RawMessage `json:"body"`
}

// batch sends items in one $batch, those that were throttled again after the
// longest Retry-After, and returns the answers in the order of the items. Each
// item is throttled on its own: 200 for the whole says nothing about any.
func (c *client) batch(ctx context.Context, items []batchItem) ([]batchAnswer, error) {
	answers := make([]batchAnswer, len(items))
	open := make([]int, len(items))
	for i := range items {
		items[i].ID, open[i] = strconv.Itoa(i), i
	}
	for try := 1; ; try++ {
		if err := c.batchOnce(ctx, items, open, answers); err != nil {
			return nil, err
		}
		var again []int
		var worst *responseError
		for _, i := range open {
			if !answers[i].transient() {
				continue
			}
			again = append(again, i)
			if e := answers[i].err(); worst == nil || e.RetryAfter > worst.RetryAfter {
				worst = e
			}
		}
		switch {
		case len(again) == 0:
			return answers, nil
		case worst.RetryAfter > maxRetryWait:
			return nil, fmt.Errorf("$batch: %w", worst)
		case try == maxBatchTries && (worst.Status == http.StatusTooManyRequests || len(again) == len(items) && len(items) > 1):
			return nil, fmt.Errorf("$batch: %w", worst)
		case try == maxBatchTries:
			return answers, nil // a mailbox that does not work is no reason to stop at it for ever
		}
		if err := pause(ctx, max(worst.RetryAfter, retryDelay<<try)); err != nil {
			return nil, err
		}
		open = again
	}
}

// batchOnce sends the items at the open places and notes their answers.
func (c *client) batchOnce(ctx context.Context, items []batchItem, open []int, answers []batchAnswer) error {
	var q struct {
		Requests []batchItem `json:"requests"`
	}
	for _, i := range open {
		q.Requests = append(q.Requests, items[i])
		answers[i] = batchAnswer{}
	}
	var p struct {
		Responses []batchAnswer `json:"responses"`
	}
	if err := c.post(ctx, c.path("", "$batch"), q, &p); err != nil {
		return err
	}
	for _, a := range p.Responses { // in any order
		if i, err := strconv.Atoi(a.ID); err == nil && 0 <= i && i < len(answers) && answers[i].Status == 0 {
			answers[i] = a
		}
	}
	return nil
}

// transient reports whether the item should be sent again. Status 0 is an item
// that the answer has forgotten.
func (a *batchAnswer) transient() bool {
	return a.Status == 0 || a.Status == http.StatusTooManyRequests || a.Status >= http.StatusInternalServerError
}

// forbidden reports whether it is the application that is refused, and not one mailbox.
func (a *batchAnswer) forbidden() bool {
	return a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden && a.err().Code != "ErrorAccessDenied"
}

// err returns the answer as the error that it is.
func (a *batchAnswer) err() *responseError {
	h := make(http.Header, len(a.Headers))
	for k, v := range a.Headers {
		h.Set(k, fmt.Sprint(v))
	}
	e := &responseError{Status: a.Status, RequestID: plain(h.Get("request-id"), 64), RetryAfter: retryAfter(h, time.Now())}
	e.setBody(a.Body)
	return e
}

// binary returns a binary body of at most limit bytes. Both alphabets of base64 are in use.
func (a *batchAnswer) binary(limit int) ([]byte, error) {
	if a.Status != http.StatusOK {
		return nil, a.err()
	}
	var s string
	if err := json.Unmarshal(a.Body, &s); err != nil {
		return nil, errNotJSON
	}
	s = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(s, "="))
	if base64.RawStdEncoding.DecodedLen(len(s)) > limit {
		return nil, fmt.Errorf("photo of more than %d bytes", limit)
	}
	data, err := base64.RawStdEncoding.DecodeString(s)
	if err != nil {
		return nil, errors.New("photo is not base64")
	}
	return data, nil
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

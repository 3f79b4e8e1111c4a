package graphtest

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A Break says how an answer is broken.
type Break string

// The breaks.
const (
	BreakConnection Break = "connection" // no answer: the connection ends
	BreakMiddle     Break = "middle"     // the connection ends after half of the body
	BreakJSON       Break = "json"       // half of the body, as if it were the whole
)

// A Fault makes matching requests fail. The first fault that matches a request
// is used up by it; requests and batch items are matched alike, but an item
// cannot be broken.
type Fault struct {
	Path   string `json:"path"`             // prefix, such as "/v1.0/users/delta"; "" = every path
	Suffix string `json:"suffix,omitempty"` // such as "/token" or "/$value"; "" = every path
	Method string `json:"method,omitempty"` // "" = every method
	After  int    `json:"after,omitempty"`  // so many matching requests pass to the next rule first
	Times  int    `json:"times,omitempty"`  // so many requests are hurt; 0 = one, -1 = all

	DelayMS int   `json:"delay_ms,omitempty"` // before anything is answered
	Break   Break `json:"break,omitempty"`
	SkewS   int   `json:"skew_s,omitempty"` // seconds by which the Date header is ahead of the clock

	// Status, if set, replaces the answer: by Body, else by an error in Graph's
	// shape with Code. For sign-in a Code such as "AADSTS7000222" makes an error
	// in Entra's shape.
	Status     int    `json:"status,omitempty"`
	Code       string `json:"code,omitempty"`
	RetryAfter string `json:"retry_after,omitempty"` // the header: seconds or a date
	Location   string `json:"location,omitempty"`    // the header
	Body       string `json:"body,omitempty"`
	BodyType   string `json:"body_type,omitempty"` // "" = text/html, what gateways send
}

// Fault adds rules behind those there are.
func (t *Tenant) Fault(rules ...Fault) { t.faults.add(rules) }

// ClearFaults forgets all rules.
func (t *Tenant) ClearFaults() { t.faults.clear() }

// Requests returns how many requests and batch items came, by kind: "token",
// "discovery", "users/delta", "users", "users/{id}", "contacts/delta", "groups", "photo",
// "photo/$value", "$batch", "other".
func (t *Tenant) Requests() map[string]int { return t.faults.requests() }

// faults holds the rules, and counts requests: each passes here once.
type faults struct {
	mu     sync.Mutex
	rules  []Fault
	counts map[string]int
}

func (f *faults) add(rules []Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = append(f.rules, rules...)
}

func (f *faults) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = nil
}

func (f *faults) requests() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	counts := maps.Clone(f.counts)
	if counts == nil {
		counts = map[string]int{}
	}
	return counts
}

// take counts a request and returns the fault that hits it, or the zero Fault.
func (f *faults) take(c call) Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.counts == nil {
		f.counts = map[string]int{}
	}
	f.counts[c.kind()]++
	for i := range f.rules {
		rule := &f.rules[i]
		if !rule.matches(c) {
			continue
		}
		if rule.After > 0 {
			rule.After--
			continue
		}
		hit := *rule
		switch {
		case rule.Times < 0:
		case rule.Times > 1:
			rule.Times--
		default:
			f.rules = append(f.rules[:i:i], f.rules[i+1:]...)
		}
		return hit
	}
	return Fault{}
}

func (f Fault) matches(c call) bool {
	return strings.HasPrefix(c.URL.Path, f.Path) && strings.HasSuffix(c.URL.Path, f.Suffix) &&
		(f.Method == "" || f.Method == c.Method)
}

// wait lets the delay pass. It reports false if ctx ended first.
func (f Fault) wait(ctx context.Context) bool {
	if f.DelayMS <= 0 {
		return true
	}
	timer := time.NewTimer(time.Duration(f.DelayMS) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (f Fault) replaces() bool { return f.Status != 0 }

// reply is what the fault answers in place of the stand-in.
func (f Fault) reply(c call) reply {
	var r reply
	switch code, entra := strings.CutPrefix(f.Code, "AADSTS"); {
	case f.Body != "":
		r = reply{status: f.Status, header: http.Header{"Content-Type": {"text/html"}}, body: []byte(f.Body)}
		if f.BodyType != "" {
			r.header.Set("Content-Type", f.BodyType)
		}
	case entra:
		n, _ := strconv.Atoi(code) // a script's own mistake shows as code 0
		r = loginFailure(f.Status, "invalid_client", n, "Scripted.")
	case f.Code != "":
		r = fail(f.Status, f.Code, "Scripted.")
	default:
		r = fail(f.Status, defaultCode(f.Status), fmt.Sprintf("Scripted answer %d to %s.", f.Status, c.kind()))
	}
	if f.RetryAfter != "" {
		r.header.Set("Retry-After", f.RetryAfter)
	}
	if f.Location != "" {
		r.header.Set("Location", f.Location)
	}
	return r
}

// defaultCode is what Graph says with a status.
func defaultCode(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "InvalidAuthenticationToken"
	case http.StatusForbidden:
		return "Authorization_RequestDenied"
	case http.StatusGone:
		return "resyncRequired"
	case http.StatusTooManyRequests:
		return "TooManyRequests"
	case http.StatusServiceUnavailable:
		return "serviceNotAvailable"
	case http.StatusGatewayTimeout:
		return "gatewayTimeout"
	}
	return "generalException"
}

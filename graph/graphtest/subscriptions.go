package graphtest

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"ringbook/directory"
)

const (
	// validationTime is how long Graph waits for its token to come back.
	validationTime = 10 * time.Second
	// maxUserLife is the longest that a subscription to users lasts.
	maxUserLife = 41_760 * time.Minute
)

// A subscription is what a client asked to be told.
type subscription struct {
	ID           string    `json:"id"`
	Resource     string    `json:"resource"`
	ChangeType   string    `json:"changeType"`
	URL          string    `json:"notificationUrl"`
	LifecycleURL string    `json:"lifecycleNotificationUrl"`
	State        string    `json:"clientState,omitempty"`
	Expires      time.Time `json:"expirationDateTime"`
}

// told is a subscription as Graph tells it: without its state.
func (s subscription) told() subscription {
	s.State = ""
	return s
}

// subscriptionRequest answers GET and POST /subscriptions, and PATCH and DELETE of one.
func (t *Tenant) subscriptionRequest(c call) reply {
	t.mu.Lock()
	t.lapse()
	t.mu.Unlock()
	switch {
	case len(c.path) == 1 && c.Method == http.MethodGet:
		t.mu.RLock()
		defer t.mu.RUnlock()
		list := []subscription{}
		for _, s := range t.subscriptions {
			list = append(list, s.told())
		}
		return jsonReply(http.StatusOK, map[string]any{"value": list})
	case len(c.path) == 1 && c.Method == http.MethodPost:
		return t.subscribe(c)
	case len(c.path) == 2 && (c.Method == http.MethodPatch || c.Method == http.MethodDelete):
		return t.changeSubscription(c)
	}
	return fail(http.StatusMethodNotAllowed, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
}

// lapse forgets the subscriptions that have expired. t.mu is held.
func (t *Tenant) lapse() {
	now := time.Now()
	t.subscriptions = slices.DeleteFunc(t.subscriptions, func(s subscription) bool { return s.Expires.Before(now) })
}

// lasts reports whether Graph lets it end then.
func (s subscription) lasts() bool {
	return s.Expires.After(time.Now()) && time.Until(s.Expires) <= maxUserLife
}

func (t *Tenant) subscribe(c call) reply {
	var s subscription
	body, err := readBody(c.Request)
	if err == nil {
		err = json.Unmarshal(body, &s)
	}
	switch {
	case err != nil:
		return badRequest("The request body is malformed.")
	case s.Resource != "users" || s.ChangeType == "" || len(s.State) > 128:
		return badRequest("The subscription is not supported.")
	case !s.lasts():
		return badRequest("Subscription expiration can only be %d minutes in the future.", int(maxUserLife.Minutes()))
	}
	for _, at := range []string{s.URL, s.LifecycleURL} {
		if err := t.validate(c.Context(), at); at != "" && err != nil {
			return fail(http.StatusBadRequest, "ValidationError", "Subscription validation request failed. "+err.Error())
		}
	}
	s.ID = newID()
	t.mu.Lock()
	t.subscriptions = append(t.subscriptions, s)
	t.mu.Unlock()
	return jsonReply(http.StatusCreated, s.told())
}

// validate asks an address to repeat a token.
func (t *Tenant) validate(ctx context.Context, at string) error {
	ctx, cancel := context.WithTimeout(ctx, validationTime)
	defer cancel()
	token := "Validation: Testing client application reachability for subscription Request-Id: " + newID()
	resp, err := t.call(ctx, at+"?validationToken="+url.QueryEscape(token), "text/plain; charset=utf-8", nil)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	err = errors.Join(err, resp.Body.Close())
	if err != nil || resp.StatusCode != http.StatusOK || string(body) != token || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/plain") {
		return fmt.Errorf("the endpoint answered with status %d", resp.StatusCode)
	}
	return nil
}

// call posts to a client's address.
func (t *Tenant) call(ctx context.Context, at, kind string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", kind)
	return t.options.Notifier.Do(req)
}

// newNotifier believes whatever certificate it is shown: a stand-in knows no
// authority that a test's server could have.
func newNotifier() *http.Client {
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // to our own machine
	}}
}

func (t *Tenant) changeSubscription(c call) reply {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.IndexFunc(t.subscriptions, func(s subscription) bool { return s.ID == c.path[1] })
	if i < 0 {
		return fail(http.StatusNotFound, "ResourceNotFound", "The object was not found.")
	}
	if c.Method == http.MethodDelete {
		t.subscriptions = slices.Delete(t.subscriptions, i, i+1)
		return reply{status: http.StatusNoContent, header: http.Header{}}
	}
	var s subscription
	body, err := readBody(c.Request)
	if err == nil {
		err = json.Unmarshal(body, &s)
	}
	if err != nil || !s.lasts() {
		return badRequest("The expiration is not valid.")
	}
	t.subscriptions[i].Expires = s.Expires
	return jsonReply(http.StatusOK, t.subscriptions[i].told())
}

// Subscriptions counts those that last.
func (t *Tenant) Subscriptions() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lapse()
	return len(t.subscriptions)
}

// DropSubscriptions forgets all subscriptions, as Graph may.
func (t *Tenant) DropSubscriptions() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.subscriptions = nil
}

// Notify tells every subscription of a change of somebody; with a lifecycle event
// such as "reauthorizationRequired" it tells that instead. It fails when nobody
// wants to hear it, or somebody does not take it.
func (t *Tenant) Notify(ctx context.Context, user, lifecycle string) error {
	t.mu.Lock()
	t.lapse()
	all := slices.Clone(t.subscriptions)
	t.mu.Unlock()
	if len(all) == 0 {
		return fmt.Errorf("no subscription: %w", directory.ErrNotFound)
	}
	var errs []error
	for _, s := range all {
		n := map[string]any{
			"subscriptionId": s.ID, "subscriptionExpirationDateTime": s.Expires, "clientState": s.State, "tenantId": t.id,
			"changeType": "updated", "resource": "Users/" + user, "resourceData": map[string]any{"@odata.type": "#Microsoft.Graph.User", "id": user},
		}
		at := s.URL
		if lifecycle != "" {
			n, at = map[string]any{"subscriptionId": s.ID, "clientState": s.State, "tenantId": t.id, "lifecycleEvent": lifecycle}, s.LifecycleURL
		}
		body, _ := json.Marshal(map[string]any{"value": []any{n}}) // texts and times
		resp, err := t.call(ctx, at, "application/json; charset=utf-8", body)
		if err == nil {
			err = resp.Body.Close()
			if resp.StatusCode != http.StatusAccepted {
				err = fmt.Errorf("notification answered with status %d", resp.StatusCode)
			}
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

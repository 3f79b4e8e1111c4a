package graph

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"ringbook/directory"
	"ringbook/directory/text"
)

const (
	// maxPage bounds a good answer. A page of 999 users has about 2 MB; a
	// $batch of photos stays below 24 MB.
	maxPage = 64 << 20
	// maxErrorBody bounds any other answer: a Graph error has 1 KB, the page of
	// a gateway that failed a few.
	maxErrorBody = 64 << 10
	// maxLink is the longest link that is followed or stored. Graph's have some
	// 1 KB, and a server takes no longer request line.
	maxLink = 16 << 10
	// tryTimeout ends one try of one request, its body included.
	tryTimeout = 2 * time.Minute
	// maxRetries are made at once, 1 s, 3 s and 7 s apart; then the round has
	// failed and its schedule decides.
	maxRetries = 3
	retryDelay = time.Second
	// maxRetryWait is the longest Retry-After that is sat out within a round.
	// A longer one parks the feed.
	maxRetryWait = time.Minute
)

// A client speaks to one Graph endpoint and to nothing else.
type client struct {
	base       *url.URL
	transport  *transport
	credential azcore.TokenCredential
	pipeline   runtime.Pipeline
}

func newClient(t Tenant) (*client, error) {
	base, err := parseEndpoint(t.GraphURL)
	if err != nil {
		return nil, fmt.Errorf("graph url: %w", err)
	}
	if t.Credential == nil || t.HTTP == nil {
		return nil, fmt.Errorf("a tenant needs a credential and an http client: %w", directory.ErrInvalid)
	}
	c := &client{base: base, transport: newTransport(t.HTTP), credential: t.Credential}
	c.connect()
	return c, nil
}

// connect makes the pipeline, which remembers a token for as long as it lasts.
func (c *client) connect() {
	scope := c.base.Scheme + "://" + c.base.Host + "/.default"
	bearer := runtime.NewBearerTokenPolicy(c.credential, []string{scope}, &policy.BearerTokenOptions{
		InsecureAllowCredentialWithHTTP: c.base.Scheme == "http", // parseEndpoint: loopback only
	})
	c.pipeline = runtime.NewPipeline("ringbook", "v1", runtime.PipelineOptions{PerRetry: []policy.Policy{bearer}}, &policy.ClientOptions{
		Transport: c.transport,
		Retry:     retryOptions(),
	})
}

// renew forgets tokens: what an application may do is fixed in each, so that a
// consent that was granted today shows in a new one only. It is not for use
// while a request is under way.
func (c *client) renew() {
	if r, ok := c.credential.(interface{ Renew() }); ok {
		r.Renew()
	}
	c.connect()
}

func retryOptions() policy.RetryOptions {
	return policy.RetryOptions{MaxRetries: maxRetries, RetryDelay: retryDelay, MaxRetryDelay: maxRetryWait, TryTimeout: tryTimeout}
}

// parseEndpoint reads the address of a service that is handed tokens: https, or
// http to this machine.
func parseEndpoint(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%q is not an https URL: %w", s, directory.ErrInvalid)
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) {
		return nil, fmt.Errorf("%q is not https (http is for loopback only): %w", s, directory.ErrInvalid)
	}
	return u, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// path returns the URL of a resource of Graph v1.0.
func (c *client) path(query string, elem ...string) string {
	u := c.base.JoinPath(append([]string{"v1.0"}, elem...)...)
	u.RawQuery = query
	return u.String()
}

// errForeignLink: a link in an answer leads away from the configured endpoint.
var errForeignLink = errors.New("link to another host")

// resolve is the one way from text to a URL that gets a token. Links are data
// from the network: one to another scheme, host or port is refused.
func (c *client) resolve(link string) (*url.URL, error) {
	if len(link) > maxLink {
		return nil, fmt.Errorf("a link of %d bytes", len(link))
	}
	u, err := c.base.Parse(link)
	if err != nil {
		return nil, errors.New("a link that is no URL") // the parser's text would quote the link
	}
	if u.User != nil || u.Scheme != c.base.Scheme || !strings.EqualFold(u.Hostname(), c.base.Hostname()) || portOf(u) != portOf(c.base) {
		return nil, fmt.Errorf("%w (%s://%s)", errForeignLink, u.Scheme, u.Host)
	}
	u.Host = c.base.Host
	u.Fragment = ""
	return u, nil
}

func portOf(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	if u.Scheme == "http" {
		return "80"
	}
	return "443"
}

func (c *client) get(ctx context.Context, link string, into any) error {
	return c.do(ctx, http.MethodGet, link, "", nil, into)
}

func (c *client) post(ctx context.Context, link string, body, into any) error {
	return c.do(ctx, http.MethodPost, link, "", body, into)
}

// do sends a request, again where that may help, and decodes the answer.
func (c *client) do(ctx context.Context, method, link, prefer string, body, into any) error {
	u, err := c.resolve(link)
	if err != nil {
		return err
	}
	op := method + " " + u.Path
	req, err := runtime.NewRequest(ctx, method, u.String())
	if err != nil {
		return fmt.Errorf("%s: request cannot be built", op) // the cause would quote the link
	}
	req.Raw().Header.Set("Accept", "application/json")
	req.Raw().Header.Set("x-ms-throttle-priority", "Low") // we work in the background
	if prefer != "" {
		req.Raw().Header.Set("Prefer", prefer)
	}
	if body != nil {
		if err := runtime.MarshalAsJSON(req, body); err != nil {
			return fmt.Errorf("%s: %w", op, err)
		}
	}
	resp, err := c.pipeline.Do(req) //nolint:bodyclose // Payload closes it
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	data, err := runtime.Payload(resp)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	switch resp.StatusCode {
	case http.StatusOK, http.StatusCreated:
	case http.StatusNoContent:
		return nil
	default:
		return fmt.Errorf("%s: %w", op, newResponseError(resp, data))
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s: %w: %w", op, errNotJSON, err)
	}
	return nil
}

// errNotJSON: a good status over something that cannot be decoded.
var errNotJSON = errors.New("the answer is not the JSON expected")

// A transport sends requests with an http.Client, follows no redirect (a token
// would follow too), bounds every body, and counts. Its errors never quote a URL.
type transport struct {
	http *http.Client
	sent atomic.Int64
}

func newTransport(c *http.Client) *transport {
	own := *c
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &transport{http: &own}
}

// Do implements policy.Transporter.
func (t *transport) Do(req *http.Request) (*http.Response, error) {
	t.sent.Add(1)
	resp, err := t.http.Do(req)
	if err != nil {
		if ue, ok := errors.AsType[*url.Error](err); ok {
			err = ue.Err
		}
		if slot, ok := req.Context().Value(causeKey{}).(*cause); ok {
			slot.host, slot.err = req.URL.Host, err
		}
		return nil, err
	}
	if resp.StatusCode < http.StatusMultipleChoices {
		resp.Body = http.MaxBytesReader(nil, resp.Body, maxPage)
	} else {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxErrorBody), resp.Body}
	}
	return resp, nil
}

// A responseError is an answer that is no success.
type responseError struct {
	Status     int
	Code       string // Graph's error code; "" = the body was none of Graph's
	Message    string // Graph's text, cut
	RequestID  string
	RetryAfter time.Duration // 0 = not stated
	Skew       time.Duration // of the server's clock against ours; 0 = not stated
}

func (e *responseError) Error() string {
	s := fmt.Sprintf("status %d", e.Status)
	if e.Code != "" {
		s += " " + e.Code
	}
	if e.Message != "" {
		s += ": " + e.Message
	}
	if e.RequestID != "" {
		s += " (request-id " + e.RequestID + ")"
	}
	return s
}

// An errorBody is Graph's error document.
type errorBody struct {
	Error struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

func newResponseError(resp *http.Response, data []byte) *responseError {
	now := time.Now()
	e := &responseError{Status: resp.StatusCode, RequestID: plain(resp.Header.Get("request-id"), 64), RetryAfter: retryAfter(resp.Header, now)}
	if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		e.Skew = at.Sub(now).Round(time.Second)
	}
	e.setBody(data)
	return e
}

func (e *responseError) setBody(data []byte) {
	var b errorBody
	if json.Unmarshal(data, &b) == nil {
		e.Code, e.Message = plain(b.Error.Code, 64), plain(b.Error.Message, 300)
	}
}

// retryAfter reads RFC 9110 section 10.2.3, in seconds or as a date: at most
// maxPark; 0 = not stated.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := h.Get("Retry-After")
	if s, _ := strconv.ParseFloat(v, 64); s > 0 { // +Inf when there are too many digits
		return time.Duration(min(s, maxPark.Seconds()) * float64(time.Second))
	}
	if at, err := http.ParseTime(v); err == nil && at.After(now) {
		return min(at.Sub(now), maxPark)
	}
	return 0
}

// plain makes text of a stranger fit for one line of a log: at most n bytes.
func plain(s string, n int) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
	if len(s) > n {
		s = text.Cut(s, n) + "…"
	}
	return s
}

var (
	_ policy.Transporter     = (*transport)(nil)
	_ azcore.TokenCredential = (*Credential)(nil)
)

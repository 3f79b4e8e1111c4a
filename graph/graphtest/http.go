package graphtest

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxBody is the largest request body read, unpacked: Graph takes 4 MB.
const maxBody = 4 << 20

// A call is one request on its way through the stand-in: a request of its own
// or an item of a batch.
type call struct {
	*http.Request
	path []string // the segments below /v1.0, unescaped
	base string   // "https://host/v1.0": what links begin with
}

// A reply is an answer before it is written. It is a value so that it can
// become a batch item, and so that faults can mutilate it.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func jsonReply(status int, v any) reply {
	body, err := json.Marshal(v)
	if err != nil { // only our own types come here
		return fail(http.StatusInternalServerError, "generalException", err.Error())
	}
	return rawReply(status, body)
}

func rawReply(status int, body []byte) reply {
	return reply{
		status: status,
		header: http.Header{"Content-Type": {"application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"}},
		body:   body,
	}
}

// A graphError is the body of every answer that is not 2xx.
type graphError struct {
	Error struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Inner   struct {
			Date      string `json:"date"`
			RequestID string `json:"request-id"`
			ClientID  string `json:"client-request-id"`
		} `json:"innerError"`
	} `json:"error"`
}

// fail answers with an error in Graph's shape.
func fail(status int, code, message string) reply {
	var e graphError
	e.Error.Code, e.Error.Message = code, message
	e.Error.Inner.RequestID = newID()
	e.Error.Inner.ClientID = e.Error.Inner.RequestID
	e.Error.Inner.Date = time.Now().UTC().Format("2006-01-02T15:04:05")
	r := jsonReply(status, e)
	r.header.Set("Request-Id", e.Error.Inner.RequestID)
	if status == http.StatusUnauthorized {
		r.header.Set("Www-Authenticate", `Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize"`)
	}
	return r
}

func badRequest(format string, args ...any) reply {
	return fail(http.StatusBadRequest, "BadRequest", fmt.Sprintf(format, args...))
}

// ServeHTTP serves sign-in and Graph on one origin, and under /_control/ what
// steers the stand-in, to clients on loopback only:
//
//	GET    /_control/users                    [{"id","displayName","userPrincipalName"}]
//	GET    /_control/users/{id}               all properties
//	POST   /_control/users                    properties → {"id"}
//	PATCH  /_control/users/{id}               properties; null clears
//	DELETE /_control/users/{id}[?purge=1]
//	POST   /_control/users/{id}/restore
//	PUT    /_control/users/{id}/photo         JPEG; empty = no photo any more
//	…      /_control/contacts                 the same for organisational contacts, without photos
//	POST   /_control/groups                   {"displayName","members"} → {"id"}
//	PATCH  /_control/groups/{id}              {"members"}: people and groups
//	DELETE /_control/groups/{id}
//	POST   /_control/mailboxes/{user}         gives a person a mailbox in Exchange
//	POST   /_control/mailboxes/{user}/folders {"displayName","parent"} → {"id"}; no parent = the default folder
//	DELETE /_control/mailboxes/{user}/folders/{id}
//	…      /_control/mailboxes/{user}/contacts                the same as for users, in the default folder
//	…      /_control/mailboxes/{user}/folders/{id}/contacts   the same in another folder
//	POST   /_control/notify/{user}[?lifecycle=EVENT]   tells every subscription
//	DELETE /_control/subscriptions            as Graph may
//	PUT    /_control/scope                    ["user", …]: the mailboxes that Exchange opens
//	POST   /_control/faults                   a Fault or a list of them, behind those there are
//	DELETE /_control/faults
//	GET    /_control/requests                 {"users/delta": 7, …}
//	POST   /_control/expire-tokens            delta and next links
func (t *Tenant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/_control/") {
		t.control(w, r)
		return
	}
	c := newCall(r)
	hurt := t.faults.take(c)
	if !hurt.wait(r.Context()) {
		return // the client is gone
	}
	var answer reply
	if hurt.replaces() {
		answer = hurt.reply(c)
	} else {
		answer = t.answer(c)
	}
	write(w, r, answer, hurt)
}

func newCall(r *http.Request) call {
	scheme := "https"
	if r.TLS == nil {
		scheme = "http"
	}
	c := call{Request: r, base: scheme + "://" + r.Host + "/v1.0"}
	if rest, ok := strings.CutPrefix(r.URL.Path, "/v1.0/"); ok {
		c.path = strings.Split(rest, "/")
	}
	return c
}

// write writes the answer, or what the fault leaves of it.
func write(w http.ResponseWriter, r *http.Request, a reply, hurt Fault) {
	h := w.Header()
	maps.Copy(h, a.header)
	if h.Get("Request-Id") == "" {
		h.Set("Request-Id", newID())
	}
	h.Set("Client-Request-Id", r.Header.Get("Client-Request-Id"))
	if h.Get("Client-Request-Id") == "" {
		h.Set("Client-Request-Id", h.Get("Request-Id"))
	}
	h.Set("Cache-Control", "no-cache")
	if hurt.SkewS != 0 {
		h.Set("Date", time.Now().Add(time.Duration(hurt.SkewS)*time.Second).UTC().Format(http.TimeFormat))
	}
	if hurt.Break == BreakConnection {
		panic(http.ErrAbortHandler) // net/http's way to drop a connection
	}
	if hurt.Break == BreakJSON {
		a.body = a.body[:len(a.body)/2]
	}
	h.Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	if hurt.Break == BreakMiddle {
		_, _ = w.Write(a.body[:len(a.body)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(a.body) // a client that has gone needs no answer
}

// answer plays Microsoft: sign-in, then Graph for those who have signed in.
func (t *Tenant) answer(c call) reply {
	if c.path == nil {
		return t.login(c)
	}
	if !t.admitted(c.Header.Get("Authorization")) {
		return fail(http.StatusUnauthorized, "InvalidAuthenticationToken", "Access token is empty, expired, or not of this tenant.")
	}
	if len(c.path) == 1 && c.path[0] == "$batch" {
		return t.batch(c)
	}
	return t.graph(c)
}

// graph answers one Graph request other than a batch.
func (t *Tenant) graph(c call) reply {
	if c.path[0] == "subscriptions" {
		return t.subscriptionRequest(c)
	}
	if c.Method != http.MethodGet {
		return fail(http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
	}
	p := c.path
	switch {
	case p[0] == "groups":
		return t.groupRequest(c)
	case p[0] == "users" && len(p) > 2 && (p[2] == "contacts" || p[2] == "contactFolders"):
		return t.mailboxRequest(c)
	case p[0] == "users" && !t.granted("User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"):
		return fail(http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
	case p[0] == "contacts" && !t.granted("OrgContact.Read.All", "Directory.Read.All", "Directory.ReadWrite.All"):
		return fail(http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
	case p[0] == "contacts" && len(p) == 2 && (p[1] == "delta" || p[1] == "delta()"):
		return t.OrgContacts.delta(c)
	case p[0] != "users" || len(p) > 5:
		return noSegment(p[0])
	case len(p) == 1:
		return t.list(c)
	case len(p) == 2 && (p[1] == "delta" || p[1] == "delta()"):
		return t.delta(c)
	case len(p) == 2:
		return t.user(c, p[1])
	case p[2] == "photo" && len(p) == 3:
		return t.photoMetadata(c, p[1], "")
	case p[2] == "photo" && len(p) == 4 && p[3] == "$value":
		return t.photoValue(p[1], "")
	case p[2] == "photos" && len(p) == 4:
		return t.photoMetadata(c, p[1], p[3])
	case p[2] == "photos" && len(p) == 5 && p[4] == "$value":
		return t.photoValue(p[1], p[3])
	}
	return noSegment(p[len(p)-1])
}

func noSegment(s string) reply {
	return fail(http.StatusNotFound, "ResourceNotFound", fmt.Sprintf("Resource not found for the segment '%s'.", s))
}

// kind names what is asked for, for [Tenant.Requests].
func (c call) kind() string {
	p := c.path
	switch {
	case p == nil && strings.HasSuffix(c.URL.Path, "/token"):
		return "token"
	case p == nil && strings.HasSuffix(c.URL.Path, "/openid-configuration"):
		return "discovery"
	case len(p) == 1 && (p[0] == "$batch" || p[0] == "users"):
		return p[0]
	case len(p) > 2 && p[0] == "users" && (p[2] == "contacts" || p[2] == "contactFolders"):
		return "mailbox/" + p[len(p)-1]
	case len(p) == 2 && strings.HasPrefix(p[1], "delta"):
		return p[0] + "/delta"
	case len(p) == 2 && p[0] == "users":
		return "users/{id}"
	case len(p) > 0 && (p[0] == "groups" || p[0] == "subscriptions"):
		return p[0]
	case len(p) > 2 && p[0] == "users" && strings.HasPrefix(p[2], "photo"):
		if p[len(p)-1] == "$value" {
			return "photo/$value"
		}
		return "photo"
	}
	return "other"
}

// readBody reads a request body, unpacked: Microsoft's own clients compress theirs.
func readBody(r *http.Request) ([]byte, error) {
	var body io.Reader = http.MaxBytesReader(nil, r.Body, maxBody)
	switch e := r.Header.Get("Content-Encoding"); e {
	case "", "identity":
	case "gzip":
		z, err := gzip.NewReader(body)
		if err != nil {
			return nil, fmt.Errorf("unpack body: %w", err)
		}
		body = io.LimitReader(z, maxBody+1)
	default:
		return nil, fmt.Errorf("content encoding %q is not known", e)
	}
	data, err := io.ReadAll(body)
	if err != nil {
		return nil, fmt.Errorf("read body: %w", err)
	}
	if len(data) > maxBody {
		return nil, errors.New("body too large")
	}
	return data, nil
}

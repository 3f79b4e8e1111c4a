package e2e_test

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A dav asks for raw bytes as one device, over a connection that is kept alive.
type dav struct {
	t             *testing.T
	url           string
	login, secret string // login "" = none is sent
	client        *http.Client
}

func (r *ringbook) dav(t *testing.T, d device) *dav {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: trusting(t, r.ca)}
	t.Cleanup(transport.CloseIdleConnections)
	return &dav{t: t, url: r.url, login: d.Login, secret: d.Secret, client: &http.Client{
		Transport: transport, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// saidSoFar returns the log once all that was done before is in it: lines wait a moment
// for others, and keep their order.
func (r *ringbook) saidSoFar() string {
	r.t.Helper()
	mark := fmt.Sprintf("mark-%d", len(r.log.String()))
	r.dav(r.t, device{}).do("OPTIONS", "/dav/", "", "User-Agent: "+mark)
	within(r.t, patience, "the log is written", func() bool { return strings.Contains(r.log.String(), mark) })
	return r.log.String()
}

// on is the same server in a part of a test.
func (r *ringbook) on(t *testing.T) *ringbook {
	t.Helper()
	part := *r
	part.t = t
	return &part
}

// A davReply is one answer, whole.
type davReply struct {
	status int
	header http.Header
	body   string
}

// do sends one request; headers are written "Name: value".
func (c *dav) do(method, path, body string, headers ...string) davReply {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if c.login != "" {
		req.SetBasicAuth(c.login, c.secret)
	}
	if strings.HasPrefix(body, "<") {
		req.Header.Set("Content-Type", "text/xml")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	res, err := c.client.Do(req)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return davReply{status: res.StatusCode, header: res.Header, body: string(b)}
}

// multistatus is do for a request that must be answered with 207.
func (c *dav) multistatus(method, path, body string, headers ...string) multistatus {
	c.t.Helper()
	r := c.do(method, path, body, headers...)
	if r.status != http.StatusMultiStatus {
		c.t.Fatalf("%s %s: status %d\n%s", method, path, r.status, tail(r.body, 2000))
	}
	return parseMultistatus(c.t, r.body)
}

// A multistatus is RFC 4918 §14.16, as far as the tests read it.
type multistatus struct {
	XMLName   xml.Name      `xml:"DAV: multistatus"`
	Responses []davResponse `xml:"DAV: response"`
	Token     string        `xml:"DAV: sync-token"`
}

type davResponse struct {
	Href      string `xml:"DAV: href"`
	Status    string `xml:"DAV: status"` // "" = see Propstats
	Propstats []struct {
		Status string   `xml:"DAV: status"`
		Prop   davProps `xml:"DAV: prop"`
	} `xml:"DAV: propstat"`
}

type davProps struct {
	ETag       string    `xml:"DAV: getetag"`
	Token      string    `xml:"DAV: sync-token"`
	CTag       string    `xml:"http://calendarserver.org/ns/ getctag"`
	Type       innerXML  `xml:"DAV: resourcetype"`
	Reports    innerXML  `xml:"DAV: supported-report-set"`
	Privileges innerXML  `xml:"DAV: current-user-privilege-set"`
	Principal  string    `xml:"current-user-principal>href"`
	Home       string    `xml:"addressbook-home-set>href"`
	Card       *string   `xml:"urn:ietf:params:xml:ns:carddav address-data"`
	Other      []anyProp `xml:",any"`
}

type innerXML struct {
	Text string `xml:",innerxml"`
}

type anyProp struct {
	XMLName xml.Name
}

func parseMultistatus(t *testing.T, body string) multistatus {
	t.Helper()
	var m multistatus
	if err := xml.Unmarshal([]byte(body), &m); err != nil {
		t.Fatalf("%v in\n%s", err, tail(body, 2000))
	}
	return m
}

// found returns the properties that a response has.
func (r davResponse) found() davProps {
	for _, p := range r.Propstats {
		if p.Status == "HTTP/1.1 200 OK" {
			return p.Prop
		}
	}
	return davProps{}
}

// gone reports that a response says that there is no such thing.
func (r davResponse) gone() bool { return r.Status == "HTTP/1.1 404 Not Found" }

// one returns the properties of the only response.
func (m multistatus) one(t *testing.T) davProps {
	t.Helper()
	if len(m.Responses) != 1 {
		t.Fatalf("%d responses instead of one", len(m.Responses))
	}
	return m.Responses[0].found()
}

// A heldCard is one card as a phone keeps it.
type heldCard struct{ etag, card string }

// held is what a phone keeps of a book, by href.
type held map[string]heldCard

// served is what the device ought to hold: the people whom the tenant says are
// in the default book, each as GET gives it.
func (c *dav) served(s *tenant, book string) held {
	c.t.Helper()
	all := held{}
	for _, id := range s.inBook() {
		href := book + id + ".vcf"
		r := c.do("GET", href, "")
		if r.status != http.StatusOK {
			c.t.Fatalf("GET %s: status %d", href, r.status)
		}
		all[href] = heldCard{r.header.Get("ETag"), r.body}
	}
	return all
}

func (h held) mustBe(t *testing.T, want held) {
	t.Helper()
	if len(want) == 0 {
		t.Error("nobody is served")
	}
	if d := cmp.Diff(want, h, cmp.AllowUnexported(heldCard{})); d != "" {
		t.Errorf("the phone holds %d cards, %d are served (-served +held) %s", len(h), len(want), tail(d, 3000))
	}
}

// inBook returns the ids of those whom a default book shows: enabled members
// who are not hidden from address lists.
func (s *tenant) inBook() []string {
	s.t.Helper()
	var ids []string
	for _, u := range s.users() {
		if enabled, ok := u["accountEnabled"].(bool); !ok || !enabled || u["userType"] == "Guest" || u["showInAddressList"] == false {
			continue
		}
		ids = append(ids, text(u["id"]))
	}
	return ids
}

// users returns the properties of everybody who is not removed.
func (s *tenant) users() []map[string]any {
	s.t.Helper()
	var list []struct {
		ID      string `json:"id"`
		Removed bool   `json:"removed"`
	}
	if err := json.Unmarshal(s.control("GET", "users", nil), &list); err != nil {
		s.t.Fatal(err)
	}
	var all []map[string]any
	for _, u := range list {
		if u.Removed {
			continue
		}
		var properties map[string]any
		if err := json.Unmarshal(s.control("GET", "users/"+u.ID, nil), &properties); err != nil {
			s.t.Fatal(err)
		}
		all = append(all, properties)
	}
	return all
}

// text is a property's value; null and absent are "".
func text(v any) string {
	s, _ := v.(string)
	return s
}

package graph

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// Check signs in and asks Graph for a delta link without data: the smallest
// request that a users round could fail with. See [Explain] for its error.
func Check(ctx context.Context, t Tenant) error {
	c, err := newClient(t)
	if err != nil {
		return err
	}
	var p page
	return c.get(ctx, c.path("$deltatoken=latest&$select=id", "users", "delta"), &p)
}

// checkDeadline ends one part of [Checks]: a person waits, and a name server or
// a firewall that drops packets shows within it.
const checkDeadline = 15 * time.Second

// A CheckState is how one part of a check went.
type CheckState string

// The states.
const (
	CheckOK      CheckState = "ok"
	CheckFailed  CheckState = "failed"
	CheckWarning CheckState = "warning" // it works, and should not stay so
	CheckSkipped CheckState = "skipped" // not asked; Detail says why
)

// A CheckResult is one part of a check, as the operator reads it. It names no
// person and holds no secret.
type CheckResult struct {
	Name   string // unique but for warnings; stable, for scripts
	State  CheckState
	Detail string // one sentence
	Mend   string // the next step; "" = none
	// Unreachable: it failed because nobody answered.
	Unreachable bool
}

// CheckOptions say what the configuration needs of the tenant.
type CheckOptions struct {
	SignIn      CredentialOptions // as for NewCredential, with the tenant's HTTP
	Photos      bool
	OrgContacts bool
	Groups      []string // that the configuration names, by id or display name
	Mailboxes   string   // of them, the one whose members' Outlook contacts are mirrored; "" = none
}

// Checks tests what stands between this machine and the tenant's people, in the
// order in which things break, and yields each part as it is known. It never
// stops at a failure: what needs a part that failed is skipped. The credential
// is made anew, because permissions are fixed in a token; t.Credential is not
// used. No part takes longer than 15 s.
func Checks(ctx context.Context, t Tenant, o CheckOptions) iter.Seq[CheckResult] {
	return func(yield func(CheckResult) bool) {
		// One question, one answer: what only works at the second try should be seen.
		ctx := policy.WithRetryOptions(ctx, policy.RetryOptions{MaxRetries: -1})
		c := &checker{tenant: t, o: o, broken: make(map[string]bool)}
		for _, p := range c.parts() {
			for _, r := range c.run(ctx, p) {
				r.Name = p.name
				c.broken[p.name] = c.broken[p.name] || r.State == CheckFailed || r.State == CheckSkipped && p.off == ""
				if !yield(r) {
					return
				}
			}
		}
	}
}

// A checker is one run of [Checks].
type checker struct {
	tenant Tenant
	o      CheckOptions
	broken map[string]bool // parts that failed, or could not be asked

	skews  []time.Duration // of the answers' Date headers against our clock
	client *client
	roles  []string
	opaque bool     // the token does not tell them
	people []string // ids, for photos
}

// A checkPart is one line of the check.
type checkPart struct {
	name  string
	needs []string // parts that must have worked
	off   string   // why it is not asked; "" = it is
	run   func(context.Context) []CheckResult
}

// The parts that others need.
const (
	partLogin  = "login"
	partGraph  = "graph"
	partSignIn = "credential"
	partToken  = "token"
	partUsers  = "users"
)

func (c *checker) parts() []checkPart {
	login, graphURL := c.o.SignIn.AuthorityURL, c.tenant.GraphURL
	noLogin, noPhotos, noOrg, noGroup, noMailboxes := "", "", "", "", ""
	if c.o.SignIn.ManagedIdentity {
		noLogin = "Not asked: this machine's managed identity gives the tokens."
	}
	if !c.o.Photos {
		noPhotos = "Not asked: mirror.photos is false."
	}
	if !c.o.OrgContacts {
		noOrg = "Not asked: mirror.org_contacts is false."
	}
	if len(c.o.Groups) == 0 {
		noGroup = "Not asked: no book's rule asks for a group (memberOf)."
	}
	if c.o.Mailboxes == "" {
		noMailboxes = "Not asked: mirror.mailboxes_group is not set."
	}
	return []checkPart{
		{name: "login name", off: noLogin, run: c.resolves(login)},
		{name: partLogin, needs: []string{"login name"}, off: noLogin, run: c.answers(login)},
		{name: "graph name", run: c.resolves(graphURL)},
		{name: partGraph, needs: []string{"graph name"}, run: c.answers(graphURL)},
		{name: "clock", run: c.clock},
		{name: partSignIn, run: c.credential},
		{name: partToken, needs: []string{partLogin, partSignIn}, run: c.token},
		{name: "permissions", needs: []string{partToken}, run: c.permissions},
		{name: partUsers, needs: []string{partGraph, partToken}, run: c.users},
		{name: "photos", needs: []string{partUsers}, off: noPhotos, run: c.photos},
		{name: "org contacts", needs: []string{partGraph, partToken}, off: noOrg, run: c.orgContacts},
		{name: "groups", needs: []string{partGraph, partToken}, off: noGroup, run: c.groups},
		{name: "mailboxes", needs: []string{partUsers, "groups"}, off: noMailboxes, run: c.mailboxes},
	}
}

func (c *checker) run(ctx context.Context, p checkPart) []CheckResult {
	if p.off != "" {
		return []CheckResult{{State: CheckSkipped, Detail: p.off}}
	}
	if ctx.Err() != nil {
		return []CheckResult{{State: CheckSkipped, Detail: "Not asked: the check has run out of time."}}
	}
	for _, n := range p.needs {
		if c.broken[n] {
			return []CheckResult{{State: CheckSkipped, Detail: "Not asked: needs " + n + "."}}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, checkDeadline)
	defer cancel()
	return p.run(ctx)
}

func fine(detail string) []CheckResult { return []CheckResult{{State: CheckOK, Detail: detail}} }

// failure tells an error in Explain's words: its first sentence is what is
// wrong, the rest what to do.
func failure(err error) []CheckResult {
	_, overTLS := explainTLS(err, "")
	// A check tries once; it is the mirror that tries again.
	text := strings.NewReplacer("; it will be tried again", "", "The round failed and will be tried again: ", "It failed: ").Replace(Explain(err))
	detail, mend, more := strings.Cut(text, ". ")
	if more {
		detail += "."
	}
	if mend == "" || strings.HasPrefix(mend, "(") { // there is only what Graph said
		detail = strings.TrimSpace(detail + " " + mend)
		mend = "Check again in a minute. If it lasts, look at Microsoft's service health."
	}
	return []CheckResult{{State: CheckFailed, Detail: detail, Mend: mend, Unreachable: unreachable(err) && !overTLS}}
}

// proxy is the proxy on the way to u; "" = there is none.
func (c *checker) proxy(u *url.URL) string {
	t, ok := c.tenant.HTTP.Transport.(*http.Transport)
	if !ok || t.Proxy == nil {
		return ""
	}
	p, err := t.Proxy(&http.Request{URL: u})
	if err != nil || p == nil {
		return ""
	}
	return p.Host // not its user and password
}

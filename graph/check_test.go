package graph_test

import (
	"context"
	"crypto/x509"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ringbook/graph"
	"ringbook/graph/graphtest"
)

// checks runs the check against a stand-in. change may spoil what it is given.
func checks(t *testing.T, tenant *graphtest.Tenant, change func(*graph.Tenant, *graph.CheckOptions)) []graph.CheckResult {
	t.Helper()
	reach, signIn := standIn(t, tenant)
	o := graph.CheckOptions{SignIn: signIn, Photos: true}
	if change != nil {
		change(&reach, &o)
	}
	return slices.Collect(graph.Checks(t.Context(), reach, o))
}

// states writes "name=state …" of everything that is not ok.
func states(list []graph.CheckResult) string {
	var s []string
	for _, r := range list {
		if r.State != graph.CheckOK {
			s = append(s, r.Name+"="+string(r.State))
		}
	}
	return strings.Join(s, " ")
}

func TestChecks(t *testing.T) {
	const off = "org contacts=skipped groups=skipped mailboxes=skipped"
	for name, c := range map[string]struct {
		options graphtest.Options
		fault   *graphtest.Fault
		change  func(*graph.Tenant, *graph.CheckOptions)
		states  string
		says    string // in detail or mend of any part
	}{
		"all well": {states: off, says: "Graph shows 30 people, 28 with a number."},
		"a photo":  {states: off, says: "Graph gives photos"},
		"no photo": {options: graphtest.Options{People: 1, Photos: 0}, change: func(_ *graph.Tenant, o *graph.CheckOptions) { o.Photos = false }, states: "photos=skipped " + off, says: "mirror.photos is false"},
		"wrong secret": {
			change: func(_ *graph.Tenant, o *graph.CheckOptions) { o.SignIn.Secret = "wrong" },
			states: "token=failed permissions=skipped users=skipped photos=skipped " + off, says: "The client secret is wrong: Entra wants the secret's value, not its ID.",
		},
		"expired secret": {
			fault:  &graphtest.Fault{Suffix: "/token", Times: -1, Status: http.StatusUnauthorized, Code: "AADSTS7000222"},
			states: "token=failed permissions=skipped users=skipped photos=skipped " + off, says: "The client secret has expired.",
		},
		"missing permission": {
			options: graphtest.Options{People: 3, Roles: []string{}},
			states:  "permissions=failed users=failed photos=skipped " + off, says: "lacks the application permission User.Read.All.",
		},
		"too wide": {
			options: graphtest.Options{People: 12, Roles: []string{"Directory.Read.All", "User.ReadWrite.All", "Contacts.Read", "Mail.Send"}},
			states:  "permissions=warning permissions=warning permissions=warning permissions=warning " + off, says: "Contacts.Read, which opens every mailbox of the tenant.",
		},
		"opaque token": {
			fault:  &graphtest.Fault{Suffix: "/token", Times: -1, Status: http.StatusOK, Body: `{"token_type":"Bearer","expires_in":3599,"access_token":"opaque"}`, BodyType: "application/json"},
			states: "permissions=skipped users=failed photos=skipped " + off, says: "does not show its permissions",
		},
		"no such host": {
			change: func(r *graph.Tenant, _ *graph.CheckOptions) { r.GraphURL = "https://graph.invalid" },
			states: "graph name=failed graph=skipped users=skipped photos=skipped " + off, says: "The name graph.invalid cannot be resolved.",
		},
		"untrusted": {
			change: func(r *graph.Tenant, o *graph.CheckOptions) {
				client, err := graph.NewHTTPClient("")
				if err != nil {
					t.Error(err)
				}
				r.HTTP, o.SignIn.HTTP = client, client
			},
			states: "login=failed graph=failed clock=skipped token=skipped permissions=skipped users=skipped photos=skipped " + off, says: "name its CA in tenant.ca_file.",
		},
		"clock behind": {
			fault:  &graphtest.Fault{Path: "/", Times: -1, SkewS: 600},
			states: "clock=failed " + off, says: "behind the tenant's.",
		},
		"clock a little ahead": {
			fault:  &graphtest.Fault{Path: "/", Times: -1, SkewS: -120},
			states: "clock=warning " + off, says: "ahead of the tenant's.",
		},
		"org contacts refused": {
			change: func(_ *graph.Tenant, o *graph.CheckOptions) { o.OrgContacts = true },
			states: "permissions=failed org contacts=failed groups=skipped mailboxes=skipped", says: "Grant it the application permission OrgContact.Read.All with",
		},
		"group refused": {
			change: func(_ *graph.Tenant, o *graph.CheckOptions) { o.Groups = []string{"Sales"} },
			states: "permissions=failed org contacts=skipped groups=failed mailboxes=skipped", says: "Grant it the application permission GroupMember.Read.All with",
		},
		"down for a moment": {
			fault:  &graphtest.Fault{Path: "/v1.0/users", Status: http.StatusServiceUnavailable},
			states: "users=failed photos=skipped " + off, says: "status 503.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if c.options.People == 0 {
				c.options = graphtest.Options{People: 30, Seed: 1, Photos: 0.5}
			}
			tenant := graphtest.New(c.options)
			if c.fault != nil {
				tenant.Fault(*c.fault)
			}
			list := checks(t, tenant, c.change)
			if got := states(list); got != c.states {
				t.Errorf("got  %s\nwant %s", got, c.states)
			}
			said := false
			for _, r := range list {
				said = said || strings.Contains(r.Detail+" "+r.Mend, c.says)
				if r.State == graph.CheckFailed && r.Mend == "" || strings.Contains(r.Detail, "tried again") || r.Unreachable != (name == "no such host" && r.Name == "graph name") {
					t.Errorf("%+v", r)
				}
				for _, u := range tenant.Users() {
					if strings.Contains(r.Detail+r.Mend, u.DisplayName) {
						t.Errorf("a person is named: %+v", r)
					}
				}
			}
			if !said {
				t.Errorf("nothing says %q: %+v", c.says, list)
			}
		})
	}
}

// The group is found by name and by id, and must be one group with members.
func TestChecksGroup(t *testing.T) {
	tenant := graphtest.New(graphtest.Options{People: 30, Seed: 1, Roles: []string{"User.Read.All", "GroupMember.Read.All"}})
	id := tenant.AddGroup("Sales' own", tenant.Users()[0].ID)
	tenant.AddGroup("Nobody")
	tenant.AddGroup("Twice", tenant.Users()[0].ID)
	tenant.AddGroup("Twice", tenant.Users()[0].ID)
	for name, want := range map[string]graph.CheckState{
		id: graph.CheckOK, "Sales' own": graph.CheckOK, "Nobody": graph.CheckWarning, "Twice": graph.CheckFailed,
		"sales": graph.CheckFailed, tenant.Users()[0].ID: graph.CheckFailed,
	} {
		list := checks(t, tenant, func(_ *graph.Tenant, o *graph.CheckOptions) { o.Groups = []string{name} })
		if got := list[len(list)-2]; got.Name != "groups" || got.State != want {
			t.Errorf("%s: %+v, want %s", name, got, want)
		}
	}
}

// TestChecksMailboxes: a member's mailbox must be open, and a stranger's shut.
func TestChecksMailboxes(t *testing.T) {
	for name, c := range map[string]struct {
		play   func(*graphtest.Tenant, []string)
		roles  []string
		states string
		says   string
	}{
		"scoped":   {func(tn *graphtest.Tenant, p []string) { tn.SetScope(p[1], p[2]) }, groupRoles, "", "The mailboxes of the group's 2 members are open"},
		"not yet":  {func(tn *graphtest.Tenant, _ []string) { tn.SetScope() }, groupRoles, "mailboxes=failed", "--shell exchange"},
		"too wide": {func(tn *graphtest.Tenant, p []string) { tn.SetScope(p...) }, groupRoles, "mailboxes=warning", "somebody who is not in the group"},
		"in Entra": {func(*graphtest.Tenant, []string) {}, append([]string{"Contacts.Read"}, groupRoles...), "permissions=warning mailboxes=warning", "Remove Contacts.Read"},
	} {
		t.Run(name, func(t *testing.T) {
			tenant := graphtest.New(graphtest.Options{People: 30, Seed: 1, Roles: c.roles})
			var people []string
			for _, u := range tenant.Users()[:8] {
				people = append(people, u.ID)
			}
			for _, p := range people[:5] {
				tenant.AddMailbox(p)
			}
			tenant.AddGroup("Outlook", people[1], people[2])
			c.play(tenant, people)
			list := checks(t, tenant, func(_ *graph.Tenant, o *graph.CheckOptions) {
				o.Photos, o.Groups, o.Mailboxes = false, []string{"Outlook"}, "Outlook"
			})
			got := strings.TrimSpace(strings.NewReplacer("photos=skipped", "", "org contacts=skipped", "").Replace(states(list)))
			if got = strings.Join(strings.Fields(got), " "); got != c.states {
				t.Errorf("got %q, want %q: %+v", got, c.states, list)
			}
			if last := list[len(list)-1]; !strings.Contains(last.Detail+last.Mend+list[len(list)-2].Detail, c.says) {
				t.Errorf("%+v", last)
			}
		})
	}
	// Who has no mailbox, or gives no answer, proves nothing: the first that are asked here.
	for _, throttled := range []bool{false, true} {
		tenant := graphtest.New(graphtest.Options{People: 30, Seed: 1, Roles: groupRoles})
		var people []string
		for _, u := range tenant.Users() {
			people = append(people, u.ID)
		}
		tenant.AddMailbox(people[0])
		for _, p := range people[8:] {
			tenant.AddMailbox(p)
		}
		tenant.AddGroup("Outlook", people[0])
		tenant.SetScope(people...)
		if throttled {
			for _, p := range people[1:] {
				tenant.Fault(graphtest.Fault{Path: "/v1.0/users/" + p + "/contacts", Status: 429, RetryAfter: "5", Times: -1})
			}
		}
		list := checks(t, tenant, func(_ *graph.Tenant, o *graph.CheckOptions) {
			o.Photos, o.Groups, o.Mailboxes = false, []string{"Outlook"}, "Outlook"
		})
		if last := list[len(list)-1]; last.State != graph.CheckWarning || strings.Contains(last.Detail, "cannot be told") != throttled {
			t.Errorf("everything is open, throttled %v: %+v", throttled, last)
		}
	}
	tenant := graphtest.New(graphtest.Options{People: 5, Seed: 1, Roles: groupRoles})
	tenant.AddMailbox("nobody")
	tenant.AddGroup("Outlook", tenant.Users()[0].ID)
	tenant.SetScope(tenant.Users()[0].ID)
	list := checks(t, tenant, func(_ *graph.Tenant, o *graph.CheckOptions) {
		o.Photos, o.Groups, o.Mailboxes = false, []string{"Outlook"}, "Outlook"
	})
	if last := list[len(list)-1]; last.State != graph.CheckFailed || !strings.Contains(last.Detail, "No member of the group has a mailbox") {
		t.Errorf("%+v", last)
	}
}

func TestChecksCertificate(t *testing.T) {
	cert, file := certificate(t)
	broken := filepath.Join(t.TempDir(), "broken.pem")
	if err := os.WriteFile(broken, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]struct {
		state graph.CheckState
		says  string
	}{
		file:   {graph.CheckWarning, "more days."},
		broken: {graph.CheckFailed, "The settings cannot work"},
	} {
		tenant := graphtest.New(graphtest.Options{People: 12, Trusted: []*x509.Certificate{cert}})
		list := checks(t, tenant, func(_ *graph.Tenant, o *graph.CheckOptions) { o.SignIn.Secret, o.SignIn.CertificateFile = "", file })
		for _, r := range list {
			if r.Name == "credential" && (r.State != want.state || !strings.Contains(r.Detail, want.says)) {
				t.Errorf("%+v", r)
			}
		}
	}
}

// A service that takes a question and never answers costs its part's time, and
// the other parts are asked all the same.
func TestChecksHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reach, stop := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		defer stop()
		o := graph.CheckOptions{SignIn: graph.CredentialOptions{ManagedIdentity: true, HTTP: reach.HTTP}}
		start := time.Now()
		list := slices.Collect(graph.Checks(t.Context(), reach, o))
		if spent := time.Since(start); spent > time.Minute {
			t.Errorf("the check took %v", spent)
		}
		hung := 0
		for _, r := range list {
			if r.State == graph.CheckFailed {
				hung++
				if !r.Unreachable || !strings.HasPrefix(r.Detail, "No answer from") {
					t.Errorf("%+v", r)
				}
			}
		}
		if hung != 2 || len(list) != 13 {
			t.Errorf("%d parts hung, of %d: %+v", hung, len(list), list)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		for r := range graph.Checks(ended, reach, o) {
			if r.State != graph.CheckSkipped {
				t.Errorf("asked after the end: %+v", r)
			}
		}
	})
}

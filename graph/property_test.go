package graph_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
	"ringbook/graph"
	"ringbook/graph/graphtest"
)

// signIn asks the stand-in for tokens without TLS, which azidentity would not.
type signIn struct {
	client *http.Client
	tenant *graphtest.Tenant
}

func (s signIn) GetToken(ctx context.Context, _ policy.TokenRequestOptions) (azcore.AccessToken, error) {
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {s.tenant.ClientID()},
		"client_secret": {s.tenant.Secret()}, "scope": {base + "/.default"},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/"+s.tenant.TenantID()+"/oauth2/v2.0/token", strings.NewReader(form.Encode()))
	if err != nil {
		return azcore.AccessToken{}, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := s.client.Do(req)
	if err != nil {
		return azcore.AccessToken{}, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return azcore.AccessToken{}, err
	}
	var b struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(data, &b); err != nil || b.AccessToken == "" {
		return azcore.AccessToken{}, fmt.Errorf("no token: %d", resp.StatusCode)
	}
	return azcore.AccessToken{Token: b.AccessToken, ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// TestAnyHistoryEndsInTheSameMirror: whatever happened in the tenant, and
// whatever went wrong on the way, the mirror that followed holds what a mirror
// holds that reads the tenant anew.
func TestAnyHistoryEndsInTheSameMirror(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { history(t, seed) })
		})
	}
}

func history(t *testing.T, seed uint64) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	tenant := graphtest.New(graphtest.Options{
		People: r.IntN(60), Seed: seed, PageSize: 1 + r.IntN(20),
		OrgContacts: r.IntN(20), Roles: []string{"User.Read.All", "OrgContact.Read.All", "GroupMember.Read.All"},
		EmptyPages: r.IntN(2) == 0, Minimal: r.IntN(2) == 0, Replay: r.IntN(10),
	})
	reach, stop := serve(t, tenant.ServeHTTP)
	defer stop()
	reach.Credential = signIn{reach.HTTP, tenant}
	sink := newMemory()
	both := func(o *graph.Options) { o.E164, o.OrgContacts, o.Mailboxes = german, true, "outlook" }
	office := newPostOffice(tenant)
	m := mirror(t, reach, sink, both)
	failed := 0
	for range 8 {
		if err := office.happen(r); err != nil {
			t.Fatal(err)
		}
		for range r.IntN(20) {
			of, properties := tenant.Objects, randomProperties
			if r.IntN(3) == 0 {
				of, properties = tenant.OrgContacts, randomContact
			}
			if err := happen(r, tenant, of, properties(r)); err != nil && !errors.Is(err, directory.ErrNotFound) { // of somebody who is gone
				t.Fatal(err)
			}
		}
		tenant.Fault(randomFaults(r)...)
		failed += failures(t, m, directory.SyncRequest{Full: r.IntN(8) == 0})
		tenant.ClearFaults()
	}
	anew := newMemory()
	if failures(t, m, directory.SyncRequest{})+failures(t, mirror(t, reach, anew, both), directory.SyncRequest{}) > 0 {
		t.Fatal("a round failed although nothing was wrong")
	}
	if diff := cmp.Diff(anew.all(), sink.all()); diff != "" {
		t.Errorf("after %d failed rounds (-anew +followed):\n%s", failed, diff)
	}
}

// A postOffice is the mailboxes of a tenant, which are the group "Outlook".
type postOffice struct {
	tenant  *graphtest.Tenant
	group   string
	users   []string
	folders map[string][]string // by user; "" = the default one
}

func newPostOffice(tenant *graphtest.Tenant) postOffice {
	o := postOffice{tenant: tenant, folders: make(map[string][]string)}
	for i := range 3 {
		id, _ := tenant.Add(map[string]any{"displayName": fmt.Sprint("Owner ", i)}) // of any name
		tenant.AddMailbox(id)
		o.users = append(o.users, id)
		o.folders[id] = []string{""}
	}
	o.group = tenant.AddGroup("Outlook", o.users...)
	return o
}

// happen changes folders, contacts and who belongs to the group.
func (o postOffice) happen(r *rand.Rand) error {
	for range r.IntN(15) {
		user := o.users[r.IntN(len(o.users))]
		all := o.folders[user]
		at := r.IntN(len(all))
		switch r.IntN(12) {
		case 0:
			id, err := o.tenant.AddFolder(user, fmt.Sprint("Folder ", r.IntN(3)), all[at])
			if err != nil {
				return err
			}
			o.folders[user] = append(all, id)
		case 1:
			if at > 0 && at == len(all)-1 { // which none is in
				o.tenant.RemoveFolder(user, all[at])
				o.folders[user] = all[:at]
			}
		case 2:
			if err := o.tenant.SetMembers(o.group, o.users[:r.IntN(len(o.users)+1)]...); err != nil {
				return err
			}
		default:
			if err := happen(r, o.tenant, o.tenant.Folder(user, all[at]), randomOutlook(r)); err != nil && !errors.Is(err, directory.ErrNotFound) {
				return err
			}
		}
	}
	return nil
}

// randomOutlook draws news about an Outlook contact.
func randomOutlook(r *rand.Rand) map[string]any {
	p := make(map[string]any)
	for name, values := range map[string][]any{
		"displayName":     {"Rita", "Dr. No", nil},
		"emailAddresses":  {[]any{}, []any{map[string]any{"address": "a@example.com"}, map[string]any{"address": "A@example.com"}}},
		"homePhones":      {[]any{"030 1234567"}, []any{}},
		"mobilePhone":     {"0171 1234567", nil},
		"businessAddress": {map[string]any{"city": "Berlin"}, map[string]any{}, nil},
		"homeAddress":     {map[string]any{"city": "Bonn"}, map[string]any{}},
		"otherAddress":    {map[string]any{"city": "Ulm"}, nil},
	} {
		if r.IntN(2) == 0 {
			p[name] = values[r.IntN(len(values))]
		}
	}
	return p
}

// failures runs a round of every feed and counts those that failed.
func failures(t *testing.T, m *graph.Mirror, r directory.SyncRequest) (n int) {
	t.Helper()
	rounds, err := m.Sync(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rounds {
		if r.Error != "" {
			t.Log(r.Feed, r.Error)
			n++
		}
	}
	return n
}

// happen changes the tenant's users or contacts once.
func happen(r *rand.Rand, tenant *graphtest.Tenant, of *graphtest.Objects, properties map[string]any) error {
	users := of.Users()
	if len(users) == 0 || r.IntN(6) == 0 {
		_, err := of.Add(properties)
		return err
	}
	id := users[r.IntN(len(users))].ID
	switch r.IntN(10) {
	case 0:
		return of.Remove(id)
	case 1:
		return of.Purge(id)
	case 2:
		if err := of.Remove(id); err != nil {
			return err
		}
		return of.Restore(id)
	case 3:
		if r.IntN(4) == 0 {
			tenant.ExpireDeltaTokens()
		}
		return nil
	}
	return of.Patch(id, properties)
}

// randomContact draws news about an organisational contact.
func randomContact(r *rand.Rand) map[string]any {
	p := make(map[string]any)
	for name, values := range map[string][]any{
		"displayName": {"Hotline", nil},
		"companyName": {"Fabrikam", nil, ""},
		"phones":      {[]any{}, []any{map[string]any{"type": "business", "number": "030 1234567"}}, []any{map[string]any{"type": "mobile", "number": "0171 1234567, 0172 1234567"}}},
		"addresses":   {[]any{}, []any{map[string]any{"city": "Berlin"}}},
	} {
		if r.IntN(2) == 0 {
			p[name] = values[r.IntN(len(values))]
		}
	}
	return p
}

func randomProperties(r *rand.Rand) map[string]any {
	p := make(map[string]any)
	for name, values := range map[string][]any{
		"displayName":    {"Anna", "Änne", "  Bo  ", nil, ""},
		"mail":           {"a@example.com", "b@example.com", nil},
		"jobTitle":       {"Chef", nil},
		"streetAddress":  {"Weg 1\r\nHof", nil},
		"accountEnabled": {true, false},
		"userType":       {"Member", "Guest", nil},
		"employeeType":   {"Employee", "Intern", nil},
		"onPremisesExtensionAttributes": {
			map[string]any{"extensionAttribute1": "a", "extensionAttribute2": nil}, map[string]any{"extensionAttribute1": "b", "extensionAttribute2": "c"},
		},
		"businessPhones": {[]any{"030 1234567"}, []any{}, []any{"0171 1234567"}},
		"mobilePhone":    {"0171 1234567", "0172 7654321; 0173 7654321", nil},
		"faxNumber":      {"030 1234567", "030 1234568", nil},
	} {
		if r.IntN(2) == 0 {
			p[name] = values[r.IntN(len(values))]
		}
	}
	return p
}

func randomFaults(r *rand.Rand) []graphtest.Fault {
	var faults []graphtest.Fault
	for range r.IntN(3) {
		f := graphtest.Fault{Path: []string{"/v1.0/users/delta", "/v1.0/contacts/delta", "/v1.0/users/", "/v1.0/groups"}[r.IntN(4)], After: r.IntN(5), Times: []int{0, 1, 3, -1}[r.IntN(4)]}
		switch r.IntN(8) {
		case 0:
			f.Break = graphtest.BreakConnection
		case 1:
			f.Break = graphtest.BreakMiddle
		case 2:
			f.Break = graphtest.BreakJSON
		case 3:
			f.Status, f.RetryAfter = 429, fmt.Sprint(r.IntN(100))
		case 4:
			f.Status, f.Body = 502, "<html>bad gateway</html>"
		case 5:
			f.Status, f.Code = 400, "Directory_ExpiredPageToken"
		case 6:
			f.Status, f.Code = 410, "resyncRequired"
		case 7:
			f.Status, f.Code = 403, "Authorization_RequestDenied"
		}
		faults = append(faults, f)
	}
	return faults
}

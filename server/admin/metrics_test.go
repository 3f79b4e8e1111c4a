package admin_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"ringbook/directory"
	"ringbook/server/admin"
)

// troubled is a mirror and a credential with a history.
type troubled struct{ feeds }

func (troubled) Status() []directory.FeedStatus {
	return []directory.FeedStatus{
		{
			Name: "users", State: directory.FeedWaiting, LastSuccess: time.Unix(1_800_000_000, 0),
			Totals: directory.FeedTotals{Done: 7, Failed: 1, Requests: 9, Added: 30, Changed: 2, Removed: 1, Skipped: 3},
		},
		{Name: "groups", State: directory.FeedBlocked, Failures: 3, Attention: true, Totals: directory.FeedTotals{Failed: 3, Requests: 3}},
	}
}

type keys struct{}

func (keys) Status() []directory.CredentialStatus {
	return []directory.CredentialStatus{{Name: "certificate", Expires: time.Unix(1_900_000_000, 0)}, {Name: "next.client_secret"}}
}

// scrape reads /metrics as Prometheus does.
func scrape(t *testing.T, o admin.MetricsOptions) string {
	t.Helper()
	srv := httptest.NewServer(admin.Health(o))
	defer srv.Close()
	res, err := http.Get(srv.URL + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatal(res.Status, err)
	}
	return string(b)
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.load(t)
	if _, err := o.client.AddDevice(t.Context(), admin.NewDevice{Name: "Ada's phone", Owner: "ada@contoso.com"}); err != nil {
		t.Fatal(err)
	}
	text := scrape(t, admin.MetricsOptions{Directory: o.store, Mirror: &troubled{}, Devices: o.auth, Credentials: keys{}, Listeners: listeners, Version: "v1"})
	var got []string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "ringbook_") {
			got = append(got, strings.TrimSpace(line))
		}
	}
	want := strings.Fields(`
		ringbook_book_contacts{book="people"}=1 ringbook_book_contacts{book="sales"}=1 ringbook_build_info{version="v1"}=1 ringbook_contacts=1
		ringbook_credential_expiry_timestamp_seconds{credential="certificate"}=1.9e+09
		ringbook_devices{state="active"}=1 ringbook_devices{state="draining"}=0 ringbook_devices{state="revoked"}=0
		ringbook_feed_attention{feed="groups"}=1 ringbook_feed_attention{feed="users"}=0
		ringbook_feed_failures{feed="groups"}=3 ringbook_feed_failures{feed="users"}=0
		ringbook_feed_last_success_timestamp_seconds{feed="users"}=1.8e+09
		ringbook_feed_state{feed="groups",state="blocked"}=1 ringbook_feed_state{feed="groups",state="failing"}=0 ringbook_feed_state{feed="groups",state="running"}=0
		ringbook_feed_state{feed="groups",state="stopped"}=0 ringbook_feed_state{feed="groups",state="waiting"}=0
		ringbook_feed_state{feed="users",state="blocked"}=0 ringbook_feed_state{feed="users",state="failing"}=0 ringbook_feed_state{feed="users",state="running"}=0
		ringbook_feed_state{feed="users",state="stopped"}=0 ringbook_feed_state{feed="users",state="waiting"}=1
		ringbook_ldap_connections{listener="ldaps"}=2 ringbook_ldap_connections{listener="legacy"}=0
		ringbook_ldap_logins_total{listener="ldaps",tls="1.3"}=5 ringbook_ldap_logins_total{listener="legacy",tls="1.0"}=7 ringbook_ldap_logins_total{listener="legacy",tls="none"}=1
		ringbook_ready=1 ringbook_revision=1
		ringbook_round_changes_total{feed="groups",kind="added"}=0 ringbook_round_changes_total{feed="groups",kind="changed"}=0 ringbook_round_changes_total{feed="groups",kind="removed"}=0
		ringbook_round_changes_total{feed="users",kind="added"}=30 ringbook_round_changes_total{feed="users",kind="changed"}=2 ringbook_round_changes_total{feed="users",kind="removed"}=1
		ringbook_round_requests_total{feed="groups"}=3 ringbook_round_requests_total{feed="users"}=9
		ringbook_round_skipped_total{feed="groups"}=0 ringbook_round_skipped_total{feed="users"}=3
		ringbook_rounds_total{feed="groups",result="done"}=0 ringbook_rounds_total{feed="groups",result="failed"}=3
		ringbook_rounds_total{feed="users",result="done"}=7 ringbook_rounds_total{feed="users",result="failed"}=1
	`)
	for i, line := range got {
		name, value, _ := strings.Cut(line, " ")
		got[i] = name + "=" + value
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	for _, person := range []string{"Ada", "ada@", "Lovelace"} {
		if strings.Contains(text, person) {
			t.Errorf("the metrics tell %q", person)
		}
	}
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v, %v", problems, err)
	}
	if !strings.Contains(text, "\ngo_goroutines ") || !strings.Contains(text, "\nprocess_resident_memory_bytes ") {
		t.Error("the process itself is not measured")
	}
}

// Before anything is there, a scrape says so and does not fail.
func TestMetricsOfNothing(t *testing.T) {
	t.Parallel()
	o := open(t)
	if text := scrape(t, admin.MetricsOptions{Directory: o.store}); !strings.Contains(text, "\nringbook_ready 0\n") {
		t.Error(text)
	}
}

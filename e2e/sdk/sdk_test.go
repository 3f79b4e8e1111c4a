package sdk_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"image/jpeg"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	abstractions "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoft/kiota-abstractions-go/serialization"
	azureauth "github.com/microsoft/kiota-authentication-azure-go"
	kiotajson "github.com/microsoft/kiota-serialization-json-go"
	kiotatext "github.com/microsoft/kiota-serialization-text-go"
	core "github.com/microsoftgraph/msgraph-sdk-go-core"
	"github.com/microsoftgraph/msgraph-sdk-go/models"
	"github.com/microsoftgraph/msgraph-sdk-go/models/odataerrors"
	"github.com/microsoftgraph/msgraph-sdk-go/users"
)

const (
	people = 450 // three pages of 200
	// A person whom every stand-in has (graphtest.JuergenGross).
	knownID   = "11111111-0000-4000-8000-000000000001"
	knownName = "Jürgen Groß"

	patience = 30 * time.Second // until the stand-in answers: it needs milliseconds
	glance   = 20 * time.Millisecond
)

// A standin is the ready file of a running stand-in.
type standin struct {
	URL          string `json:"url"`
	TenantID     string `json:"tenant_id"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	CAFile       string `json:"ca_file"`
	ControlURL   string `json:"control_url"`
}

func TestSDKReadsTheStandIn(t *testing.T) {
	s := start(t)
	t.Setenv("SSL_CERT_FILE", s.CAFile) // for the SDK, azidentity and ourselves
	graph, adapter := client(t, s)

	everybody, link := round(t, graph.Delta(), adapter, &users.DeltaRequestBuilderGetRequestConfiguration{
		QueryParameters: &users.DeltaRequestBuilderGetQueryParameters{
			Select: []string{"id", "displayName", "businessPhones", "mobilePhone", "accountEnabled"},
		},
	})
	if len(everybody) != people {
		t.Fatalf("delta gave %d people, want %d", len(everybody), people)
	}
	known, ok := everybody[knownID]
	if !ok || *known.GetDisplayName() != knownName || len(known.GetBusinessPhones()) != 1 || known.GetMobilePhone() == nil {
		t.Errorf("%s is not as expected", knownName)
	}
	if known.GetSurname() != nil {
		t.Error("a property came that was not selected")
	}

	t.Run("changes", func(t *testing.T) { changes(t, s, graph, adapter, everybody, link) })
	t.Run("photo", func(t *testing.T) { photo(t, graph) })
	t.Run("lost token", func(t *testing.T) {
		_, err := graph.Delta().WithUrl(s.URL+"/v1.0/users/delta?$deltatoken=bogus").GetAsDeltaGetResponse(t.Context(), nil)
		var graphErr *odataerrors.ODataError
		if !errors.As(err, &graphErr) || graphErr.ResponseStatusCode != http.StatusGone || len(graphErr.GetResponseHeaders().Get("Location")) == 0 {
			t.Errorf("got %v, want 410 with a Location", err)
		}
	})
}

// changes follows the delta link after a removal and a change.
func changes(t *testing.T, s standin, graph *users.UsersRequestBuilder, adapter abstractions.RequestAdapter, everybody map[string]models.Userable, link string) {
	gone := ""
	for id := range everybody {
		if id != knownID {
			gone = id
			break
		}
	}
	control(t, s, http.MethodDelete, "users/"+gone, "")
	control(t, s, http.MethodPatch, "users/"+knownID, `{"displayName": "Jürgen Größer", "mobilePhone": null}`)
	news, next := round(t, graph.Delta().WithUrl(link), adapter, nil)
	if len(news) != 2 {
		t.Errorf("%d people changed, want 2", len(news))
	}
	if p := news[gone]; p == nil {
		t.Error("the removal did not come")
	} else if mark, ok := p.GetAdditionalData()["@removed"].(map[string]any); !ok || *mark["reason"].(*string) != "changed" {
		t.Errorf("@removed is %v", p.GetAdditionalData()["@removed"])
	}
	if p := news[knownID]; p == nil || *p.GetDisplayName() != "Jürgen Größer" || p.GetMobilePhone() != nil {
		t.Error("the change did not come")
	}
	if still, _ := round(t, graph.Delta().WithUrl(next), adapter, nil); len(still) != 0 {
		t.Errorf("%d changes where there are none", len(still))
	}
}

func photo(t *testing.T, graph *users.UsersRequestBuilder) {
	about, err := graph.ByUserId(knownID).Photo().Get(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	content, err := graph.ByUserId(knownID).Photo().Content().Get(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	picture, err := jpeg.Decode(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	if w := picture.Bounds().Dx(); w != int(*about.GetWidth()) {
		t.Errorf("photo is %d pixels wide, its metadata says %d", w, *about.GetWidth())
	}
}

// round reads one round of the delta with the SDK's own page iterator.
func round(t *testing.T, from *users.DeltaRequestBuilder, adapter abstractions.RequestAdapter, c *users.DeltaRequestBuilderGetRequestConfiguration) (map[string]models.Userable, string) {
	t.Helper()
	first, err := from.GetAsDeltaGetResponse(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	pages, err := core.NewPageIterator[models.Userable](first, adapter, users.CreateDeltaGetResponseFromDiscriminatorValue)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]models.Userable{}
	err = pages.Iterate(t.Context(), func(u models.Userable) bool {
		found[*u.GetId()] = u
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	link := pages.GetOdataDeltaLink()
	if link == nil {
		t.Fatal("the last page has no delta link")
	}
	return found, *link
}

// client makes what msgraph-sdk-go's NewGraphServiceClient makes, for users only.
func client(t *testing.T, s standin) (*users.UsersRequestBuilder, abstractions.RequestAdapter) {
	t.Helper()
	credential, err := azidentity.NewClientSecretCredential(s.TenantID, s.ClientID, s.ClientSecret, &azidentity.ClientSecretCredentialOptions{
		ClientOptions:            azcore.ClientOptions{Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: s.URL}},
		DisableInstanceDiscovery: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	provider, err := azureauth.NewAzureIdentityAuthenticationProviderWithScopesAndValidHosts(credential, []string{s.URL + "/.default"}, []string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	abstractions.RegisterDefaultSerializer(func() serialization.SerializationWriterFactory {
		return kiotajson.NewJsonSerializationWriterFactory()
	})
	abstractions.RegisterDefaultDeserializer(func() serialization.ParseNodeFactory { return kiotajson.NewJsonParseNodeFactory() })
	abstractions.RegisterDefaultDeserializer(func() serialization.ParseNodeFactory { return kiotatext.NewTextParseNodeFactory() })
	adapter, err := core.NewGraphRequestAdapterBase(provider, core.GraphClientOptions{})
	if err != nil {
		t.Fatal(err)
	}
	adapter.SetBaseUrl(s.URL + "/v1.0")
	return users.NewUsersRequestBuilderInternal(map[string]string{"baseurl": s.URL + "/v1.0"}, adapter), adapter
}

// start builds and runs the stand-in, or takes the one whose ready file
// RINGBOOK_STANDIN names: a fresh one, with as many people.
func start(t *testing.T) standin {
	t.Helper()
	if file := os.Getenv("RINGBOOK_STANDIN"); file != "" {
		return await(t, file)
	}
	dir := t.TempDir()
	binary, ready := filepath.Join(dir, "standin"), filepath.Join(dir, "ready.json")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./graph/graphtest/standin")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the stand-in: %v\n%s", err, out)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, binary, "--people", strconv.Itoa(people), "--ca-file", filepath.Join(dir, "ca.pem"), "--ready-file", ready)
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = patience
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		if err := cmd.Wait(); err != nil && cmd.ProcessState.ExitCode() != 0 {
			t.Errorf("the stand-in ended with %v", err)
		}
	})
	return await(t, ready)
}

// await reads the ready file once it is there.
func await(t *testing.T, file string) (s standin) {
	t.Helper()
	tick, end := time.NewTicker(glance), time.After(patience)
	defer tick.Stop()
	for {
		data, err := os.ReadFile(file)
		switch {
		case err == nil:
			if err := json.Unmarshal(data, &s); err != nil {
				t.Fatal(err)
			}
			return s
		case !errors.Is(err, fs.ErrNotExist):
			t.Fatal(err)
		}
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("no stand-in after %v", patience)
		}
	}
}

// control steers the stand-in.
func control(t *testing.T, s standin, method, path, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.ControlURL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode/100 != 2 {
		t.Fatalf("%s %s: %s", method, path, answer.Status)
	}
}

package config_test

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"ringbook/config"
	"ringbook/directory"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestLoad reads the ringbook.toml of each archive in testdata, with the
// environment of its "env" file, in a folder that holds its other files.
// "want" is every problem, or the configuration's outline when there is none.
func TestLoad(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) < 8 {
		t.Fatalf("found %d archives, %v: the corpus is not where it was", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { golden(t, file) })
	}
}

func golden(t *testing.T, file string) {
	t.Helper()
	ar, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	archive, err := filepath.Abs(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	want, wantAt := "", -1
	for i, f := range ar.Files {
		switch f.Name {
		case "want":
			want, wantAt = string(f.Data), i
		case "env":
			for line := range strings.Lines(string(f.Data)) {
				k, v, _ := strings.Cut(strings.TrimSpace(line), "=")
				t.Setenv(k, v)
			}
		default:
			if err := os.WriteFile(f.Name, f.Data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	got := outcome(t)
	if *update {
		if os.Getenv("CI") != "" {
			t.Fatal("-update in CI would make every test pass")
		}
		if wantAt < 0 {
			ar.Files = append(ar.Files, txtar.File{Name: "want"})
			wantAt = len(ar.Files) - 1
		}
		ar.Files[wantAt].Data = []byte(got)
		if err := os.WriteFile(archive, txtar.Format(ar), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func outcome(t *testing.T) string {
	t.Helper()
	file := config.Find("")
	cfg, err := config.Load(file)
	if problems, ok := errors.AsType[config.Problems](err); ok {
		return problems.Error() + "\n"
	}
	if err != nil {
		t.Fatal(err)
	}
	cfg.File = ""
	b, err := json.MarshalIndent(struct {
		*config.Config
		Secret string // that it was read, without showing it
	}{cfg, cfg.Tenant.ClientSecret.String()}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b) + "\n"
}

// TestSecretIsHidden: no way of printing a configuration shows the secret.
func TestSecretIsHidden(t *testing.T) {
	const value = "s3cr3t-value"
	s := config.Secret(value)
	b, err := json.Marshal(config.Config{Tenant: config.Tenant{Credential: config.Credential{ClientSecret: s, CertificatePassword: s}, Next: config.Credential{ClientSecret: s}}})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"String": s.String(), "LogValue": s.LogValue().String(), "JSON": string(b)} {
		if strings.Contains(text, value) {
			t.Errorf("%s shows the secret: %s", name, text)
		}
	}
}

// TestEnvironmentAlone: a container needs no file.
func TestEnvironmentAlone(t *testing.T) {
	t.Chdir(t.TempDir())
	for k, v := range map[string]string{
		"RINGBOOK_PUBLIC_URL":           "https://contacts.contoso.com",
		"RINGBOOK_TENANT_ID":            "contoso.com",
		"RINGBOOK_TENANT_CLIENT_ID":     "7a1de2a5-7b0c-4c57-8f3f-0c1f5d1b7d11",
		"RINGBOOK_TENANT_CLIENT_SECRET": "abc~def",
		"RINGBOOK_MIRROR_INTERVAL":      "90s",
		"RINGBOOK_MIRROR_PHONES":        "extensionAttribute1=home, extensionAttribute2=other",
		"RINGBOOK_LDAP_ALLOW_PLAIN":     "true",
		"RINGBOOK_NUMBERS_MAX_PHONES":   "3",
	} {
		t.Setenv(k, v)
	}
	cfg, err := config.Load("")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]directory.PhoneKind{"extensionAttribute1": directory.PhoneHome, "extensionAttribute2": directory.PhoneOther}
	if diff := cmp.Diff(want, cfg.Mirror.Phones); diff != "" {
		t.Errorf("phones, -want +got:\n%s", diff)
	}
	if cfg.Mirror.Interval != 90*time.Second || !cfg.LDAP.AllowPlain || cfg.Numbers.MaxPhones != 3 || cfg.Tenant.ClientSecret != "abc~def" {
		t.Errorf("values of the environment were not taken: %+v", cfg)
	}
}

// TestDataDirOfABrokenFile: status and device must find the server even while
// somebody is editing the rest of the file.
func TestDataDirOfABrokenFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ringbook.toml")
	if err := os.WriteFile(file, []byte("data_dir = \"/srv/rb\"\nbook = 1\n[tenant]\ncloud = \"mars\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir, err := config.DataDir(file)
	if err != nil || dir != "/srv/rb" {
		t.Errorf("DataDir = %q, %v", dir, err)
	}
	if _, err := config.Load(file); err == nil {
		t.Error("Load takes a cloud on mars")
	}
}

// A path that leads to a device without an end is a mistake like another.
func TestEndlessFiles(t *testing.T) {
	if _, err := config.Load("/dev/zero"); err == nil || !strings.Contains(err.Error(), "at most 1 MB") {
		t.Errorf("configuration: %v", err)
	}
	t.Setenv("RINGBOOK_TENANT_CLIENT_SECRET_FILE", "/dev/zero")
	if _, err := config.Load(""); err == nil || !strings.Contains(err.Error(), "too large for a secret") {
		t.Errorf("secret: %v", err)
	}
}

func FuzzLoad(f *testing.F) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, file := range files {
		ar, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(ar.Files[0].Data)
	}
	name := filepath.Join(f.TempDir(), "ringbook.toml")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, err := config.Load(name)
		if (cfg == nil) == (err == nil) {
			t.Fatalf("Load = %v, %v", cfg, err)
		}
	})
}

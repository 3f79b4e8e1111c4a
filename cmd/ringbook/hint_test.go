package main

import (
	"strings"
	"testing"
	"time"

	"ringbook/directory"
	"ringbook/server/admin"
)

func TestCopyable(t *testing.T) {
	for _, c := range []struct{ config, sentence, want string }{
		{"", "run `ringbook status`", "run `ringbook status`"},
		{"a.toml", "compare `ringbook version` with `ringbook status`.", "compare `ringbook version --config a.toml` with `ringbook status --config a.toml`."},
		{"$1's.toml", "Look: `ringbook device show x`", `Look: ` + "`ringbook device show x --config '$1'\\''s.toml'`"},
		{"a.toml", "this ringbook cannot, nor `ringbook` alone, nor `openssl x509`", "this ringbook cannot, nor `ringbook` alone, nor `openssl x509`"},
	} {
		if got := (&options{config: c.config}).copyable(c.sentence); got != c.want {
			t.Errorf("%s of %q: %s, want %s", c.sentence, c.config, got, c.want)
		}
	}
}

// TestServersHintsAreCopyable: what the server says to do does not know how it is asked.
func TestServersHintsAreCopyable(t *testing.T) {
	const said = "Run `ringbook sync`."
	o := &options{config: "a.toml"}
	var out strings.Builder
	if err := o.writeStatus(&out, admin.Status{
		Sources:     []directory.FeedStatus{{Name: "users", LastError: said}},
		Credentials: []directory.CredentialStatus{{Name: "secret", LastError: said}},
	}, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := o.writeActivity(&out, admin.Device{Activity: &admin.DeviceActivity{Advice: said}}, time.Now()); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "`ringbook sync --config a.toml`"); n != 3 {
		t.Errorf("%d of 3 in\n%s", n, &out)
	}
}

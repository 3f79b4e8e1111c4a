package admin_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"ringbook/directory"
	"ringbook/server/admin"
)

func TestKit(t *testing.T) {
	t.Parallel()
	o := open(t)
	added, err := o.client.AddDevice(t.Context(), admin.NewDevice{Name: "Reception", Kind: directory.KindDeskphone})
	if err != nil {
		t.Fatal(err)
	}
	id := string(added.ID)
	k, err := o.client.Kit(t.Context(), id, admin.KitRequest{Vendor: "yealink", Secret: added.Secret})
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"ldap.host = contacts.contoso.com\n", "ldap.port = 636\n", "ldap.user = " + added.LDAP.BindDN + "\n",
		"ldap.password = " + added.Secret + "\n", "ldap.customize_label = Contoso\n",
	} {
		if !strings.Contains(k.Text, line) {
			t.Errorf("no %q in\n%s", line, k.Text)
		}
	}
	if k.File != "MAC.cfg" || len(k.Advice) == 0 {
		t.Errorf("file %q, advice %q", k.File, k.Advice)
	}
	if strings.Contains(o.log.String(), added.Secret) {
		t.Error("the secret is in the log")
	}
	for name, r := range map[string]admin.KitRequest{
		"no vendor":    {},
		"such none":    {Vendor: "yeahlink"},
		"wrong secret": {Vendor: "yealink", Secret: "wrong"},
	} {
		if _, err := o.client.Kit(t.Context(), id, r); !errors.Is(err, directory.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := o.client.Kit(t.Context(), "nosuch22", admin.KitRequest{Vendor: "yealink"}); !errors.Is(err, directory.ErrNotFound) {
		t.Error(err)
	}
	if _, err := o.client.Revoke(t.Context(), id, admin.Revocation{}); err != nil {
		t.Fatal(err)
	}
	var f *admin.Failure
	if _, err := o.client.Kit(t.Context(), id, admin.KitRequest{Vendor: "yealink"}); !errors.As(err, &f) || f.Status != http.StatusConflict {
		t.Errorf("of a revoked device: %v", err)
	}
}

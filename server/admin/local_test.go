package admin_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"ringbook/directory"
	"ringbook/directory/transfer"
	"ringbook/server/admin"
)

func TestLocalContacts(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.load(t)
	emails, phones := []string{"gate@x.example"}, []admin.LocalPhone{{Kind: directory.PhoneWork, Number: "030 1234567"}}
	c, err := o.client.AddContact(t.Context(), admin.LocalContact{Texts: map[string]string{"name": " Gate\x1b[2J\thouse "}, Emails: &emails, Phones: &phones})
	if err != nil {
		t.Fatal(err)
	}
	if c.DisplayName != "Gate[2J house" || c.Phones[0].E164 != "+49301234567" || c.Source != directory.SourceLocal || len(c.Books) != 2 {
		t.Errorf("%+v %+v", c, c.Contact)
	}
	if c, err = o.client.EditContact(t.Context(), "GATE@x.example", admin.LocalContact{Texts: map[string]string{"name": "", "company": "Wach"}}); err != nil || c.Company != "Wach" || c.DisplayName != "" || len(c.Phones) != 1 {
		t.Errorf("%+v, %v", c.Contact, err)
	}
	for what, n := range map[string]admin.LocalContact{
		"unknown field": {Texts: map[string]string{"id": "x"}}, "no address": {Emails: &[]string{"nobody"}}, "no kind": {Phones: &[]admin.LocalPhone{{Kind: "car", Number: "1"}}},
		"nothing left": {Texts: map[string]string{"company": ""}, Emails: &[]string{}, Phones: &[]admin.LocalPhone{}},
	} {
		if _, err := o.client.EditContact(t.Context(), string(c.ID), n); !errors.Is(err, directory.ErrInvalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, change := range map[string]func(string) error{
		"edit": func(id string) error {
			_, err := o.client.EditContact(t.Context(), id, admin.LocalContact{})
			return err
		},
		"remove": func(id string) error { _, err := o.client.RemoveContact(t.Context(), id); return err },
	} {
		if err := change("a-1"); err == nil || !strings.Contains(err.Error(), "comes from the tenant") {
			t.Errorf("%s of a contact of the tenant: %v", what, err)
		}
		if err := change("nobody"); !errors.Is(err, directory.ErrNotFound) {
			t.Errorf("%s of nobody: %v", what, err)
		}
	}
	if _, err := o.client.RemoveContact(t.Context(), string(c.ID)); err != nil || o.store.View().Entry(c.ID) != nil {
		t.Errorf("removed: %v", err)
	}
}

func TestImportContacts(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.load(t)
	row := func(n int, name string) admin.ImportRow {
		return admin.ImportRow{ID: transfer.ID("s", fmt.Sprint(n)), Contact: directory.Contact{ID: "a-1", Source: directory.SourceUser, DisplayName: name, UserPrincipalName: "x"}}
	}
	got, err := o.client.ImportContacts(t.Context(), admin.ImportRequest{Set: "s", Rows: []admin.ImportRow{row(1, "One"), row(2, "Two")}})
	if err != nil || got.Applied.Added != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	if e := o.store.View().Entry(row(1, "").ID); e == nil || e.Stored().Source != directory.SourceLocal || e.Stored().Set != "s" {
		t.Errorf("stored %+v", e)
	}
	if e := o.store.View().Entry("a-1"); e.Stored().DisplayName != "Ada Lovelace" {
		t.Error("an import changed a contact of the tenant")
	}
	if _, err := o.client.ImportContacts(t.Context(), admin.ImportRequest{Set: "other", Keep: &[]directory.ContactID{}}); err != nil || o.store.View().Len() != 3 {
		t.Errorf("an empty import of another set: %v, %d contacts", err, o.store.View().Len())
	}
	keep := []directory.ContactID{row(2, "").ID}
	if got, err = o.client.ImportContacts(t.Context(), admin.ImportRequest{Set: "s", Keep: &keep, DryRun: true}); err != nil || got.Applied.Removed != 1 || o.store.View().Len() != 3 {
		t.Errorf("a dry run: %+v, %v", got, err)
	}
	if got, err = o.client.ImportContacts(t.Context(), admin.ImportRequest{Set: "s", Keep: &keep}); err != nil || got.Applied.Removed != 1 || o.store.View().Len() != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	for what, req := range map[string]admin.ImportRequest{
		"a foreign id": {Set: "s", Rows: []admin.ImportRow{{ID: "a-1", Contact: directory.Contact{DisplayName: "Mallory"}}}},
		"no id":        {Set: "s", Rows: []admin.ImportRow{{ID: "../x"}}},
		"no name":      {Rows: []admin.ImportRow{row(3, "Three")}},
		"a long name":  {Set: strings.Repeat("s", 100)},
	} {
		if _, err := o.client.ImportContacts(t.Context(), req); !errors.Is(err, directory.ErrInvalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	var b bytes.Buffer
	if err := o.client.ExportContacts(t.Context(), &b, "csv", "", "local"); err != nil || strings.Count(b.String(), "\n") != 2 || !strings.Contains(b.String(), "Two") {
		t.Errorf("export: %v\n%s", err, &b)
	}
	if err := o.client.ExportContacts(t.Context(), &b, "exe", "", ""); !errors.Is(err, directory.ErrInvalid) {
		t.Errorf("export of an unknown format: %v", err)
	}
}

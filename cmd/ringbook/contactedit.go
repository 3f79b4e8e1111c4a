package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ringbook/directory"
	"ringbook/directory/transfer"
	"ringbook/server/admin"
)

// contactFlags are the flags of a contact's fields.
type contactFlags struct {
	texts  map[string]*string
	emails []string
	phones []string
	clear  []string
}

func (f *contactFlags) add(cmd *cobra.Command) {
	f.texts = make(map[string]*string)
	for _, t := range transfer.Texts(&directory.Contact{}) {
		f.texts[t.Field] = cmd.Flags().String(t.Field, "", strings.ToLower(t.Header))
	}
	cmd.Flags().StringArrayVar(&f.emails, "email", nil, "an e-mail `ADDRESS`; may be given again")
	cmd.Flags().StringArrayVar(&f.phones, "phone", nil, "a number as `KIND=NUMBER` (work, mobile, home, other, pager, fax); may be given again")
}

// contact returns what was given on the command line.
func (f *contactFlags) contact(cmd *cobra.Command) (admin.LocalContact, error) {
	n := admin.LocalContact{Texts: map[string]string{}}
	for field, value := range f.texts {
		if cmd.Flags().Changed(field) {
			n.Texts[field] = *value
		}
	}
	if len(f.emails) > 0 {
		n.Emails = &f.emails
	}
	if len(f.phones) > 0 {
		phones := []admin.LocalPhone{}
		for _, p := range f.phones {
			kind, number, ok := strings.Cut(p, "=")
			if !ok || !slices.Contains(directory.PhoneKinds(), directory.PhoneKind(kind)) {
				return n, usage("--phone %s: write it like --phone \"mobile=0171 1234567\"", p)
			}
			phones = append(phones, admin.LocalPhone{Kind: directory.PhoneKind(kind), Number: number})
		}
		n.Phones = &phones
	}
	for _, field := range f.clear {
		switch _, isText := f.texts[field]; {
		case isText:
			n.Texts[field] = ""
		case field == "email":
			n.Emails = &[]string{}
		case field == "phone":
			n.Phones = &[]admin.LocalPhone{}
		default:
			return n, usage("--clear %s: there is no such field", field)
		}
	}
	return n, nil
}

func newContactAdd(o *options) *cobra.Command {
	var f contactFlags
	cmd := &cobra.Command{
		Use:   "add --name NAME",
		Short: "Enter a contact by hand",
		Long:  "Enters a contact that the tenant does not have, such as a gatehouse or a taxi. It is shown in every book whose rule lets it in.",
		Example: "  ringbook contact add --name Gatehouse --phone 'work=030 1234-0'\n" +
			"  ringbook contact add --given Rita --surname Rider --company 'Taxi Rider' --phone 'mobile=0171 1234567' --email rita@rider.example",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			n, err := f.contact(cmd)
			if err != nil {
				return err
			}
			c, err := o.client()
			if err != nil {
				return err
			}
			one, err := c.AddContact(cmd.Context(), n)
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(cmd.OutOrStdout(), one)
			}
			return writeContact(cmd.OutOrStdout(), one)
		},
	}
	f.add(cmd)
	return o.withJSON(cmd)
}

func newContactEdit(o *options) *cobra.Command {
	var f contactFlags
	cmd := &cobra.Command{
		Use:   "edit ID|E-MAIL",
		Short: "Change a contact that was entered or imported",
		Long: "Changes the fields that are given, and leaves the others; --email and --phone replace all of them. Contacts of the tenant are changed\n" +
			"there. A contact that was imported is changed again by the next import.",
		Example: "  ringbook contact edit l-3f2a… --phone 'work=030 1234-1'\n  ringbook contact edit rita@rider.example --clear department",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := f.contact(cmd)
			if err != nil {
				return err
			}
			c, err := o.client()
			if err != nil {
				return err
			}
			one, err := c.EditContact(cmd.Context(), args[0], n)
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(cmd.OutOrStdout(), one)
			}
			return writeContact(cmd.OutOrStdout(), one)
		},
	}
	f.add(cmd)
	cmd.Flags().StringArrayVar(&f.clear, "clear", nil, "empty this `FIELD`; may be given again")
	return o.withJSON(cmd)
}

func newContactRemove(o *options) *cobra.Command {
	return &cobra.Command{
		Use:     "remove ID|E-MAIL…",
		Short:   "Remove contacts that were entered or imported",
		Long:    "Removes contacts at once; they leave every phone at its next sync. Contacts of the tenant are removed there.",
		Example: "  ringbook contact remove l-3f2a…",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := o.client()
			if err != nil {
				return err
			}
			for _, id := range args {
				one, err := c.RemoveContact(cmd.Context(), id)
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s (%s) is removed.\n", one.ID, plainText(one.Name))
			}
			return nil
		},
	}
}

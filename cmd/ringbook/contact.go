package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"ringbook/directory"
	"ringbook/server/admin"
)

func newContact(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "contact",
		Short: "Find, explain, enter, import and export contacts",
		Long:  "A contact is one person or organisation in the mirror, in a book or not.",
		Example: "  ringbook contact find miller\n  ringbook contact find '030 1234'\n" +
			"  ringbook contact explain anna@contoso.com --device k7m2x9qd",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		newContactFind(o), newContactShow(o), newContactExplain(o),
		newContactAdd(o), newContactEdit(o), newContactRemove(o), newContactImport(o), newContactExport(o),
	)
	return cmd
}

func newContactFind(o *options) *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use:   "find TEXT|NUMBER",
		Short: "Look a name, an e-mail address or a number up",
		Long: "Looks in the whole mirror, also among those who are in no book. Names are found by the beginnings of their words, in any order;\n" +
			"numbers in any spelling.",
		Example: "  ringbook contact find 'mül ann'\n  ringbook contact find +493012345 --json",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := o.client()
			if err != nil {
				return err
			}
			found, err := c.FindContacts(cmd.Context(), strings.Join(args, " "), limit)
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(cmd.OutOrStdout(), found)
			}
			return writeFound(cmd.OutOrStdout(), found)
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 50, "show up to so many")
	return o.withJSON(cmd)
}

func writeFound(w io.Writer, found admin.ContactList) error {
	if len(found.Contacts) == 0 {
		_, err := fmt.Fprintln(w, "Nobody is found.")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tNAME\tNUMBERS\tE-MAIL\tSOURCE\tBOOKS")
	for _, c := range found.Contacts {
		var numbers []string
		for _, p := range c.Phones {
			numbers = append(numbers, p.Canonical())
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", c.ID, plainText(c.Name), dash(plainText(strings.Join(numbers, ", "))),
			dash(plainText(strings.Join(c.Emails, ", "))), c.Source, dash(joined(c.Books)))
	}
	if found.More {
		fmt.Fprintln(t, "… and more; --limit shows more of them")
	}
	return t.Flush()
}

func newContactShow(o *options) *cobra.Command {
	return o.withJSON(&cobra.Command{
		Use:     "show ID|E-MAIL",
		Short:   "Show all that is stored of a contact",
		Example: "  ringbook contact show anna@contoso.com",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := o.client()
			if err != nil {
				return err
			}
			one, err := c.Contact(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(cmd.OutOrStdout(), one)
			}
			return writeContact(cmd.OutOrStdout(), one)
		},
	})
}

func writeContact(w io.Writer, c admin.Contact) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(what, value string) {
		if value != "" {
			fmt.Fprintf(t, "%s\t%s\n", what, plainText(value))
		}
	}
	row("Contact", string(c.ID))
	row("Import", c.Set)
	row("Source", string(c.Source)+", last changed "+c.Modified.Local().Format("2006-01-02 15:04"))
	row("Shown as part of", string(c.MergedInto))
	for _, p := range c.Parts {
		row("Shown with", strings.TrimSuffix(string(p.ID)+"  "+string(p.Source)+"  "+p.Set, "  "))
	}
	row("Books", dash(joined(c.Books)))
	row("Name", c.Name)
	row("Given name", c.GivenName)
	row("Surname", c.Surname)
	for _, m := range c.Emails {
		row("E-mail", m)
	}
	for _, p := range c.Phones {
		row("Number", string(p.Kind)+"  "+p.Written+"  "+p.E164+"  ("+p.Attribute+")")
	}
	row("Job title", c.JobTitle)
	row("Department", c.Department)
	row("Company", c.Company)
	row("Office", c.Office)
	row("Address", strings.Join(slices.DeleteFunc([]string{c.Address.Street, c.Address.PostalCode, c.Address.City, c.Address.State, c.Address.Country}, func(s string) bool { return s == "" }), ", "))
	row("Photo", map[bool]string{true: "yes"}[c.Photo != ""])
	row("Sign-in name", c.UserPrincipalName)
	row("User type", c.UserType)
	row("Employee id", c.EmployeeID)
	row("Enabled", flagWord(c.AccountEnabled))
	row("In address lists", flagWord(c.ShowInAddressList))
	row("Manager", string(c.Manager))
	for _, name := range slices.Sorted(maps.Keys(c.Extras)) {
		row(name, strings.Join(c.Extras[name], ", "))
	}
	return t.Flush()
}

func flagWord(f directory.Flag) string {
	return map[directory.Flag]string{directory.True: "yes", directory.False: "no"}[f]
}

func newContactExplain(o *options) *cobra.Command {
	var device string
	cmd := &cobra.Command{
		Use:   "explain ID|E-MAIL [--device ID]",
		Short: "Say why a contact is on a device, or not, and what is shown of it",
		Long: "Goes through the rules of the device's books, part by part (✓ true, ✗ false, ? undefined), and through the contact, field by field, as the\n" +
			"device gets it: with where each comes from, and when that last changed. Without --device it goes through every book.",
		Example: "  ringbook contact explain anna@contoso.com --device k7m2x9qd",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := o.client()
			if err != nil {
				return err
			}
			x, err := c.ExplainContact(cmd.Context(), args[0], device)
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(cmd.OutOrStdout(), x)
			}
			return writeExplanation(cmd.OutOrStdout(), x)
		},
	}
	cmd.Flags().StringVar(&device, "device", "", "as this device (`ID` or login) gets it")
	return o.withJSON(cmd)
}

func writeExplanation(w io.Writer, x admin.ContactExplanation) error {
	fmt.Fprintf(w, "%s (%s)\n", plainText(x.Contact.Name), x.Contact.ID)
	if x.Asked != "" {
		fmt.Fprintf(w, "Contact %s is the same person, and is shown as part of this one.\n", x.Asked)
	}
	for _, p := range x.Contact.Parts {
		fmt.Fprintf(w, "It is shown with what source %s says (%s).\n", p.Source, p.ID)
	}
	switch {
	case x.Device == "" && x.Visible:
		fmt.Fprintln(w, "Is in a book.")
	case x.Device == "":
		fmt.Fprintln(w, "Is in no book.")
	case x.State != directory.DeviceActive:
		fmt.Fprintf(w, "Is not on device %s, which is %s: it is shown nobody.\n", x.Device, x.State)
	case x.Visible:
		fmt.Fprintf(w, "Is on device %s.\n", x.Device)
	default:
		fmt.Fprintf(w, "Is not on device %s: no rule of its books lets it in.\n", x.Device)
	}
	for _, b := range x.Books {
		verdict := "not in it"
		switch {
		case b.Member && b.TakenBefore:
			verdict = "in it, and shown in a book before it"
		case b.Member:
			verdict = "in it"
		}
		fmt.Fprintf(w, "\nBook %s: %s\n", b.Name, verdict)
		for _, n := range b.Nodes {
			fmt.Fprintf(w, "  %s%s %s\n", strings.Repeat("  ", n.Depth), map[string]string{"true": "✓", "false": "✗"}[n.Result]+map[bool]string{true: "?"}[n.Result == "undefined"], plainText(n.Filter))
		}
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\nFIELD\tVALUE\tFROM\tCHANGED\t")
	for _, f := range x.Shown {
		from := f.Source
		if f.Attribute != "" {
			from += ", " + f.Attribute
		}
		note := ""
		if f.Hidden != "" {
			note = "not shown: " + f.Hidden
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", f.Field, plainText(f.Value), plainText(from), f.Changed.Local().Format(time.DateTime), note)
	}
	return t.Flush()
}

func namesOf(list []admin.Mention) string {
	names := make([]string, len(list))
	for i, m := range list {
		names[i] = plainText(m.Name)
	}
	return strings.Join(names, "; ")
}

func joined(names []directory.BookName) string {
	words := make([]string, len(names))
	for i, n := range names {
		words[i] = string(n)
	}
	return strings.Join(words, ", ")
}

func dash(s string) string { return cmp.Or(s, "–") }

// plainText makes text of a stranger fit for one line of a terminal: what could
// steer it is left out.
func plainText(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case !unicode.IsPrint(r) && !unicode.In(r, unicode.Join_Control):
			return -1
		}
		return r
	}, s)
}

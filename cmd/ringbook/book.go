package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"ringbook/directory"
	"ringbook/directory/index"
	"ringbook/server/admin"
)

func newBook(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "book",
		Short: "List the books, and try rules",
		Long:  "A book is a named view of the directory: a title, and a rule that says who is in it.",
		Example: "  ringbook book list\n" +
			"  ringbook book preview '(&(accountEnabled=TRUE)(department=Sales))'",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newBookList(o), newBookPreview(o))
	return cmd
}

func newBookList(o *options) *cobra.Command {
	return o.withJSON(&cobra.Command{
		Use:     "list",
		Short:   "List the books with their rules",
		Example: "  ringbook book list --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := o.client()
			if err != nil {
				return err
			}
			list, err := c.Books(cmd.Context())
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(cmd.OutOrStdout(), list)
			}
			t := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(t, "NAME\tCONTACTS\tTITLE\tRULE")
			for _, b := range list.Books {
				fmt.Fprintf(t, "%s\t%d\t%s\t%s\n", b.Name, b.Contacts, plainText(b.Title), plainText(b.Filter))
			}
			return t.Flush()
		},
	})
}

func newBookPreview(o *options) *cobra.Command {
	var req admin.PreviewRequest
	var book string
	cmd := &cobra.Command{
		Use:   "preview FILTER",
		Short: "Say whom a rule would let in, and why not the others",
		Long: "Counts whom a rule (RFC 4515) would let in, and groups the others by the part of the rule that keeps them out. It also says who would\n" +
			"come into a book, and who would leave it, if that had the rule. Nothing is changed: write the rule into the configuration for that.",
		Example: "  ringbook book preview '(&(accountEnabled=TRUE)(!(userType=Guest)))'\n" +
			"  ringbook book preview '(memberOf=Sales)' --book sales --limit 50",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := index.ParseRule(args[0]); err != nil {
				return &hintError{err: err, code: exitUsage, hint: "Write it like '(&(accountEnabled=TRUE)(department=Sales))' (RFC 4515); README lists what a rule may ask."}
			}
			req.Filter, req.Book = args[0], directory.BookName(book)
			c, err := o.client()
			if err != nil {
				return err
			}
			p, err := c.Preview(cmd.Context(), req)
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(cmd.OutOrStdout(), p)
			}
			return writePreview(cmd.OutOrStdout(), p)
		},
	}
	cmd.Flags().StringVar(&book, "book", "", "compare with this `BOOK` (default the first)")
	cmd.Flags().IntVar(&req.Limit, "limit", 10, "name up to so many contacts of each kind")
	return o.withJSON(cmd)
}

func writePreview(w io.Writer, p admin.Preview) error {
	fmt.Fprintf(w, "%d in, %d out\n", p.In, p.Out)
	if p.Merged > 0 {
		fmt.Fprintf(w, "%d more contacts are shown as part of these, and counted with them.\n", p.Merged)
	}
	for _, g := range p.Groups {
		fmt.Fprintf(w, "It is not known who belongs to the group %q: groups are read once the rule of a book asks for them.\n", plainText(string(g)))
	}
	if len(p.Reasons) > 0 {
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "\nOUT\tBECAUSE\tSUCH AS")
		for _, r := range p.Reasons {
			fmt.Fprintf(t, "%d\t%s is %s\t%s\n", r.Count, plainText(r.Filter), r.Result, namesOf(r.Examples))
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	fmt.Fprintf(w, "\nBook %s has %d contacts; with this rule %d would join and %d would leave.\n", p.Book, p.Members, p.Joining, p.Leaving)
	for _, side := range []struct {
		what  string
		names []admin.Mention
		all   int
	}{{"Join", p.Joiners, p.Joining}, {"Leave", p.Leavers, p.Leaving}} {
		for _, m := range side.names {
			fmt.Fprintf(w, "  %s  %s  %s\n", side.what, m.ID, plainText(m.Name))
		}
		if more := side.all - len(side.names); more > 0 && len(side.names) > 0 {
			fmt.Fprintf(w, "  … and %d more; --limit names more of them\n", more)
		}
	}
	return nil
}

package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ringbook/directory/transfer"
)

func newContactExport(o *options) *cobra.Command {
	var format, book, source string
	cmd := &cobra.Command{
		Use:   "export [FILE]",
		Short: "Export contacts as CSV, vCard or LDIF",
		Long: "Writes contacts into FILE, which only its owner may read, or to standard output. The format follows the file's name unless --format names\n" +
			"one. CSV is in UTF-8 with a header that `contact import` reads back; a cell that a spreadsheet would take for a formula begins with '.",
		Example: "  ringbook contact export people.csv --book people\n  ringbook contact export --format ldif --source local",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if format == "" && len(args) == 1 {
				format = map[string]string{".csv": "csv", ".vcf": "vcard", ".ldif": "ldif"}[strings.ToLower(filepath.Ext(args[0]))]
			}
			if !slices.Contains(transfer.Formats(), format) {
				return usage("say which format: --format %s", strings.Join(transfer.Formats(), "|"))
			}
			c, err := o.client()
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return c.ExportContacts(cmd.Context(), cmd.OutOrStdout(), format, book, source)
			}
			var b bytes.Buffer
			if err := c.ExportContacts(cmd.Context(), &b, format, book, source); err != nil {
				return err
			}
			if err := writePrivate(args[0], b.Bytes()); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.ErrOrStderr(), "Wrote %s.\n", args[0])
			return err
		},
	}
	cmd.Flags().StringVar(&format, "format", "", "csv, vcard or ldif")
	cmd.Flags().StringVar(&book, "book", "", "only the contacts of this `BOOK`")
	cmd.Flags().StringVar(&source, "source", "", "only the contacts of this `SOURCE`: user, org_contact, local")
	return cmd
}

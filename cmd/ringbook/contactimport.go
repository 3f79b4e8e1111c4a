package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"ringbook/directory"
	"ringbook/directory/transfer"
	"ringbook/graph"
	"ringbook/server/admin"
)

// importPart is how many contacts are sent at a time: the bar moves, and a part
// is one transaction.
const importPart = 1000

// An importResult is what an import did, as it is printed.
type importResult struct {
	Read    int                  `json:"read"`
	Applied directory.Applied    `json:"applied"`
	DryRun  bool                 `json:"dry_run,omitempty"`
	Changes []admin.ImportChange `json:"changes"`
	Skipped []transfer.Skipped   `json:"skipped"`
	Unknown []string             `json:"unknown_columns,omitempty"`
}

// importFlags are the flags of an import.
type importFlags struct {
	set, key, delimiter, encoding string
	columns                       []string
	removeMissing, dryRun, accept bool
}

func newContactImport(o *options) *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "import FILE.csv|FILE.vcf",
		Short: "Import contacts, and update them by importing again",
		Long: "Reads a CSV file with a header (delimiter and encoding are found out; Outlook's, Google's and most people's own headers are understood) or a\n" +
			"file of vCards. Each contact has a key: the column of --key, a vCard's UID, else the e-mail address, else name and company. Importing\n" +
			"a newer file under the same --set changes the contacts of the same keys; with --remove-missing those that it does not have any more\n" +
			"are removed. --dry-run says what would change. Parts of 1,000 contacts are applied one after the other: an import that is interrupted\n" +
			"is completed by running it again.",
		Example: "  ringbook contact import suppliers.csv --dry-run\n" +
			"  ringbook contact import suppliers.csv --set suppliers --key Kundennr --map Zentrale=work --remove-missing\n" +
			"  ringbook contact import old-phone.vcf --set 'old phone'",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := f.read(args[0])
			if err != nil {
				return err
			}
			c, err := o.client()
			if err != nil {
				return err
			}
			bar := newProgress(cmd.OutOrStdout(), cmd.ErrOrStderr(), len(file.Rows))
			result, err := f.send(cmd, c, file, bar)
			bar.end()
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(cmd.OutOrStdout(), result)
			}
			return writeImport(cmd.OutOrStdout(), result)
		},
	}
	l := cmd.Flags()
	l.StringVar(&f.set, "set", "import", "the `NAME` of the import: the same for the next file of the same contacts")
	l.StringVar(&f.key, "key", "", "the `COLUMN` that identifies a contact")
	l.StringArrayVar(&f.columns, "map", nil, "what a column holds, as `COLUMN=WHAT` (name, given, surname, …, email, work, mobile, …, key, ignore); may be given again")
	l.StringVar(&f.delimiter, "delimiter", "", "what separates cells (default: found out)")
	l.StringVar(&f.encoding, "encoding", "", "utf-8, utf-16 or windows-1252 (default: found out)")
	l.BoolVar(&f.removeMissing, "remove-missing", false, "remove the contacts of the set that the file does not have")
	l.BoolVar(&f.dryRun, "dry-run", false, "say what would change, and change nothing")
	l.BoolVar(&f.accept, "accept-shrink", false, "let the import remove more of a book than mirror.shrink_guard allows")
	return o.withJSON(cmd)
}

// read reads the file; what is wrong with it as a whole is wrong usage.
func (f *importFlags) read(name string) (*transfer.File, error) {
	opts := transfer.CSVOptions{Key: f.key, Encoding: f.encoding, Map: map[string]string{}}
	for _, pair := range f.columns {
		i := strings.LastIndex(pair, "=")
		if i < 1 {
			return nil, usage("--map %s: write it like --map Durchwahl=work", pair)
		}
		opts.Map[pair[:i]] = pair[i+1:]
	}
	if f.delimiter != "" {
		r, size := utf8.DecodeRuneInString(strings.ReplaceAll(f.delimiter, `\t`, "\t"))
		if size < len(strings.ReplaceAll(f.delimiter, `\t`, "\t")) {
			return nil, usage("--delimiter %s: it is one character", f.delimiter)
		}
		opts.Delimiter = r
	}
	in, err := os.Open(name)
	if err != nil {
		return nil, &hintError{err: fmt.Errorf("read the contacts: %w", err), code: exitUsage}
	}
	defer in.Close() //nolint:errcheck // it was only read
	var file *transfer.File
	switch ext := strings.ToLower(filepath.Ext(name)); ext {
	case ".csv", ".txt", ".tsv":
		file, err = transfer.ReadCSV(in, opts)
	case ".vcf", ".vcard":
		file, err = transfer.ReadVCard(in)
	default:
		return nil, usage("%s: a file to import ends in .csv or .vcf", name)
	}
	if errors.Is(err, directory.ErrInvalid) || errors.Is(err, directory.ErrTooLarge) {
		return nil, &hintError{err: fmt.Errorf("%s: %w", name, err), code: exitUsage, hint: "See: ringbook contact import --help"}
	}
	return file, err
}

// send sends the contacts in parts.
func (f *importFlags) send(cmd *cobra.Command, c *admin.Client, file *transfer.File, bar *progress) (importResult, error) {
	result := importResult{Read: file.Read, DryRun: f.dryRun, Changes: []admin.ImportChange{}, Skipped: file.Skipped, Unknown: file.Unknown}
	if result.Skipped == nil {
		result.Skipped = []transfer.Skipped{}
	}
	part := func(req admin.ImportRequest) error {
		req.Set, req.DryRun, req.AcceptShrink = f.set, f.dryRun, f.accept
		report, err := c.ImportContacts(cmd.Context(), req)
		if err != nil {
			return err
		}
		result.Applied = result.Applied.Add(report.Applied)
		result.Changes = append(result.Changes, report.Changes...)
		return nil
	}
	keep := []directory.ContactID{}
	sent := 0
	for rows := range slices.Chunk(file.Rows, importPart) {
		var req admin.ImportRequest
		for _, r := range rows {
			id := transfer.ID(f.set, r.Key)
			keep = append(keep, id)
			req.Rows = append(req.Rows, admin.ImportRow{ID: id, Contact: r.Contact})
		}
		if err := part(req); err != nil {
			return result, err
		}
		sent += len(rows)
		bar.show(graph.Progress{Feed: "import", Read: sent, Total: len(file.Rows)})
	}
	last := admin.ImportRequest{Last: true}
	if f.removeMissing {
		last.Keep = &keep
	}
	err := part(last)
	return result, err
}

// shownChanges is how many changes an import shows: --json has more of them.
const shownChanges = 20

func writeImport(w io.Writer, r importResult) error {
	would := ""
	if r.DryRun {
		would = "would be "
	}
	a := r.Applied
	fmt.Fprintf(w, "%d read: %d %sadded, %d changed, %d removed, %d unchanged, %d skipped\n", r.Read, a.Added, would, a.Changed, a.Removed, a.Unchanged, len(r.Skipped))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i, c := range r.Changes {
		if i == shownChanges {
			fmt.Fprintln(t, "… and more; --json has them")
			break
		}
		fmt.Fprintf(t, "%s\t%s\t%s\n", c.What, c.ID, plainText(c.Name))
		for _, f := range c.Fields {
			fmt.Fprintf(t, "\t\t  %s: %s → %s\n", f.Field, dash(plainText(f.Old)), dash(plainText(f.New)))
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for i, s := range r.Skipped {
		if i == shownChanges {
			fmt.Fprintf(w, "… and %d more skipped; --json has them\n", len(r.Skipped)-i)
			break
		}
		fmt.Fprintf(w, "Line %d skipped: %s\n", s.Line, plainText(s.Reason))
	}
	if len(r.Unknown) > 0 {
		fmt.Fprintf(w, "Columns not understood: %s. Say with --map what they hold.\n", plainText(strings.Join(r.Unknown, ", ")))
	}
	return nil
}

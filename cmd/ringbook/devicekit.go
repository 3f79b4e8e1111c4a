package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"ringbook/server/admin"
	"ringbook/server/enroll/kit"
)

func newDeviceKit(o *options) *cobra.Command {
	var r admin.KitRequest
	var out, secretFile string
	var list bool
	cmd := &cobra.Command{
		Use:   "kit ID --vendor VENDOR",
		Short: "Write the settings of a desk phone, a telephone system or a program",
		Long: "Writes what a phone needs to ask this server: its make's own provisioning file, or a list of what to type, with the\n" +
			"device's login, the base, the filters and the way (LDAPS, StartTLS). What does not fit the phone is said beside it.\n" +
			"The names that end with -xml fetch a phone book over HTTPS instead, for phones without LDAP.\n" +
			"With --legacy it is for the listener for old phones ([ldap.legacy]), which a phone needs that knows only old TLS, or none.\n" +
			"The secret is not in it unless --secret-file names a file that holds it (- = standard input): only hashes are kept here.",
		Example: "  ringbook device kit k7m2x9qd --vendor yealink --secret-file secret --out 001565a1b2c3.cfg\n" +
			"  ringbook device kit k7m2x9qd --vendor gigaset-n --legacy\n" +
			"  ringbook device kit --list",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case list:
				return writeVendors(cmd.OutOrStdout())
			case len(args) == 0:
				return usage("say which device: ringbook device kit ID --vendor yealink")
			case r.Vendor == "":
				return usage("say which kit: --vendor yealink; --list shows them all")
			case kit.Title(r.Vendor) == "":
				return usage("there is no kit for %q: use one of %s", r.Vendor, newEnum(&r.Vendor, kit.Vendors()).list(", "))
			}
			var err error
			if r.Secret, err = readSecret(secretFile, cmd.InOrStdin()); err != nil {
				return err
			}
			c, err := o.client()
			if err != nil {
				return err
			}
			k, err := c.Kit(cmd.Context(), args[0], r)
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(cmd.OutOrStdout(), k)
			}
			return o.writeKit(cmd.OutOrStdout(), cmd.ErrOrStderr(), k, out)
		},
	}
	f := cmd.Flags()
	f.StringVar((*string)(&r.Vendor), "vendor", "", "which kit: a `VENDOR` of --list")
	f.BoolVar(&r.Legacy, "legacy", false, "for a phone that needs the listener for old phones")
	f.BoolVar(&list, "list", false, "list the kits")
	f.StringVar(&out, "out", "", "write the kit to `FILE`")
	f.StringVar(&secretFile, "secret-file", "", "put the secret in `FILE` into the kit (- = standard input)")
	return o.withJSON(cmd)
}

func writeVendors(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, v := range kit.Vendors() {
		fmt.Fprintf(t, "%s\t%s\n", v, kit.Title(v))
	}
	return t.Flush()
}

// writeKit writes the kit to a file, or to stdout, and what there is to say about
// it beside it.
func (o *options) writeKit(stdout, stderr io.Writer, k admin.Kit, out string) error {
	if out == "" {
		if _, err := io.WriteString(stdout, k.Text); err != nil {
			return err
		}
	} else {
		if err := writePrivate(out, []byte(k.Text)); err != nil {
			return err
		}
		fmt.Fprintf(stderr, "Wrote %s.\n", out)
	}
	if strings.Contains(k.File, "MAC") {
		fmt.Fprintf(stderr, "- Provisioning servers keep it as %s, with the phone's own address for MAC. If there is one already, put these lines into it.\n", k.File)
	}
	for _, a := range k.Advice {
		fmt.Fprintf(stderr, "- %s\n", o.copyable(a))
	}
	return nil
}

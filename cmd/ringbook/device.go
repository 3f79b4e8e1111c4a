package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"ringbook/directory"
	"ringbook/server/admin"
	"ringbook/server/enroll/kit"
)

// maxSecret is the longest secret that is read from a file; ours have 20 characters.
const maxSecret = 1 << 10

func newDevice(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "device",
		Short: "Add, show and revoke devices",
		Long:  "A device is one phone, desk phone, PBX or app. Each has a login and a secret of its own,\nso that each can be taken away on its own.",
		Example: "  ringbook device add --name \"Anna's iPhone\" --owner anna@contoso.com\n" +
			"  ringbook device list\n  ringbook device revoke k7m2x9qd",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newDeviceAdd(o), newDeviceEdit(o), newDeviceList(o), newDeviceShow(o), newDeviceRevoke(o), newDeviceRotate(o), newDeviceHeal(o), newDeviceProfile(o), newDeviceKit(o))
	return cmd
}

// deviceFlags are the flags by which a device is set up.
type deviceFlags struct {
	set   admin.NewDevice
	books []string
}

func (f *deviceFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.set.Name, "name", "", "what people call the device")
	flags.StringVar(&f.set.Owner, "owner", "", "user principal name of its owner")
	flags.Var(newEnum(&f.set.Kind, directory.DeviceKinds()), "kind", "what it is")
	flags.StringArrayVar(&f.books, "book", nil, "a `BOOK` it sees; may be given again (default: the first book)")
	flags.Var(newEnum(&f.set.Numbers, directory.NumberProfiles()), "numbers", "how numbers are written for it")
	flags.Var(newEnum(&f.set.Names, directory.NameStyles()), "names", "how names are written for it: as the source has them, or plain, without commas (FRITZ!Box)")
	flags.Var(newEnum(&f.set.Photos, directory.PhotoSizes()), "photos", "which photos it gets (default: large for phones, none for the rest)")
	flags.BoolVar(&f.set.ASCII, "ascii", false, "its fonts have no umlauts, accents or other scripts (desk phones)")
	flags.IntVar(&f.set.Hits, "hits", 0, "most entries of one LDAP answer; 0 = as many as the server gives")
	flags.StringVar((*string)(&f.set.Site), "site", "", "the `SITE` at which it stands, whose number plan it dials by")
}

// device returns what was given on the command line.
func (f *deviceFlags) device() admin.NewDevice {
	f.set.Books = nil
	for _, b := range f.books {
		f.set.Books = append(f.set.Books, directory.BookName(b))
	}
	return f.set
}

// change returns the flags that were given; ok = there are any.
func (f *deviceFlags) change(cmd *cobra.Command) (c admin.DeviceChange, ok bool) {
	d := f.device()
	given := map[string]func(){
		"name": func() { c.Name = &d.Name }, "owner": func() { c.Owner = &d.Owner }, "kind": func() { c.Kind = &d.Kind },
		"book": func() { c.Books = &d.Books }, "numbers": func() { c.Numbers = &d.Numbers }, "names": func() { c.Names = &d.Names },
		"photos": func() { c.Photos = &d.Photos }, "ascii": func() { c.ASCII = &d.ASCII }, "hits": func() { c.Hits = &d.Hits }, "site": func() { c.Site = &d.Site },
	}
	for name, take := range given {
		if cmd.Flags().Changed(name) {
			take()
			ok = true
		}
	}
	return c, ok
}

func newDeviceAdd(o *options) *cobra.Command {
	var f deviceFlags
	cmd := &cobra.Command{
		Use:   "add --name NAME",
		Short: "Add a device and show its secret, this once",
		Long:  "Makes a login and a random secret for one device. The secret is shown this once: only a hash of it is kept.",
		Example: "  ringbook device add --name \"Anna's iPhone\" --owner anna@contoso.com\n" +
			"  ringbook device add --name \"Reception\" --kind deskphone --numbers national --json\n" +
			"  ringbook device add --name Fritzbox --kind pbx --names plain",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d := f.device()
			if strings.TrimSpace(d.Name) == "" {
				return usage("a device needs a name: --name \"Anna's iPhone\"")
			}
			c, err := o.client()
			if err != nil {
				return err
			}
			added, err := c.AddDevice(cmd.Context(), d)
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(cmd.OutOrStdout(), added)
			}
			return o.writeAdded(cmd.OutOrStdout(), d, added)
		},
	}
	f.add(cmd)
	return o.withJSON(cmd)
}

func newDeviceEdit(o *options) *cobra.Command {
	var f deviceFlags
	cmd := &cobra.Command{
		Use:   "edit ID",
		Short: "Change how a device is set up",
		Long: "Changes what is given, and leaves the rest; --book replaces all of its books. Login and secret stay as they are, so nothing has to be\n" +
			"done on the phone: it shows the change after its next sync. A book that it may not see any more is empty for it from now on, so that\n" +
			"the phone itself deletes those contacts.",
		Example: "  ringbook device edit k7m2x9qd --photos small\n  ringbook device edit k7m2x9qd --book people --book suppliers\n" +
			"  ringbook device edit k7m2x9qd --names plain",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			change, ok := f.change(cmd)
			if !ok {
				return usage("say what changes, for example --photos small")
			}
			c, err := o.client()
			if err != nil {
				return err
			}
			d, err := c.ChangeDevice(cmd.Context(), args[0], change)
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(cmd.OutOrStdout(), d)
			}
			return o.writeDevice(cmd.OutOrStdout(), d)
		},
	}
	f.add(cmd)
	return o.withJSON(cmd)
}

func (o *options) writeAdded(w io.Writer, d admin.NewDevice, a admin.AddedDevice) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "Device\t%s\n", a.ID)
	fmt.Fprintf(t, "Login\t%s\n", a.Login)
	fmt.Fprintf(t, "Secret\t%s\t(shown this once)\n", a.Secret)
	fmt.Fprintf(t, "CardDAV\t%s\n", a.CardDAVURL)
	writeLDAP(t, a.LDAP)
	if d.Owner != "" && !a.OwnerKnown {
		fmt.Fprintf(t, "Owner\t%s is not in the mirror: until that is so, the device does not end when its owner leaves\n", d.Owner)
	}
	switch {
	case d.Kind == "" || d.Kind == directory.KindPhone:
		fmt.Fprintf(t, "\nProfile for iPhone, iPad and Mac:\tringbook device profile %s --out %s.mobileconfig%s\n", a.ID, a.ID, o.configFlag())
	case a.LDAP.URI != "" || a.LDAP.LDAPSURI != "":
		fmt.Fprintf(t, "Name filter\t%s\nNumber filter\t%s\nName, numbers\t%s\n", kit.NameFilter, kit.NumberFilter, nameAndNumbers)
		fmt.Fprintf(t, "\nAll settings of your phone's make:\tringbook device kit %s --vendor yealink%s\t(--list shows the others)\n", a.ID, o.configFlag())
	}
	return t.Flush()
}

// nameAndNumbers is what every desk phone is to show.
const nameAndNumbers = kit.NameAttribute + ", " + kit.NumberAttributes

func writeLDAP(w io.Writer, l admin.LDAPAccess) {
	for _, uri := range []string{l.LDAPSURI, l.URI} {
		if uri != "" {
			fmt.Fprintf(w, "LDAP\t%s\n", uri)
		}
	}
	if l.URI != "" || l.LDAPSURI != "" {
		fmt.Fprintf(w, "Bind DN\t%s\n", l.BindDN)
		fmt.Fprintf(w, "Base DN\t%s\n", l.BaseDN)
	}
}

func newDeviceList(o *options) *cobra.Command {
	return o.withJSON(&cobra.Command{
		Use:     "list",
		Short:   "List the devices",
		Example: "  ringbook device list --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := o.client()
			if err != nil {
				return err
			}
			list, err := c.Devices(cmd.Context())
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(cmd.OutOrStdout(), list)
			}
			t := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(t, "ID\tSTATE\tKIND\tNAME\tOWNER\tADDED\tSEEN")
			for _, d := range list.Devices {
				fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", d.ID, d.State, d.Kind, d.Name, cmp.Or(d.Owner, "–"), d.Created.Local().Format("2006-01-02"), ago(d.LastSeen, time.Now()))
			}
			return t.Flush()
		},
	})
}

func newDeviceShow(o *options) *cobra.Command {
	return o.withJSON(&cobra.Command{
		Use:   "show ID",
		Short: "Show one device, and what it has done last",
		Long: "Shows how a device is set up and what it has done: how far it came in finding its books, what it has read of each and when,\n" +
			"how many changes it has not been told, how many writes it was refused, and which logins, from where and why. It says what to look at if something seems wrong.",
		Example: "  ringbook device show k7m2x9qd",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := o.client()
			if err != nil {
				return err
			}
			d, err := c.Device(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(cmd.OutOrStdout(), d)
			}
			return o.writeDevice(cmd.OutOrStdout(), d)
		},
	})
}

func (o *options) writeDevice(w io.Writer, d admin.Device) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	books := make([]string, len(d.Books))
	for i, b := range d.Books {
		books[i] = string(b)
	}
	fmt.Fprintf(t, "Device\t%s\nName\t%s\nOwner\t%s\nKind\t%s\n", d.ID, d.Name, cmp.Or(d.Owner, "–"), d.Kind)
	fmt.Fprintf(t, "State\t%s since %s\n", d.State, d.Changed.Local().Format("2006-01-02 15:04"))
	fmt.Fprintf(t, "Books\t%s\nNumbers\t%s\nPhotos\t%s\n", strings.Join(books, ", "), d.Numbers, d.Photos)
	if d.Site != "" {
		fmt.Fprintf(t, "Site\t%s\n", d.Site)
	}
	if d.Names == directory.NamesPlain {
		fmt.Fprintln(t, "Names\twithout commas")
	}
	if d.ASCII {
		fmt.Fprintln(t, "Letters\tASCII only")
	}
	if d.Hits > 0 {
		fmt.Fprintf(t, "Hits\t%d at most\n", d.Hits)
	}
	fmt.Fprintf(t, "Login\t%s\nCardDAV\t%s\n", d.Login, d.CardDAVURL)
	writeLDAP(t, d.LDAP)
	if err := t.Flush(); err != nil || d.Activity == nil {
		return err
	}
	return o.writeActivity(w, d, time.Now())
}

func newDeviceRevoke(o *options) *cobra.Command {
	var drain, now bool
	cmd := &cobra.Command{
		Use:   "revoke ID",
		Short: "Take a device's access away",
		Long: "Without a flag or with --now the device is refused from this second on; its open connections are closed.\n" +
			"Contacts that it has already stay on it. With --drain it may still log in for some days (devices.drain_days) and finds every\n" +
			"book empty, so that the phone itself deletes the contacts.",
		Example: "  ringbook device revoke k7m2x9qd\n  ringbook device revoke k7m2x9qd --drain",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if drain && now {
				return usage("--drain and --now exclude each other")
			}
			c, err := o.client()
			if err != nil {
				return err
			}
			d, err := c.Revoke(cmd.Context(), args[0], admin.Revocation{Drain: drain})
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(cmd.OutOrStdout(), d)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s (%s) is %s.\n", d.ID, d.Name, d.State)
			return err
		},
	}
	cmd.Flags().BoolVar(&drain, "drain", false, "empty the phone first")
	cmd.Flags().BoolVar(&now, "now", false, "refuse it from this second on (the default)")
	return o.withJSON(cmd)
}

func newDeviceRotate(o *options) *cobra.Command {
	return o.withJSON(&cobra.Command{
		Use:   "rotate ID",
		Short: "Give a device a new secret and show it, this once",
		Long: "Replaces a device's secret, for instance because somebody has seen it. The old one is refused from this second on and open connections\n" +
			"are closed; the login stays. The contacts stay on the phone, which asks for the new password.",
		Example: "  ringbook device rotate k7m2x9qd",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := o.client()
			if err != nil {
				return err
			}
			a, err := c.Rotate(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(cmd.OutOrStdout(), a)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "Device  %s\nLogin   %s\nSecret  %s  (shown this once)\n", a.ID, a.Login, a.Secret)
			return err
		},
	})
}

func newDeviceProfile(o *options) *cobra.Command {
	var r admin.ProfileRequest
	var out, secretFile string
	cmd := &cobra.Command{
		Use:   "profile ID --out FILE.mobileconfig",
		Short: "Write the account profile for iPhone, iPad and Mac",
		Long: "Writes the configuration profile that an MDM pushes, or that a person installs by hand.\n" +
			"The secret is not in it unless --secret-file names a file that holds it (- = standard input): only hashes are kept here.\n" +
			"Without it the device asks for the password once. A profile with a secret is as secret as the secret.",
		Example: "  ringbook device profile k7m2x9qd --out anna.mobileconfig\n" +
			"  ringbook device add --name iPad --json | tee ipad.json | jq -r .secret | \\\n" +
			"    ringbook device profile $(jq -r .id ipad.json) --secret-file - --out ipad.mobileconfig",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return usage("say where the profile goes: --out FILE.mobileconfig")
			}
			var err error
			if r.Secret, err = readSecret(secretFile, cmd.InOrStdin()); err != nil {
				return err
			}
			c, err := o.client()
			if err != nil {
				return err
			}
			profile, err := c.Profile(cmd.Context(), args[0], r)
			if err != nil {
				return err
			}
			if err := writePrivate(out, profile); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.ErrOrStderr(), "Wrote %s.\n", out)
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&out, "out", "", "write the profile to `FILE`")
	f.StringVar(&secretFile, "secret-file", "", "put the secret in `FILE` into the profile (- = standard input)")
	f.BoolVar(&r.RemovalDisallowed, "removal-disallowed", false, "the owner may not remove the profile (supervised devices)")
	f.StringVar(&r.VPNUUID, "vpn-uuid", "", "sync through the per-app VPN with this `UUID`")
	f.StringVar(&r.AudioCallApp, "audio-call-app", "", "call these contacts with the app of this `BUNDLE-ID`")
	return cmd
}

// readSecret reads what --secret-file names: "" = nothing, - = standard input.
func readSecret(file string, stdin io.Reader) (string, error) {
	if file == "" {
		return "", nil
	}
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return "", &hintError{err: fmt.Errorf("read the secret: %w", err), code: exitUsage}
		}
		defer f.Close() //nolint:errcheck // it was only read
		stdin = f
	}
	b, err := io.ReadAll(io.LimitReader(stdin, maxSecret))
	if err != nil {
		return "", fmt.Errorf("read the secret: %w", err)
	}
	s := strings.TrimSpace(string(b))
	if s == "" {
		return "", usage("there is no secret in %s", file)
	}
	return s, nil
}

// writePrivate writes a file that only its owner may read, whole or not at all.
// What is there and is no file (a pipe, /dev/stdout) is written to, not replaced.
func writePrivate(name string, b []byte) error {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return os.WriteFile(name, b, 0)
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".ringbook-*") // mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"ringbook/directory"
	"ringbook/server/admin"
)

func newDeviceHeal(o *options) *cobra.Command {
	return o.withJSON(&cobra.Command{
		Use:   "heal ID",
		Short: "Have a phone read every contact again",
		Long: "Has the phone read every contact again at its next sync, whatever it believes to have. A change that somebody makes to a contact on\n" +
			"the phone is refused and put right by itself; this is for a phone that shows something wrong all the same.",
		Example: "  ringbook device heal k7m2x9qd",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := o.client()
			if err != nil {
				return err
			}
			d, err := c.Heal(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(cmd.OutOrStdout(), d)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s (%s) reads everything again at its next sync.\n", d.ID, d.Name)
			return err
		},
	})
}

// writeActivity writes what a device has done last.
func (o *options) writeActivity(w io.Writer, d admin.Device, now time.Time) error {
	a := d.Activity
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "\nSeen\t%s\n", ago(d.LastSeen, now))
	if !d.LastSeen.IsZero() {
		fmt.Fprintf(t, "\tfirst %s\n", a.FirstSeen.Local().Format("2006-01-02 15:04"))
	}
	if a.UserAgent != "" {
		fmt.Fprintf(t, "App\t%s\n", plainText(a.UserAgent))
	}
	if a.Step != "" {
		fmt.Fprintf(t, "Came to\t%s, %s\n", stepText(a.Step), ago(a.StepAt, now))
	}
	for _, b := range a.Books {
		fmt.Fprintf(t, "Book %s\t%s\n", b.Name, bookText(b, d.State, now))
	}
	if a.Searches > 0 {
		fmt.Fprintf(t, "Searches\t%d, the last %s\n", a.Searches, ago(a.Searched, now))
	}
	if r := a.RefusedLogin; r.Count > 0 {
		fmt.Fprintf(t, "No login\t%d refused since the server started, the last %s from %v: %s\n", r.Count, ago(r.At, now), r.From, refusalText(r.Why))
	}
	if a.Refused > 0 {
		fmt.Fprintf(t, "Refused\t%d writes, the last %s; the phone is told the truth at its next sync\n", a.Refused, ago(a.LastRefused, now))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if a.Advice != "" {
		fmt.Fprintf(w, "\n%s\n", o.copyable(a.Advice))
	}
	return nil
}

func refusalText(why directory.RefusalReason) string {
	switch why {
	case directory.RefusedPlain:
		return "without TLS"
	case directory.RefusedThrottled:
		return "too many have failed there"
	case directory.RefusedRevoked:
		return "the device is revoked"
	case directory.RefusedSecret:
	}
	return "another secret"
}

// bookText says what a device has read of a book.
func bookText(b admin.DeviceBook, state directory.DeviceState, now time.Time) string {
	title, read := plainText(b.Title), ago(b.Synced, now)
	switch {
	case b.Former:
		return title + ": taken away, " + emptyingText(b, read)
	case state == directory.DeviceDraining && !b.Synced.IsZero():
		return title + ": " + emptyingText(b, read)
	}
	text := fmt.Sprintf("%s: %d contacts, ", title, b.Contacts)
	switch {
	case b.Synced.IsZero():
		return text + "never read"
	case b.Behind == 0:
		text += "up to date"
	default:
		text += fmt.Sprintf("%d changes behind", b.Behind)
	}
	return text + fmt.Sprintf(", last read %s, %d cards fetched in all", read, b.Cards)
}

// emptyingText says how far a phone is that is to empty a book; read = when it last
// read it.
func emptyingText(b admin.DeviceBook, read string) string {
	const layout = "2006-01-02 15:04"
	switch {
	case !b.Confirmed.IsZero():
		return "emptied on " + b.Emptied.Local().Format(layout) + ", and the phone has come back and knows"
	case !b.Emptied.IsZero():
		return "told that it is empty on " + b.Emptied.Local().Format(layout)
	}
	return "last read " + read + ", not seen since"
}

func stepText(s directory.Step) string {
	return map[directory.Step]string{
		directory.StepLogin: "logging in", directory.StepPrincipal: "finding out who it is", directory.StepHome: "asking which books there are",
		directory.StepBook: "looking at a book", directory.StepSync: "reading a book",
	}[s]
}

// ago says how long ago something was, as people do.
func ago(at, now time.Time) string {
	if at.IsZero() {
		return "never"
	}
	switch d := now.Sub(at); {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days ago", int(d.Hours()/24))
	}
}

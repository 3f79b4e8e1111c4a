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

	"github.com/spf13/cobra"

	"ringbook/directory"
	"ringbook/server/admin"
)

func newStatus(o *options) *cobra.Command {
	return o.withJSON(&cobra.Command{
		Use:   "status",
		Short: "Say whether the running server is well",
		Long: "Asks the running server how it is: how many contacts it serves, when it last heard from the tenant,\n" +
			"and what is wrong if something is. Exit code 0: it serves; 1: it has nothing to serve yet; 3: it does not answer.",
		Example: "  ringbook status\n  ringbook status --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := o.client()
			if err != nil {
				return err
			}
			st, err := c.Status(cmd.Context())
			if err != nil {
				return err
			}
			if o.json {
				err = printJSON(cmd.OutOrStdout(), st)
			} else {
				err = o.writeStatus(cmd.OutOrStdout(), st, time.Now())
			}
			if err == nil && !st.Ready {
				err = &hintError{
					err: fmt.Errorf("the directory has not been loaded yet"), code: exitFailed,
					hint: "The first sync is under way, or its error stands above.",
				}
			}
			return err
		},
	})
}

func (o *options) writeStatus(w io.Writer, st admin.Status, now time.Time) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	ready := "ready"
	if !st.Ready {
		ready = "not ready"
	}
	fmt.Fprintf(t, "Ringbook %s\t%s, up %s\n", st.Version, ready, now.Sub(st.Started).Round(time.Second))
	fmt.Fprintf(t, "Contacts\t%d, revision %d\n", st.Contacts, st.Revision)
	for _, b := range st.Books {
		fmt.Fprintf(t, "Book %s\t%d contacts (%s)\n", b.Name, b.Contacts, b.Title)
	}
	if st.Mailboxes.Mailboxes > 0 {
		fmt.Fprintf(t, "Mailboxes\t%d with %d contacts, each seen by its owner's devices\n", st.Mailboxes.Mailboxes, st.Mailboxes.Contacts)
	}
	fmt.Fprintf(t, "Devices\t%d active, %d draining, %d revoked\n", st.Devices.Active, st.Devices.Draining, st.Devices.Revoked)
	for _, l := range st.Listeners {
		fmt.Fprintf(t, "Listener %s\t%s\n", l.Name, listenerLine(l))
		if l.Note != "" {
			fmt.Fprintf(t, "\t%s\n", l.Note)
		}
	}
	for _, c := range st.Credentials {
		fmt.Fprintf(t, "Credential %s\t%s\n", c.Name, credentialLine(c, now))
		if c.LastError != "" {
			fmt.Fprintf(t, "\t%s\n", o.copyable(c.LastError))
		}
	}
	for _, s := range st.Sources {
		fmt.Fprintf(t, "Source %s\t%s\n", s.Name, feedLine(s, now))
		if s.LastError != "" {
			fmt.Fprintf(t, "\t%s\n", o.copyable(s.LastError))
		}
		if s.Attention {
			fmt.Fprintf(t, "\tNeeds attention: %d rounds in a row have failed since %s.\n", s.Failures, s.FailingSince.Local().Format("2006-01-02 15:04"))
		}
	}
	return t.Flush()
}

// listenerLine says how many are connected, and how those came who have logged in.
func listenerLine(l admin.ListenerStatus) string {
	line := fmt.Sprintf("%s, %d connections now", l.Address, l.Open)
	if len(l.Logins) == 0 {
		return line
	}
	var logins []string
	for _, version := range slices.Sorted(maps.Keys(l.Logins)) {
		logins = append(logins, fmt.Sprintf("%d with %s", l.Logins[version], cmp.Or(version, "no TLS")))
	}
	return line + "; logins since the start: " + strings.Join(logins, ", ")
}

func credentialLine(c directory.CredentialStatus, now time.Time) string {
	line := "not used yet"
	if c.InUse {
		line = "in use"
	}
	if c.Expires.IsZero() {
		return line + ", end not known"
	}
	if days := int(c.Expires.Sub(now).Hours() / 24); !now.Before(c.Expires) {
		line += ", EXPIRED"
	} else if _, soon := noticeOf(c, now); soon {
		line += fmt.Sprintf(", %d days left: make the next one", days)
	}
	line += ", until " + c.Expires.Format(time.DateOnly)
	if c.Thumbprint != "" {
		line += ", thumbprint " + c.Thumbprint
	}
	return line
}

func feedLine(s directory.FeedStatus, now time.Time) string {
	line := string(s.State)
	if s.Read > 0 {
		line += fmt.Sprintf(", %d read so far", s.Read)
	}
	if s.LastSuccess.IsZero() {
		line += ", no success yet"
	} else {
		line += fmt.Sprintf(", last success %s ago", now.Sub(s.LastSuccess).Round(time.Second))
	}
	if !s.NextRun.IsZero() && s.NextRun.After(now) {
		line += fmt.Sprintf(", next in %s", s.NextRun.Sub(now).Round(time.Second))
	}
	return line
}

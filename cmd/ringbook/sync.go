package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"ringbook/directory"
	"ringbook/server/admin"
)

func newSync(o *options) *cobra.Command {
	var r directory.SyncRequest
	cmd := &cobra.Command{
		Use:   "sync",
		Short: "Read the tenant's news now",
		Long: "Has the running server ask the tenant for news at once and waits until they are served.\n" +
			"It says for each source what was read, added, changed and removed.",
		Example: "  ringbook sync\n  ringbook sync --full            # read everything again\n" +
			"  ringbook sync --accept-shrink   # after the shrink guard stopped a sync that is right",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := o.client()
			if err != nil {
				return err
			}
			bar := newProgress(cmd.OutOrStdout(), cmd.ErrOrStderr(), 0)
			report, err := watched(cmd.Context(), c, bar, func() (admin.SyncReport, error) { return c.Sync(cmd.Context(), r) })
			if err != nil {
				return err
			}
			if o.json {
				err = printJSON(cmd.OutOrStdout(), report)
			} else {
				err = writeRounds(cmd.OutOrStdout(), report)
			}
			if err != nil {
				return err
			}
			return failed(report)
		},
	}
	cmd.Flags().BoolVar(&r.Full, "full", false, "read everything again, not only what changed")
	cmd.Flags().BoolVar(&r.AcceptShrink, "accept-shrink", false, "let this sync remove more than mirror.shrink_guard allows")
	return o.withJSON(cmd)
}

// watchEvery is how often the server is asked how far it is.
const watchEvery = 250 * time.Millisecond

// watched does something that takes the server a while, and shows how far its
// feeds are meanwhile.
func watched(ctx context.Context, c *admin.Client, bar *progress, do func() (admin.SyncReport, error)) (admin.SyncReport, error) {
	ctx, stop := context.WithCancel(ctx)
	var watcher sync.WaitGroup
	watcher.Go(func() {
		tick := time.NewTicker(watchEvery)
		defer tick.Stop()
		for bar.seen() {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if st, err := c.Status(ctx); err == nil { // else there is nothing to show, this once
				bar.follow(st)
			}
		}
	})
	result, err := do()
	stop()
	watcher.Wait()
	bar.end()
	return result, err
}

// failed is the first round that failed, and how.
func failed(report admin.SyncReport) error {
	for _, r := range report.Rounds {
		switch {
		case r.Unreachable:
			return &hintError{err: fmt.Errorf("%s: %s", r.Feed, r.Error), code: exitUnreachable}
		case r.Error != "":
			return fmt.Errorf("%s: %s", r.Feed, r.Error)
		}
	}
	return nil
}

func writeRounds(w io.Writer, report admin.SyncReport) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "SOURCE\tREAD\tADDED\tCHANGED\tREMOVED\tSKIPPED")
	for _, r := range report.Rounds {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\n", r.Feed, r.Read, r.Applied.Added, r.Applied.Changed, r.Applied.Removed, r.Skipped)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, r := range report.Rounds {
		writeSkips(w, r)
	}
	return nil
}

// writeSkips names what a round left out.
func writeSkips(w io.Writer, r directory.Round) {
	if len(r.Skips) == 0 {
		return
	}
	fmt.Fprintf(w, "\nLeft out of %s:\n", r.Feed)
	for _, s := range r.Skips {
		fmt.Fprintf(w, "  %s  %s\n", cmp.Or(s.ID, "(no id)"), s.Reason)
	}
	if r.MoreSkips > 0 {
		fmt.Fprintf(w, "  … and %d more\n", r.MoreSkips)
	}
}

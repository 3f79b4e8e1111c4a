package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"ringbook/config"
	"ringbook/graph"
)

// checkTime ends a whole check; each part has its own, shorter deadline.
const checkTime = 2 * time.Minute

// A part is one line of the check.
type part struct {
	Name   string           `json:"name"`
	State  graph.CheckState `json:"state"`
	Detail string           `json:"detail"`
	Mend   string           `json:"mend"`

	unreachable bool // it failed because nobody answered
	cut         bool // it failed because the other side hung up
}

// A checkReport is the document of check --json.
type checkReport struct {
	OK    bool   `json:"ok"` // nothing failed
	Parts []part `json:"parts"`
}

// A check is one run of the command.
type check struct {
	file         string
	login        string // of a device; "" = none is tried
	secretFile   string
	secret       string
	cfg          *config.Config
	parts        []part
	show         func(part) // as soon as it is known
	configFailed bool
}

func newCheck(o *options) *cobra.Command {
	var c check
	cmd := o.withJSON(&cobra.Command{
		Use:   "check",
		Short: "Test every part of the set-up",
		Long: "Tests every part of the set-up, one after the other: the configuration, the way to the tenant, signing in,\n" +
			"permissions, what Graph shows, and whether devices can reach this server. It says what to do about each ✗.\n" +
			"It needs no running server to test the tenant, changes nothing and prints no names of people.\n" +
			"Exit code 0: nothing failed; 1: something did; 2: the configuration is wrong; 3: tenant or server does not answer.",
		Example: "  ringbook check --config /etc/ringbook/ringbook.toml\n" +
			"  ringbook check --login d7k2m9 --secret-file secret.txt    # as a device, too",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c.file = config.Find(o.config)
			if err := c.readSecret(); err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			c.show = func(p part) { o.writePart(out, p) }
			if o.json {
				c.show = func(part) {}
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), checkTime)
			defer cancel()
			c.run(ctx)
			if err := cmd.Context().Err(); err != nil {
				return fmt.Errorf("check: %w", err)
			}
			err := c.err()
			if o.json {
				err = errors.Join(printJSON(out, checkReport{OK: err == nil, Parts: c.parts}), err)
			}
			return err
		},
	})
	cmd.Flags().StringVar(&c.login, "login", "", "log in as the device with this `LOGIN`, too")
	cmd.Flags().StringVar(&c.secretFile, "secret-file", "", "`FILE` with that device's secret")
	return cmd
}

// maxDeviceSecret is more than any secret that we hand out.
const maxDeviceSecret = 4 << 10

func (c *check) readSecret() error {
	if (c.login == "") != (c.secretFile == "") {
		return usage("--login and --secret-file belong together")
	}
	if c.login == "" {
		return nil
	}
	f, err := os.Open(c.secretFile)
	if err != nil {
		return &hintError{err: fmt.Errorf("--secret-file: %w", err), code: exitUsage}
	}
	b, err := io.ReadAll(io.LimitReader(f, maxDeviceSecret))
	if err := errors.Join(err, f.Close()); err != nil {
		return &hintError{err: fmt.Errorf("--secret-file: %w", err), code: exitUsage}
	}
	if c.secret = strings.TrimSpace(string(b)); c.secret == "" {
		return usage("--secret-file: %s is empty", c.secretFile)
	}
	return nil
}

func (c *check) run(ctx context.Context) {
	if !c.configuration() {
		for _, n := range []string{"tenant", "server"} {
			c.add(part{Name: n, State: graph.CheckSkipped, Detail: "Not asked: needs configuration."})
		}
		return
	}
	c.tenant(ctx)
	newServerCheck(c).run(ctx)
}

// add keeps and shows a part. Some quote what a stranger's server said.
func (c *check) add(p part) {
	p.Detail = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, p.Detail)
	c.parts = append(c.parts, p)
	c.show(p)
}

// configuration loads it; every problem is a part of its own.
func (c *check) configuration() bool {
	const name = "configuration"
	cfg, err := config.Load(c.file)
	var problems config.Problems
	switch {
	case errors.As(err, &problems):
		for _, p := range problems {
			mend := p.Mend
			p.Mend = ""
			c.add(part{Name: name, State: graph.CheckFailed, Detail: p.String(), Mend: mend})
		}
	case err != nil:
		c.add(part{Name: name, State: graph.CheckFailed, Detail: err.Error(), Mend: "Name the file with --config."})
	default:
		c.cfg = cfg
		c.add(part{Name: name, State: graph.CheckOK, Detail: cfg.File + " is in order."})
		for _, w := range cfg.Warnings {
			mend := w.Mend
			w.Mend = ""
			c.add(part{Name: name, State: graph.CheckWarning, Detail: w.String(), Mend: mend})
		}
	}
	c.configFailed = err != nil
	return err == nil
}

// tenant tests the way to the people.
func (c *check) tenant(ctx context.Context) {
	t, signIn, err := tenantOf(c.cfg)
	if err != nil {
		c.add(part{Name: "tenant", State: graph.CheckFailed, Detail: "The tenant's settings cannot work: " + err.Error() + ".", Mend: "Check [tenant]."})
		c.configFailed = true
		return
	}
	for r := range graph.Checks(ctx, t, graph.CheckOptions{
		SignIn: signIn, Photos: c.cfg.Mirror.Photos, OrgContacts: c.cfg.Mirror.OrgContacts, Groups: named(c.cfg), Mailboxes: string(c.cfg.Mirror.MailboxesGroup),
	}) {
		c.add(part{Name: r.Name, State: r.State, Detail: r.Detail, Mend: r.Mend, unreachable: r.Unreachable})
	}
}

// named returns the groups that the configuration names.
func named(cfg *config.Config) []string {
	var names []string
	for _, g := range cfg.Groups() {
		names = append(names, string(g))
	}
	if cfg.Mirror.MailboxesGroup != "" {
		names = append(names, string(cfg.Mirror.MailboxesGroup))
	}
	return names
}

// err says whether the check found a failure, and of which kind.
func (c *check) err() error {
	failed, unreachable := 0, 0
	for _, p := range c.parts {
		if p.State != graph.CheckFailed {
			continue
		}
		failed++
		if p.unreachable {
			unreachable++
		}
	}
	e := &hintError{err: fmt.Errorf("%d of %d parts failed", failed, len(c.parts)), code: exitFailed}
	switch {
	case failed == 0:
		return nil
	case c.configFailed:
		e.code = exitUsage
	case failed == unreachable:
		e.code = exitUnreachable
	}
	return e
}

// mark shows a state.
func mark(s graph.CheckState) string {
	switch s {
	case graph.CheckOK:
		return "✓"
	case graph.CheckWarning:
		return "!"
	case graph.CheckSkipped:
		return "–"
	default:
		return "✗"
	}
}

func (o *options) writePart(w io.Writer, p part) {
	fmt.Fprintf(w, "%s %-18s  %s\n", mark(p.State), p.Name, p.Detail)
	if p.Mend != "" {
		fmt.Fprintf(w, "  %-18s  → %s\n", "", o.copyable(p.Mend))
	}
}
